"""The chat in a browser without JavaScript."""

import re
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.conftest import Service
from tests.site.conftest import Site, Window, serving

COOKIE = "kontakt_chatt"


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A window without JavaScript, on a small screen."""
    context = await browser.new_context(
        java_script_enabled=False, locale="sv-SE", viewport={"width": 390, "height": 844}
    )
    yield await context.new_page()
    await context.close()


@pytest.mark.timeout(400)
async def test_a_whole_conversation(page: Page, service: Service) -> None:
    await page.goto(service.base)
    await page.get_by_role("textbox", name="Skriv din fråga").fill(
        "vilka tider kan jag komma förbi er?"
    )
    await page.get_by_role("button", name="Skicka").click()
    answers, questions = page.locator(".msg.assistant"), page.locator(".msg.user")
    await expect(answers).to_have_count(2)
    await expect(answers.first).to_contain_text("automatisk assistent")
    await expect(answers.last).to_contain_text("måndag–fredag kl. 8.00–16.30")
    assert page.url == f"{service.base}/chatt#senast"
    await page.get_by_role("button", name="Läs mer").last.click()
    await expect(answers).to_have_count(3)
    await expect(answers.last.locator(".source")).to_contain_text("granskad 2022-05-04")
    await page.get_by_label("Skriv din fråga").fill("mitt nummer är 19811218-9876")
    await page.get_by_role("button", name="Skicka").click()
    await expect(questions.last).not_to_contain_text("9876")
    await page.reload()
    await expect(questions).to_have_count(3)
    await page.get_by_role("button", name="Radera samtalet").click()
    await expect(page.get_by_text("Samtalet är raderat.")).to_be_visible()
    await expect(questions).to_have_count(0)
    assert await page.context.cookies() == []


@pytest.mark.timeout(400)
async def test_a_business_sees_what_it_agrees_to(page: Page, service: Service) -> None:
    await page.goto(f"{service.base}/foretag")
    await page.get_by_role("link", name="Lämna intresseanmälan i chatten").click()
    await page.get_by_role("button", name="Skicka").click()
    answers = page.locator(".msg.assistant")
    await expect(answers.last).to_contain_text("Var finns er verksamhet?")
    for text in ("Överby köpcentrum", "stöld", "Lyktan AB, en lampbutik", "Nour Ek, butikschef"):
        await page.get_by_label("Skriv din fråga").fill(text)
        await page.get_by_role("button", name="Skicka").click()
    await page.get_by_label("Skriv din fråga").fill("nour@lyktan.example.se")
    await page.get_by_role("button", name="Skicka").click()
    await expect(answers.last).to_contain_text("nour@lyktan.example.se")
    await expect(answers.last).to_contain_text("Får Trollhättans Stad spara")
    await page.get_by_role("button", name="Nej, spara inget").last.click()
    await expect(page.locator("#senast")).to_contain_text("Nej, spara inget")


async def test_an_answer_is_rated_with_a_line(page: Page, site: Site) -> None:
    await page.goto(f"{site.base}/chatt")
    await page.get_by_role("button", name="När har kontaktcenter öppet?").click()
    answer = page.locator(".msg.assistant").last
    await answer.get_by_role("button", name="Nej", exact=True).click()
    await expect(answer.get_by_text("Tack för ditt svar.")).to_be_visible()
    no, yes = (answer.get_by_role("button", name=name, exact=True) for name in ("Nej", "Ja"))
    await expect(no).to_have_attribute("aria-pressed", "true")
    await expect(yes).to_have_attribute("aria-pressed", "false")
    await expect(answer).to_be_in_viewport()
    await answer.get_by_label("Vill du säga något mer?").fill("Ring mig, 19811218-9876")
    await answer.get_by_role("button", name="Skicka kommentar").click()
    await expect(answer.get_by_label("Vill du säga något mer?")).to_have_count(0)
    with sqlite3.connect(site.content.parent / "kontakt.db") as db:
        [(helpful, comment)] = db.execute(
            "SELECT helpful, comment FROM chat_feedback ORDER BY created_at DESC LIMIT 1"
        ).fetchall()
    assert not helpful and comment.startswith("Ring mig") and "9876" not in comment
    await yes.click()  # the newest word counts
    await expect(yes).to_have_attribute("aria-pressed", "true")


async def test_the_conversation_can_be_downloaded(page: Page, site: Site) -> None:
    await page.goto(f"{site.base}/chatt")
    await expect(page.get_by_role("link", name="Ladda ner samtalet")).to_have_count(0)
    await page.get_by_role("button", name="När har kontaktcenter öppet?").click()
    async with page.expect_download() as waiting:
        await page.get_by_role("link", name="Ladda ner samtalet").click()
    download = await waiting.value
    assert download.suggested_filename == "samtal.txt"
    text = (await download.path()).read_text("utf-8")
    assert "När har kontaktcenter öppet?" in text and "kl. 8.00–16.30" in text


async def test_nobody_rates_or_reads_another_conversation(site: Site) -> None:
    async with site.http.post(
        "/chatt", data={"text": "När har kontaktcenter öppet?"}, headers={"Accept": "text/html"}
    ) as response:
        [mine] = re.findall(r'name="message" value="([^"]+)"', await response.text())
    site.http.cookie_jar.clear()
    rated = {"message": mine, "helpful": "ja"}
    for path, sent in (("/chatt/betyg", rated), ("/chatt/samtal.txt", None)):
        method = "POST" if sent else "GET"
        async with site.http.request(method, path, data=sent, allow_redirects=False) as response:
            assert response.status == 303 and response.headers["Location"] == "/chatt"
    async with site.http.post("/chatt", data={"text": "hej"}) as response:
        assert response.status == 200
    async with site.http.post("/chatt/betyg", data=rated) as response:
        assert response.status == 404
    site.http.cookie_jar.clear()


async def test_the_cookie_is_for_the_chat_only(page: Page, site: Site) -> None:
    for path in ("/", "/fragor", "/chatt"):
        await page.goto(site.base + path)
    assert await page.context.cookies() == []
    await page.get_by_role("button", name="När har kontaktcenter öppet?").click()
    [cookie] = await page.context.cookies(f"{site.base}/chatt")
    assert cookie["name"] == COOKIE and cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    assert cookie["path"] == "/chatt" and cookie["expires"] == -1
    await expect(page.locator(".msg.assistant").last).to_contain_text("kl. 8.00–16.30")


async def test_it_is_for_everybody_to_use(browser: Browser, page: Page, site: Site) -> None:
    await page.goto(f"{site.base}/chatt")
    await page.get_by_role("button", name="När har kontaktcenter öppet?").click()
    await page.get_by_role("button", name="Ja", exact=True).click()
    cookies = await page.context.cookies(f"{site.base}/chatt")
    for scheme in ("light", "dark"):  # axe needs JavaScript, so another window looks at it
        context = await browser.new_context(viewport={"width": 320, "height": 640})
        await context.add_cookies([{**cookie} for cookie in cookies])  # type: ignore[misc]
        window = Window(await context.new_page(), site.base)
        await window.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        await window.page.goto(f"{site.base}/chatt")
        await expect(window.answers).to_have_count(2)
        assert await window.wrong_for_accessibility() == []
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await window.page.evaluate(wide) == 0
        assert window.complaints == []
        await context.close()


async def test_no_other_site_can_write_in_the_name_of_a_resident(site: Site) -> None:
    for path in ("/chatt", "/chatt/betyg", "/chatt/radera"):
        for sent in (
            {"Origin": "https://ond.example.se"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
        ):
            async with site.http.post(path, data={"text": "hej"}, headers=sent) as response:
                assert response.status == 403
                assert COOKIE not in response.cookies


async def test_the_limits_are_those_of_the_api(tmp_path: Path) -> None:
    limits = {"limits": "on", "limit_messages": "2/minute", "limit_sessions": "2/minute"}
    async with serving(tmp_path, **limits) as site:
        html = {"Accept": "text/html"}
        for expected in (200, 200, 429):
            async with site.http.post("/chatt", data={"text": "hej"}, headers=html) as response:
                assert response.status == expected
                page = await response.text()
        assert int(response.headers["Retry-After"]) > 0
        assert "Du skriver lite för snabbt" in page
        site.http.cookie_jar.clear()
        for expected in (200, 429):
            site.http.cookie_jar.clear()
            async with site.http.post("/chatt", data={"text": "hej"}, headers=html) as response:
                assert response.status == expected


async def test_strange_forms_are_calm(site: Site) -> None:
    for data, says in (
        ({"text": ""}, "Jag såg ingen fråga"),
        ({}, "Jag såg ingen fråga"),
        ({"choice": "x" * 300}, "finns inte längre"),
        ({"text": "a" * 1001}, "för långt"),
        ({"text": "/restart"}, ""),
        ({"text": "<script>alert(1)</script>"}, "&lt;script&gt;"),
        ({"text": "\x00\ud83d".encode("utf-8", "replace").decode()}, ""),
    ):
        async with site.http.post("/chatt", data=data) as response:
            page = await response.text()
            assert response.status == 200 and says in page
            assert "<script>alert" not in page
    async with site.http.post("/chatt", data={"text": "a" * 100_000}) as response:
        assert response.status == 413
    async with site.http.post("/chatt", json={"text": "hej"}) as response:
        assert response.status == 415
    site.http.cookie_jar.clear()


async def test_a_form_sent_twice_is_one_message(site: Site) -> None:
    start = await site.text("/chatt")
    [once] = re.findall(r'name="once" value="([^"]+)"', start)[:1]
    for text in ("När har kontaktcenter öppet?", "Var ligger kontaktcenter?"):
        for _ in range(2):
            async with site.http.post("/chatt", data={"text": text, "once": once}) as response:
                page = await response.text()
    assert page.count('<p class="who">Du:</p>') == 2
    site.http.cookie_jar.clear()


async def test_the_cookie_travels_encrypted_behind_a_proxy(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, behind_proxy=True) as site,
        site.http.post(
            "/chatt",
            data={"text": "hej"},
            headers={"X-Forwarded-Proto": "https"},
            allow_redirects=False,
        ) as response,
    ):
        assert response.status == 303 and response.cookies[COOKIE]["secure"]
