"""Numbers as accessible charts: inline SVG without any style of its own.

Positions across are in per cent and text has its own size, so that a chart fills a wide page and a
phone alike. The colours of the classes stand in static/staff.css. Each chart needs a table beside
it: labels may be cut and not every column has one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

HEIGHT, TOP, BOTTOM = 180, 22, 24
"""Of a column chart, in CSS pixels; room for the scale and for the labels within it."""
ROW, BAR, GAP = 48, 14, 24
"""Of a bar chart: height of a row, of its bar, and from the row's top to the bar."""
ROOM = 46.0
"""Per cent: the longest bar; the rest is its value's."""
LABELS = 4
"""Labels under the columns, at most: so many dates fit on a phone."""
LONGEST = 32
"""Letters of a label beside a bar."""
WIDEST = 4.0
"""Per cent: the widest column."""

_SVG = Markup(
    '<svg class="chart" role="img" aria-labelledby="{id}-t {id}-d" width="100%" height="{height}">'
    '<title id="{id}-t">{title}</title><desc id="{id}-d">{description}</desc>{content}</svg>'
)
_LINE = Markup('<line class="{kind}" x1="0" x2="100%" y1="{y}" y2="{y}"/>')
_RECT = Markup('<rect class="bar" x="{x}%" y="{y}" width="{width}%" height="{height}"/>')
_TEXT = Markup('<text class="{kind}" x="{x}%" y="{y}" text-anchor="{anchor}">{text}</text>')


@dataclass(frozen=True)
class Bar:
    """One value, 0 or more, and how it is written."""

    label: str
    value: float
    shown: str


def columns(chart_id: str, title: str, description: str, bars: Sequence[Bar]) -> Markup:
    """Values in a row, as days or hours. `chart_id` must be the only one of its kind on a page."""
    top = ceiling(max((bar.value for bar in bars), default=0))
    floor, room = HEIGHT - BOTTOM, HEIGHT - BOTTOM - TOP
    parts = [_LINE.format(kind="grid", y=y) for y in (TOP, TOP + room / 2)]
    parts.append(_text(0, TOP - 6, whole(top), "start", "scale"))
    each = 100 / max(len(bars), 1)
    width = min(each * 0.75, WIDEST)
    for place, bar in enumerate(bars):
        high = round(room * bar.value / top, 1)
        middle = each * (place + 0.5)
        if high:
            parts.append(_rect(middle - width / 2, floor - high, width, high))
        if place in labelled(len(bars)):
            last = place == len(bars) - 1 and len(bars) > 1
            anchor = "start" if place == 0 else "end" if last else "middle"
            x = {"start": 0.0, "end": 100.0, "middle": middle}[anchor]
            parts.append(_text(x, HEIGHT - 6, bar.label, anchor, "tick"))
    parts.append(_LINE.format(kind="axis", y=floor))
    return _svg(chart_id, title, description, HEIGHT, parts)


def bars(chart_id: str, title: str, description: str, rows: Sequence[Bar]) -> Markup:
    """Values under one another, each with its label above its bar and its value beside it."""
    top = max((row.value for row in rows), default=0) or 1
    parts = list[Markup]()
    for place, row in enumerate(rows):
        y = place * ROW
        parts.append(_text(0, y + GAP - 7, shortened(row.label), "start", "name"))
        parts.append(_text(100, y + GAP + BAR - 2, row.shown, "end", "value"))
        if row.value:
            parts.append(_rect(0, y + GAP, ROOM * row.value / top, BAR))
    return _svg(chart_id, title, description, len(rows) * ROW, parts)


def ceiling(value: float) -> int:
    """The end of a scale for values up to this one: 2, 4, 10, 20, 40, 100 … so that its half is
    whole too."""
    if value <= 2:
        return 2
    ten = 10 ** math.floor(math.log10(value))
    return int(next(step * ten for step in (1, 2, 4, 6, 8, 10) if step * ten >= value))


def labelled(count: int) -> list[int]:
    """The places that get a label: evenly spread, the first one and the last one among them."""
    if count <= LABELS:
        return list(range(count))
    return [round(n * (count - 1) / (LABELS - 1)) for n in range(LABELS)]


def shortened(label: str) -> str:
    """A label that has room on a phone."""
    return label if len(label) <= LONGEST else label[: LONGEST - 1].rstrip() + "…"


def whole(number: int) -> str:
    """A whole number as Swedes write it: 12 345 with a space that doesn't break."""
    return f"{number:,}".replace(",", "\u00a0")


def _rect(x: float, y: float, width: float, height: float) -> Markup:
    return _RECT.format(x=_plain(x), y=_plain(y), width=_plain(width), height=_plain(height))


def _text(x: float, y: float, text: str, anchor: str, kind: str) -> Markup:
    return _TEXT.format(x=_plain(x), y=_plain(y), text=text, anchor=anchor, kind=kind)


def _svg(chart_id: str, title: str, description: str, height: int, parts: list[Markup]) -> Markup:
    return _SVG.format(
        id=chart_id, title=title, description=description, height=height,
        content=Markup("").join(parts),
    )  # fmt: skip


def _plain(number: float) -> str:
    return f"{round(number, 2):g}"
