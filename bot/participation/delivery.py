"""What the registry put into the outbox goes out: e-mail by SMTP, and a signed webhook.

At least once: a row is claimed by moving its time forward by a lease, sent, then marked. Who dies
in between leaves a row that is due again after the lease. The receiver can tell a repetition by
Message-ID or Idempotency-Key, which are the row's own key.
"""

import asyncio
import contextlib
import hashlib
import hmac
import ipaddress
import json
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

import aiohttp
import aiosmtplib
import structlog
from sqlalchemy import ColumnElement, and_, false, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.content.clock import STOCKHOLM
from bot.content.store import ContentStore
from bot.participation.mail import BadAddress, MailName, address, compose, sender_of
from bot.participation.registry import CODE_MINUTES, Case, Registry, utc
from bot.settings import Settings
from bot.store.models import Interest, Outbox
from bot.store.vault import Vault

log = structlog.get_logger("delivery")

FIRST_RETRY = 30.0
LONGEST_RETRY = 6 * 3600.0
MAX_ATTEMPTS = 16
LEASE = 120.0  # seconds; longer than any sending can take, or two would send the same row
POLL = 3.0  # seconds; expressions of interest are written by another process, which can't wake us
AT_ONCE = 4
MAIL_SECONDS, QUIT_SECONDS, HOOK_SECONDS = 60, 5, 20
MAILS: dict[str, MailName] = {
    "mail-area": "area", "mail-receipt": "receipt", "mail-code": "code",
}  # fmt: skip
WEBHOOK = "webhook"
EXPIRED = "expired"
WORTH_RETRYING = (408, 425, 429)


class Failure(Exception):
    """Something wasn't accepted. `error` names type and status, never what was sent.

    `final`: trying again is no use. `away`: the server can't be reached or doesn't take anything
    from us, so that the next row would fare no better.
    """

    def __init__(self, error: str, final: bool = False, away: bool = False) -> None:
        super().__init__(error)
        self.error, self.final, self.away = error, final, away


@dataclass(frozen=True)
class Outgoing:
    """A row of the outbox as staff see it. `configured`: its way out has its settings."""

    id: int
    reference: str
    channel: str
    state: str
    attempts: int
    next_at: datetime
    error: str | None
    configured: bool


@dataclass(frozen=True)
class Relay:
    """The mail server of smtp_url."""

    host: str
    port: int
    user: str | None
    password: str | None
    implicit_tls: bool

    @classmethod
    def of_url(cls, url: str) -> "Relay":
        """Raises ValueError if it isn't smtp:// or smtps:// with a host."""
        parts = urlsplit(url.strip())
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("not an SMTP address")
        tls = parts.scheme == "smtps"
        user, password = (unquote(p) if p else None for p in (parts.username, parts.password))
        return cls(parts.hostname, parts.port or (465 if tls else 587), user, password, tls)

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def client(self, hello: str) -> aiosmtplib.SMTP:
        """A client, not yet connected; `hello` is the domain we introduce ourselves by.

        TLS is taken where it is offered. A password never crosses a network without it, and the
        certificate is checked; on this machine neither matters (a local Postfix has none to trust).
        """
        start_tls: bool | None = None  # when offered
        if self.implicit_tls:
            start_tls = False
        elif self.password is not None and not self.is_local:
            start_tls = True
        return aiosmtplib.SMTP(
            hostname=self.host, port=self.port, username=self.user, password=self.password,
            use_tls=self.implicit_tls, start_tls=start_tls, validate_certs=not self.is_local,
            local_hostname=hello, timeout=20,
        )  # fmt: skip


@dataclass(frozen=True)
class _Row:
    """A row that is due."""

    id: int
    key: str
    interest_id: str
    channel: str
    sealed: str | None
    attempts: int
    created_at: datetime


