"""The registry of expressions of interest: written once, found, changed, withdrawn, erased."""

import json
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, cast, delete, false, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from bot.participation.expression import Expression, Status, Submission, new_reference
from bot.store.audit import record
from bot.store.database import wipe
from bot.store.models import Interest, InterestNote, Outbox, WithdrawalCode
from bot.store.vault import Vault

DUPLICATE, MANY = "dubblett", "många"
ACTIVE: tuple[Status, ...] = ("ny", "kontaktad", "deltar")
MANY_A_DAY = 3
"""More than so many from one e-mail address or phone in a day are flagged, never refused."""
CODE_MINUTES, CODE_TRIES, CODES_AN_HOUR = 30, 5, 3
NEW_CASE = ("mail-area", "webhook")
"""What goes out for each new case; a receipt too where there is an address."""


@dataclass(frozen=True)
class Stored:
    """The outcome of a submission. `created` is False when the same one was there already."""

    reference: str
    created: bool


@dataclass(frozen=True)
class Case:
    """An expression of interest as staff see it, decrypted. Times are UTC."""

    id: str
    reference: str
    area: str
    status: Status
    expression: Expression
    flags: tuple[str, ...]
    assigned: str | None
    conversation: str
    purpose: str
    consent: str
    consent_version: str
    consented_at: datetime
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True)
class Note:
    """A note of staff, decrypted."""

    author: str
    text: str
    created_at: datetime


@dataclass(frozen=True)
class Filter:
    """Which cases to list. Empty values don't restrict."""

    area: str = ""
    status: str = ""
    assigned: str = ""
    flag: str = ""
    older_than_days: int = 0


