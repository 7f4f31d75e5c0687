"""The chat API: one function a route."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import Coroutine
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from bot.chat.messages import (
    FeedbackIn,
    MessageIn,
    MessageOut,
    MessagesOut,
    SessionIn,
    SessionOut,
    WebhookIn,
)
from bot.chat.problems import Problem
from bot.chat.sessions import Session, SessionGone, session_key
from bot.chat.status import situation
from bot.content.clock import STOCKHOLM, now
from bot.keys import CONTENT, ERASURE, LIMITER, RASA, SESSIONS, SETTINGS, TURNS
from bot.transcripts.erasure import Held
from bot.version import version_info

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


async def open_session(request: web.Request) -> web.Response:
    """POST /api/chat/sessions."""
    await request.app[LIMITER].session(address(request))
    token = secrets.token_urlsafe(32)
    turns = request.app[TURNS]
    body = await read(request, SessionIn) if request.body_exists else SessionIn()
    key, language = session_key("chat", token), turns.language(body.lang)
    session = await request.app[SESSIONS].open(key, language)
    messages = await turns.welcome(session, body.context)
    notice = turns.notice(session.language)
    how = situation(request.app[CONTENT].content, now(), session.language)
    return _json(SessionOut(session=token, messages=messages, notice=notice, status=how), 201)


async def get_status(request: web.Request) -> web.Response:
    """GET /api/chat/status?lang=."""
    lang = request.app[TURNS].language(request.query.get("lang", "sv"))
    return _json(situation(request.app[CONTENT].content, now(), lang))


async def post_message(request: web.Request) -> web.Response:
    """POST /api/chat/messages."""
    session = await current(request)
    body = await read(request, MessageIn)
    await request.app[LIMITER].message(session.id)
    turns = request.app[TURNS]
    if body.choice is not None:
        work = turns.choice(session, body.choice, body.client_id)
    elif body.topic is not None:
        work = turns.topic(session, body.topic, body.client_id)
    else:
        work = turns.text(session, body.text or "", body.client_id)
    return _json(MessagesOut(messages=await unbroken(work)))


async def get_messages(request: web.Request) -> web.Response:
    """GET /api/chat/messages."""
    session = await current(request)
    return _json(MessagesOut(messages=await request.app[SESSIONS].history(session)))


async def get_transcript(request: web.Request) -> web.Response:
    """GET /api/chat/transcript: the conversation as a text file."""
    return await transcript(request, await current(request))


async def transcript(request: web.Request, session: Session) -> web.Response:
    """A conversation as a text file to save."""
    lines = [_transcript(message) for message in await request.app[SESSIONS].history(session)]
    return web.Response(
        text="\n\n".join(lines) + "\n",
        content_type="text/plain",
        charset="utf-8",
        headers={"Content-Disposition": 'attachment; filename="samtal.txt"'},
    )


async def post_feedback(request: web.Request) -> web.Response:
    """POST /api/chat/feedback."""
    session = await current(request)
    body = await read(request, FeedbackIn)
    await request.app[LIMITER].message(session.id)
    turns = request.app[TURNS]
    if not await turns.feedback(session, body.message, body.helpful, body.comment):
        raise Problem(404, "Det svaret finns inte i samtalet.", "No such answer in this session.")
    return web.Response(status=204)


async def delete_session(request: web.Request) -> web.Response:
    """DELETE /api/chat/session."""
    key = _key(request)
    session = await request.app[SESSIONS].find(key) if key else None
    if session is not None:
        await request.app[TURNS].erase(session)
        return web.Response(status=204)
    # the resident's copy goes after a day, the staff's later; the token reaches that one too
    try:
        if key and await request.app[ERASURE].session(key):
            return web.Response(status=204)
    except Held:
        raise Problem(
            409,
            "Samtalet får inte raderas just nu. Kontakta kontaktcenter om du vill veta varför.",
            "The conversation must not be erased at present. Ask the contact centre why.",
        ) from None
    raise _ended()


async def webhook(request: web.Request) -> web.Response:
    """POST /webhooks/rest/webhook: Rasa's REST shape, with the same limits and guards."""
    body = await read(request, WebhookIn)
    sessions = request.app[SESSIONS]
    key = session_key("rest", body.sender)
    session = await sessions.find(key)
    if session is None:
        await request.app[LIMITER].session(address(request))
        session = await sessions.open(key)
    await request.app[LIMITER].message(session.id)
    messages = await unbroken(request.app[TURNS].webhook(session, body.message))
    return web.json_response(
        [_rasa_shape(body.sender, message) for message in messages], dumps=_dumps
    )


