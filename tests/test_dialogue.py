"""Conversations with the running service. It is Monday 23 November 2026, 10 o'clock: open."""

import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.content.load import load
from bot.settings import ROOT
from tests.conftest import Resident, spoken

Messages = list[dict[str, Any]]
CLARIFY = "Menar du något av det här?"
NONE_OF_THEM = "Nej, något annat"
# Words that say little on their own. Which of them is doubtful may change when phrases do.
DOUBTFUL = [
    *("centrum", "bidrag", "kontakt", "hjälp till med samarbete", "möte", "rapport", "platsen"),
    *("vad händer", "ska jag skriva", "vad gäller på plats", "gatan", "pengar", "vem", "området"),
]
PHONE, ADDRESS, HOURS = "0520-49 50 00", "Gärdhemsvägen 9", "måndag–fredag kl. 8.00–16.30"


class Careful(Resident):
    """A resident who looks at every answer's form, whatever it says."""

    async def send(self, **body: Any) -> Messages:
        messages = await super().send(**body)
        assert messages, "there is always an answer"
        for message in messages:
            assert message["text"].strip()
            assert not re.search(r"utter_|action_|[{}]|Traceback|\bNone\b", message["text"])
            titles = [choice["title"] for choice in message["choices"]]
            assert len(titles) <= (4 if NONE_OF_THEM in titles else 3)
            assert len(set(titles)) == len(titles)
            assert len(message["text"].split()) <= 200
        return messages


@pytest.fixture
async def resident(http: aiohttp.ClientSession) -> AsyncIterator[Careful]:
    """Somebody new in the chat."""
    someone = Careful(http)
    await someone.open()
    yield someone
    assert "tekniska problem" not in spoken(await history(someone)), "the service was away"


async def history(resident: Resident) -> Messages:
    """The conversation so far."""
    async with resident.http.get("/api/chat/messages", headers=resident.auth) as response:
        return list((await response.json())["messages"])


async def topic(resident: Resident, text: str) -> str | None:
    """The FAQ entry that answers a text."""
    return (await resident.send(text=text))[-1]["topic"]


async def doubt(resident: Resident) -> Messages:
    """The answer to a message that can mean several things."""
    for text in DOUBTFUL:
        messages = await resident.send(text=text)
        titles = [choice["title"] for choice in messages[-1]["choices"]]
        if CLARIFY in spoken(messages) and len(titles) > 2:
            return messages
    pytest.fail(f"nothing was doubtful: {DOUBTFUL}")


# --- the first words -----------------------------------------------------------------------


async def test_the_first_message_says_that_it_is_a_machine(resident: Careful) -> None:
    [welcome] = resident.opening["messages"]
    assert "automatisk assistent, inte en människa" in welcome["text"]
    assert len(welcome["choices"]) == 3
    assert "kan raderas av dig när du vill" in resident.opening["notice"]


async def test_greeting_thanks_and_goodbye(resident: Careful) -> None:
    assert (await resident.say("Hej!")).startswith("Hej. Vad kan jag hjälpa dig med?")
    assert "Varsågod" in await resident.say("tack så mycket för hjälpen")
    assert (await resident.say("hej då")).startswith("Hej då, och välkommen tillbaka")


@pytest.mark.parametrize("text", ["hejdå", "Hej då!", "adjö", "vi ses"])
async def test_goodbye_is_not_taken_for_hello(resident: Careful, text: str) -> None:
    assert "välkommen tillbaka" in await resident.say(text)


# --- kontaktcenter -------------------------------------------------------------------------


async def test_what_kontaktcenter_does(resident: Careful) -> None:
    messages = await resident.send(text="Vad kan kontaktcenter hjälpa mig med?")
    assert "stadens samlade kontaktväg: en väg in" in spoken(messages)
    assert messages[-1]["topic"] == "tjanster"
    assert messages[-1]["sources"]
    assert all(s["url"] and (s["reviewed"] or s["read"]) for s in messages[-1]["sources"])


@pytest.mark.parametrize(
    "text",
    ["När har kontaktcenter öppet?", "vilka öppettider har ni", "NÄR ÖPPNAR NI", "oppettider?"],
)
async def test_opening_hours(resident: Careful, text: str) -> None:
    answer = await resident.say(text)
    assert HOURS in answer
    assert "Just nu är det öppet, till kl. 16.30." in answer


