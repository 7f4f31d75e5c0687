"""A lexical guard for what must never hang on a classifier alone.

Runs beside the classifier inside Rasa and in the gateway when Rasa is away, so it is plain
Python 3.10 with no imports from Rasa. The words live in emergency.yml beside this file.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import (
    Dict,
    FrozenSet,
    Iterator,
    List,
    Literal,
    Mapping,
    Match,
    Optional,
    Pattern,
    Tuple,
)

from ruamel.yaml import YAML

Alarm = Literal["emergency", "self_harm", "home_violence"]
LEXICON = Path(__file__).with_name("emergency.yml")
_LONG_AGO = re.compile(r"\b1[5-9]\d\d\b")
"""A year of a century that is over."""
_ANY_WORDS = r"(?:\w+ ){0,3}"


def fold(text: str) -> str:
    """Lower case without diacritics, words parted by single spaces, with a space at both ends.

    Letters of other scripts stay; invisible characters and punctuation go.
    """
    flat = unicodedata.normalize("NFKD", text).casefold()
    flat = "".join(
        c for c in flat if not unicodedata.combining(c) and c not in "\u200b\u200c\u200d"
    )
    return " " + " ".join(re.findall(r"\w+", flat)) + " "


class Phrases:
    """The phrases of one list, looked up by their first word.

    A text is only held against phrases that can begin where a word of it stands: with 4,900 phrases
    in one alternation the guard took 2.5 ms a message, this way 0.1.
    """

    def __init__(self, phrases: List[str]) -> None:
        """`*` is any ending, `_` up to three other words; `_` can't come first."""
        begins: Dict[Tuple[str, bool], List[str]] = {}
        for phrase in phrases:
            first = phrase.split()[0]
            word, _, rest = _stem(first).partition(" ")  # "can't" is two words to fold()
            open_ended = first.endswith("*") and not rest
            begins.setdefault((word, open_ended), []).append(_phrase(phrase))
        self._whole: Dict[str, Pattern[str]] = {}
        self._stems: Dict[str, Pattern[str]] = {}
        for (word, open_ended), found in begins.items():
            longest_first = "|".join(sorted(found, key=len, reverse=True))
            (self._stems if open_ended else self._whole)[word] = re.compile(longest_first)
        self._lengths = sorted({len(stem) for stem in self._stems})

    def found_in(self, folded: str) -> bool:
        """Whether any phrase stands in a folded text."""
        return any(True for _ in self._matches(folded))

    def without(self, folded: str) -> str:
        """The folded text with each phrase replaced by a space, the longest first."""
        made, end = "", 0
        for match in self._matches(folded):
            if match.start() >= end:
                made += folded[end : match.start()] + " "
                end = match.end()
        return made + folded[end:]

    def _matches(self, folded: str) -> Iterator[Match[str]]:
        """The longest phrase at each word where there is one, from left to right."""
        for word in re.finditer(r"\w+", folded):
            text, at = word.group(), word.start()
            patterns = [self._whole.get(text)]
            patterns += [self._stems.get(text[:n]) for n in self._lengths if n <= len(text)]
            found = [m for p in patterns if p is not None and (m := p.match(folded, at))]
            if found:
                yield max(found, key=lambda match: match.end())


@dataclass(frozen=True)
class Guard:
    """The lexicon, list by list."""

    lists: Mapping[str, Phrases]
    vocabulary: FrozenSet[str] = frozenset()
    """The whole words of what is acute or goes on now, as they are written in the lexicon."""

    def alarm(self, text: str) -> Optional[Alarm]:
        """What the text cries for, or None.

        Harmless idioms are taken out first; then self-harm and violence at home are looked
        for, then an emergency that goes on now and isn't past, denied or a general question.
        """
        folded = fold(text[:5000])
        calm = self.lists["harmless"].without(folded)
        if self._has("self_harm", calm):
            return "self_harm"
        if self._has("foreign", calm):
            return "emergency"
        if self._has("negation", calm) or self._has("question", calm):
            return "home_violence" if self._has("home_violence", calm) else None
        now = self._has("now", calm)
        past = (self._has("past", calm) or _LONG_AGO.search(calm) is not None) and not now
        if self._has("home_violence", calm):
            return "emergency" if now and self._has("acute", calm) else "home_violence"
        if past:
            return None
        if self._has("acute", calm) or (now and self._has("violence_now", calm)):
            return "emergency"
        return None

    def harmless(self, text: str) -> bool:
        """Whether the text holds an idiom that only sounds dangerous ("det brinner i knutarna")."""
        return self._has("harmless", fold(text[:5000]))

    def calm(self, text: str) -> bool:
        """Whether the text says itself that nothing goes on: denied, over, or a general question.

        Against a classifier's suspicion only; the lexicon's own alarm doesn't ask.
        """
        folded = self.lists["harmless"].without(fold(text[:5000]))
        told = any(self._has(name, folded) for name in ("negation", "question", "past"))
        return told or _LONG_AGO.search(folded) is not None

    def now(self, text: str) -> bool:
        """Whether the text says that something goes on at this moment."""
        return self._has("now", fold(text[:5000]))

    def past_crime(self, text: str) -> bool:
        """Whether the text names a crime; ask only when nothing better is known of it."""
        calm = self.lists["harmless"].without(fold(text[:5000]))
        return self._has("crime", calm)

    def crime_is_over(self, text: str) -> bool:
        """Whether the text names a crime and when it was."""
        calm = self.lists["harmless"].without(fold(text[:5000]))
        return self._has("crime", calm) and self._has("past", calm)

    def _has(self, name: str, folded: str) -> bool:
        return self.lists[name].found_in(folded)


@lru_cache(maxsize=1)
def guard(path: Path = LEXICON) -> Guard:
    """The guard with the lexicon of this package."""
    lists = YAML(typ="safe").load(path)
    acute = [p for name in ("acute", "now", "violence_now") for p in lists[name]]
    words = re.findall(r"\w+(?![\w*])", " ".join(acute).casefold())
    return Guard({name: Phrases(phrases) for name, phrases in lists.items()}, frozenset(words))


def _stem(word: str) -> str:
    return fold(word.replace("*", "")).strip()


def _phrase(phrase: str) -> str:
    """A regular expression for a phrase from its first letter to its last.

    The space behind it is only looked at, so that two phrases may share it.
    """
    words = []
    for word in phrase.split():
        if word == "_":
            words.append(_ANY_WORDS)
            continue
        words.append(re.escape(_stem(word)) + (r"\w*" if word.endswith("*") else "") + " ")
    return "".join(words)[:-1] + "(?= )"
