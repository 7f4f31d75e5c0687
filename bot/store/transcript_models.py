"""Database tables of what staff read, judge and mend. Texts here are redacted before they come."""

import time
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.store.models import Base

MOMENT = DateTime(timezone=True)
_last_search_id = 0


def _search_id() -> int:
    """By the clock, so that new rows stand at the end of the index; never the same one twice."""
    global _last_search_id
    _last_search_id = max(_last_search_id + 1, time.time_ns())
    return _last_search_id


class Transcript(Base):
    """One conversation as staff see it. It outlives the resident's own copy (chat_session)."""

    __tablename__ = "transcript"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    """Rasa's sender id."""
    session_id: Mapped[str | None] = mapped_column(String(64), index=True)
    """chat_session.id: whoever has the token may erase this too."""
    started_at: Mapped[datetime] = mapped_column(MOMENT)
    last_at: Mapped[datetime] = mapped_column(MOMENT, index=True)
    turns: Mapped[int] = mapped_column(default=0)
    language: Mapped[str] = mapped_column(String(8), default="sv")
    confidence: Mapped[float | None] = mapped_column(index=True)
    """The lowest of its typed turns."""
    feedback: Mapped[int] = mapped_column(default=0)
    """-1 if any answer got thumbs down, 1 if only up, 0 if none."""
    seen_at: Mapped[datetime | None] = mapped_column(MOMENT)
    """When somebody marked it as read; None again when the conversation goes on."""
    seen_by: Mapped[str | None] = mapped_column(String(60))
    assigned: Mapped[str | None] = mapped_column(String(60), index=True)
    held_at: Mapped[datetime | None] = mapped_column(MOMENT)
    """Legal hold: not erased while set, whoever asks."""
    held_by: Mapped[str | None] = mapped_column(String(60))
    held_why: Mapped[str | None] = mapped_column(Text)


class TranscriptFlag(Base):
    """What a conversation had in it: fallback, clarification, emergency, form, person, negative,
    abuse, degraded."""

    __tablename__ = "transcript_flag"
    __table_args__ = (Index("transcript_flag_flag", "flag", "transcript_id"),)

    transcript_id: Mapped[str] = mapped_column(
        ForeignKey("transcript.id", ondelete="CASCADE"), primary_key=True
    )
    flag: Mapped[str] = mapped_column(String(20), primary_key=True)


class TranscriptTurn(Base):
    """A message and the answer to it, with what the assistant thought."""

    __tablename__ = "transcript_turn"
    __table_args__ = (
        Index("transcript_turn_place", "transcript_id", "number"),
        Index("transcript_turn_topic", "topic", "at"),
        # with the conversation, so that a search for a common word needn't read the turns
        Index("transcript_turn_search", "search_id", "transcript_id", unique=True),
        # begins with the time, and has all that bot/transcripts/statistics.py counts: without it
        # each figure reads every text
        Index("transcript_turn_figures", "at", "outcome", "topic", "feedback", "latency_ms"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    """The gateway's id of the turn; Rasa carries it as metadata."""
    transcript_id: Mapped[str] = mapped_column(ForeignKey("transcript.id", ondelete="CASCADE"))
    number: Mapped[int]
    """1, 2, 3 … within the conversation."""
    at: Mapped[datetime] = mapped_column(MOMENT)
    text: Mapped[str] = mapped_column(Text)
    """Redacted; the title of a button that was pressed."""
    pressed: Mapped[bool] = mapped_column(default=False)
    language: Mapped[str] = mapped_column(String(8), default="sv")
    intent: Mapped[str] = mapped_column(String(60), default="")
    confidence: Mapped[float | None]
    """0–1; None for a button."""
    ranking: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """[[label, confidence], …], the likeliest first; a label is as in data/nlu ("faq/overby")."""
    entities: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """[[kind, redacted value], …]."""
    topic: Mapped[str | None] = mapped_column(String(60))
    """The label of what was answered: "faq/overby", "opening_hours"; None if nothing was."""
    outcome: Mapped[str] = mapped_column(String(16), index=True)
    """answered, clarified, unknown, person, emergency, form, smalltalk or degraded."""
    answer: Mapped[str] = mapped_column(Text, default="")
    buttons: Mapped[list[str]] = mapped_column(JSON, default=list)
    latency_ms: Mapped[int | None]
    model: Mapped[str] = mapped_column(String(40), default="")
    """Which trained model answered: the stem of its file."""
    feedback: Mapped[int | None]
    """1 helpful, -1 not, None no word."""
    comment: Mapped[str | None] = mapped_column(Text)
    stems: Mapped[str] = mapped_column(Text, default="")
    """Stems of text and answer, for the full-text index (bot/transcripts/search.py).

    In PostgreSQL a column stem_vector is generated from it.
    """
    search_id: Mapped[int] = mapped_column(BigInteger, default=_search_id)
    """The row in SQLite's table transcript_search, which triggers keep: rowid may change there."""


class TurnMeasure(Base):
    """What only the gateway knows of a turn. Merged into the turn whichever comes first."""

    __tablename__ = "turn_measure"

    turn_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    conversation: Mapped[str] = mapped_column(String(40), index=True)
    at: Mapped[datetime] = mapped_column(MOMENT, index=True)
    latency_ms: Mapped[int]
    degraded: Mapped[bool] = mapped_column(default=False)
    """Rasa gave no answer: then text and answer stand here, redacted, and make the turn."""
    text: Mapped[str | None] = mapped_column(Text)
    answer: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(8), default="sv")
    messages: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Ids of the answers in chat_message, for feedback."""
    feedback: Mapped[int | None]
    comment: Mapped[str | None] = mapped_column(Text)


class IngestedEvent(Base):
    """Rasa's events that are in the transcripts already: each counts once. No content."""

    __tablename__ = "ingested_event"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    conversation: Mapped[str] = mapped_column(String(40), index=True)
    at: Mapped[datetime] = mapped_column(MOMENT, index=True)


class ErasedConversation(Base):
    """Conversations that were erased: events that come late are thrown away."""

    __tablename__ = "erased_conversation"

    conversation: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime] = mapped_column(MOMENT, index=True)


