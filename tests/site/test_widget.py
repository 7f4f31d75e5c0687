"""The widget <kontakt-chat> on somebody else's page, with that page's own strict rules."""

import asyncio
import gzip
import json
import os
import re
import shutil
import statistics
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from playwright.async_api import Browser, BrowserContext, Locator, Route, expect

from bot.content.load import load
from bot.settings import ROOT
from tests.conftest import Service, free_port, until
from tests.site.conftest import SPACED, Window

OVERBY = "Vad hände vid Överby?"
HOURS = "När har kontaktcenter öppet?"
OPEN = "måndag–fredag kl. 8.00–16.30"
FILE = ROOT / "bot" / "site" / "static" / "kontakt-chat.js"
LARGEST = 25_000  # bytes, gzipped

PAGE = """<!doctype html>
<html lang="{lang}">
<head><meta charset="utf-8"><title>En annan sida</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css">
<script src="/before.js"></script>
{script}</head>
<body><main><h1>En annan sida</h1><p>Text som var här först.</p>
<p><a href="#slut">En länk</a></p><p id="slut">Mer text.</p></main>
{element}
</body></html>"""
# a page that does what it can to get in the way
CSS = """html { font-size: 62.5%; } body { font: 1.6rem sans-serif; margin: 2rem; }
button, p, a, textarea { all: unset; color: red !important; font-size: 40px !important; }
@media (prefers-color-scheme: dark) { body { background: #111; color: #eee; } a { color: #9cf } }"""
CALM = """body { font: 1.1rem/1.6 sans-serif; margin: 2rem auto; padding: 0 1rem; max-width: 60rem }
@media (prefers-color-scheme: dark) { body { background: #111; color: #eee; } a { color: #9cf } }"""
BEFORE = """window.keysBefore = Object.getOwnPropertyNames(window);
window.shifts = 0;
new PerformanceObserver((list) => { for (const e of list.getEntries()) window.shifts += e.value; })
  .observe({ type: "layout-shift", buffered: true });"""


def policy(service: str) -> str:
    """The least that a page must allow: the script, its calls, and the name of its policy."""
    return (
        f"default-src 'none'; script-src 'self' {service}; connect-src {service}; "
        "style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types kontakt-chat"
    )


class Site:
    """A page of somebody else's. What it doesn't have itself it fetches from the service."""

    def __init__(self, service: str, port: int, script: str = "") -> None:
        self.service, self.port = service, port
        self.base = f"http://127.0.0.1:{port}"
        self.script, self.rules = script or "/static/kontakt-chat.js", policy(script and service)
        if not script:
            self.rules = policy("'self'")
        self.element, self.lang, self.css = "<kontakt-chat></kontakt-chat>", "sv", CSS

    async def start(self) -> "Site":
        """Listen."""
        self.http = ClientSession(self.service)
        app = web.Application()
        app.router.add_get("/", self._page)
        app.router.add_get("/page.css", self._style)
        app.router.add_get("/before.js", self._script)
        app.router.add_route("*", "/{rest:(api|static)/.*}", self._pass_on)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port).start()
        return self

    async def stop(self) -> None:
        """Close."""
        await self.http.close()
        await self.runner.cleanup()

    async def _page(self, request: web.Request) -> web.Response:
        script = f'<script src="{self.script}" defer></script>'
        html = PAGE.format(lang=self.lang, script=script, element=self.element)
        headers = {"Content-Security-Policy": self.rules}
        return web.Response(text=html, content_type="text/html", headers=headers)

    async def _style(self, request: web.Request) -> web.Response:
        return web.Response(text=self.css, content_type="text/css")

    async def _script(self, request: web.Request) -> web.Response:
        return web.Response(text=BEFORE, content_type="text/javascript")

    async def _pass_on(self, request: web.Request) -> web.Response:
        headers = {
            name: request.headers[name]
            for name in ("Authorization", "Content-Type")
            if name in request.headers
        }
        body = await request.read()
        async with self.http.request(
            request.method, request.path_qs, data=body or None, headers=headers
        ) as answer:
            kept = {k: v for k, v in answer.headers.items() if k in ("Content-Type", "Retry-After")}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)


class Widget(Window):
    """The widget in a window. Playwright's locators see into its shadow root."""

    @property
    def launcher(self) -> Locator:
        """The button in the corner."""
        return self.page.locator("kontakt-chat .launcher")

    @property
    def panel(self) -> Locator:
        """The chat."""
        return self.page.locator("kontakt-chat .panel")

    async def load(self, base: str) -> "Widget":
        """Go to the page."""
        await self.page.goto(base)
        await expect(self.launcher).to_be_visible()
        return self

    async def open(self) -> "Widget":
        """Press the button and wait for the greeting."""
        await self.launcher.click()
        await expect(self.answers.first).to_contain_text("automatisk assistent")
        return self

    async def _new(self, before: int) -> Locator:
        await expect(self.answers.nth(before)).to_be_visible(timeout=15_000)
        await expect(self.page.locator("kontakt-chat .typing")).to_be_empty()
        return self.answers.nth(before)

    async def tool(self, title: str) -> None:
        """Press a button under "Fler val"."""
        if not await self.page.locator(".more[open]").count():
            await self.page.get_by_text("Fler val").click()
        await self.page.get_by_role("button", name=title, exact=True).click()

    async def stored(self) -> dict[str, Any]:
        """All that the page's localStorage holds."""
        return dict(await self.page.evaluate("({...localStorage})"))


