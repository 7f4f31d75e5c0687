"""What a message tells about a business: addresses, numbers, places, names. Pure functions.

All but names go by their shape. Names go by how people introduce themselves ("jag heter …",
"Anna på Blomsterhörnan i Sylte"), by legal forms (AB, HB …) and by the language model's entities.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from ruamel.yaml import YAML
from stdnum.exceptions import ValidationError
from stdnum.se import orgnr

from bot.content.models import Listed, Participation
from bot.nlu.emergency import Phrases, fold
from bot.participation.expression import OTHER_AREA

LONGEST_NAME, LONGEST_WHERE = 120, 200
SHORTEST_END = 5
"""Letters of a word that may be the end of a compound."""
_MAIL = re.compile(r"[^\s@<>,;:()\"]+@[^\s@<>,;()\"]*[^\s@<>,;:.!?()\"]")
_ORG = re.compile(r"(?<![\d+])(?:16)?\d{6}[-–— ]?\d{4}(?!\d)")
_NUMBER = re.compile(r"(?<![\w@])(?:\+|0)?\d(?:[\d\s()/.–—-]*\d)?(?![\w@])")
_PNR = "[personnummer]"
_FORM = re.compile(
    r"\b(?:[A-ZÅÄÖÉÜÇŞ0-9][\w'’.&+-]*\s+(?:(?:&|och|av|de|von)\s+)?){1,6}"
    r"(?:AB|HB|KB|EF|Ek\.? ?för\.?|ekonomisk förening|Aktiebolag|Handelsbolag|Kommanditbolag)\b"
    r"|\b(?:AB|HB|BRF|Brf|Bostadsrättsföreningen|Föreningen)\s+(?:[A-ZÅÄÖ0-9][\w'’.&-]*\s?){1,4}"
)
_CAPITAL = r"[A-ZÅÄÖÉÜÇŞ][\w'’-]+"
_NAMED = re.compile(
    rf"\b(?i:jag heter|mitt namn är|namnet är|jag är)\s+({_CAPITAL}(?:\s+{_CAPITAL}){{0,3}})"
    r"|\b(?i:jag heter|mitt namn är)\s+([\w'’-]+(?:\s+[\w'’-]+)?)"
    r"(?=\s+(?:på|från|hos|och|i)\b|[,.]|$)"
    r"|\b(?i:kontaktperson(?:en)?(?: är|:)?|fråga efter|byt kontaktperson till)\s+"
    rf"({_CAPITAL}(?:\s+{_CAPITAL}){{0,3}})"
)
_CALLED = re.compile(
    r"\b(?:(?:företag|firma|bolag|verksamhet|butik|förening|organisation|restaurang|kiosk|salong|"
    r"gym|hotell|bageri|verkstad)\w*|vi|det|den)\s+"
    r"(?:heter|ska heta|skulle heta|ska vara|heter egentligen)\s+"
    r"(?P<name>[^,.;!?\n]+)",
    re.IGNORECASE,
)
_BREATH = re.compile(
    r"^(?P<person>[^\W\d_][\w'’-]*(?:\s+[^\W\d_][\w'’-]*){0,2}?)\s+(?:på|från|hos|driver)\s+"
    r"(?P<company>[^,.;!?\n]{2,60}?)(?:\s+(?:i|på|vid|nära|längs)\s+(?P<where>[^,.;!?\n]{2,60}))?$",
    re.IGNORECASE,
)
_FULL_NAME = re.compile(rf"{_CAPITAL}(?:\s+{_CAPITAL})*")
_PRONOUNS = frozenset({"vi", "jag", "det", "den", "de", "dom", "man", "han", "hon", "ni", "du"})
_AFTER_NAME = re.compile(r"\s+(?:inte|i stället|istället|nu|men)\b|\s+och\s+(?=[a-zåäö])")
_MYSELF = frozenset({"jag", "mig", "jag sjalv", "undertecknad", "det ar jag"})
_PREPOSITION = re.compile(r"\s(?:i|på|vid|längs|nära)\s")
_GREETING = re.compile(
    r"^(?:hej(?:san)?|tja(?:bba)?|tjena|hallå|god (?:dag|morgon|kväll)|hi)\b[\s,!.]*", re.IGNORECASE
)


@dataclass(frozen=True)
class Words:
    """The lists of words.yml, ready to look for."""

    lists: Mapping[str, Phrases]
    fields: Mapping[str, Phrases]
    before_name: tuple[str, ...]

    def has(self, name: str, text: str) -> bool:
        """Whether a text holds something of a list."""
        return self.lists[name].found_in(fold(text))

    def agrees(self, text: str) -> bool | None:
        """True for a clear yes, False for a no, None when it is neither or both."""
        folded = fold(text)
        calm = self.lists["yes_though_no"].without(folded)
        if self.lists["no"].found_in(calm):
            return False
        return True if calm != folded or self.lists["yes"].found_in(folded) else None

    def named_fields(self, text: str) -> list[str]:
        """The fields that a text speaks of ("numret är fel": contact)."""
        folded = fold(text)
        return [name for name, phrases in self.fields.items() if phrases.found_in(folded)]


@lru_cache(maxsize=1)
def words() -> Words:
    """The words of this package."""
    data = YAML(typ="safe").load(Path(__file__).with_name("words.yml"))
    before = sorted((str(p) for p in data.pop("before_name")), key=len, reverse=True)
    fields = {name: Phrases(phrases) for name, phrases in data.pop("fields").items()}
    return Words({name: Phrases(p) for name, p in data.items()}, fields, tuple(before))


@dataclass(frozen=True)
class Facts:
    """What stands in a message. Empty is not said; `bad_…` was said, but isn't right."""

    email: str = ""
    phone: str = ""
    org_number: str = ""
    bad_email: bool = False
    bad_phone: bool = False
    bad_org_number: bool = False
    personal_number: bool = False
    company: str = ""
    person: str = ""
    area: str = ""
    where: str = ""
    kind: str = ""
    concerns: tuple[str, ...] = ()
    rest: str = ""
    """The text without addresses and numbers."""


