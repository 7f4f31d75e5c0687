"""How often words and groups of letters stand in a message."""

from typing import List

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.featurizers.sparse_featurizer import count_vectors_featurizer
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.sparse import coo_matrix


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class CountVectorsFeaturizer(count_vectors_featurizer.CountVectorsFeaturizer):
    """As Rasa's own, but it counts in whole messages only: nobody here reads single words' counts.

    That is half of its time with a message. The training phrases are counted all at a time.
    """

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Set the counts of each training phrase."""
        self._count([m for m in training_data.training_examples if m.get(TEXT)])
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        """Set the counts of each message."""
        self._count([m for m in messages if m.get(TEXT)])
        return messages

    def _count(self, messages: List[Message]) -> None:
        vectorizer = (self.vectorizers or {}).get(TEXT)
        if vectorizer is None or not messages:
            return
        words = [self._get_processed_message_tokens_by_attribute(m, TEXT) for m in messages]
        found = vectorizer.transform([" ".join(each) for each in words])
        found.sort_indices()
        width = found.shape[1]
        for message, first, last in zip(messages, found.indptr, found.indptr[1:]):
            columns = found.indices[first:last]
            places = (np.zeros_like(columns), columns)
            own = coo_matrix((found.data[first:last], places), shape=(1, width))
            self.add_features_to_message(None, own, TEXT, message)
