"""What is kept how long, in SQLite and PostgreSQL."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.chat.sessions import Sessions
from bot.participation.registry import Registry
from bot.settings import Settings
from bot.staff import titles
from bot.store.audit import HEAD, digest, record
from bot.store.models import Audit, AuditHead
from bot.store.transcript_models import (
    IngestedEvent,
    Proposal,
    Transcript,
    TranscriptFlag,
    TranscriptNote,
    TranscriptTurn,
    TurnMeasure,
    Verdict,
)
from bot.store.vault import Vault, new_key
from bot.transcripts import holds
from bot.transcripts.events import FileSource
from bot.transcripts.retention import AUDIT, COPIES, INTERESTS, TRANSCRIPTS, Retention
from tests.participation.conftest import Database, database, postgres, submission  # noqa: F401

NOW = datetime.now(UTC)


class Archive:
    """A database with old and new things in it, and the retention of a short decision."""

    def __init__(self, database: Database, folder: Path) -> None:  # noqa: F811
        self.engine = database.engine
        conf = Settings(data_dir=folder, transcript_days=30, audit_days=100, interest_months=6)
        self.registry = Registry(self.engine, Vault([new_key()]))
        self.sessions = Sessions(self.engine, folder / "tracker.db")
        self.source = FileSource(folder / "events.db")
        self.retention = Retention(conf, self.engine, self.sessions, self.registry, self.source)

    async def add(self, *rows: Any) -> None:
        """Store rows."""
        async with AsyncSession(self.engine) as db, db.begin():
            for row in rows:
                db.add(row)
                await db.flush()

    async def talk(self, name: str, days: float) -> str:
        """A conversation silent for so many days, with all that hangs on it; its turn's id."""
        turn, then = str(uuid.uuid4()), NOW - timedelta(days=days)
        await self.add(
            Transcript(id=name, started_at=then, last_at=then, turns=1),
            TranscriptTurn(id=turn, transcript_id=name, number=1, at=then, text=name,
                           outcome="unknown", stems=f"kanariefagel {name}"),
            TranscriptFlag(transcript_id=name, flag="fallback"),
            TranscriptNote(transcript_id=name, author="anna", text="oj", created_at=then),
            Verdict(turn_id=turn, verdict="wrong", label="faq/overby", by="anna", at=then),
            TurnMeasure(turn_id=turn, conversation=name, at=then, latency_ms=1, language="sv"),
        )  # fmt: skip
        return turn

    async def count(self, table: Any) -> int:
        """Rows of a table."""
        async with AsyncSession(self.engine) as db:
            return await db.scalar(select(func.count()).select_from(table)) or 0

    async def chain(self) -> bool:
        """Whether the rows of the log fit each other, from the anchor to the head."""
        async with AsyncSession(self.engine) as db:
            head = await db.get_one(AuditHead, HEAD)
            query = select(Audit).where(Audit.id > head.anchor_id).order_by(Audit.id)
            before = head.anchor
            for row in await db.scalars(query):
                if row.digest != digest(before, row):
                    return False
                before = row.digest
            return before == head.digest


@pytest.fixture
async def archive(database: Database, tmp_path: Path) -> AsyncIterator[Archive]:  # noqa: F811
    made = Archive(database, tmp_path)
    yield made
    await made.source.close()


async def test_old_conversations_go_with_all_that_hangs_on_them(archive: Archive) -> None:
    old, new = await archive.talk("s-old", 31), await archive.talk("s-new", 29)
    for turn, state in ((old, "approved"), (old, "proposed"), (new, "proposed")):
        await archive.add(
            Proposal(kind="phrase", text=f"{state} {turn}", label="faq/overby", state=state,
                     turn_id=turn, by="anna", at=NOW)
        )  # fmt: skip
    due = {one.kind: one for one in await archive.retention.due()}
    assert (due[TRANSCRIPTS].count, due[TRANSCRIPTS].all, due[TRANSCRIPTS].held) == (1, 2, 0)
    assert due[TRANSCRIPTS].oldest is not None
    assert abs(due[TRANSCRIPTS].oldest - (NOW - timedelta(days=31))) < timedelta(seconds=1)
    assert [one.id for one in await archive.retention.talks_due()] == ["s-old"]
    assert await archive.count(Transcript) == 2  # asking erases nothing
    gone = await archive.retention.run("berit")
    assert gone == {COPIES: 0, TRANSCRIPTS: 1, INTERESTS: 0, AUDIT: 0}
    for table in (Transcript, TranscriptTurn, TranscriptFlag, TranscriptNote, Verdict):
        assert await archive.count(table) == 1
    assert await archive.count(TurnMeasure) == 0  # nobody can rate either any more
    async with AsyncSession(archive.engine) as db:
        left = {(row.state, row.turn_id) for row in await db.scalars(select(Proposal))}
        [told] = (await db.scalars(select(Audit))).all()
    assert left == {("approved", old), ("proposed", new)}
    assert (told.who, told.what, told.about, told.detail) == (
        *("berit", "erased by age", "samtal"), {"antal": 1},
    )  # fmt: skip
    assert titles.deed(told) != told.what
    assert await archive.retention.run() == dict.fromkeys(gone, 0)


