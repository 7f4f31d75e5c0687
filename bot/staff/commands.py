"""`python -m bot user` and `bot audit`: for whoever runs the service."""

import argparse
import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.participation.registry import utc
from bot.settings import Settings
from bot.staff import accounts, codes, titles
from bot.staff.accounts import ADMIN, READER, AccountProblem
from bot.store import audit
from bot.store.database import engine, upgrade

ROLES = {title: role for role, title in titles.ROLES.items()}


def user(conf: Settings, args: argparse.Namespace) -> int:
    """`bot user …`; the exit code."""

    async def work(database: AsyncEngine) -> int:
        if args.action == "list":
            return await _list(database)
        try:
            if args.action == "add":
                await _add(conf, database, args)
                return 0
            done = await _change(database, args)
        except AccountProblem as problem:
            print(problem, file=sys.stderr)
            return 1
        if not done:
            told = "Se vilka som finns med: python -m bot user list"
            print(f"Det finns ingen användare {args.name!r}. {told}", file=sys.stderr)
            return 1
        print(done)
        return 0

    return _with_database(conf, work)


def verify(conf: Settings) -> int:
    """`bot audit verify`: whether the chain holds; exit code 1 if it doesn't."""

    async def work(database: AsyncEngine) -> int:
        verdict = await audit.verify(database)
        print(titles.chain(verdict))
        return 1 if verdict.broken else 0

    return _with_database(conf, work)


def newest(conf: Settings, count: int) -> int:
    """`bot audit list`: the newest rows, the newest last; the exit code."""

    async def work(database: AsyncEngine) -> int:
        for row in reversed(await audit.rows(database, audit.Chosen(), count)):
            at = titles.moment(utc(row.at))
            print(f"{row.id}\t{at}\t{row.who}\t{titles.deed(row)}\t{row.about}")
        return 0

    return _with_database(conf, work)


async def _add(conf: Settings, database: AsyncEngine, args: argparse.Namespace) -> None:
    first = not await accounts.everybody(database)
    role = _role(args.role) if args.role else ADMIN if first else READER
    if args.sso:
        known = await accounts.add_outsider(database, args.name, role)
    else:
        known = await accounts.add(database, args.name, _password(), role)
    print(f"{known} ({titles.role(role)}) kan logga in på {conf.public_base}/personal")


async def _change(database: AsyncEngine, args: argparse.Namespace) -> str:
    """What was done, or "" if there is no such user. Raises AccountProblem."""
    name = args.name
    if args.action == "remove":
        told, done = "är borttagen och utloggad.", await accounts.remove(database, name)
    elif args.action == "role":
        role = _role(args.role)
        told, done = f"är nu {titles.role(role)}.", await accounts.set_role(database, name, role)
    elif args.action == "password":
        if not await accounts.find(database, name):
            return ""
        told = "har ett nytt lösenord."
        done = await accounts.set_password(database, name, _password())
    else:
        told = "loggar in utan engångskoder tills de sätts på igen."
        done = await codes.turn_off(database, name, audit.SYSTEM)
    return f"{name} {told}" if done else ""


async def _list(database: AsyncEngine) -> int:
    found = await accounts.everybody(database)
    if not found:
        print("Ingen kan logga in än. Lägg till någon med: python -m bot user add namn")
    for account in found:
        print(f"{account.name}\t{titles.role(account.role)}")
    return 0


def _role(title: str) -> str:
    """A role by its Swedish name. Raises AccountProblem."""
    if title not in ROLES:
        raise AccountProblem(f"{title!r} är ingen roll. Välj {', '.join(ROLES)}.")
    return ROLES[title]


def _password() -> str:
    """Typed twice without being shown, or the first line of a pipe. Raises AccountProblem."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(f"Lösenord (minst {accounts.SHORTEST} tecken): ")
    if getpass.getpass("En gång till: ") != first:
        raise AccountProblem("Lösenorden är inte lika. Försök igen.")
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
