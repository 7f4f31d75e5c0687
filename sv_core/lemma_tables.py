"""Make the lemmatizer's tables from the treebanks, spacy-lookups-data and wordfreq.

Rules are learnt: which endings a tag takes on and off, with the most common first. The word list
(spacy-lookups-data, MIT) says which results are words. What neither the treebank nor a rule gets
right is kept as an exception, if the word is common enough for wordfreq to know it.
"""

import collections
import gzip
import json
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any

from corpus import Sentence
from variation import lines
from wordfreq import top_n_list

RARE = 2
"""How often an ending must be seen with a tag to become a rule."""
UPGRADED, ORIGINAL, OTHER = 2, 6, 1
"""What a sentence says of the lemmas of UD 2.8: the upgraded training file, UD 2.8's own
development part, PUD (which has other lemmas for pronouns and articles)."""
OPEN = {"NOUN", "VERB", "ADJ", "ADV"}
FORMS = 4
"""How many forms a dictionary form has at least, when the word list is in doubt."""
CLASSES = {"NN": "NOUN", "VB": "VERB"}
"""Tags whose lemma is of one class; a participle's may be a verb's or an adjective's."""


def rewrite(form: str, lemma: str) -> tuple[str, str]:
    """The ending of `form` that is replaced to get `lemma`, and what replaces it."""
    same = 0
    while same < min(len(form), len(lemma)) and form[same] == lemma[same]:
        same += 1
    return form[same:], lemma[same:]


def word_list() -> dict[str, str]:
    """spacy-lookups-data's forms and their lemmas."""
    file = resources.files("spacy_lookups_data") / "data" / "sv_lemma_lookup.json.gz"
    return dict(json.loads(gzip.decompress(file.read_bytes())))


def is_noun(lemma: str, forms: set[str]) -> bool:
    """Only nouns have a definite genitive: "bilens", "husets", "gatans", "hindrets"."""
    bases = {lemma, lemma[:-2] + lemma[-1:], lemma + lemma[-1:]}
    # "klottrats" is a verb's passive supine, "hjärtats" a noun's genitive
    endings = ("ens", "ets", "ns") if is_verb(lemma, forms) else ("ens", "ets", "ns", "ts")
    return any(base + ending in forms for base in bases for ending in endings)


def is_verb(lemma: str, forms: set[str]) -> bool:
    """An infinitive ends in a vowel and has a present participle: "stjälande", "gående"."""
    if lemma[-1] not in "aeiouyåäö" or lemma.endswith(("ande", "ende")):
        return False
    return any(form.endswith(("ande", "ende")) for form in forms)


