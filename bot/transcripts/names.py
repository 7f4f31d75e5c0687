"""Find the names of people in a chat message. Pure functions; the lists are read once.

Three things tell a name: a list (Faker's names of the languages that are common here, names.yml),
a cue in the sentence ("jag heter …", "mvh …") and what the language model took for a person.
People write in lower case, so a word that is both a name and an everyday word needs more than one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bot.content.load import Content
from bot.nlu.places import NAMES as MUNICIPALITIES
from bot.nlu.text import undotted
from bot.settings import ROOT

LANGUAGES = ("fi_FI", "da_DK", "no_NO", "pl_PL", "hr_HR", "tr_TR", "fr_DZ", "en_PK", "en_KE")
"""Faker's first names beside the Swedish ones: in Latin letters, of languages spoken here."""
RARER = ("de_DE", "en_GB", "es_ES", "en_IN", "ro_RO", "it_IT", "nl_NL", "hu_HU", "lt_LT", "et_EE")
"""Of these a name needs a capital, a cue or a name beside it."""
SURNAMES = frozenset({"fi_FI", "da_DK", "no_NO", "hr_HR", "tr_TR", "fr_DZ", "en_PK"})
"""Those of which the surnames are no Swedish words."""
PLACES = ROOT / "sv_core" / "gazetteer" / "places.txt"
ORGANISATIONS = ROOT / "sv_core" / "gazetteer" / "organisations.txt"
SHORTEST = 4
"""Letters of a foreign name: shorter ones are words of ours too often."""

_TOKEN = re.compile(
    r"\[[a-zåäö-]+\]|(?i:ts)[ -]?(?=\w{0,3}\d)\w{4}\b"  # masks and references are whole
    r"|\w*[\d_]\w*|[^\W\d_]+(?:['’´‐-][^\W\d_]+)*|([^\w ])\1*"
)
_SURNAME = re.compile(
    r".{2,}(?:sson|sdotter|qvist|kvist|gren|lund|ström|berg|stedt|strand|blad|dahl|mark|holm"
    r"|sköld|hjelm|crona|hammar|fors|hult|vall|wall|feldt|blom|ander|elius|én|ell|lin|din"
    r"|ović|ovic|ević|evic|ić|oğlu|oglu|wski|wska|wicz|enko|chuk|nen|zadeh|pour|yan|opoulos|idis"
    r"|escu|ov|ova|ulla)"
)


class Sure(IntEnum):
    """How surely a word that stands alone is a name."""

    NOT = 0
    SMALL = 1
    """A small word too: "per", "hans", "max"."""
    WORD = 2
    """An everyday word too: "björn", "sten"."""
    NAME = 3


@dataclass(frozen=True)
class Lists:
    """The lists, all in lower case."""

    given: frozenset[str]
    surnames: frozenset[str]
    places: frozenset[str]
    common: frozenset[str]
    """Words of the training phrases that are in no list of names."""
    own: Mapping[str, frozenset[str]]
    """The lists of names.yml, by their key."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What the lists say of a word in lower case."""

    low: str
    """Without the s of a genitive if it is a name."""
    sure: Sure
    given: bool
    surname: bool
    ends_as_surname: bool
    strange: bool
    """It may well be a name: it is no word of ours and no place."""
    trade: bool
    goods: bool
    person: bool
    """A word for a person, before a name: "granne"."""
    named_after: bool
    place: bool


@lru_cache(maxsize=1)
def lists() -> Lists:
    """The lists. Takes half a second the first time."""
    read = YAML(typ="safe").load((Path(__file__).parent / "names.yml").read_text("utf-8"))
    own = {
        key: frozenset(value.split() if isinstance(value, str) else value)
        for key, value in read.items()
    }
    own["announcing"] = own["people"] | own["greetings"] | own["asking"]
    words, places = _everyday(), _places()
    given, surnames = (set(names) for names in _faker("sv_SE"))
    given |= own["given"]
    surnames |= own["surnames"]
    certain = frozenset(given | surnames)
    for language in (*LANGUAGES, *RARER):
        if language == RARER[0]:
            certain = frozenset(given | surnames)
        first, last = _faker(language)
        # a foreign name that is a word here would hide more words than people
        given |= {name for name in first if len(name) >= SHORTEST} - words
        if language in SURNAMES:
            surnames |= {name for name in last if len(name) >= SHORTEST} - words
    given |= _undotted(given) - words
    surnames |= _undotted(surnames) - words
    common = words - given - surnames
    rarer = given - certain - _undotted(certain)
    own["soft"] |= rarer
    return Lists(frozenset(given), frozenset(surnames), places, frozenset(common), own)


