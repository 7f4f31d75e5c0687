"""Content as staff see and change it: the files stay the truth, and stay whole."""

import asyncio
import errno
import os
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, expect
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.content import editing
from bot.content.clock import now
from bot.content.editing import Line, NoSuchFile, difference, names, template
from bot.keys import CONTENT, DATABASE
from bot.settings import ROOT, Settings
from bot.staff import accounts
from bot.staff.content import phrase_counts, rows
from bot.store.transcript_models import ContentChange, EntryShown
from bot.web import application
from tests.staff.conftest import Office, Visitor
from tests.staff.test_browser import looks_right, sign_in

OVERBY = "/personal/innehall/redigera/faq/overby.md"
SHORT = "Vid köpcentret Överby hölls stora bilträffar"


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """The application on a copy of the content."""
    folder = tmp_path_factory.mktemp("editors")
    shutil.copytree(ROOT / "content", folder / "content")
    conf = Settings(
        data_dir=folder / "var", key_file=folder / "data.key", content_dir=folder / "content",
        limits="off",
    )  # fmt: skip
    app = application(conf)
    async with TestServer(app) as server:
        yield Office(app, server, conf)


@pytest.fixture
async def folder(office: Office) -> AsyncIterator[Path]:
    """The content folder, put back as it was afterwards."""
    place = office.app[CONTENT].folder
    yield place
    for name in [path for path in place.rglob("*") if not path.is_dir()]:
        if not (ROOT / "content" / name.relative_to(place)).exists():
            name.unlink()
    shutil.copytree(ROOT / "content", place, dirs_exist_ok=True)  # the folder itself is watched
    assert await asyncio.to_thread(office.app[CONTENT].reload)


async def changes(office: Office) -> list[ContentChange]:
    """The history, oldest first."""
    async with AsyncSession(office.app[DATABASE]) as db:
        return list(await db.scalars(select(ContentChange).order_by(ContentChange.id)))


def known(visitor: Visitor) -> str:
    """The digest that the form was given."""
    return visitor.page.source.partition('name="fore" value="')[2].partition('"')[0]


# --- reading --------------------------------------------------------------------------------------


async def test_the_list_shows_how_often_and_how_well_and_the_oldest_first(
    office: Office, folder: Path
) -> None:
    today = now().date()
    path = folder / "faq" / "telefon.md"
    text = path.read_text("utf-8")
    old = text.replace("reviewed: 20", "reviewed: 2020-01-02 # 20", 1)
    path.write_text(old, "utf-8")
    assert await asyncio.to_thread(office.app[CONTENT].reload)
    async with office.app[DATABASE].begin() as db:
        for days, times in ((0, 3), (89, 4), (90, 100)):
            day = str(today - timedelta(days))
            row = {"day": day, "entry": "telefon", "times": times, "helpful": 1, "unhelpful": 2}
            await db.execute(insert(EntryShown).values(row))
    visitor = await office.staff(role=accounts.READER)
    page = await visitor.get("/personal/innehall")
    entry = office.app[CONTENT].content.entries["telefon"]
    first = page.source.partition("<tbody>")[2].partition("</tr>")[0]
    assert entry.title in first and "2020-01-02" in first and "Äldre än ett år" in first
    assert f"{entry.owner} 7 2 / 4 Engelska" in page.text
    assert "1 är äldre än ett år." in page.text
    assert "Skriv ett nytt svar" not in page.text, "a reader changes nothing"
    only = await visitor.get("/personal/innehall?gamla=ja")
    assert "1 svar, " in only.text and entry.title in only.text
    topic = await visitor.get("/personal/innehall?amne=overby")
    assert "Vad hände vid Överby?" in topic.text and entry.title not in topic.text
    none = await visitor.get("/personal/innehall?agare=ingen")
    assert "Inga svar passar det du har valt." in none.text


async def test_every_file_has_a_page(office: Office) -> None:
    visitor = await office.staff(role=accounts.READER)
    place = office.app[CONTENT].folder
    for name in names(place):
        if name.startswith(("faq/a", "pages/", "phrases/")) or "/" not in name:
            page = await visitor.get(f"/personal/innehall/fil/{name}")
            assert page.status == 200, name
    assert len(names(place)) == sum(1 for path in place.rglob("*") if path.is_file())