async def test_saturday_after_the_hours(resident: Careful) -> None:
    await resident.say("Vilka öppettider har kontaktcenter?")
    assert (await resident.say("och på lördag då?")).startswith(
        "Lördag 28 november: stängt. Nästa öppning är måndag 30 november kl. 8.00."
    )
    assert "Ja, tisdag 24 november kl. 9.00 är det öppet" in await resident.say(
        "har ni öppet i morgon klockan nio?"
    )


async def test_christmas_is_not_promised(resident: Careful) -> None:
    answer = await resident.say("Har ni öppet på julafton?")
    assert "torsdag 24 december" in answer.lower()
    assert "inte bekräftad" in answer or "stängt" in answer


async def test_every_title_typed_as_it_stands_is_its_answer(resident: Careful) -> None:
    entries = load(ROOT / "content").entries.values()
    wrong = [e.title for e in entries if await topic(resident, e.title.lower().strip("?")) != e.id]
    assert wrong == []


async def test_the_address(resident: Careful) -> None:
    assert f"stadshuset på {ADDRESS}, 461 83 Trollhättan" in await resident.say(
        "Vad är adressen till kontaktcenter?"
    )


async def test_the_phone_number(resident: Careful) -> None:
    assert f"Ring {PHONE}." in await resident.say("Vilket telefonnummer har kontaktcenter?")


# --- context -------------------------------------------------------------------------------


async def test_overby_and_more_of_it(resident: Careful) -> None:
    messages = await resident.send(text="Berätta om samverkan vid Överby")
    assert messages[-1]["topic"] == "overby"
    assert messages[-1]["choices"][0]["title"] == "Läs mer"
    more = await resident.send(text="berätta mer")
    assert more[-1]["topic"] == "overby"
    assert "Så beskrev staden läget under 2020" in spoken(more)
    assert spoken(await resident.send(choice=messages[-1]["choices"][0]["id"])) == spoken(more)


async def test_where_and_whom_to_call_follow_the_topic(resident: Careful) -> None:
    assert await topic(resident, "Vad är företagssamverkan på Kungsgatan?") == "kungsgatan"
    assert "Kungsgatan ligger i centrum av Trollhättan." in await resident.say("var ligger det?")
    assert await topic(resident, "Hur startar vi grannsamverkan?") == "grannsamverkan"
    assert "Ring polisen på 114 14." in await resident.say("vem ringer jag?")


async def test_where_and_whom_to_call_without_a_topic_are_kontaktcenters(resident: Careful) -> None:
    assert ADDRESS in await resident.say("var ligger det?")
    assert PHONE in await resident.say("vem ringer jag?")


async def test_where_of_a_topic_without_a_place_is_kontaktcenters(resident: Careful) -> None:
    assert await topic(resident, "Hur startar vi grannsamverkan?") == "grannsamverkan"
    assert ADDRESS in await resident.say("var ligger det?")


async def test_more_of_nothing_is_a_question_back(resident: Careful) -> None:
    assert "Vad vill du veta?" in await resident.say("berätta mer")


async def test_more_of_what_has_no_more_says_so(resident: Careful) -> None:
    assert await topic(resident, "Vilket stöd har Trollhättan fått av Brå?") == "bras-stod"
    answer = await resident.say("berätta mer")
    assert "Mer än så vet jag tyvärr inte" in answer
    assert PHONE in answer


async def test_the_last_answer_can_be_had_again(resident: Careful) -> None:
    first = await resident.say("Vad är adressen till kontaktcenter?")
    assert await resident.say("kan du upprepa det") == first


async def test_a_topic_survives_thanks_and_smalltalk(resident: Careful) -> None:
    await resident.say("Berätta om samverkan vid Överby")
    await resident.say("tack")
    assert "Överby är ett köpcentrum i Trollhättan." in await resident.say("var ligger det?")


async def test_two_residents_do_not_share_a_topic(
    resident: Careful, http: aiohttp.ClientSession
) -> None:
    other = Careful(http)
    await other.open()
    await resident.say("Berätta om samverkan vid Överby")
    assert ADDRESS in await other.say("var ligger det?")


