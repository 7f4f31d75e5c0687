"""Answers made of content: text with the facts filled in, next steps, sources.

Used by the action server and, when Rasa is away, by the gateway. Pure: `now` is passed in.
"""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import SimpleNamespace

from jinja2 import StrictUndefined, TemplateSyntaxError
from jinja2 import TemplateError as JinjaError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bot.content import hours as h
from bot.content import languages
from bot.content.load import Content
from bot.content.models import Role, Source

MAX_CHOICES = 3


class _Missing(StrictUndefined):
    """Says in Swedish what is missing, and what there is instead."""

    @property
    def _undefined_message(self) -> str:
        name, owner = self._undefined_name, self._undefined_obj
        if self._undefined_hint:  # the sandbox refuses it
            return f"{name!r} får inte användas"
        there = owner if isinstance(owner, Mapping) else getattr(owner, "__dict__", {})
        tail = f" – välj bland {', '.join(sorted(map(str, there)))}" if there else ""
        return f"{name!r} finns inte{tail}"


_environment = ImmutableSandboxedEnvironment(undefined=_Missing, autoescape=False)


class TemplateError(Exception):
    """A text can't be filled in; the message says why, `line` where (from 1, 0 if not known)."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Option:
    """A button: what it says and the payload that Rasa understands."""

    title: str
    payload: str


@dataclass(frozen=True)
class Answer:
    """What the assistant says, in `lang`. `text` is Markdown, `topic` an entry id or None."""

    text: str
    options: tuple[Option, ...] = ()
    sources: tuple[Source, ...] = ()
    topic: str | None = None
    lang: str = "sv"


def render(content: Content, text: str, now: datetime, lang: str = "sv") -> str:
    """Fill in {{ kontaktcenter.phone }} and its like. Raises TemplateError on an unknown name."""
    if "{{" not in text and "{%" not in text:
        return text.strip()
    try:
        return _environment.from_string(text).render(facts(content, now, lang)).strip()
    except TemplateSyntaxError as error:
        message = f"klamrarna {{{{ }}}} är skrivna på fel sätt ({error.message})"
        raise TemplateError(message, error.lineno) from error
    except Exception as error:  # a text may hold any expression, such as 1/0
        message = f"texten går inte att fylla i: {error}"
        if not isinstance(error, JinjaError):
            message = f"texten går inte att fylla i – använd bara {{{{ namn.fält }}}} ({error})"
        raise TemplateError(message, _template_line(error)) from error


def _template_line(error: Exception) -> int:
    """Jinja rewrites tracebacks to the template's own lines."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((f.lineno or 0 for f in reversed(frames) if f.filename == "<template>"), 0)


def entry_answer(
    content: Content, entry_id: str, now: datetime, part: str = "short", lang: str = "sv"
) -> Answer:
    """The answer of an FAQ entry; part "more" gives what stands behind "Läs mer".

    In another language: its translation, else the fixed text that is nearest to it.

    Raises KeyError if there is no such entry (it may have been removed since a button was shown).
    """
    entry = content.entries[entry_id]
    if lang != "sv" and (lang, entry_id) not in content.translations:
        key = languages.key_of_entry(content.phrases[lang], entry)
        return replace(phrase_answer(content, key, now, lang), topic=entry_id)
    if lang != "sv":
        return _translated(content, entry_id, now, part == "more", lang)
    wants_more = part == "more" and entry.more
    options = [] if wants_more or not entry.more else [more_option(entry_id)]
    for other in entry.related:
        if len(options) < MAX_CHOICES:
            options.append(entry_option(content, other))
    text = render(content, entry.more if wants_more else entry.short, now)
    if wants_more and entry.links:
        text += "\n\n" + "\n".join(f"- [{link.title}]({link.url})" for link in entry.links)
    return Answer(
        text, tuple(options), tuple(content.sources[name] for name in entry.source), entry_id
    )


