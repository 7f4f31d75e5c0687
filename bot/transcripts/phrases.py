"""Training phrases in data/nlu: what may be wrong with a new one, and where it belongs.

Pure functions of the files' text; who decides, and what is stored, is in proposals.py.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from rapidfuzz import fuzz, process

from bot.check import NEAR, NEAR_LETTERS, Phrase, normalised, read_phrases
from bot.nlu.labels import INTENT_ENTRIES
from bot.settings import ROOT
from bot.transcripts.redaction import redact_turn

LONGEST = 200
"""Characters of a phrase; who writes more asks several things at once."""
TRAINED, TESTED = ("data", "nlu"), ("tests", "nlu")
_PLACEHOLDER = re.compile(r"\[[^\]]*\]")
_BLOCK = re.compile(r"- intent: (?P<intent>\S+)\s*")
_ENTRY = re.compile(r"\s+entry: (?P<entry>\S+)\s*")


class NoPlace(Exception):
    """A phrase can't be put into a file, or isn't there to be taken out; says why."""


class Index:
    """Phrases, with what finds the same and the nearly same ones. Made once: it takes 0.2 s."""

    def __init__(self, found: Iterable[Phrase] = ()) -> None:
        self.phrases = tuple(found)
        self.pairs = [(normalised(phrase.text), phrase) for phrase in self.phrases]
        self.exact: dict[str, Phrase] = {}
        self.by_label: dict[str, list[tuple[str, Phrase]]] = {}
        for bare, phrase in self.pairs:
            self.exact.setdefault(bare, phrase)
            self.by_label.setdefault(phrase.label, []).append((bare, phrase))


@dataclass(frozen=True)
class Known:
    """What a new phrase is compared with."""

    trained: Index
    tested: Index
    entries: frozenset[str] = frozenset()
    """Ids of the FAQ entries that there are."""
    public: frozenset[str] = frozenset()
    """Numbers and names of the content, which name no private person (names.public_facts)."""
    approved: tuple[Phrase, ...] = ()
    """Not in the files yet."""

    def but(self, path: str) -> "Known":
        """Without what is approved under a name: a phrase isn't its own twin."""
        return replace(self, approved=tuple(p for p in self.approved if p.path != path))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """All labels that a phrase may have, in alphabetical order."""
        own = {label for label in self.trained.by_label if not label.startswith("faq/")}
        # what an intent leads to has no phrases of its own
        faq = {f"faq/{entry}" for entry in self.entries.difference(INTENT_ENTRIES.values())}
        return tuple(sorted(own | faq))

    def twin(self, bare: str) -> Phrase | None:
        """The same phrase under any label."""
        mine = (p for p in self.approved if normalised(p.text) == bare)
        return self.trained.exact.get(bare) or next(mine, None)

    def near(self, bare: str, label: str) -> Phrase | None:
        """Nearly the same phrase under a label."""
        mine = [(normalised(p.text), p) for p in self.approved if p.label == label]
        return _nearest(bare, [*self.trained.by_label.get(label, []), *mine])


def tidy(text: str) -> str:
    """A phrase on one line, without blanks at its ends."""
    return " ".join(text.split())


def problems(text: str, label: str, known: Known, title: Callable[[str], str] = str) -> list[str]:
    """Why a phrase can't be trained on as it is, as sentences; empty if it can. `title` says what
    people call a label."""
    found = []
    bare = normalised(text)
    if not bare:
        return ["Frasen är tom."]
    if len(text) > LONGEST:
        found.append(f"Frasen har {len(text)} tecken och får ha högst {LONGEST}. Korta den.")
    if text.startswith(("/", "-", "#")):
        found.append(f"Frasen kan inte börja med {text[0]}.")
    if _PLACEHOLDER.search(text):
        found.append("Frasen har en platshållare kvar, som [telefon]. Skriv om den utan.")
    elif redact_turn(text, (), known.public)[0] != text:
        found.append("Frasen verkar innehålla personuppgifter. Skriv om den så att ingen nämns.")
    if label not in known.labels:
        found.append("Välj det svar som frasen ska leda till.")
    if twin := known.twin(bare):
        where = (
            "med samma svar"
            if twin.label == label
            else f"med ett annat svar, ”{title(twin.label)}”"
        )
        found.append(f"Frasen finns redan, {where}: {_place(twin)}.")
    elif near := known.near(bare, label):
        found.append(f"Frasen är nästan likadan som ”{near.text}” i {_place(near)}.")
    if leak := known.tested.exact.get(bare) or _nearest(bare, known.tested.pairs):
        found.append(
            f"Frasen är nästan likadan som provfrasen ”{leak.text}” i {_place(leak)}. Den som "
            "tränas på ett prov kan inte mätas med det."
        )
    return found


