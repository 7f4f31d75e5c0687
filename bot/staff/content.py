"""The content as staff see and change it: one function a route."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from aiohttp import web
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from bot.chat.messages import PAGE_TAGS, html
from bot.check import read_phrases
from bot.content import editing
from bot.content.answers import Answer, entry_answer, page_text, phrase_answer, render
from bot.content.clock import now
from bot.content.editing import NEW, File, NoSuchFile, NotWritable, Tried
from bot.content.hours import describe_day, open_now, week_hours
from bot.content.load import PAGE_VALUES, Content, ContentError, is_old, warnings
from bot.content.models import Entry
from bot.keys import CONTENT, DATABASE, EDITING
from bot.participation.registry import utc
from bot.settings import ROOT
from bot.staff import accounts, door, labels, titles
from bot.staff.door import Form, Refusal, away, reading, writing
from bot.staff.sessions import PATH, Visit
from bot.store.audit import record
from bot.store.transcript_models import ContentChange, EntryShown

HERE = f"{PATH}/innehall"
SHOWN_DAYS = 90
HISTORY = 50
NEXT_DAYS = 7
SUBJECTS = {
    "kontaktcenter.yml": "Kontaktcenters öppettider, adress och telefon",
    "safety.yml": "Viktiga nummer",
    "people.yml": "Roller och namn",
    "sources.yml": "Källor",
    "site.yml": "Webbplatsens ämnen och vanligaste frågor",
    "intresseanmalan.yml": "Intresseanmälan: samtycke, platser och brev",
}
_DONE = {
    "sparad": "Ändringen är sparad. Assistenten svarar med den nya texten inom några sekunder.",
    "skapad": "Svaret är skapat. Lägg till träningsfraser, så hittar assistenten det oftare.",
    "angrad": "Den tidigare texten är sparad igen.",
    "lika": "Texten är redan så. Inget är ändrat.",
}
_ASKED = ("fraga", "id", "amne", "agare")
_READ_ONLY = Refusal(
    500,
    "Innehållet går inte att ändra här",
    "Inget är sparat. Tjänsten får inte skriva i mappen med innehållet. Be den som sköter driften "
    "att ge den rätt att skriva, eller ändra filen där den ligger.",
)


@dataclass(frozen=True)
class Use:
    """How often an entry was the answer, and what residents said of it."""

    times: int = 0
    helpful: int = 0
    unhelpful: int = 0


@dataclass(frozen=True)
class Row:
    """An answer in the list."""

    entry: Entry
    old: bool
    use: Use
    languages: tuple[str, ...]


# --- the list -------------------------------------------------------------------------------------


async def overview(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/innehall?amne=&agare=&gamla=ja: the answers, those to read again first."""
    store = request.app[CONTENT]
    content, today = store.content, now().date()
    chosen = {n: request.query.get(n, "").strip()[:60] for n in ("amne", "agare", "gamla")}
    used = await uses(request.app[DATABASE], today)
    every = rows(content, used, today)
    shown = [
        row
        for row in every
        if chosen["amne"] in ("", row.entry.topic)
        and chosen["agare"] in ("", row.entry.owner)
        and (row.old or chosen["gamla"] != "ja")
    ]
    return door.render(
        request, visit, "content_list.html",
        content=content,
        rows=shown,
        chosen=chosen,
        narrowed=any(chosen.values()),
        owners=sorted({row.entry.owner for row in every}),
        old=sum(row.old for row in every),
        others=others(content, store.folder, today),
        faults=store.faults,
        editor=accounts.may(visit.role, accounts.EDITOR),
        days=SHOWN_DAYS,
    )  # fmt: skip


def rows(content: Content, used: Mapping[str, Use], today: date) -> list[Row]:
    """All answers, the one that was reviewed longest ago first."""
    languages = {
        entry: tuple(sorted(lang for lang, other in content.translations if other == entry))
        for entry in content.entries
    }
    found = [
        Row(one, is_old(one.reviewed, today), used.get(one.id, Use()), languages[one.id])
        for one in content.entries.values()
    ]
    return sorted(found, key=lambda row: (row.entry.reviewed, row.entry.title))