class Registry:
    """All expressions of interest. Raises bot.store.vault.Unreadable on rows of another key."""

    def __init__(self, engine: AsyncEngine, vault: Vault) -> None:
        self._engine, self._vault = engine, vault
        self._make = async_sessionmaker(engine, expire_on_commit=False)

    async def close(self) -> None:
        """Close the database."""
        await self._engine.dispose()

    async def store(self, submission: Submission) -> Stored:
        """Store once, with all that is to be sent in the same transaction."""
        for _ in range(20):
            try:
                async with self._make.begin() as db:
                    known = await db.scalar(
                        select(Interest.reference).where(Interest.key == submission.key)
                    )
                    if known is not None:
                        return Stored(known, created=False)
                    return await self._write(db, submission)
            except IntegrityError:  # the reference is taken, or the same form came twice at once
                continue
        raise RuntimeError("no free reference")

    async def _write(self, db: AsyncSession, submission: Submission) -> Stored:
        moment, one = datetime.now(UTC), submission.expression
        digests = self._digests(one)
        flags = [*submission.flags, *await self._flags(db, digests, moment)]
        row = Interest(
            id=str(uuid.uuid4()), key=submission.key, reference=new_reference(),
            area=one.area, status="ny", sealed=self._vault.seal(one.as_json()), **digests,
            purpose=submission.consent.purpose, consent=submission.consent.question,
            consent_version=submission.consent.version, consented_at=moment,
            conversation=submission.conversation, flags=flags, created_at=moment,
            changed_at=moment,
        )  # fmt: skip
        db.add(row)
        await db.flush()
        for channel in (*NEW_CASE, *(("mail-receipt",) if one.email else ())):
            db.add(_outgoing(row.id, channel, moment))
        return Stored(row.reference, created=True)

    def _digests(self, one: Expression) -> dict[str, Any]:
        return {
            "email_digest": self._vault.digest("email", one.email) if one.email else None,
            "phone_digest": self._vault.digest("phone", one.phone) if one.phone else None,
            "company_digest": self._vault.digest("company", " ".join(one.company.split())),
        }

    async def _flags(
        self, db: AsyncSession, digests: dict[str, Any], moment: datetime
    ) -> list[str]:
        """A flag rather than a block: staff decide."""
        same_sender = or_(false(), *_same_sender(digests))
        flags = []
        same = select(func.count()).where(
            Interest.company_digest == digests["company_digest"],
            Interest.status.in_(ACTIVE),
            same_sender,
        )
        if await db.scalar(same):
            flags.append(DUPLICATE)
        today = select(func.count()).where(
            Interest.created_at > moment - timedelta(days=1), same_sender
        )
        if (await db.scalar(today) or 0) >= MANY_A_DAY:
            flags.append(MANY)
        return flags

    async def find(self, reference: str) -> Case | None:
        """The case with a reference."""
        async with self._make() as db:
            row = await db.scalar(select(Interest).where(Interest.reference == reference))
        return self._case(row) if row else None

    async def get(self, case_id: str) -> Case | None:
        """The case with an id."""
        async with self._make() as db:
            row = await db.get(Interest, case_id)
        return self._case(row) if row else None

    async def cases(self, chosen: Filter, limit: int = 200, offset: int = 0) -> list[Case]:
        """Cases, the newest first."""
        query = select(Interest).where(*_conditions(chosen))
        query = query.order_by(Interest.created_at.desc(), Interest.id).limit(limit).offset(offset)
        async with self._make() as db:
            return [self._case(row) for row in await db.scalars(query)]

    async def counts(self) -> dict[str, dict[str, int]]:
        """How many cases by area and status."""
        query = select(Interest.area, Interest.status, func.count())
        found: dict[str, dict[str, int]] = {}
        async with self._make() as db:
            for area, status, count in await db.execute(
                query.group_by(Interest.area, Interest.status)
            ):
                found.setdefault(area, {})[status] = count
        return found

    async def change(
        self, case_id: str, who: str, status: Status | None = None, assigned: str | None = None
    ) -> bool:
        """Set status or who looks after a case ("" for nobody); audited. False if it is gone."""
        values: dict[str, Any] = {"changed_at": datetime.now(UTC)}
        if status is not None:
            values["status"] = status
        if assigned is not None:
            values["assigned"] = assigned or None
        async with self._make.begin() as db:
            reference = await db.scalar(
                update(Interest).where(Interest.id == case_id).values(**values)
                .returning(Interest.reference)
            )  # fmt: skip
            if reference is None:
                return False
            told = {k: v for k, v in values.items() if k != "changed_at"}
            await record(db, who, "changed", reference, **told)
        return True

    async def note(self, case_id: str, who: str, text: str) -> bool:
        """Add a note; audited. False if the case is gone."""
        moment = datetime.now(UTC)
        async with self._make.begin() as db:
            reference = await db.scalar(
                update(Interest).where(Interest.id == case_id).values(changed_at=moment)
                .returning(Interest.reference)
            )  # fmt: skip
            if reference is None:
                return False
            db.add(
                InterestNote(
                    interest_id=case_id, author=who, sealed=self._vault.seal(text),
                    created_at=moment,
                )
            )  # fmt: skip
            await record(db, who, "note", reference)
        return True

    async def notes(self, case_id: str) -> list[Note]:
        """The notes of a case, oldest first."""
        query = select(InterestNote).where(InterestNote.interest_id == case_id)
        async with self._make() as db:
            rows = await db.scalars(query.order_by(InterestNote.id))
            return [
                Note(row.author, self._vault.unseal(row.sealed), utc(row.created_at))
                for row in rows
            ]

    async def erase(self, reference: str, who: str, email: str | None = None) -> bool:
        """Erase a case with all that belongs to it; audited by its reference only.

        With `email` only if the case has that address. False if there is no such case.
        """
        conditions = [Interest.reference == reference]
        if email is not None:
            conditions.append(Interest.email_digest == self._vault.digest("email", email.strip()))
        return await self._erase(reference, who, *conditions)

    async def _erase(self, reference: str, who: str, *conditions: ColumnElement[bool]) -> bool:
        async with self._make.begin() as db:
            case_id = await db.scalar(delete(Interest).where(*conditions).returning(Interest.id))
            if case_id is None:
                return False
            # spelled out: a database opened without foreign keys must not leave rows behind
            for table in (InterestNote, Outbox, WithdrawalCode):
                await db.execute(delete(table).where(table.interest_id == case_id))
            await record(db, who, "erased", reference)
        await wipe(self._engine)
        return True

    async def erase_email(self, email: str, who: str) -> list[str]:
        """Erase all cases with an e-mail address; their references."""
        digest = self._vault.digest("email", email.strip())
        async with self._make() as db:
            query = select(Interest.reference).where(Interest.email_digest == digest)
            found = list(await db.scalars(query))
        return [reference for reference in found if await self.erase(reference, who)]

    async def erase_older(self, months: int, now: datetime | None = None) -> int:
        """Erase cases unchanged for so many months (of 30.44 days); how many."""
        # in UTC, as stored: SQLite compares the figures and knows no zones
        moment = (now or datetime.now(UTC)).astimezone(UTC)
        old = Interest.changed_at < moment - timedelta(days=months * 30.44)
        async with self._make() as db:
            found = list(await db.scalars(select(Interest.reference).where(old)))
        # `old` once more: a case may have been changed since it was found
        erased = [await self._erase(one, "gallring", Interest.reference == one, old)
                  for one in found]  # fmt: skip
        return sum(erased)

    async def send_code(self, reference: str) -> None:
        """Put a one-time code for withdrawing a case into the outbox.

        Nothing happens, and nobody is told, if there is no such case, it has no e-mail address,
        or it got too many codes of late.
        """
        moment = datetime.now(UTC)
        async with self._make.begin() as db:
            # changes nothing but holds the row, so that codes asked for at once are counted
            case_id = await db.scalar(
                update(Interest)
                .where(Interest.reference == reference, Interest.email_digest.is_not(None))
                .values(reference=reference)
                .returning(Interest.id)
            )
            if case_id is None:
                return
            recent = await db.scalar(
                select(func.count()).where(
                    WithdrawalCode.interest_id == case_id,
                    WithdrawalCode.created_at > moment - timedelta(hours=1),
                )
            )
            if (recent or 0) >= CODES_AN_HOUR:
                return
            code = f"{secrets.randbelow(1_000_000):06}"
            db.add(
                WithdrawalCode(
                    interest_id=case_id, digest=self._vault.digest(f"code {case_id}", code),
                    created_at=moment, expires_at=moment + timedelta(minutes=CODE_MINUTES),
                )
            )  # fmt: skip
            db.add(_outgoing(case_id, "mail-code", moment, self._vault.seal(code)))

    async def withdraw(self, reference: str, code: str) -> bool:
        """Erase a case if the code is right, fresh and not tried too often. Audited."""
        moment = datetime.now(UTC)
        async with self._make.begin() as db:
            row = await db.scalar(select(Interest).where(Interest.reference == reference))
            if row is None:
                return False
            valid = (
                await db.scalars(
                    update(WithdrawalCode)
                    .where(
                        WithdrawalCode.interest_id == row.id,
                        WithdrawalCode.expires_at > moment,
                        WithdrawalCode.tries < CODE_TRIES,
                    )
                    .values(tries=WithdrawalCode.tries + 1)
                    .returning(WithdrawalCode.digest)
                )
            ).all()
            if self._vault.digest(f"code {row.id}", code) not in valid:
                return False
        return await self.erase(reference, "företaget självt")

    def _case(self, row: Interest) -> Case:
        return Case(
            row.id, row.reference, row.area, row.status,  # type: ignore[arg-type]
            Expression.of_json(self._vault.unseal(row.sealed)), tuple(row.flags), row.assigned,
            row.conversation, row.purpose, row.consent, row.consent_version,
            utc(row.consented_at), utc(row.created_at), utc(row.changed_at),
        )  # fmt: skip


def utc(moment: datetime) -> datetime:
    """A time of the database with its zone, which SQLite doesn't keep."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _same_sender(digests: dict[str, Any]) -> list[ColumnElement[bool]]:
    columns = {"email_digest": Interest.email_digest, "phone_digest": Interest.phone_digest}
    return [columns[name] == digests[name] for name in columns if digests[name]]


def _conditions(chosen: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if chosen.area:
        found.append(Interest.area == chosen.area)
    if chosen.status:
        found.append(Interest.status == chosen.status)
    if chosen.assigned:
        found.append(Interest.assigned == chosen.assigned)
    if chosen.flag:  # a JSON list of them, as text on every database
        written = cast(Interest.flags, String)
        found.append(written.contains(json.dumps(chosen.flag), autoescape=True))
    if chosen.older_than_days:
        before = datetime.now(UTC) - timedelta(days=chosen.older_than_days)
        found.append(Interest.created_at < before)
    return found


def _outgoing(
    interest_id: str, channel: str, moment: datetime, sealed: str | None = None
) -> Outbox:
    return Outbox(
        interest_id=interest_id, channel=channel, key=uuid.uuid4().hex, sealed=sealed,
        state="waiting", next_at=moment, created_at=moment,
    )  # fmt: skip