def _translated(
    content: Content, entry_id: str, now: datetime, wants_more: bool, lang: str
) -> Answer:
    one, entry = content.translations[lang, entry_id], content.entries[entry_id]
    wants_more = wants_more and bool(one.more)
    options = []
    if one.more and not wants_more:
        title = content.phrases[lang].choices["more"].title
        options = [Option(title, more_option(entry_id).payload)]
    for other in entry.related:
        if (lang, other) in content.translations and len(options) < MAX_CHOICES:
            payload = entry_option(content, other).payload
            options.append(Option(content.translations[lang, other].title, payload))
    text = render(content, one.more if wants_more else one.short, now, lang)
    sources = tuple(content.sources[name] for name in entry.source)
    return Answer(text, tuple(options), sources, entry_id, lang)


def phrase_answer(
    content: Content, key: str, now: datetime, lang: str = "sv", **values: str
) -> Answer:
    """A fixed text of content/phrases. `values` are filled in beside the facts.

    A key that only Swedish has becomes the nearest one of the other language.
    """
    phrases = content.phrases[lang]
    key = key if lang == "sv" else languages.key_of_phrase(phrases, key)
    phrase = phrases.phrases[key]
    options = [
        choice_option(content, name, lang)
        if name in phrases.choices
        else entry_option(content, name)
        for name in phrase.choices
    ]
    shown = render(content, phrase.text, now, lang)
    for name, value in values.items():  # after rendering: a value is never read as a template
        shown = shown.replace("{" + name + "}", value)
    if lang != "sv" and key in languages.WITH_BASICS:
        shown += "\n\n" + render(content, languages.basics(phrases), now, lang)
    return Answer(shown, tuple(options), lang=lang)


def page_text(content: Content, page_id: str, now: datetime, **values: str) -> str:
    """A page's Markdown, `values` (load.PAGE_VALUES) filled in. Raises KeyError if it is gone."""
    shown = render(content, content.pages[page_id].text, now)
    for name, value in values.items():
        shown = shown.replace("{" + name + "}", value)
    return shown


def choice_option(content: Content, name: str, lang: str = "sv") -> Option:
    """The button of a named choice in content/phrases."""
    choice = content.phrases[lang].choices[name]
    return Option(choice.title, f"/{choice.intent}" if choice.intent else choice.title)


def entry_option(content: Content, entry_id: str) -> Option:
    """A button that asks an entry's question."""
    return Option(content.entries[entry_id].title, f'/faq{{"entry": "{entry_id}"}}')


def more_option(entry_id: str) -> Option:
    """The button "Läs mer" of an entry."""
    return Option("Läs mer", f'/faq{{"entry": "{entry_id}", "part": "more"}}')


def facts(content: Content, now: datetime, lang: str = "sv") -> dict[str, object]:
    """What texts and pages may name: kontaktcenter, safety and people, as of `now`."""
    center = content.kontaktcenter
    if lang == "sv":
        week_hours, open_now = h.week_hours(content.hours), h.open_now(content.hours, now)
    else:
        week_hours = languages.week_hours(content.hours, content.phrases[lang], lang)
        open_now = languages.open_now(content.hours, content.phrases[lang], now, lang)
    visit = center.visit
    return {
        "kontaktcenter": SimpleNamespace(
            name=center.name,
            organisation=center.organisation,
            motto=center.motto,
            phone=center.phone.display,
            phone_e164=center.phone.e164,
            phone_label=center.phone.label,
            address=f"{visit.street}, {visit.postcode} {visit.city}",
            street=visit.street,
            place=visit.place,
            city=visit.city,
            week_hours=week_hours,
            open_now=open_now,
            is_open=h.is_open(content.hours, now),
            website=center.website.title,
            website_url=center.website.url,
        ),
        "safety": content.safety,
        "people": {
            key: SimpleNamespace(
                title=role.title,
                organisation=role.organisation,
                does=role.does,
                named=_named(content, role),
            )
            for key, role in content.people.items()
        },
    }


def _named(content: Content, role: Role) -> str:
    parts = [
        f"{person.name} (enligt en sida granskad {person.as_of})"
        if person.as_of
        else f"{person.name} (enligt en nyhet utan datum)"
        for person in role.names
    ]
    return " och ".join(parts)


def source_line(source: Source) -> str:
    """ "Källa: …" for channels that show text only."""
    dated = f"granskad {source.reviewed}" if source.reviewed else f"läst {source.read}"
    return f"Källa: {source.publisher}, {source.title}, {dated}"
