"""Names and addresses are masked before a turn is kept."""

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.chat.turns import public_numbers
from bot.content.load import load
from bot.settings import ROOT
from bot.transcripts.measure import Span, masks, parse, score
from bot.transcripts.names import public_facts
from bot.transcripts.redaction import redact_turn

CONTENT = load(ROOT / "content")
PUBLIC = public_facts(CONTENT)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("jag heter fatima al-sayed och undrar en sak", "jag heter [namn] och undrar en sak"),
        ("jag heter per", "jag heter [namn]"),
        ("det är Björn som ringer", "det är [namn] som ringer"),
        ("min granne dragan stör", "min granne [namn] stör"),
        ("Mvh\nÅsa Lind", "Mvh\n[namn]"),
        ("mvh P. Lundgren", "mvh [namn]. [namn]"),
        ("Annas cykel", "[namn]s cykel"),
        ("Storgatan 12 B, 461 55 Trollhättan", "[adress], [adress]"),
        ("bor på sylteskolans väg 3", "bor på [adress]"),
        ("Box 214, 461 24 Trollhättan", "[adress]"),
    ],
)
def test_who_and_where_is_masked(text: str, masked: str) -> None:
    assert redact_turn(text, [], PUBLIC)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "Per automatik kommer hans bil",
        "björn i skogen vid en stig",
        "min granne stör varje dag",
        "vad heter gatan",
        "mvh en orolig granne",
        "Anderssons bageri fick rutan krossad",
        "Anne Fagerberg och victor prästbacka",
        "Gärdhemsvägen 9, 461 83 Trollhättan",
        "Överby, Kungsgatan, Kronogården och Trollhättan",
        "överby 10",
        "på storgatan 3 gånger, kungsgatan 22.30",
        "TS-K7Q2 är mitt ärende",
    ],
)
def test_words_and_what_is_public_stay(text: str) -> None:
    assert redact_turn(text, [], PUBLIC) == (text, frozenset(), frozenset())


def test_an_unknown_name_is_masked_where_the_language_model_saw_a_person() -> None:
    text = "i går kom Xirdan Plosk hit igen"
    assert redact_turn(text, [], PUBLIC)[0] == text
    # the offsets are those of a text with its spelling mended
    seen = [{"entity": "PRS", "value": "Xirdan Plosk", "start": 90, "end": 102}]
    assert redact_turn(text, seen, PUBLIC) == (
        "i går kom [namn] hit igen", frozenset({"namn"}), frozenset({"xirdan plosk"}),
    )  # fmt: skip


def test_a_name_is_masked_in_the_answer_and_later_turns_once_it_is_known() -> None:
    _, _, told = redact_turn("jag heter xirdan plosk", [], PUBLIC)
    answer, kinds, _ = redact_turn("Tack Xirdan. Vi hörs, Plosk.", [], PUBLIC, told)
    assert answer == "Tack [namn]. Vi hörs, [namn]." and kinds == {"namn"}


def test_what_the_gateway_lets_through_is_public_here_too() -> None:
    assert public_numbers(CONTENT) <= PUBLIC


PIECES = st.sampled_from(
    [
        *("jag heter ", "Anna", "bo", " karlsson", "Per ", "mvh ", "\n", ". ", ", ", "och "),
        *("är min ", "granne ", "Storgatan ", "12", " B", "461 55 ", "Trollhättan", "ABC 123"),
        *("konto ", "här", "[namn]", "s ", "[telefon]", "070-174 06 12", " & ", "-", "Lind", "/"),
    ]
)  # fmt: skip


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=14).map("".join)))
def test_it_never_fails_and_a_second_pass_changes_nothing(text: str) -> None:
    once, kinds, told = redact_turn(text, [], PUBLIC)
    assert redact_turn(once, [], PUBLIC)[0] == once
    assert bool(told) == ("namn" in kinds)


@given(
    st.text("abcåäö ", max_size=12),
    st.integers(5, 99),
    st.sampled_from(["", " ", "-", "/", "–", ".", "  "]),
    st.sampled_from(["", " ", "-"]),
    st.sampled_from(["0", "+46", "+46 (0)", "0046 "]),
)
@example("bbb", 5, " ", "", "0")  # no plate "bbb 070"
def test_no_six_digits_of_a_phone_number_are_left(
    around: str, last: int, dash: str, blank: str, begin: str
) -> None:
    text = f"{around} {begin}70{dash}174{blank}06{blank}{last:02} {around}"
    left = redact_turn(text, [], PUBLIC)[0]
    assert not re.search(r"(?:\d\D?){6}", left)


@pytest.mark.parametrize(
    "piece",
    ["a", "1", "07", "a@", "070-", "Anna ", "Anna Lind. ", "Storgatan ", "ABC 123 ", "mvh ", "\n"],
)
def test_a_huge_text_takes_time_in_proportion(piece: str) -> None:
    redact_turn("värm upp 1")

    def seconds(size: int) -> float:
        text = (piece * size)[:size]
        start = time.process_time()
        redact_turn(text, [], PUBLIC)
        return time.process_time() - start

    assert seconds(100_000) < 3  # a second here; a quadratic pattern takes a minute


def test_the_measure_counts_what_is_left_and_what_is_hidden_too_much() -> None:
    line = parse(r"hej {namn:Anna Lind}\nring {telefon:070-174 06 12}")
    assert line.text == "hej Anna Lind\nring 070-174 06 12"
    assert line.spans == (Span(4, 13, "namn"), Span(19, 32, "telefon"))
    assert masks(line.text, "hej [namn] Lind\n[telefon]") == [
        Span(4, 8, "namn"),
        Span(14, 32, "telefon"),
    ]
    found = score([line], ["hej [namn] Lind\n[telefon]"])
    assert (found.recall(["namn"]), found.recall(["telefon"])) == (0, 1)
    assert (found.precision(["namn"]), found.precision(["telefon"])) == (1, 0)
    assert len(found.errors) == 1
