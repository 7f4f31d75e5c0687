"""Limits: 20 messages a minute in a conversation, new conversations per address."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bot.settings import ROOT, Settings
from bot.web import application
from tests.conftest import free_port


async def client(folder: Path, **settings: object) -> AsyncIterator[TestClient]:
    """The real application without Rasa behind it: every turn gets the degraded answer."""
    conf = Settings(
        data_dir=folder,
        content_dir=ROOT / "content",
        rasa_port=free_port(),
        metrics_port=0,
        **settings,  # type: ignore[arg-type]
    )
    async with TestClient(TestServer(application(conf))) as made:
        yield made


@pytest.fixture
async def limited(tmp_path: Path) -> AsyncIterator[TestClient]:
    async for made in client(tmp_path, limits="on", limit_sessions="5/minute"):
        yield made


@pytest.fixture
async def unlimited(tmp_path: Path) -> AsyncIterator[TestClient]:
    async for made in client(tmp_path, limits="off", limit_sessions="1/minute"):
        yield made


async def burst(made: TestClient, count: int) -> Counter[int]:
    """How many of so many messages at once got which status."""
    async with made.post("/api/chat/sessions") as response:
        headers = {"Authorization": f"Bearer {(await response.json())['session']}"}

    async def one() -> int:
        async with made.post(
            "/api/chat/messages", json={"text": "hej"}, headers=headers
        ) as response:
            if response.status == 429:
                assert 1 <= int(response.headers["Retry-After"]) <= 60
                seconds = response.headers["Retry-After"]
                assert await response.json(content_type=None) == {
                    "type": "about:blank",
                    "title": "Lite för snabbt",
                    "title_en": "Too many requests",
                    "status": 429,
                    "detail": "Du skriver lite för snabbt för mig. "
                    f"Vänta {seconds} sekunder och försök igen.",
                    "detail_en": f"Too many messages. Wait {seconds} seconds and try again.",
                    "request_id": response.headers["X-Request-ID"],
                }
            return response.status

    return Counter(await asyncio.gather(*(one() for _ in range(count))))


async def test_a_burst_of_200_messages_gets_20_answers(limited: TestClient) -> None:
    assert await burst(limited, 200) == {200: 20, 429: 180}
    assert await burst(limited, 1) == {200: 1}, "somebody else isn't held back"


async def test_limits_off_lets_everything_through(unlimited: TestClient) -> None:
    for _ in range(3):  # three conversations where one is the limit
        assert await burst(unlimited, 60) == {200: 60}


async def test_the_limits_are_a_setting_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().limits == "on"
    monkeypatch.setenv("KONTAKT_LIMITS", "off")
    assert Settings().limits == "off"


async def test_one_address_can_open_so_many_conversations(limited: TestClient) -> None:
    statuses = []
    for _ in range(8):
        async with limited.post("/api/chat/sessions") as response:
            statuses.append(response.status)
    assert statuses == [201] * 5 + [429] * 3
    async with limited.post("/api/chat/sessions") as response:
        problem = await response.json(content_type=None)
        seconds = response.headers["Retry-After"]
    assert problem["detail"] == (
        f"Många samtal har startats härifrån. Vänta {seconds} sekunder och försök igen."
    )


@pytest.mark.parametrize(("behind_proxy", "opened"), [(True, 7), (False, 5)])
async def test_the_address_is_the_proxys_last_word_and_only_behind_one(
    tmp_path: Path, behind_proxy: bool, opened: int
) -> None:
    async for made in client(tmp_path, limit_sessions="5/minute", behind_proxy=behind_proxy):
        statuses = Counter()
        for number in range(8):
            # who invents addresses in front of the last one is still the same visitor
            visitor = "192.0.2.1" if number < 6 else f"192.0.2.{number}"
            forwarded = {"X-Forwarded-For": f"198.51.100.{number}, {visitor}"}
            async with made.post("/api/chat/sessions", headers=forwarded) as response:
                statuses[response.status] += 1
        assert statuses == {201: opened, 429: 8 - opened}


async def test_the_webhook_has_the_same_limits(limited: TestClient) -> None:
    statuses = Counter()
    for _ in range(30):
        body = {"sender": "en", "message": "hej"}
        async with limited.post("/webhooks/rest/webhook", json=body) as response:
            statuses[response.status] += 1
    assert statuses == {200: 20, 429: 10}
    for number in range(6):
        body = {"sender": f"ny-{number}", "message": "hej"}
        async with limited.post("/webhooks/rest/webhook", json=body) as response:
            statuses[response.status] += 1
    assert statuses == {200: 24, 429: 12}


async def test_without_rasa_an_emergency_still_leads_to_112(unlimited: TestClient) -> None:
    async with unlimited.post("/api/chat/sessions") as response:
        opened = await response.json()
    headers = {"Authorization": f"Bearer {opened['session']}"}

    async def send(**body: str) -> list[dict[str, str]]:
        async with unlimited.post("/api/chat/messages", json=body, headers=headers) as response:
            return list((await response.json())["messages"])

    assert (await send(text="hjälp det brinner i köket"))[0]["text"].startswith("**Ring 112 nu**")
    assert "tekniska problem" in (await send(text="hur var det vid Överby?"))[0]["text"]
    button = opened["messages"][0]["choices"][0]
    assert (await send(choice=button["id"]))[0]["topic"] == "tjanster", "buttons work without Rasa"
    async with unlimited.get("/readyz") as response:
        assert response.status == 503
    async with unlimited.get("/healthz") as response:
        assert response.status == 200
