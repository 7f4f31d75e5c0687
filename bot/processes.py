"""`bot run`: action server, Rasa and gateway as one service that starts, watches and stops."""

import asyncio
import contextlib
import ctypes
import os
import secrets
import signal
import socket
import sys
import time
import webbrowser
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from bot import rasa_project
from bot.content.load import ContentError, load
from bot.settings import ROOT, Settings
from bot.store.vault import KeyProblem, vault

T = TypeVar("T")
READY_SECONDS = 120
STOP_SECONDS = 8
RESTARTS, RESTART_WINDOW = 5, 300  # so many restarts within so many seconds is a broken child
PR_SET_PDEATHSIG = 1


class CannotRun(Exception):
    """The service can't go on; the message says what to do."""


@dataclass
class Child:
    """One process: how it is started, where it answers when it is ready."""

    name: str
    command: list[str]
    environment: dict[str, str]
    ready_url: str
    log: Path
    process: asyncio.subprocess.Process | None = None
    starts: deque[float] = field(default_factory=lambda: deque(maxlen=RESTARTS))

    async def start(self) -> None:
        """Start it in a process group of its own that dies with us."""
        self.starts.append(time.monotonic())
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command, cwd=ROOT, env=self.environment, stdin=asyncio.subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True, preexec_fn=die_with_parent,
            )  # fmt: skip

    async def ready(self, http: aiohttp.ClientSession) -> None:
        """Wait until it answers. Raises CannotRun if it dies or takes too long."""
        assert self.process
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self.process.returncode is not None:
                raise CannotRun(f"{self.name} stannade vid starten.\n{self.tail()}")
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with http.get(self.ready_url) as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.2)
        raise CannotRun(f"{self.name} svarar inte efter {READY_SECONDS} s.\n{self.tail()}")

    async def stop(self) -> None:
        """Ask it to stop, and see to it."""
        process = self.process
        if process is None:
            return
        signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        signal_group(process.pid, signal.SIGKILL)
        await process.wait()

    def tail(self) -> str:
        """The end of its log, and where the rest is."""
        lines = self.log.read_text("utf-8", "replace").strip().splitlines()[-8:]
        return "\n".join([*(f"  | {line[:200]}" for line in lines), f"Hela loggen: {self.log}"])


