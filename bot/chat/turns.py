"""One turn: what the resident says goes in, answers come out, whatever is broken behind us."""

import asyncio
import contextlib
import json
import re
import time
import uuid
import weakref
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import structlog
from prometheus_client import Counter, Histogram

from bot.chat.guard import clean
from bot.chat.language import spoken
from bot.chat.messages import MessageOut, Offer, Reply, offer, replies, reply
from bot.chat.problems import Problem
from bot.chat.rasa import Rasa, RasaAway
from bot.chat.sessions import Session, Sessions
from bot.content.answers import (
    MAX_CHOICES,
    Answer,
    Option,
    TemplateError,
    entry_answer,
    entry_option,
    phrase_answer,
)
from bot.content.clock import now
from bot.content.load import Content
from bot.content.store import ContentStore
from bot.nlu.emergency import guard
from bot.settings import Settings
from bot.store.vault import Unreadable, Vault
from bot.transcripts.erasure import Erasure, Held
from bot.transcripts.measures import Measures, Took
from bot.transcripts.redaction import CONTACT, SENSITIVE, redact

log = structlog.get_logger("turns")
TURNS = Counter("kontakt_turns_total", "Turns by outcome", ["outcome"])
SECONDS = Histogram(
    "kontakt_turn_seconds",
    "Time of a turn from request to answer",
    buckets=(0.01, 0.02, 0.04, 0.06, 0.1, 0.2, 0.5, 1, 2, 5),
)
ALARM_ENTRY = {"self_harm": "psykisk-kris", "home_violence": "vald-i-nara-relation"}


class Turns:
    """Takes turns in all conversations, one at a time in each."""

    def __init__(
        self,
        conf: Settings,
        store: ContentStore,
        sessions: Sessions,
        rasa: Rasa,
        vault: Vault,
        erasure: Erasure,
    ) -> None:
        self._conf, self._store, self._sessions, self._rasa = conf, store, sessions, rasa
        self._vault, self._erasure = vault, erasure
        self._measures = Measures(sessions.engine)
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def welcome(self, session: Session, context: str | None = None) -> list[MessageOut]:
        """The first message of a conversation.

        `context` is what the page around the chat is about: it changes what is suggested.
        """
        said = phrase_answer(self._store.content, "welcome", now(), session.language)
        near = nearby(self._store.content, context or "", session.language)
        greeting = replace(said, options=near) if near else said
        return await self._sessions.said(session, [reply(greeting)], None)

    def notice(self, lang: str) -> str:
        """What is said about machines and data, "" where nobody has written it in a language."""
        phrases = self._store.content.phrases.get(lang)
        phrase = phrases.phrases.get("notice") if phrases else None
        return phrase.text if phrase else ""

    def language(self, wanted: str) -> str:
        """A language that can be answered in: the wanted one, else Swedish."""
        return wanted if wanted in self._store.content.phrases else "sv"

    async def text(
        self, session: Session, text: str, client_id: str | None = None
    ) -> list[MessageOut]:
        """A typed message."""
        if len(text) > self._conf.max_text:
            return await self._aside(session, "too_long", client_id, max=str(self._conf.max_text))
        cleaned = clean(text)
        if not cleaned:
            return await self._aside(session, "empty", client_id)
        lang = spoken(cleaned, session.language, frozenset(self._store.content.phrases))
        public = public_numbers(self._store.content)
        shown, kinds = redact(cleaned, public)
        # a form needs the addresses; who is written down nowhere else must not be here either
        whole = redact(cleaned, public, keep=CONTACT)[0]
        sealed = self._vault.seal(whole) if whole != shown else None
        first = [self._phrase("private")] if lang == "sv" and kinds & SENSITIVE else []
        sent = titled(self._store.content, shown) or shown
        return await self._turn(session, shown, sent, client_id, first, lang, sealed)

    async def choice(
        self, session: Session, choice_id: str, client_id: str | None = None
    ) -> list[MessageOut]:
        """A button, by the id it was offered with."""
        chosen = await self._sessions.choice(session, choice_id)
        if chosen is None:
            return await self._aside(session, "choice_gone", client_id)
        return await self._pressed(session, chosen, client_id)

    async def topic(
        self, session: Session, entry_id: str, client_id: str | None = None
    ) -> list[MessageOut]:
        """The question of an entry, asked by the page around the chat.

        Raises Problem 404 if there is no such entry.
        """
        if entry_id not in self._store.content.entries:
            raise Problem(404, "Det ämnet finns inte.", "No such topic.")
        option = titled_option(self._store.content, entry_id, session.language)
        return await self._pressed(session, offer(option), client_id)

    async def webhook(self, session: Session, message: str) -> list[MessageOut]:
        """A message of Rasa's REST shape: the id of an offered button, or text."""
        chosen = None
        if len(message) <= 24:  # cleaned: a lone surrogate can't be looked up
            chosen = await self._sessions.choice(session, clean(message))
        if chosen is not None:
            return await self._pressed(session, chosen, None)
        return await self.text(session, message)

    async def feedback(
        self, session: Session, message: str, helpful: bool, comment: str | None
    ) -> bool:
        """Keep what somebody thinks of an answer; False if it isn't one of this conversation."""
        kept = self.storable(comment or "") or None
        if not await self._sessions.feedback(session, message, helpful, kept):
            return False
        await self._measures.rated(session.conversation, message, helpful, kept)
        return True

    async def erase(self, session: Session) -> None:
        """Erase a conversation after the turn that is under way, so that nothing comes after."""
        async with self._lock(session):
            with contextlib.suppress(Held):  # staff's copy stays; the resident's goes all the same
                await self._erasure.conversation(session.conversation)
            await self._sessions.erase(session)

    def storable(self, text: str) -> str:
        """A text as it may be stored: cleaned and redacted."""
        return redact(clean(text), public_numbers(self._store.content))[0]

    def _lock(self, session: Session) -> asyncio.Lock:
        return self._locks.setdefault(session.id, asyncio.Lock())

    async def _pressed(
        self, session: Session, chosen: Offer, client_id: str | None
    ) -> list[MessageOut]:
        return await self._turn(
            session, chosen.title, chosen.payload, client_id, [], session.language, pressed=True
        )

    async def _aside(
        self, session: Session, phrase: str, client_id: str | None, **values: str
    ) -> list[MessageOut]:
        """An answer to something that isn't part of the conversation."""
        TURNS.labels(phrase).inc()
        async with self._lock(session):
            if client_id is not None:
                answered = await self._sessions.answered(session, client_id)
                if answered:
                    return answered
            return await self._sessions.said(session, [self._phrase(phrase, **values)], client_id)

    async def _turn(
        self,
        session: Session,
        shown: str,
        sent: str,
        client_id: str | None,
        first: list[Reply],
        lang: str,
        sealed: str | None = None,
        pressed: bool = False,
    ) -> list[MessageOut]:
        async with self._lock(session):
            answered = await self._sessions.heard(session, shown, client_id, lang)
            if answered:
                return answered
            turn, at, begun = str(uuid.uuid4()), datetime.now(UTC), time.perf_counter()
            about = {"turn": turn, "at": at.timestamp(), "pressed": pressed}
            if sent != shown:
                about["shown"] = shown
            with SECONDS.time():
                answers, degraded = await self._ask(session, sent, lang, sealed, about)
            said = await self._sessions.said(session, [*first, *answers], client_id, turn=True)
            await self._measures.took(
                Took(
                    turn,
                    session.conversation,
                    at,
                    round((time.perf_counter() - begun) * 1000),
                    lang,
                    tuple(reply.id for reply in answers),
                    (shown, "\n\n".join(reply.text for reply in answers)) if degraded else None,
                )
            )
            return said

    async def _ask(
        self, session: Session, sent: str, lang: str, sealed: str | None, about: dict[str, Any]
    ) -> tuple[list[Reply], bool]:
        """The answers, and whether they were given without Rasa."""
        try:
            full = session.turns and session.turns % self._conf.rasa_session_turns == 0
            if full and not session.in_form:  # a new session would forget the form
                await self._rasa.new_session(session.conversation)
            said = await self._rasa.say(session.conversation, sent, lang, sealed, **about)
            answers = replies(said, self._vault.unseal)
            if not answers:
                raise RasaAway("nothing to show")
        except (RasaAway, Unreadable) as error:
            log.error("degraded", reason=str(error) or type(error).__name__)
            TURNS.labels("degraded").inc()
            return self._degraded(sent, lang), True
        TURNS.labels("answered").inc()
        return answers, False

    def _degraded(self, sent: str, lang: str) -> list[Reply]:
        """Without Rasa: emergencies and pressed buttons as usual, else the contact details."""
        content, moment = self._store.content, now()
        try:
            pressed = re.fullmatch(r"/faq(\{.*\})", sent)
            if pressed:
                wanted = json.loads(pressed.group(1))
                part = wanted.get("part", "")
                return [reply(entry_answer(content, wanted["entry"], moment, part, lang))]
            alarm = guard().alarm(sent)
            if alarm == "emergency":
                return [self._phrase("emergency", lang), self._phrase("degraded", lang)]
            if alarm:
                return [reply(entry_answer(content, ALARM_ENTRY[alarm], moment, lang=lang))]
        except (KeyError, TemplateError, ValueError):
            pass  # the entry is gone or broken; the contact details are not
        return [self._phrase("degraded", lang)]

    def _phrase(self, key: str, lang: str = "sv", **values: str) -> Reply:
        answer: Answer = phrase_answer(self._store.content, key, now(), lang, **values)
        return reply(answer)


