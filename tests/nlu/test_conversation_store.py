"""Rasa's conversations are kept in memory between turns, and never instead of what is stored."""

import json
import subprocess
from pathlib import Path

from bot import rasa_project
from bot.settings import ROOT, Settings

LOOK = """
import asyncio, json, sys
from rasa.core.brokers.sql import SQLEventBroker
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, SessionStarted, SlotSet, UserUttered
from bot.nlu.rasa_server import remember

remember()
folder = sys.argv[1]
domain = Domain.from_yaml("slots: {place: {type: text, mappings: [{type: custom}]}}")
broker = SQLEventBroker(db=f"{folder}/events.db")
store = SQLTrackerStore(domain, db=f"{folder}/tracker.db", event_broker=broker)

def in_file(of=store.engine):
    with of.connect() as db:
        return [row[0] for row in db.execute("SELECT data FROM events ORDER BY id")]

def told(tracker):
    names = [type(one).__name__ for one in tracker.events]
    return [names, tracker.get_slot("place"), tracker.latest_message.text]

async def turn(text, *more):
    tracker = await store.get_or_create_tracker("a")
    tracker.update(UserUttered(text, {"name": "greet"}))
    for one in (*more, BotUttered("Hej"), ActionExecuted("action_listen")):
        tracker.update(one)
    await store.save(tracker)
    return tracker

async def look():
    found = {}
    await turn("ett", SessionStarted())
    first = await turn("två", SlotSet("place", "Överby"))
    second = await turn("tre")
    found["kept"] = first is second
    fresh = await SQLTrackerStore(domain, db=f"{folder}/tracker.db").retrieve("a")
    found["same"] = told(fresh) == told(second)
    found["stored"] = [len(in_file()), len(in_file(broker.engine)), len(second.events)]
    failed = await store.retrieve("a")
    failed.update(UserUttered("förlorat", {"name": "greet"}))
    after = await turn("fyra")
    found["failed turn"] = [after is not failed, "förlorat" in str(in_file())]
    with store.engine.begin() as db:
        db.execute("DELETE FROM events")
    found["erased"] = await store.retrieve("a") is None
    await turn("fem", SessionStarted())
    again = await turn("sex", SessionStarted())
    kept = await store.retrieve("a")
    found["new session"] = [again is not kept, [e.text for e in kept.events if hasattr(e, "text")]]
    return found

print(json.dumps(asyncio.run(look())))
"""


def test_what_is_kept_is_what_is_stored(tmp_path: Path) -> None:
    done = subprocess.run(
        [rasa_project.PYTHON, "-W", "ignore", "-c", LOOK, tmp_path],
        cwd=ROOT, env=rasa_project.environment(Settings()), text=True, capture_output=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["kept"] and told["same"] and told["erased"]
    assert len(set(told["stored"])) == 1, told
    assert told["failed turn"] == [True, False]
    assert told["new session"][0] and told["new session"][1][-1] == "Hej"
    assert "fem" not in told["new session"][1], told
