"""The running cost of a run as a figure: where its repeats begin it turns red, and what happened stands beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from costwatch.dashboards import charts, display
from costwatch.dashboards.ranges import DAY
from costwatch.lib import periods

MOST_STEPS = 100
BRIEF = timedelta(seconds=7)  # seven ticks a second apart
HEIGHTS = (0.62, 0.84)  # of the words of the moments, so that they never meet
LATE = 0.55  # of the width: from here on words stand left of their line

Steps = Sequence[tuple[datetime, float]]


@dataclass(frozen=True)
class Moment:
    """Something that happened at a time: what is said of it, in the colour of a token. Our own words, no sender's."""

    at: datetime
    words: str
    colour: str


def cumulative(
    at: Sequence[datetime],
    amounts: Sequence[Decimal],
    zone: ZoneInfo,
    begins: int | None = None,
    moments: Sequence[Moment] = (),
) -> dict[str, Any]:
    """The running cost, one step a call; of many calls several are one step. `begins`: the first call that repeats."""
    together = -(-len(at) // MOST_STEPS)
    amounts = [sum(amounts[n : n + together], Decimal(0)) for n in range(0, len(at), together)]
    at = [at[min(n + together, len(at)) - 1] for n in range(0, len(at), together)]
    total, steps = Decimal(0), []
    for moment, amount in zip(at, amounts, strict=True):
        total += amount
        steps.append((moment, float(total)))
    hover = f"$%{{y:,.{display.aligned_decimals(list(amounts))}f}}<extra></extra>"
    edges = _around(at)
    return {
        "data": _traces(steps, zone, hover, None if begins is None else begins // together),
        "layout": {
            "yaxis": {"range": [0, charts.top([total])], **charts.dollars(total)},
            "xaxis": {
                "type": "date",
                **_ticks(at, zone),
                "tickformat": _clock_format(at),
                "hoverformat": "%H:%M:%S",
                "range": [_local(edge, zone) for edge in edges],
            },
            "margin": {"l": 56},
            **_told(moments, zone, edges),
        },
        "narrow": {"xaxis": {"nticks": 4}},
    }


def _traces(steps: Steps, zone: ZoneInfo, hover: str, cut: int | None) -> list[dict[str, Any]]:
    """One line; with a cut, a plain one up to it and a red one from there on."""
    if cut is None:
        return [_trace("so far", steps, zone, hover, "--ink", "--ink/6")]
    before = [_trace("before the repeats", steps[:cut], zone, hover, "--ink", "--ink/6")] if cut else []
    since = _trace("since they began", steps[max(cut - 1, 0) :], zone, hover, "--bad", "--bad/10")
    return [*before, since]


def _trace(name: str, steps: Steps, zone: ZoneInfo, hover: str, colour: str, fill: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines" if len(steps) > 1 else "markers",
        "name": name,
        "x": [_local(moment, zone) for moment, _ in steps],
        "y": [running for _, running in steps],
        "line": {"color": colour, "width": 2, "shape": "hv"},
        "marker": {"color": colour, "size": 8},
        "fill": "tozeroy",
        "fillcolor": fill,
        "hovertemplate": hover,
    }


def _told(moments: Sequence[Moment], zone: ZoneInfo, edges: tuple[datetime, datetime]) -> dict[str, Any]:
    """A dotted line for each moment, and its words on the side with more room."""
    if not moments:
        return {}
    shapes, notes = [], []
    for height, moment in zip(HEIGHTS, moments, strict=False):
        at, late = _local(moment.at, zone), (moment.at - edges[0]) / (edges[1] - edges[0]) > LATE
        line = {"color": moment.colour, "width": 1, "dash": "dot"}
        shapes.append({"type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1, "line": line})
        notes.append({
            "x": at, "yref": "paper", "y": height, "text": moment.words, "showarrow": False, "bgcolor": "--paper",
            "xanchor": "right" if late else "left", "xshift": -3 if late else 3,
            "font": {"color": moment.colour, "size": 12},
        })  # fmt: skip
    return {"shapes": shapes, "annotations": notes}


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S.%f")


def _around(at: Sequence[datetime]) -> tuple[datetime, datetime]:
    """The span of a run's calls with some air on both sides."""
    air = max((at[-1] - at[0]) * 0.03, timedelta(seconds=1))
    return at[0] - air / 3, at[-1] + air


def _ticks(at: Sequence[datetime], zone: ZoneInfo) -> dict[str, Any]:
    """About seven; of a run of a few seconds only its ends, for a clock without decimals would say one time often."""
    if at[-1] - at[0] > BRIEF:
        return {"nticks": 7}
    ends = {f"{end:%H:%M:%S}": _local(end, zone) for end in (at[-1], at[0])}
    return {"tickvals": sorted(ends.values())}


def _clock_format(at: Sequence[datetime]) -> str:
    if len(at) > 1 and at[-1] - at[0] > 2 * DAY:
        return "%-d %b"
    return "%H:%M" if len(at) > 1 and at[-1] - at[0] > periods.HOUR / 6 else "%H:%M:%S"
