"""The questions in a message: "Hej, vad har ni öppet och var ligger ni?" asks two."""

import re
from typing import List

MOST = 4
"""More parts than this aren't looked at; each costs an encoding."""

_OPENERS = (
    "vad|va|vem|vilka?|vilken|vilket|var|vart|varför|när|hur|hurdan|kan|får|har|är|finns|ska|måste|"
    "behöver|går|vet|gör|tar|kostar|ligger|jag vill|jag undrar|jag behöver|vi vill|vi undrar|"
    "berätta|what|when|where|how|who|can|is|are|do"
)
_ASKS = re.compile(
    rf"(?:men |och |o |å |samt |sen |ja |så |också )*(?:{_OPENERS})\b", re.IGNORECASE
)
_SPLIT = re.compile(
    rf"(?<=[.!?;\n])\s+|\s*\n\s*|,\s+|\s+(?:och|o|å|samt|plus|&)\s+(?:också\s+)?(?=(?:{_OPENERS})\b)",
    re.IGNORECASE,
)


def clauses(text: str) -> List[str]:
    """The parts of a message that could stand alone, in order; only one for a simple message."""
    parts = [part.strip(" ,.!") for part in _SPLIT.split(text)]
    return [part for part in parts if part][:MOST]


def asks(clause: str) -> bool:
    """Whether a part is a question or a wish by its form, and not the background to one."""
    return clause.rstrip().endswith("?") or bool(_ASKS.match(clause.strip()))
