"""Opening hours: arithmetic and Swedish wording.

Everything happens in Europe/Stockholm. Nothing here reads a clock or a file: `now`, `at` and
`after` are aware datetimes in any time zone, and a naive one is a ValueError. A day that may be
shortened (an eve) keeps its ordinary hours but is not `certain`; the sentences say so.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import groupby, pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from holidays.countries.sweden import Sweden

if TYPE_CHECKING:
    from bot.content.dates import When

STOCKHOLM = ZoneInfo("Europe/Stockholm")
WEEKDAYS = ("måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag")
MONTHS = (
    *("januari", "februari", "mars", "april", "maj", "juni", "juli", "augusti", "september"),
    *("oktober", "november", "december"),
)

# The law on annual leave (1977:480, 7 §) puts these on a par with Sundays.
_DE_FACTO_OFF = frozenset({"julafton", "nyårsafton", "midsommarafton"})
# The library's names, cut before " (från kl. 14.00)". Its other "optional" and "bank" days are
# left out, its "Klämdag" too: it knows only the Friday after Ascension Day.
_EVES = {
    "julafton": "julafton",
    "nyårsafton": "nyårsafton",
    "midsommarafton": "midsommarafton",
    "påskafton": "påskafton",
    "trettondagsafton": "trettondagsafton",
    "skärtorsdagen": "skärtorsdag",
    "valborgsmässoafton": "valborgsmässoafton",
    "pingstafton": "pingstafton",
    "allahelgonsafton": "allahelgonsafton",
}
_EVE_NAMES = frozenset(_EVES.values())
_LOOK_AHEAD_DAYS = 366
_MAX_UNCONFIRMED = 3


@dataclass(frozen=True, slots=True)
class Interval:
    """Open from `open` until just before `close`: naive wall-clock times on one day.

    Raises ValueError when `close` is not after `open`.
    """

    open: time
    close: time

    def __post_init__(self) -> None:
        if self.open.tzinfo or self.close.tzinfo:
            raise ValueError("Klockslag skrivs utan tidszon, t.ex. 08:00.")
        if self.open >= self.close:
            raise ValueError(
                f"Stängningen {self.close:%H:%M} måste vara senare än öppningen {self.open:%H:%M}."
            )


@dataclass(frozen=True, slots=True)
class DayException:
    """The decided hours of one date. Empty `intervals` = closed; `note` says why, or None.

    Raises ValueError when the intervals overlap or touch.
    """

    date: date
    intervals: tuple[Interval, ...]
    note: str | None = None

    def __post_init__(self) -> None:
        _require_apart(self.intervals, self.date.isoformat())


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """Weekly hours (0 = Monday; a missing weekday is closed) with what changes them.

    Raises ValueError for a weekday outside 0–6, intervals that overlap, touch or stand in the
    wrong order, and two exceptions for one date.
    """

    weekly: Mapping[int, tuple[Interval, ...]]
    closed_on_public_holidays: bool = True
    eves_uncertain: bool = True
    exceptions: tuple[DayException, ...] = ()

    def __post_init__(self) -> None:
        for weekday, intervals in self.weekly.items():
            if weekday not in range(7):
                raise ValueError(
                    f"Veckodag {weekday} finns inte: skriv 0 (måndag) till 6 (söndag)."
                )
            _require_apart(intervals, WEEKDAYS[weekday])
        dates = [exception.date for exception in self.exceptions]
        if twice := sorted({day for day in dates if dates.count(day) > 1}):
            raise ValueError(f"Två undantag för samma datum: {twice[0]}. Behåll ett av dem.")


@dataclass(frozen=True, slots=True)
class DayStatus:
    """One day's hours. Empty `intervals` = closed; `reason` is a note or a holiday's name."""

    date: date
    intervals: tuple[Interval, ...]
    reason: str | None
    certain: bool


def _require_apart(intervals: tuple[Interval, ...], where: str) -> None:
    for first, second in pairwise(intervals):
        if first.close > second.open:
            raise ValueError(
                f"Öppettiderna för {where} överlappar eller står i fel ordning: "
                f"{first.close:%H:%M} och {second.open:%H:%M}."
            )
        if first.close == second.open:
            raise ValueError(
                f"Öppettiderna för {where} möts {first.close:%H:%M}: skriv dem som en."
            )


# --- The calendar -------------------------------------------------------------------------


@cache
def named_days(year: int) -> Mapping[str, date]:
    """Public holidays and eves of `year` by their name in running text ("annandag jul").

    Empty outside the years the library knows (1953–2100). "Klämdag" is not among them: see
    `eve_name`.
    """
    # holidays 0.109 moved julafton, nyårsafton and midsommarafton from "optional" to "de_facto".
    # The language is given because it otherwise follows LANG.
    found = Sweden(
        include_sundays=False,
        categories=("public", "optional", "de_facto"),
        years=year,
        expand=False,
        language="sv",
    )
    public = Sweden(
        include_sundays=False, categories=("public",), years=year, expand=False, language="sv"
    )
    names: dict[str, date] = {}
    for day in sorted(found):
        for title in found.get_list(day):
            # "Kristi" is a name and keeps its capital in running text.
            name = title if title.startswith("Kristi") else title[0].lower() + title[1:]
            name = name.partition(" (")[0]
            if title in public.get_list(day):
                names[name] = day
            elif name in _EVES:
                names[_EVES[name]] = day
    return names


def _names(day: date, *, eves: bool) -> list[str]:
    return [
        name
        for name, named in named_days(day.year).items()
        if named == day and (name in _EVE_NAMES) == eves
    ]


def holiday_name(day: date) -> str | None:
    """The public holiday on `day` as written in running text; None on ordinary Sundays."""
    return " och ".join(_names(day, eves=False)) or None


def eve_name(day: date) -> str | None:
    """The eve, or "klämdag", on `day`: days whose hours are often changed. None on others."""
    if names := _names(day, eves=True):
        return " och ".join(names)
    return "klämdag" if is_squeeze_day(day) else None


def is_squeeze_day(day: date) -> bool:
    """Whether `day` is a klämdag: a working day with a day off before and after it."""
    if _is_off(day) or not date.min < day < date.max:
        return False
    return _is_off(day - timedelta(days=1)) and _is_off(day + timedelta(days=1))


def _is_off(day: date) -> bool:
    if day.weekday() >= 5 or holiday_name(day):
        return True
    return not _DE_FACTO_OFF.isdisjoint(_names(day, eves=True))


# --- Arithmetic ---------------------------------------------------------------------------


def day_status(hours: OpeningHours, day: date) -> DayStatus:
    """The hours of `day`: a dated exception beats a public holiday, which beats the week."""
    holiday, eve = holiday_name(day), eve_name(day)
    for exception in hours.exceptions:
        if exception.date == day:
            reason = exception.note or holiday or eve
            return DayStatus(day, exception.intervals, reason, certain=True)
    if holiday and hours.closed_on_public_holidays:
        return DayStatus(day, (), holiday, certain=True)
    intervals = hours.weekly.get(day.weekday(), ())
    uncertain = bool(intervals and eve and hours.eves_uncertain)
    return DayStatus(day, intervals, holiday or eve, certain=not uncertain)


def local(moment: datetime) -> datetime:
    """`moment` in Europe/Stockholm. Raises ValueError when it is naive."""
    if moment.tzinfo is None:
        raise ValueError("Tidpunkten saknar tidszon (naive datetime).")
    return moment.astimezone(STOCKHOLM)


def _instant(day: date, at: time) -> datetime:
    # Through UTC: two datetimes with the same tzinfo are compared by wall clock, which is wrong
    # around DST changes, and a time in the spring gap has to become a real one.
    return datetime.combine(day, at, STOCKHOLM).astimezone(UTC)


def _spans(hours: OpeningHours, day: date) -> Iterator[tuple[datetime, datetime]]:
    for interval in day_status(hours, day).intervals:
        opens, closes = _instant(day, interval.open), _instant(day, interval.close)
        if opens < closes:
            yield opens, closes


def closes_at(hours: OpeningHours, at: datetime) -> datetime | None:
    """When the doors that are open at `at` close (Stockholm time); None when closed at `at`."""
    for opens, closes in _spans(hours, local(at).date()):
        if opens <= at < closes:
            return closes.astimezone(STOCKHOLM)
    return None


def is_open(hours: OpeningHours, at: datetime) -> bool:
    """Whether it is open at `at`. On a day that is not certain: by the ordinary hours."""
    return closes_at(hours, at) is not None


def next_opening(
    hours: OpeningHours, after: datetime, *, certain_only: bool = False
) -> datetime | None:
    """The first time the doors open strictly later than `after` (Stockholm time).

    None when they don't within 366 days. `certain_only` skips days that are not certain.
    """
    first = local(after).date()
    for day in (first + timedelta(days=n) for n in range(_LOOK_AHEAD_DAYS + 1)):
        if certain_only and not day_status(hours, day).certain:
            continue
        for opens, _ in _spans(hours, day):
            if opens > after:
                return opens.astimezone(STOCKHOLM)
    return None


# --- Swedish wording ----------------------------------------------------------------------


def week_hours(hours: OpeningHours) -> str:
    """The ordinary week: "måndag–fredag kl. 8.00–16.30"; "stängt alla dagar" without hours."""
    groups = []
    for intervals, weekdays in groupby(range(7), key=lambda n: hours.weekly.get(n, ())):
        names = [WEEKDAYS[n] for n in weekdays]
        if intervals:
            days = names[0] if len(names) == 1 else f"{names[0]}–{names[-1]}"
            groups.append(f"{days} {_kl(intervals)}")
    return ", ".join(groups) or "stängt alla dagar"


def open_now(hours: OpeningHours, now: datetime) -> str:
    """Whether it is open right now, until when, and otherwise when it opens next."""
    closes = closes_at(hours, now)
    if closes is None:
        return f"Just nu är det stängt. {_next_sentence(hours, now, now)}"
    status = day_status(hours, local(now).date())
    if status.certain:
        return f"Just nu är det öppet, till {_clock(closes.time())}."
    # short: many answers end with this sentence
    return (
        f"I dag{_suffix(status.reason, closing=',')} är öppettiden inte bekräftad, så ring först. "
        f"{_next_sentence(hours, now, now, doubt=True)}"
    )


def state(hours: OpeningHours, now: datetime) -> str:
    """One line: "Kontaktcenter är stängt och öppnar på måndag kl. 8.00." """
    closes = closes_at(hours, now)
    if closes is not None:
        if day_status(hours, local(now).date()).certain:
            return f"Kontaktcenter är öppet till {_clock(closes.time())}."
        return "Kontaktcenters öppettid i dag är inte bekräftad. Ring först."
    opens = next_opening(hours, now, certain_only=True)
    if opens is None:
        return "Kontaktcenter är stängt."
    if opens == next_opening(hours, now):
        return f"Kontaktcenter är stängt och öppnar {_soon(opens, now)}."
    return f"Kontaktcenter är stängt. Nästa bekräftade öppning är {_soon(opens, now)}."


def describe_day(hours: OpeningHours, day: date, now: datetime) -> str:
    """The hours of `day`; on a closed day, and after today's closing time, what comes next."""
    status, today = day_status(hours, day), local(now).date()
    if not status.certain:
        text = _uncertain_sentences(status, now)
        return f"{text} {_onwards(hours, now)}" if day < today else text
    heading = _sentence_start(_relative_date(day, now) + _suffix(status.reason))
    if not status.intervals:
        return f"{heading}: stängt. {_onwards(hours, now, day)}"
    text = f"{heading}: öppet {_kl(status.intervals)}."
    if day == today and now >= _instant(day, status.intervals[-1].close):
        text += f" {open_now(hours, now)}"
    return text


