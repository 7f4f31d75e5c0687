"""Each role may do what it may, and is refused the rest, however the form was made."""

from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.keys import DATABASE
from bot.staff import accounts
from bot.staff.accounts import ADMIN, EDITOR, READER, AccountProblem
from bot.store.models import Outbox
from tests.staff.conftest import Office, Visitor

CASE = "/personal/intresse/{case}"
PAGES = {
    READER: ["/personal/intresse", CASE, "/personal/konto", "/personal/konto/koder"],
    EDITOR: ["/personal/intresse.csv"],
    ADMIN: [f"{CASE}/radera", "/personal/konton", "/personal/konton/bo", "/personal/logg",
            "/personal/logg.csv"],
}  # fmt: skip
"""What can be opened, by the lowest role that may."""
FORMS: dict[str, list[tuple[str, dict[str, str]]]] = {
    EDITOR: [
        (f"{CASE}/status", {"status": "deltar", "fore": "ny"}),
        (f"{CASE}/tilldela", {"handlaggare": "bo", "fore": ""}),
        (f"{CASE}/anteckning", {"text": "Ringde"}),
    ],
    ADMIN: [
        ("/personal/intresse/utskick/{sending}", {}),
        ("/personal/konton", {"namn": "eva", "roll": "reader"}),
        ("/personal/konton/bo/roll", {"roll": "editor", "fore": "reader"}),
        ("/personal/konton/bo/koder", {}),
        ("/personal/konton/bo/losenord", {}),
        ("/personal/konton/bo/ta-bort", {"saker": "ja"}),
        ("/personal/logg/kontroll", {}),
        (f"{CASE}/radera", {"saker": "ja"}),
    ],
}
RANK = (READER, EDITOR, ADMIN)


async def prepared(office: Office) -> dict[str, Any]:
    """A case, a dead sending and somebody called bo, as the addresses above name them."""
    case = await office.case()
    await office.user("bo", READER)
    async with AsyncSession(office.app[DATABASE]) as db, db.begin():
        dead = update(Outbox).where(Outbox.channel == "webhook").values(state="dead")
        number = (await db.execute(dead.returning(Outbox.id))).scalar_one()
    return {"case": case, "sending": number}


@pytest.mark.parametrize("role", RANK)
async def test_each_page_opens_for_its_role_and_those_above(office: Office, role: str) -> None:
    names = await prepared(office)
    visitor = await office.staff("anna", role)
    for needed, pages in PAGES.items():
        for path in pages:
            page = await visitor.get(path.format(**names))
            if accounts.may(role, needed):
                assert (page.status, page.path) == (200, path.format(**names))
            else:
                assert (page.status, "Du har inte behörighet" in page.text) == (403, True), path


@pytest.mark.parametrize("role", RANK)
async def test_each_form_works_for_its_role_and_those_above(office: Office, role: str) -> None:
    names = await prepared(office)
    visitor = await office.staff("anna", role)
    before = await state(office, names["case"])
    for needed, forms in FORMS.items():
        for path, fields in forms:
            await visitor.get("/personal/intresse")
            page = await visitor.post(path.format(**names), **fields)
            if accounts.may(role, needed):
                assert page.status == 200, (path, page.text)
            else:
                assert (page.status, "Du har inte behörighet" in page.text) == (403, True), path
    assert (await state(office, names["case"]) == before) == (role == READER)


async def state(office: Office, reference: str) -> Any:
    """What the forms could have changed."""
    case = await office.registry.find(reference)
    people = [(one.name, one.role) for one in await accounts.everybody(office.app[DATABASE])]
    notes = await office.registry.notes(case.id) if case else []
    return case, [note.text for note in notes], people


async def test_a_refusal_gives_back_what_was_written(office: Office) -> None:
    names = await prepared(office)
    visitor = await office.staff("anna", READER)
    page = await visitor.post(f"/personal/intresse/{names['case']}/anteckning", text="Lång text")
    assert (page.status, page.written) == (403, "Lång text")
    assert "kräver rollen redaktör och du är läsare" in page.text


