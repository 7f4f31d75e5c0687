"""Every figure of the statistics, on turns written here by hand, in both databases."""

import csv
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.content.hours import DayException, Interval, OpeningHours
from bot.keys import DATABASE
from bot.staff import accounts
from bot.staff.charts import Bar, bars, ceiling, columns, labelled
from bot.staff.figures import percent, shortcuts
from bot.store.models import Interest
from bot.store.transcript_models import Transcript, TranscriptFlag, TranscriptTurn
from bot.transcripts.statistics import (
    AnswerTime,
    Form,
    Group,
    Message,
    Period,
    Recent,
    Topic,
    Use,
    figures,
    fineness,
    grouped,
    percentile,
    uses,
)
from tests.participation.conftest import Database, database, postgres  # noqa: F401
from tests.staff.conftest import Office
from tests.staff.test_browser import looks_right, sign_in

SPAN = Interval(time(8), time(16, 30))
HOURS = OpeningHours({day: (SPAN,) for day in range(5)})
PERIOD = Period(date(2026, 10, 24), date(2026, 10, 26))
"""Saturday, Sunday when summer time ends, Monday."""

# conversation, time in UTC, outcome, topic, feedback, milliseconds, text
TURNS = (
    ("before", "2026-10-23 21:59:59", "answered", "faq/overby", 1, 9000, "I fredags"),
    ("sat", "2026-10-23 22:00:00", "answered", "faq/overby", 1, 100, "Vad hände vid Överby?"),
    ("sat", "2026-10-23 22:01:00", "unknown", None, -1, 200, "Hur söker jag bygglov?"),
    ("summer", "2026-10-25 00:30:00", "clarified", None, None, 300, "cykeln"),
    ("winter", "2026-10-25 01:30:00", "unknown", None, None, 400, "söka bygglov"),
    ("form", "2026-10-26 07:00:00", "form", None, None, None, "Vi vill gå med"),
    ("form", "2026-10-26 07:01:00", "form", None, None, 500, "Bageriet"),
    ("quit", "2026-10-26 15:29:59.9", "form", None, None, 600, "anmälan"),
    ("late", "2026-10-26 15:30:00", "emergency", "emergency", None, 700, "Det brinner"),
    ("late", "2026-10-26 15:31:00", "person", "human", -1, 800, "Jag vill prata med någon"),
    ("night", "2026-10-26 22:59:59.999", "degraded", None, None, 900, "Hej?"),
    ("after", "2026-10-26 23:00:00", "smalltalk", "thanks", 1, 9000, "Tack"),
)  # fmt: skip
LANGUAGES = {"winter": "fi", "night": "en", "late": "en"}


async def write(engine: AsyncEngine) -> None:
    """Put the turns and what hangs together with them into the database."""
    at = {n: datetime.fromisoformat(turn[1]).replace(tzinfo=UTC) for n, turn in enumerate(TURNS)}
    async with engine.begin() as db:
        for name in dict.fromkeys(turn[0] for turn in TURNS):
            its = [at[n] for n, turn in enumerate(TURNS) if turn[0] == name]
            lang = LANGUAGES.get(name, "sv")
            values = {"id": name, "started_at": its[0], "last_at": its[-1], "language": lang}
            await db.execute(insert(Transcript).values(values))
        for number, (name, _, outcome, topic, feedback, ms, text) in enumerate(TURNS):
            await db.execute(insert(TranscriptTurn).values(
                id=f"t{number}", transcript_id=name, number=number, at=at[number], text=text,
                outcome=outcome, topic=topic, feedback=feedback, latency_ms=ms,
            ))  # fmt: skip
        for name in ("form", "quit"):
            await db.execute(insert(TranscriptFlag).values(transcript_id=name, flag="form"))
        # one of the conversation, and one of a conversation that isn't in the period
        for number, name in enumerate(("form", "elsewhere")):
            moment = datetime(2026, 10, 26, 8, tzinfo=UTC)
            await db.execute(insert(Interest).values(
                id=f"i{number}", key=f"k{number}", reference=f"TS-{number}", area="overby",
                sealed="", company_digest="", purpose="", consent="", consent_version="",
                consented_at=moment, conversation=name, flags=[], created_at=moment,
                changed_at=moment,
            ))  # fmt: skip


