"""`bot run` as an operator meets it: what dies comes back, what can't run says why."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from bot.settings import ROOT
from tests.conftest import Resident, Service, free_port, start_service, stop_service, until

DEGRADED = "tekniska problem"


def run_once(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """`bot run` that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "bot", "run", "--no-browser"],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie doesn't)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pids: list[int], seconds: float = 15) -> bool:
    """Whether all processes end within so many seconds."""
    deadline = time.monotonic() + seconds
    while any(alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.fixture(scope="module")
def own_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that may be broken."""
    started = start_service(tmp_path_factory.mktemp("killed"), KONTAKT_LIMITS="off")
    yield started
    if started.process.poll() is None:
        stop_service(started)


@pytest.mark.heavy
@pytest.mark.parametrize("part", ["bot.nlu.rasa_server", "actions"])
async def test_a_killed_part_gives_the_degraded_answer_and_comes_back(
    own_service: Service, part: str
) -> None:
    async with aiohttp.ClientSession(own_service.base) as http:
        resident = await Resident(http).open()
        assert "Gärdhemsvägen" in await resident.say("vilken adress har ni?")
        (victim,) = own_service.children(part)
        os.kill(victim, signal.SIGKILL)
        answer = await resident.say("berätta om bilträffarna ute på Överby")
        assert DEGRADED in answer
        assert "0520-49 50 00" in answer and "112" in answer and "114 14" in answer
        if part == "bot.nlu.rasa_server":
            emergency = await resident.say("hjälp det brinner i huset")
            assert emergency.startswith("**Ring 112 nu**")

        async def answers() -> bool:
            return "bilträffar" in await resident.say("berätta om bilträffarna ute på Överby")

        await until(answers, 90)
        async with http.get("/api/chat/messages", headers=resident.auth) as response:
            texts = [m["text"] for m in (await response.json())["messages"]]
        assert texts.count("vilken adress har ni?") == 1, "the conversation went on"
        assert "berätta om bilträffarna ute på Överby" in texts, (
            "the message wasn't lost while degraded"
        )


@pytest.mark.heavy
async def test_the_killed_gateway_comes_back_with_the_conversation(own_service: Service) -> None:
    async with aiohttp.ClientSession(own_service.base) as http:
        resident = await Resident(http).open()
        await resident.say("hej")
        (victim,) = own_service.children("bot gateway")
        os.kill(victim, signal.SIGKILL)

        async def back() -> bool:
            try:
                async with http.get("/healthz") as response:
                    return response.status == 200
            except aiohttp.ClientError:
                return False

        await until(back, 30)
        async with http.get("/api/chat/messages", headers=resident.auth) as response:
            assert [m["text"] for m in (await response.json())["messages"]][1] == "hej"
        assert "Gärdhemsvägen" in await resident.say("vilken adress har ni?")


@pytest.mark.heavy
def test_ctrl_c_stops_everything_and_leaves_no_orphans(own_service: Service) -> None:
    children = own_service.children("")
    assert len(children) == 3
    assert stop_service(own_service) == 0
    assert gone(children)


@pytest.mark.heavy
def test_a_killed_supervisor_takes_its_children_along(tmp_path: Path) -> None:
    started = start_service(tmp_path)
    children = started.children("")
    assert len(children) == 3
    started.process.kill()
    started.process.wait()
    assert gone(children)


def test_a_busy_port_is_named_with_the_way_out() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        done = run_once({"KONTAKT_PORT": str(port)})
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"Det gick inte: port {port} är upptagen. Stäng programmet som använder den, "
        f"eller välj en annan: make run PORT={port + 10}"
    )


def test_broken_content_is_named_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "kontaktcenter.yml").write_text("name: [", "utf-8")
    done = run_once({"KONTAKT_PORT": str(free_port()), "KONTAKT_CONTENT_DIR": str(tmp_path)})
    assert done.returncode == 1
    assert "innehållet går inte att använda" in done.stderr
    assert "content/kontaktcenter.yml rad 1" in done.stderr


def test_a_missing_rasa_environment_says_what_to_run() -> None:
    done = run_once({"KONTAKT_PORT": str(free_port()), "KONTAKT_RASA_PYTHON": "/nowhere/python"})
    assert done.returncode == 1
    assert "make run" in done.stderr


@pytest.mark.heavy
def test_a_part_that_dies_at_start_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    done = run_once(
        {
            "KONTAKT_PORT": str(free_port()),
            "KONTAKT_DATA_DIR": str(tmp_path),
            "KONTAKT_RASA_PYTHON": "/bin/false",
        }
    )
    assert done.returncode == 1
    assert "Rasa stannade vid starten" in done.stderr
    assert str(tmp_path / "log" / "rasa.log") in done.stderr