class TranscriptNote(Base):
    """What staff wrote about a conversation."""

    __tablename__ = "transcript_note"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    transcript_id: Mapped[str] = mapped_column(
        ForeignKey("transcript.id", ondelete="CASCADE"), index=True
    )
    author: Mapped[str] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(MOMENT)


class Verdict(Base):
    """What staff think of one turn; the newest word counts."""

    __tablename__ = "verdict"

    turn_id: Mapped[str] = mapped_column(
        ForeignKey("transcript_turn.id", ondelete="CASCADE"), primary_key=True
    )
    verdict: Mapped[str] = mapped_column(String(20), index=True)
    """right, wrong, should_ask or missing."""
    label: Mapped[str | None] = mapped_column(String(60))
    """What would have been right, as in data/nlu."""
    by: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime] = mapped_column(MOMENT)
    version: Mapped[int] = mapped_column(default=1)
    """Counts changes: who changes an old version is told."""


class Proposal(Base):
    """A verdict made into something to do: a training phrase, or content to write.

    It stands on its own when the conversation is erased, so its text must name nobody.
    """

    __tablename__ = "proposal"
    __table_args__ = (UniqueConstraint("kind", "text", "label"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(10), index=True)
    """phrase or content."""
    text: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(String(60), default="")
    """The label of a phrase as in data/nlu; "" for content."""
    state: Mapped[str] = mapped_column(String(10), default="proposed", index=True)
    """proposed, approved, rejected, live (in the model and in data/nlu) or done."""
    turn_id: Mapped[str | None] = mapped_column(String(36))
    by: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime] = mapped_column(MOMENT)
    decided_by: Mapped[str | None] = mapped_column(String(60))
    decided_at: Mapped[datetime | None] = mapped_column(MOMENT)
    version: Mapped[int] = mapped_column(default=1)


class Training(Base):
    """One press of "Träna om", and what came of it."""

    __tablename__ = "training"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    state: Mapped[str] = mapped_column(String(12), index=True)
    """running, ready, refused, failed, promoted or rolled_back."""
    step: Mapped[str] = mapped_column(String(60), default="")
    """What goes on, for the progress."""
    by: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime] = mapped_column(MOMENT)
    ended_at: Mapped[datetime | None] = mapped_column(MOMENT)
    model_before: Mapped[str] = mapped_column(String(80), default="")
    model_after: Mapped[str] = mapped_column(String(80), default="")
    report: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Figures of both models, and each message that went better or worse."""


class SavedView(Base):
    """A filter of the list of conversations, kept under a name."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("owner", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    owner: Mapped[str] = mapped_column(String(60), index=True)
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[str] = mapped_column(Text)


class ContentChange(Base):
    """One edit of a content file in the browser. The files stay the truth."""

    __tablename__ = "content_change"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    path: Mapped[str] = mapped_column(String(120), index=True)
    """Within the content folder."""
    by: Mapped[str] = mapped_column(String(60))
    at: Mapped[datetime] = mapped_column(MOMENT)
    before: Mapped[str] = mapped_column(Text)
    after: Mapped[str] = mapped_column(Text)


class EntryShown(Base):
    """How often an entry was the answer, by day: outlives the transcripts."""

    __tablename__ = "entry_shown"

    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    """YYYY-MM-DD in Stockholm."""
    entry: Mapped[str] = mapped_column(String(60), primary_key=True)
    times: Mapped[int] = mapped_column(default=0)
    helpful: Mapped[int] = mapped_column(default=0)
    unhelpful: Mapped[int] = mapped_column(default=0)
