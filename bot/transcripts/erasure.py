"""Conversations go: because the resident wants it, or because they are old enough."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from bot.store.audit import record
from bot.store.database import wipe
from bot.store.transcript_models import (
    ErasedConversation,
    Proposal,
    Transcript,
    TranscriptFlag,
    TranscriptNote,
    TranscriptTurn,
    TurnMeasure,
    Verdict,
)
from bot.transcripts.events import Source
from bot.transcripts.rows import alone, insert

RESIDENT = "den som chattade"
"""In the audit log; no account can have that name."""


class Held(Exception):
    """A legal hold keeps the conversation."""


class Erasure:
    """Erases transcripts, measures and raw events."""

    def __init__(self, engine: AsyncEngine, source: Source) -> None:
        self._engine, self._source = engine, source

    async def conversation(self, conversation: str, who: str = RESIDENT) -> None:
        """Erase what staff could read of a conversation, and what may still come of it.

        Raises Held, and writes that down, if a legal hold keeps it; then nothing is erased.
        """
        async with AsyncSession(self._engine) as db, db.begin():
            await alone(db, conversation)
            row = await db.get(Transcript, conversation)
            held = row is not None and row.held_at is not None
            if held:
                await record(db, who, "kept by hold", conversation)
            else:
                gone = {"conversation": conversation, "at": datetime.now(UTC)}
                await db.execute(
                    insert(db, ErasedConversation).values(gone).on_conflict_do_nothing()
                )
                await erase_rows(db, [conversation])
                if row is not None:
                    await record(db, who, "erased talk", conversation)
        if held:
            raise Held
        await self._source.erase(conversation)
        await wipe(self._engine)

    async def session(self, session_id: str) -> bool:
        """Erase the transcript of a session that is gone; False if there is none. Raises Held."""
        async with AsyncSession(self._engine) as db:
            query = select(Transcript.id).where(Transcript.session_id == session_id)
            found = list(await db.scalars(query))
        for conversation in found:
            await self.conversation(conversation)
        return bool(found)


async def erase_rows(db: AsyncSession, conversations: Sequence[str]) -> None:
    """Erase all that is kept of some conversations.

    A proposal that nobody has approved goes too; an approved one names nobody and stays.
    """
    turns = select(TranscriptTurn.id).where(TranscriptTurn.transcript_id.in_(conversations))
    await db.execute(
        delete(Proposal).where(
            Proposal.turn_id.in_(turns), Proposal.state.in_(("proposed", "rejected"))
        )
    )
    await db.execute(delete(Verdict).where(Verdict.turn_id.in_(turns)))
    # spelled out: a database opened without foreign keys must not leave rows behind
    for table in (TranscriptTurn, TranscriptFlag, TranscriptNote):
        await db.execute(delete(table).where(table.transcript_id.in_(conversations)))
    await db.execute(delete(TurnMeasure).where(TurnMeasure.conversation.in_(conversations)))
    await db.execute(delete(Transcript).where(Transcript.id.in_(conversations)))


async def forget_words(engine: AsyncEngine) -> None:
    """SQLite's full-text index keeps the words of erased turns until its parts are merged."""
    if engine.dialect.name == "sqlite":
        async with engine.begin() as db:
            await db.execute(
                text("INSERT INTO transcript_search (transcript_search) VALUES ('optimize')")
            )
        await wipe(engine)
