"""Answers made of content: their text, next steps and sources."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from bot.content.answers import (
    MAX_CHOICES,
    Option,
    TemplateError,
    entry_answer,
    phrase_answer,
    render,
    source_line,
)
from bot.content.hours import STOCKHOLM
from bot.content.load import Content, load
from bot.content.models import Source
from bot.settings import ROOT

OPEN = datetime(2026, 11, 23, 10, tzinfo=STOCKHOLM)  # a Monday morning
CLOSED = datetime(2026, 11, 21, 22, tzinfo=STOCKHOLM)  # a Saturday night


@pytest.fixture(scope="module")
def content() -> Content:
    """The real content."""
    return load(ROOT / "content")


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, str, str], Content]:
    """The content after an edit of a file."""

    def edit(name: str, old: str, new: str) -> Content:
        folder = Path(shutil.copytree(ROOT / "content", tmp_path / "content"))
        text = (folder / name).read_text("utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), "utf-8")
        return load(folder)

    return edit


# --- FAQ entries ---------------------------------------------------------------------------


def test_the_short_answer_has_the_facts_and_leads_to_more(content: Content) -> None:
    answer = entry_answer(content, "adress", OPEN)
    assert "Gärdhemsvägen 9, 461 83 Trollhättan" in answer.text
    assert "Just nu är det öppet, till kl. 16.30." in answer.text
    assert answer.topic == "adress"
    assert answer.options[0] == Option("Läs mer", '/faq{"entry": "adress", "part": "more"}')


def test_the_answer_follows_the_clock(content: Content) -> None:
    text = entry_answer(content, "adress", CLOSED).text
    assert "Just nu är det stängt. Nästa öppning är måndag 23 november kl. 8.00." in text


def test_more_gives_the_rest_with_links_and_does_not_offer_itself_again(content: Content) -> None:
    short, more = (entry_answer(content, "adress", OPEN, part) for part in ("short", "more"))
    assert short.text not in more.text
    assert "- [Stadens webbplats](https://www.trollhattan.se/)" in more.text
    assert "Läs mer" not in [option.title for option in more.options]
    assert more.options[0] == Option(
        "Hur hittar jag till kontaktcenter?", '/faq{"entry": "hitta-hit"}'
    )


def test_more_of_an_entry_without_more_is_its_answer(content: Content) -> None:
    assert not content.entries["bras-stod"].more
    assert entry_answer(content, "bras-stod", OPEN, "more") == entry_answer(
        content, "bras-stod", OPEN
    )
    assert "Läs mer" not in [o.title for o in entry_answer(content, "bras-stod", OPEN).options]


@pytest.mark.parametrize("part", ["short", "more"])
@pytest.mark.parametrize("now", [OPEN, CLOSED])
def test_every_answer_is_whole(content: Content, part: str, now: datetime) -> None:
    for name, entry in content.entries.items():
        answer = entry_answer(content, name, now, part)
        assert answer.text, name
        assert not re.search(r"[{}]|\bNone\b|namespace\(", answer.text), name
        assert len(answer.options) <= MAX_CHOICES == 3, name
        assert len({option.payload for option in answer.options}) == len(answer.options), name
        assert answer.options, f"{name} has no next step"
        assert len(answer.sources) == len(entry.source), name


def test_no_answer_leads_back_to_itself(content: Content) -> None:
    for name, entry in content.entries.items():
        assert name not in entry.related
        assert len(set(entry.related)) == len(entry.related)


def test_an_unknown_entry_is_a_key_error(content: Content) -> None:
    with pytest.raises(KeyError):
        entry_answer(content, "finns-inte", OPEN)


def test_sources_come_in_the_order_of_the_head(content: Content) -> None:
    entry = content.entries["adress"]
    assert [s.title for s in entry_answer(content, "adress", OPEN).sources] == [
        content.sources[name].title for name in entry.source
    ]


def test_a_name_is_never_given_without_the_date_when_it_was_true(content: Content) -> None:
    text = entry_answer(content, "vem-arbetar", OPEN).text
    assert "Anne Fagerberg (enligt en sida granskad 2022-05-04)" in text
    assert "Katarina Nyman (enligt en nyhet utan datum)" in text
    assert text.index("brottsförebyggande strateg") < text.index("Fagerberg"), "roles first"
    assert "Namnen kan ha ändrats" in text and "kontaktcenter" in text


# --- fixed texts ---------------------------------------------------------------------------


def test_a_fixed_text_has_its_choices(content: Content) -> None:
    answer = phrase_answer(content, "unknown", OPEN)
    assert answer.text.startswith("Det vet jag tyvärr inte.")
    assert "0520-49 50 00. Just nu är det öppet, till kl. 16.30." in answer.text
    assert answer.options == (
        Option("Vad kan kontaktcenter hjälpa mig med?", '/faq{"entry": "tjanster"}'),
        Option("Vad kan du svara på?", "/help"),
    )
    assert (answer.sources, answer.topic) == ((), None)


@pytest.mark.parametrize("now", [OPEN, CLOSED])
def test_every_fixed_text_is_whole(content: Content, now: datetime) -> None:
    for lang, phrases in content.phrases.items():
        for key in phrases.phrases:
            answer = phrase_answer(content, key, now, lang, max="1000")
            assert answer.text, key
            blanks = "{time}" if key in ("open_until", "opens_next") else ""
            assert "{" not in answer.text or blanks in answer.text, key
            assert len(answer.options) <= MAX_CHOICES, key


def test_values_are_filled_in_beside_the_facts(content: Content) -> None:
    assert "högst 1000 tecken" in phrase_answer(content, "too_long", OPEN, max="1000").text


def test_the_way_to_a_person_depends_on_the_hour(content: Content) -> None:
    assert phrase_answer(content, "human_open", OPEN).text.startswith("Kontaktcenter har öppet nu.")
    closed = phrase_answer(content, "human_closed", CLOSED).text
    assert "Just nu är det stängt. Nästa öppning är måndag 23 november kl. 8.00." in closed
    assert "0520-49 50 00" in closed and "112" in closed


@pytest.mark.parametrize("key", ["emergency", "degraded", "clarify_safety"])
def test_what_is_said_in_danger_names_both_numbers(content: Content, key: str) -> None:
    text = phrase_answer(content, key, CLOSED).text
    assert "112" in text and "114 14" in text


def test_an_unknown_fixed_text_or_language_is_a_key_error(content: Content) -> None:
    with pytest.raises(KeyError):
        phrase_answer(content, "finns_inte", OPEN)
    with pytest.raises(KeyError):
        phrase_answer(content, "welcome", OPEN, "tlh")


# --- templates -----------------------------------------------------------------------------


def test_a_text_without_braces_is_itself(content: Content) -> None:
    assert render(content, "  50 % av 100 { } \n", OPEN) == "50 % av 100 { }"


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ kontaktcenter.__init__.__globals__ }}",
        "{{ safety.sos.model_dump.__func__ }}",
        "{{ self.__init__ }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ safety.clear() }}",
        "{{ range(10 ** 9) }}",
        "{% for _ in range(10 ** 9) %}x{% endfor %}",
        "{% include 'settings.py' %}",
        "{% import 'os' as os %}",
    ],
)
def test_a_template_can_not_leave_its_sandbox(content: Content, text: str) -> None:
    with pytest.raises(TemplateError):
        render(content, text, OPEN)
    assert len(content.safety) > 5


@pytest.mark.parametrize(
    ("text", "says", "line"),
    [
        ("Ring {{ kontaktcenter.fon }}", "'fon' finns inte – välj bland address, ", 1),
        ("Ett\n\nRing {{ safety.polis.phone }}", "'polis' finns inte – välj bland ", 3),
        ("{{ kontakt.phone }}", "'kontakt' finns inte", 1),
        ("Ett\n{{ kontaktcenter.phone }", "klamrarna {{ }} är skrivna på fel sätt", 2),
        ("Ett\n{{ 1 / 0 }}", "använd bara {{ namn.fält }}", 2),
    ],
)
def test_a_fault_in_a_template_says_what_and_where(
    content: Content, text: str, says: str, line: int
) -> None:
    with pytest.raises(TemplateError) as caught:
        render(content, text, OPEN)
    assert says in str(caught.value)
    assert caught.value.line == line


def test_what_content_holds_is_never_run_as_a_template(
    edited: Callable[[str, str, str], Content],
) -> None:
    content = edited("kontaktcenter.yml", "motto: en väg in", "motto: '{{ 7 * 7 }}'")
    assert render(content, "Motto: {{ kontaktcenter.motto }}", OPEN) == "Motto: {{ 7 * 7 }}"


# --- sources -------------------------------------------------------------------------------


def test_a_source_shows_its_own_date_and_else_the_day_it_was_read() -> None:
    source = Source(
        publisher="Polisen", title="Tips", url="https://polisen.se/",
        reviewed=date(2022, 5, 4), read=date(2026, 11, 22),
    )  # fmt: skip
    assert source_line(source) == "Källa: Polisen, Tips, granskad 2022-05-04"
    undated = source.model_copy(update={"reviewed": None})
    assert source_line(undated) == "Källa: Polisen, Tips, läst 2026-11-22"


def test_content_can_not_be_changed_by_those_who_read_it(content: Content) -> None:
    with pytest.raises(Exception, match="frozen"):
        content.entries["adress"].title = "Annat"  # type: ignore[misc]
    assert replace(content, people={}).entries is content.entries