async def test_an_answer_is_shown_as_in_the_chat_and_on_the_site(office: Office) -> None:
    visitor = await office.staff(role=accounts.READER)
    page = await visitor.get("/personal/innehall/fil/faq/overby.md")
    entry = office.app[CONTENT].content.entries["overby"]
    assert f"I chatten {SHORT}" in page.text
    assert "Bakom Läs mer Så beskrev staden läget under 2020:" in page.text
    assert "På webbplatsen" in page.text and "Läs mer på andra webbplatser" in page.text
    assert "Knappar: Läs mer" in page.text
    assert entry.owner in page.text and str(entry.reviewed) in page.text
    count = phrase_counts(ROOT / "data" / "nlu")["faq/overby"]
    assert count > 20 and f"Träningsfraser {count}" in page.text
    assert "{{ safety.sos.phone }}" in page.text, "the file as it is written"
    assert "Händer något farligt just nu? Ring 112." in page.text, "and filled in"


def test_phrases_are_counted_anew_when_a_file_changes(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_text("nlu:\n- intent: greet\n  examples: |\n    - hej\n", "utf-8")
    assert phrase_counts(tmp_path) == {"greet": 1}
    file.write_text("nlu:\n- intent: greet\n  examples: |\n    - hej\n    - hallå\n", "utf-8")
    os.utime(file, ns=(1, 1))
    assert phrase_counts(tmp_path) == {"greet": 2}


def test_an_answer_is_old_after_a_year(office: Office) -> None:
    content = office.app[CONTENT].content
    day = content.entries["overby"].reviewed
    old = {days: {row.entry.id: row.old for row in rows(content, {}, day + timedelta(days))}
           for days in (365, 366)}  # fmt: skip
    assert (old[365]["overby"], old[366]["overby"]) == (False, True)


# --- changing -------------------------------------------------------------------------------------


async def test_a_change_is_tried_saved_remembered_and_undone(office: Office, folder: Path) -> None:
    visitor = await office.staff(role=accounts.EDITOR)
    path = folder / "faq" / "overby.md"
    before = path.read_bytes()
    path.chmod(0o640)
    page = await visitor.get(OVERBY)
    assert page.written == before.decode()
    text = page.written.replace(SHORT, "Vid <b>Överby</b> & co hölls bilträffar").replace(
        "\n", "\r\n"
    )
    digest = known(visitor)
    page = await visitor.post(OVERBY, text=text, fore=digest, gor="visa")
    assert "Texten går att spara. Den är inte sparad än." in page.text
    assert "I chatten Vid <b>Överby</b> & co hölls bilträffar" in page.text
    assert path.read_bytes() == before and await changes(office) == []
    page = await visitor.post(OVERBY, text=text, fore=digest, gor="spara")
    assert page.path == "/personal/innehall/fil/faq/overby.md"
    assert "Ändringen är sparad." in page.text
    assert "I chatten Vid <b>Överby</b> & co hölls bilträffar" in page.text, "in force at once"
    assert path.read_text("utf-8") == text.replace("\r\n", "\n")
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in path.parent.iterdir() if not p.name.endswith(".md")] == []
    [change] = await changes(office)
    assert (change.path, change.by, change.before) == ("faq/overby.md", "anna", before.decode())
    assert change.after == path.read_text("utf-8")

    page = await visitor.get(f"/personal/innehall/andring/{change.id}")
    assert f"− {SHORT}" in page.text and "+ Vid <b>Överby</b> & co" in page.text
    page = await visitor.post(f"/personal/innehall/andring/{change.id}", fore=known(visitor))
    assert "Den tidigare texten är sparad igen." in page.text
    assert path.read_bytes() == before
    assert await office.audited("faq/overby.md") == [("anna", "edited"), ("anna", "restored")]
    page = await visitor.get(f"/personal/innehall/andring/{change.id}")
    assert "Filen är redan som den var före ändringen." in page.text


