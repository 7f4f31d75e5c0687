"""Each dialogue rule, from typed words to the action that answers, by Rasa's own test command."""

import re
import subprocess
from pathlib import Path

import pytest

from bot import rasa_project
from bot.settings import ROOT, Settings

STORIES = ROOT / "tests" / "stories"


@pytest.mark.timeout(600)
def test_rasas_own_test_of_the_stories(tmp_path: Path) -> None:
    done = subprocess.run(
        [rasa_project.PYTHON, "-m", "rasa", "test", "core", "--model",
         rasa_project.train(), "--stories", STORIES, "--out", tmp_path, "--no-plot",
         "--fail-on-prediction-errors"],
        cwd=ROOT, env=rasa_project.environment(Settings()), capture_output=True, text=True,
    )  # fmt: skip
    failed = tmp_path / "failed_test_stories.yml"
    told = failed.read_text("utf-8") if failed.exists() else done.stdout + done.stderr
    assert done.returncode == 0, told[-4000:]


def test_every_rule_has_a_story() -> None:
    told = "".join(path.read_text("utf-8") for path in STORIES.glob("*.yml"))
    rules = "".join(path.read_text("utf-8") for path in (ROOT / "data" / "rules").glob("*.yml"))
    pair = re.compile(r"intent: (\w+)\n\s*- action: (\w+)")
    assert set(pair.findall(rules)) <= set(pair.findall(told))
