"""/personal/konto: the own password and one-time codes."""

import json

from aiohttp import web

from bot.chat.views import address
from bot.keys import DATABASE, LOCKOUT, SETTINGS, VAULT, VISITS
from bot.staff import accounts, codes
from bot.staff.accounts import Account, AccountProblem
from bot.staff.door import (
    ACCOUNT,
    CODES,
    Form,
    Refusal,
    away,
    reading,
    remember,
    render,
    writing,
)
from bot.staff.sessions import Visit
from bot.staff.signing import too_often
from bot.store.vault import Unreadable

_MARK = "staff totp"
_DONE = {
    "losenord": "Lösenordet är ändrat.",
    "koder-pa": "Engångskoder är på. Du skriver en kod varje gång du loggar in.",
    "koder-av": "Engångskoder är av.",
}


async def page(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/konto."""
    return await _page(request, visit, done=_DONE.get(request.query.get("gjort", ""), ""))


async def password(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/losenord: the old one and twice the new one."""
    new = form.get("nytt", "")
    error = await _wrong(request, visit, form)
    if not error and new != form.get("igen", ""):
        error = "De nya lösenorden är inte lika. Skriv samma två gånger."
    if not error and new == form.get("losenord"):
        error = "Välj ett annat lösenord än det du har nu."
    try:
        if not error:
            await accounts.set_password(request.app[DATABASE], visit.name, new, visit.name)
            return await _renewed(request, visit, "losenord")
    except AccountProblem as problem:
        error = str(problem)
    return await _page(request, visit, 422, password_error=error)


async def ask_on(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET …/koder: a new secret, as a picture for the phone."""
    await _without_codes(request, visit)
    return _setup(request, visit, codes.new_secret())


async def turn_on(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/koder: the password, and a code that shows that the phone has the secret."""
    await _without_codes(request, visit)
    secret = _unsealed(request, visit, form.get("hemlighet", ""))
    if error := await _wrong(request, visit, form):
        return _setup(request, visit, secret, 422, error)
    step = codes.step_of(secret, form.get("kod", ""))
    if step is None:
        error = "Koden stämmer inte. Se efter att telefonens klocka går rätt och skriv en ny kod."
        return _setup(request, visit, secret, 422, error)
    await codes.turn_on(request.app[DATABASE], request.app[VAULT], visit.name, secret, step)
    return await _renewed(request, visit, "koder-pa")


async def turn_off(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/koder/av: with the password; not where everybody must have them."""
    if request.app[SETTINGS].staff_totp == "required":
        told = "Alla ska ha dem här. Har du en ny telefon? Be en administratör att stänga av dem."
        raise Refusal(403, "Engångskoder går inte att stänga av", told)
    if error := await _wrong(request, visit, form):
        return await _page(request, visit, 422, codes_error=error)
    await codes.turn_off(request.app[DATABASE], visit.name, visit.name)
    return await _renewed(request, visit, "koder-av")


ROUTES = [
    web.get(ACCOUNT, reading(page), allow_head=False),
    web.post(f"{ACCOUNT}/losenord", writing(password)),
    web.get(CODES, reading(ask_on), allow_head=False),
    web.post(CODES, writing(turn_on)),
    web.post(f"{CODES}/av", writing(turn_off)),
]


async def _account(request: web.Request, visit: Visit) -> Account:
    account = await accounts.find(request.app[DATABASE], visit.name)
    if account is None:
        raise Refusal(404, "Kontot finns inte", "Någon har tagit bort det.")
    return account


async def _without_codes(request: web.Request, visit: Visit) -> None:
    account = await _account(request, visit)
    if request.app[SETTINGS].staff_totp == "off" or not account.password:
        raise Refusal(404, "Engångskoder används inte", "De är avstängda för ditt konto.")
    if account.totp:
        told = "Stäng av dem på Mitt konto först om du vill byta telefon."
        raise Refusal(409, "Engångskoder är redan på", told)


async def _wrong(request: web.Request, visit: Visit, form: Form) -> str:
    """What is wrong with the password of a form; "" if it is right. Counted like signing in."""
    lockout, caller = request.app[LOCKOUT], address(request)
    if seconds := lockout.attempt(visit.name, caller):
        return too_often(seconds)
    if not await accounts.check(request.app[DATABASE], visit.name, form.get("losenord", "")):
        return "Lösenordet stämmer inte."
    lockout.succeeded(visit.name, caller)
    return ""


async def _renewed(request: web.Request, visit: Visit, done: str) -> web.Response:
    """A new session: that of before, and those in other browsers, are over."""
    account = await _account(request, visit)
    request.app[VISITS].end(visit)
    response = away(f"{ACCOUNT}?gjort={done}")
    remember(request, response, request.app[VISITS].open(account.name, account.stamp))
    return response


async def _page(
    request: web.Request, visit: Visit, status: int = 200, done: str = "",
    password_error: str = "", codes_error: str = "",
) -> web.Response:  # fmt: skip
    return render(
        request, visit, "konto.html", status,
        account=await _account(request, visit),
        role=visit.role,
        policy=request.app[SETTINGS].staff_totp,
        shortest=accounts.SHORTEST,
        done=done,
        password_error=password_error,
        codes_error=codes_error,
    )  # fmt: skip


def _setup(
    request: web.Request, visit: Visit, secret: str, status: int = 200, error: str = ""
) -> web.Response:
    return render(
        request, visit, "koder.html", status,
        picture=codes.picture(secret, visit.name),
        grouped=codes.grouped(secret),
        sealed=request.app[VAULT].seal(json.dumps((_MARK, visit.id, secret))),
        must=visit.first == CODES,
        error=error,
    )  # fmt: skip


def _unsealed(request: web.Request, visit: Visit, sealed: str) -> str:
    """The secret that this session was shown. Raises Refusal."""
    try:
        mark, session, secret = json.loads(request.app[VAULT].unseal(sealed))
        if (mark, session) == (_MARK, visit.id):
            return str(secret)
    except (Unreadable, ValueError, TypeError):
        pass
    raise Refusal(
        403, "Sidan hade blivit för gammal", "Inget är sparat. Öppna sidan igen och läs av bilden."
    )
