"""Read content/ into one frozen `Content`, or say exactly what is wrong and where."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError

from bot.content.hours import DayException, Interval, OpeningHours
from bot.content.models import (
    Entry,
    EntryHead,
    Hours,
    Kontaktcenter,
    Phrases,
    Role,
    SafetyNumber,
    Source,
)

M = TypeVar("M", bound=BaseModel)

MORE_MARK = "<!-- mer -->"
SHORT_WORDS = 60
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Fault:
    """Something wrong in a content file. `line` counts from 1; 0 means the whole file."""

    path: str
    line: int
    message: str
    warning: bool = False

    def __str__(self) -> str:
        where = f"{self.path} rad {self.line}" if self.line else self.path
        return f"{where}: {'varning: ' if self.warning else ''}{self.message}"


class ContentError(Exception):
    """The content can't be used; `faults` says why, every fault found."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


@dataclass(frozen=True)
class Content:
    """All that the assistant knows."""

    kontaktcenter: Kontaktcenter
    hours: OpeningHours
    safety: Mapping[str, SafetyNumber]
    people: Mapping[str, Role]
    sources: Mapping[str, Source]
    entries: Mapping[str, Entry]
    phrases: Mapping[str, Phrases]


def load(folder: Path) -> Content:
    """Read and validate the whole folder.

    Raises ContentError with every fault (file, line, what to do); warnings never stop a load.
    """
    return _Reader(folder).content()


def warnings(content: Content, today: date) -> list[Fault]:
    """What should be looked at, though it works: texts nobody has read for a year, long answers."""
    found = []
    for entry in content.entries.values():
        path = f"content/faq/{entry.id}.md"
        if (today - entry.reviewed).days > 365:
            found.append(
                Fault(path, 0, f"granskades {entry.reviewed}, för mer än ett år sedan", True)
            )
        words = len(entry.short.split())
        if words > SHORT_WORDS:
            found.append(
                Fault(
                    path,
                    0,
                    f"svaret har {words} ord – flytta det som kan vänta under {MORE_MARK}",
                    True,
                )
            )
    return found


