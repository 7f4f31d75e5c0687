"""A change needs a form of this very session, sent from here; what was written isn't lost."""

from tests.staff.conftest import PASSWORD, Office, Visitor


async def status_of(office: Office, reference: str) -> str:
    """A case's status."""
    case = await office.registry.find(reference)
    assert case
    return case.status


async def at_case(office: Office, name: str = "anna") -> tuple[Visitor, str, str]:
    """Somebody who has a new case open; its reference and address."""
    visitor, reference = await office.staff(name), await office.case()
    await visitor.get(f"/personal/intresse/{reference}")
    return visitor, reference, f"/personal/intresse/{reference}"


CHANGES = [
    ("status", {"status": "avslutad", "fore": "ny"}),
    ("tilldela", {"handlaggare": "anna", "fore": ""}),
    ("anteckning", {"text": "Ringde"}),
    ("radera", {"saker": "ja"}),
]


TOKENS = ["", "fel", "å\ufffd", "0" * 64]
FOREIGN = [
    {"Origin": "https://ond.example"},
    {"Origin": "null"},
    {"Origin": "http://[::1"},
    {"Sec-Fetch-Site": "cross-site"},
]


async def test_a_form_without_the_right_token_changes_nothing(office: Office) -> None:
    visitor, reference, address = await at_case(office)
    before = await office.audited(reference)
    for what, fields in CHANGES:
        for token in TOKENS:
            page = await visitor.post(f"{address}/{what}", **{**fields, "nyckel": token})
            assert page.status == 403
            assert "Sidan hade blivit för gammal" in page.text
            assert await office.audited(reference) == before


async def test_a_form_from_another_site_changes_nothing(office: Office) -> None:
    visitor, reference, address = await at_case(office)
    before, token = await office.audited(reference), visitor.page.token
    for what, fields in CHANGES:
        for headers in FOREIGN:
            page = await visitor.post(f"{address}/{what}", headers, **fields, nyckel=token)
            assert page.status == 403
            assert "från en annan webbplats" in page.text
            assert await office.audited(reference) == before


async def test_a_token_of_somebody_elses_session_is_refused(office: Office) -> None:
    anna, reference, address = await at_case(office, "anna")
    bo = await office.staff("bo")
    await bo.get(address)
    bo.page.source = anna.page.source
    page = await bo.post(f"{address}/status", status="avslutad", fore="ny")
    assert page.status == 403
    assert await status_of(office, reference) == "ny"


async def test_a_sign_in_form_from_another_site_signs_nobody_in(office: Office) -> None:
    await office.user("anna")
    visitor = await office.stranger()
    await visitor.get("/personal/logga-in")
    ond = {"Origin": "https://ond.example"}
    page = await visitor.post("/personal/logga-in", ond, namn="anna", losenord=PASSWORD)
    assert page.status == 403
    visitor.http.cookie_jar.clear()
    page = await visitor.post("/personal/logga-in", namn="anna", losenord=PASSWORD, nyckel="")
    assert page.status == 403
    assert "tar webbläsaren inte emot kakor" in page.text


async def test_a_note_written_after_the_session_ended_comes_back(office: Office) -> None:
    visitor, reference, address = await at_case(office)
    visitor.http.cookie_jar.clear()
    page = await visitor.post(f"{address}/anteckning", text="Ringde, åter i morgon <b>")
    assert page.status == 403
    assert "Du är inte inloggad" in page.text
    assert page.written == "Ringde, åter i morgon <b>"
    assert page.source.count("<b>") == 0
    case = await office.registry.find(reference)
    assert case and await office.registry.notes(case.id) == []


async def test_a_note_that_is_too_long_comes_back_whole(office: Office) -> None:
    visitor, _reference, address = await at_case(office)
    long = "å" * 5001
    page = await visitor.post(f"{address}/anteckning", text=long)
    assert page.status == 422
    assert "Anteckningen har 5 001 tecken och får ha högst 5 000." in page.text.replace(
        "\u00a0", " "
    )
    assert page.written == long
    assert "<title>Fel: " in page.source
    page = await visitor.post(f"{address}/anteckning", text="\U0001f600" * 50_000)
    assert (page.status, len(page.written)) == (422, 50_000)
    page = await visitor.post(f"{address}/anteckning", text="å" * 5000)
    assert page.status == 200
    assert "Anteckningen är sparad." in page.text


async def test_line_breaks_count_as_one_character_and_are_kept(office: Office) -> None:
    visitor, reference, address = await at_case(office)
    text = "\r\n".join("ab" for _ in range(1667))
    page = await visitor.post(f"{address}/anteckning", text=text)
    assert page.status == 200
    case = await office.registry.find(reference)
    assert case
    assert (await office.registry.notes(case.id))[0].text == text.replace("\r\n", "\n")


async def test_five_megabytes_get_a_clear_answer(office: Office) -> None:
    visitor, _reference, address = await at_case(office)
    page = await visitor.post(f"{address}/anteckning", text="x" * 5_000_000)
    assert page.status == 413
    assert "Texten är för lång" in page.text
    assert "Gå tillbaka i webbläsaren" in page.text
    stranger = await office.stranger()
    await stranger.get("/personal/logga-in")
    page = await stranger.post("/personal/logga-in", namn="x" * 5_000_000, losenord="")
    assert page.status == 413


async def test_an_empty_note_is_not_saved(office: Office) -> None:
    visitor, _reference, address = await at_case(office)
    page = await visitor.post(f"{address}/anteckning", text=" \r\n ")
    assert page.status == 422
    assert "Skriv något i anteckningen först." in page.text


BROKEN = [
    (b"{}", "application/json", 415),
    (b"nyckel=%FF%00&text=\xff", "application/x-www-form-urlencoded", 403),
    (b"&".join(b"a=1" for _ in range(150)), "application/x-www-form-urlencoded", 400),
    (b"", "application/x-www-form-urlencoded", 403),
]


async def test_a_broken_form_gets_a_page_that_says_so(office: Office) -> None:
    visitor, _reference, address = await at_case(office)
    for body, kind, status in BROKEN:
        headers = {"Content-Type": kind}
        async with visitor.http.post(f"{address}/anteckning", data=body, headers=headers) as r:
            assert r.status == status
            assert "<h1>" in await r.text()


async def test_a_value_that_isnt_on_the_form_is_refused(office: Office) -> None:
    visitor, reference, address = await at_case(office)
    for what, fields, told in (
        ("status", {"status": "<b>"}, "Välj en status."),
        ("status", {}, "Välj en status."),
        ("tilldela", {"handlaggare": "<b>okänd"}, "<b>okänd kan inte logga in här."),
        ("radera", {}, "Kryssa i rutan"),
    ):
        page = await visitor.post(f"{address}/{what}", **fields)
        assert page.status == 422
        assert told in page.text
        assert "<b>" not in page.source
    case = await office.registry.find(reference)
    assert case and (case.status, case.assigned) == ("ny", None)


async def test_a_double_click_is_one_note(office: Office) -> None:
    visitor, reference, address = await at_case(office)
    token = visitor.page.token
    for _ in range(2):
        await visitor.post(f"{address}/anteckning", text="Ringde", nyckel=token)
    case = await office.registry.find(reference)
    assert case and len(await office.registry.notes(case.id)) == 1
