"""The lexical guard, held against sentences that were written apart from its lexicon."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bot.content.load import load
from bot.nlu.emergency import guard
from bot.settings import ROOT

SENTENCES: dict[str, list[str]] = YAML(typ="safe").load(
    Path(__file__).with_name("emergency_guard.yml")
)


def missed(kind: str, alarm: str | None) -> list[str]:
    """The sentences of a kind that raise another alarm than they should; printed for the reader."""
    wrong = [text for text in SENTENCES[kind] if guard().alarm(text) != alarm]
    for text in wrong:
        print(f"{kind}: {guard().alarm(text)} i stället för {alarm}: {text}")
    return wrong


@pytest.mark.parametrize(
    ("kind", "alarm", "allowed"),
    [
        ("acute", "emergency", 0.10),
        ("self_harm", "self_harm", 0.10),
        ("home_violence", "home_violence", 0.10),
        ("past", None, 0.05),
        ("calm", None, 0.02),
    ],
)
def test_the_guard_is_right_often_enough(kind: str, alarm: str | None, allowed: float) -> None:
    assert len(missed(kind, alarm)) <= allowed * len(SENTENCES[kind])


def test_there_are_sentences_enough_to_say_so() -> None:
    enough = {"acute": 60, "past": 40, "calm": 80, "self_harm": 20, "home_violence": 15}
    assert {kind: len(texts) >= enough[kind] for kind, texts in SENTENCES.items()} == dict.fromkeys(
        enough, True
    )


@pytest.mark.parametrize("kind", ["acute", "self_harm"])
def test_shouting_and_missing_dots_change_nothing(kind: str) -> None:
    for text in SENTENCES[kind]:
        plain = text.lower().translate(str.maketrans("åäöé", "aaoe"))
        assert guard().alarm(text.upper() + "!!!") == guard().alarm(text) == guard().alarm(plain), (
            text
        )


def test_no_answer_of_ours_raises_an_alarm_when_it_is_typed_back() -> None:
    titles = [entry.title for entry in load(ROOT / "content").entries.values()]
    alarmed = [t for t in titles if guard().alarm(t) == "emergency"]
    assert alarmed == []


@pytest.mark.parametrize(
    "text",
    ["", " ", "?", "112", "å" * 100_000, "hjälp " * 5_000, "\u200b", "🔥" * 1_000, "(.*)+" * 999],
)
def test_strange_texts_are_read_in_no_time(text: str) -> None:
    guard().alarm(text)
    guard().past_crime(text)