async def test_a_form_of_another_session_is_refused_for_every_role(office: Office) -> None:
    names = await prepared(office)
    admin, reader = await office.staff("anna", ADMIN), await office.staff("rut", READER)
    token = (await admin.get("/personal/konton")).token
    for path, fields in [form for forms in FORMS.values() for form in forms]:
        page = await reader.post(path.format(**names), nyckel=token, **fields)
        assert page.status == 403, path
        page = await admin.post(path.format(**names), nyckel=reader.page.token or "x", **fields)
        assert (page.status, "för gammal" in page.text) == (403, True), path
    assert (await state(office, names["case"]))[2] == [
        ("anna", ADMIN), ("bo", READER), ("rut", READER)
    ]  # fmt: skip


async def test_what_a_role_may_not_do_isnt_offered(office: Office) -> None:
    names = await prepared(office)
    offered = {}
    for name, role in zip(("rut", "eva", "ada"), RANK, strict=True):
        visitor = await office.staff(name, role)
        offered[role] = [
            (await visitor.get("/personal/intresse")).source,
            (await visitor.get(CASE.format(**names))).source,
        ]
    for text, needed in {
        "Försök igen": ADMIN, "intresse.csv": EDITOR, "Ändra status": EDITOR,
        "Ändra handläggare": EDITOR, "Spara anteckningen": EDITOR, "Radera ärendet": ADMIN,
        'href="/personal/konton"': ADMIN, 'href="/personal/logg"': ADMIN,
        'href="/personal/samtal"': READER,
    }.items():  # fmt: skip
        for role, sources in offered.items():
            shown = any(text in source for source in sources)
            assert shown == accounts.may(role, needed), (text, role)


async def test_another_role_ends_the_session_and_the_next_one_has_it(office: Office) -> None:
    visitor = await office.staff("anna", ADMIN)
    token = (await visitor.get("/personal/konton")).token
    await accounts.set_role(office.app[DATABASE], "anna", READER)
    page = await visitor.post("/personal/konton", nyckel=token, namn="eva", roll="admin")
    assert (page.status, "inte inloggad" in page.text) == (403, True)
    assert await accounts.find(office.app[DATABASE], "eva") is None
    assert (await visitor.sign_in("anna")).path == "/personal/samtal"
    assert visitor.page.token != token
    assert (await visitor.get("/personal/konton")).status == 403


async def test_a_role_that_isnt_one_may_nothing(office: Office) -> None:
    visitor = await office.staff("anna", "chef")
    assert (await visitor.get("/personal/konto")).status == 403


async def test_an_unknown_user_has_no_role_to_change(office: Office) -> None:
    engine = office.app[DATABASE]
    assert not await accounts.set_role(engine, "ingen", ADMIN)
    assert not await accounts.remove(engine, "ingen")
    assert not await accounts.set_password(engine, "ingen", "ett två tre fyra")


async def test_the_last_administrator_stays(office: Office) -> None:
    engine = office.app[DATABASE]
    await office.user("anna", ADMIN)
    await office.user("bo", ADMIN)
    assert await accounts.set_role(engine, "bo", EDITOR, "anna")
    for change in (
        lambda: accounts.set_role(engine, "anna", READER, "bo"),
        lambda: accounts.remove(engine, "anna", "bo"),
    ):
        with pytest.raises(AccountProblem, match="enda administratören"):
            await change()
    assert await accounts.remove(engine, "anna"), "whoever runs the service may"


async def visit(office: Office, name: str, role: str) -> Visitor:
    """Somebody signed in, at the page of accounts."""
    visitor = await office.staff(name, role)
    await visitor.get("/personal/konton")
    return visitor


