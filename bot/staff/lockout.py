"""Wrong passwords make whoever sends them wait longer and longer. Counted in this process."""

import ipaddress
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

FREE = 5
"""Wrong passwords before the first wait."""
FIRST, LONGEST, FORGOTTEN = 30, 900, 3600
"""Seconds: the first wait (then twice as long each time), the longest one, silence that mends."""
KEPT = 10_000


@dataclass
class _Tries:
    count: int
    last: float
    until: float


class Lockout:
    """Counts by name and by address. Never switched off, not even for load tests."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tries: dict[tuple[str, str], _Tries] = {}

    def attempt(self, name: str, address: str) -> int:
        """0 if a password may be tried now, else the seconds to wait.

        The try counts as wrong until `succeeded`: a hundred at once must not pass together.
        """
        now, keys = self._clock(), _keys(name, address)
        known = [self._tries[key] for key in keys if key in self._tries]
        wait = max((tries.until - now for tries in known), default=0)
        if wait > 0:
            return math.ceil(wait)
        for key in keys:
            before = self._tries.pop(key, None)
            count = 1 if before is None or now - before.last > FORGOTTEN else before.count + 1
            pause = min(FIRST * 2 ** min(count - FREE, 10), LONGEST) if count >= FREE else 0
            self._tries[key] = _Tries(count, now, now + pause)
        while len(self._tries) > KEPT:
            del self._tries[next(iter(self._tries))]
        return 0

    def succeeded(self, name: str, address: str) -> None:
        """The last try was right: the name starts anew, the address gets this one back."""
        by_name, by_address = _keys(name, address)
        self._tries.pop(by_name, None)
        if tries := self._tries.get(by_address):
            tries.count, tries.until = tries.count - 1, 0


def _keys(name: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("name", name[:100]), ("address", _network(address))


def _network(address: str) -> str:
    """IPv6 by its /64, which one household has for itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
