"""Every URL of the site on one screen."""

from pathlib import Path

from aiohttp import web

from bot.site import views

HERE = Path(__file__).parent
ROUTES = [
    web.get("/", views.chat),
    web.static("/static", HERE / "static"),
]