@lru_cache(maxsize=20_000)
def kind(word: str) -> Kind:
    """What the lists say of a word in lower case."""
    known, own = lists(), lists().own
    low = word.replace("’", "'").replace("‐", "-")
    plain = low in own["never"] or low in known.common
    bare = low[:-1].rstrip("'")
    if low.endswith("s") and not plain and low not in known.given and low not in known.surnames:
        low = bare if bare in known.given or bare in known.surnames else low
    given, surname = low in known.given, low in known.surnames
    if "-" in low and not given:
        parts = low.split("-")
        given = parts[0] in known.given and (parts[1] in known.given or parts[0] not in own["hard"])
    if low in own["never"] or not (given or surname):
        sure = Sure.NOT
    elif low in own["hard"]:
        sure = Sure.SMALL
    elif low in own["soft"] or low in known.places:
        sure = Sure.WORD
    else:
        sure = Sure.NAME
    strange = len(low) > 1 and not (
        plain or low in known.places or low.rstrip("s") in known.places
        or low in own["trades"] or low in own["goods"] or low in own["people"]
    )  # fmt: skip
    return Kind(
        low, sure, given, surname,
        strange and _SURNAME.fullmatch(low) is not None,
        strange, low in own["trades"], low in own["goods"], low in own["people"],
        any(low.endswith(end) and low != end for end in own["named_after"]),
        low in known.places,
    )  # fmt: skip


def strange(words: str) -> bool:
    """Whether a word among these is neither one of ours nor a place of its own."""
    return any(kind(word).strange for word in re.findall(r"[^\W\d_]+", words.casefold()))


def _faker(language: str) -> tuple[frozenset[str], frozenset[str]]:
    """First names and surnames of a language, lower case."""
    provider = import_module(f"faker.providers.person.{language}").Provider

    def listed(what: str) -> frozenset[str]:
        fields = (what, f"{what}_female", f"{what}_male")
        found = {name for field in fields for name in getattr(provider, field, None) or ()}
        return frozenset(name.casefold() for name in found if " " not in name and "." not in name)

    return listed("first_names"), listed("last_names")


def _everyday() -> frozenset[str]:
    """The words of the training phrases that are written in lower case."""
    found: set[str] = set()
    for path in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("    - "):
                found.update(re.findall(r"(?<![\w-])[a-zåäöé]+(?![\w-])", line))
    return frozenset(found)


def _places() -> frozenset[str]:
    """The words of the names of municipalities, of places near Trollhättan and of authorities."""
    files = (MUNICIPALITIES, PLACES, ORGANISATIONS)
    rows = [row for file in files for row in file.read_text("utf-8").splitlines()]
    told = " ".join(row for row in rows if not row.startswith("#"))
    return frozenset(word.casefold() for word in told.split())


def _undotted(names: Iterable[str]) -> set[str]:
    """The names as they are written on a foreign keyboard."""
    return {flat for name in names if len(name) > 2 and (flat := undotted(name)) != name}


def public_facts(content: Content) -> frozenset[str]:
    """What of the content may stand as it is: numbers as digits, names and addresses lower case."""
    visit = content.kontaktcenter.visit
    numbers = [content.kontaktcenter.phone.display, *(n.phone for n in content.safety.values())]
    postal = f"{visit.postcode} {visit.city}"
    facts = {visit.street, postal, f"{visit.street}, {postal}"}
    facts |= {person.name for role in content.people.values() for person in role.names}
    texts = [f"{one.title}\n{one.short}\n{one.more}" for one in content.entries.values()]
    for text in [*texts, *(page.text for page in content.pages.values())]:
        # two capitals in a row are the name of something: a company, a place, an authority
        facts.update(re.findall(r"[A-ZÅÄÖ][\w-]+(?: (?:& )?[A-ZÅÄÖ][\w-]+)+", text))
    digits = {re.sub(r"\D", "", number) for number in numbers}
    return frozenset(digits | {fact.casefold() for fact in facts})


