"""The list as a file that Excel in Sweden opens right, and that does nothing there."""

import csv
import io
from datetime import UTC, datetime

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.keys import DATABASE
from bot.staff.export import harmless
from bot.store import audit
from bot.store.models import Interest
from tests.staff.conftest import Office, Visitor


async def fetched(visitor: Visitor, query: str = "") -> tuple[bytes, list[dict[str, str]]]:
    """The file as it came, and its rows."""
    async with visitor.http.get(f"/personal/intresse.csv{query}") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert response.headers["Content-Disposition"].startswith("attachment; filename=")
        raw = await response.read()
    text = io.StringIO(raw.decode("utf-8-sig"), newline="")
    return raw, list(csv.DictReader(text, delimiter=";"))


async def test_the_file_has_swedish_conventions(office: Office) -> None:
    reference = await office.case(words='Rad ett\nrad "två"; å')
    async with AsyncSession(office.app[DATABASE]) as db, db.begin():
        await db.execute(update(Interest).values(created_at=datetime(2026, 7, 1, 8, tzinfo=UTC)))
    raw, rows = await fetched(await office.staff())
    assert raw.startswith(b"\xef\xbb\xbfReferens;Inkom;Status;Plats;")
    assert raw.count(b"\r\n") == 2 and raw.endswith(b"\r\n")
    (row,) = rows
    assert row["Referens"] == reference
    assert row["Inkom"] == "2026-07-01 10:00"
    assert row["Företag"] == "Blomsterhörnan i Sylte AB"
    assert row["Med egna ord"] == 'Rad ett\nrad "två"; å'
    assert row["Gäller"] == "Stöld, snatteri eller inbrott; Otrygghet, bråk eller hot"
    assert row["Organisationsnummer"] == "556036-0793"
    assert row["Telefon"] == "070-123 45 67"


async def test_no_cell_is_a_formula(office: Office) -> None:
    await office.case(
        company='=HYPERLINK("https://ond.example")', person="+1+1", role="-1", words="@SUM(1)",
        where="\t=1", email="=a@b.se", phone="+4722000000",
    )  # fmt: skip
    _raw, (row,) = await fetched(await office.staff())
    assert row["Företag"] == '\'=HYPERLINK("https://ond.example")'
    assert row["Kontaktperson"] == "'+1+1"
    assert row["Telefon"] == "'+47 22 00 00 00"
    for cell in row.values():
        assert not cell.lstrip().startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\u00a0=", "＝"])
def test_what_begins_like_a_formula_is_made_harmless(start: str) -> None:
    assert harmless(f"{start}1") == f"'{start}1"


@pytest.mark.parametrize("cell", ["", "AB", "a=b", "1-2", "'x", "Åsa", "anna@b.se"])
def test_everything_else_stays_as_it_is(cell: str) -> None:
    assert harmless(cell) == cell


async def test_fetching_the_file_is_written_down_with_what_was_chosen(office: Office) -> None:
    await office.case()
    visitor = await office.staff()
    await fetched(visitor, "?plats=sylte")
    (row,) = await audit.told_of(office.app[DATABASE], "intresse.csv")
    assert (row.who, row.what) == ("anna", "exported")
    assert row.detail == {"plats": "sylte", "antal": 1}


async def test_a_file_without_cases_has_its_headings(office: Office) -> None:
    raw, rows = await fetched(await office.staff())
    assert rows == []
    assert raw.count(b"\r\n") == 1
