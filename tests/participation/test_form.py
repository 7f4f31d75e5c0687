"""The form turn by turn, without Rasa: every question × everything that can come between."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content.load import load
from bot.nlu.emergency import guard
from bot.participation.expression import Expression
from bot.participation.form import (
    OPTIONAL,
    QUESTIONS,
    TRIES,
    Draft,
    Heard,
    Question,
    Step,
    begin,
    turn,
)
from bot.settings import ROOT

CONTENT = load(ROOT / "content").participation
WHOLE = Expression(
    area="overby", where="Överby", concerns=("stold",), words="stölder", company="Lyktan AB",
    person="Nour Ek", email="nour@lyktan.example.se",
)  # fmt: skip
ANSWERS: dict[Question, str] = {
    "area": "Kungsgatan",
    "concerns": "klotter och bråk på kvällarna",
    "company": "Lyktan AB, lampbutik",
    "org_number": "556000-4615",
    "person": "Nour Ek, ägare",
    "contact": "nour@lyktan.example.se",
    "channel": "ring helst",
    "consent": "ja, det får ni",
}
EMPTY: dict[Question, dict[str, object]] = {
    "area": {"area": "", "where": ""},
    "concerns": {"concerns": (), "words": ""},
    "company": {"company": ""},
    "org_number": {},
    "person": {"person": "", "role": ""},
    "contact": {"email": "", "phone": ""},
    "channel": {"phone": "+46313900612", "channel": ""},
    "consent": {},
}


def heard(text: str, intent: str = "nlu_fallback", confidence: float = 0.9, **more: str) -> Heard:
    """A message with the guard's own verdict."""
    alarm = bool(text) and guard().alarm(text) is not None
    return Heard(text, intent, confidence, alarm=alarm, now=guard().now(text), **more)


def before(question: Question) -> Draft:
    """A form in which only this question is open."""
    return Draft(key="k", expression=WHOLE.changed(**EMPTY[question]))


def told(step: Step) -> Expression:
    """What the form holds after a step."""
    return step.draft.expression


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_plain_answer_leads_on(question: Question) -> None:
    step = turn(before(question), question, heard(ANSWERS[question]), CONTENT)
    assert not step.answer and not step.quiet
    assert (step.outcome == "send") if question == "consent" else (step.ask == "consent")


def test_the_answers_are_kept_as_they_should_be() -> None:
    draft = Draft()
    for question in QUESTIONS:
        if question in ("org_number", "channel", "consent"):
            continue
        step = turn(draft, question, heard(ANSWERS[question]), CONTENT)
        draft = step.draft
    one = draft.expression
    assert (one.area, one.where) == ("kungsgatan", "Kungsgatan")
    assert one.concerns == ("skadegorelse", "otrygghet")
    assert (one.company, one.kind) == ("Lyktan AB", "butik")
    assert (one.person, one.role) == ("Nour Ek", "ägare")
    assert one.email == "nour@lyktan.example.se"


def test_facts_in_any_order_are_not_asked_for_again() -> None:
    opening = heard("Nour Ek på Lyktan AB i Sylte vill vara med, nour@lyktan.example.se, stölder")
    step = begin(opening, CONTENT)
    one = told(step)
    assert (one.person, one.company, one.area) == ("Nour Ek", "Lyktan AB", "sylte")
    assert one.concerns == ("stold",)
    assert step.ask == "consent"


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered_and_the_form_goes_on(question: Question) -> None:
    step = turn(
        before(question), question, heard("vilka tider har ni öppet?", "opening_hours"), CONTENT
    )
    assert step.answer and step.ask == question and not step.outcome
    assert told(step) == before(question).expression


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_emergency_comes_first_and_the_form_waits(question: Question) -> None:
    said = heard("hjälp det brinner här nu!", "emergency", 1.0)
    step = turn(before(question), question, said, CONTENT)
    assert step.answer and step.quiet and step.draft.paused and step.ask == question
    assert told(step) == before(question).expression
    back = turn(step.draft, question, heard("fortsätt", "more"), CONTENT)
    assert back.ask == question and not back.draft.paused and not back.answer


