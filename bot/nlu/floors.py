"""How well messages must be understood, at least: for tests, and before a new model is promoted."""

from typing import Any, Dict, List, Mapping, Tuple

AT_LEAST: Dict[str, float] = {
    "accuracy": 0.92,
    "macro_f1": 0.91,
    "direct_inside": 0.85,
    "direct_right": 0.95,
    "outside_auroc": 0.97,
}
"""Names as in what evaluate.measure() returns."""
AT_MOST: Dict[str, float] = {"outside_wrong": 0.04}
RECALL, FALSE_ALARMS = 0.96, 0.03
"""Of emergencies that get 112, and of everything else that does."""
LOSS_BARE, LOSS_TYPO = 0.03, 0.06
"""Of accuracy, by missing dots and by one slip."""


def passed_by(figures: Mapping[str, Any]) -> List[Tuple[str, float, float]]:
    """(name, value, floor or ceiling) of the figures that are on the wrong side of theirs."""
    found = [(n, figures[n], least) for n, least in AT_LEAST.items() if figures[n] < least]
    found += [(n, figures[n], most) for n, most in AT_MOST.items() if figures[n] > most]
    alarm = figures["emergency"]
    if alarm["recall"] < RECALL:
        found.append(("recall", alarm["recall"], RECALL))
    if alarm["false_alarms"] > FALSE_ALARMS:
        found.append(("false_alarms", alarm["false_alarms"], FALSE_ALARMS))
    robust = figures.get("robust")
    for name, most in (("no_diacritics", LOSS_BARE), ("one_typo", LOSS_TYPO)):
        if robust and robust["clean"] - robust[name] > most:
            found.append((name, robust["clean"] - robust[name], most))
    return found
