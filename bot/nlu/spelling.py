"""Spelling: words nobody writes are mended towards the words of the training phrases."""

import re
from collections import Counter
from functools import lru_cache
from typing import Dict, Iterable, List, Mapping, Optional, Tuple

from rapidfuzz.distance import OSA
from wordfreq import zipf_frequency

from bot.nlu.text import fold

SHORTEST = 5
"""Shorter words have too many neighbours to be mended by distance; only their diacritics are."""
LONG, LONGER = 9, 12
"""From these lengths on two and three slips are allowed."""
COMMON = 2
"""A word of the phrases seen fewer times may be a slip itself and is no model for others."""
IN_USE = 2.3
"""Zipf frequency in Swedish (wordfreq) from which a word is a word: about 1 in 5 million."""
MORE_OFTEN = 8
"""So many times as often must a word of the phrases stand there to be what a rare one means."""
FAR_COMMONER = 1.0
"""How much commoner, on the same scale, the form with å, ä, ö must be than the one without."""

_WORD = re.compile(r"[^\W\d_]+")


class Spelling:
    """Mends what is no Swedish word: missing å, ä, ö first, then one or two slips of the finger.

    Only towards words of the training phrases; a word in use is touched only if the whole text is
    written without å, ä, ö and the form with them is far commoner ("ar" for "är").
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        """`counts` says how often each lower-case word stands in the training phrases."""
        self.counts: Dict[str, int] = dict(sorted(counts.items()))
        self._folded: Dict[str, str] = {}
        self._by_length: Dict[int, List[str]] = {}
        for word in self.counts:
            key = fold(word)
            if self._weight(word) > self._weight(self._folded.get(key, "")):
                self._folded[key] = word
        for key, word in self._folded.items():
            if self.counts[word] >= COMMON or zipf_frequency(word, "sv") >= IN_USE:
                self._by_length.setdefault(len(key), []).append(key)
        self._mended = lru_cache(maxsize=20_000)(self._mend)

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Spelling":
        """The vocabulary of these texts."""
        return cls(Counter(w for text in texts for w in _WORD.findall(text.casefold())))

    def correct(self, text: str) -> str:
        """The text with unknown words mended where one word of the vocabulary is near enough."""
        bare = not re.search("[åäöÅÄÖ]", text)
        return _WORD.sub(lambda match: self._word(match.group(), bare), text)

    def _weight(self, word: str) -> Tuple[float, int]:
        return (zipf_frequency(word, "sv") if word else -1.0, self.counts.get(word, 0))

    def _word(self, word: str, bare: bool) -> str:
        found = self._mended(word.casefold(), bare)
        if found is None:
            return word
        return found.capitalize() if word[0].isupper() else found

    def _mend(self, word: str, bare: bool) -> Optional[str]:
        """The word meant, None if the word stands as it is."""
        key, used = fold(word), zipf_frequency(word, "sv")
        same = self._folded.get(key)
        if used >= IN_USE:
            commoner = same and zipf_frequency(same, "sv") >= used + FAR_COMMONER
            return same if bare and commoner and same != word else None
        seen = self.counts.get(word, 0)
        if seen < COMMON and same is not None:
            return same if same != word else None
        # a slip that several phrases share ("kontaktsenter") is one all the same
        found = self._nearest(key, MORE_OFTEN * seen if seen >= COMMON else 0)
        return found if found != word else None

    def _nearest(self, key: str, least: int) -> Optional[str]:
        """The word that differs least, None if all differ too much or stand there too seldom."""
        if len(key) < SHORTEST:
            return None
        slips = 1 + (len(key) >= LONG) + (len(key) >= LONGER)
        best = (slips + 1, (0.0, 0), "")
        for length in range(len(key) - slips, len(key) + slips + 1):
            for candidate in self._by_length.get(length, ()):
                if candidate[0] != key[0] and candidate[1:2] != key[1:2]:
                    continue
                frequency, count = self._weight(self._folded[candidate])
                if count < least:
                    continue
                distance = OSA.distance(key, candidate, score_cutoff=slips)
                if distance <= slips:
                    best = min(best, (distance, (-frequency, -count), candidate))
        return self._folded[best[2]] if best[2] else None
