"""What the files under content/ may hold. Frozen values; unknown keys are errors."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class Model(BaseModel):
    """Base of all content models."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(Model):
    """A page that an answer rests on. `reviewed` is the page's own date, None if it shows none."""

    publisher: Text
    title: Text
    url: Annotated[str, StringConstraints(pattern=r"^(https?://|/)\S+$")]
    reviewed: date | None
    read: date


class Link(Model):
    """A public page worth visiting."""

    title: Text
    url: Annotated[str, StringConstraints(pattern=r"^(https?://|/)\S*$")]


class Weekly(Model):
    """The same hours on some days of the week; local time in Europe/Stockholm."""

    days: list[Day] = Field(min_length=1)
    open: Clock
    close: Clock


class HoursException(Model):
    """A dated exception; either closed or its own hours."""

    date: date
    closed: bool = False
    open: Clock | None = None
    close: Clock | None = None
    note: Text | None = None


class Hours(Model):
    """Opening hours as written by the editors."""

    weekly: list[Weekly] = Field(min_length=1)
    public_holidays: Literal["closed", "open"]
    eves: Literal["uncertain", "open"]
    exceptions: list[HoursException] = []
    source: list[str]


class Visit(Model):
    """The visiting address."""

    place: Text
    street: Text
    postcode: Annotated[str, StringConstraints(pattern=r"^\d{3} \d{2}$")]
    city: Text
    source: str


class Phone(Model):
    """A number as shown and as dialled."""

    display: Text
    e164: Annotated[str, StringConstraints(pattern=r"^\+\d{6,15}$")]
    label: Text
    source: str


class Website(Model):
    """The city's site."""

    title: Text
    url: Text


class Kontaktcenter(Model):
    """content/kontaktcenter.yml."""

    name: Text
    organisation: Text
    motto: Text
    source: str
    hours: Hours
    visit: Visit
    phone: Phone
    email: Text | None
    website: Website


class SafetyNumber(Model):
    """One number of content/safety.yml."""

    name: Text
    phone: Text
    e164: Text
    when: Text
    open: Text | None = None
    source: str


class Named(Model):
    """A name and the date when it was true, None when the source shows no date."""

    name: Text
    as_of: date | None
    source: str


class Role(Model):
    """One role of content/people.yml."""

    title: Text
    organisation: Text
    does: Text
    names: list[Named] = []


class EntryHead(Model):
    """The YAML head of content/faq/<id>.md. `place` and `call` answer the follow-ups
    "var ligger det?" and "vem ringer jag?"; `join` offers the form for businesses after it."""

    id: Id
    title: Text
    topic: Id
    audience: list[Literal["invanare", "foretag"]] = Field(min_length=1)
    related: list[Id] = []
    links: list[Link] = []
    source: list[str] = Field(min_length=1)
    reviewed: date
    owner: Text
    keywords: list[Text] = []
    place: Text | None = None
    call: Text | None = None
    join: bool = False


class Entry(EntryHead):
    """An FAQ entry: `short` is the answer, `more` what "Läs mer" shows (may be empty)."""

    short: Text
    more: str

    @field_validator("more")
    @classmethod
    def _strip(cls, value: str) -> str:
        return value.strip()


class TranslationHead(Model):
    """The YAML head of content/faq/<id>.<lang>.md. `reviewed` is the day when somebody who speaks
    the language well held it against the Swedish text, None if nobody has."""

    id: Id
    title: Text
    translated: date
    reviewed: date | None = None


class Translation(TranslationHead):
    """An FAQ entry in another language; sources and related entries are the Swedish one's."""

    short: Text
    more: str

    @field_validator("more")
    @classmethod
    def _strip(cls, value: str) -> str:
        return value.strip()


class Phrase(Model):
    """A fixed text. `choices` are entry ids or names of content/phrases choices."""

    text: Text
    choices: list[str] = []


class Choice(Model):
    """A button that isn't an FAQ entry: its title and the intent it stands for.

    Without one it is the same as typing the title.
    """

    title: Text
    intent: Text | None = None


class Phrases(Model):
    """content/phrases/<lang>.yml. `name` is the language's own name of itself."""

    reviewed: bool
    name: Text
    direction: Literal["ltr", "rtl"] = "ltr"
    phrases: dict[str, Phrase]
    choices: dict[str, Choice] = {}


class PageHead(Model):
    """The YAML head of content/pages/<id>.md; `join` offers the form for businesses under it."""

    id: Id
    title: Text
    description: Text
    reviewed: date
    source: list[str] = []
    join: bool = False


class Page(PageHead):
    """A page of the site that isn't an answer: its `text` is Markdown."""

    text: Text


class Topic(Model):
    """A heading that answers stand under."""

    title: Text
    english: Text


Brief = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class CrisisLink(Model):
    """Where to read more about a crisis: the page, and the words of the link."""

    url: Annotated[str, StringConstraints(pattern=r"^(https?://|/)\S*$")]
    sv: Text
    en: Text


class Crisis(Model):
    """A message that stands at the top of every page from one date to another, both included.

    It is short, because a telephone has to show something else as well.
    """

    severity: Literal["info", "warning", "danger"]
    first: date = Field(alias="from")
    last: date = Field(alias="to")
    sv: Brief
    en: Brief
    link: CrisisLink | None = None


class Site(Model):
    """content/site.yml: what the site needs to list the answers, topics in the order shown."""

    frequent: list[Id] = Field(min_length=1)
    topics: dict[Id, Topic]
    crisis: Crisis | None = None


class Listed(Model):
    """Something with a title, and the words by which a text shows it."""

    title: Text
    words: list[Text] = []


class Mail(Model):
    """An e-mail's subject and text, in plain text."""

    subject: Text
    text: Text


class Participation(Model):
    """content/intresseanmalan.yml: what the form needs beside the texts in content/phrases.

    `words` may end with * for any ending; they are compared without diacritics.
    """

    purpose: Text
    consent: Text
    consent_version: Text
    places: dict[Id, Listed]
    kinds: dict[Id, Listed]
    concerns: dict[Id, Listed]
    repairs: list[Text]
    """Words of what is mended after a report of a fault and needs no collaboration."""
    mails: dict[str, Mail]
