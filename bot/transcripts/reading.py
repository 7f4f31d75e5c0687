"""Conversations as staff read them: the list and its filters, one conversation, notes, views."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import parse_qsl, urlencode

from multidict import MultiDict, MultiMapping
from sqlalchemy import Select, delete, literal, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from bot.content.clock import STOCKHOLM
from bot.store.audit import record
from bot.store.transcript_models import (
    MOMENT,
    SavedView,
    Transcript,
    TranscriptFlag,
    TranscriptNote,
    TranscriptTurn,
    Verdict,
)
from bot.transcripts.grouping import Message
from bot.transcripts.search import asked, is_common, said_in

PAGE = 25
"""Conversations on a page."""
FLAGS = (
    "fallback",
    "clarification",
    "negative",
    "emergency",
    "person",
    "form",
    "abuse",
    "degraded",
)
FEEDBACK = {"ner": -1, "upp": 1, "inget": 0}
"""As `omdome`: thumbs down, thumbs up only, not a word."""
NOBODY, ME = "-", "jag"
"""As `tilldelad`: nobody, and whoever is asking; anything else is a name."""
SHORT = 140
"""Letters of a question in the list."""
MOST_UNDECIDED = 500
"""Messages that are grouped at once, the newest."""
MOST_VIEWS = 50
"""Saved views of one person."""
LONGEST_NAME = 60
_CUT = 200


@dataclass(frozen=True)
class Chosen:
    """What the list is narrowed to, by the names that stand in its address. "" is everything."""

    fran: str = ""
    """First and last day in Stockholm, YYYY-MM-DD, of a conversation's last turn."""
    till: str = ""
    amne: str = ""
    flagga: tuple[str, ...] = ()
    """All of them must be there."""
    under: str = ""
    """Percent: a typed turn was understood with less."""
    omdome: str = ""
    sok: str = ""
    osedda: str = ""
    tilldelad: str = ""
    sprak: str = ""

    @classmethod
    def of(cls, query: MultiMapping[str]) -> "Chosen":
        """From an address. What can't be is left out: old links must not break."""

        def one(name: str) -> str:
            # a NUL is an error to PostgreSQL
            return query.get(name, "").replace("\0", "").strip()[:_CUT]

        under = one("under").removesuffix("%").strip()
        return cls(
            fran=_day(one("fran")),
            till=_day(one("till")),
            amne=one("amne")[:60],
            flagga=tuple(flag for flag in FLAGS if flag in query.getall("flagga", [])),
            under=under if under.isascii() and under.isdigit() and 0 < int(under) <= 100 else "",
            omdome=one("omdome") if one("omdome") in FEEDBACK else "",
            sok=one("sok"),
            osedda="1" if one("osedda") == "1" else "",
            tilldelad=one("tilldelad")[:60],
            sprak=one("sprak")[:8],
        )

    @classmethod
    def of_text(cls, query: str) -> "Chosen":
        """From the query of an address, as saved views have it."""
        return cls.of(MultiDict(parse_qsl(query[:2000])))

    def __bool__(self) -> bool:
        return bool(self.pairs())

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values of what narrows the list."""
        single = ("fran", "till", "amne", "under", "omdome", "sok", "osedda", "tilldelad", "sprak")
        flags = [("flagga", flag) for flag in self.flagga]
        return [(name, value) for name in single if (value := getattr(self, name))] + flags

    def query(self, **more: str) -> str:
        """For an address: "?sok=bygglov&osedda=1", or ""."""
        told = urlencode([*self.pairs(), *((name, value) for name, value in more.items() if value)])
        return f"?{told}" if told else ""


@dataclass(frozen=True)
class Place:
    """Where a conversation stands in the list: the newest first, by its last turn."""

    at: datetime
    id: str

    @classmethod
    def of(cls, text: str) -> "Place | None":
        """From an address; None if it isn't one."""
        micros, dot, key = text.partition(".")
        if not (dot and key and micros.isascii() and micros.isdigit() and len(micros) < 18):
            return None
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(micros))
        return cls(at, key.replace("\0", "")[:40])

    def __str__(self) -> str:
        return (
            f"{(self.at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)}.{self.id}"
        )


