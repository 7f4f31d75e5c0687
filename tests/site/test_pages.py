"""The plain pages: all there, linked, light, readable by everybody and by machines."""

import html
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from playwright.async_api import Browser, expect

from bot.content.load import load
from bot.settings import ROOT
from tests.conftest import until
from tests.site.conftest import LOST, PUBLIC, SPACED, Site, Window, serving

CONTENT = load(ROOT / "content")
ANSWERS = [f"/fragor/{name}" for name in CONTENT.entries]
ENGLISH = [f"/en/questions/{name}" for lang, name in CONTENT.translations if lang == "en"]
PAGES = [
    *("/", "/fragor", "/fragor?for=foretag", "/sok", "/sok?q=oppetider", "/sok?q=xyzzy", "/chatt"),
    *("/en/questions", "/finns-inte", *(f"/{name}" for name in CONTENT.pages)),
    *(*ANSWERS, *ENGLISH),
]
WEIGHT = 60_000


async def test_every_link_on_the_site_leads_to_a_page(site: Site) -> None:
    found = await site.pages()  # fails at a page that isn't there
    assert set(found) >= {*ANSWERS, *ENGLISH, *(f"/{name}" for name in CONTENT.pages), "/sok"}


async def test_every_inner_link_of_the_content_leads_to_a_page(site: Site) -> None:
    texts = [path.read_text("utf-8") for path in (ROOT / "content").rglob("*.*")]
    inner = {link for text in texts for link in re.findall(r"(?:\]\(|url: )(/[^\s)]*)", text)}
    assert {"/om", "/fragor/overby"} <= inner
    for link in inner:
        await site.text(link)


async def test_every_fragment_is_there(site: Site) -> None:
    listed = await site.text("/fragor")
    for path in ANSWERS[:10]:
        [topic] = re.findall(r'href="/fragor#([^"]+)"', await site.text(path))
        assert f'id="{topic}"' in listed


@pytest.mark.parametrize("entry", CONTENT.entries.values(), ids=lambda entry: str(entry.id))
async def test_an_answer_is_whole(site: Site, entry: object) -> None:
    one = CONTENT.entries[entry.id]  # type: ignore[attr-defined]
    page = await site.text(f"/fragor/{one.id}")
    assert f'<link rel="canonical" href="{PUBLIC}/fragor/{one.id}">' in page
    assert f'<time datetime="{one.reviewed}">' in page
    for name in one.source:
        assert CONTENT.sources[name].url.replace("&", "&amp;") in page
    for other in one.related:
        assert f'href="/fragor/{other}"' in page
    for link in one.links:
        assert f'href="{link.url.replace("&", "&amp;")}"' in page
    [data] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
    [question] = json.loads(data)["mainEntity"]
    assert question["name"] == one.title
    assert question["acceptedAnswer"]["text"].startswith("<p>")
    assert "{{" not in page


async def test_pages_in_two_languages_know_each_other(site: Site) -> None:
    swedish, english = "/fragor/overby", "/en/questions/overby"
    for path in (swedish, english):
        page = await site.text(path)
        for lang, twin in (("sv", swedish), ("en", english)):
            assert f'<link rel="alternate" hreflang="{lang}" href="{PUBLIC}{twin}">' in page
    assert '<html lang="en">' in await site.text(english)
    assert "hreflang" not in (await site.text("/fragor/lagesbild")).split("</head>")[0]
    await site.text("/en/questions/lagesbild", 404)


async def test_answers_are_chosen_by_reader(site: Site) -> None:
    businesses = await site.text("/fragor?for=foretag")
    assert "/fragor/kostnad-och-krav" in businesses and "/fragor/psykisk-kris" not in businesses
    everything = await site.text("/fragor?for=%3Cb%3E")
    assert all(f'href="{path}"' in everything for path in ANSWERS)