def _place(phrase: Phrase) -> str:
    return f"{phrase.path} rad {phrase.line}" if phrase.line else phrase.path


def _nearest(bare: str, others: list[tuple[str, Phrase]]) -> Phrase | None:
    if len(bare) < NEAR_LETTERS:
        return None
    texts = [text for text, _ in others]
    found = process.extractOne(bare, texts, scorer=fuzz.ratio, score_cutoff=NEAR, processor=None)
    return others[found[2]][1] if found else None


_read: dict[Path, tuple[object, Index]] = {}


def of_folder(folder: Path) -> Index:
    """The phrases of all files of a folder, read again when one has changed.

    Raises ContentError if a file isn't YAML. Empty without the folder.
    """
    state = tuple((p.name, p.stat().st_mtime_ns, p.stat().st_size) for p in _files(folder))
    kept = _read.get(folder)
    if kept is None or kept[0] != state:
        kept = _read[folder] = (state, Index(read_phrases(folder)))
    return kept[1]


def known(
    entries: Iterable[str],
    public: frozenset[str],
    approved: Iterable[Phrase] = (),
    root: Path = ROOT,
) -> Known:
    """What new phrases are compared with now. Reads files; raises ContentError."""
    return Known(
        of_folder(root.joinpath(*TRAINED)), of_folder(root.joinpath(*TESTED)),
        frozenset(entries), public, tuple(approved),
    )  # fmt: skip


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.yml"))


# Where a phrase stands in a file


@dataclass(frozen=True)
class Block:
    """The phrases of one label in a file: lines `first` up to but not including `end`."""

    label: str
    first: int
    end: int


def blocks(source: str) -> Iterator[Block]:
    """The blocks of a Rasa NLU file as ours are laid out."""
    lines = source.splitlines()
    label, first = "", -1
    for number, line in enumerate([*lines, "- intent: end"]):
        head = _BLOCK.fullmatch(line)
        if head:
            if label and first >= 0:
                end = number
                while end > first and not lines[end - 1].strip():
                    end -= 1
                yield Block(label, first, end)
            label, first = head["intent"], -1
        elif first < 0 and (entry := _ENTRY.fullmatch(line)):
            label = f"{label}/{entry['entry']}"
        elif first < 0 and re.fullmatch(r"\s+examples: \|", line):
            first = number + 1


def added(source: str, text: str, label: str) -> str:
    """A file's text with a phrase at the end of its label's block. Raises NoPlace."""
    block = next((one for one in blocks(source) if one.label == label), None)
    if block is None:
        raise NoPlace(f"{label} har inga fraser i filen")
    lines = source.splitlines(keepends=True)
    first = lines[block.first] if block.end > block.first else "    "
    indent = first[: len(first) - len(first.lstrip())] or "    "
    if not lines[block.end - 1].endswith("\n"):
        lines[block.end - 1] += "\n"
    lines.insert(block.end, f"{indent}- {text}\n")
    return "".join(lines)


def removed(source: str, text: str, label: str) -> str:
    """A file's text without a phrase of a label. Raises NoPlace if it isn't there."""
    lines = source.splitlines(keepends=True)
    for block in blocks(source):
        for number in range(block.first, block.end) if block.label == label else ():
            if lines[number].strip() == f"- {text}":
                return "".join(lines[:number] + lines[number + 1 :])
    raise NoPlace(f"{text!r} står inte under {label}")


def with_new_block(source: str, label: str) -> str:
    """A file's text with an empty block for an entry that has had no phrases."""
    end = "" if source.endswith("\n") or not source else "\n"
    return (
        f"{source}{end}- intent: faq\n  metadata:\n    entry: {label.removeprefix('faq/')}\n"
        "  examples: |\n"
    )


def file_of(folder: Path, label: str) -> Path | None:
    """The file that has a block for a label."""
    for path in _files(folder):
        if any(block.label == label for block in blocks(path.read_text("utf-8"))):
            return path
    return None
