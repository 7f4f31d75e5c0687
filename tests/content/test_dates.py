"""Swedish phrases for days and times. Expected days come from the calendar.

November 2026: 23 is a Monday, week 48. Easter Sunday: 5 April 2026, 28 March 2027.
"""

from datetime import UTC, date, datetime, time, timedelta
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content.dates import When, parse_when
from bot.content.hours import STOCKHOLM

MONDAY = datetime(2026, 11, 23, 9, tzinfo=STOCKHOLM)


def stockholm(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=STOCKHOLM)


def parsed(text: str, now: datetime = MONDAY) -> When:
    when = parse_when(text, now)
    assert when is not None, text
    return when


def days(text: str) -> tuple[date, ...]:
    """ "2026-11-28..2026-11-29" or "2026-11-28, 2026-12-01" as dates."""
    if ".." in text:
        first, last = map(date.fromisoformat, text.split(".."))
        return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))
    return tuple(map(date.fromisoformat, text.split(", ")))


# --- Days ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kan man komma förbi idag?", "2026-11-23"),
        ("finns det någon där i dag", "2026-11-23"),
        ("Hur länge sitter ni kvar i morgon?", "2026-11-24"),
        ("funkar det imorgon", "2026-11-24"),
        ("hinner inte, tar det imorron", "2026-11-24"),
        ("vi ses imrn", "2026-11-24"),
        ("i övermorgon kanske", "2026-11-25"),
        ("tankte komma overmorgon", "2026-11-25"),
        ("Ringde igår men ingen svarade", "2026-11-22"),
        ("i förrgår", "2026-11-21"),
        ("och på fredag då", "2026-11-27"),
        ("PÅ FREDAG!", "2026-11-27"),
        ("fre", "2026-11-27"),
        ("hur är det fredagar", "2026-11-27"),
        ("på måndag", "2026-11-23"),  # today counts
        ("på mån", "2026-11-23"),
        ("tis?", "2026-11-24"),
        ("nu på söndag", "2026-11-29"),
        ("sön", "2026-11-29"),
        ("lör", "2026-11-28"),
        ("pa lordag", "2026-11-28"),
        ("kommer på tors", "2026-11-26"),
        ("på tor", "2026-11-26"),
        ("nästa fredag", "2026-12-04"),
        ("nästa måndag", "2026-11-30"),
        ("fredag nästa vecka", "2026-12-04"),
        ("nästa vecka, på onsdagen", "2026-12-02"),
        ("torsdag v. 51", "2026-12-17"),
        ("i fredags", "2026-11-20"),
        ("förra onsdagen", "2026-11-18"),
        ("om tre dagar", "2026-11-26"),
        ("om 10 dagar", "2026-12-03"),
        ("om en vecka", "2026-11-30"),
        ("om två veckor", "2026-12-07"),
        ("fredag om en vecka", "2026-12-04"),
        ("för två dagar sedan", "2026-11-21"),
        ("fredg", "2026-11-27"),  # slips
        ("på tosrdag", "2026-11-26"),
        ("onsdagg", "2026-11-25"),
        ("måndg", "2026-11-23"),
        ("fredan", "2026-11-27"),  # as spoken
        ("lördag och söndag", "2026-11-28..2026-11-29"),
        ("på tisdag eller på torsdag", "2026-11-24, 2026-11-26"),
        ("mån-fre", "2026-11-23..2026-11-27"),
        ("från onsdag till fredag", "2026-11-25..2026-11-27"),
        ("idag och på fredag", "2026-11-23, 2026-11-27"),
        ("i dag, måndag", "2026-11-23"),
    ],
)
def test_days_near_now(text: str, expected: str) -> None:
    assert parsed(text).days == days(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("den 3:e januari", "2027-01-03"),
        ("3 januari", "2027-01-03"),
        ("3 jan", "2027-01-03"),
        ("den tredje januari", "2027-01-03"),
        ("den 3:e", "2026-12-03"),
        ("den tredje", "2026-12-03"),
        ("har ni öppet den 24?", "2026-11-24"),
        ("den 23:e", "2026-11-23"),  # today counts
        ("den 31", "2026-12-31"),  # November has none
        ("3/12", "2026-12-03"),
        ("24 december", "2026-12-24"),
        ("24 DECEMBER 2025", "2025-12-24"),
        ("24/12-26", "2026-12-24"),
        ("24/12 2027", "2027-12-24"),
        ("24/12-26/12", "2026-12-24..2026-12-26"),
        ("24-26/12", "2026-12-24..2026-12-26"),
        ("24–26 december", "2026-12-24..2026-12-26"),
        ("24 och 27 december", "2026-12-24, 2026-12-27"),
        ("30 december till 2 januari", "2026-12-30..2027-01-02"),
        ("2026-12-06", "2026-12-06"),  # ISO: December
        ("20261206", "2026-12-06"),
        ("6.12.2026", "2026-12-06"),
        ("mötet 2026-11-16", "2026-11-16"),
        ("fredag 27 november", "2026-11-27"),
        ("tisdagen den 1 december", "2026-12-01"),
        ("3 mars", "2027-03-03"),
        ("tjugofjärde december", "2026-12-24"),
        ("7 feburari", "2027-02-07"),
        ("29 februari", "2028-02-29"),
    ],
)
def test_dates_by_number(text: str, expected: str) -> None:
    assert parsed(text).days == days(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("julafton", "2026-12-24"),
        ("på juldagen", "2026-12-25"),
        ("Annandag jul?", "2026-12-26"),
        ("annandagen", "2026-12-26"),
        ("nyarsafton", "2026-12-31"),
        ("nyårsdagen", "2027-01-01"),
        ("trettondagen", "2027-01-06"),
        ("trettondedag jul", "2027-01-06"),
        ("trettondagsafton", "2027-01-05"),
        ("skärtorsdag", "2027-03-25"),
        ("långfredag", "2027-03-26"),
        ("påskafton", "2027-03-27"),
        ("paskdagen", "2027-03-28"),
        ("annandag påsk", "2027-03-29"),
        ("i påsk", "2027-03-26..2027-03-29"),
        ("valborg", "2027-04-30"),
        ("första maj", "2027-05-01"),
        ("kristi himmelsfärd", "2027-05-06"),
        ("Kristi himmelfärdsdag", "2027-05-06"),
        ("nationaldagen", "2027-06-06"),
        ("pingst", "2027-05-15..2027-05-16"),
        ("midsommarafton", "2027-06-25"),
        ("midsommardagen", "2027-06-26"),
        ("i midsommar", "2027-06-25..2027-06-26"),
        ("alla helgons dag", "2027-11-06"),
        ("lucia", "2026-12-13"),
        ("första advent", "2026-11-29"),
        ("andra advent", "2026-12-06"),
        ("3:e advent", "2026-12-13"),
        ("fjärde advent", "2026-12-20"),
        ("i jul", "2026-12-24..2026-12-26"),
        ("under julhelgen", "2026-12-24..2026-12-26"),
        ("mellandagarna", "2026-12-28..2026-12-30"),  # 27 December is a Sunday
        ("på en röd dag", "2026-12-25"),
        ("klämdag", "2027-05-07"),
        ("efter jul", "2026-12-28"),
        ("efter nyår", "2027-01-04"),
        ("före jul", "2026-12-23"),
        ("julafton 2027", "2027-12-24"),
        ("torsdag, julafton", "2026-12-24"),
        ("jul-afton", "2026-12-24"),
        ("dagen efter nyårsdagen", "2027-01-02"),  # a Saturday
        ("dan före julafton", "2026-12-23"),
        ("dag före röd dag", "2026-12-24"),
        ("mellan jul och nyår", "2026-12-28..2026-12-30"),
        ("under jul och nyår", "2026-12-24, 2026-12-25, 2026-12-26, 2026-12-31, 2027-01-01"),
    ],
)
def test_days_by_name(text: str, expected: str) -> None:
    assert parsed(text).days == days(expected)