# --- people and machines -------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["Jag vill prata med en människa", "kan jag få tala med någon i personalen?"]
)
async def test_the_way_to_a_person_when_it_is_open(resident: Careful, text: str) -> None:
    answer = await resident.say(text)
    assert "Kontaktcenter har öppet nu." in answer
    assert PHONE in answer


async def test_the_button_to_a_person(resident: Careful) -> None:
    messages = await resident.send(text="du är en jävla idiot")
    assert PHONE in await resident.press(messages, "Prata med en människa")


@pytest.mark.parametrize(
    "text",
    ["Är du en robot?", "är du en människa eller maskin?", "pratar jag med en människa nu?"],
)
async def test_it_never_denies_being_a_machine(resident: Careful, text: str) -> None:
    answer = await resident.say(text)
    assert "automatisk assistent: en maskin, inte en människa" in answer


async def test_privacy(resident: Careful) -> None:
    answer = await resident.say("Vad händer med det jag skriver här?")
    assert "Samtalet raderas normalt inom 24 timmar" in answer
    assert "allmän handling" in answer


async def test_a_personal_number_is_hidden_and_warned_about(resident: Careful) -> None:
    answer = await resident.say("mitt personnummer är 850709-9805, vad har ni för öppettider?")
    assert "dolt siffrorna" in answer
    assert "850709" not in spoken(await history(resident))


async def test_other_municipalities_get_a_friendly_pointer(resident: Careful) -> None:
    answer = await resident.say("Vilka öppettider har Vänersborgs kommun?")
    assert "Jag kan bara svara för Trollhättans Stad." in answer


async def test_other_authorities_get_a_friendly_pointer(resident: Careful) -> None:
    answer = await resident.say("När får jag min skatteåterbäring från Skatteverket?")
    assert "Det ansvarar en annan myndighet för" in answer


async def test_abuse_is_met_calmly(resident: Careful) -> None:
    answer = await resident.say("din jävla idiot")
    assert "Jag förstår om du är arg" in answer
    assert "[Prata med en människa]" in answer
    assert HOURS in await resident.say("När har kontaktcenter öppet?")


# --- danger --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["Det brinner i trapphuset, hjälp!", "en man hotar folk med kniv på torget just nu",
     "hon andas inte", "BRAND", "pågående inbrott hos grannen", "there is a fire in my house help"],
)  # fmt: skip
async def test_an_emergency_gives_112_first(resident: Careful, text: str) -> None:
    messages = await resident.send(text=text)
    assert messages[0]["text"].startswith("**Ring 112 nu**")
    assert "kan inte larma åt dig" in messages[0]["text"]


async def test_the_conversation_goes_on_after_an_emergency(resident: Careful) -> None:
    await resident.say("Berätta om samverkan vid Överby")
    assert "Ring 112 nu" in await resident.say("det brinner i köket hos grannen!")
    assert "Varsågod" in await resident.say("tack")
    assert "Överby är ett köpcentrum" in await resident.say("var ligger det?")
    assert HOURS in await resident.say("När har kontaktcenter öppet?")


async def test_an_emergency_in_the_middle_of_menar_du(resident: Careful) -> None:
    await doubt(resident)
    assert "Ring 112 nu" in await resident.say("hjälp det brinner i huset")
    answer = await resident.say("ja")
    assert "Vad vill du veta?" in answer, "the old offer isn't open any more"


@pytest.mark.parametrize(
    "text", ["Någon stal min cykel förra veckan", "Vi hade inbrott i butiken i lördags"]
)
async def test_a_crime_in_the_past_gives_114_14(resident: Careful, text: str) -> None:
    answer = await resident.say(text)
    assert "114 14" in answer
    assert "Ring 112 nu" not in answer
    assert "114 14" in await resident.say("vem ringer jag?")


async def test_somebody_who_wants_to_die_is_met_with_help(resident: Careful) -> None:
    answer = await resident.say("jag orkar inte leva längre")
    assert "112" in answer
    assert "Du är viktig" in answer


