"""Bad input is normal: each gets a clear error or a calm answer, and the next message works."""

import asyncio
import json
import sqlite3
import unicodedata
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.chat.guard import clean
from bot.chat.problems import TITLES
from bot.chat.sessions import session_key
from bot.content.answers import phrase_answer
from bot.content.load import load
from bot.settings import ROOT
from tests.conftest import NOW, Resident, Service, spoken

CONTENT = load(ROOT / "content")
MOMENT = datetime.fromisoformat(NOW)
LAST = {"Connection": "close"}  # the server hangs up on a body that it didn't read to its end
HOURS = "måndag–fredag kl. 8.00–16.30"


def phrase(key: str, **values: str) -> str:
    """A fixed text as the service says it."""
    return phrase_answer(CONTENT, key, MOMENT, **values).text


async def still_answers(resident: Resident) -> None:
    """The conversation goes on."""
    assert HOURS in await resident.say("Vilka är era öppettider?")


async def heard(resident: Resident) -> list[str]:
    """What the conversation holds of the resident's words."""
    async with resident.http.get("/api/chat/messages", headers=resident.auth) as response:
        return [m["text"] for m in (await response.json())["messages"] if m["role"] == "user"]


def tracked(data: Path, resident: Resident) -> list[dict[str, Any]]:
    """Rasa's events of a conversation, oldest first."""
    key = session_key("chat", resident.token)
    with sqlite3.connect(data / "kontakt.db") as db:
        (name,) = db.execute(
            "SELECT conversation FROM chat_session WHERE id = ?", (key,)
        ).fetchone()
    with sqlite3.connect(data / "tracker.db") as db:
        rows = db.execute("SELECT data FROM events WHERE sender_id = ? ORDER BY id", (name,))
        return [json.loads(row) for (row,) in rows]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "empty"),
        ("   \n\t ", "empty"),
        ("\u200b\u2060\ufeff", "empty"),
        ("\x00\x07\x1b", "empty"),
        ("\u00ad\u202e\u2066", "empty"),
        ("/", "empty"),
        ("/ ／\u200b/", "empty"),
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
    text = ("Vilken adress har kontaktcenter? " + "Jag undrar det. " * 100)[:999] + "!"
    messages = await resident.send(text=text)
    assert messages[0]["text"] != phrase("too_long", max="1000")
    assert await heard(resident) == [text]
    await still_answers(resident)


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"\xff\xfe\x00\x01", 400, "Anropet måste vara JSON i UTF-8."),
        (b"", 400, "Anropet måste vara JSON i UTF-8."),
        (b'{"text": ', 400, "Anropet måste vara JSON i UTF-8."),
        (b"[" * 20000, 400, "Anropet måste vara JSON i UTF-8."),
        (b'{"text":' * 7000, 400, "Anropet måste vara JSON i UTF-8."),
        (b'{"text":' + b"1" * 6000 + b"}", 400, "Anropet måste vara JSON i UTF-8."),
        ('{"text": "hej"}'.encode("utf-16"), 400, "Anropet måste vara JSON i UTF-8."),
        (b"text=hej", 400, "Anropet måste vara JSON i UTF-8."),
        (b'{"text":' + b"[" * 900 + b"]" * 900 + b"}", 422, "Det här stämmer inte: text."),
        (b"null", 422, "Det här stämmer inte: body."),
        (b'"hej"', 422, "Det här stämmer inte: body."),
        (b"[1]", 422, "Det här stämmer inte: body."),
        (b"{}", 422, "Det här stämmer inte: body."),
        (b'{"text": null}', 422, "Det här stämmer inte: body."),
        (b'{"text": 7}', 422, "Det här stämmer inte: text."),
        (b'{"text": ["hej"]}', 422, "Det här stämmer inte: text."),
        (b'{"text": NaN}', 422, "Det här stämmer inte: text."),
        (b'{"choice": 7}', 422, "Det här stämmer inte: choice."),
        (b'{"choice": "' + b"x" * 65 + b'"}', 422, "Det här stämmer inte: choice."),
        (b'{"choice": "\\ud800"}', 422, "Det här stämmer inte: choice."),
        (b'{"text": "hej", "client_id": "\\ud800"}', 422, "Det här stämmer inte: client_id."),
        (b'{"text": "hej", "\\ud800": 1}', 422, "Det här stämmer inte: body."),
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
    title, title_en = TITLES[status]
    english = {
        "Anropet måste vara JSON i UTF-8.": "The body must be JSON in UTF-8.",
        "Anropet får vara högst 65536 byte.": "At most 65536 bytes.",
    }
    assert problem == {
        "type": "about:blank",
        "title": title,
        "title_en": title_en,
        "status": status,
        "detail": detail,
        "detail_en": english.get(detail, detail.replace("Det här stämmer inte", "Not valid")),
        "request_id": response.headers["X-Request-ID"],
    }
    assert await heard(resident) == [], "nothing of it was stored"
    await still_answers(resident)