def test_a_yes_after_an_emergency_sends_nothing() -> None:
    waits = replace(before("consent"), paused=True)
    step = turn(waits, "consent", heard("ja", "affirm"), CONTENT)
    assert step.outcome == "" and step.ask == "consent"


@pytest.mark.parametrize("question", QUESTIONS)
def test_cancelling_keeps_nothing(question: Question) -> None:
    step = turn(before(question), question, heard("avbryt alltihop", "cancel"), CONTENT)
    assert step.outcome == "cancelled" and step.ask is None


@pytest.mark.parametrize("question", QUESTIONS)
def test_why_is_explained_at_each_question(question: Question) -> None:
    step = turn(before(question), question, heard("varför behöver ni det?", "why"), CONTENT)
    assert step.says == ("join_why",) and step.ask == question


@pytest.mark.parametrize("question", QUESTIONS)
def test_only_what_is_optional_can_be_skipped(question: Question) -> None:
    step = turn(before(question), question, heard("hoppa över", "skip"), CONTENT)
    if question in OPTIONAL:
        assert step.ask == "consent"
    else:
        assert step.ask == question and step.says == ("not_skippable",)


@pytest.mark.parametrize("question", ["area", "person", "contact", "channel", "consent"])
def test_a_correction_is_taken_at_any_question(question: Question) -> None:
    said = heard("oj fel, firman heter Lampan AB")
    step = turn(before(question), question, said, CONTENT)
    assert told(step).company == "Lampan AB"
    assert step.ask == question and not step.outcome
    assert replace(told(step), company="") == replace(before(question).expression, company="")


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q not in OPTIONAL])
def test_nonsense_is_asked_again_and_a_person_comes_after_three_tries(question: Question) -> None:
    draft = before(question)
    for number in range(1, TRIES + 1):
        step = turn(draft, question, heard("!?#", "nonsense"), CONTENT)
        draft = step.draft
        assert step.outcome == ("person" if number == TRIES else "")
        assert told(step) == before(question).expression
    assert step.says == ("join_person_help",)


@pytest.mark.parametrize("question", sorted(OPTIONAL))
def test_what_is_optional_is_skipped_after_three_tries(question: Question) -> None:
    draft = before(question)
    for _ in range(TRIES):
        step = turn(draft, question, heard("blä blä blä", "nonsense"), CONTENT)
        draft = step.draft
    assert step.ask == "consent" and not step.outcome


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_very_long_text_is_cut_or_asked_again(question: Question) -> None:
    step = turn(before(question), question, heard("mycket text " * 80), CONTENT)
    one = told(step)
    assert max(len(one.company), len(one.person), len(one.role)) <= 120
    assert len(one.where) <= 200 and len(one.words) <= 1000
    assert step.outcome == ""


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_silent_button_of_an_earlier_answer_is_answered(question: Question) -> None:
    step = turn(before(question), question, heard("", "faq", 1.0, entry="overby"), CONTENT)
    assert step.answer and step.ask == question


# --- where a business is sent instead ------------------------------------------------------------


def test_what_recurs_and_sounds_like_an_emergency_is_written_down_after_112() -> None:
    said = heard("fulla gäster slåss utanför entrén", "emergency", 1.0)
    step = turn(before("concerns"), "concerns", said, CONTENT)
    assert step.answer and told(step).words == "fulla gäster slåss utanför entrén"
    assert step.ask == "consent"


def test_a_broken_lamp_is_shown_the_way_and_kept() -> None:
    step = turn(before("concerns"), "concerns", heard("gatlampan är trasig"), CONTENT)
    assert step.says == ("join_repairs",) and told(step).words == "gatlampan är trasig"


