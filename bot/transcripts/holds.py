"""Legal hold: a conversation that must not be erased, whoever asks."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from bot.store.audit import record
from bot.store.transcript_models import Transcript
from bot.transcripts.rows import alone


async def put(engine: AsyncEngine, conversation: str, who: str, why: str) -> bool | None:
    """Hold a conversation. False if it is held already, None if there is none."""
    return await _change(engine, conversation, who, why)


async def lift(engine: AsyncEngine, conversation: str, who: str) -> bool | None:
    """Let a conversation go. False if it isn't held, None if there is none."""
    return await _change(engine, conversation, who, None)


async def held(engine: AsyncEngine) -> Sequence[Transcript]:
    """The conversations that are held, the oldest hold first."""
    query = select(Transcript).where(Transcript.held_at.is_not(None)).order_by(Transcript.held_at)
    async with AsyncSession(engine) as db:
        return (await db.scalars(query)).all()


async def _change(engine: AsyncEngine, conversation: str, who: str, why: str | None) -> bool | None:
    async with AsyncSession(engine) as db, db.begin():
        await alone(db, conversation)
        row = await db.get(Transcript, conversation)
        if row is None:
            return None
        if (row.held_at is not None) is (why is not None):
            return False
        row.held_at = datetime.now(UTC) if why is not None else None
        row.held_by, row.held_why = (who, why) if why is not None else (None, None)
        await record(db, who, "hold on" if why is not None else "hold off", conversation)
    return True
