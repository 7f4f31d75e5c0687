"""What is in the outbox reaches its receiver, however often that takes, and nobody else."""

import asyncio
import contextlib
import dataclasses
import hashlib
import hmac
import os
import shutil
import ssl
import sys
from datetime import UTC, datetime, timedelta
from email import policy
from email.headerregistry import Address
from pathlib import Path
from typing import Any

import pytest
import structlog
import time_machine
from sqlalchemy import update

from bot.content.clock import STOCKHOLM
from bot.content.store import ContentStore
from bot.participation.delivery import (
    EXPIRED,
    LEASE,
    LONGEST_RETRY,
    MAX_ATTEMPTS,
    Delivery,
    Relay,
    signature,
)
from bot.participation.expression import Submission
from bot.participation.mail import BadAddress, address, compose, sender_of
from bot.participation.registry import CODE_MINUTES, Case, Registry
from bot.settings import ROOT
from bot.store.models import Interest, Outbox
from bot.store.vault import Vault, new_key
from tests.conftest import free_port, until
from tests.participation.conftest import (
    CONSENT,
    Database,
    MakeDelivery,
    Post,
    Receiver,
    StartPost,
    configured,
    expression,
    outbox,
    submission,
)

AREA = "overby@trollhattan-exempel.se"
BUSINESS = "gunilla@bagarn-exempel.se"
SECRET = "hemligt"


def later(seconds: float) -> Any:
    """So many seconds from now, for a with statement."""
    return time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds))


async def states(database: Database) -> dict[str, str]:
    """The state of each row of the outbox, one of each channel."""
    return {channel: row.state for channel, row in (await outbox(database.engine)).items()}


