"""Other languages than Swedish: times in words, and which fixed text answers what.

Names of days and months come from CLDR through babel. Pure: `now` is passed in.
"""

from datetime import date, datetime, timedelta
from itertools import groupby

from babel import Locale
from babel.dates import format_date, format_skeleton

from bot.content.hours import OpeningHours, closes_at, day_status, local, next_opening
from bot.content.models import Entry, Phrases

LOCALES = {"sr": "sr_Latn"}
"""Where the texts are not in CLDR's first script for the language."""
_MONDAY = date(2024, 1, 1)

ENTRY_KEYS = {
    "oppettider": "opening_hours",
    "helgdagar": "opening_hours",
    "adress": "address",
    "hitta-hit": "address",
    "telefon": "phone",
    "e-post": "email",
    "tjanster": "services",
    "andra-arenden": "services",
    "synpunkter": "services",
    "allman-handling": "services",
    "andra-sprak": "languages",
    "prata-med-manniska": "human",
    "chatt-och-ai": "machine",
    "nodnummer": "emergency",
    "jour": "emergency",
    "andra-nummer": "emergency",
    "polisanmalan": "past_crime",
    "tips": "past_crime",
    "brottsutsatt": "past_crime",
    "psykisk-kris": "self_harm",
    "vald-i-nara-relation": "home_violence",
    "oro-for-barn": "home_violence",
    "otrygg-plats": "unsafe_place",
    "felanmalan": "unsafe_place",
    "naringslivsenhet": "collaboration",
}
"""FAQ entry → fixed text."""
TOPIC_KEYS = dict.fromkeys(("samverkan", "overby", "kungsgatan", "skriften"), "collaboration")
"""Topic → fixed text, for entries that have none of their own."""
PHRASE_KEYS = {
    "help": "greet",
    "welcome": "greet",
    "affirm": "greet",
    "deny": "thanks",
    "abuse": "human",
    "human_open": "human",
    "human_closed": "human",
    "unknown_again": "human",
    "threat": "emergency",
    "out_of_scope": "not_here",
    "other_authority": "not_here",
    "other_municipality": "not_here",
    "no_more": "only_swedish",
}
"""Swedish fixed text → that of another language; the rest is "unknown"."""


def key_of_entry(phrases: Phrases, entry: Entry) -> str:
    """The fixed text that comes nearest to an entry without translation."""
    key = ENTRY_KEYS.get(entry.id) or TOPIC_KEYS.get(entry.topic, "only_swedish")
    return key if key in phrases.phrases else "only_swedish"


def key_of_phrase(phrases: Phrases, key: str) -> str:
    """The key itself if the language has it, else the one that comes nearest."""
    return key if key in phrases.phrases else PHRASE_KEYS.get(key, "unknown")


WITH_BASICS = frozenset({"unknown", "not_here", "only_swedish"})
"""Fixed texts that end with what everybody may need, for whoever was not understood."""


def basics(phrases: Phrases) -> str:
    """Hours, address, phone and emergency numbers as a list, a template to be filled in."""
    lines = [
        (phrases.choices["hours"].title, "{{ kontaktcenter.week_hours }}"),
        (phrases.choices["address"].title, "{{ kontaktcenter.address }}"),
        (phrases.choices["phone"].title, "{{ kontaktcenter.phone }}"),
        ("{{ safety.sos.name }}", "{{ safety.sos.phone }}"),
        ("{{ safety.polisen.name }}", "{{ safety.polisen.phone }}"),
    ]
    # isolated, so that numbers keep their order in texts from right to left
    return "\n".join(f"- {title}: \u2066{value}\u2069" for title, value in lines)


def week_hours(hours: OpeningHours, phrases: Phrases, lang: str) -> str:
    """The ordinary week: "Monday–Friday 08:00–16:30, Saturday–Sunday closed"."""
    locale = Locale.parse(LOCALES.get(lang, lang))
    groups = []
    for intervals, weekdays in groupby(range(7), key=lambda n: hours.weekly.get(n, ())):
        names = [format_date(_MONDAY + timedelta(days=n), "cccc", locale=locale) for n in weekdays]
        days = names[0] if len(names) == 1 else f"{names[0]}–{names[-1]}"
        times = ", ".join(f"{span.open:%H:%M}–{span.close:%H:%M}" for span in intervals)
        groups.append(f"{days} {times or phrases.phrases['closed'].text}")
    return ", ".join(groups)


def open_now(hours: OpeningHours, phrases: Phrases, now: datetime, lang: str) -> str:
    """Whether it is open right now and until when, else when it opens next; "" if never."""
    closes = closes_at(hours, now)
    if closes is not None:
        return phrases.phrases["open_until"].text.replace("{time}", f"{closes:%H:%M}")
    opens = next_opening(hours, now)
    if opens is None:
        return ""
    locale = Locale.parse(LOCALES.get(lang, lang))
    day = format_skeleton("MMMMEEEEd", opens.date(), locale=locale)
    text = phrases.phrases["opens_next"].text.replace("{time}", f"{opens:%H:%M}")
    return text.replace("{day}", day)


def state(hours: OpeningHours, phrases: Phrases, now: datetime, lang: str) -> str:
    """As `hours.state`, in English; in other languages what `open_now` says."""
    if lang != "en":
        return open_now(hours, phrases, now, lang)
    closes = closes_at(hours, now)
    if closes is not None:
        if day_status(hours, local(now).date()).certain:
            return f"The contact centre is open until {closes:%H:%M}."
        return "The contact centre's hours today are not confirmed. Call first."
    opens = next_opening(hours, now, certain_only=True)
    if opens is None:
        return "The contact centre is closed."
    days = (opens.date() - local(now).date()).days
    day = format_date(opens, "EEEE" if days < 7 else "EEEE d MMMM", locale=lang)
    when = {0: "today", 1: "tomorrow"}.get(days, f"on {day}")
    if opens == next_opening(hours, now):
        return f"The contact centre is closed and opens {when} at {opens:%H:%M}."
    return f"The contact centre is closed. It is sure to be open {when} at {opens:%H:%M}."
