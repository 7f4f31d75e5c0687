"""From an Answer made of content to Rasa's messages and slots. Formatting only."""

from functools import lru_cache
from typing import Any

from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import Tracker

from bot.content.answers import Answer, TemplateError, entry_answer, phrase_answer
from bot.content.clock import now
from bot.content.load import Content
from bot.content.store import ContentStore
from bot.participation.registry import Registry
from bot.settings import settings
from bot.store.database import engine
from bot.store.vault import Unreadable, Vault, vault

store = ContentStore(settings().content_dir)


def content() -> Content:
    """The content in force."""
    return store.content


@lru_cache(maxsize=1)
def the_vault() -> Vault:
    """The vault of this process. Raises KeyProblem."""
    return vault(settings())


@lru_cache(maxsize=1)
def registry() -> Registry:
    """The registry of expressions of interest; the gateway keeps its tables up to date."""
    return Registry(engine(settings().database), the_vault())


def heard_text(tracker: Tracker, event: dict[str, Any] | None = None) -> str:
    """What the resident wrote, with addresses and numbers, in the last message or an event.

    Rasa sees and keeps it without; the gateway sends the whole text along, sealed.
    """
    one: dict[str, Any] = tracker.latest_message if event is None else event
    sealed = (one.get("metadata") or {}).get("sealed")
    try:
        return the_vault().unseal(str(sealed)) if sealed else str(one.get("text") or "")
    except Unreadable:
        return str(one.get("text") or "")


def say(
    dispatcher: CollectingDispatcher,
    answer: Answer,
    live: str | None = None,
    in_form: bool = False,
) -> None:
    """Send text and buttons, then sources, topic and language as custom JSON for the gateway.

    `live` is shown instead of the text but kept nowhere; `in_form` says that a form waits for
    the next message. A text without buttons goes inside the JSON: Rasa would cut it at every
    empty line.
    """
    about: dict[str, Any] = {
        "topic": answer.topic,
        "lang": answer.lang,
        "sources": [source.model_dump(mode="json") for source in answer.sources],
    }
    if in_form:
        about["in_form"] = True
    if live is not None:
        about["live"] = the_vault().seal(live)
    if not answer.options:
        dispatcher.utter_message(json_message={"text": answer.text, **about})
        return
    dispatcher.utter_message(
        text=answer.text,
        buttons=[{"title": o.title, "payload": o.payload} for o in answer.options],
    )
    if answer.sources or answer.topic or answer.lang != "sv" or in_form or live is not None:
        dispatcher.utter_message(json_message=about)


def say_phrase(dispatcher: CollectingDispatcher, tracker: Tracker, key: str) -> list[EventType]:
    """Send a fixed text; the conversation is understood again."""
    say(dispatcher, phrase_answer(content(), key, now(), language(tracker)))
    return understood(tracker)


def say_entry(
    dispatcher: CollectingDispatcher, tracker: Tracker, entry_id: str, part: str = "short"
) -> list[EventType]:
    """Send an FAQ entry and remember it as the topic."""
    try:
        say(dispatcher, entry_answer(content(), entry_id, now(), part, language(tracker)))
    except (KeyError, TemplateError):  # removed or broken since the button was shown
        return say_phrase(dispatcher, tracker, "entry_gone")
    return understood(tracker, entry_id)


def understood(tracker: Tracker, topic: str | None = None) -> list[EventType]:
    """Slots after a turn that was understood; a topic of None keeps the last one."""
    return remember(tracker, misses=0, offered=None, **({"topic": topic} if topic else {}))


def remember(tracker: Tracker, **slots: Any) -> list[EventType]:
    """Slot events for what has changed.

    Only that: Rasa reads every event of a session again at each turn, and a new session starts
    with all slot events of the one before.
    """
    return [SlotSet(k, v) for k, v in slots.items() if (tracker.get_slot(k) or None) != (v or None)]


def entity(tracker: Tracker, name: str) -> str | None:
    """The newest value of an entity in the last message."""
    value = next(tracker.get_latest_entity_values(name), None)
    return str(value) if value is not None else None


def language(tracker: Tracker) -> str:
    """The language that the gateway saw, if the content has it; else Swedish."""
    found = (tracker.latest_message.get("metadata") or {}).get("language")
    return str(found) if found in content().phrases else "sv"


def intent(tracker: Tracker) -> str:
    """The intent of the last message, empty if none."""
    found: dict[str, Any] = tracker.latest_message.get("intent") or {}
    return str(found.get("name") or "")
