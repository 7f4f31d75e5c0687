"""How well redaction finds what it should, on lines with the right answer marked.

    python -m bot.transcripts.measure [--errors]            (make eval-redaction)

A marked span counts as found when none of its letters and digits is left. A mask counts as right
when it hides nothing outside the marked spans. The language model reads the lines in Rasa's
environment, after numbers are masked, as in the running service.
"""

import argparse
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML

from bot.content.load import load
from bot.rasa_project import PYTHON
from bot.settings import ROOT, settings
from bot.transcripts.names import public_facts
from bot.transcripts.redaction import redact, redact_turn

SET = ROOT / "tests" / "transcripts" / "redaction.yml"
NUMBERS = frozenset(
    {"telefon", "e-post", "personnummer", "organisationsnummer", "kortnummer", "kontonummer"}
    | {"regnummer"}
)
_MARKED = re.compile(r"\{([a-zåäö-]+):([^{}]+)\}")
_MASK = re.compile(r"\[([a-zåäö-]+)\]")


@dataclass(frozen=True)
class Span:
    """A part of a line: from `start` up to `end`."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Line:
    """A chat line and what of it must be masked."""

    text: str
    spans: tuple[Span, ...]


@dataclass
class Score:
    """What was found of one part of the set."""

    gold: Counter[str] = field(default_factory=Counter)
    """Marked spans by kind."""
    found: Counter[str] = field(default_factory=Counter)
    """Those of which nothing is left."""
    masks: Counter[str] = field(default_factory=Counter)
    """Masks that were set, by kind."""
    right: Counter[str] = field(default_factory=Counter)
    """Those that hide nothing else."""
    errors: list[str] = field(default_factory=list)

    def recall(self, kinds: Iterable[str] | None = None) -> float:
        """The share of marked spans that were found."""
        return _share(self.found, self.gold, kinds)

    def precision(self, kinds: Iterable[str] | None = None) -> float:
        """The share of masks that were right."""
        return _share(self.right, self.masks, kinds)

    def table(self) -> dict[str, dict[str, float]]:
        """Figures by kind, and of numbers, names and everything together."""
        kinds = {kind: [kind] for kind in sorted(self.gold | self.masks)}
        groups = {**kinds, "nummer och e-post": list(NUMBERS), "allt": list(kinds)}
        return {
            name: {
                "spans": sum(self.gold[kind] for kind in group),
                "masks": sum(self.masks[kind] for kind in group),
                "recall": round(self.recall(group), 4),
                "precision": round(self.precision(group), 4),
            }
            for name, group in groups.items()
        }


def parse(line: str) -> Line:
    """A line of the set: "jag heter {namn:Fatima}" and "\\n" for a line break."""
    text, spans, end = "", [], 0
    line = line.replace("\\n", "\n")
    for match in _MARKED.finditer(line):
        text += line[end : match.start()]
        spans.append(Span(len(text), len(text) + len(match[2]), match[1]))
        text, end = text + match[2], match.end()
    return Line(text + line[end:], tuple(spans))


def lines(part: str) -> list[Line]:
    """The lines of a part of the set: "develop" or "blind"."""
    return [parse(line) for line in YAML(typ="safe").load(SET)[part].splitlines()]


def masks(text: str, masked: str) -> list[Span]:
    """Which parts of the text the masks in the other stand for."""
    pieces, kinds = _MASK.split(masked)[::2], _MASK.split(masked)[1::2]
    shape = re.escape(pieces[0]) + "".join(f"(.+?){re.escape(piece)}" for piece in pieces[1:])
    match = re.fullmatch(shape, text, re.DOTALL)
    if match is None:
        raise ValueError(f"{masked!r} is no masked {text!r}")
    return [Span(*match.span(at + 1), kind) for at, kind in enumerate(kinds)]


def score(marked: Sequence[Line], redacted: Sequence[str]) -> Score:
    """Compare the lines with their redacted texts."""
    total = Score()
    for line, masked in zip(marked, redacted, strict=True):
        set_masks = masks(line.text, masked)
        hidden = _letters(line.text, set_masks)
        meant = _letters(line.text, line.spans)
        wrong = False
        for span in line.spans:
            total.gold[span.kind] += 1
            found = _letters(line.text, [span]) <= hidden
            total.found[span.kind] += found
            wrong |= not found
        for mask in set_masks:
            total.masks[mask.kind] += 1
            right = _letters(line.text, [mask]) <= meant
            total.right[mask.kind] += right
            wrong |= not right
        if wrong:
            total.errors.append(f"{line.text!r} -> {masked!r}")
    return total


def entities(texts: Sequence[str]) -> list[list[dict[str, Any]]]:
    """What the language model finds in each text."""
    asked = json.dumps(list(texts))
    told = subprocess.run(
        [PYTHON, "-W", "ignore", "-m", "bot.nlu.entities"],
        input=asked, cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    found: list[list[dict[str, Any]]] = json.loads(told)
    return found


def measure() -> dict[str, Score]:
    """Redact every line of the set as the transcripts are; about ten seconds."""
    public = public_facts(load(ROOT / "content"))
    parts = {part: lines(part) for part in ("develop", "blind")}
    every = [line for part in parts.values() for line in part]
    read = iter(entities([redact(line.text, public)[0] for line in every]))
    return {
        name: score(part, [redact_turn(line.text, next(read), public)[0] for line in part])
        for name, part in parts.items()
    }


def main() -> int:
    """Print and store the figures; returns the exit code."""
    parser = argparse.ArgumentParser(prog="bot.transcripts.measure")
    parser.add_argument("--errors", choices=["develop", "blind"], help="visa fel i en del")
    asked = parser.parse_args().errors
    scores = measure()
    tables = {name: one.table() for name, one in scores.items()}
    for name, table in tables.items():
        _print(name, table)
    if asked:
        print(*scores[asked].errors, sep="\n")
    out = settings().data_dir / "eval"
    out.mkdir(parents=True, exist_ok=True)
    told = json.dumps(tables, ensure_ascii=False, indent=1)
    (out / "redaction.json").write_text(told, "utf-8")
    return 0


def _print(name: str, table: Mapping[str, Mapping[str, float]]) -> None:
    print(f"\n{name:22}{'antal':>6}{'recall':>9}{'masker':>8}{'precision':>11}")
    for kind, row in table.items():
        told = f"{row['spans']:6.0f}{row['recall']:9.1%}{row['masks']:8.0f}{row['precision']:11.1%}"
        print(f"  {kind:20}{told}")


def _letters(text: str, spans: Iterable[Span]) -> set[int]:
    """Where the letters and digits of the spans are."""
    return {at for one in spans for at in range(one.start, one.end) if text[at].isalnum()}


def _share(part: Counter[str], whole: Counter[str], kinds: Iterable[str] | None) -> float:
    chosen = list(whole) if kinds is None else list(kinds)
    total = sum(whole[kind] for kind in chosen)
    return sum(part[kind] for kind in chosen) / total if total else 1.0


if __name__ == "__main__":
    sys.exit(main())
