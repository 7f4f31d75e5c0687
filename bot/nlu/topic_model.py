"""The arithmetic behind TopicClassifier: features in, labels with a confidence out.

Plain NumPy and scikit-learn without Rasa; saved as numbers only, so that a model file can run no
code. docs/nlu.md tells what was tried and what each part is worth.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple

import numpy as np
from scipy.sparse import csr_matrix, diags, hstack, vstack
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import normalize

from bot.nlu.against_rest import Table, fit
from bot.nlu.labels import OUTSIDE

NEAR = 3
"""How many of the predicted label's nearest phrases tell whether a text is like any we know."""
SHARPNESS = 10.0
"""How fast a neighbour's vote falls with its distance."""
FOREIGN_SCALE = 8.0
CORES = 2
"""How many threads learn at a time."""
TOLERANCE = 0.01


@dataclass(frozen=True)
class Rows:
    """Features of texts, a row each: sparse counts by featurizer, vectors (maybe none), flags."""

    sparse: Tuple[csr_matrix, ...]
    dense: np.ndarray
    elsewhere: np.ndarray

    def __len__(self) -> int:
        return len(self.elsewhere)


@dataclass(frozen=True)
class Guess:
    """The likeliest labels of a text with their shares, and how sure the first one is (0–1)."""

    ranking: Tuple[Tuple[str, float], ...]
    confidence: float
    shares: Mapping[str, float]

    @property
    def label(self) -> str:
        """The likeliest label."""
        return self.ranking[0][0]

    def share(self, name: str) -> float:
        """The share of one label."""
        return self.shares.get(name, 0.0)


def rows(
    blocks: Sequence[Sequence[Any]], dense: Sequence[np.ndarray], elsewhere: Sequence[bool]
) -> Rows:
    """Rows of what the featurizers made: for each text its sparse blocks, and its vector."""
    sparse = tuple(vstack(list(block)).tocsr().astype(np.float32) for block in zip(*blocks))
    size = dense[0].shape[-1] if dense else 0
    vectors = np.vstack(list(dense)) if dense else np.zeros((len(elsewhere), size))
    return Rows(sparse, vectors.astype(np.float32), np.array(elsewhere, dtype=bool))