async def test_a_fault_is_told_with_its_line_and_nothing_is_written(
    office: Office, folder: Path
) -> None:
    visitor = await office.staff(role=accounts.EDITOR)
    page = await visitor.get(OVERBY)
    digest, path = known(visitor), folder / "faq" / "overby.md"
    before, text = path.read_bytes(), page.written
    for broken, told in (
        (text.replace("topic: overby", "topic: övrigt"), "Rad 4 i content/faq/overby.md: `topic`"),
        (text.replace("[overby-deltagare,", "[finns-inte,"), "related: 'finns-inte' finns inte"),
        (text.replace("id: overby", "id: annat"), "id är 'annat' men filen heter overby.md"),
        (text.replace("{{ safety.sos.phone }}", "{{ safety.sos.fax }}"), "'fax' finns inte"),
        ("", "ska börja med ett sidhuvud"),
    ):
        page = await visitor.post(OVERBY, text=broken, fore=digest, gor="spara")
        assert page.status == 422 and told in page.text, told
        assert page.written.strip() == broken.strip(), "what was written is still there"
    page = await visitor.get("/personal/innehall/redigera/kontaktcenter.yml")
    wrong = page.written.replace('close: "16:30"', 'close: "06:30"')
    page = await visitor.post(page.path, text=wrong, fore=known(visitor), gor="spara")
    assert page.status == 422 and "öppettiderna går inte ihop" in page.text
    assert path.read_bytes() == before and await changes(office) == []


async def test_hours_are_changed_in_their_file(office: Office, folder: Path) -> None:
    visitor = await office.staff(role=accounts.EDITOR)
    address = "/personal/innehall/redigera/kontaktcenter.yml"
    page = await visitor.get(address)
    text = page.written.replace('close: "16:30"', 'close: "17:45"')
    page = await visitor.post(address, text=text, fore=known(visitor), gor="spara")
    assert "De närmaste dagarna" in page.text and "17.45" in page.text
    assert "# Klockslag skrivs inom citattecken." in (folder / "kontaktcenter.yml").read_text(
        "utf-8"
    )


async def test_of_two_editors_the_second_sees_both_texts(office: Office, folder: Path) -> None:
    anna, bo = [await office.staff(name, accounts.EDITOR) for name in ("anna", "bo")]
    for visitor in (anna, bo):
        await visitor.get(OVERBY)
    digests, text = [known(anna), known(bo)], anna.page.written
    hers, his = text.replace(SHORT, "Annas text om"), text.replace(SHORT, "Bos text om")
    await anna.post(OVERBY, text=hers, fore=digests[0], gor="spara")
    page = await bo.post(OVERBY, text=his, fore=digests[1], gor="spara")
    assert page.status == 409
    assert "anna ändrade filen" in page.text and "Din text är inte sparad." in page.text
    assert "− Annas text om" in page.text and "+ Bos text om" in page.text
    path = folder / "faq" / "overby.md"
    assert path.read_text("utf-8") == hers
    fields = [part.partition("</textarea>")[0] for part in page.source.split("<textarea")[1:]]
    assert ["Annas text om" in one for one in fields] == [True, False]
    assert ["Bos text om" in one for one in fields] == [False, True]
    page = await bo.post(OVERBY, text=his, fore=known(bo), gor="spara")
    assert "Ändringen är sparad." in page.text and path.read_text("utf-8") == his


async def test_a_change_on_disk_is_the_truth(office: Office, folder: Path) -> None:
    visitor = await office.staff(role=accounts.EDITOR)
    page = await visitor.get(OVERBY)
    digest, path = known(visitor), folder / "faq" / "overby.md"
    mine = page.written.replace(SHORT, "Min text om")
    await visitor.post(OVERBY, text=mine, fore=digest, gor="spara")
    on_disk = page.written.replace(SHORT, "Från disken om")
    path.write_text(on_disk, "utf-8")
    page = await visitor.get("/personal/innehall/fil/faq/overby.md")
    assert "Filen har ändrats på disken efter den senaste ändringen här." in page.text
    assert (await visitor.get(OVERBY)).written == on_disk
    page = await visitor.post(OVERBY, text=mine, fore=digest, gor="spara")
    assert page.status == 409 and "Filen ändrades på disken medan du skrev." in page.text
    assert path.read_text("utf-8") == on_disk
    for _ in range(50):  # the watcher of the folder
        page = await visitor.get("/personal/innehall/fil/faq/overby.md")
        if "I chatten Från disken om" in page.text:
            break
        await asyncio.sleep(0.1)
    assert "I chatten Från disken om" in page.text


async def test_one_of_two_faults_on_disk_can_be_mended(office: Office, folder: Path) -> None:
    visitor = await office.staff(role=accounts.EDITOR)
    first, second = folder / "faq" / "overby.md", folder / "faq" / "telefon.md"
    good = first.read_text("utf-8")
    for path in (first, second):
        path.write_text(path.read_text("utf-8").replace("owner:", "ägare:"), "utf-8")
    assert not await asyncio.to_thread(office.app[CONTENT].reload)
    page = await visitor.get("/personal/innehall")
    assert "Innehållet på disken går inte att använda." in page.text
    assert "content/faq/telefon.md" in page.text
    await visitor.get(OVERBY)
    page = await visitor.post(OVERBY, text=good, fore=known(visitor), gor="spara")
    assert "Ändringen är sparad." in page.text and first.read_text("utf-8") == good
    assert {fault.path for fault in office.app[CONTENT].faults} == {"content/faq/telefon.md"}


