"""Messages of the chat API, and how an answer becomes one."""

import re
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal

import nh3
from markdown_it import MarkdownIt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.content.answers import Answer, Option

_markdown = MarkdownIt("commonmark", {"html": False, "breaks": False})
_TAGS = {"p", "ul", "ol", "li", "a", "strong", "em", "h3", "br"}
_TOGETHER = re.compile(
    # 0520-49 50 00, kl. 8.00, ring 112, i dag: a line never ends inside them. Not after a full
    # stop, nor where Markdown counts spaces: at the beginning of a line
    r"(?<=\d)[ ](?=\d)"
    r"|(?<=\bkl\.)[ ](?=\d)|(?<=\b[Rr]ing)[ ](?=\d)|(?<=\bcall)[ ](?=\d)"
    r"|(?<=\d)[ ](?=(?:tecken|timmar|månader|dagar|procent|kronor)\b)"
    r"|(?<=\b[Ii])[ ](?=(?:dag|morgon)\b)"
)
PAGE_TAGS = _TAGS | {"h2"}
LONGEST_COMMENT = 500


class ChoiceOut(BaseModel):
    """A button; send its id as `choice`."""

    id: str
    title: str


class SourceOut(BaseModel):
    """Where an answer comes from. `reviewed` is the page's own date, `read` when it was read."""

    title: str
    url: str
    reviewed: date | None
    read: date


class MessageOut(BaseModel):
    """One message of a conversation."""

    id: str
    role: Literal["assistant", "user"]
    text: str
    html: str
    choices: list[ChoiceOut] = []
    sources: list[SourceOut] = []
    topic: str | None = None
    lang: str = "sv"
    at: datetime


class MessagesOut(BaseModel):
    """Answers, or a whole conversation."""

    messages: list[MessageOut]


class SessionIn(BaseModel):
    """How a conversation begins; all of it may be left out."""

    context: str | None = Field(None, max_length=64)
    """What the page around the chat is about, a topic or an entry id of content/."""
    lang: str = Field("sv", max_length=8)
    """The page's language, two letters; Swedish where nothing is written in it."""


class CrisisOut(BaseModel):
    """What everybody must know now. `word` says how serious it is; `url` and `title` are a link."""

    severity: Literal["info", "warning", "danger"]
    word: str
    text: str
    lang: str
    url: str | None
    title: str | None


class StatusOut(BaseModel):
    """Whether kontaktcenter is open right now, the same in words, and what everybody must know."""

    open: bool
    opening: str
    crisis: CrisisOut | None


class SessionOut(MessagesOut):
    """A new conversation. `session` is the bearer token."""

    session: str
    notice: str
    status: StatusOut


class MessageIn(BaseModel):
    """What the resident says: `text`, the id of a `choice`, or an entry id as `topic`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str | None = None
    choice: str | None = Field(None, max_length=64)
    topic: str | None = Field(None, max_length=64)
    client_id: str | None = Field(None, min_length=1, max_length=64)

    @model_validator(mode="after")
    def _one(self) -> "MessageIn":
        if [self.text, self.choice, self.topic].count(None) != 2:
            raise ValueError("send one of text, choice and topic")
        return self


class FeedbackIn(BaseModel):
    """ "Hjälpte svaret?"."""

    model_config = ConfigDict(extra="forbid", strict=True)

    message: str = Field(max_length=64)
    helpful: bool
    comment: str | None = Field(None, max_length=LONGEST_COMMENT)


class SearchHitOut(BaseModel):
    """A page that answers, and the beginning of its text."""

    title: str
    url: str
    text: str
    lang: str


class SearchOut(BaseModel):
    """What a search finds, the best first."""

    results: list[SearchHitOut]


class WebhookIn(BaseModel):
    """Rasa's REST shape."""

    model_config = ConfigDict(strict=True)

    sender: str = Field(min_length=1, max_length=255)
    message: str


@dataclass(frozen=True)
class Offer:
    """A button as kept by the server."""

    id: str
    title: str
    payload: str


@dataclass(frozen=True)
class Reply:
    """An answer on its way out, buttons with ids."""

    text: str
    offers: tuple[Offer, ...] = ()
    sources: tuple[dict[str, Any], ...] = ()
    topic: str | None = None
    lang: str = "sv"
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    live: str | None = None
    """Shown instead of `text`, but kept nowhere: it holds what a business has told about itself."""
    in_form: bool = False
    """Whether a form waits for the next message."""

    def stored(self) -> dict[str, Any]:
        """The part that lies in ChatMessage.data."""
        return {
            "choices": [{"id": offer.id, "title": offer.title} for offer in self.offers],
            "sources": [
                {
                    "title": f"{s['publisher']}: {s['title']}",
                    "url": s["url"],
                    "reviewed": s["reviewed"],
                    "read": s["read"],
                }
                for s in self.sources
            ],
            "topic": self.topic,
            "lang": self.lang,
        }


def offer(option: Option) -> Offer:
    """A button with an id that can't be guessed."""
    return Offer(secrets.token_urlsafe(9), option.title, option.payload)


def reply(answer: Answer) -> Reply:
    """An answer made of content, ready to send."""
    return Reply(
        answer.text,
        tuple(offer(option) for option in answer.options),
        tuple(source.model_dump(mode="json") for source in answer.sources),
        answer.topic,
        answer.lang,
    )


def replies(rasa: list[dict[str, Any]], unseal: Callable[[str], str]) -> list[Reply]:
    """Rasa's messages as replies: custom JSON belongs to the text before it.

    `unseal` opens what the action server has sealed on the way.
    """
    made: list[Reply] = []
    for item in rasa:
        custom = item.get("custom")
        if custom is not None and (custom.get("text") or made):
            before = Reply(custom["text"]) if custom.get("text") else made.pop()
            sealed = custom.get("live")
            made.append(
                replace(
                    before,
                    sources=tuple(custom.get("sources") or ()),
                    topic=custom.get("topic"),
                    lang=custom.get("lang") or "sv",
                    live=unseal(sealed) if sealed else None,
                    in_form=bool(custom.get("in_form")),
                )
            )
        elif item.get("text"):
            buttons = item.get("buttons") or []
            offers = tuple(offer(Option(b["title"], b["payload"])) for b in buttons)
            made.append(Reply(item["text"], offers))
    return made


def html(text: str, tags: set[str] = _TAGS) -> str:
    """Markdown as harmless HTML; raw HTML in the text is shown, not run."""
    rendered = _markdown.render(_TOGETHER.sub("\u00a0", text))
    return nh3.clean(rendered, tags=tags, attributes={"a": {"href"}})