@pytest.fixture
async def site(service: Service) -> AsyncIterator[Site]:
    """A page that embeds the widget."""
    made = await Site(service.base, free_port()).start()
    yield made
    await made.stop()


@pytest.fixture
async def widget(context: BrowserContext, site: Site) -> AsyncIterator[Widget]:
    """The page with the widget, not yet opened. It must never complain nor talk to others."""
    loaded = await Widget(await context.new_page(), site.base).load(site.base)
    yield loaded
    assert loaded.complaints == []
    assert loaded.strangers == []


# -- The file --


def test_the_built_file_is_what_the_sources_give(tmp_path: Path) -> None:
    """`make widget` again, from the locked esbuild, gives the committed file byte for byte."""
    assert shutil.which("npm"), "npm saknas. Installera Node 20 eller nyare, så byggs rutan om här."
    folder = tmp_path / "widget"
    shutil.copytree(ROOT / "widget", folder, ignore=shutil.ignore_patterns("node_modules"))
    subprocess.run(["npm", "ci", "--silent"], cwd=folder, check=True)
    built = tmp_path / "kontakt-chat.js"
    subprocess.run(["node", "build.mjs", str(built)], cwd=folder, check=True)
    assert built.read_bytes() == FILE.read_bytes(), "make widget"


def test_the_file_is_small() -> None:
    assert len(gzip.compress(FILE.read_bytes(), 9)) <= LARGEST


def test_the_widget_and_the_content_say_the_same_about_data() -> None:
    """The service sends the notice once; after a reload the widget has its own copy."""
    said = load(ROOT / "content").phrases["sv"].phrases["notice"].text.strip()
    assert f'notice: "{said}"' in (ROOT / "widget" / "src" / "words.js").read_text("utf-8")


def test_the_lock_names_no_hosts() -> None:
    assert "://" not in re.sub(
        r'"funding".*?}', "", (ROOT / "widget" / "package-lock.json").read_text(), flags=re.S
    )


# -- On the page --


async def test_loading_it_asks_for_nothing_stores_nothing_and_moves_nothing(
    widget: Widget,
) -> None:
    asked: list[str] = []
    widget.page.on("request", lambda request: asked.append(request.url))
    await widget.page.reload()
    await expect(widget.launcher).to_be_visible()
    await widget.page.wait_for_timeout(300)
    assert not [url for url in asked if "/api/" in url]
    assert await widget.stored() == {}
    assert await widget.page.evaluate("window.shifts") == 0


async def test_nothing_global_is_left_behind(widget: Widget) -> None:
    await widget.open()
    await widget.ask(HOURS)
    left = await widget.page.evaluate(
        "Object.getOwnPropertyNames(window).filter((name) => !keysBefore.includes(name))"
    )
    own = {"keysBefore", "shifts", "slut"}
    assert [name for name in left if name not in own and "playwright" not in name.lower()] == []


async def test_it_stands_apart_from_the_style_of_the_page(widget: Widget) -> None:
    await widget.open()
    style = "(node) => [getComputedStyle(node).fontSize, getComputedStyle(node).color]"
    assert await widget.answers.first.locator("p").last.evaluate(style) == [
        "16px",
        "rgb(27, 38, 40)",
    ]
    assert await widget.page.locator("kontakt-chat [style]").count() == 0


async def test_the_page_chooses_colours(widget: Widget) -> None:
    await widget.page.evaluate(
        "document.querySelector('kontakt-chat').style.setProperty('--kontakt-accent', '#005500')"
    )
    colour = await widget.launcher.evaluate("(node) => getComputedStyle(node).backgroundColor")
    assert colour == "rgb(0, 85, 0)"


async def test_it_says_that_it_is_a_machine_and_where_help_is(widget: Widget) -> None:
    await widget.open()
    await expect(widget.panel).to_contain_text("automatisk assistent, inte med en person")
    await expect(widget.panel.locator(".notice")).to_contain_text("Du skriver med en maskin")
    call = widget.panel.locator(".sos").get_by_role("link", name="ring 112")
    await expect(call).to_have_attribute("href", "tel:112")
    await expect(call).to_be_in_viewport()


# -- Talking --