async def due_in(database: Database, channel: str) -> float:
    """Seconds until a row is tried again."""
    next_at: datetime = (await outbox(database.engine))[channel].next_at
    return (next_at.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()


# --- e-mail ---------------------------------------------------------------------------------------


async def test_a_new_case_is_mailed_to_its_area_and_to_the_business(
    registry: Registry, delivery: MakeDelivery, post: Post
) -> None:
    stored = await registry.store(submission())
    sender = delivery(smtp_url=post.url, recipients={"*": "alla@exempel.se", "overby": AREA})
    before = datetime.now(UTC).replace(microsecond=0)
    assert await sender.deliver_due() == 2
    assert await sender.deliver_due() == 0, "once"
    assert sorted(post.recipients) == [BUSINESS, AREA]
    (area,), (receipt,) = post.to(AREA), post.to(BUSINESS)
    assert area["Subject"] == f"Ny intresseanmälan {stored.reference}"
    assert "Plats: Överby" in area.get_content()
    link = f"https://kontakt.exempel.se/personal/intresse/{stored.reference}"
    assert link in area.get_content()
    told = expression()
    for personal in (told.company, told.person, told.email, told.phone, told.words, told.where):
        assert personal not in area.as_string() + area.get_content()
    text = receipt.get_content()
    assert stored.reference in receipt["Subject"] and stored.reference in text
    assert CONSENT.purpose in text and "senast 24 månader" in text
    assert "på https://kontakt.exempel.se, så får ni en kod" in text
    assert "{" not in text + area.get_content()
    assert told.phone not in text and told.person not in text
    for message in post.received:
        assert message["From"] == "Kontaktcenter <kontaktcenter@trollhattan-exempel.se>"
        assert message["Auto-Submitted"] == "auto-generated"
        assert before <= message["Date"].datetime <= datetime.now(UTC)
        assert message.get_content_type() == "text/plain"
        assert message.get_content_charset() == "utf-8"


async def test_an_area_without_a_recipient_of_its_own_goes_to_the_common_one(
    registry: Registry, delivery: MakeDelivery, post: Post
) -> None:
    await registry.store(submission(area="annan", email=""))
    sender = delivery(smtp_url=post.url, recipients={"*": "alla@exempel.se", "overby": AREA})
    assert await sender.deliver_due() == 1
    assert "Plats: annan plats" in post.to("alla@exempel.se")[0].get_content()


async def test_the_code_is_mailed_and_forgotten(
    registry: Registry, delivery: MakeDelivery, post: Post, database: Database, vault: Vault
) -> None:
    stored = await registry.store(submission())
    await registry.send_code(stored.reference)
    code = vault.unseal((await outbox(database.engine))["mail-code"].sealed)
    await delivery(smtp_url=post.url).deliver_due()
    message = next(m for m in post.to(BUSINESS) if m["Subject"].startswith("Kod"))
    assert code in message.get_content() and "i 30 minuter" in message.get_content()
    assert code not in message["Subject"]
    assert (await outbox(database.engine))["mail-code"].sealed is None
    assert await registry.withdraw(stored.reference, code)


async def test_a_code_that_no_longer_works_is_not_sent(
    registry: Registry, delivery: MakeDelivery, post: Post, database: Database
) -> None:
    stored = await registry.store(submission())
    await registry.send_code(stored.reference)
    with later(CODE_MINUTES * 60 + 1):
        await delivery(smtp_url=post.url).deliver_due()
    row = (await outbox(database.engine))["mail-code"]
    assert (row.state, row.error, row.sealed) == ("dead", EXPIRED, None)
    assert [m["Subject"][:3] for m in post.to(BUSINESS)] == ["Vi "], "only the receipt"


async def test_what_a_business_wrote_is_never_read_as_a_template(
    registry: Registry, delivery: MakeDelivery, post: Post
) -> None:
    trap = "{{ 7 * 7 }} {code} {link} {% raw %}"
    one = submission(company=trap, person=trap, words=trap, where=trap)
    consent = type(CONSENT)(trap, CONSENT.question, CONSENT.version)
    await registry.store(Submission(one.key, one.expression, consent, "s-1"))
    assert await delivery(smtp_url=post.url, recipients={"*": AREA}).deliver_due() == 2
    assert f"uppgifterna för {trap}." in post.to(BUSINESS)[0].get_content()
    assert trap not in post.to(AREA)[0].get_content()


# --- header injection -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trap",
    [
        "a@b.se\r\nBcc: x@exempel.se", "a@b.se\nBcc: x@exempel.se", "a@b.se, x@exempel.se",
        "a@b.se> SIZE=1", "=?utf-8?q?a=0d=0aBcc=3ax=40exempel.se?=@b.se",
        "=?utf-8?b?YQpCY2M6IHhAeS5zZQ==?=@b.se", "a@b.se\0",
        "Anna <a@b.se>", "a@b.se\u2028x", '"a\r\nb"@c.se', "", "@",
    ],
)  # fmt: skip
async def test_no_address_can_add_a_header_or_a_recipient(
    trap: str, sqlite: Database, vault: Vault, store: ContentStore, post: Post
) -> None:
    with pytest.raises(BadAddress):
        address(trap)
    await Registry(sqlite.engine, vault).store(submission(email=trap or " "))
    conf = configured(smtp_url=post.url)
    assert await Delivery(conf, sqlite.engine, vault, store).deliver_due() == 0
    row = (await outbox(sqlite.engine))["mail-receipt"]
    assert (row.state, row.error, row.attempts) == ("dead", "BadAddress", 1)
    assert post.received == [] == post.recipients


@pytest.fixture
async def case(sqlite: Database, vault: Vault) -> Case:
    """A case."""
    registry = Registry(sqlite.engine, vault)
    found = await registry.find((await registry.store(submission())).reference)
    assert found is not None
    return found


@pytest.mark.parametrize("trap", ["\r\nBcc: x", "\nBcc: x", "=?utf-8?q?=0d=0aBcc=3a_x?="])
def test_no_value_can_break_out_of_a_header(trap: str, case: Case, store: ContentStore) -> None:
    broken = Case(**{**vars(case), "reference": f"TS-1{trap}\u2028\0"})
    conf = configured(mail_from=f"Kontakt{trap} <k@exempel.se>")
    message = compose("area", broken, AREA, "key", store.content, conf, datetime.now(STOCKHOLM))
    assert message["Bcc"] is None
    head = message.as_bytes(policy=policy.SMTP).split(b"\r\n\r\n")[0]
    assert b"Subject: Ny " in head
    assert not any(line.startswith(b"Bcc") for line in head.splitlines())


def test_addresses_outside_ascii_are_written_as_mail_servers_need_them() -> None:
    assert address("anna@blåbär.se").addr_spec == "anna@xn--blbr-noae.se"
    assert address("kontaktcenter@localhost").domain == "localhost"
    assert address("o'neil+test@exempel.se").addr_spec == "o'neil+test@exempel.se"
    sender = sender_of(configured(mail_from="Trollhättans Stad <k@exempel.se>"))
    assert sender == Address("Trollhättans Stad", "k", "exempel.se")


