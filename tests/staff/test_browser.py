"""The staff pages in a browser: without JavaScript, on a wide screen and on a narrow one."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from bot.participation.registry import MANY
from tests.site.conftest import RULES
from tests.staff.conftest import PASSWORD, Office

PICTURE = os.environ.get("KONTAKT_STAFF_PICTURE", "")


async def wrong_for_accessibility(page: Page) -> list[str]:
    """What axe finds, with the places."""
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    found: dict[str, Any] = (await Axe().run(page, options=options)).response
    assert len(found["passes"]) > 10, "axe has looked at the page"
    return [f"{v['id']}: {[n['target'] for n in v['nodes']]}" for v in found["violations"]]


async def looks_right(page: Page) -> None:
    """No fault for a screen reader, and nothing sticks out to the right."""
    assert await wrong_for_accessibility(page) == []
    sizes = "[document.documentElement.scrollWidth, innerWidth]"
    wide, window = await page.evaluate(sizes)
    assert wide <= window


async def sign_in(page: Page, office: Office, name: str, password: str = PASSWORD) -> None:
    """With the keyboard."""
    await page.goto(f"{office.base}/personal/logga-in")
    await page.get_by_label("Användarnamn").fill(name)
    await page.get_by_label("Lösenord").fill(password)
    await page.keyboard.press("Enter")
    await expect(page).not_to_have_title(re.compile("Logga in"))


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (320, "dark")])
async def test_a_case_from_signing_in_to_the_file(
    office: Office, browser: Browser, width: int, scheme: Any, tmp_path: Path
) -> None:
    await office.user("anna.larsson")
    for company, area in (("Pizzeria Napoli", "overby"), ("Bygg & Glas HB", "stallbacka")):
        await office.case("s-0", (MANY,), company=company, area=area, email="", phone="")
    reference = await office.case()
    context = await browser.new_context(
        locale="sv-SE", viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type != "log" else None)

    await page.goto(f"{office.base}/personal/intresse/{reference}")
    await expect(page).to_have_title(re.compile("Logga in"))
    await looks_right(page)
    await page.get_by_label("Användarnamn").fill("anna.larsson")
    await page.get_by_label("Lösenord").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"Intresseanmälan {reference}")

    await page.get_by_role("link", name="Intresseanmälningar", exact=True).click()
    await looks_right(page)
    if PICTURE:
        await page.screenshot(path=f"{PICTURE}-list-{width}-{scheme}.png", full_page=True)
    await page.get_by_label("Plats", exact=True).select_option("Sylte")
    await page.get_by_role("button", name="Visa").click()
    await expect(page.locator("tbody").first.locator("tr")).to_have_count(1)
    async with page.expect_download() as started:
        await page.get_by_role("link", name="Hämta urvalet som fil").click()
    file = tmp_path / "fil.csv"
    await (await started.value).save_as(file)
    assert "Blomsterhörnan i Sylte AB" in file.read_text("utf-8-sig")

    await page.get_by_role("link", name=reference).first.click()
    await page.get_by_label("Status", exact=True).select_option("Kontaktad")
    await page.get_by_role("button", name="Ändra status").click()
    await expect(page.get_by_role("status")).to_have_text("Statusen är ändrad.")
    await page.get_by_label("Handläggare", exact=True).select_option("anna.larsson")
    await page.get_by_role("button", name="Ändra handläggare").click()
    await page.get_by_label("Ny anteckning").fill("Ringde Anna Ek.\nVi ses på torsdag.")
    await page.get_by_role("button", name="Spara anteckningen").click()
    await expect(page.locator(".written").first).to_have_text("Ringde Anna Ek.\nVi ses på torsdag.")
    await looks_right(page)
    if PICTURE:
        await page.screenshot(path=f"{PICTURE}-case-{width}-{scheme}.png", full_page=True)
    complaints_before_errors = list(complaints)
    await page.get_by_label("Ny anteckning").fill("å" * 5001)
    await page.get_by_role("button", name="Spara anteckningen").click()
    await expect(page.get_by_role("alert")).to_contain_text("får ha högst")
    await expect(page.get_by_label("Ny anteckning")).to_have_value("å" * 5001)
    await looks_right(page)

    await page.get_by_role("link", name="Radera ärendet").click()
    await looks_right(page)
    await page.get_by_role("link", name="Avbryt").click()
    await page.goto(f"{office.base}/personal/intresse/TS-2222")
    await looks_right(page)
    await page.get_by_role("button", name="Logga ut").click()
    await expect(page).to_have_title(re.compile("Logga in"))
    assert complaints_before_errors == []
    await context.close()


async def test_it_works_without_javascript(office: Office, browser: Browser) -> None:
    await office.user("anna")
    reference = await office.case()
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{office.base}/personal")
    await page.get_by_label("Användarnamn").fill("anna")
    await page.get_by_label("Lösenord").fill(PASSWORD)
    await page.get_by_role("button", name="Logga in").click()
    await page.get_by_role("link", name="Intresseanmälningar").click()
    await page.get_by_role("link", name=reference).first.click()
    await page.get_by_label("Ny anteckning").fill("Ringde")
    await page.get_by_role("button", name="Spara anteckningen").click()
    await expect(page.get_by_role("status")).to_have_text("Anteckningen är sparad.")
    await page.get_by_role("link", name="Radera ärendet").click()
    await page.get_by_label("Ja, radera").check()
    await page.get_by_role("button", name="Radera för alltid").click()
    await expect(page.get_by_role("status")).to_have_text(f"{reference} är raderad.")
    await context.close()


async def test_a_link_in_webmail_opens_the_case_and_a_form_there_changes_nothing(
    office: Office, browser: Browser
) -> None:
    await office.user("anna")
    reference = await office.case()
    context = await browser.new_context()
    page = await context.new_page()
    address = f"{office.base}/personal/intresse/{reference}"
    await page.goto(address)
    await page.get_by_label("Användarnamn").fill("anna")
    await page.get_by_label("Lösenord").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(address)

    mail = f"""<a href="{address}">Läs den</a><form method="post" action="{address}/radera">
        <input name="saker" value="ja"><button>Vinn</button></form>"""
    await page.route(
        "http://webmejl.example/",
        lambda r: r.fulfill(content_type="text/html; charset=utf-8", body=mail),
    )
    await page.goto("http://webmejl.example/")
    await page.get_by_role("link", name="Läs den").click()
    await expect(page).to_have_url(address)
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"Intresseanmälan {reference}")

    await page.goto("http://webmejl.example/")
    await page.get_by_role("button", name="Vinn").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("från en annan webbplats")
    assert await office.registry.find(reference)
    await page.goto(address)
    await expect(page.get_by_text("Inloggad som anna")).to_be_visible()
    await context.close()
