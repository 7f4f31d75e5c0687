"""What staff say of a turn, and what it leads to."""

from datetime import UTC, datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.audit import record
from bot.store.transcript_models import Proposal, TranscriptTurn, Verdict
from bot.transcripts.phrases import tidy
from bot.transcripts.proposals import CONTENT, PHRASE, PROPOSED, about, propose

RIGHT, WRONG, SHOULD_ASK, MISSING = "right", "wrong", "should_ask", "missing"
VERDICTS = (RIGHT, WRONG, SHOULD_ASK, MISSING)
"""In the order of the number keys."""


class Overtaken(Exception):
    """Somebody else has judged since the page was shown; `verdict` is what stands now."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__()
        self.verdict = verdict


async def judge(
    db: AsyncSession, turn: TranscriptTurn, verdict: str, label: str, by: str, version: int
) -> bool:
    """Store what somebody thinks of a turn, with the proposal that follows, in one transaction.

    `label` is what would have been right ("" if unknown; it is dropped where it says nothing).
    `version` is what the page showed, 0 for no verdict. Returns whether anything was changed: the
    same word again is no change. Raises Overtaken, ValueError for a verdict that there isn't.
    """
    if verdict not in VERDICTS:
        raise ValueError(verdict)
    wanted = label if verdict in (WRONG, SHOULD_ASK) else ""
    talk, number = turn.transcript_id, turn.number
    if await _same(db, turn.id, verdict, wanted, version):
        return False
    # the audit log first: its lock puts whoever judges in order, in both databases
    await record(db, by, "judged", talk, turn=number, verdict=verdict, label=wanted)
    await _same(db, turn.id, verdict, wanted, version)
    values = {"verdict": verdict, "label": wanted or None, "by": by, "at": datetime.now(UTC)}
    changed = await db.execute(
        update(Verdict)
        .where(Verdict.turn_id == turn.id)
        .values(**values, version=version + 1)
        .returning(Verdict.version)
    )
    if changed.first() is None:
        db.add(Verdict(turn_id=turn.id, version=1, **values))
        await db.flush()
    await _follow(db, turn, verdict, wanted, by)
    return True


async def _same(db: AsyncSession, turn_id: str, verdict: str, label: str, version: int) -> bool:
    """Whether just that stands already. Raises Overtaken if something else does."""
    now = await db.get(Verdict, turn_id, populate_existing=True)
    if now is None:
        return False
    if (now.verdict, now.label or "") == (verdict, label):
        return True
    if now.version != version:
        db.expunge(now)  # it is read after the transaction has been taken back
        raise Overtaken(now)
    return False


async def _follow(
    db: AsyncSession, turn: TranscriptTurn, verdict: str, label: str, by: str
) -> None:
    """Make the proposals of a turn fit its verdict; what is decided already stays."""
    kind = CONTENT if verdict == MISSING else PHRASE if label else ""
    if turn.pressed:
        kind = ""  # nobody typed it: there is nothing to learn from
    undecided = await db.scalars(
        select(Proposal).where(Proposal.turn_id == turn.id, Proposal.state == PROPOSED)
    )
    for one in undecided.all():
        if (one.kind, one.label) == (kind, label):
            return
        if one.kind == kind and await _relabel(db, one, label):
            return  # its wording may have been edited: that isn't lost
        if heir := await _other_turn(db, one):
            one.turn_id = heir
        else:
            await db.execute(delete(Proposal).where(Proposal.id == one.id))
            await record(db, by, "withdrawn", about(one.id))
    if kind and tidy(turn.text):
        await propose(db, kind, turn.text, label, turn.id, by)


async def _relabel(db: AsyncSession, one: Proposal, label: str) -> bool:
    """Whether a proposal could get another label: not if another turn stands behind it too."""
    twin = select(Proposal.id).where(
        Proposal.kind == one.kind, Proposal.text == one.text, Proposal.label == label
    )
    if await db.scalar(twin) is not None or await _other_turn(db, one):
        return False
    one.label, one.version = label, one.version + 1
    await db.flush()
    return True


async def _other_turn(db: AsyncSession, one: Proposal) -> str | None:
    """Another turn of which the same was said with the same words; None if there is none."""
    verdicts = (MISSING,) if one.kind == CONTENT else (WRONG, SHOULD_ASK)
    said = await db.execute(
        select(TranscriptTurn.id, TranscriptTurn.text)
        .join(Verdict, Verdict.turn_id == TranscriptTurn.id)
        .where(
            Verdict.verdict.in_(verdicts),
            (Verdict.label == one.label) if one.kind == PHRASE else Verdict.label.is_(None),
            TranscriptTurn.id != one.turn_id,
        )
    )
    return next((row.id for row in said if tidy(row.text) == one.text), None)
