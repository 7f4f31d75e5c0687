"""Conversations as staff read and judge them, over HTTP without JavaScript."""

import asyncio
import html
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.keys import CONTENT, DATABASE
from bot.nlu.labels import INTENT_ENTRIES
from bot.settings import ROOT
from bot.staff import accounts, labels
from bot.store.models import Audit
from bot.store.transcript_models import Proposal, Transcript, Verdict
from tests.staff.conftest import Office, Visitor
from tests.transcripts.made import KNOWN, MONDAY, Made, Talk, turn_id, write

LIST = "/personal/samtal"


@pytest.fixture
async def known(office: Office) -> Office:
    """The application with the known conversations."""
    await write(office.app[DATABASE], *KNOWN)
    return office


async def rows(office: Office, kind: Any) -> Sequence[Any]:
    """All rows of a table."""
    async with AsyncSession(office.app[DATABASE], expire_on_commit=False) as db:
        return (await db.scalars(select(kind))).all()


def listed(source: str) -> list[str]:
    """The conversations of a page of the list, in order."""
    return re.findall(rf'<th scope="row" class="free"><a href="{LIST}/([\w-]+)', source)


def judging(talk: str, omdome: str, amne: str = "", version: int = 0, number: int = 1) -> Any:
    """The fields of a verdict."""
    tur = turn_id(talk, number)
    return {"tur": tur, "omdome": omdome, "amne": amne, "version": str(version)}


NEWEST_FIRST = [talk.id for talk in reversed(KNOWN)]
FILTERS = {
    "": NEWEST_FIRST,
    "fran=2026-11-25": ["s-degraded", "s-form"],
    "till=2026-11-23": ["s-thumbsdown", "s-emergency", "s-clarified", "s-unknown", "s-hours"],
    "fran=2026-11-24&till=2026-11-24": ["s-person", "s-english"],
    "amne=opening_hours": ["s-english", "s-hours"],
    "amne=faq/felanmalan": ["s-clarified"],
    "flagga=fallback": ["s-unknown"],
    "flagga=clarification": ["s-clarified"],
    "flagga=emergency": ["s-emergency"],
    "flagga=form": ["s-form"],
    "flagga=person": ["s-person"],
    "flagga=abuse&flagga=person": ["s-person"],
    "flagga=abuse&flagga=form": [],
    "flagga=negative": ["s-thumbsdown"],
    "flagga=degraded": ["s-degraded"],
    "under=50": ["s-form", "s-unknown"],
    "under=55": ["s-form", "s-unknown"],
    "under=56": ["s-form", "s-clarified", "s-unknown"],
    "omdome=upp": ["s-hours"],
    "omdome=ner": ["s-thumbsdown"],
    "omdome=inget&fran=2026-11-25": ["s-degraded", "s-form"],
    "sok=öppettid": [],
    "sok=altaner": ["s-unknown"],
    "sok=trasiga+lampor": ["s-clarified"],
    "sok=ALVSBORG": ["s-thumbsdown"],
    "sok=felanmälans": ["s-clarified"],
    "osedda=1": [key for key in NEWEST_FIRST if key != "s-english"],
    "tilldelad=jag": ["s-form"],
    "tilldelad=bo": ["s-thumbsdown"],
    "tilldelad=-&fran=2026-11-24": ["s-degraded", "s-person", "s-english"],
    "sprak=en": ["s-english"],
    "sprak=en&osedda=1": [],
    # what can't be is left out
    "fran=i+dag&under=mycket&omdome=hej&flagga=hund": NEWEST_FIRST,
    "fran=0001-01-01&till=9999-12-31": NEWEST_FIRST,
    'sok=""+*+(': NEWEST_FIRST,
    'sok="altan"+*+)': ["s-unknown"],
    "sok=altan+OR+lampa": [],  # no operators: a word like others
    "sok=%00&amne=%00&sprak=%00&efter=%00.%00": NEWEST_FIRST,
}


async def test_each_filter_finds_what_it_should_and_nothing_else(known: Office) -> None:
    anna = await known.staff("anna", accounts.READER)
    for query, expected in FILTERS.items():
        page = await anna.get(f"{LIST}?{query}")
        assert (page.status, listed(page.source)) == (200, expected), query


