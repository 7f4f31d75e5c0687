"""Signing in and out."""

import json
import re
import time
from urllib.parse import quote

import structlog
from aiohttp import web

from bot.chat.views import address
from bot.keys import DATABASE, LOCKOUT, SETTINGS, VAULT, VISITS
from bot.staff import accounts, codes
from bot.staff.accounts import Account
from bot.staff.door import (
    LARGEST_STRANGER,
    LOGIN,
    START,
    Form,
    Refusal,
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
from bot.store import audit
from bot.store.vault import Unreadable

log = structlog.get_logger("staff")
_INSIDE = re.compile(rf"{PATH}/(?!logga-)[\w./?=&%+-]{{0,500}}", re.ASCII)
_HALF, _HALF_SECONDS = "staff half", 300


async def form(request: web.Request) -> web.StreamResponse:
    """GET /personal/logga-in."""
    onward = inside(request.query.get("vidare", ""))
    if await visitor(request):
        return away(onward)
    # From a link in webmail the browser keeps the cookie back, even that of somebody who is signed
    # in. One step more, from our own page, and it is sent. No new cookie may replace it here.
    step = request.headers.get("Sec-Fetch-Site") == "cross-site"
    stranger = None if step else _stranger(request)

    async def work() -> web.StreamResponse:
        if step:
            return render(request, stranger, "onward.html", address=_login(onward))
        return _login_page(request, stranger, 200, onward)

    return await answered(request, stranger, work)


async def sign_in(request: web.Request) -> web.StreamResponse:
    """POST /personal/logga-in."""
    if await visitor(request):  # from another tab meanwhile; a new cookie would end that session
        return away(START)
    stranger = _stranger(request)

    async def work() -> web.StreamResponse:
        own_origin(request)
        _passwords_open(request)
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
        response = _again(request, stranger, 429, too_often(seconds), fields)
        response.headers["Retry-After"] = str(seconds)
        return response
    account = await accounts.find(database, name)
    if not await accounts.check(database, name, password) or account is None:
        log.warning("sign_in_failed")
        error = "Namnet eller lösenordet stämmer inte."
        return _again(request, stranger, 403, error, fields)
    lockout.succeeded(key, caller)
    if account.totp and request.app[SETTINGS].staff_totp != "off":
        return _ask_code(request, stranger, _half(request, stranger, account), fields)
    return await _in(request, account, fields)


async def code(request: web.Request) -> web.StreamResponse:
    """POST /personal/logga-in/kod: the second step, for those who have one-time codes."""
    if await visitor(request):
        return away(START)
    stranger = _stranger(request)

    async def work() -> web.StreamResponse:
        own_origin(request)
        _passwords_open(request)
        fields = await read(request, LARGEST_STRANGER)
        account = await _half_in(request, stranger, fields)
        if account is None:
            error = "Det gick för lång tid. Logga in från början."
            return _again(request, stranger, 403, error, fields)
        lockout, caller = request.app[LOCKOUT], address(request)
        # counted apart from passwords: a right one must not give new tries at the code
        key = f"{account.name}\0kod"
        half = fields.get("steg", "")
        if seconds := lockout.attempt(key, caller):
            return _ask_code(request, stranger, half, fields, 429, too_often(seconds), seconds)
        database, vault = request.app[DATABASE], request.app[VAULT]
        if not await codes.accept(database, vault, account.name, fields.get("kod", "")):
            log.warning("sign_in_code_failed")
            error = (
                "Koden stämmer inte eller är redan använd. Vänta tills appen visar en ny kod och "
                "skriv den."
            )
            return _ask_code(request, stranger, half, fields, 403, error)
        lockout.succeeded(key, caller)
        return await _in(request, account, fields)

    return await answered(request, stranger, work)


async def welcome(request: web.Request, account: Account) -> Visit:
    """Somebody is in: a new session, never the one from before."""
    await audit.write(request.app[DATABASE], account.name, "signed-in", "personal")
    return request.app[VISITS].open(account.name, account.stamp)


async def _in(request: web.Request, account: Account, fields: Form) -> web.Response:
    response = away(inside(fields.get("vidare", "")))
    remember(request, response, await welcome(request, account))
    return response


def too_often(seconds: int) -> str:
    """What to say to somebody who must wait."""
    wait = f"{seconds} sekunder" if seconds <= 90 else f"{-(-seconds // 60)} minuter"
    return f"Det har blivit fel för många gånger. Vänta {wait} och försök igen."


def _passwords_open(request: web.Request) -> None:
    if request.app[SETTINGS].staff_passwords == "off":
        told = "Gå till inloggningen och välj kommunens inloggning."
        raise Refusal(403, "Här loggar man inte in med lösenord", told)


def _half(request: web.Request, stranger: Visit, account: Account) -> str:
    """That the password was right, for the form that asks for the code; good in this session."""
    stamp = request.app[VISITS].open(account.name, account.stamp).stamp
    told = (_HALF, stranger.id, account.name, stamp, time.time())
    return request.app[VAULT].seal(json.dumps(told))


async def _half_in(request: web.Request, stranger: Visit, fields: Form) -> Account | None:
    if not request.app[VISITS].holds(stranger, fields.get("nyckel", "")):
        return None
    try:
        mark, session, name, stamp, at = json.loads(
            request.app[VAULT].unseal(fields.get("steg", ""))
        )
    except (Unreadable, ValueError, TypeError):
        return None
    fresh = mark == _HALF and session == stranger.id and time.time() - at < _HALF_SECONDS
    account = await accounts.find(request.app[DATABASE], name) if fresh else None
    if account is None or request.app[VISITS].open(name, account.stamp).stamp != stamp:
        return None
    return account


def _ask_code(
    request: web.Request, stranger: Visit, half: str, fields: Form, status: int = 200,
    error: str = "", seconds: int = 0,
) -> web.Response:  # fmt: skip
    onward = inside(fields.get("vidare", ""))
    response = render(request, stranger, "code.html", status, half=half, onward=onward, error=error)
    if seconds:
        response.headers["Retry-After"] = str(seconds)
    return response


async def sign_out(request: web.Request, visit: Visit, fields: Form) -> web.StreamResponse:
    """POST /personal/logga-ut."""
    request.app[VISITS].end(visit)
    await audit.write(request.app[DATABASE], visit.name, "signed-out", "personal")
    response = away(LOGIN)
    forget(response)
    return response


def _stranger(request: web.Request) -> Visit:
    """The session of the sign-in form: the one of the cookie, else a new one."""
    visit = request.app[VISITS].read(request.cookies.get(COOKIE))
    return visit if visit and not visit.name else request.app[VISITS].open()


def inside(wanted: str) -> str:
    """Where to go after signing in: a page of ours, never another site."""
    return wanted if _INSIDE.fullmatch(wanted) else START


def _login(onward: str) -> str:
    return LOGIN if onward == START else f"{LOGIN}?vidare={quote(onward)}"


def _again(
    request: web.Request, stranger: Visit, status: int, error: str, fields: Form
) -> web.Response:
    """The form once more, with what is wrong."""
    onward, typed = inside(fields.get("vidare", "")), fields.get("namn", "")[:60]
    return _login_page(request, stranger, status, onward, error, typed)


def _login_page(
    request: web.Request, stranger: Visit | None, status: int, onward: str, error: str = "",
    typed: str = "",
) -> web.Response:  # fmt: skip
    conf = request.app[SETTINGS]
    return render(
        request, stranger, "login.html", status,
        onward=onward,
        error=error,
        typed=typed,
        elsewhere=bool(conf.oidc_issuer),
        passwords=conf.staff_passwords == "on",
    )  # fmt: skip
