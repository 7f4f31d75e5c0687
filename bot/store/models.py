"""Database tables of the public side."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Declarative base; alembic compares against its metadata."""


class ChatSession(Base):
    """One conversation. `id` is the SHA-256 of the token; the token itself is never stored."""

    __tablename__ = "chat_session"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    conversation: Mapped[str] = mapped_column(String(40), unique=True)
    """Rasa's sender id."""
    turns: Mapped[int] = mapped_column(default=0)
    language: Mapped[str] = mapped_column(String(8), default="sv", server_default="sv")
    """The language last seen, for messages too short to tell."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)


class ChatMessage(Base):
    """One message, already redacted. `data` holds html, choices, sources and topic of an answer."""

    __tablename__ = "chat_message"
    __table_args__ = (Index("chat_message_client", "session_id", "client_id"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(36), unique=True)
    session_id: Mapped[str] = mapped_column(
        ForeignKey("chat_session.id", ondelete="CASCADE"), index=True
    )
    client_id: Mapped[str | None] = mapped_column(String(64))
    """The client's id of the turn, on the question and on its answers."""
    role: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class ChatChoice(Base):
    """A button offered in a session, and the payload it stands for."""

    __tablename__ = "chat_choice"

    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    session_id: Mapped[str] = mapped_column(
        ForeignKey("chat_session.id", ondelete="CASCADE"), index=True
    )
    title: Mapped[str] = mapped_column(Text)
    payload: Mapped[str] = mapped_column(Text)


class ChatFeedback(Base):
    """ "Hjälpte svaret?" for one answer; the newest word counts."""

    __tablename__ = "chat_feedback"

    message_id: Mapped[str] = mapped_column(
        ForeignKey("chat_message.id", ondelete="CASCADE"), primary_key=True
    )
    helpful: Mapped[bool]
    comment: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
