"""Who may come in, and what every page of the staff area has in common."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import aiohttp_jinja2
from aiohttp import web

from bot.keys import DATABASE, SETTINGS, STAFF_PAGES, VISITS
from bot.staff import accounts, titles
from bot.staff.accounts import Account
from bot.staff.sessions import COOKIE, PATH, Visit
from bot.store.vault import Unreadable

START = f"{PATH}/samtal"
"""Where somebody comes who has signed in and asked for nothing else."""
LOGIN, LOGOUT = f"{PATH}/logga-in", f"{PATH}/logga-ut"
ACCOUNT = f"{PATH}/konto"
CODES = f"{ACCOUNT}/koder"
MENU = (
    (f"{PATH}/samtal", "Samtal", accounts.READER),
    (f"{PATH}/forbattra", "Förbättra", accounts.READER),
    (f"{PATH}/innehall", "Innehåll", accounts.READER),
    (f"{PATH}/intresse", "Intresseanmälningar", accounts.READER),
    (f"{PATH}/statistik", "Statistik", accounts.READER),
    (f"{PATH}/gallring", "Gallring", accounts.ADMIN),
    (f"{PATH}/konton", "Konton", accounts.ADMIN),
    (f"{PATH}/logg", "Logg", accounts.ADMIN),
)
"""The sections: address, title, and the role that may open it."""
LARGEST, LARGEST_STRANGER = 1_000_000, 64_000
"""Bytes of a form, from staff and from anybody else."""
_FIELDS = 120
HEADERS = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; img-src 'self'; require-trusted-types-for 'script'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    # with no-referrer browsers send Origin: null along with forms (Fetch, 3.2), also with ours
    "Referrer-Policy": "same-origin",
}
Form = dict[str, str]
Reading = Callable[[web.Request, Visit], Awaitable[web.StreamResponse]]
Writing = Callable[[web.Request, Visit, Form], Awaitable[web.StreamResponse]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Refusal(Exception):
    """Answered with a page that says what is wrong and what to do."""

    status: int
    title: str
    text: str
    kept: str = ""
    """What was written, so that it can be copied."""


OTHER_KEY = Refusal(
    500,
    "Uppgifterna går inte att läsa",
    "De är krypterade med en annan nyckel än den som tjänsten har nu. Be den som sköter driften "
    "att lägga tillbaka den gamla nyckeln, i nyckelfilen eller sist i KONTAKT_DATA_KEY.",
)


def reading(handler: Reading, role: str = accounts.READER) -> Handler:
    """A page for those who are signed in with that role; others are sent to sign in first."""

    async def inner(request: web.Request) -> web.StreamResponse:
        visit = await visitor(request)
        if visit is None:
            return away(f"{LOGIN}?vidare={quote(request.path_qs)}")
        if _outside(request, visit):
            return away(visit.first)

        async def work() -> web.StreamResponse:
            _allowed(visit, role)
            return await handler(request, visit)

        return await answered(request, visit, work)

    return inner


def _allowed(visit: Visit, role: str, kept: str = "") -> None:
    """Raises Refusal when somebody's role isn't enough."""
    if not accounts.may(visit.role, role):
        raise Refusal(
            403,
            "Du har inte behörighet",
            f"Det här kräver rollen {titles.role(role)} och du är {titles.role(visit.role)}. "
            "Be en administratör om hjälp.",
            kept,
        )


def writing(handler: Writing, role: str = accounts.READER) -> Handler:
    """A change by those who are signed in with that role, from a form of this very session."""

    async def inner(request: web.Request) -> web.StreamResponse:
        visit = await visitor(request)

        async def work() -> web.StreamResponse:
            own_origin(request)
            form = await read(request, LARGEST if visit else LARGEST_STRANGER)
            if visit is None:
                raise Refusal(
                    403,
                    "Du är inte inloggad",
                    "Inget är sparat. Logga in och försök igen.",
                    form.get("text", ""),
                )
            if not request.app[VISITS].holds(visit, form.get("nyckel", "")):
                raise Refusal(
                    403,
                    "Sidan hade blivit för gammal",
                    "Inget är sparat. Öppna sidan igen och försök en gång till.",
                    form.get("text", ""),
                )
            if _outside(request, visit):
                told = "Inget är sparat. Öppna sidan Mitt konto och gör det som står där."
                raise Refusal(403, "Ditt konto är inte klart än", told, form.get("text", ""))
            _allowed(visit, role, form.get("text", ""))
            return await handler(request, visit, form)

        return await answered(request, visit, work)

    return inner


async def answered(
    request: web.Request, visit: Visit | None, work: Callable[[], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """The answer of some work, or the page that says why not; the session goes on."""
    try:
        response = await work()
    except Refusal as refusal:
        response = _refused(request, visit, refusal)
    except Unreadable:
        response = _refused(request, visit, OTHER_KEY)
    if visit is not None and COOKIE not in response.cookies:
        remember(request, response, visit)
    response.headers.update(HEADERS)
    return response


async def visitor(request: web.Request) -> Visit | None:
    """Who is signed in; None if nobody is."""
    visit = request.app[VISITS].read(request.cookies.get(COOKIE))
    if visit is None or not visit.name:
        return None
    account = await accounts.find(request.app[DATABASE], visit.name)
    if account is None or not request.app[VISITS].fits(visit, account.stamp):
        return None
    return replace(visit, role=account.role, first=_first(request, account))


def _first(request: web.Request, account: Account) -> str:
    if account.lent:
        return ACCOUNT
    codes = request.app[SETTINGS].staff_totp == "required"
    return CODES if codes and account.password and not account.totp else ""


def _outside(request: web.Request, visit: Visit) -> bool:
    """Whether the page must wait until another one is dealt with."""
    return bool(visit.first) and not _own(request.path) and request.path != LOGOUT


def _own(path: str) -> bool:
    """Whether a page is about the own account."""
    return path == ACCOUNT or path.startswith(f"{ACCOUNT}/")


def own_origin(request: web.Request) -> None:
    """Raises Refusal when a form was sent from another site."""
    origin = request.headers.get("Origin")
    own = {request.host.lower(), _host(request.app[SETTINGS].public_base)} - {""}
    foreign = origin is not None and _host(origin) not in own
    if foreign or request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        raise Refusal(
            403,
            "Formuläret kom från en annan webbplats",
            "Inget är sparat. Öppna sidan här och försök igen. Händer det igen visar webbläsaren "
            "kanske en annan adress än KONTAKT_PUBLIC_URL: be den som sköter driften att se efter.",
        )


def _host(url: str) -> str:
    """Host and port of an address; "" if it has none ("null")."""
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


async def read(request: web.Request, most: int) -> Form:
    """The fields of a form, the last of each name. Raises Refusal."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise Refusal(415, "Det gick inte att läsa formuläret", "Skicka det från sidan här.")
    body = bytearray()
    # not request.post(): it holds to the limit of the chat API, and nobody's 5 MB are kept here
    try:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > most:
                raise Refusal(
                    413,
                    "Texten är för lång",
                    "Inget är sparat. Gå tillbaka i webbläsaren, där finns texten kvar, och "
                    "korta den.",
                )
        pairs = parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_FIELDS
        )
    except (web.RequestPayloadError, ValueError):
        raise Refusal(
            400, "Det gick inte att läsa formuläret", "Inget är sparat. Försök igen."
        ) from None
    return dict(pairs)


