"""More training for names: the same sentences with other names, and as people type in a chat.

The corpora are newspapers and booklets. In a chat names are written small, without a full stop
and often without a greeting. So each sentence with a name also comes with other names of the same
kind, and part of all sentences in lower case or without their last mark. The names are made up of
Faker's lists (MIT) and the municipalities in gazetteer/; no test file is read.
"""

import random
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

GAZETTEER = Path(__file__).parent / "gazetteer"
LOWER, UNMARKED, RENAMED = 0.2, 0.15, 1
"""Shares of small-letter and mark-less copies; copies with other names per named sentence."""
LANGUAGES = ["sv_SE"] * 6 + ["fi_FI", "en_GB", "tr_TR", "pl_PL", "no_NO", "da_DK", "es_ES", "de_DE"]
TRADES = [
    "bygg",
    "el",
    "måleri",
    "städ",
    "frisör",
    "bageri",
    "café",
    "fastigheter",
    "transport",
    "redovisning",
    "rör",
    "bil",
    "mat",
]
COMPANY_FORMS = ["AB", "AB", "AB", "HB", "Aktiebolag", "ekonomisk förening"]


def lines(name: str) -> list[str]:
    """The words of a gazetteer file, without its remarks."""
    text = (GAZETTEER / name).read_text(encoding="utf-8")
    return " ".join(row for row in text.splitlines() if not row.startswith("#")).split()


class Names:
    """Made-up persons, places and organisations."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        people = {
            language: import_module(f"faker.providers.person.{language}").Provider
            for language in set(LANGUAGES)
        }
        self.first = {
            language: [
                *list(getattr(provider, "first_names_female", [])),
                *list(getattr(provider, "first_names_male", [])),
            ]
            or list(provider.first_names)
            for language, provider in sorted(people.items())
        }
        self.last = {
            language: list(
                getattr(provider, "last_names", None) or getattr(provider, "last_names_female", [])
            )
            for language, provider in sorted(people.items())
        }
        address = import_module("faker.providers.address.sv_SE").Provider
        self.streets = [
            prefix + ending
            for prefix in address.street_prefixes
            for ending in sorted(set(address.street_suffixes))
        ]
        self.countries = list(address.countries)
        self.places = lines("municipalities.txt")

    def person(self) -> list[str]:
        language = self.random.choice(LANGUAGES)
        first = self.random.choice(self.first[language])
        if self.random.random() < 0.25:
            return [first]
        return [first, self.random.choice(self.last[language])]

    def place(self) -> list[str]:
        kind = self.random.random()
        if kind < 0.65:
            return [self.random.choice(self.places)]
        if kind < 0.8:
            return self.random.choice(self.countries).split()
        return [self.random.choice(self.streets)]

    def organisation(self) -> list[str]:
        name = self.random.choice(self.last["sv_SE"])
        kind = self.random.random()
        if kind < 0.3:
            return [name, self.random.choice(TRADES)]
        if kind < 0.7:
            return [name, *self.random.choice(COMPANY_FORMS).split()]
        return [
            self.random.choice(self.places),
            *self.random.choice(["kommun", "IF", "AB"]).split(),
        ]

    def like(self, entity: Span, others: Sequence[list[str]]) -> list[str]:
        """Another name of the same kind; organisations mostly from the corpus itself."""
        if entity.label_ == "PRS":
            return self.person()
        if entity.label_ == "LOC":
            return self.place()
        if others and self.random.random() < 0.6:
            return self.random.choice(others)
        return self.organisation()


def rebuilt(doc: Doc, vocab: Vocab, names: dict[int, list[str]], lower: bool, mark: bool) -> Doc:
    """The document with entity number i written as names[i]."""
    words: list[str] = []
    spaces: list[bool] = []
    marks: list[str] = []
    entities = {entity.start: (number, entity) for number, entity in enumerate(doc.ents)}
    position = 0
    end = len(doc) if mark or doc[-1].text not in ".!?" else len(doc) - 1
    while position < end:
        if position in entities:
            number, entity = entities[position]
            parts = names.get(number) or [token.text for token in entity]
            gaps = [True] * len(parts) if number in names else [bool(t.whitespace_) for t in entity]
            gaps[-1] = bool(entity[-1].whitespace_)
            words += parts
            spaces += gaps
            marks += ["B-" + entity.label_] + ["I-" + entity.label_] * (len(parts) - 1)
            position = entity.end
        else:
            words.append(doc[position].text)
            spaces.append(bool(doc[position].whitespace_))
            marks.append("O")
            position += 1
    if lower:
        words = [word.lower() for word in words]
    return Doc(vocab, words=words, spaces=spaces, ents=marks)


def varied(docs: Sequence[Doc], vocab: Vocab, seed: int = 0) -> list[Doc]:
    """The documents and their copies, shuffled; the same for the same seed."""
    names = Names(seed)
    chance = names.random
    others = sorted(
        {
            tuple(t.text for t in entity)
            for doc in docs
            for entity in doc.ents
            if entity.label_ == "ORG"
        }
    )
    found: list[Doc] = []
    for doc in docs:
        found.append(doc)
        if len(doc) < 3:
            continue
        for _ in range(RENAMED if doc.ents else 0):
            swaps = {
                number: names.like(entity, [list(other) for other in chance.sample(others, 1)])
                for number, entity in enumerate(doc.ents)
                if chance.random() < 0.8
            }
            lower = chance.random() < LOWER
            found.append(rebuilt(doc, vocab, swaps, lower, chance.random() > UNMARKED))
        if chance.random() < LOWER:
            found.append(rebuilt(doc, vocab, {}, True, chance.random() > UNMARKED * 2))
    chance.shuffle(found)
    return found
