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
        (" \t/\n/restart", "restart"),
        ("\x00/restart", "restart"),
        ("\u200b/\u2060/inform", "inform"),
        ("\u202e/restart", "restart"),
        ('/faq{"entry": "overby"}', 'faq{"entry": "overby"}'),
        ("b\u200bes\u200dök", "besök"),
        ("öpp\u00adet", "öppet"),
        ("o\u0308ppet", "öppet"),
        ("Ｔｅｌｅｆｏｎ", "Telefon"),
        ("röd\x00slut", "röd slut"),
        ("kl.\u00a010", "kl. 10"),
        ("24/12", "24/12"),
        ("och/eller", "och/eller"),
        ("🏪", "🏪"),
        ("مرحبا", "مرحبا"),
        ("\ud800", "?"),
        ("\ud83c\udfea", "??"),
        ("/", ""),
        ("\u200b\u2060\ufeff", ""),
        ("\x00\x07\x1b", ""),
        ("", ""),
    ],
)
def test_clean(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_piled_accents_are_thinned_out() -> None:
    assert len(clean("a" + "\u0301" * 500)) < 5


# surrogates too: JSON can carry half of one
ANY = st.characters(codec=None) | st.sampled_from("/／\\ \t\n\x00\u200b\u2060\u0301\ud800")


@given(st.text(ANY, max_size=300))
def test_nothing_cleaned_starts_with_a_slash_or_fails_to_encode(text: str) -> None:
    cleaned = clean(text)
    assert not cleaned.startswith("/")
    assert cleaned == cleaned.strip()
    cleaned.encode("utf-8")


@given(st.text(ANY, max_size=300))
def test_what_is_clean_stays_as_it_is(text: str) -> None:
    assert clean(clean(text)) == clean(text)
