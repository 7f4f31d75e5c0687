"""What the pages show of expressions of interest: a page of the list, outbox, conversation."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from urllib.parse import urlencode

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.content.clock import STOCKHOLM
from bot.participation.registry import Case, Filter, Registry, utc
from bot.store.models import ChatMessage, ChatSession, Interest, Outbox

PAGE, READ = 25, 200
"""Cases on a page, and cases read at once."""
NOBODY = "-"
"""As `handlaggare`: cases that nobody looks after."""
OLDEST = 3650
SHOWN = 50
"""Sendings that are listed, at most."""


@dataclass(frozen=True)
class Chosen:
    """What the list is narrowed to, by the names that stand in its address. "" is everything."""

    plats: str = ""
    status: str = ""
    dagar: str = ""
    handlaggare: str = ""
    flagga: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Chosen":
        """From an address. What can't be is left out: old links must not break."""
        values = {f.name: query.get(f.name, "").strip()[:60] for f in fields(cls)}
        days = whole(values["dagar"], 0, OLDEST)
        # a NUL is an error to PostgreSQL
        clean = {name: value.replace("\0", "") for name, value in values.items()}
        return cls(**{**clean, "dagar": str(days) if days else ""})

    def __bool__(self) -> bool:
        return any(self.values())

    def values(self) -> list[str]:
        """All values, empty ones too."""
        return [self.plats, self.status, self.dagar, self.handlaggare, self.flagga]

    def told(self) -> dict[str, str]:
        """Those that narrow the list."""
        return {f.name: v for f in fields(self) if (v := getattr(self, f.name))}

    def address(self, page: int = 1) -> str:
        """For the address of a page of the list: "?plats=overby&sida=2", or ""."""
        query = urlencode({**self.told(), **({"sida": page} if page > 1 else {})})
        return f"?{query}" if query else ""

    def filter(self) -> Filter:
        """What the registry narrows to; it knows nothing of NOBODY."""
        assigned = "" if self.handlaggare == NOBODY else self.handlaggare
        return Filter(self.plats, self.status, assigned, self.flagga, int(self.dagar or 0))

    def takes(self, case: Case) -> bool:
        """Whether a case belongs, as far as the registry doesn't look itself."""
        return self.handlaggare != NOBODY or not case.assigned


@dataclass(frozen=True)
class Page:
    """A page of the list, counted from 1."""

    cases: Sequence[Case]
    number: int
    more: bool

    @property
    def first(self) -> int:
        """The place of its first case in the whole list, from 1."""
        return (self.number - 1) * PAGE + 1

    @property
    def last(self) -> int:
        """The place of its last case in the whole list."""
        return self.first + len(self.cases) - 1


@dataclass(frozen=True)
class Sending:
    """Something that hasn't been sent, and why."""

    id: int
    reference: str
    channel: str
    state: str
    attempts: int
    error: str
    created_at: datetime


@dataclass(frozen=True)
class Said:
    """One message of a conversation. `role` is user or assistant."""

    role: str
    text: str
    at: datetime


def whole(text: str, least: int, most: int) -> int:
    """A whole number within bounds; the least one if the text is none."""
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        return least
    return max(least, min(int(text), most))


def age(case: Case) -> int:
    """Days since the day it came in, 0 today."""
    return (datetime.now(STOCKHOLM).date() - case.created_at.astimezone(STOCKHOLM).date()).days


async def matching(registry: Registry, chosen: Chosen) -> AsyncIterator[Case]:
    """All cases that were chosen, the newest first. Raises Unreadable."""
    start = 0
    while found := await registry.cases(chosen.filter(), READ, start):
        for case in found:
            if chosen.takes(case):
                yield case
        start += len(found)


async def page(registry: Registry, chosen: Chosen, number: int) -> Page:
    """One page of the list. Raises Unreadable."""
    before, cases = (number - 1) * PAGE, list[Case]()
    async for case in matching(registry, chosen):
        if before:
            before -= 1
        elif len(cases) == PAGE:
            return Page(cases, number, more=True)
        else:
            cases.append(case)
    return Page(cases, number, more=False)


async def unsent(engine: AsyncEngine) -> list[Sending]:
    """What waits to be sent or couldn't be sent, oldest first; SHOWN + 1 at most."""
    query = (
        select(
            Outbox.id, Interest.reference, Outbox.channel, Outbox.state, Outbox.attempts,
            Outbox.error, Outbox.created_at,
        )
        .join(Interest, Interest.id == Outbox.interest_id)
        .where(Outbox.state != "sent").order_by(Outbox.id).limit(SHOWN + 1)
    )  # fmt: skip
    async with engine.connect() as db:
        return [
            Sending(
                r.id, r.reference, r.channel, r.state, r.attempts, r.error or "", utc(r.created_at)
            )
            for r in await db.execute(query)
        ]


async def handlers(engine: AsyncEngine) -> list[str]:
    """Everybody who looks after a case, also those who can't sign in any more."""
    query = select(Interest.assigned).where(Interest.assigned.is_not(None)).distinct()
    async with engine.connect() as db:
        return sorted(name for name in await db.scalars(query) if name)


async def conversation(engine: AsyncEngine, name: str) -> list[Said]:
    """The messages of a conversation; none when it has been erased."""
    query = (
        select(ChatMessage.role, ChatMessage.text, ChatMessage.created_at)
        .join(ChatSession, ChatSession.id == ChatMessage.session_id)
        .where(ChatSession.conversation == name).order_by(ChatMessage.number)
    )  # fmt: skip
    async with engine.connect() as db:
        return [Said(r.role, r.text, utc(r.created_at)) for r in await db.execute(query)]
