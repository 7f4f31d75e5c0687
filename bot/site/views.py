"""Pages for residents."""

import aiohttp_jinja2
from aiohttp import web

from bot.content.answers import facts
from bot.content.clock import now
from bot.keys import CONTENT
from bot.version import version


@aiohttp_jinja2.template("chat.html")
async def chat(request: web.Request) -> dict[str, object]:
    """GET /: the chat page."""
    return {**facts(request.app[CONTENT].content, now()), "version": version()}
