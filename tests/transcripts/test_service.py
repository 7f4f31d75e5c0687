"""From a message to the transcript in the running service, and away again."""

import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import aiohttp

from bot.chat.sessions import session_key
from tests.conftest import Resident, Service, until


def rows(service: Service, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """What a query finds in the service's database."""
    with sqlite3.connect(service.data / "kontakt.db", timeout=10) as db:
        return db.execute(query, values).fetchall()


def left(folder: Path, word: str) -> list[str]:
    """The files in which a word stands."""
    # by another process: closing a database's file here would drop this one's locks on it
    found = subprocess.run(
        ["grep", "-rlaF", "--", word, str(folder)], capture_output=True, text=True
    )
    assert found.returncode in (0, 1), found.stderr
    return [Path(line).name for line in found.stdout.splitlines()]


async def test_a_message_becomes_a_turn_and_is_erased_with_the_token(
    resident: Resident, http: aiohttp.ClientSession, service: Service
) -> None:
    answers = await resident.send(text="när har ni öppet, undrar kanarieordet")
    pressed = await resident.press(answers, answers[-1]["choices"][0]["title"])
    feedback = {"message": answers[-1]["id"], "helpful": False, "comment": "kanariekommentaren"}
    async with http.post("/api/chat/feedback", json=feedback, headers=resident.auth) as response:
        assert response.status == 204
    key = session_key("chat", resident.token)
    query = (
        "SELECT number, text, pressed, intent, topic, outcome, answer, latency_ms, model, feedback "
        "FROM transcript_turn WHERE transcript_id = "
        "(SELECT id FROM transcript WHERE session_id = ?) ORDER BY number"
    )

    async def told() -> bool:
        found = rows(service, query, key)
        return len(found) == 2 and found[0][-1] == -1 and found[1][-3] is not None

    await until(told, 20)
    first, second = rows(service, query, key)
    assert first[:3] == (1, "när har ni öppet, undrar kanarieordet", 0)
    assert first[3] and first[4] == "opening_hours" and first[5] == "answered"
    assert first[6] == answers[-1]["text"]
    assert 0 < first[7] < 10_000
    assert first[8].startswith("kontakt-")
    assert second[1:3] == (answers[-1]["choices"][0]["title"], 1)
    assert second[6] in pressed
    assert left(service.data / "log", "kanarie") == []

    async def taken() -> bool:  # the look after the one that stored it wipes what was raw
        return not [f for f in left(service.data, "kanarieordet") if f.startswith("events")]

    await until(taken, 5)

    async with http.delete("/api/chat/session", headers=resident.auth) as response:
        assert response.status == 204
    assert rows(service, query, key) == []
    assert rows(service, "SELECT 1 FROM chat_session WHERE id = ?", key) == []
    assert rows(service, "SELECT 1 FROM turn_measure WHERE text LIKE '%kanarie%'") == []
    assert left(service.data / "log", "kanarie") == []
    # single words stay in SQLite's full-text index until the next round of retention
    assert left(service.data, "öppet, undrar kanarieordet") == []
    async with http.delete("/api/chat/session", headers=resident.auth) as response:
        assert response.status == 401
