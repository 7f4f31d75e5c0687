"""Signing in and out."""

import re
from urllib.parse import quote

import structlog
from aiohttp import web

from bot.chat.views import address
from bot.keys import DATABASE, LOCKOUT, REGISTRY, VISITS
from bot.staff import accounts
from bot.staff.door import (
    LARGEST_STRANGER,
    LOGIN,
    START,
    Form,
    answered,
    away,
    forget,
    own_origin,
    read,
    remember,
    render,
    visitor,
)
from bot.staff.sessions import COOKIE, PATH, Visit

log = structlog.get_logger("staff")
_INSIDE = re.compile(rf"{PATH}/intresse[\w./?=&%+-]{{0,500}}", re.ASCII)


async def form(request: web.Request) -> web.StreamResponse:
    """GET /personal/logga-in."""
    onward = _onward(request.query.get("vidare", ""))
    if await visitor(request):
        return away(onward)
    # From a link in webmail the browser keeps the cookie back, even that of somebody who is signed
    # in. One step more, from our own page, and it is sent. No new cookie may replace it here.
    step = request.headers.get("Sec-Fetch-Site") == "cross-site"
    stranger = None if step else _stranger(request)

    async def work() -> web.StreamResponse:
        if step:
            return render(request, stranger, "onward.html", address=_login(onward))
        return render(request, stranger, "login.html", onward=onward, error="", typed="")

    return await answered(request, stranger, work)


async def sign_in(request: web.Request) -> web.StreamResponse:
    """POST /personal/logga-in."""
    if await visitor(request):  # from another tab meanwhile; a new cookie would end that session
        return away(START)
    stranger = _stranger(request)

    async def work() -> web.StreamResponse:
        own_origin(request)
        fields = await read(request, LARGEST_STRANGER)
        if not request.app[VISITS].holds(stranger, fields.get("nyckel", "")):
            error = (
                "Sidan hade varit öppen för länge, eller så tar webbläsaren inte emot kakor. "
                "Försök igen."
            )
            return _again(request, stranger, 403, error, fields)
        return await _try(request, stranger, fields)

    return await answered(request, stranger, work)


async def _try(request: web.Request, stranger: Visit, fields: Form) -> web.StreamResponse:
    name, password = fields.get("namn", ""), fields.get("losenord", "")
    lockout, database = request.app[LOCKOUT], request.app[DATABASE]
    key, caller = accounts.canonical(name) or name, address(request)
    if seconds := lockout.attempt(key, caller):
        log.warning("sign_in_locked", seconds=seconds)
        wait = f"{seconds} sekunder" if seconds <= 90 else f"{-(-seconds // 60)} minuter"
        error = f"Det har blivit fel för många gånger. Vänta {wait} och försök igen."
        response = _again(request, stranger, 429, error, fields)
        response.headers["Retry-After"] = str(seconds)
        return response
    right = await accounts.check(database, name, password)
    stored = await accounts.password_hash(database, name) if right else None
    if stored is None:
        log.warning("sign_in_failed")
        error = "Namnet eller lösenordet stämmer inte."
        return _again(request, stranger, 403, error, fields)
    lockout.succeeded(key, caller)
    visit = request.app[VISITS].open(key, stored)
    await request.app[REGISTRY].audit(key, "signed-in", "personal")
    response = away(_onward(fields.get("vidare", "")))
    remember(request, response, visit)
    return response


async def sign_out(request: web.Request, visit: Visit, fields: Form) -> web.StreamResponse:
    """POST /personal/logga-ut."""
    request.app[VISITS].end(visit)
    await request.app[REGISTRY].audit(visit.name, "signed-out", "personal")
    response = away(LOGIN)
    forget(response)
    return response


def _stranger(request: web.Request) -> Visit:
    """The session of the sign-in form: the one of the cookie, else a new one."""
    visit = request.app[VISITS].read(request.cookies.get(COOKIE))
    return visit if visit and not visit.name else request.app[VISITS].open()


def _onward(wanted: str) -> str:
    """Where to go after signing in: a page of ours, never another site."""
    return wanted if _INSIDE.fullmatch(wanted) else START


def _login(onward: str) -> str:
    return LOGIN if onward == START else f"{LOGIN}?vidare={quote(onward)}"


def _again(
    request: web.Request, stranger: Visit, status: int, error: str, fields: Form
) -> web.Response:
    """The form once more, with what is wrong."""
    onward, typed = _onward(fields.get("vidare", "")), fields.get("namn", "")[:60]
    return render(request, stranger, "login.html", status, error=error, onward=onward, typed=typed)
