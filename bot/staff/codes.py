"""One-time codes beside the password (TOTP, RFC 6238): six digits, a new one every 30 seconds."""

import hmac
import time

import pyotp
import segno
from markupsafe import Markup
from sqlalchemy import or_, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from bot.staff import accounts
from bot.store.models import StaffUser
from bot.store.vault import Vault

STEP = 30
"""Seconds that a code is shown."""
ISSUER = "Kontaktcenter"


def new_secret() -> str:
    """A new secret, 160 bits in base32."""
    return pyotp.random_base32()


def picture(secret: str, name: str) -> Markup:
    """The secret as a QR code for a phone to read: an SVG element, dark on light in dark mode too.

    Attributes only, no style: the Content-Security-Policy lets it stand on the page.
    """
    address = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)
    # from segno, out of black and white squares: no text of anybody's is in it
    return Markup(
        segno.make(address, error="m", micro=False).svg_inline(
            scale=4, border=4, dark="#000", light="#fff", omitsize=True, svgclass="qr"
        )
    )


def grouped(secret: str) -> str:
    """The secret in groups of four, for those who type it."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def step_of(secret: str, code: str, now: float | None = None) -> int | None:
    """Which step a code is of: this one, the one before or the next; None if it is of none."""
    typed = "".join(code.split())
    current = int(time.time() if now is None else now) // STEP
    totp = pyotp.TOTP(secret)
    fits = (
        step
        for step in (current, current - 1, current + 1)
        if hmac.compare_digest(totp.at(step * STEP).encode(), typed.encode("utf-8", "replace"))
    )
    return next(fits, None)


async def accept(engine: AsyncEngine, vault: Vault, name: str, code: str) -> bool:
    """Whether a code is right. Each works once, also when it comes twice at the same moment.

    Raises Unreadable when the secret was sealed with another key.
    """
    account = await accounts.find(engine, name)
    if account is None or not account.totp:
        return False
    step = step_of(vault.unseal(account.totp), code)
    if step is None:
        return False
    async with AsyncSession(engine) as db, db.begin():
        used = StaffUser.totp_step
        done = await db.execute(
            update(StaffUser)
            .where(StaffUser.name == account.name, StaffUser.totp == account.totp)
            .where(or_(used.is_(None), used < step)).values(totp_step=step)
            .returning(StaffUser.name)
        )  # fmt: skip
        return done.scalar() is not None


async def turn_on(engine: AsyncEngine, vault: Vault, name: str, secret: str, step: int) -> None:
    """From now on codes of this secret are asked for; that of `step` has been used."""
    values = {"totp": vault.seal(secret), "totp_step": step}
    await accounts.change(engine, name, name, "codes on", values)


async def turn_off(engine: AsyncEngine, name: str, who: str) -> bool:
    """No codes are asked for any more. False if there is no such user."""
    what = "codes off" if who == name else "codes reset"
    return await accounts.change(engine, name, who, what, {"totp": None, "totp_step": None})
