"""Who may sign in: names and Argon2id hashes in the table staff_user."""

import asyncio
import re
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from bot.store.models import StaffUser

T = TypeVar("T")
SHORTEST, LONGEST = 12, 1000
"""Of a password, in characters."""
RESERVED = frozenset({"gallring", "system"})
"""The audit log knows these as no person."""
READER, EDITOR, ADMIN = "reader", "editor", "admin"
ROLES = (READER, EDITOR, ADMIN)
"""Each may do what those before it may."""

_NAME = re.compile(r"[^\W_][\w.@-]{0,59}")
_HASHER = PasswordHasher()  # argon2-cffi's default is RFC 9106's second choice: 64 MiB, 3 rounds
# two at once take 128 MiB; a hundred at once would take all there is
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="argon2")


class AccountProblem(Exception):
    """An account can't be made; the message says what to do."""


def may(role: str, needed: str) -> bool:
    """Whether a role is enough for what needs another one."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)


async def add(engine: AsyncEngine, name: str, password: str, role: str = READER) -> str:
    """Add a user; the name as it is stored. Raises AccountProblem."""
    known = canonical(name)
    if known is None or known in RESERVED:
        raise AccountProblem(
            f"Namnet {name!r} går inte att använda. Skriv 1–60 bokstäver, siffror, punkter, "
            "bindestreck eller @, utan mellanslag, t.ex. anna.larsson."
        )
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccountProblem(
            f"Lösenordet har {len(password)} tecken. Välj ett med {SHORTEST}–{LONGEST} tecken, "
            "t.ex. fyra ord som inte hör ihop."
        )
    made = await _apart(lambda: _HASHER.hash(_plain(password)))
    try:
        async with AsyncSession(engine) as db, db.begin():
            db.add(StaffUser(name=known, password=made, role=role, created_at=datetime.now(UTC)))
    except IntegrityError:
        raise AccountProblem(
            f"{known} finns redan. För ett nytt lösenord: ta bort med `python -m bot user remove "
            f"{known}` och lägg till igen."
        ) from None
    return known


async def check(engine: AsyncEngine, name: str, password: str) -> bool:
    """Whether the password is right. An unknown name takes as long as a known one."""
    stored = await password_hash(engine, name)
    return await _apart(lambda: _verify(stored or _nobody(), password)) and stored is not None


async def password_hash(engine: AsyncEngine, name: str) -> str | None:
    """The stored hash of a user; None if there is no such user."""
    known = canonical(name)
    if known is None:
        return None
    async with engine.connect() as db:
        return await db.scalar(select(StaffUser.password).where(StaffUser.name == known))


async def role(engine: AsyncEngine, name: str) -> str:
    """What a user may do; "" if there is no such user."""
    async with engine.connect() as db:
        return await db.scalar(select(StaffUser.role).where(StaffUser.name == name)) or ""


async def names(engine: AsyncEngine) -> list[str]:
    """All users, in alphabetical order."""
    async with engine.connect() as db:
        return list(await db.scalars(select(StaffUser.name).order_by(StaffUser.name)))


async def remove(engine: AsyncEngine, name: str) -> bool:
    """Remove a user, who is signed out at once. False if there is no such user."""
    async with engine.begin() as db:
        done = await db.execute(delete(StaffUser).where(StaffUser.name == canonical(name)))
    return done.rowcount > 0


def canonical(name: str) -> str | None:
    """A name as it is stored, in lower case; None if it can't be one."""
    plain = unicodedata.normalize("NFC", name.strip()).lower()
    return plain if _NAME.fullmatch(plain) else None


def _plain(password: str) -> bytes:
    # å is one character on one keyboard and two on another
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace")


def _verify(stored: str, password: str) -> bool:
    _nobody()  # made here for everybody: the first sign-in after a start must not tell either
    try:
        return _HASHER.verify(stored, _plain(password))
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _HASHER.hash("nobody's password")


async def _apart(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)
