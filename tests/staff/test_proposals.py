"""Phrases that staff propose: what may be wrong with them, where they are written, who decides."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from bot.check import Phrase, read_phrases
from bot.keys import DATABASE
from bot.settings import ROOT
from bot.staff import accounts
from bot.transcripts import checkout, phrases, proposals
from tests.staff.conftest import Office

FILES = sorted((ROOT / "data" / "nlu").glob("*.yml"))
KNOWN = phrases.Known(
    trained=phrases.Index(
        (
            Phrase("faq/overby", "vad hände vid Överby", "data/nlu/overby.yml", 7),
            Phrase("greet", "hej på dig", "data/nlu/samtal.yml", 6),
        )
    ),
    tested=phrases.Index(
        [Phrase("faq/overby", "berätta om bilträffarna på Överby", "tests/nlu/overby.yml", 9)]
    ),
    entries=frozenset({"overby", "oppettider"}),
    public=frozenset({"0520495000"}),
)


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_a_phrase_is_added_to_each_label_and_taken_out_again(file: Path, tmp_path: Path) -> None:
    source = file.read_text("utf-8")
    labels = [block.label for block in phrases.blocks(source)]
    assert len(labels) == source.count("- intent: "), "every block is found"
    new = {label: f"en ny fras: \"{label}\" 'å' #1 – va?" for label in labels}
    whole = source
    for label, text in new.items():
        before, whole = whole, phrases.added(whole, text, label)
        assert len(whole.splitlines()) == len(before.splitlines()) + 1
        assert phrases.removed(whole, text, label) == before
    (tmp_path / file.name).write_text(whole, "utf-8")
    assert {p.label: p.text for p in read_phrases(tmp_path)} == new, "each is the last of its label"


def test_an_entry_without_phrases_gets_a_block_of_its_own(tmp_path: Path) -> None:
    source = FILES[0].read_text("utf-8")
    new = phrases.added(phrases.with_new_block(source, "faq/nytt"), "en fras", "faq/nytt")
    (tmp_path / "x.yml").write_text(new, "utf-8")
    assert [(p.label, p.text) for p in read_phrases(tmp_path)][-1] == ("faq/nytt", "en fras")
    with pytest.raises(phrases.NoPlace):
        phrases.added(source, "en fras", "faq/finns-inte")
    with pytest.raises(phrases.NoPlace):
        phrases.removed(source, "en fras som inte finns", "out_of_scope")


@pytest.mark.parametrize(
    ("text", "label", "told"),
    [
        ("när börjar tågen gå igen", "faq/overby", None),
        ("ring 0520-49 50 00", "greet", None),
        ("...", "greet", "tom"),
        ("å" * 201, "greet", "högst 200"),
        ("/greet", "greet", "börja med /"),
        ("ring mig på [telefon]", "greet", "platshållare"),
        ("ring mig på 070-174 06 05", "greet", "personuppgifter"),
        ("min granne Anna Lindqvist för oväsen", "greet", "personuppgifter"),
        ("jag bor på Storgatan 14 och hör bilarna", "greet", "personuppgifter"),
        ("en bra fras", "faq/annat", "Välj det svar"),
        ("är det öppet på söndag", "faq/oppettider", "Välj det svar"),
        ("Vad hände vid Overby?", "faq/overby", "finns redan, med samma svar: data/nlu/overby.yml"),
        ("hej på dig!", "faq/overby", "med ett annat svar, ”greet”"),
        ("vad hände vid Överbyy", "faq/overby", "nästan likadan som ”vad hände vid Överby”"),
        ("berätta om bilträffarna på överby!", "faq/overby", "provfrasen"),
    ],
)
def test_what_may_be_wrong_with_a_phrase(text: str, label: str, told: str | None) -> None:
    found = phrases.problems(text, label, KNOWN)
    assert (told is None and not found) or (told and told in " ".join(found)), found


def test_an_approved_phrase_is_no_twin_of_itself() -> None:
    known = phrases.Known(
        KNOWN.trained, KNOWN.tested, approved=(Phrase("greet", "tjo", "förslag 3", 0),)
    )
    assert "förslag 3" in phrases.problems("Tjo!", "greet", known)[0]
    assert phrases.problems("Tjo!", "greet", known.but("förslag 3")) == []


async def proposed(
    office: Office, text: str, label: str = "faq/overby", kind: str = "phrase"
) -> int:
    async with AsyncSession(office.app[DATABASE]) as db, db.begin():
        return (await proposals.propose(db, kind, text, label, None, "bo")).id


async def state(office: Office, number: int) -> tuple[str, str, str, int]:
    async with AsyncSession(office.app[DATABASE]) as db:
        one = await proposals.find(db, number)
        return one.state, one.text, one.label, one.version


async def test_the_same_proposal_twice_is_one_and_a_rejected_one_comes_back(office: Office) -> None:
    first = await proposed(office, "hur gick  det med epabilarna till slut")
    assert await proposed(office, "hur gick det med epabilarna till slut") == first
    anna = await office.staff("anna", accounts.EDITOR)
    await anna.get("/personal/forbattra")
    form = {"version": "1", "text": "hur gick det med epabilarna till slut"}
    await anna.post(
        f"/personal/forbattra/forslag/{first}", **form, etikett="faq/overby", gor="avsla"
    )
    assert (await state(office, first))[0] == "rejected"
    assert await proposed(office, "hur gick det med epabilarna till slut") == first
    assert (await state(office, first))[0] == "proposed"
    told = [("bo", "proposed"), ("anna", "rejected"), ("bo", "proposed")]
    assert await office.audited(f"förslag {first}") == told


async def test_a_phrase_is_edited_approved_and_only_if_nothing_is_wrong_with_it(
    office: Office,
) -> None:
    number = await proposed(office, "ring mig på [telefon] om epabilarna", "")
    place = f"/personal/forbattra/forslag/{number}"
    reader = await office.staff("rut", accounts.READER)
    page = await reader.get("/personal/forbattra")
    assert "ring mig på [telefon]" in page.text and "Godkänn" not in page.text.split(": fras")[1]
    assert (await reader.post(place, version="1", text="x", gor="godkann")).status == 403
    anna = await office.staff("anna", accounts.EDITOR)
    page = await anna.get("/personal/forbattra")
    assert "platshållare" in page.text and "Välj det svar" in page.text
    wrong = {"version": "1", "text": "ring mig på [telefon] om bilarna", "etikett": "faq/overby"}
    page = await anna.post(place, **wrong, gor="godkann")
    assert page.status == 422 and "platshållare kvar" in page.text
    assert page.written == "ring mig på [telefon] om bilarna", "what was typed is there"
    assert (await state(office, number))[0::3] == ("proposed", 1), "nothing is saved"
    right = {
        "version": "1",
        "text": "hur gick det med epabilarna ni jagade",
        "etikett": "faq/overby",
    }
    page = await anna.post(place, **right, gor="godkann")
    assert "kommer med i nästa träning" in page.text and "1 godkänd fras" in page.text
    assert await state(office, number) == (
        "approved", "hur gick det med epabilarna ni jagade", "faq/overby", 3,
    )  # fmt: skip


async def test_of_two_editors_at_once_the_second_is_told(office: Office) -> None:
    number = await proposed(office, "vart tog epabilarna vägen sen då")
    place = f"/personal/forbattra/forslag/{number}"
    anna, bert = [await office.staff(n, accounts.EDITOR) for n in ("anna", "bert")]
    await anna.get("/personal/forbattra")
    await bert.get("/personal/forbattra")
    form = {"version": "1", "etikett": "faq/overby"}
    both = await asyncio.gather(
        anna.post(place, **form, text="vart tog epabilarna vägen till slut", gor="godkann"),
        bert.post(place, **form, text="vart tog epabilarna vägen", gor="spara"),
    )
    assert sorted(page.status for page in both) == [200, 409]
    late = next(page for page in both if page.status == 409)
    assert "medan du hade sidan öppen. Din ändring är inte sparad." in late.text
    text = (await state(office, number))[1]
    assert text in late.text, "and shows what it says now"


async def test_missing_content_is_a_task(office: Office) -> None:
    number = await proposed(office, "När kommer laddstolparna?", "", "content")
    anna = await office.staff("anna", accounts.EDITOR)
    page = await anna.get("/personal/forbattra?visa=innehall")
    assert "När kommer laddstolparna?" in page.text and "Ska leda till" not in page.text
    form = {"version": "1", "text": "När kommer laddstolparna?", "gor": "klart"}
    await anna.post(f"/personal/forbattra/forslag/{number}?visa=innehall", **form)
    assert (await state(office, number))[0] == "done"


async def test_markup_in_a_proposal_is_text(office: Office) -> None:
    await proposed(office, '<script>alert(1)</script> & "x"')
    page = await (await office.staff()).get("/personal/forbattra")
    assert "<script>alert" not in page.source and "&lt;script&gt;alert(1)" in page.source


async def test_git_gets_only_the_phrases(tmp_path: Path) -> None:
    async def git(*arguments: str) -> str:
        return await checkout._git(tmp_path, *arguments)

    assert await checkout.unsaved(tmp_path, []) is None, "no checkout"
    nlu = tmp_path / "data" / "nlu"
    nlu.mkdir(parents=True)
    file, other = nlu / "overby.yml", tmp_path / "other.txt"
    source = (ROOT / "data" / "nlu" / "overby.yml").read_text("utf-8")
    file.write_text(source, "utf-8")
    other.write_text("a")
    await git("init", "--quiet")
    await git("add", "-A")
    await git(*checkout.AUTHOR, "commit", "-qm", "first")
    assert await checkout.unsaved(tmp_path, []) is None, "nothing to save"
    file.write_text(phrases.added(source, "en fras", "faq/overby"), "utf-8")
    other.write_text("b")
    assert not (await checkout.unsaved(tmp_path, []) or pytest.fail()).own, "somebody else's line"
    found = await checkout.unsaved(tmp_path, ["en fras"])
    assert found and found.own and (found.added, found.removed) == (1, 0)
    await checkout.commit(tmp_path)
    assert (await git("show", "--name-only", "--format=%an %s")).split("\n") == [
        "Kontaktcenters assistent Träningsfraser från granskade samtal",
        *("", "data/nlu/overby.yml", ""),
    ]  # fmt: skip
    assert "other.txt" in await git("status", "--porcelain"), "what else was changed is left"
