"""Rasa's events on their way to the transcripts: from SQLite, or from RabbitMQ.

Rasa writes each event on its own, and a turn is not whole before its last one. So a source hands
out what has come so far, again and again, until it is told that it is done.
"""

import contextlib
import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bot.settings import Settings
from bot.store.database import engine

AT_ONCE = 2000
"""Events that are read at a time."""
_KINDS = frozenset(
    {
        *("user", "bot", "action", "slot", "session_started", "active_loop", "followup"),
        *("user_featurization", "action_execution_rejected", "loop_interrupted", "entities"),
        *("restart", "rewind", "undo", "pause", "resume", "reminder", "cancel_reminder"),
        *("export", "agent", "form", "form_validation", "slot_set"),
    }
)


class BrokenEvent(Exception):
    """No event of Rasa's. The message never holds what it said."""


@dataclass(frozen=True)
class Event:
    """One event of a conversation."""

    key: str
    """The same for the same event, however often it comes."""
    conversation: str
    kind: str
    at: float
    """Seconds since 1970, by Rasa's clock."""
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Raw:
    """An event as it came, and how the source knows it."""

    handle: int
    body: str
    since: float = field(default_factory=time.monotonic)
    """When this process saw it first."""


class Source(Protocol):
    """Where events come from."""

    async def waiting(self) -> Sequence[Raw]:
        """What has come and isn't done, in the order of coming; [] if nothing."""
        ...

    async def done(self, handles: Iterable[int]) -> None:
        """These are stored: erase them."""
        ...

    async def set_aside(self, handle: int) -> None:
        """This one can't be read: keep it out of the way."""
        ...

    async def erase(self, conversation: str) -> None:
        """Erase what waits of a conversation, as far as it can be reached."""
        ...

    async def erase_aside(self, hours: float) -> int:
        """Erase what was set aside so many hours ago; how many."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


def source(conf: Settings) -> Source:
    """The source that the settings name."""
    if conf.rabbitmq_url:
        return QueueSource(conf.rabbitmq_url, conf.rabbitmq_queue)
    return FileSource(conf.events_file)


def parse(body: str) -> Event:
    """An event from its JSON. Raises BrokenEvent."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise BrokenEvent("no JSON") from None
    if not isinstance(data, dict):
        raise BrokenEvent("no object")
    conversation, kind, at = data.get("sender_id"), data.get("event"), data.get("timestamp")
    if not isinstance(conversation, str) or not 0 < len(conversation) <= 40:
        raise BrokenEvent("no sender")
    if kind not in _KINDS:
        raise BrokenEvent("unknown kind")
    if not isinstance(at, int | float) or not 0 < at < 1e11:
        raise BrokenEvent("no time")
    digest = hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
    return Event(digest, conversation, kind, float(at), data)


