"""Who did what, when: rows that each seal the one before, so that nobody changes one unseen.

A row's digest is SHA-256 over the digest before it and the row. `audit_head` holds the last one:
its lock puts writers in order, and a log that lost its end doesn't fit it any more.
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.models import Audit, AuditHead

HEAD = 1


async def record(db: AsyncSession, who: str, what: str, about: str, **detail: Any) -> None:
    """Write a row in the transaction of what it tells of. `detail` must never hold user text."""
    moment = datetime.now(UTC)
    # a write first: from here on we are alone until the transaction ends, in both databases
    taken = await db.scalar(
        update(AuditHead)
        .where(AuditHead.id == HEAD)
        .values(digest=AuditHead.digest)
        .returning(AuditHead.digest)
    )
    if taken is None:
        db.add(AuditHead(id=HEAD, digest="", anchor="", anchor_id=0))
        await db.flush()
    row = Audit(at=moment, who=who, what=what, about=about, detail=detail)
    row.digest = digest(taken or "", row)
    db.add(row)
    await db.flush()
    await db.execute(update(AuditHead).where(AuditHead.id == HEAD).values(digest=row.digest))


def digest(before: str, row: Audit) -> str:
    """The digest of a row that comes after one with the digest `before`."""
    at = row.at if row.at.tzinfo else row.at.replace(tzinfo=UTC)
    told = (before, at.astimezone(UTC).isoformat(), row.who, row.what, row.about, row.detail)
    whole = json.dumps(told, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
