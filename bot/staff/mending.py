"""/personal/forbattra: proposals, training, and what a new model does better and worse."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.content.load import Content
from bot.keys import CONTENT, DATABASE, TRAINER
from bot.participation.registry import utc
from bot.staff import accounts, labels
from bot.staff.door import Form, Refusal, away, reading, render, writing
from bot.staff.sessions import PATH, Visit
from bot.store.audit import record
from bot.store.transcript_models import Proposal, Training, TranscriptTurn
from bot.transcripts import checkout, phrases, proposals, training
from bot.transcripts.names import public_facts
from bot.transcripts.phrases import Known
from bot.transcripts.training import Refused, percent

START = f"{PATH}/forbattra"
ON_A_PAGE = 20
PAGES = 10_000
CALM = "calm"
"""The label of what may be answered with anything but an alarm (bot/nlu/compare.py)."""
SECTIONS = (
    ("forslag", "Förslag", proposals.PHRASE, proposals.PROPOSED),
    ("godkanda", "Godkända", proposals.PHRASE, proposals.APPROVED),
    ("i-bruk", "I bruk", proposals.PHRASE, proposals.LIVE),
    ("avslagna", "Avslagna", proposals.PHRASE, proposals.REJECTED),
    ("innehall", "Innehåll som saknas", proposals.CONTENT, proposals.PROPOSED),
    ("skrivet", "Innehåll som är klart", proposals.CONTENT, proposals.DONE),
    ("skrivs-inte", "Innehåll som avslogs", proposals.CONTENT, proposals.REJECTED),
)
"""Address, title, kind and state."""
_DONE = {
    "spara": "Ändringen är sparad.",
    "godkann": "Frasen är godkänd och kommer med i nästa träning.",
    "avsla": "Förslaget är avslaget.",
    "tillbaka": "Förslaget ligger bland förslagen igen.",
    "klart": "Innehållet är markerat som klart.",
    "tagen": "Den nya modellen svarar nu.",
    "kastad": "Den nya modellen är kastad. Fraserna är fortfarande godkända.",
    "tillbakatagen": "Den förra modellen svarar igen. Fraserna är fortfarande godkända.",
    "sparad-i-git": "Fraserna är sparade i git.",
}
_TO = {
    "godkann": proposals.APPROVED,
    "avsla": proposals.REJECTED,
    "tillbaka": proposals.PROPOSED,
    "klart": proposals.DONE,
}
STATES = {
    training.RUNNING: "Pågår",
    training.READY: "Klar att ta i bruk",
    training.REFUSED: "Får inte tas i bruk",
    training.FAILED: "Misslyckades",
    training.PROMOTED: "Togs i bruk",
    training.ROLLED_BACK: "Återtagen",
    training.DISCARDED: "Kastad",
}


@dataclass(frozen=True)
class Shown:
    """A proposal on the page, with what may be wrong with it."""

    one: Proposal
    text: str
    label: str
    problems: tuple[str, ...] = ()
    error: str = ""


def address(one: Proposal) -> str:
    """Where a proposal stands."""
    section = next(name for name, *of in SECTIONS if of[1:] == [one.kind, one.state])
    return f"{START}?visa={section}#f{one.id}"


async def overview(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/forbattra: proposals of a state, training, history."""
    return await _overview(request, visit)


