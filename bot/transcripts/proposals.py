"""What a verdict leads to: a training phrase or content to write, proposed, edited, decided.

    proposed → approved → live     a phrase; live when a model trained on it is promoted
    proposed → done                content that somebody has written
    proposed → rejected            either

Each change counts `version` up and must name the version that was shown: of two editors at once
the second is told. All is written down in the audit log, in the same transaction, without texts.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.check import Phrase
from bot.store.audit import record
from bot.store.transcript_models import Proposal, TranscriptTurn
from bot.transcripts.phrases import tidy

PHRASE, CONTENT = "phrase", "content"
PROPOSED, APPROVED, REJECTED, LIVE, DONE = "proposed", "approved", "rejected", "live", "done"
LONGEST_TASK = 1000
"""Characters of what is said about content that is missing."""


class Stale(Exception):
    """Somebody else has changed it; the message says who and what."""


class Twin(Exception):
    """Another proposal says the same."""


async def propose(
    db: AsyncSession, kind: str, text: str, label: str, turn_id: str | None, by: str
) -> Proposal:
    """A proposal of `kind` "phrase" or "content", in the caller's transaction.

    `text` is redacted already. The same one again is the one that there is; a rejected one comes
    up for a decision again. Raises ValueError for a text that is empty or far too long.
    """
    if kind not in (PHRASE, CONTENT):
        raise ValueError(kind)
    said, label = tidy(text), label if kind == PHRASE else ""
    if not said or len(said) > LONGEST_TASK:
        raise ValueError("empty or too long")
    found = await _twin(db, kind, said, label)
    if found is None:
        found = Proposal(
            kind=kind, text=said, label=label, state=PROPOSED, turn_id=turn_id, by=by,
            at=datetime.now(UTC), version=1,
        )  # fmt: skip
        db.add(found)
        await db.flush()
    elif found.state == REJECTED:
        found.state, found.decided_by, found.decided_at = PROPOSED, None, None
        found.version += 1
        await db.flush()
    else:
        return found
    await record(db, by, "proposed", about(found.id), kind=kind, label=label)
    return found


async def edit(
    db: AsyncSession, number: int, version: int, by: str, text: str, label: str
) -> Proposal:
    """Another wording or label; an approved phrase must be approved again.

    Raises Stale, Twin, or ValueError as propose().
    """
    now = await find(db, number)
    said = tidy(text)
    if not said or len(said) > LONGEST_TASK:
        raise ValueError("empty or too long")
    label = label if now.kind == PHRASE else ""
    if now.version == version and (said, label) == (now.text, now.label):
        return now
    twin = await _twin(db, now.kind, said, label)
    if twin is not None and twin.id != number:
        raise Twin
    return await _change(
        db, number, version, by, (PROPOSED, APPROVED), "edited",
        text=said, label=label, state=PROPOSED, decided_by=None, decided_at=None,
    )  # fmt: skip


async def decide(db: AsyncSession, number: int, version: int, by: str, state: str) -> Proposal:
    """approved, rejected, done, or proposed again. Raises Stale.

    What may be wrong with a phrase is for the caller to look at before (phrases.problems).
    """
    from_states = (PROPOSED, APPROVED, REJECTED, DONE)
    if state not in from_states:
        raise ValueError(state)
    return await _change(
        db, number, version, by, from_states, state,
        state=state, decided_by=by, decided_at=datetime.now(UTC),
    )  # fmt: skip


async def find(db: AsyncSession, number: int) -> Proposal:
    """A proposal. Raises LookupError."""
    found = await db.get(Proposal, number, populate_existing=True)
    if found is None:
        raise LookupError(number)
    return found


async def of_state(db: AsyncSession, *states: str, kind: str = PHRASE) -> Sequence[Proposal]:
    """The proposals of a kind in these states, the newest first."""
    wanted = select(Proposal).where(Proposal.kind == kind, Proposal.state.in_(states))
    return (await db.scalars(wanted.order_by(Proposal.id.desc()))).all()


async def of_turns(db: AsyncSession, turns: Sequence[str]) -> dict[str, Proposal]:
    """The newest proposal that came of each of these turns, by the turn's id."""
    wanted = select(Proposal).where(Proposal.turn_id.in_(turns)).order_by(Proposal.id)
    return {str(one.turn_id): one for one in await db.scalars(wanted)}


async def origins(db: AsyncSession, found: Sequence[Proposal]) -> dict[str, tuple[str, int]]:
    """Conversation and number of the turns that proposals came of, by the turn's id; those that
    are erased aren't there."""
    turn = TranscriptTurn
    wanted = select(turn.id, turn.transcript_id, turn.number).where(
        turn.id.in_([one.turn_id for one in found if one.turn_id])
    )
    return {key: (talk, number) for key, talk, number in await db.execute(wanted)}


async def counts(db: AsyncSession) -> dict[tuple[str, str], int]:
    """How many there are of each (kind, state)."""
    grouped = select(Proposal.kind, Proposal.state, func.count()).group_by(
        Proposal.kind, Proposal.state
    )
    return {(kind, state): count for kind, state, count in await db.execute(grouped)}


def as_phrases(found: Sequence[Proposal]) -> list[Phrase]:
    """Approved proposals as phrases that others are compared with."""
    return [Phrase(p.label, p.text, f"förslag {p.id}", 0) for p in found]


def about(number: int) -> str:
    """How the audit log names a proposal."""
    return f"förslag {number}"


async def _twin(db: AsyncSession, kind: str, text: str, label: str) -> Proposal | None:
    same = (Proposal.kind == kind, Proposal.text == text, Proposal.label == label)
    return await db.scalar(select(Proposal).where(*same))


async def _change(
    db: AsyncSession, number: int, version: int, by: str, from_states: tuple[str, ...], what: str,
    **values: Any,
) -> Proposal:  # fmt: skip
    done = await db.execute(
        update(Proposal)
        .where(Proposal.id == number, Proposal.version == version, Proposal.state.in_(from_states))
        .values(**values, version=version + 1)
        .returning(Proposal.id)
    )
    changed = done.scalar_one_or_none()
    now = await find(db, number)
    if changed is None:
        who = now.decided_by or "Någon annan"
        raise Stale(who)
    await record(db, by, what, about(number), state=now.state, label=now.label)
    return now
