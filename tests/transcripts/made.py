"""Conversations made for tests and written straight into the tables, without Rasa or ingest."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from bot.store.transcript_models import Transcript, TranscriptFlag, TranscriptTurn
from bot.transcripts.search import stems

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""10.00 in Trollhättan."""
FLAG_OF = {
    "unknown": "fallback",
    "clarified": "clarification",
    "emergency": "emergency",
    "form": "form",
    "person": "person",
    "degraded": "degraded",
}
"""The flag that an outcome gives the conversation."""


@dataclass(frozen=True)
class Made:
    """A turn. What isn't said follows from the rest: see `row`."""

    text: str
    topic: str | None = "opening_hours"
    outcome: str = "answered"
    confidence: float | None = 0.93
    answer: str = "Kontaktcenter har öppet måndag till fredag."
    intent: str | None = None
    ranking: Sequence[tuple[str, float]] | None = None
    entities: Sequence[tuple[str, str]] = ()
    buttons: Sequence[str] = ()
    pressed: bool = False
    feedback: int | None = None
    comment: str | None = None
    latency_ms: int | None = 120
    model: str = "20261120-090000"
    language: str = "sv"

    def row(self, conversation: str, number: int, at: datetime) -> TranscriptTurn:
        """The turn as it is stored."""
        label = self.topic or "out_of_scope"
        ranking = self.ranking
        if ranking is None:
            ranking = [] if self.confidence is None else [(label, self.confidence), ("human", 0.03)]
        return TranscriptTurn(
            id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{conversation} {number}")),
            transcript_id=conversation,
            number=number,
            at=at,
            text=self.text,
            pressed=self.pressed,
            language=self.language,
            intent=self.intent or label.partition("/")[0],
            confidence=None if self.pressed else self.confidence,
            ranking=[list(one) for one in ranking],
            entities=[list(one) for one in self.entities],
            topic=self.topic,
            outcome=self.outcome,
            answer=self.answer,
            buttons=list(self.buttons),
            latency_ms=self.latency_ms,
            model=self.model,
            feedback=self.feedback,
            comment=self.comment,
            stems=stems(f"{self.text} {self.answer}"),
        )


@dataclass(frozen=True)
class Talk:
    """A conversation: its turns come a minute apart from `at`."""

    id: str
    turns: Sequence[Made]
    at: datetime = MONDAY
    flags: Sequence[str] = ()
    """Beside those that follow from the turns: abuse."""
    columns: dict[str, Any] = field(default_factory=dict)
    """Columns of Transcript: session_id, seen_at, seen_by, assigned, held_at …"""

    def rows(self) -> list[Transcript | TranscriptFlag | TranscriptTurn]:
        """All rows, in the order in which they can be stored."""
        turns = [
            made.row(self.id, number, self.at + timedelta(minutes=number - 1))
            for number, made in enumerate(self.turns, 1)
        ]
        flags = {*self.flags, *(FLAG_OF[t.outcome] for t in turns if t.outcome in FLAG_OF)}
        words = {t.feedback for t in turns} - {None}
        if -1 in words:
            flags.add("negative")
        sure = [t.confidence for t in turns if t.confidence is not None]
        known = {
            "session_id": None,
            "language": turns[0].language if turns else "sv",
            "confidence": min(sure, default=None),
            "feedback": -1 if -1 in words else 1 if words else 0,
        }
        head = Transcript(
            id=self.id,
            started_at=self.at,
            last_at=turns[-1].at if turns else self.at,
            turns=len(turns),
            **{**known, **self.columns},
        )
        return [head, *(TranscriptFlag(transcript_id=self.id, flag=f) for f in flags), *turns]


def turn_id(conversation: str, number: int = 1) -> str:
    """The id of a made turn."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{conversation} {number}"))


async def write(engine: AsyncEngine, *talks: Talk) -> None:
    """Store conversations."""
    async with AsyncSession(engine) as db, db.begin():
        for talk in talks:
            head, *rest = talk.rows()
            db.add(head)
            await db.flush()
            db.add_all(rest)


KNOWN = (
    Talk("s-hours", [Made("När har ni öppet?", feedback=1)]),
    Talk(
        "s-unknown",
        [
            Made("Hej", "greet", "smalltalk", 0.99, "Hej, vad kan jag hjälpa dig med?"),
            Made(
                "Hur söker jag bygglov för altan?", None, "unknown", 0.21, "Det vet jag inte.",
                ranking=[("out_of_scope", 0.21), ("faq/otrygg-plats", 0.2)],
            ),
        ],
        MONDAY + timedelta(hours=1),
    ),
    Talk(
        "s-clarified",
        [
            Made(
                "vem tar hand om trasig lampa", None, "clarified", 0.55, "Menar du någon av dessa?",
                ranking=[("faq/felanmalan", 0.55), ("faq/otrygg-plats", 0.31)],
                buttons=["Felanmälan", "Otrygg plats", "Nej, något annat"],
            ),
            Made("Felanmälan", "faq/felanmalan", "answered", None, "Gör en felanmälan.",
                 pressed=True),
        ],
        MONDAY + timedelta(hours=2),
    ),
    Talk(
        "s-emergency",
        [Made("det brinner hos grannen", "emergency", "emergency", 1.0, "Ring 112 nu.")],
        MONDAY + timedelta(hours=3),
    ),
    Talk(
        "s-thumbsdown",
        [
            Made(
                "vad är Övre Älvsborg för nåt", "faq/overby", "answered", 0.71, "Överby är …",
                feedback=-1, comment="Det var inte det jag frågade om",
                entities=[("LOC", "Övre Älvsborg")],
            )
        ],
        MONDAY + timedelta(hours=4),
        columns={"assigned": "bo"},
    ),
    Talk(
        "s-english",
        [Made("when are you open?", language="en", answer="We are open Monday to Friday.")],
        MONDAY + timedelta(days=1),
        columns={"seen_at": MONDAY + timedelta(days=2), "seen_by": "anna"},
    ),
    Talk(
        "s-person",
        [Made("jag vill prata med en människa", "human", "person", 0.97, "Ring kontaktcenter.")],
        MONDAY + timedelta(days=1, hours=1),
        flags=["abuse"],
    ),
    Talk(
        "s-form",
        [
            Made("vi vill vara med i samverkan", "faq/ga-med", "form", 0.95, "Vilken plats?"),
            Made("Överby", None, "form", 0.4, "Vad gäller det?"),
        ],
        MONDAY + timedelta(days=2),
        columns={"assigned": "anna"},
    ),
    Talk(
        "s-degraded",
        [Made("hallå", None, "degraded", None, "Jag kan inte svara just nu.", model="")],
        MONDAY + timedelta(days=2, hours=1),
    ),
)  # fmt: skip
"""Nine conversations, one of each kind, the oldest first."""