async def test_every_figure_of_a_weekend_when_summer_time_ends(database: Database) -> None:  # noqa: F811
    await write(database.engine)
    found = await figures(database.engine, PERIOD, HOURS)
    assert found.days == {
        date(2026, 10, 24): Use(conversations=1, turns=2),
        date(2026, 10, 25): Use(conversations=2, turns=2),
        date(2026, 10, 26): Use(conversations=4, turns=6),
    }
    hours = {hour: use for hour, use in enumerate(found.hours) if use.turns}
    assert hours == {
        0: Use(1, 2),
        2: Use(2, 2),  # at half past two in summer time, and an hour later once more
        8: Use(1, 2),
        16: Use(2, 3),
        23: Use(1, 1),
    }
    assert (found.conversations, found.turns) == (7, 10)
    assert found.outcomes == {
        "answered": 1, "clarified": 1, "unknown": 2, "person": 1, "emergency": 1, "form": 3,
        "smalltalk": 0, "degraded": 1,
    }  # fmt: skip
    assert found.outside == 7, "the weekend's four, two from 16.30 on and the one at midnight"
    assert found.topics == [
        Topic("", 7, 0, 1),
        Topic("emergency", 1, 0, 0),
        Topic("faq/overby", 1, 1, 0),
        Topic("human", 1, 0, 1),
    ]
    assert (found.helpful, found.unhelpful) == (1, 2)
    assert found.languages == [("sv", 4), ("en", 2), ("fi", 1)]
    assert found.groups == [Group(2, ("Hur söker jag bygglov?", "söka bygglov"))]
    assert found.answer_time == AnswerTime(9, 500, 900)
    assert found.form == Form(begun=2, sent=1, received=2)
    assert found.form.unfinished == 1


async def test_a_period_without_anything_has_no_shares(database: Database) -> None:  # noqa: F811
    found = await figures(database.engine, PERIOD, HOURS)
    assert (found.turns, found.outside, found.topics, found.groups) == (0, 0, [], [])
    assert found.answer_time == AnswerTime(0, None, None)
    assert percent(found.outside, found.turns) == "–"


async def test_figures_are_kept_for_a_minute(database: Database) -> None:  # noqa: F811
    moment = [0.0]
    recent = Recent(lambda: moment[0])
    assert (await recent.figures(database.engine, PERIOD, HOURS)).turns == 0
    await write(database.engine)
    moment[0] = 60.0
    assert (await recent.figures(database.engine, PERIOD, HOURS)).turns == 0
    closed = replace(HOURS, weekly={})
    assert (await recent.figures(database.engine, PERIOD, closed)).outside == 10
    moment[0] = 60.1
    assert (await recent.figures(database.engine, PERIOD, HOURS)).turns == 10


def test_the_day_summer_time_begins_has_no_third_hour() -> None:
    day = date(2026, 3, 29)
    period = Period(day, day)
    start, end = period.bounds
    assert end - start == timedelta(hours=23)
    every = [(start + timedelta(hours=n), 1) for n in range(23)]
    days, hours = uses(period, every, [])
    assert days == {day: Use(23, 0)}
    assert [use.conversations for use in hours] == [1, 1, 0] + [1] * 21


def test_stretches_are_as_fine_as_the_opening_hours_need() -> None:
    assert fineness(OpeningHours({0: (Interval(time(8), time(17)),)})) == 60
    assert fineness(HOURS) == 30
    short = DayException(date(2026, 12, 23), (Interval(time(8, 20), time(12)),))
    assert fineness(replace(HOURS, exceptions=(short,))) == 10


def test_percentiles_by_nearest_rank() -> None:
    counts = {ms: 1 for ms in range(1, 101)}
    assert (percentile(counts, 0.5), percentile(counts, 0.95)) == (50, 95)
    assert percentile({10: 99, 5000: 1}, 0.95) == 10
    assert percentile({7: 1}, 0.5) == 7


def test_messages_of_the_same_stems_are_one_group() -> None:
    messages = [Message(*one) for one in (
        ("Var är hundrastgården?", 1), ("hundrastgårdar", 4), ("trasig lampa", 3),
        ("Lampor, trasiga", 1), ("?!", 1),
    )]  # fmt: skip
    assert grouped(messages) == [
        Group(5, ("hundrastgårdar", "Var är hundrastgården?")),
        Group(4, ("trasig lampa", "Lampor, trasiga")),
        Group(1, ("?!",)),
    ]


# --- charts ---------------------------------------------------------------------------------------

SVG = "{http://www.w3.org/2000/svg}"


def drawn(svg: str) -> tuple[ET.Element, list[Mapping[str, str]]]:
    """A chart as a tree, and its bars."""
    tree = ET.fromstring(svg)
    return tree, [rect.attrib for rect in tree.iter("rect")]


def test_columns_are_as_high_as_their_values() -> None:
    tree, rects = drawn(columns("x", "Per dag", "Två dagar.", [
        Bar("1/5", 20, "20"), Bar("2/5", 0, "0"), Bar("3/5", 5, "5"),
    ]))  # fmt: skip
    assert [float(one["height"]) for one in rects] == [134.0, 33.5], "nothing is drawn for 0"
    assert {float(one["y"]) + float(one["height"]) for one in rects} == {156.0}
    assert [text.text for text in tree.iter("text")] == ["20", "1/5", "2/5", "3/5"]
    assert tree.attrib["role"] == "img"
    named = {child.attrib["id"]: child.text for child in tree if "id" in child.attrib}
    assert [named[i] for i in tree.attrib["aria-labelledby"].split()] == ["Per dag", "Två dagar."]


