"""Signed-in sessions in a sealed cookie, and the token that every form carries."""

import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.store.vault import Unreadable, Vault

COOKIE, PATH = "personal", "/personal"
LONGEST, IDLE = 8 * 3600, 30 * 60
"""Seconds after signing in, and without any request, until a session is over."""
_MARK = "staff session"  # no other sealed text can pass for one


@dataclass(frozen=True)
class Visit:
    """Somebody at the staff pages. `name` is "" before signing in. Times are Unix seconds."""

    id: str
    name: str
    stamp: str
    """Belongs to the account as it was: with a new password or role, or without the user, the
    session is over."""
    since: float
    seen: float
    role: str = ""
    """From the database at each request, never from the cookie."""
    first: str = ""
    """The page that must be dealt with before any other; "" if there is none."""


class Visits:
    """Makes and reads sessions. Nothing is stored but, in this process, which ones were ended."""

    def __init__(self, vault: Vault, clock: Callable[[], float] = time.time) -> None:
        self._vault, self._clock = vault, clock
        self._ended: dict[str, float] = {}

    def open(self, name: str = "", account: str = "") -> Visit:
        """A new session, with an id that nobody can have chosen, for an account's stamp."""
        now = self._clock()
        return Visit(secrets.token_hex(16), name, self._stamp(name, account), now, now)

    def fits(self, visit: Visit, account: str) -> bool:
        """Whether the account is still as it was when somebody signed in."""
        return hmac.compare_digest(visit.stamp, self._stamp(visit.name, account))

    def seal(self, visit: Visit) -> str:
        """The session as a cookie's value, seen now."""
        parts = (visit.id, visit.name, visit.stamp, visit.since, self._clock())
        return self._vault.seal(json.dumps((_MARK, *parts)))

    def read(self, cookie: str | None) -> Visit | None:
        """The session of a cookie; None if there is none, or it is over or not ours."""
        if not cookie:
            return None
        try:
            mark, *parts = json.loads(self._vault.unseal(cookie))
            visit = Visit(*parts)
        except (Unreadable, ValueError, TypeError):
            return None
        now = self._clock()
        over = now - visit.since > LONGEST or now - visit.seen > IDLE
        return None if mark != _MARK or over or visit.id in self._ended else visit

    def end(self, visit: Visit) -> None:
        """Sign out: copies of the cookie are worth nothing from now on."""
        now = self._clock()
        self._ended = {key: at for key, at in self._ended.items() if now - at <= LONGEST}
        self._ended[visit.id] = now

    def token(self, visit: Visit) -> str:
        """What forms of this session must carry."""
        return self._vault.digest("staff form", visit.id)

    def holds(self, visit: Visit, token: str) -> bool:
        """Whether a form's token is of this session."""
        return hmac.compare_digest(self.token(visit).encode(), token.encode("utf-8", "replace"))

    def _stamp(self, name: str, account: str) -> str:
        return self._vault.digest("staff stamp", f"{name}\0{account}")
