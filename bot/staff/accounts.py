"""Who may sign in, and as what: names, Argon2id hashes and roles in the table staff_user.

Every change is audited in its own transaction: `who` is who made it, audit.SYSTEM at the command
line.
"""

import asyncio
import re
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from bot.store.audit import SYSTEM, record
from bot.store.models import StaffUser

T = TypeVar("T")
SHORTEST, LONGEST = 12, 1000
"""Of a password, in characters."""
OUTSIDE = "kommunens inloggning"
"""Who did it when it was done by the word of single sign-on."""
RESERVED = frozenset({"gallring", SYSTEM})
"""The audit log knows these as no person."""
READER, EDITOR, ADMIN = "reader", "editor", "admin"
ROLES = (READER, EDITOR, ADMIN)
"""Each may do what those before it may."""

_NAME = re.compile(r"[^\W_][\w.@-]{0,59}")
_HASHER = PasswordHasher()  # argon2-cffi's default is RFC 9106's second choice: 64 MiB, 3 rounds
# two at once take 128 MiB; a hundred at once would take all there is
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="argon2")
_EASY = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that look alike


class AccountProblem(Exception):
    """An account can't be made or changed; the message says what to do."""


@dataclass(frozen=True)
class Account:
    """A row of staff_user; see there."""

    name: str
    password: str
    role: str
    totp: str | None
    subject: str | None
    lent: bool
    created_at: datetime

    @property
    def stamp(self) -> str:
        """What a session was opened on. Once any of it changes, the session is over."""
        made = self.created_at.replace(tzinfo=None)  # a new account of that name is another
        return "\0".join((self.password, self.role, self.totp or "", self.subject or "", f"{made}"))