def _refused(request: web.Request, visit: Visit | None, why: Refusal) -> web.Response:
    return render(request, visit, "problem.html", why.status, refusal=why)


def render(
    request: web.Request, visit: Visit | None, template: str, status: int = 200, **values: Any
) -> web.Response:
    """A page. Templates know `name` of who is signed in, `token` for forms, the menu `pages`, and
    ask `may("editor")` before they show what needs a role."""
    known = {
        "name": visit.name if visit else "",
        "token": request.app[VISITS].token(visit) if visit else "",
        "pages": pages(visit.role, request.path) if visit and not visit.first else (),
        "may": partial(accounts.may, visit.role if visit else ""),
        "mine": _own(request.path),
    }
    return aiohttp_jinja2.render_template(
        template, request, {**known, **values}, app_key=STAFF_PAGES, status=status
    )


def pages(role: str, path: str) -> list[tuple[str, str, bool]]:
    """The menu for a role: address, title, and whether we are there."""
    return [
        (at, title, path == at or path.startswith(f"{at}/"))
        for at, title, needed in MENU
        if accounts.may(role, needed)
    ]


def away(address: str) -> web.Response:
    """Go to another page of ours, with GET."""
    return web.Response(status=303, headers={**HEADERS, "Location": address})


def remember(request: web.Request, response: web.StreamResponse, visit: Visit) -> None:
    """Set the session's cookie, seen now."""
    secure = request.secure or request.app[SETTINGS].behind_proxy
    response.set_cookie(
        COOKIE, request.app[VISITS].seal(visit), path=PATH, httponly=True, samesite="Strict",
        secure=secure,
    )  # fmt: skip


def forget(response: web.StreamResponse) -> None:
    """Take the session's cookie away."""
    response.del_cookie(COOKIE, path=PATH, httponly=True, samesite="Strict")