def describe_time(hours: OpeningHours, day: date, at: time, now: datetime) -> str:
    """Whether it is open on `day` at `at` (Stockholm wall clock), always with ordinary hours."""
    status, moment = day_status(hours, day), _instant(day, at)
    past = moment < now
    verb = "var" if past else "är"
    name = _date(day, now)
    if not status.certain:
        answer = "Det är inte säkert." if is_open(hours, moment) else "Troligen inte."
        return f"{answer} {_uncertain_sentences(status, now)}"
    if not status.intervals:
        return (
            f"Nej, {name}{_suffix(status.reason, closing=',')} {verb} det stängt hela dagen. "
            f"{_ordinary(hours)} {_onwards(hours, now, day)}"
        )
    closes = closes_at(hours, moment)
    text = f"{'Ja' if closes else 'Nej'}, {name} {_clock(at)} {verb} det "
    text += "öppet." if closes else "stängt."
    if closes and not past:
        text += f" Det stänger {_clock(closes.time())}."
    text += f" Öppettiden den dagen {verb} {_kl(status.intervals)}{_suffix(status.reason)}."
    return f"{text} {open_now(hours, now)}" if past else text


def describe_when(hours: OpeningHours, when: "When", now: datetime) -> str:
    """An answer to a question about `when`: one day, a time on it, or several days together.

    At most about five sentences. An answer with a closed day in it carries the ordinary hours
    once and the next opening. `when.until` adds nothing: the day's hours answer it.
    """
    if when.label == "nu":
        text = open_now(hours, now)
        return text if is_open(hours, now) else f"{text} {_ordinary(hours)}"
    if len(when.days) == 1:
        [day] = when.days
        if when.at is not None:
            return describe_time(hours, day, when.at, now)
        text = describe_day(hours, day, now)
        return text if day_status(hours, day).intervals else f"{text} {_ordinary(hours)}"
    return _describe_days(hours, when, now)


