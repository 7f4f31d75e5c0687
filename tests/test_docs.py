"""Documents that describe the code say what the code says."""

from bot.content.load import load
from bot.settings import ROOT
from bot.tables import settings_table, topics_table


def test_the_settings_page_holds_the_generated_table() -> None:
    assert settings_table() in (ROOT / "docs" / "installningar.md").read_text("utf-8")


def test_the_topics_page_holds_the_generated_table() -> None:
    table = topics_table(load(ROOT / "content"))
    assert table in (ROOT / "docs" / "amnen.md").read_text("utf-8"), (
        "make it again: python -m bot topics"
    )


def test_the_readme_names_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "make run" in readme and "make test" in readme
