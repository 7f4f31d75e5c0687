"""The message for everybody: on its days only, in two languages, and checked before it is shown."""

import shutil
from datetime import date, datetime
from pathlib import Path

import pytest

from bot.content.crisis import Banner, banner
from bot.content.hours import STOCKHOLM
from bot.content.load import Content, ContentError, load, warnings
from bot.settings import ROOT

CRISIS = """
crisis:
  severity: warning
  from: 2026-12-01
  to: 2026-12-03
  sv: Koka vattnet. Frågor besvaras på {{ kontaktcenter.phone }}.
  en: Boil the water.
  link: {url: "https://www.krisinformation.se/", sv: Läs mer, en: Read more}
"""


def with_crisis(folder: Path, text: str) -> Content:
    """The content with a crisis. Raises ContentError."""
    shutil.copytree(ROOT / "content", folder, dirs_exist_ok=True)
    file = folder / "site.yml"
    file.write_text(file.read_text("utf-8") + text, "utf-8")
    return load(folder)


def at(text: str) -> datetime:
    """A time in Stockholm."""
    return datetime.fromisoformat(text).replace(tzinfo=STOCKHOLM)


def test_the_content_as_shipped_has_none() -> None:
    content = load(ROOT / "content")
    assert content.site.crisis is None and banner(content, at("2026-12-02 12:00")) is None


def test_the_commented_example_works(tmp_path: Path) -> None:
    written = (ROOT / "content" / "site.yml").read_text("utf-8").partition("# crisis:")[2]
    example = "\ncrisis:" + written.replace("\n# ", "\n")
    shown = banner(with_crisis(tmp_path, example), at("2026-12-02 12:00"), "en")
    assert (
        shown and shown.text == "Tap water in the town centre must be boiled until further notice."
    )


def test_it_is_shown_on_its_days_only(tmp_path: Path) -> None:
    content = with_crisis(tmp_path, CRISIS)
    for moment, shown in (
        ("2026-11-30 23:59", False),
        ("2026-12-01 00:00", True),
        ("2026-12-03 23:59", True),
        ("2026-12-04 00:00", False),
    ):
        assert (banner(content, at(moment)) is not None) == shown, moment
    swedish, link = banner(content, at("2026-12-01 12:00")), "https://www.krisinformation.se/"
    text = "Koka vattnet. Frågor besvaras på 0520-49 50 00."
    assert swedish == Banner("warning", "Viktigt:", text, "sv", link, "Läs mer")
    for lang in ("en", "ar"):
        other = banner(content, at("2026-12-01 12:00"), lang)
        assert other == Banner("warning", "Important:", "Boil the water.", "en", link, "Read more")


def test_one_that_is_over_is_to_be_taken_away(tmp_path: Path) -> None:
    content = with_crisis(tmp_path, CRISIS)
    assert warnings(content, date(2026, 12, 3)) == []
    [fault] = warnings(content, date(2026, 12, 4))
    assert str(fault) == (
        "content/site.yml: varning: crisis gällde till 2026-12-03 – ta bort meddelandet"
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("warning", "stor", "`crisis.severity` ska vara 'info', 'warning' eller 'danger'"),
        ("2026-12-03", "2026-11-03", "crisis: `to` är före `from`"),
        ("2026-12-03", "i jul", "`crisis.to` är inget datum – skriv år-månad-dag"),
        ("  en: Boil the water.\n", "", "`crisis.en` saknas"),
        ("Boil the water.", "Boil. " * 60, "`crisis.en` är för lång – skriv högst 300 tecken"),
        ("kontaktcenter.phone", "kontaktcenter.fone", "texten går inte att fylla i"),
        ("https://www.krisinformation.se/", "javascript:x", "`crisis.link.url` är skrivet på fel"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ContentError) as caught:
        with_crisis(tmp_path, CRISIS.replace(old, new, 1))
    [fault] = caught.value.faults
    assert fault.path == "content/site.yml" and fault.line > 20 and said in fault.message
