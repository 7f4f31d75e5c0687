"""Conversations in the database: opened, continued, shown again, erased."""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from bot.chat.messages import MessageOut, Offer, Reply, html
from bot.store.database import engine as database_engine
from bot.store.database import wipe
from bot.store.models import ChatChoice, ChatFeedback, ChatMessage, ChatSession


class SessionGone(Exception):
    """The conversation was erased meanwhile."""


@dataclass(frozen=True)
class Session:
    """A conversation: its key in the database, Rasa's id for it, turns so far."""

    id: str
    conversation: str
    turns: int
    language: str = "sv"
    in_form: bool = False


def session_key(kind: str, token: str) -> str:
    """The database key of a token. `kind` keeps API tokens and webhook senders apart."""
    return hashlib.sha256(f"{kind}\0{token}".encode("utf-8", "replace")).hexdigest()


class Sessions:
    """All conversations. Times are stored in UTC."""

    def __init__(self, engine: AsyncEngine, tracker_file: Path) -> None:
        self.engine = engine
        self._make = async_sessionmaker(engine, expire_on_commit=False)
        self._tracker_file = tracker_file

    async def close(self) -> None:
        """Close the database."""
        await self.engine.dispose()

    async def open(self, key: str, language: str = "sv") -> Session:
        """Start a conversation, or continue it if somebody was faster with the same key."""
        moment = datetime.now(UTC)
        row = ChatSession(
            id=key,
            conversation=f"s-{uuid.uuid4().hex}",
            turns=0,
            language=language,
            created_at=moment,
            seen_at=moment,
        )
        try:
            async with self._make.begin() as db:
                db.add(row)
        except IntegrityError:
            found = await self.find(key)
            if found is None:
                raise
            return found
        return Session(row.id, row.conversation, 0, language)

    async def find(self, key: str) -> Session | None:
        """The conversation, or None if there is none (any more)."""
        async with self._make() as db:
            row = await db.get(ChatSession, key)
        if row is None:
            return None
        return Session(row.id, row.conversation, row.turns, row.language, row.in_form)

    async def history(self, session: Session) -> list[MessageOut]:
        """All messages, oldest first."""
        async with self._make() as db:
            rows = await db.scalars(
                select(ChatMessage)
                .where(ChatMessage.session_id == session.id)
                .order_by(ChatMessage.number)
            )
            return [message_out(row) for row in rows]

    async def answered(self, session: Session, client_id: str) -> list[MessageOut]:
        """The answers that the turn with this client id got; [] if there are none."""
        async with self._make() as db:
            return _answers(await _of_client(db, session, client_id))

    async def heard(
        self, session: Session, text_: str, client_id: str | None, language: str = "sv"
    ) -> list[MessageOut]:
        """Store what the resident said (redacted) before anything can go wrong.

        A turn whose client id is known was heard before: nothing is stored, and the answers are
        those it got; else []. Raises SessionGone.
        """
        moment = datetime.now(UTC)
        async with self._make.begin() as db:
            rows = await _of_client(db, session, client_id) if client_id is not None else []
            if rows:
                return _answers(rows)
            known = await db.scalar(
                update(ChatSession)
                .where(ChatSession.id == session.id)
                .values(turns=ChatSession.turns + 1, seen_at=moment, language=language)
                .returning(ChatSession.id)
            )
            if known is None:
                raise SessionGone
            db.add(_row(session, str(uuid.uuid4()), "user", text_, {}, client_id, moment))
        return []

    async def said(
        self,
        session: Session,
        replies: Iterable[Reply],
        client_id: str | None,
        turn: bool = False,
    ) -> list[MessageOut]:
        """Store answers and their buttons; as they are shown now. Raises SessionGone.

        `turn`: they are Rasa's, so they tell whether a form waits.
        """
        moment, replies = datetime.now(UTC), list(replies)
        rows = [
            _row(session, reply.id, "assistant", reply.text, reply.stored(), client_id, moment)
            for reply in replies
        ]
        async with self._make.begin() as db:
            row = await db.get(ChatSession, session.id)
            if row is None:
                raise SessionGone
            if turn:
                row.in_form = any(reply.in_form for reply in replies)
            db.add_all(rows)
            db.add_all(
                ChatChoice(id=o.id, session_id=session.id, title=o.title, payload=o.payload)
                for reply in replies
                for o in reply.offers
            )
        return [
            message_out(row)
            if reply.live is None
            else message_out(row).model_copy(update={"text": reply.live, "html": html(reply.live)})
            for row, reply in zip(rows, replies, strict=True)
        ]

    async def choice(self, session: Session, choice_id: str) -> Offer | None:
        """A button offered in this very conversation."""
        async with self._make() as db:
            row = await db.get(ChatChoice, choice_id)
        if row is None or row.session_id != session.id:
            return None
        return Offer(row.id, row.title, row.payload)

    async def feedback(
        self, session: Session, message_id: str, helpful: bool, comment: str | None
    ) -> bool:
        """Store feedback on an answer of this conversation; False if it isn't one."""
        try:
            return await self._feedback(session, message_id, helpful, comment)
        except IntegrityError:  # the same answer was rated at the same moment: the newest counts
            return await self._feedback(session, message_id, helpful, comment)

    async def _feedback(
        self, session: Session, message_id: str, helpful: bool, comment: str | None
    ) -> bool:
        async with self._make.begin() as db:
            found = await db.scalar(
                select(ChatMessage.id).where(
                    ChatMessage.id == message_id,
                    ChatMessage.session_id == session.id,
                    ChatMessage.role == "assistant",
                )
            )
            if found is None:
                return False
            await db.merge(
                ChatFeedback(
                    message_id=message_id,
                    helpful=helpful,
                    comment=comment,
                    created_at=datetime.now(UTC),
                )
            )
        return True

    async def ratings(self, session: Session) -> dict[str, tuple[bool, bool]]:
        """The answers that were rated, by id: whether they helped, and whether a line says more."""
        async with self._make() as db:
            rows = await db.execute(
                select(ChatFeedback.message_id, ChatFeedback.helpful, ChatFeedback.comment)
                .join(ChatMessage, ChatMessage.id == ChatFeedback.message_id)
                .where(ChatMessage.session_id == session.id)
            )
            return {message: (helpful, bool(comment)) for message, helpful, comment in rows}

    async def erase(self, session: Session) -> None:
        """Erase a conversation, here and in Rasa's tracker store."""
        await self._erase([(session.id, session.conversation)])

    async def erase_older(self, hours: float) -> int:
        """Erase conversations silent for so many hours; returns how many."""
        before = datetime.now(UTC) - timedelta(hours=hours)
        async with self._make() as db:
            rows = await db.execute(
                select(ChatSession.id, ChatSession.conversation).where(ChatSession.seen_at < before)
            )
            old = [(key, conversation) for key, conversation in rows]
        await self._erase(old)
        return len(old)

    async def _erase(self, sessions: Sequence[tuple[str, str]]) -> None:
        if not sessions:
            return
        await self._forget_tracker([conversation for _, conversation in sessions])
        keys = [key for key, _ in sessions]
        async with self._make.begin() as db:
            for chunk in _chunks(keys):
                await _delete(db, chunk)
        await wipe(self.engine)

    async def _forget_tracker(self, conversations: Sequence[str]) -> None:
        if not self._tracker_file.exists():
            return
        tracker = database_engine(f"sqlite+aiosqlite:///{self._tracker_file}")
        try:
            async with tracker.begin() as db:
                for conversation in conversations:
                    await db.execute(
                        text("DELETE FROM events WHERE sender_id = :id"), {"id": conversation}
                    )
            await wipe(tracker)
        except OperationalError as error:
            if "no such table" not in str(error):  # Rasa hasn't written anything yet
                raise
        finally:
            await tracker.dispose()


