"""Logistic regression for many labels at once, each against the rest.

The problem is that of scikit-learn's LogisticRegression(solver="liblinear"), and so is the answer;
solved for all labels together, with what is dense multiplied as such, it takes a third of the time,
and a second fit can begin where the first ended. Newton's method: each step comes from conjugate
gradients, and is shortened until it makes things better (Lin, Weng and Keerthi, 2008).
"""

from typing import Optional, Tuple

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import expit

STEPS = 50
"""Newton steps at most; eight are usual."""
TURNS = 40
"""Conjugate gradients at most in a step."""
ROUGH = 0.3
"""How far the conjugate gradients go: exact steps cost more than they bring."""
HALVINGS = 10
HIDDEN = 1e-6
"""The part of the loss that rounding may hide."""
ENOUGH = 0.01
"""The part of the promised gain that a step must bring."""


class Table:
    """Features of texts, a row each: sparse counts, and dense columns of which the last is ones."""

    def __init__(self, sparse: csr_matrix, dense: np.ndarray) -> None:
        """Keep both, and the sparse one by columns too: scipy multiplies fastest row by row."""
        self._sparse, self._dense = sparse, dense
        self._turned = sparse.T.tocsr()

    @property
    def width(self) -> int:
        """How many features there are."""
        return int(self._sparse.shape[1] + self._dense.shape[1])

    def __getitem__(self, rows: np.ndarray) -> "Table":
        """Some of the rows."""
        return Table(self._sparse[rows], self._dense[rows])

    def __matmul__(self, weights: np.ndarray) -> np.ndarray:
        """A score for each row and label."""
        border = self._sparse.shape[1]
        return self._sparse @ weights[:border] + self._dense @ weights[border:]

    def turned(self, values: np.ndarray, power: int = 1) -> np.ndarray:
        """Each feature, to the `power`, times `values` (rows × labels), summed over the rows."""
        sparse, dense = self._turned, self._dense
        if power != 1:
            sparse, dense = sparse.power(power), dense**power
        return np.vstack([sparse @ values, dense.T @ values])


def fit(
    data: Table,
    index: np.ndarray,
    share: np.ndarray,
    C: float,
    tolerance: float,
    start: Optional[np.ndarray] = None,
) -> np.ndarray:
    """Weights that tell each label of `share` from all others, a column each; the bias comes last.

    `index` holds the label of each row, by number. A label's own rows weigh as much together as an
    equal part of all rows ("balanced"); the bias is kept small like any other weight. A label is
    done when its gradient is the `tolerance`, times its part of the rows, of what it was at zero.
    """
    counts = np.maximum(np.bincount(index, minlength=int(share.max()) + 1)[share], 1)
    own = index[:, np.newaxis] == share
    side = np.where(own, 1, -1).astype(np.float32)
    cost = (C * np.where(own, len(index) / ((index.max() + 1) * counts), 1)).astype(np.float32)
    weights = np.zeros((data.width, len(share)), np.float32)
    scores = np.zeros(side.shape, np.float32)
    limit = np.linalg.norm(data.turned(cost * side / 2), axis=0)
    limit *= tolerance * np.minimum(counts, len(index) - counts) / len(index)
    if start is not None:
        weights, scores = start.copy(), data @ start
    left = np.arange(len(share))
    for _ in range(STEPS):
        wrong = expit(-side[:, left] * scores[:, left])
        slope = weights[:, left] - data.turned(cost[:, left] * side[:, left] * wrong)
        go_on = np.linalg.norm(slope, axis=0) > limit[left]
        left, slope, wrong = left[go_on], slope[:, go_on], wrong[:, go_on]
        if not left.size:
            break
        bend = cost[:, left] * wrong * (1 - wrong)
        step, change = _step(data, slope, bend)
        length = _length(
            weights[:, left], step, scores[:, left], change, side[:, left], cost[:, left],
            (slope * step).sum(axis=0, dtype=np.float64),
        )  # fmt: skip
        weights[:, left] += length * step
        scores[:, left] += length * change
    return weights


def _step(data: Table, slope: np.ndarray, bend: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """About where each label's parabola is lowest, and what going there does to the scores."""
    scale = 1 / (1 + data.turned(bend, power=2))
    step, change = np.zeros_like(slope), np.zeros_like(bend)
    rest = -slope
    way = scale * rest
    size = (rest * way).sum(axis=0)
    first, left = np.sqrt(size), np.arange(slope.shape[1])
    for _ in range(TURNS):
        moved = data @ way
        bent = way + data.turned(bend[:, left] * moved)
        far = size / (way * bent).sum(axis=0)
        step[:, left] += far * way
        change[:, left] += far * moved
        rest -= far * bent
        scaled = scale[:, left] * rest
        after = (rest * scaled).sum(axis=0)
        go_on = np.sqrt(after) > ROUGH * first[left]
        if not go_on.any():
            break
        way = scaled[:, go_on] + (after / size)[go_on] * way[:, go_on]
        size, rest, left = after[go_on], rest[:, go_on], left[go_on]
    return step, change


def _length(
    weights: np.ndarray, step: np.ndarray, scores: np.ndarray, change: np.ndarray,
    side: np.ndarray, cost: np.ndarray, promised: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """How much of its step each label should go: 1, or half of it, or half of that …"""
    length = np.ones(step.shape[1], np.float32)
    before = _loss(weights, scores, side, cost)
    slack = HIDDEN * before
    for _ in range(HALVINGS):
        after = _loss(weights + length * step, scores + length * change, side, cost)
        worse = after > before + ENOUGH * length * promised + slack
        if not worse.any():
            break
        length[worse] /= 2
    return length


def _loss(
    weights: np.ndarray, scores: np.ndarray, side: np.ndarray, cost: np.ndarray
) -> np.ndarray:
    missed = cost * np.logaddexp(0, -side * scores)
    return (weights**2).sum(axis=0, dtype=np.float64) / 2 + missed.sum(axis=0, dtype=np.float64)