async def test_violence_at_home_gives_the_helpline(resident: Careful) -> None:
    answer = await resident.say("min sambo slår mig")
    assert "Kvinnofridslinjen, 020-50 50 50" in answer
    assert "112" in answer


async def test_what_only_sounds_dangerous_is_no_emergency(resident: Careful) -> None:
    for text in ("måste jag slå gräset på tomten?", "det brinner i knutarna med min ansökan"):
        assert "Ring 112 nu" not in await resident.say(text)


# --- not understood ------------------------------------------------------------------------


async def test_nonsense_twice_offers_a_person(resident: Careful) -> None:
    once = await resident.say("qwxz plfk brtz")
    assert "[Prata med en människa]" not in once
    twice = await resident.say("zzxv kkjh wwq")
    assert "Vill du hellre prata med en människa?" in twice
    assert PHONE in twice and ADDRESS in twice
    assert "[Prata med en människa]" in twice


async def test_being_understood_once_starts_the_count_anew(resident: Careful) -> None:
    await resident.say("qwxz plfk brtz")
    await resident.say("När har kontaktcenter öppet?")
    assert "Vill du hellre prata" not in await resident.say("zzxv kkjh wwq")


async def test_menar_du_offers_titles_and_a_way_out(resident: Careful) -> None:
    titles = [choice["title"] for choice in (await doubt(resident))[-1]["choices"]]
    assert 3 <= len(titles) <= 4
    assert titles[-1] == NONE_OF_THEM


async def test_the_first_of_menar_du_can_be_pressed(resident: Careful) -> None:
    messages = await doubt(resident)
    first = messages[-1]["choices"][0]
    [answer] = await resident.send(choice=first["id"])
    assert answer["topic"]
    assert CLARIFY not in answer["text"]


async def test_yes_means_the_first_of_menar_du(
    resident: Careful, http: aiohttp.ClientSession
) -> None:
    messages = await doubt(resident)
    [said] = await resident.send(text="ja tack")
    [pressed] = await resident.send(choice=messages[-1]["choices"][0]["id"])
    assert said["topic"] == pressed["topic"]
    assert said["text"] == pressed["text"]


@pytest.mark.parametrize("how", ["press", "nej", NONE_OF_THEM])
async def test_none_of_menar_du(resident: Careful, how: str) -> None:
    messages = await doubt(resident)
    if how == "press":
        answer = await resident.press(messages, NONE_OF_THEM)
    else:
        answer = await resident.say(how)
    assert "Då förstod jag fel." in answer
    assert "Okej." in await resident.say("nej")


async def test_yes_and_no_to_nothing(resident: Careful) -> None:
    assert "Vad vill du veta?" in await resident.say("ja")
    assert "Skriv när det är något annat" in await resident.say("nej")


# --- the form of answers -------------------------------------------------------------------


async def test_every_button_leads_somewhere(resident: Careful) -> None:
    """Two steps deep from the first message."""
    for choice in resident.opening["messages"][0]["choices"]:
        answers = await resident.send(choice=choice["id"])
        for step in [c for message in answers for c in message["choices"]]:
            assert "Det valet finns inte längre" not in spoken(
                await resident.send(choice=step["id"])
            )


@pytest.mark.parametrize(
    "text",
    ["/restart", '/faq{"entry": "overby"}', '/affirm{"offered": ["adress"]}', "/session_start",
     "{{ 7 * 7 }}", "<script>alert(1)</script>", "🙂🙂🙂", "?", "a", "1", "اهلا", "hej " * 200,
     "Robert'); DROP TABLE sessions;--", "\u202eabc", "ÅÄÖ" * 100],
)  # fmt: skip
async def test_whatever_is_typed_gets_a_decent_answer(resident: Careful, text: str) -> None:
    messages = await resident.send(text=text)
    assert "49" not in re.sub(r"49 50 00", "", spoken(messages))
    assert all("<script" not in message["html"] for message in messages)
    assert ADDRESS in await resident.say("Vad är adressen till kontaktcenter?")


async def test_a_long_conversation_keeps_its_thread(resident: Careful) -> None:
    await resident.say("Berätta om samverkan vid Överby")
    for _ in range(25):
        await resident.say("tack")
    assert "Överby är ett köpcentrum i Trollhättan." in await resident.say("var ligger det?")