@pytest.mark.parametrize(
    ("text", "expected", "label"),
    [
        ("i helgen", "2026-11-28..2026-11-29", "i helgen"),
        ("nästa helg", "2026-12-05..2026-12-06", "nästa helg"),
        ("i veckan", "2026-11-23..2026-11-29", "i veckan"),
        ("nästa vecka", "2026-11-30..2026-12-06", "nästa vecka"),
        ("vecka 51", "2026-12-14..2026-12-20", "vecka 51"),
        ("v51", "2026-12-14..2026-12-20", "vecka 51"),
        ("v. 53", "2026-12-28..2027-01-03", "vecka 53"),
        ("vecka 2", "2027-01-11..2027-01-17", "vecka 2"),
        ("vecka 1 2028", "2028-01-03..2028-01-09", "vecka 1"),
        ("vecka 48", "2026-11-23..2026-11-29", "vecka 48"),
    ],
)
def test_weeks_and_weekends(text: str, expected: str, label: str) -> None:
    assert (parsed(text).days, parsed(text).label) == (days(expected), label)


@pytest.mark.parametrize(
    ("now", "text", "expected"),
    [
        ("2026-12-31 15:00", "imorgon", "2027-01-01"),
        ("2026-12-31 15:00", "nyårsafton", "2026-12-31"),
        ("2026-12-31 15:00", "3 januari", "2027-01-03"),
        ("2026-12-31 15:00", "vecka 53", "2026-12-28..2027-01-03"),
        ("2027-01-02 15:00", "vecka 53", "2026-12-28..2027-01-03"),
        ("2027-01-02 15:00", "nästa vecka", "2027-01-04..2027-01-10"),
        ("2026-12-30 15:00", "på fredag", "2027-01-01"),
        ("2027-01-01 10:00", "julafton", "2027-12-24"),
        ("2026-12-25 10:00", "i jul", "2026-12-25..2026-12-26"),
        ("2026-12-27 10:00", "efter jul", "2026-12-28"),
        ("2026-12-27 10:00", "mellandagarna", "2026-12-28..2026-12-30"),
        ("2028-02-28 10:00", "imorgon", "2028-02-29"),
        ("2028-02-29 10:00", "29 februari", "2028-02-29"),
        ("2028-02-29 10:00", "den 29:e", "2028-02-29"),
        ("2026-03-28 23:30", "imorgon", "2026-03-29"),  # the clock changes that night
        ("2026-10-24 23:30", "i morgon", "2026-10-25"),
        ("2026-10-25 02:30", "om en vecka", "2026-11-01"),
        ("2026-11-29 10:00", "i helgen", "2026-11-29"),  # what is left of it
        ("2026-11-29 10:00", "nästa helg", "2026-12-05..2026-12-06"),
        ("2026-11-28 10:00", "i veckan", "2026-11-30..2026-12-04"),
        ("2026-11-26 10:00", "i veckan", "2026-11-26..2026-11-29"),
        ("2026-11-25 10:00", "mån-fre", "2026-11-30..2026-12-04"),
        ("2026-11-27 10:00", "nästa fredag", "2026-12-04"),
        ("2026-05-01 10:00", "röd dag", "2026-05-01"),
        ("2026-05-01 10:00", "nästa röda dag", "2026-05-14"),
        ("2026-12-28 10:00", "nästa klämdag", "2027-05-07"),
        ("2026-04-05 10:00", "annandag påsk", "2026-04-06"),
        ("2026-06-05 10:00", "midsommarafton", "2026-06-19"),
        ("2022-12-01 10:00", "fjärde advent", "2022-12-18"),  # Christmas Day is a Sunday
    ],
)
def test_days_seen_from_other_days(now: str, text: str, expected: str) -> None:
    assert parsed(text, stockholm(now)).days == days(expected)


