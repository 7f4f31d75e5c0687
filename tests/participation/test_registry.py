"""Expressions of interest are kept once, unreadable without the key, and erased when asked."""

import asyncio
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.participation.expression import Expression
from bot.participation.registry import (
    CODE_MINUTES,
    CODE_TRIES,
    CODES_AN_HOUR,
    DUPLICATE,
    MANY,
    Filter,
    Registry,
    Stored,
)
from bot.settings import ROOT, Settings
from bot.store import audit
from bot.store.models import Audit, Interest, InterestNote, Outbox, WithdrawalCode
from bot.store.vault import KeyProblem, Unreadable, Vault, new_key, vault
from tests.participation.conftest import Database, expression, submission

PERSONAL = (
    "Gunilla", "Strandqvist", "butikschef", "gunilla@bagarn-exempel.se", "+46701740605",
    "701740605", "5560360793", "Bagarn", "snatteri", "stora entrén",
)  # fmt: skip


async def count(engine: AsyncEngine, table: type) -> int:
    """The rows of a table."""
    async with engine.connect() as db:
        return int(await db.scalar(select(func.count()).select_from(table)) or 0)


async def codes(engine: AsyncEngine, vault: Vault) -> list[str]:
    """The codes on their way to a business, oldest first."""
    query = select(Outbox.sealed).where(Outbox.channel == "mail-code").order_by(Outbox.id)
    async with engine.connect() as db:
        return [vault.unseal(str(sealed)) for sealed in await db.scalars(query)]


async def told(registry: Registry, reference: str) -> list[tuple[str, str]]:
    """Who did what to a case."""
    return [(row.who, row.what) for row in await audit.told_of(registry._engine, reference)]


def other_than(code: str) -> str:
    """A wrong code."""
    return f"{(int(code) + 1) % 1_000_000:06}"


# --- stored once ----------------------------------------------------------------------------------


async def test_what_was_told_comes_back_whole(registry: Registry) -> None:
    before = datetime.now(UTC)
    stored = await registry.store(submission())
    case = await registry.find(stored.reference)
    assert case is not None
    assert case.expression == expression()
    assert (case.area, case.status, case.assigned, case.flags) == ("overby", "ny", None, ())
    assert (case.purpose, case.consent_version) == ("att vi ska kunna kontakta er", "2026-11-25")
    assert before <= case.consented_at == case.created_at <= datetime.now(UTC)
    assert await registry.get(case.id) == case
    assert await registry.find("TS-2222") is None
    assert await registry.get("nobody") is None


async def test_the_same_form_sent_again_is_one_case(registry: Registry, database: Database) -> None:
    first = await registry.store(submission("same"))
    second = await registry.store(submission("same", company="Skrivet om AB"))
    assert first.created and second == Stored(first.reference, created=False)
    assert await count(database.engine, Interest) == 1
    assert await count(database.engine, Outbox) == 3, "area, receipt and webhook, once"


async def test_the_same_form_sent_many_times_at_once_is_one_case(
    registry: Registry, database: Database
) -> None:
    stored = await asyncio.gather(*(registry.store(submission("at once")) for _ in range(12)))
    assert len({one.reference for one in stored}) == 1
    assert [one.created for one in stored].count(True) == 1
    assert await count(database.engine, Interest) == 1
    assert await count(database.engine, Outbox) == 3


async def test_different_forms_sent_at_once_are_all_kept(
    registry: Registry, database: Database
) -> None:
    every = [submission(email=f"b{number}@exempel.se") for number in range(20)]
    stored = await asyncio.gather(*map(registry.store, every))
    assert len({one.reference for one in stored}) == 20
    assert await count(database.engine, Interest) == 20