def _describe_days(hours: OpeningHours, when: "When", now: datetime) -> str:
    statuses = [day_status(hours, day) for day in when.days]
    alike: dict[tuple[tuple[Interval, ...], bool], list[DayStatus]] = {}
    for status in statuses:
        alike.setdefault((status.intervals, status.certain), []).append(status)
    facts = [
        f"{_dates(group, now)}: {_what(intervals, certain)}"
        for (intervals, certain), group in alike.items()
    ]
    if when.label:
        facts[0] = f"{when.label}, {facts[0]}"
    sentences = [*facts[:2], "; ".join(facts[2:])]
    text = " ".join(f"{_sentence_start(sentence)}." for sentence in sentences if sentence)
    closed = [status.date for status in statuses if not status.intervals]
    if not closed:
        return text
    last_open = max((s.date for s in statuses if s.intervals), default=date.min)
    asked_from = next((day for day in closed if day > last_open), closed[0])
    return f"{text} {_onwards(hours, now, asked_from)} {_ordinary(hours)}"


def _what(intervals: tuple[Interval, ...], certain: bool) -> str:
    if not certain:
        return (
            f"öppettiden är inte bekräftad (vanligen {_kl(intervals)}), "
            "ring eller titta på webbplatsen innan du kommer"
        )
    return f"öppet {_kl(intervals)}" if intervals else "stängt"


