"""Labels that stand apart from the FAQ entries, for all who sort them."""

OUTSIDE = frozenset({"out_of_scope", "other_authority", "other_municipality", "nonsense"})
"""What we don't answer."""

INTENT_ENTRIES = {
    "self_harm": "psykisk-kris",
    "opening_hours": "oppettider",
    "human": "prata-med-manniska",
}
"""Intents that lead to an entry, which therefore has no phrases."""
