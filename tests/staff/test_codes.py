"""One-time codes: turned on with the password, asked for at sign-in, good once."""

import asyncio
import re
import time
from collections.abc import Iterator
from functools import partial

import pyotp
import pytest
import time_machine
from sqlalchemy import select

from bot.keys import DATABASE, LOCKOUT, VAULT
from bot.staff import accounts, codes
from bot.staff.accounts import ADMIN, READER
from bot.staff.lockout import FREE
from bot.store.models import StaffUser
from tests.staff.conftest import PASSWORD, Bot, Office, Visitor

SETUP = "/personal/konto/koder"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def required(office: Office) -> Iterator[None]:
    """Everybody must have codes."""
    office.conf.staff_totp = "required"
    yield
    office.conf.staff_totp = "optional"


def secret_on(page: str) -> str:
    """The secret as it is written out on the setup page."""
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert found
    return found[1].replace(" ", "")


def field(page: str, name: str) -> str:
    """A hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    return found[1] if found else ""


def now(secret: str, steps: int = 0) -> str:
    """The code that the phone shows, or showed some steps ago."""
    return pyotp.TOTP(secret).at(int(time.time()) + steps * codes.STEP)


async def turned_on(office: Office, name: str = "anna", role: str = ADMIN) -> str:
    """Somebody with codes; the secret. Its code of now hasn't been used."""
    await office.user(name, role)
    await codes.turn_on(office.app[DATABASE], office.app[VAULT], name, SECRET, 0)
    return SECRET


async def code_page(visitor: Visitor, code: str) -> None:
    """Send the second step."""
    half = field(visitor.page.source, "steg")
    await visitor.post("/personal/logga-in/kod", steg=half, kod=code, vidare="/personal/konto")


def test_a_code_is_good_one_step_before_and_after() -> None:
    moment = 1_800_000_000.0
    totp = pyotp.TOTP(SECRET)
    good = [step for step in range(-3, 4) if codes.step_of(SECRET, totp.at(moment + step * 30),
                                                           moment) is not None]  # fmt: skip
    assert good == [-1, 0, 1]
    code = totp.at(moment)
    assert codes.step_of(SECRET, f" {code[:3]} {code[3:]} ", moment) == int(moment) // 30
    for wrong in ("", "abc", "å", "123", code + "0", code[:5]):
        assert codes.step_of(SECRET, wrong, moment) is None


def test_the_picture_is_an_svg_without_style() -> None:
    picture = str(codes.picture(SECRET, "anna.larsson"))
    assert picture.startswith("<svg ") and "style" not in picture and "<script" not in picture


async def test_codes_are_turned_on_and_asked_for_from_then_on(office: Office) -> None:
    visitor = await office.staff()
    other = await office.stranger()
    await other.sign_in("anna")
    page = await visitor.get(SETUP)
    secret, sealed = secret_on(page.source), field(page.source, "hemlighet")
    before = page.token
    page = await visitor.post(SETUP, hemlighet=sealed, kod="000000", losenord=PASSWORD)
    assert page.status == 422 and "Koden stämmer inte" in page.text
    assert secret_on(page.source) == secret, "the phone needn't read a new picture"
    page = await visitor.post(SETUP, hemlighet=sealed, kod=now(secret), losenord="fel")
    assert page.status == 422 and "Lösenordet stämmer inte" in page.text
    page = await visitor.post(SETUP, hemlighet=sealed, kod=now(secret), losenord=PASSWORD)
    assert "Engångskoder är på." in page.text
    assert page.token != before, "a new session"
    assert (await other.get("/personal/intresse")).path == "/personal/logga-in"
    async with office.app[DATABASE].connect() as db:
        stored = await db.scalar(select(StaffUser.totp))
    assert stored and secret not in stored

    page = await other.sign_in("anna")
    assert (page.status, "Skriv engångskoden" in page.text) == (200, True)
    assert (await other.get("/personal/intresse")).path == "/personal/logga-in"
    await other.sign_in("anna")
    await code_page(other, now(secret))
    assert other.page.status == 403, "used when it was turned on"
    await code_page(other, now(secret, +1))
    assert other.page.path == "/personal/konto"
    assert (await office.audited("anna"))[-1] == ("anna", "codes on")


