"""What staff read instead of the names that the code uses."""

import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from babel import Locale
from babel.core import UnknownLocaleError

from bot.content.clock import STOCKHOLM
from bot.content.models import Listed, Participation
from bot.participation.expression import OTHER_AREA
from bot.participation.registry import DUPLICATE, MANY
from bot.staff.accounts import Account
from bot.store.audit import Verdict
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
_SWEDISH = Locale("sv")
_DEEDS = {
    "viewed": "Öppnade ärendet",
    "note": "Skrev en anteckning",
    "erased": "Raderade ärendet",
    "exported": "Hämtade listan som fil",
    "sent again": "Skickade en gång till",
    "signed-in": "Loggade in",
    "signed-out": "Loggade ut",
    "account added": "La till kontot",
    "account removed": "Tog bort kontot",
    "password changed": "Ändrade lösenordet",
    "password lent": "Gav kontot ett nytt lösenord",
    "codes on": "Satte på engångskoder",
    "codes off": "Stängde av engångskoder",
    "codes reset": "Stängde av engångskoder åt någon annan",
    "subject bound": "Kopplade kontot till kommunens inloggning",
    "log exported": "Hämtade loggen som fil",
    # bot/staff/retaining.py, bot/transcripts/erasure.py
    "erased talk": "Raderade samtalet",
    "erased by age": "Gallrade",
    "kept by hold": "Ville radera samtalet, men det var undantaget från gallring",
    "hold on": "Undantog samtalet från gallring",
    "hold off": "Tog bort undantaget från gallring",
    "exported talk": "Hämtade samtalet som fil",
    # bot/staff/reviewing.py
    "listed": "Öppnade listan med samtal",
    "read": "Läste samtalet",
    "judged": "Bedömde en tur i samtalet",
    "seen": "Markerade samtalet som sett",
    "unseen": "Markerade samtalet som osett",
    "saved view": "Sparade en vy",
    "removed view": "Tog bort en vy",
    "withdrawn": "Drog tillbaka förslaget, eftersom bedömningen ändrades",
    "proposed": "Föreslog en fras eller en text",
    "approved": "Godkände ett förslag",
    "rejected": "Avslog ett förslag",
    "done": "Markerade en text som klar",
    "training started": "Startade en träning",
    "promoted": "Tog en ny modell i bruk",
    "rolled back": "Gick tillbaka till den förra modellen",
    "discarded": "Kastade en ny modell",
    "committed": "Sparade fraser i git",
}


_DEEDS |= {
    "edited": "Ändrade innehållet eller ett förslag",
    "created": "Skapade ett svar",
    "restored": "Ångrade en ändring av innehållet",
}
ROLES = {"reader": "läsare", "editor": "redaktör", "admin": "administratör"}


def role(name: str) -> str:
    """A role, in the middle of a sentence."""
    return ROLES.get(name, "utan roll")


def language(code: str) -> str:
    """A language in Swedish, with a capital letter."""
    try:
        name = Locale.parse(code).get_display_name(_SWEDISH) or code
    except (UnknownLocaleError, ValueError):
        return code
    return name[:1].upper() + name[1:]


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


def chain(verdict: Verdict) -> str:
    """Whether the log is as it was written."""
    broken, rows = verdict.broken, number(verdict.rows)
    checked = "1 rad kontrollerad" if verdict.rows == 1 else f"{rows} rader kontrollerade"
    older = f" {number(verdict.older)} äldre rader är inte förseglade." if verdict.older else ""
    if verdict.older == 1:
        older = " 1 äldre rad är inte förseglad."
    if broken is None:
        return f"Loggen är orörd: {checked}.{older}"
    told = {
        "changed": f"Rad {broken.id} är ändrad, eller raden före den är borttagen.",
        "missing": f"Rader före rad {broken.id} är borttagna, eller så är den ändrad.",
        "cut": f"Rader efter rad {broken.id} är borttagna."
        if broken.id
        else "Alla rader är borttagna.",
        "inserted": f"Rad {broken.id} är insatt i efterhand.",
    }[broken.kind]
    return f"Loggen är inte orörd. {told}"


def number(count: int) -> str:
    """A whole number: 12 345 with a space that doesn't break."""
    return f"{count:,}".replace(",", "\u00a0")


def way(account: Account) -> str:
    """How somebody signs in."""
    return "Lösenord" if account.password else "Kommunens inloggning"


def deeds(what: str) -> str:
    """A kind of row of the audit log, in words."""
    return {"changed": "Ändrade status eller handläggare", "role changed": "Ändrade roll"}.get(
        what, _DEEDS.get(what, what)
    )


def deed(row: Audit) -> str:
    """One row of the audit log, in words."""
    if row.what == "changed" and "status" in row.detail:
        return f"Ändrade status till {status(str(row.detail['status']))}"
    if row.what == "changed" and "assigned" in row.detail:
        who = row.detail["assigned"]
        return f"Satte {who} som handläggare" if who else "Tog bort handläggaren"
    if row.what == "role changed":
        return f"Ändrade roll till {role(str(row.detail.get('role')))}"
    if row.what == "edited":
        return "Ändrade ett förslag" if row.about.startswith("förslag ") else "Ändrade innehållet"
    return _DEEDS.get(row.what, row.what)


_PLACES = (
    (re.compile(r"TS-\w+"), "/personal/intresse/{}"),
    (re.compile(r"träning (\d+)"), "/personal/forbattra/traning/{}"),
    (re.compile(r"[\w./-]+\.(?:md|yml)"), "/personal/innehall/fil/{}"),
)
_OF_TALKS = ("changed", "read", "judged", "seen", "unseen", "note", "exported talk", "hold on",
             "hold off", "kept by hold")  # fmt: skip
_OF_ACCOUNTS = ("account added", "role changed", "password changed", "password lent", "codes on",
                "codes off", "codes reset", "subject bound")  # fmt: skip


def place(row: Audit) -> str:
    """The page of what a row of the audit log is about; "" where there is none."""
    if row.what in ("erased", "erased talk", "account removed"):
        return ""
    for pattern, address in _PLACES:
        if found := pattern.fullmatch(row.about):
            return address.format(found[1] if found.lastindex else found[0])
    if row.what in _OF_TALKS:
        return f"/personal/samtal/{quote(row.about)}"
    return f"/personal/konton/{quote(row.about)}" if row.what in _OF_ACCOUNTS else ""
