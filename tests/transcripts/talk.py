"""Rasa's events of made conversations, and a stand-in for its SQL event broker.

The table looks like that of Rasa 3.6.
"""

import itertools
import json
import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

LINES = Path(__file__).with_name("samtal.jsonl").read_text("utf-8").splitlines()
"""A real conversation of 22 turns; answers are cut short and all that was sealed says HEMLIGT."""
TURNS = 22
_clock = itertools.count(1_795_700_000)


def publish(file: Path, lines: Iterable[str]) -> None:
    """Write events into the table of Rasa's SQLEventBroker."""
    with sqlite3.connect(file) as db:
        db.execute(
            "CREATE TABLE IF NOT EXISTS events (id INTEGER NOT NULL, sender_id VARCHAR(255), "
            "data TEXT, PRIMARY KEY (id))"
        )
        for line in lines:
            db.execute("INSERT INTO events (sender_id, data) VALUES (?, ?)", (_sender(line), line))
    db.close()


def waiting(file: Path) -> int:
    """How many events lie in the broker's table."""
    with sqlite3.connect(file) as db:
        count = int(db.execute("SELECT count(*) FROM events").fetchone()[0])
    db.close()
    return count


def renamed(conversation: str) -> list[str]:
    """The real conversation, held by somebody else: its turns have ids of their own."""
    made = []
    for line in LINES:
        event = json.loads(line) | {"sender_id": conversation}
        if turn := event["metadata"].get("turn"):
            event["metadata"]["turn"] = str(uuid.uuid5(uuid.NAMESPACE_OID, conversation + turn))
        made.append(json.dumps(event))
    return made


def turn(
    conversation: str, text: str, turn_id: str, answer: str = "Ja.", entry: str = "overby",
    **metadata: Any,
) -> list[str]:  # fmt: skip
    """A turn that Rasa answers with an entry."""
    known = {"turn": turn_id, "language": "sv", "pressed": False, "model_id": "m", **metadata}
    parsed = {
        "intent": {"name": "faq", "confidence": 0.9},
        "entities": [{"entity": "entry", "value": entry}],
        "intent_ranking": [{"name": f"faq/{entry}", "confidence": 0.9}],
    }
    return list(
        _stamped(
            conversation,
            {"event": "user", "text": text, "parse_data": parsed, "metadata": known},
            {"event": "action", "name": "action_answer"},
            {"event": "bot", "text": None, "data": {"custom": {"text": answer, "topic": entry}}},
            {"event": "action", "name": "action_listen"},
        )
    )


def _stamped(conversation: str, *events: dict[str, Any]) -> Iterator[str]:
    for event in events:
        yield json.dumps({"sender_id": conversation, "timestamp": next(_clock), **event})


def _sender(line: str) -> str | None:
    try:
        return str(json.loads(line)["sender_id"])
    except (ValueError, TypeError, KeyError):
        return "s-broken"
