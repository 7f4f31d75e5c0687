"""Full text of the transcripts, by stems, in both databases.

Texts and questions are stemmed here alike, so that "öppettid" finds "öppettiderna" whichever the
database. SQLite's table transcript_search is kept by triggers, PostgreSQL's index by itself.
"""

import re
from typing import Any

from sqlalchemy import ColumnElement, func, literal, literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from bot.nlu.text import fold, normalise
from bot.site.search import stem
from bot.store.transcript_models import Transcript, TranscriptTurn

MOST_LETTERS = 20_000
"""Letters of a text that are looked at."""
MOST_ASKED = 200
MOST_WORDS = 12
"""Letters and words of a question that are looked at."""
COMMON = 5000
"""Turns with the words that are looked for, from where on the words are common."""
_LONGEST = 40  # letters of a word; PostgreSQL refuses a query with a word of 2 kB
_SHORTEST_PREFIX = 4
_WORD = re.compile(r"[^\W_]+")


def stems(text: str) -> str:
    """The words of a text without endings and diacritics, with blanks between; "" for none."""
    return " ".join(_stems(text[:MOST_LETTERS]))


def asked(query: str) -> list[str]:
    """The stems that a question is about; none if it has no word."""
    return list(dict.fromkeys(_stems(query[:MOST_ASKED])))[:MOST_WORDS]


async def is_common(db: AsyncSession, wanted: list[str]) -> bool:
    """Whether so many turns have those stems that it is quicker to walk through the newest ones.

    Always False with PostgreSQL, which decides that itself.
    """
    if db.get_bind().dialect.name != "sqlite":
        return False
    hits = text(
        "SELECT count(*) FROM "
        "(SELECT 1 FROM transcript_search WHERE stems MATCH :stems LIMIT :most)"
    )
    found = await db.scalar(hits, {"stems": _match(wanted), "most": COMMON})
    return bool(found == COMMON)


def said_in(wanted: list[str], dialect: str, common: bool = False) -> ColumnElement[bool]:
    """Of a Transcript: that one of its turns has all those stems (of `asked`, not empty).

    A longer stem finds the compounds that begin with it too. `common` (is_common) changes only how
    the database goes about it.
    """
    turns = select(TranscriptTurn.transcript_id)
    if common:
        said = literal(" ").concat(TranscriptTurn.stems).concat(" ")
        holds = [
            said.contains(f" {s}" if _is_prefix(s) else f" {s} ", autoescape=True) for s in wanted
        ]
        return turns.where(TranscriptTurn.transcript_id == Transcript.id, *holds).exists()
    return Transcript.id.in_(turns.where(_found(wanted, dialect)))


def _found(wanted: list[str], dialect: str) -> ColumnElement[bool]:
    if dialect == "sqlite":
        rows = text("SELECT rowid FROM transcript_search WHERE stems MATCH :stems")
        return TranscriptTurn.search_id.in_(rows.bindparams(stems=_match(wanted)))
    query = " & ".join(f"'{s}'{':*' if _is_prefix(s) else ''}" for s in wanted)
    # generated from `stems` by PostgreSQL alone, so that no row must be read into words again
    vector: ColumnElement[Any] = literal_column("transcript_turn.stem_vector")
    return vector.op("@@")(func.to_tsquery(literal_column("'simple'"), query))


def _match(wanted: list[str]) -> str:
    # a stem is letters and digits only, and quoted: it can't be an operator
    return " ".join(f'"{s}"{"*" if _is_prefix(s) else ""}' for s in wanted)


def _is_prefix(stem: str) -> bool:
    return len(stem) >= _SHORTEST_PREFIX


def _stems(text: str) -> list[str]:
    return [stem(word, "sv")[:_LONGEST] for word in _WORD.findall(fold(normalise(text)))]