def test_another_municipality_is_told_so() -> None:
    step = turn(before("area"), "area", heard("vi ligger i Uddevalla"), CONTENT)
    assert step.outcome == "elsewhere"


def test_a_way_to_be_reached_is_no_name() -> None:
    step = turn(before("person"), "person", heard("e-post"), CONTENT)
    assert (step.ask, step.draft.expression.person) == ("person", "")
    step = turn(before("person"), "person", heard("Anna Mobil"), CONTENT)
    assert step.draft.expression.person == "Anna Mobil"


def test_a_private_person_has_other_ways() -> None:
    step = turn(before("area"), "area", heard("jag är privatperson"), CONTENT)
    assert step.outcome == "private"


# --- address and consent


def test_half_an_address_and_a_short_number_are_told_apart() -> None:
    draft = before("contact")
    assert turn(draft, "contact", heard("nour@lyktan"), CONTENT).says == ("bad_email",)
    assert turn(draft, "contact", heard("4712"), CONTENT).says == ("bad_phone",)
    assert turn(draft, "contact", heard("kom förbi bara"), CONTENT).says == ("bad_contact",)


def test_phone_and_address_together_ask_which_is_best() -> None:
    step = turn(
        before("contact"), "contact", heard("nour@lyktan.example.se 031-390 06 12"), CONTENT
    )
    assert step.ask == "channel"


def test_a_wrong_organisation_number_can_be_mended_or_skipped() -> None:
    step = turn(before("company"), "company", heard("Lyktan AB 556000-4616"), CONTENT)
    assert step.ask == "org_number" and step.says == ("bad_org_number",)
    assert told(step).company == "Lyktan AB"


@pytest.mark.parametrize(
    "text", ["nej", "nä, spara ingenting", "det vill jag inte", "ja nej, jag ångrar mig"]
)
def test_nothing_is_sent_without_a_yes(text: str) -> None:
    step = turn(before("consent"), "consent", heard(text, "deny"), CONTENT)
    assert step.outcome == "declined" and step.ask is None


@pytest.mark.parametrize(
    "text", ["kanske", "hmm", "tja vi får väl se", "Lyktan", "får jag fundera", "🙂"]
)
def test_what_is_neither_yes_nor_no_is_asked_again(text: str) -> None:
    step = turn(before("consent"), "consent", heard(text, "affirm"), CONTENT)
    assert step.outcome == "" and step.ask == "consent"


def test_the_buttons_of_the_summary() -> None:
    draft = before("consent")
    assert turn(draft, "consent", heard("", "affirm"), CONTENT).outcome == "send"
    assert turn(draft, "consent", heard("", "deny"), CONTENT).outcome == "declined"
    changed = turn(draft, "consent", heard("Ändra något"), CONTENT)
    assert changed.says == ("join_change",) and changed.ask == "consent"
    asked = turn(changed.draft, "consent", heard("telefonnumret"), CONTENT)
    assert asked.ask == "consent"
    again = turn(draft, "consent", heard("ändra kontaktpersonen"), CONTENT)
    assert again.ask == "person"


def test_a_changed_address_at_the_summary_shows_it_again() -> None:
    step = turn(before("consent"), "consent", heard("fel mejl, ny@lyktan.example.se"), CONTENT)
    assert told(step).email == "ny@lyktan.example.se" and step.ask == "consent"
    assert step.outcome == ""


def test_the_draft_survives_the_vault() -> None:
    draft = replace(before("contact"), tries={"contact": 2}, skipped=("channel",), paused=True)
    assert Draft.of_json(draft.as_json()) == draft


@given(st.sampled_from(QUESTIONS), st.text(max_size=200), st.sampled_from(["faq", "affirm", "x"]))
def test_no_text_breaks_the_form(question: Question, text: str, intent: str) -> None:
    step = turn(before(question), question, heard(text, intent), CONTENT)
    assert step.ask in QUESTIONS or step.outcome
    if step.outcome == "send":
        assert question == "consent"
