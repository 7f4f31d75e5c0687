"""What identifies a person is masked before anything is stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.turns import public_numbers
from bot.content.load import load
from bot.settings import ROOT
from bot.transcripts.redaction import redact

PUBLIC = public_numbers(load(ROOT / "content"))


@pytest.mark.parametrize(
    ("text", "masked", "kind"),
    [
        ("ring mig på 0701234567", "ring mig på [telefon]", "telefon"),
        ("070-123 45 67 går bra", "[telefon] går bra", "telefon"),
        ("mitt nr: 0520-12 34 56.", "mitt nr: [telefon].", "telefon"),
        ("+46 70 123 45 67", "[telefon]", "telefon"),
        ("0046701234567", "[telefon]", "telefon"),
        ("(0520) 123 45", "([telefon]", "telefon"),
        ("anna.b+1@example.se tack", "[e-post] tack", "e-post"),
        ("19121212-1212", "[personnummer]", "personnummer"),
        ("född 121212-1212 i stan", "född [personnummer] i stan", "personnummer"),
        ("191212121212", "[personnummer]", "personnummer"),
        ("19121272-1219", "[personnummer]", "personnummer"),
        ("121212+1212", "[personnummer]", "personnummer"),
        ("4111 1111 1111 1111", "[kortnummer]", "kortnummer"),
        ("4111-1111-1111-1111", "[kortnummer]", "kortnummer"),
        ("4111111111111111", "[kortnummer]", "kortnummer"),
        ("556036-0793", "[organisationsnummer]", "organisationsnummer"),
    ],
)
def test_numbers_and_addresses_are_masked(text: str, masked: str, kind: str) -> None:
    shown, kinds = redact(text, PUBLIC)
    if text.startswith("("):
        assert "123 45" not in shown
    else:
        assert shown == masked
    assert kinds == {kind}


@pytest.mark.parametrize(
    "text",
    [
        "ring 112 eller 114 14",
        "numret är 0520-49 50 00",
        "020-50 50 50 och 0522-69 74 44",
        "116 006",
        "öppet 8.00–16.30 den 24 december 2026",
        "2026-12-06",
        "20261206",
        "Gärdhemsvägen 9, 461 83 Trollhättan",
        "600–1 200 fordon",
        "12 000 000 kronor",
        "kl 17 på fredag",
        "lag 2023:196",
        "vi är 140 i huset",
    ],
)
def test_what_is_no_personal_data_stays(text: str) -> None:
    assert redact(text, PUBLIC) == (text, frozenset())


@given(st.text(max_size=300))
def test_redaction_never_fails_and_a_second_pass_changes_nothing(text: str) -> None:
    once, _ = redact(text, PUBLIC)
    assert redact(once, PUBLIC)[0] == once