class Delivery:
    """Sends what is due. Several may run at once, in one process or many.

    In a cleanup_ctx: `task = asyncio.create_task(delivery.run_forever())`, and `task.cancel()`
    afterwards; nothing else has to be closed.
    """

    def __init__(
        self,
        conf: Settings,
        engine: AsyncEngine,
        vault: Vault,
        store: ContentStore,
        *,
        first_retry: float = FIRST_RETRY,
        lease: float = LEASE,
        poll: float = POLL,
    ) -> None:
        """`first_retry`, `lease` and `poll` in seconds.

        Settings that can't be used are logged here, once, and count as missing.
        """
        self._conf, self._engine, self._vault, self._store = conf, engine, vault, store
        self._registry = Registry(engine, vault)
        self._first_retry, self._poll = first_retry, poll
        self._lease = timedelta(seconds=lease)
        self._woken = asyncio.Event()
        self._relay = _relay(conf)
        self._recipients = _recipients(conf) if self._relay else {}
        self._hook = _has_hook(conf)

    def wake(self) -> None:
        """Look for something to send now."""
        self._woken.set()

    async def run_forever(self) -> None:
        """Send what is due, again and again, whatever goes wrong."""
        while True:
            sent = 0
            try:
                sent = await self.deliver_due()
            except Exception as error:
                log.error("delivery_broken", error=type(error).__name__)
            if not sent:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), self._poll)
            self._woken.clear()

    async def deliver_due(self, limit: int = 50) -> int:
        """Send what is due, at most `limit` e-mails and as many webhooks; how many were sent.

        Both ways go side by side, so that one that is out of order doesn't hold up the other.
        Raises what the database raises.
        """
        mails = await self._due(Outbox.channel != WEBHOOK, limit)
        hooks = await self._due(Outbox.channel == WEBHOOK, limit)
        return sum(await asyncio.gather(self._send_mails(mails), self._send_hooks(hooks)))

    async def waiting(self, limit: int = 500) -> list[Outgoing]:
        """What hasn't been sent: dead rows and waiting ones, oldest first."""
        query = (
            select(
                Outbox.id, Interest.reference, Outbox.channel, Outbox.state, Outbox.attempts,
                Outbox.next_at, Outbox.error, self._configured().label("configured"),
            )
            .join(Interest, Interest.id == Outbox.interest_id)
            .where(Outbox.state != "sent")
            .order_by(Outbox.created_at, Outbox.id)
            .limit(limit)
        )  # fmt: skip
        async with self._engine.connect() as db:
            rows = (await db.execute(query)).all()
        return [Outgoing(r[0], r[1], r[2], r[3], r[4], utc(r[5]), r[6], bool(r[7])) for r in rows]

    async def again(self, outbox_id: int) -> bool:
        """Put a dead row back, as if it had never been tried. False if there is no such row."""
        async with self._engine.begin() as db:
            found = await db.scalar(
                update(Outbox).where(Outbox.id == outbox_id, Outbox.state == "dead")
                .values(state="waiting", attempts=0, error=None, next_at=datetime.now(UTC))
                .returning(Outbox.id)
            )  # fmt: skip
        self.wake()
        return found is not None

    def _configured(self) -> ColumnElement[bool]:
        """The rows whose way out has its settings."""
        ways: list[ColumnElement[bool]] = [false()]
        if self._relay:
            ways.append(Outbox.channel.in_(("mail-receipt", "mail-code")))
            here = true() if "*" in self._recipients else Interest.area.in_(list(self._recipients))
            ways.append(and_(Outbox.channel == "mail-area", here))
        if self._hook:
            ways.append(Outbox.channel == WEBHOOK)
        return or_(*ways)

    async def _due(self, way: ColumnElement[bool], limit: int) -> list[_Row]:
        # without those that have no settings: they would fill the limit and hold up the others
        query = (
            select(
                Outbox.id, Outbox.key, Outbox.interest_id, Outbox.channel, Outbox.sealed,
                Outbox.attempts, Outbox.created_at,
            )
            .join(Interest, Interest.id == Outbox.interest_id)
            .where(Outbox.state == "waiting", Outbox.next_at <= datetime.now(UTC))
            .where(way, self._configured())
            .order_by(Outbox.next_at, Outbox.id)
            .limit(limit)
        )  # fmt: skip
        async with self._engine.connect() as db:
            return [_Row(*row[:6], utc(row[6])) for row in await db.execute(query)]

    async def _send_mails(self, rows: Sequence[_Row]) -> int:
        return await self._send_all(rows, self._mail)

    async def _send_hooks(self, rows: Sequence[_Row]) -> int:
        if not rows:
            return 0
        timeout = aiohttp.ClientTimeout(total=HOOK_SECONDS, connect=10)
        async with aiohttp.ClientSession(timeout=timeout) as http:

            async def send(row: _Row, case: Case) -> None:
                await self._post(http, row, case)

            return await self._send_all(rows, send)

    async def _send_all(
        self, rows: Sequence[_Row], send: Callable[[_Row, Case], Awaitable[None]]
    ) -> int:
        """A few at a time. Stops at a server that is away: the rest keep their attempts."""
        left, sent, away = iter(rows), 0, False

        async def one_by_one() -> None:
            nonlocal sent, away
            for row in left:
                if away:
                    return
                try:
                    if await self._send(row, send):
                        sent += 1
                except Failure as failure:
                    away = away or failure.away
                except Exception as error:  # the database: the lease brings the row back
                    log.error("delivery_broken", outbox=row.id, error=type(error).__name__)

        await asyncio.gather(*(one_by_one() for _ in range(AT_ONCE)))
        return sent

    async def _send(self, row: _Row, send: Callable[[_Row, Case], Awaitable[None]]) -> bool:
        """Claim, send and mark one row. False if another one has it, or its case is erased.

        Raises Failure, already noted in the row.
        """
        until = await self._claim(row)
        if until is None:
            return False
        try:
            case = await self._registry.get(row.interest_id)
            if case is None:
                return False
            await send(row, case)
        except Failure as failure:
            await self._note(row, until, failure)
            raise
        except Exception as error:  # content that can't be filled in, a key that doesn't fit …
            unknown = Failure(type(error).__name__)
            await self._note(row, until, unknown)
            raise unknown from None
        # by its key: the number of a row erased meanwhile may belong to another one by now
        async with self._engine.begin() as db:
            await db.execute(
                update(Outbox).where(Outbox.key == row.key)
                .values(state="sent", sent_at=datetime.now(UTC), error=None, sealed=None)
            )  # fmt: skip
        log.info("delivered", outbox=row.id, channel=row.channel)
        return True

    async def _claim(self, row: _Row) -> datetime | None:
        """Until when the row is ours; None if somebody was faster or it is gone."""
        moment = datetime.now(UTC)
        until = moment + self._lease
        async with self._engine.begin() as db:
            claimed = await db.scalar(
                update(Outbox)
                .where(Outbox.key == row.key, Outbox.state == "waiting", Outbox.next_at <= moment)
                .values(next_at=until)
                .returning(Outbox.id)
            )
        return until if claimed is not None else None

    async def _note(self, row: _Row, until: datetime, failure: Failure) -> None:
        """Write a failure down, unless the row was claimed by another one meanwhile."""
        attempts = row.attempts + 1
        dead = failure.final or attempts >= MAX_ATTEMPTS
        values: dict[str, Any] = {"attempts": attempts, "error": failure.error[:200]}
        if dead:
            values["state"] = "dead"
        else:
            values["next_at"] = datetime.now(UTC) + self._pause(attempts)
        if failure.error == EXPIRED:
            values["sealed"] = None
        async with self._engine.begin() as db:
            await db.execute(
                update(Outbox)
                .where(Outbox.key == row.key, Outbox.state == "waiting", Outbox.next_at == until)
                .values(**values)
            )
        log.warning(
            "delivery_dead" if dead else "delivery_failed",
            outbox=row.id, channel=row.channel, attempts=attempts, error=failure.error,
        )  # fmt: skip

    def _pause(self, attempts: int) -> timedelta:
        """Doubled each time, a quarter more or less so that not all come back at once."""
        seconds = self._first_retry * 2 ** (attempts - 1) * random.uniform(0.75, 1.25)
        return timedelta(seconds=min(seconds, LONGEST_RETRY))

    async def _mail(self, row: _Row, case: Case) -> None:
        """Send an e-mail. Raises Failure."""
        assert self._relay, "only rows with settings are due"
        moment, code = datetime.now(UTC), ""
        if row.channel == "mail-area":
            recipient = self._recipients.get(case.area) or self._recipients["*"]
        else:
            recipient = case.expression.email
        if row.channel == "mail-code":
            if not row.sealed or moment - row.created_at > timedelta(minutes=CODE_MINUTES):
                raise Failure(EXPIRED, final=True)  # a code that no longer works only confuses
            code = self._vault.unseal(row.sealed)
        try:
            message = compose(
                MAILS[row.channel], case, recipient, row.key, self._store.content, self._conf,
                moment.astimezone(STOCKHOLM), code,
            )  # fmt: skip
        except BadAddress as error:
            raise Failure(type(error).__name__, final=True) from None
        await _hand_over(self._relay.client(sender_of(self._conf).domain), message)

    async def _post(self, http: aiohttp.ClientSession, row: _Row, case: Case) -> None:
        """Post to the webhook. Raises Failure."""
        body = _event(case)
        moment = str(int(datetime.now(UTC).timestamp()))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": row.key,
            "X-Kontakt-Timestamp": moment,
            "X-Kontakt-Signature": signature(self._conf.webhook_secret, moment, body),
        }
        try:
            async with http.post(
                self._conf.webhook_url, data=body, headers=headers, allow_redirects=False
            ) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Failure(type(error).__name__, away=True) from None
        if not 200 <= status < 300:
            final = 400 <= status < 500 and status not in WORTH_RETRYING
            raise Failure(f"HTTP {status}", final)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """X-Kontakt-Signature: "sha256=" and the HMAC-SHA256 of "timestamp.body" in hex."""
    signed = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _event(case: Case) -> bytes:
    event = {
        "event": "interest.created",
        "reference": case.reference,
        "area": case.area,
        "status": case.status,
        "created_at": case.created_at.isoformat(),
        "expression": asdict(case.expression),
    }
    return json.dumps(event, ensure_ascii=False).encode()


