"""The chat for browsers without JavaScript: forms, and a cookie that ends with the browser."""

import hashlib
import secrets
from collections.abc import Sequence

from aiohttp import web
from markupsafe import Markup

from bot.chat.messages import LONGEST_COMMENT, MessageOut
from bot.chat.problems import Problem
from bot.chat.sessions import Session, session_key
from bot.chat.views import address, transcript, unbroken
from bot.content.answers import phrase_answer
from bot.content.clock import now
from bot.headers import behind_tls
from bot.keys import LIMITER, SESSIONS, SETTINGS, TURNS
from bot.site.views import answer, content_of, grouped, markup
from bot.staff.door import Form, Refusal, own_origin, read

PATH = "/chatt"
COOKIE = "kontakt_chatt"


async def show(request: web.Request) -> web.Response:
    """GET /chatt: the conversation so far, or a greeting."""
    session = await _current(request)
    history = await request.app[SESSIONS].history(session) if session else []
    return await _page(request, session, history)


async def say(request: web.Request) -> web.Response:
    """POST /chatt: `text`, or the id of a `choice`, as in the API."""
    form = await _form(request)
    session, token = await _current(request), ""
    if session is None:
        await request.app[LIMITER].session(address(request))
        token = secrets.token_urlsafe(32)
        session = await request.app[SESSIONS].open(session_key("chat", token))
        await request.app[TURNS].welcome(session)
    await request.app[LIMITER].message(session.id)
    turns, said, choice = request.app[TURNS], form.get("text", ""), form.get("choice")
    # the same form sent twice is one message; other words from a page gone back to are not
    what = "\0".join((form.get("once", ""), said, choice or ""))
    once = hashlib.sha256(what.encode("utf-8", "replace")).hexdigest()
    if choice is not None:
        work = turns.choice(session, choice[:64], once)
    else:
        work = turns.text(session, said, once)
    answers = {message.id: message for message in await unbroken(work)}
    history = await request.app[SESSIONS].history(session)
    shown = [answers.get(message.id, message) for message in history]
    # what a business has told about itself is kept nowhere else, so it must be shown now
    response = _away("#senast") if shown == history else await _page(request, session, shown)
    if token:
        response.set_cookie(
            COOKIE, token, path=PATH, httponly=True, samesite="Strict",
            secure=behind_tls(request, request.app[SETTINGS]),
        )  # fmt: skip
    return response


async def rate(request: web.Request) -> web.Response:
    """POST /chatt/betyg: whether an answer helped, and perhaps a line about it, as in the API."""
    form = await _form(request)
    session = await _current(request)
    if session is None:
        return _away("")
    await request.app[LIMITER].message(session.id)
    message, helpful = form.get("message", "")[:64], form.get("helpful") == "ja"
    comment = request.app[TURNS].storable(form.get("comment", "")[:LONGEST_COMMENT]) or None
    if not await request.app[SESSIONS].feedback(session, message, helpful, comment):
        raise Problem(404, "Det svaret finns inte i samtalet.", "No such answer in this session.")
    return _away(f"#svar-{message}")


async def download(request: web.Request) -> web.Response:
    """GET /chatt/samtal.txt: the conversation as a text file; without one, the page."""
    session = await _current(request)
    if session is None:
        return _away("")
    response = await transcript(request, session)
    response.headers["Cache-Control"] = "no-store"
    return response


async def erase(request: web.Request) -> web.Response:
    """POST /chatt/radera: the conversation is gone at once."""
    await _form(request)
    session = await _current(request)
    if session is not None:
        await request.app[TURNS].erase(session)
    response = _away("?raderat=ja")
    response.del_cookie(COOKIE, path=PATH, httponly=True, samesite="Strict")
    return response


async def _form(request: web.Request) -> Form:
    """The form, if it comes from a page of ours. Raises Problem."""
    try:
        own_origin(request)
        return await read(request, request.app[SETTINGS].max_body)
    except Refusal as refusal:
        raise Problem(refusal.status, refusal.text, refusal.title) from None


async def _current(request: web.Request) -> Session | None:
    token = request.cookies.get(COOKIE)
    return await request.app[SESSIONS].find(session_key("chat", token)) if token else None


async def _page(
    request: web.Request, session: Session | None, history: Sequence[MessageOut]
) -> web.Response:
    content = content_of(request)
    greeting = None if history else phrase_answer(content, "welcome", now())
    last = next((m.id for m in reversed(history) if m.role == "user"), "")
    response = answer(
        request,
        "plain.html",
        messages=[(m, Markup(m.html), content.phrases[m.lang].direction) for m in history],
        last=last,
        ratings=await request.app[SESSIONS].ratings(session) if session else {},
        greeting=greeting,
        welcome=markup(greeting.text) if greeting else "",
        notice=content.phrases["sv"].phrases["notice"].text,
        once=secrets.token_urlsafe(12),
        erased="raderat" in request.query and not history,
        longest=grouped(request.app[SETTINGS].max_text),
        longest_comment=LONGEST_COMMENT,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _away(where: str) -> web.Response:
    return web.Response(status=303, headers={"Location": PATH + where})
