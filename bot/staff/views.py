"""Expressions of interest as staff see and change them: one function a route."""

from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from bot.content.clock import STOCKHOLM
from bot.keys import CONTENT, DATABASE, DELIVERY, EDITING, REGISTRY, SETTINGS
from bot.participation.expression import OTHER_AREA, STATUSES, references
from bot.participation.registry import Case, utc
from bot.staff import accounts, cases, titles
from bot.staff.cases import Chosen
from bot.staff.door import START, Form, Refusal, away, render
from bot.staff.export import as_csv
from bot.staff.sessions import PATH, Visit
from bot.store import audit
from bot.store.models import Audit
from bot.store.transcript_models import Transcript

LIST = f"{PATH}/intresse"
LONGEST_NOTE = 5000
"""Characters."""
AUDIT_ROWS = 100
PAGES = 10_000
_SAME_NOTE = timedelta(minutes=1)
_DONE = {
    "status": "Statusen är ändrad.",
    "anteckning": "Anteckningen är sparad.",
    "handlaggare": "Handläggaren är ändrad.",
}


async def overview(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/intresse: the list, how many there are, what hasn't been sent."""
    registry, database = request.app[REGISTRY], request.app[DATABASE]
    chosen = Chosen.of(request.query)
    number = cases.whole(request.query.get("sida", ""), 1, PAGES)
    counts = await registry.counts()
    sums = {one: sum(row.get(one, 0) for row in counts.values()) for one in STATUSES}
    waiting = await cases.unsent(database)
    return render(
        request, visit, "list.html",
        content=request.app[CONTENT].content.participation,
        chosen=chosen,
        page=await cases.page(registry, chosen, number),
        areas=_areas(request, counts),
        counts=counts,
        sums=sums,
        statuses=STATUSES,
        handlers=sorted({*await accounts.names(database), *await cases.handlers(database)}),
        waiting=waiting[: cases.SHOWN],
        more_waiting=len(waiting) > cases.SHOWN,
        erased=next(iter(references(request.query.get("raderad", "")[:20])), ""),
    )  # fmt: skip


async def again(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/utskick/<number>: send what couldn't be sent once more."""
    number = int(request.match_info["number"])
    if not await request.app[DELIVERY].again(number):
        told = "Det har redan skickats, väntar på sin tur eller hör till ett raderat ärende."
        raise Refusal(409, "Det går inte att skicka igen", told)
    await audit.write(request.app[DATABASE], visit.name, "sent again", f"utskick {number}")
    return away(LIST)


async def export(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/intresse.csv: the list as it is narrowed, all pages of it."""
    registry, chosen = request.app[REGISTRY], Chosen.of(request.query)
    found = [case async for case in cases.matching(registry, chosen)]
    told = {**chosen.told(), "antal": len(found)}
    await audit.write(request.app[DATABASE], visit.name, "exported", "intresse.csv", **told)
    name = f"intresseanmalningar-{datetime.now(STOCKHOLM):%Y-%m-%d}.csv"
    return web.Response(
        body=as_csv(found, request.app[CONTENT].content.participation),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def case(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/intresse/{reference}."""
    done = _DONE.get(request.query.get("gjort", ""), "")
    return await _show(request, visit, await _case(request), done=done)


async def status(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/status: only from what the form showed, so that nobody undoes what he hasn't seen."""
    found, wanted = await _case(request), form.get("status", "")
    chosen = next((one for one in STATUSES if one == wanted), None)
    if chosen is None:
        return await _show(request, visit, found, 422, status_error="Välj en status.")
    async with request.app[EDITING]:
        found = await _case(request)
        if found.status not in (form.get("fore"), chosen):
            error = (
                f"{await _last(request, found, 'status')} medan du hade sidan öppen. Din ändring "
                "är inte sparad. Välj status igen om du fortfarande vill ändra."
            )
            return await _show(request, visit, found, 409, status_error=error)
        if found.status != chosen:
            await request.app[REGISTRY].change(found.id, visit.name, status=chosen)
    return _back(found, "status")


async def assign(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/tilldela: who looks after a case; "" is nobody."""
    found, wanted = await _case(request), form.get("handlaggare", "")
    known = ("", found.assigned, *await accounts.names(request.app[DATABASE]))
    if wanted not in known:
        error = f"{wanted[:60]} kan inte logga in här. Välj någon i listan."
        return await _show(request, visit, found, 422, assign_error=error)
    async with request.app[EDITING]:
        found = await _case(request)
        now = found.assigned or ""
        if now not in (form.get("fore"), wanted):
            error = (
                f"{await _last(request, found, 'assigned')} medan du hade sidan öppen. Din "
                "ändring är inte sparad. Välj handläggare igen om du fortfarande vill ändra."
            )
            return await _show(request, visit, found, 409, assign_error=error)
        if now != wanted:
            await request.app[REGISTRY].change(found.id, visit.name, assigned=wanted)
    return _back(found, "handlaggare")


async def note(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/anteckning."""
    found, registry = await _case(request, form.get("text", "")), request.app[REGISTRY]
    text = form.get("text", "").replace("\r\n", "\n").strip()
    error = ""
    if not text:
        error = "Skriv något i anteckningen först."
    elif len(text) > LONGEST_NOTE:
        error = (
            f"Anteckningen har {titles.number(len(text))} tecken och får ha högst "
            f"{titles.number(LONGEST_NOTE)}. Den är inte sparad. Korta den eller dela upp den."
        )
    if error:
        return await _show(request, visit, found, 422, note_error=error, text=text)
    async with request.app[EDITING]:
        last = (await registry.notes(found.id))[-1:]
        fresh = datetime.now(UTC) - _SAME_NOTE
        twice = any(
            (n.author, n.text) == (visit.name, text) and n.created_at > fresh for n in last
        )  # a double click
        if not twice and not await registry.note(found.id, visit.name, text):
            raise _gone(text)
    return _back(found, "anteckning")


async def ask_erase(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET …/radera: what would be erased, and the question."""
    return render(request, visit, "erase.html", case=await _case(request), error="")


async def erase(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/radera: only with the box ticked."""
    found = await _case(request)
    if form.get("saker") != "ja":
        error = "Kryssa i rutan om du vill radera."
        return render(request, visit, "erase.html", 422, case=found, error=error)
    await request.app[REGISTRY].erase(found.reference, visit.name)
    return away(f"{LIST}?raderad={found.reference}")


async def start(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal."""
    return away(START)


async def nothing(request: web.Request, visit: Visit) -> web.StreamResponse:
    """Any other address."""
    raise Refusal(404, "Sidan finns inte", "Adressen kan vara fel eller för gammal.")


async def _case(request: web.Request, kept: str = "") -> Case:
    """The case of the address, also "ts7k3q". Raises Refusal 404."""
    for reference in references(request.match_info["reference"][:20]):
        if found := await request.app[REGISTRY].find(reference):
            return found
    raise _gone(kept)


def _gone(kept: str = "") -> Refusal:
    text = "Referensen kan vara fel skriven, eller så är ärendet raderat."
    return Refusal(404, "Ärendet finns inte", text, kept)


def _back(case: Case, done: str) -> web.Response:
    return away(f"{LIST}/{case.reference}?gjort={done}")


async def _show(
    request: web.Request, visit: Visit, case: Case, status: int = 200, **values: Any
) -> web.Response:
    """The page of a case. Each time it is shown is written down."""
    registry, database = request.app[REGISTRY], request.app[DATABASE]
    await audit.write(database, visit.name, "viewed", case.reference)
    rows = list(reversed(await audit.told_of(database, case.reference)))
    users = await accounts.names(database)
    empty = {"done": "", "status_error": "", "assign_error": "", "note_error": "", "text": ""}
    return render(
        request, visit, "case.html", status,
        **{**empty, **values},
        content=request.app[CONTENT].content.participation,
        case=case,
        statuses=STATUSES,
        handlers=sorted({*users, *([case.assigned] if case.assigned else [])}),
        notes=await registry.notes(case.id),
        rows=rows[:AUDIT_ROWS],
        earlier=max(0, len(rows) - AUDIT_ROWS),
        changed=next(filter(_is_change, rows), None),
        said=await cases.conversation(database, case.conversation),
        transcript=await _transcript(request, case),
        hours=request.app[SETTINGS].session_hours,
        longest=titles.number(LONGEST_NOTE),
    )  # fmt: skip


async def _transcript(request: web.Request, case: Case) -> str:
    """The conversation of a case among those that staff judge; "" when it isn't there."""
    async with AsyncSession(request.app[DATABASE]) as db:
        return case.conversation if await db.get(Transcript, case.conversation) else ""


def _is_change(row: Audit) -> bool:
    return row.what in ("changed", "note")


async def _last(request: web.Request, case: Case, what: str) -> str:
    """Who changed something last, and when, as the beginning of a sentence."""
    for row in reversed(await audit.told_of(request.app[DATABASE], case.reference)):
        if row.what == "changed" and what in row.detail:
            at = titles.moment(utc(row.at))
            deed = titles.deed(row)
            return f"{row.who} {deed[0].lower()}{deed[1:]} {at}"
    return "Någon ändrade det"


def _areas(request: web.Request, counts: dict[str, dict[str, int]]) -> list[str]:
    """All places in the order of the content, then those that it has no more."""
    known = [*request.app[CONTENT].content.participation.places, OTHER_AREA]
    return [*known, *sorted(set(counts) - set(known))]