async def _hand_over(client: aiosmtplib.SMTP, message: EmailMessage) -> None:
    """Give a message to the mail server. Raises Failure."""
    try:
        async with asyncio.timeout(MAIL_SECONDS):
            await _connect(client)
            await client.send_message(message)
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise _refusal(error) from None
    else:  # it is taken: a bad farewell must not make it go out again
        with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            await client.quit(timeout=QUIT_SECONDS)
    finally:
        client.close()


async def _connect(client: aiosmtplib.SMTP) -> None:
    """Connect, take TLS and log in. Raises Failure."""
    try:
        await client.connect()
    except (aiosmtplib.SMTPException, OSError) as error:
        raise Failure(_status(error), away=True) from None


def _refusal(error: Exception) -> Failure:
    """Why a mail server that let us in didn't take a message."""
    status = _status(error)
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return Failure(status, final=error.recipients[0].code >= 500)
    if isinstance(error, aiosmtplib.SMTPDataError):
        return Failure(status, final=error.code >= 500)
    if isinstance(error, aiosmtplib.SMTPNotSupported):  # an address outside ASCII
        return Failure(status, final=True)
    return Failure(status, away=True)


def _status(error: Exception) -> str:
    name = type(error).__name__
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return f"{name} {error.recipients[0].code}"
    return f"{name} {error.code}" if isinstance(error, aiosmtplib.SMTPResponseException) else name


def _relay(conf: Settings) -> Relay | None:
    """The mail server, None if there is none or the settings can't be used."""
    if not conf.smtp_url:
        return None
    try:
        sender_of(conf)
        return Relay.of_url(conf.smtp_url)
    except ValueError as error:
        what = "mail_from" if isinstance(error, BadAddress) else "smtp_url"
        log.error("setting_unusable", setting=what)
        return None


def _recipients(conf: Settings) -> dict[str, str]:
    """The usable recipients by area."""
    found = {}
    for area, recipient in conf.recipients.items():
        try:
            address(recipient)
            found[area] = recipient
        except BadAddress:
            log.error("setting_unusable", setting="recipients", area=area)
    return found


def _has_hook(conf: Settings) -> bool:
    """Whether webhooks can be sent, signed."""
    if not conf.webhook_url:
        return False
    if not conf.webhook_secret:
        log.error("setting_unusable", setting="webhook_secret")
        return False
    with contextlib.suppress(ValueError):
        parts = urlsplit(conf.webhook_url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return True
    log.error("setting_unusable", setting="webhook_url")
    return False
