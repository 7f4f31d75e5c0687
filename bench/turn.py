"""What a turn costs: our service through its gateway, and Rasa's default pipeline beside it.

`make bench` (or `.venv/bin/python bench/turn.py --help`) measures latency and throughput at 1, 8
and 32 clients, a turn early and late in one conversation, time to ready, training and memory.
Nothing in the working folder is touched: our service runs in a copy under var/bench, trained
there; the stock model is trained once and kept in var/bench under a hash of its inputs.

Both run at the same time and are asked in turn, never at once, so that what else the machine does
falls on both alike; processor time per turn tells the cost free of that. The load is closed: a
client sends its next message as soon as it has the answer. Opening a conversation is not part of
a turn. Client and servers share the machine's cores. A client has conversations of CHAT turns
each, so that the figures are those of a chat of usual length; what a long one costs is measured
apart. Stock Rasa learns the intent `faq` but can't know which entry is meant, so those turns get
the text for an entry that is gone: good for timing, not for quality.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import math
import os
import platform
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import psutil

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parent.parent
RASA_PYTHON = Path(
    os.environ.get("KONTAKT_RASA_PYTHON", ROOT / ".venv-rasa" / "bin" / "python")
).absolute()
RESULTS = ROOT / "bench" / "results"
CACHE = ROOT / "var" / "bench"
NOT_COPIED = {"var", "models", "tests", "docs", "bench", "deploy", "widget"}

CLIENTS = (1, 8, 32)
CHAT = 10  # turns of a conversation under load
WARM_UP = 30  # turns that aren't counted, before everything else
EARLY, LATE = range(6, 15), range(146, 155)  # turns around the 10th and the 150th
REFRESH = range(21, 155, 20)  # where our gateway shortens Rasa's memory (rasa_session_turns = 20)
READY_SECONDS, STOP_SECONDS, ANSWER_SECONDS = 300, 30, 60

# Own sentences, none of them in data/nlu. 7 openings and 20 sentences give 140 texts, so turn 10
# and turn 150 of a conversation are the same text.
OPENINGS = ("", "Hej! ", "Ursäkta, ", "Du, ", "Hallå, ", "En fråga: ", "Snälla, ")
SENTENCES = (
    "hur sent på eftermiddagen tar ni emot besök i receptionen?",
    "kan jag komma förbi en lördag i december?",
    "vilken adress knappar jag in i bilens gps för att nå er?",
    "numret till er växel har jag tappat bort, vad är det?",
    "lampan i gångtunneln vid skolan har varit släckt i veckor, vart vänder jag mig?",
    "någon tog min cykel i natt, hur gör jag nu?",
    "berätta gärna hur butiksägarna på gågatan samarbetar",
    "vad har blivit bättre kring köpcentret sedan bilträffarna?",
    "jag har en liten butik och funderar på att ansluta mig",
    "vad skulle det kosta mitt företag att vara med?",
    "vem ansvarar för vad när det gäller trygghet i stan?",
    "får min faster hjälp på finska hos er?",
    "går det att läsa om samverkan i någon broschyr?",
    "hur lång tid sparar ni det jag skriver i chatten?",
    "jag vill hellre ha en människa i luren",
    "tack, det var precis vad jag behövde",
    "vilket parti borde styra kommunen?",
    "hur söker jag bygglov för ett uterum?",
    "det känns obehagligt att gå genom parken på kvällarna",
    "blorp fnatt kvickerivick",
)

# rasa/engine/recipes/config_files/default_config.yml of Rasa 3.6, in Swedish
STOCK_CONFIG = """\
recipe: default.v1
assistant_id: stock
language: sv
pipeline:
  - name: WhitespaceTokenizer
  - name: RegexFeaturizer
  - name: LexicalSyntacticFeaturizer
  - name: CountVectorsFeaturizer
  - name: CountVectorsFeaturizer
    analyzer: char_wb
    min_ngram: 1
    max_ngram: 4
  - name: DIETClassifier
    epochs: {epochs}
    constrain_similarities: true
  - name: EntitySynonymMapper
  - name: ResponseSelector
    epochs: {epochs}
    constrain_similarities: true
  - name: FallbackClassifier
    threshold: 0.3
    ambiguity_threshold: 0.1
