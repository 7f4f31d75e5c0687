"""What people do to a message on its way to us, through the running service."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import Resident, Service, until

HOURS, ADDRESS, PHONE = "8.00–16.30", "Gärdhemsvägen 9", "0520-49 50 00"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("vad har ni öppet och var ligger ni?", [HOURS, ADDRESS]),
        ("Vilket telefonnummer har ni? Och var ligger kontaktcenter?", [PHONE, ADDRESS]),
        ("när stänger ni på fredag och vad är numret till växeln?", ["16.30", PHONE]),
    ],
)
async def test_several_questions_are_answered_in_turn(
    resident: Resident, text: str, wanted: list[str]
) -> None:
    answers = await resident.send(text=text)
    assert len(answers) == 2
    for message, part in zip(answers, wanted, strict=True):
        assert part in message["text"]


@pytest.mark.parametrize(
    "text",
    [
        "Hej hej! När har kontaktcenter öppet? Tack på förhand",
        "Goddag, jag undrar när kontaktcenter har öppet, mvh",
        "tjena när öppnar ni",
    ],
)
async def test_a_greeting_does_not_hide_the_question(resident: Resident, text: str) -> None:
    assert HOURS.split("–")[0] in await resident.say(text)


@pytest.mark.parametrize(
    "text",
    [
        "vilka oppettider har ni",
        "vilka öppetider har ni",
        "VILKA ÖPPETTIDER HAR NI???",
        "vilka ö\u0308ppettider har\u200b ni",
        "vilka öppettider har ni 🙂🙂",
        "vilka öppettideeeer har ni",
        "vilka öppettidеr har ni",
    ],
)
async def test_slips_and_signs_do_not_matter(resident: Resident, text: str) -> None:
    assert HOURS in await resident.say(text)


async def test_background_is_no_second_question(resident: Resident) -> None:
    answers = await resident.send(
        text="Vi har en butik på Överby. Hur går vi med i samarbetet mot brott?"
    )
    assert {message["topic"] for message in answers} == {"ga-med"}


async def test_an_emergency_in_the_second_sentence_is_seen(resident: Resident) -> None:
    said = await resident.say("Hej, jag undrar över öppettiderna. Det brinner i huset bredvid")
    assert said.startswith("**Ring 112 nu**")


@pytest.mark.parametrize(
    ("lang", "direction", "question", "wanted"),
    [
        ("en", "ltr", "What are your opening hours?", "Monday–Friday 08:00–16:30"),
        ("fi", "ltr", "Milloin yhteyskeskus on auki?", "maanantai–perjantai 08:00–16:30"),
        ("ar", "rtl", "ما هي ساعات العمل لديكم؟", "08:00–16:30"),
        ("fa", "rtl", "ساعت کاری شما چیست؟", "08:00–16:30"),
        ("pl", "ltr", "Jakie są godziny otwarcia?", "poniedziałek–piątek 08:00–16:30"),
        ("uk", "ltr", "Які у вас години роботи?", "понеділок–пʼятниця 08:00–16:30"),
        ("so", "ltr", "Waa maxay saacadaha aad furan tihiin?", "Isniin–Jimco 08:00–16:30"),
    ],
)
async def test_hours_in_the_language_of_the_question(
    resident: Resident, lang: str, direction: str, question: str, wanted: str
) -> None:
    message = (await resident.send(text=question))[0]
    assert (message["lang"], wanted in message["text"]) == (lang, True), message["text"]


@pytest.mark.parametrize(
    ("lang", "question"),
    [
        ("en", "Help, my house is on fire and my son is inside"),
        ("fi", "Apua, talomme on tulessa"),
        ("ar", "النجدة، هناك حريق في بيتنا"),
        ("pl", "Pomocy, pali się u sąsiada"),
        ("uk", "Допоможіть, у нас пожежа"),
    ],
)
async def test_emergencies_in_other_languages_get_112_first(
    resident: Resident, lang: str, question: str
) -> None:
    message = (await resident.send(text=question))[0]
    assert "112" in message["text"].split("\n")[0]
    assert message["lang"] == lang


async def test_english_gets_the_whole_answer(resident: Resident) -> None:
    message = (await resident.send(text="How can our company join the collaboration?"))[0]
    assert message["lang"] == "en"
    assert message["sources"]
    assert "Read more" in [choice["title"] for choice in message["choices"]]
    more = await resident.press([message], "Read more")
    assert "have at hand" in more or "name" in more


async def test_the_language_stays_for_short_messages_and_changes_back(resident: Resident) -> None:
    await resident.send(text="Where can I find your office?")
    assert (await resident.send(text="ok"))[0]["lang"] == "en"
    assert (await resident.send(text="Vilka öppettider har kontaktcenter?"))[0]["lang"] == "sv"


async def test_who_is_not_understood_gets_the_basics(resident: Resident) -> None:
    said = await resident.say("Could you recommend a good recipe for pancakes with blueberries?")
    assert all(part in said for part in (PHONE, ADDRESS, "112", "08:00–16:30"))


async def test_an_entry_without_phrases_is_offered_by_meaning(
    service: Service, http: aiohttp.ClientSession
) -> None:
    file: Path = service.content / "faq" / "lana-ladcykel.md"
    adress = (service.content / "faq" / "adress.md").read_text("utf-8")
    head = "---\nid: lana-ladcykel\ntitle: Kan jag låna en lådcykel av staden?\n"
    rest = adress[adress.index("topic:") : adress.index("---", 5)]
    text = f"{head}{rest}---\nProvtext om lådcyklar som går att låna.\n"
    await asyncio.to_thread(file.write_text, text, "utf-8")
    try:

        async def offered() -> bool:
            resident = await Resident(http).open()
            return "[Kan jag låna en lådcykel av staden?]" in await resident.say(
                "jag skulle behöva låna en cykel med låda fram, hur gör jag"
            )

        await until(offered, 15)
    finally:
        await asyncio.to_thread(file.unlink)
        await asyncio.sleep(3)
