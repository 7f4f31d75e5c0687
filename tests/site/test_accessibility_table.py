"""The tables of docs/tillganglighet.md name tests that exist, and pictures that are small."""

import re

from bot.settings import ROOT

TEXT = (ROOT / "docs" / "tillganglighet.md").read_text("utf-8")


def test_every_test_that_is_named_exists() -> None:
    code = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", TEXT))
    assert len(named) > 30
    assert [name for name in sorted(named) if f"def {name}(" not in code] == []
    for path in re.findall(r"`(tests/[\w/.]+)`", TEXT):
        assert (ROOT / path).exists(), path


def test_the_pictures_are_there_and_small() -> None:
    names = re.findall(r"\]\((bilder/[^)]+)\)", TEXT)
    assert names
    for name in names:
        assert (ROOT / "docs" / name).stat().st_size <= 150_000, name
