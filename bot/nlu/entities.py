"""The entities of messages as the running service finds them, without the rest of Rasa.

    python -m bot.nlu.entities < messages.json > entities.json

Reads a JSON list of texts and writes a list of their entities. Runs in Rasa's environment.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any, Dict, List

import spacy
from ruamel.yaml import YAML

from bot.nlu.spelling import Spelling
from bot.nlu.text import normalise

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Mend the spelling and read the text, as the steps in config.yml do."""
    pipeline = YAML(typ="safe").load(ROOT / "config.yml")["pipeline"]
    steps: Dict[str, Any] = {step["name"].rsplit(".", 1)[-1]: step for step in pipeline}
    wanted = frozenset(steps["SpacyEntities"]["dimensions"])
    model = spacy.load(steps["SpacyNLP"]["model"])
    spelling = Spelling.of(phrases())
    texts = [spelling.correct(normalise(text)) or text for text in json.load(sys.stdin)]
    found = [
        [
            {"entity": one.label_, "value": one.text, "start": one.start_char, "end": one.end_char}
            for one in doc.ents
            if one.label_ in wanted
        ]
        for doc in model.pipe(texts)
    ]
    json.dump(found, sys.stdout, ensure_ascii=False)


def phrases() -> List[str]:
    """The training phrases, whose words the spelling is mended towards."""
    found = []
    for path in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        for part in YAML(typ="safe").load(path)["nlu"]:
            lines = re.findall(r"^- (.+)$", part.get("examples", ""), re.MULTILINE)
            found += [normalise(line) for line in lines]
    return found


if __name__ == "__main__":
    main()
