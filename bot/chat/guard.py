"""What a typed text may be before it goes to Rasa."""

import re
import unicodedata

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PILED = re.compile("([\u0300-\u036f]{2})[\u0300-\u036f]+")


def clean(text: str) -> str:
    """The text as a person sees it: NFKC, no invisible or control characters, no piled accents.

    A leading "/" is taken away: Rasa would read the rest as a command that can set slots.
    Lone surrogates, which UTF-8 can't carry, become "?". Returns "" if nothing is left.
    """
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = _INVISIBLE.sub("", _CONTROL.sub(" ", text))
    text = unicodedata.normalize("NFKC", _PILED.sub(r"\1", unicodedata.normalize("NFKD", text)))
    return re.sub(r"\s+", " ", text).lstrip("/ ").rstrip()