async def test_a_question_and_its_answer(widget: Widget) -> None:
    await widget.open()
    answer = await widget.ask(HOURS)
    await expect(widget.questions.last).to_contain_text(HOURS)
    await expect(answer).to_contain_text(OPEN)
    await expect(widget.field).to_be_empty()
    await expect(widget.field).to_be_focused()


async def test_choices_stay_usable(widget: Widget) -> None:
    await widget.open()
    await widget.ask(OVERBY)
    more = await widget.press("Läs mer")
    await expect(more).to_contain_text("Så beskrev staden läget under 2020")
    first = widget.answers.first.get_by_role("button", name=HOURS)
    await first.dblclick()
    await expect(widget.answers.last).to_contain_text(OPEN)
    await expect(widget.questions).to_have_count(3)


async def test_sources_with_dates_and_targets(widget: Widget) -> None:
    await widget.open()
    answer = await widget.ask(OVERBY)
    sources = answer.locator(".sources")
    await expect(sources.locator("li").first).to_be_hidden()
    await sources.locator("summary").click()
    await expect(sources).to_contain_text("granskad 2022-05-04")
    link = sources.get_by_role("link").first
    await expect(link).to_have_attribute("href", re.compile(r"^https://www\.trollhattan\.se/"))
    await expect(link).to_contain_text("(trollhattan.se)")


async def test_a_person_is_one_press_away(widget: Widget) -> None:
    await widget.open()
    await widget.panel.locator(".human").click()
    await expect(widget.questions.last).to_contain_text("Prata med en människa")
    await expect(widget.answers.last).to_contain_text("0520-49 50 00")


async def test_the_opening_state_is_seen_and_asked_for_each_time(widget: Widget) -> None:
    line = widget.panel.locator(".opening")
    await widget.open()
    await expect(line).to_have_text("Kontaktcenter är öppet till kl. 16.30.")

    async def evening(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, json={**await answer.json(), "opening": "Stängt."})

    await widget.page.route("**/api/chat/status?lang=sv", evening)
    await widget.page.locator("kontakt-chat .close").click()
    await widget.launcher.click()
    await expect(line).to_have_text("Stängt.")


async def test_feedback_with_a_line(widget: Widget) -> None:
    posted: list[Any] = []
    widget.page.on(
        "request",
        lambda r: posted.append(r.post_data_json) if r.url.endswith("feedback") else None,
    )
    await widget.open()
    answer = await widget.ask(OVERBY)
    await answer.get_by_role("button", name="Nej", exact=True).click()
    await expect(answer.get_by_text("Tack för ditt svar.")).to_be_visible()
    await answer.get_by_label("Vill du säga något mer?").fill("För kort svar")
    await answer.get_by_role("button", name="Skicka kommentar").click()
    await expect(answer.locator(".comment")).to_have_count(0)
    no = answer.get_by_role("button", name="Nej", exact=True)
    await expect(no).to_have_attribute("aria-pressed", "true")
    await expect(no).to_be_focused()
    assert [(one["helpful"], one.get("comment")) for one in posted] == [
        (False, None),
        (False, "För kort svar"),
    ]


async def test_the_conversation_can_be_downloaded(widget: Widget) -> None:
    await widget.open()
    await widget.ask(HOURS)
    async with widget.page.expect_download() as download:
        await widget.tool("Ladda ner samtalet")
    text = await asyncio.to_thread((await (await download.value).path()).read_text, "utf-8")
    assert HOURS in text and OPEN in text


async def test_erasing_erases_here_and_there(widget: Widget, service: Service) -> None:
    await widget.open()
    await widget.ask(HOURS)
    [kept] = (await widget.stored()).values()
    token = json.loads(kept)["token"]
    assert set(json.loads(kept)) == {"token", "until"}, "no more is remembered"
    await widget.tool("Avsluta eller radera")
    assert await widget.wrong_for_accessibility() == []
    await widget.page.get_by_role("button", name="Radera", exact=True).click()
    await expect(widget.panel.get_by_text("Samtalet är raderat.")).to_be_visible()
    await expect(widget.questions).to_have_count(0)
    gone = await widget.page.request.get(
        f"{service.base}/api/chat/messages", headers={"Authorization": f"Bearer {token}"}
    )
    assert gone.status == 401
    answer = await widget.ask(HOURS)
    await expect(answer).to_contain_text(OPEN)


async def test_ending_forgets_on_this_device(widget: Widget) -> None:
    await widget.open()
    await widget.ask(HOURS)
    before = await widget.stored()
    await widget.tool("Avsluta eller radera")
    await widget.page.get_by_role("button", name="Avsluta", exact=True).click()
    await expect(widget.panel.get_by_text("Samtalet är avslutat.")).to_be_visible()
    await expect(widget.questions).to_have_count(0)
    assert await widget.stored() != before


