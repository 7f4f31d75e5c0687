"""The comparison of two models gives what the service itself would say."""

import subprocess

from bot import rasa_project
from bot.settings import ROOT, Settings

LOOKS = """
import sys
from pathlib import Path
from bot.nlu import compare, evaluate
file, tests = Path(sys.argv[1]), Path("tests")
found = [c for c in compare.cases(tests, []) if c.language == "sv"][::40]
asked = [(c.text, "sv") for c in found] + [
    ("hej, när har ni öppet? och var ligger det?", "sv"),
    ("vad hände vid överby och hur anmäler jag en stöld?", "sv"),
]
parse = evaluate.model_parser(file)
own = [parse(text) for text, _ in asked]
model = compare.Model(file)
compare.Shared(None).ahead(model, asked, keep=True)
model.read(asked)
for (text, _), a in zip(asked, own):
    b = model(text)
    same = (a.label, a.answers, a.offers) == (b.label, b.answers, b.offers)
    assert same and abs(a.confidence - b.confidence) < 1e-6, (text, a, b)
print(len(asked), "alike")
"""


def test_many_at_a_time_is_as_one_by_one() -> None:
    done = subprocess.run(
        [rasa_project.PYTHON, "-W", "ignore", "-c", LOOKS, rasa_project.train()],
        cwd=ROOT, env=rasa_project.environment(Settings()), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "alike" in done.stdout