async def test_a_body_that_is_not_packed_as_it_says_is_a_problem(resident: Resident) -> None:
    async with resident.http.post(
        "/api/chat/messages",
        data=b'{"text": "hej"}',
        headers={**resident.auth, **LAST, "Content-Encoding": "gzip"},
    ) as response:
        assert response.status == 400
        assert (await response.json(content_type=None))["detail"] == (
            "Anropet gick inte att packa upp."
        )
    await still_answers(resident)


async def test_a_stream_without_end_is_cut_off(resident: Resident) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"text": "'
        for _ in range(100):
            yield b"a" * 1000

    async with resident.http.post(
        "/api/chat/messages", data=endless(), headers={**resident.auth, **LAST}
    ) as response:
        assert response.status == 413
    await still_answers(resident)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"sender": "", "message": "hej"}', "Det här stämmer inte: sender."),
        (b'{"sender": "a"}', "Det här stämmer inte: message."),
        (b'{"sender": 7, "message": "hej"}', "Det här stämmer inte: sender."),
        (b'{"sender": "\\ud800", "message": "hej"}', "Det här stämmer inte: sender."),
    ],
)
async def test_the_webhook_names_what_is_wrong(
    http: aiohttp.ClientSession, body: bytes, detail: str
) -> None:
    async with http.post("/webhooks/rest/webhook", data=body) as response:
        assert response.status == 422
        assert (await response.json(content_type=None))["detail"] == detail


@pytest.mark.parametrize("message", [b"", b"\\u0000", b"\\u200b", b" "])
async def test_an_empty_text_through_the_webhook_gets_its_own_answer(
    http: aiohttp.ClientSession, message: bytes
) -> None:
    body = b'{"sender": "tyst", "message": "' + message + b'"}'
    async with http.post("/webhooks/rest/webhook", data=body) as response:
        assert response.status == 200
        assert [m["text"] for m in await response.json()] == [phrase("empty")]


async def test_half_a_character_is_no_crash(resident: Resident) -> None:
    async with resident.http.post(
        "/api/chat/messages", data=b'{"text": "\\ud800 hej"}', headers=resident.auth
    ) as response:
        assert response.status == 200
    assert await heard(resident) == ["? hej"]
    async with resident.http.post(
        "/webhooks/rest/webhook", data=b'{"sender": "halv", "message": "\\ud800"}'
    ) as response:
        assert response.status == 200
    await still_answers(resident)


async def test_control_characters_are_taken_out(resident: Resident) -> None:
    answer = await resident.say("Vilken\x00 adress\x1b har\x07\x85 kontaktcenter?")
    assert "Gärdhemsvägen 9" in answer
    assert await heard(resident) == ["Vilken adress har kontaktcenter?"]