@dataclass(frozen=True)
class Row:
    """One line of the list."""

    id: str
    at: datetime
    """Of the last turn, UTC."""
    question: str
    turns: int
    flags: tuple[str, ...]
    confidence: float | None
    feedback: int
    seen: bool
    assigned: str
    language: str


@dataclass(frozen=True)
class Page:
    """A page of the list; `older` is where the next one begins, None on the last."""

    rows: Sequence[Row]
    older: Place | None


@dataclass(frozen=True)
class Talk:
    """One conversation with all that belongs to it."""

    head: Transcript
    flags: tuple[str, ...]
    turns: Sequence[TranscriptTurn]
    verdicts: Mapping[str, Verdict]
    """By turn."""
    notes: Sequence[TranscriptNote]


@dataclass(frozen=True)
class Question:
    """What is asked of the database: a filter, and who asks."""

    chosen: Chosen
    me: str
    dialect: str
    common: bool = False
    """Whether the words that are looked for are (bot/transcripts/search.py)."""

    @classmethod
    async def of(cls, db: AsyncSession, chosen: Chosen, me: str) -> "Question":
        """As it is asked best of this database."""
        words = asked(chosen.sok)
        common = bool(words) and await is_common(db, words)
        return cls(chosen, me, db.get_bind().dialect.name, common)

    def query(self) -> Select[Transcript]:
        """All conversations that fit, in no order."""
        c, wanted = self.chosen, select(Transcript)
        if c.fran:
            wanted = wanted.where(Transcript.last_at >= _start(c.fran))
        if c.till:
            wanted = wanted.where(Transcript.last_at < _start(c.till, 1))
        if c.under:
            wanted = wanted.where(Transcript.confidence < int(c.under) / 100)
        if c.omdome:
            wanted = wanted.where(Transcript.feedback == FEEDBACK[c.omdome])
        if c.osedda:
            wanted = wanted.where(Transcript.seen_at.is_(None))
        if c.sprak:
            wanted = wanted.where(Transcript.language == c.sprak)
        if c.tilldelad == NOBODY:
            wanted = wanted.where(Transcript.assigned.is_(None))
        elif c.tilldelad:
            name = self.me if c.tilldelad == ME else c.tilldelad
            wanted = wanted.where(Transcript.assigned == name)
        for flag in c.flagga:
            flagged = select(TranscriptFlag.transcript_id).where(TranscriptFlag.flag == flag)
            wanted = wanted.where(Transcript.id.in_(flagged))
        if c.amne:
            about = select(TranscriptTurn.transcript_id).where(TranscriptTurn.topic == c.amne)
            wanted = wanted.where(Transcript.id.in_(about))
        if words := asked(c.sok):
            wanted = wanted.where(said_in(words, self.dialect, self.common))
        return wanted

    def older(self, than: Place | None = None) -> Select[Transcript]:
        """The newest first, after a place."""
        place = tuple_(Transcript.last_at, Transcript.id)
        wanted = self.query().order_by(Transcript.last_at.desc(), Transcript.id.desc())
        return wanted.where(place < _key(than)) if than else wanted

    def newer(self, than: Place) -> Select[Transcript]:
        """The nearest first, before a place."""
        place = tuple_(Transcript.last_at, Transcript.id)
        wanted = self.query().order_by(Transcript.last_at, Transcript.id)
        return wanted.where(place > _key(than))


def _key(place: Place) -> object:
    return tuple_(literal(place.at, MOMENT), literal(place.id))


async def page(db: AsyncSession, question: Question, after: Place | None = None) -> Page:
    """A page of the list."""
    found = list(await db.scalars(question.older(after).limit(PAGE + 1)))
    shown = found[:PAGE]
    ids = [one.id for one in shown]
    flags, questions = await _flags(db, ids), await _questions(db, ids)
    rows = [
        Row(
            one.id, utc(one.last_at), questions.get(one.id, ""), one.turns, flags.get(one.id, ()),
            one.confidence, one.feedback, one.seen_at is not None, one.assigned or "", one.language,
        )
        for one in shown
    ]  # fmt: skip
    older = Place(rows[-1].at, rows[-1].id) if len(found) > PAGE else None
    return Page(rows, older)


