"""The conversation's actions: each picks content and lets answers.py say it."""

import re
from dataclasses import replace

from rasa_sdk.events import EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import Action, Tracker
from rasa_sdk.types import DomainDict

from actions.answers import (
    content,
    entity,
    heard_text,
    intent,
    language,
    remember,
    say,
    say_entry,
    say_phrase,
    understood,
)
from bot.content import hours
from bot.content.answers import (
    Answer,
    choice_option,
    entry_answer,
    entry_option,
    phrase_answer,
    render,
)
from bot.content.clock import now
from bot.content.dates import When, parse_when
from bot.nlu.labels import INTENT_ENTRIES, OUTSIDE
from bot.participation.facts import kind, words

SAFETY = "trygghet"  # where a wrong guess may cost more than an extra line
HOURS, ADDRESS, PHONE, HOLIDAYS = "oppettider", "adress", "telefon", "helgdagar"
JOIN, FORM = "ga-med", "participation_form"
MOST = 3  # answers in one turn
_HOW = re.compile(r"\W*(?:hur|vad|vilk\w+|vem|när|var|varför)\b", re.IGNORECASE)
"""Who begins so wants to know first."""
INTENT_ENTRY = {**INTENT_ENTRIES, "emergency": "nodnummer"}


class ActionAnswer(Action):
    """The FAQ entry that the message or button names."""

    def name(self) -> str:
        return "action_answer"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[EventType]:
        entry = entity(tracker, "entry") or INTENT_ENTRY.get(intent(tracker), "")
        # "har ni öppet på julafton" asks about one day, "hur är det på helgdagar" about all
        if entry == HOLIDAYS and not _in_general(tracker) and (when := _when(tracker)):
            return _also(dispatcher, tracker, _hours(dispatcher, tracker, when))
        return _entry(dispatcher, tracker, entry, entity(tracker, "part") or "short")


class ActionPhrase(Action):
    """The fixed text with the intent's name."""

    def name(self) -> str:
        return "action_phrase"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[EventType]:
        # "vad måste jag uppge för att anmäla intresse?" asks about the form, outside of it
        if intent(tracker) in ("why", "skip") and words().has("wants", heard_text(tracker)):
            return _entry(dispatcher, tracker, JOIN)
        return say_phrase(dispatcher, tracker, intent(tracker))


class ActionOpeningHours(Action):
    """Opening hours, of a given day or time when the message names one."""

    def name(self) -> str:
        return "action_opening_hours"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[EventType]:
        when = _when(tracker) if language(tracker) == "sv" else None
        said = _hours(dispatcher, tracker, when) if when else say_entry(dispatcher, tracker, HOURS)
        return _also(dispatcher, tracker, said)


class ActionHuman(Action):
    """The way to a person, and whether someone is there now."""

    def name(self) -> str:
        return "action_human"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[EventType]:
        is_open = hours.is_open(content().hours, now())
        said = say_phrase(dispatcher, tracker, "human_open" if is_open else "human_closed")
        return _also(dispatcher, tracker, said)


class ActionEmergency(Action):
    """112 first."""

    def name(self) -> str:
        return "action_emergency"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[EventType]:
        return say_phrase(dispatcher, tracker, "emergency")


class ActionClarify(Action):
    """ "Menar du …?" with the likeliest entries and a way out."""

    def name(self) -> str:
        return "action_clarify"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[EventType]:
        if language(tracker) != "sv":  # the titles to choose from are Swedish
            return say_phrase(dispatcher, tracker, "unknown")
        labels = [str(label) for label in tracker.get_latest_entity_values("maybe")]
        offered = [entry for entry in map(_entry_of, labels) if entry in content().entries]
        if "privatperson" in offered and _is_business(tracker):
            return _entry(dispatcher, tracker, JOIN)
        # one thing it can be, and nothing says that it lies outside: asking would only delay
        if len(labels) > 1 and len(offered) == 1 and OUTSIDE.isdisjoint(labels):
            return _entry(dispatcher, tracker, offered[0])
        if not offered:
            return _not_understood(dispatcher, tracker)
        # a day or an hour settles the doubt: it is most likely asked about opening hours
        if HOURS in offered and (when := _when(tracker)):
            return _hours(dispatcher, tracker, when)
        options = [entry_option(content(), entry) for entry in offered]
        safety = any(content().entries[entry].topic == SAFETY for entry in offered)
        text = phrase_answer(content(), "clarify_safety" if safety else "clarify", now()).text
        say(dispatcher, Answer(text, (*options, choice_option(content(), "something-else"))))
        return remember(tracker, offered=offered)