async def test_a_new_answer_begins_as_a_template(office: Office, folder: Path) -> None:
    visitor = await office.staff(role=accounts.EDITOR)
    address = "/personal/innehall/nytt"
    told = {"fraga": 'Var är "hundrastgården"?', "amne": "trygghet", "agare": "Park: och natur"}
    for wrong in ("overby", "../../x", "Hund", "hund/rast", "hund.en", "", "a" * 41):
        await visitor.get(address)
        page = await visitor.post(address, id=wrong, **told)
        assert page.status == 422, page.text
    await visitor.get(address)
    page = await visitor.post(address, id="hundrastgard", **told)
    assert page.written == template(
        "hundrastgard", told["fraga"], "trygghet", told["agare"], now().date()
    )
    path = folder / "faq" / "hundrastgard.md"
    assert not path.exists()
    save, draft = "/personal/innehall/redigera/faq/hundrastgard.md", page.written
    page = await visitor.post(save, text=draft, fore=known(visitor), gor="spara")
    assert page.status == 422 and "`source` är tom" in page.text and not path.exists()
    whole = draft.replace("source: []", "source: [chatten]").replace(
        "\n\n<!-- mer -->", "\nVid älven.\n\n<!-- mer -->"
    )
    assert known(visitor) == "new"
    page = await visitor.post(save, text=whole, fore="new", gor="spara")
    assert "Svaret är skapat." in page.text and 'Var är "hundrastgården"?' in page.text
    assert path.read_text("utf-8") == whole.rstrip("\n") + "\n"
    page = await visitor.post(save, text=whole, fore="new", gor="spara")
    assert page.status == 409 and "finns redan" in page.text and page.written
    [change] = await changes(office)
    page = await visitor.get(f"/personal/innehall/andring/{change.id}")
    assert "Det går inte att ta bort en fil här." in page.text
    page = await visitor.post(f"/personal/innehall/andring/{change.id}", fore="")
    assert page.status in (403, 409) and path.exists()


# --- bad input ------------------------------------------------------------------------------------

OUTSIDE = (
    "../var/data.key", "faq/../../data.key", "faq/..%2f..%2fdata.key", "%2e%2e/data.key",
    "faq/overby.md/", "faq//overby.md", "faq/.overby.md", "README.md", "faq/finnsinte.md",
    "phrases/sv.yml.bak", "faq/link.md", "faq",
)  # fmt: skip


async def test_only_files_of_the_content_can_be_reached(office: Office, folder: Path) -> None:
    visitor = await office.staff(role=accounts.EDITOR)
    secret = folder.parent / "secret.md"
    secret.write_text("hemligt", "utf-8")
    (folder / "faq" / "link.md").symlink_to(secret)
    await visitor.get(OVERBY)
    token = visitor.page.token
    for name in OUTSIDE:
        for kind in ("fil", "redigera"):
            page = await visitor.get(f"/personal/innehall/{kind}/{name}")
            assert page.status == 404 and "hemligt" not in page.source, name
        for before in ("new", "x"):
            page = await visitor.post(
                f"/personal/innehall/redigera/{name}", nyckel=token, text="---\n", fore=before,
                gor="spara",
            )  # fmt: skip
            assert page.status in (404, 405, 409, 422), name
    assert secret.read_text("utf-8") == "hemligt"
    assert await changes(office) == []
    for name in ("/etc/passwd", "faq/link.md", "..", "faq/../kontaktcenter.yml", "faq/overby.md\n"):
        with pytest.raises(NoSuchFile):
            editing.read(folder, name)


async def test_a_file_in_another_encoding_is_not_edited(office: Office, folder: Path) -> None:
    path = folder / "faq" / "overby.md"
    path.write_bytes(path.read_text("utf-8").encode("latin-1", "replace"))
    visitor = await office.staff(role=accounts.EDITOR)
    page = await visitor.get(OVERBY)
    assert page.status == 409 and "Den är inte sparad som UTF-8." in page.text