async def uses(engine: AsyncEngine, today: date) -> dict[str, Use]:
    """By entry, the last SHOWN_DAYS with today."""
    first = str(today - timedelta(SHOWN_DAYS - 1))
    shown = EntryShown
    query = (
        select(
            shown.entry, func.sum(shown.times), func.sum(shown.helpful), func.sum(shown.unhelpful)
        )
        .where(shown.day >= first, shown.day <= str(today)).group_by(shown.entry)
    )  # fmt: skip
    async with engine.connect() as db:
        return {name: Use(*map(int, counts)) for name, *counts in await db.execute(query)}


def others(content: Content, folder: Path, today: date) -> list[tuple[str, str, str, bool]]:
    """Files that aren't answers in Swedish: name, title, when reviewed, whether long ago."""
    made = []
    for name in editing.names(folder):
        kind, stem = name.partition("/")[0], Path(name).stem
        if kind == "faq" and "." not in stem:
            continue
        reviewed = _reviewed(content, name)
        told = str(reviewed) if reviewed else "Inte granskad" if "." in stem else "–"
        if kind == "phrases":
            known = content.phrases.get(stem)
            told = "Granskad" if known and known.reviewed else "Inte granskad"
        made.append((name, title(content, name), told, bool(reviewed and is_old(reviewed, today))))
    return made


def title(content: Content, name: str) -> str:
    """What a file is about."""
    kind, stem = name.partition("/")[0], Path(name).stem
    entry, _, lang = stem.partition(".")
    if kind == "faq" and lang:
        found = content.translations.get((lang, entry))
        return f"{titles.language(lang)}: {found.title if found else entry}"
    if kind == "faq":
        return content.entries[entry].title if entry in content.entries else entry
    if kind == "pages":
        return f"Sidan {content.pages[stem].title if stem in content.pages else stem}"
    if kind == "phrases":
        return f"Fasta texter på {titles.language(stem).lower()}"
    return SUBJECTS[name]


def _reviewed(content: Content, name: str) -> date | None:
    kind, stem = name.partition("/")[0], Path(name).stem
    entry, _, lang = stem.partition(".")
    if kind == "pages" and stem in content.pages:
        return content.pages[stem].reviewed
    found = content.translations.get((lang, entry)) if kind == "faq" else None
    return found.reviewed if found else None


# --- one file -------------------------------------------------------------------------------------