async def neighbour(
    db: AsyncSession, question: Question, of: Transcript, back: bool = False
) -> str | None:
    """The id of the next older (or newer) conversation of the list; None if there is none."""
    place = Place(utc(of.last_at), of.id)
    wanted = question.newer(place) if back else question.older(place)
    found = await db.scalar(wanted.limit(1))
    return found.id if found else None


async def talk(db: AsyncSession, conversation: str) -> Talk | None:
    """A whole conversation; None if there is no such one."""
    head = await db.get(Transcript, conversation)
    if head is None:
        return None
    turns = await db.scalars(
        select(TranscriptTurn)
        .where(TranscriptTurn.transcript_id == conversation)
        .order_by(TranscriptTurn.number)
    )
    said = turns.all()
    verdicts = await db.scalars(select(Verdict).where(Verdict.turn_id.in_([t.id for t in said])))
    notes = await db.scalars(
        select(TranscriptNote)
        .where(TranscriptNote.transcript_id == conversation)
        .order_by(TranscriptNote.id)
    )
    flags = await _flags(db, [conversation])
    return Talk(
        head, flags.get(conversation, ()), said, {v.turn_id: v for v in verdicts}, notes.all()
    )


@dataclass(frozen=True)
class Undecided:
    """A message that was misunderstood, and that nobody has said what to do about."""

    message: Message
    talk: str
    at: datetime
    language: str
    version: int
    """Of its verdict, 0 without one."""


async def undecided(db: AsyncSession, days: int) -> list[Undecided]:
    """Typed messages of the last days that went wrong, the newest first; MOST_UNDECIDED at most.

    No answer, a question in return, thumbs down, or a verdict that doesn't say what would have
    been right.
    """
    turn = TranscriptTurn
    wrong = turn.outcome.in_(("unknown", "clarified")) | (turn.feedback == -1)
    open_verdict = Verdict.verdict.in_(("wrong", "should_ask")) & Verdict.label.is_(None)
    wanted = (
        select(turn, Verdict.version)
        .join(Verdict, Verdict.turn_id == turn.id, isouter=True)
        .where(
            turn.at >= datetime.now(UTC) - timedelta(days=days),
            turn.pressed.is_(False),
            (wrong & Verdict.turn_id.is_(None)) | open_verdict,
        )
        .order_by(turn.at.desc(), turn.id)
        .limit(MOST_UNDECIDED)
    )
    return [
        Undecided(
            Message(one.id, one.text, tuple((str(name), float(p)) for name, p in one.ranking)),
            one.transcript_id, utc(one.at), one.language, version or 0,
        )
        for one, version in await db.execute(wanted)
    ]  # fmt: skip


async def assign(
    db: AsyncSession, conversation: str, who: str, to: str, before: str
) -> Transcript | None:
    """Give a conversation to somebody, "" to nobody. None if it was changed since `before`."""
    head = await _changed(db, conversation, to, before)
    if head is not None:
        await record(db, who, "changed", conversation, assigned=to)
    return head


async def _changed(db: AsyncSession, conversation: str, to: str, before: str) -> Transcript | None:
    fits = Transcript.assigned == before if before else Transcript.assigned.is_(None)
    return await db.scalar(
        update(Transcript)
        .where(Transcript.id == conversation, fits)
        .values(assigned=to or None)
        .returning(Transcript)
    )


async def mark(db: AsyncSession, conversation: str, who: str, seen: bool) -> None:
    """Mark a conversation as seen, or as unseen again."""
    moment = datetime.now(UTC)
    values = {"seen_at": moment if seen else None, "seen_by": who if seen else None}
    await db.execute(update(Transcript).where(Transcript.id == conversation).values(values))
    await record(db, who, "seen" if seen else "unseen", conversation)


