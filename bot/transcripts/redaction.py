"""Mask what identifies a person before a text is stored. Pure functions.

So far numbers and e-mail addresses; names and places need the sv-core model.
"""

import re

_D = "\\-\u2010-\u2015\u2212"  # the dashes of a keyboard, of a phone's autocorrection, of Word
_S = rf"[ ()/{_D}]*"  # what may stand between the digits of a phone number
Shapes = tuple[tuple[str, re.Pattern[str]], ...]
# Order matters: the longest and most certain shapes first.
_SHAPES: Shapes = (
    ("e-post", re.compile(r"[\w.+&'~-]+@[\w-]+(?:\.[\w-]+)+")),
    # mobile numbers and country codes first: ten digits may look like a personnummer too
    ("telefon", re.compile(rf"(?<![\d{_D}])07[02369]\d{{7}}(?!\d)")),
    (
        "telefon",
        re.compile(rf"(?<![\d{_D}])(?:\+|00)46{_S}(?:0{_S})?[1-9](?:{_S}\d){{6,8}}(?![{_D}]?\d)"),
    ),
    (
        "telefon",
        re.compile(rf"(?<![\d{_D}])(?:\+|00)(?!46)[1-9]\d{{0,2}}(?:{_S}\d){{6,12}}(?![{_D}]?\d)"),
    ),
    ("kortnummer", re.compile(rf"(?<![\d+])(?:\d{{4}}[ .{_D}]?){{3,6}}\d{{1,7}}(?!\d)")),
    (
        "personnummer",
        re.compile(
            rf"(?<!\d)(?:19|20)?\d{{2}}([ {_D}]?)(?:0[1-9]|1[0-2])\1"
            rf"(?:0[1-9]|[12]\d|3[01]|[678]\d|9[01]) ?[+{_D}]? ?\d{{4}}(?![{_D}]?\d)"
        ),
    ),
    ("organisationsnummer", re.compile(rf"(?<!\d)\d{{2}}[2-9]\d{{3}} ?[{_D}] ?\d{{4}}(?!\d)")),
    ("telefon", re.compile(rf"(?<![\d{_D}])07[02369](?:[ ()/.{_D}]*\d){{7}}(?![{_D}]?\d)")),
    (
        "telefon",
        re.compile(rf"(?<![\d/.{_D}])(?:\((?=0))?0{_S}[1-9](?:{_S}\d){{6,8}}(?![{_D}]?\d)"),
    ),
    # a legal person's number without its dash; a phone number begins with 0
    ("organisationsnummer", re.compile(r"(?<![\d+])[1-9]\d[2-9]\d{7}(?!\d)")),
    ("nummer", re.compile(rf"(?<!\d)\d(?:[ {_D}]?\d){{8,}}(?!\d)")),
)
CONTACT = frozenset({"e-post", "telefon", "organisationsnummer"})
"""What a business may leave in a form."""
SENSITIVE = frozenset({"kortnummer", "personnummer", "nummer"})
# Dates, times and amounts are no personal data and must stay readable.
_DATE = r"(?:(?:19|20)\d{2}-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])|[0-3]?\d-[01]?\d-20\d{2})"
_CLOCK = r"(?:[01]\d|2[0-4])[ .]?[0-5]\d"
_HARMLESS = re.compile(
    rf"{_DATE}(?: ?[{_D} ] ?{_DATE})*(?: \d{{1,2}}(?: ?[{_D}] ?\d{{1,2}})?)?"
    rf"|{_CLOCK} ?[{_D}] ?{_CLOCK}"
    r"|\d{1,3}(?: \d{3})*(?: 000){2}"
)


def redact(
    text: str, public: frozenset[str] = frozenset(), keep: frozenset[str] = frozenset()
) -> tuple[str, frozenset[str]]:
    """Replace numbers and e-mail addresses by "[telefon]" and its like.

    `public` holds numbers as digits only that may stay (the city's own), `keep` kinds that may.
    Returns the text and the kinds that were found.
    """
    found: set[str] = set()

    def mask(part: str, shapes: Shapes) -> str:
        if not shapes:
            return part
        (kind, shape), later = shapes[0], shapes[1:]
        made, end = "", 0
        for match in shape.finditer(part):
            hit = match.group()
            stays = _HARMLESS.fullmatch(hit) is not None or _digits(hit) in public
            if not stays:
                found.add(kind)
            stays = stays or kind in keep
            # what is settled here is kept away from the later shapes
            made += mask(part[end : match.start()], later) + (hit if stays else f"[{kind}]")
            end = match.end()
        return made + mask(part[end:], later)

    # until nothing changes: what stood beside a masked number may be a number of its own now
    while (masked := mask(text, _SHAPES)) != text:
        text = masked
    return text, frozenset(found)


def _digits(number: str) -> str:
    """The digits of a phone number as dialled in Sweden."""
    return re.sub(r"\D", "", re.sub(rf"^(?:\+|00)46{_S}0?", "0", number))
