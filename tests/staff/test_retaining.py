"""Retention, legal hold and export on the staff pages."""

import csv
import io
import json
import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.keys import DATABASE
from bot.staff import accounts
from bot.staff.retaining import period
from bot.store.models import Audit
from bot.store.transcript_models import Transcript, TranscriptFlag, TranscriptTurn
from bot.transcripts.retention import AUDIT, COPIES, INTERESTS
from tests.staff.conftest import Office, Visitor

AT = datetime(2026, 6, 30, 22, 5, tzinfo=UTC)  # five past midnight in Trollhättan
NASTY = '=HYPERLINK("http://x.se";"klicka")'


async def talk(office: Office, name: str, days: float = 0) -> None:
    """A conversation silent for so many days."""
    then = AT if not days else datetime.now(UTC) - timedelta(days=days)
    async with AsyncSession(office.app[DATABASE]) as db, db.begin():
        db.add(Transcript(id=name, started_at=then, last_at=then, turns=1))
        await db.flush()
        db.add(TranscriptFlag(transcript_id=name, flag="fallback"))
        db.add(
            TranscriptTurn(
                id=str(uuid.uuid4()), transcript_id=name, number=1, at=then, text=NASTY,
                intent="nlu_fallback", confidence=0.125, ranking=[["faq/overby", 0.125]],
                entities=[["LOC", "Överby"]], outcome="unknown", answer="<script>alert(1)</script>",
                buttons=["Prata med en människa"], latency_ms=80, model="kontakt-1", feedback=-1,
                comment="nej",
            )
        )  # fmt: skip


async def signed_in(office: Office, role: str) -> Visitor:
    """Somebody with a role, on the page that comes first."""
    await office.user(f"{role}.user", role)
    visitor = await office.stranger()
    await visitor.sign_in(f"{role}.user")
    return visitor


async def log(office: Office, about: str) -> list[tuple[str, str]]:
    """Who did what to a conversation."""
    async with AsyncSession(office.app[DATABASE]) as db:
        query = select(Audit).where(Audit.about == about).order_by(Audit.id)
        return [(row.who, row.what) for row in await db.scalars(query)]


async def test_the_page_says_what_is_due_and_erases_it_after_a_question(office: Office) -> None:
    await talk(office, "s-old", 91)
    await talk(office, "s-new", 89)
    admin = await signed_in(office, accounts.ADMIN)
    page = await admin.get("/personal/gallring")
    assert page.status == 200
    assert "Samtal på personalsidorna 90 dagar efter sista meddelandet 2 1" in page.text
    assert "24 timmar efter sista meddelandet" in page.text
    assert "24 månader efter senaste ändringen" in page.text
    assert "730 dagar efter händelsen" in page.text
    page = await admin.get("/personal/gallring/prov")
    assert "Inget är raderat än." in page.text
    assert "/personal/samtal/s-old" in page.source and "/personal/samtal/s-new" not in page.source
    page = await admin.post("/personal/gallring/radera")
    assert page.status == 422 and "Kryssa i rutan" in page.text
    page = await admin.post("/personal/gallring/radera", saker="ja")
    assert page.path == "/personal/gallring" and "1 sak är raderad." in page.text
    assert "Samtal på personalsidorna 90 dagar efter sista meddelandet 1 0" in page.text
    assert (await log(office, "samtal"))[-1] == ("admin.user", "erased by age")
    page = await admin.get("/personal/gallring/prov")
    assert "Inget är gammalt nog att raderas just nu." in page.text


async def test_a_hold_needs_a_reason_and_is_lifted_from_the_list(office: Office) -> None:
    await talk(office, "s-old", 91)
    admin = await signed_in(office, accounts.ADMIN)
    await admin.get("/personal/samtal/s-old")
    assert "Undantag från gallring" in admin.page.text
    page = await admin.post("/personal/samtal/s-old/hall", lage="pa", skal="  ")
    assert page.status == 422 and "Skriv varför" in page.text
    await admin.get("/personal/samtal/s-old")
    page = await admin.post("/personal/samtal/s-old/hall", lage="pa", skal="begäran <b>12</b>")
    assert page.path == "/personal/samtal/s-old"
    page = await admin.post("/personal/samtal/s-old/hall", lage="pa", skal="en gång till")
    assert page.status == 409 and "redan undantaget" in page.text
    page = await admin.get("/personal/gallring")
    assert "begäran <b>12</b>" in page.text and "<b>12</b>" not in page.source
    assert "Undantaget av admin.user" in page.text
    page = await admin.post("/personal/samtal/s-old/hall", lage="av", fran="gallring")
    assert "Samtalet är inte längre undantaget från gallring." in page.text
    assert "Inga samtal är undantagna." in page.text
    assert [deed for deed in await log(office, "s-old") if "hold" in deed[1]] == [
        ("admin.user", "hold on"),
        ("admin.user", "hold off"),
    ]
    page = await admin.post("/personal/samtal/s-none/hall", lage="pa", skal="x")
    assert page.status == 404


