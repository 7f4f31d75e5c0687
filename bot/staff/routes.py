"""Every URL of the staff pages on one screen."""

import asyncio
from pathlib import Path

import aiohttp_jinja2
import jinja2
from aiohttp import web

from bot.keys import EDITING, LOCKOUT, STAFF_PAGES, VAULT, VISITS
from bot.participation.facts import shown_phone
from bot.participation.registry import utc
from bot.staff import cases, signing, titles, views
from bot.staff.door import reading, writing
from bot.staff.lockout import Lockout
from bot.staff.sessions import PATH, Visits
from bot.version import version

HERE = Path(__file__).parent
CASE = f"{PATH}/intresse/{{reference}}"
ROUTES = [
    web.static(f"{PATH}/static", HERE / "static"),
    web.get(f"{PATH}/logga-in", signing.form, allow_head=False),
    web.post(f"{PATH}/logga-in", signing.sign_in),
    web.post(f"{PATH}/logga-ut", writing(signing.sign_out)),
    web.get(f"{PATH}/intresse", reading(views.overview), allow_head=False),
    web.post(f"{PATH}/intresse/utskick/{{number:\\d{{1,9}}}}", writing(views.again)),
    web.get(f"{PATH}/intresse.csv", reading(views.export), allow_head=False),
    web.get(CASE, reading(views.case), allow_head=False),
    web.post(f"{CASE}/status", writing(views.status)),
    web.post(f"{CASE}/tilldela", writing(views.assign)),
    web.post(f"{CASE}/anteckning", writing(views.note)),
    web.get(f"{CASE}/radera", reading(views.ask_erase), allow_head=False),
    web.post(f"{CASE}/radera", writing(views.erase)),
    web.get(PATH, reading(views.start), allow_head=False),
    web.get(f"{PATH}/", reading(views.start), allow_head=False),
    # last, so that nobody learns which addresses there are without signing in
    web.route("*", PATH + "/{rest:.*}", reading(views.nothing)),
]


def setup(app: web.Application) -> None:
    """Add the staff pages. The application has VAULT, REGISTRY, DATABASE, CONTENT, SETTINGS."""
    app[VISITS], app[LOCKOUT], app[EDITING] = Visits(app[VAULT]), Lockout(), asyncio.Lock()
    pages = aiohttp_jinja2.setup(
        app,
        app_key=STAFF_PAGES,
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.globals.update(
        version=version(), titles=titles, age=cases.age, utc=utc, shown_phone=shown_phone
    )
    pages.filters.update(flag_title=titles.flag, concern_title=titles.concern)
    app.add_routes(ROUTES)
