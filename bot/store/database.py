"""The database engine, and its schema brought up to date at start."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import event, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.store.sqlite import set_up

MIGRATIONS = Path(__file__).with_name("migrations")


def engine(url: str) -> AsyncEngine:
    """An async engine; SQLite with write-ahead log and foreign keys, its folder made."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_async_engine(url, pool_pre_ping=True, hide_parameters=True)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    made = create_async_engine(url, hide_parameters=True)
    event.listen(made.sync_engine, "connect", _set_up)
    return made


def _set_up(connection: sqlite3.Connection, _record: Any) -> None:
    cursor = connection.cursor()
    set_up(cursor)
    cursor.close()


async def wipe(engine: AsyncEngine) -> None:
    """SQLite: move the write-ahead log into the file, so that no erased text is left in it."""
    if engine.dialect.name == "sqlite":
        async with engine.connect() as db:
            await db.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))


async def upgrade(url: str) -> None:
    """Run all migrations that are missing."""
    await asyncio.to_thread(_upgrade, url)


def _upgrade(url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    command.upgrade(config, "head")
