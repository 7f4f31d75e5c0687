"""`bot check`: what can be wrong in content and training data."""

import shutil
from datetime import date
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bot.check import (
    MIN_PHRASES,
    WITHOUT_PHRASES,
    Phrase,
    check,
    normalised,
    phrase_faults,
    read_phrases,
)
from bot.content.load import Content, ContentError, load
from bot.settings import ROOT

TODAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def content() -> Content:
    """The real content."""
    return load(ROOT / "content")


@pytest.fixture(scope="module")
def trained() -> list[Phrase]:
    """The real training phrases."""
    return list(read_phrases(ROOT / "data" / "nlu"))


def phrase(text: str, label: str = "faq/adress", line: int = 7) -> Phrase:
    """A phrase of a file."""
    return Phrase(label, text, "data/nlu/prov.yml", line)


def errors(content: Content, phrases: list[Phrase], tests: list[Phrase] | None = None) -> list[str]:
    """Faults that aren't warnings."""
    return [str(f) for f in phrase_faults(content, phrases, tests or []) if not f.warning]


def remarks(content: Content, phrases: list[Phrase]) -> list[str]:
    """Warnings."""
    return [str(f) for f in phrase_faults(content, phrases, []) if f.warning]


def test_the_repository_has_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(ROOT / "content", TODAY) == 0
    out, err = capsys.readouterr()
    assert "0 fel" in out
    assert "rad " not in err


def test_broken_content_is_told_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(ROOT / "content", tmp_path / "content"))
    (folder / "faq" / "adress.md").write_text("Bara text.", "utf-8")
    assert check(folder, TODAY) == 1
    assert "content/faq/adress.md rad 1: ska börja med ett sidhuvud" in capsys.readouterr().err


def test_an_old_answer_is_a_warning_that_does_not_fail(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(ROOT / "content", date(2028, 1, 1)) == 0
    out, err = capsys.readouterr()
    assert "0 fel" in out
    assert "content/faq/adress.md: varning: granskades 2026-11-22, för mer än ett år sedan" in err


@pytest.mark.parametrize(
    "again",
    ["Var ligger ni?", "var ligger ni", "VAR LIGGER NI!!!", "Vår  ligger, ni", "vär-ligger-ni.",
     "Var ligger ni 🙂"],
)  # fmt: skip
def test_a_phrase_twice_is_a_fault_whatever_its_case_dots_and_signs(
    content: Content, again: str
) -> None:
    [fault] = errors(content, [phrase("Var ligger ni?"), phrase(again, "greet", 9)])
    assert fault == (
        f"data/nlu/prov.yml rad 9: {again!r} står redan i data/nlu/prov.yml rad 7 – ta bort den ena"
    )


def test_a_phrase_three_times_is_two_faults(content: Content) -> None:
    assert len(errors(content, [phrase("hej", line=n) for n in (1, 2, 3)])) == 2


def test_phrases_that_differ_by_a_word_are_not_the_same(content: Content) -> None:
    assert errors(content, [phrase("Var ligger ni?"), phrase("Var ligger ni då?")]) == []
    assert errors(content, [phrase("ring 112"), phrase("ring 113")]) == []


def test_a_phrase_of_an_entry_that_does_not_exist_is_a_fault(content: Content) -> None:
    assert errors(content, [phrase("var?", "faq/adres")]) == [
        "data/nlu/prov.yml rad 7: content/faq/adres.md finns inte"
    ]


def test_few_phrases_are_a_warning(content: Content) -> None:
    few = [phrase(f"fras nummer {n}") for n in range(MIN_PHRASES - 1)]
    assert f"data/nlu: varning: faq/adress har bara {MIN_PHRASES - 1} fraser av minst " + str(
        MIN_PHRASES
    ) in remarks(content, few)
    enough = [*few, phrase("en till")]
    assert not any("faq/adress" in text for text in remarks(content, enough))


def test_an_entry_without_phrases_is_a_warning(content: Content) -> None:
    warned = remarks(content, [])
    assert "content/faq/adress.md: varning: har inga fraser i data/nlu" in warned
    assert len(warned) == len(content.entries) - len(WITHOUT_PHRASES)
    assert not any("oppettider" in text for text in warned)


def test_a_phrase_that_is_both_trained_on_and_tested_on_is_a_fault(content: Content) -> None:
    tested = Phrase("faq/adress", "VÅR ligger ni", "tests/nlu/prov.yml", 3)
    assert errors(content, [phrase("Var ligger ni?")], [tested]) == [
        "tests/nlu/prov.yml rad 3: 'VÅR ligger ni' står i träningsdata, data/nlu/prov.yml rad 7"
    ]
    assert errors(content, [phrase("Var finns ni?")], [tested]) == []


def test_phrases_are_read_with_their_line_and_their_entry(tmp_path: Path) -> None:
    file = tmp_path / "prov.yml"
    file.write_text(
        'version: "3.1"\nnlu:\n- intent: greet\n  examples: |\n    - hej\n\n    - hallå där\n'
        "- intent: faq\n  metadata:\n    entry: adress\n  examples: |\n    - var?\n",
        "utf-8",
    )
    assert list(read_phrases(tmp_path)) == [
        Phrase("greet", "hej", str(file), 5),
        Phrase("greet", "hallå där", str(file), 7),
        Phrase("faq/adress", "var?", str(file), 12),
    ]


def test_training_data_that_is_not_yaml_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "prov.yml").write_text(
        'version: "3.1"\nnlu:\n- intent: greet\n  examples: [\n', "utf-8"
    )
    with pytest.raises(ContentError, match=r"prov\.yml rad \d: går inte att läsa som YAML"):
        list(read_phrases(tmp_path))


def test_a_phrase_of_the_repository_stands_where_it_is_said_to(trained: list[Phrase]) -> None:
    for one in trained[::50]:
        lines = (ROOT / one.path).read_text("utf-8").splitlines()
        assert lines[one.line - 1].strip() == f"- {one.text}"


def test_the_guards_sentences_are_not_trained_on(trained: list[Phrase]) -> None:
    known = {normalised(one.text) for one in trained}
    sentences = YAML(typ="safe").load(ROOT / "tests" / "nlu" / "emergency_guard.yml")
    both = [text for texts in sentences.values() for text in texts if normalised(text) in known]
    assert both == []
