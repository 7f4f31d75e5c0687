"""What staff read instead of a label of the training data, and labels found by what they write."""

from collections.abc import Mapping

from rapidfuzz import fuzz, process

from bot.content.load import Content
from bot.nlu.labels import INTENT_ENTRIES
from bot.nlu.text import fold, normalise

INTENTS = {
    "opening_hours": "Öppettider",
    "human": "Prata med en människa",
    "emergency": "Nödläge",
    "threat": "Hot",
    "self_harm": "Psykisk kris",
    "abuse": "Skällsord",
    "greet": "Hälsning",
    "goodbye": "Adjö",
    "thanks": "Tack",
    "help": "Vad assistenten kan svara på",
    "repeat": "Säg det igen",
    "more": "Läs mer",
    "where": "Var det ligger",
    "who_to_call": "Vem man ringer",
    "affirm": "Ja",
    "deny": "Nej",
    "cancel": "Avbryt formuläret",
    "skip": "Hoppa över frågan",
    "why": "Varför frågan ställs",
    "withdraw": "Ta tillbaka en intresseanmälan",
    "other_authority": "En annan myndighet",
    "other_municipality": "En annan kommun",
    "out_of_scope": "Något som assistenten inte ska svara på",
    "nonsense": "Obegripligt",
}
"""Labels that aren't FAQ entries, the ones that are chosen most first."""
_ALIKE = 65


def title(content: Content, label: str | None) -> str:
    """The title of what a label leads to; the label itself when the content has it no more."""
    if not label:
        return "Inget svar"
    kind, _, entry = label.partition("/")
    if kind == "faq" and entry in content.entries:
        return content.entries[entry].title
    if label == "faq":
        return "En fråga om innehållet"
    if label == "nlu_fallback":
        return "Inte förstått"
    return INTENTS.get(label, label)


def file(content: Content, label: str | None) -> str:
    """The content file of what a label leads to, as the pages of the content name it; "" if there
    is none."""
    kind, _, entry = (label or "").partition("/")
    known = entry if kind == "faq" else INTENT_ENTRIES.get(kind, "")
    return f"faq/{known}.md" if known in content.entries else ""


def of_entry(entry: str) -> str:
    """The label of an entry."""
    own = next((label for label, one in INTENT_ENTRIES.items() if one == entry), "")
    return own or f"faq/{entry}"


def titles(content: Content) -> Mapping[str, str]:
    """All labels that may be chosen, with their titles: questions first, in alphabetical order."""
    own = set(INTENT_ENTRIES.values())
    entries = {f"faq/{e.id}": e.title for e in content.entries.values() if e.id not in own}
    return {**dict(sorted(entries.items(), key=lambda one: fold(one[1]))), **INTENTS}


def chosen(content: Content, written: str) -> str | None:
    """The label that somebody means by its title, or by the label itself; None if there is none."""
    known, wanted = titles(content), _bare(written)
    if written.strip() in known:
        return written.strip()
    entries = {f"faq/{entry}": label for label, entry in INTENT_ENTRIES.items()}
    if written.strip() in entries:
        return entries[written.strip()]
    return next((label for label, name in known.items() if _bare(name) == wanted), None)


def near(content: Content, written: str, most: int = 3) -> list[str]:
    """Titles that are like what was written, the likest first."""
    bare = {_bare(name): name for name in titles(content).values()}
    found = process.extract(
        _bare(written)[:200],
        list(bare),
        scorer=fuzz.token_set_ratio,
        score_cutoff=_ALIKE,
        limit=most,
    )
    return [bare[text] for text, _, _ in found]


def _bare(text: str) -> str:
    return fold(normalise(text[:500])).rstrip("?.! ")
