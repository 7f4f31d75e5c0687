"""Whether an expression of interest is ever lost or doubled when processes are killed.

    .venv/bin/python bench/participation.py --database sqlite|postgresql --submissions 500

WRITERS processes store submissions at once. A tenth of the submissions meet a SIGKILL: half of
them right after the commit, before the writer has told anybody, the others at a random moment
around the writing. A supervisor starts the writer again and sends the same submission, with the
same key, until it is confirmed; nothing else is repeated. Meanwhile two processes deliver the
outbox to a mail sink and a receiver of webhooks; one of them is killed DELIVERY_KILLS times and
started again. Everything is on this machine and in a temporary folder.

Confirmed must be stored, once, under the reference that was confirmed. What goes out may come twice
when its sender was killed in between (at least once), but never with another key, and never not.
Pauses and the lease are short here: the seconds tell how fast it goes, not how long a mail waits.
"""

import argparse
import asyncio
import contextlib
import email
import hashlib
import json
import logging
import multiprocessing
import os
import queue
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import structlog  # noqa: E402
from aiosmtpd.controller import Controller  # noqa: E402
from sqlalchemy import func, select  # noqa: E402
from sqlalchemy.ext.asyncio import AsyncEngine  # noqa: E402

from bench.databases import database  # noqa: E402
from bot.content.store import ContentStore  # noqa: E402
from bot.participation.delivery import Delivery, signature  # noqa: E402
from bot.participation.expression import Consent, Expression, Submission  # noqa: E402
from bot.participation.registry import Registry  # noqa: E402
from bot.settings import Settings  # noqa: E402
from bot.store.database import engine, upgrade  # noqa: E402
from bot.store.models import Interest, Outbox  # noqa: E402
from bot.store.vault import Vault, new_key  # noqa: E402

WRITERS = 8
DELIVERY_KILLS = 3
LEASE, POLL, FIRST_RETRY = 4.0, 0.2, 0.5  # seconds
PATIENCE = 180  # seconds without progress before giving up
SECRET = "bench"

Death = Literal["", "efter commit", "när som helst"]
processes = multiprocessing.get_context("forkserver")


@dataclass(frozen=True)
class Place:
    """What all processes share."""

    database: str
    key: str
    smtp_url: str
    webhook_url: str

    def settings(self) -> Settings:
        """The settings of a process that delivers."""
        return Settings(
            database_url=self.database,
            smtp_url=self.smtp_url,
            recipients={"*": "personal@exempel.se"},
            mail_from="kontaktcenter@exempel.se",
            webhook_url=self.webhook_url,
            webhook_secret=SECRET,
        )


def submission(number: int) -> Submission:
    """One of many submissions; the same number gives the same one."""
    told = Expression(
        area="overby",
        company=f"Företag {number} AB",
        person="Anna Exempel",
        email=f"foretag{number}@exempel.se",
        phone=f"+4652{number:07}",
    )
    consent = Consent("att pröva", "Får vi spara uppgifterna?", "bench")
    return Submission(
        hashlib.sha256(f"bench {number}".encode()).hexdigest(), told, consent, "bench"
    )


# --- processes that are killed --------------------------------------------------------------------


def write(place: Place, pipe: Connection) -> None:
    """Store each submission that comes through the pipe; the answer tells its reference and
    whether it is new."""
    asyncio.run(_write(place, pipe))


async def _write(place: Place, pipe: Connection) -> None:
    registry = Registry(engine(place.database), Vault([place.key]))
    while True:
        number, die = pipe.recv()
        stored = await registry.store(submission(number))
        if die:
            os.kill(os.getpid(), signal.SIGKILL)
        pipe.send((stored.reference, stored.created))


def deliver(place: Place) -> None:
    """Deliver until killed."""
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)
    conf = place.settings()
    store = ContentStore(conf.content_dir)
    delivery = Delivery(
        conf, engine(place.database), Vault([place.key]), store,
        first_retry=FIRST_RETRY, lease=LEASE, poll=POLL,
    )  # fmt: skip
    asyncio.run(delivery.run_forever())


# --- the supervisor -------------------------------------------------------------------------------


@dataclass
class Written:
    """What the writers have done, seen from outside."""

    confirmed: dict[int, list[str]] = field(default_factory=dict)
    deaths: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    """From sending to confirmation, of those that met no death."""
    known: int = 0
    """Sent again, and found to be stored already."""
    broken: list[str] = field(default_factory=list)


