"""The form for an expression of interest, and its withdrawal: asks, keeps the draft, stores.

What a message means for the form is decided in bot/participation/form.py. The draft lies in the
slot `draft` as a sealed text, and what a resident wrote reaches us sealed too, so that Rasa's
tracker store never holds an address or a number.
"""

import hashlib
import re
from collections.abc import Mapping
from types import MappingProxyType

from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import Action, Tracker
from rasa_sdk.types import DomainDict

from actions.answers import (
    content,
    entity,
    heard_text,
    intent,
    registry,
    say,
    the_vault,
)
from actions.conversation import FORM, answer_message
from bot.content.answers import Answer, Option, phrase_answer, render
from bot.content.clock import now
from bot.nlu.emergency import guard
from bot.participation.expression import OTHER_AREA, Consent, Expression, Submission, references
from bot.participation.facts import shown_phone
from bot.participation.form import Draft, Heard, Question, Step, begin, turn
from bot.participation.registry import CODE_MINUTES
from bot.settings import settings
from bot.store.vault import Unreadable
from bot.transcripts.redaction import redact

WITHDRAWAL = "withdrawal_form"
NAMES = ("PRS", "ORG", "LOC")
EARLIER = 3  # typed messages before the form that may hold facts already
REQUESTED = "requested_slot"


class ValidateParticipationForm(Action):
    """One turn in the form. Rasa runs it when the form begins and after each message."""

    def name(self) -> str:
        return f"validate_{FORM}"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[EventType]:
        draft, asked = _draft(tracker), tracker.get_slot(REQUESTED)
        heard = _heard(tracker)
        if draft is None or asked is None or _loop(tracker) != FORM:
            step = begin(heard, content().participation, _earlier(tracker, heard))
        else:
            step = turn(draft, asked, heard, content().participation)
        return await _take(step, asked, dispatcher, tracker, domain)


class ActionForgetDraft(Action):
    """After a form: nothing of it stays in the conversation's memory."""

    def name(self) -> str:
        return "action_forget_draft"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[EventType]:
        return [SlotSet("draft", None), SlotSet("withdrawal", None)]


class ValidateWithdrawalForm(Action):
    """One turn of taking an expression of interest back: its reference, then the mailed code."""

    def name(self) -> str:
        return f"validate_{WITHDRAWAL}"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[EventType]:
        text, kind = heard_text(tracker), intent(tracker)
        begins = kind == "withdraw" or _loop(tracker) != WITHDRAWAL
        known = None if begins else tracker.get_slot("withdrawal")
        if kind in ("cancel", "deny") and not begins:
            return _ended(dispatcher, "withdraw_stopped")
        if not begins and (guard().alarm(text) or kind in ("emergency", "human", "self_harm")):
            return [
                *await answer_message(dispatcher, tracker, domain),
                SlotSet("withdrawal", known),
            ]
        named = references(text)
        if named:
            return await _send_code(dispatcher, named[0])
        code = re.sub(r"\D", "", text)
        if known and len(code) == 6:
            if await registry().withdraw(str(known), code):
                return _ended(dispatcher, "withdraw_done", {"reference": str(known)})
            _say(dispatcher, "withdraw_bad_code")
            return [SlotSet("withdrawal", known), SlotSet(REQUESTED, "withdrawal_code")]
        if (not begins and kind == "faq") or (not begins and text.rstrip().endswith("?")):
            said = await answer_message(dispatcher, tracker, domain)
            return [*said, SlotSet("withdrawal", known)]
        if known:
            _say(dispatcher, "withdraw_bad_code")
            return [SlotSet("withdrawal", known), SlotSet(REQUESTED, "withdrawal_code")]
        _say(dispatcher, "withdraw_reference")
        return [SlotSet("withdrawal", None), SlotSet(REQUESTED, "withdrawal")]