def test_today_is_the_day_in_stockholm() -> None:
    late = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    assert parsed("idag", late).days == days("2026-11-24")


def test_a_day_without_time_has_none() -> None:
    assert parsed("på fredag") == When(days("2026-11-27"))


def test_now_is_today_with_a_label() -> None:
    assert parsed("Är det någon där nu?") == When(days("2026-11-23"), label="nu")


@pytest.mark.parametrize("text", ["nu på söndag", "nu på morgonen"])
def test_now_with_something_more_exact_gives_way(text: str) -> None:
    assert parsed(text).label is None


@pytest.mark.parametrize(
    ("text", "label"),
    [("julafton", "julafton"), ("efter jul", "efter jul"), ("24 december", None)],
)
def test_labels_name_what_has_a_name(text: str, label: str | None) -> None:
    assert parsed(text).label == label


# --- Times ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kl 17", "17:00"),
        ("kl. 9", "09:00"),
        ("kl.9", "09:00"),
        ("klockan 17", "17:00"),
        ("Är det någon där kl 15 är ni öppna då", "15:00"),  # "är" is not "år"
        ("17:30", "17:30"),
        ("går det 17.30", "17:30"),
        ("kl 1730", "17:30"),
        ("kl halv fem", "16:30"),
        ("halv fem", "16:30"),
        ("halv ett", "12:30"),
        ("kvart i fem", "16:45"),
        ("kvart över fyra", "16:15"),
        ("kvart över 4", "16:15"),
        ("tio i nio", "08:50"),
        ("fem över halv fem", "16:35"),
        ("efter fyra", "16:00"),
        ("vid tre?", "15:00"),
        ("kl fem", "17:00"),
        ("klockan elva", "11:00"),
        ("fyra på eftermiddagen", "16:00"),
        ("kl 4 på morgonen", "04:00"),
        ("kl 7", "07:00"),
        ("kl 7 på kvällen", "19:00"),
        ("kl 05", "05:00"),
        ("kl tolv", "12:00"),
        ("på lunchen", "12:00"),
        ("mitt på dagen", "12:00"),
        ("på morgonen", "08:00"),
        ("på eftermiddagen", "15:00"),
        ("på kvällen", "19:00"),
        ("ikväll", "19:00"),
        ("vid midnatt", "00:00"),
        ("vid 17-tiden", "17:00"),
    ],
)
def test_a_time_alone_is_today(text: str, expected: str) -> None:
    assert parsed(text) == When(days("2026-11-23"), at=time.fromisoformat(expected))


