"""Nobody gets in without a password, and nobody is told why not."""

import time
from http.cookies import SimpleCookie
from typing import Any

import aiohttp
import time_machine

from bot.keys import DATABASE
from bot.staff import accounts
from bot.staff.sessions import COOKIE
from tests.staff.conftest import PASSWORD, Office, Visitor

CLOSED = [
    "/personal", "/personal/", "/personal/intresse", "/personal/intresse.csv",
    "/personal/intresse/TS-2222", "/personal/intresse/TS-2222/radera", "/personal/finns-inte",
]  # fmt: skip


def cookie_of(visitor: Visitor) -> str:
    """The session cookie that a browser holds."""
    found = [c.value for c in visitor.http.cookie_jar if c.key == COOKIE]
    return found[0] if found else ""


def set_cookies(headers: Any) -> str:
    """The header that sets the session cookie."""
    return str(next(v for v in headers.getall("Set-Cookie") if v.startswith(f"{COOKIE}=")))


async def test_every_page_asks_to_sign_in_first(office: Office) -> None:
    visitor = await office.stranger()
    for path in CLOSED:
        async with visitor.http.get(path, allow_redirects=False) as response:
            assert response.status == 303
            assert response.headers["Location"].startswith("/personal/logga-in?vidare=/personal")
            assert await response.read() == b""
        assert (await visitor.get(path)).path == "/personal/logga-in"


async def test_a_stranger_learns_nothing_of_which_cases_there_are(office: Office) -> None:
    there = await office.case()
    visitor = await office.stranger()
    for path in ("", "/radera"):
        answers = []
        for reference in (there, "TS-2222" if there != "TS-2222" else "TS-3333"):
            url = f"/personal/intresse/{reference}{path}"
            async with visitor.http.get(url, allow_redirects=False) as response:
                location = response.headers["Location"].replace(reference, "…")
                answers.append((response.status, location, await response.read()))
        assert answers[0] == answers[1]
    for reference in (there, "TS-2222"):
        page = await visitor.post(f"/personal/intresse/{reference}/status", status="avslutad")
        assert (page.status, "inte inloggad" in page.text) == (403, True)


async def test_who_signs_in_comes_to_where_he_was_going(office: Office) -> None:
    reference = await office.case()
    await office.user("anna")
    visitor = await office.stranger()
    page = await visitor.get(f"/personal/intresse/{reference}")
    wanted = f"/personal/intresse/{reference}"
    assert f'value="{wanted}"' in page.source
    page = await visitor.post("/personal/logga-in", namn="Anna ", losenord=PASSWORD, vidare=wanted)
    assert page.path == wanted
    assert "Inloggad som anna" in page.text
    assert ("anna", "signed-in") in await office.audited("personal")


ELSEWHERE = [
    "https://ond.example/", "//ond.example", "/\\ond.example", "/personal/intresse\n", "/", "å",
    "/personal/intresse@ond.example",
]  # fmt: skip


async def test_no_address_leads_to_another_site(office: Office) -> None:
    await office.user("anna")
    for elsewhere in ELSEWHERE:
        visitor = await office.stranger()
        assert (await visitor.sign_in("anna", vidare=elsewhere)).path == "/personal/samtal"
        page = await visitor.get("/personal/logga-in", params={"vidare": elsewhere})
        assert page.path == "/personal/samtal"


async def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(office: Office) -> None:
    await office.user("anna")
    visitor = await office.stranger()
    wrong = await visitor.sign_in("anna", "fel lösenord här")
    unknown = await visitor.sign_in("anders", "fel lösenord här")
    assert wrong.status == unknown.status == 403
    assert "Namnet eller lösenordet stämmer inte." in wrong.text
    assert wrong.source.replace("anna", "") == unknown.source.replace("anders", "")
    assert "fel lösenord" not in wrong.source


async def test_after_five_wrong_passwords_even_the_right_one_must_wait(office: Office) -> None:
    await office.user("anna")
    visitor = await office.stranger()
    for _ in range(5):
        assert (await visitor.sign_in("anna", "fel lösenord här")).status == 403
    page = await visitor.sign_in("anna")
    assert page.status == 429
    assert 20 < int(page.headers["Retry-After"]) <= 30
    assert "Vänta 30 sekunder" in page.text
    assert (await visitor.get("/personal/intresse")).path == "/personal/logga-in"
    # the same address with another name waits too
    assert (await visitor.sign_in("anders")).status == 429


