"""What staff see of expressions of interest, and what they can do with them."""

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.chat.messages import Reply
from bot.chat.sessions import session_key
from bot.keys import DATABASE, SESSIONS
from bot.participation.registry import MANY
from bot.staff.cases import PAGE
from bot.store.models import Interest, Outbox
from tests.staff.conftest import CONSENT, Office

HTML = '<script>alert("x")</script><img src=x onerror=alert(1)>'


async def test_an_empty_list_says_so(office: Office) -> None:
    page = await (await office.staff()).get("/personal/intresse")
    assert "Inga intresseanmälningar har kommit in än." in page.text
    assert "Allt har skickats." in page.text
    assert 'lang="sv"' in page.source


async def test_the_list_shows_each_case_and_counts_by_place_and_status(office: Office) -> None:
    first = await office.case(company="Ett AB", email="", phone="+46520111111")
    second = await office.case(company="Två AB", area="annan", email="", phone="+46520222222")
    visitor = await office.staff()
    await visitor.get(f"/personal/intresse/{second}")
    await visitor.post(f"/personal/intresse/{second}/status", status="deltar", fore="ny")
    page = await visitor.get("/personal/intresse")
    assert page.text.index(second) < page.text.index(first)
    assert f"{first} Ett AB Sylte Ny" in page.text
    assert f"{second} Två AB Annan plats Deltar" in page.text
    assert "i dag Ingen Inga" in page.text
    assert "Sylte 1 0 0 0 1" in page.text
    assert "Annan plats 0 0 1 0 1" in page.text
    assert "Totalt 1 0 1 0 2" in page.text


async def test_a_place_that_the_content_has_no_more_is_still_there(office: Office) -> None:
    reference = await office.case(area="nedlagd", kind="borta", concerns=("glomd",))
    visitor = await office.staff()
    page = await visitor.get("/personal/intresse?plats=nedlagd")
    assert reference in page.text
    assert "nedlagd 1 0 0 0 1" in page.text
    page = await visitor.get(f"/personal/intresse/{reference}")
    assert "glomd" in page.text and "borta" in page.text


async def test_the_list_is_narrowed_by_each_of_its_fields(office: Office) -> None:
    visitor = await office.staff()
    plain = await office.case(email="", phone="+46520111111", company="Ett AB")
    other = await office.case(email="", phone="+46520222222", company="Två AB", area="overby")
    flagged = await office.case("s-2", (MANY,), email="", phone="+46520333333", company="Tre AB")
    await visitor.get(f"/personal/intresse/{other}")
    await visitor.post(f"/personal/intresse/{other}/status", status="kontaktad", fore="ny")
    await visitor.post(f"/personal/intresse/{other}/tilldela", handlaggare="anna", fore="")
    async with AsyncSession(office.app[DATABASE]) as db, db.begin():
        before = datetime.now(UTC) - timedelta(days=8)
        await db.execute(
            update(Interest).where(Interest.reference == plain).values(created_at=before)
        )
    for query, shown in {
        "": {plain, other, flagged},
        "plats=overby": {other},
        "status=kontaktad": {other},
        "status=ny": {plain, flagged},
        "handlaggare=anna": {other},
        "handlaggare=-": {plain, flagged},
        "flagga=många": {flagged},
        "dagar=7": {plain},
        "plats=sylte&dagar=7&status=ny": {plain},
        "plats=sylte&status=deltar": set[str](),
        # what can't be doesn't narrow, or finds nothing; it never breaks
        "dagar=sju": {plain, other, flagged},
        "dagar=-1": {plain, other, flagged},
        "dagar=99999999999999999999": {plain, other, flagged},
        "dagar=9999": set[str](),
        "sida=-3": {plain, other, flagged},
        "sida=99999999": set[str](),
        "plats=%00&status=%FF": set[str](),
        "plats=" + "x" * 5000: set[str](),
    }.items():
        page = await visitor.get(f"/personal/intresse?{query}")
        assert page.status == 200
        table = page.source.split("<h2>Väntar")[0]
        assert {r for r in (plain, other, flagged) if r in table} == shown, query
        file = await visitor.get(f"/personal/intresse.csv?{query}")
        if "sida" not in query:
            assert {r for r in (plain, other, flagged) if r in file.source} == shown, query