async def test_a_swedish_local_part_arrives_where_the_server_takes_it(
    sqlite: Database, vault: Vault, store: ContentStore, start_post: StartPost
) -> None:
    modern, old = start_post(enable_SMTPUTF8=True), start_post(enable_SMTPUTF8=False)
    registry = Registry(sqlite.engine, vault)
    for server, state in ((modern, "sent"), (old, "dead")):
        stored = await registry.store(submission(email="åsa@exempel.se"))
        conf = configured(smtp_url=server.url)
        await Delivery(conf, sqlite.engine, vault, store).deliver_due()
        assert (await outbox(sqlite.engine))["mail-receipt"].state == state
        await registry.erase(stored.reference, "test")
    assert modern.recipients == ["åsa@exempel.se"]


# --- without settings -----------------------------------------------------------------------------


async def test_without_settings_everything_waits_until_there_are_some(
    registry: Registry, delivery: MakeDelivery, database: Database, post: Post, receiver: Receiver
) -> None:
    stored = await registry.store(submission())
    bare = delivery()
    assert await bare.deliver_due() == 0
    waiting = await bare.waiting()
    assert {one.channel for one in waiting} == {"mail-area", "mail-receipt", "webhook"}
    for one in waiting:
        assert one.reference == stored.reference
        assert (one.state, one.attempts, one.error, one.configured) == ("waiting", 0, None, False)
        assert one.next_at.tzinfo is not None
    sender = delivery(
        smtp_url=post.url, recipients={"overby": AREA},
        webhook_url=receiver.url, webhook_secret=SECRET,
    )  # fmt: skip
    assert [one.configured for one in await sender.waiting()] == [True] * 3
    assert await sender.deliver_due() == 3
    assert await sender.waiting() == []
    assert len(post.received) == 2 and len(receiver.calls) == 1


async def test_each_way_waits_for_its_own_setting(
    registry: Registry, delivery: MakeDelivery, database: Database, post: Post, receiver: Receiver
) -> None:
    await registry.store(submission(area="sylte"))
    sender = delivery(smtp_url=post.url, recipients={"overby": AREA}, webhook_url=receiver.url)
    assert {o.channel: o.configured for o in await sender.waiting()} == {
        "mail-area": False, "mail-receipt": True, "webhook": False,
    }  # fmt: skip
    assert await sender.deliver_due() == 1
    assert await states(database) == {
        "mail-area": "waiting", "mail-receipt": "sent", "webhook": "waiting",
    }  # fmt: skip
    assert receiver.calls == [], "unsigned calls aren't made"


async def test_what_has_no_settings_does_not_hold_up_the_rest(
    registry: Registry, delivery: MakeDelivery, post: Post
) -> None:
    for _ in range(5):
        await registry.store(submission(area="sylte", email=""))
    await registry.store(submission(email=""))
    assert await delivery(smtp_url=post.url, recipients={"overby": AREA}).deliver_due(limit=2) == 1


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        ("smtp_url", {"smtp_url": "http://127.0.0.1"}),
        ("smtp_url", {"smtp_url": "smtp://:25"}),
        ("smtp_url", {"smtp_url": "smtp://127.0.0.1:port"}),
        ("mail_from", {"smtp_url": "smtp://127.0.0.1", "mail_from": "kontaktcenter"}),
        ("recipients", {"smtp_url": "smtp://127.0.0.1", "recipients": {"overby": "ingen"}}),
        ("webhook_url", {"webhook_url": "file:///etc/passwd", "webhook_secret": SECRET}),
        ("webhook_url", {"webhook_url": "http://[", "webhook_secret": SECRET}),
        ("webhook_secret", {"webhook_url": "http://127.0.0.1"}),
    ],
)
async def test_a_setting_that_cannot_be_used_is_logged_once_and_counts_as_missing(
    setting: str, values: dict[str, Any], sqlite: Database, vault: Vault, store: ContentStore
) -> None:
    await Registry(sqlite.engine, vault).store(submission(email=""))
    with structlog.testing.capture_logs() as logs:
        sender = Delivery(configured(**values), sqlite.engine, vault, store)
        for _ in range(3):
            assert await sender.deliver_due() == 0
    assert [(one["event"], one["setting"]) for one in logs] == [("setting_unusable", setting)]
    assert {one.attempts for one in await sender.waiting()} == {0}
    assert not any(one.configured for one in await sender.waiting())