async def show(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/innehall/fil/<name>: as residents see it, and what has been changed."""
    file, store, today = _file(request), request.app[CONTENT], now().date()
    entry = store.content.entries.get(_entry_id(file.name))
    changes = await _changes(request.app[DATABASE], file.name)
    counts = await asyncio.to_thread(phrase_counts, ROOT / "data" / "nlu")
    used = await uses(request.app[DATABASE], today)
    at_content = f"content/{file.name}"
    return door.render(
        request, visit, "content_file.html",
        file=file,
        title=title(store.content, file.name),
        entry=entry,
        old=bool(entry and is_old(entry.reviewed, today)),
        use=used.get(entry.id, Use()) if entry else None,
        label=labels.of_entry(entry.id) if entry else "",
        phrases=counts.get(f"faq/{entry.id}", 0) if entry else 0,
        preview=preview(store.content, file.name, now()),
        content=store.content,
        changes=changes[:HISTORY],
        outside=bool(changes) and editing.plain(changes[0].after) != editing.plain(file.text),
        faults=[
            *(fault for fault in store.faults if fault.path == at_content),
            *(one for one in warnings(store.content, today) if one.path == at_content),
        ],
        editor=accounts.may(visit.role, accounts.EDITOR),
        done=_DONE.get(request.query.get("gjort", ""), ""),
        days=SHOWN_DAYS,
    )  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A piece of a preview: HTML, buttons under it, sources."""

    heading: str
    html: Markup
    buttons: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    lang: str = "sv"


def preview(content: Content, name: str, moment: datetime) -> list[Part]:
    """A file as residents see it; nothing for what isn't shown as it stands."""
    kind, stem = name.partition("/")[0], Path(name).stem
    entry_id, _, lang = stem.partition(".")
    if kind == "faq" and not lang and entry_id in content.entries:
        return _entry(content, content.entries[entry_id], moment)
    if kind == "faq" and (lang, entry_id) in content.translations:
        return _answers(content, entry_id, moment, lang)
    if kind == "pages" and stem in content.pages:
        # the settings that the page names stay as they are written
        values = {value: f"{{{value}}}" for value in PAGE_VALUES}
        return [Part("På webbplatsen", _page(page_text(content, stem, moment, **values)))]
    if kind == "phrases" and stem in content.phrases:
        return [
            _part(key, phrase_answer(content, key, moment, stem))
            for key in content.phrases[stem].phrases
        ]
    if name == "kontaktcenter.yml":
        days = [moment.date() + timedelta(n) for n in range(NEXT_DAYS)]
        told = [f"- {describe_day(content.hours, day, moment)}" for day in days]
        lines = [open_now(content.hours, moment), "", f"Öppet {week_hours(content.hours)}.", ""]
        return [Part("De närmaste dagarna", _page("\n".join([*lines, *told])))]
    return []


def _entry(content: Content, entry: Entry, moment: datetime) -> list[Part]:
    texts = [render(content, text, moment) for text in (entry.short, entry.more)]
    links = "\n".join(f"- [{link.title}]({link.url})" for link in entry.links)
    if links:
        texts += ["## Läs mer på andra webbplatser", links]
    on_page = Part(
        "På webbplatsen", _page("\n\n".join(texts)),
        tuple(content.entries[name].title for name in entry.related), _sources(content, entry),
    )  # fmt: skip
    return [*_answers(content, entry.id, moment, "sv"), on_page]


def _answers(content: Content, entry_id: str, moment: datetime, lang: str) -> list[Part]:
    known = content.entries[entry_id] if lang == "sv" else content.translations[lang, entry_id]
    made = [_part("I chatten", entry_answer(content, entry_id, moment, lang=lang))]
    if known.more:
        made.append(_part("Bakom Läs mer", entry_answer(content, entry_id, moment, "more", lang)))
    return made


def _part(heading: str, answer: Answer) -> Part:
    return Part(
        heading,
        Markup(html(answer.text)),
        tuple(option.title for option in answer.options),
        tuple(f"{source.publisher}: {source.title}" for source in answer.sources),
        answer.lang,
    )


def _page(text: str) -> Markup:
    # a preview stands under headings of its own
    return Markup(html(text, PAGE_TAGS).replace("<h3>", "<h5>").replace("</h3>", "</h5>")
                  .replace("<h2>", "<h4>").replace("</h2>", "</h4>"))  # fmt: skip


def _sources(content: Content, entry: Entry) -> tuple[str, ...]:
    found = (content.sources[name] for name in entry.source)
    return tuple(f"{one.publisher}: {one.title}" for one in found)


def phrase_counts(folder: Path) -> dict[str, int]:
    """Training phrases by label. Read again when a file has changed."""
    files = sorted(folder.glob("*.yml"))
    return _counted(folder, tuple((path.name, path.stat().st_mtime_ns) for path in files))


@lru_cache(maxsize=1)
def _counted(folder: Path, state: tuple[tuple[str, int], ...]) -> dict[str, int]:
    counts: dict[str, int] = {}
    try:
        for phrase in read_phrases(folder):
            counts[phrase.label] = counts.get(phrase.label, 0) + 1
    except ContentError:  # `bot check` tells; a count is no reason to fail
        return {}
    return counts


# --- editing --------------------------------------------------------------------------------------


async def edit(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/innehall/redigera/<name>: the file as it is now."""
    file = _file(request)
    if "\ufffd" in file.text:
        told = "Den är inte sparad som UTF-8. Spara om den med den kodningen där den ligger."
        raise Refusal(409, "Filen går inte att redigera här", told)
    return _editor(request, visit, file, file.text)


async def save(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/redigera/<name>: try the text, and write it unless only a preview was asked for."""
    text = editing.plain(form.get("text", ""))
    if form.get("fore") == NEW:
        file = _new_file(request.match_info["name"], request.app[CONTENT].folder, text)
    else:
        file = _file(request, text)
    if form.get("gor") == "visa":
        tried = await _attempt(request, file.name, text)
        return _editor(request, visit, file, text, 200, tried, form.get("fore", ""))
    return await _saved(request, visit, file, text, form.get("fore", ""))


async def ask_new(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/innehall/nytt?fraga=: the question may be known already."""
    known = {"fraga": " ".join(request.query.get("fraga", "").split())[:200]}
    return _ask_new(request, visit, {**dict.fromkeys(_ASKED, ""), **known})


async def new(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST /personal/innehall/nytt: a template in the editor. Nothing is written yet."""
    store = request.app[CONTENT]
    told = {name: form.get(name, "").strip()[:200] for name in _ASKED}
    missing = next((name for name in ("fraga", "agare") if not told[name]), "")
    if missing or told["amne"] not in store.content.site.topics:
        return _ask_new(request, visit, told, "Fyll i alla fält.")
    text = editing.template(told["id"], told["fraga"], told["amne"], told["agare"], now().date())
    try:
        file = editing.new_entry(store.folder, told["id"], text)
    except ValueError as error:
        return _ask_new(request, visit, told, str(error))
    return _editor(request, visit, file, text)


async def change(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/innehall/andring/<number>: what one change did."""
    found = await _change(request)
    file = _known(request, found.path)
    return door.render(
        request, visit, "content_change.html",
        change=found,
        title=title(request.app[CONTENT].content, found.path),
        lines=editing.difference(found.before, found.after),
        file=file,
        back=editing.difference(file.text, found.before) if file and found.before else [],
        editor=accounts.may(visit.role, accounts.EDITOR),
    )  # fmt: skip


async def undo(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/andring/<number>: save the text as it was before that change."""
    found = await _change(request)
    file = _known(request, found.path)
    if file is None or not found.before:
        raise Refusal(409, "Det går inte att ångra", "Det finns ingen tidigare text att spara.")
    return await _saved(request, visit, file, found.before, form.get("fore", ""), "restored")


async def _saved(
    request: web.Request, visit: Visit, file: File, text: str, before: str, what: str = "edited"
) -> web.StreamResponse:
    store, creates = request.app[CONTENT], file.digest == NEW
    tried = await _attempt(request, file.name, text)
    if tried.faults:
        return _editor(request, visit, file, text, 422, tried, before)
    async with request.app[EDITING]:
        there = _known(request, file.name) or File(file.name, "", NEW)
        if there.digest != before:
            who = await _who(request.app[DATABASE], there)
            return _editor(request, visit, there, text, 409, conflict=who)
        if not creates and editing.plain(there.text) == text:
            return away(f"{HERE}/fil/{file.name}?gjort=lika")
        try:
            async with AsyncSession(request.app[DATABASE]) as db, db.begin():
                db.add(ContentChange(
                    path=file.name, by=visit.name, at=datetime.now(UTC), before=there.text,
                    after=text,
                ))  # fmt: skip
                await record(db, visit.name, "created" if creates else what, file.name)
                # last: when it fails nothing is written anywhere
                await asyncio.to_thread(editing.write, store.folder, there, text)
        except NotWritable as error:
            raise Refusal(
                _READ_ONLY.status, _READ_ONLY.title, f"{_READ_ONLY.text} ({error})", text
            ) from None
    await asyncio.to_thread(store.reload)  # the next page must show it
    done = "skapad" if creates else "angrad" if what == "restored" else "sparad"
    return away(f"{HERE}/fil/{file.name}?gjort={done}")


async def _attempt(request: web.Request, name: str, text: str) -> Tried:
    store = request.app[CONTENT]
    try:
        return await asyncio.to_thread(editing.attempt, store.folder, name, text, store.faults)
    except OSError as error:
        raise Refusal(
            500,
            "Texten går inte att pröva",
            f"Inget är sparat. Tjänsten kan inte kopiera innehållet ({error.strerror}).",
            text,
        ) from None


def _editor(
    request: web.Request,
    visit: Visit,
    file: File,
    text: str,
    status: int = 200,
    tried: Tried | None = None,
    before: str = "",
    conflict: str = "",
) -> web.Response:
    """The form. With `conflict` it holds to the file as it is now: who saves again has seen it."""
    content = request.app[CONTENT].content
    return door.render(
        request, visit, "content_edit.html", status,
        file=file,
        title=title(content, file.name),
        text=text,
        before=before or file.digest,
        tried=tried,
        preview=preview(tried.content, file.name, now()) if tried and tried.content else [],
        conflict=conflict,
        lines=editing.difference(file.text, text) if conflict or tried else [],
        is_new=file.digest == NEW,
    )  # fmt: skip


def _ask_new(
    request: web.Request, visit: Visit, told: Mapping[str, str], error: str = ""
) -> web.Response:
    content = request.app[CONTENT].content
    return door.render(
        request, visit, "content_new.html", 422 if error else 200,
        told=told,
        error=error,
        topics=content.site.topics,
        owners=sorted({entry.owner for entry in content.entries.values()}),
    )  # fmt: skip


def _new_file(name: str, folder: Path, text: str) -> File:
    try:
        return editing.new_entry(folder, _entry_id(name), "")
    except ValueError as error:
        raise Refusal(409, "Svaret går inte att skapa", f"Inget är sparat. {error}", text) from None


def _file(request: web.Request, kept: str = "") -> File:
    """The file of the address. Raises Refusal 404."""
    file = _known(request, request.match_info["name"])
    if file is None:
        raise Refusal(
            404, "Filen finns inte", "Den kan ha fått ett annat namn eller tagits bort.", kept
        )
    return file


def _known(request: web.Request, name: str) -> File | None:
    try:
        return editing.read(request.app[CONTENT].folder, name)
    except NoSuchFile:
        return None


def _entry_id(name: str) -> str:
    """The id of an answer in Swedish, "" of other files."""
    kind, _, stem = name.removesuffix(".md").partition("/")
    return stem if kind == "faq" and "." not in stem and name.endswith(".md") else ""


async def _changes(engine: AsyncEngine, name: str) -> Sequence[ContentChange]:
    query = select(ContentChange).where(ContentChange.path == name)
    async with AsyncSession(engine) as db:
        found = query.order_by(ContentChange.id.desc()).limit(HISTORY + 1)
        return list(await db.scalars(found))


async def _change(request: web.Request) -> ContentChange:
    async with AsyncSession(request.app[DATABASE]) as db:
        found = await db.get(ContentChange, int(request.match_info["number"]))
    if found is None:
        raise Refusal(404, "Ändringen finns inte", "Adressen kan vara fel.")
    return found


async def _who(engine: AsyncEngine, file: File) -> str:
    """Who changed a file last, as the beginning of a sentence."""
    last = next(iter(await _changes(engine, file.name)), None)
    if last and editing.plain(last.after) == editing.plain(file.text):
        return f"{last.by} ändrade filen {titles.moment(utc(last.at))}"
    return "Filen ändrades på disken"


_NAME = "{name:[a-z0-9./-]{1,100}}"
ROUTES = [
    web.get(HERE, reading(overview), allow_head=False),
    web.get(f"{HERE}/nytt", reading(ask_new, accounts.EDITOR), allow_head=False),
    web.post(f"{HERE}/nytt", writing(new, accounts.EDITOR)),
    web.get(f"{HERE}/fil/{_NAME}", reading(show), allow_head=False),
    web.get(f"{HERE}/redigera/{_NAME}", reading(edit, accounts.EDITOR), allow_head=False),
    web.post(f"{HERE}/redigera/{_NAME}", writing(save, accounts.EDITOR)),
    web.get(HERE + "/andring/{number:[0-9]{1,9}}", reading(change), allow_head=False),
    web.post(HERE + "/andring/{number:[0-9]{1,9}}", writing(undo, accounts.EDITOR)),
]
