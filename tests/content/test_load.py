"""Reading content/: what is whole loads, and what is broken is named with file, line and remedy."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bot.content.answers import entry_answer, phrase_answer
from bot.content.hours import STOCKHOLM
from bot.content.load import (
    MORE_MARK,
    NEEDED_CHOICES,
    NEEDED_ENTRIES,
    NEEDED_PHRASES,
    SHORT_WORDS,
    Content,
    ContentError,
    load,
    warnings,
)
from bot.participation.form import QUESTIONS
from bot.settings import ROOT

MONDAY = datetime(2026, 11, 23, 10, tzinfo=STOCKHOLM)
ADDRESS, CENTER, PHRASES = "faq/adress.md", "kontaktcenter.yml", "phrases/sv.yml"
EMPTY = (
    "---\nid: adress\ntitle: Var ligger kontaktcenter?\ntopic: kontaktcenter\n"
    "audience: [invanare]\nsource: [anslagstavla]\nreviewed: 2026-11-22\n"
    "owner: Kontaktcenter\n---\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the content to break."""
    return Path(shutil.copytree(ROOT / "content", tmp_path / "content"))


@pytest.fixture(scope="module")
def content() -> Content:
    """The real content."""
    return load(ROOT / "content")


def change(folder: Path, name: str, old: str, new: str) -> int:
    """Replace the first `old` in a file; the line where it stood."""
    path = folder / name
    text = path.read_text("utf-8")
    assert old in text, f"{old!r} no longer stands in {name}"
    path.write_text(text.replace(old, new, 1), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def faults(folder: Path) -> list[str]:
    """Every fault of a broken folder, as an editor sees them."""
    with pytest.raises(ContentError) as caught:
        load(folder)
    assert str(caught.value) == "\n".join(map(str, caught.value.faults))
    return [str(fault) for fault in caught.value.faults]


def only_fault(folder: Path) -> str:
    """The one fault of a folder: nothing else may be blamed for it."""
    [fault] = faults(folder)
    return fault


# --- the content as it is ------------------------------------------------------------------


def test_the_real_content_loads_without_a_warning(content: Content) -> None:
    assert len(content.entries) > 40
    assert warnings(content, MONDAY.date()) == []


def test_every_short_answer_is_at_most_sixty_words_as_written(content: Content) -> None:
    long = {e.id: n for e in content.entries.values() if (n := len(e.short.split())) > SHORT_WORDS}
    assert long == {}


def test_every_short_answer_is_about_sixty_words_when_the_facts_are_filled_in(
    content: Content,
) -> None:
    for entry in content.entries:
        words = len(entry_answer(content, entry, MONDAY).text.split())
        assert words <= SHORT_WORDS + 25, f"{entry}: {words}"


def test_every_entry_names_its_sources_its_owner_and_when_it_was_reviewed(content: Content) -> None:
    for entry in content.entries.values():
        assert entry.source and entry.owner
        assert entry.reviewed <= date.today(), entry.id
        assert all(content.sources[name].read <= date.today() for name in entry.source), entry.id


def literals(content: Content) -> list[tuple[str, re.Pattern[str]]]:
    """What only kontaktcenter.yml and safety.yml may hold, as patterns."""
    center = content.kontaktcenter
    digits = [center.phone.display, center.phone.e164]
    digits += [number.phone for number in content.safety.values()]
    spaced = [r"[ -]?".join(re.sub(r"\D", "", number)) for number in digits]
    found = [("telefonnummer", rf"(?<![\d/=&.-])\+?{number}(?![\d-])") for number in spaced]
    found += [("telefonnummer", r"(?<![\d/=])0\d{1,3}[ -]\d{2,3} ?\d{2} ?\d{2}(?!\d)")]
    found += [("adress", re.escape(center.visit.street)), ("adress", center.visit.postcode)]
    found += [("öppettid", r"(?<![\d:])([01]?\d|2[0-3])[.:][0-5]\d(?![\d:])")]
    found += [("öppettid", r"måndag\s?(–|-|till)\s?fredag"), ("öppettid", r"\bkl(ockan|\.) ?\d")]
    return [(kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in found]


def spoken_texts(content: Content) -> list[tuple[str, str]]:
    """Every text that the assistant may say, as written."""
    texts = [
        (f"faq/{entry.id}", text)
        for entry in content.entries.values()
        for text in (entry.short, entry.more, entry.place or "", entry.call or "")
    ]
    texts += [(f"pages/{page.id}", page.text) for page in content.pages.values()]
    return texts + [
        (f"phrases/{lang}/{key}", phrase.text)
        for lang, phrases in content.phrases.items()
        for key, phrase in phrases.phrases.items()
    ]


def test_no_answer_holds_a_phone_number_an_address_or_an_opening_hour_of_its_own(
    content: Content,
) -> None:
    typed = [
        f"{name}: {kind} {match.group()!r} – hämta den ur kontaktcenter eller safety"
        for name, text in spoken_texts(content)
        for kind, pattern in literals(content)
        for match in pattern.finditer(text)
    ]
    assert typed == []


@pytest.mark.parametrize(
    "text",
    ["Ring 0520-49 50 00.", "Ring 0520495000", "Ring 112 nu", "Ring 11414", "Växeln: +46520495000",
     "Gärdhemsvägen 9", "08:00", "Öppet 8.00–16.30", "kl. 9", "måndag–fredag", "020-50 50 50"],
)  # fmt: skip
def test_a_fact_typed_into_an_answer_would_be_seen(content: Content, text: str) -> None:
    assert any(pattern.search(text) for _, pattern in literals(content))


def test_content_must_hold_every_fixed_text_that_the_code_says(content: Content) -> None:
    folders = ("actions", "bot/chat", "bot/participation")
    files = [file for folder in folders for file in (ROOT / folder).glob("*.py")]
    code = "\n".join(file.read_text("utf-8") for file in files)
    named = set(re.findall(r'"([\w-]+)"', code))
    offered = set(re.findall(r'choice_option\([^"\n]*"([\w-]+)"', code))
    rules = [YAML(typ="safe").load(p)["rules"] for p in (ROOT / "data" / "rules").glob("*.yml")]
    said_by_rules = {
        rule["steps"][0]["intent"]
        for rule in chain(*rules)
        if {"action": "action_phrase"} in rule["steps"]
    }
    assert said_by_rules
    assert offered == set(NEEDED_CHOICES)
    asked = {f"{kind}_{question}" for kind in ("join", "why") for question in QUESTIONS}
    asked -= {"join_consent"}  # the summary puts that question
    said = (named & set(content.phrases["sv"].phrases)) | said_by_rules | asked
    assert said == set(NEEDED_PHRASES)
    ways = {"telefon", "e-post"}  # also what a business may want to be contacted by
    assert named & set(content.entries) - ways <= set(NEEDED_ENTRIES)


# --- an edit -------------------------------------------------------------------------------


def test_an_edit_of_a_file_changes_the_answer(folder: Path) -> None:
    change(folder, ADDRESS, "Kontaktcenter ligger i", "Du hittar kontaktcenter i")
    assert entry_answer(load(folder), "adress", MONDAY).text.startswith("Du hittar kontaktcenter i")


def test_a_fact_is_changed_in_one_place_and_every_answer_follows(folder: Path) -> None:
    change(folder, CENTER, "display: 0520-49 50 00", "display: 0520-12 34 56")
    content = load(folder)
    for answer in (
        entry_answer(content, "telefon", MONDAY),
        entry_answer(content, "tjanster", MONDAY),
        phrase_answer(content, "human_open", MONDAY),
    ):
        assert "0520-12 34 56" in answer.text
        assert "0520-49 50 00" not in answer.text


def test_a_new_answer_is_one_new_file(folder: Path) -> None:
    text = (folder / ADDRESS).read_text("utf-8")
    new = text.replace("id: adress", "id: parkering").replace("Var ligger", "Var parkerar jag vid")
    (folder / "faq" / "parkering.md").write_text(new, "utf-8")
    assert load(folder).entries["parkering"].title == "Var parkerar jag vid kontaktcenter?"


def test_an_answer_in_another_language_is_not_taken_for_a_swedish_one(folder: Path) -> None:
    head = "---\nid: ordningsvakter\ntitle: Are there guards?\ntranslated: 2026-11-24\n---\n"
    (folder / "faq" / "ordningsvakter.en.md").write_text(f"{head}Yes, there have been.\n", "utf-8")
    assert ("en", "ordningsvakter") in load(folder).translations
    assert set(load(folder).entries) == set(load(ROOT / "content").entries)


def test_a_decided_exception_closes_the_day(folder: Path) -> None:
    change(folder, CENTER, "exceptions: []", "exceptions:\n    - {date: 2026-11-23, closed: true}")
    assert "Just nu är det stängt" in entry_answer(load(folder), "oppettider", MONDAY).text


def test_an_unquoted_clock_is_read_as_a_clock(folder: Path) -> None:
    # YAML 1.1 makes 600 of it
    change(folder, CENTER, 'open: "08:00"', "open: 10:00")
    assert "kl. 10.00–16.30" in entry_answer(load(folder), "oppettider", MONDAY).text


@pytest.mark.parametrize(
    "as_saved", [lambda b: b"\xef\xbb\xbf" + b, lambda b: b.replace(b"\n", b"\r\n")]
)
def test_files_saved_on_windows_load(folder: Path, as_saved: Callable[[bytes], bytes]) -> None:
    for name in (ADDRESS, CENTER, PHRASES):
        path = folder / name
        path.write_bytes(as_saved(path.read_bytes()))
    assert load(folder).entries == load(ROOT / "content").entries


# --- a broken edit -------------------------------------------------------------------------


@dataclass(frozen=True)
class Edit:
    """What an editor writes in place of something, what the fault says, and how many lines
    further down than the edit it points."""

    file: str
    old: str
    new: str
    says: str
    further: int = 0


ABOUT, SITE = "pages/om.md", "site.yml"
EDITS = {
    "an unknown key of a page": Edit(
        ABOUT, "reviewed:", "granskad: i dag\nreviewed:", "`granskad` är inget fält som finns här"
    ),
    "a page under another name": Edit(ABOUT, "id: om", "id: omoss", "skriv id: om"),
    "a page's unknown source": Edit(ABOUT, "[chatten]", "[chaten]", "finns inte i sources.yml"),
    "a page's unknown fact": Edit(
        ABOUT, "{{ safety.sos.phone }}", "{{ safety.sos.fax }}", "'fax' finns inte"
    ),
    "a page's unknown setting": Edit(ABOUT, "{version}", "{versionen}", "{versionen} finns inte"),
    "a frequent question that isn't there": Edit(
        SITE, "[oppettider,", "[oppetider,", "'oppetider' finns inte"
    ),
    "a topic that isn't there": Edit(
        ADDRESS, "topic: kontaktcenter", "topic: kontakt", "'kontakt' finns inte i site.yml"
    ),
    "unknown key": Edit(
        ADDRESS, "owner:", "agare: X\nowner:", "`agare` är inget fält som finns här"
    ),
    "no such day": Edit(
        ADDRESS, "reviewed: 2026-11-22", "reviewed: 2026-13-45", "'2026-13-45' är inget datum"
    ),
    "a word for a date": Edit(
        ADDRESS, "reviewed: 2026-11-22", "reviewed: i går", "`reviewed` är inget datum"
    ),
    "half a date": Edit(
        ADDRESS, "reviewed: 2026-11-22", "reviewed: 2026-11", "`reviewed` är inget datum"
    ),
    "no such day in a source": Edit(
        "sources.yml", "reviewed: 2022-05-04", "reviewed: 2022-02-30", "'2022-02-30' är inget datum"
    ),
    "an open bracket": Edit(
        ADDRESS, "byggbloggen]", "byggbloggen", "går inte att läsa som YAML", 1
    ),
    "an open quote": Edit(
        CENTER, "place: stadshuset", 'place: "stadshuset', "går inte att läsa som YAML", 2
    ),
    "a tab": Edit(
        CENTER, "  place: stadshuset", "\tplace: stadshuset", "tabbtecken – använd mellanslag"
    ),
    "a control character": Edit(
        CENTER, "stadshuset", "stads\x07huset", "går inte att läsa som YAML"
    ),
    "a key twice in a file": Edit(
        CENTER, "motto: en väg in", "motto: ett\nmotto: två", "`motto` står två gånger", 1
    ),
    "a key twice in a head": Edit(
        ADDRESS, "owner: Kontaktcenter", "owner: A\nowner: B", "`owner` står två gånger", 1
    ),
    "unknown source": Edit(
        ADDRESS, "byggbloggen]", "byggblogen]", "källan 'byggblogen' finns inte i sources.yml"
    ),
    "unknown source of a number": Edit(
        "safety.yml", "source: sosalarm-11414", "source: sosalarm", "källan 'sosalarm' finns inte"
    ),
    "unknown related": Edit(
        ADDRESS, "[hitta-hit,", "[hitta-dit,", "related: 'hitta-dit' finns inte"
    ),
    "unknown audience": Edit(
        ADDRESS, "audience: [invanare,", "audience: [turister,", "`audience.0` ska vara 'invanare'"
    ),
    "unknown choice": Edit(
        PHRASES,
        "choices: [tjanster, oppettider, ga-med]",
        "choices: [tjanster, oppetider]",
        "welcome: valet 'oppetider' finns inte",
    ),
    "unknown fact": Edit(
        ADDRESS,
        "{{ kontaktcenter.address }}",
        "{{ kontaktcenter.fon }}",
        "'fon' finns inte – välj bland address, ",
    ),
    "unknown fact behind Läs mer": Edit(
        ADDRESS,
        "ring {{ kontaktcenter.phone }}",
        "ring {{ kontaktcenter.fon }}",
        "'fon' finns inte",
    ),
    "unknown fact in a follow-up": Edit(
        "faq/tips.md",
        'call: "Ring polisen på {{ safety.polisen.phone }}',
        'call: "Ring polisen på {{ safety.polis.phone }}',
        "'polis' finns inte – välj bland",
    ),
    "unknown fact in a fixed text": Edit(
        PHRASES,
        "{{ safety.sos.phone }}",
        "{{ safety.soss.phone }}",
        "'soss' finns inte – välj bland",
    ),
    "a brace too few at the end": Edit(
        ADDRESS, "{{ kontaktcenter.address }}", "{{ kontaktcenter.address }", "klamrarna {{ }}"
    ),
    "a brace too few at the start": Edit(
        ADDRESS, "{{ kontaktcenter.address }}", "{ kontaktcenter.address }}", "en klammer saknas"
    ),
    "an expression that breaks": Edit(
        ADDRESS, "{{ kontaktcenter.address }}", "{{ 1/0 }}", "texten går inte att fylla i"
    ),
    "an expression that calls a text": Edit(
        ADDRESS,
        "{{ kontaktcenter.address }}",
        "{{ kontaktcenter.address() }}",
        "går inte att fylla i",
    ),
    "an expression that breaks out": Edit(
        ADDRESS, "{{ kontaktcenter.address }}", "{{ ''.__class__.__mro__ }}", "'__class__' får inte"
    ),
    "an hour of one digit": Edit(
        CENTER, 'open: "08:00"', "open: 8:00", 'citattecken, t.ex. "08:00"'
    ),
    "an hour with a dot": Edit(CENTER, 'open: "08:00"', "open: 8.00", 'citattecken, t.ex. "08:00"'),
    "an hour that isn't": Edit(
        CENTER, 'open: "08:00"', 'open: "25:00"', "`hours.weekly.0.open` är skrivet på fel sätt"
    ),
    "hours that overlap": Edit(
        CENTER,
        "    - days:",
        '    - {days: [fri], open: "12:00", close: "18:00"}\n    - days:',
        "fredag överlappar",
        -1,
    ),
    "closing before opening": Edit(
        CENTER, 'close: "16:30"', 'close: "07:30"', "Stängningen 07:30 måste vara senare", -3
    ),
    "an exception that closes and opens": Edit(
        CENTER,
        "exceptions: []",
        'exceptions:\n    - {date: 2026-12-23, closed: true, open: "08:00", close: "12:00"}',
        "undantaget 2026-12-23 ska ha antingen closed: true eller både open och close",
        1,
    ),
    "an exception that closes but has half an hour": Edit(
        CENTER,
        "exceptions: []",
        'exceptions:\n    - {date: 2026-12-23, closed: true, open: "08:00"}',
        "undantaget 2026-12-23 ska ha antingen closed: true eller både open och close",
        1,
    ),
    "an exception that says nothing": Edit(
        CENTER,
        "exceptions: []",
        "exceptions:\n    - {date: 2026-12-23, note: halvdag}",
        "undantaget 2026-12-23 ska ha antingen closed: true eller både open och close",
        1,
    ),
    "a number that can't be dialled": Edit(
        CENTER, 'e164: "+46520495000"', 'e164: "0520-49 50 00"', 't.ex. "+46520495000"'
    ),
    "an unquoted postcode": Edit(
        CENTER, 'postcode: "461 83"', "postcode: 46183", 't.ex. "461 83" inom citattecken'
    ),
    "another id than the file's": Edit(
        ADDRESS, "id: adress", "id: adressen", "filen heter adress.md – skriv id: adress"
    ),
    "an id with capitals": Edit(
        ADDRESS, "id: adress", "id: Adress", "små bokstäver a–z, siffror och bindestreck"
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_broken_edit_is_named_with_file_line_and_remedy(folder: Path, name: str) -> None:
    edit = EDITS[name]
    line = change(folder, edit.file, edit.old, edit.new)
    fault = only_fault(folder)
    assert fault.startswith(f"content/{edit.file} rad {line + edit.further}: ")
    assert edit.says in fault
    in_swedish = re.sub(r"\([^()]*\)$", "", fault)  # a library's own words come last, in brackets
    assert not re.search(r"\b(should|input|string|pattern|valid|object|found)\b", in_swedish, re.I)


@pytest.mark.parametrize("key", ["id", "title", "topic", "audience", "source", "reviewed", "owner"])
def test_a_missing_field_is_named_with_what_to_write(folder: Path, key: str) -> None:
    path = folder / ADDRESS
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith(f"{key}:")), "utf-8")
    assert re.match(rf"content/{ADDRESS} rad 2: `{key}` saknas – skriv ", only_fault(folder))


@pytest.mark.parametrize(
    ("saved", "says"),
    [
        (
            "Bara text, inget sidhuvud.",
            "rad 1: ska börja med ett sidhuvud mellan två rader med ---",
        ),
        ("---\nid: adress\n\nText utan slut på huvudet.", "rad 1: ska börja med ett sidhuvud"),
        ("", "rad 1: ska börja med ett sidhuvud"),
        ("---\n---\nText.", "rad 2: sidhuvudet är tomt"),
        ("---\n\n---\nText.", "rad 2: sidhuvudet är tomt"),
        ("---\n# inget\n---\nText.", "rad 2: sidhuvudet är tomt"),
        ("---\n- adress\n---\nText.", "rad 2: `filen` ska vara namn med kolon efter"),
        (EMPTY, "rad 10: svaret saknas – skriv det under sidhuvudet"),
        (EMPTY + f"\n{MORE_MARK}\nMer.", "rad 10: svaret saknas – skriv det under sidhuvudet"),
    ],
)
def test_an_answer_without_head_or_text_is_a_fault(folder: Path, saved: str, says: str) -> None:
    (folder / ADDRESS).write_text(saved, "utf-8")
    fault = only_fault(folder)
    assert f"content/{ADDRESS} {says}" in fault


@pytest.mark.parametrize("name", [ADDRESS, CENTER, "safety.yml", PHRASES])
def test_a_file_that_is_not_utf8_is_a_fault(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(path.read_text("utf-8").encode("utf-16"))
    assert only_fault(folder).startswith(
        f"content/{name}: filen är inte sparad som UTF-8 – spara om"
    )


@pytest.mark.parametrize("name", [CENTER, "safety.yml", "people.yml", "sources.yml", PHRASES, SITE])
def test_a_missing_file_is_the_only_thing_that_is_blamed(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert only_fault(folder).startswith(f"content/{name}: filen saknas")


@pytest.mark.parametrize("name", [CENTER, "safety.yml", "people.yml", "sources.yml", PHRASES, SITE])
def test_an_empty_file_is_a_fault(folder: Path, name: str) -> None:
    (folder / name).write_text("# allt borttaget\n", "utf-8")
    assert only_fault(folder) == f"content/{name}: filen är tom"


@pytest.mark.parametrize("name", [CENTER, "safety.yml", "people.yml", "sources.yml", PHRASES, SITE])
def test_a_list_where_names_belong_is_a_fault(folder: Path, name: str) -> None:
    (folder / name).write_text("- sos\n- polisen\n", "utf-8")
    assert re.match(rf"content/{name} rad 1: .*ska vara namn med kolon efter", only_fault(folder))


def test_a_folder_in_place_of_a_file_is_a_fault(folder: Path) -> None:
    (folder / ADDRESS).unlink()
    (folder / ADDRESS).mkdir()
    assert only_fault(folder).startswith(f"content/{ADDRESS}: filen går inte att läsa")


def test_a_folder_without_anything_says_what_is_missing(tmp_path: Path) -> None:
    missing = faults(tmp_path)
    for name in (CENTER, "safety.yml", "people.yml", "sources.yml", PHRASES, ADDRESS):
        assert any(fault.startswith(f"content/{name}: filen saknas") for fault in missing)


@pytest.mark.parametrize(
    ("name", "block", "needed"),
    [
        ("safety.yml", "sos", "sos"),
        (PHRASES, "  welcome", "welcome"),
        (PHRASES, "  thanks", "thanks"),
        (PHRASES, "  degraded", "degraded"),
        (PHRASES, "  something-else", "something-else"),
    ],
)
def test_what_the_code_needs_can_not_be_removed(
    folder: Path, name: str, block: str, needed: str
) -> None:
    change(folder, name, f"{block}:\n", f"{block}-borta:\n")
    assert f"content/{name}: `{needed}` saknas – assistenten behöver" in "\n".join(faults(folder))


def test_an_answer_that_the_code_needs_can_not_be_removed(folder: Path) -> None:
    (folder / "faq" / "telefon.md").unlink()
    found = faults(folder)
    assert "content/faq/telefon.md: filen saknas – assistenten behöver det svaret" in found
    assert all("'telefon' finns inte" in fault for fault in found[1:])


def test_all_faults_are_told_at_once_and_nothing_else(folder: Path) -> None:
    change(folder, ADDRESS, "reviewed: 2026-11-22\n", "")
    change(folder, "faq/telefon.md", "owner: Kontaktcenter\n", "ansvarig: Kontaktcenter\n")
    change(folder, "faq/jour.md", "related: [nodnummer", "related: [nodnumer")
    change(folder, "faq/overby.md", "{{ safety.sos.phone }}", "{{ safety.soss.phone }}")
    (folder / "faq" / "tips.md").write_text("Bara text.", "utf-8")
    found = "\n".join(faults(folder))
    assert sorted(re.findall(r"^content/([\w/.-]+) rad \d+: ", found, re.MULTILINE)) == [
        *(ADDRESS, "faq/jour.md", "faq/overby.md"),
        *("faq/telefon.md", "faq/telefon.md", "faq/tips.md"),
    ]
    assert len(found.splitlines()) == 6


def test_an_answer_that_nobody_has_read_for_a_year_is_a_warning_only(content: Content) -> None:
    late = MONDAY.date().replace(year=2027, month=12)
    found = warnings(content, late)
    texts = {f"content/faq/{name}.md" for name in content.entries}
    texts |= {f"content/pages/{name}.md" for name in content.pages}
    assert {fault.path for fault in found} == texts
    assert all(fault.warning and "för mer än ett år sedan" in str(fault) for fault in found)


def test_a_long_answer_is_a_warning_only(folder: Path) -> None:
    change(folder, ADDRESS, "Kontaktcenter ligger i", "ord " * 60 + "Kontaktcenter ligger i")
    [warning] = warnings(load(folder), MONDAY.date())
    assert warning.warning
    assert MORE_MARK in warning.message
