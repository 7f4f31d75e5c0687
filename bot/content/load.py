"""Read content/ into one frozen `Content`, or say exactly what is wrong and where."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from bot.content.hours import DayException, Interval, OpeningHours
from bot.content.models import (
    Entry,
    EntryHead,
    Hours,
    Kontaktcenter,
    Page,
    PageHead,
    Participation,
    Phrases,
    Role,
    SafetyNumber,
    Site,
    Source,
    Translation,
    TranslationHead,
)

M = TypeVar("M", bound=BaseModel)

MORE_MARK = "<!-- mer -->"
SHORT_WORDS = 60
OLD_DAYS = 365
"""Days after which a text should be read again."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HEAD = re.compile(r"\s*^---[ \t]*\n(.*?)^---[ \t]*$\n?", re.DOTALL | re.MULTILINE)
VALUE = re.compile(r"\{(\w+)\}")
DATE = re.compile(r"\b\d{4}-\d\d?-\d\d?\b")

# What the code and the pages name themselves, so that removing it would break a conversation.
NEEDED_SAFETY = ("sos", "polisen")
NEEDED_ENTRIES = (
    *("adress", "oppettider", "helgdagar", "telefon", "polisanmalan", "nodnummer"),
    *("psykisk-kris", "vald-i-nara-relation", "prata-med-manniska", "ga-med", "privatperson"),
)
NEEDED_FOREIGN = (
    *("greet", "goodbye", "thanks", "opening_hours", "open_until", "opens_next"),
    *("closed", "address"),
    *("phone", "email", "services", "languages", "human", "machine", "emergency", "past_crime"),
    *("self_harm", "home_violence", "unsafe_place", "collaboration", "not_here", "unknown"),
    *("only_swedish", "degraded"),
)
NEEDED_CHOICES = ("something-else",)
NEEDED_PAGES = ("foretag", "tillganglighet", "integritet", "om")
PAGE_VALUES = ("hours", "days", "months", "characters", "version", "purpose")
"""What a page may name as {hours} and its like: settings, filled in by the site."""
NEEDED_MAILS = ("area", "receipt", "code")
NEEDED_PHRASES = (
    *("welcome", "notice", "greet", "goodbye", "thanks", "help", "affirm", "deny"),
    *("human_open", "human_closed", "emergency", "threat", "abuse", "private"),
    *("unknown", "unknown_again", "nonsense", "out_of_scope", "empty", "too_long"),
    *("clarify", "clarify_safety", "clarify_none", "no_more", "nothing_to_repeat"),
    *("other_authority", "other_municipality", "choice_gone", "entry_gone", "degraded"),
    *("join_offer", "join_start", "join_resume", "join_paused", "join_cancelled", "join_declined"),
    *("join_area", "join_concerns", "join_company", "join_org_number", "join_person"),
    *("join_contact", "join_channel", "join_summary", "join_stored", "join_person_help"),
    *("join_change", "join_repairs", "join_elsewhere", "join_private", "join_no_pnr"),
    *("bad_area", "bad_concerns", "bad_company", "bad_org_number", "bad_person", "bad_contact"),
    *("bad_email", "bad_phone", "bad_channel", "bad_consent", "not_skippable"),
    *("cancel", "skip", "why", "withdraw_reference", "withdraw_code", "withdraw_bad_code"),
    *("withdraw_done", "withdraw_stopped", "withdraw_no_mail"),
    *("why_area", "why_concerns", "why_company", "why_org_number", "why_person", "why_contact"),
    *("why_channel", "why_consent"),
)


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
    translations: Mapping[tuple[str, str], Translation]
    """By language and entry id."""
    participation: Participation
    pages: Mapping[str, Page]
    site: Site


def load(folder: Path) -> Content:
    """Read and validate the whole folder.

    Raises ContentError with every fault (file, line, what to do); warnings never stop a load.
    """
    return _Reader(folder).content()


