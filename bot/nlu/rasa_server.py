"""Rasa's command line, with some constant costs taken out of every turn and no text in its log.

Measured with py-spy on Rasa 3.6.21: of a turn's time 45 % went into checking the JSON schema of
action answers (not the answer: the schema itself, which never changes), and 10 % into walking all
event classes for each stored event. Both are remembered here; what is checked stays the same. So is
the order of the components, which dask finds anew for each message (1 ms).

SQLite is opened once, with a write-ahead log and no sync at each commit: what is committed outlives
a killed process all the same; a power cut may cost the last seconds. For the eight events of a turn
on a disk that takes 15 ms a sync Rasa's own way cost 100 ms and more, 20 of them the processor's.

When RabbitMQ is away Rasa logs each event that it couldn't send, with what the resident wrote.

`PUT /model` reads the new model in a thread: Rasa's own way answers nobody meanwhile.
"""

import asyncio
import functools
import json
import sqlite3
import time
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Dict, List, Optional, Text, Tuple

import rasa.core.agent
import rasa.core.tracker_store
import rasa.shared.core.events
from jsonschema.validators import validator_for
from rasa.__main__ import main
from rasa.core.actions.action import RemoteAction
from rasa.core.agent import Agent
from rasa.core.brokers.sql import SQLEventBroker
from rasa.core.tracker_store import SQLTrackerStore
from rasa.engine.exceptions import GraphRunError
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event, SessionStarted
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.url import make_url
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import QueuePool

from bot.store.sqlite import set_up

MOST, SECONDS = 200, 600
"""Conversations kept in memory, and how long one that is silent is kept if others go on."""


@functools.lru_cache(maxsize=1)
def _validator():
    schema = RemoteAction.action_response_format_spec()
    kind = validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def _validate_action_result(self: RemoteAction, result: dict) -> bool:
    """As RemoteAction's own: True, or jsonschema.ValidationError."""
    _validator().validate(result)
    return True


def _ordered(runner: DaskGraphRunner, targets: tuple) -> list:
    """Name, component and needs of all that the targets ask for, each after what it needs."""
    nodes, found = runner._graph_schema.minimal_graph_schema(list(targets)).nodes, {}

    def add(name: str) -> None:
        if name in nodes and name not in found:
            needs = tuple(nodes[name].needs.values())
            for need in needs:
                add(need)
            found[name] = (name, runner._instantiated_nodes[name], needs)

    for target in targets:
        add(target)
    return list(found.values())


def _run(self: DaskGraphRunner, inputs: dict | None = None, targets: list | None = None) -> dict:
    """As DaskGraphRunner's own: the outputs of the targets. Raises GraphRunError."""
    wanted = tuple(targets or self._graph_schema.target_names)
    orders = self.__dict__.setdefault("_orders", {})
    if wanted not in orders:
        orders[wanted] = _ordered(self, wanted)
    results = {name: (name, value) for name, value in (inputs or {}).items()}
    try:
        for name, node, needs in orders[wanted]:
            results[name] = node(*(results.get(need, need) for need in needs))
    except RuntimeError as error:
        raise GraphRunError("Error running runner.") from error
    return dict(results[name] for name in wanted)


def _set_up(connection: object, _record: object) -> None:
    """As the gateway sets SQLite up, which reads and erases in the same files."""
    if isinstance(connection, sqlite3.Connection):
        set_up(connection)


def _engine_settings(url: Any) -> dict:
    """As Rasa's own, and SQLite is kept open: the last to close a file syncs it."""
    if make_url(url).get_backend_name() == "sqlite":
        return {"poolclass": QueuePool}
    return _own_engine_settings(url)


_own_engine_settings = rasa.core.tracker_store.create_engine_kwargs


def _publish_fast(self: SQLEventBroker, *arguments: Any, **settings: Any) -> None:
    """As SQLEventBroker's own __init__, which opens SQLite anew for each commit."""
    _broker_init(self, *arguments, **settings)
    self.engine = create_engine(self.engine.url, **_engine_settings(self.engine.url))
    self.sessionmaker = sessionmaker(bind=self.engine)


_broker_init = SQLEventBroker.__init__


@dataclass(frozen=True)
class Kept:
    """A conversation as it was stored last, all of it."""

    tracker: DialogueStateTracker
    events: int
    last: Optional[Tuple[int, float]]
    """As `_last` says it; None while a turn changes the conversation."""
    domain: Domain
    at: float
    """When, in monotonic seconds."""