async def test_a_reference_that_is_taken_is_drawn_again(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter(["TS-AAAA", "TS-AAAA", "TS-AAAA", "TS-CCCC"])
    monkeypatch.setattr("bot.participation.registry.new_reference", lambda: next(drawn))
    assert (await registry.store(submission())).reference == "TS-AAAA"
    assert (await registry.store(submission())).reference == "TS-CCCC"


async def test_references_have_no_letters_that_look_alike(registry: Registry) -> None:
    stored = [await registry.store(submission()) for _ in range(40)]
    for one in stored:
        assert re.fullmatch(r"TS-[234679ACDEFGHJKMNPQRTVWXY]{4}", one.reference)


async def test_a_business_without_e_mail_gets_no_receipt(
    registry: Registry, database: Database
) -> None:
    await registry.store(submission(email=""))
    assert await count(database.engine, Outbox) == 2


# --- unreadable without the key -------------------------------------------------------------------


async def test_personal_data_is_nowhere_in_the_database(
    registry: Registry, database: Database
) -> None:
    stored = await registry.store(submission())
    case = await registry.find(stored.reference)
    assert case is not None
    await registry.note(case.id, "eva", "Ringde Gunilla Strandqvist, butikschef")
    await registry.change(case.id, "eva", "kontaktad", "eva")
    await registry.send_code(stored.reference)
    await registry.erase(stored.reference, "eva", "fel@exempel.se")
    raw = await database.raw()
    assert stored.reference.encode() in raw, "this is where the data lies"
    for text in PERSONAL:
        for written in (text, text.casefold(), json.dumps(text)[1:-1]):
            assert written.encode() not in raw, text
            assert hashlib.sha256(written.encode()).hexdigest().encode() not in raw, "guessable"


async def test_with_another_key_nothing_can_be_read(registry: Registry, database: Database) -> None:
    stored = await registry.store(submission())
    stranger = Registry(database.engine, Vault([new_key()]))
    with pytest.raises(Unreadable):
        await stranger.find(stored.reference)
    with pytest.raises(Unreadable):
        await stranger.cases(Filter())
    assert not await stranger.erase(stored.reference, "eva", expression().email)


async def test_a_new_key_in_front_of_the_old_one_reads_and_finds_all(
    registry: Registry, database: Database, key: str
) -> None:
    stored = await registry.store(submission())
    renewed = Registry(database.engine, Vault([new_key(), key]))
    case = await renewed.find(stored.reference)
    assert case is not None and case.expression == expression()
    assert await renewed.erase_email(expression().email, "eva") == [stored.reference]


def test_a_changed_token_is_unreadable(vault: Vault) -> None:
    token = vault.seal("Gunilla")
    assert vault.unseal(token) == "Gunilla" and vault.seal("Gunilla") != token
    with pytest.raises(Unreadable):
        vault.unseal(token[:-4] + "AAA=")
    with pytest.raises(Unreadable):
        vault.unseal("inte en token å")


@pytest.mark.parametrize(
    "broken", ["kort", new_key()[:-6], f"{new_key()},"], ids=["short", "cut", "two"]
)
def test_a_key_that_is_none_says_what_to_do(broken: str) -> None:
    with pytest.raises(KeyProblem, match="python -m bot key"):
        vault(Settings(data_key=broken))


def test_processes_that_start_at_once_make_one_key(tmp_path: Path) -> None:
    file = tmp_path / "new" / "data.key"
    script = (
        "import sys, time; from bot.settings import Settings; from bot.store.vault import vault\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "print(vault(Settings(data_key='')).digest('who', 'same'))"
    )
    environment = {**os.environ, "KONTAKT_KEY_FILE": str(file)}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for _ in range(6)
    ]  # fmt: skip
    for process in started:
        assert process.stdout and process.stdout.readline() == "ready\n"
    said = set()
    for process in started:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        said.add(process.communicate(timeout=60)[0])
        assert process.returncode == 0
    assert len(said) == 1, "digests of one key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["data.key"]


def test_a_start_that_was_killed_halfway_is_not_in_the_way_of_the_next(tmp_path: Path) -> None:
    left_over = tmp_path / f"data.key.{os.getpid()}"
    left_over.write_text("")
    vault(Settings(data_key="", key_file=tmp_path / "data.key"))


def test_a_key_file_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyProblem, match="KONTAKT_KEY_FILE"):
        vault(Settings(data_key="", key_file=tmp_path / "file" / "data.key"))


# --- flags ----------------------------------------------------------------------------------------


async def flags(registry: Registry, stored: Stored) -> tuple[str, ...]:
    """The flags of a case."""
    case = await registry.find(stored.reference)
    assert case is not None
    return case.flags


