"""The figure of a measure minute by minute, with the line of its limit."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from costwatch.limits.pressure import NEAR, Pressure

MINUTE = timedelta(minutes=1)


def per_minute(one: Pressure, start: datetime, end: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """Bars of every minute; those near the limit and at it stand out."""
    minutes = [start + n * MINUTE for n in range((end - start) // MINUTE)]
    counts = [one.series.get(at, 0) for at in minutes]
    top = max([*counts, one.limit if one.limit and one.peak > one.limit / 4 else 0, 1]) * 1.1
    return {
        "data": [
            {
                "type": "bar",
                "x": [_local(at, zone) for at in minutes],
                "y": counts,
                "marker": {"color": [_colour(count, one.limit) for count in counts], "line": {"width": 0}},
                "hovertemplate": "%{y:,}<extra></extra>",
            }
        ],
        "layout": {
            "bargap": 0.1,
            "margin": {"l": 64},
            "yaxis": {"range": [0, top], "tickprefix": "", "tickformat": ",.3~s"},
            "xaxis": {"type": "date", "nticks": 8, "tickformat": "%H:%M", "hoverformat": "%H:%M",
                      "range": [_local(start, zone), _local(end, zone)]},
            "shapes": _line(one.limit) if one.limit and one.limit <= top else [],
        },
        "narrow": {"xaxis": {"nticks": 4}},
    }  # fmt: skip


def _colour(count: int, limit: int | None) -> str:
    if limit and count >= limit:
        return "--bad"
    return "--warn" if limit and count >= NEAR * limit else "--ink"


def _line(limit: int) -> list[dict[str, Any]]:
    return [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": limit, "y1": limit,
             "line": {"color": "--bad", "width": 1.5, "dash": "dash"}}]  # fmt: skip


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
