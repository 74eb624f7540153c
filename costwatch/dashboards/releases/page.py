"""The content of the releases page: both sides, each measure with its interval, the verdict in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from costwatch.accounts.models import Workspace
from costwatch.dashboards import charts, display
from costwatch.dashboards.releases.question import ReleasesState
from costwatch.dashboards.state import title
from costwatch.lib.signs import signed
from costwatch.spend.compare import Interval, Judged, Verdict
from costwatch.spend.comparison import OF_RUNS, RATES, Comparison, compare

NAMES = {
    "cost_per_run": "Cost per run",
    "cost_per_call": "Cost per call",
    "error_rate": "Error rate",
    "calls_per_run": "Calls per run",
    "input_tokens_per_call": "Input tokens per call",
    "output_tokens_per_call": "Output tokens per call",
}
WORDS: dict[Verdict, tuple[str, str]] = {
    "better": ("better", "ok"),
    "worse": ("worse", "bad"),
    "no_difference": ("no difference", "muted"),
    "too_little_data": ("too little data", "warn"),
}
COLOURS = {"ok": "--ok", "bad": "--bad", "muted": "--muted", "warn": "--warn"}


@dataclass(frozen=True)
class Row:
    """One measure of both sides as people read it; `css` is the colour of its verdict."""

    name: str
    label: str
    baseline: str
    baseline_range: str
    candidate: str
    candidate_range: str
    difference: str
    difference_range: str
    words: str
    css: str
    decides: bool


@dataclass(frozen=True)
class Page:
    """What the page shows."""

    found: Comparison
    unit: str
    words: str
    css: str
    sentence: str
    rows: list[Row]
    figure: dict[str, Any] | None
    described: str
    gate: str


def page(workspace: Workspace, state: ReleasesState, baseline: str, candidate: str, now: datetime, server: str) -> Page:
    """The comparison of two values in the state's span."""
    found = compare(workspace, state.filter(), state.dimension, baseline, candidate, now)
    rows = [_row(name, judged, name in found.deciding) for name, judged in found.measures.items()]
    words, css = WORDS[found.verdict]
    unit = "run" if found.by_runs else "call"
    return Page(found, unit, words, css, _sentence(found), rows, _figure(found), _described(rows),
                _gate(state, baseline, candidate, server))  # fmt: skip


def csv_rows(found: Comparison) -> list[list[Any]]:
    """The table with all digits."""
    heading = ["measure", "verdict"]
    heading += [
        f"{side}_{part}" for side in ("baseline", "candidate", "difference") for part in ("value", "low", "high")
    ]
    rows: list[list[Any]] = [heading]
    for name, judged in found.measures.items():
        parts = (judged.baseline, judged.candidate, judged.difference)
        rows.append([name, judged.verdict, *(v for part in parts for v in _values(part))])
    return rows


def _values(part: Interval | None) -> tuple[Any, Any, Any]:
    return (None, None, None) if part is None else (part.value, part.low, part.high)


def _row(name: str, judged: Judged, decides: bool) -> Row:
    words, css = WORDS[judged.verdict]
    told = _teller(name)
    return Row(
        name,
        NAMES[name],
        told(judged.baseline.value) if judged.baseline else "–",
        _between(judged.baseline, told),
        told(judged.candidate.value) if judged.candidate else "–",
        _between(judged.candidate, told),
        _change(name, judged.difference.value) if judged.difference else "–",
        _between(judged.difference, lambda value: _change(name, value)),
        words,
        css,
        decides,
    )


def _teller(name: str) -> Any:
    """What writes a value of a measure."""
    if name.startswith("cost"):
        return lambda value: display.unit_cost(Decimal(value))
    if name in RATES:
        return lambda value: display.percent(Decimal(value))
    if name in OF_RUNS:
        return lambda value: f"{value:,.1f}"
    return lambda value: display.count(round(value))


def _change(name: str, value: float) -> str:
    unit = "points" if name in RATES else "%"
    return signed(value, f"{abs(value) * 100:,.1f} {unit}")


