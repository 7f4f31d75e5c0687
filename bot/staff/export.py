"""The list as a file for Excel with Swedish conventions."""

import csv
import io
from collections.abc import Iterable

from bot.content.models import Participation
from bot.participation.facts import shown_phone
from bot.participation.registry import Case
from bot.staff import titles

HEADINGS = (
    "Referens", "Inkom", "Status", "Plats", "Plats med egna ord", "Gäller", "Med egna ord",
    "Verksamhet", "Företag", "Organisationsnummer", "Kontaktperson", "Roll", "E-post", "Telefon",
    "Vill bli kontaktad via", "Flaggor", "Handläggare", "Senast ändrad", "Samtycke",
    "Samtyckets version",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What makes Excel or LibreOffice calculate a cell; in its wide form too."""


def as_csv(cases: Iterable[Case], content: Participation) -> bytes:
    """UTF-8 with byte order mark, semicolons, CRLF; times in Europe/Stockholm."""
    made = io.StringIO(newline="")
    writer = csv.writer(made, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for case in cases:
        writer.writerow([harmless(cell) for cell in _row(case, content)])
    return made.getvalue().encode("utf-8-sig", "replace")


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    odd = cell.startswith(("\t", "\r", "\n")) or cell.lstrip().startswith(_FORMULA)
    return f"'{cell}" if odd else cell


def _row(case: Case, content: Participation) -> list[str]:
    one = case.expression
    return [
        case.reference, titles.moment(case.created_at), titles.status(case.status),
        titles.area(content, case.area), one.where,
        "; ".join(titles.concern(name, content) for name in one.concerns), one.words,
        titles.listed(content.kinds, one.kind), one.company, titles.org_number(one.org_number),
        one.person, one.role, one.email, shown_phone(one.phone),
        one.channel, ", ".join(map(titles.flag, case.flags)), case.assigned or "",
        titles.moment(case.changed_at), titles.moment(case.consented_at), case.consent_version,
    ]  # fmt: skip
