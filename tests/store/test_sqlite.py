"""SQLite files that several open at the same moment, as Rasa and the gateway do at first."""

import asyncio
from pathlib import Path

from sqlalchemy import text

from bot.store.database import engine


async def opened(file: Path) -> str:
    """Open a file as a process of its own would; its journal mode."""
    own = engine(f"sqlite+aiosqlite:///{file}")
    async with own.connect() as db:
        mode = await db.scalar(text("PRAGMA journal_mode"))
    await own.dispose()
    return str(mode)


async def test_a_new_file_can_be_opened_by_several_at_once(tmp_path: Path) -> None:
    for number in range(40):
        modes = await asyncio.gather(*(opened(tmp_path / f"{number}.db") for _ in range(4)))
        assert modes == ["wal"] * 4
