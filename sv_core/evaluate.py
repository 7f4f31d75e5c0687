"""Measure the pipeline next to the official figures.

    python evaluate.py PIPELINE SOURCES

PIPELINE is a trained folder or a wheel. Prints one table for the treebank's test part (UD
Swedish Talbanken 2.8), one for names and one for the messages of chat_check.yml.
"""

import argparse
import collections
import importlib
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import spacy
import srsly
from corpus import SENTENCES_PER_DOC, conllu, documents, named
from spacy.language import Language
from spacy.scorer import PRFScore
from spacy.tokens import Doc
from spacy.training import Example

NAMES = {"PRS", "LOC", "ORG"}
GOALS = {
    "TAG": ("tag_acc", 0.935, 0.934, 0.948),
    "POS": ("pos_acc", 0.952, 0.950, 0.961),
    "MORPH": ("morph_acc", 0.940, 0.941, 0.956),
    "LEMMA": ("lemma_acc", 0.960, 0.946, 0.955),
    "UAS": ("dep_uas", 0.816, 0.816, 0.831),
    "LAS": ("dep_las", 0.765, 0.765, 0.785),
}
"""Score's name, goal, official sm and md of spaCy 3.4 on the same file (DESIGN.md §5)."""
NAME_GOALS = {"swedish-ner-corpus": ("ner-test-klintan", 0.80), "UNER": ("ner-test-uner", 0.78)}
CHAT = Path(__file__).parent / "chat_check.yml"


def loaded(path: Path) -> Language:
    """The pipeline of a folder, or of a wheel without installing it."""
    if path.suffix != ".whl":
        importlib.import_module("lemmatizer")  # registers the component
        return spacy.load(path)
    unpacked = Path(tempfile.mkdtemp(prefix="sv_core-"))
    with zipfile.ZipFile(path) as wheel:
        wheel.extractall(unpacked)
    sys.path.insert(0, str(unpacked))
    nlp: Language = importlib.import_module(path.name.partition("-")[0]).load()
    return nlp


def scores(nlp: Language, docs: Iterable[Doc], skipped: list[str]) -> dict[str, Any]:
    """spaCy's scores with its own tokens, as `spacy evaluate` gives them."""
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
    with nlp.select_pipes(disable=[name for name in skipped if name in nlp.pipe_names]):
        return dict(nlp.evaluate(examples))


def chat(nlp: Language) -> None:
    """Names and lemmas in messages as people type them."""
    total, by_label = PRFScore(), collections.defaultdict(PRFScore)
    right = asked = 0
    misses: list[str] = []
    messages = list(srsly.read_yaml(CHAT))
    for message in messages:
        doc = nlp(message["text"])
        gold = {(text, label) for text, label in message.get("entities") or []}
        found = {(entity.text, entity.label_) for entity in doc.ents}
        total.score_set(found, gold)
        for label in {label for _, label in gold | found}:
            by_label[label].score_set(
                {pair for pair in found if pair[1] == label},
                {pair for pair in gold if pair[1] == label},
            )
        lemmas = {token.text: token.lemma_ for token in doc}
        for form, lemma in (message.get("lemmas") or {}).items():
            asked += 1
            right += lemmas.get(form, "").lower() == lemma
            if lemmas.get(form, "").lower() != lemma:
                misses.append(f"{form} → {lemmas.get(form)} ({lemma})")
        for text, label in sorted(gold ^ found):
            misses.append(f"{'missing' if (text, label) in gold else 'wrong'}: {text} {label}")
    print(
        f"\nChat messages, n = {len(messages)}: entities P {total.precision:.3f} "
        f"R {total.recall:.3f} F {total.fscore:.3f}, lemmas {right / asked:.3f} of {asked}"
    )
    for label, score in sorted(by_label.items()):
        print(f"  {label:<9} P {score.precision:.2f} R {score.recall:.2f} of {score.tp + score.fn}")
    print("  " + "; ".join(misses))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("pipeline", type=Path)
    arguments.add_argument("sources", type=Path)
    chosen = arguments.parse_args()
    nlp = loaded(chosen.pipeline)
    test = list(conllu(chosen.sources / "sv_talbanken28-test.conllu"))
    found = scores(nlp, documents(test, nlp.vocab, SENTENCES_PER_DOC), ["ner", "entity_ruler"])
    print(f"\nUD Talbanken 2.8 test, n = {len(test)} sentences")
    print(f"{'':<8}{'ours':>8}{'goal':>8}{'sm 3.4':>8}{'md 3.4':>8}")
    for name, (score, goal, small, medium) in GOALS.items():
        print(
            f"{name:<8}{found[score]:>8.3f}{goal:>8.3f}{small:>8.3f}{medium:>8.3f}"
            f"{'' if round(found[score], 3) >= goal else '  below the goal'}"
        )
    print(f"{'sents F':<8}{found['sents_f']:>8.3f}")
    print("\nNames (PRS, LOC, ORG)   P      R      F    goal   n")
    for name, (file, goal) in NAME_GOALS.items():
        docs = named(chosen.sources / f"{file}.iob", nlp.vocab)
        got = scores(nlp, docs, ["parser", "lemmatizer", "entity_ruler"])
        entities = sum(len(doc.ents) for doc in docs)
        print(
            f"{name:<20}{got['ents_p']:>7.3f}{got['ents_r']:>7.3f}{got['ents_f']:>7.3f}"
            f"{goal:>7.2f}{entities:>6}{'' if round(got['ents_f'], 3) >= goal else '  below'}"
        )
    chat(nlp)


if __name__ == "__main__":
    main()
