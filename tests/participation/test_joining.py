"""Joining through the running service, from the first words to the reference."""

import json
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from bot.settings import Settings
from bot.store.vault import vault
from tests.conftest import Resident, Service, spoken

STEPS = ("area", "concerns", "company", "person", "contact", "channel", "consent")
ANSWERS = {
    "area": "Kungsgatan, mitt emot banken",
    "concerns": "klotter och snatteri varje vecka",
    "company": "Lyktan AB, lampbutik",
    "person": "Nour Ek, ägare",
    "contact": "nour@lyktan.example.se och 031-390 06 12",
    "channel": "telefon blir bäst",
}
ASKS = {
    "area": "Var finns er verksamhet?",
    "concerns": "Vad gäller det?",
    "company": "Vad heter företaget eller organisationen?",
    "person": "Vem hos er kan vi kontakta?",
    "contact": "Vilken e-postadress eller vilket telefonnummer",
    "channel": "Vilket använder vi helst",
    "consent": "Får Trollhättans Stad spara uppgifterna",
}
OPENING = "vår lampaffär vill gärna vara med i samverkan, skriv upp oss"
Walk = Callable[[str], Awaitable[Resident]]


@pytest.fixture
async def walk(http: aiohttp.ClientSession) -> AsyncIterator[Walk]:
    """Somebody who has answered until a question waits."""

    async def until(step: str) -> Resident:
        someone = await Resident(http).open()
        said = await someone.say(OPENING)
        for question in STEPS[: STEPS.index(step)]:
            assert ASKS[question] in said, said
            said = await someone.say(ANSWERS[question])
        assert ASKS[step] in said, said
        return someone

    yield until


async def finish(someone: Resident, step: str) -> str:
    """Answer the rest; the last answer."""
    said = ""
    for question in STEPS[STEPS.index(step) : -1]:
        said = await someone.say(ANSWERS[question])
    return said + await someone.say("ja, det får ni")


def rows(service: Service, query: str, *values: str) -> list[tuple[object, ...]]:
    """What lies in the service's database."""
    with sqlite3.connect(service.data / "kontakt.db") as db:
        return db.execute(query, values).fetchall()


def count(service: Service) -> int:
    """How many expressions of interest are stored."""
    return int(str(rows(service, "SELECT count(*) FROM interest")[0][0]))


async def test_a_shop_owner_gets_a_reference_and_everything_is_kept(
    walk: Walk, service: Service
) -> None:
    someone = await walk("consent")
    said = await someone.say("ja, det får ni")
    reference = re.search(r"TS-[2-9A-Z]{4}", said)
    assert "mottagen" in said and reference
    [(sealed, area, purpose, version)] = rows(
        service,
        "SELECT sealed, area, purpose, consent_version FROM interest WHERE reference = ?",
        reference.group(),
    )
    conf = Settings(key_file=service.content.parent / "data.key")
    told = json.loads(vault(conf).unseal(str(sealed)))
    assert told["company"] == "Lyktan AB" and told["person"] == "Nour Ek"
    assert told["role"] == "ägare" and told["email"] == "nour@lyktan.example.se"
    assert told["phone"] == "+46313900612" and told["channel"] == "telefon"
    assert told["kind"] == "butik" or told["kind"] == ""
    assert area == "kungsgatan" and "Trollhättans Stad" in str(purpose) and version
    waiting = rows(
        service,
        "SELECT channel FROM outbox JOIN interest ON interest.id = outbox.interest_id "
        "WHERE reference = ? ORDER BY channel",
        reference.group(),
    )
    assert [row[0] for row in waiting] == ["mail-area", "mail-receipt", "webhook"]


async def test_no_address_is_left_in_rasas_or_the_chats_database(
    walk: Walk, service: Service
) -> None:
    someone = await walk("consent")
    await someone.say("ja")
    for file in ("tracker.db", "kontakt.db"):
        found = b"".join(path.read_bytes() for path in service.data.glob(f"{file}*"))
        assert b"nour@lyktan.example.se" not in found
        assert b"0313900612" not in found and b"031-390 06 12" not in found
    for log in (service.data / "log").iterdir():
        assert b"lyktan" not in log.read_bytes().lower()