# --- failures -------------------------------------------------------------------------------------


async def test_a_failed_mail_comes_again_with_the_same_message_id(
    registry: Registry, delivery: MakeDelivery, database: Database, post: Post
) -> None:
    await registry.store(submission())
    post.failures = ["451 Later, please"]
    sender = delivery(smtp_url=post.url)
    assert await sender.deliver_due() == 0
    row = (await outbox(database.engine))["mail-receipt"]
    assert (row.state, row.attempts, row.error) == ("waiting", 1, "SMTPDataError 451")
    assert 22 <= await due_in(database, "mail-receipt") <= 38, "30 s, a quarter more or less"
    assert await sender.deliver_due() == 0, "not yet"
    post.failures = ["451 Later, please"]
    with later(40):
        assert await sender.deliver_due() == 0
        assert 44 <= await due_in(database, "mail-receipt") <= 76, "twice as long"
    with later(120):
        assert await sender.deliver_due() == 1
    row = (await outbox(database.engine))["mail-receipt"]
    assert (row.state, row.error) == ("sent", None)
    assert post.received[0]["Message-ID"] == f"<{row.key}@trollhattan-exempel.se>"


async def test_a_message_that_arrived_twice_has_one_message_id(
    registry: Registry, delivery: MakeDelivery, database: Database, post: Post
) -> None:
    await registry.store(submission(area="sylte"))
    sender = delivery(smtp_url=post.url)
    await sender.deliver_due()
    async with database.engine.begin() as db:  # as if it had died before it could mark the row
        await db.execute(update(Outbox).values(state="waiting"))
    with later(LEASE + 1):
        await sender.deliver_due()
    assert len(post.received) == 2
    assert len({message["Message-ID"] for message in post.received}) == 1


async def test_the_pauses_grow_up_to_six_hours(sqlite: Database, vault: Vault) -> None:
    sender = Delivery(configured(), sqlite.engine, vault, ContentStore(ROOT / "content"))
    pauses = [sender._pause(attempts).total_seconds() for attempts in range(1, 30)]
    assert all(0.75 * 30 * 2**n <= pause for n, pause in enumerate(pauses[:8]))
    assert max(pauses) == LONGEST_RETRY == pauses[-1]
    assert len({sender._pause(1) for _ in range(20)}) > 1, "not all at the same time"


async def test_after_ten_attempts_a_row_is_dead_until_staff_try_again(
    registry: Registry, delivery: MakeDelivery, database: Database, post: Post
) -> None:
    stored = await registry.store(submission(area="sylte"))
    post.failures = ["451 No"] * MAX_ATTEMPTS
    sender = delivery(first_retry=0.0, smtp_url=post.url)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert (await states(database))["mail-receipt"] == "waiting"
        assert await sender.deliver_due() == 0
        assert (await outbox(database.engine))["mail-receipt"].attempts == attempt
    assert await sender.deliver_due() == 0
    dead = next(one for one in await sender.waiting() if one.channel == "mail-receipt")
    assert (dead.state, dead.error) == ("dead", "SMTPDataError 451")
    assert dead.configured and dead.reference == stored.reference
    waiting = next(one for one in await sender.waiting() if one.channel == "webhook")
    assert not await sender.again(waiting.id), "only dead ones"
    assert not await sender.again(10**6)
    assert await sender.again(dead.id)
    assert await sender.deliver_due() == 1
    assert (await states(database))["mail-receipt"] == "sent"


@pytest.mark.parametrize(
    ("answer", "state", "error"),
    [
        ("550 Unknown user", "dead", "SMTPRecipientsRefused 550"),
        ("450 Greylisted", "waiting", "SMTPRecipientsRefused 450"),
    ],
)
async def test_a_recipient_that_is_refused_for_good_is_not_tried_again(
    answer: str, state: str, error: str, sqlite: Database, vault: Vault, store: ContentStore,
    post: Post,
) -> None:  # fmt: skip
    await Registry(sqlite.engine, vault).store(submission())
    post.refused[BUSINESS] = answer
    conf = configured(smtp_url=post.url, recipients={"*": AREA})
    assert await Delivery(conf, sqlite.engine, vault, store).deliver_due() == 1
    row = (await outbox(sqlite.engine))["mail-receipt"]
    assert (row.state, row.attempts, row.error) == (state, 1, error)
    assert post.recipients == [AREA]