def run(conf: Settings, open_browser: bool = True) -> int:
    """Train if needed, start everything, keep it running until Ctrl-C or SIGTERM.

    Returns the exit code; every failure has printed one clear message.
    """
    try:
        asyncio.run(_run(conf, open_browser))
    except CannotRun as error:
        print(f"\nDet gick inte: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def children(conf: Settings, model: Path) -> list[Child]:
    """The three processes for these settings and this trained model."""
    logs = conf.data_dir / "log"
    logs.mkdir(parents=True, exist_ok=True)
    own = {**os.environ, **exported(conf), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    local = "http://127.0.0.1"
    rasa = [str(rasa_project.PYTHON), "-m", "bot.nlu.rasa_server", "run",
            "--interface", "127.0.0.1", "--port", str(conf.rasa_port), "--model", str(model),
            "--endpoints", str(rasa_project.endpoints(conf)),
            "--enable-api", "--auth-token", conf.rasa_token]  # fmt: skip
    return [
        Child("Åtgärdsservern", [sys.executable, "-m", "actions"], own,
              f"{local}:{conf.actions_port}/health", logs / "actions.log"),
        Child("Rasa", rasa, rasa_project.environment(conf),
              f"{local}:{conf.rasa_port}/status?token={conf.rasa_token}", logs / "rasa.log"),
        Child("Webbservern", [sys.executable, "-m", "bot", "gateway"], own,
              f"http://{_reachable(conf.host)}:{conf.port}/healthz", logs / "gateway.log"),
    ]  # fmt: skip


def exported(conf: Settings) -> dict[str, str]:
    """Settings that the supervisor may have changed, as environment variables."""
    return {
        "KONTAKT_PORT": str(conf.port),
        "KONTAKT_RASA_PORT": str(conf.rasa_port),
        "KONTAKT_ACTIONS_PORT": str(conf.actions_port),
        "KONTAKT_METRICS_PORT": str(conf.metrics_port),
        "KONTAKT_RASA_TOKEN": conf.rasa_token,
    }


async def _run(conf: Settings, open_browser: bool) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    started: list[Child] = []
    main = asyncio.ensure_future(_serve(conf, open_browser, started))
    stop = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({main, stop}, return_when=asyncio.FIRST_COMPLETED)
        if main.done():
            main.result()
    finally:
        main.cancel()
        with contextlib.suppress(asyncio.CancelledError, CannotRun):
            await main
        stop.cancel()
        if started:
            print("\nStoppar …", flush=True)
        await asyncio.gather(*(child.stop() for child in started))


async def _serve(conf: Settings, open_browser: bool, started: list[Child]) -> None:
    begun = time.monotonic()
    _preflight(conf)
    # Named once: a file edited while the training runs makes the next start train again
    model = rasa_project.serving(conf)
    if not model.exists():
        model = await _progress("Tränar modellen (en till två minuter första gången)", _train())
    if model != rasa_project.model_path():
        print(f"Modellen är {model}, den som befordrades sist.")
    rasa_project.point_at(conf, model, rasa_project.inputs())
    conf = _inner(conf)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http:
        started += children(conf, model)
        for child in started:
            child.log.unlink(missing_ok=True)
            await child.start()
        for child in started:
            await _progress(f"Startar {child.name}", child.ready(http))
        address = f"http://{_reachable(conf.host)}:{conf.port}"
        print(f"\nAssistenten är igång efter {time.monotonic() - begun:.0f} s: {address}")
        print("Avsluta med Ctrl-C.", flush=True)
        if open_browser and sys.stdout.isatty() and _has_browser():
            webbrowser.open(address)
        await asyncio.gather(*(_keep(child, http, conf) for child in started))


async def _keep(child: Child, http: aiohttp.ClientSession, conf: Settings) -> None:
    """Start a dead child again; give up if it keeps dying."""
    while True:
        assert child.process
        code = await child.process.wait()
        signal_group(child.process.pid, signal.SIGKILL)  # what it may have left behind
        recent = [s for s in child.starts if time.monotonic() - s < RESTART_WINDOW]
        if len(recent) >= RESTARTS:
            raise CannotRun(f"{child.name} stannar gång på gång.\n{child.tail()}")
        print(f"{child.name} stannade (kod {code}). Startar om …", flush=True)
        if "--model" in child.command:  # another one may have been promoted meanwhile
            model = rasa_project.running(conf)
            child.command[child.command.index("--model") + 1] = str(model)
        await child.start()
        await child.ready(http)
        print(f"{child.name} är igång igen.", flush=True)


def _preflight(conf: Settings) -> None:
    if not rasa_project.PYTHON.exists():
        raise CannotRun("miljön för Rasa saknas. Kör: make run")
    if fault := rasa_project.language_model_fault() or rasa_project.encoder_fault():
        raise CannotRun(fault)
    try:
        load(conf.content_dir)
    except ContentError as error:
        raise CannotRun(f"innehållet går inte att använda.\n{error}") from None
    try:
        vault(conf)  # makes the key the first time, before two processes want it at once
    except KeyProblem as error:
        raise CannotRun(str(error)) from None
    if not _is_free(conf.host, conf.port):
        raise CannotRun(
            f"port {conf.port} är upptagen. Stäng programmet som använder den, "
            f"eller välj en annan: make run PORT={conf.port + 10}"
        )


def _inner(conf: Settings) -> Settings:
    """A password for Rasa's API, and free ports for inner ones that are taken: nobody but us
    needs to know them."""
    changes: dict[str, object] = {"rasa_token": conf.rasa_token or secrets.token_hex(24)}
    for name in ("rasa_port", "actions_port", "metrics_port"):
        wanted = getattr(conf, name)
        if wanted and not _is_free("127.0.0.1", wanted):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                changes[name] = probe.getsockname()[1]
    return conf.model_copy(update=changes)


async def _train() -> Path:
    try:
        return await asyncio.to_thread(rasa_project.train)
    except rasa_project.TrainingFailed as error:
        raise CannotRun(f"träningen misslyckades.\n{error}\nKör make check.") from None


async def _progress(label: str, work: Coroutine[Any, Any, T]) -> T:
    """Show that a long step goes on: a counter on a terminal, a line now and then elsewhere."""
    task = asyncio.ensure_future(work)
    begun, live = time.monotonic(), sys.stdout.isatty()
    start = "\r" if live else ""
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=0.5 if live else 10)
            seconds = time.monotonic() - begun
            if live or (not task.done()):
                end = "" if live else "\n"
                print(f"{start}{label} … {seconds:.0f} s", end=end, flush=True)
        result = task.result()
        print(f"{start}{label} – klart på {time.monotonic() - begun:.1f} s", flush=True)
        return result
    finally:
        if not task.done():
            task.cancel()


def die_with_parent() -> None:
    """Linux: the kernel stops this process when the supervisor dies, even by kill -9."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _reachable(host: str) -> str:
    return "127.0.0.1" if host == "0.0.0.0" else host


def _has_browser() -> bool:
    if sys.platform == "linux":
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True