async def test_everything_in_one_breath(http: aiohttp.ClientSession) -> None:
    someone = await Resident(http).open()
    said = await someone.say(
        "hej mira sand på sandlådans lekbutik i sylte mira@sandladan.example.se vi är less på "
        "snatteri och vill vara med i samverkan"
    )
    if "Vill du lämna en intresseanmälan" in said:
        said = await someone.say("ja")
    for part in ("sandlådans lekbutik", "Sylte", "mira@sandladan.example.se", "mira sand"):
        assert part in said.replace("\\", ""), said


async def test_the_way_in_is_offered_and_a_yes_opens_it(http: aiohttp.ClientSession) -> None:
    someone = await Resident(http).open()
    assert "Vill du lämna en intresseanmälan" in await someone.say(
        "varför ska vårt företag vara med?"
    )
    assert ASKS["area"] in await someone.say("ja gärna")


async def test_the_summary_is_changed_and_stored_as_changed(walk: Walk, service: Service) -> None:
    someone = await walk("consent")
    messages = await someone.send(text="fel, företaget heter Lampan & Co HB")
    assert "Lampan & Co HB" in spoken(messages).replace("\\", "")
    said = await someone.press(messages, "Ändra något")
    assert "Vad ska ändras?" in said
    said = await someone.say("ändra kontaktpersonen")
    assert ASKS["person"] in said
    assert ASKS["consent"] in await someone.say("Siv Ek")
    before = count(service)
    assert "mottagen" in await someone.say("ja")
    assert count(service) == before + 1


async def test_the_same_yes_twice_is_stored_once(walk: Walk, service: Service) -> None:
    someone = await walk("consent")
    before = count(service)
    first = spoken(await someone.send(text="ja", client_id="same"))
    assert spoken(await someone.send(text="ja", client_id="same")) == first
    assert count(service) == before + 1


# --- the interruption matrix: every step × what can come between


@pytest.mark.parametrize("step", STEPS)
async def test_a_question_between(walk: Walk, step: str) -> None:
    someone = await walk(step)
    said = await someone.say("vilka öppettider har kontaktcenter?")
    assert "16.30" in said and ASKS[step] in said
    assert "mottagen" in await finish(someone, step)


@pytest.mark.parametrize("step", STEPS)
async def test_an_emergency_between(walk: Walk, step: str) -> None:
    someone = await walk(step)
    said = await someone.say("HJÄLP det är en man med kniv i butiken nu")
    assert said.startswith("**Ring 112 nu**") and ASKS[step] not in said
    said = await someone.say("fortsätt")
    assert ASKS[step] in said
    assert "mottagen" in await finish(someone, step)


@pytest.mark.parametrize("step", STEPS)
async def test_cancelling_between(walk: Walk, service: Service, step: str) -> None:
    someone = await walk(step)
    before = count(service)
    assert "Inga uppgifter har lagrats" in await someone.say("avbryt")
    assert "16.30" in await someone.say("när stänger ni idag?")
    assert count(service) == before


@pytest.mark.parametrize("step", STEPS)
async def test_a_correction_between(walk: Walk, step: str) -> None:
    someone = await walk(step)
    said = await someone.say("oj fel, adressen ska vara siv@lampan.example.se")
    if step in ("area", "concerns", "company"):  # it isn't asked for again
        assert "mottagen" in await finish_without_contact(someone, step, said)
        return
    if step == "person":
        assert ASKS["person"] in said
        said = await someone.say(ANSWERS["person"])
    if step in ("contact", "person"):
        assert ASKS["consent"] in said and "siv@lampan.example.se" in said.replace("\\", "")
        assert "mottagen" in await someone.say("ja")
        return
    assert ASKS[step] in said
    assert "mottagen" in await finish(someone, step)


async def finish_without_contact(someone: Resident, step: str, said: str) -> str:
    """Answer whatever is asked until it is done."""
    for _ in range(10):
        question = next((name for name in STEPS if ASKS[name] in said), None)
        assert question, said
        said = await someone.say("ja" if question == "consent" else ANSWERS[question])
        if question == "consent":
            return said
    return said


