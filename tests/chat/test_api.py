"""The chat API: conversations are opened, continued, shown again, downloaded and erased."""

import asyncio
import re
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import update

from bot.chat.messages import MessagesOut, SessionOut
from bot.chat.openapi import specification
from bot.chat.routes import ROUTES
from bot.chat.sessions import Sessions, session_key
from bot.content.clock import STOCKHOLM
from bot.headers import HEADERS
from bot.site.routes import API_ROUTES
from bot.store.database import engine, upgrade
from bot.store.models import ChatSession
from bot.version import version
from tests.conftest import Resident, Service, spoken


def count(path: Path, query: str, *values: str) -> int:
    """One number out of a SQLite file."""
    with sqlite3.connect(path) as db:
        return int(db.execute(query, values).fetchone()[0])


async def history(resident: Resident) -> list[dict[str, Any]]:
    """The conversation as a reloaded page sees it."""
    async with resident.http.get("/api/chat/messages", headers=resident.auth) as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-store"
        body = await response.json()
    assert MessagesOut.model_validate(body).model_dump(mode="json") == body
    return list(body["messages"])


def conversation(service: Service, resident: Resident) -> str:
    """Rasa's name for a conversation."""
    with sqlite3.connect(service.data / "kontakt.db") as db:
        query = "SELECT conversation FROM chat_session WHERE id = ?"
        return str(db.execute(query, (session_key("chat", resident.token),)).fetchone()[0])


def holding(data: Path, words: str) -> list[str]:
    """The files of the service that hold some words."""
    files = [path for path in data.rglob("*") if path.is_file()]
    return [path.name for path in files if words.encode() in path.read_bytes()]


async def test_a_new_conversation_says_that_it_is_a_machine(resident: Resident) -> None:
    opened = SessionOut.model_validate(resident.opening)
    assert opened.model_dump(mode="json") == resident.opening
    assert len(opened.session) >= 43, "256 bits"
    assert (await Resident(resident.http).open()).token != opened.session
    assert "maskin" in opened.notice and "allmän handling" in opened.notice
    assert "automatisk assistent, inte en människa" in opened.messages[0].text
    assert 1 <= len(opened.messages[0].choices) <= 3


async def test_answers_have_sources_with_dates_and_safe_html(resident: Resident) -> None:
    messages = await resident.send(text="Vad hände vid köpcentret Överby?")
    answer = MessagesOut.model_validate({"messages": messages}).messages[0]
    assert answer.topic == "overby"
    assert answer.html.startswith("<p>")
    assert answer.sources and all(source.url.startswith("http") for source in answer.sources)
    assert any(str(source.reviewed) == "2022-05-04" for source in answer.sources)
    assert "bilträffar" in await resident.press(messages, "Hur gick det på Överby?")


async def test_a_button_is_an_id_and_never_shows_its_payload(resident: Resident) -> None:
    messages = await resident.send(text="Vad hände vid köpcentret Överby?")
    assert all(set(choice) == {"id", "title"} for m in messages for choice in m["choices"])
    more = await resident.press(messages, "Läs mer")
    assert "600" in more and "1 200" in more
    assert [m["text"] for m in await history(resident) if m["role"] == "user"][-1] == "Läs mer"


async def test_a_reload_shows_the_conversation_in_order(resident: Resident) -> None:
    answers = [*resident.opening["messages"]]
    for text in ("hej", "Vilken adress har ni?"):
        answers += await resident.send(text=text)
    reloaded = await history(resident)
    assert [m["role"] for m in reloaded] == ["assistant", "user", "assistant", "user", "assistant"]
    assert [m for m in reloaded if m["role"] == "assistant"] == answers
    assert [m["text"] for m in reloaded if m["role"] == "user"] == ["hej", "Vilken adress har ni?"]
    assert [m["at"] for m in reloaded] == sorted(m["at"] for m in reloaded)


async def test_a_retry_with_the_same_id_gives_the_same_answer_once(resident: Resident) -> None:
    both = await asyncio.gather(
        *(resident.send(text="Vilken adress har ni?", client_id="en-gang") for _ in range(3))
    )
    assert both[0] == both[1] == both[2]
    assert await resident.send(text="Vilken adress har ni?", client_id="en-gang") == both[0]
    assert len(await history(resident)) == 3


async def test_a_retried_button_is_pressed_once(resident: Resident) -> None:
    button = resident.opening["messages"][0]["choices"][0]["id"]
    first = await resident.send(choice=button, client_id="knapp")
    assert await resident.send(choice=button, client_id="knapp") == first
    assert [m["role"] for m in await history(resident)] == ["assistant", "user", "assistant"]


