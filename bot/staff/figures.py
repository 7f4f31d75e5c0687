"""The statistics as staff see them: tables with a chart each, and the same tables as files."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from aiohttp import web
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession

from bot.content.clock import now
from bot.content.load import Content
from bot.keys import CONTENT, DATABASE, FIGURES
from bot.staff import charts, labels, titles
from bot.staff.charts import Bar, whole
from bot.staff.door import Refusal, reading, render
from bot.staff.export import harmless
from bot.staff.sessions import PATH, Visit
from bot.staff.talk_titles import OUTCOMES
from bot.store.audit import record
from bot.transcripts.statistics import LONGEST, Figures, Period, share

HERE = f"{PATH}/statistik"
DAYS = 30
TOPICS = 15
"""Bars of the chart of topics."""
FLAGS = {
    "clarified": "clarification",
    "unknown": "fallback",
    "person": "person",
    "emergency": "emergency",
    "form": "form",
    "degraded": "degraded",
}
"""By which flag the conversations with an outcome are found."""


@dataclass(frozen=True)
class Table:
    """A table of the page and of a file. `chart` is empty where nothing is to be drawn."""

    name: str
    title: str
    caption: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    chart: Markup | str = ""
    note: str = ""
    links: Sequence[str] = ()
    """Where the conversations of each row are listed; "" where nothing lists just them."""
    more: tuple[str, str] = ("", "")
    """Address and title of a page that says more."""


async def page(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/statistik?fran=&till=: the last 30 days unless a period is given."""
    today = now().date()
    period, error = chosen(request, today)
    found = await _figures(request, period)
    return render(
        request, visit, "statistics.html", 422 if error else 200,
        error=error,
        period=period,
        query=urlencode({"fran": period.first, "till": period.last}),
        shortcuts=shortcuts(today),
        summary=summary(found),
        tables=tables(found, request.app[CONTENT].content),
    )  # fmt: skip


