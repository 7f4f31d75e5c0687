"""Swedish lemmas from rules and word lists on predicted tags, as a spaCy component.

A trained lemmatizer invents stems ("inbrott" became "inbrotd"). This one only ever answers with a
lemma it has seen, a known lemma reached by an ending the tag allows, a compound whose last part is
such a word, or the form itself.

The tables are made by `lemma_tables.py`; this file is shipped inside the package.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import srsly
from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.scorer import Scorer
from spacy.tokens import Doc, Token
from spacy.training import Example
from spacy.util import registry

SHORTEST_PART = 3
"""Letters in each part of a compound: "ö" or "å" would split nearly anything."""
SHORTEST_REST = 4
"""Letters in the last part of a compound whose first part is not itself a known word."""
INFLECTED = {"NOUN", "VERB", "ADJ", "ADV", "PROPN", "AUX"}
COMMON_TAGS = [
    "NN|UTR|SIN|DEF|NOM",
    "NN|NEU|SIN|DEF|NOM",
    "NN|UTR|PLU|IND|NOM",
    "NN|UTR|PLU|DEF|NOM",
    "NN|NEU|PLU|DEF|NOM",
    "VB|PRS|AKT",
    "VB|PRT|AKT",
    "VB|SUP|AKT",
    "NN|UTR|SIN|DEF|GEN",
    "JJ|POS|UTR/NEU|PLU|IND/DEF|NOM",
]
"""What to try, in this order, when a word is not known by the tag it was given."""


def score(examples: list[Example], **options: Any) -> dict[str, Any]:
    """spaCy's own measure of lemmas."""
    return dict(Scorer.score_token_attr(examples, "lemma", **options))


@registry.scorers("sv_core.lemma_scorer.v1")
def make_scorer() -> Callable[..., dict[str, Any]]:
    return score


@Language.factory(
    "swedish_lemmatizer",
    assigns=["token.lemma"],
    requires=["token.pos", "token.tag"],
    default_config={"scorer": {"@scorers": "sv_core.lemma_scorer.v1"}},
    default_score_weights={"lemma_acc": 1.0},
)
def make_lemmatizer(
    nlp: Language, name: str, scorer: Callable[..., dict[str, Any]] | None
) -> "SwedishLemmatizer":
    return SwedishLemmatizer(name, scorer)


class SwedishLemmatizer(Pipe):
    """Sets `token.lemma_` from the word, its part of speech and its tag."""

    def __init__(self, name: str, scorer: Callable[..., dict[str, Any]] | None = None) -> None:
        self.name = name
        self.scorer = scorer
        self.use({"seen": {}, "rules": {}, "irregular": {}, "classes": {}, "lemmas": {}})

    def use(self, tables: dict[str, Any]) -> None:
        """Take the tables.

        seen: "form pos tag" → lemma, as the treebanks have it; irregular: "form pos" → lemma;
        rules: tag → [[ending, replacement], …], the most trusted first; lemmas: class → the known
        dictionary forms, "" for those that may be of any class; classes: start of a tag → class.
        """
        self.tables = tables
        self.lemmas = {kind: frozenset(words) for kind, words in tables["lemmas"].items()}
        self.words = frozenset().union(*self.lemmas.values())
        self.lemma_of = lru_cache(maxsize=20_000)(self._lemma_of)

    def __call__(self, doc: Doc) -> Doc:
        for token in doc:
            if not token.lemma:
                token.lemma_ = self.lemma(token)
        return doc

    def lemma(self, token: Token) -> str:
        """The dictionary form of a tagged token."""
        # A capital says nothing at the start: the tagger takes "Hissen är trasig" for a name
        starts = token.i == 0 or token.nbor(-1).text in ".!?:–-"
        return self.lemma_of(token.text, token.pos_, token.tag_, starts and token.text.istitle())

    def _lemma_of(self, text: str, pos: str, tag: str, starts: bool = False) -> str:
        form = text.lower()
        if found := self.tables["seen"].get(f"{form} {pos} {tag}"):
            # A word in capitals is not a name because the treebank had one
            return str(found)
        if pos == "PROPN":
            word = self._inflected(form) if starts or text == form else None
            return word or self._name(text, tag)
        if not any(character.isalpha() for character in form):
            return text
        if pos not in INFLECTED:
            return str(self.tables["irregular"].get(f"{form} {pos}", form))
        if text.isupper() and len(text) > 1 and form not in self.words:
            return text
        if "-" in form and not form.endswith("-"):
            # "LO-SAF-uppgörelsen", "10-åriga": the last part is inflected, the rest is kept
            first, last = text.rsplit("-", 1)
            return f"{first}-{self.lemma_of(last, pos, tag)}"
        return (
            self._known(form, pos, tag)
            # a whole known word, wrongly tagged, before parts of one: "ansöker" is no "sök"
            or self._inflected(form)
            or self._compound(form, pos, tag)
            or form
        )

    def _name(self, text: str, tag: str) -> str:
        """A name without its genitive s."""
        if tag == "PM|GEN" and text.endswith("s") and len(text) > 2:
            bare = text[:-1].removesuffix(":").removesuffix("’").removesuffix("'")
            return bare
        return text

    def _known(self, form: str, pos: str, tag: str) -> str | None:
        if found := self.tables["irregular"].get(f"{form} {pos}"):
            return str(found)
        lemmas = self._lemmas_of(tag)
        return next((lemma for lemma in self._candidates(form, tag) if lemma in lemmas), None)

    def _inflected(self, form: str) -> str | None:
        """The lemma of a form whose tag must be wrong: a known word by another tag's rules."""
        if form in self.words:
            return form
        return next(
            (
                lemma
                for tag in COMMON_TAGS
                for lemma in self._candidates(form, tag)
                if lemma in self._lemmas_of(tag)
            ),
            None,
        )

    def _lemmas_of(self, tag: str) -> frozenset[str]:
        """The lemmas that a word with this tag may have."""
        kind = self.tables["classes"].get(tag.partition("|")[0])
        return self.lemmas[kind] if kind else self.words

    def _candidates(self, form: str, tag: str) -> Iterator[str]:
        for ending, replacement in self.tables["rules"].get(tag, ()):
            if form.endswith(ending) and len(form) > len(ending):
                yield form[: len(form) - len(ending)] + replacement

    def _compound(self, form: str, pos: str, tag: str) -> str | None:
        """First part + lemma of the last part: the longest last part after a known first part."""
        unsure: str | None = None
        for start in range(SHORTEST_PART, len(form) - SHORTEST_PART + 1):
            first, last = form[:start], form[start:]
            known = first in self.words or (first.endswith("s") and first[:-1] in self.words)
            if not known and (unsure or len(last) < SHORTEST_REST):
                continue
            if lemma := self._known(last, pos, tag):
                if known:
                    return first + lemma
                unsure = unsure or first + lemma
        return unsure

    def to_bytes(self, *, exclude: Any = ()) -> bytes:
        return bytes(srsly.msgpack_dumps(self.tables))

    def from_bytes(self, data: bytes, *, exclude: Any = ()) -> "SwedishLemmatizer":
        self.use(srsly.msgpack_loads(data))
        return self

    def to_disk(self, path: str | Path, *, exclude: Any = ()) -> None:
        Path(path).write_bytes(self.to_bytes())

    def from_disk(self, path: str | Path, *, exclude: Any = ()) -> "SwedishLemmatizer":
        return self.from_bytes(Path(path).read_bytes())