def warnings(content: Content, today: date) -> list[Fault]:
    """What should be looked at, though it works: texts nobody has read for a year, long answers."""
    found = [
        Fault(f"content/pages/{page.id}.md", 0, _old(page.reviewed), True)
        for page in content.pages.values()
        if is_old(page.reviewed, today)
    ]
    if content.site.crisis and content.site.crisis.last < today:
        message = f"crisis gällde till {content.site.crisis.last} – ta bort meddelandet"
        found.append(Fault("content/site.yml", 0, message, True))
    for entry in content.entries.values():
        path = f"content/faq/{entry.id}.md"
        if is_old(entry.reviewed, today):
            found.append(Fault(path, 0, _old(entry.reviewed), True))
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


def is_old(reviewed: date, today: date) -> bool:
    """Whether somebody should read a text again."""
    return (today - reviewed).days > OLD_DAYS


def _old(reviewed: date) -> str:
    return f"granskades {reviewed}, för mer än ett år sedan"


class _Reader:
    """Collects faults while reading, so that an editor sees all of them at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[Fault] = []
        self._texts: dict[str, str] = {}  # by file name, to find the line of a fault
        self._names: dict[str, set[str]] = {}  # the names in a file, the broken ones too

    def content(self) -> Content:
        kontaktcenter = self._model(Kontaktcenter, "kontaktcenter.yml")
        safety = self._mapping(SafetyNumber, "safety.yml")
        people = self._mapping(Role, "people.yml")
        sources = self._mapping(Source, "sources.yml")
        participation = self._model(Participation, "intresseanmalan.yml")
        site = self._model(Site, "site.yml")
        entries = {entry.id: entry for entry in self._entries()}
        pages = {page.id: page for page in self._pages()}
        phrases = {
            path.stem: model
            for path in sorted((self.folder / "phrases").glob("*.yml"))
            if (model := self._model(Phrases, f"phrases/{path.name}"))
        }
        hours = self._hours(kontaktcenter.hours) if kontaktcenter else None
        self._needed(phrases.get("sv"))
        self._needed_foreign(phrases)
        translations = dict(self._translations(entries))
        self._references(kontaktcenter, safety, people, entries, phrases, pages)
        self._listed(site, entries)
        self._needed_mails(participation)
        if kontaktcenter is None or hours is None or participation is None or site is None:
            raise ContentError(self.faults)
        content = Content(
            kontaktcenter, hours, safety, people, sources, entries, phrases, translations,
            participation, pages, site,
        )  # fmt: skip
        if not any(self._broken(name) for name in ("safety.yml", "people.yml")):
            self._rendering(content)
        if self.faults:
            raise ContentError(self.faults)
        return content

    def _fault(self, name: str, line: int, message: str) -> None:
        self.faults.append(Fault(f"content/{name}", line, message))

    def _broken(self, name: str) -> bool:
        return any(fault.path == f"content/{name}" for fault in self.faults)

    def _find(self, name: str, wanted: str, after: str = "") -> int:
        """The first line with `wanted` as a whole, from a line with the key `after` on; 0 if none.

        For faults that are seen when the tree with its line numbers is gone.
        """
        whole = re.compile(rf"(?<![\w-]){re.escape(wanted)}(?![\w-])")
        passed = not after
        for number, line in enumerate(self._texts.get(name, "").splitlines(), 1):
            passed = passed or line.lstrip(" -").startswith(f"{after}:")
            if passed and whole.search(line) and not line.lstrip().startswith("#"):
                return number
        return 0

    def _yaml(self, name: str, text: str, first_line: int = 1) -> Any:
        """Parse YAML 1.2 text; a fault and None if it isn't YAML."""
        try:
            return YAML(typ="rt").load(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + first_line if mark else 0
            self._fault(name, line, yaml_problem(error.problem or ""))
        except YAMLError as error:  # a control character, say
            line = text.count("\n", 0, getattr(error, "position", 0)) + first_line
            self._fault(name, line, yaml_problem(str(error).splitlines()[0]))
        except ValueError:  # ruamel makes dates of 2026-13-45 itself, and says nothing of where
            wrong = next((m for m in DATE.finditer(text) if not _is_date(m.group())), None)
            line = text.count("\n", 0, wrong.start()) + first_line if wrong else 0
            shown = f"{wrong.group()!r} är inget datum" if wrong else "ett datum går inte att läsa"
            self._fault(name, line, f"{shown} – skriv år-månad-dag, t.ex. 2026-05-04")
        return None

    def _read(self, name: str) -> str | None:
        try:
            # -sig: some editors on Windows put an invisible mark first
            self._texts[name] = (self.folder / name).read_text("utf-8-sig")
            return self._texts[name]
        except FileNotFoundError:
            self._fault(name, 0, "filen saknas – lägg tillbaka den")
        except UnicodeDecodeError:
            self._fault(name, 0, "filen är inte sparad som UTF-8 – spara om den med den kodningen")
        except OSError as error:
            self._fault(name, 0, f"filen går inte att läsa: {error.strerror}")
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
                message = _explain(detail["type"], key, str(detail.get("ctx", {}).get("expected")))
                self._fault(name, _line(root, where) + first_line, message)
            return None

    def _model(self, kind: type[M], name: str) -> M | None:
        text = self._read(name)
        data = self._yaml(name, text) if text is not None else None
        if data is None:
            if text is not None and not self._broken(name):
                self._fault(name, 0, "filen är tom")
            return None
        return self._validate(kind, _plain(data), name, data, 1)

    def _mapping(self, kind: type[M], name: str) -> dict[str, M]:
        text = self._read(name)
        data = self._yaml(name, text) if text is not None else None
        if data is None:
            if text is not None and not self._broken(name):
                self._fault(name, 0, "filen är tom")
            return {}
        if not isinstance(data, dict):
            self._fault(name, 1, "ska vara namn med kolon efter, ett för varje post")
            return {}
        self._names[name] = {str(key) for key in data}
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
            found = self._headed(EntryHead, name)
            if found is None:
                continue
            head, short, more = found
            if head.id != path.stem:
                message = f"id är {head.id!r} men filen heter {path.name} – skriv id: {path.stem}"
                self._fault(name, self._find(name, head.id, "id"), message)
                continue
            yield Entry(**head.model_dump(), short=short, more=more)

    def _pages(self) -> Iterator[Page]:
        for path in sorted((self.folder / "pages").glob("*.md")):
            name = f"pages/{path.name}"
            found = self._headed(PageHead, name)
            if found is None:
                continue
            head, text, _ = found
            if head.id != path.stem:
                message = f"id är {head.id!r} men filen heter {path.name} – skriv id: {path.stem}"
                self._fault(name, self._find(name, head.id, "id"), message)
                continue
            yield Page(**head.model_dump(), text=text)

    def _listed(self, site: Site | None, entries: dict[str, Entry]) -> None:
        """Every answer has a heading to stand under, and what is asked most exists."""
        if site is None:
            return
        for entry in entries.values():
            if entry.topic not in site.topics:
                name = f"faq/{entry.id}.md"
                message = f"topic: {entry.topic!r} finns inte i site.yml – lägg in ämnet där"
                self._fault(name, self._find(name, entry.topic, "topic"), message)
        for wanted in site.frequent:
            file = f"faq/{wanted}.md"
            if file not in self._texts and not self._broken(file):
                message = f"frequent: {wanted!r} finns inte – skriv id för ett svar"
                self._fault("site.yml", self._find("site.yml", wanted, "frequent"), message)
        if site.crisis and site.crisis.last < site.crisis.first:
            message = "crisis: `to` är före `from` – skriv första och sista dagen i ordning"
            self._fault("site.yml", self._find("site.yml", "to", "crisis"), message)

    def _headed(self, kind: type[M], name: str) -> tuple[M, str, str] | None:
        """The head, the short answer and the rest of a Markdown file; None after a fault."""
        text = self._read(name)
        if text is None:
            return None
        parts = HEAD.match(text)
        if parts is None:
            self._fault(name, 1, "ska börja med ett sidhuvud mellan två rader med ---")
            return None
        first_line = text.count("\n", 0, parts.start(1)) + 1
        data = self._yaml(name, parts.group(1), first_line)
        if data is None:
            if not self._broken(name):
                self._fault(name, first_line, "sidhuvudet är tomt")
            return None
        head = self._validate(kind, _plain(data), name, data, first_line)
        if head is None:
            return None
        short, _, more = text[parts.end() :].partition(MORE_MARK)
        if not short.strip():
            line = text.count("\n", 0, parts.end()) + 1
            self._fault(name, line, "svaret saknas – skriv det under sidhuvudet")
            return None
        return head, short, more

    def _translations(
        self, entries: dict[str, Entry]
    ) -> Iterator[tuple[tuple[str, str], Translation]]:
        for path in sorted((self.folder / "faq").glob("*.*.md")):
            name, (entry_id, _, lang) = f"faq/{path.name}", path.stem.partition(".")
            found = self._headed(TranslationHead, name)
            if found is None:
                continue
            head, short, more = found
            if not (self.folder / "faq" / f"{entry_id}.md").exists():
                self._fault(name, 0, f"{entry_id!r} finns inte på svenska – skriv det svaret först")
                continue
            if head.id != entry_id:
                message = f"id är {head.id!r} men filen heter {path.name} – skriv id: {entry_id}"
                self._fault(name, self._find(name, head.id, "id"), message)
                continue
            if entry_id not in entries:  # broken, which has been said
                continue
            yield (lang, entry_id), Translation(**head.model_dump(), short=short, more=more)

    def _needed_foreign(self, phrases: dict[str, Phrases]) -> None:
        for lang, model in phrases.items():
            for name in NEEDED_FOREIGN if lang != "sv" else ():
                if name not in model.phrases:
                    message = f"`{name}` saknas – assistenten behöver den texten"
                    self._fault(f"phrases/{lang}.yml", 0, message)
            for name in ("hours", "address", "phone") if lang != "sv" else ():
                if name not in model.choices:
                    message = f"valet `{name}` saknas – assistenten behöver den knappen"
                    self._fault(f"phrases/{lang}.yml", 0, message)

    def _hours(self, hours: Hours) -> OpeningHours | None:
        try:
            return opening_hours(hours)
        except ValueError as error:
            named = DATE.search(str(error))
            line = self._find("kontaktcenter.yml", named.group() if named else "weekly")
            self._fault("kontaktcenter.yml", line, f"öppettiderna går inte ihop: {error}")
            return None

    def _needed(self, swedish: Phrases | None) -> None:
        """What the code names itself must not be removed."""
        if not self._broken("safety.yml"):
            for name in (n for n in NEEDED_SAFETY if n not in self._names["safety.yml"]):
                self._fault("safety.yml", 0, f"`{name}` saknas – assistenten behöver det numret")
        for name in NEEDED_ENTRIES:
            if f"faq/{name}.md" not in self._texts and not self._broken(f"faq/{name}.md"):
                self._fault(f"faq/{name}.md", 0, "filen saknas – assistenten behöver det svaret")
        for name in NEEDED_PAGES:
            if f"pages/{name}.md" not in self._texts and not self._broken(f"pages/{name}.md"):
                self._fault(f"pages/{name}.md", 0, "filen saknas – webbplatsen behöver den sidan")
        if swedish is None:
            if not self._broken("phrases/sv.yml"):
                message = "filen saknas – där står de fasta texterna på svenska"
                self._fault("phrases/sv.yml", 0, message)
            return
        missing = [name for name in NEEDED_PHRASES if name not in swedish.phrases]
        missing += [name for name in NEEDED_CHOICES if name not in swedish.choices]
        for name in missing:
            self._fault("phrases/sv.yml", 0, f"`{name}` saknas – assistenten behöver den texten")

    def _needed_mails(self, participation: Participation | None) -> None:
        for name in (n for n in NEEDED_MAILS if participation and n not in participation.mails):
            message = f"mails: `{name}` saknas – assistenten behöver den texten"
            self._fault("intresseanmalan.yml", 0, message)

    def _references(
        self,
        kontaktcenter: Kontaktcenter | None,
        safety: dict[str, SafetyNumber],
        people: dict[str, Role],
        entries: dict[str, Entry],
        phrases: dict[str, Phrases],
        pages: dict[str, Page],
    ) -> None:
        """Every id that is named must exist. What exists but is broken is reported once, there."""
        files = {name[4:-3] for name in self._texts if name.startswith("faq/")} | {
            fault.path[12:-3] for fault in self.faults if fault.path.startswith("content/faq/")
        }
        known = self._names.get("sources.yml")
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
        named += [(f"pages/{p.id}.md", name) for p in pages.values() for name in p.source]
        for file, name in named:
            if known is not None and name not in known:
                line = self._find(file, name, "source")
                message = f"källan {name!r} finns inte i sources.yml – är den felstavad?"
                if Fault(f"content/{file}", line, message) not in self.faults:
                    self._fault(file, line, message)
        for entry in entries.values():
            file = f"faq/{entry.id}.md"
            for other in entry.related:
                if other not in files:
                    line = self._find(file, other, "related")
                    message = f"related: {other!r} finns inte – skriv id för ett annat svar"
                    self._fault(file, line, message)
        for lang, model in phrases.items():
            for key, phrase in model.phrases.items():
                for choice in phrase.choices:
                    if choice not in files and choice not in model.choices:
                        file = f"phrases/{lang}.yml"
                        line = self._find(file, choice, key)
                        message = f"{key}: valet {choice!r} finns inte – skriv id för ett svar"
                        self._fault(file, line, message)

    def _rendering(self, content: Content) -> None:
        """Every text must render: a misspelt variable is a fault here, not in front of a reader."""
        from bot.content.answers import TemplateError, render

        noon = datetime(2026, 11, 23, 12)
        texts = [
            (f"faq/{entry.id}.md", text, "sv")
            for entry in content.entries.values()
            for text in (entry.short, entry.more, entry.place or "", entry.call or "")
        ]
        texts += [
            (f"faq/{one.id}.{lang}.md", text, lang)
            for (lang, _), one in content.translations.items()
            for text in (one.short, one.more)
        ]
        texts += [
            (f"phrases/{lang}.yml", phrase.text, lang)
            for lang, model in content.phrases.items()
            for phrase in model.phrases.values()
        ]
        texts += [(f"pages/{page.id}.md", page.text, "sv") for page in content.pages.values()]
        crisis = content.site.crisis
        texts += [("site.yml", crisis.sv, "sv"), ("site.yml", crisis.en, "en")] if crisis else []
        one = content.participation
        texts += [
            ("intresseanmalan.yml", text, "sv")
            for text in (one.purpose, one.consent, *(m.text for m in one.mails.values()))
        ]
        for name, text, lang in texts:
            try:
                shown = render(content, text, noon.astimezone(), lang)
            except TemplateError as error:
                self._fault(name, self._line_of(name, text, error.line), str(error))
                continue
            left = re.search(r"\{\{|\}\}|\{%|%\}", shown)
            if left:
                line = self._line_of(name, text, text.count("\n", 0, text.find(left.group())) + 1)
                message = "en klammer saknas – skriv t.ex. {{ kontaktcenter.phone }}"
                self._fault(name, line, message)
                continue
            for value in VALUE.finditer(shown) if name.startswith("pages/") else ():
                if value.group(1) not in PAGE_VALUES:
                    line = self._find(name, value.group())
                    message = f"{value.group()} finns inte – välj bland {', '.join(PAGE_VALUES)}"
                    self._fault(name, line, message)

    def _line_of(self, name: str, text: str, line: int) -> int:
        """The line in the file of a line (from 1) of one of its texts; 0 if it isn't known."""
        lines = text.splitlines()
        wanted = lines[line - 1].strip() if 0 < line <= len(lines) else ""
        file = self._texts[name].splitlines() if wanted else []
        return next((number for number, found in enumerate(file, 1) if wanted in found), 0)


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
        given = [time is not None for time in (item.open, item.close)]
        if any(given) if item.closed else not all(given):
            raise ValueError(
                f"undantaget {item.date} ska ha antingen closed: true eller både open och close"
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


def _is_date(text: str) -> bool:
    try:
        date(*map(int, text.split("-")))
    except ValueError:
        return False
    return True


_A_DATE = "skriv år-månad-dag, t.ex. 2026-05-04"
_A_CLOCK = 'skriv klockslaget med två siffror och kolon inom citattecken, t.ex. "08:00"'
_ADVICE = {
    "reviewed": "skriv datumet då någon läste texten, t.ex. 2026-05-04",
    "read": _A_DATE,
    "date": _A_DATE,
    "as_of": _A_DATE,
    "from": _A_DATE,
    "to": _A_DATE,
    "open": _A_CLOCK,
    "close": _A_CLOCK,
    "days": "skriv t.ex. [mon, tue, wed, thu, fri]",
    "source": "skriv källans namn ur sources.yml",
    "owner": "skriv rollen eller enheten som ansvarar för texten",
    "audience": "skriv [invanare], [foretag] eller [invanare, foretag]",
    "id": "skriv filens namn utan .md: små bokstäver a–z, siffror och bindestreck",
    "topic": "skriv små bokstäver a–z, siffror och bindestreck",
    "title": "skriv frågan så som den visas",
    "related": "skriv id för andra svar, t.ex. [adress, telefon]",
    "url": "skriv hela adressen, den börjar med https://",
    "postcode": 'skriv t.ex. "461 83" inom citattecken',
    "e164": 'skriv t.ex. "+46520495000" inom citattecken',
    "email": "skriv adressen, eller null om den inte är känd",
}
_WRONG = {
    "string_type": "ska vara text",
    "string_too_short": "är tom",
    "string_too_long": "är för lång – skriv högst 300 tecken",
    "string_pattern_mismatch": "är skrivet på fel sätt",
    "list_type": "ska vara en lista inom hakparenteser",
    "too_short": "är tom",
    "bool_type": "ska vara true eller false",
    "bool_parsing": "ska vara true eller false",
    "dict_type": "ska vara namn med kolon efter",
    "model_type": "ska vara namn med kolon efter",
}


def _explain(kind: str, key: str, expected: str) -> str:
    field = next((part for part in reversed(key.split(".")) if not part.isdigit()), "")
    tail = f" – {_ADVICE[field]}" if field in _ADVICE else ""
    if kind == "missing":
        return f"`{key}` saknas{tail}"
    if kind == "extra_forbidden":
        return f"`{key}` är inget fält som finns här – är det felstavat?"
    if kind.startswith("date"):
        return f"`{key}` är inget datum{tail}"
    if kind == "literal_error":
        choices = expected.replace(" or ", " eller ")
        return f"`{key}` ska vara {choices}{tail}"
    return f"`{key}` {_WRONG.get(kind, 'är fel')}{tail}"


def yaml_problem(problem: str) -> str:
    """A YAML library's complaint as advice to an editor."""
    twice = re.search(r'found duplicate key "(.+?)"', problem)
    if twice:
        return f"`{twice.group(1)}` står två gånger – ta bort den ena"
    if "'\\t'" in problem:
        return "raden börjar med ett tabbtecken – använd mellanslag"
    return (
        "går inte att läsa som YAML – se över indrag, kolon, citattecken och hakparenteser här "
        f"och på raden före ({problem})"
    )
