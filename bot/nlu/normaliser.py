"""First step of Rasa's pipeline: what the resident meant to type, and the parts of it."""

import json
from typing import Any, Dict, List, Optional, Text

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.constants import INTENT_MESSAGE_PREFIX
from rasa.shared.nlu.constants import METADATA, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.clauses import asks, clauses
from bot.nlu.spelling import Spelling
from bot.nlu.text import normalise

FILE = "words.json"
TYPED = "typed"
"""Key of the text as it came, beside the mended one."""
CLAUSE = "clause"
"""Key of a message that is only a part of the first one."""
LANGUAGE = "language"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class Normaliser(GraphComponent):
    """Mends signs and spelling, and lets the parts of a compound message follow it.

    The following steps see the parts as messages of their own; TopicClassifier takes them away
    again when it has seen what each of them asks.
    """

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Defaults."""
        return {"spelling": True, "clauses": True}

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "Normaliser":
        """A new one without vocabulary."""
        return cls(config, Spelling({}), model_storage, resource)

    def __init__(
        self,
        config: Dict[Text, Any],
        spelling: Spelling,
        model_storage: ModelStorage,
        resource: Resource,
    ) -> None:
        """Keep the parts."""
        self._config, self._spelling = config, spelling
        self._storage, self._resource = model_storage, resource

    def train(self, training_data: TrainingData) -> Resource:
        """Collect the vocabulary of the phrases."""
        texts = [normalise(m.get(TEXT)) for m in training_data.training_examples if m.get(TEXT)]
        self._spelling = Spelling.of(texts)
        with self._storage.write_to(self._resource) as folder:
            words = json.dumps(self._spelling.counts, ensure_ascii=False, sort_keys=True)
            (folder / FILE).write_text(words, "utf-8")
        return self._resource

    @classmethod
    def load(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "Normaliser":
        """The trained component."""
        with model_storage.read_from(resource) as folder:
            counts = json.loads((folder / FILE).read_text("utf-8"))
        return cls(config, Spelling(counts), model_storage, resource)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Phrases are mended as messages are, so that both look alike."""
        for message in training_data.training_examples:
            if message.get(TEXT):
                message.set(TEXT, self._mended(message.get(TEXT), None))
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Mend each message; keep what was typed; append its parts."""
        parts: List[Message] = []
        for message in messages:
            text = message.get(TEXT)
            if not text or text.startswith(INTENT_MESSAGE_PREFIX):
                continue
            language = foreign(message)
            mended = self._mended(text, language)
            message.set(TYPED, text, add_to_output=True)
            message.set(TEXT, mended)
            found = clauses(mended) if self._config["clauses"] else []
            if not any(map(asks, found)):  # nothing to find in them, and each costs an encoding
                found = []
            about = {LANGUAGE: language} if language else {}
            parts += [
                Message({TEXT: part, CLAUSE: True, METADATA: about})
                for part in (found if len(found) > 1 else [])
            ]
        return messages + parts

    def _mended(self, text: Text, language: Optional[Text]) -> Text:
        """Never empty: what is nothing but signs stays as it was typed."""
        mended = normalise(text)
        if self._config["spelling"] and not language:
            mended = self._spelling.correct(mended)
        return mended or text


def foreign(message: Message) -> Optional[Text]:
    """The language that the gateway saw in a message, None for Swedish."""
    found = (message.get(METADATA) or {}).get(LANGUAGE)
    return found if found and found != "sv" else None