class ActionUnknown(Action):
    """An honest "det vet jag inte"; a person the second time in a row."""

    def name(self) -> str:
        return "action_unknown"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[EventType]:
        return _not_understood(dispatcher, tracker)


class ActionAffirm(Action):
    """Yes: to the first offer of "Menar du …?", else an invitation to ask."""

    def name(self) -> str:
        return "action_affirm"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[EventType]:
        offered = tracker.get_slot("offered") or []
        if offered == [JOIN]:
            return _opened(tracker)
        if offered:
            return _entry(dispatcher, tracker, offered[0])
        return say_phrase(dispatcher, tracker, "affirm")


class ActionDeny(Action):
    """No: none of what "Menar du …?" offered, or just no."""

    def name(self) -> str:
        return "action_deny"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[EventType]:
        return say_phrase(
            dispatcher, tracker, "clarify_none" if tracker.get_slot("offered") else "deny"
        )


class ActionMore(Action):
    """What stands behind "Läs mer" of the last topic."""

    def name(self) -> str:
        return "action_more"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[EventType]:
        entry = content().entries.get(tracker.get_slot("topic") or "")
        if entry is None or not entry.more:
            return say_phrase(dispatcher, tracker, "no_more" if entry else "affirm")
        return say_entry(dispatcher, tracker, entry.id, "more")


class ActionWhere(Action):
    """ "Var ligger det?": the place of the last topic, else kontaktcenter's address."""

    def name(self) -> str:
        return "action_where"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[EventType]:
        return _follow_up(dispatcher, tracker, "place", ADDRESS)


class ActionWhoToCall(Action):
    """ "Vem ringer jag?": the number for the last topic, else kontaktcenter's."""

    def name(self) -> str:
        return "action_who_to_call"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[EventType]:
        return _follow_up(dispatcher, tracker, "call", PHONE)


class ActionRepeat(Action):
    """The last answer once more."""

    def name(self) -> str:
        return "action_repeat"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[EventType]:
        for event in reversed(tracker.events):
            if event.get("event") != "bot":
                continue
            alone = ((event.get("data") or {}).get("custom") or {}).get("text")
            if alone:
                say(dispatcher, Answer(alone, lang=language(tracker)))
                return []
            if event.get("text"):
                dispatcher.utter_message(
                    text=event["text"], buttons=(event.get("data") or {}).get("buttons") or []
                )
                return []
        return say_phrase(dispatcher, tracker, "nothing_to_repeat")


def _is_business(tracker: Tracker) -> bool:
    """Whether the last message names a kind of business ("vår kiosk", "gymmet")."""
    return bool(kind(heard_text(tracker), content().participation))


def _opened(tracker: Tracker) -> list[EventType]:
    """Open the form; nothing of one that was left unfinished is filled in."""
    return [*understood(tracker, JOIN), SlotSet("draft", None), FollowupAction(FORM)]


def _entry(
    dispatcher: CollectingDispatcher, tracker: Tracker, entry: str, part: str = "short"
) -> list[EventType]:
    """An entry's answer and the form for businesses: opened for who wants in, offered to others."""
    swedish = language(tracker) == "sv"
    text = heard_text(tracker)
    wants_in = part == "join" or (
        part == "short" and words().has("wants", text) and not _HOW.match(text)
    )
    if swedish and entry == JOIN and wants_in:
        return _opened(tracker)
    said = _also(dispatcher, tracker, say_entry(dispatcher, tracker, entry, part))
    one = content().entries.get(entry)
    if not swedish or one is None or not one.join:
        return said
    offer = phrase_answer(content(), "join_offer", now())
    say(dispatcher, replace(offer, topic=entry))
    return [e for e in said if e.get("name") != "offered"] + remember(tracker, offered=[JOIN])


