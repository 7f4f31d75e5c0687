"""Labels that stand apart from the rule that each FAQ entry has phrases of its own."""

INTENT_ENTRIES = {
    "self_harm": "psykisk-kris",
    "opening_hours": "oppettider",
    "human": "prata-med-manniska",
}
"""Intents that lead to an entry, which therefore has no phrases."""
