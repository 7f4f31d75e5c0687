"""How a conversation begins: in the language of a page, near its subject, with its question."""

from typing import Any

import pytest
from aiohttp import ClientSession

from tests.conftest import Resident, spoken


async def begin(http: ClientSession, **body: Any) -> dict[str, Any]:
    """Open a conversation with a body."""
    async with http.post("/api/chat/sessions", json=body) as response:
        assert response.status == 201, await response.text()
        return dict(await response.json())


async def test_a_page_about_an_area_suggests_its_questions(http: ClientSession) -> None:
    opened = await begin(http, context="kungsgatan")
    [greeting] = opened["messages"]
    assert "Kungsgatan" in greeting["choices"][0]["title"] and len(greeting["choices"]) <= 3


async def test_a_page_about_one_answer_suggests_it_and_what_is_related(http: ClientSession) -> None:
    [greeting] = (await begin(http, context="overby"))["messages"]
    assert greeting["choices"][0]["title"] == "Vad hände vid Överby?"
    assert len(greeting["choices"]) == 3


@pytest.mark.parametrize("context", ["", "finns-inte", "../../etc"])
async def test_an_unknown_subject_changes_nothing(http: ClientSession, context: str) -> None:
    plain, other = await begin(http), await begin(http, context=context)
    titles = [[c["title"] for c in one["messages"][0]["choices"]] for one in (plain, other)]
    assert titles[0] == titles[1]


async def test_a_page_in_english_is_greeted_in_english(http: ClientSession) -> None:
    opened = await begin(http, lang="en")
    assert opened["messages"][0]["lang"] == "en"
    assert "automated assistant" in opened["messages"][0]["text"]


async def test_a_language_that_nobody_has_written_becomes_swedish(http: ClientSession) -> None:
    opened = await begin(http, lang="xx")
    assert opened["messages"][0]["lang"] == "sv" and "maskin" in opened["notice"]


async def test_the_page_asks_an_entry_by_its_id(resident: Resident) -> None:
    assert "Gärdhemsvägen" in spoken(await resident.send(topic="adress", client_id="a"))
    async with resident.http.get("/api/chat/messages", headers=resident.auth) as response:
        history = await response.json()
    assert history["messages"][1]["text"] == "Var ligger kontaktcenter?"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"topic": "finns-inte"}, 404),
        ({"topic": "adress", "text": "hej"}, 422),
        ({"topic": "a" * 65}, 422),
        ({}, 422),
    ],
)
async def test_what_is_no_topic_is_refused(
    resident: Resident, body: dict[str, Any], status: int
) -> None:
    url = "/api/chat/messages"
    async with resident.http.post(url, json=body, headers=resident.auth) as response:
        assert response.status == status