async def test_a_reload_keeps_the_conversation(widget: Widget) -> None:
    await widget.open()
    await widget.ask(OVERBY)
    bubbles = widget.page.locator("kontakt-chat .bubble")
    said = await bubbles.all_inner_texts()
    await widget.page.reload()
    await widget.open()
    await expect(bubbles).to_have_count(len(said))
    assert await bubbles.all_inner_texts() == said
    more = await widget.press("Läs mer")
    await expect(more).to_contain_text("Så beskrev staden läget under 2020")


async def test_a_conversation_is_forgotten_when_its_time_is_over(widget: Widget) -> None:
    await widget.open()
    await widget.ask(HOURS)
    await widget.page.evaluate(
        "for (const [key, value] of Object.entries(localStorage))"
        " localStorage[key] = JSON.stringify({...JSON.parse(value), until: Date.now() - 1})"
    )
    await widget.page.reload()
    await widget.open()
    await expect(widget.questions).to_have_count(0)


async def test_two_tabs_share_the_conversation(
    widget: Widget, context: BrowserContext, site: Site
) -> None:
    await widget.open()
    await widget.ask(HOURS)
    other = await Widget(await context.new_page(), site.base).load(site.base)
    await other.open()
    await expect(other.questions).to_have_count(1)
    await other.ask(OVERBY)
    await expect(widget.questions).to_have_count(2)
    await expect(widget.answers.last).to_contain_text("Överby")
    await expect(widget.questions.nth(1)).to_contain_text(OVERBY)
    await other.tool("Avsluta eller radera")
    await other.page.get_by_role("button", name="Radera", exact=True).click()
    await expect(widget.questions).to_have_count(0)
    await expect(widget.answers).to_have_count(1)  # a new greeting
    await expect(await widget.ask(HOURS)).to_contain_text(OPEN)
    await expect(other.questions).to_have_count(1)
    assert other.complaints == []


async def test_the_page_can_choose_the_first_question(context: BrowserContext, site: Site) -> None:
    for topic, asked in (("overby", None), ("Var ligger kontaktcenter?", "Var ligger")):
        site.element = f'<kontakt-chat topic="{topic}"></kontakt-chat>'
        page = await context.new_page()
        widget = await Widget(page, site.base).load(site.base)
        await widget.launcher.click()
        await expect(widget.answers).to_have_count(2, timeout=15_000)
        await expect(widget.questions).to_have_count(1)
        await expect(widget.answers.last).to_contain_text("Gärdhemsvägen" if asked else "Överby")
        await page.reload()
        await widget.launcher.click()
        await expect(widget.answers).to_have_count(2)
        await page.wait_for_timeout(300)
        await expect(widget.questions).to_have_count(1)  # not asked again
        await page.evaluate("localStorage.clear()")
        await page.close()


async def test_the_page_can_choose_what_is_suggested(context: BrowserContext, site: Site) -> None:
    site.element = '<kontakt-chat context="kungsgatan"></kontakt-chat>'
    widget = await Widget(await context.new_page(), site.base).load(site.base)
    await widget.open()
    first = widget.answers.first.locator(".choices button").first
    await expect(first).to_contain_text("Kungsgatan")
    await expect(await widget.press(await first.inner_text())).to_contain_text("Kungsgatan")


async def test_in_english(context: BrowserContext, site: Site) -> None:
    site.element = '<kontakt-chat lang="en"></kontakt-chat>'
    widget = await Widget(await context.new_page(), site.base).load(site.base)
    await expect(widget.launcher).to_have_text("Ask the contact centre")
    await widget.launcher.click()
    await expect(widget.answers.first).to_contain_text("automated assistant, not a human")
    await expect(widget.panel.locator(".sos")).to_contain_text("call 112")
    opening = widget.panel.locator(".opening")
    await expect(opening).to_have_text("The contact centre is open until 16:30.")
    await widget.panel.locator(".human").click()
    await expect(widget.answers.nth(1)).to_contain_text("0520-49 50 00")
    await expect(widget.answers.nth(1).locator(".bubble")).to_have_attribute("lang", "en")
    assert await widget.wrong_for_accessibility() == []


async def test_an_answer_in_arabic_runs_from_right_to_left(widget: Widget) -> None:
    await widget.open()
    answer = await widget.ask("متى يفتح مركز الاتصال؟ أريد أن أزوركم")
    bubble = answer.locator(".bubble")
    await expect(bubble).to_have_attribute("lang", "ar")
    await expect(bubble).to_have_attribute("dir", "rtl")
    assert await bubble.evaluate("(node) => getComputedStyle(node).direction") == "rtl"
    assert await widget.wrong_for_accessibility() == []


# -- When something is broken --


