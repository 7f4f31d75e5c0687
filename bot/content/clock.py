"""The one place that reads the clock."""

from datetime import datetime
from zoneinfo import ZoneInfo

from bot.settings import settings

STOCKHOLM = ZoneInfo("Europe/Stockholm")


def now() -> datetime:
    """The time in Europe/Stockholm, or the frozen time of the setting `now`."""
    frozen = settings().now
    if frozen is None:
        return datetime.now(STOCKHOLM)
    if frozen.tzinfo is None:
        return frozen.replace(tzinfo=STOCKHOLM)
    return frozen.astimezone(STOCKHOLM)
