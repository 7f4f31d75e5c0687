"""The real service for tests: trained model, Rasa, action server and gateway on free ports."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.settings import ROOT

# no test may make or read the key of whoever runs it
os.environ["KONTAKT_KEY_FILE"] = os.path.join(tempfile.mkdtemp(prefix="kontakt-key-"), "data.key")
NOW = "2026-11-23T10:00:00+01:00"  # a Monday morning, kontaktcenter is open
START_SECONDS = 290


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Service:
    """`bot run` as a newcomer starts it, with its own data and a copy of the content."""

    base: str
    data: Path
    content: Path
    metrics: str
    process: subprocess.Popen[bytes]
    output: Path

    def children(self, what: str) -> list[int]:
        """Process ids of this service's children whose command line holds `what`."""
        found = subprocess.run(
            ["pgrep", "-P", str(self.process.pid), "-f", what], capture_output=True, text=True
        )
        return [int(pid) for pid in found.stdout.split()]

    def said(self) -> str:
        """What the supervisor has printed."""
        return self.output.read_text("utf-8")


def start_service(folder: Path, root: Path = ROOT, **environment: str) -> Service:
    """Start the whole service in a folder and wait until it says that it runs.

    `root` may be another copy of the project, to be changed.
    """
    content, data, output = folder / "content", folder / "var", folder / "output.txt"
    shutil.copytree(root / "content", content)
    port, metrics = free_port(), free_port()
    env = {
        **os.environ,
        "KONTAKT_PORT": str(port),
        "KONTAKT_RASA_PORT": str(free_port()),
        "KONTAKT_ACTIONS_PORT": str(free_port()),
        "KONTAKT_METRICS_PORT": str(metrics),
        "KONTAKT_DATA_DIR": str(data),
        "KONTAKT_CONTENT_DIR": str(content),
        "KONTAKT_KEY_FILE": str(folder / "data.key"),
        "KONTAKT_NOW": NOW,
        **environment,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "run", "--no-browser"],
        cwd=root, env=env, stdout=output.open("wb"), stderr=subprocess.STDOUT,
    )  # fmt: skip
    service = Service(
        f"http://127.0.0.1:{port}", data, content, f"http://127.0.0.1:{metrics}", process, output
    )
    deadline = time.monotonic() + START_SECONDS
    while "är igång efter" not in service.said():
        assert process.poll() is None, service.said()
        assert time.monotonic() < deadline, service.said()
        time.sleep(0.2)
    return service


def stop_service(service: Service) -> int:
    """Ctrl-C, and the exit code."""
    service.process.send_signal(signal.SIGINT)
    return service.process.wait(30)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service without limits for all tests that don't break it."""
    started = start_service(tmp_path_factory.mktemp("service"), KONTAKT_LIMITS="off")
    yield started
    stop_service(started)


class Resident:
    """Somebody who chats through the API."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.http = http
        self.token = ""
        self.opening: dict[str, Any] = {}

    @property
    def auth(self) -> dict[str, str]:
        """The header that names the conversation."""
        return {"Authorization": f"Bearer {self.token}"}

    async def open(self) -> "Resident":
        """Start a conversation."""
        async with self.http.post("/api/chat/sessions") as response:
            assert response.status == 201
            self.opening = await response.json()
        self.token = self.opening["session"]
        return self

    async def send(self, **body: Any) -> list[dict[str, Any]]:
        """Send a message body; the answers."""
        async with self.http.post("/api/chat/messages", json=body, headers=self.auth) as response:
            assert response.status == 200, await response.text()
            return list((await response.json())["messages"])

    async def say(self, text: str) -> str:
        """Type a text; all answers as one text, button titles in brackets."""
        return spoken(await self.send(text=text))

    async def press(self, messages: list[dict[str, Any]], title: str) -> str:
        """Press a button of some answers by its title."""
        choice = next(c for m in messages for c in m["choices"] if c["title"] == title)
        return spoken(await self.send(choice=choice["id"]))


def spoken(messages: list[dict[str, Any]]) -> str:
    """Answers as one text, button titles in brackets."""
    return "\n".join(
        " ".join([m["text"], *(f"[{c['title']}]" for c in m["choices"])]) for m in messages
    )


@pytest.fixture
async def http(service: Service) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the running service."""
    async with aiohttp.ClientSession(service.base) as session:
        yield session


@pytest.fixture
async def resident(http: aiohttp.ClientSession) -> Resident:
    """A resident with an open conversation."""
    return await Resident(http).open()


async def until(condition: Any, seconds: float = 10.0) -> None:
    """Wait until an async condition holds; fails the test when it doesn't in time."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "the condition never came true"
        await asyncio.sleep(0.1)