@pytest.mark.parametrize("body", [{"text": ""}, {"text": "a" * 1001}, {"choice": "finns-inte"}])
async def test_a_retry_of_what_cannot_be_read_is_answered_once(
    resident: Resident, body: dict[str, str]
) -> None:
    both = await asyncio.gather(*(resident.send(**body, client_id="om") for _ in range(2)))
    assert both[0] == both[1]
    assert len(await history(resident)) == 2


async def test_the_same_id_in_another_conversation_is_another_message(resident: Resident) -> None:
    other = await Resident(resident.http).open()
    mine = await resident.send(text="Vilken adress har ni?", client_id="samma")
    assert spoken(mine) != spoken(await other.send(text="hej", client_id="samma"))


async def test_the_transcript_can_be_downloaded(resident: Resident) -> None:
    await resident.say("Vilken adress har ni?")
    async with resident.http.get("/api/chat/transcript", headers=resident.auth) as response:
        assert response.content_type == "text/plain"
        assert "attachment" in response.headers["Content-Disposition"]
        text = await response.text()
    (asked,) = (m for m in await history(resident) if m["role"] == "user")
    at = datetime.fromisoformat(asked["at"]).astimezone(STOCKHOLM)
    assert f"\n\nDu, {at:%Y-%m-%d %H.%M}:\nVilken adress har ni?\n\n" in text, "in Swedish time"
    assert text.startswith("Assistenten, ") and text.endswith("\n")
    assert "Gärdhemsvägen 9" in text and "Källa:" in text


async def test_feedback_is_taken_for_own_answers_only(
    resident: Resident, http: aiohttp.ClientSession
) -> None:
    answer = (await resident.send(text="Vilken adress har ni?"))[0]["id"]
    body = {"message": answer, "helpful": True}
    async with http.post("/api/chat/feedback", json=body, headers=resident.auth) as response:
        assert response.status == 204
    own_words = (await history(resident))[-2]
    other = await Resident(http).open()
    for someone, message in ((other, answer), (resident, own_words["id"]), (resident, "nej")):
        wrong = {"message": message, "helpful": True}
        async with http.post("/api/chat/feedback", json=wrong, headers=someone.auth) as response:
            assert response.status == 404
            problem = await response.json(content_type=None)
        assert problem["detail"] == "Det svaret finns inte i samtalet."
        assert problem["request_id"] == response.headers["X-Request-ID"]


async def test_feedback_is_kept_once_and_without_personal_data(
    resident: Resident, service: Service
) -> None:
    answer = (await resident.send(text="Vilken adress har ni?"))[0]["id"]
    body = {"message": answer, "comment": "Jag är 19121212-1212, kanin@example.se"}

    async def rate(helpful: bool) -> int:
        async with resident.http.post(
            "/api/chat/feedback", json={**body, "helpful": helpful}, headers=resident.auth
        ) as response:
            return response.status

    assert await asyncio.gather(*(rate(True) for _ in range(8))) == [204] * 8
    assert await rate(False) == 204
    with sqlite3.connect(service.data / "kontakt.db") as db:
        query = "SELECT helpful, comment FROM chat_feedback WHERE message_id = ?"
        kept = db.execute(query, (answer,)).fetchall()
    assert kept == [(0, "Jag är [personnummer], [e-post]")], "the newest word counts"
    assert holding(service.data, "kanin@example.se") == []


async def test_erasing_leaves_nothing_behind(resident: Resident, service: Service) -> None:
    answer = await resident.send(text="Vilken adress har ni, kanariefrön?")
    body = {"message": answer[0]["id"], "helpful": True}
    async with resident.http.post(
        "/api/chat/feedback", json=body, headers=resident.auth
    ) as response:
        assert response.status == 204
    key, name = session_key("chat", resident.token), conversation(service, resident)
    database, tracker = service.data / "kontakt.db", service.data / "tracker.db"
    events = "SELECT count(*) FROM events WHERE sender_id = ?"
    assert count(tracker, events, name) > 0
    assert holding(service.data, "kanariefrön")
    async with resident.http.delete("/api/chat/session", headers=resident.auth) as response:
        assert response.status == 204
    assert count(tracker, events, name) == 0
    for table in ("chat_message", "chat_choice"):
        assert count(database, f"SELECT count(*) FROM {table} WHERE session_id = ?", key) == 0
    assert count(database, "SELECT count(*) FROM chat_session WHERE id = ?", key) == 0
    feedback = "SELECT count(*) FROM chat_feedback WHERE message_id = ?"
    assert count(database, feedback, answer[0]["id"]) == 0
    assert holding(service.data, "kanariefrön") == [], "deleted pages are overwritten"
    for method, path in (("GET", "/api/chat/messages"), ("DELETE", "/api/chat/session")):
        async with resident.http.request(method, path, headers=resident.auth) as response:
            assert response.status == 401


