"""Who did what, when: rows that each seal the one before, so that nobody changes one unseen.

A row's digest is SHA-256 over the digest before it and the row. `audit_head` holds the last one:
its lock puts writers in order, and a log that lost its end doesn't fit it any more. Nothing here
changes or erases a row; retention erases the oldest ones and moves the anchor with them.
"""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from bot.store.models import Audit, AuditHead

HEAD = 1
_told = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
CHUNK = 2000
"""Rows that are held at once when the chain is walked."""
SYSTEM = "system"
"""Who did it when it was done at the command line."""


async def record(db: AsyncSession, who: str, what: str, about: str, **detail: Any) -> None:
    """Write a row in the transaction of what it tells of. `detail` must never hold user text."""
    moment = datetime.now(UTC)
    taken = await _take(db)
    if taken is None:  # a new database; of two writers at once the slower one waits here
        insert = sqlite.insert if db.get_bind().dialect.name == "sqlite" else postgresql.insert
        empty = {"id": HEAD, "digest": "", "anchor": "", "anchor_id": 0}
        await db.execute(insert(AuditHead).values(empty).on_conflict_do_nothing())
        taken = await _take(db)
    row = Audit(at=moment, who=who, what=what, about=about, detail=detail)
    before, anchor_id = taken or ("", 0)
    row.digest = digest(before, row)
    db.add(row)
    await db.flush()
    if row.id <= anchor_id:  # SQLite starts anew at 1 when every row has been erased by age
        row.id = anchor_id + 1
        await db.flush()
    await db.execute(update(AuditHead).where(AuditHead.id == HEAD).values(digest=row.digest))


async def _take(db: AsyncSession) -> tuple[str, int] | None:
    """The last digest and the anchor's id, held until the transaction ends."""
    # a write first: from here on we are alone, in both databases
    held = await db.execute(
        update(AuditHead)
        .where(AuditHead.id == HEAD)
        .values(digest=AuditHead.digest)
        .returning(AuditHead.digest, AuditHead.anchor_id)
    )
    row = held.first()
    return (row.digest, row.anchor_id) if row else None


async def write(engine: AsyncEngine, who: str, what: str, about: str, **detail: Any) -> None:
    """Write a row in a transaction of its own: somebody saw or exported something."""
    async with AsyncSession(engine) as db, db.begin():
        await record(db, who, what, about, **detail)


async def told_of(engine: AsyncEngine, about: str) -> Sequence[Audit]:
    """What was done to something, oldest first."""
    async with AsyncSession(engine) as db:
        query = select(Audit).where(Audit.about == about).order_by(Audit.id)
        return (await db.scalars(query)).all()


def digest(before: str, row: "Audit | Row[Any]") -> str:
    """The digest of a row that comes after one with the digest `before`."""
    at = row.at if row.at.tzinfo else row.at.replace(tzinfo=UTC)
    told = (before, at.astimezone(UTC).isoformat(), row.who, row.what, row.about, row.detail)
    return hashlib.sha256(_told(told).encode("utf-8", "surrogatepass")).hexdigest()


# --- does the chain hold? -------------------------------------------------------------------------


@dataclass(frozen=True)
class Break:
    """Where the chain doesn't hold.

    changed: row `id` isn't what it was. missing: the same, or a row before it is gone. cut: rows
    after `id` are gone (0: all of them). inserted: row `id` stands before where the log begins.
    """

    kind: Literal["changed", "missing", "cut", "inserted"]
    id: int


@dataclass(frozen=True)
class Verdict:
    """How many rows were looked at, how many are older than the chain, and the first fault."""

    rows: int
    older: int
    broken: Break | None


@dataclass(frozen=True)
class _Ends:
    digest: str
    anchor: str
    anchor_id: int


async def verify(engine: AsyncEngine) -> Verdict:
    """Walk the whole log, CHUNK rows at a time, up to the first fault. Writers needn't wait."""
    while True:
        async with engine.connect() as db:
            start = await _ends(db)
            verdict = await _walk(db, start)
        async with engine.connect() as db:
            if (await _ends(db)).anchor_id == start.anchor_id:
                return verdict
        # retention erased rows meanwhile: what looks like a hole may be none


class Watch:
    """The last verdict of this process, so that not every page walks the whole log."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine, self._walking = engine, asyncio.Lock()
        self._last: tuple[Verdict, datetime] | None = None

    async def verdict(self, most: timedelta) -> tuple[Verdict, datetime]:
        """A verdict at most so old, and when it was reached (UTC)."""
        async with self._walking:
            if self._last is None or datetime.now(UTC) - self._last[1] > most:
                self._last = await verify(self._engine), datetime.now(UTC)
            return self._last


async def _walk(db: AsyncConnection, start: _Ends) -> Verdict:
    ids = select(Audit.id, Audit.digest).where(Audit.id <= start.anchor_id).order_by(Audit.id)
    older = 0
    async for number, sealed in await db.stream(ids.execution_options(yield_per=CHUNK)):
        # rows from before there was a chain have no digest; after the first erasure none are left
        if start.anchor or sealed:
            return Verdict(0, older, Break("inserted", number))
        older += 1
    before, last, count = start.anchor, start.anchor_id, 0
    while True:
        end = (await _ends(db)).digest  # before the rows: those that come meanwhile are no fault
        for row in (rows := await _after(db, last)):
            if digest(before, row) != row.digest:
                kind: Literal["changed", "missing"] = "changed" if row.id == last + 1 else "missing"
                return Verdict(count, older, Break(kind, row.id))
            before, last, count = row.digest, row.id, count + 1
        if not rows:
            whole = before == end
            return Verdict(count, older, None if whole else Break("cut", last if count else 0))


async def _ends(db: AsyncConnection) -> _Ends:
    head = AuditHead.__table__
    row = (await db.execute(select(head).where(head.c.id == HEAD))).first()
    return _Ends(row.digest, row.anchor, row.anchor_id) if row else _Ends("", "", 0)


async def _after(db: AsyncConnection, last: int) -> Sequence[Row[Any]]:
    query = select(Audit.__table__).where(Audit.id > last).order_by(Audit.id).limit(CHUNK)
    return (await db.execute(query)).all()


# --- reading --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chosen:
    """Which rows to read. Empty values don't restrict; times are in UTC, `until` excluded."""

    who: str = ""
    what: str = ""
    about: str = ""
    since: datetime | None = None
    until: datetime | None = None


async def rows(
    engine: AsyncEngine, chosen: Chosen, limit: int, before: int | None = None
) -> Sequence[Audit]:
    """Rows, the newest first; with `before` only those with a lower id."""
    query = select(Audit).where(*_conditions(chosen)).order_by(Audit.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Audit.id < before)
    async with AsyncSession(engine) as db:
        return (await db.scalars(query)).all()


async def kinds(engine: AsyncEngine) -> list[str]:
    """Every `what` that stands in the log."""
    async with engine.connect() as db:
        return sorted(await db.scalars(select(Audit.what).distinct()))


def _conditions(chosen: Chosen) -> list[ColumnElement[bool]]:
    found = [
        column == value
        for column, value in ((Audit.who, chosen.who), (Audit.what, chosen.what),
                              (Audit.about, chosen.about))
        if value
    ]  # fmt: skip
    if chosen.since:
        found.append(Audit.at >= chosen.since)
    if chosen.until:
        found.append(Audit.at < chosen.until)
    return found
