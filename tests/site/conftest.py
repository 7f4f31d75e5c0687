"""A real browser in front of the real service."""

import html
import json
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from aiosmtpd.controller import Controller
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Request,
    async_playwright,
    expect,
)

from bot.settings import ROOT, Settings
from bot.web import application
from tests.conftest import Service, free_port, start_service, stop_service
from tests.participation.conftest import Post

AXE = Axe().axe_script
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
PUBLIC = "https://fraga.example.se"
PICTURES = ROOT / "docs" / "bilder"
LOST = """() => [...document.querySelectorAll("body *")].filter((node) => {
    if (node.closest(".vh, .skip, [hidden], noscript, script")) return false;
    const box = node.getBoundingClientRect(), style = getComputedStyle(node);
    const outside = box.width > 0 && (box.right > innerWidth + 1 || box.left < -1);
    const cut = !["visible", "auto"].includes(style.overflowX) && node.tagName !== "TEXTAREA" &&
        (node.scrollWidth > node.clientWidth + 1 || node.scrollHeight > node.clientHeight + 1);
    return outside || cut;
}).map((node) => node.outerHTML.slice(0, 80))"""
"""What can't be read without scrolling sideways, or not at all."""
SPACED = """() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important;
        word-spacing: .16em !important } p { margin-bottom: 2em !important }`);
    document.adoptedStyleSheets = [sheet];
}"""
"""WCAG 1.4.12, through the style sheets' interface: the page's rules forbid a new <style>."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


expect.set_options(timeout=20_000)
"""Milliseconds: a busy machine takes more than Playwright's five seconds for a first answer."""


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium, else Playwright's own. Without one the tests fail."""
    installed = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=installed, args=ARGUMENTS)
        yield started
        await started.close()


class Window:
    """A resident's browser window on the chat page, and all that it has asked for and said."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        page.on("console", lambda m: self.complaints.append(m.text) if m.type != "log" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).netloc not in (urlsplit(self.base).netloc, ""):
            self.strangers.append(request.url)

    async def open(self) -> "Window":
        """Go to the page and wait for the greeting."""
        await self.page.goto(self.base)
        await expect(self.answers.first).to_contain_text("automatisk assistent")
        return self

    @property
    def answers(self) -> Locator:
        """What the assistant has said."""
        return self.page.locator(".msg.assistant")

    @property
    def questions(self) -> Locator:
        """What the resident has said."""
        return self.page.locator(".msg.user")

    @property
    def field(self) -> Locator:
        """Where the resident writes."""
        return self.page.get_by_label("Skriv din fråga")

    async def ask(self, text: str) -> Locator:
        """Type and press Enter; the first new answer."""
        before = await self.answers.count()
        await self.field.fill(text)
        await self.field.press("Enter")
        return await self._new(before)

    async def press(self, title: str) -> Locator:
        """Press the last button with a title; the first new answer."""
        before = await self.answers.count()
        await self.page.get_by_role("button", name=title, exact=True).last.click()
        return await self._new(before)

    async def _new(self, before: int) -> Locator:
        await expect(self.answers.nth(before)).to_be_visible(timeout=15_000)
        await expect(self.page.locator("#typing")).to_be_empty()
        return self.answers.nth(before)

    async def wrong_for_accessibility(self) -> list[str]:
        """What axe finds, with the places."""
        options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
        if await self.page.evaluate("typeof axe === 'undefined'"):
            await self.page.evaluate(AXE)
        found: dict[str, Any] = await self.page.evaluate("(how) => axe.run(document, how)", options)
        assert len(found["passes"]) > 10, "axe has looked at the page"
        return [f"{v['id']}: {[n['target'] for n in v['nodes']]}" for v in found["violations"]]

    async def picture(self, name: str) -> None:
        """Save a picture for docs/ when KONTAKT_SCREENSHOTS is set."""
        if os.environ.get("KONTAKT_SCREENSHOTS"):
            PICTURES.mkdir(parents=True, exist_ok=True)
            picture = await self.page.screenshot(
                path=PICTURES / name, animations="disabled", caret="hide"
            )
            assert len(picture) < 200_000


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A private window, as on a computer."""
    made = await browser.new_context(locale="sv-SE", viewport={"width": 1280, "height": 900})
    yield made
    await made.close()


@pytest.fixture
async def window(context: BrowserContext, service: Service) -> AsyncIterator[Window]:
    """The chat page, open. It must never complain nor talk to anybody else."""
    opened = await Window(await context.new_page(), service.base).open()
    yield opened
    assert opened.complaints == []
    assert opened.strangers == []


@dataclass
class Site:
    """The site without Rasa, on a copy of the content."""

    base: str
    content: Path
    http: aiohttp.ClientSession

    async def text(self, path: str, status: int = 200) -> str:
        """A page as a browser gets it."""
        async with self.http.get(path, headers={"Accept": "text/html"}) as response:
            assert response.status == status, path
            return await response.text()

    async def pages(self) -> list[str]:
        """Every page of the site that a link leads to, found by following all of them."""
        found, waiting = ["/"], ["/"]
        while waiting:
            for href in re.findall(r'<a [^>]*href="(/[^"]*)"', await self.text(waiting.pop())):
                path = html.unescape(href).partition("#")[0]
                if path not in found:
                    found.append(path)
                    waiting.append(path)
        return found


@asynccontextmanager
async def serving(folder: Path, **settings: Any) -> AsyncIterator[Site]:
    """The web application with some settings, without Rasa."""
    content = folder / "content"
    if not content.exists():
        shutil.copytree(ROOT / "content", content)
    known = {"limits": "off", "public_url": PUBLIC, **settings}
    conf = Settings(content_dir=content, data_dir=folder, rasa_port=free_port(), **known)
    server = TestServer(application(conf))
    await server.start_server()
    base = str(server.make_url("")).rstrip("/")
    jar = aiohttp.CookieJar(unsafe=True)  # the address is a number
    async with aiohttp.ClientSession(base, cookie_jar=jar) as http:
        yield Site(base, content, http)
    await server.close()


@pytest.fixture(scope="session")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """One site for all tests that leave it as it was."""
    async with serving(tmp_path_factory.mktemp("site")) as started:
        yield started


AREA_MAIL, ALL_MAIL = "overby@staden.example.se", "alla@staden.example.se"


@pytest.fixture(scope="session")
def post() -> Iterator[tuple[Post, str]]:
    """A mail server and its address."""
    received, port = Post(), free_port()
    controller = Controller(received, hostname="127.0.0.1", port=port)
    controller.start()
    yield received, f"smtp://127.0.0.1:{port}"
    controller.stop()


@pytest.fixture(scope="session")
def elsewhere() -> int:
    """The port of a page on another origin that may show the chat."""
    return free_port()


@pytest.fixture(scope="session")
def mailing(
    tmp_path_factory: pytest.TempPathFactory, post: tuple[Post, str], elsewhere: int
) -> Iterator[Service]:
    """A service that may send e-mail and be shown elsewhere."""
    started = start_service(
        tmp_path_factory.mktemp("mailing"),
        KONTAKT_LIMITS="off",
        KONTAKT_SMTP_URL=post[1],
        KONTAKT_MAIL_FROM="kontaktcenter@staden.example.se",
        KONTAKT_RECIPIENTS=json.dumps({"*": ALL_MAIL, "overby": AREA_MAIL}),
        KONTAKT_EMBED_ORIGINS=f"http://127.0.0.1:{elsewhere}",
    )
    yield started
    stop_service(started)
