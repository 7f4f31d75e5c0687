"""Events that come through a real RabbitMQ (Debian: rabbitmq-server). Run by make test-rabbitmq."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aio_pika
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.content.store import ContentStore
from bot.rasa_project import endpoints
from bot.settings import ROOT, Settings
from bot.store.transcript_models import TranscriptTurn
from bot.transcripts.events import QueueSource, source
from bot.transcripts.ingest import Ingest
from bot.transcripts.known_models import KnownModels
from tests.conftest import free_port, until
from tests.participation.conftest import Database, sqlite  # noqa: F401
from tests.transcripts.talk import LINES, TURNS

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
QUEUE = "kontakt_events"


@pytest.fixture(scope="module")
def rabbit() -> Iterator[str]:
    """The address of a RabbitMQ of our own."""
    assert SERVER.exists(), "RabbitMQ saknas. Installera rabbitmq-server (Debian), och kör igen."
    folder = Path(tempfile.mkdtemp(prefix="kontakt-rabbit-"))
    port = free_port()
    (folder / "rabbit.conf").write_text(f"listeners.tcp.local = 127.0.0.1:{port}\n")
    names = str(free_port())  # of the process that Erlang leaves behind
    environment = {
        **os.environ,
        "RABBITMQ_NODENAME": f"kontakt{port}@localhost",
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbit.conf"),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "ERL_EPMD_PORT": names,
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "HOME": str(folder),
    }
    output = folder / "out.txt"
    server = subprocess.Popen(
        [SERVER], env=environment, stdout=output.open("wb"), stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while "completed with" not in output.read_text("utf-8", "replace"):
        assert server.poll() is None and time.monotonic() < deadline, output.read_text("utf-8")
        time.sleep(0.2)
    yield f"amqp://guest:guest@127.0.0.1:{port}/"
    os.killpg(server.pid, signal.SIGTERM)
    server.wait(30)
    subprocess.run(["epmd", "-port", names, "-kill"], stdout=subprocess.DEVNULL, check=True)
    shutil.rmtree(folder, ignore_errors=True)


class Line:
    """The exchange as Rasa's PikaEventBroker declares it, and an ingest at the queue's end."""

    def __init__(self, url: str, database: Database) -> None:
        self.url, self.database = url, database
        self.source = QueueSource(url, QUEUE)

    async def publish(self, *lines: str) -> None:
        """Send events."""
        async with await aio_pika.connect(self.url) as connection:
            channel = await connection.channel()
            exchange = await channel.declare_exchange(QUEUE, aio_pika.ExchangeType.FANOUT)
            await (await channel.declare_queue(QUEUE, durable=True)).bind(exchange, "")
            for line in lines:
                await exchange.publish(aio_pika.Message(line.encode()), "")

    async def left(self) -> int:
        """Messages in the queue that nobody holds."""
        async with await aio_pika.connect(self.url) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(QUEUE, durable=True, passive=True)
            return queue.declaration_result.message_count or 0

    async def take(self, source: QueueSource, wanted: int) -> int:
        """Take events in until there are so many turns, or five seconds are over; how many."""
        engine = self.database.engine
        ingest = Ingest(engine, source, ContentStore(ROOT / "content"), KnownModels(Path("/none")))
        deadline, found = time.monotonic() + 5, 0
        while time.monotonic() < deadline and found < wanted:
            await ingest.step()
            async with AsyncSession(engine) as db:
                found = await db.scalar(select(func.count(TranscriptTurn.id))) or 0
            await asyncio.sleep(0.05)
        return found


@pytest.fixture
async def line(rabbit: str, sqlite: Database) -> AsyncIterator[Line]:  # noqa: F811
    made = Line(rabbit, sqlite)
    yield made
    await made.source.close()


async def test_events_come_through_the_queue_once_and_none_is_left(line: Line) -> None:
    await line.publish(*LINES)
    assert await line.take(line.source, TURNS) == TURNS
    await line.publish(*LINES[-40:])  # RabbitMQ may deliver twice
    assert await line.take(line.source, TURNS + 1) == TURNS
    await line.source.close()
    assert await line.left() == 0


async def test_what_was_not_stored_is_handed_out_again(line: Line) -> None:
    await line.publish(*LINES)
    dying = QueueSource(line.url, QUEUE)

    async def all_held() -> bool:
        return len(await dying.waiting()) == len(LINES)

    await until(all_held)
    assert await line.left() == 0
    await dying.close()  # held all of it, and stored nothing
    assert await line.take(line.source, TURNS) == TURNS


async def test_what_cant_be_read_stops_nobody(line: Line) -> None:
    await line.publish("{", *LINES[:20], "null", *LINES[20:])
    assert await line.take(line.source, TURNS) == TURNS
    await line.source.close()
    assert await line.left() == 0


def test_rasa_gets_an_endpoints_file_for_the_queue(tmp_path: Path) -> None:
    conf = Settings(data_dir=tmp_path, rabbitmq_url="amqps://anna:${HOME}@mq.example.se/kontakt")
    file = endpoints(conf)
    written = file.read_text("utf-8")
    assert file.stat().st_mode & 0o777 == 0o600  # it holds a password
    assert 'password: "${HOME}"' in written  # quoted: Rasa must not fill it in
    assert "port: 5671" in written and "dialect" not in written.split("event_broker")[1]
    assert "db: ${KONTAKT_TRACKER_FILE}" in written
    assert isinstance(source(conf), QueueSource)
    assert endpoints(Settings(data_dir=tmp_path, rabbitmq_url="")) == ROOT / "endpoints.yml"