async def test_offline_and_back(context: BrowserContext, site: Site) -> None:
    widget = await Widget(await context.new_page(), site.base).load(site.base)
    await widget.open()
    await context.set_offline(True)
    await widget.field.fill(HOURS)
    await widget.field.press("Enter")
    await expect(widget.questions.last).to_contain_text("Kunde inte skickas.")
    await expect(widget.questions.last.get_by_role("button", name="Försök igen")).to_be_visible()
    await context.set_offline(False)  # sent by itself
    await expect(widget.answers.nth(1)).to_contain_text(OPEN)
    await expect(widget.questions).to_have_count(1)
    await expect(widget.questions.last.locator(".state")).to_be_empty()


async def test_an_answer_that_got_lost_is_asked_for_again_but_counted_once(
    widget: Widget,
) -> None:
    sent: list[str] = []

    async def lose_the_first(route: Route) -> None:
        sent.append(route.request.post_data_json["client_id"])
        if len(sent) == 1:
            await route.fetch()  # the service has it
            await route.abort()
        else:
            await route.continue_()

    await widget.open()
    await widget.page.route("**/api/chat/messages", lose_the_first)
    await widget.field.fill(HOURS)
    await widget.field.press("Enter")
    await widget.questions.last.get_by_role("button", name="Försök igen").click()
    await expect(widget.answers.nth(1)).to_contain_text(OPEN)
    assert len(sent) == 2 and len(set(sent)) == 1
    widget.complaints.clear()  # the browser's own word about the aborted call
    await widget.page.unroute("**/api/chat/messages")
    await widget.page.reload()
    await widget.open()
    await expect(widget.questions).to_have_count(1)
    await expect(widget.answers).to_have_count(2)


async def test_a_slow_answer_is_excused(widget: Widget) -> None:
    async def slow(route: Route) -> None:
        await asyncio.sleep(5)
        await route.continue_()

    await widget.open()
    await widget.page.route("**/api/chat/messages", slow)
    await widget.field.fill(HOURS)
    await widget.field.press("Enter")
    await expect(widget.questions.last).to_contain_text("Skickas …")
    typing = widget.page.locator("kontakt-chat .typing")
    await expect(typing).to_have_text("Assistenten skriver …")
    await expect(typing).to_have_text("Det tar lite längre tid än vanligt.", timeout=6_000)
    await expect(widget.answers.nth(1)).to_contain_text(OPEN, timeout=10_000)
    await expect(typing).to_be_empty()


async def test_too_fast_waits_and_sends_by_itself(widget: Widget) -> None:
    calls = 0

    async def too_many(route: Route) -> None:
        nonlocal calls
        calls += 1
        if calls > 1:
            return await route.continue_()
        await route.fulfill(
            status=429,
            headers={"Retry-After": "1", "Content-Type": "application/problem+json"},
            body=json.dumps({"detail": "Vänta 1 sekunder."}),
        )

    await widget.open()
    await widget.page.route("**/api/chat/messages", too_many)
    await widget.field.fill(HOURS)
    await widget.field.press("Enter")
    await expect(widget.questions.last).to_contain_text("skickas om 1 sekunder")
    await expect(widget.answers.nth(1)).to_contain_text(OPEN)
    widget.complaints.clear()  # the browser's own word about 429


async def test_a_conversation_that_has_ended_begins_anew_by_itself(
    widget: Widget, service: Service
) -> None:
    await widget.open()
    await widget.ask(OVERBY)
    [kept] = (await widget.stored()).values()
    await widget.page.request.delete(
        f"{service.base}/api/chat/session",
        headers={"Authorization": f"Bearer {json.loads(kept)['token']}"},
    )
    await widget.field.fill(HOURS)
    await widget.field.press("Enter")
    await expect(widget.answers.last).to_contain_text(OPEN)
    await expect(widget.questions).to_have_text(re.compile(re.escape(HOURS)))
    await expect(widget.panel.get_by_text("Ett nytt har börjat.")).to_be_visible()
    widget.complaints.clear()  # the browser's own word about 401


async def test_a_service_that_is_away_is_admitted(widget: Widget) -> None:
    await widget.page.route("**/api/chat/**", lambda route: route.abort())
    await widget.page.evaluate(
        "document.querySelector('kontakt-chat').setAttribute('phone', '0520-49 50 00')"
    )
    await widget.launcher.click()
    await expect(widget.panel).to_contain_text("går inte att nå just nu")
    await expect(widget.panel).to_contain_text("0520-49 50 00")
    await expect(widget.panel.locator(".sos")).to_contain_text("ring 112")
    await widget.page.unroute("**/api/chat/**")
    await widget.page.get_by_role("button", name="Försök igen").click()
    await expect(widget.answers.first).to_contain_text("automatisk assistent")
    widget.complaints.clear()  # the browser's own word about the aborted calls


@pytest.mark.parametrize("evil", ["<img src=x onerror=alert(1)>", "[x](javascript:alert(1))"])
async def test_html_in_a_message_stays_text(widget: Widget, evil: str) -> None:
    await widget.open()
    await widget.ask(evil)
    await expect(widget.questions.last.locator(".bubble")).to_have_text(evil)
    assert (
        await widget.page.locator("kontakt-chat .bubble :is(img, script, [href^=java])").count()
        == 0
    )


