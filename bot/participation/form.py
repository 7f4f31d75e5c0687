"""The form as a pure function: what was said so far, and a new message, give the next step.

Rasa keeps the draft between the turns and knows which question waits (requested_slot); the action
says what a step says. Nothing here does I/O, so that every turn can be tested in a line.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Self

from bot.content.models import Participation
from bot.nlu.clauses import asks, clauses
from bot.nlu.places import elsewhere
from bot.participation.expression import OTHER_AREA, Expression
from bot.participation.facts import (
    LONGEST_NAME,
    LONGEST_WHERE,
    Facts,
    clean_name,
    facts,
    mends_only,
    person_and_role,
    words,
)

Question = Literal[
    "area", "concerns", "company", "org_number", "person", "contact", "channel", "consent"
]
QUESTIONS: tuple[Question, ...] = (
    *("area", "concerns", "company", "org_number", "person", "contact", "channel", "consent"),
)
OPTIONAL = frozenset({"org_number", "channel"})
TRIES = 3
LONGEST_WORDS = 1000
MISHEARD = frozenset({"nlu_fallback", "nonsense", "greet", "thanks", "affirm", "deny"})
"""Intents that say nothing against a text being the answer to the question."""
ALARMS = frozenset({"emergency", "self_harm", "threat"})
OUTSIDE = frozenset({"out_of_scope", "other_authority", "other_municipality"})
ASIDES = frozenset({"human", "abuse", "repeat", "help"})
"""Intents that are no answer to a question of the form, however they are put."""
SURE = 0.6

Outcome = Literal["", "send", "cancelled", "declined", "elsewhere", "private", "person"]


@dataclass(frozen=True)
class Heard:
    """A message: its text as typed, what Rasa made of it, and what kind it is.

    `alarm` is the lexical guard's own verdict, `now` whether the text says that it goes on now;
    `entry` the FAQ entry of intent `faq`.
    """

    text: str
    intent: str = "nlu_fallback"
    confidence: float = 0.0
    entry: str = ""
    entities: tuple[tuple[str, str], ...] = ()
    alarm: bool = False
    now: bool = False

    @property
    def is_question(self) -> bool:
        """Whether any part of it asks something by its form."""
        return self.text.rstrip().endswith("?") or any(map(asks, clauses(self.text)))


@dataclass(frozen=True)
class Draft:
    """The form so far. `key` names this very form, so that it is stored once."""

    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    expression: Expression = field(default_factory=Expression)
    skipped: tuple[str, ...] = ()
    tries: Mapping[str, int] = field(default_factory=dict)
    paused: bool = False

    def as_json(self) -> str:
        """For the vault."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def of_json(cls, text: str) -> Self:
        """From the vault."""
        data = json.loads(text)
        expression = Expression.of_json(json.dumps(data["expression"]))
        return cls(
            data["key"], expression, tuple(data["skipped"]), data["tries"], bool(data["paused"])
        )


@dataclass(frozen=True)
class Step:
    """What follows a message: phrases of the content to say in order, then the question.

    `answer` says that the message itself should be answered first, as outside the form.
    """

    draft: Draft
    ask: Question | None
    says: tuple[str, ...] = ()
    answer: bool = False
    outcome: Outcome = ""
    quiet: bool = False
    """Don't put the question again now: something more important was said."""


def begin(heard: Heard, content: Participation, earlier: tuple[Heard, ...] = ()) -> Step:
    """Open the form; what this message and the ones before it told is filled in already."""
    draft = Draft()
    for message in (*earlier, heard):
        found = facts(message.text, content, message.entities)
        draft = _filled(draft, found, content, overwrite=True)
        if found.kind:
            draft = replace(draft, expression=draft.expression.changed(kind=found.kind))
        if found.concerns and not draft.expression.words:
            said = message.text.strip()[:LONGEST_WORDS]
            changed = draft.expression.changed(concerns=found.concerns, words=said)
            draft = replace(draft, expression=changed)
    if words().has("private", heard.text):
        return Step(draft, None, ("join_private",), outcome="private")
    if elsewhere(heard.text) and not draft.expression.area:
        return Step(draft, None, ("join_elsewhere",), outcome="elsewhere")
    return Step(draft, _next(draft), ("join_start",))