async def _send_code(dispatcher: CollectingDispatcher, reference: str) -> list[EventType]:
    """The same words whether the case exists or not: nobody can find out by asking."""
    if not settings().smtp_url:
        return _ended(dispatcher, "withdraw_no_mail", {"reference": reference})
    await registry().send_code(reference)
    _say(dispatcher, "withdraw_code", {"reference": reference, "minutes": str(CODE_MINUTES)})
    return [SlotSet("withdrawal", reference), SlotSet(REQUESTED, "withdrawal_code")]


def _ended(
    dispatcher: CollectingDispatcher, phrase: str, values: Mapping[str, str] = MappingProxyType({})
) -> list[EventType]:
    _say(dispatcher, phrase, values)
    return [SlotSet("withdrawal", None), SlotSet(REQUESTED, None)]


async def _take(
    step: Step,
    asked: Question | None,
    dispatcher: CollectingDispatcher,
    tracker: Tracker,
    domain: DomainDict,
) -> list[EventType]:
    """Say what a step says, store what is to be stored, and remember the rest."""
    events: list[EventType] = []
    if step.answer:
        events += await answer_message(dispatcher, tracker, domain)
    if step.outcome == "send":
        return [*events, *await _send(step.draft, dispatcher, tracker)]
    for phrase in step.says:
        key = f"why_{asked}" if phrase == "join_why" else phrase
        waits = step.ask is not None and not step.quiet
        _say(dispatcher, key, in_form=not step.outcome, buttons=not waits)
    if step.ask is not None and not step.quiet:
        _ask(step.ask, step.draft, dispatcher)
    if step.outcome:
        return [*events, SlotSet("draft", None), SlotSet(REQUESTED, None)]
    sealed = the_vault().seal(step.draft.as_json())
    return [*events, SlotSet("draft", sealed), SlotSet(REQUESTED, step.ask)]


async def _send(
    draft: Draft, dispatcher: CollectingDispatcher, tracker: Tracker
) -> list[EventType]:
    """Store, then say so. Dying in between is harmless: the same draft has the same key."""
    purpose, question = _purpose(), _consent()
    stored = await registry().store(
        Submission(
            hashlib.sha256(f"{tracker.sender_id}\0{draft.key}".encode()).hexdigest(),
            draft.expression,
            Consent(purpose, question, content().participation.consent_version),
            str(tracker.sender_id),
        )
    )
    _say(dispatcher, "join_stored", {"reference": stored.reference})
    return [SlotSet("draft", None), SlotSet(REQUESTED, None)]


def _ask(question: Question, draft: Draft, dispatcher: CollectingDispatcher) -> None:
    if question == "consent":
        _summary(draft.expression, dispatcher)
        return
    if question == "concerns":
        one = phrase_answer(content(), "join_concerns", now())
        listed = content().participation.concerns.values()
        options = tuple(Option(each.title, each.title) for each in listed)[:3]
        say(dispatcher, Answer(one.text, options), in_form=True)
        return
    person = draft.expression.person
    _say(dispatcher, f"join_{question}", secret={"person": (person or "er", "er")}, in_form=True)


def _summary(one: Expression, dispatcher: CollectingDispatcher) -> None:
    """The summary as it is shown, and as it is kept: without names and addresses."""
    shown = "\n".join(f"- {label}: {escaped(value)}" for label, value, _ in _lines(one))
    kept = "\n".join(f"- {label}: {escaped(mask)}" for label, _, mask in _lines(one))
    values = {"purpose": _purpose(), "consent": _consent(), "months": _months()}
    _say(dispatcher, "join_summary", values, {"summary": (shown, kept)}, in_form=True)


