"""Signing in by the municipality's own sign-in, and which account that is here."""

import hashlib
import hmac
import json
import time
from typing import Any

import structlog
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.keys import DATABASE, PROVIDER, SETTINGS, VAULT
from bot.settings import Settings
from bot.staff import accounts, signing
from bot.staff.accounts import OUTSIDE, READER, Account, AccountProblem
from bot.staff.door import LOGIN, START, Refusal, answered, away, remember, render, visitor
from bot.staff.provider import NotVouched, ProviderDown, role_of
from bot.store.vault import Unreadable

log = structlog.get_logger("staff")
COOKIE, OUT, BACK = "personal-vidare", f"{LOGIN}/kommunen", f"{LOGIN}/retur"
_MARK, _SECONDS = "single sign-on", 600
_AGAIN = "Gå till inloggningen och försök igen. "


async def out(request: web.Request) -> web.StreamResponse:
    """GET /personal/logga-in/kommunen: off to the provider."""
    conf, onward = request.app[SETTINGS], signing.inside(request.query.get("vidare", ""))
    if await visitor(request):
        return away(onward)

    async def work() -> web.StreamResponse:
        _configured(conf)
        try:
            start = await request.app[PROVIDER].start(f"{conf.public_base}{BACK}")
        except ProviderDown as error:
            raise _down(error) from None
        told = (_MARK, start.state, start.nonce, start.verifier, onward, time.time())
        response = away(start.address)
        # Lax: the browser comes back from another site, and this one must be sent along then
        response.set_cookie(
            COOKIE, request.app[VAULT].seal(json.dumps(told)), path=LOGIN, max_age=_SECONDS,
            httponly=True, samesite="Lax", secure=request.secure or conf.behind_proxy,
        )  # fmt: skip
        return response

    return await answered(request, None, work)


async def back(request: web.Request) -> web.StreamResponse:
    """GET /personal/logga-in/retur: the browser is back, with a code or a refusal."""
    if await visitor(request):
        return away(START)

    async def work() -> web.StreamResponse:
        conf = request.app[SETTINGS]
        _configured(conf)
        nonce, verifier, onward = _kept(request)
        if "error" in request.query:
            log.warning("single_sign_on_refused")
            told = "Kommunens inloggning släppte inte in dig. " + _AGAIN
            raise Refusal(403, "Du är inte inloggad", told)
        try:
            claims = await request.app[PROVIDER].claims(
                f"{conf.public_base}{BACK}", request.query.get("code", ""), nonce, verifier
            )
        except ProviderDown as error:
            raise _down(error) from None
        except NotVouched as error:
            log.warning("single_sign_on_failed", why=str(error))
            told = "Svaret från kommunens inloggning gick inte att lita på. " + _AGAIN
            raise Refusal(403, "Du är inte inloggad", told) from None
        account = await account_of(request.app[DATABASE], conf, claims)
        visit = await signing.welcome(request, account)
        # a page of ours, not a redirect: with that the browser would keep the Strict cookie back
        page = render(request, None, "onward.html", address=signing.inside(onward))
        remember(request, page, visit)
        return page

    response = await answered(request, None, work)
    response.del_cookie(COOKIE, path=LOGIN, httponly=True, samesite="Lax")
    return response


async def account_of(engine: AsyncEngine, conf: Settings, claims: dict[str, Any]) -> Account:
    """The account of somebody the provider vouches for, with the role of now. Raises Refusal."""
    subject = _subject(claims)
    role = role_of(claims, conf) if conf.oidc_role_claim else ""
    given = role or (READER if conf.oidc_new_users == "läsare" else "")
    account = await accounts.of_subject(engine, subject)
    try:
        if account is None:
            account = await _first_time(engine, conf, claims, subject, given)
        if conf.oidc_role_claim:
            if not given:
                raise AccountProblem("Kommunens inloggning ger dig ingen roll här.")
            await accounts.set_role(engine, account.name, given, OUTSIDE)
    except AccountProblem as problem:
        log.warning("single_sign_on_without_account")
        raise Refusal(
            403, "Du har inget konto här", f"{problem} Be en administratör om hjälp."
        ) from None
    found = await accounts.of_subject(engine, subject)
    if found is None:  # removed this very moment
        raise Refusal(403, "Du har inget konto här", "Be en administratör om hjälp.")
    return found


async def _first_time(
    engine: AsyncEngine, conf: Settings, claims: dict[str, Any], subject: str, role: str
) -> Account:
    """Somebody we haven't seen: the account that waits under that name, or a new one."""
    name = accounts.canonical(str(claims.get(conf.oidc_name_claim) or claims.get("email") or ""))
    if name is None:
        raise AccountProblem("Kommunens inloggning säger inte vad du heter.")
    waiting = await accounts.find(engine, name)
    if waiting is None:
        if not role:
            raise AccountProblem(f"Ingen har lagt till {name}.")
        await accounts.add_outsider(engine, name, role, OUTSIDE, subject)
    # an account with a password is its owner's, whoever bears that name elsewhere
    elif waiting.password or not await accounts.bind(engine, name, subject, OUTSIDE):
        raise AccountProblem(f"Namnet {name} hör till ett annat konto.")
    found = await accounts.of_subject(engine, subject)
    if found is None:
        raise AccountProblem(f"{name} är borttagen.")
    return found


def _subject(claims: dict[str, Any]) -> str:
    whole = f"{claims['iss']} {claims['sub']}"
    return whole if len(whole) <= 255 else hashlib.sha256(whole.encode()).hexdigest()


def _kept(request: web.Request) -> tuple[str, str, str]:
    """Nonce, verifier and where to go, from our cookie, if the state is its. Raises Refusal."""
    try:
        mark, state, nonce, verifier, onward, at = json.loads(
            request.app[VAULT].unseal(request.cookies.get(COOKIE, ""))
        )
        same = hmac.compare_digest(state.encode(), request.query.get("state", "").encode())
        if mark == _MARK and same and time.time() - at < _SECONDS:
            return nonce, verifier, onward
    except (Unreadable, ValueError, TypeError):
        pass
    told = "Inloggningen tog för lång tid eller började någon annanstans. " + _AGAIN
    raise Refusal(403, "Du är inte inloggad", told)


def _configured(conf: Settings) -> None:
    if not conf.oidc_issuer:
        raise Refusal(404, "Sidan finns inte", "Här loggar man in med lösenord.")


def _down(error: ProviderDown) -> Refusal:
    log.error("single_sign_on_down", why=str(error))
    told = "Vänta en stund och försök igen. Hjälper det inte: säg till den som sköter driften."
    return Refusal(502, "Kommunens inloggning svarar inte", told)


ROUTES = [
    web.get(OUT, out, allow_head=False),
    web.get(BACK, back, allow_head=False),
]
