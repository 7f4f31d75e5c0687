"""What a business tells us, as values."""

import json
import re
import secrets
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, Self

Status = Literal["ny", "kontaktad", "deltar", "avslutad"]
STATUSES: tuple[Status, ...] = ("ny", "kontaktad", "deltar", "avslutad")
OTHER_AREA = "annan"

_LETTERS = "234679ACDEFGHJKMNPQRTVWXY"
"""Without those that look like another one: 0 O, 1 I L, 5 S, 8 B, U and Z."""
_LENGTH = 4


@dataclass(frozen=True)
class Expression:
    """An expression of interest. Empty strings and tuples are what wasn't told.

    `area` is a place of the content or "annan", `where` the place in their own words. `concerns`
    are names of the content, `words` their own. `phone` is E.164, `org_number` ten digits.
    """

    area: str = ""
    where: str = ""
    concerns: tuple[str, ...] = ()
    words: str = ""
    kind: str = ""
    company: str = ""
    org_number: str = ""
    person: str = ""
    role: str = ""
    email: str = ""
    phone: str = ""
    channel: str = ""
    """How they want to be contacted: "telefon", "e-post" or ""."""

    def changed(self, **values: Any) -> Self:
        """A copy with other values."""
        return replace(self, **values)

    def as_json(self) -> str:
        """For the vault."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def of_json(cls, text: str) -> Self:
        """From the vault; names that are unknown today are left out."""
        data = json.loads(text)
        known = {f.name for f in fields(cls)}
        tuples = {"concerns": tuple(data.get("concerns") or ())}
        return cls(**{**{k: v for k, v in data.items() if k in known}, **tuples})


@dataclass(frozen=True)
class Consent:
    """What was agreed to: the purpose, the question's wording and its version."""

    purpose: str
    question: str
    version: str


@dataclass(frozen=True)
class Submission:
    """An expression of interest that was said yes to, on its way into the registry.

    `key` is the same each time one form is sent, however often.
    """

    key: str
    expression: Expression
    consent: Consent
    conversation: str
    flags: tuple[str, ...] = field(default=())


def new_reference() -> str:
    """A reference such as "TS-7K3Q", one of 390,625."""
    return "TS-" + "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


def references(text: str) -> list[str]:
    """The references that a text names, as they are written in the registry.

    Forgives lower case, a missing dash and blanks: "ts 7k3q" is "TS-7K3Q".
    """
    found = re.findall(rf"\bTS[\s\-–—]*([{_LETTERS}]{{{_LENGTH}}})\b", text.upper())
    return [f"TS-{letters}" for letters in found]
