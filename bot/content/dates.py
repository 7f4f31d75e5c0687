"""Swedish phrases for days and times of day, found inside a sentence.

Measured first: dateparser read 15 of 25 such phrases right and 2026-12-06 as 12 June. Days and
times are Europe/Stockholm. Without a year or a "förra", a phrase means the coming day, today
included. The text is matched in lower case without å, ä and ö; what has been read is overwritten
with "|", so that nothing is read twice.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import TypeAlias

from bot.content.hours import MONTHS, WEEKDAYS, holiday_name, is_squeeze_day, local, named_days

_MAX_DAYS = 31
_YEARS_AHEAD = 9  # 29 February: leap years lie up to eight years apart
_FIRST_YEAR, _LAST_YEAR = 1953, 2100


@dataclass(frozen=True, slots=True)
class When:
    """What a text says about time.

    `days` is never empty, and in order. `at` is the time asked about, or the start of a span;
    `until` its end ("till fem" gives only `until`); both wall clock, None if not said. `label`
    names a period, a named day or "nu" in Swedish; None for plain dates.
    """

    days: tuple[date, ...]
    at: time | None = None
    until: time | None = None
    label: str | None = None

    def __post_init__(self) -> None:
        if not self.days:
            raise ValueError("When needs at least one day.")


_Days: TypeAlias = tuple[date, ...]
_Read: TypeAlias = tuple[_Days, str | None]
_Reader: TypeAlias = Callable[[re.Match[str], date], _Read]
_Block: TypeAlias = Callable[[int], _Days]  # the days of a year


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: str  # a "day" beats a "weekday", that beats a "period", that beats "now"
    pattern: re.Pattern[str]
    read: _Reader


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    kind: str
    days: _Days
    label: str | None


def parse_when(text: str, now: datetime) -> When | None:
    """The days and the time in `text` seen from `now`; None if it names neither.

    A time alone means today. Raises ValueError only when `now` is naive.
    """
    today = local(now).date()
    plain = rest = _normalise(text)
    found: list[_Found] = []
    for rule in _RULES:
        rest = _take(rule, rest, today, found)
    rest, part = _take_day_part(rest)
    at, until = _times(rest, part)
    if part and at is None and until is None:
        at = part.default
    chosen = _choose(sorted(found, key=lambda item: item.start), plain)
    timed = at is not None or until is not None
    if not chosen:
        return When((today,), at, until) if timed else None
    labels = {item.label for item in chosen if not (timed and item.kind == "now")}
    label = labels.pop() if len(labels) == 1 else None
    return When(_days_of(chosen, plain), at, until, label)


def _take(rule: _Rule, rest: str, today: date, found: list[_Found]) -> str:
    """Adds what `rule` reads in `rest` to `found`; gives `rest` with those places blanked."""

    def blank(m: re.Match[str]) -> str:
        days, label = rule.read(m, today)
        if days:
            found.append(_Found(m.start(), m.end(), rule.kind, days, label))
        return "|" * len(m[0])

    return rule.pattern.sub(blank, rest)


_AND = re.compile(r",? ?(?:och|eller|samt|&|,) ?(?:pa )?")
_TO = re.compile(r" ?(?:-|till(?: och med)?|t\.? ?o\.? ?m\.?) ?")


def _choose(found: list[_Found], plain: str) -> list[_Found]:
    """The finds that count: "fredag nästa vecka" is one day, "i dag, fredag" is today."""
    if any(item.kind == "day" for item in found):
        joined = {
            item.start
            for pair in pairwise(found)
            if _AND.fullmatch(gap := plain[pair[0].end : pair[1].start]) or _TO.fullmatch(gap)
            for item in pair
            if item.kind == "weekday"
        }
        return [item for item in found if item.kind == "day" or item.start in joined]
    weekdays = [item for item in found if item.kind == "weekday"]
    periods = [item for item in found if item.kind == "period"]
    if weekdays and periods:
        return [replace(item, days=_within(periods[0], item.days[0])) for item in weekdays]
    return weekdays or periods or found[:1]


def _within(period: _Found, day: date) -> _Days:
    """The days of `period` with the weekday of `day`; else that weekday of its first week."""
    number = day.weekday()
    same = tuple(other for other in period.days if other.weekday() == number)
    return same or (_monday(period.days[0]) + timedelta(days=number),)


def _days_of(chosen: list[_Found], plain: str) -> _Days:
    """All days of `chosen` in order, with those between when the text says "måndag till fredag"."""
    days: set[date] = set()
    before: _Found | None = None
    for item in chosen:
        row = item.days
        if before and _TO.fullmatch(plain[before.end : item.start]):
            first, last = before.days[-1], item.days[0]
            if item.kind == "weekday" and last < first:
                last += timedelta(weeks=1)
            if first < last <= first + timedelta(days=_MAX_DAYS):
                row = _row(first, last)
        days.update(row)
        before = replace(item, days=row)
    return tuple(sorted(days))[:_MAX_DAYS]


# --- Normalising --------------------------------------------------------------------------

_FOLD = str.maketrans("åäáàöøéèü–—−|~", "aaaaooeeu---  ")


def _slips(word: str) -> Iterator[str]:
    """One letter missing inside, doubled, or two swapped: the usual slips of a thumb."""
    for i in range(1, len(word)):
        if i < len(word) - 1:  # a lost last letter makes real words: "freda", "manda"
            yield word[:i] + word[i + 1 :]
        yield word[:i] + word[i] + word[i:]
        yield word[: i - 1] + word[i] + word[i - 1] + word[i + 1 :]


def _ascii(word: str) -> str:
    return word.translate(_FOLD)


_LONG_WORDS = [
    *map(_ascii, WEEKDAYS),
    *(_ascii(month) for month in MONTHS if len(month) > 6),
    *("januari", "klockan", "imorgon", "overmorgon", "julafton", "juldagen", "nyarsafton"),
    *("nyarsdagen", "midsommarafton", "trettondagen", "nationaldagen", "mellandagarna"),
]
_SPELLED = {slip: word for word in _LONG_WORDS for slip in _slips(word)}
_SPELLED |= {re.sub("dag(en)?$", "dan", word): word for word in _LONG_WORDS}  # "fredan"
_SPELLED |= {word: word for word in _LONG_WORDS}

# Before folding, because "mån" would become "man" (one), "sön" "son", and "år" (years) the same as
# "är" (is). "I mån av plats" means "if there is room".
_AMBIGUOUS = {
    re.compile(r"\bmån(?:d)?\b\.?(?! av\b)"): "måndag",
    re.compile(r"\bsön(?:d)?\b\.?"): "söndag",
    re.compile(r"\bårs?\b"): "years",
}
# "God kväll" and "glad påsk" are greetings, "24/7" is no day in July.
_NO_DATE = re.compile(
    r"\b(?:god|gott|glad|trevlig|skon|fin|ha en bra) "
    r"(?:fortsattning|nytt (?:ar|years)|\w*(?:morgon|kvall|middag|dag|natt|jul|pask|helg"
    r"|midsommar|pingst|lucia|advent))\w*"
    r"|\b24/7\b|\bnu for tiden\b"
)


def _normalise(text: str) -> str:
    plain = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    for pattern, word in _AMBIGUOUS.items():
        plain = pattern.sub(word, plain)
    plain = " ".join(plain.translate(_FOLD).split())
    plain = re.sub(r"[a-z]{5,}", lambda m: _SPELLED.get(m[0], m[0]), plain)
    return _NO_DATE.sub(lambda m: "_" * len(m[0]), plain)


# --- Words --------------------------------------------------------------------------------


def _numbered(words: str) -> dict[str, int]:
    """Words counted from 1; "en|ett" are two words for one number."""
    return {
        word: number
        for number, group in enumerate(words.split(), start=1)
        for word in group.split("|")
    }


_UNITS = _numbered("en|ett tva tre fyra fem sex sju atta nio tio elva tolv tretton fjorton")
_ORDINALS = _numbered(
    "forsta andra tredje fjarde femte sjatte sjunde attonde nionde tionde elfte tolfte trettonde "
    "fjortonde femtonde sextonde sjuttonde artonde nittonde tjugonde tjugoforsta tjugoandra "
    "tjugotredje tjugofjarde tjugofemte tjugosjatte tjugosjunde tjugoattonde tjugonionde "
    "trettionde trettioforsta"
)
_MONTHS = {_ascii(name): number for number, name in enumerate(MONTHS, start=1)}
_MONTHS |= {name[:3]: number for name, number in _MONTHS.items() if number != 7}  # "jul" = Yule
_MONTHS |= {"febr": 2, "sept": 9}
_WEEKDAYS = {_ascii(name): number for number, name in enumerate(WEEKDAYS)}
_SHORT_WEEKDAYS = {"tis": 1, "tisd": 1, "ons": 2, "onsd": 2, "tors": 3, "torsd": 3, "fre": 4}
_SHORT_WEEKDAYS |= {"lor": 5, "lord": 5}


def _any(words: dict[str, int]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_ORDINAL = rf"(?:{_any(_ORDINALS)})"
_MONTH = rf"(?:{_any(_MONTHS)})\b\.?"
_DAY = r"\d{1,2}(?::?[ea]\b)?"
_YEAR = r"(?:19|20)\d\d(?!\d)"
# "fredag 27 november", "på torsdag, julafton": the weekday belongs to the date.
_LEAD = rf"(?:\b(?:pa )?(?:{_any(_WEEKDAYS)})(?:en)?,? )?"
# What may follow a bare number or ordinal for it to stand alone: "den tredje" is a day, "den
# tredje gången" is not; "till fyra" is a time, "till fyra personer" is not.
_ALONE = (
    r"(?= ?(?:$|[|~?!;)]|[.,](?!\d)|-tiden\b)| (?:i|pa|kl|klockan|da|och|eller|till|mellan|vid|"
    r"efter|fore|innan|ar|har|denna|kan|om|nu|oppet|ocksa|hos|fran|sa|med)\b)"
)


# --- Days ---------------------------------------------------------------------------------


def _day(year: int, month: int, day: int) -> _Days:
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return ()
    try:
        return (date(year, month, day),)
    except ValueError:
        return ()


def _row(first: date, last: date) -> _Days:
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _number(text: str) -> int:
    return int(text.rstrip(":ea"))


def _coming(block: _Block, today: date) -> _Days:
    """The days from today on of the first block that is not over; empty if none is ahead."""
    for year in range(today.year - 1, today.year + _YEARS_AHEAD):
        if ahead := tuple(day for day in block(year) if day >= today):
            return ahead
    return ()


def _year_month_day(m: re.Match[str], today: date) -> _Read:
    year, month, day = map(int, m.groups())
    return _day(year, month, day), None


def _day_month_year(m: re.Match[str], today: date) -> _Read:
    day, month, year = map(int, m.groups())
    return _day(year, month, day), None


def _day_month(m: re.Match[str], today: date) -> _Read:
    """3 januari, 3/12, 24/12-26, 24–26 december, den tredje januari."""
    month = int(m["mm"]) if m["mm"] else _MONTHS[m["month"].rstrip(".")]
    last = _ORDINALS[m["ordinal"]] if m["ordinal"] else _number(m["d"])
    first = _number(m["first"]) if m["first"] else last
    numbers = range(first, last + 1) if m["sep"] in ("-", "till") else sorted({first, last})

    def block(year: int) -> _Days:
        return tuple(day for number in numbers for day in _day(year, month, number))

    if year := m["year"] or m["yy"]:
        return block(int(year) if len(year) == 4 else 2000 + int(year)), None
    return _coming(block, today), None


def _day_of_month(m: re.Match[str], today: date) -> _Read:
    """den 3:e, den tredje, den 31: in the next month that has such a day."""
    number = _ORDINALS[m["ordinal"]] if m["ordinal"] else _number(m["d"] or m["e"])
    days = _coming(lambda y: tuple(d for n in range(1, 13) for d in _day(y, n, number)), today)
    return days[:1], None


def _named(first: str, last: str | None = None) -> _Block:
    """The day called `first` in the calendar of hours.py, or all days from it to `last`."""

    def block(year: int) -> _Days:
        names = named_days(year)
        return _row(names[first], names[last or first]) if first in names else ()

    return block


def _fixed(month: int, first: int, last: int) -> _Block:
    return lambda year: _row(date(year, month, first), date(year, month, last))


def _new_year(year: int) -> _Days:
    return (date(year, 12, 31), date(year + 1, 1, 1))


def _days_after_christmas(year: int) -> _Days:
    return tuple(day for day in _fixed(12, 27, 30)(year) if day.weekday() < 5)


def _advent(number: int) -> _Block:
    def block(year: int) -> _Days:
        christmas = date(year, 12, 25)
        fourth = christmas - timedelta(days=christmas.weekday() + 1)
        return (fourth - timedelta(weeks=4 - number),)

    return block


_NAMED_DAYS: tuple[tuple[str, str, _Block], ...] = (
    (r"jul[ -]?afton(?:en)?", "julafton", _named("julafton")),
    (r"(?:forsta )?juldag(?:en)?", "juldagen", _named("juldagen")),
    (r"annan ?da[gn](?:en)? ?pask", "annandag påsk", _named("annandag påsk")),
    (r"annan ?da[gn](?:en)? ?jul|annanda[gn](?:en)?", "annandag jul", _named("annandag jul")),
    (r"nyars[ -]?afton(?:en)?", "nyårsafton", _named("nyårsafton")),
    (r"nyarsdag(?:en)?", "nyårsdagen", _named("nyårsdagen")),
    (r"trettondag(?:en)?s ?afton(?:en)?", "trettondagsafton", _named("trettondagsafton")),
    (r"tretton(?:de)?dag(?:en)?(?: jul)?", "trettondedag jul", _named("trettondedag jul")),
    (r"skartorsdag(?:en)?", "skärtorsdag", _named("skärtorsdag")),
    (r"langfredag(?:en)?", "långfredagen", _named("långfredagen")),
    (r"pask[ -]?afton(?:en)?", "påskafton", _named("påskafton")),
    (r"paskdag(?:en)?", "påskdagen", _named("påskdagen")),
    (
        r"valborg(?:smasso)?(?:afton(?:en)?)?|sista april",
        "valborgsmässoafton",
        _named("valborgsmässoafton"),
    ),
    (r"kristi ?him+els?fard\w*", "Kristi himmelsfärdsdag", _named("Kristi himmelsfärdsdag")),
    (r"nationaldag(?:en)?", "nationaldagen", _named("nationaldagen")),
    (r"pingstafton(?:en)?", "pingstafton", _named("pingstafton")),
    (r"pingstdag(?:en)?", "pingstdagen", _named("pingstdagen")),
    (r"midsommar[ -]?afton(?:en)?", "midsommarafton", _named("midsommarafton")),
    (r"midsommardag(?:en)?", "midsommardagen", _named("midsommardagen")),
    (r"al+a ?helgons ?afton(?:en)?", "allahelgonsafton", _named("allahelgonsafton")),
    (
        r"al+a ?helgons?(?: ?dag(?:en)?)?|al+helgona(?:helgen)?",
        "alla helgons dag",
        _named("alla helgons dag"),
    ),
    (r"lucia(?:dagen)?", "lucia", _fixed(12, 13, 13)),
    (r"(?:forsta|1(?::?a)?) ?(?:sondagen i )?advent", "första advent", _advent(1)),
    (r"(?:andra|2(?::?a)?) ?(?:sondagen i )?advent", "andra advent", _advent(2)),
    (r"(?:tredje|3(?::?e)?) ?(?:sondagen i )?advent", "tredje advent", _advent(3)),
    (r"(?:fjarde|4(?::?e)?) ?(?:sondagen i )?advent", "fjärde advent", _advent(4)),
)
_PERIODS: tuple[tuple[str, str, _Block], ...] = (
    (r"mellandag(?:ar|arna)|mellan jul och nyar(?:et)?", "i mellandagarna", _days_after_christmas),
    (r"jul(?:en|helgen|dagarna)?", "i jul", _fixed(12, 24, 26)),
    (r"nyar(?:et|shelgen)?", "vid nyår", _new_year),
    (r"pask(?:en|helgen)?", "i påsk", _named("långfredagen", "annandag påsk")),
    (r"pingst(?:en|helgen)?", "i pingst", _named("pingstafton", "pingstdagen")),
    (r"midsommar(?:en|helgen)?", "i midsommar", _named("midsommarafton", "midsommardagen")),
)
_SIDES = {"efter": "efter", "fore": "före", "innan": "före"}


def _yearly(kind: str, pattern: str, label: str, block: _Block) -> _Rule:
    """A named day or period, also with a year, as "dagen efter", or as "efter": a weekday."""

    def read(m: re.Match[str], today: date) -> _Read:
        side = _SIDES.get(m["side"])
        step = 1 if side == "efter" else -1

        def wanted(year: int) -> _Days:
            days = block(year) if _FIRST_YEAR <= year <= _LAST_YEAR else ()
            if not days or not side:
                return days
            beside = days[-1 if side == "efter" else 0] + timedelta(days=step)
            while not m["next_to"] and (beside.weekday() >= 5 or holiday_name(beside)):
                beside += timedelta(days=step)
            return (beside,)

        days = wanted(int(m["year"])) if m["year"] else _coming(wanted, today)
        if not side:
            return days, label
        name = f"{side} {label.removeprefix('i ').removeprefix('vid ')}"
        return days, f"dagen {name}" if m["next_to"] else name

    year = rf"(?:,? (?P<year>{_YEAR}))?"
    lead = rf"{_LEAD}\b(?:(?P<next_to>da(?:ge)?n )?(?P<side>efter|fore|innan) )?"
    return _Rule(kind, re.compile(rf"{lead}(?:{pattern})\b{year}"), read)


def _next_such(pattern: str, is_such: Callable[[date], bool], label: str) -> _Rule:
    """The coming day, no Sunday, that `is_such`; "nästa …" is later than today."""

    def read(m: re.Match[str], today: date) -> _Read:
        first = today + timedelta(days=1 if m["next"] or m["before"] else 0)
        for day in _row(first, first + timedelta(days=731)):
            if day.weekday() != 6 and is_such(day):
                return ((day - timedelta(days=1),), None) if m["before"] else ((day,), label)
        return (), None

    lead = r"\b(?P<before>dag(?:en|ar)? (?:fore|innan) (?:en )?)?(?P<next>nasta )?"
    return _Rule("day", re.compile(rf"{lead}(?:{pattern})(?:en|ar|arna)?\b"), read)


_AWAY = {"before": -2, "gone": -1, "today": 0, "next": 1, "over": 2}


def _relative(m: re.Match[str], today: date) -> _Read:
    return (today + timedelta(days=_AWAY[m.lastgroup or "today"]),), None


def _in_days(m: re.Match[str], today: date) -> _Read:
    """om tre dagar, om en vecka, för två dagar sedan."""
    if m["way"] == "for" and not m["ago"]:
        return (), None
    number = int(m["n"]) if m["n"].isdigit() else _UNITS[m["n"]]
    days = number * (7 if m["unit"].startswith("v") else 1)
    return (today + timedelta(days=-days if m["ago"] else days),), None


def _week(m: re.Match[str], today: date) -> _Read:
    """nästa vecka, förra veckan; i veckan = what is left of it, at a weekend Monday–Friday next."""
    monday = _monday(today)
    if m["which"] in ("nasta", "kommande"):
        return _row(monday + timedelta(days=7), monday + timedelta(days=13)), "nästa vecka"
    if m["which"] == "forra":
        return _row(monday - timedelta(days=7), monday - timedelta(days=1)), "förra veckan"
    if today.weekday() >= 5:
        return _row(monday + timedelta(days=7), monday + timedelta(days=11)), "i veckan"
    return _row(today, monday + timedelta(days=6)), "i veckan"


def _week_number(m: re.Match[str], today: date) -> _Read:
    number, this_year = int(m["n"]), today.isocalendar().year
    for year in [int(m["year"])] if m["year"] else [this_year, this_year + 1]:
        try:
            monday = date.fromisocalendar(year, number, 1)
        except ValueError:
            continue
        if m["year"] or monday + timedelta(days=6) >= today:
            return _row(monday, monday + timedelta(days=6)), f"vecka {number}"
    return (), None


def _weekend(m: re.Match[str], today: date) -> _Read:
    saturday = _monday(today) + timedelta(days={"nasta": 12, "forra": -2}.get(m["which"], 5))
    days = _row(saturday, saturday + timedelta(days=1))
    if m["which"] == "forra":
        return days, "förra helgen"
    return tuple(day for day in days if day >= today), "nästa helg" if m["which"] else "i helgen"


def _weekday(m: re.Match[str], today: date) -> _Read:
    """på fredag, fre, i fredags, förra fredagen; nästa fredag is the one in the next ISO week."""
    number = _WEEKDAYS[m["day"]] if m["day"] else _SHORT_WEEKDAYS.get(m["short"], 3)
    if m["which"] == "nasta":
        return (_monday(today) + timedelta(days=7 + number),), None
    ahead = (number - today.weekday()) % 7
    past = m["which"] == "forra" or (m["which"] == "i" and m["ending"] == "s")
    return (today + timedelta(days=ahead - 7 if past else ahead),), None


_RULES: tuple[_Rule, ...] = (
    _Rule(
        "day",
        re.compile(r"(?<![\d-])(\d{4})-(\d\d?)-(\d\d?)(?:t(?=\d)|(?!\d|-\d))"),
        _year_month_day,
    ),
    _Rule("day", re.compile(r"(?<![\d-])(20\d\d)(\d\d)(\d\d)(?!\d|-\d)"), _year_month_day),
    _Rule(
        "day",
        re.compile(r"(?<![\d.-])(\d\d?)[.-](\d\d?)[.-]((?:19|20)\d\d)(?!\d|[.-]\d)"),
        _day_month_year,
    ),
    *(_yearly("day", *row) for row in _NAMED_DAYS),
    _Rule(
        "day",
        re.compile(
            rf"(?<![\d.:,/]){_LEAD}(?:\bden )?(?<!\d)"
            rf"(?:(?P<first>{_DAY}) ?(?P<sep>-|till|och|eller|&) ?(?:den )?)?"
            rf"(?:(?P<d>{_DAY})|\b(?P<ordinal>{_ORDINAL})) ?"
            rf"(?:(?P<month>{_MONTH})(?:,? (?P<year>{_YEAR}))?"
            r"|/(?P<mm>\d{1,2})(?:[-/ ](?P<yy>20\d\d|(?<=[-/])\d\d))?"
            r"(?![\d/]|[.:]\d| ?(?:tim|dag|kg|liter)))"
        ),
        _day_month,
    ),
    *(_yearly("period", *row) for row in _PERIODS),
    _Rule(
        "day",
        re.compile(
            rf"{_LEAD}\b(?:den (?:(?P<d>{_DAY})|(?!andra\b)(?P<ordinal>{_ORDINAL}))"
            rf"|(?P<e>\d{{1,2}}:e)){_ALONE}"
        ),
        _day_of_month,
    ),
    _next_such(r"roda? dag|helgdag", lambda day: bool(holiday_name(day)), "röd dag"),
    _next_such(r"klamdag", is_squeeze_day, "klämdag"),
    _Rule(
        "day",
        re.compile(
            r"\b(?:(?P<before>i ?forrgar)|(?P<gone>i ?gar)|(?P<today>i ?d(?:ag|ga))"
            r"|(?P<over>(?:i ?)?overmor(?:gon|ron|on|n))"
            r"|(?P<next>i ?m[ao]r(?:gon|gen|gan|ron|rn|on|n)|imrn))\b"
        ),
        _relative,
    ),
    _Rule(
        "period",
        re.compile(
            rf"\b(?P<way>om|for) (?P<n>\d{{1,3}}|{_any(_UNITS)}) "
            r"(?P<unit>dag(?:ar)?|dar|veck(?:a|or))\b(?P<ago> (?:sedan|sen))?"
        ),
        _in_days,
    ),
    _Rule(
        "period",
        re.compile(
            rf"\b(?:veckan?|v)\.? ?(?P<n>\d{{1,2}})(?![\w:]|[.,/-]\d)(?:,? (?P<year>{_YEAR}))?"
        ),
        _week_number,
    ),
    _Rule(
        "period",
        re.compile(r"\b(?P<which>i|under|denna|den har|nasta|kommande|forra) veckan?\b"),
        _week,
    ),
    _Rule(
        "period",
        re.compile(r"\b(?:i )?(?:(?P<which>nasta|forra) )?helg(?:en|er|erna)?\b"),
        _weekend,
    ),
    _Rule(
        "weekday",
        re.compile(
            r"\b(?:nu )?(?:pa )?(?:(?P<which>nasta|forra|i) )?"
            rf"(?:(?P<day>{_any(_WEEKDAYS)})(?P<ending>en|arna|ar|s)?"
            r"(?:\b|(?=kvall|morgon|formiddag|eftermiddag))"
            # "tor" alone is a name
            rf"|(?P<short>{_any(_SHORT_WEEKDAYS)}|(?<=pa )tor)\b\.?)"
        ),
        _weekday,
    ),
    _Rule("now", re.compile(r"\bnu\b"), lambda m, today: ((today,), "nu")),
)


# --- Times of day -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _DayPart:
    pattern: re.Pattern[str]
    default: time
    later: range  # the hours by the clock face that mean 12 hours later in this part of the day


def _part(pattern: str, default: time, later: range) -> _DayPart:
    return _DayPart(re.compile(rf"\b(?:pa |i |om )?(?:{pattern})\b"), default, later)


_OFFICE = range(1, 7)  # without a word for it, "fem" is in the afternoon and "sju" in the morning
_MORNING = range(0)
_EVENING = range(1, 12)
_DAY_PARTS = (
    _part(r"efter lunch(?:en)?", time(13), _OFFICE),
    _part(r"(?:pa|vid|over|under|kring|fore|till) lunch(?:en|tid)?|lunchtid", time(12), _OFFICE),
    _part(r"mitt pa da(?:ge)?n", time(12), _OFFICE),
    _part(r"(?:vid )?midnatt", time(0), _MORNING),
    _part(r"i?eftermiddag(?:en|ar|arna)?|em", time(15), range(1, 8)),
    _part(r"i?formiddag(?:en|ar|arna)?|fm", time(10), _MORNING),
    _part(r"morgon(?:en)?|morgnar(?:na)?|bitti|i?morse", time(8), _MORNING),
    _part(r"i?kvall(?:en|ar|arna|stid)?", time(19), _EVENING),
    _part(r"i?natt(?:en)?", time(23), range(7, 12)),
)


def _take_day_part(rest: str) -> tuple[str, _DayPart | None]:
    """The first part of the day that is named; "~" in its place, so that a time sees it."""
    for part in _DAY_PARTS:
        if part.pattern.search(rest):
            return part.pattern.sub(lambda m: "~" * len(m[0]), rest), part
    return rest, None


_HOURS = {word: number for word, number in _UNITS.items() if number <= 12 and word != "en"}
_CLOCK = (
    r"(?:(?:kvart|fem|tio|tjugo)(?: minuter)? (?:i|over) )?(?:halv ?)?"
    rf"(?:\d{{4}}|\d{{1,2}}(?:[.:]\d\d)?|{_any(_HOURS)})(?![\w:]|[.,/]\d"
    r"| ?(?:kr|kronor|:-|%|procent|meter|m|km|kg|years|grader|barn|personer|manader)\b| ?%)"
)
_CLOCK_PARTS = re.compile(
    r"(?:(?P<step>kvart|fem|tio|tjugo)(?: minuter)? (?P<way>i|over) )?(?P<half>halv ?)?"
    r"(?P<hour>\d\d(?=\d\d)|\d{1,2}|[a-z]+)[.:]?(?P<minute>\d\d)?"
)
_STEPS = {"kvart": 15, "fem": 5, "tio": 10, "tjugo": 20}
_TIME = re.compile(
    r"(?<![\w.,:/+-])(?:(?P<lead>vid|efter|fore|innan|tills?|fran|mellan|runt|omkring|kring|senast)"
    rf" )?(?P<kl>(?:klockan|klocka|kl)\.? ?)?(?P<a>{_CLOCK})"
    rf"(?: ?(?P<sep>-|till|och) ?(?:(?:klockan|kl)\.? ?)?(?P<b>{_CLOCK}))?"
)
_PLAINLY_TIME = re.compile(r"[.:]|halv|kvart| i | over ")
_UNTIL = frozenset({"fore", "innan", "till", "tills", "senast"})
_STANDS_ALONE = re.compile(_ALONE)
_BEFORE_DAY_PART = re.compile(r" ?~")


def _times(rest: str, part: _DayPart | None) -> tuple[time | None, time | None]:
    """The first moment or span in `rest`: (at, until), None where nothing is said."""
    at = until = None
    position = 0
    while m := _TIME.search(rest, position):
        # Go on from a rejected first number: the second may begin a time of its own.
        position = m.end("a")
        if not _is_time(m, rest):
            continue
        first, second = _clock(m["a"], part), None
        if m["b"] and (m["sep"] != "och" or m["lead"] == "mellan"):
            second, position = _clock(m["b"], part), m.end()
        if m["lead"] in _UNTIL and not second:
            until = until or first
        else:
            at, until = at or first, until or second
    return at, until


def _is_time(m: re.Match[str], rest: str) -> bool:
    if m["kl"]:
        return True
    if re.fullmatch(r"\d{4}", m["a"]):
        return False
    if _PLAINLY_TIME.search(m["a"]) or (m["sep"] == "-" and re.search("[.:]", m["b"])):
        return True
    if _BEFORE_DAY_PART.match(rest, m.end()):
        return True
    if m["lead"] == "mellan" and not m["b"]:
        return False
    return bool(m["lead"] and _STANDS_ALONE.match(rest, m.end()))


def _clock(text: str, part: _DayPart | None) -> time | None:
    """The time of "halv fem", "kvart över 4", "17.30", "1730"; None for "25" or "9.75"."""
    m = _CLOCK_PARTS.fullmatch(text)
    if not m:
        return None
    hour = _HOURS.get(m["hour"]) or int(m["hour"])
    minute = int(m["minute"] or 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        return None
    if not m["hour"].startswith("0") and hour in (part.later if part else _OFFICE):
        hour += 12
    elif part and hour == 12 and 11 in part.later:
        hour = 0
    step = _STEPS.get(m["step"], 0) * (-1 if m["way"] == "i" else 1)
    total = (hour * 60 + minute + step - (30 if m["half"] else 0)) % (24 * 60)
    return time(total // 60, total % 60)
