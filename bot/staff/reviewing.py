"""Conversations with the assistant as staff read and judge them: one function a route."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from multidict import MultiDict
from sqlalchemy.ext.asyncio import AsyncSession

from bot.keys import CONTENT, DATABASE, SEARCH
from bot.staff import accounts, labels, mending
from bot.staff.cases import whole
from bot.staff.door import Form, Refusal, away, reading, render, writing
from bot.staff.sessions import PATH, Visit
from bot.staff.talk_titles import OUTCOMES, VERDICTS, language, percent, verdict_told
from bot.store.audit import record
from bot.store.transcript_models import Transcript, TranscriptTurn
from bot.transcripts import reading as talks
from bot.transcripts.grouping import Message, groups
from bot.transcripts.proposals import of_turns
from bot.transcripts.reading import Chosen, Place, Question, utc
from bot.transcripts.verdicts import MISSING, SHOULD_ASK, WRONG, Overtaken, judge

LIST = f"{PATH}/samtal"
GROUPS = f"{LIST}/grupper"
TALK = f"{LIST}/{{conversation:[\\w-]{{1,40}}}}"
LONGEST_NOTE = 5000
"""Characters."""
DAYS = (7, 30, 90, 365)
"""How far back messages are grouped; the second one if nothing is said."""
GROUPS_SHOWN, GROUP_SHOWN = 15, 50
"""Groups on a page, and messages of one that are decided on at once."""
SHORTCUTS = (
    ("Alla samtal", ""),
    ("Osedda", "?osedda=1"),
    ("Fick inget svar", "?flagga=fallback"),
    ("Tummen ner", "?flagga=negative"),
    ("Tilldelade mig", "?tilldelad=jag"),
)
"""Above the list, as Chosen.query writes them."""
_NOTHING = {"turn": "", "said": "", "written": "", "error": ""}
_DONE = {
    "bedomd": "Bedömningen är sparad.",
    "anteckning": "Anteckningen är sparad.",
    "tilldelad": "Tilldelningen är ändrad.",
    "sedd": "Samtalet är markerat som sett.",
    "osedd": "Samtalet är markerat som osett.",
    "vy": "Vyn är sparad.",
    "vy-borta": "Vyn är borttagen.",
    "raderat": "Samtalet är raderat.",
    "slut": "Det finns inga fler samtal i urvalet åt det hållet.",
}


async def overview(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/samtal: the list as it is narrowed."""
    return await _list(request, visit)