async def test_a_message_that_is_refused_for_good_is_not_tried_again(
    sqlite: Database, vault: Vault, store: ContentStore, post: Post
) -> None:
    await Registry(sqlite.engine, vault).store(submission())
    post.failures = ["554 Looks like spam"]
    await Delivery(configured(smtp_url=post.url), sqlite.engine, vault, store).deliver_due()
    row = (await outbox(sqlite.engine))["mail-receipt"]
    assert (row.state, row.error) == ("dead", "SMTPDataError 554")


async def test_a_server_that_is_away_costs_few_attempts_and_holds_up_nothing_else(
    registry: Registry, delivery: MakeDelivery, receiver: Receiver
) -> None:
    for _ in range(30):
        await registry.store(submission(area="sylte"))
    sender = delivery(
        smtp_url=f"smtp://127.0.0.1:{free_port()}", webhook_url=receiver.url, webhook_secret=SECRET
    )
    assert await sender.deliver_due() == 30
    assert len(receiver.calls) == 30
    left = [one for one in await sender.waiting() if one.configured]
    assert len(left) == 30
    assert 1 <= sum(one.attempts for one in left) <= 4
    assert {one.error for one in left} == {None, "SMTPConnectError"}


async def test_a_key_that_does_not_fit_is_tried_again_like_any_failure(
    registry: Registry, database: Database, store: ContentStore, post: Post, vault: Vault
) -> None:
    await registry.store(submission())
    conf = configured(smtp_url=post.url)
    stranger = Delivery(conf, database.engine, Vault([new_key()]), store, first_retry=0.0)
    assert await stranger.deliver_due() == 0
    assert (await outbox(database.engine))["mail-receipt"].error == "Unreadable"
    assert await Delivery(conf, database.engine, vault, store).deliver_due() == 1


async def test_a_broken_text_waits_for_the_editors(
    sqlite: Database, vault: Vault, post: Post, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(ROOT / "content", tmp_path / "content"))
    await Registry(sqlite.engine, vault).store(submission())
    store = ContentStore(folder)
    about = store.content.participation
    broken = about.mails["receipt"].model_copy(update={"text": "{{ finns.inte }}"})
    mails = about.model_copy(update={"mails": {**about.mails, "receipt": broken}})
    store._content = dataclasses.replace(store.content, participation=mails)
    sender = Delivery(configured(smtp_url=post.url), sqlite.engine, vault, store, first_retry=0.0)
    assert await sender.deliver_due() == 0
    assert (await outbox(sqlite.engine))["mail-receipt"].error == "TemplateError"
    assert store.reload()
    assert await sender.deliver_due() == 1


async def test_nothing_personal_is_logged_or_kept_as_an_error(
    sqlite: Database, vault: Vault, store: ContentStore, post: Post
) -> None:
    stored = await Registry(sqlite.engine, vault).store(submission())
    post.refused[BUSINESS] = f"550 {BUSINESS} is not known here"
    conf = configured(
        smtp_url=post.url, recipients={"*": AREA},
        webhook_url=f"http://127.0.0.1:{free_port()}/?token=abc", webhook_secret=SECRET,
    )  # fmt: skip
    with structlog.testing.capture_logs() as logs:
        await Delivery(conf, sqlite.engine, vault, store).deliver_due()
    assert {one["event"] for one in logs} == {"delivered", "delivery_dead", "delivery_failed"}
    said = str(logs) + str([row.error for row in (await outbox(sqlite.engine)).values()])
    for secret in (BUSINESS, AREA, "Bagarn", stored.reference, SECRET, "abc", "not known"):
        assert secret not in said


# --- webhook --------------------------------------------------------------------------------------