def _lines(one: Expression) -> list[tuple[str, str, str]]:
    """(label, value, what is kept of it in the conversation) of what was told."""
    about = content().participation
    place = one.where
    if one.area != OTHER_AREA and about.places[one.area].title not in (one.where, ""):
        place = f"{one.where} ({about.places[one.area].title})"
    titles = [about.concerns[name].title for name in one.concerns if name in about.concerns]
    concerns = one.words or ", ".join(titles)
    kind = about.kinds[one.kind].title if one.kind in about.kinds else ""
    number = f"{one.org_number[:6]}-{one.org_number[6:]}" if one.org_number else ""
    person = f"{one.person}, {one.role}" if one.role else one.person
    phone = shown_phone(one.phone)
    lines = [
        ("Plats", place, place),
        ("Gäller", concerns, redact(concerns)[0]),
        ("Företag eller organisation", one.company, one.company),
        ("Organisationsnummer", number, "[organisationsnummer]"),
        ("Slags verksamhet", kind, kind),
        ("Kontaktperson", person, "[namn]"),
        ("E-post", one.email, "[e-post]"),
        ("Telefon", phone, "[telefon]"),
        ("Kontakta oss helst via", one.channel, one.channel),
    ]
    return [line for line in lines if line[1]]


def escaped(text: str) -> str:
    """What a business wrote, so that no sign of it is taken for Markdown within a line."""
    return re.sub(r"([\\`*_{}\[\]<>|~])", r"\\\1", re.sub(r"\s+", " ", text))


def _purpose() -> str:
    return render(content(), content().participation.purpose, now())


def _consent() -> str:
    return render(content(), content().participation.consent, now())


def _months() -> str:
    return str(settings().interest_months)


def _say(
    dispatcher: CollectingDispatcher,
    phrase: str,
    values: Mapping[str, str] = MappingProxyType({}),
    secret: Mapping[str, tuple[str, str]] = MappingProxyType({}),
    in_form: bool = False,
    buttons: bool = True,
) -> None:
    """Say a phrase; `secret` values are (shown now, kept in the conversation)."""
    shown = {**values, **{name: pair[0] for name, pair in secret.items()}}
    kept = {**values, **{name: pair[1] for name, pair in secret.items()}}
    answer = phrase_answer(content(), phrase, now(), **kept)
    live = phrase_answer(content(), phrase, now(), **shown).text if secret else None
    options = answer.options if buttons else ()
    say(dispatcher, Answer(answer.text, options), live, in_form)


def _loop(tracker: Tracker) -> str | None:
    """The form that waits, None at its start."""
    name = (tracker.active_loop or {}).get("name")
    return str(name) if name else None


def _draft(tracker: Tracker) -> Draft | None:
    sealed = tracker.get_slot("draft")
    try:
        return Draft.of_json(the_vault().unseal(str(sealed))) if sealed else None
    except (Unreadable, ValueError, KeyError, TypeError):  # of another key, or another version
        return None


def _heard(tracker: Tracker) -> Heard:
    """The last message; a pressed button has no text, only what it means."""
    text = heard_text(tracker)
    raw = "" if text.startswith("/") else text
    known = tuple(
        (name, str(value))
        for name in NAMES
        for value in tracker.get_latest_entity_values(name)
        if raw
    )
    sure = float((tracker.latest_message.get("intent") or {}).get("confidence") or 0.0)
    entry = entity(tracker, "entry") or ""
    alarm = bool(raw) and guard().alarm(raw) is not None
    return Heard(raw, intent(tracker), sure, entry, known, alarm, bool(raw) and guard().now(raw))


def _earlier(tracker: Tracker, heard: Heard) -> tuple[Heard, ...]:
    """What was typed about joining just before: it may hold name, place and address already."""
    found: list[Heard] = []
    for event in reversed(tracker.events):
        if event.get("event") == "session_started" or len(found) > EARLIER:
            break
        if event.get("event") != "user":
            continue
        parsed = event.get("parse_data") or {}
        label = (parsed.get("intent") or {}).get("name")
        entries = [e.get("value") for e in parsed.get("entities") or [] if e["entity"] == "entry"]
        text = heard_text(tracker, event)
        if label == "faq" and "ga-med" in entries and not text.startswith("/"):
            found.append(Heard(text))
    return tuple(reversed(found[1:] if found and found[0].text == heard.text else found))