class Supervisor(threading.Thread):
    """Looks after one writer: gives it work, kills it when planned, starts it again."""

    def __init__(self, place: Place, work: queue.Queue[tuple[int, Death]], written: Written):
        super().__init__(daemon=True)
        self.place, self.work, self.written = place, work, written
        self.pipe, self.writer = self.begin()

    def begin(self) -> tuple[Connection, Any]:
        """A new writer."""
        ours, theirs = processes.Pipe()
        writer = processes.Process(target=write, args=(self.place, theirs), daemon=True)
        writer.start()
        theirs.close()  # or its end would not be seen
        return ours, writer

    def again(self) -> None:
        """Bury the writer and start another one."""
        self.writer.join()
        self.pipe.close()
        self.pipe, self.writer = self.begin()

    def run(self) -> None:
        """Until no work is left."""
        with contextlib.suppress(queue.Empty):
            while True:
                self.submit(*self.work.get_nowait())
        os.kill(self.writer.pid, signal.SIGKILL)

    def submit(self, number: int, death: Death) -> None:
        """Send a submission until it is confirmed."""
        for attempt in range(20):
            begun = time.monotonic()
            try:
                self.pipe.send((number, death == "efter commit" and attempt == 0))
                if death == "när som helst" and attempt == 0:
                    self.kill()
                if not self.pipe.poll(PATIENCE):
                    break
                reference, created = self.pipe.recv()
            except (EOFError, ConnectionError):
                kind = f"{death}, före svaret" if death and attempt == 0 else "oplanerat"
                self.written.deaths[kind] += 1
                self.again()
                continue
            self.written.confirmed.setdefault(number, []).append(reference)
            self.written.known += not created
            if death == "när som helst" and attempt == 0:
                self.written.deaths[f"{death}, efter svaret"] += 1
                self.again()
            elif not death:
                self.written.seconds.append(time.monotonic() - begun)
            return
        self.written.broken.append(f"submission {number} was never confirmed")

    def kill(self) -> None:
        """Kill the writer at a moment between now and twice the usual time."""
        usual = sorted(self.written.seconds)[len(self.written.seconds) // 2 :][:1] or [0.05]
        time.sleep(random.uniform(0, 2 * usual[0]))
        os.kill(self.writer.pid, signal.SIGKILL)


class Killer(threading.Thread):
    """Kills one of the two that deliver, at random moments, and starts it again."""

    def __init__(self, place: Place, arrived: "Arrived", expected: int) -> None:
        super().__init__(daemon=True)
        self.place, self.arrived, self.done = place, arrived, 0
        self.running = [self.begin(), self.begin()]
        self.moments = sorted(random.sample(range(expected // 20, expected * 3 // 4),
                                            DELIVERY_KILLS))  # fmt: skip

    def begin(self) -> Any:
        """A new process that delivers."""
        process = processes.Process(target=deliver, args=(self.place,), daemon=True)
        process.start()
        return process

    def run(self) -> None:
        """Kill each time so many have arrived."""
        for moment in self.moments:
            while self.arrived.total() < moment:
                time.sleep(0.005)
            os.kill(self.running[0].pid, signal.SIGKILL)
            self.running[0].join()
            self.done += 1
            self.running[0] = self.begin()

    def stop(self) -> None:
        """End both."""
        for process in self.running:
            os.kill(process.pid, signal.SIGKILL)
            process.join()


# --- the other end --------------------------------------------------------------------------------


class Arrived:
    """How often each key has arrived, by mail and by webhook."""

    def __init__(self) -> None:
        self.mails: Counter[str] = Counter()
        self.hooks: Counter[str] = Counter()
        self.unsigned = 0

    def total(self) -> int:
        """Arrivals, repetitions too."""
        return sum(list(self.mails.values())) + sum(list(self.hooks.values()))

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """A mail: its key is its Message-ID."""
        message = email.message_from_bytes(envelope.content)
        self.mails[message["Message-ID"].strip("<>").split("@")[0]] += 1
        return "250 OK"

    def handler(arrived) -> type[BaseHTTPRequestHandler]:
        """A webhook: its signature is checked."""

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                signed = signature(SECRET, self.headers["X-Kontakt-Timestamp"], body)
                arrived.unsigned += signed != self.headers["X-Kontakt-Signature"]
                arrived.unsigned += json.loads(body)["event"] != "interest.created"
                arrived.hooks[self.headers["Idempotency-Key"]] += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        return Handler


@contextlib.contextmanager
def sinks(arrived: Arrived) -> Iterator[tuple[str, str]]:
    """Addresses of a mail server and a receiver of webhooks on this machine."""
    receiver = ThreadingHTTPServer(("127.0.0.1", 0), arrived.handler())
    receiver.handle_error = lambda *args: None  # type: ignore[method-assign]  # killed senders
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as probe:
        port = probe.server_address[1]
    post = Controller(arrived, hostname="127.0.0.1", port=port)
    post.start()
    yield f"smtp://127.0.0.1:{port}", f"http://127.0.0.1:{receiver.server_address[1]}/"
    post.stop()
    receiver.shutdown()
    receiver.server_close()


# --- the figures ----------------------------------------------------------------------------------


async def all_sent(database: AsyncEngine) -> bool:
    """Whether nothing is left in the outbox; False after PATIENCE seconds without progress."""
    left, since = -1, time.monotonic()
    query = select(func.count()).select_from(Outbox).where(Outbox.state != "sent")
    while time.monotonic() - since < PATIENCE:
        async with database.connect() as db:
            now = int(await db.scalar(query) or 0)
        if now == 0:
            return True
        if now != left:
            left, since = now, time.monotonic()
        await asyncio.sleep(0.1)
    return False


async def judged(
    place: Place, written: Written, arrived: Arrived, expected: int
) -> tuple[dict[str, Any], list[str]]:
    """The figures, and what is wrong with them."""
    connected, vault = engine(place.database), Vault([place.key])
    wrong = list(written.broken)
    if not await all_sent(connected):
        wrong.append("something was never delivered")
    async with connected.connect() as db:
        cases = (await db.execute(select(Interest.reference, Interest.sealed))).all()
        rows = (await db.execute(select(Outbox.key, Outbox.channel, Outbox.attempts))).all()
    await connected.dispose()
    stored = Counter(Expression.of_json(vault.unseal(c.sealed)).company for c in cases)
    references = {Expression.of_json(vault.unseal(c.sealed)).company: c.reference for c in cases}
    times = [(arrived.hooks if r.channel == "webhook" else arrived.mails)[r.key] for r in rows]
    unknown = {*arrived.mails, *arrived.hooks} - {row.key for row in rows}
    for number, told in written.confirmed.items():
        if {references.get(submission(number).expression.company)} != set(told):
            wrong.append(f"submission {number} is not stored as {told}")
    doubled = sum(count - 1 for count in stored.values())
    if not len(written.confirmed) == len(cases) == expected:
        wrong.append("confirmed, stored and sent in are not the same number")
    if doubled:
        wrong.append("something is stored twice")
    if len(rows) != 3 * expected or min(times, default=0) < 1:
        wrong.append("something was not delivered")
    if unknown or arrived.unsigned:
        wrong.append("something arrived with another key or without a right signature")
    figures = {
        "inskickade": expected,
        "bekräftade": len(written.confirmed),
        "lagrade": len(cases),
        "dubbletter": doubled,
        **{f"dödade: {kind}": number for kind, number in sorted(written.deaths.items())},
        "omsända som redan var lagrade": written.known,
        "rader i utkorgen": len(rows),
        "leveranser per rad, min/max": f"{min(times, default=0)}/{max(times, default=0)}",
        "rader levererade mer än en gång": sum(count > 1 for count in times),
        "misslyckade försök": sum(row.attempts for row in rows),
        "olika Message-ID": len(arrived.mails),
        "olika Idempotency-Key": len(arrived.hooks),
    }
    return figures, wrong


def run(kind: str, count: int) -> int:
    """Run, print, and return the exit code."""
    # half of the deaths each way, spread over all submissions
    doomed = random.sample(range(count), count // 10)
    deaths: dict[int, Death] = {
        number: "efter commit" if place % 2 else "när som helst"
        for place, number in enumerate(doomed)
    }
    arrived, written = Arrived(), Written()
    with (
        tempfile.TemporaryDirectory(prefix="kontakt-bench-") as folder,
        database(kind, Path(folder)) as url,
        sinks(arrived) as (smtp_url, webhook_url),
    ):
        asyncio.run(upgrade(url))
        place = Place(url, new_key(), smtp_url, webhook_url)
        work: queue.Queue[tuple[int, Death]] = queue.Queue()
        for number in range(count):
            work.put((number, deaths.get(number, "")))
        supervisors = [Supervisor(place, work, written) for _ in range(WRITERS)]
        killer = Killer(place, arrived, 3 * count)
        begun = time.monotonic()
        for thread in (*supervisors, killer):
            thread.start()
        for supervisor in supervisors:
            supervisor.join()
        wrote = time.monotonic() - begun
        figures, wrong = asyncio.run(judged(place, written, arrived, count))
        took = time.monotonic() - begun
        killer.join(10)
        killer.stop()
    usual = sorted(written.seconds)
    figures |= {
        "dödade vid leverans": killer.done,
        "lagring, median/p99 i ms": " / ".join(
            f"{1000 * usual[int(len(usual) * share)]:.0f}" for share in (0.5, 0.99)
        ),
        "sekunder, skrivning": round(wrote, 1),
        "sekunder, till allt är levererat": round(took, 1),
    }
    print(f"{kind}, {WRITERS} skrivare, 2 som levererar")
    for label, value in figures.items():
        print(f"  {label:34} {value}")
    for problem in wrong:
        print(f"  FEL: {problem}")
    print("  Inget förlorat, inget lagrat två gånger." if not wrong else "  Provet misslyckades.")
    return 1 if wrong else 0


def main() -> int:
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--submissions", type=int, default=500)
    parser.add_argument("--seed", type=int, help="samma slumptal igen (tiderna varierar ändå)")
    args = parser.parse_args()
    random.seed(args.seed)
    # imported once and not at each restart; the fork server has no sys.path but this
    os.environ["PYTHONPATH"] = str(ROOT)
    processes.set_forkserver_preload(["bot.participation.delivery", "aiosmtpd.controller"])
    return run(args.database, args.submissions)


if __name__ == "__main__":
    sys.exit(main())
