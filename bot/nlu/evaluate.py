"""How well messages are understood, measured on tests/nlu with the trained model.

    python -m bot eval            (make eval)

Runs in Rasa's environment and parses each phrase with the same graph as the running service.
Beside it stands Rasa's own default pipeline (DIET), trained on the same phrases: make
eval-baseline trains it once for each state of the data.
"""

import argparse
import asyncio
import hashlib
import json
import logging
import random
import re
import statistics
import sys
import time
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Text, Tuple

import numpy as np
from ruamel.yaml import YAML
from sklearn.metrics import f1_score, roc_auc_score

from bot.nlu.text import undotted

OUTSIDE = "out_of_scope"
FALLBACK = "nlu_fallback"
SAME = {"faq/psykisk-kris": "self_harm"}
"""The guard answers with the entry, the phrases are labelled with the intent."""
SAYS_112 = frozenset(
    {"emergency", "self_harm", "threat", "faq/vald-i-nara-relation", "faq/nodnummer"}
)
"""Labels whose answer begins with 112."""
SAFETY = SAYS_112 | {"faq/polisanmalan", "faq/oro-for-barn", "faq/otrygg-plats", "faq/tips",
                     "faq/brottsutsatt", "faq/jour", "faq/andra-nummer"}  # fmt: skip
"""Labels that make "Menar du …?" begin with 112."""
ROBUST_SAMPLE = 700
NEIGHBOURS = {
    "a": "sqz", "b": "vgn", "c": "xdv", "d": "sfe", "e": "wrd", "f": "dgr", "g": "fht", "h": "gjy",
    "i": "uok", "j": "hkn", "k": "jli", "l": "kö", "m": "nj", "n": "bmh", "o": "ipl", "p": "oå",
    "r": "etf", "s": "ade", "t": "ryg", "u": "yij", "v": "cbf", "y": "tuh", "ä": "öå", "ö": "äl",
    "å": "pä",
}  # fmt: skip
"""Keys beside each other on a Swedish keyboard."""


@dataclass(frozen=True)
class Parsed:
    """What the model made of a phrase: its best label, whether it would answer, and how sure."""

    label: str
    answers: bool
    confidence: float
    offers: Tuple[str, ...]
    ms: float


Parse = Callable[[Text], Parsed]


def phrases(folder: Path) -> List[Tuple[str, str]]:
    """(text, label) of all Rasa NLU files of a folder; `faq/<entry>` for entries."""
    found = []
    for path in sorted(folder.glob("*.yml")):
        for block in (YAML(typ="safe").load(path) or {}).get("nlu", []):
            entry = (block.get("metadata") or {}).get("entry")
            label = f"{block['intent']}/{entry}" if entry else str(block["intent"])
            lines = (line.strip() for line in str(block["examples"]).splitlines())
            found += [(line[2:], label) for line in lines if line.startswith("- ")]
    return found


def listed(file: Path) -> Dict[str, List[str]]:
    """A YAML file of lists of phrases by name; empty if it isn't there."""
    return dict(YAML(typ="safe").load(file)) if file.exists() else {}


def model_parser(model: Path) -> Parse:
    """Parse with a trained model of ours, as the service does."""
    import structlog
    from rasa.core.agent import Agent

    # Rasa prints what it parses
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    agent = Agent.load(str(model))
    loop = asyncio.new_event_loop()

    def parse(text: Text) -> Parsed:
        start = time.perf_counter()
        found = loop.run_until_complete(agent.parse_message(text))
        return parsed(found, (time.perf_counter() - start) * 1000)

    return parse


def parsed(found: Dict[Text, Any], ms: float) -> Parsed:
    """What Rasa says of a message, in short."""
    intent = found["intent"]
    ranking = [r["name"] for r in found.get("intent_ranking") or []] or [FALLBACK]
    entries = [e["value"] for e in found["entities"] if e["entity"] == "entry"]
    maybe = [e["value"] for e in found["entities"] if e["entity"] == "maybe"]
    name = f"faq/{entries[0]}" if intent["name"] == "faq" and entries else intent["name"]
    answers = name != FALLBACK
    label = name if answers else ranking[0]
    return Parsed(SAME.get(label, label), answers, float(intent["confidence"]), tuple(maybe), ms)