async def test_a_long_list_has_pages_that_keep_what_was_chosen(office: Office) -> None:
    visitor = await office.staff()
    references = [await office.case(email="", phone="") for _ in range(PAGE + 2)]
    page = await visitor.get("/personal/intresse?plats=sylte")
    assert f"Anmälningar 1–{PAGE}" in page.text
    assert "/personal/intresse?plats=sylte&amp;sida=2" in page.source
    first = {r for r in references if f'/intresse/{r}">{r}</a></th>' in page.source}
    page = await visitor.get("/personal/intresse?plats=sylte&sida=2")
    assert f"Anmälningar {PAGE + 1}–{PAGE + 2}" in page.text
    second = {r for r in references if f'/intresse/{r}">{r}</a></th>' in page.source}
    assert (len(first), len(second), first | second) == (PAGE, 2, set(references))
    page = await visitor.get("/personal/intresse?sida=3")
    assert "Det finns inga fler anmälningar." in page.text


async def test_what_waits_to_be_sent_is_shown_with_its_fault(office: Office) -> None:
    reference = await office.case()
    async with AsyncSession(office.app[DATABASE]) as db, db.begin():
        await db.execute(
            update(Outbox)
            .where(Outbox.channel == "webhook")
            .values(state="dead", attempts=9, error="svarar <i>inte</i>")
        )
        await db.execute(update(Outbox).where(Outbox.channel == "mail-area").values(state="sent"))
    page = await (await office.staff()).get("/personal/intresse")
    section = page.text.split("Väntar på att skickas")[1].split("Översikt")[0]
    assert f"{reference} Bekräftelse till företaget Väntar 0" in section
    assert f"{reference} Ärendesystemet Gick inte att skicka Försök igen 9" in section
    assert "svarar <i>inte</i>" in section
    assert "<i>" not in page.source
    assert "E-post till personalen" not in section


async def test_what_could_not_be_sent_is_tried_again_once(office: Office) -> None:
    await office.case()
    async with AsyncSession(office.app[DATABASE]) as db, db.begin():
        await db.execute(
            update(Outbox)
            .where(Outbox.channel == "webhook")
            .values(state="dead", attempts=9, error="svarar inte")
        )
        number = await db.scalar(select(Outbox.id).where(Outbox.channel == "webhook"))
    visitor = await office.staff()
    page = await visitor.get("/personal/intresse")
    assert f"Försök igen med nummer {number}" in page.source
    page = await visitor.post(f"/personal/intresse/utskick/{number}")
    assert "Gick inte att skicka" not in page.text
    assert (await visitor.post(f"/personal/intresse/utskick/{number}")).status == 409
    assert (await visitor.post("/personal/intresse/utskick/999999")).status == 409


async def test_a_case_shows_all_that_was_told_and_agreed_to(office: Office) -> None:
    reference = await office.case(flags=(MANY,))
    page = await (await office.staff()).get(f"/personal/intresse/{reference}")
    for told in (
        reference, "Blomsterhörnan i Sylte AB", "556036-0793", "Butik eller annan handel", "Sylte",
        "vid torget i Sylte", "Stöld, snatteri eller inbrott; Otrygghet, bråk eller hot",
        "Det stjäls varje vecka", "Anna Ek", "butikschef", "anna@blomsterhornan.se",
        "070-123 45 67", "telefon", "Många från samma avsändare", CONSENT.purpose,
        CONSENT.question, CONSENT.version, "Inga anteckningar än.", "anna Öppnade ärendet",
        "Samtalet finns inte kvar.", "24 timmar",
    ):  # fmt: skip
        assert told in page.text, told
    assert 'href="mailto:anna@blomsterhornan.se"' in page.source
    assert 'href="tel:+46701234567"' in page.source


