"""Training from the page: progress, proof, promotion and the way back. What trains and compares is
a stand-in here; the real thing is in test_whole_loop.py (make test-loop)."""

import json
import shutil
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from bot import rasa_project
from bot.chat.rasa import RasaAway
from bot.keys import DATABASE, TRAINER
from bot.settings import ROOT, Settings
from bot.staff import accounts
from bot.store.transcript_models import Transcript, TranscriptTurn, Verdict
from bot.transcripts import proposals
from bot.transcripts.training import Place, Refused, Trainer
from tests.conftest import until
from tests.staff.conftest import Office, Visitor
from tests.staff.test_browser import looks_right, sign_in

PAGE = "/personal/forbattra"
TEXT = "hur gick det med epabilarna ni jagade"
TRAINS = "import pathlib, sys, time; time.sleep({s}); pathlib.Path('new.tar.gz').write_text('new')"
COMPARES = """
import json, pathlib, sys, time
new, report, out = map(pathlib.Path, sys.argv[1:])
while not new.exists(): time.sleep(0.05)
out.write_text(report.read_text())
"""


def side(heard: int, failed: tuple[str, ...] = ()) -> dict[str, Any]:
    """What a comparison says of one model."""
    names = ("accuracy", "macro_f1", "direct_inside", "direct_right", "outside_auroc")
    figures: dict[str, Any] = {
        **dict.fromkeys(names, 0.98),
        "outside_wrong": 0.02,
        "emergency": {"recall": 0.97, "false_alarms": 0.01, "phrases": 320},
        "urgent": {"heard": heard, "total": 440},
        "reviewed": {"right": 1, "total": 1},
    }
    return {"figures": figures, "stories": {"total": 8, "failed": list(failed)}}


def message(text: str, old: str, new: str) -> dict[str, Any]:
    """One message of a report."""
    said = [{"label": label, "answers": True, "confidence": 0.9} for label in (old, new)]
    return {"text": text, "label": "faq/overby", "group": "provfraser",
            "old": said[0], "new": said[1]}  # fmt: skip


def compared(**changes: Any) -> dict[str, Any]:
    """A report of a comparison."""
    return {
        "old": side(429), "new": side(430), "passed": [], "messages": 3135,
        "better": [message("vart tog bilarna vägen", "greet", "faq/overby")],
        "worse": [message("bilarna då", "faq/overby", "faq/overby-resultat")],
        "counts": {"better": 1, "worse": 1}, **changes,
    }  # fmt: skip


class Project:
    """A project of its own with little in it, and an office that trains there."""

    def __init__(self, folder: Path, office: Office, patch: pytest.MonkeyPatch) -> None:
        self.root, self.office, self.patch = folder, office, patch
        self.trainer: Trainer = office.app[TRAINER]
        self.loaded: list[str] = []
        for name in ("config.yml", "domain", "data/nlu/overby.yml", "data/nlu/samtal.yml"):
            there = folder / name
            there.parent.mkdir(parents=True, exist_ok=True)
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, there)
        for name in ("tests/nlu", "tests/stories", "models"):
            (folder / name).mkdir(parents=True)
        (folder / "tests/nlu/a.yml").touch()
        (folder / "tests/stories/a.yml").touch()
        self.old = folder / "models" / "kontakt-old.tar.gz"
        self.old.write_text("old")
        rasa_project.point_at(office.conf, self.old, rasa_project.inputs(folder))
        self.works()

    @property
    def file(self) -> Path:
        """Where the phrase is written."""
        return self.root / "data" / "nlu" / "overby.yml"

    @property
    def running(self) -> Path | None:
        """The model that answers."""
        return rasa_project.running(self.office.conf)

    def works(
        self, report: dict[str, Any] | None = None, train: str = TRAINS, seconds: float = 0.1
    ) -> None:
        """How the next training goes."""
        told = self.root / "told.json"
        told.write_text(json.dumps(report or compared()))

        def compare(old: Path, new: Path, tests: Path, *rest: Path) -> list[str]:
            return [sys.executable, "-c", COMPARES, str(new), str(told), str(rest[-1])]

        command = [sys.executable, "-c", train.format(s=seconds)]
        place = Place(self.root, lambda out, name: command, compare)
        self.patch.setattr(self.trainer, "_place", place)
        self.loads(None)

    def loads(self, error: Exception | None) -> None:
        """What Rasa says to another model."""

        async def load(model: Path) -> None:
            if error:
                raise error
            self.loaded.append(model.name)

        self.patch.setattr(self.trainer, "_load", load)

    async def approved(self, text: str = TEXT) -> int:
        """An approved phrase."""
        async with AsyncSession(self.office.app[DATABASE]) as db, db.begin():
            one = await proposals.propose(db, "phrase", text, "faq/overby", None, "bo")
            await proposals.decide(db, one.id, one.version, "anna", "approved")
            return one.id

    async def state(self, number: int) -> str:
        """Of a proposal."""
        async with AsyncSession(self.office.app[DATABASE]) as db:
            return (await proposals.find(db, number)).state

    async def ends(self, number: int) -> str:
        """The state of a training when it doesn't run any more."""

        async def ended() -> bool:
            return (await self.trainer.find(number)).state != "running"

        await until(ended, 20)
        return (await self.trainer.find(number)).state


