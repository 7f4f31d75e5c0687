"""`bot check`: what can be wrong in content and training data, with file and line."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rapidfuzz import fuzz, process
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from bot.content.load import Content, ContentError, Fault, load, warnings, yaml_problem
from bot.nlu.labels import INTENT_ENTRIES
from bot.nlu.text import fold
from bot.settings import ROOT

MIN_PHRASES = 25
MIN_TESTS = 20
NEAR = 94
"""Likeness in per cent (rapidfuzz's ratio) from which two phrases are one and the same."""
NEAR_LETTERS = 12
"""Shorter phrases are alike by nature: "nej tack" and "ne tack"."""


@dataclass(frozen=True)
class Phrase:
    """One training or test phrase; `label` is its intent, `faq/<entry>` for entries."""

    label: str
    text: str
    path: str
    line: int


def check(content_dir: Path, today: date) -> int:
    """Print every fault and warning; 0 if nothing but warnings was found."""
    try:
        content = load(content_dir)
        phrases = list(read_phrases(ROOT / "data" / "nlu"))
        tests = list(read_phrases(ROOT / "tests" / "nlu"))
    except ContentError as error:
        print(error, file=sys.stderr)
        return 1
    faults = [*warnings(content, today), *phrase_faults(content, phrases, tests)]
    for fault in faults:
        print(fault, file=sys.stderr)
    broken = sum(not fault.warning for fault in faults)
    print(
        f"{len(content.entries)} svar, {len(phrases)} träningsfraser, {len(tests)} testfraser: "
        f"{broken} fel, {len(faults) - broken} varningar"
    )
    return 1 if broken else 0


def read_phrases(folder: Path) -> Iterator[Phrase]:
    """The phrases of all Rasa NLU files of a folder, with their lines.

    Raises ContentError if a file isn't YAML.
    """
    for path in sorted(folder.glob("*.yml")):
        name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
        try:
            data = YAML(typ="rt").load(path.read_text("utf-8"))
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise ContentError(
                [Fault(name, mark.line + 1 if mark else 0, yaml_problem(error.problem or ""))]
            ) from None
        for block in (data or {}).get("nlu", []):
            entry = (block.get("metadata") or {}).get("entry")
            label = f"{block['intent']}/{entry}" if entry else str(block["intent"])
            first = block.lc.value("examples")[0] + 2  # counts from 0, and "|" has its own line
            for offset, line in enumerate(str(block["examples"]).splitlines()):
                if line.strip():
                    yield Phrase(label, line.strip().removeprefix("- "), name, first + offset)


def phrase_faults(content: Content, phrases: list[Phrase], tests: list[Phrase]) -> Iterator[Fault]:
    """Phrases twice or nearly, phrases of a missing entry, labels with few phrases, and phrases
    that are both trained on and tested on, word for word or nearly."""
    counts: dict[str, int] = {}
    for phrase in phrases:
        counts[phrase.label] = counts.get(phrase.label, 0) + 1
        kind, _, entry = phrase.label.partition("/")
        if kind == "faq" and entry not in content.entries:
            yield Fault(phrase.path, phrase.line, f"content/faq/{entry}.md finns inte")
    yield from _repeated(phrases)
    for label, count in counts.items():
        if count < MIN_PHRASES:
            yield Fault(
                "data/nlu", 0, f"{label} har bara {count} fraser av minst {MIN_PHRASES}", True
            )
    for entry in content.entries:
        if f"faq/{entry}" not in counts and entry not in WITHOUT_PHRASES:
            yield Fault(f"content/faq/{entry}.md", 0, "har inga fraser i data/nlu", True)
    if tests:
        yield from _leaks(phrases, tests)
        tested: dict[str, int] = {label: 0 for label in counts}
        for phrase in tests:
            tested[phrase.label] = tested.get(phrase.label, 0) + 1
        for label, count in tested.items():
            if count < MIN_TESTS:
                told = f"{label} har bara {count} provfraser av minst {MIN_TESTS}"
                yield Fault("tests/nlu", 0, told, True)


def _repeated(phrases: list[Phrase]) -> Iterator[Fault]:
    """A phrase that stands twice, and one that is nearly another of the same label."""
    seen: dict[str, Phrase] = {}
    by_label: dict[str, list[tuple[str, Phrase]]] = {}
    for phrase in phrases:
        bare = normalised(phrase.text)
        first = seen.setdefault(bare, phrase)
        if first is not phrase:
            where = f"{first.path} rad {first.line}"
            yield Fault(
                phrase.path, phrase.line, f"{phrase.text!r} står redan i {where} – ta bort den ena"
            )
            continue
        others = by_label.setdefault(phrase.label, [])
        near = _nearest(bare, others)
        if near:
            where = f"{near.path} rad {near.line}"
            yield Fault(
                phrase.path,
                phrase.line,
                f"{phrase.text!r} är nästan {near.text!r} i {where} – ta bort den ena",
            )
        others.append((bare, phrase))


def _leaks(phrases: list[Phrase], tests: list[Phrase]) -> Iterator[Fault]:
    """Test phrases that are trained on, or nearly."""
    trained = {normalised(phrase.text): phrase for phrase in phrases}
    others = list(trained.items())
    for phrase in tests:
        bare = normalised(phrase.text)
        near = trained.get(bare) or _nearest(bare, others)
        if near:
            where = f"{near.path} rad {near.line}"
            yield Fault(phrase.path, phrase.line, f"{phrase.text!r} står i träningsdata, {where}")


def _nearest(bare: str, others: list[tuple[str, Phrase]]) -> Phrase | None:
    """The phrase that is the same but for a letter or two, None if there is none."""
    if len(bare) < NEAR_LETTERS:
        return None
    found = process.extractOne(
        bare, [text for text, _ in others], scorer=fuzz.ratio, score_cutoff=NEAR, processor=None
    )
    return others[found[2]][1] if found else None


WITHOUT_PHRASES = frozenset(INTENT_ENTRIES.values())


def normalised(text: str) -> str:
    """Letters and digits only, lower case, without diacritics: how duplicates are found."""
    return " ".join(re.findall(r"[^\W_]+", fold(text)))