@dataclass(slots=True)
class _Word:
    start: int
    end: int
    """Where the name in it ends: before the s of a genitive."""
    text: str
    kind: Kind
    capital: bool
    letters: bool
    first: bool
    """Begins a sentence, so that a capital says nothing."""

    @property
    def genitive(self) -> bool:
        return len(self.kind.low) < len(self.text)


_SIGN = Kind("", Sure.NOT, *[False] * 9)


class _Message:
    """A message word by word, and which of its words are names."""

    def __init__(self, text: str, entities: Sequence[Mapping[str, Any]]) -> None:
        self.text = text
        self.words = list(self._split())
        self.lows = [word.kind.low or word.text[0] for word in self.words]
        self.person = self._marked(entities, "PRS")
        self.other = self._marked(entities, "ORG") | self._marked(entities, "LOC")
        self.names: set[int] = set()

    def _split(self) -> Iterator[_Word]:
        shouted = self.text.upper() == self.text
        first = True
        for match in _TOKEN.finditer(self.text):
            token = match.group()
            letters = token.replace("-", "").replace("'", "").replace("’", "").isalpha()
            about = kind(token.casefold()) if letters else _SIGN
            capital = letters and token[0].isupper() and not shouted
            end = match.start() + len(about.low) if letters else match.end()
            yield _Word(match.start(), end, token, about, capital, letters, first)
            first = token[0] in '.!?\n:–-•"' or (first and not letters)

    def _marked(self, entities: Sequence[Mapping[str, Any]], what: str) -> set[int]:
        """Which words an entity of a kind covers: by its value, as its offsets are of another text.

        The language model reads the message after its spelling was mended.
        """
        found: set[int] = set()
        wanted = [str(one.get("value", "")) for one in entities if one.get("entity") == what]
        if not wanted:
            return found
        lows = [word.text.casefold() for word in self.words]
        for value in wanted:
            parts = [match.group() for match in _TOKEN.finditer(value.casefold())]
            for at in range(len(lows) - len(parts) + 1):
                if parts and lows[at : at + len(parts)] == parts:
                    found.update(range(at, at + len(parts)))
        return found

    def beside(self, at: int, step: int) -> int | None:
        """Where the next word in a direction is if only blanks are between."""
        to = at + step
        if not 0 <= to < len(self.words) or not self.words[to].letters:
            return None
        left, right = self.words[min(at, to)], self.words[max(at, to)]
        between = self.text[left.start + len(left.text) : right.start]
        return None if between.strip(" ") else to

    def find(self) -> set[int]:
        """The words that are names."""
        self.names = {at for at in range(len(self.words)) if self._alone(at)}
        self.names |= self._cued()
        self.names = {at for at in self.names if not self._firm(at)}
        for at in sorted(self.names):
            self._spread(at, 1)
        for at in sorted(self.names, reverse=True):
            self._spread(at, -1)
        for at in sorted(self.names):
            self._together(at)
        return self.names

    def _alone(self, at: int) -> bool:
        """Whether a word is a name by the lists, the next word and the language model."""
        word = self.words[at]
        about = word.kind
        if not word.letters or (about.sure is Sure.NOT and at not in self.person):
            return False
        if not word.capital and self._says(at - 1, "en", "ett", "a", "the", "vanlig"):
            return False
        if about.sure is Sure.NAME:
            return about.given or at not in self.other or about.low.endswith("son")
        mid = word.capital and not word.first
        after = self.beside(at, 1)
        if about.sure is Sure.NOT:
            # the model takes many a word it doesn't know for a person
            acronym = word.text.isupper() and len(word.text) < 5
            pair = after is not None and after in self.person and self.words[after].capital
            return about.strange and not acronym and (mid or (word.capital and pair))
        if not about.given:
            return False
        if mid and at not in self.other and (not about.place or at in self.person):
            return True
        if after is None:
            return False
        following = self.words[after]
        if word.capital and at in self.person and following.kind.low in lists().own["verbs"]:
            return about.sure is Sure.WORD
        if about.sure is Sure.SMALL and not word.capital:
            return following.kind.sure is Sure.NAME and following.kind.surname
        return self._surname(after) and following.capital == word.capital

    def _surname(self, at: int) -> bool:
        about = self.words[at].kind
        return (about.surname and about.sure is not Sure.SMALL) or about.ends_as_surname

    def _firm(self, at: int) -> bool:
        """Whether the name is a part of a firm's or a street's."""
        word, end = self.words[at], at
        if word.kind.named_after or self.text[word.start - 1 : word.start] == ":":  # "pdf:erna"
            return True
        before = self.beside(at, -1)
        if (
            before is not None
            and word.capital
            and self.lows[before] in lists().own["firms"]
            and (self.words[before].capital or self._says(before - 1, "heter"))
        ):
            return True
        for side in (at - 1, at + 1):  # "Lars & Anna" are two people, "Steen & Ström" are none
            other = 2 * side - at
            if self._says(side, "&") and 0 <= other < len(self.words):
                people = word.kind.given and self.words[other].kind.given
                if not people:
                    return True
        while (after := self.beside(end, 1)) is not None and end - at < 3:
            here, following = self.words[end], self.words[after]
            about = following.kind
            if about.trade or about.named_after:
                return True
            if about.goods and (following.capital or not here.kind.given):
                return True
            genitive = here.genitive or (not here.kind.sure and here.text.endswith("s"))
            if genitive and following.capital and not about.sure and not here.kind.given:
                return True
            if not (following.capital or about.sure >= Sure.WORD):
                break
            end = after
        return False

    def _spread(self, at: int, step: int) -> None:
        """Take what is beside a name into it."""
        while (to := self.beside(at, step)) is not None and to not in self.names:
            over: int | None = to
            if step > 0 and self.words[at].genitive:
                return
            if step > 0 and self.lows[to] in lists().own["particles"]:
                over = self.beside(to, step)
            if over is None or not self._belongs(over, step):
                break
            self.names.update(range(min(to, over), max(to, over) + 1))
            at = over
        if step < 0 and at > 1 and self.lows[at - 1] == "." and len(self.lows[at - 2]) == 1:
            self.names.add(at - 2)  # "P. Lundgren"

    def _belongs(self, at: int, step: int) -> bool:
        """Whether a word beside a name is a part of it."""
        word = self.words[at]
        about = word.kind
        if about.trade or about.person or (step < 0 and word.first and not about.sure):
            return False
        if step > 0 and len(word.text) == 1:
            return word.capital
        if about.sure is Sure.NAME:
            return True
        if about.sure is Sure.WORD:
            return about.surname if step > 0 and not word.capital else word.capital
        if about.sure is Sure.SMALL:
            return word.capital and (step < 0 or not word.first)
        if step < 0:
            return word.capital and about.strange
        return about.strange and (word.capital or about.ends_as_surname or at in self.person)

    def _together(self, at: int) -> None:
        """Take "Dag" of "Dag och My": a name stands beside a name."""
        for step in (-1, 1):
            to = at + 2 * step
            if 0 <= to < len(self.words) and self.lows[at + step] in ("och", "o", ",", "&"):
                word = self.words[to]
                if word.capital and word.kind.given and not self._firm(to):
                    self.names.add(to)

    def _cued(self) -> set[int]:
        """The words that the sentence says are names."""
        found: set[int] = set()
        own = lists().own
        for at, low in enumerate(self.lows):
            if low in ("heter", "hette"):
                self._take(at + 1, found, self._says(at - 1, "jag", "ja", "han", "hon"))
                if self._says(at + 1, "jag"):  # "Sofia heter jag"
                    self._take(at - 1, found, False, near=True)
            elif (
                (low in ("namn", "namnet") and self._says(at + 1, "är", "e", "ä", ":"))
                or (low == "name" and self._says(at + 1, "is"))
            ):  # fmt: skip
                self._take(at + 2, found, True)
            elif low in ("namn", "mig", "sig", "honom", "henne") and self._says(
                at - 1, "mitt", "kalla", "kallar", "vid"
            ):
                self._take(at + 1, found, low != "namn" or self._says(at - 1, "mitt"))
            elif low in ("är", "e") and self._says(at - 1, "det", "de", "jag", "här"):
                self._take(at + 1, found, False)
            elif low == "är" and self._says(at + 1, "min", "mitt", "mina", "vår"):
                person = at + 2 < len(self.words) and self.words[at + 2].kind.person
                if person and at and self.words[at - 1].kind.given:
                    found.add(at - 1)
            elif low == "här" and 0 < at < 4 and self._opens(at):
                found.update(range(at))
            elif low in own["signatures"] or (low == "/" and self._ends(at)):
                self._take(at + 1, found, self._ends(at), near=True)
            elif low in own["announcing"] or (low == "med" and self._says(at - 1, *own["talking"])):
                self._take(at + 1, found, False, near=True)
            elif low in own["before"]:
                self._take(at + 1, found, False)
        return found

    def _opens(self, at: int) -> bool:
        """Whether all before a word may be the names of one person: "Kjell-Åke Brattström här"."""
        before = [word.kind for word in self.words[:at]]
        return before[0].given and all(
            one.given or one.surname or one.ends_as_surname or (one.strange and word.capital)
            for one, word in zip(before, self.words, strict=False)
        )

    def public(self, facts: frozenset[str]) -> set[int]:
        """The words of names that may stand as they are."""
        found: set[int] = set()
        stays = lists().own["stays"]
        for at in range(len(self.words) - 1):
            for end in (at + 2, at + 3):
                told = " ".join(self.lows[at:end])
                if told in facts or told in stays:
                    found.update(range(at, end))
        return found

    def _says(self, at: int, *lows: str) -> bool:
        return 0 <= at < len(self.lows) and self.lows[at] in lows

    def _ends(self, at: int) -> bool:
        """Whether the message ends within five words."""
        return len(self.words) - at <= 6

    def _take(self, at: int, found: set[int], strong: bool, near: bool = False) -> None:
        """Take the name that a cue announces, if there is one.

        A strong cue makes a name of any word that isn't one of ours, a near one of names that are
        everyday words too.
        """
        while 0 <= at < len(self.words) and self.lows[at] in ",:/\n-–.":
            at += 1
        if not 0 <= at < len(self.words) or not self.words[at].letters:
            return
        word = self.words[at]
        about = word.kind
        if about.low in lists().own["never"] or not (about.sure or about.strange) or about.person:
            return
        if strong:
            taken = about.given or about.surname or about.strange
        elif at in self.other - self.person:
            taken = False
        elif near:
            taken = (about.given and about.sure >= Sure.WORD) or (word.capital and not word.first)
        else:
            taken = about.sure is Sure.NAME or (about.given and word.capital)
        if not taken:
            return
        found.add(at)
        after = self.beside(at, 1)
        if strong and after is not None and self.words[after].kind.strange:
            # "jag heter nina plog och …": what else should stand there?
            beyond = after + 1
            if beyond == len(self.words) or not self.words[beyond].kind.strange:
                found.add(after)


