"""What a typed text says, under the ways people and pranksters write it.

Plain Python 3.10 without Rasa, so that the gateway, the Rasa components and the evaluation
share it.
"""

import re
import unicodedata

# Letters of other alphabets that look like Latin ones; only undone inside a word that is
# Latin for the rest, so that Cyrillic and Greek texts stay what they are.
_LOOKALIKES = str.maketrans(
    "абвегикмнорстухѕіјԁԛԝАВЕКМНОРСТУХІЈЅαεικνοτυχρΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "abvegikmnopctyxsijdqwABEKMHOPCTYXIJSaeikvotuxpABEZHIKMNOPTYX",
)
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f"
                        "\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")  # fmt: skip
_WORD = re.compile(r"\w+")
_ELONGATED = re.compile(r"([^\W\d_])\1{2,}")
_REPEATED_SIGN = re.compile(r"([^\w\s])\1+")
_THUMBS = {"👍": " ja ", "👎": " nej "}


def normalise(text: str) -> str:
    """The text in NFC without invisible characters, lookalike letters, emoji and drawn-out letters.

    "Ｈｅｊｊｊ!!! när öppnar ni 🙂" becomes "Hej! när öppnar ni". A lone thumb up or down becomes
    "ja" or "nej". Returns "" if nothing is left.
    """
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    bare = re.sub("[\U0001f3fb-\U0001f3ff]", "", text).strip()
    if set(bare) <= set("👍👎") and bare:
        return _THUMBS[bare[0]].strip()
    text = _WORD.sub(_latin, text)
    text = "".join(" " if unicodedata.category(c) in ("So", "Sk", "Cs", "Co") else c for c in text)
    text = _REPEATED_SIGN.sub(r"\1", _ELONGATED.sub(r"\1", text))
    return re.sub(r"\s+", " ", text).strip()


def undotted(text: str) -> str:
    """Without diacritics, as on a foreign keyboard."""
    flat = unicodedata.normalize("NFKD", text)
    return "".join(c for c in flat if not unicodedata.combining(c))


def fold(text: str) -> str:
    """Lower case without diacritics: "Öppet" and "oppet" are the same."""
    return undotted(text.casefold())


def words(text: str) -> "list[str]":
    """The words of a text as they stand."""
    return _WORD.findall(text)


def _latin(match: "re.Match[str]") -> str:
    """The word with lookalikes undone if some of its letters are Latin."""
    word = match.group()
    if word.isascii() or not re.search("[a-zA-ZåäöÅÄÖ]", word):
        return word
    return word.translate(_LOOKALIKES)
