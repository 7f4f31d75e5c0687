"""Typed keys of what the web application carries."""

import asyncio

import jinja2
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.chat.limiter import Limiter
from bot.chat.rasa import Rasa
from bot.chat.sessions import Sessions
from bot.chat.turns import Turns
from bot.content.store import ContentStore
from bot.participation.delivery import Delivery
from bot.participation.registry import Registry
from bot.settings import Settings
from bot.site.assets import Assets
from bot.site.search import Search
from bot.staff.lockout import Lockout
from bot.staff.provider import Provider
from bot.staff.sessions import Visits
from bot.store.audit import Watch
from bot.store.vault import Vault
from bot.transcripts.erasure import Erasure
from bot.transcripts.ingest import Ingest
from bot.transcripts.retention import Retention
from bot.transcripts.statistics import Recent
from bot.transcripts.training import Trainer

SETTINGS = web.AppKey("settings", Settings)
CONTENT = web.AppKey("content", ContentStore)
SESSIONS = web.AppKey("sessions", Sessions)
RASA = web.AppKey("rasa", Rasa)
LIMITER = web.AppKey("limiter", Limiter)
TURNS = web.AppKey("turns", Turns)
DATABASE = web.AppKey("database", AsyncEngine)
VAULT = web.AppKey("vault", Vault)
REGISTRY = web.AppKey("registry", Registry)
VISITS = web.AppKey("visits", Visits)
LOCKOUT = web.AppKey("lockout", Lockout)
SEARCH = web.AppKey("search", Search)
ASSETS = web.AppKey("assets", Assets)
EDITING = web.AppKey("editing", asyncio.Lock)
STAFF_PAGES = web.AppKey("staff_pages", jinja2.Environment)
DELIVERY = web.AppKey("delivery", Delivery)
AUDIT_WATCH = web.AppKey("audit_watch", Watch)
PROVIDER = web.AppKey("provider", Provider)
INGEST = web.AppKey("ingest", Ingest)
ERASURE = web.AppKey("erasure", Erasure)
RETENTION = web.AppKey("retention", Retention)
FIGURES = web.AppKey("figures", Recent)
TRAINER = web.AppKey("trainer", Trainer)
