"""Rate limits: messages per conversation, new conversations per address."""

import math
import time

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from bot.chat.problems import Problem
from bot.settings import Settings


class Limiter:
    """Counts in this process. Raises Problem 429 with Retry-After when a limit is passed."""

    def __init__(self, conf: Settings) -> None:
        self._on = conf.limits == "on"
        self._messages = parse(conf.limit_messages)
        self._sessions = parse(conf.limit_sessions)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def message(self, session: str) -> None:
        """One more message in a conversation."""
        await self._hit(
            self._messages,
            session,
            "Du skriver lite för snabbt för mig. Vänta {seconds} sekunder och försök igen.",
            "Too many messages. Wait {seconds} seconds and try again.",
        )

    async def session(self, address: str) -> None:
        """One more conversation from an address."""
        await self._hit(
            self._sessions,
            address,
            "Många samtal har startats härifrån. Vänta {seconds} sekunder och försök igen.",
            "Too many new sessions from here. Wait {seconds} seconds and try again.",
        )

    async def _hit(self, item: RateLimitItem, key: str, detail: str, detail_en: str) -> None:
        if not self._on or await self._limiter.hit(item, key):
            return
        window = await self._limiter.get_window_stats(item, key)
        seconds = max(1, math.ceil(window.reset_time - time.time()))
        raise Problem(
            429,
            detail.format(seconds=seconds),
            detail_en.format(seconds=seconds),
            {"Retry-After": str(seconds)},
        )