async def test_a_second_one_from_the_same_business_is_flagged(registry: Registry) -> None:
    first = await registry.store(submission())
    again = await registry.store(submission(company="bagarn  i överby AB", phone=""))
    by_phone = await registry.store(submission(email="annan@bagarn-exempel.se"))
    other = await registry.store(submission(company="Bokhandeln", phone="+46520100000"))
    assert await flags(registry, first) == ()
    assert await flags(registry, again) == (DUPLICATE,)
    assert await flags(registry, by_phone) == (DUPLICATE,)
    assert await flags(registry, other) == ()


async def test_after_a_closed_case_a_new_one_is_no_duplicate(registry: Registry) -> None:
    first = await registry.store(submission())
    case = await registry.find(first.reference)
    assert case is not None and await registry.change(case.id, "eva", "avslutad")
    assert await flags(registry, await registry.store(submission())) == ()


async def test_many_in_a_day_from_one_sender_are_flagged_and_kept(registry: Registry) -> None:
    stored = [await registry.store(submission(company=f"Butik {n}")) for n in range(5)]
    assert [await flags(registry, one) for one in stored] == [(), (), (), (MANY,), (MANY,)]
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1, minutes=1)):
        tomorrow = await registry.store(submission(company="Butik 6"))
    assert await flags(registry, tomorrow) == ()


async def test_without_e_mail_and_phone_nobody_is_the_same_sender(registry: Registry) -> None:
    stored = [await registry.store(submission(email="", phone="")) for _ in range(5)]
    assert {await flags(registry, one) for one in stored} == {()}


async def test_a_flag_that_came_with_the_form_stays(registry: Registry) -> None:
    one = submission()
    stored = await registry.store(type(one)(one.key, one.expression, one.consent, "s-1", ("test",)))
    assert await flags(registry, stored) == ("test",)


# --- followed up by staff -------------------------------------------------------------------------


async def test_cases_are_listed_newest_first_and_by_what_is_asked_for(registry: Registry) -> None:
    first = await registry.store(submission(area="overby"))
    second = await registry.store(submission(area="sylte"))
    await registry.store(submission(area="sylte", company="Bokhandeln", email="", phone=""))
    case = await registry.find(first.reference)
    assert case is not None
    await registry.change(case.id, "eva", "kontaktad", "eva")

    async def found(limit: int = 200, offset: int = 0, **values: object) -> list[str]:
        cases = await registry.cases(Filter(**values), limit, offset)  # type: ignore[arg-type]
        return [one.reference for one in cases]

    everyone = await found()
    assert len(everyone) == 3 and everyone[1:] == [second.reference, first.reference]
    assert await found(limit=1, offset=2) == [first.reference]
    assert len(await found(area="sylte")) == 2
    assert await found(status="kontaktad") == [first.reference]
    assert await found(assigned="eva") == [first.reference]
    assert await found(flag=DUPLICATE) == [second.reference]
    assert await found(flag=MANY) == [] == await found(flag="%")
    assert await found(area="sylte", status="kontaktad") == []
    assert await found(older_than_days=1) == []
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1, minutes=1)):
        assert await found(older_than_days=1) == everyone
    assert await registry.counts() == {"overby": {"kontaktad": 1}, "sylte": {"ny": 2}}


async def test_the_flag_for_many_can_be_listed_though_it_is_swedish(registry: Registry) -> None:
    stored = [await registry.store(submission(company=f"Butik {n}")) for n in range(4)]
    assert [one.reference for one in await registry.cases(Filter(flag=MANY))] == [
        stored[3].reference
    ]