def turn(draft: Draft, asked: Question, heard: Heard, content: Participation) -> Step:
    """The next step after a message while a question waits."""
    if heard.alarm or heard.intent in ALARMS:
        if asked == "concerns" and not heard.now:
            # what they have trouble with may sound like an emergency: 112 first, and written down;
            # the question has just named 112, so the classifier's faint suspicion isn't repeated
            doubtful = not heard.alarm and heard.confidence < SURE
            return replace(_concerns(draft, heard, content), answer=not doubtful)
        return Step(replace(draft, paused=True), asked, answer=True, quiet=True,
                    says=("join_paused",))  # fmt: skip
    was_paused, draft = draft.paused, replace(draft, paused=False)
    if heard.intent == "faq" and heard.entry == "ga-med" and not heard.text.strip():
        return Step(draft, asked, ("join_resume",))
    control = _control(draft, asked, heard, was_paused)
    if control is not None:
        return control
    if asked == "consent":
        return _consent(draft, heard, content)
    corrected = _corrected(draft, asked, heard, content)
    if corrected is not None:
        return corrected
    if not heard.text or _is_aside(asked, heard, content):
        return Step(draft, asked, answer=True)
    return _ANSWERS[asked](draft, heard, content)


def _control(draft: Draft, asked: Question, heard: Heard, was_paused: bool) -> Step | None:
    """Stop, skip, why, go on: words about the form itself."""
    sure = heard.confidence >= SURE or len(heard.text.split()) <= 2
    if heard.intent in ("cancel", "withdraw") and sure:
        return Step(draft, None, ("join_cancelled",), outcome="cancelled")
    if heard.intent == "why" and sure:
        return Step(draft, asked, ("join_why",))
    if heard.intent == "skip" and sure:
        if asked not in OPTIONAL:
            return Step(draft, asked, ("not_skippable",))
        skipped = replace(draft, skipped=(*draft.skipped, asked))
        return Step(skipped, _next(skipped))
    says = ("join_resume",) if was_paused else ()
    short = len(heard.text.split()) <= 4
    if short and heard.text.casefold().startswith("forts"):
        return Step(draft, asked, says)
    # after an emergency a yes means "go on", never "store it"
    eager = asked != "consent" and (was_paused or heard.intent in ("more", "affirm"))
    if (eager or was_paused) and short and words().agrees(heard.text):
        return Step(draft, asked, says)
    return None


def _is_aside(asked: Question, heard: Heard, content: Participation) -> bool:
    """Whether a message is something else than the answer to the question."""
    if heard.intent in ASIDES and heard.confidence >= SURE:
        return True
    found = facts(heard.text, content)
    if found.email or found.phone:
        return False
    if asked == "concerns" and found.concerns:
        return False  # "hur får vi stopp på klottret?" says what it is about
    if heard.intent in OUTSIDE:
        return heard.is_question
    if heard.intent == "opening_hours" and heard.confidence >= SURE:
        return True
    if heard.intent in MISHEARD:
        return heard.text.rstrip().endswith("?") and heard.intent != "deny"
    return heard.is_question


def _corrected(draft: Draft, asked: Question, heard: Heard, content: Participation) -> Step | None:
    """A correction of something said before: "firman heter …", "numret är fel"."""
    listed = words()
    found = facts(heard.text, content)
    if asked == "contact" and (found.email or found.phone):
        return None  # "adressen ska vara …" answers the question
    named = [name for name in listed.named_fields(heard.text) if name != asked]
    wants_change = listed.has("change", heard.text)
    given = draft.expression
    changes: dict[str, Any] = {}
    if found.company and given.company and asked != "company":
        changes["company"] = found.company
    if found.email and found.email != given.email and asked != "contact":
        changes["email"] = found.email
    if found.phone and found.phone != given.phone and asked != "contact":
        changes["phone"] = found.phone
    if found.person and given.person and asked not in ("person", "concerns") and wants_change:
        changes["person"], changes["role"] = found.person, ""
    if wants_change and "area" in named and found.area:
        changes["area"], changes["where"] = found.area, found.where
    if found.org_number and asked != "org_number":
        changes["org_number"] = found.org_number
    told = changes and (wants_change or asked == "consent" or _only_facts(found))
    if told and asked not in ("concerns",):
        changed = replace(draft, expression=given.changed(**changes))
        if asked in ("company", "person", "area") and not _given(draft, asked):
            return Step(changed, asked)
        return Step(changed, _next(changed))
    known = [name for name in named if _given(draft, name) or name == "org_number"]
    if wants_change and known and len(heard.text.split()) <= 6 and asked != "concerns":
        return Step(_without(draft, known[0]), known[0])  # type: ignore[arg-type]
    return None