def facts(
    text: str, content: Participation, entities: Iterable[tuple[str, str]] = (), loose: bool = False
) -> Facts:
    """What a message tells. `entities` are (label, text) pairs of the language model.

    `loose`: read "anna på blomsterhörnan i sylte" as person, company and place even without
    capitals; right only where names are expected.
    """
    email, bad_email, rest = _email(text)
    org, bad_org, rest = _org_number(rest)
    phone, bad_phone, rest = _phone(rest)
    personal = _PNR in rest
    rest = re.sub(r"\[[a-zåäö-]+\]", " ", rest)
    rest = re.sub(r"\s+", " ", re.sub(r"\(\s*\)", " ", rest)).strip(" ,;:-–.")
    area, where = place(rest, content)
    company, person, told = _names(rest, entities, loose or bool(email or phone), content)
    if told:
        area, where = place(told, content) if place(told, content)[0] else (OTHER_AREA, told)
    return Facts(
        email, phone, org, bad_email, bad_phone, bad_org, personal, company, person, area, where,
        kind(text, content), tuple(named(text, content.concerns)), rest,
    )  # fmt: skip


def place(text: str, content: Participation) -> tuple[str, str]:
    """(place of the content, its title) for the first place that a text names, else ("", "")."""
    for name in named(text, content.places):
        return name, content.places[name].title
    return "", ""


def kind(text: str, content: Participation) -> str:
    """The kind of business that a text names, also as the end of a compound ("lampbutik")."""
    found = named(text, content.kinds)
    if found:
        return found[0]
    ends = [(name, fold(w.rstrip("*")).strip()) for name, one in content.kinds.items()
            for w in one.words if len(w) >= SHORTEST_END]  # fmt: skip
    for word in fold(text).split():
        for name, end in ends:
            if word.endswith(end) or word.removesuffix("en").removesuffix("er").endswith(end):
                return name
    return ""


def named(text: str, listed: Mapping[str, Listed]) -> list[str]:
    """The names of a list whose words stand in a text, in the order of the list."""
    folded = fold(text)
    return [name for name, one in listed.items() if one.words and _compiled(one).found_in(folded)]


@lru_cache(maxsize=256)
def _words_of(texts: tuple[str, ...]) -> Phrases:
    return Phrases(list(texts))


def _compiled(one: Listed) -> Phrases:
    return _words_of(tuple(one.words))


def shown_phone(number: str) -> str:
    """An E.164 number as people in Sweden write it: 0520-49 50 00, +47 22 00 00 00."""
    try:
        parsed = phonenumbers.parse(number, "SE")
    except phonenumbers.NumberParseException:
        return number
    form = phonenumbers.PhoneNumberFormat
    swedish = parsed.country_code == 46
    return phonenumbers.format_number(parsed, form.NATIONAL if swedish else form.INTERNATIONAL)


def mends_only(text: str, content: Participation) -> bool:
    """Whether a text speaks of what is mended after a report, and of no crime."""
    repairs = _words_of(tuple(content.repairs)).found_in(fold(text))
    return repairs and not named(text, content.concerns)


def clean_name(text: str) -> str:
    """A name without what people put before it ("vi heter Bagarn AB": "Bagarn AB")."""
    name = text.strip(" \t\n,.;:!?\"'”“")
    again = True
    while again:
        again = False
        for start in words().before_name:
            if re.match(rf"{re.escape(start)}\b[\s,:]*\S", name, re.IGNORECASE):
                name = name[len(start) :].lstrip(" ,:")
                again = True
    return re.sub(r"\s+", " ", name).strip(" ,.;:!?\"'”“")


