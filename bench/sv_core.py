"""Speed and size of the language model in the chat pipeline, on one core.

    make bench-sv-core

Prints the time to load, memory, and the time of nlp() on chat messages, next to spaCy's blank
Swedish pipeline in the same run. Runs in Rasa's environment.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

PARENT = "SV_CORE_BENCH_CHILD"
MESSAGES = [
    "hej, när har ni öppet på lördag?",
    "Jag vill anmäla ett inbrott i vår butik på Kungsgatan i natt.",
    "hur kan mitt företag vara med i samarbetet mot brott",
    "var ligger kontaktcenter och kan jag parkera där",
    "Jag heter Anna Lindgren och driver Lindgrens Blommor AB på Överby.",
    "vem ansvarar för belysningen vid resecentrum",
    "tack så mycket för hjälpen",
    "det är klotter på väggen vid Storgatan 14, vem ringer jag?",
]
CHAT = ["parser", "senter"]
"""What the chat pipeline leaves out, as Rasa's SpacyNLP does with the parser."""


def resident() -> float:
    """This process's memory in MiB."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def median(nlp: object, rounds: int) -> tuple[float, float, int]:
    """Median and 95th percentile in ms over all messages, and their number."""
    taken = []
    for number in range(rounds):
        for message in MESSAGES:
            # A new number each time, so that no cache answers for the network
            text = f"{message} {number}"
            start = time.perf_counter()
            nlp(text)  # type: ignore[operator]
            taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken), statistics.quantiles(taken, n=20)[-1], len(taken)


def child(model: str, rounds: int) -> None:
    """Measure in a fresh process."""
    # Rasa's environment has TensorFlow, which spaCy would load: it is Rasa's weight, not ours
    sys.modules.update({"tensorflow": None, "torch": None})  # type: ignore[dict-item]
    start = time.perf_counter()
    import spacy

    imported, before = time.perf_counter() - start, resident()
    start = time.perf_counter()
    nlp = spacy.load(model, disable=CHAT)
    nlp("värm upp")
    loaded, after = time.perf_counter() - start, resident()
    blank, whole = spacy.blank("sv"), spacy.load(model)
    ours, theirs, all_parts = (median(each, rounds) for each in (nlp, blank, whole))
    print(f"import spacy               {imported:8.2f} s   {before:6.0f} MiB")
    more = after - before
    print(f"load {model:<21} {loaded:8.2f} s   {more:6.0f} MiB more, {after:.0f} in all")
    print(
        f"nlp(), chat pipeline       {ours[0]:8.2f} ms median, {ours[1]:.2f} ms p95, n = {ours[2]}"
    )
    print(f"nlp(), blank Swedish       {theirs[0]:8.2f} ms median, {theirs[1]:.2f} ms p95")
    print(f"nlp(), with the parser     {all_parts[0]:8.2f} ms median, {all_parts[1]:.2f} ms p95")
    print(f"components: {', '.join(nlp.pipe_names)}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--model", default="sv_core_kontakt_sm")
    arguments.add_argument("--rounds", type=int, default=100)
    chosen = arguments.parse_args()
    if os.environ.get(PARENT):
        child(chosen.model, chosen.rounds)
        return
    one_core = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", PARENT: "1"}
    command = [sys.executable, "-W", "ignore", *sys.argv]
    subprocess.run(command, env={**os.environ, **one_core}, check=True)


if __name__ == "__main__":
    main()