def _dates(group: list[DayStatus], now: datetime) -> str:
    """Dates in words; three or more plain days in a row become "måndag …–fredag …"."""
    spans = []
    for _, run in groupby(
        enumerate(group), key=lambda item: (item[1].date.toordinal() - item[0], item[1].reason)
    ):
        statuses = [status for _, status in run]
        names = [_date(s.date, now) + _brackets(s.reason) for s in statuses]
        plain_row = len(names) > 2 and not statuses[0].reason
        spans += [f"{names[0]}–{names[-1]}"] if plain_row else names
    return _join(spans)


def _ordinary(hours: OpeningHours) -> str:
    if any(hours.weekly.values()):
        return f"Ordinarie tid är {week_hours(hours)}."
    return "Det finns ingen ordinarie öppettid."


def _onwards(hours: OpeningHours, now: datetime, day: date | None = None) -> str:
    """The next opening after the start of a coming `day`; for a past day, the state now."""
    if day and day > local(now).date():
        return _next_sentence(hours, _just_before(day), now)
    return open_now(hours, now) if is_open(hours, now) else _next_sentence(hours, now, now)


def _just_before(day: date) -> datetime:
    """The last moment before `day`, so that `next_opening` counts doors opening at 00.00."""
    return _instant(day, time.min) - timedelta(microseconds=1)


