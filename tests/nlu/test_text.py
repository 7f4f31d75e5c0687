"""Signs and parts of a message, before anything is understood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.nlu.clauses import asks, clauses
from bot.nlu.places import elsewhere
from bot.nlu.text import normalise


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Ｈｅｊ", "Hej"),
        ("heeeeej", "hej"),
        ("hej!!!!", "hej!"),
        ("när \u200böppnar\ufeff ni", "när öppnar ni"),
        ("na\u0308r o\u0308ppnar ni", "när öppnar ni"),
        ("öppettidеr", "öppettider"),  # the e is Cyrillic
        ("tack 🙏🎉", "tack"),
        ("👍", "ja"),
        ("👍🏽", "ja"),
        ("👎👎", "nej"),
        ("tummen 👍 upp", "tummen upp"),
        ("привет", "привет"),
        ("Γεια σου", "Γεια σου"),
        ("🔥🔥🔥", ""),
        ("", ""),
        ("bilen 112", "bilen 112"),
        ("0520-49 50 00", "0520-49 50 00"),
    ],
)
def test_what_was_meant(typed: str, meant: str) -> None:
    assert normalise(typed) == meant


@given(st.text(max_size=200))
def test_any_text_is_normalised_once_and_for_all(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Vad har ni öppet och var ligger ni?", ["Vad har ni öppet", "var ligger ni?"]),
        ("Hej! När stänger ni?", ["Hej", "När stänger ni?"]),
        ("hej, vem ringer jag, tack", ["hej", "vem ringer jag", "tack"]),
        ("Trygghet och trivsel i centrum", ["Trygghet och trivsel i centrum"]),
        ("vad gör staden och polisen?", ["vad gör staden och polisen?"]),
        ("när", ["när"]),
        ("", []),
    ],
)
def test_the_parts_of_a_message(text: str, parts: list[str]) -> None:
    assert clauses(text) == parts


@pytest.mark.parametrize(
    ("part", "question"),
    [
        ("var ligger ni", True),
        ("och hur går vi med", True),
        ("jag vill anmäla ett fel", True),
        ("ni har väl öppet?", True),
        ("Jag har en butik på Överby", False),
        ("hej", False),
        ("vargar i skogen", False),
    ],
)
def test_a_question_is_told_from_its_background(part: str, question: bool) -> None:
    assert asks(part) is question


@pytest.mark.parametrize(
    ("text", "away"),
    [
        ("felanmälan i Uddevalla", True),
        ("Vänersborgs kommun", True),
        ("lilla edets växel", True),
        ("goteborg", True),
        ("felanmälan i Trollhättan", False),
        ("från Uddevalla till Trollhättan", False),
        ("det kan vara mörkt", False),
        ("", False),
    ],
)
def test_other_municipalities_are_known(text: str, away: bool) -> None:
    assert elsewhere(text) is away
