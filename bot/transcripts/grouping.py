"""Misunderstood messages that ask for the same thing, put together. Pure functions.

Two things tell how alike two messages are: their words (stems, and parts of words for slips and
compounds, each rarer one weighing more), and what the model took them for: its ranking of labels
comes from the sentence encoder and is stored with every turn, so that meaning costs nothing here.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.nlu.labels import OUTSIDE
from bot.nlu.text import fold, normalise, words
from bot.site.search import STOP, stem

ALIKE = 0.4
"""From here on two messages belong together."""
MOST_LETTERS = 300
"""Letters of a message that are looked at."""
_GRAM = 4
_FALLBACK = "nlu_fallback"
_WORDS, _PARTS, _MEANING = 0.2, 0.45, 0.35
"""How much each weighs. Without a ranking the first two share the third's weight."""
Vector = Mapping[str, float]


@dataclass(frozen=True)
class Message:
    """A turn to be decided on."""

    id: str
    text: str
    ranking: tuple[tuple[str, float], ...] = ()
    """(label, confidence), as the model gave it."""


def groups(messages: Sequence[Message], alike: float = ALIKE) -> list[list[Message]]:
    """The messages in groups, the largest group first; in each, the most typical one first.

    Every message is in one group, and is like the first of its group: nothing hangs together over
    others. The same messages in another order give the same groups.
    """
    same: dict[str, list[Message]] = defaultdict(list)
    for one in sorted(messages, key=lambda m: (m.text, m.id)):
        same[_bare(one.text)].append(one)
    keys = list(same)
    near = _neighbours([same[key] for key in keys], keys, alike)
    left, found = set(range(len(keys))), []
    weight = [len(same[key]) for key in keys]
    while left:
        # whoever has the most around itself; the shorter text is the plainer example
        centre = max(
            left,
            key=lambda n: (
                sum(weight[m] for m in near[n] if m in left) + weight[n], -len(keys[n]), -n,
            ),
        )  # fmt: skip
        around = sorted((m for m in near[centre] if m in left), key=lambda m: (-near[centre][m], m))
        members = [centre, *around]
        left.difference_update(members)
        found.append([message for n in members for message in same[keys[n]]])
    return sorted(found, key=lambda group: (-len(group), group[0].text))


def _bare(text: str) -> str:
    return " ".join(words(fold(normalise(text[:MOST_LETTERS]))))


def _neighbours(
    alike_texts: Sequence[Sequence[Message]], texts: Sequence[str], alike: float
) -> list[dict[int, float]]:
    """For each text the others that are like it, with how much."""
    told = _cosines(_weighed([_stems(text) for text in texts]))
    parts = _cosines(_weighed([_grams(text) for text in texts]))
    ranked = [_length_one(_ranked(ones)) for ones in alike_texts]
    meant = _cosines(ranked)
    near: list[dict[int, float]] = [{} for _ in texts]
    for pair in told.keys() | parts.keys() | meant.keys():
        first, second = pair
        score = _WORDS * told.get(pair, 0) + _PARTS * parts.get(pair, 0)
        if ranked[first] and ranked[second]:
            score += _MEANING * meant.get(pair, 0)
        else:
            score /= _WORDS + _PARTS
        if score >= alike:
            near[first][second] = near[second][first] = score
    return near


def _stems(text: str) -> Counter[str]:
    said = text.split()
    return Counter(stem(w, "sv") for w in said if w not in STOP) or Counter(said)


def _grams(text: str) -> Counter[str]:
    said = [w for w in text.split() if w not in STOP] or text.split()
    padded = (f" {word} " for word in said)
    return Counter(w[i : i + _GRAM] for w in padded for i in range(max(1, len(w) - _GRAM + 1)))


def _ranked(ones: Iterable[Message]) -> dict[str, float]:
    """What the model took the texts for; nothing if it was for what we don't answer.

    Those labels hold all kinds of things: two messages aren't alike for being outside.
    """
    for one in ones:
        ranking = [(label, sure) for label, sure in one.ranking if label != _FALLBACK]
        if ranking:
            return {} if ranking[0][0] in OUTSIDE else dict(ranking)
    return {}


def _weighed(counted: Sequence[Counter[str]]) -> list[Vector]:
    """Counts as vectors of length 1, where what is rare weighs more."""
    spread = Counter(term for one in counted for term in one)
    total = len(counted)
    return [
        _length_one({t: n * (1 + math.log(total / spread[t])) for t, n in one.items()})
        for one in counted
    ]


def _length_one(vector: Vector) -> Vector:
    length = math.sqrt(sum(value * value for value in vector.values()))
    return {term: value / length for term, value in vector.items()} if length else {}


def _cosines(vectors: Sequence[Vector]) -> dict[tuple[int, int], float]:
    """The cosines of all pairs that have a term in common, by (lower, higher) place."""
    found: dict[tuple[int, int], float] = defaultdict(float)
    for pair, product in _products(vectors):
        found[pair] += product
    return found


def _products(vectors: Sequence[Vector]) -> Iterator[tuple[tuple[int, int], float]]:
    holders: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for place, vector in enumerate(vectors):
        for term, value in vector.items():
            for other, its in holders[term]:
                yield (other, place), value * its
            holders[term].append((place, value))
