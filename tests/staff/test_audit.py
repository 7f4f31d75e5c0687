"""The log names whoever did something, and the first row that isn't as it was written."""

# ruff: noqa: F811
import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from bot.keys import DATABASE
from bot.staff import titles
from bot.staff.accounts import ADMIN
from bot.store import audit
from bot.store.audit import Break, Chosen, Verdict, verify, write
from bot.store.models import Audit, AuditHead
from tests.participation.conftest import Database, database, postgres  # noqa: F401
from tests.staff.conftest import PASSWORD, Bot, Office


async def filled(engine: AsyncEngine, count: int = 5) -> list[int]:
    """A log with rows; their ids."""
    for number in range(count):
        await write(engine, "anna", "viewed", f"TS-{number}", seen=number, words=["å", None, 1.5])
    async with engine.connect() as db:
        return list(await db.scalars(select(Audit.id).order_by(Audit.id)))


async def altered(engine: AsyncEngine, statement: Any) -> None:
    """What somebody with the database's password does."""
    async with engine.begin() as db:
        await db.execute(statement)


async def test_a_log_as_it_was_written_holds(database: Database) -> None:
    assert await verify(database.engine) == Verdict(0, 0, None)
    await filled(database.engine)
    assert await verify(database.engine) == Verdict(5, 0, None)


