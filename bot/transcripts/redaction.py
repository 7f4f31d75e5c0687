"""Mask what identifies a person before a text is stored. Pure functions.

So far numbers and e-mail addresses; names and places need the sv-core model.
"""

import re

# Order matters: the longest and most certain shapes first.
_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("e-post", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    # mobile numbers and country codes first: ten digits may look like a personnummer too
    (
        "telefon",
        re.compile(r"(?<![\d-])(?:(?:\+|00)46[ ()-]*\d(?:[ ()/-]*\d){6,10}|07[02369]\d{7})(?!\d)"),
    ),
    ("kortnummer", re.compile(r"(?<![\d+])(?:\d{4}[ -]?){3}\d{1,7}(?!\d)")),
    (
        "personnummer",
        re.compile(
            r"(?<!\d)(?:19|20)?\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]|[678]\d|9[01])"
            r"[-+ ]?\d{4}(?!\d)"
        ),
    ),
    ("organisationsnummer", re.compile(r"(?<!\d)\d{2}[2-9]\d{3}-\d{4}(?!\d)")),
    ("telefon", re.compile(r"(?<![\d/.-])(?:\+46|0046|0)[ ()-]*\d(?:[ ()/-]*\d){6,11}(?!\d)")),
    ("nummer", re.compile(r"(?<![\d-])\d(?:[ -]?\d){8,}(?![\d-])")),
)
SENSITIVE = frozenset({"kortnummer", "personnummer", "nummer"})
# Public numbers and dates are no personal data and must stay readable.
_DATE = re.compile(r"(?:19|20)\d{2}-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])")


def redact(text: str, public: frozenset[str] = frozenset()) -> tuple[str, frozenset[str]]:
    """Replace numbers and e-mail addresses by "[telefon]" and its like.

    `public` holds numbers as digits only that may stay (the city's own). Returns the text and
    the kinds that were found.
    """
    found: set[str] = set()
    for kind, shape in _SHAPES:

        def mask(match: re.Match[str], kind: str = kind) -> str:
            hit = match.group()
            if _DATE.fullmatch(hit) or re.sub(r"\D", "", hit) in public:
                return hit
            found.add(kind)
            return f"[{kind}]"

        text = shape.sub(mask, text)
    return text, frozenset(found)