def slipped(text: Text, rng: random.Random) -> Text:
    """With one slip of the finger in a word of four letters or more."""
    found = list(re.finditer(r"[^\W\d_]{4,}", text))
    if not found:
        return text
    word = rng.choice(found)
    at, kind = rng.randrange(word.start(), word.end()), rng.randrange(4)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at] + text[at:]
    if kind == 2 and at + 1 < word.end():
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + rng.choice(NEIGHBOURS.get(text[at].lower(), "e")) + text[at + 1 :]


def mangled(
    tests: Sequence[Tuple[str, str]], most: int
) -> Tuple[List[int], List[Text], List[Text]]:
    """Some of the phrases, the same each time: their numbers, without dots, and with a slip."""
    rng = random.Random(7)
    chosen = rng.sample(range(len(tests)), min(most, len(tests)))
    bare = [undotted(tests[i][0]) for i in chosen]
    return chosen, bare, [slipped(tests[i][0], rng) for i in chosen]


def measure(
    parse: Parse,
    tests: Sequence[Tuple[str, str]],
    calm: Sequence[str],
    acute: Sequence[str],
    robust: Optional[int] = ROBUST_SAMPLE,
) -> Dict[str, Any]:
    """All figures about a parser. `robust` is how many phrases are tried in mangled form."""
    parse("hej")  # warm
    results = [parse(text) for text, _ in tests]
    gold = np.array([label for _, label in tests])
    said = np.array([r.label for r in results])
    right = said == gold
    inside = gold != OUTSIDE
    direct = np.array([r.answers and r.label != OUTSIDE for r in results])
    sure = np.array([r.confidence for r in results])
    answering = np.where(said == OUTSIDE, 0.0, sure)
    figures: Dict[str, Any] = {
        "phrases": len(tests),
        "labels": len(set(gold)),
        "accuracy": float(right.mean()),
        "accuracy_inside": float(right[inside].mean()),
        "macro_f1": float(f1_score(gold, said, average="macro", labels=sorted(set(gold)))),
        "direct_inside": float(direct[inside].mean()),
        "direct_right": float(right[direct & inside].mean()),
        "outside_wrong": float(direct[~inside].mean()),
        "outside_auroc": float(roc_auc_score(inside, answering)),
        "offered_inside": float(
            np.mean([g in r.offers for g, r, d, i in zip(gold, results, direct, inside)
                     if i and not d and not r.answers] or [0.0])
        ),
        "latency_ms": _latency([r.ms for r in results]),
        "risk_coverage": _risk_coverage(sure, right),
        "per_label": _per_label(gold, said),
        "confusions": Counter(
            f"{g} → {s}" for g, s in zip(gold, said) if g != s
        ).most_common(20),
        "errors": [
            {"text": t, "label": g, "said": r.label, "confidence": round(r.confidence, 3),
             "answered": r.answers}
            for (t, g), r in zip(tests, results) if r.label != g
        ],
        "right": right.tolist(),
    }  # fmt: skip
    urgent = [*(text for text, label in tests if label == "emergency"), *acute]
    known = {text: result for (text, _), result in zip(tests, results)}
    heard = [(text, known.get(text) or parse(text)) for text in urgent]
    missed = [text for text, parsed in heard if not is_alarm(parsed)]
    silent = [text for text, parsed in heard if not _names_112(parsed)]
    alarms = [text for text in calm if is_alarm(parse(text))]
    alarms += [t for (t, g), r in zip(tests, results) if g != "emergency" and is_alarm(r)]
    harmless = len(calm) + int((gold != "emergency").sum())
    figures["emergency"] = {
        "recall": 1 - len(missed) / max(1, len(urgent)),
        "phrases": len(urgent),
        "missed": missed,
        "named": 1 - len(silent) / max(1, len(urgent)),
        "silent": silent,
        "false_alarms": len(alarms) / max(1, harmless),
        "calm_phrases": len(calm),
        "calm_false_alarms": sum(text in set(calm) for text in alarms) / max(1, len(calm)),
        "alarms": alarms,
    }
    if robust:
        chosen, plain, slips = mangled(tests, robust)
        clean = float(right[chosen].mean())
        bare = np.mean([parse(text).label == gold[i] for i, text in zip(chosen, plain)])
        typos = np.mean([parse(text).label == gold[i] for i, text in zip(chosen, slips)])
        figures["robust"] = {
            "phrases": len(chosen), "clean": clean,
            "no_diacritics": float(bare), "one_typo": float(typos),
        }  # fmt: skip
    return figures