async def save_view(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/vyer: keep the filter of the address under a name."""
    chosen, name = Chosen.of(request.query), " ".join(form.get("namn", "").split())
    name = name.replace("\0", "")
    error = ""
    if not name:
        error = "Skriv ett namn på vyn först."
    elif len(name) > talks.LONGEST_NAME:
        error = f"Namnet får ha högst {talks.LONGEST_NAME} tecken. Vyn är inte sparad."
    elif not chosen:
        error = "Välj något i filtret först. En vy utan filter är hela listan."
    async with AsyncSession(request.app[DATABASE]) as db, db.begin():
        known = [view.name for view in await talks.views(db, visit.name)]
        if not error and name not in known and len(known) >= talks.MOST_VIEWS:
            error = f"Du har redan {talks.MOST_VIEWS} vyer. Ta bort någon först."
        if not error:
            await talks.save_view(db, visit.name, name, chosen)
    if error:
        return await _list(request, visit, 422, view_error=error, view_name=name[:200])
    return away(LIST + chosen.query(gjort="vy"))


async def forget_view(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/vyer/<number>/radera: one's own only."""
    async with AsyncSession(request.app[DATABASE]) as db, db.begin():
        gone = await talks.forget_view(db, visit.name, int(request.match_info["number"]))
    if not gone:
        raise Refusal(
            404, "Vyn finns inte", "Den kan vara borttagen redan, eller vara någon annans."
        )
    return away(LIST + Chosen.of(request.query).query(gjort="vy-borta"))


async def grouped(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/samtal/grupper: what was misunderstood, like with like."""
    return await _groups(request, visit)


async def decide(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/grupper: one verdict for all messages that are ticked."""
    content = request.app[CONTENT].content
    said, written = form.get("omdome", ""), form.get("amne", "").strip()
    label = labels.chosen(content, written) if written else ""
    ticked = {
        name.removeprefix("tur-")[:36].replace("\0", ""): whole(version, 0, 10**8)
        for name, version in form.items()
        if name.startswith("tur-")
    }
    error = ""
    if not ticked:
        error = "Kryssa för minst ett meddelande."
    elif said not in (WRONG, SHOULD_ASK, MISSING):
        error = "Välj vad som ska göras."
    elif said != MISSING and not label:
        error = _no_topic(request, written) if written else "Skriv vilket ämne som är rätt."
    if error:
        kept = {"error": error, "said": said, "written": written[:200]}
        return await _groups(
            request, visit, 422, {**kept, "group": form.get("grupp", "")[:36]}, ticked
        )
    done = overtaken = 0
    for key, version in ticked.items():
        try:
            async with AsyncSession(request.app[DATABASE]) as db, db.begin():
                turn = await db.get(TranscriptTurn, key)
                if turn is None:
                    overtaken += 1  # erased in the meantime
                else:
                    await judge(db, turn, said, label or "", visit.name, version)
                    done += 1
        except Overtaken:
            overtaken += 1
    query = urlencode({"dagar": _days(request), "antal": done, "orort": overtaken})
    return away(f"{GROUPS}?{query}")


async def one(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/samtal/<id>."""
    return await _show(request, visit)


async def step(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET …/<id>/nasta, forra or nasta-osedda: to the next one of the list as it is narrowed."""
    chosen, back = Chosen.of(request.query), request.match_info["step"] == "forra"
    wanted = chosen
    if request.match_info["step"] == "nasta-osedda":
        wanted = Chosen.of(MultiDict([*chosen.pairs(), ("osedda", "1")]))
    async with AsyncSession(request.app[DATABASE]) as db:
        here = await _head(db, request)
        question = await Question.of(db, wanted, visit.name)
        found = await talks.neighbour(db, question, here, back)
    if found is None:
        return away(f"{LIST}/{here.id}{chosen.query(gjort='slut')}")
    return away(f"{LIST}/{found}{chosen.query()}")


async def verdict(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/<id>/bedom: what somebody thinks of one turn."""
    content = request.app[CONTENT].content
    said, written = form.get("omdome", ""), form.get("amne", "").strip()
    version = whole(form.get("version", ""), 0, 10**8)
    label = labels.chosen(content, written) if written else ""
    error = ""
    if said not in VERDICTS:
        error = "Välj en bedömning först."
    elif label is None and said in (WRONG, SHOULD_ASK):
        error = _no_topic(request, written)
    async with AsyncSession(request.app[DATABASE], expire_on_commit=False) as db:
        turn = await db.get(TranscriptTurn, form.get("tur", "").replace("\0", "")[:36])
        if turn is None or turn.transcript_id != request.match_info["conversation"]:
            raise _gone()
    kept = {"said": said, "written": written[:200], "turn": turn.id}
    if error:
        return await _show(request, visit, 422, kept={**kept, "error": error})
    try:
        async with AsyncSession(request.app[DATABASE]) as db, db.begin():
            await judge(db, turn, said, label or "", visit.name, version)
    except Overtaken as other:
        now = other.verdict
        told = verdict_told(now, partial(labels.title, content))
        error = (
            f"{now.by} bedömde turen medan du hade sidan öppen: {told}. Din bedömning är inte "
            "sparad. Spara igen om du vill ändra den andras."
        )
        return await _show(request, visit, 409, kept={**kept, "error": error})
    return _back(request, "bedomd", f"#tur-{turn.number}")


async def note(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/<id>/anteckning."""
    text = form.get("text", "").replace("\r\n", "\n").replace("\0", "").strip()
    error = ""
    if not text:
        error = "Skriv något i anteckningen först."
    elif len(text) > LONGEST_NOTE:
        error = (
            f"Anteckningen har {_number(len(text))} tecken och får ha högst "
            f"{_number(LONGEST_NOTE)}. Den är inte sparad. Korta den eller dela upp den."
        )
    if error:
        return await _show(request, visit, 422, note_error=error, text=text)
    async with AsyncSession(request.app[DATABASE]) as db, db.begin():
        head = await _head(db, request, text)
        await talks.note(db, head.id, visit.name, text)
    return _back(request, "anteckning", "#anteckningar")


async def assign(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/<id>/tilldela: who looks into it; "" is nobody."""
    wanted, before = form.get("tilldelad", ""), form.get("fore", "")
    async with AsyncSession(request.app[DATABASE]) as db:
        now = (await _head(db, request)).assigned or ""
    if wanted not in ("", now, *await accounts.names(request.app[DATABASE])):
        error = f"{wanted[:60]} kan inte logga in här. Välj någon i listan."
        return await _show(request, visit, 422, assign_error=error)
    if wanted != now:
        async with AsyncSession(request.app[DATABASE]) as db, db.begin():
            head = await _head(db, request)
            done = await talks.assign(db, head.id, visit.name, wanted, before)
        if done is None:
            async with AsyncSession(request.app[DATABASE]) as db:
                now = (await _head(db, request)).assigned or ""
            error = (
                f"{'Samtalet är tilldelat ' + now if now else 'Tilldelningen togs bort'} medan du "
                "hade sidan öppen. Din ändring är inte sparad. Välj igen om du fortfarande vill "
                "ändra."
            )
            return await _show(request, visit, 409, assign_error=error)
    return _back(request, "tilldelad")


async def seen(request: web.Request, visit: Visit, form: Form) -> web.StreamResponse:
    """POST …/<id>/sedd: `sedd` is ja or nej."""
    now = form.get("sedd") != "nej"
    async with AsyncSession(request.app[DATABASE]) as db, db.begin():
        head = await _head(db, request)
        if (head.seen_at is not None) != now:
            await talks.mark(db, head.id, visit.name, now)
    return _back(request, "sedd" if now else "osedd")


ROUTES = [
    web.get(LIST, reading(overview), allow_head=False),
    web.post(f"{LIST}/vyer", writing(save_view)),
    web.post(f"{LIST}/vyer/{{number:\\d{{1,9}}}}/radera", writing(forget_view)),
    web.get(GROUPS, reading(grouped), allow_head=False),
    web.post(GROUPS, writing(decide)),
    web.get(TALK, reading(one), allow_head=False),
    web.get(f"{TALK}/{{step:nasta|forra|nasta-osedda}}", reading(step), allow_head=False),
    web.post(f"{TALK}/bedom", writing(verdict)),
    web.post(f"{TALK}/anteckning", writing(note)),
    web.post(f"{TALK}/tilldela", writing(assign)),
    web.post(f"{TALK}/sedd", writing(seen)),
]
"""Whoever may read may judge too: a redaktör approves what comes of it."""


async def _list(
    request: web.Request, visit: Visit, status: int = 200, **values: Any
) -> web.StreamResponse:
    content, engine = request.app[CONTENT].content, request.app[DATABASE]
    chosen = Chosen.of(request.query)
    after = Place.of(request.query.get("efter", ""))
    async with AsyncSession(engine, expire_on_commit=False) as db, db.begin():
        page = await talks.page(db, await Question.of(db, chosen, visit.name), after)
        views = await talks.views(db, visit.name)
        await record(db, visit.name, "listed", "samtal", antal=len(page.rows))
    return render(
        request, visit, "talks.html", status,
        **{"view_error": "", "view_name": "", **values},
        done=_DONE.get(request.query.get("gjort", ""), ""),
        chosen=chosen,
        shortcuts=SHORTCUTS,
        page=page,
        first=after is None,
        views=[(view, Chosen.of_text(view.query)) for view in views],
        people=sorted({*await accounts.names(engine), *await talks.handlers(engine)}),
        topics=labels.titles(content),
        languages={code: language(code) for code in content.phrases},
        language=language,
        percent=percent,
    )  # fmt: skip


async def _show(
    request: web.Request,
    visit: Visit,
    status: int = 200,
    kept: Mapping[str, str] = _NOTHING,
    **values: Any,
) -> web.StreamResponse:
    """The page of a conversation. Each time it is shown is written down."""
    content, engine = request.app[CONTENT].content, request.app[DATABASE]
    key = request.match_info["conversation"]
    async with AsyncSession(engine, expire_on_commit=False) as db, db.begin():
        found = await talks.talk(db, key)
        if found is None:
            raise _gone(values.get("text", ""))
        proposed = await of_turns(db, [turn.id for turn in found.turns])
        await record(db, visit.name, "read", key)
    here = found.head.assigned
    return render(
        request, visit, "talk.html", status,
        **{"assign_error": "", "note_error": "", "text": "", **values},
        done=_DONE.get(request.query.get("gjort", ""), "") if status == 200 else "",
        chosen=Chosen.of(request.query),
        talk=found,
        head=found.head,
        kept=kept,
        people=sorted({*await accounts.names(engine), *([here] if here else [])}),
        topics=labels.titles(content),
        label=partial(labels.title, content),
        file=partial(labels.file, content),
        proposed=proposed,
        proposal_at=mending.address,
        verdicts=VERDICTS,
        outcomes=OUTCOMES,
        told=partial(verdict_told, title=partial(labels.title, content)),
        longest=_number(LONGEST_NOTE),
        language=language,
        percent=percent,
        utc=utc,
        may_hold=accounts.may(visit.role, accounts.ADMIN),
        may_export=accounts.may(visit.role, accounts.EDITOR),
    )  # fmt: skip


async def _groups(
    request: web.Request,
    visit: Visit,
    status: int = 200,
    kept: Mapping[str, str] = _NOTHING,
    ticked: Mapping[str, int] | None = None,
) -> web.StreamResponse:
    content, days = request.app[CONTENT].content, _days(request)
    async with AsyncSession(request.app[DATABASE]) as db, db.begin():
        found = {u.message.id: u for u in await talks.undecided(db, days)}
        await record(db, visit.name, "listed", "samtal", antal=len(found))
    # apart: half a second of arithmetic must not keep those who chat waiting
    made = await asyncio.to_thread(groups, [u.message for u in found.values()])
    number = whole(request.query.get("sida", ""), 1, 1 + len(made) // GROUPS_SHOWN)
    first = (number - 1) * GROUPS_SHOWN
    shown = [
        ([found[m.id] for m in group[:GROUP_SHOWN]], len(group), _taken_for(group))
        for group in made[first : first + GROUPS_SHOWN]
    ]
    done, overtaken = (whole(request.query.get(n, ""), 0, 1000) for n in ("antal", "orort"))
    return render(
        request, visit, "groups.html", status,
        days=days,
        choices=DAYS,
        shown=shown,
        total=len(made),
        messages=len(found),
        most=talks.MOST_UNDECIDED,
        number=number,
        more=len(made) > first + GROUPS_SHOWN,
        kept={"group": "", **kept},
        ticked=ticked,
        done=done if status == 200 else 0,
        overtaken=overtaken if status == 200 else 0,
        topics=labels.titles(content),
        label=partial(labels.title, content),
        verdicts={name: VERDICTS[name] for name in (WRONG, SHOULD_ASK, MISSING)},
    )  # fmt: skip


def _taken_for(group: Sequence[Message]) -> str:
    """The label that most of a group were taken for; "" without any ranking."""
    first = Counter(m.ranking[0][0] for m in group if m.ranking)
    return max(sorted(first), key=first.__getitem__) if first else ""


def _days(request: web.Request) -> int:
    days = whole(request.query.get("dagar", ""), 0, 3650)
    return days if days in DAYS else DAYS[1]


def _no_topic(request: web.Request, written: str) -> str:
    """What is said when no topic has that title: others like it, or that answer such a thing."""
    content = request.app[CONTENT].content
    known = set(labels.titles(content).values())
    by_answer = [hit.title for hit in request.app[SEARCH].find(written) if hit.title in known]
    near = list(dict.fromkeys([*labels.near(content, written), *by_answer]))[:3]
    hint = f"Menar du {' eller '.join(f'”{one}”' for one in near)}?" if near else "Välj i listan."
    return f"Det finns inget ämne som heter så. {hint}"


async def _head(db: AsyncSession, request: web.Request, kept: str = "") -> Transcript:
    """The conversation of the address. Raises Refusal 404."""
    found = await db.get(Transcript, request.match_info["conversation"])
    if found is None:
        raise _gone(kept)
    return found


def _gone(kept: str = "") -> Refusal:
    text = "Adressen kan vara fel, eller så är samtalet raderat."
    return Refusal(404, "Samtalet finns inte", text, kept)


def _back(request: web.Request, done: str, part: str = "") -> web.Response:
    query = Chosen.of(request.query).query(gjort=done)
    return away(f"{LIST}/{request.match_info['conversation']}{query}{part}")


def _number(number: int) -> str:
    return f"{number:,}".replace(",", "\u00a0")
