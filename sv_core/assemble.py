"""Put the trained parts together into one pipeline.

    python assemble.py SOURCES SYNTAX NER SENTER TARGET

SYNTAX, NER and SENTER are the trained pipelines; SOURCES holds the treebanks from which the
lemmatizer's tables are made.
"""

import argparse
from pathlib import Path
from typing import Any

import lemmatizer  # noqa: F401  registers the component
import spacy
from corpus import conllu
from lemma_tables import ORIGINAL, OTHER, UPGRADED, Tables
from patterns import all_patterns
from spacy.language import Language

META = Path(__file__).parent / "meta.json"
ORDER = """tok2vec tagger morphologizer parser senter attribute_ruler lemmatizer entity_ruler ner"""


def lemma_tables(sources: Path) -> dict[str, object]:
    """The lemmatizer's tables from the training parts; no test file is read."""
    return Tables(
        [
            (conllu(sources / "sv_talbanken-upgraded-train.conllu"), UPGRADED),
            (conllu(sources / "sv_talbanken28-dev.conllu"), ORIGINAL),
            (conllu(sources / "sv_pud28.conllu"), OTHER),
        ]
    ).as_dict()


def rounded(nlp: Language) -> None:
    """Round every weight to half precision, kept in single: the wheel compresses to half its size
    and no score of the table changes by more than 0.001."""
    for _, part in nlp.pipeline:
        for node in part.model.walk() if hasattr(part, "model") else ():
            for name in node.param_names:
                if node.has_param(name):
                    node.set_param(name, half(node.get_param(name)))
    nlp.vocab.vectors.data = half(nlp.vocab.vectors.data)


def half(values: Any) -> Any:
    """The same numbers with 11 significant bits."""
    return values.astype("float16").astype("float32")


def assembled(sources: Path, syntax: Path, ner: Path, senter: Path) -> Language:
    """All components in one pipeline; parser and senter are there, the senter is off."""
    names = spacy.load(ner)
    names.replace_listeners("tok2vec", "ner", ["model.tok2vec"])
    limits = spacy.load(senter)
    nlp = spacy.load(syntax)
    nlp.vocab.vectors = names.vocab.vectors
    nlp.add_pipe("senter", source=limits)
    ruler = nlp.add_pipe("attribute_ruler")
    ruler.add([[{"IS_SPACE": True}]], {"TAG": "_SP", "POS": "SPACE"})  # type: ignore[attr-defined]
    lemmas = nlp.add_pipe("swedish_lemmatizer", name="lemmatizer")
    lemmas.use(lemma_tables(sources))  # type: ignore[attr-defined]
    # Before the ner, which then works round what the ruler has settled
    entities = nlp.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
    entities.add_patterns(all_patterns())  # type: ignore[attr-defined]
    nlp.add_pipe("ner", source=names)
    assert nlp.pipe_names == ORDER.split(), nlp.pipe_names
    rounded(nlp)
    nlp.disable_pipe("senter")
    return nlp


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("sources", "syntax", "ner", "senter", "target"):
        arguments.add_argument(name, type=Path)
    chosen = arguments.parse_args()
    nlp = assembled(chosen.sources, chosen.syntax, chosen.ner, chosen.senter)
    nlp.to_disk(chosen.target)
    print(f"{chosen.target}: {', '.join(nlp.component_names)}")


if __name__ == "__main__":
    main()
