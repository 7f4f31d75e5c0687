"""How long staff wait for the pages of conversations when there are many.

    .venv/bin/python bench/transcripts.py --database sqlite|postgresql [--turns 200000] [--times 25]

Fills a database of its own, in a temporary folder, with made turns: questions of data/nlu in all
mixtures, answers of content/. Then asks the real aiohttp application for each page `times` times,
one after the other, as somebody who is signed in. Prints medians and the slowest, in milliseconds
until the last byte. Exit code 1 if a median is over LIMIT.
"""

import argparse
import asyncio
import logging
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import aiohttp  # noqa: E402
import structlog  # noqa: E402
from aiohttp.test_utils import TestServer  # noqa: E402
from sqlalchemy import insert, select, text  # noqa: E402
from sqlalchemy.ext.asyncio import AsyncEngine  # noqa: E402

from bench.databases import database  # noqa: E402
from bot.content.answers import render  # noqa: E402
from bot.content.clock import now  # noqa: E402
from bot.content.load import load  # noqa: E402
from bot.keys import DATABASE  # noqa: E402
from bot.settings import Settings  # noqa: E402
from bot.staff import accounts  # noqa: E402
from bot.store.database import engine, upgrade  # noqa: E402
from bot.store.transcript_models import Transcript, TranscriptFlag, TranscriptTurn  # noqa: E402
from bot.transcripts.reading import Place, utc  # noqa: E402
from bot.transcripts.search import stems  # noqa: E402
from bot.web import application  # noqa: E402

LIMIT = 300
"""Milliseconds."""
PASSWORD = "häst batteri klammer rätt"
A_TALK = 5
"""Turns in a conversation."""
OUTCOMES = {
    "answered": 70, "clarified": 9, "unknown": 7, "smalltalk": 6, "person": 3, "form": 3,
    "emergency": 1, "degraded": 1,
}  # fmt: skip
FLAGS = {"unknown": "fallback", "clarified": "clarification"}
ORIGIN = datetime.now(UTC).replace(microsecond=0)
SPAN = 300
"""Days: all of it younger than what is erased by age."""
LANGUAGES = {"sv": 88, "en": 6, "fi": 2, "ar": 2, "so": 2}
CHUNK = 2000


def phrases() -> list[str]:
    """Example messages of the training data, without their markup."""
    found = []
    for file in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        found += re.findall(r"^\s+- (.+)$", file.read_text("utf-8"), re.M)
    return [re.sub(r"\[(.*?)\]\(.*?\)|\[(.*?)\]\{.*?\}", r"\1\2", one) for one in found]


