"""Search in the answers and pages: full text in memory, made again when the content changes.

Words are compared without diacritics and endings, so that "oppettiderna" finds "Öppettider". A word
that nobody has written is taken for a slip, or for a compound of which a part is known.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from html import unescape

import snowballstemmer
from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot.chat.messages import PAGE_TAGS, html
from bot.content.answers import render
from bot.content.clock import now
from bot.content.load import Content
from bot.content.store import ContentStore
from bot.nlu.text import fold, normalise, words

MOST_HITS = 12
MOST_LETTERS = 200
MOST_WORDS = 12
WORST = 0.12
"""Hits that are so much worse than the best one say nothing."""
SHORT = 170
"""Letters of the text under a hit."""
_WEIGHTS = "10, 6, 3, 1"
_LANGUAGE = {"sv": 1.0, "en": 0.4}
_SMALL_WORDS = """
    och att det som en ett i på är av för med till den de har inte om man kan jag du vi ni han hon
    mig dig oss er min din vår ert era mitt ditt vårt så här där var vad vem vilka vilken vilket när
    hur varför ska skulle vill får finns eller men från vid efter under över ut upp in nu då ju ej
    sig sin sitt sina detta denna dessa bli blir blev vara varit hade göra gör gjort måste något
    någon några mycket mer hej tack snälla
    the a an of to in is are do does i you we it my your our can how what when where who why and or
    for with at on
"""
STOP = frozenset(map(fold, _SMALL_WORDS.split()))
"""Words that say little of what a text is about, folded."""
_stemmers = {"sv": snowballstemmer.stemmer("swedish"), "en": snowballstemmer.stemmer("english")}


@dataclass(frozen=True)
class Hit:
    """A page that answers: title, path and the beginning of its text."""

    title: str
    url: str
    text: str
    lang: str


@dataclass(frozen=True)
class _Document:
    hit: Hit
    keywords: str
    """Other words for what it is about, the id among them."""
    short: str
    more: str


class Search:
    """Searches the content in force."""

    def __init__(self, store: ContentStore) -> None:
        self._store = store
        self._content = store.content
        self._index = Index(_documents(self._content, now()))

    def find(self, query: str) -> list[Hit]:
        """The best pages first; none if nothing fits or nothing is asked."""
        if self._store.content is not self._content:
            self._content = self._store.content
            self._index = Index(_documents(self._content, now()))
        return self._index.find(query)


class Index:
    """Full text of some documents."""

    def __init__(self, documents: Iterable[_Document]) -> None:
        self._hits: list[Hit] = []
        self._stems: set[str] = set()
        self._words: dict[str, set[str]] = {}
        self._base = sqlite3.connect(":memory:", check_same_thread=False)
        self._base.execute("CREATE VIRTUAL TABLE pages USING fts5(title, keywords, short, more)")
        for number, one in enumerate(documents):
            self._hits.append(one.hit)
            parts = (one.hit.title, one.keywords, one.short, one.more)
            row = [self._learn(part, one.hit.lang) for part in parts]
            self._base.execute(
                "INSERT INTO pages (rowid, title, keywords, short, more) VALUES (?, ?, ?, ?, ?)",
                (number, *row),
            )

    def find(self, query: str) -> list[Hit]:
        """The best documents first."""
        asked = list(dict.fromkeys(words(fold(normalise(query[:MOST_LETTERS])))))[:MOST_WORDS]
        telling = [word for word in asked if word not in STOP]
        groups = [group for word in telling or asked if (group := self._alternatives(word))]
        if not groups:
            return []
        # every word is letters and digits only, and quoted: it can't be an operator of FTS5
        wanted = " OR ".join(
            f'"{stem}"*' if len(stem) > 2 else f'"{stem}"' for group in groups for stem in group
        )
        if not telling:
            wanted = f"{{title keywords}} : ({wanted})"
        found = self._base.execute(
            f"SELECT rowid, bm25(pages, {_WEIGHTS}) AS score FROM pages WHERE pages MATCH ? "
            "ORDER BY score LIMIT ?",
            (wanted, 2 * MOST_HITS),
        ).fetchall()
        # names are the same in both languages: then the Swedish page is meant (scores are < 0)
        ranked = sorted((score * _LANGUAGE[self._hits[row].lang], row) for row, score in found)
        near = [row for score, row in ranked if score <= WORST * ranked[0][0]]
        return [self._hits[row] for row in near[:MOST_HITS]]

    def _learn(self, text: str, lang: str) -> str:
        stems = []
        for word in words(fold(normalise(text))):
            stems.append(stem(word, lang))
            self._words.setdefault(word, set()).add(stems[-1])
        self._stems.update(stems)
        return " ".join(stems)

    def _alternatives(self, word: str) -> Sequence[str]:
        """The stems to look for instead of a word; none if it is like nothing known."""
        stems = list({stem(word, lang) for lang in _stemmers})
        if any(known.startswith(stem) for stem in stems for known in self._stems):
            return stems
        near = self._slips(word)
        if near:
            return near
        parts = [s for s in self._stems if len(s) > 4 and (word.startswith(s) or word.endswith(s))]
        return sorted(parts, key=len, reverse=True)[:2]

    def _slips(self, word: str) -> Sequence[str]:
        if len(word) < 4:
            return []
        most = 1 if len(word) < 6 else 2
        found = process.extract(
            word, list(self._words), scorer=OSA.distance, score_cutoff=most, limit=20
        )
        best = min((distance for _, distance, _ in found), default=0)
        near = [known for known, distance, _ in found if distance == best and len(known) > 3]
        return sorted({stem for known in near[:5] for stem in self._words[known]})


@lru_cache(20_000)
def stem(word: str, lang: str) -> str:
    """A folded word without its ending. `lang` is sv or en."""
    return str(_stemmers[lang].stemWord(word))


def _documents(content: Content, moment: datetime) -> Iterator[_Document]:
    for entry in content.entries.values():
        short = plain(render(content, entry.short, moment))
        more = plain(render(content, entry.more, moment))
        hit = Hit(entry.title, f"/fragor/{entry.id}", beginning(short), "sv")
        topic = content.site.topics[entry.topic].title
        yield _Document(hit, " ".join([*entry.keywords, topic, entry.id]), short, more)
    for page in content.pages.values():
        text = plain(render(content, page.text, moment))
        hit = Hit(page.title, f"/{page.id}", page.description, "sv")
        yield _Document(hit, f"{page.description} {page.id}", "", text)
    for (lang, entry_id), one in content.translations.items():
        if lang == "en":
            short = plain(render(content, one.short, moment, lang))
            more = plain(render(content, one.more, moment, lang))
            hit = Hit(one.title, f"/en/questions/{entry_id}", beginning(short), lang)
            yield _Document(hit, "", short, more)


def plain(markdown: str) -> str:
    """Markdown as text only."""
    bare = unescape(re.sub(r"<[^>]+>", " ", html(markdown, PAGE_TAGS)))
    return re.sub(r"\s+([.,;:])", r"\1", " ".join(bare.split()))


def beginning(text: str) -> str:
    """The first words of a text."""
    if len(text) <= SHORT:
        return text
    return text[:SHORT].rsplit(" ", 1)[0].rstrip(",;:–") + " …"
