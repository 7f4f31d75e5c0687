"""Bad input is normal: each gets a clear error or a calm answer, and the next message works."""

import unicodedata
from datetime import datetime
from typing import Any

import aiohttp
import pytest

from bot.content.answers import phrase_answer
from bot.content.load import load
from bot.settings import ROOT
from tests.conftest import NOW, Resident, spoken

CONTENT = load(ROOT / "content")
MOMENT = datetime.fromisoformat(NOW)
HOURS = "måndag–fredag kl. 8.00–16.30"


def phrase(key: str, **values: str) -> str:
    """A fixed text as the service says it."""
    return phrase_answer(CONTENT, key, MOMENT, **values).text


async def still_answers(resident: Resident) -> None:
    """The conversation goes on."""
    assert HOURS in await resident.say("Vilka är era öppettider?")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "empty"),
        ("   \n\t ", "empty"),
        ("\u200b\u2060\ufeff", "empty"),
        ("\x00\x07\x1b", "empty"),
        ("/", "empty"),
        ("a" * 1001, "too_long"),
        ("stökigt " * 1250, "too_long"),
    ],
)
async def test_a_text_that_says_nothing_or_too_much_gets_its_own_answer(
    resident: Resident, text: str, key: str
) -> None:
    (message,) = await resident.send(text=text)
    assert message["text"] == phrase(key, max="1000")
    await still_answers(resident)


async def test_exactly_as_long_as_allowed_is_read(resident: Resident) -> None:
    text = "Vilken adress har kontaktcenter? " + "Jag undrar det. " * 100
    messages = await resident.send(text=text[:1000])
    assert messages[0]["text"] != phrase("too_long", max="1000")
    await still_answers(resident)


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"\xff\xfe\x00\x01", 400, "Anropet måste vara JSON i UTF-8."),
        (b"", 400, "Anropet måste vara JSON i UTF-8."),
        (b'{"text": ', 400, "Anropet måste vara JSON i UTF-8."),
        (b"[" * 20000, 400, "Anropet måste vara JSON i UTF-8."),
        (b'"hej"', 422, "Det här stämmer inte: body."),
        (b"[1]", 422, "Det här stämmer inte: body."),
        (b"{}", 422, "Det här stämmer inte: body."),
        (b'{"text": null}', 422, "Det här stämmer inte: body."),
        (b'{"text": 7}', 422, "Det här stämmer inte: text."),
        (b'{"text": ["hej"]}', 422, "Det här stämmer inte: text."),
        (b'{"text": "hej", "choice": "x"}', 422, "Det här stämmer inte: body."),
        (b'{"text": "hej", "slot": 1}', 422, "Det här stämmer inte: slot."),
        (b'{"text": "hej", "client_id": ""}', 422, "Det här stämmer inte: client_id."),
        (b'{"text": "' + b"a" * 70000 + b'"}', 413, "Anropet får vara högst 65536 byte."),
    ],
)
async def test_a_body_that_cannot_be_read_is_a_problem_in_two_languages(
    resident: Resident, body: bytes, status: int, detail: str
) -> None:
    async with resident.http.post(
        "/api/chat/messages", data=body, headers=resident.auth
    ) as response:
        assert response.status == status
        assert response.content_type == "application/problem+json"
        problem = await response.json(content_type=None)
    assert problem["detail"] == detail
    assert problem["status"] == status
    assert problem["title"] and problem["title_en"] and problem["detail_en"]
    assert problem["request_id"] == response.headers["X-Request-ID"]
    await still_answers(resident)


async def test_half_a_character_is_no_crash(resident: Resident) -> None:
    async with resident.http.post(
        "/api/chat/messages", data=b'{"text": "\\ud800 hej"}', headers=resident.auth
    ) as response:
        assert response.status == 200
    await still_answers(resident)