async def test_html_of_a_service_gone_bad_is_not_believed(widget: Widget) -> None:
    async def bad(route: Route) -> None:
        answer = await route.fetch()
        data = await answer.json()
        data["messages"][0]["html"] = (
            '<p onclick="x()">Hej <b>du</b><script>window.cracked=1</script></p>'
            '<a href="javascript:window.cracked=1">dit</a><iframe src="/"></iframe>'
        )
        await route.fulfill(response=answer, json=data)

    await widget.page.route("**/api/chat/sessions", bad)
    await widget.launcher.click()
    bubble = widget.answers.first.locator(".bubble")
    await expect(bubble).to_contain_text("Hej du")
    assert await bubble.locator("script, iframe, a, [onclick], b").count() == 0
    assert await widget.page.evaluate("window.cracked") is None
    widget.complaints.clear()  # the browser's own word about the handler it didn't run


async def test_a_page_that_allows_no_policy_gets_plain_text(
    context: BrowserContext, site: Site
) -> None:
    site.rules = site.rules.replace("trusted-types kontakt-chat", "trusted-types 'none'")
    widget = await Widget(await context.new_page(), site.base).load(site.base)
    await widget.launcher.click()
    await expect(widget.launcher).to_be_hidden()
    await expect(widget.answers.first).to_contain_text("automatisk assistent")


# -- For everybody --


async def test_everything_can_be_done_with_the_keyboard(widget: Widget) -> None:
    press = widget.page.keyboard.press
    focused = """() => {
        let at = document.activeElement;
        while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
        return at.id || at.getAttribute("aria-label") || at.innerText || at.tagName;
    }"""

    async def to(wanted: str, key: str = "Tab") -> None:
        for _ in range(25):
            if await widget.page.evaluate(focused) == wanted:
                return
            await press(key)
        raise AssertionError(f"{wanted} is never reached")

    await to("Fråga kontaktcenter")
    await press("Enter")
    await expect(widget.field).to_be_focused()
    await expect(widget.answers).to_have_count(1)  # who is quicker than the greeting gets none
    await widget.page.keyboard.type(OVERBY)
    await press("Enter")
    await expect(widget.answers).to_have_count(2)
    await to("Läs mer", "Shift+Tab")
    await press("Space")
    await expect(widget.answers).to_have_count(3)
    # Focus goes to the new answer, so that reading and tabbing go on from there
    await expect(widget.answers.nth(2).locator(".who")).to_be_focused()
    await to("Fler val")
    await press("Enter")
    await to("Avsluta eller radera")
    await press("Enter")
    await expect(widget.page.get_by_role("dialog")).to_be_visible()
    assert await widget.page.evaluate(focused) == "Tillbaka"
    await press("Escape")  # only the question goes
    await expect(widget.page.get_by_role("dialog")).to_be_hidden()
    await expect(widget.panel).to_be_visible()
    await press("Escape")
    await expect(widget.panel).to_be_hidden()
    await expect(widget.launcher).to_be_focused()


async def test_focus_is_always_seen(widget: Widget) -> None:
    await widget.open()
    await widget.ask(OVERBY)
    await widget.page.locator("kontakt-chat h2").first.focus()
    hidden = """() => {
        const root = document.querySelector("kontakt-chat").shadowRoot, at = root.activeElement;
        if (!at) return "";
        const box = at.getBoundingClientRect();
        const y = box.y + Math.min(box.height / 2, 20);
        const hit = root.elementFromPoint(box.x + box.width / 2, y);
        const style = getComputedStyle(at);
        const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
        const seen = hit && (at.contains(hit) || hit.contains(at));
        return seen && ring ? "" : at.outerHTML.slice(0, 80);
    }"""
    for _ in range(25):
        await widget.page.keyboard.press("Tab")
        assert await widget.page.evaluate(hidden) == ""


async def test_the_rest_of_the_page_stays_in_reach(widget: Widget) -> None:
    """It is no modal dialog: focus and clicks go to the page too."""
    await widget.open()
    await widget.page.get_by_role("link", name="En länk").click()
    await expect(widget.panel).to_be_visible()
    await widget.page.locator("kontakt-chat .close").click()
    await expect(widget.panel).to_be_hidden()


async def test_answers_are_announced_and_named(widget: Widget) -> None:
    await widget.open()
    await widget.ask(HOURS)
    log = widget.page.get_by_role("log", name="Samtal")
    await expect(log).to_have_attribute("aria-live", "polite")
    await expect(log.locator(".who")).to_have_text(["Assistenten:", "Du:", "Assistenten:"])
    await expect(
        widget.page.get_by_role("complementary", name="Chatt med kontaktcenter")
    ).to_be_visible()
    # what was said before a reload is no news
    await widget.page.reload()
    await widget.launcher.click()
    await expect(widget.answers).to_have_count(2)
    assert await log.get_attribute("aria-live") == "off"
    await expect(log).to_have_attribute("aria-live", "polite")