async def test_an_administrator_erases_one_conversation_unless_it_is_held(office: Office) -> None:
    await talk(office, "s-1")
    address = "/personal/samtal/s-1/radera"
    editor = await signed_in(office, accounts.EDITOR)
    assert "Radera samtalet" not in (await editor.get("/personal/samtal/s-1")).text
    assert (await editor.get(address)).status == 403
    await editor.get("/personal/samtal/s-1")
    assert (await editor.post(address, saker="ja")).status == 403
    admin = await signed_in(office, accounts.ADMIN)
    await admin.get("/personal/samtal/s-1")
    await admin.post("/personal/samtal/s-1/hall", lage="pa", skal="begäran 12")
    await admin.get(address)
    assert "Kryssa i rutan" in (await admin.post(address)).text
    page = await admin.post(address, saker="ja")
    assert page.status == 409 and "undantaget från gallring" in page.text
    await admin.get("/personal/samtal/s-1")
    await admin.post("/personal/samtal/s-1/hall", lage="av")
    await admin.get(address)
    page = await admin.post(address, saker="ja")
    assert page.path == "/personal/samtal" and "Samtalet är raderat." in page.text
    assert (await admin.get("/personal/samtal/s-1")).status == 404
    assert (await admin.get(address)).status == 404
    assert (await log(office, "s-1"))[-1] == ("admin.user", "erased talk")


async def test_export_as_json_csv_and_page(office: Office) -> None:
    await talk(office, "s-1")
    editor = await signed_in(office, accounts.EDITOR)
    page = await editor.get("/personal/samtal/s-1.json")
    assert page.status == 200
    assert (
        page.headers["Content-Disposition"] == 'attachment; filename="samtal-2026-07-01-0005.json"'
    )
    told = json.loads(page.source)
    assert told["conversation"] == "s-1" and told["flags"] == ["fallback"]
    assert told["turns"][0]["at"] == "2026-07-01T00:05:00+02:00"
    assert told["turns"][0]["text"] == NASTY
    assert told["turns"][0]["ranking"] == [["faq/overby", 0.125]]
    page = await editor.get("/personal/samtal/s-1.csv")
    [heads, row] = csv.reader(io.StringIO(page.source.lstrip("\ufeff")), delimiter=";")
    cells = dict(zip(heads, row, strict=True))
    assert cells["Den som chattade"] == f"'{NASTY}"
    assert cells["Tid"] == "2026-07-01 00:05:00"
    assert cells["Säkerhet"] == "12\u00a0%"
    assert cells["Omdöme"] == "Hjälpte inte"
    page = await editor.get("/personal/samtal/s-1.html")
    assert "<script>" not in page.source and "<script>alert(1)</script>" in page.text
    assert "2026-07-01 00:05" in page.text and "Inloggad" not in page.text
    assert await log(office, "s-1") == [("editor.user", "exported talk")] * 3
    assert (await editor.get("/personal/samtal/s-none.json")).status == 404
    assert (await editor.get("/personal/samtal/..%2f..%2fetc.json")).status == 404


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (accounts.READER, "/personal/samtal/s-1.json", 403),
        (accounts.READER, "/personal/samtal/s-1.html", 403),
        (accounts.EDITOR, "/personal/gallring", 403),
        (accounts.EDITOR, "/personal/gallring/prov", 403),
    ],
)
async def test_others_are_refused(office: Office, role: str, path: str, status: int) -> None:
    await talk(office, "s-1")
    visitor = await signed_in(office, role)
    assert (await visitor.get(path)).status == status
    assert await log(office, "s-1") == []


async def test_only_an_administrator_with_the_page_open_can_erase_or_hold(office: Office) -> None:
    await talk(office, "s-old", 91)
    editor = await signed_in(office, accounts.EDITOR)
    for path in ("/personal/gallring/radera", "/personal/samtal/s-old/hall"):
        await editor.get("/personal/samtal/s-old")
        page = await editor.post(path, saker="ja", lage="pa", skal="mitt skäl")
        assert page.status == 403
    admin = await signed_in(office, accounts.ADMIN)
    await admin.get("/personal/gallring/prov")
    page = await admin.post("/personal/gallring/radera", saker="ja", nyckel="gissad")
    assert page.status == 403
    stranger = await office.stranger()
    assert (await stranger.post("/personal/gallring/radera", saker="ja")).status == 403
    page = await admin.get("/personal/gallring")
    assert re.search(r"sista meddelandet 1 1 ", page.text)


@pytest.mark.parametrize(
    ("kind", "kept", "told"),
    [
        (COPIES, timedelta(hours=1), "1 timme"),
        (COPIES, timedelta(hours=1.5), "1,5 timmar"),
        (AUDIT, timedelta(days=1), "1 dag"),
        (INTERESTS, timedelta(days=30.44), "1 månad"),
        (INTERESTS, timedelta(days=24 * 30.44), "24 månader"),
    ],
)
def test_periods_are_told_in_words(kind: str, kept: timedelta, told: str) -> None:
    assert period(kind, kept) == told