@pytest.mark.parametrize("step", STEPS)
async def test_nonsense_between(walk: Walk, step: str) -> None:
    someone = await walk(step)
    said = await someone.say("???")
    assert said.strip() and "tekniska problem" not in said
    assert "mottagen" in await finish(someone, step)


@pytest.mark.parametrize("step", STEPS)
async def test_a_very_long_text_between(walk: Walk, step: str) -> None:
    someone = await walk(step)
    assert "för långt" in await someone.say("lång text " * 400)
    assert "mottagen" in await finish(someone, step)


@pytest.mark.parametrize("step", STEPS)
async def test_another_language_between(walk: Walk, step: str) -> None:
    someone = await walk(step)
    said = await someone.say("When does the contact centre open on Mondays?")
    assert "08:00" in said and ASKS[step] in said
    assert "mottagen" in await finish(someone, step)


@pytest.mark.parametrize("step", STEPS)
async def test_silence_for_an_hour(walk: Walk, service: Service, step: str) -> None:
    someone = await walk(step)
    grow_older(service, 1)
    assert "mottagen" in await finish(someone, step)


async def test_the_next_day_starts_clean(walk: Walk, service: Service) -> None:
    someone = await walk("person")
    grow_older(service, 23)
    said = await someone.say("Nour Ek, ägare")
    assert ASKS["contact"] not in said
    said = await someone.say("skriv upp oss i samverkan, vi har en bokhandel")
    assert ASKS["area"] in said, "nothing of yesterday is filled in"


def grow_older(service: Service, hours: float) -> None:
    """Let all that was said have been said so many hours earlier."""
    with sqlite3.connect(service.data / "tracker.db", timeout=10) as db:
        for number, data in db.execute("SELECT id, data FROM events").fetchall():
            event = json.loads(data)
            event["timestamp"] -= hours * 3600
            db.execute(
                "UPDATE events SET timestamp = ?, data = ? WHERE id = ?",
                (event["timestamp"], json.dumps(event), number),
            )
    with sqlite3.connect(service.data / "kontakt.db", timeout=10) as db:
        db.execute(
            "UPDATE chat_session SET seen_at = datetime(seen_at, ?)",
            (f"-{int(hours * 60)} minutes",),
        )


# --- where a business is sent instead, and out again


async def test_three_failed_tries_lead_to_a_person(walk: Walk, service: Service) -> None:
    someone = await walk("contact")
    before = count(service)
    await someone.say("4712")
    await someone.say("nour@lyktan")
    assert "0520-49 50 00" in await someone.say("vet inte hur man skriver sånt")
    assert count(service) == before


async def test_a_no_keeps_nothing(walk: Walk, service: Service) -> None:
    someone = await walk("consent")
    before = count(service)
    assert "sparar jag inga uppgifter" in await someone.say("nä, helst inte")
    assert count(service) == before


async def test_a_shop_elsewhere_and_a_private_person(http: aiohttp.ClientSession) -> None:
    someone = await Resident(http).open()
    await someone.say(OPENING)
    assert "verksamheter i Trollhättan" in await someone.say("vi finns i Uddevalla")
    await someone.say(OPENING)
    assert "Som privatperson" in await someone.say("jag är privatperson")


async def test_withdrawal_tells_nobody_whether_a_reference_exists(
    http: aiohttp.ClientSession,
) -> None:
    someone = await Resident(http).open()
    said = await someone.say("ta bort min anmälan TS-7K3Q")
    assert "TS-7K3Q" in said and "0520-49 50 00" in said
    assert "Skriv referensen" in await someone.say("jag vill dra tillbaka vår intresseanmälan")
    assert "tar inte bort något" in await someone.say("avbryt")


def test_the_key_lies_beside_nothing_it_opens(service: Service) -> None:
    key = Path(service.content.parent / "data.key")
    assert key.stat().st_mode & 0o077 == 0
    assert not (service.data / "data.key").exists()
