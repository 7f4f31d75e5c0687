"""/personal/logg: who did what, for administrators, and whether anybody has changed the log."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.content.clock import STOCKHOLM
from bot.keys import AUDIT_WATCH, DATABASE
from bot.participation.registry import utc
from bot.staff import titles
from bot.staff.accounts import ADMIN
from bot.staff.door import Form, away, reading, render, writing
from bot.staff.export import harmless
from bot.staff.sessions import PATH, Visit
from bot.store import audit
from bot.store.models import Audit

LOG = f"{PATH}/logg"
PAGE, READ = 50, 1000
"""Rows on a page, and rows read at once for the file."""
FRESH = timedelta(minutes=10)
"""How old the word on the chain may be; a button asks for a new one."""
_LARGEST_ID = 2**31 - 1
HEADINGS = ("Rad", "Tid", "Vem", "Vad", "Vad det gäller", "Kod", "Detaljer")


@dataclass(frozen=True)
class Choice:
    """What the log is narrowed to, by the names that stand in its address. "" is everything."""

    vem: str = ""
    vad: str = ""
    om: str = ""
    fran: str = ""
    till: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Choice":
        """From an address. What can't be is left out."""
        # a NUL is an error to PostgreSQL
        said = {f.name: query.get(f.name, "").replace("\0", "").strip()[:60] for f in fields(cls)}
        return cls(**{**said, "fran": _day(said["fran"]), "till": _day(said["till"])})

    def told(self) -> dict[str, str]:
        """Those that narrow the log."""
        return {f.name: v for f in fields(self) if (v := getattr(self, f.name))}

    def address(self, before: int | None = None) -> str:
        """For the address of a page of the log: "?vem=anna&fore=200", or ""."""
        query = urlencode({**self.told(), **({"fore": before} if before else {})})
        return f"?{query}" if query else ""

    def rows(self) -> audit.Chosen:
        """For the database: days of Stockholm as moments, the last day included."""
        return audit.Chosen(
            self.vem, self.vad, self.om,
            _midnight(self.fran) if self.fran else None,
            _midnight(self.till, 1) if self.till else None,
        )  # fmt: skip


async def page(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/logg."""
    database, chosen = request.app[DATABASE], Choice.of(request.query)
    before = request.query.get("fore", "")
    start = int(before) if before.isascii() and before.isdigit() and len(before) < 11 else 0
    start = min(start, _LARGEST_ID)
    found = await audit.rows(database, chosen.rows(), PAGE + 1, start or None)
    verdict, at = await request.app[AUDIT_WATCH].verdict(FRESH)
    return render(
        request, visit, "logg.html",
        chosen=chosen,
        kinds=sorted((titles.deeds(kind), kind) for kind in await audit.kinds(database)),
        rows=found[:PAGE],
        older=found[PAGE - 1].id if len(found) > PAGE else 0,
        start=start,
        verdict=verdict,
        checked=at,
    )  # fmt: skip


async def check(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/kontroll: walk the chain now."""
    await request.app[AUDIT_WATCH].verdict(timedelta(0))
    return away(LOG)


async def export(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/logg.csv: the log as it is narrowed, all of it."""
    database, chosen = request.app[DATABASE], Choice.of(request.query)
    made, count = io.StringIO(newline=""), 0
    writer = csv.writer(made, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADINGS)
    async for row in _all(database, chosen):
        writer.writerow([harmless(cell) for cell in _cells(row)])
        count += 1
    await audit.write(
        database, visit.name, "log exported", "logg.csv", **{**chosen.told(), "antal": count}
    )
    name = f"logg-{datetime.now(STOCKHOLM):%Y-%m-%d}.csv"
    return web.Response(
        body=made.getvalue().encode("utf-8-sig", "replace"),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


ROUTES = [
    web.get(LOG, reading(page, ADMIN), allow_head=False),
    web.get(f"{LOG}.csv", reading(export, ADMIN), allow_head=False),
    web.post(f"{LOG}/kontroll", writing(check, ADMIN)),
]


async def _all(engine: AsyncEngine, chosen: Choice) -> AsyncIterator[Audit]:
    before: int | None = None
    while found := await audit.rows(engine, chosen.rows(), READ, before):
        for row in found:
            yield row
        before = found[-1].id


def _cells(row: Audit) -> list[str]:
    detail = ", ".join(f"{name}={value}" for name, value in sorted(row.detail.items()))
    return [
        str(row.id), f"{utc(row.at).astimezone(STOCKHOLM):%Y-%m-%d %H:%M:%S}", row.who,
        titles.deed(row), row.about, row.what, detail,
    ]  # fmt: skip


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def _midnight(day: str, later: int = 0) -> datetime | None:
    """The beginning of a day in Stockholm, in UTC as it is stored; None where there is none."""
    try:
        begun = datetime.combine(date.fromisoformat(day) + timedelta(days=later), time())
        return begun.replace(tzinfo=STOCKHOLM).astimezone(UTC)
    except OverflowError:  # year 1 or 9999
        return None