async def decide(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/forslag/{id}: another wording, or a decision about the one that was shown."""
    number, deed = int(request.match_info["number"]), form.get("gor", "")
    text, label = phrases.tidy(form.get("text", "")), form.get("etikett", "")
    version = int(form["version"]) if form.get("version", "").isdecimal() else 0
    if deed not in ("spara", *_TO):
        raise Refusal(422, "Det gick inte att läsa formuläret", "Inget är sparat. Försök igen.")
    try:
        async with AsyncSession(request.app[DATABASE]) as db, db.begin():
            now = await proposals.find(db, number)
            if deed in ("spara", "godkann") and now.state in _EDITABLE:
                now = await proposals.edit(db, number, version, visit.name, text, label)
                version = now.version
            if deed == "godkann" and (found := await _problems(request, db, now)):
                raise _Wrong(" ".join(found))
            if deed != "spara":
                await proposals.decide(db, number, version, visit.name, _TO[deed])
    except LookupError:
        raise Refusal(404, "Förslaget finns inte", "Det kan vara borttaget.", text) from None
    except proposals.Stale as stale:
        error = (
            f"{stale} har ändrat förslaget medan du hade sidan öppen. Din ändring är inte sparad. "
            "Så här ser det ut nu."
        )
        return await _overview(request, visit, 409, number, "", "", error)
    except proposals.Twin:
        return await _overview(
            request, visit, 409, number, text, label,
            "Det finns redan ett likadant förslag. Avslå det ena.",
        )  # fmt: skip
    except ValueError:
        error = "Skriv en fras. Den får inte vara tom eller längre än några meningar."
        return await _overview(request, visit, 422, number, text, label, error)
    except _Wrong as wrong:
        error = f"Frasen är inte godkänd. {wrong}"
        return await _overview(request, visit, 422, number, text, label, error)
    return away(f"{START}?visa={_section(request)[0]}&gjort={deed}")


_EDITABLE = (proposals.PROPOSED, proposals.APPROVED)


class _Wrong(Exception):
    """A phrase that can't be trained on."""


async def train(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/trana."""
    try:
        number = await request.app[TRAINER].start(visit.name)
    except Refused as refused:
        raise Refusal(409, "Träningen startade inte", str(refused)) from None
    return away(f"{START}/traning/{number}")


async def report(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET …/traning/{id}: how far it has come, or what came of it."""
    row = await _training(request)
    trainer = request.app[TRAINER]
    history = await trainer.history()
    newest = next((one for one in history if one.state == training.PROMOTED), None)
    content = request.app[CONTENT].content
    empty: dict[str, Any] = {"error": "", "reasons": [], "phrases": [], "patch": "", "took": None}
    told = {**empty, **row.report}
    said = await _said(request, told)
    return render(
        request, visit, "training.html",
        row=row,
        told=told,
        state=STATES.get(row.state, row.state),
        took=_took(row),
        usual=_usual(history),
        rows=_figures(told) if "old" in told else [],
        title=lambda label: _title(label, content),
        said=lambda one: said.get(one["turn"], "") if one.get("turn") else one["text"],
        outcome=lambda made: _outcome(made, content),
        percent=percent,
        editor=accounts.may(visit.role, accounts.EDITOR),
        can_go_back=newest is not None and newest.id == row.id,
        writable=trainer.writable,
        done=_DONE.get(request.query.get("gjort", ""), ""),
    )  # fmt: skip


async def state(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET …/traning/{id}/lage: the progress, for the page's script."""
    row = await _training(request)
    told = {"running": row.state == training.RUNNING, "step": row.step, "took": _took(row)}
    return web.json_response(told)


async def as_patch(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET …/traning/{id}/fraser.patch: the phrases as a change that `git apply` takes."""
    row = await _training(request)
    name = f"fraser-{row.id}.patch"
    return web.Response(
        text=row.report.get("patch", ""), content_type="text/x-diff", charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


async def promote(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/ta-i-bruk."""
    return await _done(request, request.app[TRAINER].promote, visit, "tagen")


async def roll_back(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/ta-tillbaka."""
    return await _done(request, request.app[TRAINER].roll_back, visit, "tillbakatagen")


async def discard(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/kasta."""
    return await _done(request, request.app[TRAINER].discard, visit, "kastad")


async def save(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/git: commit what promotions have changed in data/nlu."""
    async with AsyncSession(request.app[DATABASE]) as db, db.begin():
        found = await _unsaved(request, db)
        if found is None or not found.own:
            raise Refusal(409, "Det finns inget att spara i git", "Någon annan kan ha sparat det.")
        try:
            name = await checkout.commit(request.app[TRAINER].root)
        except checkout.GitFailed as error:
            raise Refusal(409, "Git sparade inte fraserna", str(error)) from None
        await record(db, visit.name, "committed", f"git {name}", added=found.added,
                     removed=found.removed)  # fmt: skip
    return away(f"{START}?gjort=sparad-i-git")


async def _done(request: web.Request, work: Any, visit: Visit, done: str) -> web.StreamResponse:
    number = int(request.match_info["number"])
    try:
        await work(number, visit.name)
    except LookupError:
        raise _no_training() from None
    except Refused as refused:
        raise Refusal(409, "Det gick inte", str(refused)) from None
    return away(f"{START}/traning/{number}?gjort={done}")


async def _training(request: web.Request) -> Training:
    try:
        return await request.app[TRAINER].find(int(request.match_info["number"]))
    except LookupError:
        raise _no_training() from None


def _no_training() -> Refusal:
    return Refusal(404, "Träningen finns inte", "Numret kan vara fel.")


def _section(request: web.Request) -> tuple[str, str, str, str]:
    wanted = request.query.get("visa", "")
    return next((one for one in SECTIONS if one[0] == wanted), SECTIONS[0])


async def _known(request: web.Request, db: AsyncSession) -> Known:
    content = request.app[CONTENT].content
    approved = await proposals.of_state(db, proposals.APPROVED, proposals.LIVE)
    return await asyncio.to_thread(
        phrases.known, content.entries, public_facts(content), proposals.as_phrases(approved)
    )


async def _problems(request: web.Request, db: AsyncSession, one: Proposal) -> list[str]:
    """What is wrong with a phrase that is to be approved."""
    known = await _known(request, db)
    title = partial(labels.title, request.app[CONTENT].content)
    return phrases.problems(one.text, one.label, known.but(proposals.about(one.id)), title)


async def _unsaved(request: web.Request, db: AsyncSession) -> checkout.Unsaved | None:
    known = (proposals.LIVE, proposals.APPROVED, proposals.PROPOSED, proposals.REJECTED)
    texts = [one.text for one in await proposals.of_state(db, *known)]
    return await checkout.unsaved(request.app[TRAINER].root, texts)


async def _overview(
    request: web.Request, visit: Visit, status: int = 200, number: int = 0, text: str = "",
    label: str = "", error: str = "",
) -> web.StreamResponse:  # fmt: skip
    """The page; `number` is the proposal that something is wrong with."""
    section = _section(request)
    at = request.query.get("sida", "")
    page = min(max(int(at), 1), PAGES) if at.isdecimal() else 1
    content, trainer = request.app[CONTENT].content, request.app[TRAINER]
    async with AsyncSession(request.app[DATABASE]) as db:
        found = await proposals.of_state(db, section[3], kind=section[2])
        counts = await proposals.counts(db)
        unsaved = await _unsaved(request, db)
        known = await _known(request, db)
    if number and all(one.id != number for one in found):
        found = [*await _one(request, number), *found]
    pages = max(1, -(-len(found) // ON_A_PAGE))
    page = min(page, pages)
    part = found[(page - 1) * ON_A_PAGE : page * ON_A_PAGE]
    if number and all(one.id != number for one in part):
        part = [*(one for one in found if one.id == number), *part]
    shown = [
        _shown(one, text or one.text, label or one.label, error, known, content)
        if one.id == number
        else _shown(one, one.text, one.label, "", known, content)
        for one in part
    ]
    async with AsyncSession(request.app[DATABASE]) as db:
        origins = await proposals.origins(db, part)
    history = await trainer.history()
    return render(
        request, visit, "mend.html", status,
        origins=origins,
        file=lambda name: labels.file(content, name),
        section=section,
        sections=[(*one, counts.get((one[2], one[3]), 0)) for one in SECTIONS],
        shown=shown,
        page=page,
        pages_of=pages,
        options=[pair for pair in labels.titles(content).items() if pair[0] in known.labels],
        title=lambda name: _title(name, content),
        editor=accounts.may(visit.role, accounts.EDITOR),
        approved=counts.get((proposals.PHRASE, proposals.APPROVED), 0),
        running=next((row for row in history if row.state == training.RUNNING), None),
        ready=next((row for row in history if row.state == training.READY), None),
        history=history,
        states=STATES,
        took=_took,
        has_tests=trainer.has_tests,
        writable=trainer.writable,
        unsaved=unsaved,
        done="" if error else _DONE.get(request.query.get("gjort", ""), ""),
    )  # fmt: skip


async def _one(request: web.Request, number: int) -> list[Proposal]:
    async with AsyncSession(request.app[DATABASE]) as db:
        return [await proposals.find(db, number)]


def _shown(
    one: Proposal, text: str, label: str, error: str, known: Known, content: Content
) -> Shown:
    if one.kind != proposals.PHRASE or one.state not in _EDITABLE:
        return Shown(one, text, label, (), error)
    others, title = known.but(proposals.about(one.id)), partial(labels.title, content)
    found = phrases.problems(text, label, others, title)
    return Shown(one, text, label, tuple(found), error)


def _took(row: Training) -> str:
    """How long a training has gone on, or took: 2 min 5 s."""
    ended = utc(row.ended_at) if row.ended_at else datetime.now(UTC)
    seconds = round((ended - utc(row.at)).total_seconds())
    minutes, left = divmod(max(0, seconds), 60)
    return f"{minutes} min {left} s" if minutes else f"{left} s"


_FINISHED = frozenset(STATES) - {training.RUNNING, training.FAILED}


def _usual(history: Sequence[Training]) -> str:
    """How long the last finished training took; "" without one."""
    done = next((row for row in history if row.state in _FINISHED), None)
    return _took(done) if done else ""


def _figures(told: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(what, old, new), in words and numbers."""
    old, new = told["old"]["figures"], told["new"]["figures"]

    def shares(name: str, part: str = "") -> tuple[str, str, str]:
        was, now = (f[part][name] if part else f[name] for f in (old, new))
        return training.FIGURES[name], percent(was), percent(now)

    def counted(title: str, right: str, part: str) -> tuple[str, str, str]:
        was, now = old[part], new[part]
        return title, f"{was[right]} av {was['total']}", f"{now[right]} av {now['total']}"

    def stories(side: dict[str, Any]) -> str:
        found = side["stories"]
        return f"{found['total'] - len(found['failed'])} av {found['total']}"

    return [
        counted("Nödlägen som får 112, i alla provlistor", "heard", "urgent"),
        shares("recall", "emergency"),
        shares("false_alarms", "emergency"),
        *(shares(name) for name in ("accuracy", "macro_f1", "direct_inside", "direct_right",
                                    "outside_wrong", "outside_auroc")),
        counted("Granskade meddelanden som besvaras rätt", "right", "reviewed"),
        ("Dialoger som går rätt", stories(told["old"]), stories(told["new"])),
    ]  # fmt: skip


async def _said(request: web.Request, told: dict[str, Any]) -> dict[str, str]:
    """What residents said in the turns of a report, by turn; what is erased isn't there."""
    rows = [*told.get("better", ()), *told.get("worse", ())]
    wanted = {row["turn"] for row in rows if row.get("turn")}
    if not wanted:
        return {}
    async with request.app[DATABASE].connect() as db:
        turns = select(TranscriptTurn.id, TranscriptTurn.text).where(TranscriptTurn.id.in_(wanted))
        return {number: text for number, text in await db.execute(turns)}


def _outcome(made: dict[str, Any], content: Content) -> str:
    """What a model made of a message, in words."""
    name = _title(made["label"], content)
    sure = percent(made["confidence"])
    return f"{name} ({sure})" if made["answers"] else f"Frågar eller vet inte, närmast: {name}"


def _title(label: str, content: Content) -> str:
    return "Inget larm" if label == CALM else labels.title(content, label)


NUMBER = r"{number:\d{1,9}}"
ROUTES = [
    web.get(START, reading(overview), allow_head=False),
    web.post(f"{START}/forslag/{NUMBER}", writing(decide, accounts.EDITOR)),
    web.post(f"{START}/trana", writing(train, accounts.EDITOR)),
    web.post(f"{START}/git", writing(save, accounts.EDITOR)),
    web.get(f"{START}/traning/{NUMBER}", reading(report), allow_head=False),
    web.get(f"{START}/traning/{NUMBER}/lage", reading(state), allow_head=False),
    web.get(f"{START}/traning/{NUMBER}/fraser.patch", reading(as_patch), allow_head=False),
    web.post(f"{START}/traning/{NUMBER}/ta-i-bruk", writing(promote, accounts.EDITOR)),
    web.post(f"{START}/traning/{NUMBER}/ta-tillbaka", writing(roll_back, accounts.EDITOR)),
    web.post(f"{START}/traning/{NUMBER}/kasta", writing(discard, accounts.EDITOR)),
]
