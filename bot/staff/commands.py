"""`python -m bot user`: accounts for the staff pages, made by whoever runs the service."""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.settings import Settings
from bot.staff import accounts
from bot.store.database import engine, upgrade


def add(conf: Settings, name: str) -> int:
    """Ask for a password and add a user; the exit code."""

    async def work(database: AsyncEngine) -> int:
        try:
            known = await accounts.add(database, name, _password())
        except accounts.AccountProblem as problem:
            print(problem, file=sys.stderr)
            return 1
        print(f"{known} kan logga in på {conf.public_base}/personal")
        return 0

    return _with_database(conf, work)


def remove(conf: Settings, name: str) -> int:
    """Remove a user; the exit code."""

    async def work(database: AsyncEngine) -> int:
        if not await accounts.remove(database, name):
            told = "Se vilka som finns med: python -m bot user list"
            print(f"Det finns ingen användare {name!r}. {told}", file=sys.stderr)
            return 1
        print(f"{name} är borttagen och utloggad.")
        return 0

    return _with_database(conf, work)


def names(conf: Settings) -> int:
    """Print all users, one a line; the exit code."""

    async def work(database: AsyncEngine) -> int:
        found = await accounts.names(database)
        empty = "Ingen kan logga in än. Lägg till någon med: python -m bot user add namn"
        print("\n".join(found) if found else empty)
        return 0

    return _with_database(conf, work)


def _password() -> str:
    """Typed twice without being shown, or the first line of a pipe. Raises AccountProblem."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(f"Lösenord (minst {accounts.SHORTEST} tecken): ")
    if getpass.getpass("En gång till: ") != first:
        raise accounts.AccountProblem("Lösenorden är inte lika. Försök igen.")
    return first


def _with_database(conf: Settings, work: Callable[[AsyncEngine], Awaitable[int]]) -> int:
    async def run() -> int:
        await upgrade(conf.database)
        database = engine(conf.database)
        try:
            return await work(database)
        finally:
            await database.dispose()

    return asyncio.run(run())