class _Reader:
    """Collects faults while reading, so that an editor sees all of them at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[Fault] = []

    def content(self) -> Content:
        kontaktcenter = self._model(Kontaktcenter, "kontaktcenter.yml")
        safety = self._mapping(SafetyNumber, "safety.yml")
        people = self._mapping(Role, "people.yml")
        sources = self._mapping(Source, "sources.yml")
        entries = {entry.id: entry for entry in self._entries()}
        phrases = {
            path.stem: model
            for path in sorted((self.folder / "phrases").glob("*.yml"))
            if (model := self._model(Phrases, f"phrases/{path.name}"))
        }
        hours = self._hours(kontaktcenter.hours) if kontaktcenter else None
        if "sv" not in phrases and not self.faults:
            self._fault("phrases/sv.yml", 0, "filen saknas – de fasta texterna på svenska")
        self._references(kontaktcenter, safety, people, sources, entries, phrases)
        if self.faults or kontaktcenter is None or hours is None:
            raise ContentError(self.faults)
        content = Content(kontaktcenter, hours, safety, people, sources, entries, phrases)
        self._rendering(content)
        if self.faults:
            raise ContentError(self.faults)
        return content

    def _fault(self, name: str, line: int, message: str) -> None:
        self.faults.append(Fault(f"content/{name}", line, message))

    def _yaml(self, name: str, text: str, first_line: int = 1) -> Any:
        """Parse YAML 1.2 text; a fault and None if it isn't YAML."""
        try:
            return YAML(typ="rt").load(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + first_line if mark else 0
            self._fault(name, line, f"går inte att läsa som YAML: {error.problem}")
            return None

    def _read(self, name: str) -> str | None:
        try:
            return (self.folder / name).read_text("utf-8")
        except FileNotFoundError:
            self._fault(name, 0, "filen saknas")
        except UnicodeDecodeError:
            self._fault(name, 0, "filen är inte sparad som UTF-8")
        return None

    def _validate(
        self,
        kind: type[M],
        data: Any,
        name: str,
        root: Any,
        first_line: int,
        prefix: tuple[Any, ...] = (),
    ) -> M | None:
        try:
            return kind.model_validate(data)
        except ValidationError as error:
            for detail in error.errors():
                where = (*prefix, *detail["loc"])
                key = ".".join(str(part) for part in where) or "filen"
                message = _explain(detail["type"], key, detail["msg"])
                self._fault(name, _line(root, where) + first_line, message)
            return None

    def _model(self, kind: type[M], name: str) -> M | None:
        text = self._read(name)
        data = self._yaml(name, text) if text is not None else None
        if data is None:
            if text is not None and not any(fault.path.endswith(name) for fault in self.faults):
                self._fault(name, 0, "filen är tom")
            return None
        return self._validate(kind, _plain(data), name, data, 1)

    def _mapping(self, kind: type[M], name: str) -> dict[str, M]:
        text = self._read(name)
        data = self._yaml(name, text) if text is not None else None
        if data is None:
            return {}
        if not isinstance(data, dict):
            self._fault(name, 1, "ska vara en lista av namn med kolon efter")
            return {}
        models = {
            key: self._validate(kind, _plain(value), name, data, 1, (key,))
            for key, value in data.items()
        }
        return {key: model for key, model in models.items() if model is not None}

    def _entries(self) -> Iterator[Entry]:
        for path in sorted((self.folder / "faq").glob("*.md")):
            if "." in path.stem:  # <id>.<lang>.md, other languages
                continue
            name = f"faq/{path.name}"
            text = self._read(name)
            if text is None:
                continue
            start, _, rest = text.partition("---\n")
            head, mark, body = rest.partition("\n---\n")
            if start.strip() or not mark:
                self._fault(name, 1, "ska börja med ett sidhuvud mellan två rader med ---")
                continue
            data = self._yaml(name, head, first_line=2)
            if data is None:
                continue
            valid = self._validate(EntryHead, _plain(data), name, data, 2)
            if valid is None:
                continue
            if valid.id != path.stem:
                self._fault(name, 2, f"id är {valid.id!r} men filen heter {path.name}")
            short, _, more = body.partition(MORE_MARK)
            if not short.strip():
                line = head.count("\n") + 4
                self._fault(name, line, "svaret saknas – skriv det under sidhuvudet")
                continue
            yield Entry(**valid.model_dump(), short=short, more=more)

    def _hours(self, hours: Hours) -> OpeningHours | None:
        try:
            return opening_hours(hours)
        except ValueError as error:
            self._fault("kontaktcenter.yml", 0, f"öppettiderna går inte ihop: {error}")
            return None

    def _references(
        self,
        kontaktcenter: Kontaktcenter | None,
        safety: dict[str, SafetyNumber],
        people: dict[str, Role],
        sources: dict[str, Source],
        entries: dict[str, Entry],
        phrases: dict[str, Phrases],
    ) -> None:
        """Every id that is named must exist."""
        named: list[tuple[str, str]] = []
        if kontaktcenter:
            named += [("kontaktcenter.yml", name) for name in kontaktcenter.hours.source]
            named += [
                ("kontaktcenter.yml", part.source)
                for part in (kontaktcenter, kontaktcenter.visit, kontaktcenter.phone)
            ]
        named += [("safety.yml", number.source) for number in safety.values()]
        named += [("people.yml", name.source) for role in people.values() for name in role.names]
        named += [(f"faq/{e.id}.md", name) for e in entries.values() for name in e.source]
        for file, name in named:
            if name not in sources:
                self._fault(file, 0, f"källan {name!r} finns inte i sources.yml")
        for entry in entries.values():
            for other in entry.related:
                if other not in entries:
                    self._fault(f"faq/{entry.id}.md", 0, f"related: {other!r} finns inte")
        for lang, model in phrases.items():
            for key, phrase in model.phrases.items():
                for choice in phrase.choices:
                    if choice not in entries and choice not in model.choices:
                        self._fault(f"phrases/{lang}.yml", 0, f"{key}: valet {choice!r} finns inte")

    def _rendering(self, content: Content) -> None:
        """Every text must render: a misspelt variable is a fault here, not in front of a reader."""
        from bot.content.answers import TemplateError, render

        noon = datetime(2026, 11, 23, 12)
        texts = [
            (f"faq/{entry.id}.md", text)
            for entry in content.entries.values()
            for text in (entry.short, entry.more, entry.place or "", entry.call or "")
        ]
        texts += [
            (f"phrases/{lang}.yml", phrase.text)
            for lang, model in content.phrases.items()
            for phrase in model.phrases.values()
        ]
        for name, text in texts:
            try:
                render(content, text, noon.astimezone())
            except TemplateError as error:
                self._fault(name, 0, str(error))


def opening_hours(hours: Hours) -> OpeningHours:
    """The editors' hours as the arithmetic wants them. Raises ValueError if they overlap."""
    weekly: dict[int, list[Interval]] = {}
    for row in hours.weekly:
        for day in row.days:
            weekly.setdefault(WEEKDAYS.index(day), []).append(
                Interval(time.fromisoformat(row.open), time.fromisoformat(row.close))
            )
    exceptions = []
    for item in hours.exceptions:
        if item.closed == bool(item.open and item.close):
            raise ValueError(
                f"undantaget {item.date} ska ha antingen closed: true eller open/close"
            )
        intervals = (
            (Interval(time.fromisoformat(item.open), time.fromisoformat(item.close)),)
            if item.open and item.close
            else ()
        )
        exceptions.append(DayException(item.date, intervals, item.note))
    return OpeningHours(
        weekly={day: tuple(intervals) for day, intervals in weekly.items()},
        closed_on_public_holidays=hours.public_holidays == "closed",
        eves_uncertain=hours.eves == "uncertain",
        exceptions=tuple(exceptions),
    )


def _plain(node: Any) -> Any:
    """ruamel's round-trip nodes as plain dicts, lists and values."""
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return str(node) if isinstance(node, str) else node


def _line(root: Any, where: tuple[Any, ...]) -> int:
    """The line of a key inside ruamel's tree, counted from 0; the parent's when it is missing."""
    node: Any = root
    line = 0
    for part in where:
        try:
            if isinstance(node, CommentedMap) and part in node:
                line = node.lc.key(part)[0]
            elif isinstance(node, CommentedSeq) and isinstance(part, int):
                line = node.lc.item(part)[0]
            node = node[part]
        except (KeyError, IndexError, TypeError, AttributeError):
            break
    return int(line)


_ADVICE = {
    "reviewed": "skriv datumet då någon läste texten, t.ex. 2026-05-04",
    "source": "skriv källans namn ur sources.yml",
    "owner": "skriv rollen eller enheten som ansvarar för texten",
    "audience": "skriv invanare, foretag eller båda",
}


def _explain(kind: str, key: str, message: str) -> str:
    advice = _ADVICE.get(key.split(".")[-1].split("[")[0], "")
    tail = f" – {advice}" if advice else ""
    if kind == "missing":
        return f"`{key}` saknas{tail}"
    if kind == "extra_forbidden":
        return f"`{key}` är inget fält som finns här – är det felstavat?"
    return f"`{key}` är fel: {message}{tail}"
