"""Logs as JSON lines without a word of what users write."""

import logging
import sys
import traceback
import warnings
from typing import Any

import structlog


class _TypeOnly(logging.Formatter):
    """Libraries' log lines with an exception's type and place: its message may hold user text."""

    def formatException(self, ei: Any) -> str:
        kind, _, trace = ei
        last = traceback.extract_tb(trace)[-1:]
        return getattr(kind, "__name__", "") + "".join(f" {f.filename}:{f.lineno}" for f in last)


def configure(service: str) -> None:
    """Log to standard error as JSON lines marked with the service's name.

    Only event names and measured values are logged; no call site passes a user's text.
    """
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_TypeOnly("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    # aiohttp answers a request it can't parse with 400, and logs the address and what was sent
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