async def test_the_webhook_is_signed_and_tells_everything(
    registry: Registry, delivery: MakeDelivery, database: Database, receiver: Receiver
) -> None:
    stored = await registry.store(submission())
    case = await registry.find(stored.reference)
    assert case is not None
    sender = delivery(webhook_url=receiver.url, webhook_secret=SECRET)
    assert await sender.deliver_due() == 1
    (call,) = receiver.calls
    assert call.event == {
        "event": "interest.created",
        "reference": stored.reference,
        "area": "overby",
        "status": "ny",
        "created_at": case.created_at.isoformat(),
        "expression": {**vars(expression()), "concerns": ["stold"]},
    }
    timestamp = call.headers["X-Kontakt-Timestamp"]
    assert abs(int(timestamp) - datetime.now(UTC).timestamp()) < 60
    signed = hmac.new(SECRET.encode(), timestamp.encode() + b"." + call.body, hashlib.sha256)
    assert call.headers["X-Kontakt-Signature"] == f"sha256={signed.hexdigest()}"
    assert signature("annan", timestamp, call.body) != call.headers["X-Kontakt-Signature"]
    assert call.headers["Content-Type"] == "application/json"
    key = (await outbox(database.engine))["webhook"].key
    assert call.headers["Idempotency-Key"] == key


@pytest.mark.parametrize("status", [500, 503, 408, 425, 429, 302])
async def test_a_webhook_that_fails_is_repeated_with_the_same_key(
    status: int, sqlite: Database, vault: Vault, store: ContentStore, receiver: Receiver
) -> None:
    await Registry(sqlite.engine, vault).store(submission())
    receiver.statuses = [status, status]
    conf = configured(webhook_url=receiver.url, webhook_secret=SECRET)
    sender = Delivery(conf, sqlite.engine, vault, store, first_retry=0.0)
    assert await sender.deliver_due() == 0
    row = (await outbox(sqlite.engine))["webhook"]
    assert (row.state, row.attempts, row.error) == ("waiting", 1, f"HTTP {status}")
    assert await sender.deliver_due() == 0
    assert await sender.deliver_due() == 1
    assert len(receiver.calls) == 3, "a redirection is not followed"
    assert len({call.headers["Idempotency-Key"] for call in receiver.calls}) == 1
    assert len({call.body for call in receiver.calls}) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422])
async def test_a_webhook_that_is_refused_is_not_repeated(
    status: int, sqlite: Database, vault: Vault, store: ContentStore, receiver: Receiver
) -> None:
    await Registry(sqlite.engine, vault).store(submission())
    receiver.statuses = [status]
    conf = configured(webhook_url=receiver.url, webhook_secret=SECRET)
    sender = Delivery(conf, sqlite.engine, vault, store, first_retry=0.0)
    assert await sender.deliver_due() == 0 == await sender.deliver_due()
    row = (await outbox(sqlite.engine))["webhook"]
    assert (row.state, row.error) == ("dead", f"HTTP {status}")
    assert len(receiver.calls) == 1
    assert await sender.again(row.id)
    assert await sender.deliver_due() == 1


async def test_a_webhook_where_nobody_answers_is_tried_again(
    sqlite: Database, vault: Vault, store: ContentStore
) -> None:
    await Registry(sqlite.engine, vault).store(submission())
    conf = configured(webhook_url=f"http://127.0.0.1:{free_port()}/", webhook_secret=SECRET)
    assert await Delivery(conf, sqlite.engine, vault, store).deliver_due() == 0
    row = (await outbox(sqlite.engine))["webhook"]
    assert (row.state, row.error) == ("waiting", "ClientConnectorError")


# --- several at once, and killed ones -------------------------------------------------------------


async def test_two_that_deliver_at_once_send_everything_once(
    registry: Registry, delivery: MakeDelivery, post: Post, receiver: Receiver
) -> None:
    for number in range(15):
        await registry.store(submission(email=f"b{number}@exempel.se"))
    how = {
        "smtp_url": post.url, "recipients": {"*": AREA},
        "webhook_url": receiver.url, "webhook_secret": SECRET,
    }  # fmt: skip
    sent = await asyncio.gather(*(delivery(**how).deliver_due() for _ in range(3)))
    assert sum(sent) == 45
    assert len(post.received) == 30 == len({m["Message-ID"] for m in post.received})
    assert len(receiver.calls) == 15


CHILD = """
import asyncio, sys
from bot.content.store import ContentStore
from bot.participation.delivery import Delivery
from bot.settings import settings
from bot.store.database import engine
from bot.store.vault import vault

conf = settings()
store = ContentStore(conf.content_dir)
delivery = Delivery(conf, engine(conf.database), vault(conf), store)
asyncio.run(delivery.run_forever())
"""


