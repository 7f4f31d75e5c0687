"""Opening hours. Expected days come from the calendar: 23 November 2026 is a Monday."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content import languages
from bot.content.dates import When
from bot.content.hours import (
    STOCKHOLM,
    DayException,
    Interval,
    OpeningHours,
    closes_at,
    day_status,
    describe_day,
    describe_time,
    describe_when,
    eve_name,
    holiday_name,
    is_open,
    is_squeeze_day,
    named_days,
    next_opening,
    open_now,
    state,
    week_hours,
)
from bot.content.load import load
from bot.settings import ROOT


def span(text: str) -> Interval:
    """ "08:00-16:30" as an Interval."""
    first, last = text.split("-")
    return Interval(time.fromisoformat(first), time.fromisoformat(last))


def at(text: str) -> datetime:
    """ "2026-11-23 09:00" as Stockholm time."""
    return datetime.fromisoformat(text).replace(tzinfo=STOCKHOLM)


def day(text: str) -> date:
    return date.fromisoformat(text)


DAY = (span("08:00-16:30"),)
OFFICE = OpeningHours(dict.fromkeys(range(5), DAY))
LUNCH = OpeningHours(dict.fromkeys(range(5), (span("08:00-12:00"), span("13:00-16:30"))))
EVERY_DAY = OpeningHours(dict.fromkeys(range(7), DAY))
NEVER = OpeningHours({})
DECIDED = replace(
    OFFICE,
    exceptions=(
        DayException(day("2026-12-09"), (), "personaldag"),
        DayException(day("2026-12-23"), (span("08:00-12:00"),), "kortare dag före julafton"),
        DayException(day("2026-12-24"), ()),
        DayException(day("2026-12-27"), (span("10:00-14:00"),), "extraöppet"),
        DayException(day("2027-01-06"), (span("09:00-11:00"),)),
    ),
)
MONDAY = at("2026-11-23 09:00")


# --- What can't be built ---


@pytest.mark.parametrize(("first", "last"), [("16:30", "08:00"), ("08:00", "08:00")])
def test_an_interval_closes_after_it_opens(first: str, last: str) -> None:
    with pytest.raises(ValueError, match="senare än öppningen"):
        Interval(time.fromisoformat(first), time.fromisoformat(last))


@pytest.mark.parametrize(
    ("weekly", "sentence"),
    [
        ({0: (span("08:00-12:00"), span("11:30-16:00"))}, "måndag överlappar"),
        ({4: (span("13:00-16:00"), span("08:00-12:00"))}, "fredag överlappar eller står i fel"),
        ({1: (span("08:00-12:00"), span("12:00-16:00"))}, "tisdag möts 12:00"),
        ({7: DAY}, "Veckodag 7 finns inte"),
    ],
)
def test_a_faulty_week_is_named(weekly: dict[int, tuple[Interval, ...]], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        OpeningHours(weekly)


def test_a_date_has_one_exception_only() -> None:
    twice = (DayException(day("2026-12-23"), ()), DayException(day("2026-12-23"), DAY))
    with pytest.raises(ValueError, match="Två undantag för samma datum: 2026-12-23"):
        OpeningHours({}, exceptions=twice)


def test_exceptions_must_not_overlap_either() -> None:
    with pytest.raises(ValueError, match="2026-12-23 överlappar"):
        DayException(day("2026-12-23"), (span("08:00-12:00"), span("10:00-14:00")))


def test_a_clock_time_has_no_time_zone() -> None:
    with pytest.raises(ValueError, match="utan tidszon"):
        Interval(time(8, tzinfo=UTC), time(9, tzinfo=UTC))


def test_a_naive_now_is_refused() -> None:
    with pytest.raises(ValueError, match="tidszon"):
        is_open(OFFICE, datetime(2026, 11, 23, 9))


# --- The calendar ---


@pytest.mark.parametrize(
    ("when", "name"),
    [
        ("2026-01-06", "trettondedag jul"),
        ("2026-04-03", "långfredagen"),
        ("2026-04-06", "annandag påsk"),
        ("2026-05-01", "första maj"),
        ("2026-05-14", "Kristi himmelsfärdsdag"),
        ("2026-06-06", "nationaldagen"),
        ("2026-06-20", "midsommardagen"),
        ("2026-10-31", "alla helgons dag"),
        ("2026-12-26", "annandag jul"),
        ("2027-12-26", "annandag jul"),  # a Sunday, and a holiday still
        ("2026-11-22", None),  # a Sunday as any other
        ("2026-12-24", None),  # an eve, not a public holiday
        ("2008-05-01", "första maj och Kristi himmelsfärdsdag"),
    ],
)
def test_public_holidays(when: str, name: str | None) -> None:
    assert holiday_name(day(when)) == name


@pytest.mark.parametrize(
    ("when", "name"),
    [
        ("2026-12-24", "julafton"),
        ("2026-12-31", "nyårsafton"),
        ("2026-06-19", "midsommarafton"),
        ("2027-06-25", "midsommarafton"),
        ("2026-04-04", "påskafton"),
        ("2026-04-02", "skärtorsdag"),
        ("2026-01-05", "trettondagsafton"),
        ("2026-04-30", "valborgsmässoafton"),
        ("2026-10-30", "allahelgonsafton"),
        ("2026-05-15", "klämdag"),  # Friday after Ascension Day
        ("2026-01-02", "klämdag"),  # Friday after New Year's Day
        ("2028-06-05", "klämdag"),  # Monday before 6 June, a Tuesday
        ("2030-12-23", "klämdag"),  # Monday before julafton, a Tuesday
        ("2026-12-23", None),  # a bank's half-day only
        ("2026-06-18", None),
        ("2026-12-25", None),
        ("2026-11-23", None),
    ],
)
def test_eves(when: str, name: str | None) -> None:
    assert eve_name(day(when)) == name


def test_an_eve_may_be_a_squeeze_day_too() -> None:
    assert is_squeeze_day(day("2026-01-05"))


def test_days_at_the_ends_of_the_calendar_have_no_names() -> None:
    assert (eve_name(date.min), eve_name(date.max), holiday_name(date.max)) == (None, None, None)
    assert not named_days(1900)


# --- A day ---


@pytest.mark.parametrize(
    ("when", "intervals", "reason", "certain"),
    [
        ("2026-11-23", DAY, None, True),
        ("2026-11-28", (), None, True),
        ("2026-12-25", (), "juldagen", True),
        ("2026-12-31", DAY, "nyårsafton", False),
        ("2026-12-24", (), "julafton", True),  # decided, so no longer uncertain
        ("2026-12-23", (span("08:00-12:00"),), "kortare dag före julafton", True),
        ("2026-12-27", (span("10:00-14:00"),), "extraöppet", True),  # a Sunday
        ("2027-01-06", (span("09:00-11:00"),), "trettondedag jul", True),  # open on a holiday
        ("2026-04-04", (), "påskafton", True),  # a Saturday, closed anyway
        ("2027-06-06", (), "nationaldagen", True),  # holiday on a Sunday
    ],
)
def test_what_decides_a_day(
    when: str, intervals: tuple[Interval, ...], reason: str | None, certain: bool
) -> None:
    status = day_status(DECIDED, day(when))
    assert (status.intervals, status.reason, status.certain) == (intervals, reason, certain)


def test_a_place_may_keep_its_hours_on_holidays_and_eves() -> None:
    hours = OpeningHours(
        dict.fromkeys(range(7), DAY), closed_on_public_holidays=False, eves_uncertain=False
    )
    for when in ("2026-12-24", "2026-12-25"):
        assert day_status(hours, day(when)).intervals == DAY
        assert day_status(hours, day(when)).certain


# --- A moment ---


@pytest.mark.parametrize(
    ("hours", "moment", "closes"),
    [
        (OFFICE, "2026-11-23 07:59", None),
        (OFFICE, "2026-11-23 08:00", "2026-11-23 16:30"),
        (OFFICE, "2026-11-23 16:29", "2026-11-23 16:30"),
        (OFFICE, "2026-11-23 16:30", None),
        (OFFICE, "2026-11-28 10:00", None),
        (OFFICE, "2026-12-25 10:00", None),
        (LUNCH, "2026-11-23 11:59", "2026-11-23 12:00"),
        (LUNCH, "2026-11-23 12:30", None),
        (LUNCH, "2026-11-23 13:00", "2026-11-23 16:30"),
        (DECIDED, "2026-12-23 12:00", None),
        (EVERY_DAY, "2026-03-29 08:00", "2026-03-29 16:30"),
        (OFFICE, "2028-02-29 10:00", "2028-02-29 16:30"),  # a Tuesday
    ],
)
def test_open_until(hours: OpeningHours, moment: str, closes: str | None) -> None:
    assert closes_at(hours, at(moment)) == (at(closes) if closes else None)
    assert is_open(hours, at(moment)) == (closes is not None)


@pytest.mark.parametrize(
    ("hours", "after", "opens"),
    [
        (OFFICE, "2026-11-23 07:00", "2026-11-23 08:00"),
        (OFFICE, "2026-11-23 08:00", "2026-11-24 08:00"),  # strictly later
        (OFFICE, "2026-11-27 17:00", "2026-11-30 08:00"),
        (LUNCH, "2026-11-23 12:15", "2026-11-23 13:00"),
        (OFFICE, "2026-04-02 17:00", "2026-04-07 08:00"),  # over Easter
        (OFFICE, "2026-12-31 17:00", "2027-01-04 08:00"),
        (OFFICE, "2026-06-05 17:00", "2026-06-08 08:00"),  # a holiday on a Saturday
        (OFFICE, "2026-05-24 12:00", "2026-05-25 08:00"),  # Whit Monday is an ordinary day
        (OFFICE, "2026-12-23 17:00", "2026-12-24 08:00"),  # uncertain, but in the ordinary hours
        (DECIDED, "2026-12-23 17:00", "2026-12-27 10:00"),
        (OFFICE, "2028-02-28 17:00", "2028-02-29 08:00"),
        (NEVER, "2026-11-23 09:00", None),
    ],
)
def test_next_opening(hours: OpeningHours, after: str, opens: str | None) -> None:
    assert next_opening(hours, at(after)) == (at(opens) if opens else None)


def test_the_next_certain_opening_passes_over_eves() -> None:
    assert next_opening(OFFICE, at("2026-12-23 17:00"), certain_only=True) == at("2026-12-28 08:00")


@pytest.mark.parametrize(
    ("evening", "utc_hour"),
    [("2026-03-28 22:00", 6), ("2026-03-29 22:00", 6), ("2026-10-24 22:00", 7)],
)
def test_doors_follow_the_clock_on_the_wall_when_it_changes(evening: str, utc_hour: int) -> None:
    opens = next_opening(EVERY_DAY, at(evening))
    assert opens is not None
    assert (opens.hour, opens.astimezone(UTC).hour) == (8, utc_hour)


def test_an_opening_in_the_hour_that_spring_skips_comes_an_hour_later() -> None:
    night = OpeningHours({6: (span("02:30-05:00"),)})
    opens = next_opening(night, at("2026-03-28 22:00"))
    assert opens is not None
    assert opens.isoformat() == "2026-03-29T03:30:00+02:00"
    assert is_open(night, opens)


def test_an_hour_that_autumn_repeats_is_open_once() -> None:
    night = OpeningHours({6: (span("02:15-02:45"),)})
    assert is_open(night, datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    assert not is_open(night, datetime(2026, 10, 25, 1, 30, tzinfo=UTC))


def test_any_time_zone_will_do() -> None:
    assert is_open(OFFICE, datetime(2026, 11, 23, 7, 30, tzinfo=UTC))
    assert not is_open(OFFICE, datetime(2026, 11, 23, 15, 30, tzinfo=UTC))


clock_times = st.times().map(lambda t: t.replace(second=0, microsecond=0))
spans = (
    st.lists(clock_times, min_size=2, max_size=2, unique=True)
    .map(sorted)
    .map(lambda pair: (Interval(pair[0], pair[1]),))
)
weeks = st.dictionaries(st.integers(0, 6), spans, min_size=1)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(STOCKHOLM))


@given(weeks, moments, st.booleans())
def test_the_next_opening_is_later_and_open_and_never_before_the_doors(
    weekly: dict[int, tuple[Interval, ...]], after: datetime, red_days: bool
) -> None:
    hours = OpeningHours(weekly, closed_on_public_holidays=red_days)
    opens = next_opening(hours, after)
    assert opens is not None
    assert opens.astimezone(UTC) > after.astimezone(UTC)
    assert is_open(hours, opens)
    assert not is_open(hours, opens.astimezone(UTC) - timedelta(microseconds=1))


@given(weeks, moments)
def test_it_is_open_until_it_closes(
    weekly: dict[int, tuple[Interval, ...]], moment: datetime
) -> None:
    hours = OpeningHours(weekly)
    closes = closes_at(hours, moment)
    if closes:
        assert closes.astimezone(UTC) > moment.astimezone(UTC)
        assert not is_open(hours, closes)


@given(weeks, moments, st.dates(date(2019, 1, 1), date(2041, 1, 1)), clock_times)
def test_every_sentence_ends_with_a_full_stop(
    weekly: dict[int, tuple[Interval, ...]], now: datetime, asked: date, clock: time
) -> None:
    hours = OpeningHours(weekly)
    week = When(tuple(asked + timedelta(days=n) for n in range(7)), label="i veckan")
    for text in (
        open_now(hours, now),
        describe_day(hours, asked, now),
        describe_time(hours, asked, clock, now),
        describe_when(hours, week, now),
    ):
        assert text.endswith(".")
        assert text[0].isupper()
        assert ".." not in text
        assert "None" not in text


# --- Wording ---


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (OFFICE, "måndag–fredag kl. 8.00–16.30"),
        (LUNCH, "måndag–fredag kl. 8.00–12.00 och 13.00–16.30"),
        (EVERY_DAY, "måndag–söndag kl. 8.00–16.30"),
        (NEVER, "stängt alla dagar"),
        (
            OpeningHours({0: DAY, 1: DAY, 3: (span("08:00-18:00"),), 5: (span("10:00-14:00"),)}),
            "måndag–tisdag kl. 8.00–16.30, torsdag kl. 8.00–18.00, lördag kl. 10.00–14.00",
        ),
    ],
)
def test_the_week_in_words(hours: OpeningHours, text: str) -> None:
    assert week_hours(hours) == text


@pytest.mark.parametrize(
    ("hours", "now", "text"),
    [
        (OFFICE, "2026-11-23 09:00", "Just nu är det öppet, till kl. 16.30."),
        (LUNCH, "2026-11-23 09:00", "Just nu är det öppet, till kl. 12.00."),
        (
            LUNCH,
            "2026-11-23 12:10",
            "Just nu är det stängt. Nästa öppning är i dag kl. 13.00.",
        ),
        (
            OFFICE,
            "2026-11-23 06:00",
            "Just nu är det stängt. Nästa öppning är i dag kl. 8.00.",
        ),
        (
            OFFICE,
            "2026-11-23 18:00",
            "Just nu är det stängt. Nästa öppning är i morgon, tisdag 24 november, kl. 8.00.",
        ),
        (
            OFFICE,
            "2026-11-20 18:00",
            "Just nu är det stängt. Nästa öppning är måndag 23 november kl. 8.00.",
        ),
        (
            OFFICE,
            "2027-01-01 12:00",
            "Just nu är det stängt. Nästa öppning är måndag 4 januari kl. 8.00.",
        ),
        (
            OFFICE,
            "2026-12-23 17:00",
            (
                "Just nu är det stängt. I morgon, torsdag 24 december (julafton): öppettiden är "
                "inte bekräftad. Nästa bekräftade öppning är måndag 28 december kl. 8.00."
            ),
        ),
        (
            OFFICE,
            "2026-12-24 10:00",
            (
                "I dag, julafton, är öppettiden inte bekräftad, så ring först. "
                "Nästa bekräftade öppning är måndag 28 december kl. 8.00."
            ),
        ),
        (
            OFFICE,
            "2026-12-24 19:00",
            "Just nu är det stängt. Nästa öppning är måndag 28 december kl. 8.00.",
        ),
        (
            EVERY_DAY,
            "2026-04-01 20:00",  # Maundy Thursday, closed on Friday, Easter Eve, Sunday, Monday
            (
                "Just nu är det stängt. I morgon, torsdag 2 april (skärtorsdag) och lördag 4 "
                "april (påskafton): öppettiderna är inte bekräftade. Nästa bekräftade öppning är "
                "tisdag 7 april kl. 8.00."
            ),
        ),
        (
            NEVER,
            "2026-11-23 09:00",
            "Just nu är det stängt. Ingen bekräftad öppning är inlagd.",
        ),
    ],
)
def test_open_now(hours: OpeningHours, now: str, text: str) -> None:
    assert open_now(hours, at(now)) == text


@pytest.mark.parametrize(
    ("hours", "now", "swedish", "english"),
    [
        (OFFICE, "2026-11-23 10:00", "är öppet till kl. 16.30.", "is open until 16:30."),
        (OFFICE, "2026-11-23 07:00", "och öppnar kl. 8.00.", "opens today at 08:00."),
        (OFFICE, "2026-11-23 17:00", "öppnar i morgon kl. 8.00.", "opens tomorrow at 08:00."),
        (OFFICE, "2026-11-20 17:00", "öppnar på måndag kl. 8.00.", "opens on Monday at 08:00."),
        (NEVER, "2026-11-23 09:00", "Kontaktcenter är stängt.", "The contact centre is closed."),
        (
            OFFICE,
            "2026-12-23 17:00",
            "är stängt. Nästa bekräftade öppning är på måndag kl. 8.00.",
            "is closed. It is sure to be open on Monday at 08:00.",
        ),
        (
            OFFICE,
            "2026-12-24 10:00",
            "öppettid i dag är inte bekräftad. Ring först.",
            "hours today are not confirmed. Call first.",
        ),
    ],
)
def test_state_in_one_line(hours: OpeningHours, now: str, swedish: str, english: str) -> None:
    assert state(hours, at(now)).endswith(swedish)
    phrases = load(ROOT / "content").phrases["en"]
    assert languages.state(hours, phrases, at(now), "en").endswith(english)


@pytest.mark.parametrize(
    ("hours", "asked", "now", "text"),
    [
        (OFFICE, "2026-11-27", MONDAY, "Fredag 27 november: öppet kl. 8.00–16.30."),
        (OFFICE, "2026-11-23", MONDAY, "I dag, måndag 23 november: öppet kl. 8.00–16.30."),
        (OFFICE, "2026-11-24", MONDAY, "I morgon, tisdag 24 november: öppet kl. 8.00–16.30."),
        (
            OFFICE,
            "2026-11-23",
            at("2026-11-23 17:00"),
            (
                "I dag, måndag 23 november: öppet kl. 8.00–16.30. Just nu är det stängt. Nästa "
                "öppning är i morgon, tisdag 24 november, kl. 8.00."
            ),
        ),
        (
            OFFICE,
            "2026-11-28",
            at("2026-11-28 11:00"),
            "I dag, lördag 28 november: stängt. Nästa öppning är måndag 30 november kl. 8.00.",
        ),
        (
            OFFICE,
            "2026-12-26",
            MONDAY,
            (
                "Lördag 26 december, annandag jul: stängt. "
                "Nästa öppning är måndag 28 december kl. 8.00."
            ),
        ),
        (
            OFFICE,
            "2026-12-24",
            MONDAY,
            (
                "Torsdag 24 december, julafton: öppettiden är inte bekräftad. Vanliga torsdagar är "
                "det öppet kl. 8.00–16.30, men ring eller titta på webbplatsen innan du kommer."
            ),
        ),
        (
            OFFICE,
            "2027-01-01",
            MONDAY,
            (
                "Fredag 1 januari 2027, nyårsdagen: stängt. "
                "Nästa öppning är måndag 4 januari 2027 kl. 8.00."
            ),
        ),
        (
            DECIDED,
            "2026-12-23",
            MONDAY,
            "Onsdag 23 december, kortare dag före julafton: öppet kl. 8.00–12.00.",
        ),
        (
            DECIDED,
            "2026-12-09",
            MONDAY,
            (
                "Onsdag 9 december, personaldag: stängt. "
                "Nästa öppning är torsdag 10 december kl. 8.00."
            ),
        ),
        (
            OFFICE,
            "2026-11-22",
            MONDAY,
            "I går, söndag 22 november: stängt. Just nu är det öppet, till kl. 16.30.",
        ),
        (OFFICE, "2026-11-16", MONDAY, "Måndag 16 november: öppet kl. 8.00–16.30."),
        (
            OFFICE,
            "2025-12-24",
            MONDAY,
            (
                "Onsdag 24 december 2025, julafton: öppettiden är inte bekräftad. Vanliga "
                "onsdagar är det öppet kl. 8.00–16.30. Just nu är det öppet, till kl. 16.30."
            ),
        ),
        (
            OFFICE,
            "2026-12-30",
            at("2026-12-30 20:00"),
            (
                "I dag, onsdag 30 december: öppet kl. 8.00–16.30. Just nu är det stängt. I morgon, "
                "torsdag 31 december (nyårsafton): öppettiden är inte bekräftad. Nästa bekräftade "
                "öppning är måndag 4 januari 2027 kl. 8.00."
            ),
        ),
        (OFFICE, "2028-02-29", at("2028-01-10 09:00"), "Tisdag 29 februari: öppet kl. 8.00–16.30."),
    ],
)
def test_a_day_in_words(hours: OpeningHours, asked: str, now: datetime, text: str) -> None:
    assert describe_day(hours, day(asked), now) == text


@pytest.mark.parametrize(
    ("hours", "asked", "clock", "text"),
    [
        (
            OFFICE,
            "2026-11-27",
            "15:00",
            (
                "Ja, fredag 27 november kl. 15.00 är det öppet. Det stänger kl. 16.30. "
                "Öppettiden den dagen är kl. 8.00–16.30."
            ),
        ),
        (
            OFFICE,
            "2026-11-23",
            "17:00",
            (
                "Nej, måndag 23 november kl. 17.00 är det stängt. "
                "Öppettiden den dagen är kl. 8.00–16.30."
            ),
        ),
        (
            LUNCH,
            "2026-11-24",
            "12:30",
            (
                "Nej, tisdag 24 november kl. 12.30 är det stängt. "
                "Öppettiden den dagen är kl. 8.00–12.00 och 13.00–16.30."
            ),
        ),
        (
            OFFICE,
            "2026-11-28",
            "12:00",
            (
                "Nej, lördag 28 november är det stängt hela dagen. Ordinarie tid är måndag–fredag "
                "kl. 8.00–16.30. Nästa öppning är måndag 30 november kl. 8.00."
            ),
        ),
        (
            OFFICE,
            "2026-12-26",
            "12:00",
            (
                "Nej, lördag 26 december, annandag jul, är det stängt hela dagen. Ordinarie tid är "
                "måndag–fredag kl. 8.00–16.30. Nästa öppning är måndag 28 december kl. 8.00."
            ),
        ),
        (
            DECIDED,
            "2026-12-23",
            "14:00",
            (
                "Nej, onsdag 23 december kl. 14.00 är det stängt. Öppettiden den dagen är "
                "kl. 8.00–12.00, kortare dag före julafton."
            ),
        ),
        (
            OFFICE,
            "2026-12-31",
            "10:00",
            (
                "Det är inte säkert. Torsdag 31 december, nyårsafton: öppettiden är inte "
                "bekräftad. Vanliga torsdagar är det öppet kl. 8.00–16.30, men ring eller titta "
                "på webbplatsen innan du kommer."
            ),
        ),
        (
            OFFICE,
            "2026-11-20",
            "10:00",
            (
                "Ja, fredag 20 november kl. 10.00 var det öppet. Öppettiden den dagen var "
                "kl. 8.00–16.30. Just nu är det öppet, till kl. 16.30."
            ),
        ),
    ],
)
def test_a_time_in_words(hours: OpeningHours, asked: str, clock: str, text: str) -> None:
    assert describe_time(hours, day(asked), time.fromisoformat(clock), MONDAY) == text


def test_an_evening_on_an_eve_is_probably_closed() -> None:
    text = describe_time(OFFICE, day("2026-12-31"), time(20), MONDAY)
    assert text.startswith("Troligen inte.")


def row(first: str, length: int) -> tuple[date, ...]:
    return tuple(day(first) + timedelta(days=n) for n in range(length))


@pytest.mark.parametrize(
    ("hours", "when", "text"),
    [
        (
            OFFICE,
            When(row("2026-11-23", 1), label="nu"),
            "Just nu är det öppet, till kl. 16.30.",
        ),
        (
            OFFICE,
            When(row("2026-11-28", 2), label="i helgen"),
            (
                "I helgen, lördag 28 november och söndag 29 november: stängt. Nästa öppning är "
                "måndag 30 november kl. 8.00. Ordinarie tid är måndag–fredag kl. 8.00–16.30."
            ),
        ),
        (
            OFFICE,
            When(row("2026-12-26", 1), label="annandag jul"),
            (
                "Lördag 26 december, annandag jul: stängt. Nästa öppning är måndag 28 december "
                "kl. 8.00. Ordinarie tid är måndag–fredag kl. 8.00–16.30."
            ),
        ),
        (
            OFFICE,
            When(row("2026-12-14", 7), label="vecka 51"),
            (
                "Vecka 51, måndag 14 december–fredag 18 december: öppet kl. 8.00–16.30. Lördag 19 "
                "december och söndag 20 december: stängt. Nästa öppning är måndag 21 december "
                "kl. 8.00. Ordinarie tid är måndag–fredag kl. 8.00–16.30."
            ),
        ),
        (
            OFFICE,
            When(row("2026-12-28", 7), label="vecka 53"),
            (
                "Vecka 53, måndag 28 december–onsdag 30 december: öppet kl. 8.00–16.30. Torsdag "
                "31 december (nyårsafton): öppettiden är inte bekräftad (vanligen kl. "
                "8.00–16.30), ring eller titta på webbplatsen innan du kommer. Fredag 1 januari "
                "2027 (nyårsdagen), lördag 2 januari 2027 och söndag 3 januari 2027: stängt. "
                "Nästa öppning är måndag 4 januari 2027 kl. 8.00. Ordinarie tid är måndag–fredag "
                "kl. 8.00–16.30."
            ),
        ),
        (
            DECIDED,
            When(row("2026-12-07", 5), label=None),
            (
                "Måndag 7 december, tisdag 8 december, torsdag 10 december och fredag 11 december: "
                "öppet kl. 8.00–16.30. Onsdag 9 december (personaldag): stängt. Nästa öppning är "
                "torsdag 10 december kl. 8.00. Ordinarie tid är måndag–fredag kl. 8.00–16.30."
            ),
        ),
        (
            OFFICE,
            When(row("2026-11-24", 2)),
            "Tisdag 24 november och onsdag 25 november: öppet kl. 8.00–16.30.",
        ),
        (
            OFFICE,
            When(row("2026-11-23", 1), until=time(17)),
            "I dag, måndag 23 november: öppet kl. 8.00–16.30.",
        ),
    ],
)
def test_several_days_in_words(hours: OpeningHours, when: When, text: str) -> None:
    assert describe_when(hours, when, MONDAY) == text


def test_a_question_about_now_on_a_closed_day_carries_the_ordinary_hours() -> None:
    text = describe_when(OFFICE, When(row("2026-11-28", 1), label="nu"), at("2026-11-28 10:00"))
    assert text.startswith("Just nu är det stängt. Nästa öppning är måndag 30 november kl. 8.00.")
    assert text.count("Ordinarie tid är måndag–fredag kl. 8.00–16.30.") == 1


def test_a_holiday_week_stays_within_five_sentences() -> None:
    text = describe_when(DECIDED, When(row("2026-12-21", 14), label="i jul"), MONDAY)
    assert text.replace("kl. ", "").count(". ") + 1 <= 5
    assert text.count("Ordinarie tid") == 1
    for name in ("julafton", "juldagen", "annandag jul", "nyårsafton", "extraöppet"):
        assert name in text
