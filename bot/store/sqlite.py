"""How every connection to a SQLite file is set up, Rasa's too. Standard library only."""

import sqlite3
import time
from typing import Protocol

TRIES, PAUSE = 100, 0.05
"""Two that open a new file at once: the change to a write-ahead log doesn't wait its turn as other
writes do, so it is tried again; seconds between."""


class Executes(Protocol):
    """A connection or a cursor."""

    def execute(self, sql: str, /) -> object:
        """Run a statement."""


def set_up(connection: Executes) -> None:
    """Write-ahead log, no sync at each commit, foreign keys, and erased text is overwritten.

    Raises sqlite3.OperationalError if the file stays locked.
    """
    connection.execute("PRAGMA busy_timeout=5000")
    for left in reversed(range(TRIES)):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError:
            if not left:
                raise
            time.sleep(PAUSE)
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")
