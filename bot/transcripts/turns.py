"""From Rasa's events to the turns of a conversation. Pure functions; nothing is redacted here.

A turn begins with what the resident says and ends when Rasa listens again. What the gateway knows
of it comes along as metadata of the message: `turn` (its id), `at`, `language`, `pressed`, and
`shown` when Rasa got a payload instead of what the resident saw.
"""

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from bot.nlu.labels import INTENT_ENTRIES
from bot.transcripts.events import Event

ANSWERED, CLARIFIED, UNKNOWN, PERSON = "answered", "clarified", "unknown", "person"
EMERGENCY, FORM, SMALLTALK, DEGRADED = "emergency", "form", "smalltalk", "degraded"
LISTENS = "action_listen"
FORMS = {"participation_form": "faq/ga-med", "withdrawal_form": "withdraw"}
"""Each form and the label of the question that opens it."""
FLAG_OF = {
    UNKNOWN: "fallback",
    CLARIFIED: "clarification",
    EMERGENCY: "emergency",
    FORM: "form",
    PERSON: "person",
    DEGRADED: "degraded",
}
_URGENT = frozenset({"emergency", "self_harm", "threat"})
_POINTERS = frozenset({"other_authority", "other_municipality"})
_OURS = frozenset({"entry", "maybe", "also", "part"})
"""Entities that the classifier or a button sets: labels, not the resident's words."""
_ABUSE = Path(__file__).with_name("abuse.txt")
_LABEL_OF_ENTRY = {entry: intent for intent, entry in INTENT_ENTRIES.items()}


@dataclass(frozen=True)
class Turn:
    """One turn as Rasa tells it."""

    id: str
    at: datetime
    """UTC, by the gateway's clock."""
    text: str
    pressed: bool
    language: str
    intent: str
    """A label as in data/nlu, or nlu_fallback."""
    confidence: float | None
    """0–1; None for a payload, which nobody had to understand."""
    ranking: list[list[Any]]
    entities: tuple[Mapping[str, Any], ...]
    """As Rasa gives them: entity, value, and start and end in the text for what stands there."""
    topic: str | None
    """The label of what was answered."""
    entries: tuple[str, ...]
    """Ids of the FAQ entries that were shown."""
    outcome: str
    answer: str
    buttons: tuple[str, ...]
    in_form: bool
    """Whether the answer may repeat what was told in a form."""
    model: str
    """Rasa's id of the model."""
    flags: frozenset[str] = field(default=frozenset())


def whole(events: Sequence[Event]) -> int:
    """How many of a conversation's events, from the first on, belong to turns that have ended."""
    ends = [n for n, event in enumerate(events, 1) if event.data.get("name") == LISTENS]
    return ends[-1] if ends else 0


def turns(events: Iterable[Event]) -> Iterator[Turn]:
    """The turns of one conversation's events, which are in order.

    Rasa's own doings (a session begins, slots are carried over) make none.
    """
    for said, after in _split(events):
        if said.data.get("text") != "/session_start":
            yield _turn(said, after)


def label(entry: str) -> str:
    """The label in data/nlu that leads to an entry."""
    return _LABEL_OF_ENTRY.get(entry, f"faq/{entry}")


def entry(topic: str | None) -> str | None:
    """The entry that a label leads to; None if it leads to none."""
    if topic is None:
        return None
    kind, _, name = topic.partition("/")
    return name if kind == "faq" else INTENT_ENTRIES.get(kind)


def is_abusive(text: str) -> bool:
    """Whether a text has a word of abuse.txt in it."""
    return bool(_abuse().search(text.casefold()))


@lru_cache(maxsize=1)
def _abuse() -> re.Pattern[str]:
    lines = _ABUSE.read_text("utf-8").splitlines()
    known = [re.escape(line.strip()) for line in lines if line.strip() and line[0] != "#"]
    return re.compile(rf"(?<!\w)(?:{'|'.join(sorted(known, key=len, reverse=True))})(?!\w)")


def _split(events: Iterable[Event]) -> Iterator[tuple[Event, list[Event]]]:
    said: Event | None = None
    after: list[Event] = []
    for event in events:
        if event.kind == "user":
            if said is not None:
                yield said, after
            said, after = event, []
        else:
            after.append(event)
    if said is not None:
        yield said, after


@dataclass(frozen=True)
class _Message:
    text: str
    buttons: tuple[tuple[str, str], ...]
    """(title, payload)."""
    entry: str | None
    in_form: bool


