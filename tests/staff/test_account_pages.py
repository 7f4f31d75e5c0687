"""Accounts and the log in a browser, for every role, on a wide screen and on a narrow one."""

import os
import re
import time
from typing import Any

import pyotp
import pytest
from playwright.async_api import Browser, Page, expect

from bot.staff.accounts import ADMIN, EDITOR, READER
from tests.staff.conftest import PASSWORD, Office
from tests.staff.test_browser import looks_right, sign_in

PICTURE = os.environ.get("KONTAKT_STAFF_PICTURE", "")
FOCUS = """() => { const style = getComputedStyle(document.activeElement);
    return [document.activeElement.tagName, style.outlineStyle, parseFloat(style.outlineWidth)] }"""


async def focus_is_seen(page: Page, steps: int) -> None:
    """Each place that the Tab key leads to has an outline."""
    await page.locator("body").press("Home")
    for _ in range(steps):
        await page.keyboard.press("Tab")
        tag, style, width = await page.evaluate(FOCUS)
        assert (style, width >= 2) == ("solid", True), tag


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (320, "dark")])
async def test_accounts_and_log_look_right_for_every_role(
    office: Office, browser: Browser, width: int, scheme: Any
) -> None:
    long_name = "bo-gunnar.lindstrom-andersson@kommunen.trollhattan-exempel"
    for name, role in (("ada", ADMIN), ("eva", EDITOR), (long_name, READER)):
        await office.user(name, role)
    reference = await office.case()

    async def picture(name: str) -> None:
        await looks_right(page)
        if PICTURE:
            await page.screenshot(path=f"{PICTURE}-{name}-{width}-{scheme}.png", full_page=True)

    for name in ("eva", long_name):
        context = await browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        page = await context.new_page()
        await sign_in(page, office, name)
        await expect(page.get_by_role("link", name="Konton")).to_have_count(0)
        await picture(f"list-{name[:3]}")
        await page.goto(f"{office.base}/personal/intresse/{reference}")
        await picture(f"case-{name[:3]}")
        await page.goto(f"{office.base}/personal/konton")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Du har inte behörighet")
        await picture(f"refused-{name[:3]}")
        await context.close()

    context = await browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type != "log" else None)
    await sign_in(page, office, "ada")
    await page.get_by_role("link", name="Konton").click()
    await picture("konton")
    await focus_is_seen(page, 14)
    await page.get_by_label("Användarnamn").fill("kim")
    await page.get_by_role("combobox", name="Roll").select_option("Redaktör")
    await page.get_by_role("button", name="Lägg till").click()
    await expect(page.get_by_role("status")).to_have_text("kim är tillagd.")
    await picture("losenord")
    await page.get_by_role("link", name="Alla konton").click()
    await page.get_by_role("link", name=long_name).click()
    await picture("person")
    await page.get_by_role("combobox", name="Roll").select_option("Redaktör")
    await page.get_by_role("button", name="Ändra roll").click()
    await expect(page.get_by_role("status")).to_contain_text("Rollen är ändrad.")
    await page.get_by_role("link", name="Logg", exact=True).click()
    await picture("logg")
    await page.get_by_role("textbox", name="Vem").fill("system")
    await page.get_by_role("button", name="Visa", exact=True).click()
    await expect(page.locator("tbody tr")).to_have_count(3)
    await page.get_by_role("button", name="Kontrollera nu").click()
    await expect(page.get_by_text("Loggen är orörd")).to_be_visible()

    await page.get_by_role("link", name="ada").first.click()
    await picture("konto")
    await page.get_by_role("link", name="Sätt på engångskoder").click()
    await picture("koder")
    box = await page.locator("svg.qr").bounding_box()
    assert box and 150 < box["width"] == pytest.approx(box["height"], abs=1)
    secret = (await page.locator("code").inner_text()).replace(" ", "")
    await page.get_by_role("textbox", name="Kod, sex siffror").fill(pyotp.TOTP(secret).now())
    await page.get_by_label("Ditt lösenord").fill(PASSWORD)
    await page.get_by_role("button", name="Sätt på engångskoder").click()
    await expect(page.get_by_role("status")).to_contain_text("Engångskoder är på.")
    await page.get_by_role("button", name="Logga ut").click()
    await expect(page).to_have_title(re.compile("Logga in"))
    await sign_in(page, office, "ada")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Skriv engångskoden")
    await picture("kod")
    await page.get_by_role("textbox", name="Kod").fill(pyotp.TOTP(secret).at(int(time.time()) + 30))
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Inloggad som ada")).to_be_visible()
    assert complaints == []
    await context.close()