async def test_a_new_answer_shows_on_the_closed_chat(widget: Widget) -> None:
    async def slow(route: Route) -> None:
        await asyncio.sleep(1)
        await route.continue_()

    await widget.open()
    await widget.page.route("**/api/chat/messages", slow)
    await widget.field.fill(HOURS)
    await widget.field.press("Enter")
    await widget.field.press("Escape")
    await expect(widget.launcher).to_have_text("Nytt svar")
    await widget.launcher.click()
    await expect(widget.answers.last).to_contain_text(OPEN)


async def test_reading_aloud_is_off_until_asked_for(widget: Widget) -> None:
    await widget.page.evaluate(
        "{ window.spoken = []; speechSynthesis.speak = (a) => spoken.push([a.lang, a.text]); 0 }"
    )
    await widget.open()
    await widget.ask(HOURS)
    assert await widget.page.evaluate("spoken.length") == 0
    await widget.tool("Läs upp svaren")
    await widget.ask("Vilket telefonnummer har kontaktcenter?")
    spoken = await widget.page.evaluate("spoken")
    assert [lang for lang, _ in spoken] == ["sv", "sv"]
    hours, phone = (text.replace("\u00a0", " ") for _, text in spoken)
    assert OPEN in hours and "0520-49 50 00" in phone


async def wide(widget: Widget) -> list[str]:
    """What sticks out of the window."""
    return list(
        await widget.page.evaluate(
            """[...document.querySelector("kontakt-chat").shadowRoot.querySelectorAll("*")].filter(
                (node) => node.checkVisibility() && !node.closest(".vh") &&
                    (node.getBoundingClientRect().right > innerWidth + 1 ||
                     node.getBoundingClientRect().left < -1)
            ).map((node) => node.outerHTML.slice(0, 80))"""
        )
    )


@pytest.mark.parametrize(("width", "height"), [(320, 640), (320, 256), (390, 844), (1280, 900)])
async def test_it_fits(widget: Widget, width: int, height: int) -> None:
    """320 × 256 is a window of 1280 × 1024 at 400 %."""
    await widget.page.set_viewport_size({"width": width, "height": height})
    await widget.open()
    await widget.ask(OVERBY)
    await widget.ask("a" * 300)
    assert await wide(widget) == []
    field = widget.field
    await field.scroll_into_view_if_needed()
    await expect(field).to_be_in_viewport()
    await expect(widget.panel.locator(".sos a")).to_be_in_viewport(ratio=0.9)
    inside = "document.documentElement.scrollWidth <= innerWidth"
    assert await widget.page.evaluate(inside)
    box = await widget.panel.bounding_box()
    assert box and (width > 480 or (box["width"], box["height"]) == (width, height))


async def test_spaced_out_text_still_fits(widget: Widget) -> None:
    """WCAG 1.4.12: what the reader sets on every element comes in by inheritance."""
    await widget.page.set_viewport_size({"width": 390, "height": 844})
    await widget.open()
    await widget.ask(OVERBY)
    await widget.page.evaluate(SPACED)
    spacing = "(node) => parseFloat(getComputedStyle(node).letterSpacing)"
    for part in (".bubble", ".human", "textarea"):
        assert await widget.panel.locator(part).first.evaluate(spacing) > 1
    assert await wide(widget) == []


@pytest.mark.parametrize("touch", [False, True])
async def test_targets_are_big_enough(browser: Browser, site: Site, touch: bool) -> None:
    context = await browser.new_context(
        locale="sv-SE", viewport={"width": 390, "height": 844}, has_touch=touch, is_mobile=touch
    )
    widget = await Widget(await context.new_page(), site.base).load(site.base)
    await widget.open()
    await widget.ask(OVERBY)
    await widget.page.get_by_text("Fler val").click()
    least = 44 if touch else 24
    for control in await widget.page.locator("kontakt-chat :is(button, summary)").all():
        box = await control.bounding_box()
        if box:
            assert box["height"] >= least - 0.5 and box["width"] >= least - 0.5, (
                await control.inner_text()
            )
    await context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
async def test_axe_finds_nothing(widget: Widget, scheme: str, width: int) -> None:
    await widget.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await widget.page.set_viewport_size({"width": width, "height": 844})
    assert await widget.wrong_for_accessibility() == []
    await widget.open()
    assert await widget.wrong_for_accessibility() == []
    answer = await widget.ask(OVERBY)
    await answer.locator(".sources summary").click()
    await answer.get_by_role("button", name="Ja", exact=True).click()
    await expect(answer.get_by_text("Tack för ditt svar.")).to_be_visible()
    await widget.ask("det brinner i huset hjälp")
    await widget.field.fill("å" * 1001)
    await widget.page.get_by_text("Fler val").click()
    assert await widget.wrong_for_accessibility() == []


