"""Database tables of the public side."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, Index, String, Text, false
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
    in_form: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether a form waits for an answer: Rasa's memory must not be shortened then."""
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


class Interest(Base):
    """An expression of interest. What a business told us is in `sealed` only, encrypted."""

    __tablename__ = "interest"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    """Idempotency key: the same form sent twice is one row."""
    reference: Mapped[str] = mapped_column(String(12), unique=True)
    area: Mapped[str] = mapped_column(String(40), index=True)
    """A place of content/intresseanmalan.yml, or "annan"."""
    status: Mapped[str] = mapped_column(String(12), default="ny", index=True)
    sealed: Mapped[str] = mapped_column(Text)
    email_digest: Mapped[str | None] = mapped_column(String(64), index=True)
    phone_digest: Mapped[str | None] = mapped_column(String(64), index=True)
    company_digest: Mapped[str] = mapped_column(String(64), index=True)
    purpose: Mapped[str] = mapped_column(Text)
    consent: Mapped[str] = mapped_column(Text)
    """The question that was answered with yes."""
    consent_version: Mapped[str] = mapped_column(String(20))
    consented_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    conversation: Mapped[str] = mapped_column(String(40), index=True)
    flags: Mapped[list[str]] = mapped_column(JSON, default=list)
    assigned: Mapped[str | None] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)


class InterestNote(Base):
    """What staff wrote about a case, encrypted."""

    __tablename__ = "interest_note"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    interest_id: Mapped[str] = mapped_column(
        ForeignKey("interest.id", ondelete="CASCADE"), index=True
    )
    author: Mapped[str] = mapped_column(String(60))
    sealed: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Outbox(Base):
    """Something to send, written in the same transaction as what it tells of.

    `state` is waiting, sent or dead. The text is made when it is sent, so none lies here; only a
    withdrawal code is kept, encrypted.
    """

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    interest_id: Mapped[str] = mapped_column(
        ForeignKey("interest.id", ondelete="CASCADE"), index=True
    )
    channel: Mapped[str] = mapped_column(String(20))
    """mail-area, mail-receipt, mail-code or webhook."""
    key: Mapped[str] = mapped_column(String(64), unique=True)
    """Sent along each time, so that the receiver can tell a repetition."""
    sealed: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default="waiting", index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    error: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class WithdrawalCode(Base):
    """A one-time code, as a digest."""

    __tablename__ = "withdrawal_code"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    interest_id: Mapped[str] = mapped_column(
        ForeignKey("interest.id", ondelete="CASCADE"), index=True
    )
    digest: Mapped[str] = mapped_column(String(64))
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Audit(Base):
    """Who did what to what, when. Never what it said.

    Each row's `digest` is over the row and the digest before it (bot/store/audit.py).
    """

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    who: Mapped[str] = mapped_column(String(60))
    what: Mapped[str] = mapped_column(String(40))
    about: Mapped[str] = mapped_column(String(60))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    digest: Mapped[str] = mapped_column(String(64), default="", server_default="")


class AuditHead(Base):
    """The one row that says where the chain of audit rows begins and ends."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(String(64))
    """Of the last row."""
    anchor: Mapped[str] = mapped_column(String(64))
    """Of the last row that was erased by age: the oldest one left builds on it."""
    anchor_id: Mapped[int]
    """The id of that row; those up to it are outside the chain."""


class StaffUser(Base):
    """Somebody who may open the staff pages."""

    __tablename__ = "staff_user"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    password: Mapped[str] = mapped_column(Text)
    """Argon2 hash; "" for who signs in elsewhere only."""
    role: Mapped[str] = mapped_column(String(16), default="reader", server_default="admin")
    """reader, editor or admin. Whoever had an account before there were roles is an admin."""
    totp: Mapped[str | None] = mapped_column(Text)
    """Sealed secret of the one-time codes; None without."""
    totp_step: Mapped[int | None]
    """The last time step a code was used of: each code works once."""
    subject: Mapped[str | None] = mapped_column(String(255), unique=True)
    """Issuer and subject of single sign-on; None without."""
    lent: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Somebody else chose the password: it opens nothing but the page where it is changed."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
