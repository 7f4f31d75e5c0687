"""How the assistant is used and how well it answers, in figures of a period.

The database counts by quarters of an hour or the like, in UTC; what day and hour that is in
Stockholm, and whether kontaktcenter was open, is worked out here. Erased conversations are not in
the figures.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import ColumnElement, and_, extract, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.content.clock import STOCKHOLM
from bot.content.hours import Interval, OpeningHours, day_status
from bot.store.models import Interest
from bot.store.transcript_models import Transcript, TranscriptFlag, TranscriptTurn
from bot.transcripts import grouping

P = ParamSpec("P")
T = TypeVar("T")
OUTCOMES = (
    *("answered", "clarified", "unknown", "person", "emergency", "form", "smalltalk", "degraded"),
)
"""What can come of a message, as in TranscriptTurn.outcome."""
LONGEST = 366
"""Days of a period."""
READ_UNANSWERED = 200
"""Different messages without an answer that are grouped, the most frequent ones."""
GROUPS, EXAMPLES = 20, 3
FRESH = 60.0
"""Seconds that figures are kept."""


@dataclass(frozen=True)
class Period:
    """Whole days in Stockholm, the last one included. Raises ValueError if there are none."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if not 0 <= (self.last - self.first).days < LONGEST:
            raise ValueError(f"{self.first}–{self.last}")

    @property
    def days(self) -> list[date]:
        """Every day, in order."""
        return [self.first + timedelta(n) for n in range((self.last - self.first).days + 1)]

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """From, and until just before: UTC."""
        return _midnight(self.first), _midnight(self.last + timedelta(1))


@dataclass(frozen=True)
class Use:
    """Conversations by when they began, messages by when they were written."""

    conversations: int = 0
    turns: int = 0


@dataclass(frozen=True)
class Topic:
    """How often a topic was answered, and what residents said of the answers."""

    label: str
    turns: int
    helpful: int
    unhelpful: int


@dataclass(frozen=True)
class Message:
    """A text, and how often it was written."""

    text: str
    times: int


@dataclass(frozen=True)
class Group:
    """Messages without an answer that mean the same. `examples` are the most frequent ones."""

    times: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class AnswerTime:
    """Milliseconds until an answer, by nearest rank; None where nothing was measured."""

    measured: int
    median: int | None
    p95: int | None


@dataclass(frozen=True)
class Form:
    """The way of businesses through the form. `sent` are those of `begun` that sent it in and
    have not been erased since; `received` came in during the period, whenever they began."""

    begun: int
    sent: int
    received: int

    @property
    def unfinished(self) -> int:
        """Broken off, or under way still."""
        return self.begun - self.sent


@dataclass(frozen=True)
class Figures:
    """All figures of a period."""

    period: Period
    days: Mapping[date, Use]
    """Every day of the period."""
    hours: tuple[Use, ...]
    """24 of them, by the clock in Stockholm, all days together."""
    outcomes: Mapping[str, int]
    """Messages by OUTCOMES, each of them there."""
    outside: int
    """Messages while kontaktcenter was closed."""
    topics: Sequence[Topic]
    languages: Sequence[tuple[str, int]]
    """Conversations by language code, the most frequent first."""
    groups: Sequence[Group]
    answer_time: AnswerTime
    form: Form

    @property
    def conversations(self) -> int:
        """All that began in the period."""
        return sum(use.conversations for use in self.days.values())

    @property
    def turns(self) -> int:
        """All messages of the period."""
        return sum(use.turns for use in self.days.values())

    @property
    def helpful(self) -> int:
        """Answers that residents found helpful."""
        return sum(topic.helpful for topic in self.topics)

    @property
    def unhelpful(self) -> int:
        """Answers that residents did not find helpful."""
        return sum(topic.unhelpful for topic in self.topics)