async def test_a_held_conversation_stays_until_the_hold_is_lifted(archive: Archive) -> None:
    await archive.talk("s-old", 31)
    assert await holds.put(archive.engine, "s-old", "anna", "begäran 12") is True
    assert await holds.put(archive.engine, "s-old", "berit", "annat") is False
    assert await holds.put(archive.engine, "s-none", "anna", "x") is None
    assert [row.held_why for row in await holds.held(archive.engine)] == ["begäran 12"]
    due = {one.kind: one for one in await archive.retention.due()}
    assert (due[TRANSCRIPTS].count, due[TRANSCRIPTS].held) == (0, 1)
    assert (await archive.retention.run())[TRANSCRIPTS] == 0
    assert await holds.lift(archive.engine, "s-old", "berit") is True
    assert await holds.lift(archive.engine, "s-old", "berit") is False
    assert (await archive.retention.run())[TRANSCRIPTS] == 1
    async with AsyncSession(archive.engine) as db:
        told = [(row.who, row.what) for row in await db.scalars(select(Audit).order_by(Audit.id))]
    assert told == [("anna", "hold on"), ("berit", "hold off"), ("gallring", "erased by age")]
    assert await archive.chain()


async def test_the_log_loses_its_oldest_rows_and_still_holds(archive: Archive) -> None:
    for n in range(5):
        async with AsyncSession(archive.engine) as db, db.begin():
            await record(db, "anna", "viewed", f"TS{n}")
    async with AsyncSession(archive.engine) as db, db.begin():
        # as if three had been written long ago: each with the digest of its own time
        before = ""
        for row in await db.scalars(select(Audit).order_by(Audit.id)):
            if row.about in ("TS0", "TS1", "TS2"):
                row.at = NOW - timedelta(days=101)
            row.digest = before = digest(before, row)
        await db.execute(update(AuditHead).values(digest=before))
    assert await archive.chain()
    due = {one.kind: one for one in await archive.retention.due()}
    assert (due[AUDIT].count, due[AUDIT].all) == (3, 5)
    assert (await archive.retention.run())[AUDIT] == 3
    async with AsyncSession(archive.engine) as db:
        left = [(row.what, row.about) for row in await db.scalars(select(Audit).order_by(Audit.id))]
    assert left == [("viewed", "TS3"), ("viewed", "TS4"), ("erased by age", "logg")]
    assert await archive.chain()
    async with AsyncSession(archive.engine) as db, db.begin():
        await record(db, "anna", "viewed", "TS5")
    assert await archive.chain()
    async with AsyncSession(archive.engine) as db, db.begin():
        await db.execute(update(Audit).where(Audit.about == "TS4").values(who="berit"))
    assert not await archive.chain()


async def test_a_log_that_is_old_altogether_goes_on(archive: Archive) -> None:
    async with AsyncSession(archive.engine) as db, db.begin():
        await record(db, "anna", "viewed", "TS0")
        row = (await db.scalars(select(Audit))).one()
        row.at = NOW - timedelta(days=101)
        row.digest = digest("", row)
        await db.execute(update(AuditHead).values(digest=row.digest))
    assert (await archive.retention.run())[AUDIT] == 1
    async with AsyncSession(archive.engine) as db, db.begin():
        await record(db, "anna", "viewed", "TS1")
    async with AsyncSession(archive.engine) as db:
        left = [row.about for row in await db.scalars(select(Audit).order_by(Audit.id))]
    assert left == ["logg", "TS1"]
    assert await archive.chain()


async def test_keys_of_events_and_sessions_have_their_time_too(archive: Archive) -> None:
    await archive.add(
        *(IngestedEvent(key=f"k{n}", conversation="s-1", at=NOW - timedelta(days=n))
          for n in (1, 29, 31, 90))
    )  # fmt: skip
    await archive.sessions.open("nyckel")
    await archive.registry.store(submission())
    assert set((await archive.retention.run()).values()) == {0}
    assert await archive.count(IngestedEvent) == 2
    due = {one.kind: one for one in await archive.retention.due()}
    assert {kind: one.all for kind, one in due.items()} == {
        COPIES: 1, TRANSCRIPTS: 0, INTERESTS: 1, AUDIT: 0,
    }  # fmt: skip