CHANGES: dict[str, tuple[Callable[[list[int]], Any], Callable[[list[int]], Break]]] = {
    "who": (
        lambda ids: update(Audit).where(Audit.id == ids[2]).values(who="bo"),
        lambda ids: Break("changed", ids[2]),
    ),
    "when": (
        lambda ids: update(Audit).where(Audit.id == ids[0]).values(at=datetime.now(UTC)),
        lambda ids: Break("changed", ids[0]),
    ),
    "detail": (
        lambda ids: update(Audit).where(Audit.id == ids[4]).values(detail={"seen": 9}),
        lambda ids: Break("changed", ids[4]),
    ),
    "one gone in the middle": (
        lambda ids: delete(Audit).where(Audit.id == ids[2]),
        lambda ids: Break("missing", ids[3]),
    ),
    "the first gone": (
        lambda ids: delete(Audit).where(Audit.id == ids[0]),
        lambda ids: Break("missing", ids[1]),
    ),
    "cut at the end": (
        lambda ids: delete(Audit).where(Audit.id > ids[2]),
        lambda ids: Break("cut", ids[2]),
    ),
    "all gone": (lambda ids: delete(Audit), lambda ids: Break("cut", 0)),
    "the head gone": (lambda ids: delete(AuditHead), lambda ids: Break("cut", ids[4])),
    "a row more at the end": (
        lambda ids: insert(Audit).values(
            at=datetime.now(UTC), who="x", what="x", about="x", detail={}, digest="0" * 64
        ),
        lambda ids: Break("changed", ids[4] + 1),
    ),
    "a row before the beginning": (
        lambda ids: insert(Audit).values(
            id=0, at=datetime.now(UTC), who="x", what="x", about="x", detail={}, digest="0" * 64
        ),
        lambda ids: Break("inserted", 0),
    ),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_a_changed_log_breaks_at_the_first_row_that_doesnt_fit(
    database: Database,
    what: str,
) -> None:
    change, expected = CHANGES[what]
    ids = await filled(database.engine)
    assert ids == list(range(ids[0], ids[0] + 5))
    if ids[0] > 1:  # the sequence goes on where the test before ended
        await altered(database.engine, update(AuditHead).values(anchor_id=ids[0] - 1))
    await altered(database.engine, change(ids))
    verdict = await verify(database.engine)
    assert verdict.broken == expected(ids)
    assert "inte orörd" in titles.chain(verdict)


async def test_the_log_goes_on_being_broken_when_more_is_written(
    database: Database,
) -> None:
    ids = await filled(database.engine)
    await altered(database.engine, delete(Audit).where(Audit.id == ids[-1]))
    await write(database.engine, "bo", "viewed", "TS-9")
    assert (await verify(database.engine)).broken is not None


async def erase_until(engine: AsyncEngine, last: int) -> None:
    """What retention does: the oldest rows go, the anchor is where they ended."""
    async with AsyncSession(engine) as db, db.begin():
        sealed = await db.scalar(select(Audit.digest).where(Audit.id == last))
        await db.execute(delete(Audit).where(Audit.id <= last))
        await db.execute(update(AuditHead).values(anchor=sealed, anchor_id=last))


async def test_what_is_erased_by_age_leaves_the_rest_whole(
    database: Database,
) -> None:
    ids = await filled(database.engine)
    await erase_until(database.engine, ids[1])
    assert await verify(database.engine) == Verdict(3, 0, None)
    await erase_until(database.engine, ids[4])
    assert await verify(database.engine) == Verdict(0, 0, None)
    await write(database.engine, "bo", "viewed", "TS-9")
    assert await verify(database.engine) == Verdict(1, 0, None)


async def test_rows_from_before_there_was_a_chain_are_told_apart(
    database: Database,
) -> None:
    old = {"at": datetime.now(UTC), "who": "a", "what": "x", "about": "x", "detail": {}}
    await altered(database.engine, insert(Audit).values([old, old]))
    async with database.engine.connect() as db:
        last = await db.scalar(select(func.max(Audit.id)))
    head = {"id": audit.HEAD, "digest": "", "anchor": "", "anchor_id": last}
    await altered(database.engine, insert(AuditHead).values(head))
    await filled(database.engine, 2)
    verdict = await verify(database.engine)
    assert verdict == Verdict(2, 2, None)
    assert "2 äldre rader är inte förseglade" in titles.chain(verdict)


async def together(*work: Awaitable[None]) -> None:
    """All at once."""
    await asyncio.gather(*work)


async def test_many_writers_at_once_keep_the_chain_whole(
    database: Database,
) -> None:
    async def writer(name: str) -> None:
        for number in range(10):
            await write(database.engine, name, "viewed", f"TS-{number}")

    writing = asyncio.gather(*(writer(f"w{number}") for number in range(12)))
    verdicts = []
    while not writing.done():  # while they write, the chain never looks broken
        verdicts.append(await verify(database.engine))
        await asyncio.sleep(0)
    await writing
    assert all(one.broken is None for one in verdicts)
    assert await verify(database.engine) == Verdict(120, 0, None)


@cache
def chain(count: int) -> list[dict[str, Any]]:
    """Rows of a log that holds."""
    before, rows, start = "", [], datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(count):
        row: dict[str, Any] = {
            "at": start + timedelta(seconds=number), "who": f"namn{number % 9}", "what": "viewed",
            "about": f"TS-{number % 999}", "detail": {"antal": number},
        }  # fmt: skip
        before = audit.digest(before, SimpleNamespace(**row))  # type: ignore[arg-type]
        rows.append({**row, "digest": before})
    return rows


@pytest.mark.heavy
async def test_a_hundred_thousand_rows_are_checked_in_seconds(
    database: Database,
) -> None:
    rows = chain(100_000)
    async with database.engine.begin() as db:
        await db.execute(insert(Audit), rows)
        first = await db.scalar(select(func.min(Audit.id)))
        head = {
            "id": audit.HEAD,
            "digest": rows[-1]["digest"],
            "anchor": "",
            "anchor_id": first - 1,
        }
        await db.execute(insert(AuditHead).values(head))
    started = time.perf_counter()
    assert await verify(database.engine) == Verdict(100_000, 0, None)
    seconds = time.perf_counter() - started
    print(f"{database.engine.dialect.name}: 100,000 rows in {seconds:.1f} s")
    assert seconds < 15
    assert len(await audit.rows(database.engine, Chosen(who="namn3"), 50)) == 50


# --- the page -------------------------------------------------------------------------------------


async def test_the_page_shows_who_did_what_and_that_the_chain_holds(office: Office) -> None:
    reference = await office.case()
    visitor = await office.staff("anna", ADMIN)
    await visitor.get(f"/personal/intresse/{reference}")
    page = await visitor.get("/personal/logg")
    await visitor.post("/personal/logg/kontroll")
    assert "Loggen är orörd: 4 rader kontrollerade." in visitor.page.text
    table = page.text.split("det senaste först")[1]
    assert table.index("Öppnade ärendet") < table.index("Loggade in") < table.index("La till")
    for query, shown in {
        "vem=anna": {"Loggade in", "Öppnade ärendet"},
        "vem=system": {"La till kontot"},
        "vad=signed-in": {"Loggade in"},
        f"om={reference}": {"Öppnade ärendet"},
        "fran=2020-01-01": {"La till kontot", "Loggade in", "Öppnade ärendet"},
        "till=2020-01-01": set[str](),
        "fran=2999-01-01": set[str](),
        # what can't be doesn't narrow, or finds nothing; it never breaks
        "fran=i+g%C3%A5r": {"La till kontot", "Loggade in", "Öppnade ärendet"},
        "fran=0001-01-01&till=9999-12-31": {"La till kontot", "Loggade in", "Öppnade ärendet"},
        "fore=99999999999999": {"La till kontot", "Loggade in", "Öppnade ärendet"},
        "fore=1": set[str](),
        "vem=%00%FF": set[str](),
        "vem=" + "x" * 5000: set[str](),
    }.items():
        page = await visitor.get(f"/personal/logg?{query}")
        assert page.status == 200
        table = page.source.partition("<tbody>")[2]
        deeds = {"La till kontot", "Loggade in", "Öppnade ärendet"}
        assert {deed for deed in deeds if deed in table} == shown, query


async def test_the_page_says_where_the_log_was_changed(office: Office) -> None:
    visitor = await office.staff("anna", ADMIN)
    async with office.app[DATABASE].begin() as db:
        first = await db.scalar(select(func.min(Audit.id)))
        await db.execute(update(Audit).where(Audit.id == first).values(who="<b>någon</b>"))
    await visitor.get("/personal/logg")
    page = await visitor.post("/personal/logg/kontroll")
    assert f"Loggen är inte orörd. Rad {first} är ändrad" in page.text
    assert "<b>" not in page.source and "&lt;b&gt;någon" in page.source


async def test_a_long_log_has_pages_and_a_file_with_all_of_it(office: Office) -> None:
    visitor = await office.staff("anna", ADMIN)
    for number in range(60):
        await write(office.app[DATABASE], "bo", "viewed", f"=TS-{number}")
    page = await visitor.get("/personal/logg?vem=bo")
    assert "=TS-59" in page.text and "=TS-9" not in page.text
    older = page.source.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    page = await visitor.get(older)
    assert "=TS-9" in page.text and "=TS-59" not in page.text
    file = await visitor.get("/personal/logg.csv?vem=bo")
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    lines = file.source.strip().splitlines()
    assert len(lines) == 61
    assert ";bo;Öppnade ärendet;'=TS-59;viewed;" in lines[1]
    assert await office.audited("logg.csv") == [("anna", "log exported")]


def test_the_log_is_listed_and_checked_at_the_command_line(bot: Bot) -> None:
    assert bot("user", "add", "anna", typed=PASSWORD + "\n")[0] == 0
    assert bot("user", "role", "anna", "redaktör")[0] == 0
    listed = bot("audit", "list")[1].splitlines()
    assert [line.split("\t")[2:] for line in listed] == [
        ["system", "La till kontot", "anna"],
        ["system", "Ändrade roll till redaktör", "anna"],
    ]
    assert len(bot("audit", "list", "-n", "1")[1].splitlines()) == 1
    assert bot("audit", "verify") == (0, "Loggen är orörd: 2 rader kontrollerade.\n")
    with sqlite3.connect(bot.folder / "var" / "kontakt.db") as db:
        db.execute("UPDATE audit SET who = 'anna' WHERE id = 1")
    code, told = bot("audit", "verify")
    assert code == 1 and "Rad 1 är ändrad" in told
