"""Takes in Rasa's events: redacted turns in the database, and nothing left of what was raw.

A turn is stored in one transaction with the keys of its events, and the raw events are erased
after it. Whoever dies in between finds the events again, and their keys: nothing is lost, nothing
counts twice.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import and_, func, or_, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from bot.content.clock import STOCKHOLM
from bot.content.store import ContentStore
from bot.participation.registry import utc
from bot.store.models import ChatSession
from bot.store.transcript_models import (
    EntryShown,
    IngestedEvent,
    Transcript,
    TranscriptFlag,
    TranscriptTurn,
    TurnMeasure,
)
from bot.transcripts import turns
from bot.transcripts.events import AT_ONCE, BrokenEvent, Event, Raw, Source, parse
from bot.transcripts.known_models import KnownModels
from bot.transcripts.names import public_facts
from bot.transcripts.redaction import redact_turn
from bot.transcripts.rows import alone, erased, insert
from bot.transcripts.search import stems

log = structlog.get_logger("ingest")
PAUSE = 0.5
"""Seconds between two looks: what has come meanwhile is taken together, which costs less than each
on its own, and is work that nobody waits for."""
STALE = 60
"""Seconds after which a turn that never ended is taken as it is: Rasa died in it."""
RECENT = timedelta(minutes=10)
SWEEP_EVERY = 60
"""Seconds between two looks at all measures, for an answer that is rated late."""
REMEMBERED = 2000
"""Conversations whose names are kept in mind, in memory only."""
_NAMES = {"PRS": "[namn]"}


@dataclass(frozen=True)
class _Waiting:
    raw: Raw
    event: Event


class Ingest:
    """Stores what a source has."""

    def __init__(
        self, engine: AsyncEngine, source: Source, store: ContentStore, models: KnownModels
    ) -> None:
        self._engine, self._source, self._store, self._models = engine, source, store, models
        self._swept = -float(SWEEP_EVERY)
        self._content = store.content
        self._public = public_facts(store.content)
        self._names: dict[str, frozenset[str]] = {}

    async def run_forever(self) -> None:
        """Take in what comes until cancelled; a database that is away is tried again."""
        while True:
            try:
                stored = await self.step()
                await asyncio.sleep(0 if stored > AT_ONCE / 2 else PAUSE)  # there may be more
            except Exception as error:  # the type only: a message may hold what was said
                log.error("ingest_failed", error=type(error).__name__)
                await asyncio.sleep(5)

    async def close(self) -> None:
        """Let go of the source."""
        await self._source.close()

    async def step(self) -> int:
        """Take in what waits now; how many events were stored.

        Raises the database's or RabbitMQ's error when one is away. What waits goes on waiting.
        """
        stored = 0
        for conversation, waiting in (await self._read()).items():
            ended = waiting[: turns.whole([one.event for one in waiting])]
            rest = waiting[len(ended) :]
            if rest and monotonic() - rest[-1].raw.since > STALE:
                ended = waiting
            if not ended:
                continue
            if await self._take(conversation, ended):
                await self._source.done(one.raw.handle for one in ended)
            stored += len(ended)
        await self.merge()
        return stored

    async def merge(self) -> int:
        """Put what the gateway measured beside the turns; how many were changed or made."""
        now = monotonic()
        everything = now - self._swept >= SWEEP_EVERY
        turn, measure = TranscriptTurn, TurnMeasure
        differs = or_(
            turn.latency_ms.is_(None),
            and_(
                measure.feedback.is_not(None),
                or_(
                    turn.feedback.is_(None),
                    turn.feedback != measure.feedback,
                    func.coalesce(turn.comment, "") != func.coalesce(measure.comment, ""),
                ),
            ),
        )
        query = (
            select(measure.turn_id, measure.conversation)
            .outerjoin(turn, turn.id == measure.turn_id)
            .where(
                or_(and_(turn.id.is_(None), measure.degraded), and_(turn.id.is_not(None), differs))
            )
            .order_by(measure.at)
        )
        if not everything:
            query = query.where(measure.at > datetime.now(UTC) - RECENT)
        async with AsyncSession(self._engine) as db:
            found = (await db.execute(query)).all()
        for turn_id, conversation in found:
            async with AsyncSession(self._engine) as db, db.begin():
                await alone(db, conversation)
                row = await db.get(TurnMeasure, turn_id, populate_existing=True)
                if row is not None and not await erased(db, conversation):
                    await self._measured(db, row)
        if everything:
            self._swept = now
        return len(found)

    async def _read(self) -> dict[str, list[_Waiting]]:
        found: dict[str, list[_Waiting]] = {}
        for raw in await self._source.waiting():
            try:
                event = parse(raw.body)
            except BrokenEvent as error:
                log.error("event_set_aside", reason=str(error))
                await self._source.set_aside(raw.handle)
                continue
            found.setdefault(event.conversation, []).append(_Waiting(raw, event))
        return found

    async def _take(self, conversation: str, waiting: Sequence[_Waiting]) -> bool:
        """Store a conversation's events; False if they can't be, and were set aside instead."""
        try:
            await self._store_events(conversation, [one.event for one in waiting])
        except (DBAPIError, OSError) as error:
            if not isinstance(error, DataError | IntegrityError):
                raise  # the database is away or busy; what it refuses to hold is something else
            await self._set_aside(waiting, error)
            return False
        except Exception as error:
            await self._set_aside(waiting, error)
            return False
        return True

    async def _set_aside(self, waiting: Iterable[_Waiting], error: Exception) -> None:
        log.error("turn_set_aside", error=type(error).__name__)
        for one in waiting:
            await self._source.set_aside(one.raw.handle)

    async def _store_events(self, conversation: str, events: Sequence[Event]) -> None:
        known = {
            model: await asyncio.to_thread(self._models.stem, model)
            for model in {turn.model for turn in turns.turns(events)}
        }
        async with AsyncSession(self._engine) as db, db.begin():
            await alone(db, conversation)
            fresh = await _fresh(db, conversation, [event.key for event in events])
            if not fresh or await erased(db, conversation):
                return
            for turn in turns.turns(event for event in events if event.key in fresh):
                await self._add(db, conversation, turn, known[turn.model])

    async def _add(self, db: AsyncSession, conversation: str, turn: turns.Turn, model: str) -> None:
        said = self._masked(conversation, turn.text, turns.spoken(turn.entities))
        # what a business told about itself is repeated in the form's summary
        answer = self._masked(conversation, turn.answer) if turn.in_form else turn.answer
        row = await db.get(TranscriptTurn, turn.id)
        late = row is not None  # Rasa answered after the gateway had given up
        if row is None:
            transcript = await _transcript(db, conversation, turn.at, turn.language)
            if turn.confidence is not None and turn.outcome != turns.FORM:
                lowest = transcript.confidence
                transcript.confidence = min(1.0 if lowest is None else lowest, turn.confidence)
            for entry in turn.entries:
                await _count(db, turn.at, entry, times=1)
            row = TranscriptTurn(
                id=turn.id, transcript_id=conversation, number=transcript.turns, at=turn.at,
                outcome=turn.outcome, answer=answer, buttons=list(turn.buttons), topic=turn.topic,
            )  # fmt: skip
        row.text, row.pressed, row.language = said, turn.pressed, turn.language
        row.intent, row.confidence, row.ranking = turn.intent, turn.confidence, turn.ranking
        row.entities, row.model = kept_entities(turn, said), model
        row.stems = stems(f"{row.text} {row.answer}")
        db.add(row)
        await db.flush()
        await _flag(db, conversation, turn.flags - ({"fallback"} if late else set()))
        measure = await db.get(TurnMeasure, turn.id)
        if measure is not None:
            await self._measured(db, measure)

    async def _measured(self, db: AsyncSession, measure: TurnMeasure) -> None:
        """Merge a measure into its turn; a turn without Rasa is made of it."""
        row = await db.get(TranscriptTurn, measure.turn_id)
        at = utc(measure.at)
        if row is None:
            if not measure.degraded:
                return
            transcript = await _transcript(db, measure.conversation, at, measure.language)
            row = TranscriptTurn(
                id=measure.turn_id, transcript_id=measure.conversation, number=transcript.turns,
                at=at, language=measure.language,
                text=self._masked(measure.conversation, measure.text or ""),
            )  # fmt: skip
            db.add(row)
        if measure.degraded:
            row.outcome, row.topic, row.buttons = turns.DEGRADED, None, []
            row.answer = measure.answer or ""
            row.stems = stems(f"{row.text} {row.answer}")
            await db.flush()
            await _flag(db, measure.conversation, {turns.FLAG_OF[turns.DEGRADED]})
        row.latency_ms = measure.latency_ms
        if measure.feedback is not None:
            await self._rated(db, row, measure)
        await db.flush()

    def _masked(
        self, conversation: str, said: str, entities: Sequence[Mapping[str, Any]] = ()
    ) -> str:
        """A text as it may be stored; a name stays one for the rest of the conversation."""
        if self._content is not self._store.content:
            self._content = self._store.content
            self._public = public_facts(self._content)
        known = self._names.pop(conversation, frozenset())
        text, _, told = redact_turn(said, entities, self._public, known)
        if known or told:
            self._names[conversation] = known | told  # the one spoken last stands last
        if len(self._names) > REMEMBERED:
            del self._names[next(iter(self._names))]
        return text

    async def _rated(
        self,
        db: AsyncSession,
        row: TranscriptTurn,
        measure: TurnMeasure,
    ) -> None:
        before, now = row.feedback, measure.feedback
        row.feedback = now
        told = measure.comment
        row.comment = self._masked(measure.conversation, told) if told else None
        await db.flush()
        entry = turns.entry(row.topic)
        if entry and before != now:
            await _count(
                db, utc(row.at), entry,
                helpful=(now == 1) - (before == 1), unhelpful=(now == -1) - (before == -1),
            )  # fmt: skip
        rated = select(func.min(TranscriptTurn.feedback)).where(
            TranscriptTurn.transcript_id == row.transcript_id
        )
        transcript = await db.get_one(Transcript, row.transcript_id)
        transcript.feedback = await db.scalar(rated) or 0
        if transcript.feedback < 0:
            await _flag(db, row.transcript_id, {"negative"})
        else:
            await _unflag(db, row.transcript_id, "negative")


def kept_entities(turn: turns.Turn, said: str) -> list[list[str]]:
    """The entities of a turn as they may be stored: of those that were masked only the kind."""
    kept = []
    spoken = turns.spoken(turn.entities)
    for one in turn.entities:
        kind, value = str(one.get("entity", ""))[:40], str(one.get("value", ""))
        if one in spoken and (kind in _NAMES or value not in said):
            value = _NAMES.get(kind, "[dolt]")
        kept.append([kind, value[:200]])
    return kept


async def _fresh(db: AsyncSession, conversation: str, keys: Sequence[str]) -> set[str]:
    """Those of the keys that are new; they are known from now on."""
    moment = datetime.now(UTC)
    unique = list(dict.fromkeys(keys))
    found: set[str] = set()
    for start in range(0, len(unique), 500):
        rows = [
            {"key": key, "conversation": conversation, "at": moment}
            for key in unique[start : start + 500]
        ]
        adding = insert(db, IngestedEvent).values(rows).on_conflict_do_nothing()
        found.update(await db.scalars(adding.returning(IngestedEvent.key)))
    return found


async def _transcript(
    db: AsyncSession, conversation: str, at: datetime, language: str
) -> Transcript:
    """The conversation's row, one turn longer and unseen."""
    row = await db.get(Transcript, conversation)
    if row is None:
        owner = select(ChatSession.id).where(ChatSession.conversation == conversation)
        row = Transcript(
            id=conversation, session_id=await db.scalar(owner), started_at=at, last_at=at,
            turns=0, language=language, feedback=0,
        )  # fmt: skip
        db.add(row)
    row.started_at, row.last_at = min(utc(row.started_at), at), max(utc(row.last_at), at)
    row.turns, row.language = row.turns + 1, language
    row.seen_at = row.seen_by = None
    await db.flush()
    return row


async def _flag(db: AsyncSession, conversation: str, flags: Iterable[str]) -> None:
    for flag in sorted(flags):
        row = {"transcript_id": conversation, "flag": flag}
        await db.execute(insert(db, TranscriptFlag).values(row).on_conflict_do_nothing())


async def _unflag(db: AsyncSession, conversation: str, flag: str) -> None:
    row = await db.get(TranscriptFlag, (conversation, flag))
    if row is not None:
        await db.delete(row)


async def _count(
    db: AsyncSession, at: datetime, entry: str, times: int = 0, helpful: int = 0, unhelpful: int = 0
) -> None:
    """Add to what is known of an entry's day in Stockholm."""
    day, name = f"{at.astimezone(STOCKHOLM):%Y-%m-%d}", entry[:60]
    adding = insert(db, EntryShown).values(
        day=day, entry=name, times=times, helpful=max(helpful, 0), unhelpful=max(unhelpful, 0)
    )
    await db.execute(
        adding.on_conflict_do_update(
            index_elements=["day", "entry"],
            set_={
                "times": EntryShown.times + times,
                "helpful": EntryShown.helpful + helpful,
                "unhelpful": EntryShown.unhelpful + unhelpful,
            },
        )
    )