def _only_facts(found: Facts) -> bool:
    """Whether hardly more than an address or a number was written."""
    return bool(found.email or found.phone or found.org_number) and len(found.rest.split()) <= 3


def _consent(draft: Draft, heard: Heard, content: Participation) -> Step:
    corrected = _corrected(draft, "consent", heard, content)
    if corrected is not None:
        return corrected
    if words().has("change", heard.text) and words().agrees(heard.text) is not True:
        return Step(draft, "consent", ("join_change",), quiet=True)
    said = words().agrees(heard.text) if heard.text else None
    if not heard.text and heard.intent not in ("affirm", "deny"):
        return Step(draft, "consent", answer=True)
    if heard.intent == "affirm" and (said or not heard.text):
        return Step(draft, "consent", outcome="send")
    if heard.intent == "deny" and not said:
        return Step(draft, None, ("join_declined",), outcome="declined")
    if heard.text.rstrip().endswith("?") or (heard.is_question and said is None):
        return Step(draft, "consent", answer=True)
    if said is False:
        return Step(draft, None, ("join_declined",), outcome="declined")
    if said:
        return Step(draft, "consent", outcome="send")
    return _again(draft, "consent", "bad_consent", quiet=True)


def _area(draft: Draft, heard: Heard, content: Participation) -> Step:
    if words().has("private", heard.text):
        return Step(draft, None, ("join_private",), outcome="private")
    found = facts(heard.text, content, heard.entities)
    if elsewhere(heard.text) and not found.area:
        return Step(draft, None, ("join_elsewhere",), outcome="elsewhere")
    draft = _filled(draft, found, content)
    where = clean_name(found.rest)[:LONGEST_WHERE]
    if heard.intent == "nonsense" or len(where) < 2 or not any(c.isalpha() for c in where):
        return _again(draft, "area", "bad_area")
    told = draft.expression.changed(area=found.area or OTHER_AREA, where=where)
    return _go_on(replace(draft, expression=told))


def _concerns(draft: Draft, heard: Heard, content: Participation) -> Step:
    if words().has("private", heard.text):
        return Step(draft, None, ("join_private",), outcome="private")
    found = facts(heard.text, content, heard.entities)
    draft = _filled(draft, found, content)
    said = found.rest.strip()[:LONGEST_WORDS]
    if heard.intent == "nonsense" or len(said) < 3 or not any(c.isalpha() for c in said):
        return _again(draft, "concerns", "bad_concerns")
    told = draft.expression.changed(concerns=found.concerns, words=said)
    says = ("join_repairs",) if mends_only(said, content) else ()
    return _go_on(replace(draft, expression=told), says)


def _company(draft: Draft, heard: Heard, content: Participation) -> Step:
    found = facts(heard.text, content, heard.entities, loose=True)
    if found.personal_number:
        draft = replace(draft, skipped=(*draft.skipped, "org_number"))
    draft = _filled(draft, replace(found, company=""), content)
    name = found.company or clean_name(_before_details(found.rest))
    says = ("join_no_pnr",) if found.personal_number else ()
    if len(name) < 2 or not any(c.isalnum() for c in name) or heard.intent == "nonsense":
        if found.org_number and not name:
            return Step(draft, "company", says)
        return _again(draft, "company", "bad_company")
    kind = found.kind or draft.expression.kind
    told = draft.expression.changed(company=name[:LONGEST_NAME], kind=kind)
    draft = replace(draft, expression=told)
    if found.bad_org_number:
        return Step(draft, "org_number", ("bad_org_number",))
    return _go_on(draft, says)


def _org_number(draft: Draft, heard: Heard, content: Participation) -> Step:
    found = facts(heard.text, content, heard.entities)
    if found.personal_number:
        draft = replace(draft, skipped=(*draft.skipped, "org_number"))
        return _go_on(draft, ("join_no_pnr",))
    if found.org_number:
        told = draft.expression.changed(org_number=found.org_number)
        return _go_on(replace(draft, expression=told))
    if words().agrees(heard.text) is False or draft.tries.get("org_number", 0) + 1 >= TRIES:
        return _go_on(replace(draft, skipped=(*draft.skipped, "org_number")))
    return _again(draft, "org_number", "bad_org_number")


