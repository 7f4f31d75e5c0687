"""Signing in by the municipality's own sign-in, against a real provider on this machine."""

import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp
import pytest
import time_machine
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey
from oidc_provider_mock import run_server_in_thread
from playwright.async_api import Browser, expect
from pydantic import ValidationError

from bot.keys import DATABASE, PROVIDER
from bot.settings import Settings
from bot.staff import accounts
from bot.staff.accounts import ADMIN, EDITOR, READER
from bot.staff.provider import NotVouched, Provider, ProviderDown
from bot.staff.single_sign_on import BACK, COOKIE, OUT
from tests.conftest import free_port
from tests.staff.conftest import PASSWORD, Office, Page, Visitor

DEFAULTS = Settings()
CLIENT, SECRET = "kontaktcenter", "hemlig"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The provider's address. Its own site, "localhost": to a browser 127.0.0.1 is another."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        with run_server_in_thread() as server:
            yield f"http://localhost:{server.server_port}"


@pytest.fixture
async def sso(office: Office, provider: str) -> AsyncIterator[Office]:
    """The application with single sign-on."""
    changed = {
        "oidc_issuer": provider, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET,
        "public_url": office.base,
    }  # fmt: skip
    for name, value in changed.items():
        setattr(office.conf, name, value)
    office.app[PROVIDER].__init__(office.conf)  # type: ignore[misc]
    yield office
    for name in Settings.model_fields:
        if name.startswith(("oidc", "staff", "public")):
            setattr(office.conf, name, getattr(DEFAULTS, name))


async def known_there(office: Office, sub: str, **claims: Any) -> None:
    """The provider knows somebody."""
    async with aiohttp.ClientSession() as http:
        address = f"{office.conf.oidc_issuer}/users/{sub}"
        async with http.put(address, json=claims) as response:
            assert response.status == 204


@dataclass
class Return:
    """Where the provider sends the browser."""

    path: str
    query: dict[str, str]


async def to_provider(visitor: Visitor, onward: str = "") -> str:
    """Begin; the provider's address with all that we ask."""
    query = {"vidare": onward} if onward else {}
    async with visitor.http.get(OUT, params=query, allow_redirects=False) as response:
        assert response.status == 303, await response.text()
        return str(response.headers["Location"])


async def at_provider(address: str, sub: str, **fields: str) -> Return:
    """Sign in there as somebody."""
    async with (
        aiohttp.ClientSession() as http,
        http.post(address, data={"sub": sub, **fields}, allow_redirects=False) as response,
    ):
        assert response.status == 302, await response.text()
        parts = urlsplit(response.headers["Location"])
    return Return(parts.path, dict(parse_qsl(parts.query)))


async def back(visitor: Visitor, returned: Return) -> Page:
    """The browser follows the provider's answer."""
    return await visitor.get(f"{returned.path}?{urlencode(returned.query)}")


async def through(office: Office, sub: str, visitor: Visitor | None = None) -> Page:
    """All of it: out, sign in, back."""
    visitor = visitor or await office.stranger()
    return await back(visitor, await at_provider(await to_provider(visitor), sub))


async def test_who_was_added_comes_in_by_the_municipalitys_sign_in(sso: Office) -> None:
    admin = await sso.staff("anna")
    await admin.get("/personal/konton")
    page = await admin.post("/personal/konton", namn="eva.ek", roll="editor", satt="kommunen")
    assert "Loggar in med kommunens inloggning" in page.text
    await known_there(sso, "s-1", preferred_username="Eva.Ek")
    eva = await sso.stranger()
    page = await eva.get("/personal/logga-in?vidare=/personal/konto")
    assert "Logga in med kommunens inloggning" in page.text
    asked = await to_provider(eva, "/personal/konto")
    query = dict(parse_qsl(urlsplit(asked).query))
    assert query["code_challenge_method"] == "S256" and len(query["code_challenge"]) == 43
    assert query["redirect_uri"] == f"{sso.base}{BACK}" and len(query["nonce"]) > 20
    page = await back(eva, await at_provider(asked, "s-1"))
    assert (page.status, 'url=/personal/konto"' in page.source) == (200, True)
    page = await eva.get("/personal/konto")
    assert "Du är inloggad som eva.ek och är redaktör." in page.text
    assert "Byt lösenord" not in page.text
    assert (await eva.get("/personal/konto/koder")).status == 404
    assert await sso.audited("eva.ek") == [
        ("anna", "account added"), ("kommunens inloggning", "subject bound")
    ]  # fmt: skip
    # the second time the account is found by issuer and subject, whatever the name is now
    await known_there(sso, "s-1", preferred_username="eva.nygift")
    again = await sso.stranger()
    await through(sso, "s-1", again)
    assert "Inloggad som eva.ek" in (await again.get("/personal/konto")).text


