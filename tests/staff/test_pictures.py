"""The staff pages with a week of made conversations, one after the other: the pictures of
docs/personal.md with KONTAKT_SCREENSHOTS=1, and always that the pages hang together."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy.ext.asyncio import AsyncSession

from bot.keys import DATABASE
from bot.settings import ROOT
from bot.staff import accounts
from bot.store.transcript_models import ContentChange, EntryShown, Training, TranscriptTurn
from bot.transcripts import holds, proposals
from bot.transcripts.verdicts import MISSING, RIGHT, WRONG, judge
from tests.staff.conftest import PASSWORD, Office
from tests.staff.test_browser import looks_right
from tests.staff.test_training import compared, message
from tests.transcripts.made import Made, Talk, turn_id, write

PICTURES = ROOT / "docs" / "bilder"
LARGEST = 150_000
"""Bytes of a picture."""
UNSURE = (("faq/felanmalan", 0.31), ("faq/otrygg-plats", 0.27), ("faq/trygghetsrond", 0.12))
DARK = "Lampan har varit släckt på gångvägen bakom skolan i två veckor. Vem lagar den?"


def week(now: datetime) -> Sequence[Talk]:
    """Conversations of the last days, the newest an hour old. Nobody in them is real."""
    unknown = "Det vet jag tyvärr inte. Menar du något av det här?"
    asked = (
        ("Var får man tag i grus till uppfarten?", "Finns det sandlådor med grus i Sylte?"),
        ("Hur söker jag bygglov för altan?", "Behöver man bygglov för en altan?"),
        ("När hämtas soporna i Strömslund?", "När töms soporna?", "soptömning vilken dag"),
    )
    many = [
        Talk(
            f"s-{place}-{number}",
            [Made(text, None, "unknown", 0.2 + number / 20, unknown, ranking=UNSURE)],
            now - timedelta(days=place + 1, hours=5 * number),
        )
        for place, texts in enumerate(asked)
        for number, text in enumerate(texts)
    ]
    usual = [
        Talk(
            f"s-hours-{day}",
            [
                Made("När har ni öppet?", feedback=1 if day % 3 else None),
                Made("Vad är platssamverkan?", "faq/platssamverkan", answer="Platssamverkan är …"),
            ],
            now - timedelta(days=day, hours=day % 9),
            columns={"seen_at": now, "seen_by": "rut.holm"},
        )
        for day in range(2, 25)
    ]
    lamp = Talk(
        "s-lamp",
        [
            Made("Hej", "greet", "smalltalk", 0.99, "Hej. Vad kan jag hjälpa dig med?"),
            Made(
                DARK, "faq/otrygg-plats", "answered", 0.61,
                "Berätta för oss om platsen känns otrygg. Ring 112 om det händer något nu.",
                ranking=(("faq/otrygg-plats", 0.61), ("faq/felanmalan", 0.29), UNSURE[2]),
                entities=(("LOC", "skolan"),), feedback=-1,
                comment="Jag ville bara veta vem som lagar lampan",
            ),
            Made("Jag heter [namn] och nås på [telefon]", None, "unknown", 0.24, unknown,
                 ranking=UNSURE, buttons=("Felanmälan", "Prata med en människa")),
        ],
        now - timedelta(hours=1),
    )  # fmt: skip
    others = (
        Talk("s-fire", [Made("det brinner hos grannen", "emergency", "emergency", 1.0,
                             "Ring 112 nu.")], now - timedelta(hours=3)),
        Talk("s-person", [Made("jag vill prata med en människa", "human", "person", 0.97,
                               "Ring kontaktcenter.")], now - timedelta(hours=6),
             columns={"assigned": "rut.holm"}),
        Talk("s-english", [Made("when are you open?", language="en",
                                answer="We are open Monday to Friday.")], now - timedelta(hours=8)),
        Talk("s-shop", [Made("vår butik vill vara med", "faq/ga-med", "form", 0.95,
                             "Vilken plats gäller det?"),
                        Made("Sylte", None, "form", 0.4, "Vad gäller det?")],
             now - timedelta(hours=9)),
    )  # fmt: skip
    return (lamp, *others, *many, *usual)


async def filled(office: Office) -> None:
    """Conversations, verdicts, proposals, a finished training, cases."""
    database, now = office.app[DATABASE], datetime.now(UTC)
    for name, role in (("eva.lund", accounts.EDITOR), ("rut.holm", accounts.READER)):
        await office.user(name, role)
    await office.user("sam.berg", accounts.ADMIN)
    await write(database, *week(now))
    async with AsyncSession(database) as db, db.begin():
        for key, verdict, label, by in (
            (turn_id("s-lamp", 1), RIGHT, "", "rut.holm"),
            (turn_id("s-lamp", 2), WRONG, "faq/felanmalan", "rut.holm"),
            (turn_id("s-1-0"), MISSING, "", "rut.holm"),
            (turn_id("s-2-0"), MISSING, "", "rut.holm"),
        ):
            turn = await db.get_one(TranscriptTurn, key)
            await judge(db, turn, verdict, label, by, 0)
        one = await proposals.propose(
            db, "phrase", "vem lagar gatlyktan", "faq/felanmalan", None, "rut.holm"
        )
        await proposals.decide(db, one.id, one.version, "eva.lund", "approved")
        worse = message("gatan är mörk och läskig", "faq/otrygg-plats", "faq/felanmalan")
        better = message("lyktstolpen är trasig", "faq/otrygg-plats", "faq/felanmalan")
        report = compared(
            took={"train": 190, "compare": 75}, better=[better], worse=[worse],
            counts={"better": 1, "worse": 1},
            phrases=[{"text": "vem lagar gatlyktan", "label": "faq/felanmalan"}],
        )  # fmt: skip
        begun = now - timedelta(hours=2)
        db.add(Training(state="ready", by="eva.lund", at=begun, report=report,
                        ended_at=begun + timedelta(seconds=265)))  # fmt: skip
        db.add(EntryShown(day=str(now.date()), entry="felanmalan", times=41, helpful=6,
                          unhelpful=2))  # fmt: skip
        text = (ROOT / "content" / "faq" / "felanmalan.md").read_text("utf-8")
        db.add(ContentChange(path="faq/felanmalan.md", by="eva.lund", at=begun,
                             before=text.replace("lampa", "lykta", 1), after=text))  # fmt: skip
    await holds.put(database, "s-person", "sam.berg", "Begäran om allmän handling, dnr 2026-17")
    for company, area in (("Pizzeria Solrosen", "overby"), ("Bygg & Glas i Väst HB", "stallbacka")):
        await office.case("s-0", company=company, area=area, email="", phone="")
    await office.case("s-shop", person="Kim Exempel", email="kim@exempel.se")


async def opened(office: Office, browser: Browser, name: str) -> Page:
    """A page of somebody who has signed in."""
    context = await browser.new_context(locale="sv-SE", viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    await page.goto(f"{office.base}/personal/logga-in")
    await page.get_by_label("Användarnamn").fill(name)
    await page.get_by_label("Lösenord").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text(f"Inloggad som {name}")).to_be_visible()
    return page


async def picture(page: Page, name: str) -> None:
    """Nothing sticks out to the right; with KONTAKT_SCREENSHOTS=1 keep what the window shows."""
    wide, window = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= window, name
    if os.environ.get("KONTAKT_SCREENSHOTS"):
        made = await page.screenshot(
            path=PICTURES / f"personal-{name}.png", animations="disabled", caret="hide"
        )
        assert len(made) <= LARGEST, (name, len(made))


async def follow(page: Page, link: str, heading: str) -> None:
    """Press a link, and be where it leads."""
    await page.get_by_role("link", name=link, exact=True).first.click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text(heading)


@pytest.mark.heavy
async def test_the_pages_hang_together_as_the_guide_shows_them(
    office: Office, browser: Browser
) -> None:
    """A reader, an editor and an administrator go from page to page by links alone."""
    await filled(office)
    reader = await opened(office, browser, "rut.holm")
    await expect(reader.get_by_role("heading", level=1)).to_have_text("Samtal")
    await picture(reader, "samtal")
    await follow(reader, DARK, "Samtal 20")
    await reader.keyboard.press("?")
    await reader.keyboard.press("j")
    await reader.keyboard.press("j")
    await picture(reader, "bedom")
    await follow(reader, "Jag känner mig otrygg på en plats. Vem kontaktar jag?", "otrygg")
    await follow(reader, "Samtal där det var svaret", "Samtal")
    await expect(reader.locator("tbody tr")).to_have_count(1)
    await follow(reader, "Missförstådda meddelanden, grupperade", "Missförstådda")
    await picture(reader, "grupper")
    await follow(reader, "Statistik", "Statistik")
    await reader.locator("#h-dagar").evaluate("(heading) => heading.scrollIntoView()")
    await picture(reader, "statistik")
    await reader.locator("#h-utfall").locator("..").locator("summary").click()
    await follow(reader, "Fick inget svar", "Samtal")
    await expect(reader.locator("tbody tr")).to_have_count(8)
    await reader.set_viewport_size({"width": 360, "height": 900})
    await reader.goto(f"{office.base}/personal/samtal/s-lamp#tur-2")
    await picture(reader, "telefon")
    await reader.set_viewport_size({"width": 1280, "height": 900})
    await reader.emulate_media(color_scheme="dark")
    await reader.reload()
    await picture(reader, "morkt")
    await reader.context.close()

    editor = await opened(office, browser, "eva.lund")
    await follow(editor, "Förbättra", "Förbättra")
    await picture(editor, "forbattra")
    await follow(editor, "Läs samtalet", "Samtal 20")
    await follow(editor, "Till förslag 1", "Förbättra")
    await follow(editor, "Läs svaret som frasen leder till", "Hur anmäler jag ett fel")
    await follow(editor, "Redigera", "Redigera")
    text = editor.get_by_label("faq/felanmalan.md")
    wide, form = await text.bounding_box(), await editor.locator("form.box").bounding_box()
    assert wide and form and wide["width"] > form["width"] * 0.9
    await text.fill((await text.input_value()).replace("Ring {{", "Ring oss på {{", 1))
    await editor.get_by_role("button", name="Förhandsgranska").click()
    await editor.get_by_role("heading", name="Det här ändras").scroll_into_view_if_needed()
    await picture(editor, "redigera")
    await follow(editor, "Förbättra", "Förbättra")
    await follow(editor, "Se vad som blir bättre och sämre", "Träning")
    await picture(editor, "traning")
    await follow(editor, "Förbättra", "Förbättra")
    await follow(editor, "Innehåll som saknas (2)", "Förbättra")
    await follow(editor, "Skriv ett nytt svar", "Nytt svar")
    await expect(editor.get_by_label("Frågan, så som den visas")).to_have_value(
        "När hämtas soporna i Strömslund?"
    )
    await editor.context.close()

    admin = await opened(office, browser, "sam.berg")
    await follow(admin, "Intresseanmälningar", "Intresseanmälningar")
    await picture(admin, "intresse")
    await admin.locator("tbody").first.get_by_role("link").first.click()
    await follow(admin, "Läs och bedöm samtalet under Samtal", "Samtal 20")
    await follow(admin, "Radera samtalet", "Radera samtalet")
    await looks_right(admin)
    await follow(admin, "Gallring", "Gallring")
    await picture(admin, "gallring")
    await follow(admin, "Logg", "Logg")
    await admin.locator("#rader").evaluate("(caption) => caption.scrollIntoView()")
    await picture(admin, "logg")
    await follow(admin, "s-shop", "Samtal 20")
    await follow(admin, "Konton", "Konton")
    await picture(admin, "konton")
    await admin.context.close()
