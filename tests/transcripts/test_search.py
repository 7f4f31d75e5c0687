"""Full text of the transcripts, in both databases."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.transcript_models import Transcript, TranscriptTurn
from bot.transcripts.reading import Chosen, Question, page
from bot.transcripts.search import asked, stems
from tests.participation.conftest import Database, database, postgres  # noqa: F401
from tests.transcripts.made import Made, Talk, write


def test_stems_are_the_same_for_all_forms_of_a_word() -> None:
    assert stems("Öppettiderna") == stems("öppettid") == stems("OPPETTIDER") == "oppettid"
    assert stems("") == stems(" \0 \ud800 ?!") == ""
    assert stems("Överby, 2026-11-25") == "overby 2026 11 25"


def test_a_text_of_any_size_is_stemmed_in_no_time() -> None:
    assert len(stems("öppettiderna " * 400_000)) <= 20_000
    assert len(asked("ord " * 1_000_000)) == 1
    assert stems("å" * 5_000_000) == "a"


async def found(base: Database, query: str) -> set[str]:
    """The conversations that a search finds, as the list asks for them."""
    async with AsyncSession(base.engine) as db:
        question = await Question.of(db, Chosen(sok=query), "anna")
        rows = {row.id for row in (await page(db, question)).rows}
        if base.engine.dialect.name == "sqlite":  # the way for common words finds the same
            common = replace(question, common=True)
            assert {row.id for row in (await page(db, common)).rows} == rows
        return rows


async def test_all_words_must_stand_in_one_turn(database: Database) -> None:  # noqa: F811
    await write(
        database.engine,
        Talk("s-1", [Made("Vilka är öppettiderna på julafton?", answer="Stängt.")]),
        Talk("s-2", [Made("Ordningsvakter i centrum"), Made("julafton", answer="Stängt.")]),
        Talk("s-3", [Made("کتاب و трамвай", answer="–"), Made("under_streck 2026", answer="")]),
    )
    for query, expected in {
        "öppettid": {"s-1"},
        "oppettider julaftnar": set[str](),  # "aftnar" is a stem of its own
        "öppettider julafton": {"s-1"},
        "julafton": {"s-1", "s-2"},
        "ordningsvakt": {"s-2"},
        "ordning": {"s-2"},  # the beginning of a compound
        "vakter": set[str](),
        "centrum julafton": set[str](),
        "трамвай": {"s-3"},
        "كتاب": set[str](),
        "under_streck": {"s-3"},
        "NOT julafton": set[str](),
        "stems : julafton": set[str](),
    }.items():
        assert await found(database, query) == expected, query


async def test_the_index_follows_changes_and_forgets_what_is_erased(
    database: Database,  # noqa: F811
) -> None:
    await write(database.engine, Talk("s-1", [Made("hemlighet", answer="")]))
    async with database.engine.begin() as db:
        await db.execute(update(TranscriptTurn).values(stems=stems("annat")))
    assert (await found(database, "hemlighet"), await found(database, "annat")) == (set(), {"s-1"})
    async with database.engine.begin() as db:
        await db.execute(delete(Transcript))  # its turns go with it
        if database.engine.dialect.name == "sqlite":
            left = await db.execute(text("SELECT count(*) FROM transcript_search"))
            assert left.scalar() == 0


@given(st.text(max_size=60) | st.sampled_from(['"', "a* OR b", "' & |:*", "NEAR(a b)", "\0", "-a"]))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_no_question_breaks_the_query(database: Database, query: str) -> None:  # noqa: F811
    assert await found(database, query) == set()