policies:
  - name: MemoizationPolicy
  - name: RulePolicy
  - name: UnexpecTEDIntentPolicy
    max_history: 5
    epochs: {epochs}
  - name: TEDPolicy
    max_history: 5
    epochs: {epochs}
    constrain_similarities: true
"""


class BenchError(Exception):
    """The measurement can't go on; the message says why."""


class TurnFailed(Exception):
    """A turn without a proper answer."""


# --- processes ------------------------------------------------------------------------------------


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**extra: object) -> dict[str, str]:
    """Ours, without what would change the measurement; quiet and without telemetry."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("KONTAKT_")}
    kept.pop("PYTHONPATH", None)
    quiet = {
        "RASA_TELEMETRY_ENABLED": "false",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "PYTHONWARNINGS": "ignore",
        "CUDA_VISIBLE_DEVICES": "",
        "LOG_LEVEL": "WARNING",
        "LOG_LEVEL_LIBRARIES": "ERROR",
    }
    return {**kept, **quiet, **{name: str(value) for name, value in extra.items()}}


@dataclass(frozen=True)
class Running:
    """A process that we started, and where its output goes."""

    command: Sequence[str]
    popen: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        """All that it has printed."""
        return self.log.read_text("utf-8", "replace")

    def check(self) -> None:
        """Raise BenchError if it has ended."""
        if self.popen.poll() is not None:
            tail = "\n".join(self.said().strip().splitlines()[-15:])
            raise BenchError(f"{' '.join(self.command)} slutade:\n{tail}")

    def family(self) -> list[psutil.Process]:
        """The process and all below it."""
        try:
            parent = psutil.Process(self.popen.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


@contextmanager
def process(command: Sequence[str], cwd: Path, env: dict[str, str], log: Path) -> Iterator[Running]:
    """A process that is stopped with all its children when the block ends, however it ends."""
    with log.open("wb") as out:
        popen = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip
    running = Running(command, popen, log)
    try:
        yield running
    finally:
        stop(running)


def stop(running: Running) -> None:
    """Ask it to stop, then make sure that nothing of its family is left."""
    family = running.family()
    if running.popen.poll() is None:
        running.popen.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.popen.wait(STOP_SECONDS)
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    running.popen.wait()


def finish(running: Running) -> "Training":
    """Wait for a process that is to end well; its seconds and those of the processor."""
    begun, spent = time.monotonic(), children_cpu()
    if running.popen.wait() != 0:
        running.check()
    return Training(round(time.monotonic() - begun, 1), round(children_cpu() - spent, 1))


def children_cpu() -> float:
    """Processor seconds of all ended processes below us."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cpu(members: Sequence[psutil.Process]) -> float:
    """Processor seconds of processes so far."""
    return sum(times.user + times.system for times in (m.cpu_times() for m in members))