def may(role: str, needed: str) -> bool:
    """Whether a role is enough for what needs another one."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)


async def add(
    engine: AsyncEngine, name: str, password: str, role: str = READER, who: str = SYSTEM,
    lent: bool = False,
) -> str:  # fmt: skip
    """Add a user; the name as it is stored. Raises AccountProblem."""
    known = _usable(name)
    return await _insert(engine, who, known, role, password=await _hashed(password), lent=lent)


async def add_outsider(
    engine: AsyncEngine, name: str, role: str, who: str = SYSTEM, subject: str | None = None
) -> str:
    """Add somebody who signs in elsewhere only; the name as it is stored. Raises AccountProblem.

    Without a subject it is bound at the first time that somebody comes with that name.
    """
    return await _insert(engine, who, _usable(name), role, password="", subject=subject)


async def _insert(engine: AsyncEngine, who: str, name: str, role: str, **values: Any) -> str:
    try:
        async with AsyncSession(engine) as db, db.begin():
            db.add(StaffUser(name=name, role=role, created_at=datetime.now(UTC), **values))
            await db.flush()
            await record(db, who, "account added", name, role=role)
    except IntegrityError:
        raise AccountProblem(f"{name} finns redan. Välj ett annat namn.") from None
    return name


async def find(engine: AsyncEngine, name: str) -> Account | None:
    """The account with a name, however it is written."""
    known = canonical(name)
    return await _one(engine, StaffUser.name == known) if known else None


async def of_subject(engine: AsyncEngine, subject: str) -> Account | None:
    """The account of somebody who signed in elsewhere."""
    return await _one(engine, StaffUser.subject == subject)


async def _one(engine: AsyncEngine, condition: Any) -> Account | None:
    found = await _accounts(engine, condition)
    return found[0] if found else None


async def everybody(engine: AsyncEngine) -> list[Account]:
    """All accounts, in alphabetical order."""
    return await _accounts(engine)


async def _accounts(engine: AsyncEngine, *conditions: Any) -> list[Account]:
    query = select(
        StaffUser.name, StaffUser.password, StaffUser.role, StaffUser.totp, StaffUser.subject,
        StaffUser.lent, StaffUser.created_at,
    ).where(*conditions).order_by(StaffUser.name)  # fmt: skip
    async with engine.connect() as db:
        return [Account(*row) for row in await db.execute(query)]


async def names(engine: AsyncEngine) -> list[str]:
    """All users, in alphabetical order."""
    return [account.name for account in await everybody(engine)]


async def check(engine: AsyncEngine, name: str, password: str) -> bool:
    """Whether the password is right. An unknown name takes as long as a known one."""
    account = await find(engine, name)
    stored = account.password if account else ""
    return await _apart(lambda: _verify(stored or _nobody(), password)) and stored != ""


async def set_password(
    engine: AsyncEngine, name: str, password: str, who: str = SYSTEM, lent: bool = False
) -> bool:
    """Set a password; whoever is signed in as that user is out. False if there is no such user.

    Raises AccountProblem, also for somebody who signs in elsewhere.
    """
    account = await find(engine, name)
    if account is None:
        return False
    if not account.password:
        raise AccountProblem(f"{account.name} loggar in med kommunens inloggning, utan lösenord.")
    values = {"password": await _hashed(password), "lent": lent}
    what = "password lent" if lent else "password changed"
    return await change(engine, account.name, who, what, values)


async def set_role(engine: AsyncEngine, name: str, role: str, who: str = SYSTEM) -> bool:
    """Set what a user may do; he is signed out. False if there is no such user.

    Raises AccountProblem when somebody would leave no administrator.
    """
    known = canonical(name)
    async with AsyncSession(engine) as db, db.begin():
        before = await _held(db, known)
        if before is None:
            return False
        if before != role:
            if before == ADMIN:
                await _others(db, known, who)
            await db.execute(update(StaffUser).where(StaffUser.name == known).values(role=role))
            await record(db, who, "role changed", str(known), role=role, before=before)
    return True


async def remove(engine: AsyncEngine, name: str, who: str = SYSTEM) -> bool:
    """Remove a user, who is signed out at once. False if there is no such user.

    Raises AccountProblem when somebody would leave no administrator.
    """
    known = canonical(name)
    async with AsyncSession(engine) as db, db.begin():
        role = await _held(db, known)
        if role is None:
            return False
        if role == ADMIN:
            await _others(db, known, who)
        await db.execute(delete(StaffUser).where(StaffUser.name == known))
        await record(db, who, "account removed", str(known))
    return True


async def bind(engine: AsyncEngine, name: str, subject: str, who: str) -> bool:
    """Bind an account to somebody who signs in elsewhere; False if it is bound already."""
    async with AsyncSession(engine) as db, db.begin():
        done = await db.execute(
            update(StaffUser)
            .where(StaffUser.name == name, StaffUser.subject.is_(None), StaffUser.password == "")
            .values(subject=subject).returning(StaffUser.name)
        )  # fmt: skip
        if done.scalar() is None:
            return False
        await record(db, who, "subject bound", name)
    return True


async def change(
    engine: AsyncEngine, name: str, who: str, what: str, values: dict[str, Any]
) -> bool:
    """Set columns of an account, audited as `what`. False if there is no such user."""
    async with AsyncSession(engine) as db, db.begin():
        done = await db.execute(
            update(StaffUser).where(StaffUser.name == canonical(name)).values(**values)
            .returning(StaffUser.name)
        )  # fmt: skip
        known = done.scalar()
        if known is not None:
            await record(db, who, what, known)
    return known is not None


async def _held(db: AsyncSession, name: str | None) -> str | None:
    """The role of a user; nobody else changes roles until the transaction ends."""
    # every administrator: two who demote each other at once must wait for one another
    await db.execute(update(StaffUser).where(StaffUser.role == ADMIN).values(lent=StaffUser.lent))
    return await db.scalar(select(StaffUser.role).where(StaffUser.name == name))


async def _others(db: AsyncSession, name: str | None, who: str) -> None:
    """Raises AccountProblem if somebody would shut out the only administrator.

    Whoever runs the service can always add a new one, and single sign-on knows best.
    """
    if who in (SYSTEM, OUTSIDE):
        return
    others = select(func.count()).where(StaffUser.role == ADMIN, StaffUser.name != name)
    if not await db.scalar(others):
        raise AccountProblem(
            f"{name} är den enda administratören. Gör någon annan till administratör först."
        )


def canonical(name: str) -> str | None:
    """A name as it is stored, in lower case; None if it can't be one."""
    plain = unicodedata.normalize("NFC", name.strip()).lower()
    return plain if _NAME.fullmatch(plain) else None


def new_password() -> str:
    """A password to be given to somebody, easy to read out: 80 bits in four groups."""
    return "-".join("".join(secrets.choice(_EASY) for _ in range(4)) for _ in range(4))


def _usable(name: str) -> str:
    known = canonical(name)
    if known is None or known in RESERVED:
        raise AccountProblem(
            f"Namnet {name[:60]!r} går inte att använda. Skriv 1–60 bokstäver, siffror, punkter, "
            "bindestreck eller @, utan mellanslag, t.ex. anna.larsson."
        )
    return known


async def _hashed(password: str) -> str:
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccountProblem(
            f"Lösenordet har {len(password)} tecken. Välj ett med {SHORTEST}–{LONGEST} tecken, "
            "t.ex. fyra ord som inte hör ihop."
        )
    return await _apart(lambda: _HASHER.hash(_plain(password)))


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