def test_bars_are_as_long_as_their_values_and_harmless() -> None:
    odd = "<script>alert(1)</script> & en etikett som är alldeles för lång"
    tree, rects = drawn(
        bars("x", "Ämnen", "", [Bar(odd, 8, "8"), Bar("b", 2, "2"), Bar("c", 0, "0")])
    )
    assert [one["width"] for one in rects] == ["46%", "11.5%"]
    texts = [str(text.text) for text in tree.iter("text")]
    assert texts[0].startswith("<script>alert(1)</script>") and texts[0].endswith("…")
    assert not list(tree.iter("script"))
    assert all("style" not in one.attrib for one in tree.iter())


def test_scales_and_labels() -> None:
    assert [ceiling(n) for n in (0, 1, 3, 7, 10, 11, 41, 99, 1001)] == [
        2, 2, 4, 8, 10, 20, 60, 100, 2000,
    ]  # fmt: skip
    assert labelled(30) == [0, 10, 19, 29]
    assert labelled(2) == [0, 1] and labelled(0) == []


# --- the page -------------------------------------------------------------------------------------

ADDRESS = "/personal/statistik?fran=2026-10-24&till=2026-10-26"


async def test_the_page_and_its_files_show_the_same_figures(office: Office) -> None:
    visitor = await office.staff(role=accounts.READER)
    await write(office.app[DATABASE])
    page = await visitor.get(ADDRESS)
    assert "Samtal 7 som började i perioden" in page.text
    assert "Utanför öppettiderna 70,0\u00a0% av meddelandena".replace("\u00a0", " ") in page.text
    assert "2026-10-26 4 6" in page.text
    assert "Vad hände vid Överby? 1 10,0 % 1 0" in page.text
    assert "Hur söker jag bygglov? / söka bygglov 2" in page.text
    assert "Median 0,50 s" in page.text and "95 % får svar inom 0,90 s" in page.text
    assert "1 av 2 påbörjade är inskickade" in page.text
    assert "I perioden kom det in 2 anmälningar." in page.text
    assert "Finska 1 14,3 %" in page.text
    files = re.findall(r'href="(/personal/statistik/[a-z]+\.csv)\?([^"]*)"', page.source)
    assert len(files) == 10
    async with visitor.http.get(f"{files[0][0]}?{files[0][1].replace('&amp;', '&')}") as response:
        assert response.headers["Content-Disposition"].endswith(
            'filename="dagar-2026-10-24-2026-10-26.csv"'
        )
        rows = list(
            csv.reader(io.StringIO((await response.read()).decode("utf-8-sig")), delimiter=";")
        )
    assert rows[0] == ["Dag", "Samtal", "Meddelanden"] and rows[3] == ["2026-10-26", "4", "6"]
    assert await office.audited("statistik") == [("anna", "exported")]


@pytest.mark.parametrize(
    "query",
    [
        "fran=i+går&till=2026-10-26",
        "fran=2026-10-26&till=2026-10-24",
        "fran=2020-01-01&till=2026-10-24",
        "fran=0001-01-01&till=0001-01-02",
        "fran=2026-10-26",
    ],
)
async def test_an_odd_period_is_refused_with_a_reason(office: Office, query: str) -> None:
    visitor = await office.staff()
    page = await visitor.get(f"/personal/statistik?{query}")
    assert page.status == 422
    assert 'role="alert"' in page.source
    assert (await visitor.get(f"/personal/statistik/dagar.csv?{query}")).status == 422
    assert (await visitor.get("/personal/statistik/finnsinte.csv")).status == 404


def test_shortcuts_are_whole_weeks_and_months() -> None:
    found = dict(shortcuts(date(2026, 3, 1)))  # a Sunday
    assert found["Den här veckan"] == "fran=2026-02-23&till=2026-03-01"
    assert found["Förra veckan"] == "fran=2026-02-16&till=2026-02-22"
    assert found["Förra månaden"] == "fran=2026-02-01&till=2026-02-28"
    assert found["Senaste 30 dagarna"] == "fran=2026-01-31&till=2026-03-01"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_looks_right_on_a_phone_and_a_wide_screen(
    office: Office, browser: Browser, scheme: Any
) -> None:
    await office.user("anna")
    context = await browser.new_context(locale="sv-SE", color_scheme=scheme)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type != "log" else None)
    await sign_in(page, office, "anna")
    await expect(page.get_by_text("Inloggad som anna")).to_be_visible()
    await write(office.app[DATABASE])
    await page.goto(f"{office.base}{ADDRESS}")
    for width in (1280, 320):
        await page.set_viewport_size({"width": width, "height": 900})
        await looks_right(page)
        texts = page.locator(".chart text")
        for box in [await one.bounding_box() for one in await texts.all()]:
            assert box and box["x"] >= 0 and box["x"] + box["width"] <= width
    assert await page.get_by_role("img", name="Meddelanden per dag").count() == 1
    first = page.locator("details").first
    await first.locator("summary").click()
    await looks_right(page)
    assert complaints == []
    await context.close()
