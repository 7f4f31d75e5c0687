"""How rows of a conversation are written when others write and erase at the same time."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.transcript_models import ErasedConversation


async def alone(db: AsyncSession, conversation: str) -> None:
    """From here on nobody else stores or erases this conversation until the transaction ends."""
    if db.get_bind().dialect.name == "postgresql":
        lock = "SELECT pg_advisory_xact_lock(hashtext(:conversation))"
        await db.execute(text(lock), {"conversation": conversation})
    else:  # whoever writes is alone in SQLite; this changes nothing
        await db.execute(text("UPDATE audit_head SET id = id WHERE id < 0"))


async def erased(db: AsyncSession, conversation: str) -> bool:
    """Whether the conversation was erased, so that nothing of it may come back."""
    return await db.get(ErasedConversation, conversation) is not None


def insert(db: AsyncSession, table: Any) -> Any:
    """The database's own INSERT, which knows what to do when a row is there."""
    own = postgresql if db.get_bind().dialect.name == "postgresql" else sqlite
    return own.insert(table)
