"""Takes in events in processes that are killed (SIGKILL) while they do. Prints how often.

`python -m tests.transcripts.crashing URL EVENTS_FILE CONVERSATIONS SEED`
"""

import asyncio
import os
import random
import signal
import sys
import time
from pathlib import Path

from bot.content.store import ContentStore
from bot.settings import ROOT
from bot.store.database import engine
from bot.transcripts.events import FileSource
from bot.transcripts.ingest import Ingest
from bot.transcripts.known_models import KnownModels
from tests.transcripts.talk import publish, renamed, waiting

KILLS = 8


def main() -> None:
    url, file = sys.argv[1], Path(sys.argv[2])
    conversations, dice = int(sys.argv[3]), random.Random(int(sys.argv[4]))
    store = ContentStore(ROOT / "content")
    talks = [renamed(f"s-{n}") for n in range(conversations)]
    rows = [line for lines in zip(*talks, strict=True) for line in lines]
    dirty = 0
    for kill in range(KILLS):
        publish(file, rows[kill * len(rows) // KILLS : (kill + 1) * len(rows) // KILLS])
        before = waiting(file)
        child = os.fork()
        if child == 0:
            asyncio.run(take_in(url, file, store, to_the_end=False))
        deadline = time.monotonic() + 20
        while waiting(file) == before and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(dice.uniform(0, 0.03))  # somewhere in the next conversation's transaction
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        dirty += 0 < waiting(file) < before
    asyncio.run(take_in(url, file, store, to_the_end=True))
    print(dirty)


async def take_in(url: str, file: Path, store: ContentStore, to_the_end: bool) -> None:
    """Until everything is in, or until killed."""
    made = engine(url)
    ingest = Ingest(made, FileSource(file), store, KnownModels(file.parent))
    while await ingest.step() or not to_the_end:
        pass
    await ingest.close()
    await made.dispose()


if __name__ == "__main__":
    main()