def _between(part: Interval | None, told: Any) -> str:
    if part is None or part.low is None or part.high is None:
        return ""
    return f"{told(part.low)} … {told(part.high)}"


def _sentence(found: Comparison) -> str:
    """The verdict in plain words, with the measure that made it."""
    sides = (found.baseline, found.candidate)
    unit = "runs" if found.by_runs else "calls"
    looked = " and ".join(
        f"{display.count(side.units)} {unit if side.units != 1 else unit[:-1]} of {display.name(side.value)}"
        for side in sides
    )
    name = next((n for n in found.deciding if found.measures[n].verdict == found.verdict), found.deciding[0])
    judged = found.measures[name]
    if found.verdict == "too_little_data":
        return f"{looked} are too few, or too different among themselves, to tell yet."
    if judged.difference is None:
        return f"{looked} were compared."
    change, between = _change(name, judged.difference.value), _between(judged.difference, lambda v: _change(name, v))
    told = "lies within what is taken for no difference" if found.verdict == "no_difference" else "is sure to 95 %"
    return f"{NAMES[name]}: {change} ({between}), which {told}. {looked} were compared."


def _figure(found: Comparison) -> dict[str, Any] | None:
    """The differences with their intervals around nothing; rates are points."""
    shown = {name: judged for name, judged in found.measures.items() if _whole(judged.difference)}
    if not shown:
        return None
    labels = [charts.label(NAMES[name]) for name in shown]
    parts = [judged.difference for judged in shown.values()]
    reach = max(max(abs(p.low or 0), abs(p.high or 0)) for p in parts if p) * 110 or 1.0
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "markers",
                "y": labels,
                "x": [p.value * 100 for p in parts if p],
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [((p.high or 0) - p.value) * 100 for p in parts if p],
                    "arrayminus": [(p.value - (p.low or 0)) * 100 for p in parts if p],
                    "thickness": 2,
                    "width": 5,
                    "color": "--control",
                },
                "marker": {"size": 10, "color": [COLOURS[WORDS[j.verdict][1]] for j in shown.values()]},
                "hoverinfo": "skip",
            }
        ],
        "layout": {
            "hovermode": False,
            "margin": {"l": 150, "r": 16, "t": 4, "b": 28},
            "xaxis": {"range": [-reach, reach], "zeroline": True, "zerolinecolor": "--ink", "zerolinewidth": 1,
                      "showgrid": True, "gridcolor": "--line", "showline": False, "ticksuffix": " %",
                      "tickprefix": "", "tickformat": "~f", "nticks": 7},
            "yaxis": {"type": "category", "autorange": "reversed", "tickmode": "linear", "dtick": 1,
                      "tickprefix": "", "tickformat": "", "showgrid": False, "tickfont": {"color": "--ink"}},
        },
        "narrow": {"xaxis": {"nticks": 3}},
    }  # fmt: skip


def _whole(part: Interval | None) -> bool:
    return part is not None and part.low is not None and part.high is not None


def _described(rows: list[Row]) -> str:
    told = "; ".join(f"{row.label} {row.difference}, {row.words}" for row in rows)
    return f"Differences with their 95 % intervals: {told}. The table holds the same figures."


def _gate(state: ReleasesState, baseline: str, candidate: str, server: str) -> str:
    """The two lines of a pipeline that ask the same, from the last hours of this span's length on."""
    asked: Mapping[str, Any] = {
        **({} if state.dimension == "release" else {"dimension": state.dimension}),
        "baseline": baseline,
        "candidate": candidate,
        **{name: list(values) for name, values in state.include.items()},
        **{f"{name}!": list(values) for name, values in state.exclude.items()},
        "answer": "exit_code",
    }
    address = f"{server}/api/v1/compare?{urlencode(asked, doseq=True)}".replace("'", "%27")
    return f'code=$(curl -fsS -H "Authorization: Bearer $COSTWATCH_KEY" \'{address}\')\nexit "$code"'


def heading(state: ReleasesState) -> str:
    """What the two are."""
    return title(state.dimension)