def conversations(count: int) -> Iterator[tuple[dict[str, Any], set[str], list[dict[str, Any]]]]:
    """Rows of made conversations with their flags and turns, the oldest first."""
    dice = random.Random(7)
    content, questions = load(ROOT / "content"), phrases()
    answers = {f"faq/{e.id}": render(content, e.short, now()) for e in content.entries.values()}
    topics = list(answers)
    dice.shuffle(topics)
    weights = [1 / (place + 1) for place in range(len(topics))]  # some are asked for much oftener
    for number in range(count):
        started = ORIGIN - timedelta(days=SPAN) * ((count - number) / count)
        key = f"s-{dice.getrandbits(128):032x}"
        language = dice.choices(list(LANGUAGES), list(LANGUAGES.values()))[0]
        flags, turns = set[str](), list[dict[str, Any]]()
        for place in range(1, A_TALK + 1):
            outcome = dice.choices(list(OUTCOMES), list(OUTCOMES.values()))[0]
            topic = dice.choices(topics, weights)[0]
            said = f"{dice.choice(questions)} {dice.choice(questions)}"
            answer = answers[topic] if outcome == "answered" else "Det vet jag tyvärr inte."
            sure = round(dice.betavariate(6, 1.5), 3)
            liked = dice.choices([None, 1, -1], [94, 4, 2])[0]
            other = dice.choice(topics)
            if outcome not in ("answered", "smalltalk"):
                flags.add(FLAGS.get(outcome, outcome))
            if liked == -1:
                flags.add("negative")
            turns.append(
                {
                    "id": f"{dice.getrandbits(128):032x}",
                    "transcript_id": key, "number": place,
                    "at": started + timedelta(seconds=40 * (place - 1)),
                    "text": said, "pressed": False, "language": language,
                    "intent": "faq", "confidence": sure,
                    "ranking": [[topic, sure], [other, round(1 - sure, 3)]],
                    "entities": [], "topic": topic if outcome == "answered" else None,
                    "outcome": outcome, "answer": answer, "buttons": ["Läs mer", "Öppettider"],
                    "latency_ms": dice.randint(60, 400), "model": "20261120-090000",
                    "feedback": liked, "comment": None, "stems": stems(f"{said} {answer}"),
                }
            )  # fmt: skip
        words = {one["feedback"] for one in turns} - {None}
        fresh = number > count * 0.9
        head = {
            "id": key, "session_id": None, "started_at": started, "last_at": turns[-1]["at"],
            "turns": A_TALK, "language": language,
            "confidence": min(one["confidence"] for one in turns),
            "feedback": -1 if -1 in words else 1 if words else 0,
            "seen_at": None if fresh else started + timedelta(days=1),
            "seen_by": None if fresh else "anna",
            "assigned": dice.choices([None, "anna", "bo"], [96, 2, 2])[0],
        }  # fmt: skip
        yield head, flags, turns


