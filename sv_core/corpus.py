"""Turn the treebanks and name lists into spaCy's training files.

    python corpus.py SOURCES TARGET

SOURCES holds the CoNLL-U and IOB files (see the README for where they come from and under which
licences), TARGET gets .spacy files. Nothing of a test file goes into a training file.
"""

import argparse
import collections
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import spacy
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab
from variation import varied

SENTENCES_PER_DOC = 10
"""As `spacy convert -n 10`: the pipeline must find the sentences' limits by itself."""


@dataclass
class Word:
    """One line of a CoNLL-U file; `head` counts from 0, a root is its own head."""

    form: str
    lemma: str
    pos: str
    tag: str
    morph: str
    head: int
    dep: str
    space: bool


Sentence = list[Word]


def conllu(path: Path) -> Iterator[Sentence]:
    """The sentences of a CoNLL-U file, without empty nodes and multi-word ranges."""
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        rows = [line.split("\t") for line in block.splitlines() if line and line[0] != "#"]
        rows = [row for row in rows if row[0].isdigit()]
        if rows:
            yield [
                Word(
                    form=row[1],
                    lemma=row[2],
                    pos=row[3],
                    tag=row[4],
                    morph="" if row[5] == "_" else row[5],
                    head=int(row[6]) - 1 if row[6] != "0" else number,
                    dep=row[7],
                    space="SpaceAfter=No" not in row[9],
                )
                for number, row in enumerate(rows)
            ]


def one_convention(sentences: list[Sentence], model: list[Sentence]) -> None:
    """Give `sentences` the tags, features and relations that `model` uses, in place.

    PUD's features are poorer than Talbanken's and some of its tags incomplete: features are taken
    from the words that carry the same tag in `model`, and a tag that `model` lacks is left out, so
    that nothing is learnt from it.
    """
    exact: dict[tuple[str, str, str], collections.Counter[str]] = collections.defaultdict(
        collections.Counter
    )
    general: dict[tuple[str, str], collections.Counter[str]] = collections.defaultdict(
        collections.Counter
    )
    relations: set[str] = set()
    for sentence in model:
        for word in sentence:
            exact[word.form.lower(), word.pos, word.tag][word.morph] += 1
            general[word.pos, word.tag][word.morph] += 1
            relations.add(word.dep)
    tags = {tag for _, tag in general}
    for sentence in sentences:
        for word in sentence:
            found = exact.get((word.form.lower(), word.pos, word.tag)) or general.get(
                (word.pos, word.tag)
            )
            if found:
                word.morph = found.most_common(1)[0][0]
            if word.tag not in tags:
                word.tag = ""
            if word.dep not in relations:
                word.dep = {"flat": "flat:name", "compound": "nmod"}.get(word.dep, "")


def cleaned(sentences: list[Sentence]) -> None:
    """Mend in place what the upgraded training file does otherwise than the rest of UD 2.8.

    The relation `dep` says that the converter did not know: it is left unsaid here too. The
    passive auxiliary "bli" is called aux:pass in the development part, aux in the upgraded one.
    """
    for sentence in sentences:
        for word in sentence:
            if word.dep == "dep":
                word.dep = ""
            elif word.dep == "aux" and word.lemma == "bli":
                word.dep = "aux:pass"


def documents(sentences: Sequence[Sentence], vocab: Vocab, size: int) -> Iterator[Doc]:
    """The sentences as documents of `size` sentences each."""
    for start in range(0, len(sentences), size):
        group = sentences[start : start + size]
        words = [word for sentence in group for word in sentence]
        heads: list[int] = []
        starts: list[bool] = []
        for sentence in group:
            first = len(heads)
            heads += [first + word.head for word in sentence]
            starts += [number == 0 for number in range(len(sentence))]
        yield Doc(
            vocab,
            words=[word.form for word in words],
            spaces=[word.space for word in words],
            tags=[word.tag for word in words],
            pos=[word.pos for word in words],
            morphs=[word.morph for word in words],
            lemmas=[word.lemma for word in words],
            heads=heads,
            # spaCy names the root itself
            deps=["ROOT" if word.dep == "root" else word.dep for word in words],
        )


def iob(path: Path) -> Iterator[tuple[list[str], list[str]]]:
    """The sentences of an IOB file: words and their marks."""
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        rows = [line.split("\t") for line in block.splitlines() if line.strip()]
        if rows:
            yield [row[0] for row in rows], [row[-1] for row in rows]


def spaces(words: Sequence[str]) -> list[bool]:
    """Where a space follows, in text whose spaces were lost: not before .,:;!?) nor after ( ."""
    return [
        following[0] not in ".,:;!?)”%" and word != "("
        for word, following in zip(words, [*words[1:], "x"], strict=True)
    ]


def named(path: Path, vocab: Vocab) -> list[Doc]:
    """The sentences of an IOB file as documents of one sentence each."""
    return [Doc(vocab, words=words, spaces=spaces(words), ents=marks) for words, marks in iob(path)]


def write(path: Path, docs: Sequence[Doc]) -> None:
    """Save documents and say how many there are."""
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    print(f"{path.name}: {len(docs)} documents, {sum(map(len, docs))} words")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("sources", type=Path)
    arguments.add_argument("target", type=Path)
    folders = arguments.parse_args()
    sources, target = folders.sources, folders.target
    target.mkdir(parents=True, exist_ok=True)
    vocab = spacy.blank("sv").vocab

    train = list(conllu(sources / "sv_talbanken-upgraded-train.conllu"))
    dev = list(conllu(sources / "sv_talbanken28-dev.conllu"))
    pud = list(conllu(sources / "sv_pud28.conllu"))
    cleaned(train)
    one_convention(pud, train + dev)
    for name, parts in (("tune", train + pud), ("train", train + dev + pud)):
        mixed = list(documents(parts, vocab, SENTENCES_PER_DOC))
        random.Random(0).shuffle(mixed)
        write(target / f"syntax-{name}.spacy", mixed)
    write(target / "syntax-dev.spacy", list(documents(dev, vocab, SENTENCES_PER_DOC)))
    test = list(conllu(sources / "sv_talbanken28-test.conllu"))
    write(target / "syntax-test.spacy", list(documents(test, vocab, SENTENCES_PER_DOC)))
    for name in ("train", "dev", "test-klintan", "test-uner"):
        write(target / f"ner-{name}.spacy", named(sources / f"ner-{name}.iob", vocab))
    named_train, named_dev = (
        named(sources / f"ner-{name}.iob", vocab) for name in ("train", "dev")
    )
    write(target / "ner-varied-tune.spacy", varied(named_train, vocab))
    write(target / "ner-varied.spacy", varied(named_train + named_dev, vocab))


if __name__ == "__main__":
    main()
