"""The language model's reading of a message, made once."""

from typing import Any, List, Optional, Text, Tuple

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.constants import SPACY_DOCS
from rasa.nlu.utils import spacy_utils
from rasa.nlu.utils.spacy_utils import SpacyModel
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.normaliser import CLAUSE

NAMES = ("entity_ruler", "ner")
"""Steps of the model that find names: nothing in training looks at those."""


@DefaultV1Recipe.register(
    [
        DefaultV1Recipe.ComponentType.MODEL_LOADER,
        DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER,
    ],
    is_trainable=False,
    model_from="SpacyNLP",
)
class SpacyNLP(spacy_utils.SpacyNLP):
    """As Rasa's own, whose name it must keep: Rasa finds the model by it.

    The parts of a message are cut out of its reading instead of being read again, and training
    phrases aren't searched for names: two fifths of the language model's time.
    """

    @staticmethod
    def _process_content_bearing_samples(
        model: Any, samples_to_pipe: List[Tuple[int, Text]]
    ) -> List[Tuple[int, Any]]:
        with model.select_pipes(disable=[name for name in NAMES if name in model.pipe_names]):
            return spacy_utils.SpacyNLP._process_content_bearing_samples(model, samples_to_pipe)

    def process(self, messages: List[Message], model: SpacyModel) -> List[Message]:
        """Set the reading of each text."""
        whole = None
        for message in messages:
            text = message.get(TEXT)
            if not text:
                continue
            doc = _cut(whole, text) if message.get(CLAUSE) else None
            if doc is None:
                doc = self._doc_for_text(model.model, text)
            if not message.get(CLAUSE):
                whole = doc
            message.set(SPACY_DOCS[TEXT], doc)
        return messages


def _cut(whole: Optional[Any], part: Text) -> Optional[Any]:
    """The reading of a part of a text; None if it isn't one."""
    at = whole.text.find(part) if whole is not None else -1
    if at < 0:
        return None
    return whole.char_span(at, at + len(part), alignment_mode="expand").as_doc()
