"""A shop owner's whole way, from the start page to the letter in the mail server."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.conftest import Service
from tests.participation.conftest import Post
from tests.site.conftest import ALL_MAIL, AREA_MAIL, Window

SHOP = "nour@lyktan.example.se"


@pytest.fixture
async def phone(browser: Browser, mailing: Service) -> AsyncIterator[Window]:
    """The chat on a phone."""
    context = await browser.new_context(
        locale="sv-SE", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    opened = await Window(await context.new_page(), mailing.base).open()
    yield opened
    assert opened.complaints == [] and opened.strangers == []
    await context.close()


async def letters(post: Post, recipient: str, count: int = 1) -> list[str]:
    """The texts of the letters to somebody, when so many have come."""
    for _ in range(100):
        found = post.to(recipient)
        if len(found) >= count:
            return [f"{m['Subject']}\n{m.get_content()}" for m in found]
        await asyncio.sleep(0.2)
    pytest.fail(f"no letter to {recipient}")


@pytest.mark.timeout(400)
async def test_from_the_start_page_to_the_letter_and_back_out(
    phone: Window, post: tuple[Post, str]
) -> None:
    said = await phone.ask("Varför ska vårt företag vara med?")
    await expect(said).to_contain_text("samordnas")
    await phone.press("Lämna intresseanmälan")
    await expect(phone.answers.last).to_contain_text("Var finns er verksamhet?")
    await phone.ask("Överby köpcentrum")
    await phone.press("Stöld, snatteri eller inbrott")
    await expect(phone.answers.last).to_contain_text("Vad heter företaget")
    await phone.picture("intresseanmalan-fraga.png")
    await phone.ask("Lyktan AB, en lampbutik")
    await phone.ask("Nour Ek, butikschef")
    await phone.ask(SHOP)
    summary = phone.answers.last
    for part in ("Lyktan AB", "Nour Ek, butikschef", SHOP, "Får Trollhättans Stad spara"):
        await expect(summary).to_contain_text(part)
    await summary.scroll_into_view_if_needed()
    await phone.picture("intresseanmalan-telefon.png")
    assert await phone.wrong_for_accessibility() == []
    await phone.press("Ja, spara och skicka")
    thanks = await phone.answers.last.inner_text()
    reference = re.search(r"TS-[2-9A-Z]{4}", thanks)
    assert reference and "mottagen" in thanks
    await phone.picture("intresseanmalan-klar.png")

    [to_staff] = await letters(post[0], AREA_MAIL)
    assert reference.group() in to_staff and "Överby" in to_staff
    assert "Nour" not in to_staff and SHOP not in to_staff and "Lyktan" not in to_staff
    [receipt] = await letters(post[0], SHOP)
    assert reference.group() in receipt and "114 14" in receipt
    assert post[0].to(ALL_MAIL) == []

    # after a reload the addresses are masked: they were never written down in the conversation
    await phone.page.reload()
    await expect(phone.answers.filter(has_text="[e-post]")).to_have_count(1)

    await phone.ask(f"ta bort min anmälan {reference.group().lower()}")
    await expect(phone.answers.last).to_contain_text("kod med sex siffror")
    code = re.search(r"\b\d{6}\b", (await letters(post[0], SHOP, 2))[1])
    assert code
    wrong = f"{(int(code.group()) + 1) % 1_000_000:06}"
    await expect(await phone.ask(wrong)).to_contain_text("stämmer inte")
    await expect(await phone.ask(code.group())).to_contain_text("är borttagen")
