"""Labels learnt together are learnt as scikit-learn's liblinear learns them one by one."""

import json
import subprocess

from bot import rasa_project
from bot.settings import ROOT, Settings

LEARN = """
import json
import numpy as np
from scipy.sparse import csr_matrix, hstack, random
from sklearn.linear_model import LogisticRegression
from bot.nlu.against_rest import Table, fit

ROWS, COUNTS, NUMBERS, LABELS, C, SURE = 400, 300, 20, 5, 10.0, 1e-4
draw = np.random.default_rng(0)
sparse = random(ROWS, COUNTS, 0.05, "csr", np.float32, random_state=0)
numbers = draw.normal(size=(ROWS, NUMBERS)).astype(np.float32)
true = draw.normal(size=(COUNTS + NUMBERS, LABELS))
scores = sparse @ true[:COUNTS] + numbers @ true[COUNTS:]
index = (scores + draw.normal(size=scores.shape)).argmax(axis=1)
index[index == LABELS - 1] = 0
index[7] = LABELS - 1  # a label with a single row
table = Table(sparse, np.hstack([numbers, np.ones((ROWS, 1), np.float32)]))
share = np.arange(LABELS)
ours = fit(table, index, share, C, SURE)
half = np.arange(ROWS) % 2 == 0
half[7] = True
part = fit(table[half], index[half], share, C, SURE)
warm = fit(table, index, share, C, SURE, part)
alone = fit(table, index, share[2:4], C, SURE)

theirs = np.zeros_like(ours)
for label in share:
    own = index == label
    weight = {True: ROWS / (LABELS * own.sum()), False: 1}
    model = LogisticRegression(C=C, solver="liblinear", class_weight=weight, tol=1e-6)
    model.fit(hstack([sparse, csr_matrix(numbers)]), own)
    theirs[:-1, label], theirs[-1, label] = model.coef_[0], model.intercept_[0]

def apart(weights, columns=share):
    return float(np.abs(table @ weights - (table @ theirs)[:, columns]).max())

print(json.dumps({
    "spread": float((table @ theirs).std()), "cold": apart(ours), "warm": apart(warm),
    "alone": apart(alone, share[2:4]),
    "again": bool((fit(table, index, share, C, SURE) == ours).all()),
}))
"""


def test_they_are_liblinears_weights_from_any_start() -> None:
    done = subprocess.run(
        [rasa_project.PYTHON, "-W", "ignore", "-c", LEARN],
        cwd=ROOT, env=rasa_project.environment(Settings()), text=True, capture_output=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert told["again"]
    for start in ("cold", "warm", "alone"):
        assert told[start] < 0.01 * told["spread"], told