async def test_each_code_works_once_also_at_the_same_moment(office: Office) -> None:
    secret = await turned_on(office)
    visitors = [await office.stranger() for _ in range(3)]
    for visitor in visitors:
        await visitor.sign_in("anna")
    code = now(secret)
    await asyncio.gather(*(code_page(visitor, code) for visitor in visitors))
    assert sorted(visitor.page.status for visitor in visitors) == [200, 403, 403]
    await code_page(visitors[0], now(secret, -1))
    late = await office.stranger()
    await late.sign_in("anna")
    await code_page(late, now(secret, -1))
    assert late.page.status == 403, "an earlier one neither"


async def test_wrong_codes_lock_and_a_right_password_doesnt_unlock(office: Office) -> None:
    secret = await turned_on(office)
    visitor = await office.stranger()
    for _ in range(FREE):
        office.app[LOCKOUT]._tries = {
            key: tries for key, tries in office.app[LOCKOUT]._tries.items() if key[0] == "name"
        }  # from another address each time
        await visitor.sign_in("anna")
        await code_page(visitor, "000000")
        assert visitor.page.status == 403
    office.app[LOCKOUT]._tries.pop(("address", "127.0.0.1"))
    await visitor.sign_in("anna")
    await code_page(visitor, now(secret))
    assert visitor.page.status == 429
    assert 20 < int(visitor.page.headers["Retry-After"]) <= 30
    assert (await visitor.get("/personal/konto")).path == "/personal/logga-in"


async def test_the_second_step_belongs_to_its_session_and_its_time(office: Office) -> None:
    secret = await turned_on(office)
    anna, thief = await office.stranger(), await office.stranger()
    await anna.sign_in("anna")
    half = field(anna.page.source, "steg")
    await thief.get("/personal/logga-in")
    for steg in (half, "", "x", office.app[VAULT].seal("[]"), office.app[VAULT].seal('["å"]')):
        page = await thief.post("/personal/logga-in/kod", steg=steg, kod=now(secret))
        assert (page.status, "Logga in från början" in page.text) == (403, True)
    with time_machine.travel(time.time() + 301):
        await code_page(anna, now(secret))
        assert anna.page.status == 403
    await anna.sign_in("anna")
    await accounts.set_password(office.app[DATABASE], "anna", "ett helt nytt lösenord")
    await code_page(anna, now(secret))
    assert anna.page.status == 403


async def test_codes_are_turned_off_with_the_password(office: Office) -> None:
    secret = await turned_on(office)
    visitor = await office.stranger()
    await visitor.sign_in("anna")
    await code_page(visitor, now(secret))
    assert (await visitor.get(SETUP)).status == 409
    await visitor.get("/personal/konto")
    page = await visitor.post(f"{SETUP}/av", losenord="fel")
    assert page.status == 422
    page = await visitor.post(f"{SETUP}/av", losenord=PASSWORD)
    assert "Engångskoder är av." in page.text
    assert (await visitor.sign_in("anna")).path == "/personal/samtal"


async def test_where_codes_are_required_nothing_opens_without(
    office: Office, required: None
) -> None:
    await office.user("rut", READER)
    visitor = await office.stranger()
    page = await visitor.sign_in("rut")
    assert (page.path, "Alla ska ha engångskoder" in page.text) == (SETUP, True)
    assert (await visitor.get("/personal/intresse")).path == SETUP
    page = await visitor.get(SETUP)
    secret, sealed = secret_on(page.source), field(page.source, "hemlighet")
    await visitor.post(SETUP, hemlighet=sealed, kod=now(secret), losenord=PASSWORD)
    assert (await visitor.get("/personal/intresse")).path == "/personal/intresse"
    await visitor.get("/personal/intresse")
    page = await visitor.post(f"{SETUP}/av", losenord=PASSWORD)
    assert (page.status, "går inte att stänga av" in page.text) == (403, True)