def is_alarm(parsed: Parsed) -> bool:
    """Whether the answer is 112 first, and not only one guess among others."""
    return parsed.answers and parsed.label == "emergency"


def _names_112(parsed: Parsed) -> bool:
    """Whether the answer begins with 112 at all: an answer of its own kind (self-harm, violence at
    home), or "Menar du …?" with a question of safety among its offers."""
    if parsed.answers:
        return parsed.label in SAYS_112
    return not SAFETY.isdisjoint(parsed.offers)


def _latency(ms: List[float]) -> Dict[str, float]:
    return {
        "median": statistics.median(ms),
        "p95": statistics.quantiles(ms, n=20)[-1] if len(ms) > 1 else ms[0],
    }


def _risk_coverage(sure: np.ndarray, right: np.ndarray) -> List[Tuple[float, float]]:
    """(share answered, share of those wrong) from the surest on, in steps of five per cent."""
    order = np.argsort(-sure, kind="stable")
    wrong = np.cumsum(~right[order])
    counts = [max(1, round(len(sure) * step / 20)) for step in range(1, 21)]
    return [(n / len(sure), float(wrong[n - 1] / n)) for n in counts]


def _per_label(gold: np.ndarray, said: np.ndarray) -> Dict[str, Dict[str, float]]:
    found = {}
    for label in sorted(set(gold)):
        hit = int(((gold == label) & (said == label)).sum())
        found[str(label)] = {
            "phrases": int((gold == label).sum()),
            "recall": hit / int((gold == label).sum()),
            "precision": hit / max(1, int((said == label).sum())),
        }
    return found


def mcnemar(ours: Sequence[bool], theirs: Sequence[bool]) -> Tuple[int, int, float]:
    """(only ours right, only theirs right, p): exact two-sided McNemar test."""
    from scipy.stats import binomtest

    a = sum(o and not t for o, t in zip(ours, theirs))
    b = sum(t and not o for o, t in zip(ours, theirs))
    return a, b, float(binomtest(a, a + b).pvalue) if a + b else 1.0


def baseline_file(root: Path, out: Path, epochs: int) -> Path:
    """Where the baseline's figures for this state of phrases and tests are kept."""
    state = json.dumps(
        [phrases(root / "data" / "nlu"), tests_of(root / "tests")], ensure_ascii=False
    )
    return out / f"baseline-{hashlib.sha256(state.encode()).hexdigest()[:16]}-{epochs}.json"


def report(ours: Dict[str, Any], base: Optional[Dict[str, Any]]) -> Text:
    """The figures as a table for people, with the baseline beside where there is one."""
    lines = [f"{ours['phrases']} provfraser, {ours['labels']} etiketter", ""]

    def row(name: str, pick: Callable[[Dict[str, Any]], float], form: str = "{:.1%}") -> None:
        shown = [form.format(pick(ours)), form.format(pick(base)) if base else "–"]
        lines.append(f"{name:<52}{shown[0]:>10}{shown[1]:>14}")

    lines.append(f"{'':<52}{'assistenten':>10}{'Rasas standard':>15}")
    row("rätt etikett", lambda f: f["accuracy"])
    row("  av dem som inte är utanför", lambda f: f["accuracy_inside"])
    row("makro-F1", lambda f: f["macro_f1"], "{:.3f}")
    row("besvaras direkt", lambda f: f["direct_inside"])
    row("  varav rätt", lambda f: f["direct_right"])
    row("rätt svar bland förslagen, när den frågar", lambda f: f["offered_inside"])
    row("utanför: får ändå ett svar", lambda f: f["outside_wrong"])
    row("utanför: AUROC", lambda f: f["outside_auroc"], "{:.3f}")
    row("nödlägen som får 112", lambda f: f["emergency"]["recall"])
    row("  eller ett svar som nämner 112 först", lambda f: f["emergency"]["named"])
    row("  falska larm, alla andra fraser", lambda f: f["emergency"]["false_alarms"])
    row(
        "  falska larm, lugna fraser med farliga ord", lambda f: f["emergency"]["calm_false_alarms"]
    )
    if "robust" in ours and (base is None or "robust" in base):
        row("utan å, ä, ö: tapp", lambda f: f["robust"]["clean"] - f["robust"]["no_diacritics"])
        row("ett slarvfel: tapp", lambda f: f["robust"]["clean"] - f["robust"]["one_typo"])
    row("tid för en fras, median ms", lambda f: f["latency_ms"]["median"], "{:.1f}")
    row("  95:e percentilen, ms", lambda f: f["latency_ms"]["p95"], "{:.1f}")
    if base:
        only, their, p = mcnemar(ours["right"], base["right"])
        lines += ["", f"McNemar: {only} rätt bara här, {their} rätt bara där, p = {p:.2g}"]
    lines += ["", "Svagast:"]
    weak = sorted(ours["per_label"].items(), key=lambda item: item[1]["recall"])[:10]
    lines += [
        f"  {name:<28}{f['recall']:6.0%} av {f['phrases']:>3}, precision {f['precision']:.0%}"
        for name, f in weak
    ]
    lines += ["", "Förväxlas oftast:"]
    lines += [f"  {count:>3}  {pair}" for pair, count in ours["confusions"][:12]]
    lines += ["", "Andel besvarade → fel bland dem: " + ", ".join(
        f"{share:.0%} → {risk:.1%}" for share, risk in ours["risk_coverage"][9::2])]  # fmt: skip
    for name in ("missed", "alarms"):
        if ours["emergency"][name]:
            told = {"missed": "Nödlägen utan 112:", "alarms": "Falska larm:"}[name]
            lines += ["", told, *(f"  {text}" for text in ours["emergency"][name])]
    return "\n".join(lines)


