"""Rasa's events become transcripts in SQLite and PostgreSQL, each once, whatever breaks."""

import asyncio
import io
import json
import sqlite3
import sys
import tarfile
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.content.store import ContentStore
from bot.settings import ROOT
from bot.store.models import Audit, ChatSession
from bot.store.transcript_models import (
    EntryShown,
    ErasedConversation,
    IngestedEvent,
    Transcript,
    TranscriptFlag,
    TranscriptTurn,
    TurnMeasure,
)
from bot.transcripts import ingest as ingesting
from bot.transcripts.erasure import Erasure, Held
from bot.transcripts.events import FileSource
from bot.transcripts.ingest import Ingest
from bot.transcripts.known_models import KnownModels
from bot.transcripts.measures import Measures, Took
from tests.participation.conftest import Database, database, postgres  # noqa: F401
from tests.transcripts.talk import LINES, TURNS, publish, renamed, turn, waiting

STORE = ContentStore(ROOT / "content")


class Desk:
    """An ingest with its file of events and its database."""

    def __init__(self, database: Database, file: Path) -> None:  # noqa: F811
        self.database, self.file = database, file
        self.source = FileSource(file)
        self.ingest = Ingest(database.engine, self.source, STORE, KnownModels(file.parent))
        self.measures = Measures(database.engine)
        self.erasure = Erasure(database.engine, self.source)

    async def take(self, *lines: str) -> int:
        """Publish events and take in what waits."""
        publish(self.file, lines)
        return await self.ingest.step()

    async def rows(self, table: Any, *order: Any) -> list[Any]:
        """All rows of a table."""
        async with AsyncSession(self.database.engine) as db:
            return list(await db.scalars(select(table).order_by(*order)))

    async def turns(self) -> list[TranscriptTurn]:
        """All turns in order."""
        return await self.rows(TranscriptTurn, TranscriptTurn.transcript_id, TranscriptTurn.number)

    async def shown(self) -> dict[str, tuple[int, int, int]]:
        """Of each entry: shown, helpful, unhelpful."""
        rows = await self.rows(EntryShown)
        return {row.entry: (row.times, row.helpful, row.unhelpful) for row in rows}

    async def flags(self) -> set[str]:
        """All flags."""
        return {row.flag for row in await self.rows(TranscriptFlag)}

    async def measured(self, turn_id: str, **values: Any) -> None:
        """What the gateway writes after a turn."""
        told = {"milliseconds": 80, "language": "sv", "messages": (f"answer-{turn_id}",), **values}
        at = datetime(2026, 11, 25, 12, tzinfo=UTC)
        await self.measures.took(Took(turn_id, "s-1", at, **told))


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> AsyncIterator[Desk]:  # noqa: F811
    made = Desk(database, tmp_path / "events.db")
    yield made
    await made.source.close()


def new_id() -> str:
    return str(uuid.uuid4())


async def test_a_conversation_is_taken_in_and_nothing_raw_is_left(desk: Desk) -> None:
    assert await desk.take(*LINES) == len(LINES)
    found = await desk.turns()
    assert [row.number for row in found] == list(range(1, TURNS + 1))
    assert found[0].text == "När har ni öppet på julafton?"
    assert found[0].at.replace(tzinfo=UTC) == datetime.fromtimestamp(1795643819.10782, UTC)
    assert (found[0].intent, found[0].topic) == ("faq/helgdagar", "opening_hours")
    assert found[0].ranking[0] == ["faq/helgdagar", 0.6684]
    assert (found[1].text, found[1].pressed) == ("Läs mer", True)
    assert "juland" not in found[0].stems and "julafton" in found[0].stems
    [talk] = await desk.rows(Transcript)
    assert (talk.turns, talk.language, talk.feedback) == (TURNS, "sv", 0)
    assert talk.confidence == 0.5551  # of "… kameror i butiken", not of a company's name
    assert await desk.flags() == {
        *("fallback", "clarification", "emergency", "person", "form", "abuse")
    }
    assert await desk.shown() == {
        "oppettider": (4, 0, 0), "overby": (2, 0, 0), "adress": (1, 0, 0), "ga-med": (1, 0, 0),
    }  # fmt: skip
    assert waiting(desk.file) == 0
    assert await desk.ingest.step() == 0  # empties the write-ahead log
    left = b"".join(path.read_bytes() for path in desk.file.parent.glob("events.db*"))
    assert b"julafton" not in left and b"HEMLIGT" not in left
    assert b"HEMLIGT" not in await desk.database.raw()


async def test_the_same_events_again_change_nothing(desk: Desk) -> None:
    await desk.take(*LINES)
    before = [(row.id, row.number, row.text) for row in await desk.turns()]
    shown = await desk.shown()
    await desk.take(*LINES)
    await desk.take(*LINES[-50:])
    assert [(row.id, row.number, row.text) for row in await desk.turns()] == before
    assert await desk.shown() == shown
    assert (await desk.rows(Transcript))[0].turns == TURNS
    assert waiting(desk.file) == 0