async def test_an_unknown_user_stays_outside_unless_all_may_read(sso: Office) -> None:
    await known_there(sso, "s-2", preferred_username="kim")
    page = await through(sso, "s-2")
    assert (page.status, "Ingen har lagt till kim." in page.text) == (403, True)
    assert await accounts.names(sso.app[DATABASE]) == []
    sso.conf.oidc_new_users = "läsare"
    visitor = await sso.stranger()
    await through(sso, "s-2", visitor)
    assert "kim och är läsare" in (await visitor.get("/personal/konto")).text


@pytest.mark.parametrize("claims", [{}, {"preferred_username": "<b>"}, {"preferred_username": 7}])
async def test_without_a_name_there_is_no_account(sso: Office, claims: dict[str, Any]) -> None:
    sso.conf.oidc_new_users = "läsare"
    await known_there(sso, "s-3", **claims)
    page = await through(sso, "s-3")
    if claims.get("preferred_username") == 7:
        assert page.status == 200 and await accounts.names(sso.app[DATABASE]) == ["7"]
    else:
        assert (page.status, "säger inte vad du heter" in page.text) == (403, True)


async def test_somebody_of_that_name_doesnt_get_anothers_account(sso: Office) -> None:
    sso.conf.oidc_new_users = "läsare"
    await sso.user("anna", ADMIN)
    await known_there(sso, "s-4", preferred_username="anna")
    page = await through(sso, "s-4")
    assert (page.status, "hör till ett annat konto" in page.text) == (403, True)
    await accounts.add_outsider(sso.app[DATABASE], "eva", READER, subject="another one")
    await known_there(sso, "s-4", preferred_username="eva")
    assert (await through(sso, "s-4")).status == 403


async def test_the_role_comes_from_a_claim_and_goes_with_it(sso: Office) -> None:
    sso.conf.oidc_role_claim = "realm_access.roles"
    sso.conf.oidc_roles = {"kc-red": "redaktör", "kc-admin": "administratör"}
    visitor = await sso.stranger()
    for groups, told in (
        (["x", "kc-red"], "är redaktör"),
        (["kc-red", "kc-admin"], "är administratör"),
        ("kc-red", "är redaktör"),
    ):
        who = {"preferred_username": "eva", "realm_access": {"roles": groups}}
        await known_there(sso, "s-5", **who)
        visitor = await sso.stranger()
        await through(sso, "s-5", visitor)
        assert told in (await visitor.get("/personal/konto")).text
    await known_there(sso, "s-5", preferred_username="eva", realm_access={"roles": ["x", 7]})
    page = await through(sso, "s-5")
    assert (page.status, "ger dig ingen roll" in page.text) == (403, True)
    admin = await sso.staff("anna")
    assert "Rollen kommer från kommunens" in (await admin.get("/personal/konton/eva")).text
    changes = [what for _, what in await sso.audited("eva")]
    assert changes == ["account added", "role changed", "role changed"]


async def test_a_removed_user_is_out_and_stays_out(sso: Office) -> None:
    await accounts.add_outsider(sso.app[DATABASE], "eva", EDITOR)
    await known_there(sso, "s-6", preferred_username="eva")
    visitor = await sso.stranger()
    await through(sso, "s-6", visitor)
    await accounts.remove(sso.app[DATABASE], "eva")
    assert (await visitor.get("/personal/konto")).path == "/personal/logga-in"
    assert (await through(sso, "s-6", visitor)).status == 403


def told_off(page: Page) -> bool:
    """Whether a page says that nobody was signed in."""
    return page.status == 403 and "Du är inte inloggad" in page.text


