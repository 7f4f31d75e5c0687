"""One conversation as a file, for somebody who asks to see it. Pure functions.

The conversation only: what staff have noted and judged about it isn't in it.
"""

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bot.content.clock import STOCKHOLM
from bot.staff.export import harmless
from bot.staff.talk_titles import OUTCOMES, language, percent
from bot.store.transcript_models import Transcript, TranscriptTurn

HEADINGS = (
    "Tur", "Tid", "Den som chattade", "Knapp", "Assistenten", "Knappar i svaret", "Språk",
    "Tolkades som", "Säkerhet", "Svarade om", "Vad som hände", "Svarstid i ms", "Modell",
    "Omdöme", "Kommentar",
)  # fmt: skip
_RATED = {1: "Hjälpte", -1: "Hjälpte inte", None: ""}


def as_json(head: Transcript, flags: Sequence[str], turns: Sequence[TranscriptTurn]) -> bytes:
    """UTF-8; times in ISO 8601 with the offset of Stockholm, confidences 0–1."""
    whole = {
        "conversation": head.id,
        "started": _moment(head.started_at).isoformat(),
        "ended": _moment(head.last_at).isoformat(),
        "language": head.language,
        "flags": list(flags),
        "turns": [_turn(one) for one in turns],
    }
    return json.dumps(whole, ensure_ascii=False, indent=2).encode()


def as_csv(turns: Sequence[TranscriptTurn]) -> bytes:
    """For Excel: UTF-8 with byte order mark, semicolons, CRLF, decimal commas, Swedish time."""
    made = io.StringIO(newline="")
    writer = csv.writer(made, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for one in turns:
        writer.writerow([harmless(cell) for cell in _row(one)])
    return made.getvalue().encode("utf-8-sig", "replace")


def _turn(one: TranscriptTurn) -> dict[str, Any]:
    return {
        "id": one.id, "number": one.number, "at": _moment(one.at).isoformat(), "text": one.text,
        "pressed": one.pressed, "language": one.language, "intent": one.intent,
        "confidence": one.confidence, "ranking": one.ranking, "entities": one.entities,
        "topic": one.topic, "outcome": one.outcome, "answer": one.answer, "buttons": one.buttons,
        "latency_ms": one.latency_ms, "model": one.model, "feedback": one.feedback,
        "comment": one.comment,
    }  # fmt: skip


def _row(one: TranscriptTurn) -> list[str]:
    return [
        str(one.number), f"{_moment(one.at):%Y-%m-%d %H:%M:%S}", one.text,
        "ja" if one.pressed else "nej", one.answer, ", ".join(one.buttons), language(one.language),
        one.intent, "" if one.confidence is None else percent(one.confidence), one.topic or "",
        OUTCOMES.get(one.outcome, one.outcome),
        "" if one.latency_ms is None else str(one.latency_ms), one.model,
        _RATED[one.feedback], one.comment or "",
    ]  # fmt: skip


def _moment(at: datetime) -> datetime:
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(STOCKHOLM)
