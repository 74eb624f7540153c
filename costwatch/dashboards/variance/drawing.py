"""The waterfall as a Plotly figure: bars with a base, for the small bundle has no waterfall of its own."""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from costwatch.dashboards import charts

AIR, NARROW_AIR = 0.2, 0.4  # of the width, to the right of the longest bar: for the amount written there


def waterfall(
    labels: Sequence[str],
    bases: Sequence[Decimal],
    lengths: Sequence[Decimal],
    texts: Sequence[str],
    colours: Sequence[str],
) -> dict[str, Any]:
    """Steps of a sum, one below the other: each from its base by its length, with its amount written beside it."""
    edges = [0.0, *map(float, bases), *(float(base + length) for base, length in zip(bases, lengths, strict=True))]
    width = max(edges) - min(edges) or 1.0
    start = min(edges) - (width * 0.03 if min(edges) < 0 else 0)
    ends = [float(max(base, base + length)) for base, length in zip(bases, lengths, strict=True)]
    return {
        "data": [
            {
                "type": "bar",
                "orientation": "h",
                "y": [charts.label(text) for text in labels],
                "x": [float(length) for length in lengths],
                "base": [float(base) for base in bases],
                "marker": {"color": list(colours)},
                "hoverinfo": "skip",
            },
            {
                "type": "scatter",
                "mode": "text",
                "y": [charts.label(text) for text in labels],
                "x": ends,
                "text": [f" {charts.label(text)}" for text in texts],
                "textposition": "middle right",
                "textfont": {"color": "--ink", "size": 12},
                "hoverinfo": "skip",
            },
        ],
        "layout": {
            "barmode": "overlay",
            "hovermode": False,
            "bargap": 0.45,
            "margin": {"l": 84, "r": 8, "t": 4, "b": 24},
            "xaxis": {
                "range": [start, max(edges) + width * AIR],
                "zeroline": True,
                "zerolinecolor": "--control",
                "showgrid": True,
                "gridcolor": "--line",
                "showline": False,
                "tickformat": f"$,.{_decimals(width)}~f",
                "nticks": 5,
            },
            "yaxis": {
                "type": "category",
                "autorange": "reversed",
                "tickmode": "linear",
                "dtick": 1,
                "tickprefix": "",
                "tickformat": "",
                "showgrid": False,
                "tickfont": {"color": "--ink"},
            },
        },
        "narrow": {"xaxis": {"nticks": 3, "range": [start, max(edges) + width * NARROW_AIR]}},
    }


def _decimals(width: float) -> int:
    """Of the amounts below the bars: cents, more where all of it is less than some cents."""
    return max(2, 1 - math.floor(math.log10(width)))