async def test_a_turn_under_way_waits_for_its_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = turn("s-1", "vad är överby", new_id())
    assert await desk.take(*lines[:2]) == 0
    assert await desk.turns() == []
    assert await desk.take(*lines[2:]) == len(lines)
    assert [row.answer for row in await desk.turns()] == ["Ja."]
    broken_off = turn("s-1", "hallå", new_id())[:2]
    assert await desk.take(*broken_off) == 0
    monkeypatch.setattr(ingesting, "STALE", -1)  # Rasa died in it, a minute ago
    assert await desk.ingest.step() == 2
    assert [(row.text, row.outcome) for row in await desk.turns()][1:] == [("hallå", "unknown")]


@pytest.mark.heavy
async def test_many_processes_killed_in_the_middle_lose_and_double_nothing(
    desk: Desk,
) -> None:
    many = 8
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.transcripts.crashing", desk.database.url, str(desk.file),
        str(many), "7", cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, _ = await child.communicate()
    assert child.returncode == 0
    assert int(told) >= 3, "hardly any process was killed in the middle of its work"
    found = await desk.turns()
    assert len(found) == many * TURNS
    assert len({row.id for row in found}) == many * TURNS
    by_talk: dict[str, list[int]] = {}
    for row in found:
        by_talk.setdefault(row.transcript_id, []).append(row.number)
    assert all(numbers == list(range(1, TURNS + 1)) for numbers in by_talk.values())
    assert {row.turns for row in await desk.rows(Transcript)} == {TURNS}
    assert await desk.shown() == {
        "oppettider": (4 * many, 0, 0), "overby": (2 * many, 0, 0), "adress": (many, 0, 0),
        "ga-med": (many, 0, 0),
    }  # fmt: skip
    assert waiting(desk.file) == 0


async def test_what_cant_be_read_is_set_aside_and_stops_nobody(
    desk: Desk, capfd: pytest.CaptureFixture[str]
) -> None:
    good = turn("s-1", "vad är överby", new_id())
    await desk.take('{"kanariegurka', *good[:2], '{"sender_id": "s-2", "event": "kanariegurka"}',
                    *good[2:])  # fmt: skip
    assert [row.text for row in await desk.turns()] == ["vad är överby"]
    assert waiting(desk.file) == 0
    with sqlite3.connect(desk.file) as db:
        assert db.execute("SELECT count(*) FROM events_aside").fetchone() == (2,)
    assert "kanariegurka" not in "".join(capfd.readouterr())
    assert await desk.source.erase_aside(24) == 0
    assert await desk.source.erase_aside(-1) == 2


async def test_a_measure_finds_its_turn_whichever_comes_first(desk: Desk) -> None:
    early, late = new_id(), new_id()
    await desk.measured(early, milliseconds=81)
    await desk.take(*turn("s-1", "tidigt", early), *turn("s-1", "sent", late))
    assert [(row.text, row.latency_ms) for row in await desk.turns()] == [
        ("tidigt", 81),
        ("sent", None),
    ]
    await desk.measured(late, milliseconds=82)
    desk.ingest._swept = 0  # as after a minute
    await desk.ingest.step()
    assert [row.latency_ms for row in await desk.turns()] == [81, 82]
    assert await desk.ingest.merge() == 0


async def test_a_turn_without_rasa_is_made_of_its_measure(desk: Desk) -> None:
    away = new_id()
    await desk.measured(away, degraded=("ring mig på 070-174 06 05", "Jag har problem."))
    await desk.ingest.step()
    [row] = await desk.turns()
    assert (row.outcome, row.text) == ("degraded", "ring mig på [telefon]")
    assert (row.answer, row.latency_ms, row.number) == ("Jag har problem.", 80, 1)
    assert await desk.flags() == {"degraded"}
    # Rasa was only slow: its answer, which nobody saw, changes nothing but what it understood
    await desk.take(*turn("s-1", "ring mig på [telefon]", away, answer="För sent."))
    [row] = await desk.turns()
    assert (row.outcome, row.answer, row.intent) == ("degraded", "Jag har problem.", "faq/overby")
    assert (await desk.rows(Transcript))[0].turns == 1


async def test_feedback_reaches_turn_conversation_and_entry(desk: Desk) -> None:
    one = new_id()
    await desk.measured(one)
    await desk.take(*turn("s-1", "vad är överby", one))
    for helpful, comment, rated in ((True, None, 1), (False, "fel, mejla a@b.se", -1)):
        await desk.measures.rated("s-1", f"answer-{one}", helpful, comment)
        await desk.measures.rated("s-1", "something else", not helpful, None)
        desk.ingest._swept = 0
        await desk.ingest.step()
        assert [row.feedback for row in await desk.turns()] == [rated]
        assert (await desk.rows(Transcript))[0].feedback == rated
        assert await desk.shown() == {"overby": (1, int(helpful), int(not helpful))}
        assert ("negative" in await desk.flags()) is not helpful
    assert [row.comment for row in await desk.turns()] == ["fel, mejla [e-post]"]


