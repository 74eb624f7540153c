"""The content of a digest's page: the report in the figures, chart and tables of the product."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.urls import reverse

from costwatch.accounts.models import Workspace
from costwatch.dashboards import display
from costwatch.dashboards.addresses import profile_url
from costwatch.digests import span as spans
from costwatch.digests import words
from costwatch.digests.report import Mover, Report
from costwatch.digests.span import Span
from costwatch.lib.dates import books_begin

NAMES = {"daily": "Day", "weekly": "Week", "monthly": "Month"}


@dataclass(frozen=True)
class Link:
    """A way to another digest."""

    label: str
    url: str
    current: bool = False


@dataclass(frozen=True)
class Page:
    """`earlier`, `later`: the neighbours; "" where there is none."""

    found: Report
    sentence: str
    coverage: str
    forecast: str
    incidents: str
    movers: list[tuple[str, list[tuple[Mover, str, str, str]]]]
    begun: str
    chart: dict[str, Any] | None
    kinds: list[Link]
    earlier: Link
    later: Link | None
    csv: str
    pdf: str
    overview: str
    variance: str


def page(workspace: Workspace, found: Report) -> Page:
    """Everything the template shows."""
    tz = ZoneInfo(found.zone)
    span = found.span
    days = urlencode({"first": span.first, "last": span.last})
    other = "" if found.zone == workspace.time_zone else f"?{urlencode({'tz': found.zone})}"
    after = spans.holding(span.kind, span.end, tz, workspace.week_start)
    return Page(
        found=found,
        sentence=words.sentence(found),
        coverage=words.coverage(found),
        forecast=words.forecast(found),
        incidents=words.incidents(found)[0],
        movers=[(words.movers(found, dimension), _movers(found, dimension)) for dimension in words.WHATS],
        begun=books_begin(found.begun) if found.begun else "",
        chart=chart(found) if found.total.cost else None,
        kinds=[Link(label, reverse("digest-latest", args=[kind]), kind == span.kind) for kind, label in NAMES.items()],
        earlier=_link(spans.before(span, tz, workspace.week_start), other),
        later=_link(after, other) if found.is_over else None,
        csv=f"{_url(span)}.csv{other}",
        pdf=f"{_url(span)}.pdf{other}",
        overview=f"{reverse('overview')}?{days}",
        variance=f"{reverse('variance')}?{days}",
    )


def chart(found: Report) -> dict[str, Any]:
    """Spend by day of the period (by hour of a day)."""
    tz, hourly = ZoneInfo(found.zone), found.span.kind == "daily"
    shape = "%H:%M" if hourly else "%a %-d %b"
    labels: list[str] = []
    for start, _ in found.days:  # an hour that the clocks repeat has a place of its own
        label = start.astimezone(tz).strftime(shape)
        labels.append(f"{label} again" if label in labels else label)
    amounts = [amount for _, amount in found.days]
    largest = max(amounts, default=Decimal(0))
    every = max(1, len(labels) // 8)
    ticks = list(range(0, len(labels), every))
    return {
        "data": [
            {"type": "bar", "name": "spent", "x": labels, "y": [float(a) for a in amounts],
             "hovertemplate": "%{x} $%{y:,.2f}<extra></extra>",
             "marker": {"color": "--s1"}},
        ],
        "layout": {
            "yaxis": {"range": [0, float(largest) * 1.08 or 1.0], "tickformat": ",.2f" if largest < 5 else ","},
            "xaxis": {"type": "category", "tickvals": ticks, "ticktext": [labels[n] for n in ticks]},
            "hovermode": "closest",
        },
        "narrow": {"xaxis": {"tickvals": ticks[::3], "ticktext": [labels[n] for n in ticks[::3]]}, "margin": {"r": 18}},
    }  # fmt: skip


def csv_rows(found: Report) -> list[list[object]]:
    """The movers with all digits; those of a dimension add up to the total."""
    rows: list[list[object]] = [["Dimension", "Value", "Spend USD", "Before USD", "Change USD"]]
    rows += [[m.dimension, _name(m), m.now, m.before, m.delta] for name in words.WHATS for m in found.moved(name)]
    rows.append(["total", "Total", found.total.cost, found.before.cost, found.change])
    return rows


def _movers(found: Report, dimension: str) -> list[tuple[Mover, str, str, str]]:
    """(mover, name, address, change in percent); all others have no page."""
    return [
        (one, _name(one), "" if one.value is None else profile_url(dimension, one.value), words.mover(one))
        for one in found.moved(dimension)
    ]


def _name(mover: Mover) -> str:
    return words.ALL_OTHERS if mover.value is None else display.name(mover.value)


def _link(span: Span, query: str) -> Link:
    return Link(span.label, _url(span) + query)


def _url(span: Span) -> str:
    return reverse("digest", args=[span.kind, f"{span.first}"])
