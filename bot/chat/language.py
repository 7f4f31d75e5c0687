"""Which language a message is written in, among those that content/phrases has."""

import re
from functools import lru_cache

from lingua import IsoCode639_1, LanguageDetector, LanguageDetectorBuilder

SWEDISH = "sv"
ALIKE = frozenset({"bs", "hr", "sr"})
"""Hardly told apart in a line of text; any of them is understood."""
SURE = 0.7
SURE_OF_TWO = 0.8
SURE_OF_ONE = 0.99
"""A single word must be hardly anything else: "kiitos" is Finnish, "hejhej" is not Finnish."""
UNLIKELY = 0.1
"""A conversation in another language changes more easily than one in Swedish."""
SHORTEST = 6
"""Letters of a single word."""


def spoken(text: str, before: str, languages: frozenset[str]) -> str:
    """The language of a text, two letters; `before` when the text doesn't tell.

    `languages` are those that can be answered, with Swedish. Of the 9,561 phrases of data/nlu and
    tests/nlu, nearly all Swedish, one Swedish phrase of three words or more is taken for another
    language, and two of nonsense.
    """
    words = re.findall(r"[^\W\d_]+", text)
    letters = sum(map(len, words))
    if not words or len(languages) < 2 or (len(words) == 1 and letters < SHORTEST):
        return before
    shares: dict[str, float] = {}
    found = _detector(languages).compute_language_confidence_values(text)
    for one in found:
        shares[one.language.iso_code_639_1.name.lower()] = one.value
    best = max(shares, key=lambda name: (shares[name], name))
    share = sum(shares.get(name, 0.0) for name in ALIKE) if best in ALIKE else shares[best]
    if best == SWEDISH and share >= 0.5:
        return SWEDISH
    if len(words) > 1 and before not in (SWEDISH, best) and shares.get(before, 0.0) < UNLIKELY:
        return best
    least = {1: SURE_OF_ONE, 2: SURE_OF_TWO}.get(len(words), SURE)
    return best if share >= least else before


@lru_cache(maxsize=4)
def _detector(languages: frozenset[str]) -> LanguageDetector:
    codes = [getattr(IsoCode639_1, name.upper()) for name in sorted(languages)]
    return LanguageDetectorBuilder.from_iso_codes_639_1(*codes).build()
