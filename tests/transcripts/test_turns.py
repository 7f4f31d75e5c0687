"""Turns made of events that a real conversation left (samtal.jsonl)."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.content.load import load
from bot.settings import ROOT
from bot.transcripts import turns
from bot.transcripts.events import BrokenEvent, Event, parse
from bot.transcripts.turns import Turn

LINES = Path(__file__).with_name("samtal.jsonl").read_text("utf-8").splitlines()
EVENTS = [parse(line) for line in LINES]


@pytest.fixture(scope="module")
def said() -> dict[str, Turn]:
    return {turn.text: turn for turn in turns.turns(EVENTS)}


def test_each_message_makes_a_turn_and_rasas_own_doings_make_none(said: dict[str, Turn]) -> None:
    assert len(said) == 22
    assert not any(text.startswith("/") for text in said)
    assert list(said)[:3] == ["När har ni öppet på julafton?", "Läs mer", "vad gäller för hundar"]


def test_a_typed_question_is_told_with_what_it_was_taken_for(said: dict[str, Turn]) -> None:
    turn = said["När har ni öppet på julafton?"]
    assert turn.id == "413beef3-bd66-45ac-80c9-fc95a6a5d625"
    assert turn.at == datetime.fromtimestamp(1795643819.10782, UTC)
    assert (turn.intent, turn.confidence) == ("faq/helgdagar", 0.8754)
    assert turn.ranking[:2] == [["faq/helgdagar", 0.6684], ["opening_hours", 0.2893]]
    assert (turn.topic, turn.outcome) == ("opening_hours", turns.ANSWERED)
    assert turn.entries == ("oppettider",)
    assert turn.answer.startswith("Torsdag 24 december, julafton")
    assert turn.buttons[0] == "Läs mer"
    assert not turn.pressed
    assert turn.model == "a126545f3c3249449e9fe8aeda9c75c7"


def test_a_button_is_told_by_its_title_and_without_confidence(said: dict[str, Turn]) -> None:
    turn = said["Läs mer"]
    assert turn.pressed
    assert turn.confidence is None
    assert turn.ranking == []
    assert turn.topic == "opening_hours"


@pytest.mark.parametrize(
    ("text", "outcome", "topic"),
    [
        ("vad gäller för hundar", "unknown", None),
        ("kan man få hjälp med kameror i butiken", "clarified", None),
        ("blå elefanter dansar tango", "unknown", None),
        ("asdf qwer", "unknown", None),
        ("det brinner i huset bredvid!", "emergency", "emergency"),
        ("jag vill prata med en människa", "person", "human"),
        ("hej", "smalltalk", "greet"),
        ("Hur går vi med?", "answered", "faq/ga-med"),
        ("berätta mer", "answered", "faq/overby"),
        (
            "vår butik på Överby vill gå med i samarbetet, det stjäls varje dag",
            "form",
            "faq/ga-med",
        ),
        ("Bagarn AB", "form", None),
        ("avbryt", "form", None),
        ("ta tillbaka anmälan", "form", "withdraw"),
        ("What are your opening hours?", "answered", "opening_hours"),
    ],
)
def test_outcome_and_topic(said: dict[str, Turn], text: str, outcome: str, topic: str) -> None:
    assert (said[text].outcome, said[text].topic) == (outcome, topic)


def test_flags(said: dict[str, Turn]) -> None:
    assert said["din jävla idiot"].flags == {"form", "abuse"}
    assert said["asdf qwer"].flags == {"fallback"}
    assert said["hej"].flags == frozenset()
    assert said["Bagarn AB"].in_form
    assert not said["hej"].in_form


def test_two_questions_in_one_message_show_two_entries(said: dict[str, Turn]) -> None:
    turn = said["When öppet och var ligger ni?"]
    assert turn.entries == ("oppettider", "adress")
    assert len(turn.answer.split("\n\n")) >= 2


def test_language_is_the_gateways(said: dict[str, Turn]) -> None:
    assert said["What are your opening hours?"].language == "en"
    assert said["hej"].language == "sv"


def test_nothing_sealed_is_in_a_turn(said: dict[str, Turn]) -> None:
    assert "HEMLIGT" in "".join(LINES)
    assert "HEMLIGT" not in repr(list(said.values()))


def test_a_turn_is_whole_when_rasa_listens_again() -> None:
    ends = [n for n, event in enumerate(EVENTS, 1) if event.data.get("name") == "action_listen"]
    assert turns.whole(EVENTS[:-1]) == ends[-2]
    assert turns.whole(EVENTS) == len(EVENTS)
    assert turns.whole(EVENTS[:3]) == 0


def test_a_message_that_never_met_the_gateway_has_an_id_too() -> None:
    stray = next(event for event in EVENTS if event.kind == "user")
    bare = replace(stray, data={**stray.data, "metadata": None})
    first, second = list(turns.turns([bare])), list(turns.turns([bare]))
    assert first == second
    assert first[0].id != "413beef3-bd66-45ac-80c9-fc95a6a5d625"
    assert first[0].outcome == turns.UNKNOWN  # nobody answered


@pytest.mark.parametrize(
    "data",
    [
        {"text": None, "parse_data": None, "metadata": []},
        {"text": 7, "parse_data": {"intent": "x", "entities": {}, "intent_ranking": [3, {}]}},
        {"text": "a\0b\ud83d", "metadata": {"turn": 5, "at": "nu", "pressed": "ja"}},
    ],
)
def test_odd_values_are_borne(data: dict[str, object]) -> None:
    event = Event("k", "s-1", "user", 1.0, {"event": "user", **data})
    bot = Event("l", "s-1", "bot", 2.0, {"text": ["x"], "data": {"buttons": "nej", "custom": 3}})
    [turn] = turns.turns([event, bot])
    turn.text.encode()
    assert "\0" not in turn.text


@pytest.mark.parametrize(
    "body",
    [
        "", "{", "[]", "null", '"hej"', "[" * 100_000,
        '{"event": "user", "timestamp": 1}',
        '{"sender_id": "s", "event": "okänd", "timestamp": 1}',
        '{"sender_id": "s", "event": "user"}',
        '{"sender_id": "s", "event": "user", "timestamp": "hemlis"}',
        '{"sender_id": "s", "event": "user", "timestamp": 1e300}',
        json.dumps({"sender_id": "s" * 41, "event": "user", "timestamp": 1}),
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused_without_its_text(body: str) -> None:
    with pytest.raises(BrokenEvent) as error:
        parse(body)
    assert "hemlis" not in str(error.value)
    assert error.value.__cause__ is None


def test_labels_and_entries_go_both_ways() -> None:
    for entry in load(ROOT / "content").entries:
        assert turns.entry(turns.label(entry)) == entry
    assert turns.label("oppettider") == "opening_hours"
    assert turns.entry("greet") is None
    assert turns.entry(None) is None


@pytest.mark.parametrize("text", ["Din IDIOT!", "håll käften nu", "dra åt helvete"])
def test_abuse_is_seen(text: str) -> None:
    assert turns.is_abusive(text)


@pytest.mark.parametrize(
    "text", ["as soon as possible", "fan vad bra", "Hur är läget?", "kukeliku"]
)
def test_what_only_looks_like_abuse_is_let_be(text: str) -> None:
    assert not turns.is_abusive(text)
