"""Conversations read and judged with the keyboard, on a wide screen and on a narrow one."""

import os
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from bot.keys import DATABASE
from bot.staff import accounts
from tests.staff.conftest import Office
from tests.staff.test_browser import looks_right, sign_in
from tests.transcripts.made import KNOWN, Made, Talk, write

PICTURE = os.environ.get("KONTAKT_STAFF_PICTURE", "")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (320, "dark")])
async def test_a_reader_judges_with_the_keyboard_alone(
    office: Office, browser: Browser, width: int, scheme: Any
) -> None:
    await office.user("anna", accounts.READER)
    fresh = Talk("s-new", [Made("får jag elda löv", None, "unknown")], datetime.now(UTC))
    await write(office.app[DATABASE], *KNOWN, fresh)
    context = await browser.new_context(
        locale="sv-SE", viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type != "log" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await sign_in(page, office, "anna")
    await expect(page.get_by_text("Inloggad som anna")).to_be_visible()

    await page.goto(f"{office.base}/personal/samtal?till=2026-11-24")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Samtal")
    await looks_right(page)
    if PICTURE:
        await page.screenshot(path=f"{PICTURE}-talks-{width}-{scheme}.png", full_page=True)
    await page.get_by_role("link", name="vem tar hand om trasig lampa").click()
    keys, ready = page.keyboard, page.get_by_role("button", name="Stäng av kortkommandon")
    await expect(ready).to_be_visible()
    first, second = page.locator("#tur-1"), page.locator("#tur-2")
    await keys.press("j")
    await expect(first).to_be_focused()
    await keys.press("j")
    await expect(second).to_be_focused()
    await keys.press("j")  # there are no more
    await expect(second).to_be_focused()
    await keys.press("1")
    await expect(page.get_by_role("status")).to_have_text("Bedömningen är sparad.")
    await expect(second).to_be_focused()  # and goes on where it was
    await expect(second).to_contain_text("Rätt. Bedömd av anna")
    await keys.press("k")
    await keys.press("2")
    topic = first.get_by_label("Rätt ämne")
    await expect(topic).to_be_focused()
    await keys.type("jks 1234 skriften")  # letters in a field are letters
    await expect(topic).to_have_value("jks 1234 skriften")
    await keys.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Det finns inget ämne som heter så.")
    await looks_right(page)
    await topic.fill("Hur anmäler jag ett fel ute i staden?")
    await keys.press("Enter")
    await expect(first).to_contain_text("Fel svar, rätt ämne är ”Hur anmäler jag ett fel")
    await expect(first).to_be_focused()
    if PICTURE:
        await page.screenshot(path=f"{PICTURE}-talk-{width}-{scheme}.png", full_page=True)
    await keys.press("s")
    await expect(page.get_by_text("Sett av anna")).to_be_visible()
    await expect(ready).to_be_visible()
    await looks_right(page)

    await keys.press("?")
    await expect(page.get_by_text("Nästa osedda samtal", exact=True)).to_be_visible()
    await looks_right(page)
    await keys.press("n")
    await expect(page).to_have_url(re.compile(r"/s-unknown\?till=2026-11-24$"))
    await expect(ready).to_be_visible()
    await keys.press("K")
    await expect(page).to_have_url(re.compile(r"/s-clarified\?till=2026-11-24$"))
    await expect(ready).to_be_visible()
    await keys.press("J")
    await expect(page).to_have_url(re.compile(r"/s-unknown\?till=2026-11-24$"))
    await expect(ready).to_be_visible()

    await page.get_by_role("button", name="Stäng av kortkommandon").click()
    await page.reload()
    await expect(page.get_by_role("button", name="Sätt på kortkommandon")).to_be_visible()
    await keys.press("j")
    await keys.press("s")
    await expect(page.locator("body")).to_be_focused()
    await expect(page.get_by_text("Ingen har markerat samtalet som sett.")).to_be_visible()

    await page.goto(f"{office.base}/personal/samtal/grupper")
    await looks_right(page)
    if PICTURE:
        await page.screenshot(path=f"{PICTURE}-groups-{width}-{scheme}.png", full_page=True)
    mine = page.get_by_role("region", name="får jag elda löv")
    await mine.get_by_label("Saknar innehåll").check()
    await mine.get_by_role("button", name="Spara").click()
    await expect(page.get_by_role("status")).to_have_text("1 meddelande är bedömt.")
    assert [told for told in complaints if "422" not in told] == []
    await context.close()