async def test_forced_colours_keep_the_shapes(widget: Widget) -> None:
    await widget.page.emulate_media(forced_colors="active")
    border = "(node) => parseFloat(getComputedStyle(node).borderTopWidth)"
    assert await widget.launcher.evaluate(border) == 2
    await widget.open()
    await widget.ask(HOURS)
    assert await widget.questions.last.locator(".bubble").evaluate(border) == 2


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
async def test_reduced_motion_means_none(widget: Widget, motion: str) -> None:
    async def slow(route: Route) -> None:
        await asyncio.sleep(1)
        await route.continue_()

    await widget.page.emulate_media(reduced_motion=motion)  # type: ignore[arg-type]
    await widget.open()
    await widget.page.route("**/api/chat/messages", slow)
    await widget.field.fill(HOURS)
    await widget.field.press("Enter")
    await expect(widget.page.locator("kontakt-chat .typing")).to_have_text("Assistenten skriver …")
    moving = """[...document.querySelector("kontakt-chat").shadowRoot.querySelectorAll("*")]
        .filter((node) => node.getAnimations().length).length"""
    assert await widget.page.evaluate(moving) == (0 if motion == "reduce" else 1)
    await expect(widget.answers.last).to_contain_text(OPEN)


# -- Speed, and another origin --


async def test_an_answer_is_painted_at_once(widget: Widget) -> None:
    """At most 100 ms (median) from the response to the frame that shows it."""
    await widget.open()
    await widget.page.evaluate(
        """() => {
            const log = document.querySelector("kontakt-chat").shadowRoot.querySelector(".log");
            window.painted = [];
            new MutationObserver((changes) => {
                const answer = changes.some(({ addedNodes }) =>
                    [...addedNodes].some((node) => node.matches?.(".assistant")));
                // the frame after the next one begins when this one has been drawn
                if (answer) requestAnimationFrame(() => requestAnimationFrame(() =>
                    painted.push(performance.now())));
            }).observe(log, { childList: true });
        }"""
    )
    took = []
    for number, question in enumerate((HOURS, OVERBY, "Var ligger kontaktcenter?"), 1):
        await widget.ask(question)

        async def painted(number: int = number) -> bool:
            # not wait_for_function: it polls with eval, which the page's policy forbids
            return bool(await widget.page.evaluate(f"painted.length === {number}"))

        await until(painted)
        took.append(
            await widget.page.evaluate(
                "painted.at(-1) - performance.getEntriesByType('resource')"
                ".filter(({ name }) => name.endsWith('/messages')).at(-1).responseEnd"
            )
        )
    print(f"painted after {[round(ms) for ms in took]} ms")
    assert statistics.median(took) <= 100


@pytest.mark.timeout(600)
async def test_on_another_origin(browser: Browser, mailing: Service, elsewhere: int) -> None:
    """One script tag on a page of another origin, which KONTAKT_EMBED_ORIGINS allows."""
    script = f"{mailing.base}/static/kontakt-chat.js"
    site = await Site(mailing.base, elsewhere, script).start()
    context = await browser.new_context(locale="sv-SE")
    try:
        widget = await Widget(await context.new_page(), mailing.base).load(site.base)
        widget.strangers.clear()
        await widget.open()
        answer = await widget.ask(HOURS)
        await expect(answer).to_contain_text(OPEN)
        await widget.page.reload()
        await widget.open()
        await expect(widget.questions).to_have_count(1)
        await widget.tool("Avsluta eller radera")
        await widget.page.get_by_role("button", name="Radera", exact=True).click()
        await expect(widget.panel.get_by_text("Samtalet är raderat.")).to_be_visible()
        assert await context.cookies() == []
        assert widget.complaints == []
        # only the page itself and the service
        assert [url for url in widget.strangers if not url.startswith(site.base)] == []
    finally:
        await context.close()
        await site.stop()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "width", "height"), [("telefon", 390, 844), ("dator", 1280, 900)])
async def test_it_looks_right(
    widget: Widget, site: Site, name: str, width: int, height: int, scheme: str
) -> None:
    """With KONTAKT_SCREENSHOTS=1: the pictures for docs/."""
    site.css = CALM
    await widget.page.reload()
    await widget.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await widget.page.set_viewport_size({"width": width, "height": height})
    await widget.open()
    answer = await widget.ask(OVERBY)
    await expect(answer).to_be_in_viewport()
    tone = "mork" if scheme == "dark" else "ljus"
    if os.environ.get("KONTAKT_SCREENSHOTS"):
        await widget.page.wait_for_timeout(300)
    await widget.picture(f"widget-{name}-{tone}.png")