def machine_busy() -> float:
    """Processor seconds of the whole machine so far."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)


def wait_until(condition: Callable[[], bool], *needed: Running) -> None:
    """Poll until true. Raises BenchError when a needed process ends or time is out."""
    deadline = time.monotonic() + READY_SECONDS
    while not condition():
        for running in needed:
            running.check()
        if time.monotonic() > deadline:
            raise BenchError(f"inte klar efter {READY_SECONDS} s:\n{needed[-1].said()[-2000:]}")
        time.sleep(0.05)


def answers(url: str) -> bool:
    """Whether a GET gives 200."""

    async def get() -> bool:
        timeout = aiohttp.ClientTimeout(total=2)
        async with aiohttp.ClientSession(timeout=timeout) as http, http.get(url) as response:
            return response.status == 200

    try:
        return asyncio.run(get())
    except (aiohttp.ClientError, TimeoutError):
        return False


def memory(members: Sequence[psutil.Process]) -> Json:
    """Resident memory of each process, in MiB. Pages shared by two processes count twice."""
    rows: list[Json] = [
        {"name": process_name(member.cmdline()), "mib": round(member.memory_info().rss / 2**20, 1)}
        for member in members
    ]
    return {"processes": rows, "sum_mib": round(sum(row["mib"] for row in rows), 1)}


def process_name(command: list[str]) -> str:
    """`rasa run` of `python -m rasa run --port …`."""
    words = command[command.index("-m") + 1 :] if "-m" in command else command[:1]
    return " ".join([Path(words[0]).name, *(w for w in words[1:2] if not w.startswith("-"))])


# --- the two services -----------------------------------------------------------------------------


class Client(Protocol):
    """How to talk with one of the two."""

    async def open(self) -> str:
        """Start a conversation; its key."""

    async def say(self, conversation: str, text: str) -> None:
        """One turn. Raises TurnFailed."""


class GatewayClient:
    """Our chat API, as the chat page uses it."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def open(self) -> str:
        async with self._http.post("/api/chat/sessions") as response:
            return str((await response.json())["session"])

    async def say(self, conversation: str, text: str) -> None:
        headers = {"Authorization": f"Bearer {conversation}"}
        body = {"text": text, "client_id": str(uuid.uuid4())}
        async with self._http.post("/api/chat/messages", json=body, headers=headers) as response:
            data = await response.json()
            if response.status != 200 or not data["messages"]:
                raise TurnFailed(response.status)


class RasaClient:
    """Rasa's REST channel without anything before it."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def open(self) -> str:
        return uuid.uuid4().hex

    async def say(self, conversation: str, text: str) -> None:
        body = {"sender": conversation, "message": text}
        async with self._http.post("/webhooks/rest/webhook", json=body) as response:
            # an empty list means that the action server didn't answer
            if response.status != 200 or not await response.json():
                raise TurnFailed(response.status)


@dataclass(frozen=True)
class Service:
    """A service that is ready: how to reach it, its processes, seconds from start to ready."""

    base: str
    client: Callable[[aiohttp.ClientSession], Client]
    processes: tuple[Running, ...]
    ready_s: float
    metrics: str = ""

    def family(self) -> list[psutil.Process]:
        """All its processes."""
        return [member for running in self.processes for member in running.family()]


@dataclass(frozen=True)
class Training:
    """Seconds that a training took, of the clock and the processor; when, if in an earlier run."""

    training_s: float
    training_cpu_s: float
    trained_earlier: str | None = None


def copy_project(target: Path) -> Path:
    """What our service needs, without models, data or environments."""

    def skip(folder: str, names: list[str]) -> set[str]:
        top = Path(folder) == ROOT
        return {n for n in names if n == "__pycache__" or (top and unwanted(n))}

    def unwanted(name: str) -> bool:
        return name.startswith(".") or name in NOT_COPIED

    shutil.copytree(ROOT, target, ignore=skip)
    return target


def train_product(project: Path, scratch: Path) -> Training:
    """`bot train --force` in the copy."""
    command = [sys.executable, "-m", "bot", "train", "--force"]
    with process(command, project, product_environment(scratch), scratch / "train.log") as running:
        return finish(running)


def product_environment(scratch: Path) -> dict[str, str]:
    """Free ports, own data, no limits."""
    return environment(
        KONTAKT_RASA_PYTHON=RASA_PYTHON,
        KONTAKT_LIMITS="off",
        KONTAKT_DATA_DIR=scratch / "data",
        KONTAKT_PORT=free_port(),
        KONTAKT_RASA_PORT=free_port(),
        KONTAKT_ACTIONS_PORT=free_port(),
        KONTAKT_METRICS_PORT=free_port(),
    )


@contextmanager
def product(project: Path, scratch: Path) -> Iterator[Service]:
    """`bot run`, as a newcomer starts it."""
    env = product_environment(scratch)
    command = [sys.executable, "-m", "bot", "run", "--no-browser"]
    begun = time.monotonic()
    with process(command, project, env, scratch / "product.log") as running:
        wait_until(lambda: "är igång efter" in running.said(), running)
        ready = time.monotonic() - begun
        yield Service(
            f"http://127.0.0.1:{env['KONTAKT_PORT']}", GatewayClient, (running,), ready,
            f"http://127.0.0.1:{env['KONTAKT_METRICS_PORT']}/metrics",
        )  # fmt: skip


def stock_project(target: Path, epochs: int) -> Path:
    """Rasa's default configuration on our training data and domain."""
    target.mkdir()
    for name in ("data", "domain"):
        shutil.copytree(ROOT / name, target / name)
    (target / "config.yml").write_text(STOCK_CONFIG.format(epochs=epochs), "utf-8")
    (target / "credentials.yml").write_text("rest:\n", "utf-8")
    return target


