"""Typed keys of what the web application carries."""

from aiohttp import web

from bot.chat.limiter import Limiter
from bot.chat.rasa import Rasa
from bot.chat.sessions import Sessions
from bot.chat.turns import Turns
from bot.content.store import ContentStore
from bot.settings import Settings

SETTINGS = web.AppKey("settings", Settings)
CONTENT = web.AppKey("content", ContentStore)
SESSIONS = web.AppKey("sessions", Sessions)
RASA = web.AppKey("rasa", Rasa)
LIMITER = web.AppKey("limiter", Limiter)
TURNS = web.AppKey("turns", Turns)
