"""What is kept how long, what is due, and its erasure. Times in UTC."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, false, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from bot.chat.sessions import Sessions
from bot.participation.registry import Registry, utc
from bot.settings import Settings
from bot.store.audit import HEAD, record
from bot.store.database import wipe
from bot.store.models import Audit, AuditHead, ChatSession, Interest
from bot.store.transcript_models import (
    ErasedConversation,
    IngestedEvent,
    Transcript,
    TurnMeasure,
)
from bot.transcripts.erasure import erase_rows, forget_words
from bot.transcripts.events import Source
from bot.transcripts.rows import alone

BY_AGE = "gallring"
"""Who erases by age, in the audit log, when nobody asked."""
COPIES, TRANSCRIPTS, INTERESTS, AUDIT = "kopior", "samtal", "intresse", "logg"
KINDS = (COPIES, TRANSCRIPTS, INTERESTS, AUDIT)
REPEATED = timedelta(days=30)
"""For so long an event that comes once more is known."""
MONTH = 30.44
"""Days."""


@dataclass(frozen=True)
class Due:
    """One kind: what there is and what is old enough to go."""

    kind: str
    kept: timedelta
    all: int
    count: int
    """How many are due."""
    oldest: datetime | None
    """Of those that are due."""
    held: int = 0
    """How many would be due but for a legal hold."""


class Retention:
    """Finds what is due and erases it."""

    def __init__(
        self,
        conf: Settings,
        engine: AsyncEngine,
        sessions: Sessions,
        registry: Registry,
        source: Source,
    ) -> None:
        self._conf, self._engine, self._source = conf, engine, source
        self._sessions, self._registry = sessions, registry
        self._looked = datetime.fromtimestamp(0, UTC)
        self._kept = {
            COPIES: timedelta(hours=conf.session_hours),
            TRANSCRIPTS: timedelta(days=conf.transcript_days),
            INTERESTS: timedelta(days=conf.interest_months * MONTH),
            AUDIT: timedelta(days=conf.audit_days),
        }

    async def due(self) -> list[Due]:
        """What is due now, by kind; nothing is erased."""
        columns = {
            COPIES: ChatSession.seen_at,
            TRANSCRIPTS: Transcript.last_at,
            INTERESTS: Interest.changed_at,
            AUDIT: Audit.at,
        }
        found = []
        async with AsyncSession(self._engine) as db:
            for kind, column in columns.items():
                held = Transcript.held_at.is_not(None) if kind == TRANSCRIPTS else false()
                old = column < self._before(kind)
                may = select(func.count(), func.min(column)).where(old, ~held)
                count, oldest = (await db.execute(may)).one()
                found.append(
                    Due(
                        kind,
                        self._kept[kind],
                        await db.scalar(select(func.count(column))) or 0,
                        count,
                        utc(oldest) if oldest else None,
                        await db.scalar(select(func.count(column)).where(old, held)) or 0,
                    )
                )
        return found

    async def talks_due(self, most: int = 50) -> Sequence[Transcript]:
        """The oldest transcripts that are due."""
        old = (Transcript.last_at < self._before(TRANSCRIPTS)) & Transcript.held_at.is_(None)
        query = select(Transcript).where(old).order_by(Transcript.last_at, Transcript.id)
        async with AsyncSession(self._engine) as db:
            return (await db.scalars(query.limit(most))).all()

    async def run(self, who: str = BY_AGE) -> dict[str, int]:
        """Erase what is due, and what only keeps order; how many of each kind."""
        gone = {
            COPIES: await self._sessions.erase_older(self._conf.session_hours),
            TRANSCRIPTS: await self._transcripts(who),
            INTERESTS: await self._registry.erase_older(self._conf.interest_months),
            AUDIT: await self._audit(who),
        }
        await self._order()
        return gone

    def _before(self, kind: str) -> datetime:
        return datetime.now(UTC) - self._kept[kind]

    async def _transcripts(self, who: str) -> int:
        old = (Transcript.last_at < self._before(TRANSCRIPTS)) & Transcript.held_at.is_(None)
        async with AsyncSession(self._engine) as db:
            found = list(await db.scalars(select(Transcript.id).where(old)))
        gone = 0
        for conversation in found:
            async with AsyncSession(self._engine) as db, db.begin():
                await alone(db, conversation)
                # once more: it may have gone on, or be held, since it was found
                query = select(Transcript.id).where(Transcript.id == conversation, old)
                if await db.scalar(query) is not None:
                    await erase_rows(db, [conversation])
                    gone += 1
        if gone:
            async with AsyncSession(self._engine) as db, db.begin():
                await record(db, who, "erased by age", TRANSCRIPTS, antal=gone)
            await forget_words(self._engine)
        return gone

    async def _audit(self, who: str) -> int:
        """Erase the oldest rows of the log; the chain begins after them."""
        before = self._before(AUDIT)
        async with AsyncSession(self._engine) as db, db.begin():
            # a write first, as record() does: nobody adds a row until this is done
            await db.execute(update(AuditHead).where(AuditHead.id == HEAD).values(id=HEAD))
            first = await db.scalar(select(func.min(Audit.id)).where(Audit.at >= before))
            old = Audit.at < before if first is None else Audit.id < first
            last = (
                await db.execute(
                    select(Audit.id, Audit.digest).where(old).order_by(Audit.id.desc()).limit(1)
                )
            ).one_or_none()
            if last is None:
                return 0
            count = await db.scalar(select(func.count()).where(old)) or 0
            # before they go: a number that was used in the log must not be used again
            await record(db, who, "erased by age", AUDIT, antal=count)
            await db.execute(delete(Audit).where(Audit.id <= last.id))
            await db.execute(
                update(AuditHead)
                .where(AuditHead.id == HEAD, AuditHead.anchor_id < last.id)
                .values(anchor=last.digest, anchor_id=last.id)
            )
        await wipe(self._engine)
        return count

    async def _order(self) -> None:
        """Erase what is of no more use: keys of old events, measures nobody can rate any more."""
        moment = datetime.now(UTC)
        rated = moment - self._kept[COPIES] - timedelta(days=1)
        async with AsyncSession(self._engine) as db, db.begin():
            await db.execute(delete(TurnMeasure).where(TurnMeasure.at < rated))
            for table in (IngestedEvent, ErasedConversation):
                await db.execute(delete(table).where(table.at < moment - REPEATED))
            query = select(func.count()).where(ErasedConversation.at >= self._looked)
            erased = await db.scalar(query)
        if erased:
            await forget_words(self._engine)
        self._looked = moment
        await self._source.erase_aside(self._conf.session_hours)