@pytest.fixture
def project(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project of its own."""
    return Project(tmp_path, office, monkeypatch)


@pytest.fixture
async def anna(office: Office) -> Visitor:
    """An editor on the page."""
    visitor = await office.staff("anna", accounts.EDITOR)
    await visitor.get(PAGE)
    return visitor


async def test_from_an_approved_phrase_to_a_model_in_use_and_back(
    project: Project, anna: Visitor
) -> None:
    before = project.file.read_bytes()
    page = await anna.post(f"{PAGE}/trana")
    assert "inga godkända fraser" in page.text
    phrase = await project.approved()
    project.works(seconds=1.5)  # it still runs when the button is pressed again
    await anna.get(PAGE)
    page = await anna.post(f"{PAGE}/trana")
    place, number = page.path, int(page.path.rsplit("/", 1)[1])
    assert "Pågår" in page.text and "Ladda om sidan" in page.text
    told = json.loads((await anna.get(f"{place}/lage")).source)
    assert told["running"] and told["step"]
    await anna.get(PAGE)
    assert "En träning pågår redan" in (await anna.post(f"{PAGE}/trana")).text
    assert await project.ends(number) == "ready"

    page = await anna.get(place)
    assert "429 av 440" in page.text and "430 av 440" in page.text and "98,0 %" in page.text
    assert "vart tog bilarna vägen" in page.text and "bilarna då" in page.text
    assert "+ - hur gick det med epabilarna ni jagade" in page.text
    assert project.file.read_bytes() == before and project.loaded == [], "nothing is changed yet"

    page = await anna.post(f"{place}/ta-i-bruk")
    assert "Den nya modellen svarar nu." in page.text
    assert await project.state(phrase) == "live"
    assert f"    - {TEXT}\n" in project.file.read_text("utf-8")
    assert project.running and project.running.name == project.loaded[-1]
    made = f"kontakt-{rasa_project.inputs(project.root)}.tar.gz"
    assert project.loaded == [made], "the name that a training of these files would have"

    patch = await anna.get(f"{place}/fraser.patch")
    assert patch.source.startswith("--- a/data/nlu/overby.yml\n+++ b/data/nlu/overby.yml\n")
    await anna.get(place)
    page = await anna.post(f"{place}/ta-tillbaka")
    assert "Den förra modellen svarar igen." in page.text
    assert project.file.read_bytes() == before
    assert await project.state(phrase) == "approved"
    assert project.running == project.old and project.loaded[-1] == project.old.name
    await anna.get(PAGE)
    assert (await anna.post(f"{place}/ta-tillbaka")).status == 409
    assert await project.office.audited(f"träning {number}") == [
        ("anna", "training started"), ("anna", "promoted"), ("anna", "rolled back"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("report", "told"),
    [
        (compared(new=side(428)), "428 av 440 mot 429 förut"),
        (compared(passed=[["accuracy", 0.913, 0.92]]), "Rätt svar är 91,3 % och gränsen 92,0 %."),
        (compared(new=side(430, ("avbryt i formuläret",))), "avbryt i formuläret"),
    ],
)
async def test_a_model_that_is_worse_where_it_counts_is_refused(
    project: Project, office: Office, report: dict[str, Any], told: str
) -> None:
    admin = await office.staff("adam", accounts.ADMIN)
    await project.approved()
    project.works(report)
    number = await project.trainer.start("adam")
    assert await project.ends(number) == "refused"
    page = await admin.get(f"{PAGE}/traning/{number}")
    assert told in page.text and "Modellen får inte tas i bruk" in page.text
    assert "Ta i bruk</button>" not in page.source
    page = await admin.post(f"{PAGE}/traning/{number}/ta-i-bruk")
    assert page.status == 409, "not even an administrator may"
    assert project.loaded == [] and project.running == project.old


async def test_without_test_phrases_nothing_is_promoted(project: Project) -> None:
    shutil.rmtree(project.root / "tests")
    await project.approved()
    number = await project.trainer.start("anna")
    assert await project.ends(number) == "refused"
    assert "finns inte här" in (await project.trainer.find(number)).report["reasons"][0]


async def test_a_training_that_fails_says_why(project: Project, anna: Visitor) -> None:
    await project.approved()
    project.works(train="import sys; sys.exit('minnet tog slut')")
    number = await project.trainer.start("anna")
    assert await project.ends(number) == "failed"
    assert "minnet tog slut" in (await anna.get(f"{PAGE}/traning/{number}")).text


async def test_a_training_dies_with_the_service_and_is_marked_at_the_next_start(
    project: Project,
) -> None:
    await project.approved()
    project.works(seconds=60)
    number = await project.trainer.start("anna")
    mine = psutil.Process()

    def trains() -> list[psutil.Process]:
        running = []
        for child in mine.children():
            with suppress(psutil.NoSuchProcess):  # something short, as git
                if "new.tar.gz" in " ".join(child.cmdline()):
                    running.append(child)
        return running

    async def started() -> bool:
        return bool(trains())

    await until(started)
    assert all(p.nice() > 0 for p in trains()), "those who chat go first"
    await project.trainer.close()
    assert trains() == []
    assert (await project.trainer.find(number)).state == "running"
    await project.trainer.open()
    row = await project.trainer.find(number)
    assert row.state == "failed" and "stoppades" in row.report["error"]


async def changed_data(project: Project, phrase: int) -> None:
    with project.file.open("a") as file:
        file.write("    - en annan fras\n")


async def changed_phrase(project: Project, phrase: int) -> None:
    async with AsyncSession(project.office.app[DATABASE]) as db, db.begin():
        one = await proposals.find(db, phrase)
        await proposals.edit(db, phrase, one.version, "bert", "en annan fras", "faq/overby")


async def rasa_away(project: Project, phrase: int) -> None:
    project.loads(RasaAway("status 500"))


@pytest.mark.parametrize("change", [changed_data, changed_phrase, rasa_away])
async def test_a_promotion_that_cannot_be_done_changes_nothing(
    project: Project, change: Callable[[Project, int], Awaitable[None]]
) -> None:
    phrase = await project.approved()
    number = await project.trainer.start("anna")
    assert await project.ends(number) == "ready"
    await change(project, phrase)
    before = project.file.read_bytes()
    with pytest.raises(Refused):
        await project.trainer.promote(number, "anna")
    assert project.file.read_bytes() == before and project.running == project.old
    assert (await project.trainer.find(number)).state == "ready"
    assert await project.state(phrase) != "live"


async def test_where_the_project_cannot_be_written_the_model_is_used_all_the_same(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trainer, "writable", False)
    before, base = project.file.read_bytes(), rasa_project.inputs(project.root)
    first = await project.approved()
    number = await project.trainer.start("anna")
    assert await project.ends(number) == "ready"
    await project.trainer.promote(number, "anna")
    assert project.file.read_bytes() == before
    assert project.running and project.running.name == project.loaded[-1]
    pointer = json.loads((project.office.conf.data_dir / "model.json").read_text())
    assert pointer["inputs"] == base, "it is used as long as these files stay"
    # the next training has the first phrase too
    await project.approved("en helt annan sak om köpcentrat")
    number = await project.trainer.start("anna")
    assert await project.ends(number) == "ready"
    patch = (await project.trainer.find(number)).report["patch"]
    assert f"+    - {TEXT}" in patch and "+    - en helt annan sak" in patch
    assert await project.state(first) == "live"


async def test_what_a_resident_said_is_gone_from_the_report_when_it_is_erased(
    project: Project, anna: Visitor
) -> None:
    said, now = "bilarna som tutar vid köpcentrat", datetime.now(UTC)
    turn = {"number": 1, "at": now, "text": said, "outcome": "answered", "topic": "greet"}
    async with AsyncSession(project.office.app[DATABASE]) as db, db.begin():
        db.add(Transcript(id="s-1", started_at=now, last_at=now))
        await db.flush()
        db.add(TranscriptTurn(id="t-1", transcript_id="s-1", **turn))
        await db.flush()
        db.add(Verdict(turn_id="t-1", verdict="wrong", label="faq/overby", by="anna", at=now))
    await project.approved()
    row = {**message(said, "greet", "faq/overby"), "group": "granskade"}
    project.works(compared(better=[row]))
    number = await project.trainer.start("anna")
    assert await project.ends(number) == "ready"
    assert said not in json.dumps((await project.trainer.find(number)).report, ensure_ascii=False)
    assert said not in "".join(
        path.read_text("utf-8", "replace")
        for path in (project.office.conf.data_dir / "mend").rglob("*")
        if path.is_file()
    )
    assert said in (await anna.get(f"{PAGE}/traning/{number}")).text
    async with AsyncSession(project.office.app[DATABASE]) as db, db.begin():
        await db.execute(delete(Transcript))
    page = await anna.get(f"{PAGE}/traning/{number}")
    assert said not in page.text and "Raderat" in page.text


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (320, "dark")])
async def test_in_a_browser_the_page_follows_the_training_by_itself(
    project: Project, office: Office, browser: Browser, width: int, scheme: Any
) -> None:
    async with AsyncSession(office.app[DATABASE]) as db, db.begin():
        await proposals.propose(db, "phrase", TEXT, "faq/overby", None, "bo")
        await proposals.propose(db, "phrase", "ring [telefon]", "", None, "bo")
    await office.user("anna", accounts.EDITOR)
    context = await browser.new_context(
        locale="sv-SE", viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type != "log" else None)
    await sign_in(page, office, "anna")
    await page.get_by_role("link", name="Förbättra").click()
    await looks_right(page)
    one = page.get_by_role("article", name="Fras", exact=False).filter(has_text=TEXT)
    await one.get_by_role("button", name="Godkänn").click()
    await expect(page.get_by_role("status")).to_contain_text("kommer med i nästa träning")
    project.works(seconds=1.5)
    await page.get_by_role("button", name="Träna om").click()
    await expect(page.get_by_text("Läge: Pågår")).to_be_visible()
    await looks_right(page)
    await expect(page.get_by_text("Läge: Klar att ta i bruk")).to_be_visible(timeout=20_000)
    await looks_right(page)
    await page.get_by_role("button", name="Ta i bruk").click()
    await expect(page.get_by_role("status")).to_have_text("Den nya modellen svarar nu.")
    await page.get_by_role("button", name="Ta tillbaka").click()
    await expect(page.get_by_role("status")).to_contain_text("Den förra modellen svarar igen.")
    assert complaints == []
    await context.close()


def test_a_start_uses_the_promoted_model_as_long_as_the_files_are_the_same(tmp_path: Path) -> None:
    conf, model = Settings(data_dir=tmp_path), tmp_path / "kontakt-x.tar.gz"
    assert rasa_project.serving(conf) == rasa_project.model_path()
    model.touch()
    rasa_project.point_at(conf, model, rasa_project.inputs())
    assert rasa_project.serving(conf) == model
    rasa_project.point_at(conf, model, "other files")
    assert rasa_project.serving(conf) == rasa_project.model_path()
    assert rasa_project.running(conf) == model


async def test_a_reader_sees_but_does_nothing(project: Project, office: Office) -> None:
    await project.approved()
    number = await project.trainer.start("anna")
    await project.ends(number)
    reader = await office.staff("rut", accounts.READER)
    page = await reader.get(f"{PAGE}/traning/{number}")
    assert "429 av 440" in page.text and "Ta i bruk</button>" not in page.source
    for address in ("trana", "git", f"traning/{number}/ta-i-bruk", f"traning/{number}/kasta",
                    f"traning/{number}/ta-tillbaka"):  # fmt: skip
        assert (await reader.post(f"{PAGE}/{address}")).status == 403
    assert (await reader.get(f"{PAGE}/traning/999")).status == 404
