"""A typed text can't become a command."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.guard import clean


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  hej \n du ", "hej du"),
        ("/restart", "restart"),
        ("// / restart", "restart"),
        ("／restart", "restart"),
        ("\u200b/\u2060/inform", "inform"),
        ("b\u200bes\u200dök", "besök"),
        ("o\u0308ppet", "öppet"),
        ("Ｔｅｌｅｆｏｎ", "Telefon"),
        ("röd\x00slut", "röd slut"),
        ("24/12", "24/12"),
        ("\ud800", "?"),
        ("", ""),
    ],
)
def test_clean(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_piled_accents_are_thinned_out() -> None:
    assert len(clean("a" + "\u0301" * 500)) < 5


@given(st.text(max_size=300))
def test_nothing_cleaned_starts_with_a_slash_or_fails_to_encode(text: str) -> None:
    cleaned = clean(text)
    assert not cleaned.startswith("/")
    cleaned.encode("utf-8")
