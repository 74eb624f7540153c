"""What the page of Explore says around its figures: headings, choices, links."""

from dataclasses import dataclass
from typing import Any

from costwatch.accounts.models import Workspace
from costwatch.dashboards import menu
from costwatch.dashboards.explore import comparing, drawing
from costwatch.dashboards.explore.answer import MOST_ROWS, VALUE, Found, Line
from costwatch.dashboards.explore.metrics import METRICS, Metric
from costwatch.dashboards.explore.question import BUCKET_WORDS, DAYS, KINDS, MOST_BARS, NONE, Question
from costwatch.dashboards.explore.table import table
from costwatch.dashboards.state import plural, title
from costwatch.spend.dimensions import NAMES, TAG

CELLS = 420  # figures of the chart told one by one; of more, only the sum of each bucket


@dataclass(frozen=True)
class Option:
    """One choice of a select."""

    value: str
    label: str
    chosen: bool
    off: bool = False


@dataclass(frozen=True)
class Figures:
    """The figures of the chart as a table: a row for each bucket."""

    heads: list[str]
    rows: list[tuple[str, list[str]]]
    whole_only: bool


def content(workspace: Workspace, found: Found) -> dict[str, Any]:
    """All that the template shows of an answer."""
    question, metric = found.question, found.question.metric
    heading = chart_heading(question)
    nothing = not found.total.sums
    return {
        "found": found,
        "metric": metric,
        "table": table(found),
        "chart": None if nothing else drawing.figure(found),
        "sentence": drawing.sentence(found, heading),
        "chart_heading": heading,
        "table_heading": table_heading(question),
        "top": top(found),
        "value": metric.shown(found.total.sums),
        "value_exact": metric.exact(metric.of(found.total.sums)),
        "before": metric.shown(found.total.before),
        "difference": metric.difference_text(metric.difference(found.total.sums, found.total.before)),
        "change": metric.change(found.total.sums, found.total.before),
        "figures": figures(found),
        "unfinished": BUCKET_WORDS[question.bucket] if found.places.unfinished is not None else "",
        "coarser": question.wanted and question.wanted != question.bucket and BUCKET_WORDS[question.wanted],
        "bucket_word": BUCKET_WORDS[question.bucket],
        "turned": question.turned() if question.across else "",
        "everything": question.url(all_rows=True) if found.hidden and not question.all_rows else "",
        "most_rows": MOST_ROWS,
        "fewer": question.url(all_rows=False) if question.all_rows else "",
    }


def chart_heading(question: Question) -> str:
    """Spend per day by customer; cost per run by agent, per day."""
    label = question.metric.label[:1].upper() + question.metric.label[1:]
    by = f" by {title(question.by).lower()}" if question.by else ""
    per = f"per {BUCKET_WORDS[question.bucket]}"
    return f"{label} {per}{by}" if question.metric.additive else f"{label}{by}, {per}"


def table_heading(question: Question) -> str:
    """Customers across agents."""
    if not question.by:
        return "Buckets" if question.bucket == "15m" else f"{BUCKET_WORDS[question.bucket].capitalize()}s"
    return plural(question.by) + (f" across {plural(question.across).lower()}" if question.across else "")


def top(found: Found) -> str:
    """Top 9 of 150."""
    if not found.question.by or not found.hidden:
        return ""
    rows = sum(line.role == VALUE for line in found.lines)
    return f"Top {rows} of {found.count:,}{'+' if found.more else ''}"


def figures(found: Found) -> Figures | None:
    """The chart's figures, series by series where they are few enough to be read."""
    metric = found.question.metric
    series = [line for line in found.series if found.question.by]
    whole_only = len(series) * len(found.places.labels) > CELLS
    told: list[Line] = [] if whole_only else [line for line in series if line.label != "All"]
    heads = [line.label for line in told] + ["All together" if not metric.additive else "Total"]
    heads += [found.compared.label] if found.comparable and found.compared else []
    rows = []
    for n, label in enumerate(found.places.labels):
        cells = [_cell(metric, line.bars[n]) for line in told] + [_cell(metric, found.total.bars[n])]
        if found.comparable and found.compared:
            cells.append(_cell(metric, found.before_bars[n]) if n < len(found.before_bars) else "–")
        rows.append((label, cells))
    return Figures(heads, rows, whole_only and bool(series)) if found.question.by else None


def _cell(metric: Metric, sums: Any) -> str:
    return metric.shown(sums) if sums else "–"


def selects(workspace: Workspace, question: Question) -> dict[str, list[Option]]:
    """The choices of the question line."""
    names = [*NAMES, *(f"{TAG}{tag}" for tag in menu.tag_names(workspace.lane))]
    names += [name for name in question.dimensions if name not in names]
    dimensions = [(name, title(name).lower()) for name in names]
    metrics = [(metric.name, metric.label) for metric in METRICS.values()]
    return {
        "metrics": _options(metrics, question.metric.name),
        "dimensions": _options([*dimensions, (NONE, "nothing")], question.by or NONE),
        "crossings": _options([("", "nothing"), *(d for d in dimensions if d[0] != question.by)], question.across),
        "buckets": [
            Option(kind, BUCKET_WORDS[kind], kind == question.bucket, question.range.length / DAYS[kind] > MOST_BARS)
            for kind in KINDS
        ],
        "ways": _options(list(comparing.WAYS.items()), question.against),
    }


def links(question: Question, server: str) -> dict[str, str]:
    """The same question elsewhere: as files, and as a request to the API."""
    query = question.query()
    address = f"{server}/api/v1/spend?{question.api(question.bucket)}"
    return {
        "file_query": f"?{query}" if query else "",
        "buckets_file": f"/api/v1/export/spend.parquet?{question.api(question.bucket)}",
        "calls_file": f"/api/v1/export/events.ndjson?{question.calls()}",
        "curl": f'curl -H "Authorization: Bearer $COSTWATCH_KEY" \\\n  "{address}"',
    }


def form_pairs(question: Question, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What the question line keeps in hidden fields: span and conditions."""
    own = ("metric", "by", "across", "bucket", "against", "cfirst", "clast", "sort", "rows")
    return [pair for pair in pairs if pair[0] not in own]


def _options(choices: list[tuple[str, str]], chosen: str) -> list[Option]:
    return [Option(value, label, value == chosen) for value, label in choices]
