"""E-mails about expressions of interest, made of content. Pure: nothing is sent from here."""

import re
from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Literal

from bot.content.answers import render
from bot.content.load import Content
from bot.participation.registry import CODE_MINUTES, Case
from bot.settings import Settings

MailName = Literal["area", "receipt", "code"]
OTHER_PLACE = "annan plats"
_ADDRESS = re.compile(r"(?P<local>[^\s@<>()\[\],;:\\\"]+)@(?P<domain>[^\s@]+)")
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_ENCODED = "=?"
"""Begins an encoded word of RFC 2047. Python decodes one wherever it stands: the valid local part
=?utf-8?q?a=0d=0aBcc=3ax?= comes out as a header of its own."""
_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")


class BadAddress(ValueError):
    """An e-mail address that no message can have. The message doesn't hold it."""


def compose(
    name: MailName,
    case: Case,
    recipient: str,
    key: str,
    content: Content,
    conf: Settings,
    now: datetime,
    code: str = "",
) -> EmailMessage:
    """The e-mail `name` of content/intresseanmalan.yml about a case, in plain text.

    `key` becomes the Message-ID, so that a repetition can be told; `now` is the Date. Raises
    BadAddress, and TemplateError if the content can't be filled in.
    """
    about = content.participation
    place = about.places.get(case.area)
    values = {
        "reference": case.reference,
        "area": place.title if place else OTHER_PLACE,
        "link": f"{conf.public_base}/personal/intresse/{case.reference}",
        "purpose": case.purpose,
        "months": str(conf.interest_months),
        "site": conf.public_base,
        "code": code,
        "minutes": str(CODE_MINUTES),
    }
    text = about.mails[name]
    sender = sender_of(conf)
    message = EmailMessage()
    message["From"] = sender
    message["To"] = address(recipient)
    message["Subject"] = _one_line(_filled(render(content, text.subject, now), values))
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{key}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers it
    body = _filled(render(content, text.text, now), values) + "\n"
    message.set_content(body, charset="utf-8", cte="quoted-printable")
    return message


def address(text: str, name: str = "") -> Address:
    """An address as a header needs it, its domain in ASCII. Raises BadAddress.

    Not by email-validator, which refuses kontaktcenter@localhost: here only what could harm a
    message is kept out, the mail server knows the rest.
    """
    found = _ADDRESS.fullmatch(text.strip())
    if found is None or not text.strip().isprintable() or _ENCODED in text:
        raise BadAddress
    try:
        domain = found["domain"].encode("idna").decode("ascii")
    except UnicodeError:
        raise BadAddress from None
    if not _DOMAIN.fullmatch(domain):
        raise BadAddress
    return Address(_one_line(name), found["local"], domain)


def sender_of(conf: Settings) -> Address:
    """The sender, with its name where mail_from is "Name <address>". Raises BadAddress."""
    name, spec = parseaddr(conf.mail_from)
    return address(spec, name)


def _filled(text: str, values: Mapping[str, str]) -> str:
    """Put values in for {name}, all at once: what a value holds is not looked at again."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def _one_line(text: str) -> str:
    """For a header: no line breaks or other control characters, encoded ones neither."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(shown.replace(_ENCODED, "= ?").split())
