"""The chat API: conversations are opened, continued, shown again, downloaded and erased."""

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from sqlalchemy import update

from bot.chat.messages import MessagesOut, SessionOut
from bot.chat.openapi import specification
from bot.chat.routes import ROUTES
from bot.chat.sessions import Sessions, session_key
from bot.store.database import engine, upgrade
from bot.store.models import ChatSession
from tests.conftest import Resident, Service, spoken


def count(path: Path, query: str, *values: str) -> int:
    """One number out of a SQLite file."""
    with sqlite3.connect(path) as db:
        return int(db.execute(query, values).fetchone()[0])


async def history(resident: Resident) -> list[dict[str, object]]:
    """The conversation as a reloaded page sees it."""
    async with resident.http.get("/api/chat/messages", headers=resident.auth) as response:
        assert response.status == 200
        return list((await response.json())["messages"])


async def test_a_new_conversation_says_that_it_is_a_machine(resident: Resident) -> None:
    opened = SessionOut.model_validate(resident.opening)
    assert len(opened.session) >= 40
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
    await resident.say("hej")
    await resident.say("Vilken adress har ni?")
    roles = [m["role"] for m in await history(resident)]
    assert roles == ["assistant", "user", "assistant", "user", "assistant"]


async def test_a_retry_with_the_same_id_gives_the_same_answer_once(resident: Resident) -> None:
    both = await asyncio.gather(
        *(resident.send(text="Vilken adress har ni?", client_id="en-gang") for _ in range(3))
    )
    assert both[0] == both[1] == both[2]
    assert len(await history(resident)) == 3


async def test_the_transcript_can_be_downloaded(resident: Resident) -> None:
    await resident.say("Vilken adress har ni?")
    async with resident.http.get("/api/chat/transcript", headers=resident.auth) as response:
        assert response.content_type == "text/plain"
        assert "attachment" in response.headers["Content-Disposition"]
        text = await response.text()
    assert "Vilken adress har ni?" in text and "Gärdhemsvägen 9" in text and "Källa:" in text


async def test_feedback_is_taken_for_own_answers_only(
    resident: Resident, http: aiohttp.ClientSession
) -> None:
    answer = (await resident.send(text="Vilken adress har ni?"))[0]["id"]
    body = {"message": answer, "helpful": True}
    async with http.post("/api/chat/feedback", json=body, headers=resident.auth) as response:
        assert response.status == 204
    other = await Resident(http).open()
    async with http.post("/api/chat/feedback", json=body, headers=other.auth) as response:
        assert response.status == 404


async def test_erasing_leaves_nothing_behind(resident: Resident, service: Service) -> None:
    await resident.say("Vilken adress har ni?")
    key = session_key("chat", resident.token)
    database, tracker = service.data / "kontakt.db", service.data / "tracker.db"
    with sqlite3.connect(database) as db:
        (conversation,) = db.execute(
            "SELECT conversation FROM chat_session WHERE id = ?", (key,)
        ).fetchone()
    events = "SELECT count(*) FROM events WHERE sender_id = ?"
    assert count(tracker, events, conversation) > 0
    async with resident.http.delete("/api/chat/session", headers=resident.auth) as response:
        assert response.status == 204
    assert count(tracker, events, conversation) == 0
    for table in ("chat_message", "chat_choice"):
        assert count(database, f"SELECT count(*) FROM {table} WHERE session_id = ?", key) == 0
    assert count(database, "SELECT count(*) FROM chat_session WHERE id = ?", key) == 0
    async with resident.http.get("/api/chat/messages", headers=resident.auth) as response:
        assert response.status == 401


async def test_silent_conversations_are_erased(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'kontakt.db'}"
    await upgrade(url)
    made = engine(url)
    sessions = Sessions(made, tmp_path / "no-tracker.db")
    old, new = await sessions.open("gammal"), await sessions.open("ny")
    await sessions.heard(old, "hej", "1")
    async with made.begin() as db:
        past = datetime.now(UTC) - timedelta(hours=25)
        await db.execute(update(ChatSession).where(ChatSession.id == old.id).values(seen_at=past))
    assert await sessions.erase_older(24) == 1
    assert await sessions.find(old.id) is None
    assert await sessions.history(old) == []
    assert await sessions.find(new.id) is not None
    await sessions.close()


async def test_personal_numbers_and_texts_reach_neither_database_nor_log(
    resident: Resident, service: Service
) -> None:
    text = "mitt personnummer är 19121212-1212, mejl kanariefagel@example.se, kanariegurka"
    answer = await resident.say(text)
    assert "19121212" not in answer and "personnummer" in answer
    files = [path for path in service.data.rglob("*") if path.is_file()]
    assert {"kontakt.db", "tracker.db", "rasa.log", "gateway.log"} <= {f.name for f in files}
    for path in files:
        raw = path.read_bytes()
        assert b"19121212-1212" not in raw, path
        assert b"kanariefagel@example.se" not in raw, path
        assert path.suffix != ".log" or b"kanariegurka" not in raw, path


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
    async with http.get(
        "/api/chat/messages", headers={"Authorization": "Bearer tredje-part"}
    ) as response:
        assert response.status == 401, "a sender's name is no key to a conversation"


async def test_health_version_and_metrics(http: aiohttp.ClientSession, service: Service) -> None:
    for path in ("/healthz", "/readyz", "/version", "/api/openapi.json"):
        async with http.get(path) as response:
            assert response.status == 200, path
            assert response.headers["X-Request-ID"]
    async with http.get(f"{service.metrics}/metrics") as response:
        assert "kontakt_turns_total" in await response.text()


async def test_pages_carry_security_headers(http: aiohttp.ClientSession) -> None:
    async with http.get("/") as response:
        assert response.status == 200
        policy = response.headers["Content-Security-Policy"]
        assert "unsafe" not in policy and policy.startswith("default-src 'none'")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"


def test_every_route_is_described_and_nothing_else() -> None:
    described = {
        (method.upper(), path)
        for path, operations in specification()["paths"].items()
        for method in operations
    }
    assert described == {(route.method, route.path) for route in ROUTES}


async def test_a_conversation_of_60_turns_keeps_its_context(resident: Resident) -> None:
    await resident.say("Vad hände vid köpcentret Överby?")
    for _ in range(58):
        await resident.say("tack så mycket")
    assert "köpcentrum" in await resident.say("var ligger det någonstans?")
    assert spoken(await resident.send(text="Vilken adress har ni?"))