async def healthz(request: web.Request) -> web.Response:
    """GET /healthz: this process lives."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """GET /readyz: all parts are there; 503 says which isn't."""
    rasa = await request.app[RASA].ready()
    faults = [str(fault) for fault in request.app[CONTENT].faults]
    body = {"status": "ok" if rasa else "degraded", "rasa": rasa, "content_faults": faults}
    return web.json_response(body, status=200 if rasa else 503, dumps=_dumps)


async def version(request: web.Request) -> web.Response:
    """GET /version."""
    return web.json_response(version_info())


async def current(request: web.Request) -> Session:
    """The conversation of the bearer token. Raises Problem 401."""
    key = _key(request)
    session = await request.app[SESSIONS].find(key) if key else None
    if session is None:
        raise _ended()
    return session


def _key(request: web.Request) -> str | None:
    """The database key of the bearer token; None without one."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return session_key("chat", token.strip()) if kind.lower() == "bearer" and token else None


async def read(request: web.Request, kind: type[M]) -> M:
    """The JSON body as a model. Raises Problem 400, 413 or 422, never with the user's text."""
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        limit = request.app[SETTINGS].max_body
        raise Problem(
            413, f"Anropet får vara högst {limit} byte.", f"At most {limit} bytes."
        ) from None
    except web.RequestPayloadError:  # a broken Content-Encoding or chunk
        raise Problem(400, "Anropet gick inte att packa upp.", "Broken body encoding.") from None
    try:
        data: Any = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Problem(
            400, "Anropet måste vara JSON i UTF-8.", "The body must be JSON in UTF-8."
        ) from None
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, e["loc"])) or "body" for e in error.errors())
        raise Problem(422, f"Det här stämmer inte: {fields}.", f"Not valid: {fields}.") from None


def address(request: web.Request) -> str:
    """Who calls, for the limits only; never stored or logged."""
    if request.app[SETTINGS].behind_proxy:
        forwarded = request.headers.get("X-Forwarded-For", "").rsplit(",", 1)[-1].strip()
        if forwarded:
            return forwarded
    return request.remote or "unknown"


async def unbroken(work: Coroutine[Any, Any, T]) -> T:
    """Finish a turn even if the resident's connection breaks, so that a retry finds its answer.

    Raises Problem 401 if the conversation was erased before its turn came.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except SessionGone:
        raise _ended() from None
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):
            await task
        raise


def _ended() -> Problem:
    return Problem(
        401,
        "Samtalet finns inte längre. Börja ett nytt.",
        "Unknown or ended session. Start a new one.",
        {"WWW-Authenticate": "Bearer"},
    )


def _rasa_shape(sender: str, message: MessageOut) -> dict[str, Any]:
    shape: dict[str, Any] = {"recipient_id": sender, "text": message.text}
    if message.choices:
        shape["buttons"] = [{"title": c.title, "payload": c.id} for c in message.choices]
    if message.sources:
        shape["custom"] = {
            "topic": message.topic,
            "sources": [s.model_dump(mode="json") for s in message.sources],
        }
    return shape


def _transcript(message: MessageOut) -> str:
    who = "Du" if message.role == "user" else "Assistenten"
    lines = [f"{who}, {message.at.astimezone(STOCKHOLM):%Y-%m-%d %H.%M}:", message.text]
    lines += [f"Källa: {source.title}, {source.url}" for source in message.sources]
    return "\n".join(lines)


def _dumps(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False)


def _json(model: BaseModel, status: int = 200) -> web.Response:
    return web.Response(
        body=model.model_dump_json().encode(), status=status, content_type="application/json"
    )
