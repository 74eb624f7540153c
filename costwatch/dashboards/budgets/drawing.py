"""The charts of budgets as Plotly figures; colours are names of CSS tokens, floats only here: pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from costwatch.dashboards import display
from costwatch.dashboards.budgets import words
from costwatch.dashboards.budgets.curve import Curve, Point
from costwatch.lib.periods import DAY, Period

Figure = dict[str, Any]
TICKS, NARROW_TICKS = 7, 4
HEADROOM = 1.12
APART = 0.07  # of the height: closer levels would cover each other's words
LOW = Decimal("0.2")  # of the height: below it words would stand on those of the axis
EDGE = 0.7  # of the width: words of what is further right stand on the left of it


@dataclass(frozen=True)
class Level:
    """A line across the chart: an amount that is told of, and whether it is the limit itself."""

    amount: Decimal
    label: str
    is_limit: bool = False


@dataclass(frozen=True)
class Mark:
    """A moment at which a level is reached: what to write beside it, and whether it only is expected."""

    at: datetime
    amount: Decimal
    label: str
    is_limit: bool
    is_expected: bool

    @property
    def colour(self) -> str:
        return "--bad" if self.is_limit else "--accent" if self.is_expected else "--ink"


@dataclass(frozen=True)
class Bar:
    """A period among others: what was spent in it, of how much, and how to call it."""

    label: str
    spent: Decimal
    limit: Decimal
    state: str
    unfinished: bool = False


def burn_up(
    curve: Curve, span: Period, levels: Sequence[Level], marks: Sequence[Mark], now: datetime, zone: ZoneInfo,
    in_tokens: bool, pace: bool
) -> Figure:  # fmt: skip
    """Spent against an even pace (`pace`: up to the limit at the end), the forecast with its band, the levels."""
    limit = next((level.amount for level in levels if level.is_limit), Decimal(0))
    highest = [amount for _, amount in curve.spent] + [one.high for one in curve.ahead] + [limit]
    hover = _hover(in_tokens)
    traces = [*_band(curve, zone, hover), *([_pace(span, limit, zone)] if pace else []), _spent(curve, zone, hover)]
    top = max(highest)
    shown = _apart(levels, top)
    named = [mark for mark in marks if any(mark.amount == level.amount for level in shown)]
    return {
        "data": [*traces, *([_rings(marks, zone)] if marks else [])],
        "layout": {
            "hovermode": "x",
            "margin": {"l": 56, "r": 10},
            "yaxis": {"range": [0, float(top) * HEADROOM or 1.0], "showgrid": False, **_axis(in_tokens, top)},
            "xaxis": {"type": "date", "range": [_local(span.start, zone), _local(span.end, zone)], "nticks": TICKS,
                      "tickformat": "%-d %b" if span.end - span.start > 2 * DAY else "%H:%M",
                      "hoverformat": "%a %-d %b %H:%M"},
            "shapes": [*(_line(level) for level in shown), *([_now(now, zone)] if now < span.end else [])],
            "annotations": [
                *(_named(level) for level in shown), *(_ring_named(mark, span, top, zone) for mark in named),
                *([_now_named(now, zone)] if now < span.end else []),
            ],
        },
        "narrow": {"margin": {"l": 48}, "xaxis": {"nticks": NARROW_TICKS}},
    }  # fmt: skip


def bars(shown: Sequence[Bar], in_tokens: bool) -> Figure:
    """Periods side by side, each with its limit; what reached it is red, and says so in the hover."""
    places = list(range(len(shown)))
    highest = max([bar.spent for bar in shown] + [bar.limit for bar in shown], default=Decimal(0))
    return {
        "data": [
            {
                "type": "bar", "name": "Spent", "x": places, "y": [_pixel(bar.spent) for bar in shown],
                "marker": {"color": [f"--{bar.state}" for bar in shown],
                           "opacity": [0.5 if bar.unfinished else 1 for bar in shown]},
                "customdata": [_told(bar, in_tokens) for bar in shown],
                "hovertemplate": "%{customdata}<extra></extra>",
            },
            {
                "type": "scatter", "mode": "lines", "name": "Limit", "hoverinfo": "skip",
                "x": [edge for place in places for edge in (place - 0.5, place + 0.5)],
                "y": [_pixel(bar.limit) for bar in shown for _ in range(2)],
                "line": {"color": "--bad", "width": 1.5},
            },
        ],
        "layout": {
            "hovermode": "closest", "bargap": 0.2, "margin": {"l": 56},
            "yaxis": {"range": [0, float(highest) * HEADROOM or 1.0], **_axis(in_tokens, highest)},
            "xaxis": {"range": [-0.6, len(shown) - 0.4], **_words_below(shown, TICKS)},
        },
        "narrow": {"margin": {"l": 48}, "xaxis": _words_below(shown, NARROW_TICKS)},
    }  # fmt: skip


def _told(bar: Bar, in_tokens: bool) -> str:
    return f"{bar.label}: {words.amount(bar.spent, in_tokens)} of {words.amount(bar.limit, in_tokens)}"


def _spent(curve: Curve, zone: ZoneInfo, hover: str) -> Figure:
    return {
        **_path(curve.spent, zone),
        "name": "Spent",
        "line": {"color": "--ink", "width": 2.5},
        "hovertemplate": hover,
    }


def _band(curve: Curve, zone: ZoneInfo, hover: str) -> list[Figure]:
    if not curve.ahead:
        return []
    low, mid, high = ([(one.at, getattr(one, edge)) for one in curve.ahead] for edge in ("low", "mid", "high"))
    edge = {"line": {"width": 0}, "hoverinfo": "skip"}
    return [
        {**_path(low, zone), "name": "80 % band, low", **edge},
        {**_path(high, zone), "name": "80 % band", "fill": "tonexty", "fillcolor": "--accent/16", **edge},
        {**_path(mid, zone), "name": "Forecast", "line": {"color": "--accent", "width": 2, "dash": "dot"},
         "hovertemplate": hover},
    ]  # fmt: skip


def _pace(span: Period, limit: Decimal, zone: ZoneInfo) -> Figure:
    line = {"color": "--control", "width": 1.5, "dash": "dash"}
    return {
        **_path([(span.start, Decimal(0)), (span.end, limit)], zone),
        "name": "Even pace",
        "line": line,
        "hoverinfo": "skip",
    }


def _rings(marks: Sequence[Mark], zone: ZoneInfo) -> Figure:
    marker = {"color": "--paper", "size": 9, "line": {"color": [mark.colour for mark in marks], "width": 2}}
    path = _path([(mark.at, mark.amount) for mark in marks], zone)
    return {**path, "mode": "markers", "name": "Reached", "marker": marker, "hoverinfo": "skip"}


def _ring_named(mark: Mark, span: Period, top: Decimal, zone: ZoneInfo) -> Figure:
    """Below and on the right of what lies behind, above and on the left of what is expected or at an edge."""
    late = (mark.at - span.start) / (span.end - span.start) > EDGE
    above = mark.is_expected or late or mark.amount < top * LOW
    place = {"ax": -14, "ay": -26, "xanchor": "right"} if above else {"ax": 14, "ay": 26, "xanchor": "left"}
    return {"x": _local(mark.at, zone), "y": _pixel(mark.amount), **place, "text": mark.label, "arrowhead": 0,
            "arrowwidth": 1, "arrowcolor": "--control", "font": {"color": mark.colour, "size": 12}}  # fmt: skip


def _path(points: Sequence[Point], zone: ZoneInfo) -> Figure:
    return {"type": "scatter", "mode": "lines", "x": [_local(at, zone) for at, _ in points],
            "y": [_pixel(amount) for _, amount in points]}  # fmt: skip


def _apart(levels: Sequence[Level], top: Decimal) -> list[Level]:
    """The limit, and of the others from the highest down those that are not too close to another."""
    found: list[Level] = []
    for level in sorted(levels, key=lambda one: (not one.is_limit, -one.amount)):
        fits = float(level.amount) < float(top) * HEADROOM
        if fits and all(abs(level.amount - other.amount) >= top * Decimal(str(APART)) for other in found):
            found.append(level)
    return found


def _line(level: Level) -> Figure:
    y = float(level.amount)
    line = {"color": "--bad" if level.is_limit else "--line", "width": 1.5 if level.is_limit else 1}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y, "line": line, "layer": "below"}


def _named(level: Level) -> Figure:
    font = {"color": "--bad" if level.is_limit else "--muted", "size": 12}
    return {"xref": "paper", "x": 0, "xanchor": "left", "y": float(level.amount), "yanchor": "bottom", "xshift": 4,
            "text": level.label, "showarrow": False, "font": font}  # fmt: skip


def _now(now: datetime, zone: ZoneInfo) -> Figure:
    at = _local(now, zone)
    return {"type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1,
            "line": {"color": "--control", "width": 1, "dash": "dot"}}  # fmt: skip


def _now_named(now: datetime, zone: ZoneInfo) -> Figure:
    return {"x": _local(now, zone), "yref": "paper", "y": 0, "yanchor": "bottom", "xanchor": "left", "text": "now",
            "showarrow": False, "font": {"size": 12}, "xshift": 3}  # fmt: skip


def _words_below(shown: Sequence[Bar], most: int) -> Figure:
    step = -(-len(shown) // most) or 1
    places = list(range(len(shown) - 1, -1, -step))[::-1]
    return {"tickvals": places, "ticktext": [shown[place].label for place in places]}


def _axis(in_tokens: bool, largest: Decimal) -> Figure:
    if in_tokens:
        return {"tickprefix": "", "tickformat": "", "exponentformat": "B", "separatethousands": True}
    return {"tickformat": "," if largest >= 5 else f",.{max(2, 1 - largest.adjusted()) if largest else 2}f"}


def _hover(in_tokens: bool) -> str:
    return "%{y:,.0f} tokens" if in_tokens else "$%{y:,.2f}"


def _pixel(amount: Decimal) -> float | int:
    decimals = max(2, display.aligned_decimals([amount]))
    return int(amount) if amount == amount.to_integral_value() else float(round(amount, decimals))


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M")