async def note(db: AsyncSession, conversation: str, who: str, text: str) -> bool:
    """Add a note. False if it is the last one once more, as from a double click."""
    last = await db.scalar(
        select(TranscriptNote)
        .where(TranscriptNote.transcript_id == conversation)
        .order_by(TranscriptNote.id.desc())
        .limit(1)
    )
    moment = datetime.now(UTC)
    same = last is not None and (last.author, last.text) == (who, text)
    if same and last and utc(last.created_at) > moment - timedelta(minutes=1):
        return False
    db.add(TranscriptNote(transcript_id=conversation, author=who, text=text, created_at=moment))
    await record(db, who, "note", conversation)
    return True


async def views(db: AsyncSession, owner: str) -> Sequence[SavedView]:
    """Somebody's saved views, by name."""
    wanted = select(SavedView).where(SavedView.owner == owner).order_by(SavedView.name)
    return (await db.scalars(wanted)).all()


async def save_view(db: AsyncSession, owner: str, name: str, chosen: Chosen) -> None:
    """Keep a filter under a name; one of that name is replaced."""
    query = chosen.query().removeprefix("?")
    await record(db, owner, "saved view", "samtal")  # first: its lock keeps a double click out
    done = await db.execute(
        update(SavedView)
        .where(SavedView.owner == owner, SavedView.name == name)
        .values(query=query)
        .returning(SavedView.id)
    )
    if done.first() is None:
        db.add(SavedView(owner=owner, name=name, query=query))
        await db.flush()


async def forget_view(db: AsyncSession, owner: str, number: int) -> bool:
    """Delete one of somebody's own views; False if it isn't theirs or gone."""
    done = await db.execute(
        delete(SavedView)
        .where(SavedView.id == number, SavedView.owner == owner)
        .returning(SavedView.id)
    )
    if done.first() is None:
        return False
    await record(db, owner, "removed view", "samtal")
    return True


async def handlers(engine: AsyncEngine) -> list[str]:
    """Everybody who has a conversation."""
    query = select(Transcript.assigned).where(Transcript.assigned.is_not(None)).distinct()
    async with engine.connect() as db:
        return sorted(name for name in await db.scalars(query) if name)


def utc(moment: datetime) -> datetime:
    """A time from the database: SQLite forgets that it is UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def beginning(text: str, most: int = SHORT) -> str:
    """The first letters of a text, on one line."""
    plain = " ".join(text[: 4 * most].split())
    return plain if len(plain) <= most else plain[:most].rsplit(" ", 1)[0] + " …"


async def _flags(db: AsyncSession, ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    wanted = select(TranscriptFlag).where(TranscriptFlag.transcript_id.in_(list(ids)))
    for one in await db.scalars(wanted):
        found.setdefault(one.transcript_id, set()).add(one.flag)
    known = {flag: place for place, flag in enumerate(FLAGS)}
    return {
        key: tuple(sorted(flags, key=lambda f: (known.get(f, len(known)), f)))
        for key, flags in found.items()
    }


async def _questions(db: AsyncSession, ids: Sequence[str]) -> dict[str, str]:
    """What each conversation is about: the first that was typed and isn't a greeting."""
    wanted = (
        select(
            TranscriptTurn.transcript_id, TranscriptTurn.text, TranscriptTurn.pressed,
            TranscriptTurn.outcome,
        )
        .where(TranscriptTurn.transcript_id.in_(ids), TranscriptTurn.number <= 4)
        .order_by(TranscriptTurn.number)
    )  # fmt: skip
    found: dict[str, list[tuple[bool, str]]] = {}
    for row in await db.execute(wanted):
        telling = not row.pressed and row.outcome != "smalltalk"
        found.setdefault(row.transcript_id, []).append((telling, row.text))
    return {
        key: beginning(next((text for telling, text in said if telling), said[0][1]))
        for key, said in found.items()
    }


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat() if len(text) == 10 else ""
    except ValueError:
        return ""


def _start(day: str, later: int = 0) -> datetime:
    """The first moment of a day in Stockholm, as UTC."""
    try:
        found = date.fromisoformat(day) + timedelta(days=later)
        return datetime.combine(found, time(), STOCKHOLM).astimezone(UTC)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if later else datetime.min.replace(tzinfo=UTC)