def person_and_role(text: str) -> tuple[str, str]:
    """("Gunilla Strand", "områdeschef") of "Gunilla Strand, områdeschef"."""
    name = clean_name(text)
    for pattern in (
        r"^(?P<person>[^,(]+?)\s*[,(]\s*(?P<role>[^)]+?)\)?$",
        r"^(?P<person>[^,(]+?)\s+(?:som )?(?:är|är vår|vår|är min)\s+(?P<role>.+)$",
        rf"^(?P<person>{_CAPITAL}(?:\s+{_CAPITAL})*)\s+(?P<role>[a-zåäö][\w åäö-]*)$",
    ):
        if found := re.match(pattern, name):
            person, role = clean_name(found["person"]), found["role"].strip(" ,.")
            return (role, "") if fold(person).strip() in _MYSELF else (person, role)
    return name, ""


def _email(text: str) -> tuple[str, bool, str]:
    bad = False
    for match in _MAIL.finditer(text):
        rest = text.replace(match.group(), " ")
        try:
            if "=?" in match.group():  # an encoded word, which mail programs turn into a header
                raise EmailNotValidError
            found = validate_email(match.group(), check_deliverability=False)
        except EmailNotValidError:
            bad = True
            text = rest
            continue
        return found.normalized, False, rest
    if "@" in text:
        bad = True
        text = re.sub(r"\S*@\S*", " ", text)
    return "", bad, text


def _org_number(text: str) -> tuple[str, bool, str]:
    for match in _ORG.finditer(text):
        digits = re.sub(r"\D", "", match.group())[-10:]
        # the third digit of a legal person's number is 2 or more; below that it is a birth date
        if digits[0] == "0" or digits[2] < "2":
            continue
        rest = text.replace(match.group(), " ")
        try:
            orgnr.validate(digits)
        except ValidationError:
            written = re.search(r"[-–—]", match.group()) or re.search(r"org", text, re.IGNORECASE)
            if written:
                return "", True, rest
            continue
        return digits, False, rest
    return "", False, text


def _phone(text: str) -> tuple[str, bool, str]:
    bad = False
    for match in _NUMBER.finditer(text):
        written = match.group()
        digits = re.sub(r"\D", "", written)
        if len(digits) < 4 or re.fullmatch(r"(?:19|20)\d\d", digits):
            continue
        rest = text.replace(written, " ")
        try:
            number = phonenumbers.parse(written, "SE")
        except phonenumbers.NumberParseException:
            bad = True
            continue
        if phonenumbers.is_valid_number(number):
            form = phonenumbers.PhoneNumberFormat.E164
            return phonenumbers.format_number(number, form), False, rest
        bad = True
    return "", bad, text


def _names(
    text: str, entities: Iterable[tuple[str, str]], loose: bool, content: Participation
) -> tuple[str, str, str]:
    """(company, person, place in their words)."""
    text = _GREETING.sub("", text).strip()
    known = [(label, value) for label, value in entities if value and value in text]
    called = next((m["name"] for m in _CALLED.finditer(text)), "")
    company = _AFTER_NAME.split(called)[0].strip()
    form = _FORM.search(text)
    if not company and form:
        company = form.group()
    person = next((next(filter(None, m.groups())) for m in _NAMED.finditer(text)), "")
    where = ""
    breath = _breath(text, content) if loose else None
    if breath and company and breath["company"].startswith(company):
        person = person or breath["person"]
    elif breath and not company and not words().has("not_company", breath["company"]):
        person = person or breath["person"]
        company, where = breath["company"], breath["where"] or ""
    if not person:
        names = (value for label, value in known if label == "PRS")
        person = next((name for name in names if _FULL_NAME.fullmatch(name)), "")
    company = clean_name(company)
    head, _, tail = company.rpartition(next(iter(_PREPOSITION.findall(company)[-1:]), "\0"))
    if head and place(tail, content)[0]:
        company, where = head, where or tail
    if company and _is_no_company(company):
        company = ""
    return company[:LONGEST_NAME], clean_name(person)[:LONGEST_NAME], where[:LONGEST_WHERE].strip()


def _breath(text: str, content: Participation) -> re.Match[str] | None:
    """Person, company and place in one breath: at the beginning, or later with a place we know."""
    for i, part in enumerate(re.split(r"[,.;!?\n]", text)):
        found = _BREATH.match(clean_name(part))
        if not found or fold(found["person"]).split()[0] in _PRONOUNS:
            continue
        if i == 0 or (found["where"] and place(found["where"], content)[0]):
            return found
    return None


def _is_no_company(name: str) -> bool:
    folded = fold(name)
    return words().lists["not_company"].without(folded).strip() == ""