def _turn(said: Event, after: Sequence[Event]) -> Turn:
    parsed = _mapping(said.data.get("parse_data"))
    known = _mapping(said.data.get("metadata"))
    typed = _text(said.data.get("text"))
    payload = typed.startswith("/")
    entities = tuple(_mapping(one) for one in _list(parsed.get("entities")))
    intent = _intent(_mapping(parsed.get("intent")), entities)
    messages = _messages(after)
    actions = [_text(one.data.get("name")) for one in after if one.kind == "action"]
    form = next((name for name in actions if name in FORMS), None)
    opened = any(one.kind == "active_loop" and one.data.get("name") == form for one in after)
    entries = tuple(dict.fromkeys(one.entry for one in messages if one.entry))
    outcome = _outcome(intent, actions, form, messages, entries, _text(known.get("language")))
    text = _text(known.get("shown")) or typed
    sure = _mapping(parsed.get("intent")).get("confidence")
    flags = {FLAG_OF[outcome]} if outcome in FLAG_OF else set()
    flags |= {"form"} if form else set()
    if intent == "abuse" or is_abusive(text):
        flags.add("abuse")
    return Turn(
        id=_turn_id(known, said),
        at=_moment(known.get("at"), said.at),
        text=text,
        pressed=known.get("pressed") is True or (payload and "turn" not in known),
        language=_text(known.get("language"))[:8] or "sv",
        intent=intent[:60],
        confidence=None if payload or not isinstance(sure, int | float) else round(float(sure), 4),
        ranking=[] if payload else _ranking(parsed),
        entities=entities,
        topic=_topic(intent, form, opened, outcome, entries),
        entries=entries,
        outcome=outcome,
        answer="\n\n".join(one.text for one in messages if one.text),
        buttons=tuple(title for one in messages for title, _ in one.buttons),
        in_form=form is not None or any(one.in_form for one in messages),
        model=_text(known.get("model_id")),
        flags=frozenset(flags),
    )


def spoken(entities: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The entities that stand in the resident's text."""
    return [one for one in entities if one.get("entity") not in _OURS]


def _outcome(
    intent: str,
    actions: Sequence[str],
    form: str | None,
    messages: Sequence[_Message],
    entries: Sequence[str],
    language: str,
) -> str:
    aside = any(not message.in_form for message in messages)
    if intent in _URGENT and (form is None or aside):
        return EMERGENCY
    if intent == "human" and (form is None or aside):
        return PERSON
    if form and not (entries and intent not in ("affirm", "deny")):
        return FORM
    if entries:
        return ANSWERED
    if "action_clarify" in actions or "action_unknown" in actions:
        asks = language in ("", "sv") and _asks(messages)
        return CLARIFIED if asks else UNKNOWN
    if not messages:
        return UNKNOWN  # the action server was away: the resident got the gateway's answer
    return ANSWERED if intent in _POINTERS else SMALLTALK


def _asks(messages: Sequence[_Message]) -> bool:
    """ "Menar du …?" ends with "Nej, något annat"; the offer of the form is a question too."""
    payloads = [payload for message in messages for _, payload in message.buttons]
    return bool(payloads) and (payloads[-1] == "/deny" or '"join"' in payloads[0])


def _topic(
    intent: str, form: str | None, opened: bool, outcome: str, entries: Sequence[str]
) -> str | None:
    if outcome in (EMERGENCY, PERSON):
        return intent
    if form and opened:
        return FORMS[form]
    if outcome in (UNKNOWN, CLARIFIED, FORM):
        return None
    return label(entries[0]) if entries else intent or None


def _intent(found: Mapping[str, Any], entities: Sequence[Mapping[str, Any]]) -> str:
    name = _text(found.get("name"))
    if name != "faq":
        return name
    about = [_text(one.get("value")) for one in entities if one.get("entity") == "entry"]
    return f"faq/{about[-1]}" if about else name


def _ranking(parsed: Mapping[str, Any]) -> list[list[Any]]:
    ranked = [_mapping(one) for one in _list(parsed.get("intent_ranking"))]
    return [
        [_text(one.get("name")), round(float(one["confidence"]), 4)]
        for one in ranked
        if isinstance(one.get("confidence"), int | float)
    ]


def _messages(after: Iterable[Event]) -> list[_Message]:
    """What the assistant said. Custom JSON belongs to the text before it, as in the gateway."""
    made: list[_Message] = []
    for event in after:
        if event.kind != "bot":
            continue
        data = _mapping(event.data.get("data"))
        custom = data.get("custom")
        if isinstance(custom, dict):
            alone = _text(custom.get("text"))
            before = None if alone or not made else made.pop()
            made.append(
                _Message(
                    before.text if before else alone,
                    before.buttons if before else (),
                    _text(custom.get("topic")) or None,
                    custom.get("in_form") is True,
                )
            )
        elif _text(event.data.get("text")):
            pairs = [_mapping(one) for one in _list(data.get("buttons"))]
            buttons = tuple((_text(p.get("title")), _text(p.get("payload"))) for p in pairs)
            made.append(_Message(_text(event.data.get("text")), buttons, None, False))
    return made


def _turn_id(known: Mapping[str, Any], said: Event) -> str:
    """The gateway's, or for what never went through the gateway one that is always the same."""
    try:
        return str(uuid.UUID(_text(known.get("turn"))))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, said.key))


def _moment(told: Any, otherwise: float) -> datetime:
    given = isinstance(told, int | float) and 0 < told < 1e11
    return datetime.fromtimestamp(told if given else otherwise, UTC)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    # PostgreSQL takes no NUL, and no database half of a character
    return value.replace("\0", "").encode("utf-8", "replace").decode()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