@pytest.mark.parametrize(
    ("text", "at", "until"),
    [
        ("kl 8-16.30", "08:00", "16:30"),
        ("mellan tio och tolv", "10:00", "12:00"),
        ("från 8 till 17", "08:00", "17:00"),
        ("kl. 10–2", "10:00", "14:00"),
        ("till fem", None, "17:00"),
        ("innan kl 9", None, "09:00"),
        ("före halv tre", None, "14:30"),
    ],
)
def test_spans_of_time(text: str, at: str | None, until: str | None) -> None:
    when = parsed(text)
    assert when.at == (time.fromisoformat(at) if at else None)
    assert when.until == (time.fromisoformat(until) if until else None)


@pytest.mark.parametrize(
    ("text", "day", "at"),
    [
        ("fredag 27 november kl 15", "2026-11-27", "15:00"),
        ("kan jag komma efter fyra på fredag", "2026-11-27", "16:00"),
        ("imorgon bitti", "2026-11-24", "08:00"),
        ("på fredagskväll", "2026-11-27", "19:00"),
        ("nästa tisdag kl halv tio", "2026-12-01", "09:30"),
        ("julafton klockan 11", "2026-12-24", "11:00"),
        ("2026-12-24T15:30", "2026-12-24", "15:30"),
        ("24/12 15.30", "2026-12-24", "15:30"),
        ("den 3:e mellan 10 och 12", "2026-12-03", "10:00"),
        ("på lunchen på tisdag", "2026-11-24", "12:00"),
    ],
)
def test_a_day_and_a_time(text: str, day: str, at: str) -> None:
    assert (parsed(text).days, parsed(text).at) == (days(day), time.fromisoformat(at))


