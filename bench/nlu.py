"""Time to understand a message on one core, and what 500 more FAQ entries do to it.

    make bench-nlu

Runs in Rasa's environment with the trained model. The entries have no phrases: they are found by
meaning, in memory, and their files are made in a temporary copy of content/.
"""

import argparse
import asyncio
import logging
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
MORE = 500
WORDS = [
    *("bygglov", "cykel", "bibliotek", "skola", "park", "vatten", "avfall", "bad", "förskola"),
    *("lekplats", "tomt", "gata", "fest", "hund", "båt", "trädgård", "musik", "idrott"),
]


def median(content: Path, texts: list[str]) -> tuple[float, float]:
    """Median and 95th percentile in ms of parsing each text once, nothing remembered."""
    os.environ["KONTAKT_CONTENT_DIR"] = str(content)
    import structlog
    from rasa.core.agent import Agent

    from bot.nlu.encoder import ahead
    from bot.nlu.rasa_server import remember

    remember()  # as the service does
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    agent = Agent.load(str(next((ROOT / "models").glob("kontakt-*.tar.gz"))))
    loop = asyncio.new_event_loop()
    loop.run_until_complete(agent.parse_message("värm upp"))
    finder = next(
        node._component
        for name, node in agent.processor.graph_runner._instantiated_nodes.items()
        if "EntryFinder" in name
    )
    extra = len(list((content / "faq").glob("extra-*.md")))
    while len(set(finder._found.ids)) < extra:  # read in a thread of its own
        time.sleep(0.5)
    ahead.cache_clear()
    taken = []
    for text in texts:
        start = time.perf_counter()
        loop.run_until_complete(agent.parse_message(text))
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken), statistics.quantiles(taken, n=20)[-1]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--texts", type=int, default=300)
    arguments.add_argument("--rounds", type=int, default=3)
    given = arguments.parse_args()
    from bot.nlu.evaluate import phrases

    every = [text for text, _ in phrases(ROOT / "tests" / "nlu")]
    texts = every[:: max(1, len(every) // given.texts)]
    with tempfile.TemporaryDirectory() as folder:
        more = Path(folder) / "content"
        shutil.copytree(ROOT / "content", more)
        text = (more / "faq" / "adress.md").read_text("utf-8")
        rest = text[text.index("topic:") :]
        for number in range(MORE):
            first, second = WORDS[number % len(WORDS)], WORDS[number // len(WORDS) % len(WORDS)]
            head = f"---\nid: extra-{number}\ntitle: Fråga {number} om {first} och {second}?\n"
            (more / "faq" / f"extra-{number}.md").write_text(head + rest, "utf-8")
        plain, grown = [], []
        for _ in range(given.rounds):
            plain.append(median(ROOT / "content", texts))
            grown.append(median(more, texts))
    now, then = (statistics.median(m for m, _ in each) for each in (plain, grown))
    late = [statistics.median(p for _, p in each) for each in (plain, grown)]
    count = f"n = {len(texts)} × {given.rounds}"
    print(f"parse, content as it is     {now:6.1f} ms median, {late[0]:.1f} ms p95, {count}")
    print(f"parse, {MORE} entries more    {then:6.1f} ms median, {late[1]:.1f} ms p95, {count}")
    print(f"difference                  {(then / now - 1) * 100:+6.1f} %")


if __name__ == "__main__":
    main()