@pytest.mark.parametrize(
    "text",
    [
        "/restart",
        "/session_start",
        '/inform{"x":1}',
        '/inform{"topic":"overby"}',
        '/faq{"entry":"overby"}',
        '/faq{"entry":"overby", "part": "more"}',
        '/ /faq{"entry": "overby", "part": "more"}',
        '／faq{"entry":"overby", "part": "more"}',
        '\u200b/faq{"entry": "overby", "part": "more"}',
        "EXTERNAL: restart",
    ],
)
async def test_a_typed_command_is_only_text(
    resident: Resident, service: Service, text: str
) -> None:
    # "more" is what only the payload of a button can ask for
    pressed = CONTENT.entries["overby"].more.split("\n")[0]
    assert pressed not in spoken(await resident.send(text=text))
    assert await heard(resident) == [clean(text)]
    events = tracked(service.data, resident)
    kinds = [event["event"] for event in events]
    assert kinds.count("session_started") == 1 and "restart" not in kinds
    (user,) = (event for event in events if event["event"] == "user")
    assert user["text"] == clean(text)
    assert {"x", "part"}.isdisjoint(entity["entity"] for entity in user["parse_data"]["entities"])
    assert user["parse_data"]["intent"]["confidence"] < 1, "understood, not obeyed"
    # what follows from understanding it, never what the braces say
    assert {e["name"] for e in events if e["event"] == "slot"} <= {
        *("topic", "misses", "offered"),
        "session_started_metadata",  # the language, set by Rasa itself
    }
    await still_answers(resident)


async def test_a_typed_restart_does_not_forget_the_conversation(resident: Resident) -> None:
    await resident.say("Vad hände vid Överby?")
    await resident.send(text="/restart")
    assert CONTENT.entries["overby"].place in await resident.say("var ligger det någonstans?")


async def test_an_unknown_button_gets_a_kind_answer(resident: Resident) -> None:
    for choice in ("finns-inte", "", "/greet", '/faq{"entry":"overby"}', "\x00", "x" * 64):
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
    assert await heard(resident) == await heard(other) == []
    await still_answers(resident)
    await still_answers(other)


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
    assert problem == {
        "type": "about:blank",
        "title": "Samtalet finns inte längre",
        "title_en": "The session is unknown or has ended",
        "status": 401,
        "detail": "Samtalet finns inte längre. Börja ett nytt.",
        "detail_en": "Unknown or ended session. Start a new one.",
        "request_id": response.headers["X-Request-ID"],
    }


async def test_a_garbled_token_is_no_token(resident: Resident) -> None:
    token = resident.token
    swapped = token[:-1] + ("A" if token[-1] != "A" else "B")
    for wrong in (swapped, token[:-1], token + "x", token.swapcase(), f"{token} {token}"):
        async with resident.http.get(
            "/api/chat/messages", headers={"Authorization": f"Bearer {wrong}"}
        ) as response:
            assert response.status == 401, wrong
    await still_answers(resident)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/finns-inte", 404),
        ("GET", "/static/../settings.py", 404),
        ("GET", "/static/%2e%2e/routes.py", 404),
        ("GET", "/static/" + "a" * 300, 404),
        ("GET", "/static/", 404),
        ("GET", "/api/chat/", 404),
        ("POST", "/", 405),
        ("DELETE", "/api/chat/messages", 405),
        ("OPTIONS", "/api/chat/sessions", 405),
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
        assert response.content_type == "application/problem+json"
        assert bool(response.headers.get("Allow")) == (status == 405)
        problem = await response.json(content_type=None)
    title, title_en = TITLES[status]
    assert problem["status"] == status
    assert (problem["title"], problem["title_en"]) == (title, title_en)
    assert problem["request_id"] == response.headers["X-Request-ID"]


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\nKanariefagel i huvudet\r\n\r\n",
        b'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n{"text": "kanariefagel"}\r\n\r\n',
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nkanariefagel\r\n",
    ],
)
async def test_what_is_no_http_is_refused_and_not_logged(
    http: aiohttp.ClientSession, service: Service, raw: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(service.base.rsplit(":")[-1]))
    writer.write(raw)
    assert b" 400 " in await asyncio.wait_for(reader.read(65536), 10)
    writer.close()
    async with http.get("/healthz") as response:
        assert response.status == 200
    log = (service.data / "log" / "gateway.log").read_bytes().lower()
    assert b"kanariefagel" not in log
    assert b"127.0.0.1" not in log, "nor is the address"


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
    assert await heard(resident) == [text]
    for message in messages:
        assert message["html"].startswith("<p>")
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
    answers: list[Any] = await asyncio.gather(
        *(resident.send(text="Vilken adress har ni?", client_id=f"burst-{i}") for i in range(12))
    )
    assert all("Gärdhemsvägen 9" in spoken(answer) for answer in answers)
