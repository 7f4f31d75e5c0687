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
        ("0701-23 45 67", "[telefon]", "telefon"),
        ("070.123.45.67", "[telefon]", "telefon"),
        ("070 – 123 45 67", "[telefon]", "telefon"),
        ("mitt nr: 0520-12 34 56.", "mitt nr: [telefon].", "telefon"),
        ("0520–12 34 56", "[telefon]", "telefon"),
        ("0520/123 45", "[telefon]", "telefon"),
        ("08-123 45 67", "[telefon]", "telefon"),
        ("(0520) 123 45", "[telefon]", "telefon"),
        ("+46 70 123 45 67", "[telefon]", "telefon"),
        ("+46 (0)70-123 45 67", "[telefon]", "telefon"),
        ("0046701234567", "[telefon]", "telefon"),
        ("+47 22 12 34 56", "[telefon]", "telefon"),
        ("0701234567 kl. 10.00", "[telefon] kl. 10.00", "telefon"),
        ("112 eller 0520-12 34 56", "112 eller [telefon]", "telefon"),
        ("anna.b+1@example.se tack", "[e-post] tack", "e-post"),
        ("anna@exämple.se, bo@example.com", "[e-post], [e-post]", "e-post"),
        ("o'hara@example.se", "[e-post]", "e-post"),
        ("19121212-1212", "[personnummer]", "personnummer"),
        ("19121212–1212", "[personnummer]", "personnummer"),
        ("19121212‐1212", "[personnummer]", "personnummer"),
        ("19121212 - 1212", "[personnummer]", "personnummer"),
        ("1912-12-12-1212", "[personnummer]", "personnummer"),
        ("12 12 12 - 1212", "[personnummer]", "personnummer"),
        ("född 121212-1212 i stan", "född [personnummer] i stan", "personnummer"),
        ("nr.121212-1212", "nr.[personnummer]", "personnummer"),
        ("191212121212", "[personnummer]", "personnummer"),
        ("1212121212", "[personnummer]", "personnummer"),
        ("121212+1212", "[personnummer]", "personnummer"),
        ("samordningsnummer 19121272-1219", "samordningsnummer [personnummer]", "personnummer"),
        ("121291-1219", "[personnummer]", "personnummer"),
        ("4111 1111 1111 1111", "[kortnummer]", "kortnummer"),
        ("4111-1111-1111-1111", "[kortnummer]", "kortnummer"),
        ("4111.1111.1111.1111", "[kortnummer]", "kortnummer"),
        ("4111111111111111", "[kortnummer]", "kortnummer"),
        ("3782 822463 10005", "[nummer]", "nummer"),
        ("kort-378282246310005-", "kort-[kortnummer]-", "kortnummer"),
        ("556036-0793", "[organisationsnummer]", "organisationsnummer"),
        ("IBAN SE45 5000 0000 0583 9825 7466", "IBAN [kontonummer]", "kontonummer"),
        ("bankgiro 5050-1055", "bankgiro [kontonummer]", "kontonummer"),
        ("plusgiro: 12 34 56-7", "plusgiro: [kontonummer]", "kontonummer"),
        ("konto 8327-9, 123 456 789-0", "konto [kontonummer]", "kontonummer"),
        ("bilen ABC 123 stod där", "bilen [regnummer] stod där", "regnummer"),
        ("ABC12D", "[regnummer]", "regnummer"),
        ("regnr: mlb 47k", "regnr: [regnummer]", "regnummer"),
    ],
)
def test_numbers_and_addresses_are_masked(text: str, masked: str, kind: str) -> None:
    assert redact(text, PUBLIC) == (masked, frozenset({kind}))


@pytest.mark.parametrize(
    "text",
    [
        "ring 112 eller 114 14",
        "numret är 0520-49 50 00",
        "numret är 0520 - 49 50 00/112",
        "+46520495000, +46 (0)520-49 50 00 och 0046 520 49 50 00",
        "114 14 0520-49 50 00 10.00",
        "020-50 50 50 och 0522-69 74 44",
        "116 006",
        "öppet 8.00–16.30 den 24 december 2026",
        "08.00-16.30",
        "08:00-16:30",
        "0800-1630",
        "08 00 – 16 30",
        "2026-12-06",
        "20261206",
        "2026-12-24 10.00",
        "2026-12-24 10:00–12:00",
        "2026-12-24 2026-12-26",
        "24-12-2026 10.00",
        "2026-12-24T10:00",
        "24/12-2026",
        "Gärdhemsvägen 9, 461 83 Trollhättan",
        "Storgatan 12 B, lgh 1101",
        "600–1 200 fordon",
        "12 000 000 kronor",
        "1 200 000 000 kronor",
        "kl 17 på fredag",
        "lag 2023:196",
        "SOS 112 och TEL 112",
        "ISO 9001",
        "HAR 112 RINGTS",
        "på kontot finns 125 000 kr",
        "TS-7K3Q",
        "diarienummer 2026-00417",
        "E45 och väg 44",
        "vi är 140 i huset",
    ],
)
def test_what_is_no_personal_data_stays(text: str) -> None:
    assert redact(text, PUBLIC) == (text, frozenset())


def test_several_in_one_text_are_each_masked_as_what_they_are() -> None:
    text = "Jag heter Bo, 121212-1212, 070-123 45 67, bo@example.se, kort 4111 1111 1111 1111."
    assert redact(text, PUBLIC) == (
        "Jag heter Bo, [personnummer], [telefon], [e-post], kort [kortnummer].",
        frozenset({"personnummer", "telefon", "e-post", "kortnummer"}),
    )


def test_a_number_is_only_public_where_it_is_said_to_be() -> None:
    assert redact("0520-49 50 00") == ("[telefon]", frozenset({"telefon"}))


MORE = ["114 14", "0520-49 50 00", "2026-12-24"]
# single characters seldom make a number; these pieces do
PIECES = st.sampled_from(
    [*"01+-– ()/.@a", "07", "19", "46", "12", "000", " 000", "se", "[telefon]", *MORE]
)


@given(st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=16).map("".join)))
def test_redaction_never_fails_and_a_second_pass_changes_nothing(text: str) -> None:
    once, _ = redact(text, PUBLIC)
    assert redact(once, PUBLIC) == (once, frozenset())


@given(
    st.text("abcåäö ", max_size=20),
    st.integers(0, 99), st.integers(1, 12), st.integers(1, 28), st.integers(0, 9999),
    st.sampled_from(["", "19", "20"]), st.sampled_from(["", "-", "+", "–", " - ", "−"]),
    st.booleans(),
)  # fmt: skip
def test_no_personnummer_or_samordningsnummer_gets_through(
    around: str, year: int, month: int, day: int, last: int, century: str, dash: str, coord: bool
) -> None:
    day += 60 * coord
    number = f"{century}{year:02}{month:02}{day:02}{dash}{last:04}"
    masked, kinds = redact(f"{around} {number} {around}", PUBLIC)
    # ten digits in a row may be a mobile number too: masked all the same
    assert kinds and not any(c.isdigit() for c in masked)
