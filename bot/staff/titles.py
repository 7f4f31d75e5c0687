"""What staff read instead of the names that the code uses."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from bot.content.clock import STOCKHOLM
from bot.content.models import Listed, Participation
from bot.participation.expression import OTHER_AREA
from bot.participation.registry import DUPLICATE, MANY
from bot.store.models import Audit

STATUS = {"ny": "Ny", "kontaktad": "Kontaktad", "deltar": "Deltar", "avslutad": "Avslutad"}
FLAGS = {DUPLICATE: "Kan vara en dubblett", MANY: "Många från samma avsändare"}
CHANNELS = {
    "mail-area": "E-post till personalen",
    "mail-receipt": "Bekräftelse till företaget",
    "mail-code": "Kod till företaget",
    "webhook": "Ärendesystemet",
}
STATES = {"waiting": "Väntar", "dead": "Gick inte att skicka"}
_DEEDS = {
    "viewed": "Öppnade ärendet",
    "note": "Skrev en anteckning",
    "erased": "Raderade ärendet",
    "exported": "Hämtade listan som fil",
}


ROLES = {"reader": "läsare", "editor": "redaktör", "admin": "administratör"}


def role(name: str) -> str:
    """A role, in the middle of a sentence."""
    return ROLES.get(name, "utan roll")


def listed(things: Mapping[str, Listed], name: str) -> str:
    """The title of a kind or a concern; the name itself when the content has it no more."""
    return things[name].title if name in things else name


def area(content: Participation, name: str) -> str:
    """The title of a place."""
    return "Annan plats" if name == OTHER_AREA else listed(content.places, name)


def status(name: str) -> str:
    """The title of a status."""
    return STATUS.get(name, name)


def flag(name: str) -> str:
    """The title of a flag."""
    return FLAGS.get(name, name)


def concern(name: str, content: Participation) -> str:
    """The title of what an expression of interest is about."""
    return listed(content.concerns, name)


def channel(name: str) -> str:
    """What is sent to whom."""
    return CHANNELS.get(name, name)


def state(name: str) -> str:
    """How far a sending has come."""
    return STATES.get(name, name)


def moment(at: datetime) -> str:
    """A time in Europe/Stockholm: 2026-11-25 10:00."""
    return f"{at.astimezone(STOCKHOLM):%Y-%m-%d %H:%M}"


def ago(days: int) -> str:
    """How long ago a day was."""
    return {0: "i dag", 1: "i går"}.get(days, f"för {days} dagar sedan")


def mailto(email: str) -> str:
    """A link for writing to an address; a ? in it must not add a copy to somebody else."""
    return f"mailto:{quote(email, safe='@')}"


def org_number(digits: str) -> str:
    """Ten digits with a hyphen: 556036-0793."""
    return f"{digits[:6]}-{digits[6:]}" if len(digits) == 10 else digits


def deed(row: Audit) -> str:
    """One row of the audit log, in words."""
    if row.what == "changed" and "status" in row.detail:
        return f"Ändrade status till {status(str(row.detail['status']))}"
    if row.what == "changed" and "assigned" in row.detail:
        who = row.detail["assigned"]
        return f"Satte {who} som handläggare" if who else "Tog bort handläggaren"
    return _DEEDS.get(row.what, row.what)
