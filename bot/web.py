"""The public web application, wired in one place."""

import asyncio
import errno
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp_jinja2
import jinja2
import structlog
from aiohttp import web

from bot.caching import thrifty
from bot.chat.limiter import Limiter
from bot.chat.problems import Problem, problem_response
from bot.chat.rasa import Rasa
from bot.chat.routes import ROUTES as CHAT_ROUTES
from bot.chat.sessions import Sessions
from bot.chat.turns import Turns
from bot.content.store import ContentStore
from bot.headers import is_preflight, preflight, protect
from bot.keys import (
    ASSETS,
    CONTENT,
    DATABASE,
    DELIVERY,
    ERASURE,
    INGEST,
    LIMITER,
    RASA,
    REGISTRY,
    RETENTION,
    SEARCH,
    SESSIONS,
    SETTINGS,
    STAFF_PAGES,
    TRAINER,
    TURNS,
    VAULT,
)
from bot.participation.delivery import Delivery
from bot.participation.registry import Registry
from bot.rasa_project import MODELS
from bot.settings import Settings
from bot.site.assets import Assets
from bot.site.routes import HERE as SITE
from bot.site.routes import ROUTES as SITE_ROUTES
from bot.site.search import Search
from bot.site.views import problem_page, wants_page
from bot.staff.routes import setup as add_staff_pages
from bot.store.database import engine, upgrade
from bot.store.vault import vault
from bot.transcripts.erasure import Erasure
from bot.transcripts.events import source
from bot.transcripts.ingest import Ingest
from bot.transcripts.known_models import KnownModels
from bot.transcripts.retention import Retention
from bot.transcripts.training import Trainer

log = structlog.get_logger("web")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CLEAN_EVERY = 600  # seconds between two looks for what is due to be erased


def application(conf: Settings) -> web.Application:
    """The application.

    Raises ContentError if the content can't be used at all, KeyProblem without a usable key.
    """
    app = web.Application(middlewares=[requests], client_max_size=conf.max_body)
    store = ContentStore(conf.content_dir)
    app[DATABASE], app[VAULT] = engine(conf.database), vault(conf)
    sessions = Sessions(app[DATABASE], conf.tracker_file)
    app[SETTINGS], app[CONTENT], app[SESSIONS] = conf, store, sessions
    app[REGISTRY] = Registry(app[DATABASE], app[VAULT])
    app[DELIVERY] = Delivery(conf, app[DATABASE], app[VAULT], store)
    events = source(conf)
    app[INGEST] = Ingest(app[DATABASE], events, store, KnownModels(MODELS))
    app[ERASURE] = Erasure(app[DATABASE], events)
    app[RETENTION] = Retention(conf, app[DATABASE], sessions, app[REGISTRY], events)
    app[SEARCH] = Search(store)
    app[LIMITER] = Limiter(conf)
    app[RASA] = Rasa(conf.rasa_base, conf.rasa_timeout, conf.rasa_token)
    app[TRAINER] = Trainer(
        conf,
        app[DATABASE],
        lambda: {name: entry.topic for name, entry in store.content.entries.items()},
        app[RASA].load,
    )
    app[TURNS] = Turns(conf, store, sessions, app[RASA], app[VAULT], app[ERASURE])
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(SITE / "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
    )
    add_staff_pages(app)
    app[ASSETS] = Assets(SITE / "static")
    for pages in (aiohttp_jinja2.APP_KEY, STAFF_PAGES):
        aiohttp_jinja2.get_env(app, app_key=pages).globals["asset"] = app[ASSETS].address
    app.add_routes([*CHAT_ROUTES, *SITE_ROUTES])  # last: the site's pages have any name
    app.cleanup_ctx.append(_services)
    return app


async def _services(app: web.Application) -> AsyncIterator[None]:
    conf, store, sessions = app[SETTINGS], app[CONTENT], app[SESSIONS]
    await upgrade(conf.database)
    rasa = app[RASA]
    rasa.open()
    store.start()
    await app[TRAINER].open()
    tasks = [
        asyncio.create_task(_clean(app[RETENTION])),
        asyncio.create_task(app[DELIVERY].run_forever()),
        asyncio.create_task(app[INGEST].run_forever()),
    ]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await app[TRAINER].close()
    store.stop()
    await rasa.close()
    await app[INGEST].close()
    await sessions.close()


async def _clean(retention: Retention) -> None:
    """Erase what is due, of every kind."""
    while True:
        try:
            erased = await retention.run()
            if any(erased.values()):
                log.info("erased", **erased)
        except Exception as error:
            log.error("erase_failed", error=type(error).__name__)
        await asyncio.sleep(CLEAN_EVERY)


@web.middleware
async def requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Request id, errors as problems, security headers and one log line without user text."""
    request_id, started = uuid.uuid4().hex[:16], time.perf_counter()
    conf = request.app[SETTINGS]
    try:
        response = preflight() if is_preflight(request, conf) else await handler(request)
    except Problem as problem:
        response = _refusal(request, problem, request_id)
    except web.HTTPException as error:
        response = _http_error(request, error, request_id)
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:  # /static/aaaa…
            response = _http_error(request, web.HTTPNotFound(), request_id)
        else:
            response = _failure(request, error, request_id)
    response.headers["X-Request-ID"] = request_id
    protect(request, response, conf)
    if request.path.startswith(("/api/", "/webhooks/")):
        response.headers["Cache-Control"] = "no-store"
    response = thrifty(request, response)
    route = request.match_info.route.resource
    log.info(
        "request",
        method=request.method,
        route=route.canonical if route else None,
        status=response.status,
        ms=round((time.perf_counter() - started) * 1000, 1),
        request_id=request_id,
    )
    return response


def _failure(request: web.Request, error: Exception, request_id: str) -> web.Response:
    # the type only: a message may hold what the user wrote
    log.error("failed", error=type(error).__name__, request_id=request_id, at=_where(error))
    problem = Problem(
        500,
        "Försök igen om en stund. Kontakta kontaktcenter om felet är kvar.",
        "Try again in a while.",
    )
    return _refusal(request, problem, request_id)


def _refusal(request: web.Request, problem: Problem, request_id: str) -> web.Response:
    """A page for people, JSON for programs."""
    if wants_page(request):
        return problem_page(request, problem)
    return problem_response(problem, request_id)


def _http_error(
    request: web.Request, error: web.HTTPException, request_id: str
) -> web.StreamResponse:
    if error.status < 400:
        return error
    problem = Problem(error.status, "Det gick inte att göra det du bad om.", error.reason)
    response = _refusal(request, problem, request_id)
    if allow := error.headers.get("Allow"):
        response.headers["Allow"] = allow
    return response


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else ""