async def test_what_was_not_told_is_named_as_such(office: Office) -> None:
    reference = await office.case(
        area="annan", where="", concerns=(), words="", kind="", company="X", org_number="",
        person="", role="", email="", phone="", channel="",
    )  # fmt: skip
    page = await (await office.staff()).get(f"/personal/intresse/{reference}")
    assert page.text.count("Inte angivet") == 10


async def test_each_view_is_written_down(office: Office) -> None:
    reference = await office.case()
    visitor = await office.staff()
    for _ in range(2):
        await visitor.get(f"/personal/intresse/{reference}")
    assert await office.audited(reference) == [("anna", "viewed")] * 2


async def test_the_conversation_is_shown_while_it_exists(office: Office) -> None:
    sessions = office.app[SESSIONS]
    session = await sessions.open(session_key("chat", "t"))
    reference = await office.case(session.conversation)
    await sessions.heard(session, f"Vi vill vara med {HTML}", None)
    await sessions.said(session, [Reply(id="m-1", text="Vad roligt!")], None)
    visitor = await office.staff()
    page = await visitor.get(f"/personal/intresse/{reference}")
    assert "Visa samtalet, 2 meddelanden" in page.text
    assert f"Vi vill vara med {HTML}" in page.text
    assert "<script" not in page.source and "<img" not in page.source
    assert "Vad roligt!" in page.text
    await sessions.erase(session)
    page = await visitor.get(f"/personal/intresse/{reference}")
    assert "Samtalet finns inte kvar." in page.text


async def test_html_in_names_and_notes_is_shown_as_text(office: Office) -> None:
    reference = await office.case(company=HTML, where=HTML, words=HTML, person=HTML, role=HTML)
    visitor = await office.staff()
    address = f"/personal/intresse/{reference}"
    await visitor.get(address)
    await visitor.post(f"{address}/anteckning", text=f"</textarea>{HTML}")
    await visitor.post(f"{address}/anteckning", text=f"</textarea>{HTML}" + "x" * 5000)
    pages = [visitor.page.source]
    for path in (address, "/personal/intresse", f"{address}/radera"):
        pages.append((await visitor.get(path)).source)
    for source in pages:
        assert "<script" not in source and "<img" not in source
        assert "&lt;script&gt;" in source


UNKNOWN = ["TS-2222", "TS-", "x", "%00", "%FF", "å", "TS-2222%0A", "'", "x" * 3000]


async def test_an_unknown_reference_gets_a_page_that_says_so(office: Office) -> None:
    visitor = await office.staff()
    for reference in UNKNOWN:
        for path in ("", "/radera"):
            page = await visitor.get(f"/personal/intresse/{reference}{path}")
            assert (page.status, page.source.count("<h1>Ärendet finns inte</h1>")) == (404, 1)
        await visitor.get("/personal/intresse")
        page = await visitor.post(f"/personal/intresse/{reference}/status", status="ny")
        assert (page.status, "Ärendet finns inte" in page.text) == (404, True)
    assert (await visitor.get("/personal/finns-inte")).status == 404


async def test_a_reference_may_be_written_as_people_do(office: Office) -> None:
    reference = await office.case()
    visitor = await office.staff()
    page = await visitor.get(f"/personal/intresse/{reference.lower().replace('-', '')}")
    assert page.status == 200


async def test_two_editors_at_once_keep_both_notes(office: Office) -> None:
    reference = await office.case()
    anna, bo = await office.staff("anna"), await office.staff("bo")
    address = f"/personal/intresse/{reference}"
    await anna.get(address)
    await bo.get(address)
    await asyncio.gather(
        anna.post(f"{address}/anteckning", text="Jag ringde dem"),
        bo.post(f"{address}/anteckning", text="Jag mejlade dem"),
    )
    page = await anna.get(address)
    assert "Jag ringde dem" in page.text and "Jag mejlade dem" in page.text


