"""The list of sessions and the distribution of what they cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from costwatch.accounts.models import Workspace
from costwatch.dashboards import display
from costwatch.dashboards.addresses import session_url
from costwatch.dashboards.state import State
from costwatch.spend.page import MOST_ITEMS
from costwatch.spend.session_paths import hops_of
from costwatch.spend.sessions import EDGES, Bar, SessionRow, Sessions
from costwatch.spend.sessions import sessions as find
from costwatch.spend.snapshot import snapshot

ROWS = 50
HOPS_SHOWN = 4
RARE = 0.005
LABEL_WIDTH = 50  # pixels of an amount below its bar
FEW = 5  # sessions in the highest bar: an axis with halves of a session would be absurd
ARROW = " → "


@dataclass(frozen=True)
class Row:
    """A line of the list; `bar` is the share of the dearest one's cost."""

    session: SessionRow
    url: str
    path: str
    bar: Decimal


@dataclass(frozen=True)
class Step:
    """A bar of the distribution: sessions that cost this much, their share of all, what they came to."""

    label: str
    sessions: int
    cost: Decimal
    share: Decimal


def content(workspace: Workspace, state: State, number: int) -> dict[str, Any]:
    """The page's content; `number` counts its pages from 1."""
    with snapshot(workspace.lane):
        found = find(workspace, state.filter(), state.sort, ROWS, ROWS * (number - 1))
        hops = hops_of(workspace, state.filter().within(found.start, state.range.end), [r.number for r in found.rows])
    top = max((row.cost for row in found.rows), default=Decimal(0)) or Decimal(1)
    query, steps = state.query(), _steps(found)
    return {
        "found": found,
        "chart": _chart(steps) if sum(step.sessions > 0 for step in steps) > 1 else None,
        "sentence": _sentence(steps, found),
        "rows": [Row(r, session_url(r.session_id), path(hops.get(r.number, ())), r.cost / top) for r in found.rows],
        "steps": steps,
        "since": since(found.start, state),
        "next_page": f"{state.path}?{query}{'&' if query else ''}page={number + 1}" if found.more else None,
        "first_page": state.url() if number > 1 else None,
        "most_rows": MOST_ITEMS,
    }


def csv_rows(workspace: Workspace, state: State) -> tuple[Sequence[Sequence[Any]], bool]:
    """The sessions with all digits: a heading and at most a thousand rows; whether there are more."""
    heading = ["session_id", "started", "duration_s", "runs", "calls", "priced_calls", "errors", "tokens", "cost_usd"]
    found = find(workspace, state.filter(), state.sort, MOST_ITEMS)
    rows = [[r.session_id, r.first_at.isoformat(), r.duration.total_seconds(), r.runs, r.calls, r.priced,
             r.errors, r.tokens, r.cost] for r in found.rows]  # fmt: skip
    return [heading, *rows], found.more


def path(names: Sequence[str]) -> str:
    """Hops as people read them; a long path is cut in the middle."""
    told = [display.name(name) for name in names]
    return ARROW.join(told if len(told) <= HOPS_SHOWN else [*told[: HOPS_SHOWN - 1], "…", told[-1]])


def since(start: datetime, state: State) -> datetime | None:
    """From when on a bounded page looked at the calls; None where it looked at all."""
    return start if start > state.range.start else None


def _steps(found: Sessions) -> list[Step]:
    """The bars from the cheapest to the dearest sessions; the very few below all others are one, gaps are bars too."""
    bars = _joined(found.bars, found.with_cost)
    if not bars:
        return []
    known = {bar.low: bar for bar in bars}
    edges = [None, *EDGES]
    lows = edges[edges.index(bars[0].low) : edges.index(bars[-1].low) + 1]
    if bars[0].low is None:
        lows = [None, *EDGES[EDGES.index(bars[0].high or EDGES[0]) : edges.index(bars[-1].low)]]
    whole = [known.get(low) or Bar(low, _after(low), 0, Decimal(0)) for low in lows]
    return [Step(_label(bar), bar.sessions, bar.cost, Decimal(bar.sessions) / found.with_cost) for bar in whole]


def _chart(steps: Sequence[Step]) -> dict[str, Any]:
    """Sessions by what they cost."""
    labels = [step.label for step in steps]
    most = max(step.sessions for step in steps)
    edges = [label.removeprefix("below ").partition(" ")[0] for label in labels]
    first = 1 if labels[0].startswith("below") else 0  # an edge stands where its bar begins
    ticks: dict[str, list[Any]] = {
        "tickvals": [n - 0.5 for n in range(first, len(edges))],
        "ticktext": edges[first:],
    }
    return {
        "data": [
            {
                "type": "bar",
                "name": "",
                "x": labels,
                "y": [step.sessions for step in steps],
                "customdata": [f"{display.percent(step.share)}, {display.money(step.cost)}" for step in steps],
                "hovertemplate": "%{y:,} sessions, %{customdata}<extra></extra>",
                "marker": {"color": "--muted"},
            }
        ],
        "layout": {
            "yaxis": {"tickprefix": "", "tickformat": ",", **({"dtick": 1} if most <= FEW else {})},
            "xaxis": {"type": "category", "tickangle": 0, **ticks},
            "bargap": 0.04,
            "margin": {"t": 8},
        },
        "narrow": {"xaxis": {name: values[::3] for name, values in ticks.items()}},
        "below": LABEL_WIDTH * len(labels),
    }


def _sentence(steps: Sequence[Step], found: Sessions) -> str:
    if not steps:
        return ""
    most = max(steps, key=lambda step: step.sessions)
    return (
        f"Bars: sessions by what they cost. Most, {display.count(most.sessions)} of {display.count(found.with_cost)}, "
        f"cost {most.label}. The table below holds the figures."
    )


def _joined(bars: Sequence[Bar], sessions: int) -> Sequence[Bar]:
    """The bars with the first few sessions (one in two hundred) as one bar."""
    few, first = 0, 0
    while first < len(bars) and few + bars[first].sessions <= sessions * RARE:
        few += bars[first].sessions
        first += 1
    if first < 2:
        return bars
    below = Bar(None, bars[first].low, few, sum((bar.cost for bar in bars[:first]), Decimal(0)))
    return [below, *bars[first:]]


def _after(low: Decimal | None) -> Decimal | None:
    return EDGES[EDGES.index(low) + 1] if low in EDGES[:-1] else EDGES[0]


def _label(bar: Bar) -> str:
    if bar.low is None:
        return f"below {_edge(bar.high or EDGES[0])}"
    return _edge(bar.low) + (f" – {_edge(bar.high)}" if bar.high is not None else " and more")


def _edge(amount: Decimal) -> str:
    """$0.002, $0.10, $2"""
    return f"${amount:,f}" if amount >= 1 or amount.as_tuple().exponent != -1 else f"${amount:,.2f}"
