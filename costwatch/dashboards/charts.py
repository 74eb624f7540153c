"""Plotly figures as plain data. A colour is the name of a CSS token, resolved in the browser. Floats only here: pixels.

go.Figure would cost 3.5 ms and 7 kB of template a chart; a test holds these figures against it instead.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from costwatch.dashboards import display
from costwatch.dashboards.ranges import DAY, Range
from costwatch.lib import periods

LONGEST_LABEL = 40
JOINER = "\N{WORD JOINER}"  # invisible; takes the meaning out of what stands before it
UNFINISHED = 0.5
BAR = 0.72  # of its place, the gap is the rest
HATCH = {"size": 5, "solidity": 0.32}
WITHIN_DAY = ("15m", "hour")
HOURS_APART = ((1, 3), (2, 6), (4, 12))  # words below the bars of so many days
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


def label(text: str, longest: int = LONGEST_LABEL) -> str:
    """Client-sent text for a chart. Plotly reads tags (links go live), %{templates} and $formulas$: none survives."""
    text = CONTROLS.sub(" ", text)
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("%{", f"%{JOINER}{{").replace("$", f"${JOINER}")


@dataclass(frozen=True)
class Series:
    """One colour of a stacked chart: amounts per bucket, in the order of the buckets."""

    name: str
    colour: str
    amounts: Sequence[Decimal]


@dataclass(frozen=True)
class Buckets:
    """The bars' places: when each begins, a label, the days it covers (for a click), the one still filling.

    `today`: the one still filling, where it is a day.
    """

    starts: list[datetime]
    labels: list[str]
    days: list[str | None]
    unfinished: int | None
    ticks: list[int]
    narrow_ticks: list[int]
    tick_labels: list[str]
    today: int | None


def stacked(
    buckets: Buckets, series: Sequence[Series], expected: Decimal | None = None, pace: Decimal | None = None
) -> dict[str, Any]:
    """Spend per bucket, stacked; the bucket that is still filling is pale.

    `expected`: what that bucket will come to, a dotted outline; `pace`: of a budget, a dashed line with its amount.
    """
    opacity = [UNFINISHED if n == buckets.unfinished else 1 for n in range(len(buckets.labels))]
    totals = _totals(series)
    marks = [mark for mark in (expected, pace) if mark is not None]
    return {
        "shared": {"x": buckets.labels, "customdata": buckets.days},
        "data": [_bars(number, s, buckets, opacity) for number, s in enumerate(series)] + _total(buckets, totals),
        "layout": {
            "yaxis": {"range": reach([*totals, *marks]), **dollars(max(map(abs, totals), default=Decimal(0)))},
            "xaxis": {"type": "category", "range": [-0.6, len(buckets.labels) - 0.4], **ticks(buckets, buckets.ticks)},
            **_marks(buckets, totals, expected, pace),
        },
        "narrow": {
            "xaxis": ticks(buckets, buckets.narrow_ticks),
            "margin": {"l": 40} if pace else {"l": 40, "r": 14},
            "bargap": 0.18,
        },
    }


def heights(series: Sequence[Series], buckets: Buckets | None = None, expected: Decimal | None = None) -> list[float]:
    """How high each stack is; that of the bucket still filling with the outline of what is expected."""
    found = [float(total) for total in _totals(series)]
    if buckets is not None and buckets.unfinished is not None and expected is not None:
        found[buckets.unfinished] = max(found[buckets.unfinished], float(expected))
    return found


def _totals(series: Sequence[Series]) -> list[Decimal]:
    return [sum(amounts, Decimal(0)) for amounts in zip(*(s.amounts for s in series), strict=True)]


def _marks(
    buckets: Buckets, totals: Sequence[Decimal], expected: Decimal | None, pace: Decimal | None
) -> dict[str, Any]:
    """The outline of what is expected and the line of the pace."""
    shapes: list[dict[str, Any]] = []
    now = buckets.unfinished
    if expected is not None and now is not None and expected > totals[now]:
        edges = {"x0": now - BAR / 2, "x1": now + BAR / 2, "y0": float(totals[now]), "y1": float(expected)}
        shapes.append({"type": "rect", **edges, "line": {"color": "--muted", "width": 1, "dash": "dot"}})
    if pace is None:
        return {"shapes": shapes} if shapes else {}
    across = {"xref": "paper", "x0": 0, "x1": 1, "y0": float(pace), "y1": float(pace)}
    shapes.append({"type": "line", **across, "line": {"color": "--accent", "width": 1.5, "dash": "dash"}})
    note = {
        "xref": "paper", "x": 1, "xanchor": "left", "xshift": 4, "y": float(pace), "showarrow": False, "align": "left",
        "text": f"pace<br>{label(display.about(pace))}", "font": {"color": "--accent", "size": 12},
    }  # fmt: skip
    return {"shapes": shapes, "annotations": [note], "margin": {"r": 52}}


def buckets_of(span: Range, week_start: int, bucket: str = "") -> Buckets:
    """The places of the bars of a span of days, by default of the length that suits it."""
    bucket = bucket or span.bucket
    found = periods.buckets(span.start, span.end, bucket, span.zone, week_start)
    labels, days = [], []
    for period in found:
        first, last = periods.local_day(period.start, span.zone), periods.local_day(period.end, span.zone) - DAY
        labels.append(_bucket_label(span, bucket, period.start))
        inside = None if bucket in WITHIN_DAY else f"{max(first, span.first)}/{min(last, span.last)}"
        days.append(inside)
    now = next((n for n, period in enumerate(found) if span.now in period), None)
    at = _choose(found, span, bucket)
    words = [_tick_label(bucket, period.start.astimezone(span.zone)) for period in found]
    starts = [period.start for period in found]
    today = now if bucket == "day" else None
    return Buckets(starts, _distinct(labels), days, now, at, at[:: 2 if len(at) > 3 else 1], words, today)


def ticks(buckets: Buckets, at: Sequence[int]) -> dict[str, Any]:
    """The words below some of the bars; the bar of today says so, and those beside it leave it room."""
    today = buckets.today
    shown = [n for n in at if today is None or today - n > len(buckets.labels) / 12 or n > today]
    words = [buckets.tick_labels[n] for n in shown]
    now = [] if today is None else [today]
    return {"tickvals": [*shown, *now], "ticktext": [*words, *("today" for _ in now)]}


def _bars(number: int, series: Series, buckets: Buckets, opacity: list[float]) -> dict[str, Any]:
    colour = f"--{series.colour}"
    marker: dict[str, Any] = {"color": colour, "opacity": opacity, "line": {"color": "--paper", "width": 1}}
    if series.colour == "none":
        marker["line"] = {"color": colour, "width": 0.6}
        marker["pattern"] = {
            "shape": "/",
            "fillmode": "replace",
            "fgcolor": colour,
            "bgcolor": "--paper",
            "size": 5,
            "solidity": 0.32,
        }
    return {
        "type": "bar",
        "name": label(series.name),
        "meta": str(number),
        "y": [float(amount) for amount in series.amounts],
        "hovertemplate": "$%{y:,.2f}",
        "marker": marker,
    }


def _total(buckets: Buckets, totals: Sequence[Decimal]) -> list[dict[str, Any]]:
    """What a bar comes to, for the hover only."""
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "Total",
            "y": [float(total) for total in totals],
            "marker": {"color": "--ink", "opacity": 0},
            "hovertemplate": "<b>$%{y:,.2f}</b>",
        }
    ]


def top(totals: Sequence[Decimal]) -> float:
    """The upper end of an axis that holds them."""
    return float(max(totals, default=0)) * 1.08 or 1.0


def reach(amounts: Sequence[Decimal | int]) -> list[float]:
    """Both ends of an axis that holds them all: a correction can leave a bucket below nothing."""
    low, high = min([*amounts, 0]), max([*amounts, 0])
    return [float(low) * 1.08, float(high) * 1.08] if low or high else [0, 1.0]


def dollars(largest: Decimal) -> dict[str, Any]:
    """Ticks of a dollar axis: whole dollars, or as many decimals as the amounts need."""
    if largest >= 5:
        return {"tickformat": ","}
    return {"tickformat": f",.{max(2, 1 - largest.adjusted()) if largest else 2}f"}


def _choose(found: Sequence[periods.Period], span: Range, bucket: str) -> list[int]:
    """Which bars get a word below: all of a few, Mondays, every third hour, else about eight."""
    n = len(found)
    if bucket in WITHIN_DAY:
        local = [period.start.astimezone(span.zone) for period in found]
        step = next((hours for most, hours in HOURS_APART if span.length <= most), 24)
        return [i for i, at in enumerate(local) if at.hour % step == 0 and at.minute == 0]
    if n <= 8:
        return list(range(n))
    if bucket == "day":
        mondays = [i for i, p in enumerate(found) if p.start.astimezone(span.zone).weekday() == 0]
        return mondays[:: 1 + (len(mondays) - 1) // 7]
    return list(range(0, n, 1 + (n - 1) // 8))


def _tick_label(bucket: str, at: datetime) -> str:
    if bucket in WITHIN_DAY:
        return f"{at:%H:%M}" if at.hour else display.day(at.date())
    if bucket == "month":
        return f"{at:%b %Y}"
    return display.day(at.date()) if bucket == "day" else f"{at.day} {at:%b}"


def _bucket_label(span: Range, bucket: str, start: datetime) -> str:
    at = start.astimezone(span.zone)
    if bucket in WITHIN_DAY:
        day = "" if span.length == 1 else f"{at:%a} " if span.length <= 7 else f"{display.day(at.date())} "
        return f"{day}{at:%H:%M}"
    if bucket == "month":
        return f"{at:%B %Y}"
    return f"week of {at.day} {at:%b %Y}" if bucket == "week" else display.day(at.date(), year=span.length > 300)


def _distinct(labels: list[str]) -> list[str]:
    """An hour that the clocks repeat gets its own place."""
    seen: dict[str, int] = {}
    for n, text in enumerate(labels):
        seen[text] = seen.get(text, 0) + 1
        if seen[text] > 1:
            labels[n] = f"{text} again"
    return labels