def titled_option(content: Content, entry_id: str, lang: str) -> Option:
    """A button that asks an entry's question, in another language if it is translated."""
    option = entry_option(content, entry_id)
    translated = content.translations.get((lang, entry_id))
    return replace(option, title=translated.title) if translated else option


def nearby(content: Content, context: str, lang: str) -> tuple[Option, ...]:
    """What to suggest on a page about a topic, or about an entry and what is related to it."""
    entry = content.entries.get(context)
    if entry:
        found = [context, *entry.related]
    else:
        found = [one.id for one in content.entries.values() if one.topic == context]
        found.sort(key=lambda one: one != context)
    if lang != "sv":
        found = [one for one in found if (lang, one) in content.translations]
    return tuple(titled_option(content, one, lang) for one in found[:MAX_CHOICES])


def titled(content: Content, text: str) -> str | None:
    """The payload behind a title that is typed word for word; None if the text is no title.

    It is what the chat page sends for a button of a conversation that has ended, and it finds a
    new entry that nobody has trained phrases for. A link from a page to a form works the same way.
    """
    wanted = _bare(text)
    for choice in content.phrases["sv"].choices.values():
        if choice.intent and choice.intent.startswith("faq{") and _bare(choice.title) == wanted:
            return f"/{choice.intent}"
    for entry in content.entries.values():
        if _bare(entry.title) == wanted:
            return entry_option(content, entry.id).payload
    return None


def _bare(text: str) -> str:
    return re.sub(r"\W+", " ", text.casefold()).strip()


def public_numbers(content: Content) -> frozenset[str]:
    """Numbers that are no personal data, as digits only: the city's and the helplines'."""
    shown = [content.kontaktcenter.phone.display, *(n.phone for n in content.safety.values())]
    return frozenset(re.sub(r"\D", "", number) for number in shown)