@pytest.mark.parametrize("delay", [0.0, 0.005, 0.02])
async def test_erasing_in_the_middle_of_a_turn_leaves_nothing_behind(
    resident: Resident, service: Service, delay: float
) -> None:
    name = conversation(service, resident)

    async def ask() -> int:
        async with resident.http.post(
            "/api/chat/messages", json={"text": "Vilken adress har ni?"}, headers=resident.auth
        ) as response:
            return response.status

    asking = [asyncio.ensure_future(ask()) for _ in range(3)]
    await asyncio.sleep(delay)
    async with resident.http.delete("/api/chat/session", headers=resident.auth) as response:
        assert response.status == 204
    assert set(await asyncio.gather(*asking)) <= {200, 401}
    query = "SELECT count(*) FROM events WHERE sender_id = ?"
    assert count(service.data / "tracker.db", query, name) == 0
    query = "SELECT count(*) FROM chat_message WHERE session_id = ?"
    key = session_key("chat", resident.token)
    assert count(service.data / "kontakt.db", query, key) == 0


async def test_silent_conversations_are_erased(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'kontakt.db'}"
    await upgrade(url)
    made = engine(url)
    tracker = tmp_path / "tracker.db"
    with sqlite3.connect(tracker) as db:  # the two columns of Rasa's table that matter
        db.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id VARCHAR(255))")
    sessions = Sessions(made, tracker)
    old, new = await sessions.open("gammal"), await sessions.open("ny")
    await sessions.heard(old, "hej", "1")
    with sqlite3.connect(tracker) as db:
        names = [(old.conversation,), (old.conversation,), (new.conversation,)]
        db.executemany("INSERT INTO events (sender_id) VALUES (?)", names)
    async with made.begin() as db:
        past = datetime.now(UTC) - timedelta(hours=25)
        await db.execute(update(ChatSession).where(ChatSession.id == old.id).values(seen_at=past))
    assert await sessions.erase_older(26) == 0
    assert await sessions.erase_older(24) == 1
    assert await sessions.erase_older(24) == 0
    assert count(tracker, "SELECT count(*) FROM events") == 1
    assert await sessions.find(old.id) is None
    assert await sessions.history(old) == []
    assert await sessions.find(new.id) is not None
    await sessions.close()


async def test_personal_numbers_and_texts_reach_neither_database_nor_log(
    resident: Resident, service: Service
) -> None:
    text = "mitt personnummer är 19121212-1212, mejl kanariefagel@example.se, kanariegurka"
    answer = await resident.say(text)
    assert answer.startswith(
        "Skriv helst inga personnummer, kortnummer eller andra känsliga uppgifter här. "
        "Jag har dolt siffrorna i samtalet."
    )
    assert [m["text"] for m in await history(resident) if m["role"] == "user"] == [
        "mitt personnummer är [personnummer], mejl [e-post], kanariegurka"
    ]
    for body in ({"text": "kanariegurka", "fel": 1}, {"text": 7, "client_id": "kanariegurka" * 9}):
        async with resident.http.post(
            "/api/chat/messages?q=kanariegurka", json=body, headers=resident.auth
        ) as response:
            assert response.status == 422
    body = {"sender": "kanariefagel@example.se", "message": f"igen: {text}"}
    async with resident.http.post("/webhooks/rest/webhook", json=body) as response:
        assert response.status == 200
    files = [path for path in service.data.rglob("*") if path.is_file()]
    assert {"kontakt.db", "tracker.db", "rasa.log", "gateway.log"} <= {f.name for f in files}
    for path in [*files, service.output]:
        raw = path.read_bytes()
        assert b"19121212-1212" not in raw, path
        assert b"kanariefagel@example.se" not in raw, path
        assert path.suffix not in (".log", ".txt") or b"kanariegurka" not in raw, path


