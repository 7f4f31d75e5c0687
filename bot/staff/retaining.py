"""Retention, legal hold and export of one conversation, as staff see them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.content.clock import STOCKHOLM
from bot.keys import DATABASE, ERASURE, RETENTION
from bot.participation.registry import utc
from bot.staff import accounts
from bot.staff.door import Form, Refusal, away, reading, render, writing
from bot.staff.sessions import PATH, Visit
from bot.staff.talk_titles import OUTCOMES, flag, language
from bot.store.audit import record
from bot.store.transcript_models import Transcript, TranscriptFlag, TranscriptTurn
from bot.transcripts import export, holds
from bot.transcripts.erasure import Held
from bot.transcripts.retention import AUDIT, COPIES, INTERESTS, MONTH, TRANSCRIPTS, Due

PAGE = f"{PATH}/gallring"
TALK = f"{PATH}/samtal/{{conversation:[\\w-]{{1,40}}}}"
LONGEST_WHY = 500
"""Characters of a reason."""
_WHAT = {
    COPIES: ("Invånarens egen kopia av samtalet", "efter sista meddelandet"),
    TRANSCRIPTS: ("Samtal på personalsidorna", "efter sista meddelandet"),
    INTERESTS: ("Intresseanmälningar", "efter senaste ändringen"),
    AUDIT: ("Loggen över personalens åtgärder", "efter händelsen"),
}
_DONE = {"av": "Samtalet är inte längre undantaget från gallring."}


async def overview(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/gallring: what is kept how long, what is due, what is held."""
    done = _DONE.get(request.query.get("gjort", ""), "")
    if request.query.get("gjort") == "raderat":
        done = _erased(request.query.get("antal", ""))
    return render(
        request, visit, "retention.html",
        done=done,
        kinds=[_told(one) for one in await request.app[RETENTION].due()],
        held=await holds.held(request.app[DATABASE]),
    )  # fmt: skip