async def test_a_reader_and_a_foreign_form_change_nothing(office: Office, folder: Path) -> None:
    reader = await office.staff("bo", accounts.READER)
    assert (await reader.get(OVERBY)).status == 403
    token = (await reader.get("/personal/innehall")).token
    page = await reader.post(OVERBY, nyckel=token, text="min text", fore="x", gor="spara")
    assert page.status == 403 and page.written.strip() == "min text"
    editor = await office.staff("anna", accounts.EDITOR)
    await editor.get(OVERBY)
    page = await editor.post(OVERBY, nyckel="fel", text="min text", fore=known(editor), gor="spara")
    assert page.status == 403
    await editor.get(OVERBY)
    page = await editor.post(OVERBY, text="x" * 1_100_000, fore=known(editor), gor="spara")
    assert page.status == 413
    stranger = await office.stranger()
    assert (await stranger.get(OVERBY)).path == "/personal/logga-in"
    assert await changes(office) == []


async def test_a_folder_that_can_not_be_written_in_is_told(
    office: Office, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = await office.staff(role=accounts.EDITOR)
    page = await visitor.get(OVERBY)
    text, digest = page.written.replace(SHORT, "Ny text om"), known(visitor)
    before = (folder / "faq" / "overby.md").read_bytes()

    def refuse(*_: Any) -> None:  # root may write everywhere: the system must be told to refuse
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "replace", refuse)
    page = await visitor.post(OVERBY, text=text, fore=digest, gor="spara")
    assert page.status == 500
    assert "Tjänsten får inte skriva i mappen med innehållet." in page.text
    assert page.written.strip() == text.strip(), "what was written can be copied"
    assert (folder / "faq" / "overby.md").read_bytes() == before
    assert [p.name for p in (folder / "faq").iterdir() if not p.name.endswith(".md")] == []
    assert await changes(office) == []
    assert await office.audited("faq/overby.md") == []


def test_a_difference_shows_a_few_lines_around() -> None:
    before = "\n".join(map(str, range(20)))
    after = before.replace("\n3\n", "\n3\nny\n").replace("\n16\n", "\n")
    found = difference(before, after)
    assert [line for line in found if line.kind != "same"] == [
        Line("added", "ny"), Line("gap", ""), Line("removed", "16"),
    ]  # fmt: skip
    assert [line.text for line in found if line.kind == "same"] == [
        *("1", "2", "3", "4", "5", "6"), *("13", "14", "15", "17", "18", "19"),
    ]  # fmt: skip
    assert difference(before, before) == []
    assert difference("--- a\n", "+++ b\n") == [Line("removed", "--- a"), Line("added", "+++ b")]


# --- in a browser ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (320, "dark")])
async def test_it_works_in_a_browser_on_a_phone_and_a_wide_screen(
    office: Office, folder: Path, browser: Browser, width: int, scheme: Any
) -> None:
    await office.user("anna", accounts.EDITOR)
    context = await browser.new_context(
        locale="sv-SE", viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type != "log" else None)

    await sign_in(page, office, "anna")
    await page.get_by_role("link", name="Innehåll", exact=True).click()
    await looks_right(page)
    await page.get_by_role("link", name="Vad hände vid Överby?").click()
    await looks_right(page)
    await page.get_by_role("link", name="Redigera").click()
    field = page.get_by_label("faq/overby.md", exact=True)
    await field.fill((await field.input_value()).replace(SHORT, "Vid Överby hölls stora träffar"))
    await page.get_by_role("button", name="Förhandsgranska").click()
    await expect(page.get_by_role("status")).to_contain_text("Den är inte sparad än.")
    await looks_right(page)
    await page.get_by_role("button", name="Spara").click()
    await expect(page.get_by_role("status")).to_contain_text("Ändringen är sparad.")
    await page.get_by_role("link", name="Visa ändring").click()
    await looks_right(page)
    await page.get_by_role("button", name="Spara den tidigare texten").click()
    await expect(page.get_by_role("status")).to_contain_text("Den tidigare texten är sparad igen.")
    await page.goto(f"{office.base}/personal/innehall/nytt")
    await looks_right(page)
    assert complaints == []
    await page.goto(f"{office.base}{OVERBY}")
    await page.get_by_label("faq/overby.md", exact=True).fill("---\nid: annat\n---\n")
    await page.get_by_role("button", name="Spara").click()
    await expect(page.get_by_role("alert")).to_contain_text("Rätta det här först")
    await looks_right(page)
    await context.close()
