"""Pages for residents."""

from typing import Any

import aiohttp_jinja2
from aiohttp import web
from markupsafe import Markup

from bot.chat.messages import PAGE_TAGS, html
from bot.chat.problems import TITLES, Problem
from bot.chat.status import situation
from bot.content.answers import facts, page_text, render
from bot.content.clock import now
from bot.content.load import Content
from bot.content.models import Entry, Translation
from bot.keys import CONTENT, SEARCH, SETTINGS
from bot.site.search import MOST_LETTERS, beginning
from bot.site.search import plain as bare
from bot.site.structured import faq_page
from bot.version import version

AUDIENCES = {"invanare": "invånare", "foretag": "företag"}
LISTS = {"sv": "/fragor", "en": "/en/questions"}


async def start(request: web.Request) -> web.Response:
    """GET /: the chat, and the way to the other pages. ?fraga= names what the chat asks at once."""
    content = content_of(request)
    frequent = [content.entries[name] for name in content.site.frequent]
    asked = _asked(content, request.query.get("fraga", ""))
    return answer(request, "chat.html", frequent=frequent, asked=asked)


async def questions(request: web.Request) -> web.Response:
    """GET /fragor: all answers by topic, ?for= only those for some readers."""
    content, reader = content_of(request), request.query.get("for", "")
    entries = [
        e for e in content.entries.values() if reader not in AUDIENCES or reader in e.audience
    ]
    topics = [
        (name, topic, [e for e in entries if e.topic == name])
        for name, topic in content.site.topics.items()
    ]
    shown = [one for one in topics if one[2]]
    return answer(
        request,
        "questions.html",
        topics=shown,
        reader=reader,
        readers=AUDIENCES,
        count=len(entries),
    )


async def question(request: web.Request) -> web.Response:
    """GET /fragor/<id>: one answer."""
    content, entry = content_of(request), _entry(request)
    return _question(request, "sv", entry, content.translations.get(("en", entry.id)))


async def english_questions(request: web.Request) -> web.Response:
    """GET /en/questions: the answers in English by topic."""
    content = content_of(request)
    there = {name for lang, name in content.translations if lang == "en"}
    topics = [
        (topic.english, [
            content.translations["en", e.id]
            for e in content.entries.values()
            if e.topic == name and e.id in there
        ])
        for name, topic in content.site.topics.items()
    ]  # fmt: skip
    shown = [one for one in topics if one[1]]
    return answer(request, "questions_en.html", lang="en", topics=shown)


async def english_question(request: web.Request) -> web.Response:
    """GET /en/questions/<id>: one answer in English."""
    entry = _entry(request)
    translated = content_of(request).translations.get(("en", entry.id))
    if translated is None:
        raise web.HTTPNotFound
    return _question(request, "en", entry, translated)


def _question(
    request: web.Request, lang: str, entry: Entry, translated: Translation | None
) -> web.Response:
    """An answer in Swedish, or its translation, with the way to the other one if there is one."""
    content, moment = content_of(request), now()
    one = translated if translated and lang != "sv" else entry
    short, more = (render(content, text, moment, lang) for text in (one.short, one.more))
    related: list[Entry | Translation] = [content.entries[name] for name in entry.related]
    if lang != "sv":
        there = (content.translations.get((lang, name)) for name in entry.related)
        related = [other for other in there if other]
    return answer(
        request,
        "question.html",
        lang=lang,
        list=LISTS[lang],
        entry=entry,
        translated=translated,
        title=one.title,
        description=beginning(bare(short)),
        short=markup(short),
        more=markup(more),
        topic=content.site.topics[entry.topic].title,
        readers=" och ".join(AUDIENCES[name] for name in entry.audience),
        related=related,
        sources=[content.sources[name] for name in entry.source],
        structured=faq_page(one.title, html(f"{short}\n\n{more}"), lang),
    )


async def search(request: web.Request) -> web.Response:
    """GET /sok?q=: answers and pages that fit."""
    query = " ".join(request.query.get("q", "")[:MOST_LETTERS].split())
    return answer(request, "search.html", query=query, hits=request.app[SEARCH].find(query))


async def page(request: web.Request) -> web.Response:
    """GET /<id>: a page of content/pages."""
    content, conf = content_of(request), request.app[SETTINGS]
    one = content.pages.get(request.match_info["id"])
    if one is None:
        raise web.HTTPNotFound
    moment = now()
    text = page_text(
        content,
        one.id,
        moment,
        hours=f"{conf.session_hours:g}",
        days=str(conf.transcript_days),
        months=str(conf.interest_months),
        characters=grouped(conf.max_text),
        version=version(),
        purpose=render(content, content.participation.purpose, moment),
    )
    return answer(
        request,
        "page.html",
        page=one,
        title=one.title,
        description=one.description,
        text=markup(text),
        sources=[content.sources[name] for name in one.source],
    )


def answer(
    request: web.Request, template: str, status: int = 200, lang: str = "sv", **values: Any
) -> web.Response:
    """A page. Templates know the facts, the site's own address and the pages of the footer."""
    content = content_of(request)
    base = request.app[SETTINGS].public_base
    known = {
        **facts(content, now(), lang),
        "lang": lang,
        "status": situation(content, now(), lang),
        "site": base,
        "path": request.path,
        "pages": content.pages,
    }
    response = aiohttp_jinja2.render_template(template, request, {**known, **values}, status=status)
    response.headers["Cache-Control"] = "no-cache"  # it says whether kontaktcenter is open now
    return response


def wants_page(request: web.Request) -> bool:
    """Whether a person looks at the answer, not a program."""
    accepted = "text/html" in request.headers.get("Accept", "")
    return accepted and not request.path.startswith(("/api/", "/webhooks/"))


def problem_page(request: web.Request, problem: Problem) -> web.Response:
    """What went wrong, with ways on."""
    title = TITLES.get(problem.status, TITLES[400 if problem.status < 500 else 500])[0]
    detail = "" if problem.status == 404 else problem.detail
    response = answer(
        request,
        "problem.html",
        problem.status,
        title=title,
        detail=detail,
        status_code=problem.status,
    )
    response.headers.update(problem.headers)
    return response


def content_of(request: web.Request) -> Content:
    """The content in force."""
    return request.app[CONTENT].content


def grouped(number: int) -> str:
    """A number as it is written in Swedish: 1 000."""
    return f"{number:,}".replace(",", "\u00a0")


def markup(text: str) -> Markup:
    """Markdown of content/ as HTML for a template; it has been cleaned."""
    return Markup(html(text, PAGE_TAGS))


def _entry(request: web.Request) -> Entry:
    entry = content_of(request).entries.get(request.match_info["id"])
    if entry is None:
        raise web.HTTPNotFound
    return entry


def _asked(content: Content, name: str) -> str:
    """The words of a question or a button; a link can ask nothing else."""
    if name in content.entries:
        return content.entries[name].title
    choice = content.phrases["sv"].choices.get(name)
    return choice.title if choice else ""