async def test_killed_in_the_middle_the_row_goes_out_after_the_lease(
    registry: Registry, delivery: MakeDelivery, database: Database, post: Post, key: str
) -> None:
    await registry.store(submission(area="sylte"))
    post.holding = True
    environment = {
        **os.environ, "KONTAKT_DATABASE_URL": database.url, "KONTAKT_DATA_KEY": key,
        "KONTAKT_SMTP_URL": post.url, "KONTAKT_MAIL_FROM": "k@trollhattan-exempel.se",
    }  # fmt: skip
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, cwd=ROOT, env=environment
    )

    async def sending() -> bool:
        assert child.returncode is None
        return post.held > 0

    await until(sending, 60)
    child.kill()
    await child.wait()
    post.holding = False
    sender = delivery(smtp_url=post.url)
    assert await sender.deliver_due() == 0, "still claimed"
    row = (await outbox(database.engine))["mail-receipt"]
    assert (row.state, row.attempts) == ("waiting", 0)
    with later(LEASE + 1):
        assert await sender.deliver_due() == 1
    assert post.received[0]["Message-ID"] == f"<{row.key}@trollhattan-exempel.se>"


async def test_a_late_failure_does_not_undo_what_another_has_sent(
    registry: Registry, database: Database, vault: Vault, store: ContentStore, post: Post,
    start_post: StartPost,
) -> None:  # fmt: skip
    await registry.store(submission(area="sylte"))
    slow = start_post()
    slow.refused[BUSINESS] = "550 No"
    taken = asyncio.Event()

    class Slow(Delivery):
        async def _mail(self, row: Any, case: Case) -> None:
            taken.set()
            await until(lambda: _is_sent(database))
            await super()._mail(row, case)

    late = Slow(configured(smtp_url=slow.url), database.engine, vault, store, lease=0.0)
    task = asyncio.create_task(late.deliver_due())
    await taken.wait()
    assert await Delivery(
        configured(smtp_url=post.url), database.engine, vault, store
    ).deliver_due() == 1  # fmt: skip
    assert await task == 0
    row = (await outbox(database.engine))["mail-receipt"]
    assert (row.state, row.attempts, row.error) == ("sent", 0, None)


async def _is_sent(database: Database) -> bool:
    return (await states(database))["mail-receipt"] == "sent"


async def test_a_case_erased_while_it_was_being_sent_leaves_nothing(
    registry: Registry, database: Database, vault: Vault, store: ContentStore, post: Post
) -> None:
    first = await registry.store(submission(area="sylte"))
    replaced: list[str] = []

    class Interrupted(Delivery):
        async def _mail(self, row: Any, case: Case) -> None:
            await super()._mail(row, case)
            if not replaced:  # SQLite gives the erased row's number to the next one
                replaced.append(first.reference)
                await registry.erase(first.reference, "eva")
                await registry.store(submission(area="sylte"))

    sender = Interrupted(configured(smtp_url=post.url), database.engine, vault, store)
    await sender.deliver_due()
    assert (await states(database))["mail-receipt"] == "waiting", "the new one's row"
    assert await sender.deliver_due() == 1
    assert len(post.received) == 2


async def test_a_case_erased_before_it_was_sent_is_not_sent(
    registry: Registry, delivery: MakeDelivery, post: Post
) -> None:
    stored = await registry.store(submission())
    await registry.erase(stored.reference, "eva")
    sender = delivery(smtp_url=post.url, recipients={"*": AREA})
    assert await sender.deliver_due() == 0
    assert await sender.waiting() == [] == post.received


# --- the loop -------------------------------------------------------------------------------------


async def test_the_loop_sends_what_comes_and_survives_a_broken_database(
    sqlite: Database, vault: Vault, store: ContentStore, post: Post
) -> None:
    registry = Registry(sqlite.engine, vault)
    broken: list[bool] = [True]

    class Shaky(Delivery):
        async def deliver_due(self, limit: int = 50) -> int:
            if broken and broken.pop():
                raise OSError("the database is away")
            return await super().deliver_due(limit)

    conf = configured(smtp_url=post.url)
    sender = Shaky(conf, sqlite.engine, vault, store, poll=0.05)
    task = asyncio.create_task(sender.run_forever())
    for number in range(1, 4):
        await registry.store(submission(area="sylte"))

        async def arrived(number: int = number) -> bool:
            return len(post.received) == number

        await until(arrived)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert not broken