async def file(request: web.Request, visit: Visit) -> web.StreamResponse:
    """GET /personal/statistik/<table>.csv?fran=&till=."""
    period, error = chosen(request, now().date())
    if error:
        raise Refusal(422, "Perioden går inte att använda", error)
    known = tables(await _figures(request, period), request.app[CONTENT].content)
    table = next((one for one in known if one.name == request.match_info["table"]), None)
    if table is None:
        raise Refusal(404, "Sidan finns inte", "Adressen kan vara fel eller för gammal.")
    async with AsyncSession(request.app[DATABASE]) as db, db.begin():
        told = {"tabell": table.name, "fran": str(period.first), "till": str(period.last)}
        await record(db, visit.name, "exported", "statistik", **told)
    name = f"{table.name}-{period.first}-{period.last}.csv"
    return web.Response(
        body=as_csv(table),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


ROUTES = [
    web.get(HERE, reading(page), allow_head=False),
    web.get(HERE + "/{table:[a-z]+}.csv", reading(file), allow_head=False),
]


def chosen(request: web.Request, today: date) -> tuple[Period, str]:
    """The period of an address, and what is wrong with it; then it is the usual one."""
    usual = Period(today - timedelta(DAYS - 1), today)
    first, last = (request.query.get(name, "").strip()[:20] for name in ("fran", "till"))
    if not first and not last:
        return usual, ""
    try:
        begin, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        return usual, "Skriv båda datumen som år-månad-dag, t.ex. 2026-05-04."
    if end < begin:
        return usual, "Perioden slutar innan den börjar. Byt plats på datumen."
    if begin.year < 2000 or end.year > 2999:
        return usual, "Välj dagar från år 2000 och framåt."
    if (end - begin).days >= LONGEST:
        return usual, f"Perioden är längre än {LONGEST} dagar. Välj en kortare."
    return Period(begin, end), ""


def shortcuts(today: date) -> list[tuple[str, str]]:
    """Usual periods: title and query of the address."""
    monday, first = today - timedelta(today.weekday()), today.replace(day=1)
    month_before = (first - timedelta(1)).replace(day=1)
    periods = [
        ("Senaste 7 dagarna", today - timedelta(6), today),
        ("Senaste 30 dagarna", today - timedelta(DAYS - 1), today),
        ("Den här veckan", monday, today),
        ("Förra veckan", monday - timedelta(7), monday - timedelta(1)),
        ("Den här månaden", first, today),
        ("Förra månaden", month_before, first - timedelta(1)),
    ]
    return [(title, urlencode({"fran": one, "till": end})) for title, one, end in periods]


async def _figures(request: web.Request, period: Period) -> Figures:
    hours = request.app[CONTENT].content.hours
    return await request.app[FIGURES].figures(request.app[DATABASE], period, hours)


# --- wording --------------------------------------------------------------------------------------


def percent(part: int, of: int) -> str:
    """A share as Swedes write it: "12,5 %"; "–" of nothing."""
    found = share(part, of)
    if found is None:
        return "–"
    return f"{100 * found:.1f}".replace(".", ",") + "\u00a0%"


def seconds(ms: int | None) -> str:
    """A time in seconds: "0,12 s"."""
    return "–" if ms is None else f"{ms / 1000:.2f}".replace(".", ",") + "\u00a0s"


def topic(content: Content, label: str) -> str:
    """The title of a label; the label itself when the content has it no more."""
    return labels.title(content, label) if label else "Inget ämne"


def talks(period: Period, name: str = "", value: str = "") -> str:
    """The address of the list of conversations of a period, narrowed by one thing more."""
    more = {name: value} if name else {}
    return f"{PATH}/samtal?{urlencode({'fran': period.first, 'till': period.last, **more})}"


def summary(found: Figures) -> list[tuple[str, str, str]]:
    """The most important figures: title, value, explanation."""
    turns, rated = found.turns, found.helpful + found.unhelpful
    handled = {name: percent(found.outcomes[name], turns) for name in found.outcomes}
    return [
        ("Samtal", whole(found.conversations), "som började i perioden"),
        ("Meddelanden", whole(turns), "som invånare skrev eller valde"),
        ("Fick svar", handled["answered"], "av meddelandena"),
        ("Fick inget svar", handled["unknown"], "av meddelandena"),
        ("Utanför öppettiderna", percent(found.outside, turns), "av meddelandena"),
        ("Hjälpte svaret", percent(found.helpful, rated), f"av {whole(rated)} omdömen"),
        ("Svarstid", seconds(found.answer_time.median), "i median"),
        (
            "Intresseanmälningar",
            f"{whole(found.form.sent)} av {whole(found.form.begun)}",
            "påbörjade är inskickade",
        ),
    ]


def tables(found: Figures, content: Content) -> list[Table]:
    """All tables, in the order of the page."""
    return [
        _days(found), _hours(found), _outcomes(found), _opening(found), _topics(found, content),
        _unanswered(found), _languages(found), _feedback(found), _time(found), _form(found),
    ]  # fmt: skip


def _days(found: Figures) -> Table:
    bars = [Bar(f"{day.day}/{day.month}", use.turns, whole(use.turns)) for day, use in
            found.days.items()]  # fmt: skip
    busiest = max(found.days.items(), key=lambda one: one[1].turns)
    told = f"Flest meddelanden kom {busiest[0]}: {whole(busiest[1].turns)}."
    return Table(
        "dagar", "Per dag", "Samtal och meddelanden per dag", ("Dag", "Samtal", "Meddelanden"),
        [(str(day), whole(u.conversations), whole(u.turns)) for day, u in found.days.items()],
        charts.columns("dagar", "Meddelanden per dag", told if found.turns else "Inga.", bars),
        "Ett samtal räknas den dag det började, ett meddelande den dag det skrevs.",
        [talks(Period(day, day)) for day in found.days],
    )  # fmt: skip


def _hours(found: Figures) -> Table:
    bars = [Bar(f"{h:02}", use.turns, whole(use.turns)) for h, use in enumerate(found.hours)]
    busiest = max(range(24), key=lambda hour: found.hours[hour].turns)
    number = whole(found.hours[busiest].turns)
    told = f"Flest meddelanden kom {_clock(busiest)}: {number}."
    return Table(
        "timmar", "Per timme på dygnet", "Samtal och meddelanden per timme, alla dagar tillsammans",
        ("Klockan", "Samtal", "Meddelanden"),
        [(_clock(h), whole(u.conversations), whole(u.turns)) for h, u in enumerate(found.hours)],
        charts.columns("timmar", "Meddelanden per timme", told if found.turns else "Inga.", bars),
        "Svensk tid, också när klockan ställs om.",
    )  # fmt: skip


def _clock(hour: int) -> str:
    return f"{hour:02}–{hour + 1:02}"


def _outcomes(found: Figures) -> Table:
    rows = [(OUTCOMES.get(n, n), number) for n, number in found.outcomes.items()]
    return Table(
        "utfall", "Så gick det", "Meddelanden efter vad assistenten gjorde",
        ("Utfall", "Meddelanden", "Andel"), _counted(rows, found.turns),
        _bars("utfall", "Meddelanden efter utfall", rows, found.turns),
        links=[
            talks(found.period, "flagga", FLAGS[n]) if n in FLAGS else "" for n in found.outcomes
        ],
    )  # fmt: skip


def _opening(found: Figures) -> Table:
    rows = [("Öppet", found.turns - found.outside), ("Stängt", found.outside)]
    return Table(
        "oppettider", "Kontaktcenters öppettider", "Meddelanden när kontaktcenter var öppet och "
        "stängt", ("Kontaktcenter", "Meddelanden", "Andel"), _counted(rows, found.turns),
        _bars("oppettider", "Meddelanden i och utanför öppettiderna", rows, found.turns),
        "Räknat med öppettiderna som gäller i dag, också för äldre dagar: assistenten vet inte "
        "vilka som gällde då. Dagar som inte är bekräftade räknas som vanliga dagar.",
    )  # fmt: skip


def _topics(found: Figures, content: Content) -> Table:
    named = [(topic(content, one.label), one) for one in found.topics]
    shown = [(name, one.turns) for name, one in named if one.label][:TOPICS]
    told = f"De {len(shown)} vanligaste." if len(named) > TOPICS else ""
    return Table(
        "amnen", "Ämnen", "Meddelanden och omdömen per ämne",
        ("Ämne", "Meddelanden", "Andel", "Hjälpte", "Hjälpte inte"),
        [
            (name, whole(one.turns), percent(one.turns, found.turns), whole(one.helpful),
             whole(one.unhelpful))
            for name, one in named
        ],
        _bars("amnen", "Meddelanden per ämne", shown, found.turns, told),
        links=[
            talks(found.period, "amne", one.label) if one.label else "" for _, one in named
        ],
    )  # fmt: skip


def _unanswered(found: Figures) -> Table:
    rows = [(group.examples[0], group.times) for group in found.groups[:TOPICS]]
    return Table(
        "obesvarade", "Vanligaste frågorna utan svar", "Grupper av obesvarade meddelanden",
        ("Meddelanden", "Antal"),
        [(" / ".join(group.examples), whole(group.times)) for group in found.groups],
        _bars("obesvarade", "Obesvarade meddelanden per grupp", rows, found.outcomes["unknown"]),
        "Namn, nummer och adresser som tjänsten kände igen är dolda.",
        more=(f"{PATH}/samtal/grupper", "Bedöm missförstådda meddelanden"),
    )  # fmt: skip


def _languages(found: Figures) -> Table:
    rows = [(titles.language(code), number) for code, number in found.languages]
    return Table(
        "sprak", "Språk", "Samtal per språk", ("Språk", "Samtal", "Andel"),
        _counted(rows, found.conversations),
        _bars("sprak", "Samtal per språk", rows, found.conversations),
        links=[talks(found.period, "sprak", code) for code, _ in found.languages],
    )  # fmt: skip


def _feedback(found: Figures) -> Table:
    rows = [("Hjälpte", found.helpful), ("Hjälpte inte", found.unhelpful)]
    rated = found.helpful + found.unhelpful
    return Table(
        "omdomen", "Omdömen", "Svar på frågan ”Hjälpte svaret?”", ("Omdöme", "Antal", "Andel"),
        _counted(rows, rated), _bars("omdomen", "Omdömen om svaren", rows, rated),
        "Tummen upp räknas som hjälpte, tummen ner som hjälpte inte.",
        [talks(found.period, "omdome", value) for value in ("upp", "ner")],
    )  # fmt: skip


def _time(found: Figures) -> Table:
    one = found.answer_time
    return Table(
        "svarstid", "Svarstid", f"Tid till svar, {whole(one.measured)} mätningar",
        ("Mått", "Sekunder"),
        [("Median", seconds(one.median)), ("95 % får svar inom", seconds(one.p95))],
    )  # fmt: skip


def _form(found: Figures) -> Table:
    form = found.form
    rows = [
        ("Påbörjade", form.begun), ("Inskickade", form.sent),
        ("Avbrutna eller inte klara", form.unfinished),
    ]  # fmt: skip
    return Table(
        "intresse", "Företagens väg genom intresseanmälan",
        "Samtal som började i perioden och där en intresseanmälan påbörjades",
        ("Steg", "Samtal", "Andel"), _counted(rows, form.begun),
        _bars("intresse", "Intresseanmälningar", rows, form.begun),
        f"I perioden kom det in {whole(form.received)} "
        f"{'anmälan' if form.received == 1 else 'anmälningar'}. Raderade anmälningar räknas inte.",
        more=(f"{PATH}/intresse", "Visa intresseanmälningarna"),
    )  # fmt: skip


def _counted(rows: Sequence[tuple[str, int]], of: int) -> list[tuple[str, ...]]:
    return [(name, whole(number), percent(number, of)) for name, number in rows]


def _bars(
    name: str, title: str, rows: Sequence[tuple[str, int]], of: int, told: str = ""
) -> Markup | str:
    """A chart, or nothing where every value is 0."""
    if not any(number for _, number in rows):
        return ""
    most = max(rows, key=lambda row: row[1])
    description = f"Störst är {most[0]}: {whole(most[1])}, {percent(most[1], of)}."
    shown = [Bar(label, n, f"{whole(n)} ({percent(n, of)})") for label, n in rows]
    return charts.bars(name, title, f"{told} {description}".strip(), shown)


def as_csv(table: Table) -> bytes:
    """UTF-8 with byte order mark, semicolons, CRLF."""
    made = io.StringIO(newline="")
    writer = csv.writer(made, delimiter=";", lineterminator="\r\n")
    writer.writerow(table.headings)
    writer.writerows([harmless(cell.replace("\u00a0", "")) for cell in row] for row in table.rows)
    return made.getvalue().encode("utf-8-sig", "replace")