async def figures(engine: AsyncEngine, period: Period, hours: OpeningHours) -> Figures:
    """Count. `hours` are today's: nobody knows those that were in force then."""
    grain = fineness(hours)
    # each on a connection of its own: one after the other they take twice as long
    async with asyncio.TaskGroup() as group:
        turns = group.create_task(_on(engine, _outcomes, period, grain))
        conversations = group.create_task(_on(engine, _conversations, period, grain))
        topics = group.create_task(_on(engine, _topics, period))
        languages = group.create_task(_on(engine, _languages, period))
        unanswered = group.create_task(_on(engine, _unanswered, period))
        answer_time = group.create_task(_on(engine, _answer_time, period))
        form = group.create_task(_on(engine, _form, period))
    outcomes = Counter(dict.fromkeys(OUTCOMES, 0))
    for _, outcome, number in turns.result():
        outcomes[outcome] += number
    written = [(at, number) for at, _, number in turns.result()]
    days, by_hour = uses(period, conversations.result(), written)
    return Figures(
        period=period,
        days=days,
        hours=by_hour,
        outcomes=outcomes,
        outside=outside_hours(written, hours),
        topics=topics.result(),
        languages=languages.result(),
        groups=await asyncio.to_thread(grouped, unanswered.result()),
        answer_time=answer_time.result(),
        form=form.result(),
    )