async def rehearse(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET …/prov: what would be erased, and the question. Nothing is erased."""
    return await _rehearsed(request, visit)


async def run(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/radera: only with the box ticked."""
    if form.get("saker") != "ja":
        return await _rehearsed(request, visit, 422, "Kryssa i rutan om du vill radera.")
    gone = await request.app[RETENTION].run(visit.name)
    return away(f"{PAGE}?gjort=raderat&antal={sum(gone.values())}")


async def hold(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST /personal/samtal/<id>/hall: `lage` is pa or av, `skal` the reason."""
    key, database = request.match_info["conversation"], request.app[DATABASE]
    why = " ".join(form.get("skal", "").replace("\0", "").split())
    on = form.get("lage") == "pa"
    if on and not 0 < len(why) <= LONGEST_WHY:
        raise Refusal(
            422,
            "Skriv varför samtalet ska undantas",
            f"Skälet behövs för den som ska pröva det senare. Högst {LONGEST_WHY} tecken.",
            why,
        )
    if on:
        changed = await holds.put(database, key, visit.name, why)
    else:
        changed = await holds.lift(database, key, visit.name)
    if changed is None:
        raise _gone()
    if not changed and on:
        told = "Någon annan undantog samtalet medan du hade sidan öppen. Ditt skäl är inte sparat."
        raise Refusal(409, "Samtalet är redan undantaget", told, why)
    return away(f"{PAGE}?gjort=av" if form.get("fran") == "gallring" else f"{PATH}/samtal/{key}")


async def ask_erase(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/samtal/<id>/radera: the question. Nothing is erased."""
    return await _ask_erase(request, visit)


async def erase(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/radera: only with the box ticked, and not while there is a hold."""
    if form.get("saker") != "ja":
        return await _ask_erase(request, visit, 422, "Kryssa i rutan om du vill radera.")
    head = await _head(request)
    try:
        await request.app[ERASURE].conversation(head.id, visit.name)
    except Held:
        told = "Ta bort undantaget först, om saken som det gällde är klar."
        raise Refusal(409, "Samtalet är undantaget från gallring", told) from None
    return away(f"{PATH}/samtal?gjort=raderat")


async def _ask_erase(
    request: web.Request, visit: Visit, status: int = 200, error: str = ""
) -> web.StreamResponse:
    head = await _head(request)
    return render(request, visit, "talk_erase.html", status, head=head, error=error)


async def _head(request: web.Request) -> Transcript:
    """The conversation of the address. Raises Refusal 404."""
    async with AsyncSession(request.app[DATABASE]) as db:
        head = await db.get(Transcript, request.match_info["conversation"])
    if head is None:
        raise _gone()
    return head


async def export_json(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/samtal/<id>.json."""
    head, flags, turns = await _exported(request, visit, "json")
    return _file(export.as_json(head, flags, turns), "application/json", head, "json")


async def export_csv(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/samtal/<id>.csv."""
    head, _, turns = await _exported(request, visit, "csv")
    return _file(export.as_csv(turns), "text/csv", head, "csv")


async def export_html(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/samtal/<id>.html: a page to print."""
    head, flags, turns = await _exported(request, visit, "html")
    return render(
        request, visit, "talk_print.html",
        head=head,
        flags=[flag(one) for one in flags],
        turns=turns,
        outcomes=OUTCOMES,
        language=language,
        now=datetime.now(STOCKHOLM),
    )  # fmt: skip


async def _exported(
    request: web.Request, visit: Visit, kind: str
) -> tuple[Transcript, Sequence[str], Sequence[TranscriptTurn]]:
    """A conversation that is handed out, which is written down. Raises Refusal 404."""
    key = request.match_info["conversation"]
    of = TranscriptTurn.transcript_id == key
    flags = select(TranscriptFlag.flag).where(TranscriptFlag.transcript_id == key)
    async with AsyncSession(request.app[DATABASE], expire_on_commit=False) as db, db.begin():
        head = await db.get(Transcript, key)
        if head is None:
            raise _gone()
        turns = await db.scalars(select(TranscriptTurn).where(of).order_by(TranscriptTurn.number))
        found = (head, sorted(await db.scalars(flags)), turns.all())
        await record(db, visit.name, "exported talk", key, format=kind)
    return found


def _file(body: bytes, kind: str, head: Transcript, ending: str) -> web.Response:
    name = f"samtal-{utc(head.started_at).astimezone(STOCKHOLM):%Y-%m-%d-%H%M}.{ending}"
    return web.Response(
        body=body,
        content_type=kind,
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _rehearsed(
    request: web.Request, visit: Visit, status: int = 200, error: str = ""
) -> web.StreamResponse:
    retention = request.app[RETENTION]
    due = [one for one in await retention.due() if one.count]
    return render(
        request, visit, "retention_rehearsal.html", status,
        error=error,
        kinds=[_told(one) for one in due],
        talks=await retention.talks_due(),
        sum=_number(sum(one.count for one in due)),
    )  # fmt: skip


def _told(one: Due) -> dict[str, object]:
    what, since = _WHAT[one.kind]
    return {
        "kind": one.kind, "what": what, "kept": f"{period(one.kind, one.kept)} {since}",
        "all": _number(one.all), "count": _number(one.count), "oldest": one.oldest,
        "held": _number(one.held),
    }  # fmt: skip


def period(kind: str, kept: timedelta) -> str:
    """How long something is kept: "24 timmar", "1 dag", "24 månader"."""
    if kind == INTERESTS:
        return _counted(kept.days / MONTH, "månad", "månader")
    if kind == COPIES:
        return _counted(kept.total_seconds() / 3600, "timme", "timmar")
    return _counted(kept.total_seconds() / 86400, "dag", "dagar")


def _counted(number: float, one: str, many: str) -> str:
    shown = f"{round(number, 1):g}".replace(".", ",")
    return f"{shown} {one if shown == '1' else many}"


def _number(number: int) -> str:
    return f"{number:,}".replace(",", "\u00a0")


def _erased(count: str) -> str:
    if not count.isdecimal() or len(count) > 9:
        return ""
    number = int(count)
    if not number:
        return "Det fanns inget att radera."
    return f"{_number(number)} {'sak är raderad' if number == 1 else 'saker är raderade'}."


def _gone() -> Refusal:
    return Refusal(404, "Samtalet finns inte", "Det kan vara raderat, eller så är adressen fel.")


ROUTES = [
    web.get(PAGE, reading(overview, accounts.ADMIN), allow_head=False),
    web.get(f"{PAGE}/prov", reading(rehearse, accounts.ADMIN), allow_head=False),
    web.post(f"{PAGE}/radera", writing(run, accounts.ADMIN)),
    web.post(f"{TALK}/hall", writing(hold, accounts.ADMIN)),
    web.get(f"{TALK}/radera", reading(ask_erase, accounts.ADMIN), allow_head=False),
    web.post(f"{TALK}/radera", writing(erase, accounts.ADMIN)),
    web.get(f"{TALK}.json", reading(export_json, accounts.EDITOR), allow_head=False),
    web.get(f"{TALK}.csv", reading(export_csv, accounts.EDITOR), allow_head=False),
    web.get(f"{TALK}.html", reading(export_html, accounts.EDITOR), allow_head=False),
]
