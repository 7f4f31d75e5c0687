"""Intent and FAQ entry from one flat classifier, and an honest word about how sure it is."""

from typing import Any, Dict, List, Optional, Sequence, Text, Tuple

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.constants import INTENT_MESSAGE_PREFIX
from rasa.shared.nlu.constants import (
    ENTITIES,
    FEATURE_TYPE_SENTENCE,
    INTENT,
    METADATA,
    METADATA_INTENT,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.clauses import asks
from bot.nlu.encoder import vector
from bot.nlu.labels import OUTSIDE
from bot.nlu.normaliser import CLAUSE, foreign
from bot.nlu.places import elsewhere
from bot.nlu.topic_model import Guess, Rows, TopicModel, rows

ENTRY, MAYBE, ALSO = "entry", "maybe", "also"
FALLBACK = "nlu_fallback"
FILE = "topics.npz"
SMALLTALK = frozenset({"greet", "goodbye", "thanks", "affirm", "deny", "help", "nonsense"})
"""What a question may be wrapped in."""
PARENTS = {"faq/helgdagar": "opening_hours", "faq/hitta-hit": "faq/adress"}
"""Topics within another one that don't show it by their names."""
WORDS_OF_A_QUESTION = 3
ANSWERS = frozenset({"opening_hours", "human"})
"""Intents beside FAQ entries that can be one of several questions in a message."""


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class TopicClassifier(IntentClassifier, GraphComponent):
    """FAQ entries and the other intents alike, from the sparse and dense features before it.

    Rasa would need a ResponseSelector (TensorFlow) to tell FAQ entries apart, or an intent and a
    rule for each. Here the examples of the intent `faq` name their entry in `metadata`; the
    classifier knows it as `faq/<entry>` and a message becomes the intent `faq` with the entity
    `entry`, the same as the payload of a button. So a new entry needs phrases and a file only.

    Confidence (how often such a guess was right in cross-validation) must reach `answer_above`, or
    only `inside_above` when the labels of what lies outside get less than `outside_below`. Else the
    message becomes the intent `nlu_fallback`; above `ask_above` with the likeliest labels as
    entities `maybe`, for "Menar du …?". Further questions of the same message, each more certain
    than `each_above`, come along as entities `also`.
    """

    @classmethod
    def required_components(cls) -> List[type]:
        """Featurizers come first."""
        return [Featurizer]

    @staticmethod
    def required_packages() -> List[Text]:
        """Packages that must be importable."""
        return ["sklearn"]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Defaults; config.yml names the thresholds."""
        return {
            "C": 10.0,
            "dense_scale": 3.0,
            "neighbours": 10,
            "neighbour_weight": 0.1,
            "neighbour_dimensions": 192,
            "folds": 3,
            "ranking_length": 10,
            "answer_above": 0.8,
            "inside_above": 0.5,
            "outside_below": 0.05,
            "ask_above": 0.2,
            "each_above": 0.7,
            "family_above": 0.55,
            "foreign_above": 0.3,
            "emergency_above": 0.3,
            "foreign_emergency_above": 0.15,
            "offers": 3,
        }

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "TopicClassifier":
        """A new untrained component."""
        return cls(config, None, model_storage, resource)

    def __init__(
        self,
        config: Dict[Text, Any],
        model: Optional[TopicModel],
        model_storage: ModelStorage,
        resource: Resource,
    ) -> None:
        """Keep the parts; `model` comes from train() or load()."""
        self.config = config
        self.model = model
        self._storage = model_storage
        self._resource = resource

    def train(self, training_data: TrainingData) -> Resource:
        """Fit and persist, as plain numbers."""
        examples = [e for e in training_data.intent_examples if e.get(INTENT) and e.get(TEXT)]
        self.model = TopicModel.fit(
            _rows(examples), [label(example) for example in examples], self.config
        )
        with self._storage.write_to(self._resource) as folder:
            self.model.save(folder / FILE)
        return self._resource

    @classmethod
    def load(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "TopicClassifier":
        """The trained component."""
        with model_storage.read_from(resource) as folder:
            return cls(config, TopicModel.read(folder / FILE), model_storage, resource)

    def process(self, messages: List[Message]) -> List[Message]:
        """Set intent, ranking and our entities of the whole message; its parts are gone after."""
        wholes = [m for m in messages if not m.get(CLAUSE)]
        typed = [m for m in wholes if _typed(m)]
        parts = [m for m in messages if m.get(CLAUSE)]
        for message, guess in zip(typed, self._guesses(typed)):
            self._decide(message, guess, self._parts(guess, parts) if len(typed) == 1 else [])
        return wholes

    def _guesses(self, messages: Sequence[Message]) -> List[Guess]:
        assert self.model is not None
        if not messages:
            return []
        found = _rows(messages, self.model.reads_vectors)
        return self.model.guess(found, [bool(foreign(m)) for m in messages])

    def _parts(self, whole: Guess, parts: List[Message]) -> List[Tuple[Text, Guess]]:
        """The parts with their guesses, if they can change anything: each costs an encoding."""
        wanted = [part for part in parts if asks(part.get(TEXT))]
        settled = whole.label not in SMALLTALK and whole.confidence >= self.config["answer_above"]
        if settled and len(wanted) < 2:
            return []
        return [(part.get(TEXT), guess) for part, guess in zip(parts, self._guesses(parts))]

    def _decide(self, message: Message, guess: Guess, parts: List[Any]) -> None:
        """One message's intent from its own guess and those of its parts."""
        above = self._above(guess, bool(foreign(message)))
        asked = self._asked(parts) if not foreign(message) else []
        whole = guess
        if foreign(message):
            guess = self._beyond_smalltalk(guess, message.get(TEXT))
        elif guess.label in ("affirm", "deny") and not asked and message.get(TEXT).endswith("?"):
            guess = self._no_mere_answer(guess)
        limit = "foreign_emergency_above" if foreign(message) else "emergency_above"
        if guess.confidence < above:
            guess = self._family(guess, above)
        if asked and (guess.label in SMALLTALK or guess.confidence < above):
            guess = asked[0]
        message.set(
            "intent_ranking",
            [
                {"name": name, "confidence": p}
                for name, p in guess.ranking[: self.config["ranking_length"]]
            ],
            add_to_output=True,
        )
        urgent = [g for g in (whole, *(g for _, g in parts)) if self._urgent(g, g is whole, limit)]
        name, _, entry = guess.label.partition("/")
        if urgent:
            set_intent(message, "emergency", {}, max(g.share("emergency") for g in urgent))
        elif guess.confidence >= above:
            labels = [g.label for g in asked]
            others = (
                [name for name in labels if name != guess.label] if guess.label in labels else []
            )
            set_intent(
                message,
                name,
                {ENTRY: [entry] if entry else [], ALSO: list(dict.fromkeys(others))},
                guess.confidence,
            )
        else:
            likely = [name for name, _ in guess.ranking[: self.config["offers"]]]
            asks_back = guess.confidence >= self.config["ask_above"]
            set_intent(message, FALLBACK, {MAYBE: likely if asks_back else []}, guess.confidence)

    def _above(self, guess: Guess, is_foreign: bool) -> float:
        """How sure the guess must be: less when hardly anything says that we can't answer it.

        A wrong answer to what we can't know is worse than one about a neighbouring topic.
        """
        if is_foreign:
            return float(self.config["foreign_above"])
        outside = sum(guess.share(name) for name in OUTSIDE)
        inside = outside < self.config["outside_below"]
        return float(self.config["inside_above" if inside else "answer_above"])

    def _asked(self, parts: List[Any]) -> List[Guess]:
        """The parts that ask something we can answer, and are sure on their own."""
        return [
            guess
            for text, guess in parts
            if (guess.label.startswith("faq/") or guess.label in ANSWERS)
            and guess.confidence >= self.config["each_above"]
            and asks(text)
        ]

    def _beyond_smalltalk(self, guess: Guess, text: Text) -> Guess:
        """In another language a question is easily taken for hello, or for one about languages."""
        loose = SMALLTALK | {"faq/andra-sprak"}
        if guess.label not in loose or len(text.split()) < WORDS_OF_A_QUESTION:
            return guess
        ranking = tuple(pair for pair in guess.ranking if pair[0] not in loose)
        if ranking[0][1] < self.config["ask_above"] / 2:
            return Guess(guess.ranking, 0.0, guess.shares)  # the answer then holds the basics
        return Guess(ranking, self.config["foreign_above"], guess.shares)

    def _no_mere_answer(self, guess: Guess) -> Guess:
        """Who asks something doesn't just say yes or no ("okej, lagrar ni det jag skriver?")."""
        ranking = tuple(pair for pair in guess.ranking if pair[0] not in ("affirm", "deny"))
        left = sum(share for _, share in ranking) or 1.0
        return Guess(ranking, min(guess.confidence, ranking[0][1] / left), guess.shares)

    def _family(self, guess: Guess, above: float) -> Guess:
        """The general entry instead of an unsure choice among its own ("overby-…": "overby").

        Who asks for something in general is answered in general, and "Läs mer" and the buttons
        lead on.
        """
        label = PARENTS.get(guess.label, guess.label)
        heads = [n for n in guess.shares if label == n or label.startswith(f"{n}-")]
        head = min(heads, key=len)
        family = [
            n for n in guess.shares
            if n == head or n.startswith(f"{head}-") or PARENTS.get(n) == head
        ]  # fmt: skip
        share = sum(guess.share(name) for name in family)
        if len(family) < 2 or share < self.config["family_above"]:
            return guess
        ranking = ((head, share), *(pair for pair in guess.ranking if pair[0] != head))
        return Guess(ranking, max(above, guess.confidence), guess.shares)

    def _urgent(self, guess: Guess, whole: bool, limit: Text) -> bool:
        """A part without its context must be certain; of a whole message a share is enough."""
        if whole:
            return guess.share("emergency") >= self.config[limit]
        return guess.label == "emergency" and guess.confidence >= self.config["each_above"]


def _typed(message: Message) -> bool:
    """Whether there is a text that somebody wrote, with something to go by."""
    text = message.get(TEXT)
    return bool(text) and not text.startswith(INTENT_MESSAGE_PREFIX)


def _rows(messages: Sequence[Message], vectors: bool = False) -> Rows:
    """The sentence features of all featurizers, one block each, and what we know of places."""
    blocks: List[List[Any]] = []
    dense: List[np.ndarray] = []
    for message in messages:
        features = [
            f for f in message.features if f.attribute == TEXT and f.type == FEATURE_TYPE_SENTENCE
        ]
        blocks.append([f.features for f in features if f.is_sparse()])
        own = [f.features for f in features if not f.is_sparse()]
        if not own and vectors:  # a message; only training phrases carry their vectors
            own = [vector(message.get(TEXT))[np.newaxis]]
        dense += own
    return rows(blocks, dense, [elsewhere(m.get(TEXT)) for m in messages])


def label(example: Message) -> Text:
    """What the classifier learns an example as: its intent, with the FAQ entry if it has one."""
    about = (example.get(METADATA) or {}).get(METADATA_INTENT) or {}
    return f"{example.get(INTENT)}/{about[ENTRY]}" if ENTRY in about else example.get(INTENT)


def set_intent(
    message: Message, name: Text, entities: Dict[Text, List[Text]], confidence: float
) -> None:
    """Let the message mean `name`, with these entities as our only ones."""
    message.set(INTENT, {"name": name, "confidence": confidence}, add_to_output=True)
    others = [e for e in message.get(ENTITIES) or [] if e.get("entity") not in (ENTRY, MAYBE, ALSO)]
    ours = [
        {"entity": entity, "value": value, "extractor": "TopicClassifier"}
        for entity, values in entities.items()
        for value in values
    ]
    message.set(ENTITIES, others + ours, add_to_output=True)
