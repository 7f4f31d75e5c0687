"""What everybody must know right now: `crisis` of content/site.yml, on its days only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.content.answers import render
from bot.content.hours import local
from bot.content.load import Content

Severity = Literal["info", "warning", "danger"]
_WORDS = {
    "sv": {"info": "Information:", "warning": "Viktigt:", "danger": "Fara:"},
    "en": {"info": "Information:", "warning": "Important:", "danger": "Danger:"},
}


@dataclass(frozen=True)
class Banner:
    """The message as shown. `word` tells how serious it is without colours."""

    severity: Severity
    word: str
    text: str
    lang: str
    url: str | None = None
    title: str | None = None
    """Of the link to `url`."""


def banner(content: Content, now: datetime, lang: str = "sv") -> Banner | None:
    """The message, in English for other languages than Swedish; None when there is none."""
    crisis = content.site.crisis
    if crisis is None or not crisis.first <= local(now).date() <= crisis.last:
        return None
    lang = "sv" if lang == "sv" else "en"
    text = render(content, crisis.sv if lang == "sv" else crisis.en, now, lang)
    word, link = _WORDS[lang][crisis.severity], crisis.link
    if link is None:
        return Banner(crisis.severity, word, text, lang)
    title = link.sv if lang == "sv" else link.en
    return Banner(crisis.severity, word, text, lang, link.url, title)
