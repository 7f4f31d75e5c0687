"""Names of other municipalities, which tell "felanmälan i Uddevalla" from "felanmälan"."""

import re
from functools import lru_cache
from pathlib import Path
from typing import FrozenSet

from bot.nlu.text import fold, words
import itertools

NAMES = Path(__file__).resolve().parents[2] / "sv_core" / "gazetteer" / "municipalities.txt"
OURS = "trollhattan"
EVERYDAY = frozenset({"vara", "mark", "berg", "eda", "kil", "sala", "orust"})
"""Names that are everyday words too."""


@lru_cache(maxsize=1)
def municipalities() -> FrozenSet[str]:
    """The other municipalities, lower case without diacritics."""
    lines = NAMES.read_text("utf-8").splitlines()
    names = re.split(r"\s+", " ".join(line for line in lines if not line.startswith("#")))
    return frozenset(fold(name).replace("-", " ") for name in names if name) - {OURS} - EVERYDAY


def elsewhere(text: str) -> bool:
    """Whether the text names another municipality than ours, also in the genitive."""
    found = words(fold(text))
    pairs = {f"{first} {second}" for first, second in itertools.pairwise(found)}
    named = pairs | set(found)
    spoken = named | {name[:-1] for name in named if name.endswith("s")}
    return OURS not in spoken and not spoken.isdisjoint(municipalities())