async def test_who_was_slower_is_told_who_changed_the_status(office: Office) -> None:
    reference = await office.case()
    anna, bo = await office.staff("anna"), await office.staff("bo")
    address = f"/personal/intresse/{reference}"
    await anna.get(address)
    await bo.get(address)
    page = await anna.post(f"{address}/status", status="kontaktad", fore="ny")
    assert "Statusen är ändrad." in page.text and "Senast ändrad av anna" in page.text
    page = await bo.post(f"{address}/status", status="avslutad", fore="ny")
    assert page.status == 409
    assert "anna ändrade status till Kontaktad" in page.text
    assert "Din ändring är inte sparad." in page.text
    case = await office.registry.find(reference)
    assert case and case.status == "kontaktad"
    # seen now, and still wanted
    page = await bo.post(f"{address}/status", status="avslutad", fore="kontaktad")
    assert page.status == 200
    assert "Senast ändrad av bo" in page.text
    changes = [row for row in await office.audited(reference) if row[1] == "changed"]
    assert changes == [("anna", "changed"), ("bo", "changed")]


async def test_of_many_who_change_the_status_at_once_one_wins(office: Office) -> None:
    reference = await office.case()
    visitor = await office.staff()
    address = f"/personal/intresse/{reference}"
    token = (await visitor.get(address)).token
    pages = await asyncio.gather(
        *(
            visitor.post(f"{address}/status", status=wanted, fore="ny", nyckel=token)
            for wanted in ("kontaktad", "deltar", "avslutad")
        )
    )
    assert sorted(page.status for page in pages) == [200, 409, 409]
    assert (await office.audited(reference)).count(("anna", "changed")) == 1


async def test_a_case_is_given_to_somebody_and_taken_back(office: Office) -> None:
    reference = await office.case()
    await office.user("bo")
    visitor = await office.staff("anna")
    address = f"/personal/intresse/{reference}"
    await visitor.get(address)
    page = await visitor.post(f"{address}/tilldela", handlaggare="bo", fore="")
    assert "Handläggare: bo" in page.text and "Satte bo som handläggare" in page.text
    page = await visitor.post(f"{address}/tilldela", handlaggare="anna", fore="")
    assert page.status == 409
    assert "anna satte bo som handläggare" in page.text
    page = await visitor.post(f"{address}/tilldela", handlaggare="", fore="bo")
    assert "Handläggare: ingen" in page.text and "Tog bort handläggaren" in page.text


async def test_erasing_asks_first_and_leaves_only_the_reference(office: Office) -> None:
    reference = await office.case()
    visitor = await office.staff()
    address = f"/personal/intresse/{reference}"
    page = await visitor.get(f"{address}/radera")
    assert f"Radera {reference}?" in page.text
    assert (await visitor.post(f"{address}/radera")).status == 422
    page = await visitor.post(f"{address}/radera", saker="ja")
    assert page.path == "/personal/intresse"
    assert f"{reference} är raderad." in page.text
    assert (await visitor.get(address)).status == 404
    assert (await office.audited(reference))[-1] == ("anna", "erased")
    assert (await visitor.get("/personal/intresse?raderad=<b>")).text.count("är raderad") == 0


async def test_cases_of_a_lost_key_are_named_as_such(office: Office) -> None:
    reference = await office.case()
    async with AsyncSession(office.app[DATABASE]) as db, db.begin():
        await db.execute(update(Interest).values(sealed="gAAAAA"))
    visitor = await office.stranger()
    await office.user("anna")
    page = await visitor.sign_in("anna")
    for path in ("/personal/intresse", "/personal/intresse.csv", f"/personal/intresse/{reference}"):
        page = await visitor.get(path)
        assert page.status == 500
        assert "Uppgifterna går inte att läsa" in page.text and "KONTAKT_DATA_KEY" in page.text
