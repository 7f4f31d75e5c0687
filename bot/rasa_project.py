"""The Rasa side seen from ours: its interpreter, its environment, training when something changed.

Rasa lives in .venv-rasa with Python 3.10 and is only ever started as a process of its own.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bot.settings import ROOT, Settings, settings

PYTHON = Path(os.environ.get("KONTAKT_RASA_PYTHON", ROOT / ".venv-rasa" / "bin" / "python"))
MODELS = ROOT / "models"
TRAINED_FROM = (
    "config.yml",
    "domain",
    "data",
    "bot/nlu/topic_classifier.py",
    "requirements/rasa.txt",
)


class TrainingFailed(Exception):
    """Rasa could not train; the message is the end of what it said."""


def environment(conf: Settings | None = None) -> dict[str, str]:
    """Environment for a Rasa process: quiet, without telemetry, one thread per library."""
    conf = conf or settings()
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "RASA_TELEMETRY_ENABLED": "false",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "PYTHONWARNINGS": "ignore",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "LOG_LEVEL_LIBRARIES": "ERROR",
        # DEBUG and INFO of Rasa print what users write
        "LOG_LEVEL": "WARNING",
        "KONTAKT_ACTIONS_PORT": str(conf.actions_port),
        "KONTAKT_TRACKER_FILE": str(conf.tracker_file),
    }


def model_path() -> Path:
    """Where the model trained from the present files is, or will be."""
    digest = hashlib.sha256()
    for path in _inputs():
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    return MODELS / f"kontakt-{digest.hexdigest()[:16]}.tar.gz"


def train(force: bool = False) -> Path:
    """Train unless a model of the present files exists; returns its path.

    Raises TrainingFailed with the last lines of Rasa's output.
    """
    target = model_path()
    if target.exists() and not force:
        return target
    MODELS.mkdir(exist_ok=True)
    done = subprocess.run(
        [PYTHON, "-m", "rasa", "train", "--quiet", "--force", "--domain", "domain",
         "--out", MODELS, "--fixed-model-name", f"part-{target.name.removesuffix('.tar.gz')}"],
        cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    part = target.with_name(f"part-{target.name}")
    if done.returncode != 0 or not part.exists():
        raise TrainingFailed("\n".join(done.stdout.strip().splitlines()[-15:]))
    part.replace(target)
    for old in MODELS.glob("kontakt-*.tar.gz"):
        if old != target:
            old.unlink()
    return target


def validate() -> int:
    """`rasa data validate`; any warning fails. Prints what is wrong, returns the exit code."""
    done = subprocess.run(
        [PYTHON, "-m", "rasa", "data", "validate", "--domain", "domain", "--fail-on-warnings"],
        cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode != 0 or "UserWarning" in done.stdout:
        print(done.stdout, file=sys.stderr)
        return done.returncode or 1
    return 0


def _inputs() -> Iterator[Path]:
    for name in TRAINED_FROM:
        path = ROOT / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (f for f in files if f.is_file() and "__pycache__" not in f.parts)
