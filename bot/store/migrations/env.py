"""Alembic's entry: runs the migrations over an async engine."""

import asyncio

from alembic import context
from sqlalchemy import Connection

from bot.store import transcript_models as _known_too  # noqa: F401
from bot.store.database import engine
from bot.store.models import Base


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


async def _run() -> None:
    url = context.config.get_main_option("sqlalchemy.url")
    assert url, "bot.store.database.upgrade sets the address"
    made = engine(url)
    async with made.connect() as connection:
        await connection.run_sync(_migrate)
        await connection.commit()
    await made.dispose()


asyncio.run(_run())
