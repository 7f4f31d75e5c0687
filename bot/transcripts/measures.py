"""What only the gateway knows of a turn: how long it took, whether it helped.

Nothing here may break an answer: what can't be written is left out, and the log says so.
"""

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from bot.store.transcript_models import TurnMeasure

log = structlog.get_logger("measures")


@dataclass(frozen=True)
class Took:
    """A turn as the gateway saw it."""

    turn: str
    conversation: str
    at: datetime
    """UTC."""
    milliseconds: int
    language: str
    messages: tuple[str, ...]
    """Ids of the answers in chat_message."""
    degraded: tuple[str, str] | None = None
    """What was said and answered, redacted, when Rasa gave no answer."""


class Measures:
    """Writes them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def took(self, turn: Took) -> None:
        """Keep the measure of a turn."""
        said, answered = turn.degraded or (None, None)
        row = TurnMeasure(
            turn_id=turn.turn,
            conversation=turn.conversation,
            at=turn.at,
            latency_ms=turn.milliseconds,
            degraded=turn.degraded is not None,
            text=said,
            answer=answered,
            language=turn.language,
            messages=list(turn.messages),
        )
        try:
            async with AsyncSession(self._engine) as db, db.begin():
                db.add(row)
        except Exception as error:
            log.error("measure_lost", error=type(error).__name__)

    async def rated(
        self, conversation: str, message: str, helpful: bool, comment: str | None
    ) -> None:
        """Keep what somebody thought of an answer, with the turn that it belongs to."""
        query = select(TurnMeasure).where(TurnMeasure.conversation == conversation)
        try:
            async with AsyncSession(self._engine) as db, db.begin():
                for row in await db.scalars(query):
                    if message in row.messages:
                        row.feedback, row.comment = 1 if helpful else -1, comment
        except Exception as error:
            log.error("rating_lost", error=type(error).__name__)