async def test_a_wrong_state_a_replayed_code_and_a_foreign_answer_are_refused(sso: Office) -> None:
    sso.conf.oidc_new_users = "läsare"
    await known_there(sso, "s-7", preferred_username="eva")
    visitor, thief = await sso.stranger(), await sso.stranger()
    returned = await at_provider(await to_provider(visitor), "s-7")
    assert told_off(await back(thief, returned)), "another browser"
    await to_provider(thief)
    assert told_off(await back(thief, returned)), "with a sign-in of its own"
    wrong = Return(returned.path, {**returned.query, "state": "å"})
    other = await sso.stranger()
    await to_provider(other)
    assert told_off(await back(other, wrong))
    assert (await back(visitor, returned)).status == 200
    await visitor.post("/personal/logga-ut")
    visitor.http.cookie_jar.clear()
    assert told_off(await back(visitor, returned)), "the cookie is gone"
    # the code once more, in a sign-in whose state is right
    await to_provider(visitor)
    state = dict(parse_qsl(urlsplit(await to_provider(visitor)).query))["state"]
    assert told_off(await back(visitor, Return(returned.path, {**returned.query, "state": state})))


async def test_a_wrong_nonce_a_refusal_and_a_late_answer_are_refused(sso: Office) -> None:
    sso.conf.oidc_new_users = "läsare"
    await known_there(sso, "s-8", preferred_username="eva")
    visitor = await sso.stranger()
    asked = re.sub(r"nonce=[^&]+", "nonce=another", await to_provider(visitor))
    page = await back(visitor, await at_provider(asked, "s-8"))
    assert told_off(page) and "gick inte att lita på" in page.text
    denied = await at_provider(await to_provider(visitor), "s-8", action="deny")
    state = dict(parse_qsl(urlsplit(await to_provider(visitor)).query))["state"]
    page = await back(visitor, Return(BACK, {**denied.query, "state": state}))
    assert told_off(page) and "släppte inte in dig" in page.text
    returned = await at_provider(await to_provider(visitor), "s-8")
    with time_machine.travel(time.time() + 601):
        assert told_off(await back(visitor, returned))
    for query in ({}, {"code": "x"}, {"code": "x", "state": "x"}, {"error": "x"}):
        assert told_off(await back(visitor, Return(BACK, query)))


async def test_a_provider_that_is_down_is_named_and_passwords_still_work(sso: Office) -> None:
    sso.conf.oidc_issuer = f"http://127.0.0.1:{free_port()}"
    sso.app[PROVIDER].__init__(sso.conf)  # type: ignore[misc]
    visitor = await sso.stranger()
    page = await visitor.get(OUT)
    assert (page.status, "Kommunens inloggning svarar inte" in page.text) == (502, True)
    await sso.user("anna")
    assert (await visitor.sign_in("anna")).path == "/personal/samtal"


async def test_passwords_can_be_turned_off(sso: Office) -> None:
    await sso.user("anna")
    visitor = await sso.stranger()
    token = (await visitor.get("/personal/logga-in")).token
    sso.conf.staff_passwords = "off"
    page = await visitor.get("/personal/logga-in")
    assert "Lösenord" not in page.text and "kommunens inloggning" in page.text
    for path in ("/personal/logga-in", "/personal/logga-in/kod"):
        page = await visitor.post(path, namn="anna", losenord=PASSWORD, nyckel=token)
        assert (page.status, "loggar man inte in med lösenord" in page.text) == (403, True)


async def test_without_the_setting_there_is_no_such_page(office: Office) -> None:
    visitor = await office.stranger()
    assert "kommunens" not in (await visitor.get("/personal/logga-in")).text
    for path in (OUT, f"{BACK}?code=x&state=y"):
        assert (await visitor.get(path)).status == 404


async def test_the_cookie_of_the_way_there_is_lax_short_and_sealed(sso: Office) -> None:
    visitor = await sso.stranger()
    async with visitor.http.get(OUT, allow_redirects=False) as response:
        morsel = response.cookies[COOKIE]
        state = dict(parse_qsl(urlsplit(response.headers["Location"]).query))["state"]
    assert (morsel["samesite"], morsel["httponly"], morsel["max-age"]) == ("Lax", True, "600")
    assert morsel["path"] == "/personal/logga-in" and state not in morsel.value