class TopicModel:
    """One-against-the-rest logistic regression, neighbours' votes, and a learned confidence.

    - sparse counts as TF-IDF, each featurizer's block of length 1; the vectors centred and scaled;
      one linear model over both
    - a share of the vote (`neighbour_weight`) goes to the nearest training phrases
    - confidence: logistic regression on the guess's own signs (share, margin, likeness to the
      label's phrases …), fitted on guesses about phrases left out of training
    - for texts in other languages, whose words say nothing here, a model of the vectors alone
    """

    def __init__(
        self, labels: List[str], settings: Mapping[str, Any], **arrays: np.ndarray
    ) -> None:
        """Arrays as in `fit`; `labels` in the order of the columns."""
        self.labels, self.settings, self._a = labels, settings, arrays
        self._outside = np.isin(labels, sorted(OUTSIDE))

    @property
    def reads_vectors(self) -> bool:
        """Whether it was trained with a sentence encoder."""
        return bool(self._a["mean"].size)

    @classmethod
    def fit(cls, data: Rows, names: Sequence[str], config: Mapping[str, Any]) -> "TopicModel":
        """Learn from phrases and their labels; the same input gives the same model."""
        labels = sorted(set(names))
        index = np.array([labels.index(name) for name in names])
        idf = [_idf(block) for block in data.sparse]
        mean = data.dense.mean(axis=0) if data.dense.size else np.zeros(0, np.float32)
        settings = {key: config[key] for key in SETTINGS}
        base: Dict[str, np.ndarray] = {f"idf{i}": each for i, each in enumerate(idf)}
        base["mean"] = mean.astype(np.float32)
        base["basis"] = _basis(data.dense - mean, config["neighbour_dimensions"])
        whole = cls(labels, settings, **base)
        table, units = whole._table(data), whole._units(data.dense)

        # one part is left out, to learn from how sure a guess can be: more parts teach no more
        splits = StratifiedKFold(config["folds"], shuffle=True, random_state=0)
        kept, left_out = next(splits.split(index, index))
        with ThreadPoolExecutor(CORES + 1) as pool:
            alone = pool.submit(_foreign, data.dense - mean, index)
            of_part, weights = _linear(pool, table, index, config["C"], kept)
        part = cls(labels, settings, **base, units=units[kept], owner=index[kept])
        shares, signs = part._judge(table[left_out] @ of_part, units[left_out])
        right = shares.argmax(axis=1) == index[left_out]
        return cls(
            labels, settings, **base, weights=weights[:-1], bias=weights[-1],
            units=units.astype(np.float16), owner=index,
            **_confidence(signs, right), **alone.result(),
        )  # fmt: skip

    def guess(self, data: Rows, foreign: Sequence[bool]) -> List[Guess]:
        """The labels of each text; `foreign` texts go by their vectors alone."""
        units = self._units(data.dense)
        shares, signs = self._judge(self._scores(data), units)
        scaled = (signs - self._a["sign_mean"]) / self._a["sign_scale"]
        sure = expit(scaled @ self._a["sign_weights"] + self._a["sign_bias"])
        if any(foreign) and units.shape[1]:
            alone = _softmax(
                (data.dense - self._a["mean"]) * FOREIGN_SCALE @ self._a["alone_weights"]
                + self._a["alone_bias"]
            )
            away = np.array(foreign)
            shares[away], sure[away] = alone[away], alone[away].max(axis=1)
        return [self._guess(row, float(s)) for row, s in zip(shares, sure)]

    def _guess(self, row: np.ndarray, sure: float) -> Guess:
        order = np.argsort(-row, kind="stable")
        ranked = tuple((self.labels[i], float(row[i])) for i in order)
        return Guess(ranked, sure, dict(ranked))

    def _table(self, data: Rows) -> Table:
        """All features side by side."""
        blocks = [
            normalize(_logged(block) @ diags(self._a[f"idf{i}"]))
            for i, block in enumerate(data.sparse)
        ]
        columns = [data.elsewhere[:, np.newaxis], np.ones((len(data), 1))]
        if data.dense.size:
            columns.insert(0, (data.dense - self._a["mean"]) * self.settings["dense_scale"])
        return Table(
            hstack(blocks).tocsr().astype(np.float32), np.hstack(columns).astype(np.float32)
        )

    def _scores(self, data: Rows) -> np.ndarray:
        """What `_table(data) @ weights` gives, without building the table.

        For one message that is 3 ms of building for a few thousand numbers.
        """
        weights, first = self._a["weights"], 0
        scores = np.tile(self._a["bias"], (len(data), 1))
        for i, block in enumerate(data.sparse):
            for row in range(len(data)):
                part = slice(block.indptr[row], block.indptr[row + 1])
                columns = block.indices[part]
                if columns.size:
                    values = (1 + np.log(block.data[part])) * self._a[f"idf{i}"][columns]
                    values /= np.linalg.norm(values)
                    scores[row] += values @ weights[first + columns]
            first += block.shape[1]
        if data.dense.size:
            centred = (data.dense - self._a["mean"]) * self.settings["dense_scale"]
            scores += centred @ weights[first : first + centred.shape[1]]
            first += centred.shape[1]
        scores += np.outer(data.elsewhere, weights[first])
        return scores

    def _units(self, dense: np.ndarray) -> np.ndarray:
        """The centred vectors in their main directions, with length 1.

        To compare a message with all phrases is to read them all from memory: half the numbers
        take half the time.
        """
        return normalize((dense - self._a["mean"]) @ self._a["basis"]) if dense.size else dense

    def _judge(self, scores: np.ndarray, units: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Shares of the labels, a row a text, and the signs that the confidence goes by."""
        shares = expit(scores)
        shares /= shares.sum(axis=1, keepdims=True)
        owner = self._a["owner"]
        if units.shape[1]:
            like = units @ np.asarray(self._a["units"], dtype=np.float32).T
            votes = np.zeros_like(shares)
            nearest = np.argpartition(-like, self.settings["neighbours"], axis=1)
            nearest = nearest[:, : self.settings["neighbours"]]
            for row, chosen in enumerate(nearest):
                np.add.at(votes[row], owner[chosen], np.exp(SHARPNESS * (like[row, chosen] - 1)))
            votes /= votes.sum(axis=1, keepdims=True)
            part = self.settings["neighbour_weight"]
            shares = (1 - part) * shares + part * votes
        best = shares.argmax(axis=1)
        top = np.sort(shares, axis=1)
        signs = np.zeros((len(shares), SIGNS))
        signs[:, 0], signs[:, 1] = np.log(top[:, -1]), top[:, -1] - top[:, -2]
        if units.shape[1]:
            for row, label in enumerate(best):
                own = np.sort(like[row, owner == label])[-NEAR:]
                signs[row, 2] = own.mean() if len(own) else 0.0
            signs[:, 3] = like.max(axis=1)
        ordered = np.sort(scores, axis=1)
        signs[:, 4], signs[:, 5] = ordered[:, -1], ordered[:, -2]
        signs[:, 6] = np.log(shares[:, self._outside].sum(axis=1) + 1e-4)
        return shares, signs

    def save(self, file: Path) -> None:
        """Write the model to an .npz file."""
        about = json.dumps({"labels": self.labels, "settings": dict(self.settings)})
        np.savez_compressed(file, about=np.array(about), **self._a)

    @classmethod
    def read(cls, file: Path) -> "TopicModel":
        """The model of a file; nothing in it is ever executed."""
        with np.load(file, allow_pickle=False) as kept:
            about = json.loads(str(kept["about"]))
            arrays = {name: kept[name] for name in kept.files if name != "about"}
        if "units" in arrays:
            arrays["units"] = arrays["units"].astype(np.float32)
        return cls(about["labels"], about["settings"], **arrays)


SIGNS = 7
SETTINGS = ("dense_scale", "neighbours", "neighbour_weight")


def _basis(centred: np.ndarray, most: int) -> np.ndarray:
    """The main directions of the vectors, a column each; their signs don't matter to cosines."""
    if not centred.size:
        return np.zeros((0, 0), np.float32)
    spread = centred.T.astype(np.float64) @ centred
    return np.linalg.eigh(spread)[1][:, ::-1][:, :most].astype(np.float32)


def _linear(
    pool: ThreadPoolExecutor, table: Table, index: np.ndarray, C: float, kept: np.ndarray
) -> Tuple[np.ndarray, np.ndarray]:
    """Weights of each label against the rest: learnt from the kept rows, and from all rows.

    A task holds a share of the labels; what it learnt from a part is where the whole begins.
    """
    part = table[kept]

    def both(share: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        first = fit(part, index[kept], share, C, TOLERANCE)
        return first, fit(table, index, share, C, TOLERANCE, first)

    shares = np.array_split(np.arange(index.max() + 1), CORES)
    of_part, of_whole = zip(*pool.map(both, [share for share in shares if share.size]))
    return np.hstack(of_part), np.hstack(of_whole)


def _confidence(signs: np.ndarray, right: np.ndarray) -> Dict[str, np.ndarray]:
    mean, scale = signs.mean(axis=0), signs.std(axis=0) + 1e-9
    model = LogisticRegression(C=1.0).fit((signs - mean) / scale, right)
    return {
        "sign_mean": mean,
        "sign_scale": scale,
        "sign_weights": model.coef_[0],
        "sign_bias": model.intercept_,
    }


def _foreign(centred: np.ndarray, index: np.ndarray) -> Dict[str, np.ndarray]:
    if not centred.size:
        return {}
    model = LogisticRegression(C=1.0, max_iter=300, class_weight="balanced")
    model.fit(centred * FOREIGN_SCALE, index)
    return {"alone_weights": model.coef_.T, "alone_bias": model.intercept_}


def _idf(block: csr_matrix) -> np.ndarray:
    seen = np.bincount(block.indices, minlength=block.shape[1])
    return (np.log((1 + block.shape[0]) / (1 + seen)) + 1).astype(np.float32)


def _logged(block: csr_matrix) -> csr_matrix:
    logged = block.copy()
    logged.data = 1 + np.log(logged.data)
    return logged


def _softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