def stock_hash(project: Path) -> str:
    """A name for what the stock model is made of: its project and the versions of Rasa's side."""
    digest = hashlib.sha256((ROOT / "requirements" / "rasa.txt").read_bytes())
    for path in sorted(p for p in project.rglob("*") if p.is_file()):
        digest.update(str(path.relative_to(project)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def train_stock(project: Path, epochs: int) -> tuple[Path, Training]:
    """The stock model, trained now or in an earlier run on the same inputs."""
    model = CACHE / f"stock-{epochs}-{stock_hash(project)}.tar.gz"
    note = model.with_name(model.name.replace(".tar.gz", ".json"))
    if model.exists() and note.exists():
        return model, Training(**json.loads(note.read_text("utf-8")))
    progress(f"Tränar Rasas standard med {epochs} epoker (med 100 minst en halvtimme)")
    command = [str(RASA_PYTHON), "-m", "rasa", "train", "--quiet", "--force", "--domain", "domain",
               "--out", str(project / "models"), "--fixed-model-name", "stock"]  # fmt: skip
    with process(command, project, environment(), CACHE / "stock-train.log") as running:
        training = finish(running)
    for old in CACHE.glob(f"stock-{epochs}-*"):
        old.unlink()
    shutil.move(project / "models" / "stock.tar.gz", model)
    stored = asdict(training) | {"trained_earlier": f"{datetime.now():%Y-%m-%d %H:%M}"}
    note.write_text(json.dumps(stored), "utf-8")
    return model, training


@contextmanager
def stock(project: Path, copied: Path, model: Path, scratch: Path) -> Iterator[Service]:
    """`rasa run` with our action server; threads as Rasa chooses them."""
    port, actions_port = free_port(), free_port()
    endpoints = {
        "action_endpoint": {"url": f"http://127.0.0.1:{actions_port}/webhook"},
        "tracker_store": {"type": "SQL", "dialect": "sqlite", "db": str(scratch / "stock.db")},
    }
    (project / "endpoints.yml").write_text(json.dumps(endpoints), "utf-8")  # JSON is YAML
    own = environment(
        KONTAKT_ACTIONS_PORT=actions_port,
        KONTAKT_DATA_DIR=scratch / "stock-data",
        PYTHONPATH=copied,
    )
    command = [str(RASA_PYTHON), "-m", "rasa", "run", "--interface", "127.0.0.1",
               "--port", str(port), "--model", str(model), "--enable-api",
               "--endpoints", "endpoints.yml"]  # fmt: skip
    actions = [sys.executable, "-m", "actions"]
    local, begun = "http://127.0.0.1", time.monotonic()
    with (
        process(actions, copied, own, scratch / "stock-actions.log") as first,
        process(command, project, environment(), scratch / "stock-rasa.log") as second,
    ):
        wait_until(lambda: answers(f"{local}:{actions_port}/health"), first, second)
        wait_until(lambda: answers(f"{local}:{port}/status"), first, second)
        ready = time.monotonic() - begun
        yield Service(f"{local}:{port}", RasaClient, (second, first), ready)


# --- measuring ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Volley:
    """One round of turns by so many clients: milliseconds of each good turn, seconds in all.

    `cpu` is the service's processor seconds, the opening of conversations not among them.
    """

    turns: list[float]
    failed: int
    seconds: float
    cpu: float


def message(number: int) -> str:
    """The text of a turn; repeats after 140."""
    return OPENINGS[number % len(OPENINGS)] + SENTENCES[number % len(SENTENCES)]


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


async def timed(client: Client, conversation: str, text: str) -> float | None:
    """Milliseconds of a turn, None when it failed."""
    begun = time.perf_counter()
    try:
        await client.say(conversation, text)
    except (TurnFailed, aiohttp.ClientError, TimeoutError, ValueError):
        return None
    return (time.perf_counter() - begun) * 1000


async def chats(
    client: Client, conversations: list[str], turns: int, start: int
) -> list[float | None]:
    """One client's turns, CHAT in each conversation."""
    return [
        await timed(client, conversations[turn // CHAT], message(start + turn))
        for turn in range(turns)
    ]


async def volley(service: Service, client: Client, clients: int, turns: int) -> Volley:
    """So many turns shared by the clients. Conversations are opened before the clock starts."""
    share = math.ceil(turns / clients)
    opened = [[await client.open() for _ in range(math.ceil(share / CHAT))] for _ in range(clients)]
    family = service.family()
    spent, begun = cpu(family), time.perf_counter()
    times = await asyncio.gather(
        *(chats(client, own, share, number * 13) for number, own in enumerate(opened))
    )
    seconds = time.perf_counter() - begun
    every = [ms for own in times for ms in own]
    good = [ms for ms in every if ms is not None]
    if not good:
        raise BenchError(f"ingen av {len(every)} turer fick svar")
    return Volley(good, len(every) - len(good), seconds, cpu(family) - spent)


def level(rounds: list[Volley]) -> Json:
    """Medians over the rounds at one number of clients."""

    def median(figure: Callable[[Volley], float]) -> float:
        return round(statistics.median(figure(volley) for volley in rounds), 1)

    return {
        "p50_ms": median(lambda v: percentile(v.turns, 0.5)),
        "p95_ms": median(lambda v: percentile(v.turns, 0.95)),
        "p99_ms": median(lambda v: percentile(v.turns, 0.99)),
        "turns_per_s": median(lambda v: len(v.turns) / v.seconds),
        "cpu_ms_per_turn": median(lambda v: 1000 * v.cpu / len(v.turns)),
        "failed": sum(v.failed for v in rounds),
    }


async def long_conversation(client: Client, start: int) -> list[float | None]:
    """Milliseconds of each turn of one conversation that goes on for long."""
    conversation = await client.open()
    return [
        await timed(client, conversation, message(start + turn)) for turn in range(1, LATE.stop)
    ]


def growth(conversations: list[list[float | None]]) -> Json:
    """Cost around turn 10 and turn 150, and of the turns where our gateway shortens the memory."""

    def median(turns: range) -> float:
        found = [ms for own in conversations for turn in turns if (ms := own[turn - 1]) is not None]
        return round(statistics.median(found), 1) if found else math.nan

    every = [ms for own in conversations for ms in own if ms is not None]
    early, late = median(EARLY), median(LATE)
    return {
        "turn_10_ms": early,
        "turn_150_ms": late,
        "ratio": round(late / early, 2),
        "refresh_turns_ms": median(REFRESH),
        "mean_ms": round(statistics.mean(every), 1),
        "max_ms": round(max(every), 1),
        "failed": sum(ms is None for own in conversations for ms in own),
    }


@asynccontextmanager
async def connected(service: Service) -> AsyncIterator[Client]:
    """A client with as many connections as it wants."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(service.base, timeout=timeout, connector=connector) as http:
        yield service.client(http)


async def talk(services: dict[str, Service], args: argparse.Namespace) -> dict[str, Json]:
    """Everything that is measured by talking, with the services in turn."""
    async with AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(connected(service))
            for name, service in services.items()
        }
        for name, service in services.items():
            await volley(service, clients[name], 1, WARM_UP)
        before = {name: await degraded(service) for name, service in services.items()}
        short = await short_chats(services, clients, args)
        long = await long_chats(clients, args.conversations)
        return {
            name: {
                "clients": short[name],
                "conversation": long[name],
                "degraded": await degraded(service) - before[name],
            }
            for name, service in services.items()
        }


async def short_chats(
    services: dict[str, Service], clients: dict[str, Client], args: argparse.Namespace
) -> dict[str, Json]:
    """Rounds of volleys at each number of clients."""
    done: dict[str, dict[int, list[Volley]]] = {
        name: {count: [] for count in CLIENTS} for name in services
    }
    for number in range(args.rounds):
        for count, turns in zip(CLIENTS, args.turns, strict=True):
            progress(f"  omgång {number + 1}: {count} samtidigt, {turns} turer")
            for name, service in services.items():
                done[name][count].append(await volley(service, clients[name], count, turns))
    return {
        name: {str(count): level(rounds) for count, rounds in levels.items()}
        for name, levels in done.items()
    }


async def long_chats(clients: dict[str, Client], count: int) -> dict[str, Json]:
    """Conversations that go on for long."""
    progress(f"  {count} samtal med {LATE.stop - 1} turer")
    done: dict[str, list[list[float | None]]] = {name: [] for name in clients}
    for number in range(count):
        for name, client in clients.items():
            done[name].append(await long_conversation(client, 7 * number))
    return {name: growth(conversations) for name, conversations in done.items()}


async def degraded(service: Service) -> int:
    """How often our gateway has answered without Rasa; such a turn is fast, but no answer."""
    if not service.metrics:
        return 0
    async with aiohttp.ClientSession() as http, http.get(service.metrics) as response:
        text = await response.text()
    found = re.search(r'^kontakt_turns_total\{outcome="degraded"\} (\S+)', text, re.MULTILINE)
    return int(float(found.group(1))) if found else 0


def measure(
    services: dict[str, Service], trainings: dict[str, Training], args: argparse.Namespace
) -> Json:
    """All figures of running services, and how busy others kept the machine meanwhile."""
    ours = [psutil.Process(), *(m for service in services.values() for m in service.family())]
    begun, busy, spent = time.monotonic(), machine_busy(), cpu(ours)
    talked = asyncio.run(talk(services, args))
    others = (machine_busy() - busy) - (cpu(ours) - spent)
    share = others / (time.monotonic() - begun) / (psutil.cpu_count() or 1)
    sides = {
        name: {
            **talked[name],
            "ready_s": round(service.ready_s, 1),
            **asdict(trainings[name]),
            "memory": memory(service.family()),
        }
        for name, service in services.items()
    }
    return {"others_cpu_percent": max(0, round(100 * share)), **sides}


# --- showing --------------------------------------------------------------------------------------


def conditions(args: argparse.Namespace) -> Json:
    """What must be the same for two results to be comparable."""
    script = "import sys, importlib.metadata as m; print(sys.version.split()[0], m.version('rasa'))"
    found = subprocess.run(
        [RASA_PYTHON, "-c", script], capture_output=True, text=True, check=True, env=environment()
    )
    python, rasa = found.stdout.split()
    return {
        "date": f"{datetime.now():%Y-%m-%d %H:%M}",
        "cores": psutil.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "machine": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "rasa": f"{rasa}, Python {python}",
        "turns": args.turns,
        "rounds": args.rounds,
        "conversations": args.conversations,
        "warm_up": WARM_UP,
        "chat": CHAT,
        "epochs": args.epochs,
    }


def rows() -> Iterator[tuple[str, str]]:
    """Label and path of each figure of the table."""
    for clients in CLIENTS:
        who = "1 klient" if clients == 1 else f"{clients} klienter"
        for name, label in (("p50_ms", "p50, ms"), ("p95_ms", "p95, ms"), ("p99_ms", "p99, ms"),
                            ("turns_per_s", "turer per sekund"),
                            ("cpu_ms_per_turn", "processortid per tur, ms")):  # fmt: skip
            yield f"{who}: {label}", f"clients.{clients}.{name}"
    yield "tur 10 i ett samtal, ms", "conversation.turn_10_ms"
    yield "tur 150 i samma samtal, ms", "conversation.turn_150_ms"
    yield "tur 150 / tur 10", "conversation.ratio"
    yield "tur 21, 41 … 141, ms", "conversation.refresh_turns_ms"
    yield "medel av turerna i långa samtal, ms", "conversation.mean_ms"
    yield "start till redo, s", "ready_s"
    yield "träning, s", "training_s"
    yield "träning, processortid, s", "training_cpu_s"
    yield "minne (RSS) i allt, MiB", "memory.sum_mib"


def figure(side: Json | None, path: str) -> float | None:
    """The figure at a dotted path."""
    found: Any = side
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return None if found is None else float(found)


def table(result: Json) -> str:
    """The whole result for people."""
    lines = [*heading(result), ""]
    lines.append(f"{'':38}{'produkten':>12}{'Rasas standard':>17}{'kvot':>8}")
    for label, path in rows():
        ours, theirs = (figure(result.get(side), path) for side in ("product", "stock"))
        lines.append(f"{label:38}{shown(ours):>12}{shown(theirs):>17}{ratio(theirs, ours):>8}")
    lines.append("kvot = Rasas standard / produkten")
    for side, name in (("product", "produkten"), ("stock", "Rasas standard")):
        lines += notes(name, result[side]) if side in result else []
    return "\n".join(lines)


def heading(result: Json) -> list[str]:
    """The conditions in words."""
    known = result["conditions"]
    turns, clients = ("/".join(map(str, numbers)) for numbers in (known["turns"], CLIENTS))
    lines = [
        f"Vad en tur kostar, {known['date']}",
        f"{known['cores']} kärnor ({known['machine']}), Python {known['python']}, "
        f"Rasa {known['rasa']}; andra program tog {result['others_cpu_percent']} % av maskinen",
        f"n = {turns} turer per omgång vid {clients} klienter, median av {known['rounds']} "
        f"omgång(ar); {known['warm_up']} turer uppvärmning räknas inte",
        f"varje klient väntar på svar före nästa meddelande; {known['chat']} turer per samtal, "
        f"{len(OPENINGS) * len(SENTENCES)} olika texter",
        f"långa samtal: {known['conversations']} stycken, median av tur "
        f"{EARLY.start}–{EARLY.stop - 1} och {LATE.start}–{LATE.stop - 1}",
        "produkten: genom webbservern, med dess databas, utan gränser (KONTAKT_LIMITS=off)",
    ]
    return lines + (stock_heading(known["epochs"]) if "stock" in result else [])


def stock_heading(epochs: int) -> list[str]:
    """What stock Rasa is here, and what it isn't."""
    lower = "" if epochs == 100 else ", sänkt från 100"
    return [
        "Rasas standard: meddelandet rakt till Rasas REST-kanal; DIET, ResponseSelector, TED, "
        f"UnexpecTED ({epochs} epoker{lower}), SQLite, samma data och åtgärdsserver",
        "  den lär sig avsikten faq men inte vilket svar som menas: jämför tiden, inte svaren",
        "båda är igång samtidigt och frågas växelvis, aldrig på en gång",
    ]


def notes(name: str, side: Json) -> list[str]:
    """Memory of each process, failures, and whether the model is an old one."""
    each = ", ".join(f"{p['name']} {p['mib']:.0f}" for p in side["memory"]["processes"])
    failed = sum(part["failed"] for part in (*side["clients"].values(), side["conversation"]))
    lines = [f"{name}: minne efter lasten, MiB: {each}"]
    lines.append(f"{name}: {failed} turer utan svar, {side['degraded']} reservsvar utan Rasa")
    if side["trained_earlier"]:
        lines.append(f"{name}: modellen tränades {side['trained_earlier']}; tiden är från då")
    return lines


def shown(value: float | None) -> str:
    """A figure, or a dash."""
    return "–" if value is None else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratio(over: float | None, under: float | None) -> str:
    """How many times."""
    return f"{over / under:.2f}" if over and under else "–"


def comparison(earlier: Json, now: Json) -> str:
    """Each figure now against an earlier result."""
    lines = [f"Nu mot {earlier['conditions']['date']} (kvot = nu / då)"]
    for key in ("cores", "machine", "python", "rasa", "turns", "rounds", "epochs"):
        before, after = earlier["conditions"].get(key), now["conditions"][key]
        if before != after:
            lines.append(f"OBS, olika villkor: {key} var {before}, är {after}")
    for side, name in (("product", "produkten"), ("stock", "Rasas standard")):
        if side not in earlier or side not in now:
            continue
        lines.append(f"{name:38}{'då':>12}{'nu':>12}{'kvot':>8}")
        for label, path in rows():
            before, after = figure(earlier[side], path), figure(now[side], path)
            lines.append(
                f"{label:38}{shown(before):>12}{shown(after):>12}{ratio(after, before):>8}"
            )
    return "\n".join(lines)


def progress(text: str) -> None:
    """Tell on stderr what goes on; stdout is for the result."""
    print(f"{datetime.now():%H:%M:%S} {text}", file=sys.stderr, flush=True)


# --- command line ---------------------------------------------------------------------------------


def arguments() -> argparse.Namespace:
    """What the user wants."""
    parser = argparse.ArgumentParser(description="Mät vad en tur kostar.")
    parser.add_argument("--turns", type=int, nargs=len(CLIENTS), default=[200, 400, 640],
                        help="turer per omgång vid 1, 8 och 32 klienter")  # fmt: skip
    parser.add_argument("--rounds", type=int, default=3, help="omgångar; medianen visas")
    parser.add_argument("--conversations", type=int, default=3, help="långa samtal")
    parser.add_argument("--skip-stock", action="store_true", help="bara produkten")
    parser.add_argument("--epochs", type=int, default=100, help="epoker för Rasas standard")
    parser.add_argument("--compare", type=Path, help="tidigare resultat att jämföra med")
    return parser.parse_args()


def run(args: argparse.Namespace) -> Json:
    """Measure; all temporary files are gone afterwards."""
    CACHE.mkdir(parents=True, exist_ok=True)
    known = conditions(args)
    services: dict[str, Service] = {}
    with (
        tempfile.TemporaryDirectory(dir=CACHE, prefix="run-") as folder,
        ExitStack() as stack,
    ):
        scratch = Path(folder)
        copied = copy_project(scratch / "product")
        progress("Tränar produkten")
        trainings = {"product": train_product(copied, scratch)}
        if not args.skip_stock:
            project = stock_project(scratch / "stock", args.epochs)
            model, trainings["stock"] = train_stock(project, args.epochs)
        progress("Startar produkten")
        services["product"] = stack.enter_context(product(copied, scratch))
        if not args.skip_stock:
            progress("Startar Rasas standard")
            services["stock"] = stack.enter_context(stock(project, copied, model, scratch))
        return {"conditions": known, **measure(services, trainings, args)}


def save(result: Json) -> Path:
    """Keep the result for --compare."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"turn-{datetime.now():%Y-%m-%d-%H%M%S}.json"
    path.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", "utf-8")
    return path


def main() -> int:
    """Measure, print, save; returns the exit code."""
    args = arguments()
    earlier = json.loads(args.compare.read_text("utf-8")) if args.compare else None
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        result = run(args)
    except BenchError as error:
        print(f"Det gick inte att mäta: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(table(result))
    if earlier:
        print(f"\n{comparison(earlier, result)}")
    print(f"\nSparat: {save(result)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
