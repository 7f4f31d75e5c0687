"""A lexical guard for what must never hang on a classifier alone.

Runs beside the classifier inside Rasa and in the gateway when Rasa is away, so it is plain
Python 3.10 with no imports from Rasa. The words live in emergency.yml beside this file.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, Mapping, Optional, Pattern

from ruamel.yaml import YAML

Alarm = Literal["emergency", "self_harm", "home_violence"]
LEXICON = Path(__file__).with_name("emergency.yml")
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


@dataclass(frozen=True)
class Guard:
    """Compiled lexicon."""

    lists: Mapping[str, Pattern[str]]

    def alarm(self, text: str) -> Optional[Alarm]:
        """What the text cries for, or None.

        Harmless idioms are taken out first; then self-harm and violence at home are looked
        for, then an emergency that goes on now and isn't past, denied or a general question.
        """
        folded = fold(text[:5000])
        calm = self.lists["harmless"].sub(" ", folded)
        if self._has("self_harm", calm):
            return "self_harm"
        if self._has("foreign", calm):
            return "emergency"
        if self._has("negation", calm) or self._has("question", calm):
            return "home_violence" if self._has("home_violence", calm) else None
        now = self._has("now", calm)
        past = self._has("past", calm) and not now
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
        folded = self.lists["harmless"].sub(" ", fold(text[:5000]))
        return any(self._has(name, folded) for name in ("negation", "question", "past"))

    def past_crime(self, text: str) -> bool:
        """Whether the text names a crime; ask only when nothing better is known of it."""
        calm = self.lists["harmless"].sub(" ", fold(text[:5000]))
        return self._has("crime", calm)

    def crime_is_over(self, text: str) -> bool:
        """Whether the text names a crime and when it was."""
        calm = self.lists["harmless"].sub(" ", fold(text[:5000]))
        return self._has("crime", calm) and self._has("past", calm)

    def _has(self, name: str, folded: str) -> bool:
        return self.lists[name].search(folded) is not None


@lru_cache(maxsize=1)
def guard(path: Path = LEXICON) -> Guard:
    """The guard with the lexicon of this package."""
    lists = YAML(typ="safe").load(path)
    return Guard({name: _pattern(phrases) for name, phrases in lists.items()})


def _pattern(phrases: list[str]) -> Pattern[str]:
    """One alternation of whole-word phrases; `*` is any ending, `_` up to three other words.

    The trailing space is only looked at, so that two phrases may share it.
    """
    return re.compile("|".join(sorted(map(_phrase, phrases), key=len, reverse=True)))


def _phrase(phrase: str) -> str:
    words = []
    for word in phrase.split():
        if word == "_":
            words.append(_ANY_WORDS)
            continue
        stem = re.escape(fold(word.replace("*", "")).strip())
        words.append(stem + (r"\w*" if word.endswith("*") else "") + " ")
    body = "".join(words)
    return f"(?<= ){body[:-1]}(?= )"