async def test_what_staff_do_to_a_case_is_written_down(registry: Registry) -> None:
    stored = await registry.store(submission())
    case = await registry.find(stored.reference)
    assert case is not None
    assert await registry.change(case.id, "eva", "kontaktad", "ali")
    assert await registry.note(case.id, "ali", "Träffas på måndag")
    assert await registry.change(case.id, "ali", assigned="")
    await audit.write(registry._engine, "eva", "exported", stored.reference, format="csv")
    changed = await registry.find(stored.reference)
    assert changed is not None and changed.status == "kontaktad" and changed.assigned is None
    assert changed.changed_at > case.changed_at == case.created_at
    notes = await registry.notes(case.id)
    assert [(note.author, note.text) for note in notes] == [("ali", "Träffas på måndag")]
    rows = await audit.told_of(registry._engine, stored.reference)
    assert [(row.who, row.what, row.detail) for row in rows] == [
        ("eva", "changed", {"status": "kontaktad", "assigned": "ali"}),
        ("ali", "note", {}),
        ("ali", "changed", {"assigned": None}),
        ("eva", "exported", {"format": "csv"}),
    ]


async def test_a_case_that_is_gone_cannot_be_changed(registry: Registry) -> None:
    assert not await registry.change("gone", "eva", "kontaktad")
    assert not await registry.note("gone", "eva", "hej")


# --- erased ---------------------------------------------------------------------------------------


async def test_erasing_takes_everything_but_the_trace_that_it_was_done(
    registry: Registry, database: Database
) -> None:
    stored, kept = await registry.store(submission()), await registry.store(submission())
    case = await registry.find(stored.reference)
    assert case is not None
    await registry.note(case.id, "eva", "Ring")
    await registry.send_code(stored.reference)
    assert not await registry.erase(stored.reference, "företaget", "annan@exempel.se")
    assert not await registry.erase("TS-2222", "företaget", expression().email)
    assert await registry.erase(stored.reference, "företaget", " GUNILLA@bagarn-exempel.se ")
    assert not await registry.erase(stored.reference, "företaget"), "only once"
    assert await registry.find(stored.reference) is None
    assert await registry.find(kept.reference) is not None
    assert await count(database.engine, InterestNote) == 0
    assert await count(database.engine, WithdrawalCode) == 0
    assert await count(database.engine, Outbox) == 3, "those of the other case"
    assert await told(registry, stored.reference) == [("eva", "note"), ("företaget", "erased")]


async def test_two_who_erase_at_once_are_written_down_once(registry: Registry) -> None:
    stored = await registry.store(submission())
    erased = await asyncio.gather(*(registry.erase(stored.reference, "eva") for _ in range(5)))
    assert sorted(erased) == [False] * 4 + [True]
    assert await told(registry, stored.reference) == [("eva", "erased")]


async def test_all_cases_of_an_e_mail_address_can_be_erased(registry: Registry) -> None:
    mine = [await registry.store(submission(company=f"Butik {n}")) for n in range(3)]
    other = await registry.store(submission(email="annan@exempel.se"))
    erased = await registry.erase_email("Gunilla@Bagarn-Exempel.se", "eva")
    assert sorted(erased) == sorted(one.reference for one in mine)
    assert [one.reference for one in await registry.cases(Filter())] == [other.reference]
    assert await registry.erase_email("gunilla@bagarn-exempel.se", "eva") == []


async def test_cases_that_nobody_touched_for_so_long_are_erased(registry: Registry) -> None:
    old, touched = await registry.store(submission()), await registry.store(submission())
    later = datetime.now(UTC) + timedelta(days=400)
    case = await registry.find(touched.reference)
    assert case is not None
    with time_machine.travel(later):
        await registry.change(case.id, "eva", "kontaktad")
        assert await registry.erase_older(24) == 0
    assert await registry.erase_older(24, now=later + timedelta(days=330)) == 0
    assert await registry.erase_older(24, now=later + timedelta(days=332)) == 1
    assert await registry.find(old.reference) is None
    assert await registry.find(touched.reference) is not None
    assert await told(registry, old.reference) == [("gallring", "erased")]


async def test_the_zone_of_the_clock_makes_no_difference_to_erasing(
    registry: Registry, database: Database
) -> None:
    await registry.store(submission())
    now = datetime.now(UTC).replace(microsecond=0)
    almost = now - timedelta(days=30.44) + timedelta(minutes=30)
    async with database.engine.begin() as db:
        await db.execute(update(Interest).values(changed_at=almost))
    assert await registry.erase_older(1, now=now.astimezone(ZoneInfo("Europe/Stockholm"))) == 0
    assert await registry.erase_older(1, now=now.astimezone(ZoneInfo("America/Lima"))) == 0
    soon = now + timedelta(minutes=31)
    assert await registry.erase_older(1, now=soon.astimezone(ZoneInfo("America/Lima"))) == 1


