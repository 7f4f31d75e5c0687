"""Every URL of the staff pages on one screen."""

import asyncio
from pathlib import Path

import aiohttp_jinja2
import jinja2
from aiohttp import web

from bot.keys import (
    AUDIT_WATCH,
    DATABASE,
    EDITING,
    FIGURES,
    LOCKOUT,
    PROVIDER,
    SETTINGS,
    STAFF_PAGES,
    VAULT,
    VISITS,
)
from bot.participation.facts import shown_phone
from bot.participation.registry import utc
from bot.staff import (
    cases,
    content,
    figures,
    log,
    mending,
    own_account,
    people,
    retaining,
    reviewing,
    signing,
    single_sign_on,
    talk_titles,
    titles,
    views,
)
from bot.staff.accounts import ADMIN, EDITOR
from bot.staff.door import reading, writing
from bot.staff.lockout import Lockout
from bot.staff.provider import Provider
from bot.staff.sessions import PATH, Visits
from bot.store.audit import Watch
from bot.transcripts.statistics import Recent
from bot.version import version

HERE = Path(__file__).parent
CASE = f"{PATH}/intresse/{{reference}}"
ROUTES = [
    web.static(f"{PATH}/static", HERE / "static"),
    web.get(f"{PATH}/logga-in", signing.form, allow_head=False),
    web.post(f"{PATH}/logga-in", signing.sign_in),
    web.post(f"{PATH}/logga-in/kod", signing.code),
    web.post(f"{PATH}/logga-ut", writing(signing.sign_out)),
    web.get(f"{PATH}/intresse", reading(views.overview), allow_head=False),
    web.post(f"{PATH}/intresse/utskick/{{number:\\d{{1,9}}}}", writing(views.again, ADMIN)),
    web.get(f"{PATH}/intresse.csv", reading(views.export, EDITOR), allow_head=False),
    web.get(CASE, reading(views.case), allow_head=False),
    web.post(f"{CASE}/status", writing(views.status, EDITOR)),
    web.post(f"{CASE}/tilldela", writing(views.assign, EDITOR)),
    web.post(f"{CASE}/anteckning", writing(views.note, EDITOR)),
    web.get(f"{CASE}/radera", reading(views.ask_erase, ADMIN), allow_head=False),
    web.post(f"{CASE}/radera", writing(views.erase, ADMIN)),
    *single_sign_on.ROUTES,
    *own_account.ROUTES,
    *people.ROUTES,
    *log.ROUTES,
    *retaining.ROUTES,
    *reviewing.ROUTES,
    *mending.ROUTES,
    web.get(PATH, reading(views.start), allow_head=False),
    web.get(f"{PATH}/", reading(views.start), allow_head=False),
    *figures.ROUTES,
    *content.ROUTES,
    # last, so that nobody learns which addresses there are without signing in
    web.route("*", PATH + "/{rest:.*}", reading(views.nothing)),
]


def setup(app: web.Application) -> None:
    """Add the staff pages. The application has VAULT, REGISTRY, DATABASE, CONTENT, SETTINGS."""
    app[VISITS], app[LOCKOUT], app[EDITING] = Visits(app[VAULT]), Lockout(), asyncio.Lock()
    app[AUDIT_WATCH], app[PROVIDER] = Watch(app[DATABASE]), Provider(app[SETTINGS])
    app[FIGURES] = Recent()
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
    pages.globals.update(talk_titles=talk_titles)
    pages.filters.update(talk_flag=talk_titles.flag)
    pages.filters.update(language_title=titles.language)
    app.add_routes(ROUTES)