class Recent:
    """Figures that are shown again for a minute without counting anew."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[tuple[Period, str], tuple[float, Figures]] = {}

    async def figures(self, engine: AsyncEngine, period: Period, hours: OpeningHours) -> Figures:
        """As the function of that name."""
        key, moment = (period, repr(hours)), self._clock()
        self._known = {one: v for one, v in self._known.items() if moment - v[0] <= FRESH}
        if key not in self._known:
            self._known[key] = (moment, await figures(engine, period, hours))
        return self._known[key][1]


# --- arithmetic -----------------------------------------------------------------------------------

Counted = Sequence[tuple[datetime, int]]
"""How many there were in a stretch of time, by its beginning (UTC)."""


def fineness(hours: OpeningHours) -> int:
    """Minutes of the longest stretches that lie either inside or outside opening hours.

    Stockholm's clock is whole hours from UTC's: stretches that divide the hour suit both.
    """
    spans = [span for day in hours.weekly.values() for span in day]
    spans += [span for exception in hours.exceptions for span in exception.intervals]
    return math.gcd(60, *(at.minute for span in spans for at in (span.open, span.close)))


def uses(
    period: Period, conversations: Counted, turns: Counted
) -> tuple[dict[date, Use], tuple[Use, ...]]:
    """By day and by hour in Stockholm: a day may have 23 or 25 hours, an hour may come twice."""
    counts = [_by_day_and_hour(conversations), _by_day_and_hour(turns)]
    days = {day: Use(*(by_day[day] for by_day, _ in counts)) for day in period.days}
    return days, tuple(Use(*(by_hour[hour] for _, by_hour in counts)) for hour in range(24))


def _by_day_and_hour(counted: Counted) -> tuple[Counter[date], Counter[int]]:
    days, hours = Counter[date](), Counter[int]()
    for at, number in counted:
        there = at.astimezone(STOCKHOLM)
        days[there.date()] += number
        hours[there.hour] += number
    return days, hours


def outside_hours(counted: Counted, hours: OpeningHours) -> int:
    """How many came while it was closed. Days that are not certain go by their ordinary hours."""
    spans: dict[date, tuple[Interval, ...]] = {}
    outside = 0
    for at, number in counted:
        there = at.astimezone(STOCKHOLM)
        day, clock = there.date(), there.time()
        if day not in spans:
            spans[day] = day_status(hours, day).intervals
        if not any(span.open <= clock < span.close for span in spans[day]):
            outside += number
    return outside


def percentile(counts: Mapping[int, int], share: float) -> int | None:
    """The least value that at least this share of all is not above; None of nothing."""
    needed, so_far = share * sum(counts.values()), 0
    for value in sorted(counts):
        so_far += counts[value]
        if so_far >= needed:
            return value
    return None


def share(part: int, whole: int) -> float | None:
    """Part of a whole, 0–1; None of nothing."""
    return part / whole if whole else None


def grouped(messages: Sequence[Message]) -> list[Group]:
    """Messages that ask for the same, by their words; the largest groups first."""
    told = [grouping.Message(str(place), one.text) for place, one in enumerate(messages)]
    groups = []
    for alike in grouping.groups(told):
        its = sorted((messages[int(one.id)] for one in alike), key=lambda m: (-m.times, m.text))
        groups.append(Group(sum(m.times for m in its), tuple(m.text for m in its[:EXAMPLES])))
    return sorted(groups, key=lambda group: (-group.times, group.examples))[:GROUPS]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=STOCKHOLM).astimezone(UTC)


# --- queries --------------------------------------------------------------------------------------


async def _on(
    engine: AsyncEngine, query: Callable[Concatenate[AsyncConnection, P], Awaitable[T]],
    *args: P.args, **named: P.kwargs,
) -> T:  # fmt: skip
    async with engine.connect() as db:
        return await query(db, *args, **named)


def _within(column: Any, period: Period) -> ColumnElement[bool]:
    start, end = period.bounds
    return and_(column >= start, column < end)


def _stretch(db: AsyncConnection, column: Any, minutes: int) -> ColumnElement[Any]:
    """The number of a stretch of time, counted from 1970."""
    seconds = extract("epoch", column)
    if db.dialect.name == "postgresql":  # has fractions of seconds
        return func.floor(seconds / (60 * minutes))
    return seconds // (60 * minutes)


def _beginning(number: Any, minutes: int) -> datetime:
    return datetime.fromtimestamp(int(number) * 60 * minutes, UTC)


async def _outcomes(
    db: AsyncConnection, period: Period, minutes: int
) -> list[tuple[datetime, str, int]]:
    stretch = _stretch(db, TranscriptTurn.at, minutes)
    query = (
        select(stretch, TranscriptTurn.outcome, func.count())
        .where(_within(TranscriptTurn.at, period))
        .group_by(stretch, TranscriptTurn.outcome)
    )
    return [(_beginning(at, minutes), what, n) for at, what, n in await db.execute(query)]


async def _conversations(
    db: AsyncConnection, period: Period, minutes: int
) -> list[tuple[datetime, int]]:
    stretch = _stretch(db, Transcript.started_at, minutes)
    query = select(stretch, func.count()).where(_began(period)).group_by(stretch)
    return [(_beginning(at, minutes), n) for at, n in await db.execute(query)]


def _began(period: Period) -> ColumnElement[bool]:
    # the second says nothing new, but there is an index on it
    start, _ = period.bounds
    return _within(Transcript.started_at, period) & (Transcript.last_at >= start)


async def _topics(db: AsyncConnection, period: Period) -> list[Topic]:
    turn = TranscriptTurn
    # as an expression: SQLite would take the index on the topic and read every row
    label = func.coalesce(turn.topic, "")
    query = (
        select(label, turn.feedback, func.count())
        .where(_within(turn.at, period)).group_by(label, turn.feedback)
    )  # fmt: skip
    counts: dict[str, Counter[int]] = {}
    for name, feedback, number in await db.execute(query):
        counts.setdefault(name, Counter())[feedback or 0] += number
    topics = [Topic(label, sum(c.values()), c[1], c[-1]) for label, c in counts.items()]
    return sorted(topics, key=lambda topic: (-topic.turns, topic.label))


async def _languages(db: AsyncConnection, period: Period) -> list[tuple[str, int]]:
    query = (
        select(Transcript.language, func.count())
        .where(_began(period)).group_by(Transcript.language)
    )  # fmt: skip
    found = [(lang, number) for lang, number in await db.execute(query)]
    return sorted(found, key=lambda one: (-one[1], one[0]))


async def _unanswered(db: AsyncConnection, period: Period) -> list[Message]:
    turn = TranscriptTurn
    query = (
        select(turn.text, func.count())
        .where(_within(turn.at, period), turn.outcome == "unknown")
        .group_by(turn.text).order_by(func.count().desc(), turn.text).limit(READ_UNANSWERED)
    )  # fmt: skip
    return [Message(text, number) for text, number in await db.execute(query)]


async def _answer_time(db: AsyncConnection, period: Period) -> AnswerTime:
    turn = TranscriptTurn
    query = (
        select(turn.latency_ms, func.count())
        .where(_within(turn.at, period), turn.latency_ms.is_not(None)).group_by(turn.latency_ms)
    )  # fmt: skip
    counts = {int(ms or 0): number for ms, number in await db.execute(query)}
    return AnswerTime(sum(counts.values()), percentile(counts, 0.5), percentile(counts, 0.95))


async def _form(db: AsyncConnection, period: Period) -> Form:
    begun = (
        select(Transcript.id)
        .join(TranscriptFlag, TranscriptFlag.transcript_id == Transcript.id)
        .where(_began(period), TranscriptFlag.flag == "form").subquery()
    )  # fmt: skip
    there = select(Interest.id).where(Interest.conversation == begun.c.id).exists()
    received = select(func.count()).select_from(Interest).where(
        _within(Interest.created_at, period)
    )  # fmt: skip
    return Form(
        await db.scalar(select(func.count()).select_from(begun)) or 0,
        await db.scalar(select(func.count()).select_from(begun).where(there)) or 0,
        await db.scalar(received) or 0,
    )
