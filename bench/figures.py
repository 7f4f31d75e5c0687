"""How long the figures of 30 days take with many turns.

    .venv/bin/python bench/figures.py --database sqlite|postgresql --turns 200000

The turns are as wide as real ones and spread over 30 days. Prints milliseconds, median of RUNS.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sqlalchemy import insert, text  # noqa: E402
from sqlalchemy.ext.asyncio import AsyncEngine  # noqa: E402

from bench.databases import database  # noqa: E402
from bot.content.load import load  # noqa: E402
from bot.store.database import engine, upgrade  # noqa: E402
from bot.store.transcript_models import Transcript, TranscriptFlag, TranscriptTurn  # noqa: E402
from bot.transcripts.statistics import Period, figures  # noqa: E402

RUNS = 7
DAYS, TURNS_EACH, CHUNK = 30, 6, 5000
LAST = date(2026, 11, 25)
WORDS = (
    *("när", "öppnar", "kontaktcenter", "var", "ligger", "det", "stulen", "cykel", "bygglov"),
    *("parkering", "trasig", "lampa", "ring"),
)
OUTCOMES = {"answered": 70, "clarified": 8, "unknown": 9, "person": 4, "emergency": 1,
            "form": 4, "smalltalk": 3, "degraded": 1}  # fmt: skip


def turns(count: int) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Conversations with their turns."""
    chance = random.Random(7)
    start = datetime(2026, 10, 26, 23, tzinfo=UTC)
    topics = [f"faq/entry-{n}" for n in range(60)]
    for number in range(count // TURNS_EACH):
        began = start + timedelta(seconds=chance.randrange(DAYS * 86400 - 600))
        rows = []
        for place in range(1, TURNS_EACH + 1):
            outcome = chance.choices(list(OUTCOMES), list(OUTCOMES.values()))[0]
            said = " ".join(chance.choices(WORDS, k=6))
            rows.append({
                "id": f"t{number}-{place}", "transcript_id": f"s{number}", "number": place,
                "at": began + timedelta(seconds=40 * place, microseconds=chance.randrange(10**6)),
                "text": said, "pressed": False, "language": "sv", "intent": "faq",
                "confidence": chance.random(),
                "ranking": [[chance.choice(topics), chance.random()] for _ in range(5)],
                "entities": [], "outcome": outcome,
                "topic": chance.choice(topics) if outcome == "answered" else None,
                "answer": " ".join(chance.choices(WORDS, k=60)), "buttons": ["Läs mer", "Nej"],
                "latency_ms": int(chance.lognormvariate(4.3, 0.5)), "model": "kontakt-0123456789",
                "feedback": chance.choice([None] * 18 + [1, -1]), "comment": None,
                "stems": " ".join(chance.choices(WORDS, k=66)),
            })  # fmt: skip
        yield {
            "id": f"s{number}", "started_at": began, "last_at": rows[-1]["at"],
            "turns": TURNS_EACH, "language": "sv", "confidence": 0.5, "feedback": 0,
        }, rows  # fmt: skip


async def fill(database: AsyncEngine, count: int) -> None:
    """Write the turns."""
    said, rows = list[dict[str, Any]](), list[dict[str, Any]]()
    async with database.begin() as db:
        for conversation, its in turns(count):
            said.append(conversation)
            rows += its
            if len(rows) >= CHUNK:
                await _write(db, said, rows)
        if said:
            await _write(db, said, rows)
    async with database.connect() as db:
        await db.execution_options(isolation_level="AUTOCOMMIT")
        await db.execute(text("VACUUM ANALYZE" if db.dialect.name != "sqlite" else "ANALYZE"))


async def _write(db: Any, said: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    await db.execute(insert(Transcript), said)
    in_form = {row["transcript_id"] for row in rows if row["outcome"] == "form"}
    flags = [{"transcript_id": one, "flag": "form"} for one in sorted(in_form)]
    await db.execute(insert(TranscriptFlag), flags)
    await db.execute(insert(TranscriptTurn), rows)
    said.clear()
    rows.clear()


async def measure(url: str, count: int) -> None:
    """Fill, and print how long it takes."""
    database, hours = engine(url), load(ROOT / "content").hours
    await fill(database, count)
    period = Period(LAST - timedelta(days=DAYS - 1), LAST)
    took = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        found = await figures(database, period, hours)
        took.append(1000 * (time.perf_counter() - begun))
    print(
        f"{database.dialect.name}: {found.turns} meddelanden, {found.conversations} samtal, "
        f"{median(took):.0f} ms (median av {RUNS}, högst {max(took):.0f})"
    )
    await database.dispose()


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--turns", type=int, default=200_000)
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="kontakt-bench-") as folder,
        database(chosen.database, Path(folder)) as url,
    ):
        asyncio.run(upgrade(url))
        asyncio.run(measure(url, chosen.turns))


if __name__ == "__main__":
    main()