async def test_texts_answers_of_forms_and_entities_are_redacted(desk: Desk) -> None:
    lines = turn("s-1", "jag är Anna Ek, 070-174 06 99", new_id(), answer="Ring 070-174 06 99?")
    lines = [line.replace('"topic": "overby"', '"in_form": true') for line in lines]
    user = json.loads(lines[0])
    user["parse_data"]["entities"] = [
        {"entity": "PRS", "value": "Anna Ek", "start": 7, "end": 14},
        {"entity": "PHONE", "value": "070-174 06 99", "start": 16, "end": 29},
    ]
    await desk.take(json.dumps(user), *lines[1:])
    [row] = await desk.turns()
    assert row.text == "jag är [namn], [telefon]"
    assert row.answer == "Ring [telefon]?"
    assert row.entities == [["PRS", "[namn]"], ["PHONE", "[dolt]"]]
    assert b"174 06 99" not in await desk.database.raw()


async def test_erased_means_erased_for_late_events_too(desk: Desk) -> None:
    one, two = new_id(), new_id()
    await desk.measured(one)
    await desk.take(*turn("s-1", "kanariegurka", one), *turn("s-2", "stannar", two))
    publish(desk.file, turn("s-1", "kanariegurka igen", new_id()))
    await desk.erasure.conversation("s-1")
    assert waiting(desk.file) == 0
    await desk.take(*turn("s-1", "kanariegurka för sent", new_id()))
    await desk.measured(new_id(), degraded=("kanariegurka", "nej"))
    await desk.ingest.step()
    assert [row.text for row in await desk.turns()] == ["stannar"]
    assert [row.id for row in await desk.rows(Transcript)] == ["s-2"]
    assert [(row.what, row.about) for row in await desk.rows(Audit)] == [("erased talk", "s-1")]
    assert [row.conversation for row in await desk.rows(ErasedConversation)] == ["s-1"]
    left = b"".join(path.read_bytes() for path in desk.file.parent.glob("events.db*"))
    assert b"kanariegurka" not in left


async def test_a_legal_hold_keeps_the_transcript_and_the_log_says_so(desk: Desk) -> None:
    await desk.take(*turn("s-1", "vad är överby", new_id()))
    async with AsyncSession(desk.database.engine) as db, db.begin():
        row = await db.get_one(Transcript, "s-1")
        row.held_at, row.held_by, row.held_why = datetime.now(UTC), "anna", "begäran"
    publish(desk.file, turn("s-1", "mer", new_id()))
    with pytest.raises(Held):
        await desk.erasure.conversation("s-1")
    await desk.ingest.step()
    assert [row.text for row in await desk.turns()] == ["vad är överby", "mer"]
    assert [(row.what, row.about) for row in await desk.rows(Audit)] == [("kept by hold", "s-1")]


async def test_the_token_reaches_the_transcript_when_the_session_is_gone(desk: Desk) -> None:
    moment = datetime.now(UTC) - timedelta(hours=1)
    async with AsyncSession(desk.database.engine) as db, db.begin():
        db.add(ChatSession(id="digest", conversation="s-1", created_at=moment, seen_at=moment))
    await desk.take(*turn("s-1", "vad är överby", new_id()))
    async with AsyncSession(desk.database.engine) as db, db.begin():
        await db.delete(await db.get_one(ChatSession, "digest"))
    assert not await desk.erasure.session("another")
    assert await desk.erasure.session("digest")
    assert not await desk.erasure.session("digest")
    assert await desk.turns() == []


async def test_two_who_take_in_at_once_count_once(desk: Desk) -> None:
    publish(desk.file, [line for n in range(6) for line in renamed(f"s-{n}")])
    other = Desk(desk.database, desk.file)
    await asyncio.gather(desk.ingest.step(), other.ingest.step())
    await desk.ingest.step()
    await other.source.close()
    assert len(await desk.turns()) == 6 * TURNS
    assert {row.turns for row in await desk.rows(Transcript)} == {TURNS}
    async with AsyncSession(desk.database.engine) as db:
        assert await db.scalar(select(func.count(IngestedEvent.key))) == 6 * len(LINES)
    assert await desk.rows(TurnMeasure) == []


def test_models_are_known_by_their_file(tmp_path: Path) -> None:
    whole = json.dumps({"domain": {}, "model_id": "abc"}).encode()
    with tarfile.open(tmp_path / "kontakt-1.tar.gz", "w:gz") as tar:
        for name, data in (("./components/x", b"x"), ("metadata.json", whole)):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    (tmp_path / "trasig.tar.gz").write_bytes(b"inget arkiv")
    known = KnownModels(tmp_path)
    assert known.stem("abc") == "kontakt-1"
    assert known.stem("okänd") == "okänd"
    (tmp_path / "kontakt-1.tar.gz").rename(tmp_path / "kontakt-2.tar.gz")
    assert KnownModels(tmp_path).stem("abc") == "kontakt-2"
