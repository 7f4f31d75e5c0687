"""The web application with its staff pages, on a database of its own, without Rasa."""

import html
import io
import re
import shutil
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from argon2 import PasswordHasher
from playwright.async_api import Browser, async_playwright

from bot.__main__ import main
from bot.keys import DATABASE, LOCKOUT, REGISTRY
from bot.participation.expression import Consent, Expression, Submission
from bot.participation.registry import Filter, Registry
from bot.settings import Settings, settings
from bot.staff import accounts
from bot.store import audit
from bot.store import transcript_models as _known_too  # noqa: F401
from bot.store.models import Base
from bot.web import application
from tests.site.conftest import ARGUMENTS

PASSWORD = "häst batteri klammer rätt"
FLOWERS = Expression(
    area="sylte",
    where="vid torget i Sylte",
    concerns=("stold", "otrygghet"),
    words="Det stjäls varje vecka",
    kind="butik",
    company="Blomsterhörnan i Sylte AB",
    org_number="5560360793",
    person="Anna Ek",
    role="butikschef",
    email="anna@blomsterhornan.se",
    phone="+46701234567",
    channel="telefon",
)
CONSENT = Consent("att staden ska kunna kontakta er", "Får staden spara?", "2026-11-25")


@dataclass
class Page:
    """An answer as a browser without JavaScript gets it."""

    status: int
    source: str
    headers: Any
    path: str

    @property
    def text(self) -> str:
        """What stands on it, without tags."""
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", self.source)).split())

    @property
    def token(self) -> str:
        """The token of its forms."""
        return next(iter(re.findall(r'name="nyckel" value="([^"]*)"', self.source)), "")

    @property
    def written(self) -> str:
        """What stands in its text field."""
        found = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", self.source, re.DOTALL)
        return html.unescape(found[1]) if found else ""


class Visitor:
    """Somebody with a browser, cookies and all."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.http = http
        self.page = Page(0, "", {}, "")

    async def get(self, path: str, **options: Any) -> Page:
        """Open a page, following redirects."""
        async with self.http.get(path, **options) as response:
            return await self._seen(response)

    async def post(self, path: str, headers: Mapping[str, str] = {}, /, **fields: str) -> Page:
        """Send a form with the token of the page that was seen last."""
        data = {"nyckel": self.page.token, **fields}
        origin = {"Origin": str(self.http._base_url).rstrip("/")}
        async with self.http.post(path, data=data, headers={**origin, **headers}) as r:
            return await self._seen(r)

    async def _seen(self, response: aiohttp.ClientResponse) -> Page:
        text = await response.text()
        self.page = Page(response.status, text, response.headers, response.url.path)
        return self.page

    async def sign_in(self, name: str, password: str = PASSWORD, **fields: str) -> Page:
        """Open the form and send it."""
        await self.get("/personal/logga-in")
        return await self.post("/personal/logga-in", namn=name, losenord=password, **fields)


class Office:
    """The running application, its registry, and visitors."""

    def __init__(self, app: web.Application, server: TestServer, conf: Settings) -> None:
        self.app, self.server, self.conf = app, server, conf
        self.base = str(server.make_url("/")).rstrip("/")
        self.open: list[aiohttp.ClientSession] = []

    @property
    def registry(self) -> Registry:
        """The expressions of interest."""
        return self.app[REGISTRY]

    async def user(self, name: str, role: str = accounts.ADMIN) -> None:
        """Somebody who may sign in with PASSWORD."""
        await accounts.add(self.app[DATABASE], name, PASSWORD, role)

    async def stranger(self) -> Visitor:
        """A new browser."""
        jar = aiohttp.CookieJar(unsafe=True)  # cookies of 127.0.0.1 too
        self.open.append(aiohttp.ClientSession(self.base, cookie_jar=jar))
        return Visitor(self.open[-1])

    async def staff(self, name: str = "anna", role: str = accounts.ADMIN) -> Visitor:
        """A browser in which a new user is signed in."""
        await self.user(name, role)
        visitor = await self.stranger()
        page = await visitor.sign_in(name)
        assert page.path == "/personal/samtal", page.text
        return visitor

    async def case(
        self, conversation: str = "s-1", flags: tuple[str, ...] = (), **told: Any
    ) -> str:
        """A new expression of interest; its reference."""
        key = f"key {len(await self.registry.cases(Filter()))}"
        one = FLOWERS.changed(**told)
        stored = await self.registry.store(Submission(key, one, CONSENT, conversation, flags))
        return stored.reference

    async def audited(self, about: str) -> list[tuple[str, str]]:
        """Who did what, oldest first."""
        return [(row.who, row.what) for row in await audit.told_of(self.app[DATABASE], about)]


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """The application on a free port. Once a module: it reads all of the content."""
    folder = tmp_path_factory.mktemp("office")
    conf = Settings(data_dir=folder / "var", key_file=folder / "data.key", limits="off")
    app = application(conf)
    with pytest.MonkeyPatch.context() as patch:
        # hundreds of sign-ins: the real cost is tested in test_accounts.py
        patch.setattr(accounts, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8192))
        accounts._nobody.cache_clear()
        async with TestServer(app) as server:
            yield Office(app, server, conf)
    accounts._nobody.cache_clear()


@pytest.fixture
async def office(running: Office) -> AsyncIterator[Office]:
    """The application, with nobody and nothing in it."""
    yield running
    for http in running.open:
        await http.close()
    running.open.clear()
    running.app[LOCKOUT]._tries.clear()
    async with running.app[DATABASE].begin() as db:
        for table in reversed(Base.metadata.sorted_tables):
            await db.execute(table.delete())


class Bot:
    """`python -m bot …` in this process, with a database of its own and a pipe for a keyboard."""

    def __init__(
        self, folder: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
    ) -> None:
        self.folder, self._patch, self._capture = folder, patch, capture

    def __call__(self, *arguments: str, typed: str = "") -> tuple[int, str]:
        """The exit code, and all that was printed."""
        self._patch.setattr(sys, "argv", ["bot", *arguments])
        self._patch.setattr(sys, "stdin", io.StringIO(typed))
        self._capture.readouterr()
        code = main()
        printed = self._capture.readouterr()
        return code, printed.out + printed.err


@pytest.fixture
def bot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Bot]:
    """The command line."""
    monkeypatch.setenv("KONTAKT_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("KONTAKT_KEY_FILE", str(tmp_path / "data.key"))
    settings.cache_clear()
    yield Bot(tmp_path, monkeypatch, capsys)
    settings.cache_clear()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium, else Playwright's own. Without one the tests fail."""
    installed = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=installed, args=ARGUMENTS)
        yield started
        await started.close()
