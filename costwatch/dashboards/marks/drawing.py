"""Marks as a trace of a Plotly figure: a triangle above its bar, with a count where it stands for several. Pure."""

from collections.abc import Sequence
from typing import Any

from costwatch.alerts.models import Severity
from costwatch.dashboards.charts import Buckets, label
from costwatch.dashboards.marks.find import LONGEST, Mark, Marks

TRACE = "marks"  # by this uid the browser knows the trace: a click on a point is one on its link below the chart
COLOURS = {Severity.CRITICAL: "--bad", Severity.ALARM: "--warn", Severity.NOTICE: "--muted"}
ABOVE, ROOM = 0.04, 0.1  # of the height of the chart: from the bar to its mark, from the highest mark up


def marked(figure: dict[str, Any], places: Buckets, heights: Sequence[float], marks: Marks) -> dict[str, Any]:
    """The figure with its marks, each above the highest of its place; `heights`: what is drawn there, in data units."""
    if not marks.shown:
        return figure
    axis = figure["layout"]["yaxis"]
    top = max(axis["range"][1], max(heights[mark.place] for mark in marks.shown) * (1 + ROOM))
    axis["range"] = [axis["range"][0], top * (1 + ABOVE)]
    at = [heights[mark.place] + ABOVE * top for mark in marks.shown]
    figure["data"].append(_trace(places, marks.shown, at))
    return figure


def _trace(places: Buckets, marks: Sequence[Mark], at: Sequence[float]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers+text",
        "uid": TRACE,
        "name": "Incidents",
        "x": [places.labels[mark.place] for mark in marks],
        "y": [float(f"{height:.4g}") for height in at],
        "customdata": [],
        "text": [f"{mark.count:,}" if mark.count > 1 else "" for mark in marks],
        "textposition": "top center",
        "textfont": {"color": "--muted", "size": 11},
        "hovertext": [_hover(mark) for mark in marks],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "cliponaxis": False,
        "marker": {
            "symbol": [f"triangle-down{'-open' if mark.over else ''}" for mark in marks],
            "color": [COLOURS[mark.severity] for mark in marks],
            "size": 9,
        },
    }


def _hover(mark: Mark) -> str:
    """The titles, one below the other."""
    lines = [label(title, LONGEST) for title in mark.titles]
    hidden = mark.count - len(mark.titles)
    return "<br>".join([*lines, *([f"and {hidden:,} more"] if hidden else [])])
