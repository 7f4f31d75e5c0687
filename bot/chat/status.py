"""How things are right now: whether kontaktcenter is open, and what everybody must know."""

from dataclasses import asdict
from datetime import datetime

from bot.chat.messages import CrisisOut, StatusOut
from bot.content import hours, languages
from bot.content.crisis import banner
from bot.content.load import Content


def situation(content: Content, now: datetime, lang: str = "sv") -> StatusOut:
    """The status in a language that content/phrases has."""
    if lang == "sv":
        opening = hours.state(content.hours, now)
    else:
        opening = languages.state(content.hours, content.phrases[lang], now, lang)
    crisis = banner(content, now, lang)
    return StatusOut(
        open=hours.is_open(content.hours, now),
        opening=opening,
        crisis=CrisisOut(**asdict(crisis)) if crisis else None,
    )