async def test_the_cookie_is_kept_from_scripts_and_other_sites(office: Office) -> None:
    visitor = await office.staff()
    header = set_cookies((await visitor.get("/personal/intresse")).headers)
    morsel = SimpleCookie(header)[COOKIE]
    assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "Strict", "/personal")
    assert not morsel["secure"]
    assert "anna" not in header


async def test_behind_a_proxy_the_cookie_is_for_https_only(office: Office) -> None:
    visitor = await office.stranger()
    office.conf.behind_proxy = True
    try:
        header = set_cookies((await visitor.get("/personal/logga-in")).headers)
    finally:
        office.conf.behind_proxy = False
    assert SimpleCookie(header)[COOKIE]["secure"]


async def test_signing_in_changes_the_session(office: Office) -> None:
    await office.user("anna")
    visitor = await office.stranger()
    before = (await visitor.get("/personal/logga-in")).token
    await visitor.post("/personal/logga-in", namn="anna", losenord=PASSWORD)
    assert visitor.page.token not in ("", before)


async def test_a_copied_cookie_is_worth_nothing_after_signing_out(office: Office) -> None:
    visitor = await office.staff()
    copied = cookie_of(visitor)
    page = await visitor.post("/personal/logga-ut")
    assert page.path == "/personal/logga-in"
    assert (await visitor.get("/personal/intresse")).path == "/personal/logga-in"
    thief = await office.stranger()
    thief.http.cookie_jar.update_cookies({COOKIE: copied}, visitor.http._base_url)
    assert (await thief.get("/personal/intresse")).path == "/personal/logga-in"


async def test_a_removed_user_is_out_at_once_and_a_new_one_of_that_name_is_another(
    office: Office,
) -> None:
    visitor = await office.staff("anna")
    await accounts.remove(office.app[DATABASE], "anna")
    assert (await visitor.get("/personal/intresse")).path == "/personal/logga-in"
    visitor = await office.staff("anna")
    old = cookie_of(visitor)
    await accounts.remove(office.app[DATABASE], "anna")
    await office.user("anna")
    visitor.http.cookie_jar.update_cookies({COOKIE: old}, visitor.http._base_url)
    assert (await visitor.get("/personal/intresse")).path == "/personal/logga-in"


async def test_half_an_hour_of_silence_ends_a_session(office: Office) -> None:
    visitor = await office.staff()
    with time_machine.travel(time.time() + 29 * 60):
        assert (await visitor.get("/personal/intresse")).path == "/personal/intresse"
    with time_machine.travel(time.time() + 58 * 60):
        assert (await visitor.get("/personal/intresse")).path == "/personal/intresse"
    with time_machine.travel(time.time() + 89 * 60):
        assert (await visitor.get("/personal/intresse")).path == "/personal/logga-in"


async def test_eight_hours_end_a_session_however_busy(office: Office) -> None:
    visitor = await office.staff()
    for quarter in range(1, 32):
        with time_machine.travel(time.time() + quarter * 15 * 60):
            assert (await visitor.get("/personal/intresse")).path == "/personal/intresse"
    with time_machine.travel(time.time() + 8 * 3600 + 10):
        assert (await visitor.get("/personal/intresse")).path == "/personal/logga-in"


async def test_a_cookie_that_isnt_ours_is_no_session(office: Office) -> None:
    async with aiohttp.ClientSession(office.base, cookie_jar=aiohttp.DummyCookieJar()) as http:
        for cookie in ("x", "gAAAAA", "%00", "a" * 4000):
            headers = {"Cookie": f"{COOKIE}={cookie}"}
            async with http.get("/personal/intresse", headers=headers, allow_redirects=False) as r:
                assert r.status == 303


async def test_no_page_is_kept_or_found_by_search_engines(office: Office) -> None:
    visitor = await office.staff()
    reference = await office.case()
    for path in ("/personal/intresse", f"/personal/intresse/{reference}", "/personal/intresse.csv"):
        headers = (await visitor.get(path)).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Robots-Tag"] == "noindex, nofollow"
        assert "script-src 'self';" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