@pytest.mark.parametrize(
    "text",
    [
        "/restart",
        "/session_start",
        '/inform{"x":1}',
        '/faq{"entry":"overby", "part": "more"}',
        '/ /faq{"entry": "overby", "part": "more"}',
        '／faq{"entry":"overby", "part": "more"}',
        '\u200b/faq{"entry": "overby", "part": "more"}',
    ],
)
async def test_a_typed_command_is_only_text(resident: Resident, text: str) -> None:
    # "more" is what only the payload of a button can ask for
    pressed = CONTENT.entries["overby"].more.split("\n")[0]
    assert pressed not in spoken(await resident.send(text=text))
    await still_answers(resident)


async def test_a_typed_restart_does_not_forget_the_conversation(resident: Resident) -> None:
    await resident.say("Vad hände vid Överby?")
    await resident.send(text="/restart")
    assert CONTENT.entries["overby"].place in await resident.say("var ligger det någonstans?")


async def test_an_unknown_button_gets_a_kind_answer(resident: Resident) -> None:
    for choice in ("finns-inte", "", "/greet", "x" * 64):
        (message,) = await resident.send(choice=choice)
        assert message["text"] == phrase("choice_gone")
    await still_answers(resident)


async def test_a_button_of_another_conversation_is_unknown(
    resident: Resident, http: aiohttp.ClientSession
) -> None:
    other = await Resident(http).open()
    theirs = other.opening["messages"][0]["choices"][0]["id"]
    (message,) = await resident.send(choice=theirs)
    assert message["text"] == phrase("choice_gone")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer fel", "Basic abc", "Bearer å"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/chat/messages"),
        ("GET", "/api/chat/messages"),
        ("GET", "/api/chat/transcript"),
        ("POST", "/api/chat/feedback"),
        ("DELETE", "/api/chat/session"),
    ],
)
async def test_without_the_right_token_there_is_no_conversation(
    http: aiohttp.ClientSession, method: str, path: str, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}
    async with http.request(method, path, headers=headers, json={"text": "hej"}) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"] == "Bearer"
        problem = await response.json(content_type=None)
    assert problem["detail"] == "Samtalet finns inte längre. Börja ett nytt."


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/finns-inte", 404),
        ("GET", "/static/../settings.py", 404),
        ("GET", "/static/%2e%2e/routes.py", 404),
        ("PUT", "/api/chat/messages", 405),
        ("GET", "/webhooks/rest/webhook", 405),
        ("GET", "/metrics", 404),
    ],
)
async def test_a_wrong_address_is_a_problem(
    http: aiohttp.ClientSession, method: str, path: str, status: int
) -> None:
    async with http.request(method, path) as response:
        assert response.status == status
        assert (await response.json(content_type=None))["status"] == status


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)> vilken adress har ni?",
        "<script>alert(1)</script>",
        "[klicka](javascript:alert(1))",
        "{{ 7 * 7 }} ${7*7} <%= 7*7 %>",
        "🏪🔨😡",
        "' OR 1=1; DROP TABLE chat_message; --",
    ],
)
async def test_hostile_text_stays_text(resident: Resident, text: str) -> None:
    messages = await resident.send(text=text)
    for message in messages:
        assert "<script" not in message["html"] and "<img" not in message["html"]
        assert "javascript:" not in message["html"] and "49" not in message["text"].split()
    async with resident.http.get("/api/chat/messages", headers=resident.auth) as response:
        history = (await response.json())["messages"]
    assert all(m["html"] == "" for m in history if m["role"] == "user")
    await still_answers(resident)


@pytest.mark.parametrize("form", ["NFD", "fullwidth", "soft"])
async def test_other_ways_of_writing_the_same_letters_are_understood(
    resident: Resident, form: str
) -> None:
    text = "Vilken adress har kontaktcenter"
    written = {
        "NFD": unicodedata.normalize("NFD", text),
        "fullwidth": "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
        "soft": "\u00ad".join(text),
    }[form]
    assert "Gärdhemsvägen 9" in await resident.say(written)


async def test_a_burst_of_messages_is_answered_in_order(resident: Resident) -> None:
    import asyncio

    answers: list[Any] = await asyncio.gather(
        *(resident.send(text="Vilken adress har ni?", client_id=f"burst-{i}") for i in range(12))
    )
    assert all("Gärdhemsvägen 9" in spoken(answer) for answer in answers)