async def fill(database: AsyncEngine, turns: int) -> None:
    """Store made conversations."""
    made = conversations(turns // A_TALK)
    while part := [one for _, one in zip(range(CHUNK), made, strict=False)]:
        async with database.begin() as db:
            await db.execute(insert(Transcript), [head for head, _, _ in part])
            await db.execute(
                insert(TranscriptFlag),
                [{"transcript_id": h["id"], "flag": f} for h, flags, _ in part for f in flags],
            )
            await db.execute(insert(TranscriptTurn), [t for _, _, turns in part for t in turns])
    async with database.begin() as db:
        await db.execute(text("ANALYZE"))


@dataclass(frozen=True)
class Figure:
    """How long a page took, in milliseconds."""

    name: str
    median: float
    slowest: float
    times: int
    bytes: int


def addresses(newest: str, oldest: str, deep: str) -> dict[str, str]:
    """The pages that are measured, by what they are."""
    day, month = ORIGIN - timedelta(days=40), ORIGIN - timedelta(days=70)
    filters = {
        "hela listan": "",
        "längst ner i listan": f"efter={deep}",
        "en månad": f"fran={month:%Y-%m-%d}&till={day:%Y-%m-%d}",
        "ett ämne": "amne=faq/overby",
        "ett ämne som knappt finns": "amne=faq/finns-inte",
        "fick inget svar": "flagga=fallback",
        "nödläge och formulär": "flagga=emergency&flagga=form",
        "säkerhet under 40 %": "under=40",
        "säkerhet under 5 %": "under=5",
        "tummen ner": "omdome=ner",
        "osedda": "osedda=1",
        "tilldelad mig": "tilldelad=jag",
        "tilldelad ingen": "tilldelad=-",
        "på somaliska": "sprak=so",
        "på ett språk som inte finns": "sprak=xx",
        "allt på en gång": "flagga=fallback&under=60&omdome=ner&osedda=1&tilldelad=-&sprak=sv"
        "&amne=faq/overby&sok=polisen&fran=2026-01-01",
        "sök: öppettid": "sok=öppettid",
        "sök: kontaktcenter (i hälften av turerna)": "sok=kontaktcenter",
        "sök: kontaktcenter och polisen": "sok=kontaktcenter+polisen",
        "sök: kontaktcenter, osedda med tummen ner": "sok=kontaktcenter&osedda=1&omdome=ner",
        "sök: ett ord som inte finns": "sok=xyzzyq",
    }
    listed = {name: f"/personal/samtal?{query}" for name, query in filters.items()}
    return {
        **listed,
        "ett samtal": f"/personal/samtal/{newest}",
        "ett gammalt samtal": f"/personal/samtal/{oldest}",
        "nästa osedda": f"/personal/samtal/{oldest}/nasta-osedda",
        "nästa med ordet kontaktcenter": f"/personal/samtal/{newest}/nasta?sok=kontaktcenter",
    }


async def measure(url: str, folder: Path, times: int) -> list[Figure]:
    """Ask the application for each page, signed in."""
    conf = Settings(
        database_url=url,
        data_dir=folder / "var",
        key_file=folder / "data.key",
        limits="off",
        transcript_days=10 * 365,  # nothing may be erased meanwhile
    )
    app, figures = application(conf), []
    async with TestServer(app) as server:
        await accounts.add(app[DATABASE], "anna", PASSWORD, accounts.READER)
        async with app[DATABASE].connect() as db:
            order = select(Transcript.id, Transcript.last_at).order_by(Transcript.last_at)
            oldest = (await db.execute(order.limit(1))).one()
            newest = (
                await db.execute(order.order_by(None).order_by(Transcript.last_at.desc()).limit(1))
            ).one()
        deep = str(Place(utc(oldest.last_at) + timedelta(hours=2), "x"))
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(server.make_url("/"), cookie_jar=jar) as http:
            await sign_in(http)
            for name, path in addresses(newest.id, oldest.id, deep).items():
                taken, size = [], 0
                for _ in range(times):
                    started = time.perf_counter()
                    async with http.get(path, allow_redirects="nasta" not in path) as answer:
                        size = len(await answer.read())
                        assert answer.status in (200, 303), (path, answer.status)
                        assert "logga-in" not in answer.headers.get("Location", answer.url.path)
                    taken.append((time.perf_counter() - started) * 1000)
                figures.append(Figure(name, statistics.median(taken), max(taken), len(taken), size))
    return figures


async def sign_in(http: aiohttp.ClientSession) -> None:
    """As the form on the page does."""
    async with http.get("/personal/logga-in") as answer:
        found = re.search(r'name="nyckel" value="([^"]*)"', await answer.text())
    assert found, "the form has a token"
    form = {"nyckel": found[1], "namn": "anna", "losenord": PASSWORD}
    origin = {"Origin": str(http._base_url).rstrip("/")}
    async with http.post("/personal/logga-in", data=form, headers=origin) as answer:
        assert answer.status == 200 and "logga-in" not in answer.url.path


async def run(kind: str, turns: int, times: int) -> int:
    """Fill, measure, print. The exit code."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="kontakt-bench-") as name:
        folder = Path(name)
        with database(kind, folder) as url:
            await upgrade(url)
            made, started = engine(url), time.perf_counter()
            await fill(made, turns)
            await made.dispose()
            print(f"{kind}: {turns} turer i {turns // A_TALK} samtal, ", end="")
            print(f"skrivna på {time.perf_counter() - started:.0f} s")
            figures = await measure(url, folder, times)
    print(f"\n| sida | median ms | långsammast ms | n | kB |\n|{'---|' * 5}")
    for one in figures:
        size = round(one.bytes / 1000)
        print(f"| {one.name} | {one.median:.0f} | {one.slowest:.0f} | {one.times} | {size} |")
    slow = [one.name for one in figures if one.median > LIMIT]
    print(f"\nÖver {LIMIT} ms: {', '.join(slow) or 'ingen'}")
    return 1 if slow else 0


def main() -> None:
    """Read the command line."""
    told = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    told.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    told.add_argument("--turns", type=int, default=200_000)
    told.add_argument("--times", type=int, default=25)
    chosen = told.parse_args()
    raise SystemExit(asyncio.run(run(chosen.database, chosen.turns, chosen.times)))


if __name__ == "__main__":
    main()