class FileSource:
    """The table `events` that Rasa's SQLEventBroker writes into a SQLite file.

    What can't be read goes to `events_aside`, where erasure finds it by its conversation.
    """

    def __init__(self, file: Path) -> None:
        # opened with a write-ahead log, which is kept: Rasa's commits then wait for one sync each
        self._engine = engine(f"sqlite+aiosqlite:///{file}")
        self._since: dict[int, float] = {}
        self._wiped = True

    async def waiting(self) -> Sequence[Raw]:
        """See Source."""
        query = text("SELECT id, data FROM events ORDER BY id LIMIT :most")
        try:
            async with self._engine.connect() as db:
                rows = (await db.execute(query, {"most": AT_ONCE})).all()
        except OperationalError as error:
            if "no such table" not in str(error):  # Rasa hasn't started yet
                raise
            return []
        if not self._wiped:
            await self._wipe()
        now = time.monotonic()
        self._since = {row.id: self._since.get(row.id, now) for row in rows}
        return [Raw(row.id, row.data or "", self._since[row.id]) for row in rows]

    async def done(self, handles: Iterable[int]) -> None:
        """See Source."""
        gone = [{"id": handle} for handle in handles]
        if not gone:
            return
        async with self._engine.begin() as db:
            await db.execute(text("DELETE FROM events WHERE id = :id"), gone)
        self._forget(one["id"] for one in gone)
        self._wiped = False  # the next look does it, once for all that was done

    async def set_aside(self, handle: int) -> None:
        """See Source."""
        async with self._engine.begin() as db:
            await db.execute(text(_ASIDE))
            await db.execute(
                text(
                    "INSERT INTO events_aside SELECT sender_id, data, unixepoch() FROM events "
                    "WHERE id = :id"
                ),
                {"id": handle},
            )
            await db.execute(text("DELETE FROM events WHERE id = :id"), {"id": handle})
        self._forget([handle])

    async def erase(self, conversation: str) -> None:
        """See Source."""
        for table in ("events", "events_aside"):
            with contextlib.suppress(OperationalError):  # no such table yet
                async with self._engine.begin() as db:
                    await db.execute(
                        text(f"DELETE FROM {table} WHERE sender_id = :conversation"),
                        {"conversation": conversation},
                    )
        await self._wipe()

    async def erase_aside(self, hours: float) -> int:
        """See Source."""
        async with self._engine.begin() as db:
            await db.execute(text(_ASIDE))
            gone = await db.execute(
                text("DELETE FROM events_aside WHERE at < unixepoch() - :seconds"),
                {"seconds": hours * 3600},
            )
        return gone.rowcount

    async def close(self) -> None:
        """See Source."""
        await self._engine.dispose()

    def _forget(self, handles: Iterable[int]) -> None:
        for handle in handles:  # ids are used again when the table has been empty
            self._since.pop(handle, None)

    async def _wipe(self) -> None:
        """Leave no erased text in the write-ahead log; tried again if Rasa is just writing."""
        with contextlib.suppress(OperationalError):
            async with self._engine.connect() as db:
                busy = await db.scalar(text("PRAGMA wal_checkpoint(TRUNCATE)"))
            self._wiped = not busy


_ASIDE = "CREATE TABLE IF NOT EXISTS events_aside (sender_id TEXT, data TEXT, at INTEGER)"


class QueueSource:
    """A RabbitMQ queue that Rasa's PikaEventBroker writes to.

    A message is acknowledged when it is stored; until then RabbitMQ keeps it, and hands it out
    again to the next one who asks. What can't be read is refused: it goes to the queue's
    dead-letter exchange if there is one.
    """

    def __init__(self, url: str, queue: str) -> None:
        self._url, self._queue = url, queue
        self._held: dict[int, tuple[Raw, AbstractIncomingMessage]] = {}
        self._next = 0
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None

    async def waiting(self) -> Sequence[Raw]:
        """See Source. Raises aio_pika's errors when RabbitMQ is away."""
        if self._channel is None or self._channel.is_closed:
            await self._connect()
        return [raw for raw, _ in self._held.values()]

    async def done(self, handles: Iterable[int]) -> None:
        """See Source."""
        for handle in handles:
            if held := self._held.pop(handle, None):
                await held[1].ack()

    async def set_aside(self, handle: int) -> None:
        """See Source."""
        if held := self._held.pop(handle, None):
            await held[1].reject(requeue=False)

    async def erase(self, conversation: str) -> None:
        """See Source. Nothing: what comes out of the queue later is thrown away then."""

    async def erase_aside(self, hours: float) -> int:
        """See Source. Nothing: the queue isn't ours."""
        return 0

    async def close(self) -> None:
        """See Source."""
        if self._connection is not None:
            await self._connection.close()

    async def _connect(self) -> None:
        # what was held is handed out again on the new connection
        self._held.clear()
        await self.close()
        self._connection = await aio_pika.connect(self._url, timeout=10)
        self._channel = await self._connection.channel()
        await self._channel.set_qos(prefetch_count=AT_ONCE)
        queue = await self._channel.declare_queue(self._queue, durable=True)
        await queue.consume(self._take)

    async def _take(self, message: AbstractIncomingMessage) -> None:
        self._next += 1
        body = message.body.decode("utf-8", "replace")
        self._held[self._next] = (Raw(self._next, body), message)