# --- taken back by the business -------------------------------------------------------------------


async def test_the_right_code_erases_the_case(
    registry: Registry, database: Database, vault: Vault
) -> None:
    stored = await registry.store(submission())
    await registry.send_code(stored.reference)
    (code,) = await codes(database.engine, vault)
    assert re.fullmatch(r"\d{6}", code)
    assert not await registry.withdraw(stored.reference, other_than(code))
    assert await registry.withdraw(stored.reference, code)
    assert await registry.find(stored.reference) is None
    assert await count(database.engine, Outbox) == 0
    assert await told(registry, stored.reference) == [("företaget självt", "erased")]
    assert not await registry.withdraw(stored.reference, code)


async def test_a_code_stops_working_after_half_an_hour(
    registry: Registry, database: Database, vault: Vault
) -> None:
    stored = await registry.store(submission())
    await registry.send_code(stored.reference)
    (code,) = await codes(database.engine, vault)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=CODE_MINUTES, seconds=1)):
        assert not await registry.withdraw(stored.reference, code)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=CODE_MINUTES - 1)):
        assert await registry.withdraw(stored.reference, code)


async def test_after_too_many_tries_the_right_code_is_no_use(
    registry: Registry, database: Database, vault: Vault
) -> None:
    stored = await registry.store(submission())
    await registry.send_code(stored.reference)
    (code,) = await codes(database.engine, vault)
    tried = [registry.withdraw(stored.reference, other_than(code)) for _ in range(CODE_TRIES)]
    assert not any(await asyncio.gather(*tried))
    assert not await registry.withdraw(stored.reference, code)
    await registry.send_code(stored.reference)
    new = (await codes(database.engine, vault))[-1]
    assert await registry.withdraw(stored.reference, new), "a new code has tries of its own"


async def test_a_code_is_good_for_its_own_case_only(
    registry: Registry, database: Database, vault: Vault
) -> None:
    mine, other = await registry.store(submission()), await registry.store(submission())
    await registry.send_code(mine.reference)
    await registry.send_code(other.reference)
    code, _ = await codes(database.engine, vault)
    assert not await registry.withdraw(other.reference, code)
    assert await registry.find(other.reference) is not None
    async with database.engine.connect() as db:
        digests = set(await db.scalars(select(WithdrawalCode.digest)))
    assert vault.digest("code", code) not in digests, "the digest holds the case too"


async def test_codes_are_not_sent_without_end(
    registry: Registry, database: Database, vault: Vault
) -> None:
    stored = await registry.store(submission())
    await asyncio.gather(*(registry.send_code(stored.reference) for _ in range(10)))
    assert len(await codes(database.engine, vault)) == CODES_AN_HOUR
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=61)):
        await registry.send_code(stored.reference)
    assert len(await codes(database.engine, vault)) == CODES_AN_HOUR + 1


async def test_nobody_learns_from_an_unknown_reference(
    registry: Registry, database: Database
) -> None:
    silent = await registry.store(submission(email=""))
    known = await registry.store(submission())
    written = await count(database.engine, Outbox)
    for reference in ("TS-2222", silent.reference, "' OR 1=1 --", ""):
        await registry.send_code(reference)
        assert await registry.withdraw(reference, "123456") is False
    assert await registry.withdraw(known.reference, "123456") is False, "the same word"
    assert await count(database.engine, Outbox) == written
    assert await count(database.engine, Audit) == 0
    assert await registry.find(silent.reference) is not None


async def test_an_old_case_with_fields_of_another_time_can_be_read(
    registry: Registry, database: Database, vault: Vault
) -> None:
    stored = await registry.store(submission())
    sealed = vault.seal(json.dumps({"company": "Bagarn", "fax": "0520", "concerns": ["stold"]}))
    async with database.engine.begin() as db:
        await db.execute(update(Interest).values(sealed=sealed))
    case = await registry.find(stored.reference)
    assert case is not None
    assert case.expression == Expression(company="Bagarn", concerns=("stold",))