def _person(draft: Draft, heard: Heard, content: Participation) -> Step:
    found = facts(heard.text, content, heard.entities, loose=True)
    draft = _filled(draft, replace(found, person=""), content)
    name, role = person_and_role(found.rest)
    if found.person and found.person in name and len(name.split()) > 4:
        name = found.person
    bad = len(name) < 2 or not any(c.isalpha() for c in name) or any(c.isdigit() for c in name)
    # "e-post" answers another question
    bad = bad or (" " not in name and words().has("not_person", name))
    if bad or len(name.split()) > 6 or heard.intent == "nonsense":
        return _again(draft, "person", "bad_person")
    told = draft.expression.changed(person=name[:LONGEST_NAME], role=role[:LONGEST_NAME])
    return _go_on(replace(draft, expression=told))


def _contact(draft: Draft, heard: Heard, content: Participation) -> Step:
    found = facts(heard.text, content, heard.entities)
    if found.email or found.phone:
        return _go_on(_filled(draft, found, content, overwrite=True))
    if found.bad_email:
        return _again(draft, "contact", "bad_email")
    return _again(draft, "contact", "bad_phone" if found.bad_phone else "bad_contact")


def _channel(draft: Draft, heard: Heard, content: Participation) -> Step:
    phone = words().has("channel_phone", heard.text)
    mail = words().has("channel_mail", heard.text)
    if phone != mail:
        told = draft.expression.changed(channel="telefon" if phone else "e-post")
        return _go_on(replace(draft, expression=told))
    if (phone and mail) or draft.tries.get("channel", 0) + 1 >= TRIES:
        return _go_on(replace(draft, skipped=(*draft.skipped, "channel")))
    return _again(draft, "channel", "bad_channel", quiet=True)


_ANSWERS: Mapping[str, Callable[[Draft, Heard, Participation], Step]] = {
    "area": _area,
    "concerns": _concerns,
    "company": _company,
    "org_number": _org_number,
    "person": _person,
    "contact": _contact,
    "channel": _channel,
}


def _before_details(text: str) -> str:
    """The name in "Skor & Sånt AB, skobutik": what stands before the first comma or line."""
    return text.split(",")[0].split("\n")[0].split(". ")[0]


def _filled(draft: Draft, found: Facts, content: Participation, overwrite: bool = False) -> Draft:
    """The draft with what a message told beside the answer; the first word counts."""
    one, new = draft.expression, {}
    for name in ("email", "phone", "org_number", "company", "person"):
        value = getattr(found, name)
        if value and (overwrite or not getattr(one, name)):
            new[name] = value
    if found.area and not one.area:
        new["area"], new["where"] = found.area, found.where
    return replace(draft, expression=one.changed(**new)) if new else draft


def _given(draft: Draft, question: str) -> bool:
    """Whether a question has its answer, or needs none."""
    one = draft.expression
    return {
        "area": bool(one.area),
        "concerns": bool(one.words or one.concerns),
        "company": bool(one.company),
        "org_number": True,  # asked only when a wrong one was given
        "person": bool(one.person),
        "contact": bool(one.email or one.phone),
        "channel": not (one.email and one.phone) or bool(one.channel),
        "consent": False,
    }[question] or question in draft.skipped


def _without(draft: Draft, question: str) -> Draft:
    """The draft with the answer to a question taken back."""
    empty: dict[str, dict[str, Any]] = {
        "area": {"area": "", "where": ""},
        "concerns": {"concerns": (), "words": ""},
        "company": {"company": ""},
        "org_number": {"org_number": ""},
        "person": {"person": "", "role": ""},
        "contact": {"email": "", "phone": "", "channel": ""},
    }
    return replace(draft, expression=draft.expression.changed(**empty[question]))


def _next(draft: Draft) -> Question:
    return next(question for question in QUESTIONS if not _given(draft, question))


def _go_on(draft: Draft, says: tuple[str, ...] = ()) -> Step:
    return Step(draft, _next(draft), says)


def _again(draft: Draft, question: Question, phrase: str, quiet: bool = True) -> Step:
    """Say what was wrong and wait for a new answer; after three tries a person is better."""
    tries = {**draft.tries, question: draft.tries.get(question, 0) + 1}
    draft = replace(draft, tries=tries)
    if tries[question] >= TRIES:
        return Step(draft, None, ("join_person_help",), outcome="person")
    return Step(draft, question, (phrase,), quiet=quiet)