async def test_a_wake_up_does_not_wait_for_the_next_look(
    sqlite: Database, vault: Vault, store: ContentStore, post: Post
) -> None:
    sender = Delivery(configured(smtp_url=post.url), sqlite.engine, vault, store, poll=600)
    task = asyncio.create_task(sender.run_forever())
    await asyncio.sleep(0.2)
    await Registry(sqlite.engine, vault).store(submission(area="sylte"))
    sender.wake()

    async def arrived() -> bool:
        return len(post.received) == 1

    await until(arrived)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


# --- the mail server's address --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "relay"),
    [
        ("smtp://post.exempel.se", Relay("post.exempel.se", 587, None, None, False)),
        ("smtps://post.exempel.se", Relay("post.exempel.se", 465, None, None, True)),
        ("smtp://post.exempel.se:25", Relay("post.exempel.se", 25, None, None, False)),
        (
            "smtp://kalle%40exempel.se:l%C3%B6sen%3A%2F%23@post.exempel.se",
            Relay("post.exempel.se", 587, "kalle@exempel.se", "lösen:/#", False),
        ),
        ("smtp://[::1]:2525", Relay("::1", 2525, None, None, False)),
    ],
)
def test_the_address_of_the_mail_server_is_read(url: str, relay: Relay) -> None:
    assert Relay.of_url(url) == relay


def test_a_password_is_never_sent_in_clear_text_over_a_network() -> None:
    far = Relay.of_url("smtp://kalle:hemligt@post.exempel.se").client("exempel.se")
    assert far._start_tls_on_connect is True and far.validate_certs
    open_relay = Relay.of_url("smtp://post.exempel.se").client("exempel.se")
    assert open_relay._start_tls_on_connect is None and open_relay.validate_certs
    near = Relay.of_url("smtp://kalle:hemligt@localhost").client("exempel.se")
    assert near._start_tls_on_connect is None and not near.validate_certs
    implicit = Relay.of_url("smtps://kalle:hemligt@post.exempel.se").client("exempel.se")
    assert implicit.use_tls and implicit.validate_certs


@pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")
async def test_it_logs_in_and_takes_tls_where_there_is_some(
    sqlite: Database, vault: Vault, store: ContentStore, start_post: StartPost,
    certificate: ssl.SSLContext,
) -> None:  # fmt: skip
    plain = start_post(user="kalle%40exempel.se:l%C3%B6sen%3A%2F@")
    offered = start_post(tls_context=certificate, require_starttls=True)
    implicit = start_post("smtps", ssl_context=certificate)
    for server in (plain, offered, implicit):
        stored = await Registry(sqlite.engine, vault).store(submission(area="sylte"))
        conf = configured(smtp_url=server.url)
        assert await Delivery(conf, sqlite.engine, vault, store).deliver_due() == 1
        await Registry(sqlite.engine, vault).erase(stored.reference, "test")
    assert plain.logins == [("kalle@exempel.se", "lösen:/")]
    assert offered.encrypted == [True]
    assert len(implicit.received) == 1


async def test_an_old_row_of_an_unknown_kind_is_left_alone(
    sqlite: Database, vault: Vault, store: ContentStore, post: Post
) -> None:
    await Registry(sqlite.engine, vault).store(submission(email=""))
    async with sqlite.engine.begin() as db:
        await db.execute(update(Outbox).where(Outbox.channel == "webhook").values(channel="fax"))
    sender = Delivery(configured(smtp_url=post.url), sqlite.engine, vault, store)
    assert await sender.deliver_due() == 0
    assert not any(one.configured for one in await sender.waiting())


async def test_status_and_area_are_those_of_the_moment_of_sending(
    registry: Registry, delivery: MakeDelivery, database: Database, receiver: Receiver
) -> None:
    await registry.store(submission())
    async with database.engine.begin() as db:
        await db.execute(update(Interest).values(status="kontaktad"))
    await delivery(webhook_url=receiver.url, webhook_secret=SECRET).deliver_due()
    assert receiver.calls[0].event["status"] == "kontaktad"
