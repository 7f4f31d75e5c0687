"""What everybody must know now, and whether kontaktcenter is open: on pages and in the chat."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from bot.content.clock import now
from tests.conftest import free_port, until
from tests.site.conftest import Site, Window, serving
from tests.site.test_widget import Site as Elsewhere
from tests.site.test_widget import Widget

WATER = "Koka vattnet i centrum."


def crisis(severity: str = "warning", text: str = WATER) -> str:
    """The block of content/site.yml, in force today."""
    return (
        f"\ncrisis:\n  severity: {severity}\n  from: {now().date()}\n  to: {now().date()}\n"
        f'  sv: "{text}"\n  en: Boil the water in the town centre.\n'
        "  link: {url: 'https://www.krisinformation.se/', sv: Läs mer, en: Read more}\n"
    )


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A site without Rasa whose content these tests may change."""
    async with serving(tmp_path_factory.mktemp("crisis")) as started:
        yield started


async def declare(site: Site, text: str) -> None:
    """Write the crisis ("" for none) and wait until it is in force."""
    file = site.content / "site.yml"
    file.write_text(file.read_text("utf-8").partition("\ncrisis:")[0] + text, "utf-8")
    wanted = text.partition('sv: "')[2].partition('"')[0] or None

    async def in_force() -> bool:
        async with site.http.get("/api/chat/status") as response:
            told = (await response.json())["crisis"]
        return (told and told["text"]) == wanted

    await until(in_force)


async def test_a_crisis_is_on_every_page_within_seconds_and_gone_again(site: Site) -> None:
    pages = {"/": 200, "/fragor": 200, "/fragor/overby": 200, "/om": 200, "/chatt": 200, "/x": 404}
    for path, status in pages.items():
        assert 'class="crisis' not in await site.text(path, status)
    await declare(site, crisis())
    for path, status in pages.items():
        page = await site.text(path, status)
        assert page.count('<section id="crisis" class="crisis warning"') == 1
        assert page.index(WATER) < page.index("<h1")
        assert 'role="alert"' not in page  # it is not announced on each page
    english = await site.text("/en/questions")
    assert "<strong>Important:</strong> <span>Boil the water" in english and WATER not in english
    async with site.http.post("/api/chat/sessions", json={"lang": "en"}) as response:
        status = (await response.json())["status"]
    assert status["crisis"]["word"] == "Important:" and "contact centre" in status["opening"]
    await declare(site, "")
    for path, code in pages.items():
        assert WATER not in await site.text(path, code)


@pytest.mark.parametrize("severity", ["info", "warning", "danger"])
async def test_it_is_for_everybody_to_read(browser: Browser, site: Site, severity: str) -> None:
    await declare(site, crisis(severity, f"{WATER} {severity}"))
    elsewhere = await Elsewhere(site.base, free_port()).start()
    context = await browser.new_context(locale="sv-SE", viewport={"width": 320, "height": 640})
    page = Window(await context.new_page(), site.base)
    widget = await Widget(await context.new_page(), elsewhere.base).load(elsewhere.base)
    await widget.open()
    try:
        await page.open()
        for window, scope in ((page, page.page.locator("body")), (widget, widget.panel)):
            region = scope.get_by_role("region", name="Viktigt meddelande")
            await expect(region).to_contain_text(f"{WATER} {severity}")
            await expect(region).to_be_in_viewport()
            link = region.get_by_role("link", name="Läs mer")
            await expect(link).to_have_attribute("href", "https://www.krisinformation.se/")
            for scheme in ("light", "dark"):
                await window.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                assert await window.wrong_for_accessibility() == []
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await page.page.evaluate(wide) == 0
        assert page.complaints == widget.complaints == []
    finally:
        await context.close()
        await elsewhere.stop()


async def test_it_is_read_out_once(browser: Browser, site: Site) -> None:
    await declare(site, crisis())
    elsewhere = await Elsewhere(site.base, free_port()).start()
    context = await browser.new_context(locale="sv-SE")
    widget = await Widget(await context.new_page(), elsewhere.base).load(elsewhere.base)
    await widget.page.evaluate(
        """() => {
            const alert = document.querySelector("kontakt-chat").shadowRoot
                .querySelector("[role=alert]");
            window.said = [];
            new MutationObserver(() => alert.textContent && said.push(alert.textContent))
                .observe(alert, { childList: true });
        }"""
    )
    try:
        await widget.open()
        for _ in range(2):
            await widget.page.locator("kontakt-chat .close").click()
            async with widget.page.expect_response("**/api/chat/status?lang=sv"):
                await widget.launcher.click()
        assert await widget.page.evaluate("said") == [f"Viktigt: {WATER}"]
        await declare(site, "")
        await widget.page.locator("kontakt-chat .close").click()
        await widget.launcher.click()
        await expect(widget.panel.locator(".crisis")).to_be_hidden()
    finally:
        await context.close()
        await elsewhere.stop()


async def test_a_page_that_one_comes_back_to_looks_again(browser: Browser, site: Site) -> None:
    await declare(site, "")
    context = await browser.new_context(locale="sv-SE")
    window = await Window(await context.new_page(), site.base).open()
    back = "document.dispatchEvent(new Event('visibilitychange'))"
    region = window.page.get_by_role("region", name="Viktigt meddelande")
    await expect(region).to_have_count(0)
    await declare(site, crisis())
    await window.page.evaluate(back)
    await expect(region.get_by_role("alert")).to_contain_text(WATER)
    assert await window.wrong_for_accessibility() == []
    await declare(site, "")
    await window.page.evaluate(back)
    await expect(region).to_have_count(0)
    await context.close()
