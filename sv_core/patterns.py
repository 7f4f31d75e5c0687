"""The entity ruler's patterns: local places, organisations, companies, numbers, dates and times.

The names stand in gazetteer/. Forms of numbers: PTS's number plan (phones), Skatteverket (a
person's and a coordination number: the day plus 60), Bolagsverket (an organisation's number has
at least 2 as its third digit), PostNord (post codes, 100 00–984 99).
"""

from pathlib import Path
from typing import Any

GAZETTEER = Path(__file__).parent / "gazetteer"
Pattern = dict[str, Any]
MONTHS = "januari februari mars april maj juni juli augusti september oktober november december"
SHORT_MONTHS = "jan feb apr jun jul aug sep sept okt nov dec"
DAYS = "måndag tisdag onsdag torsdag fredag lördag söndag"
PARTS_OF_DAY = "morgon förmiddag eftermiddag kväll natt"
COMPANY_FORMS = ["ab", "hb", "kb", "aktiebolag", "handelsbolag", "kommanditbolag"]
POSSESSIVES = ["hans", "hennes", "deras", "dess", "vars"]
NAME_WORD = {"POS": {"IN": ["PROPN", "NOUN", "ADJ"]}, "IS_ALPHA": True}
"""A word of a company's name, capital or small."""


def regex(shape: str) -> dict[str, Any]:
    return {"TEXT": {"REGEX": rf"^(?:{shape})$"}}


def names(file: str, label: str) -> list[Pattern]:
    """Each line of a gazetteer file and its genitive, as phrases: the ruler ignores capitals, and
    finds a phrase a hundred times faster than a pattern of tokens."""
    found: list[Pattern] = []
    for line in (GAZETTEER / file).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            forms = [line] if line.endswith("s") else [line, line + "s"]
            found += [{"label": label, "pattern": form} for form in forms]
    return found


def companies() -> list[Pattern]:
    """One to three words of a name and a company's form: "Lindströms bygg AB"."""
    ends = [
        [{"LOWER": {"IN": COMPANY_FORMS + [form + "s" for form in COMPANY_FORMS]}}],
        [{"LOWER": "ekonomisk"}, {"LOWER": {"IN": ["förening", "förenings"]}}],
    ]
    # "lindströms", written small, is hard to tag right; a possessive pronoun it is not
    owner = {
        "LOWER": {
            "REGEX": r"^[a-zåäöéü]{3,}s$",
            "NOT_IN": POSSESSIVES,
        }
    }
    more: list[list[dict[str, Any]]] = [
        [NAME_WORD],
        [NAME_WORD] * 2,
        [NAME_WORD] * 3,
        [owner],
        [owner, NAME_WORD],
        [NAME_WORD, {"TEXT": "&"}, NAME_WORD],
        [NAME_WORD, NAME_WORD, {"TEXT": "&"}, NAME_WORD],
    ]
    return [{"label": "ORG", "pattern": start + end} for start in more for end in ends]


def addresses() -> list[Pattern]:
    """A street and its number: "Storgatan 12 B"."""
    street = {"LOWER": {"REGEX": r".{2,}(?:gatan|vägen|torget|gränd|stigen|backen|allén|plan)s?$"}}
    number = regex(r"\d{1,3}")
    return [
        {"label": "LOC", "pattern": [street, number, regex("[A-Fa-f]")]},
        {"label": "LOC", "pattern": [street, regex(r"\d{1,3}[A-Fa-f]?")]},
        {"label": "LOC", "pattern": [street]},
    ]


