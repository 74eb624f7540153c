"""The figure of a measure over some hours, with the line of its limit."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from costwatch.limits.pressure import NEAR, Pressure

MINUTE = timedelta(minutes=1)
MOST_BARS = 180
FEW = 5  # up to so many, each whole number has its line


def step(start: datetime, end: datetime) -> int:
    """How many minutes a bar stands for: it shows the highest of them."""
    return max(1, -(-(end - start) // MINUTE // MOST_BARS))


def per_minute(one: Pressure, start: datetime, end: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """Bars of every minute (of several, the highest); those near the limit and at it stand out."""
    wide = step(start, end) * MINUTE
    bars: dict[datetime, int] = {}
    for at, count in one.series.items():
        begun = start + (at - start) // wide * wide
        bars[begun] = max(bars.get(begun, 0), count)
    minutes = sorted(bars)
    counts = [bars[at] for at in minutes]
    top = max([*counts, one.limit if one.limit and one.peak > one.limit / 4 else 0, 1]) * 1.1
    return {
        "data": [
            {
                "type": "bar",
                "x": [_local(at, zone) for at in minutes],
                "y": counts,
                "width": wide / MINUTE * 54_000,
                "offset": 0,
                "marker": {"color": _colours(counts, one.limit), "line": {"width": 0}},
                "hovertemplate": "%{y:,}<extra></extra>",
            }
        ],
        "layout": {
            "bargap": 0.1,
            "margin": {"l": 64},
            "yaxis": {"range": [0, top], "tickprefix": "", "tickformat": ",.3~s",
                      **({"dtick": 1} if top < FEW else {})},
            "xaxis": {"type": "date", "nticks": 8, "tickformat": "%H:%M", "hoverformat": "%H:%M",
                      "range": [_local(start, zone), _local(end, zone)]},
            "shapes": _line(one.limit) if one.limit and one.limit <= top else [],
        },
        "narrow": {"xaxis": {"nticks": 4}},
    }  # fmt: skip


def _colours(counts: list[int], limit: int | None) -> list[str] | str:
    """One colour where all bars have it."""
    found = [_colour(count, limit) for count in counts]
    return found if len(set(found)) > 1 else "".join(found[:1]) or "--ink"


def _colour(count: int, limit: int | None) -> str:
    if limit and count >= limit:
        return "--bad"
    return "--warn" if limit and count >= NEAR * limit else "--ink"


def _line(limit: int) -> list[dict[str, Any]]:
    return [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": limit, "y1": limit,
             "line": {"color": "--bad", "width": 1.5, "dash": "dash"}}]  # fmt: skip


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
