"""The figure of an answer: stacked bars of what adds up, lines of ratios. Floats only here: pixels."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from costwatch.dashboards import charts, display
from costwatch.dashboards.colours import NONE
from costwatch.dashboards.explore import metrics
from costwatch.dashboards.explore.answer import Found
from costwatch.dashboards.explore.lines import Line
from costwatch.dashboards.explore.metrics import Metric, Number
from costwatch.dashboards.explore.question import BUCKET_WORDS
from costwatch.dashboards.marks.drawing import marked
from costwatch.dashboards.marks.find import Marks
from costwatch.spend.sums import Sums

MOST_RECTANGLES = 750  # beyond, areas: 2,000 bars take the browser a quarter of a second
DIGITS = 4  # that a pixel can show; cents are kept whatever the size


def figure(found: Found, marks: Marks) -> dict[str, Any]:
    """The chart with its incidents as plain data."""
    return marked(_figure(found), found.places, _heights(found), marks)


def _figure(found: Found) -> dict[str, Any]:
    """`shared`: what all series have in common, said once."""
    metric, series, places = found.question.metric, found.series, found.places
    many = len(series) * len(places.labels) > MOST_RECTANGLES
    draw = _line if not metric.additive else _area if many else _bars
    top = [metric.of(bar) or 0 for bar in found.total.bars] if metric.additive else _highest(found)
    hover = _hover(metric, top)
    amounts = [[_pixel(metric, bar) for bar in line.bars] for line in series]
    drawn = [{**draw(line, values), "name": charts.label(line.label), "meta": str(n), "y": values}
             for n, (line, values) in enumerate(zip(series, amounts, strict=True))]  # fmt: skip
    drawn += [*_whole(found), *_compared(found)]
    before = [metric.of(bar) or 0 for bar in found.before_bars[: len(places.labels)]]
    few = places.narrow_ticks[:: 2 if len(places.narrow_ticks) > 3 else 1]
    return {
        "shared": {"x": places.labels, "customdata": [_days(days) for days in places.days]},
        "data": [{"hovertemplate": hover, **trace} for trace in drawn],
        "layout": {
            "yaxis": {"range": charts.reach([*top, *before]), **_axis(metric, top)},
            "xaxis": {
                "type": "category",
                "range": [-0.6, len(places.labels) - 0.4],
                "tickangle": 0,
                **charts.ticks(places, places.ticks),
            },
            "shapes": _unfinished(found),
        },
        "narrow": {"xaxis": charts.ticks(places, few), "margin": {"l": 40, "r": 12}, "bargap": 0.18},
    }


def _days(days: str | None) -> str | None:
    """first/last; of a single day, that day."""
    first, _, last = (days or "").partition("/")
    return first if first == last else days


def sentence(found: Found, heading: str) -> str:
    """What is to be seen, for those who do not see it."""
    question, metric, places = found.question, found.question.metric, found.places
    kind = "Stacked bars" if metric.additive and question.by else "Bars" if metric.additive else "Lines"
    said = f"{kind}: {heading}, {question.range.label}, {metric.shown(found.total.sums)} in all."
    known = [(value, n) for n, bar in enumerate(found.total.bars) if (value := metric.of(bar))]
    if known:
        value, at = max(known)
        said += f" The peak is {metric.text(value)}, {places.labels[at]}."
    if found.before_bars and found.comparable:
        said += f" Dotted: {found.compared.label if found.compared else ''}."
    if places.unfinished is not None:
        said += f" The last {BUCKET_WORDS[question.bucket]} is not over."
    return said


def _bars(line: Line, values: Sequence[float | None]) -> dict[str, Any]:
    colour = f"--{line.colour}"
    marker: dict[str, Any] = {"color": colour, "line": {"color": "--paper", "width": 1}}
    if line.colour == NONE:
        hatch = {"shape": "/", "fillmode": "replace", "fgcolor": colour, "bgcolor": "--paper", **charts.HATCH}
        marker = {"color": colour, "line": {"color": colour, "width": 0.6}, "pattern": hatch}
    return {"type": "bar", "marker": marker}


def _area(line: Line, values: Sequence[float | None]) -> dict[str, Any]:
    colour = f"--{line.colour}"
    return {
        "type": "scatter",
        "mode": "lines",
        "stackgroup": "all",
        "line": {"color": colour, "width": 0.5, "shape": "hvh"},
        "fillcolor": f"{colour}/80",
    }


def _line(line: Line, values: Sequence[float | None]) -> dict[str, Any]:
    colour = f"--{line.colour}"
    dash = {"dash": "dot"} if line.colour == NONE else {}
    alone = sum(value is not None for value in values) < 3  # a single point makes no line
    return {
        "type": "scatter",
        "mode": "lines+markers" if alone else "lines",
        "connectgaps": False,
        "line": {"color": colour, "width": 2.5 if line.value is None else 1.75, **dash},
        "marker": {"color": colour, "size": 6},
    }


def _whole(found: Found) -> list[dict[str, Any]]:
    """What a bar comes to, for the hover only."""
    metric = found.question.metric
    if not metric.additive or len(found.series) < 2:
        return []
    values = [_pixel(metric, bar) for bar in found.total.bars]
    return [{"type": "scatter", "mode": "markers", "name": "Total", "y": values,
             "marker": {"color": "--ink", "opacity": 0}}]  # fmt: skip


def _compared(found: Found) -> list[dict[str, Any]]:
    """The whole of the compared span, bucket beside bucket, in front of the bars."""
    if not found.comparable or found.compared is None:
        return []
    metric, places = found.question.metric, found.places
    values = [_pixel(metric, bar) for bar in found.before_bars[: len(places.labels)]]
    values += [None] * (len(places.labels) - len(values))
    line = {"color": "--ink", "width": 1.5, "dash": "dot", "shape": "hvh" if metric.additive else "linear"}
    return [{"type": "scatter", "mode": "lines", "name": found.compared.label, "y": values, "line": line}]


def _unfinished(found: Found) -> list[dict[str, Any]]:
    """The bucket that is still filling is pale, as far up as it is drawn."""
    at = found.places.unfinished
    if at is None:
        return []
    return [{"type": "rect", "xref": "x", "yref": "y", "x0": at - 0.5, "x1": at + 0.5, "y0": 0,
             "y1": _heights(found)[at], "fillcolor": "--paper/50", "line": {"width": 0}, "layer": "above"}]  # fmt: skip


def _highest(found: Found) -> list[Number]:
    metric = found.question.metric
    return [value for line in found.series for bar in line.bars if (value := metric.of(bar)) is not None]


def _heights(found: Found) -> list[float]:
    """The highest that is drawn in each place: the whole of what adds up, of a ratio the highest line."""
    metric = found.question.metric
    lines = [found.total.bars] if metric.additive else [line.bars for line in found.series]
    if found.comparable:
        lines.append(found.before_bars)
    return [
        float(max((metric.of(bars[n]) or 0 for bars in lines if n < len(bars)), default=0))
        for n in range(len(found.places.labels))
    ]


def _pixel(metric: Metric, sums: Sums) -> float | None:
    """An amount as precise as a chart can show; None, a gap, where a ratio has nothing to divide by."""
    value = metric.part(sums) if metric.additive else metric.of(sums)
    if value is None:
        return None
    amount = Decimal(value)
    decimals = max(2, DIGITS - 1 - amount.adjusted()) if amount else 0
    return int(amount) if amount == amount.to_integral_value() else float(round(amount, decimals))


def _hover(metric: Metric, values: Sequence[Number]) -> str:
    if metric.kind == metrics.MONEY:
        largest = Decimal(max(values, default=0))
        return f"$%{{y:,.{2 if largest >= 1 else display.aligned_decimals([largest])}f}}"
    return {metrics.UNIT: "$%{y:,.3r}", metrics.SHARE: "%{y:.1%}"}.get(metric.kind, "%{y:,}")


def _axis(metric: Metric, values: Sequence[Number]) -> dict[str, Any]:
    """Ticks in the metric's own unit."""
    largest = Decimal(max(values, default=0))
    if metric.kind == metrics.SHARE:
        return {"tickprefix": "", "tickformat": ".0%" if largest > Decimal("0.05") else ".2%"}
    if metric.kind == metrics.UNIT:
        return {"tickformat": f",.{display.aligned_decimals([largest / 4])}~f"}
    if metric.kind == metrics.MONEY:
        return {"tickformat": ","} if largest >= 5 else {
            "tickformat": f",.{max(2, 1 - largest.adjusted()) if largest else 2}f"
        }  # fmt: skip
    whole = {"tickformat": ",d", "dtick": 1} if largest < 5 else {"tickformat": "", "exponentformat": "B"}
    return {"tickprefix": "", "separatethousands": True, **whole}