def _next_sentence(
    hours: OpeningHours, after: datetime, now: datetime, *, doubt: bool = False
) -> str:
    """The next certain opening, and before it the days that may be open but are not confirmed.

    `doubt` says that the reader has just been told about an unconfirmed day.
    """
    opening = next_opening(hours, after, certain_only=True)
    unconfirmed: list[str] = []
    possible = next_opening(hours, after)
    while possible and possible != opening and len(unconfirmed) < _MAX_UNCONFIRMED:
        status = day_status(hours, possible.date())
        unconfirmed.append(_relative_date(status.date, now) + _brackets(status.reason))
        possible = next_opening(hours, _just_before(status.date + timedelta(days=1)))
    known = "Ingen bekräftad öppning är inlagd."
    if opening:
        confirmed = "bekräftade " if unconfirmed or doubt else ""
        known = f"Nästa {confirmed}öppning är {_moment(opening, now)}."
    if not unconfirmed:
        return known
    one = len(unconfirmed) == 1
    state = "öppettiden är inte bekräftad" if one else "öppettiderna är inte bekräftade"
    return f"{_sentence_start(_join(unconfirmed))}: {state}. {known}"


def _uncertain_sentences(status: DayStatus, now: datetime) -> str:
    heading = _sentence_start(_relative_date(status.date, now) + _suffix(status.reason))
    ordinary = f"Vanliga {WEEKDAYS[status.date.weekday()]}ar är det öppet {_kl(status.intervals)}"
    advice = ", men ring eller titta på webbplatsen innan du kommer"
    past = status.date < local(now).date()
    return f"{heading}: öppettiden är inte bekräftad. {ordinary}{'' if past else advice}."


def _moment(moment: datetime, now: datetime) -> str:
    day, today = moment.date(), local(now).date()
    if day == today:
        return f"i dag {_clock(moment.time())}"
    comma = "," if abs((day - today).days) == 1 else ""
    return f"{_relative_date(day, now)}{comma} {_clock(moment.time())}"


def _soon(moment: datetime, now: datetime) -> str:
    days = (moment.date() - local(now).date()).days
    named = {0: "", 1: "i morgon "}.get(days)
    if named is None:
        day = f"på {WEEKDAYS[moment.weekday()]}" if days < 7 else _date(moment.date(), now)
        named = f"{day} "
    return named + _clock(moment.time())


def _relative_date(day: date, now: datetime) -> str:
    nearby = {-1: "i går, ", 0: "i dag, ", 1: "i morgon, "}
    return nearby.get((day - local(now).date()).days, "") + _date(day, now)


def _date(day: date, now: datetime) -> str:
    year = "" if day.year == local(now).year else f" {day.year}"
    return f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}{year}"


def _suffix(reason: str | None, closing: str = "") -> str:
    return f", {reason.rstrip('.')}{closing}" if reason else ""


def _brackets(reason: str | None) -> str:
    return f" ({reason.rstrip('.')})" if reason else ""


def _clock(at: time) -> str:
    return f"kl. {_hour(at)}"


def _hour(at: time) -> str:
    return f"{at.hour}.{at.minute:02}"


def _kl(intervals: Iterable[Interval]) -> str:
    return "kl. " + _join([f"{_hour(span.open)}–{_hour(span.close)}" for span in intervals])


def _join(parts: list[str]) -> str:
    return " och ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _sentence_start(text: str) -> str:
    return text[:1].upper() + text[1:]