async def test_an_administrator_adds_somebody_who_chooses_a_password_first(office: Office) -> None:
    admin = await visit(office, "anna", ADMIN)
    page = await admin.post("/personal/konton", namn="Eva.Ek", roll="editor")
    given = page.source.split("<code>")[1].split("</code>")[0]
    assert "eva.ek är tillagd." in page.text and "Visas bara nu" in page.text
    assert given not in (await admin.get("/personal/konton")).source
    eva = await office.stranger()
    page = await eva.sign_in("eva.ek", given)
    assert (page.path, "någon annan har valt" in page.text) == ("/personal/konto", True)
    assert 'aria-label="Sidor"' not in page.source, "no menu yet"
    assert (await eva.get("/personal/intresse")).path == "/personal/konto"
    page = await eva.post("/personal/intresse/utskick/1")
    assert (page.status, "inte klart än" in page.text) == (403, True)
    await eva.get("/personal/konto")
    new = "stol himmel cykel ost"
    page = await eva.post("/personal/konto/losenord", losenord=given, nytt=given, igen=given)
    assert (page.status, "ett annat lösenord" in page.text) == (422, True)
    page = await eva.post("/personal/konto/losenord", losenord=given, nytt=new, igen=new)
    assert "Lösenordet är ändrat." in page.text
    assert (await eva.get("/personal/intresse")).path == "/personal/intresse"
    assert await office.audited("eva.ek") == [
        ("anna", "account added"), ("eva.ek", "password changed")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"namn": "", "roll": "reader"}, "går inte att använda"),
        ({"namn": "system", "roll": "reader"}, "går inte att använda"),
        ({"namn": "<script>", "roll": "reader"}, "går inte att använda"),
        ({"namn": "ANNA", "roll": "reader"}, "anna finns redan"),
        ({"namn": "eva", "roll": "chef"}, "Välj en roll"),
        ({"namn": "eva"}, "Välj en roll"),
    ],
)
async def test_what_cant_be_added_is_named(
    office: Office, fields: dict[str, str], told: str
) -> None:
    admin = await visit(office, "anna", ADMIN)
    page = await admin.post("/personal/konton", **fields)
    assert page.status == 422 and told in page.text
    assert "<script" not in page.source
    assert await accounts.names(office.app[DATABASE]) == ["anna"]


async def test_an_administrator_changes_and_removes_others_not_himself(office: Office) -> None:
    admin = await visit(office, "anna", ADMIN)
    bo = await office.staff("bo", READER)
    page = await admin.post("/personal/konton/bo/roll", roll="editor", fore="reader")
    assert "Rollen är ändrad." in page.text
    assert (await bo.get("/personal/intresse")).path == "/personal/logga-in"
    page = await admin.post("/personal/konton/bo/roll", roll="admin", fore="reader")
    assert page.status == 422 and "Någon annan har ändrat rollen" in page.text
    assert (await admin.post("/personal/konton/bo/ta-bort")).status == 422
    page = await admin.post("/personal/konton/bo/ta-bort", saker="ja")
    assert "bo är borttagen och utloggad." in page.text
    assert (await admin.get("/personal/konton/bo")).status == 404
    await admin.get("/personal/konton")
    for path in ("roll", "losenord", "koder", "ta-bort"):
        page = await admin.post(f"/personal/konton/anna/{path}", roll="reader", saker="ja")
        assert (page.status, "ditt eget konto" in page.text) == (409, True)
        await admin.get("/personal/konton")
    assert await office.audited("bo") == [
        ("system", "account added"), ("anna", "role changed"), ("anna", "account removed")
    ]  # fmt: skip


async def test_a_forgotten_password_is_replaced_and_shown_once(office: Office) -> None:
    admin = await visit(office, "anna", ADMIN)
    bo = await office.staff("bo", READER)
    page = await admin.post("/personal/konton/bo/losenord")
    given = page.source.split("<code>")[1].split("</code>")[0]
    assert (await bo.get("/personal/intresse")).path == "/personal/logga-in"
    assert (await bo.sign_in("bo")).status == 403
    assert (await bo.sign_in("bo", given)).path == "/personal/konto"
    assert ("anna", "password lent") in await office.audited("bo")