def plot(ours: Dict[str, Any], base: Optional[Dict[str, Any]], file: Path) -> None:
    """The risk-coverage curve as a picture."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4))
    for name, figures, style in (("assistenten", ours, "-"), ("Rasas standard", base, "--")):
        if figures:
            axes.plot(*zip(*figures["risk_coverage"]), style, label=name)
    axes.set_xlabel("andel besvarade, de säkraste först")
    axes.set_ylabel("andel fel bland dem")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(file, dpi=120)


def baseline(root: Path, out: Path, epochs: int) -> Dict[str, Any]:
    """Rasa's default pipeline on the same phrases: trained once for each state of the data."""
    file = baseline_file(root, out, epochs)
    if file.exists():
        kept: Dict[str, Any] = json.loads(file.read_text("utf-8"))
        return kept
    from bot.nlu.baseline import trained_parser

    figures = measure(trained_parser(root / "data" / "nlu", out, epochs), *tests_of(root / "tests"))
    file.write_text(json.dumps(figures, ensure_ascii=False, indent=1), "utf-8")
    return figures


def tests_of(tests: Path) -> Tuple[List[Tuple[str, str]], List[str], List[str]]:
    """The phrases with their labels, harmless ones that sound urgent, and emergencies."""
    folder = tests / "nlu"
    apart = listed(folder / "emergencies.yml")
    return phrases(folder), apart.get("calm", []), apart.get("acute", [])


def main(arguments: Optional[List[str]] = None) -> int:
    """Measure and print; writes evaluation.json and risk_coverage.png to --out."""
    # libraries that Rasa loads switch warnings on again, whatever Python was told
    warnings.showwarning = lambda *args, **kwargs: None  # type: ignore[assignment]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--root", type=Path, default=Path.cwd())
    parser.add_argument("--out", type=Path, default=Path("var/eval"))
    parser.add_argument("--baseline", choices=["no", "kept", "yes"], default="kept")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--robust", type=int, default=ROBUST_SAMPLE)
    parser.add_argument("--json-only", action="store_true", help="skriv bara JSON, till stdout")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    base = None
    kept = baseline_file(given.root, given.out, given.epochs)
    if given.baseline == "yes" or (given.baseline == "kept" and kept.exists()):
        base = baseline(given.root, given.out, given.epochs)
    ours = measure(model_parser(given.model), *tests_of(given.root / "tests"), robust=given.robust)
    (given.out / "evaluation.json").write_text(
        json.dumps({"assistant": ours, "baseline": base}, ensure_ascii=False, indent=1), "utf-8"
    )
    if given.json_only:
        json.dump(ours, sys.stdout, ensure_ascii=False)
        return 0
    print(report(ours, base))
    plot(ours, base, given.out / "risk_coverage.png")
    print(f"\nAllt står i {given.out}/evaluation.json, kurvan i {given.out}/risk_coverage.png")
    if base is None and given.baseline == "kept":
        print("Rasas standard är inte tränad på de här fraserna än: make eval-baseline")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