async def _retrieve(self: SQLTrackerStore, sender_id: Text) -> Optional[DialogueStateTracker]:
    """As SQLTrackerStore's own, but a conversation whose last event is the one that was stored here
    isn't read and built anew. A turn that fails leaves none behind: the next one reads it again."""
    kept = _kept(self).get(sender_id)
    if kept is not None:
        with self.session_scope() as session:
            stored = _last(self, session, sender_id)
            if stored is not None and stored == kept.last and kept.domain is self.domain:
                _kept(self)[sender_id] = replace(kept, last=None)
                return kept.tracker
        del _kept(self)[sender_id]
    return await _own_retrieve(self, sender_id)


_own_retrieve = SQLTrackerStore.retrieve


def _kept(store: SQLTrackerStore) -> Dict[Text, Kept]:
    return store.__dict__.setdefault("_kept_here", {})


def _last(store: SQLTrackerStore, session: Any, sender_id: Text) -> Optional[Tuple[int, float]]:
    """Number and time of a conversation's last event in the database."""
    row = store.SQLEvent
    own = session.query(row.id, row.timestamp).filter(row.sender_id == sender_id)
    found = own.order_by(row.id.desc()).first()
    return tuple(found) if found else None


async def _save(self: SQLTrackerStore, tracker: DialogueStateTracker) -> None:
    """As SQLTrackerStore's own, but what is new is looked up once or not at all instead of twice,
    and each table takes a turn's events in one statement. The broker first, as there."""
    kept = _kept(self).pop(tracker.sender_id, None)
    if kept is not None and kept.tracker is tracker:
        new = list(islice(tracker.events, kept.events, None))
    else:
        with self.session_scope() as session:
            new = list(self._additional_events(session, tracker))
    told = [one.as_dict() for one in new]
    broker = self.event_broker
    if isinstance(broker, SQLEventBroker):
        owner = {"sender_id": tracker.sender_id}
        rows = [{**owner, "data": json.dumps({**owner, **data})} for data in told]
        with broker.session_scope() as session:
            session.bulk_insert_mappings(broker.SQLBrokerEvent, rows)
            session.commit()
    elif broker is not None:
        await self._stream_new_events(broker, new, tracker.sender_id)
    rows = [
        {
            "sender_id": tracker.sender_id,
            "type_name": one.type_name,
            "timestamp": data.get("timestamp"),
            "intent_name": data.get("parse_data", {}).get("intent", {}).get("name"),
            "action_name": data.get("name"),
            "data": json.dumps(data),
        }
        for one, data in zip(new, told)
    ]
    with self.session_scope() as session:
        session.bulk_insert_mappings(self.SQLEvent, rows)
        session.commit()
        last = _last(self, session, tracker.sender_id)
    now, all_kept = time.monotonic(), _kept(self)
    # a new session's first turn still holds the events of the one before
    if last is not None and not any(isinstance(one, SessionStarted) for one in new):
        all_kept[tracker.sender_id] = Kept(tracker, len(tracker.events), last, self.domain, now)
    for old in list(all_kept):  # in the order in which they were stored
        if len(all_kept) <= MOST and now - all_kept[old].at <= SECONDS:
            break
        del all_kept[old]


def _without_text(one: dict) -> dict:
    """What of an event may stand in a log."""
    return {"event": one.get("event")}


def remember() -> None:
    """Put the remembering versions in place."""
    event.listen(Engine, "connect", _set_up)
    rasa.core.tracker_store.create_engine_kwargs = _engine_settings
    DaskGraphRunner.run = _run
    RemoteAction._validate_action_result = _validate_action_result
    Event.resolve_by_type = staticmethod(functools.lru_cache(maxsize=64)(Event.resolve_by_type))
    SQLEventBroker.__init__ = _publish_fast
    SQLTrackerStore.save = _save
    SQLTrackerStore.retrieve = _retrieve
    rasa.shared.core.events.remove_parse_data = _without_text


def read_aside() -> None:
    """Let a model that is loaded while others chat be read in a thread.

    The new agent keeps the tracker store and the locks of the first: conversations go on. A model
    that can't be read raises, so that `PUT /model` answers with an error and the old one stays.
    """
    own = rasa.core.agent.load_agent
    first: List[Agent] = []

    async def load_agent(model_path: Optional[Text] = None, **about: Any) -> Agent:
        if not first or model_path is None:
            agent = await own(model_path=model_path, **about)
            first[:] = [agent]
            return agent
        old = first[0]
        new = Agent(
            domain=old.domain,
            generator=about["endpoints"].nlg if about.get("endpoints") else None,
            lock_store=old.lock_store,
            action_endpoint=old.action_endpoint,
        )
        new.tracker_store = old.tracker_store  # the constructor would wrap it once more each time
        await asyncio.get_running_loop().run_in_executor(None, new.load_model, model_path)
        first[:] = [new]
        return new

    rasa.core.agent.load_agent = load_agent


if __name__ == "__main__":
    remember()
    read_aside()
    main()