async def test_the_map_of_the_site_names_every_page(site: Site) -> None:
    async with site.http.get("/sitemap.xml") as response:
        assert response.content_type == "application/xml"
        root = ET.fromstring(await response.text())
    listed = {node.text for node in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")}
    pages = {path for path in await site.pages() if "?" not in path} - {"/sok"}
    assert listed == {PUBLIC + path for path in pages}
    async with site.http.get("/robots.txt") as response:
        rules = await response.text()
    assert f"Sitemap: {PUBLIC}/sitemap.xml" in rules and "Disallow: /api/" in rules


async def test_a_page_that_is_not_there_shows_the_way(site: Site) -> None:
    for path in ("/finns-inte", "/fragor/finns-inte", "/en/questions/finns-inte", "/a/b/c"):
        page = await site.text(path, 404)
        assert "Sidan finns inte" in page and 'href="/fragor"' in page
    async with site.http.get("/finns-inte") as response:  # a program
        assert response.content_type == "application/problem+json"


async def test_settings_are_told_as_they_are(tmp_path: Path) -> None:
    async with serving(tmp_path, session_hours=3, interest_months=7, max_text=1234) as site:
        privacy, about = await site.text("/integritet"), await site.text("/om")
    privacy = html.unescape(privacy).replace("\u00a0", " ")
    assert "raderas 3 timmar efter" in privacy and "raderas 7 månader efter" in privacy
    assert "högst 1\u00a0234\u00a0tecken" in html.unescape(about) and "{" not in about


async def test_an_edit_is_seen_within_seconds_and_found(site: Site) -> None:
    page, answer = site.content / "pages" / "om.md", site.content / "faq" / "overby.md"
    before = {path: path.read_text("utf-8") for path in (page, answer)}
    page.write_text(before[page].replace("Assistenten är en maskin", "Kvacksalvaren är en maskin"))
    answer.write_text(before[answer].replace("bilträffar", "bilträffar och sjöröveri"))

    async def changed() -> bool:
        return (
            "Kvacksalvaren" in await site.text("/om")
            and "sjöröveri" in await site.text("/fragor/overby")
            and "/fragor/overby" in await site.text("/sok?q=sjöröveriet")
        )

    try:
        await until(changed)
        page.write_text(before[page].replace("title: ", "titel: "))

        async def told() -> bool:
            async with site.http.get("/readyz") as response:
                return "content/pages/om.md" in str((await response.json())["content_faults"])

        await until(told)
        assert "Kvacksalvaren" in await site.text("/om")  # the last whole version
    finally:
        for path, text in before.items():
            path.write_text(text)

    async def healed() -> bool:
        return "Kvacksalvaren" not in await site.text("/om")

    await until(healed)


@pytest.fixture(scope="module")
async def reader(browser: Browser, site: Site) -> Window:
    """A window that must never complain nor talk to anybody else."""
    context = await browser.new_context(locale="sv-SE", viewport={"width": 1280, "height": 900})
    return Window(await context.new_page(), site.base)


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_for_everybody_and_light(reader: Window, path: str) -> None:
    """axe and nothing lost, large and at 400 %, light and dark; weight; nothing from others."""
    page, sizes = reader.page, []
    page.on("requestfinished", listener := lambda request: sizes.append(request))
    reader.complaints.clear()
    await page.goto(reader.base + path)
    page.remove_listener("requestfinished", listener)
    weights = [(await request.sizes())["responseBodySize"] for request in sizes]
    assert sum(weights) <= WEIGHT, weights
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    for width, height in ((1280, 900), (320, 256)):  # 320 × 256: 1280 × 1024 at 400 %
        await page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            assert await reader.wrong_for_accessibility() == [], (width, scheme)
        assert await page.evaluate(LOST) == [] and await page.evaluate(wide) == 0
    await page.evaluate(SPACED)
    assert await page.evaluate(LOST) == [] and await page.evaluate(wide) == 0
    assert await page.evaluate("document.getAnimations().length") == 0
    complaints = [text for text in reader.complaints if "404" not in text or path != "/finns-inte"]
    assert complaints == [] and reader.strangers == []


@pytest.mark.parametrize("path", ["/fragor/overby", "/foretag", "/sok?q=tips", "/en/questions"])
async def test_a_page_works_without_style_and_script(
    browser: Browser, site: Site, path: str
) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.route("**/*.css*", lambda route: route.abort())
    await page.goto(site.base + path)
    assert await page.locator("h1").count() == 1
    await expect(page.locator("main")).to_be_visible()
    await context.close()


async def test_print_leaves_out_what_paper_cannot_do(reader: Window) -> None:
    page = reader.page
    await page.goto(f"{reader.base}/fragor/overby")
    await page.emulate_media(media="print")
    for hidden in (".ways", ".next", ".foot nav"):
        await expect(page.locator(hidden)).to_be_hidden()
    await expect(page.locator(".text")).to_be_visible()
    link = page.locator(".text a[href^=http]").first
    shown = await link.evaluate("node => getComputedStyle(node, '::after').content")
    assert "https://" in shown or "attr(href)" in shown
    await page.emulate_media(media="screen")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_forced_colours_keep_the_buttons(reader: Window, scheme: str) -> None:
    page = reader.page
    await page.emulate_media(forced_colors="active", color_scheme=scheme)  # type: ignore[arg-type]
    await page.goto(f"{reader.base}/foretag")
    width = await page.locator(".button").first.evaluate(
        "node => getComputedStyle(node).borderWidth"
    )
    assert width == "2px"
    await page.emulate_media(forced_colors="none")


async def test_the_join_button_opens_the_form_in_the_chat(reader: Window) -> None:
    page = reader.page
    await page.goto(f"{reader.base}/foretag")
    await page.get_by_role("link", name="Lämna intresseanmälan i chatten").click()
    await expect(reader.questions).to_have_text(["Du:Lämna intresseanmälan"])
    assert page.url == f"{reader.base}/"
    await expect(reader.answers).to_have_count(2)
    await page.reload()  # asks nothing again
    await expect(reader.questions).to_have_count(1)


async def test_a_link_can_ask_nothing_but_our_own_questions(site: Site) -> None:
    assert 'data-ask="Vad hände vid Överby?"' in await site.text("/?fraga=overby")
    for evil in ("finns-inte", "%22%3E%3Cscript%3E", "Ring+mig"):
        assert "data-ask" not in await site.text(f"/?fraga={evil}")
