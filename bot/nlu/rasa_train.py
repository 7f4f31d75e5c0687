"""Rasa's training, without what it does for a next training: `python -m bot.nlu.rasa_train`.

Rasa keeps the output of each step, so that a later training can skip steps, and to know it again
takes its fingerprint, down to each word. Here a model is trained anew when anything has changed, so
nobody asks for them: a quarter of the time. Phrases are told apart by text and intent first, and by
their fingerprints only when those are the same.
"""

import argparse
import gc
import os
import sys
from pathlib import Path
from typing import Any, Dict

import rasa.utils.common
from rasa.engine.training.hooks import TrainingHook
from rasa.model_training import train
from rasa.shared.exceptions import RasaException
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.utils.log_utils import configure_structlog


def _nothing_to_know(self: TrainingHook, **about: Any) -> Dict[str, Any]:
    return {}


def _short_hash(self: Message) -> int:
    return hash((self.get(TEXT), str(self.get(INTENT))))


def forget() -> None:
    """Put the versions that keep nothing in place."""
    TrainingHook.on_before_node = _nothing_to_know
    TrainingHook.on_after_node = _nothing_to_know
    Message.__hash__ = _short_hash


def main() -> int:
    """Train on config.yml, domain and data of the present folder. Returns the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--out", type=Path, required=True, help="folder of the model")
    arguments.add_argument("--name", required=True, help="name of the model, without .tar.gz")
    given = arguments.parse_args()
    rasa.utils.common.configure_logging_and_warnings(warn_only_once=True)
    configure_structlog()
    forget()
    gc.freeze()  # the libraries' own objects stay: no use in looking through them again
    try:
        done = train(
            domain="domain", config="config.yml", training_files=["data"], output=str(given.out),
            force_training=True, fixed_model_name=given.name,
        )  # fmt: skip
    except RasaException as error:
        print(error, file=sys.stderr)
        return 1
    return int(done.code)


if __name__ == "__main__":
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    sys.exit(main())