def find(
    text: str,
    entities: Sequence[Mapping[str, Any]] = (),
    public: frozenset[str] = frozenset(),
    known: frozenset[str] = frozenset(),
) -> tuple[list[tuple[int, int]], frozenset[str]]:
    """Where the names of people are (start, end), and the names, in lower case.

    `entities` as Rasa gives them, `public` as of public_facts(), `known` names that were found in
    the conversation before.
    """
    message = _Message(text, entities)
    words, marked = message.words, message.find()
    earlier = {part for name in known for part in name.split()}
    if earlier:
        for at, word in enumerate(words):
            if word.letters and word.kind.low in earlier:
                plain = word.kind.sure in (Sure.SMALL, Sure.WORD) or not word.kind.strange
                if not plain or (word.capital and (word.kind.sure or not word.first)):
                    marked.add(at)
    marked -= message.public(public)
    spans: list[tuple[int, int]] = []
    told: set[str] = set()
    at = 0
    while at < len(words):
        end = at
        while end + 1 in marked and end in marked and message.beside(end, 1) is not None:
            end += 1
        if at in marked and words[at].letters:
            name = " ".join(word.kind.low for word in words[at : end + 1])
            spans.append((words[at].start, words[end].end))
            told.add(name)
        at = end + 1
    return spans, frozenset(told)
