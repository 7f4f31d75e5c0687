"""`python -m bot retain`: erase what is due now, or only say what it is."""

import asyncio
import sys

from bot.chat.sessions import Sessions
from bot.participation.registry import Registry
from bot.settings import Settings
from bot.staff import titles
from bot.store.database import engine, upgrade
from bot.store.vault import KeyProblem, vault
from bot.transcripts.events import source
from bot.transcripts.retention import AUDIT, COPIES, INTERESTS, TRANSCRIPTS, Retention

_WHAT = {
    COPIES: "invånarnas egna kopior av samtal",
    TRANSCRIPTS: "samtal på personalsidorna",
    INTERESTS: "intresseanmälningar",
    AUDIT: "rader i loggen",
}


def retain(conf: Settings, dry_run: bool) -> int:
    """Print what is due, and erase it unless it is a dry run; the exit code."""
    try:
        return asyncio.run(_retain(conf, dry_run))
    except KeyProblem as error:
        print(f"Det gick inte: {error}", file=sys.stderr)
        return 1


async def _retain(conf: Settings, dry_run: bool) -> int:
    await upgrade(conf.database)
    database, events = engine(conf.database), source(conf)
    sessions = Sessions(database, conf.tracker_file)
    registry = Registry(database, vault(conf))
    retention = Retention(conf, database, sessions, registry, events)
    try:
        for one in await retention.due():
            oldest = f", det äldsta från {titles.moment(one.oldest)}" if one.oldest else ""
            held = f", {one.held} undantagna" if one.held else ""
            print(f"{one.count} av {one.all} {_WHAT[one.kind]}{oldest}{held}")
        if dry_run:
            print("Inget är raderat: det var en provkörning.")
        else:
            gone = await retention.run()
            print(f"{sum(gone.values())} raderade.")
    finally:
        await events.close()
        await database.dispose()
    return 0