_ANSWERED_BY: dict[str, type[Action]] = {
    "faq": ActionAnswer,
    "self_harm": ActionAnswer,
    "opening_hours": ActionOpeningHours,
    "human": ActionHuman,
    "emergency": ActionEmergency,
    "out_of_scope": ActionUnknown,
    "nonsense": ActionUnknown,
    "nlu_fallback": ActionUnknown,
    "affirm": ActionAffirm,
    "deny": ActionDeny,
    "more": ActionMore,
    "where": ActionWhere,
    "who_to_call": ActionWhoToCall,
    "repeat": ActionRepeat,
    "withdraw": ActionUnknown,
}
"""The same as in data/rules, for messages inside a form; other intents have a phrase."""


async def answer_message(
    dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
) -> list[EventType]:
    """Answer the last message as outside a form; slot events only, no other action follows."""
    answered_by = _ANSWERED_BY.get(intent(tracker), ActionPhrase)
    events = await answered_by().run(dispatcher, tracker, domain)
    return [event for event in events if event.get("event") == "slot"]


def _when(tracker: Tracker) -> When | None:
    return parse_when(str(tracker.latest_message.get("text") or ""), now())


def _in_general(tracker: Tracker) -> bool:
    """Whether holidays are asked about as a kind, or in a language whose dates we don't read."""
    text = str(tracker.latest_message.get("text") or "")
    kinds = r"helgdagar|aftnar|röda dagar|klämdagar|helger"
    return language(tracker) != "sv" or bool(re.search(kinds, text, re.IGNORECASE))


def _hours(dispatcher: CollectingDispatcher, tracker: Tracker, when: When) -> list[EventType]:
    moment = now()
    plain = entry_answer(content(), HOURS, moment)
    text = hours.describe_when(content().hours, when, moment)
    say(dispatcher, Answer(text, plain.options, plain.sources, HOURS))
    return understood(tracker, HOURS)


def _also(
    dispatcher: CollectingDispatcher, tracker: Tracker, said: list[EventType]
) -> list[EventType]:
    """The other questions of the same message, each with its answer; the first one is the topic."""
    others = [_entry_of(str(label)) for label in tracker.get_latest_entity_values("also")]
    for entry in [entry for entry in others if entry in content().entries][: MOST - 1]:
        when = _when(tracker) if entry == HOURS else None
        if when:
            _hours(dispatcher, tracker, when)
        else:
            say_entry(dispatcher, tracker, entry)
    return said


def _entry_of(label: str) -> str:
    name, _, entry = label.partition("/")
    return entry if name == "faq" else INTENT_ENTRY.get(name, "")


def _not_understood(dispatcher: CollectingDispatcher, tracker: Tracker) -> list[EventType]:
    if language(tracker) != "sv":
        key = "not_here" if intent(tracker) == "out_of_scope" else "unknown"
        return say_phrase(dispatcher, tracker, key)
    if words().has("wants", heard_text(tracker)) and _is_business(tracker):
        say(dispatcher, phrase_answer(content(), "join_offer", now()))
        return remember(tracker, misses=0, offered=[JOIN])
    misses = int(tracker.get_slot("misses") or 0) + 1
    plain = {"out_of_scope": "out_of_scope", "nonsense": "nonsense"}.get(intent(tracker), "unknown")
    say(dispatcher, phrase_answer(content(), "unknown_again" if misses > 1 else plain, now()))
    return remember(tracker, misses=misses, offered=None)


def _follow_up(
    dispatcher: CollectingDispatcher, tracker: Tracker, field: str, default: str
) -> list[EventType]:
    entry = content().entries.get(tracker.get_slot("topic") or "")
    own = getattr(entry, field) if entry else None
    if entry is None or own is None or language(tracker) != "sv":
        return say_entry(dispatcher, tracker, default)
    moment = now()
    whole = entry_answer(content(), entry.id, moment)
    say(dispatcher, Answer(render(content(), own, moment), whole.options, whole.sources, entry.id))
    return understood(tracker)
