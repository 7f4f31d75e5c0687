"""Names and numbers in a message, from the reading that spaCy has already made of it."""

from typing import Any, List

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.constants import SPACY_DOCS
from rasa.nlu.extractors.spacy_entity_extractor import SpacyEntityExtractor
from rasa.nlu.utils.spacy_utils import SpacyModel
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False, model_from="SpacyNLP"
)
class SpacyEntities(SpacyEntityExtractor):
    """As Rasa's own, which reads every message a second time (5 ms).

    Rasa does so because it lets spaCy read in lower case; ours reads as typed (`case_sensitive`).
    """

    def process(self, messages: List[Message], model: SpacyModel) -> List[Message]:
        """Add the entities of each message that spaCy has read."""
        for message in messages:
            doc: Any = message.get(SPACY_DOCS[TEXT])
            if doc is None:
                continue
            found = self.filter_irrelevant_entities(
                self.add_extractor_name(self._extract_entities(doc)),
                self._config["dimensions"],
            )
            message.set(ENTITIES, message.get(ENTITIES, []) + found, add_to_output=True)
        return messages
