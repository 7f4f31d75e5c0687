"""What staff read of conversations instead of the names that the code uses."""

from collections.abc import Callable

from babel import Locale

from bot.store.transcript_models import Verdict

FLAGS = {
    "fallback": "Fick inget svar",
    "clarification": "Fick en motfråga",
    "negative": "Tummen ner",
    "emergency": "Nödläge",
    "person": "Ville prata med en människa",
    "form": "Formulär",
    "abuse": "Skällsord",
    "degraded": "Reservsvar",
}
OUTCOMES = {
    "answered": "Fick svar",
    "clarified": "Fick en motfråga",
    "unknown": "Fick inget svar",
    "person": "Hänvisades till en människa",
    "emergency": "Fick hänvisning till nödnummer",
    "form": "Svarade i formulär",
    "smalltalk": "Småprat",
    "degraded": "Fick reservsvar vid fel",
}
VERDICTS = {
    "right": "Rätt",
    "wrong": "Fel svar",
    "should_ask": "Borde ha frågat",
    "missing": "Saknar innehåll",
}
"""In the order of the number keys."""
FEEDBACK = {"ner": "Tummen ner", "upp": "Bara tummen upp", "inget": "Inget omdöme"}
ENTITIES = {
    "PRS": "Person",
    "LOC": "Plats",
    "ORG": "Organisation",
    "PHONE": "Telefonnummer",
    "EMAIL": "E-postadress",
    "PNR": "Personnummer",
    "ORGNR": "Organisationsnummer",
    "POSTCODE": "Postnummer",
    "DATE": "Datum",
    "TIME": "Tid",
}
_SWEDISH = Locale("sv")


def flag(name: str) -> str:
    """The title of a flag."""
    return FLAGS.get(name, name)


def entity(kind: str) -> str:
    """What kind of thing was found in a text."""
    return ENTITIES.get(kind, kind)


def language(code: str) -> str:
    """A language in Swedish, as in the middle of a sentence: "engelska"."""
    return str(_SWEDISH.languages.get(code, code))


def percent(share: float | None) -> str:
    """0.934 as "93 %"; "–" for None. Never 100 % for what isn't quite sure."""
    if share is None:
        return "–"
    whole = 99 if 0.99 < share < 1 else round(share * 100)
    return f"{whole}\u00a0%"


def verdict_told(verdict: Verdict, title: Callable[[str | None], str]) -> str:
    """A verdict in words: "Fel svar, rätt ämne är ”Öppettider”"."""
    told = VERDICTS.get(verdict.verdict, verdict.verdict)
    return f"{told}, rätt ämne är ”{title(verdict.label)}”" if verdict.label else told