# --- Neither ---


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "Var ligger stadshuset?",
        "0520-49 50 00",
        "Jag nås på 070-123 45 67",
        "+46 520 49 50 00",
        "08-12 34 56",
        "ring 114 14",
        "112",
        "Gärdhemsvägen 9, 461 83 Trollhättan",
        "Storgatan 12 B",
        "850412-1234",
        "Hur ansöker man om bygglov?",
        "min son behöver skolskjuts",
        "i mån av plats",
        "Frekvensen är hög",
        "gatlampan är Sönder",
        "Lördgren söker Torsten",
        "Tor Svensson har frågat",
        "sol och vår",
        "i mars",
        "Maj är hon som ringde",
        "den tredje gången jag frågar",
        "vi är fyra personer",
        "till fyra personer",
        "barn mellan 8 och 12 år",
        "det kostar 17.30 kr",
        "31/11",
        "30 februari",
        "2026-02-30",
        "kl 25",
        "vecka 77",
        "24/7",
        "God jul!",
        "god kväll",
        "Trevlig helg",
        "jullovet och påsklovet",
        "under åren",
        "hejsan hoppsan 12345678901234567890",
    ],
)
def test_what_is_no_day_and_no_time(text: str) -> None:
    assert parse_when(text, MONDAY) is None


def test_a_phone_number_beside_a_day_is_left_alone() -> None:
    text = "Ring 0520-49 50 00 på fredag, jag bor på Storgatan 9, 461 83"
    assert parsed(text) == When(days("2026-11-27"))


def test_a_naive_now_is_refused() -> None:
    with pytest.raises(ValueError, match="tidszon"):
        parse_when("idag", datetime(2026, 11, 23))


def test_when_needs_a_day() -> None:
    with pytest.raises(ValueError, match="at least one day"):
        When(())


def test_decomposed_letters_are_read_alike() -> None:
    assert parsed("pa\u030a lo\u0308rdag").days == days("2026-11-28")


# --- Any text ---

_WORDS = (
    "på i den nästa om efter till mellan kl klockan halv kvart över och fredag mån jul påsk advent "
    "vecka v. helgen januari maj första tredje 3:e 24 24/12 2026-12-06 31 29 0 99 17.30 24:00 2100 "
    "1899 morgon kväll nu idag år - – , ? röd dag klämdag sedan dagar veckor två ett 00:60"
)
_NOWS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(STOCKHOLM))


@given(st.text(max_size=200), _NOWS)
def test_no_text_breaks_it(text: str, now: datetime) -> None:
    parse_when(text, now)


@given(st.lists(st.sampled_from(_WORDS.split()), max_size=12).map(" ".join), _NOWS)
def test_no_mixture_of_its_own_words_breaks_it(text: str, now: datetime) -> None:
    when = parse_when(text, now)
    if when:
        assert when.days == tuple(sorted(set(when.days)))
        assert 1 <= len(when.days) <= 31


@pytest.mark.parametrize(
    "piece",
    [
        *("måndag ", "1/", "den ", "kl ", "1", " ", "1-", "a", "i ", "på måndagen, den ", "12.30 "),
        *("fem i ", "om 3 ", "24/12-", "1 och ", "god dag", "halv ", "\u0130", "den 3:e "),
    ],
)
def test_a_long_text_is_quick(piece: str) -> None:
    text = (piece * 5000)[:5000]
    parse_when(text, MONDAY)
    started = perf_counter()
    parse_when(text, MONDAY)
    assert perf_counter() - started < 1  # some 0.05 s when measured