def message_out(row: ChatMessage) -> MessageOut:
    """A stored message as the API shows it."""
    return MessageOut(
        id=row.id,
        role="user" if row.role == "user" else "assistant",
        text=row.text,
        html="" if row.role == "user" else html(row.text),
        at=row.created_at if row.created_at.tzinfo else row.created_at.replace(tzinfo=UTC),
        **row.data,
    )


async def _of_client(db: AsyncSession, session: Session, client_id: str) -> Sequence[ChatMessage]:
    """What was said and answered under a client id, in order."""
    rows = await db.scalars(
        select(ChatMessage)
        .where(ChatMessage.session_id == session.id, ChatMessage.client_id == client_id)
        .order_by(ChatMessage.number)
    )
    return rows.all()


def _answers(rows: Iterable[ChatMessage]) -> list[MessageOut]:
    return [message_out(row) for row in rows if row.role == "assistant"]


def _row(
    session: Session,
    message_id: str,
    role: str,
    text_: str,
    data: dict[str, object],
    client_id: str | None,
    moment: datetime,
) -> ChatMessage:
    return ChatMessage(
        id=message_id,
        session_id=session.id,
        client_id=client_id,
        role=role,
        text=text_,
        data=data,
        created_at=moment,
    )


def _chunks(keys: Sequence[str], size: int = 500) -> Iterable[Sequence[str]]:
    return (keys[i : i + size] for i in range(0, len(keys), size))


async def _delete(db: AsyncSession, keys: Sequence[str]) -> None:
    # spelled out, table by table: a database opened without foreign keys must not leave rows behind
    messages = select(ChatMessage.id).where(ChatMessage.session_id.in_(keys))
    await db.execute(delete(ChatFeedback).where(ChatFeedback.message_id.in_(messages)))
    await db.execute(delete(ChatChoice).where(ChatChoice.session_id.in_(keys)))
    await db.execute(delete(ChatMessage).where(ChatMessage.session_id.in_(keys)))
    await db.execute(delete(ChatSession).where(ChatSession.id.in_(keys)))