def numbers() -> list[Pattern]:
    """Phone numbers, e-mail addresses, the numbers of persons and companies, post codes."""
    pairs = [regex(r"\d{2,3}")]
    born = r"\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]|[678]\d|9[01])"
    shapes: list[tuple[str, list[dict[str, Any]]]] = [
        ("EMAIL", [{"LIKE_EMAIL": True}]),
        # ten digits that begin as a mobile number does are one
        ("PNR", [regex(rf"(?!07[02369]\d{{7}}$)(?:19|20)?{born}[-+–]?\d{{4}}")]),
        ("PNR", [regex(rf"(?:19|20)?{born}"), regex(r"\d{4}")]),
        ("ORGNR", [regex(r"(?:16)?\d{2}[2-9]\d{3}[-–]\d{4}")]),
        ("PHONE", [regex(r"0[1-9]\d{6,9}|\+46\d{7,10}")]),
        ("PHONE", [regex(r"07[02369]\d"), *pairs * 3]),
        ("PHONE", [regex(r"112|114|1177|11313|11414")]),
        ("PHONE", [regex("114"), regex("14")]),
        ("PHONE", [regex("113"), regex("13")]),
        ("POSTCODE", [regex(r"[1-9]\d{2}"), regex(r"\d{2}")]),
    ]
    for count in (1, 2, 3):
        start = r"0[1-9]\d{0,2}[-–/]?\d{0,5}"
        shapes.append(("PHONE", [regex(start), *pairs * count]))
        shapes.append(("PHONE", [regex(r"\+46"), regex(r"\d{1,3}[-–]?\d{0,4}"), *pairs * count]))
    shapes.append(("PHONE", [regex(r"0[1-9]\d{0,2}[-–/]\d{5,8}")]))
    return [{"label": label, "pattern": pattern} for label, pattern in shapes]


def times() -> list[Pattern]:
    """Dates and times of day, as people write them."""
    months = {"LOWER": {"IN": MONTHS.split() + SHORT_MONTHS.split()}}
    day = {"LOWER": {"REGEX": r"^(?:[12]?\d|3[01])(?::?e|:?a)?$"}}
    week_days = [
        form for name in DAYS.split() for form in (name, name + "en", name + "ar", name + "s")
    ]
    relative = ["idag", "imorgon", "igår", "övermorgon", "förrgår", "ikväll", "inatt", "imorse"]
    clock = regex(r"(?:[01]?\d|2[0-4])[.:][0-5]\d")
    hour = regex(r"(?:[01]?\d|2[0-4])(?:[.:][0-5]\d)?(?:[-–](?:[01]?\d|2[0-4])(?:[.:][0-5]\d)?)?")
    word = {"LOWER": {"IN": ["kl", "kl.", "klockan"]}}
    patterns: list[tuple[str, list[dict[str, Any]]]] = [
        ("DATE", [{"LOWER": {"IN": MONTHS.split()}}]),
        ("DATE", [day, months]),
        ("DATE", [day, months, regex(r"(?:19|20)\d{2}")]),
        ("DATE", [months, regex(r"(?:19|20)\d{2}")]),
        ("DATE", [regex(r"(?:19|20)\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")]),
        ("DATE", [regex(r"(?:[12]?\d|3[01])/(?:1[0-2]|[1-9])")]),
        ("DATE", [{"LOWER": {"IN": week_days}}]),
        ("DATE", [{"LOWER": {"IN": DAYS.split()}}, {"LOWER": {"IN": PARTS_OF_DAY.split()}}]),
        ("DATE", [{"LOWER": {"IN": relative}}]),
        (
            "DATE",
            [{"LOWER": "i"}, {"LOWER": {"IN": ["dag", "går", "morgon", "kväll", "natt", "morse"]}}],
        ),
        (
            "DATE",
            [
                {"LOWER": "i"},
                {
                    "LOWER": {
                        "IN": [
                            "måndags",
                            "tisdags",
                            "onsdags",
                            "torsdags",
                            "fredags",
                            "lördags",
                            "söndags",
                            "helgen",
                        ]
                    }
                },
            ],
        ),
        ("TIME", [clock]),
        ("TIME", [word, hour]),
        (
            "TIME",
            [
                word,
                {"LOWER": {"IN": ["halv", "kvart"]}, "OP": "?"},
                {
                    "LOWER": {
                        "IN": [
                            "ett",
                            "två",
                            "tre",
                            "fyra",
                            "fem",
                            "sex",
                            "sju",
                            "åtta",
                            "nio",
                            "tio",
                            "elva",
                            "tolv",
                        ]
                    }
                },
            ],
        ),
    ]
    return [{"label": label, "pattern": pattern} for label, pattern in patterns]


def all_patterns() -> list[Pattern]:
    """Every pattern; where two fit, the entity ruler takes the longer."""
    return [
        *names("places.txt", "LOC"),
        *names("organisations.txt", "ORG"),
        *companies(),
        *addresses(),
        *numbers(),
        *times(),
    ]
