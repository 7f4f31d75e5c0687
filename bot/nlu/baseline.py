"""Rasa's own default pipeline on our phrases, to hold ours against."""

import asyncio
import time
from pathlib import Path
from typing import Text

from ruamel.yaml import YAML

from bot.nlu.evaluate import Parse, Parsed, phrases

PIPELINE = [
    {"name": "WhitespaceTokenizer"},
    {"name": "RegexFeaturizer"},
    {"name": "LexicalSyntacticFeaturizer"},
    {"name": "CountVectorsFeaturizer"},
    {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
    {"name": "DIETClassifier", "constrain_similarities": True, "random_seed": 1},
    {"name": "FallbackClassifier", "threshold": 0.3, "ambiguity_threshold": 0.1},
]
"""`rasa init`'s, without the synonym mapper and the response selector: we have neither."""


def trained_parser(data: Path, out: Path, epochs: int) -> Parse:
    """Train the default pipeline on the phrases of a folder; each label is an intent."""
    from rasa.core.agent import Agent
    from rasa.model_training import train_nlu

    folder = out / "baseline"
    folder.mkdir(parents=True, exist_ok=True)
    pairs = phrases(data)
    # Rasa takes a slash for a retrieval intent
    names = {label: label.replace("/", "__") for _, label in pairs}
    back = {name: label for label, name in names.items()}
    blocks: dict[str, list[str]] = {}
    for text, label in pairs:
        blocks.setdefault(names[label], []).append(text)
    yaml = YAML()
    pipeline = [{**p, "epochs": epochs} if p["name"] == "DIETClassifier" else p for p in PIPELINE]
    config = {"recipe": "default.v1", "assistant_id": "baseline", "language": "sv",
              "pipeline": pipeline, "policies": []}  # fmt: skip
    with (folder / "config.yml").open("w", encoding="utf-8") as file:
        yaml.dump(config, file)
    lines = ['version: "3.1"', "nlu:"]
    for name, texts in blocks.items():
        lines += [f"- intent: {name}", "  examples: |", *(f"    - {text}" for text in texts)]
    (folder / "nlu.yml").write_text("\n".join(lines) + "\n", "utf-8")
    start = time.perf_counter()
    model = train_nlu(str(folder / "config.yml"), str(folder / "nlu.yml"), str(folder))
    print(f"Rasas standard: tränad på {len(pairs)} fraser, {time.perf_counter() - start:.0f} s")
    agent = Agent.load(str(model))
    loop = asyncio.new_event_loop()

    def parse(text: Text) -> Parsed:
        begun = time.perf_counter()
        found = loop.run_until_complete(agent.parse_message(text))
        ms = (time.perf_counter() - begun) * 1000
        ranking = [back[r["name"]] for r in found["intent_ranking"] if r["name"] in back]
        answers = found["intent"]["name"] in back
        best = back.get(found["intent"]["name"]) or ranking[0]
        return Parsed(best, answers, float(found["intent"]["confidence"]), tuple(ranking[:3]), ms)

    return parse