async def test_the_webhook_speaks_rasas_shape(http: aiohttp.ClientSession) -> None:
    async def send(message: str, sender: str = "tredje-part") -> list[dict[str, object]]:
        body = {"sender": sender, "message": message}
        async with http.post("/webhooks/rest/webhook", json=body) as response:
            assert response.status == 200
            return list(await response.json())

    (answer,) = await send("Vad hände vid köpcentret Överby?")
    assert answer["recipient_id"] == "tredje-part" and "bilträffar" in str(answer["text"])
    button = next(b for b in answer["buttons"] if b["title"] == "Läs mer")  # type: ignore[attr-defined]
    assert not button["payload"].startswith("/")
    assert "600" in str((await send(button["payload"]))[0]["text"])
    other = str((await send(button["payload"], "nagon-annan"))[0]["text"])
    assert "600" not in other, "a button belongs to its own conversation"
    typed = str((await send('/faq{"entry": "overby", "part": "more"}'))[0]["text"])
    assert "600" not in typed, "a typed payload is only text"
    assert answer["custom"]["topic"] == "overby" and answer["custom"]["sources"]  # type: ignore[index]
    async with http.get(
        "/api/chat/messages", headers={"Authorization": "Bearer tredje-part"}
    ) as response:
        assert response.status == 401, "a sender's name is no key to a conversation"


async def test_many_first_words_of_one_sender_are_one_conversation(
    http: aiohttp.ClientSession, service: Service
) -> None:
    async def send() -> int:
        body = {"sender": "ivrig", "message": "hej"}
        async with http.post("/webhooks/rest/webhook", json=body) as response:
            return response.status

    assert await asyncio.gather(*(send() for _ in range(30))) == [200] * 30
    query = "SELECT turns FROM chat_session WHERE id = ?"
    assert count(service.data / "kontakt.db", query, session_key("rest", "ivrig")) == 30


async def test_health_and_version(http: aiohttp.ClientSession) -> None:
    bodies = {}
    for path in ("/healthz", "/readyz", "/version"):
        async with http.get(path) as response:
            assert response.status == 200, path
            bodies[path] = await response.json()
    assert bodies["/healthz"] == {"status": "ok"}
    assert bodies["/readyz"] == {"status": "ok", "rasa": True, "content_faults": []}
    assert bodies["/version"]["version"] == version()
    assert re.fullmatch(r"kontakt-[0-9a-f]{16}", bodies["/version"]["model"])


async def test_metrics_are_on_the_inner_port_only(
    http: aiohttp.ClientSession, service: Service
) -> None:
    async with http.get(f"{service.metrics}/metrics") as response:
        assert 'kontakt_turns_total{outcome="answered"}' in await response.text()
    async with http.get("/metrics") as response:
        assert response.status == 404


async def test_every_request_has_its_own_id(http: aiohttp.ClientSession) -> None:
    ids = set()
    for path in ("/", "/healthz", "/healthz", "/finns-inte", "/api/chat/messages"):
        async with http.get(path) as response:
            ids.add(response.headers["X-Request-ID"])
            if response.status >= 400:
                problem = await response.json(content_type=None)
                assert problem["request_id"] == response.headers["X-Request-ID"]
    assert len(ids) == 5


async def test_pages_carry_security_headers(http: aiohttp.ClientSession) -> None:
    async with http.get("/") as response:
        assert response.status == 200
        policy = response.headers["Content-Security-Policy"]
        assert "unsafe" not in policy and policy.startswith("default-src 'none'")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "same-origin"
    for path in ("/healthz", "/static/chat.js", "/finns-inte", "/api/chat/messages"):
        async with http.get(path) as response:
            assert HEADERS.items() <= response.headers.items(), path


def test_every_route_is_described_and_nothing_else() -> None:
    described = {
        (method.upper(), path)
        for path, operations in specification()["paths"].items()
        for method in operations
    }
    assert described == {(route.method, route.path) for route in [*ROUTES, *API_ROUTES]}


async def test_the_description_is_served_and_whole(http: aiohttp.ClientSession) -> None:
    async with http.get("/api/openapi.json") as response:
        served = await response.json()
        raw = await response.text()
    assert served == specification()
    assert served["openapi"] == "3.1.0" and served["info"]["version"] == version()
    for name in re.findall(r'"#/components/schemas/(\w+)"', raw):
        assert name in served["components"]["schemas"], name
    operations = [o for path in served["paths"].values() for o in path.values()]
    assert len({o["operationId"] for o in operations}) == len(operations)
    for path, operation in served["paths"].items():
        for method, described in operation.items():
            if "security" not in described:
                continue
            async with http.request(method, path) as response:
                assert response.status == 401, "what needs a session says so"


async def test_a_conversation_of_60_turns_keeps_its_context(resident: Resident) -> None:
    await resident.say("Vad hände vid köpcentret Överby?")
    for _ in range(58):
        await resident.say("tack så mycket")
    assert "köpcentrum" in await resident.say("var ligger det någonstans?")
    assert spoken(await resident.send(text="Vilken adress har ni?"))