@pytest.mark.parametrize(
    "values",
    [
        {"staff_passwords": "off"},
        {"oidc_issuer": "https://login.exempel.se"},
        {
            "oidc_issuer": "http://login.exempel.se",
            "oidc_client_id": "a",
            "oidc_client_secret": "b",
        },
        {"oidc_roles": {"x": "chef"}},
    ],
)
def test_settings_that_cant_work_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(**{"smtp_url": "smtp://kc:vargarnas@post", **values})
    assert "vargarnas" not in str(refused.value), "an error ends up in a log"


# --- the id-token ---------------------------------------------------------------------------------

ISSUER = "https://login.exempel.se"
RSA, EC = RSAKey.generate_key(2048, {"kid": "r"}), ECKey.generate_key("P-256", {"kid": "e"})
RIGHT = {"iss": ISSUER, "aud": CLIENT, "sub": "s", "nonce": "n"}


def signed(key: Any = RSA, alg: str = "RS256", **claims: Any) -> str:
    """A token as a provider makes one; what is None is left out."""
    now = int(time.time())
    told = {**RIGHT, "iat": now, "exp": now + 60, **claims}
    told = {name: value for name, value in told.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": key.kid or "r"}, told, key, algorithms=[alg])


def verified(token: str) -> dict[str, Any]:
    """What we take from a token."""
    conf = Settings(oidc_issuer=ISSUER, oidc_client_id=CLIENT, oidc_client_secret=SECRET)
    made = Provider(conf)
    made._told = {"issuer": ISSUER}
    made._keys = json.loads(json.dumps(KeySet([RSA, EC]).as_dict(private=False)))
    return made._verified(token, "n")


def test_a_token_as_it_should_be_is_taken() -> None:
    assert verified(signed())["sub"] == "s"
    assert verified(signed(EC, "ES256"))["sub"] == "s"
    assert verified(signed(aud=[CLIENT, "another"], azp=CLIENT))["sub"] == "s"


WRONG: dict[str, Callable[[], str]] = {
    "another issuer": lambda: signed(iss="https://ond.example"),
    "for another client": lambda: signed(aud="another"),
    "of another client": lambda: signed(aud=[CLIENT, "another"], azp="another"),
    "too old": lambda: signed(exp=int(time.time()) - 61),
    "not yet": lambda: signed(iat=int(time.time()) + 3600),
    "another nonce": lambda: signed(nonce="m"),
    "no nonce": lambda: signed(nonce=None),
    "no end": lambda: signed(exp=None),
    "nobody": lambda: signed(sub=None),
    "another's key": lambda: signed(RSAKey.generate_key(2048, {"kid": "r"})),
    "our secret": lambda: signed(OctKey.import_key(SECRET * 8, {"kid": "r"}), "HS256"),
    "no signature": lambda: "eyJhbGciOiJub25lIn0." + signed().split(".")[1] + ".",
    "nothing": lambda: "",
    "no token": lambda: "a.b.c",
    "changed": lambda: signed()[:-8] + "AAAAAAAA",
}


@pytest.mark.parametrize("what", WRONG)
def test_a_token_that_is_wrong_in_any_way_is_refused(what: str) -> None:
    with pytest.raises(NotVouched):
        verified(WRONG[what]())


async def test_a_provider_that_calls_itself_another_is_refused(provider: str) -> None:
    conf = Settings(
        oidc_issuer=provider.replace("localhost", "127.0.0.1"), oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
    )  # fmt: skip
    made = Provider(conf)
    await made.start("http://127.0.0.1/x")  # it is called as it is asked for
    conf.oidc_issuer = f"{provider}/jwks"
    with pytest.raises(ProviderDown):
        await Provider(conf).start("http://127.0.0.1/x")


async def test_a_browser_comes_in_though_the_way_back_is_from_another_site(
    sso: Office, browser: Browser
) -> None:
    await accounts.add_outsider(sso.app[DATABASE], "eva", EDITOR)
    await known_there(sso, "s-9", preferred_username="eva")
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"{sso.base}/personal/konto")
    await page.get_by_role("link", name="Logga in med kommunens inloggning").click()
    await expect(page.get_by_role("heading", name="Authorize Client")).to_be_visible()
    await page.locator("input[name=sub]").fill("s-9")
    await page.get_by_role("button", name="Authorize").click()
    await expect(page).to_have_url(f"{sso.base}/personal/konto")
    await expect(page.get_by_text("Du är inloggad som eva")).to_be_visible()
    await context.close()
