"""The Swedish model as Rasa's environment has it: the installed wheel, not the build."""

import hashlib
import json
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from bot import rasa_project
from bot.settings import ROOT

WHEELS = sorted((ROOT / "sv_core" / "dist").glob("*.whl"))
READ = """
import json, sys, spacy
nlp = spacy.load(sys.argv[1], disable=["parser"])
print(json.dumps([
    {"lemmas": {t.text: t.lemma_ for t in doc}, "names": [[e.text, e.label_] for e in doc.ents]}
    for doc in map(nlp, json.load(sys.stdin))
]))
"""
LEMMAS = [
    ("Vi hade inbrott i natt.", "inbrott", "inbrott"),
    ("Det är klotter på väggen.", "klotter", "klotter"),
    ("Var ligger ert kontaktcenter?", "kontaktcenter", "kontaktcenter"),
    ("Vad säger butiksägarna på gatan?", "butiksägarna", "butiksägare"),
    ("Kan jag få se öppettiderna?", "öppettiderna", "öppettid"),
    ("Jag är fastighetsägare här.", "fastighetsägare", "fastighetsägare"),
    ("Hur gick det med bilträffarna?", "bilträffarna", "bilträff"),
    ("Vad är ordningsvakternas uppgift?", "ordningsvakternas", "ordningsvakt"),
    ("De har stulit min cykel.", "stulit", "stjäla"),
    ("Hur många företagare är med?", "företagare", "företagare"),
]
NAMES = [
    ("Hur blev det på Överby?", "Överby", "LOC"),
    ("hur blev det på överby", "överby", "LOC"),
    ("Lampan på Kungsgatan 12 är trasig.", "Kungsgatan 12", "LOC"),
    ("är det tryggt i kronogården", "kronogården", "LOC"),
    ("Kan polisen komma hit?", "polisen", "ORG"),
    ("vi driver nilssons rör ab", "nilssons rör ab", "ORG"),
    ("Ring mig på 070-174 06 05.", "070-174 06 05", "PHONE"),
    ("ring 0701740605 efter lunch", "0701740605", "PHONE"),
    ("skriv till kim@example.com", "kim@example.com", "EMAIL"),
    ("Vårt nummer är 556677-8899.", "556677-8899", "ORGNR"),
    ("jag är född 850412-1234", "850412-1234", "PNR"),
    ("Adressen är 461 83 Trollhättan.", "461 83", "POSTCODE"),
    ("Har ni öppet den 6 december?", "6 december", "DATE"),
    ("Det hände kl 22.15.", "kl 22.15", "TIME"),
    ("Jag heter Anders Lindgren.", "Anders Lindgren", "PRS"),
]


@pytest.fixture(scope="module")
def read() -> dict[str, dict[str, Any]]:
    """Every sentence of this file, read by the installed model in one process."""
    sentences = [sentence for sentence, *_ in LEMMAS + NAMES] + ["Zqvarkningen är blå.", "", "😀 ?"]
    done = subprocess.run(
        [rasa_project.PYTHON, "-W", "ignore", "-c", READ, rasa_project.language_model()],
        input=json.dumps(sentences), capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    return dict(zip(sentences, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize(("sentence", "form", "lemma"), LEMMAS)
def test_lemmas(read: dict[str, dict[str, Any]], sentence: str, form: str, lemma: str) -> None:
    assert read[sentence]["lemmas"][form] == lemma


def test_an_unknown_word_is_its_own_lemma(read: dict[str, dict[str, Any]]) -> None:
    assert read["Zqvarkningen är blå."]["lemmas"]["Zqvarkningen"].lower() == "zqvarkningen"


@pytest.mark.parametrize(("sentence", "name", "label"), NAMES)
def test_names(read: dict[str, dict[str, Any]], sentence: str, name: str, label: str) -> None:
    assert [name, label] in read[sentence]["names"]


def test_the_wheel_is_the_locked_one_small_and_says_where_it_comes_from() -> None:
    (wheel,) = WHEELS
    assert wheel.stat().st_size <= 20_000_000
    locked = re.search(
        r"^sv-core-kontakt-sm==(\S+) \\\n    --hash=sha256:(\w+)",
        (ROOT / "requirements" / "rasa.txt").read_text(),
        re.MULTILINE,
    )
    assert locked
    assert f"-{locked[1]}-" in wheel.name
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() == locked[2]
    with zipfile.ZipFile(wheel) as files:
        meta = json.loads(files.read("sv_core_kontakt_sm/meta.json"))
    assert meta["license"] == "CC BY-SA 4.0"
    assert {source["license"] for source in meta["sources"]} >= {"CC BY-SA 4.0", "CC BY 4.0", "MIT"}
    assert set(meta["pipeline"]) | set(meta["disabled"]) == set(
        [
            "tok2vec",
            "tagger",
            "morphologizer",
            "parser",
            "senter",
            "attribute_ruler",
            "lemmatizer",
            "entity_ruler",
            "ner",
        ]
    )


def test_the_named_model_is_there() -> None:
    assert rasa_project.language_model_fault() is None


@pytest.mark.parametrize(
    ("meta", "fault"),
    [
        (None, "inte installerad. Kör: make rasa-env"),
        ({"lang": "sv", "spacy_version": ">=3.7.0,<3.8.0"}, "gjord för spaCy >=3.7.0,<3.8.0"),
        ({"lang": "nb", "spacy_version": ">=3.4.4,<3.5.0"}, "inte svensk utan nb"),
    ],
)
def test_a_wrong_or_missing_model_says_what_to_do(
    meta: dict[str, str] | None, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if meta:
        (tmp_path / "meta.json").write_text(json.dumps(meta), "utf-8")
    monkeypatch.setattr(rasa_project, "language_model", lambda: str(tmp_path))
    assert fault in str(rasa_project.language_model_fault())
    monkeypatch.setattr(rasa_project, "model_path", lambda: tmp_path / "none.tar.gz")
    with pytest.raises(rasa_project.TrainingFailed, match=r"spr.kmodellen"):
        rasa_project.train()
