"""Redaction finds nearly all that identifies a person, and little else: the floors of make
eval-redaction, on lines that were written before it had been run on any of them (blind) and on
those it was developed on."""

import pytest

from bot.transcripts.measure import NUMBERS, Score, lines, measure


@pytest.fixture(scope="module")
def scores() -> dict[str, Score]:
    return measure()


def test_the_set_is_large_and_mostly_free_of_personal_data() -> None:
    every = [line for part in ("develop", "blind") for line in lines(part)]
    assert len({line.text for line in every}) == len(every) >= 600
    assert 0.4 < sum(not line.spans for line in every) / len(every) < 0.7


@pytest.mark.parametrize("part", ["develop", "blind"])
def test_redaction_keeps_to_its_floors(scores: dict[str, Score], part: str) -> None:
    found = scores[part]
    errors = "\n".join(found.errors)
    assert found.recall(NUMBERS) >= 0.995, errors
    assert found.recall(["namn"]) >= 0.95, errors
    assert found.precision() >= 0.95, errors
    assert found.precision(["namn"]) >= 0.95, errors
    assert found.recall(["adress"]) >= 0.85, errors
