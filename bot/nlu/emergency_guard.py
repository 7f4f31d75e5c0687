"""The emergency guard as a step of Rasa's pipeline, after the classifier."""

from functools import lru_cache
from typing import Any, Dict, List, Text

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.emergency import guard
from bot.nlu.normaliser import TYPED
from bot.nlu.spelling import COMMON, Spelling
from bot.nlu.topic_classifier import ENTRY, FALLBACK, MAYBE, set_intent

SURE = 0.7
MEANING = {
    "emergency": ("emergency", []),
    "self_harm": ("faq", ["psykisk-kris"]),
    "home_violence": ("faq", ["vald-i-nara-relation"]),
}


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class EmergencyGuard(GraphComponent):
    """Overrules the classifier when the guard is certain."""

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "EmergencyGuard":
        """See GraphComponent."""
        return cls()

    def process(self, messages: List[Message]) -> List[Message]:
        """Overrule the intent of each message that raises an alarm, or that says it is calm."""
        for message in messages:
            mended = message.get(TEXT) or ""
            typed = message.get(TYPED) or mended
            texts = list(dict.fromkeys((typed, mended, _slips().correct(typed))))
            alarm = next(filter(None, map(guard().alarm, texts)), None)
            if alarm == "emergency" and threatens(message):
                continue  # the answer to a threat names 112 too, and says more
            if alarm:
                name, entries = MEANING[alarm]
                set_intent(message, name, {ENTRY: entries}, 1.0)
            elif intent_name(message) == "emergency" and any(map(guard().harmless, texts)):
                # the classifier knows the words but not the idiom; asking still names 112
                set_intent(message, FALLBACK, {MAYBE: ["faq/nodnummer"]}, 0.0)
            elif intent_name(message) == "emergency" and any(map(guard().calm, texts)):
                # over or denied: the police's number when it was a crime, else asking names 112
                crime = any(map(guard().past_crime, texts))
                if crime:
                    set_intent(message, "faq", {ENTRY: ["polisanmalan"]}, 0.5)
                else:
                    set_intent(message, FALLBACK, {MAYBE: ["faq/nodnummer"]}, 0.0)
            elif unsure(message) and any(map(guard().crime_is_over, texts)):
                set_intent(message, "faq", {ENTRY: ["polisanmalan"]}, 1.0)
            elif unsure(message) and any(map(guard().past_crime, texts)):
                offer_first(message, "faq/polisanmalan")
        return messages


@lru_cache(maxsize=1)
def _slips() -> Spelling:
    """Mends slips towards the guard's own words: "andsa" is "andas" here, "andra" elsewhere."""
    return Spelling(dict.fromkeys(guard().vocabulary, COMMON))


def threatens(message: Message) -> bool:
    """Whether the classifier is sure that the writer threatens somebody."""
    sure = (message.get(INTENT) or {}).get("confidence", 0.0)
    return intent_name(message) == "threat" and sure >= SURE


def offer_first(message: Message, label: str) -> None:
    """Let "Menar du …?" begin with a label; its text names 112 and 114 14."""
    likely = [e["value"] for e in message.get(ENTITIES) or [] if e["entity"] == MAYBE]
    offers = [label, *(name for name in likely if name != label)][: max(1, len(likely))]
    set_intent(message, FALLBACK, {MAYBE: offers}, 0.0)


def unsure(message: Message) -> bool:
    """Whether the classifier has given up."""
    return intent_name(message) == FALLBACK


def intent_name(message: Message) -> str:
    """The intent so far, empty if none."""
    return str((message.get(INTENT) or {}).get("name") or "")
