"""How well messages are understood: floors that must not be passed, on phrases never trained on."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot import rasa_project
from bot.nlu import floors
from bot.nlu.emergency import guard
from bot.settings import ROOT, Settings


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """`make eval` on the trained model, in a process of Rasa's environment."""
    out = tmp_path_factory.mktemp("eval")
    subprocess.run(
        [rasa_project.PYTHON, "-W", "ignore", "-m", "bot.nlu.evaluate", "--model",
         rasa_project.train(), "--out", out, "--baseline", "no", "--robust", "200", "--json-only"],
        cwd=ROOT, env=rasa_project.environment(Settings()), check=True, capture_output=True,
    )  # fmt: skip
    yield json.loads((out / "evaluation.json").read_text("utf-8"))["assistant"]


@pytest.mark.parametrize("name", floors.AT_LEAST)
@pytest.mark.timeout(600)
def test_understanding_stays_above_its_floor(figures: dict[str, Any], name: str) -> None:
    assert figures[name] >= floors.AT_LEAST[name], figures["confusions"]


def test_what_lies_outside_seldom_gets_an_answer(figures: dict[str, Any]) -> None:
    assert figures["outside_wrong"] <= floors.AT_MOST["outside_wrong"]


def test_an_emergency_gets_112_and_little_else_does(figures: dict[str, Any]) -> None:
    found = figures["emergency"]
    assert found["recall"] >= floors.RECALL, found["missed"]
    assert found["false_alarms"] <= floors.FALSE_ALARMS, found["alarms"]


def test_missing_dots_and_slips_cost_little(figures: dict[str, Any]) -> None:
    robust = figures["robust"]
    assert robust["clean"] - robust["no_diacritics"] <= floors.LOSS_BARE
    assert robust["clean"] - robust["one_typo"] <= floors.LOSS_TYPO


def test_every_label_is_tested(figures: dict[str, Any]) -> None:
    few = {name: f["phrases"] for name, f in figures["per_label"].items() if f["phrases"] < 20}
    assert few == {}
    assert figures["per_label"]["out_of_scope"]["phrases"] >= 200


def test_the_guard_knows_most_emergencies_in_other_languages() -> None:
    file = Path(__file__).with_name("foreign_emergency.yml")
    said = [text for texts in YAML(typ="safe").load(file).values() for text in texts]
    missed = [text for text in said if guard().alarm(text) is None]
    assert len(missed) <= 0.15 * len(said), missed


def test_idioms_and_what_is_over_raise_no_alarm() -> None:
    file = Path(__file__).with_name("false_alarms.yml")
    calm = YAML(typ="safe").load(file)["calm"]
    alarmed = [text for text in calm if guard().alarm(text) == "emergency"]
    assert len(alarmed) <= 0.02 * len(calm), alarmed