async def test_a_secret_of_another_session_isnt_taken(office: Office) -> None:
    anna, rut = await office.staff("anna"), await office.staff("rut", READER)
    page = await anna.get(SETUP)
    secret, sealed = secret_on(page.source), field(page.source, "hemlighet")
    await rut.get(SETUP)
    page = await rut.post(SETUP, hemlighet=sealed, kod=now(secret), losenord=PASSWORD)
    assert (page.status, "för gammal" in page.text) == (403, True)


async def test_an_administrator_helps_who_has_lost_the_phone(office: Office) -> None:
    secret = await turned_on(office, "rut", READER)
    rut = await office.stranger()
    await rut.sign_in("rut")
    await code_page(rut, now(secret))
    assert rut.page.path == "/personal/konto"
    admin = await office.staff("anna")
    await admin.get("/personal/konton/rut")
    page = await admin.post("/personal/konton/rut/koder")
    assert "Engångskoderna är avstängda." in page.text
    assert (await rut.get("/personal/intresse")).path == "/personal/logga-in"
    assert (await rut.sign_in("rut")).path == "/personal/samtal"
    assert ("anna", "codes reset") in await office.audited("rut")


async def test_a_wrong_password_at_the_own_account_counts_like_at_the_door(office: Office) -> None:
    visitor = await office.staff()
    for _ in range(FREE):
        await visitor.get("/personal/konto")
        page = await visitor.post(
            "/personal/konto/losenord", losenord="fel", nytt="x" * 12, igen="x" * 12
        )
        assert page.status == 422
    page = await visitor.post("/personal/konto/losenord", losenord=PASSWORD, nytt="x" * 12,
                              igen="x" * 12)  # fmt: skip
    assert "fel för många gånger" in page.text
    assert await accounts.check(office.app[DATABASE], "anna", PASSWORD)


async def test_a_new_password_is_typed_twice_and_long_enough(office: Office) -> None:
    visitor = await office.staff()
    other = await office.stranger()
    await other.sign_in("anna")
    await visitor.get("/personal/konto")
    for new, again, told in (
        ("ny häst batteri", "ny hast batteri", "inte lika"), ("kort", "kort", "har 4 tecken")
    ):  # fmt: skip
        page = await visitor.post("/personal/konto/losenord", losenord=PASSWORD, nytt=new,
                                  igen=again)  # fmt: skip
        assert page.status == 422 and told in page.text
    new = "ny häst batteri"
    page = await visitor.post("/personal/konto/losenord", losenord=PASSWORD, nytt=new, igen=new)
    assert "Lösenordet är ändrat." in page.text
    assert (await other.get("/personal/intresse")).path == "/personal/logga-in"
    assert (await other.sign_in("anna", new)).path == "/personal/samtal"


def test_codes_roles_and_passwords_at_the_command_line(bot: Bot) -> None:
    user = partial(bot, "user")
    assert user("add", "anna", "--role", "redaktör", typed=PASSWORD + "\n")[0] == 0
    assert user("add", "bo", typed=PASSWORD + "\n")[1].startswith("bo (läsare) kan logga in")
    code, told = user("role", "bo", "chef")
    assert (code, told) == (1, "'chef' är ingen roll. Välj läsare, redaktör, administratör.\n")
    assert user("role", "bo", "administratör") == (0, "bo är nu administratör.\n")
    assert user("list")[1] == "anna\tredaktör\nbo\tadministratör\n"
    assert user("add", "kim", "--sso")[0] == 0, "asks for no password"
    code, told = user("password", "kim", typed="ett nytt lösenord\n")
    assert code == 1 and "kommunens inloggning, utan lösenord" in told
    assert user("remove", "kim")[0] == 0
    assert user("reset-codes", "bo")[1].startswith("bo loggar in utan engångskoder")
    assert user("password", "bo", typed="ett nytt lösenord\n") == (0, "bo har ett nytt lösenord.\n")
    code, told = user("reset-codes", "eva")
    assert code == 1 and "Det finns ingen användare 'eva'" in told