class Tables:
    """Collects what `SwedishLemmatizer.use` describes."""

    def __init__(self, parts: Sequence[tuple[Iterable[Sentence], int]]) -> None:
        """`parts`: sentences and how much what they say counts."""
        counted: dict[tuple[str, str, str], collections.Counter[str]] = collections.defaultdict(
            collections.Counter
        )
        for sentences, weight in parts:
            for sentence in sentences:
                for word in sentence:
                    counted[word.form.lower(), word.pos, word.tag][word.lemma] += weight
        self.best = {key: counts.most_common(1)[0][0] for key, counts in counted.items()}
        self.rules = self._rules()
        lookup = word_list()
        common = {word for word in top_n_list("sv", 400_000) if len(word) > 1}
        forms: dict[str, set[str]] = collections.defaultdict(set)
        for form, lemma in lookup.items():
            forms[lemma].add(form)
        for lemma in list(forms):
            # A lemma that has a lemma of its own and few forms is a form that slipped in
            if lookup.get(lemma, lemma) != lemma and len(forms[lemma]) < FORMS:
                del forms[lemma]
        self.known = {
            form: lemma
            for lemma, group in forms.items()
            for form in group | {lemma}
            if form in common
        }
        self.lemmas: dict[str, set[str]] = {"NOUN": set(), "VERB": set(), "": set()}
        for lemma, group in forms.items():
            if lemma.islower() and (lemma in common or len(group & common) >= RARE):
                kinds = {"NOUN": is_noun(lemma, group), "VERB": is_verb(lemma, group)}
                for kind in [kind for kind, fits in kinds.items() if fits] or [""]:
                    self.lemmas[kind].add(lemma)
        for (_, pos, tag), lemma in self.best.items():
            if pos in OPEN and lemma.islower():
                self.lemmas[CLASSES.get(tag.partition("|")[0], "")].add(lemma)
        self.nouns = lines("nouns.txt")
        self.lemmas["NOUN"].update(self.nouns)
        self.all_lemmas = set.union(*self.lemmas.values())

    def _rules(self) -> dict[str, list[tuple[str, str]]]:
        endings: dict[str, collections.Counter[tuple[str, str]]] = collections.defaultdict(
            collections.Counter
        )
        for (form, pos, tag), lemma in self.best.items():
            if pos in OPEN and lemma.islower():
                endings[tag][rewrite(form, lemma)] += 1
        return {
            tag: [pair for pair, count in counts.most_common() if count >= RARE]
            for tag, counts in endings.items()
        }

    def of_tag(self, tag: str) -> set[str]:
        """The lemmas that a word with this tag may have."""
        kind = CLASSES.get(tag.partition("|")[0], "")
        return self.lemmas[kind] if kind else self.all_lemmas

    def by_rule(self, form: str, tag: str) -> str | None:
        """What the rules alone make of a form."""
        lemmas = self.of_tag(tag)
        for ending, new in self.rules.get(tag, ()):
            if form.endswith(ending) and len(form) > len(ending):
                candidate = form[: len(form) - len(ending)] + new
                if candidate in lemmas:
                    return candidate
        return None

    def as_dict(self) -> dict[str, Any]:
        """The tables to ship."""
        seen = {
            (form, pos, tag): lemma
            for (form, pos, tag), lemma in self.best.items()
            if pos not in OPEN or self.by_rule(form, tag) != lemma
        }
        irregular: dict[tuple[str, str], str] = {}
        for (form, pos, _), lemma in self.best.items():
            if pos not in OPEN:
                irregular.setdefault((form, pos), lemma)
        irregular.update({(noun, "NOUN"): noun for noun in self.nouns})
        # The list gives "klotter" the lemma of "klottra": an infinitive is no noun's lemma
        classes = {"NOUN": self.lemmas["NOUN"] - self.lemmas["VERB"], "VERB": self.lemmas["VERB"]}
        noun_tags = [tag for tag in self.rules if tag.startswith("NN|")]
        taught = {
            form for (form, pos, _), lemma in self.best.items() if pos == "NOUN" and lemma != form
        }
        for form, lemma in self.known.items():
            for tag, rules in self.rules.items():
                kind = CLASSES.get(tag.partition("|")[0])
                if not kind or lemma not in classes[kind]:
                    continue
                if rewrite(form, lemma) not in rules or (form, kind, tag) in self.best:
                    continue
                # "hävda" is an infinitive of its own, whatever the list makes of it
                if self.by_rule(form, tag) not in (lemma, form):
                    seen[form, kind, tag] = lemma
            if form == lemma and form in self.lemmas["NOUN"] and form not in taught:
                # "center", "klotter": a wrong tag must not make a plural of them
                if any(self.by_rule(form, tag) not in (form, None) for tag in noun_tags):
                    irregular.setdefault((form, "NOUN"), form)
                continue
            for kind in ("NOUN", "VERB"):
                if lemma in classes[kind] and not any(
                    rewrite(form, lemma) in rules or self.by_rule(form, tag)
                    for tag, rules in self.rules.items()
                    if CLASSES.get(tag.partition("|")[0]) == kind
                ):
                    irregular.setdefault((form, kind), lemma)
        return {
            "seen": {" ".join(key): lemma for key, lemma in seen.items()},
            "rules": self.rules,
            "irregular": {" ".join(key): lemma for key, lemma in irregular.items()},
            "classes": CLASSES,
            "lemmas": {kind: sorted(lemmas) for kind, lemmas in self.lemmas.items()},
        }