async def test_search_goes_by_the_stem_of_a_word(known: Office) -> None:
    said = Made("Vilka är öppettiderna i jul?", answer="Se sidan om helger.")
    await write(known.app[DATABASE], Talk("s-jul", [said], MONDAY + timedelta(days=3)))
    anna = await known.staff("anna", accounts.READER)
    for word in ("öppettid", "Öppettider", "oppettidernas", "öppettiderna jul"):
        assert listed((await anna.get(LIST, params={"sok": word})).source) == ["s-jul"], word


async def test_the_list_shows_what_a_conversation_was_about(known: Office) -> None:
    anna = await known.staff("anna", accounts.READER)
    page = await anna.get(f"{LIST}?flagga=fallback")
    row = page.text[page.text.index("Tilldelad 2026-") :].partition(" Kontaktcenters assistent")[0]
    assert row == (
        "Tilldelad 2026-11-23 11:01 Hur söker jag bygglov för altan? 2 turer Fick inget svar "
        "21\u00a0% Inget Nej Ingen".replace("\u00a0", " ")
    )


async def test_pages_follow_each_other_without_gap_or_repetition(office: Office) -> None:
    at = [MONDAY + timedelta(minutes=7 * (n // 2)) for n in range(60)]  # two at a time
    await write(office.app[DATABASE], *(Talk(f"s-{n}", [Made("Hej")], at[n]) for n in range(60)))
    anna = await office.staff("anna", accounts.READER)
    seen, path = list[str](), f"{LIST}?osedda=1"
    while path:
        page = await anna.get(path)
        seen += listed(page.source)
        older = re.search(r'<a rel="next" href="([^"]+)"', page.source)
        path = html.unescape(older[1]) if older else ""
        assert not path or "osedda=1" in path
    assert len(seen) == len(set(seen)) == 60
    assert [at[int(key[2:])] for key in seen] == sorted(at, reverse=True)


async def test_views_are_ones_own(known: Office) -> None:
    anna = await known.staff("anna", accounts.READER)
    await anna.get(f"{LIST}?flagga=fallback")
    page = await anna.post(f"{LIST}/vyer?flagga=fallback&osedda=1", namn="Obesvarade")
    assert "Vyn är sparad." in page.text
    await anna.post(f"{LIST}/vyer?flagga=fallback", namn="Obesvarade")  # replaces the first
    page = await anna.get(LIST)
    assert f'<a href="{LIST}?flagga=fallback">Obesvarade</a>' in page.source
    number = re.findall(r"/vyer/(\d+)/radera", page.source)
    assert len(number) == 1
    for namn, query in (("", "osedda=1"), ("å" * 61, "osedda=1"), ("Allt", "")):
        page = await anna.post(f"{LIST}/vyer?{query}", namn=namn)
        assert page.status == 422 and 'role="alert"' in page.source

    bo = await known.staff("bo", accounts.READER)
    assert "Obesvarade" not in (await bo.get(LIST)).text
    page = await bo.post(f"{LIST}/vyer/{number[0]}/radera")
    assert page.status == 404
    await anna.get(LIST)
    page = await anna.post(f"{LIST}/vyer/{number[0]}/radera")
    assert "Vyn är borttagen." in page.text and "Obesvarade" not in page.text


async def test_a_conversation_shows_what_the_assistant_thought(known: Office) -> None:
    anna = await known.staff("anna", accounts.READER)
    text = (await anna.get(f"{LIST}/s-clarified")).text
    assert "Förstod frågan som Hur anmäler jag ett fel ute i staden?, säkerhet 55\u00a0%" in (
        text.replace("55 %", "55\u00a0%")
    )
    assert "Andra tolkningar Jag känner mig otrygg på en plats." in text
    assert "Resultat Fick en motfråga" in text and "Invånaren tryckte på Felanmälan" in text
    assert "120 ms, modell 20261120-090000" in text
    text = (await anna.get(f"{LIST}/s-thumbsdown")).text
    assert "Plats: Övre Älvsborg" in text
    assert "Tummen ner : Det var inte det jag frågade om" in text
    assert [r.what for r in await rows(known, Audit) if r.about == "s-thumbsdown"] == ["read"]


async def test_html_in_a_conversation_is_text(office: Office) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    said = Made(
        evil, answer=evil, comment=evil, feedback=-1, buttons=[evil], topic=evil[:60], intent=evil,
        entities=[(evil, evil)], ranking=[(evil, 0.5), (evil, 0.4)], language="sv", model=evil[:40],
    )  # fmt: skip
    await write(office.app[DATABASE], Talk("s-evil", [said], flags=["<b>"]))
    anna = await office.staff("anna")
    await anna.get(f"{LIST}/s-evil")
    await anna.post(f"{LIST}/s-evil/anteckning", text=evil)
    await anna.post(f"{LIST}/vyer?sok=alert", namn="<script>alert(3)</script>")
    for path in (LIST, f"{LIST}?amne={evil}&sok={evil}", f"{LIST}/s-evil", f"{LIST}/grupper"):
        page = await anna.get(path)
        assert page.status == 200, path
        assert "<script>alert" not in page.source and "<img" not in page.source, path
        assert "&lt;script&gt;" in page.source, path
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("role", [accounts.READER, accounts.EDITOR])
async def test_whoever_reads_may_judge(known: Office, role: str) -> None:
    anna = await known.staff("anna", role)
    page = await anna.get(f"{LIST}/s-unknown")
    page = await anna.post(f"{LIST}/s-unknown/bedom", **judging("s-unknown", "missing", number=2))
    assert "Bedömningen är sparad." in page.text
    assert "Saknar innehåll. Bedömd av anna" in page.text
    [task] = await rows(known, Proposal)
    assert (task.kind, task.text, task.label) == ("content", "Hur söker jag bygglov för altan?", "")
    exported = role == accounts.EDITOR
    assert (f"{LIST}/s-unknown.json" in page.source) == exported
    assert (await anna.get(f"{LIST}/s-unknown.json")).status == (200 if exported else 403)
    assert f"{LIST}/s-unknown/hall" not in page.source  # an administrator's


async def test_a_verdict_leads_to_a_phrase_and_a_changed_one_changes_it(known: Office) -> None:
    anna = await known.staff("anna", accounts.READER)
    at, key = f"{LIST}/s-clarified/bedom", "s-clarified"
    await anna.get(f"{LIST}/{key}")
    page = await anna.post(f"{at}?osedda=1", **judging(key, "wrong", "Hur anmäler jag ett brott"))
    assert "Fel svar, rätt ämne är ”Hur anmäler jag ett brott?”." in page.text
    assert f"{LIST}/{key}/nasta-osedda?osedda=1" in page.source  # the filter goes along
    [phrase] = await rows(known, Proposal)
    assert (phrase.kind, phrase.label, phrase.turn_id) == (
        "phrase", "faq/polisanmalan", turn_id(key),
    )  # fmt: skip
    assert phrase.text == "vem tar hand om trasig lampa"

    await anna.post(at, **judging(key, "should_ask", "faq/felanmalan", 1))
    [phrase] = await rows(known, Proposal)
    assert (phrase.kind, phrase.label) == ("phrase", "faq/felanmalan")
    await anna.post(at, **judging(key, "missing", "", 2))
    [task] = await rows(known, Proposal)
    assert task.kind == "content"
    await anna.post(at, **judging(key, "right", "", 3))
    assert await rows(known, Proposal) == []
    # a button that was pressed has nothing to teach
    await anna.post(at, **judging(key, "wrong", "Öppettider", 0, 2))
    assert await rows(known, Proposal) == []
    assert {(v.turn_id, v.verdict, v.label, v.version) for v in await rows(known, Verdict)} == {
        (turn_id(key), "right", None, 4),
        (turn_id(key, 2), "wrong", "opening_hours", 1),
    }
    judged = [r.detail for r in await rows(known, Audit) if r.what == "judged"]
    assert judged[0] == {"turn": 1, "verdict": "wrong", "label": "faq/polisanmalan"}


async def test_what_is_decided_stays_and_what_others_asked_for_too(office: Office) -> None:
    same = [Made("lampan är trasig", None, "unknown"), Made("lampan är trasig", None, "unknown")]
    await write(office.app[DATABASE], Talk("s-lamp", same))
    anna = await office.staff("anna", accounts.READER)
    at = f"{LIST}/s-lamp/bedom"
    await anna.get(f"{LIST}/s-lamp")
    for number in (1, 2):
        await anna.post(at, **judging("s-lamp", "wrong", "faq/felanmalan", 0, number))
    await anna.post(at, **judging("s-lamp", "right", "", 1, 1))
    [left] = await rows(office, Proposal)  # the second turn still asks for it
    assert (left.label, left.turn_id) == ("faq/felanmalan", turn_id("s-lamp", 2))
    async with AsyncSession(office.app[DATABASE]) as db, db.begin():
        (await db.get_one(Proposal, left.id)).state = "approved"
    await anna.post(at, **judging("s-lamp", "right", "", 1, 2))
    assert [p.state for p in await rows(office, Proposal)] == ["approved"]


async def test_a_wrong_topic_or_none_is_told_and_nothing_is_lost(known: Office) -> None:
    anna = await known.staff("anna", accounts.READER)
    await anna.get(f"{LIST}/s-hours")
    page = await anna.post(
        f"{LIST}/s-hours/bedom", **judging("s-hours", "wrong", "Hur anmäler man brott")
    )
    assert page.status == 422
    assert "Menar du ”Hur anmäler jag ett brott?”" in page.text
    page = await anna.post(f"{LIST}/s-hours/bedom", **judging("s-hours", "wrong", "trasig lampa"))
    assert "”Hur anmäler jag ett fel ute i staden?”" in page.text  # by what the answer says
    page = await anna.post(
        f"{LIST}/s-hours/bedom", **judging("s-hours", "wrong", "Hur anmäler man brott")
    )
    assert 'value="Hur anmäler man brott"' in page.source
    assert re.search(r'value="wrong" checked', page.source)
    page = await anna.post(f"{LIST}/s-hours/bedom", **judging("s-hours", "", "Öppettider"))
    assert page.status == 422 and "Välj en bedömning först." in page.text
    page = await anna.post(f"{LIST}/s-hours/bedom", **judging("s-form", "right"))
    assert page.status == 404  # a turn of another conversation
    assert await rows(known, Verdict) == []


async def test_the_second_of_two_is_told_what_the_first_one_said(known: Office) -> None:
    anna, bo = await known.staff("anna"), await known.staff("bo")
    at = f"{LIST}/s-thumbsdown/bedom"
    for one in (anna, bo):
        await one.get(f"{LIST}/s-thumbsdown")
    await anna.post(at, **judging("s-thumbsdown", "wrong", "Var hittar jag skriften?"))
    page = await bo.post(at, **judging("s-thumbsdown", "should_ask", "Öppettider"))
    assert page.status == 409
    assert (
        "anna bedömde turen medan du hade sidan öppen: Fel svar, rätt ämne är ”Var hittar jag "
        "skriften?”. Din bedömning är inte sparad." in page.text
    )
    assert 'value="Öppettider"' in page.source  # what he wrote is still there
    page = await bo.post(at, **judging("s-thumbsdown", "should_ask", "Öppettider", 1))
    assert page.status == 200
    [now] = await rows(known, Verdict)
    assert (now.verdict, now.label, now.by, now.version) == (
        "should_ask", "opening_hours", "bo", 2,
    )  # fmt: skip
    # the same word from both is no quarrel
    page = await anna.post(at, **judging("s-thumbsdown", "should_ask", "Öppettider", 1))
    assert page.status == 200


async def test_of_many_at_the_same_moment_one_is_stored_and_the_others_are_told(
    known: Office,
) -> None:
    visitors = [await known.staff(f"user{n}") for n in range(4)]
    for one in visitors:
        await one.get(f"{LIST}/s-hours")
    names = list(labels.titles(known.app[CONTENT].content))

    async def judge(one: Visitor, label: str) -> int:
        return (
            await one.post(f"{LIST}/s-hours/bedom", **judging("s-hours", "wrong", label))
        ).status

    answers = await asyncio.gather(*map(judge, visitors, names))
    assert sorted(answers) == [200, 409, 409, 409]
    assert len(await rows(known, Verdict)) == len(await rows(known, Proposal)) == 1


async def test_assigning_and_marking(known: Office) -> None:
    anna, bo = await known.staff("anna", accounts.READER), await known.staff("bo")
    for one in (anna, bo):
        await one.get(f"{LIST}/s-hours")
    page = await anna.post(f"{LIST}/s-hours/tilldela", tilldelad="bo", fore="")
    assert "Tilldelningen är ändrad." in page.text
    page = await bo.post(f"{LIST}/s-hours/tilldela", tilldelad="anna", fore="")
    assert page.status == 409 and "Samtalet är tilldelat bo medan du" in page.text
    page = await bo.post(f"{LIST}/s-hours/tilldela", tilldelad="nobody-there", fore="bo")
    assert page.status == 422
    page = await anna.post(f"{LIST}/s-hours/sedd", sedd="ja")
    assert "Sett av anna" in page.text
    page = await anna.post(f"{LIST}/s-hours/sedd", sedd="nej")
    assert "Ingen har markerat samtalet som sett." in page.text
    deeds = [(r.who, r.what) for r in await rows(known, Audit) if r.about == "s-hours"]
    assert [deed for deed in deeds if deed[1] != "read"] == [
        ("anna", "changed"), ("anna", "seen"), ("anna", "unseen"),
    ]  # fmt: skip


async def test_next_and_previous_stay_in_the_filter(known: Office) -> None:
    anna = await known.staff("anna", accounts.READER)
    here = "till=2026-11-24"
    page = await anna.get(f"{LIST}/s-person/nasta?{here}")
    assert page.path == f"{LIST}/s-english"
    page = await anna.get(f"{LIST}/s-person/nasta-osedda?{here}")  # past the one that was seen
    assert page.path == f"{LIST}/s-thumbsdown" and f"?{here}" in page.source
    page = await anna.get(f"{LIST}/s-english/forra?{here}")
    assert page.path == f"{LIST}/s-person"
    page = await anna.get(f"{LIST}/s-person/forra?{here}")
    assert page.path == f"{LIST}/s-person" and "inga fler samtal" in page.text


async def test_notes(known: Office) -> None:
    anna = await known.staff("anna", accounts.READER)
    await anna.get(f"{LIST}/s-hours")
    for _ in range(2):  # a double click
        page = await anna.post(f"{LIST}/s-hours/anteckning", text="Ring upp.\r\nI dag.")
    assert page.source.count("Ring upp.\nI dag.") == 1
    page = await anna.post(f"{LIST}/s-hours/anteckning", text="å" * 5001)
    assert page.status == 422 and page.written == "å" * 5001
    page = await anna.post(f"{LIST}/s-hours/anteckning", text="å" * 2_500_000)  # 5 MB, and more
    assert page.status == 413 and "Texten är för lång" in page.text
    page = await anna.post(f"{LIST}/s-hours/anteckning", text=" ")
    assert page.status == 422


async def test_without_the_token_or_from_elsewhere_nothing_happens(known: Office) -> None:
    anna = await known.staff("anna")
    await anna.get(f"{LIST}/s-hours")
    fields = judging("s-hours", "wrong", "Öppettider")
    for path, told in {
        "s-hours/bedom": fields,
        "s-hours/anteckning": {"text": "x"},
        "s-hours/tilldela": {"tilldelad": "anna", "fore": ""},
        "s-hours/sedd": {"sedd": "ja"},
        "vyer?osedda=1": {"namn": "x"},
        "grupper": {"omdome": "missing", f"tur-{turn_id('s-unknown', 2)}": "0"},
    }.items():
        page = await anna.post(f"{LIST}/{path}", **{**told, "nyckel": "fel"})
        assert page.status == 403, path
        await anna.get(f"{LIST}/s-hours")
        page = await anna.post(f"{LIST}/{path}", {"Origin": "https://evil.example"}, **told)
        assert page.status == 403, path
        await anna.get(f"{LIST}/s-hours")
        stranger = await known.stranger()
        page = await stranger.post(f"{LIST}/{path}", **told)
        assert page.status == 403, path
    assert await rows(known, Verdict) == []
    heads = {t.id: t for t in await rows(known, Transcript)}
    assert heads["s-hours"].seen_at is None and heads["s-hours"].assigned is None


async def test_ids_tell_nothing(known: Office) -> None:
    anna = await known.staff("anna", accounts.READER)
    pages = {
        (await anna.get(f"{LIST}/{key}")).text
        for key in ("s-nobody", "0", "x" * 40, "s-hours2", "S-HOURS")
    }
    assert len(pages) == 1 and "Samtalet finns inte" in pages.pop()
    await anna.get(f"{LIST}/s-hours")
    for path, fields in (("bedom", judging("s-x", "right")), ("sedd", {}), ("tilldela", {})):
        assert (await anna.post(f"{LIST}/s-x/{path}", **fields)).status == 404
        await anna.get(f"{LIST}/s-hours")
    page = await anna.post(f"{LIST}/s-x/anteckning", text="kvar")
    assert page.status == 404 and page.written == "kvar"
    stranger = await known.stranger()
    for key in ("s-hours", "s-nobody"):
        page = await stranger.get(f"{LIST}/{key}", allow_redirects=False)
        assert page.status == 303 and "logga-in" in page.headers["Location"]


async def test_every_label_has_a_title_and_every_title_leads_back(office: Office) -> None:
    content = office.app[CONTENT].content
    intents = set()
    for file in (ROOT / "data" / "nlu").glob("*.yml"):
        intents |= set(re.findall(r"^- intent: (\S+)", file.read_text("utf-8"), re.M))
    assert intents - {"faq"} == set(labels.INTENTS)
    for label, title in labels.titles(content).items():
        assert labels.chosen(content, title) == labels.chosen(content, label) == label
    for label, entry in INTENT_ENTRIES.items():
        assert labels.chosen(content, f"faq/{entry}") == label


async def test_one_decision_for_many_messages(office: Office) -> None:
    now = datetime.now(UTC)
    lamps = [
        Talk(f"s-lamp{n}", [Made(text, None, "unknown", 0.2)], now - timedelta(days=n))
        for n, text in enumerate(
            (
                "lampan på gatan är trasig",
                "trasig lampa på min gata",
                "gatlampan är trasig",
                "Lampan på gatan är trasig!",
            )
        )
    ]
    others = [
        Talk("s-right", [Made("lampan på gatan är trasig")], now),
        Talk("s-old", [Made("trasig lampa", None, "unknown")], now - timedelta(days=60)),
        Talk("s-down", [Made("får jag elda löv", feedback=-1)], now),
    ]
    await write(office.app[DATABASE], *lamps, *others)
    anna, bo = await office.staff("anna", accounts.READER), await office.staff("bo")
    page = await anna.get(f"{LIST}/grupper")
    assert "5 meddelanden i 2 grupper" in page.text
    assert re.findall(r'id="grupp-\d+">(.*?)</h2>', page.source)[1] == "får jag elda löv"
    ticked = {f"tur-{turn_id(f's-lamp{n}')}": "0" for n in range(4)}
    assert set(ticked) <= set(re.findall(r'name="(tur-[^"]+)" value="0" checked', page.source))

    await bo.get(f"{LIST}/s-lamp3")
    await bo.post(f"{LIST}/s-lamp3/bedom", **judging("s-lamp3", "right"))
    for wrong in (
        {"omdome": "wrong", "amne": "Hur anmäler jag ett fel ute i staden?"},
        {"omdome": "wrong", "amne": "", **ticked},
        {"omdome": "right", "amne": "", **ticked},
        {"omdome": "wrong", "amne": "hjälp", **ticked},
    ):
        page = await anna.post(f"{LIST}/grupper", **wrong)
        assert page.status == 422 and "Inget är sparat." in page.text
    page = await anna.post(
        f"{LIST}/grupper", omdome="wrong", amne="Hur anmäler jag ett fel ute i staden?", **ticked
    )
    assert "3 meddelanden är bedömda. 1 är orört, för någon annan hann före." in page.text
    assert "1 meddelande i 1 grupp" in page.text
    verdicts = {(v.turn_id, v.verdict, v.label, v.by) for v in await rows(office, Verdict)}
    assert verdicts == {
        *((turn_id(f"s-lamp{n}"), "wrong", "faq/felanmalan", "anna") for n in range(3)),
        (turn_id("s-lamp3"), "right", None, "bo"),
    }
    assert sorted(p.text for p in await rows(office, Proposal)) == [
        "gatlampan är trasig", "lampan på gatan är trasig", "trasig lampa på min gata",
    ]  # fmt: skip
