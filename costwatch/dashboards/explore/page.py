"""What the page of Explore says around its figures: headings, choices, links."""

from dataclasses import dataclass
from typing import Any

from costwatch.accounts.models import Workspace
from costwatch.dashboards import display, menu
from costwatch.dashboards.explore import comparing, drawing
from costwatch.dashboards.explore.answer import ROWS, Found
from costwatch.dashboards.explore.lines import TOTAL, VALUE, Line
from costwatch.dashboards.explore.metrics import METRICS, Metric
from costwatch.dashboards.explore.question import BUCKET_WORDS, DAYS, KINDS, MOST_BARS, NONE, Question
from costwatch.dashboards.explore.table import table
from costwatch.dashboards.marks.find import Marks, marks
from costwatch.dashboards.state import plural, title
from costwatch.dashboards.table import NO_SUMS
from costwatch.spend.dimensions import NAMES, TAG

LONGEST = 100  # buckets whose figures stand below the chart; of more there is a page
CELLS = 300  # figures of the chart told one by one; of more, only the sum of each bucket


@dataclass(frozen=True)
class Option:
    """One choice of a select."""

    value: str
    label: str
    chosen: bool
    off: bool = False


@dataclass(frozen=True)
class Figures:
    """The figures of the chart as a table: a row for each bucket, (label, amounts, its incidents)."""

    heads: list[str]
    rows: list[tuple[str, list[str], str]]
    whole_only: bool


def content(workspace: Workspace, found: Found) -> dict[str, Any]:
    """All that the template shows of an answer."""
    question, metric = found.question, found.question.metric
    heading = chart_heading(question)
    nothing = not found.total.sums
    told = Marks() if nothing else _marks(workspace, found)
    return {
        "found": found,
        "metric": metric,
        "table": table(found),
        "chart": None if nothing else drawing.figure(found, told),
        "marks": told,
        "sentence": drawing.sentence(found, heading) + told.sentence,
        "chart_heading": heading,
        "table_heading": table_heading(question),
        "value": metric.shown(found.total.sums),
        "value_exact": metric.exact(metric.of(found.total.sums)),
        "before": metric.shown(found.total.before),
        "difference": metric.told_difference(found.total.sums, found.total.before),
        "change": metric.change(found.total.sums, found.total.before),
        "figures": figures(found, told),
        "by_time": question.url(by="", across="", sort="time", all_rows=False),
        "unfinished": BUCKET_WORDS[question.bucket] if found.places.unfinished is not None else "",
        "coarser": question.wanted and question.wanted != question.bucket and BUCKET_WORDS[question.wanted],
        "bucket_word": BUCKET_WORDS[question.bucket],
        "turned": question.turned() if question.across else "",
        **pager(found),
    }


def _marks(workspace: Workspace, found: Found) -> Marks:
    question = found.question
    return marks(workspace, question.range, found.places, question.include, question.exclude)


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


def pager(found: Found) -> dict[str, str]:
    """Which rows these are (Top 9 of 150, 51–100 of 150), and the addresses of more and of fewer."""
    question = found.question
    rows = sum(line.role == VALUE for line in found.lines)
    first = ROWS * (question.page - 1) + 1
    of = f"of {display.at_least(found.count, found.left_out)}"
    paged = question.all_rows or not question.by
    rest = found.count - (first + rows - 1 if paged else rows)
    return {
        "top": "" if found.count <= rows else f"{first}–{first + rows - 1} {of}" if paged else f"Top {rows} {of}",
        "everything": question.url(all_rows=True) if rest > 0 and not paged else "",
        "next_rows": question.url(page=question.page + 1) if rest > 0 and paged else "",
        "previous_rows": question.url(page=question.page - 1) if question.page > 1 and paged else "",
        "fewer": question.url(all_rows=False) if question.all_rows else "",
    }


def figures(found: Found, marks: Marks) -> Figures | None:
    """The chart's figures, series by series where they are few enough to be read; None where even the sums are many."""
    metric, count = found.question.metric, len(found.places.labels)
    if not found.question.by or count > LONGEST:
        return None
    whole_only = len(found.series) * count > CELLS
    told: list[Line] = [] if whole_only else [line for line in found.series if line.role != TOTAL]
    heads = [line.label for line in told] + ["All together" if not metric.additive else "Total"]
    columns = [line.bars for line in told] + [found.total.bars]
    if found.comparable and found.compared:
        heads.append(found.compared.label)
        columns.append([*found.before_bars, *[NO_SUMS] * count])
    rows = [(label, [_cell(metric, bars[n]) for bars in columns]) for n, label in enumerate(found.places.labels)]
    told_at = {mark.place: mark.words for mark in marks.shown}
    return Figures(heads, [(label, cells, told_at.get(n, "")) for n, (label, cells) in enumerate(rows)], whole_only)


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
        "crossings": _options([("", "nothing"), *dimensions], question.across),
        "buckets": _buckets(question),
        "ways": _options(list(comparing.WAYS.items()), question.against),
    }


def _buckets(question: Question) -> list[Option]:
    """The lengths of a bar; the one that suits the span is "", so that another span gets its own."""
    return [
        Option(
            "" if kind == question.range.bucket else kind,
            BUCKET_WORDS[kind],
            kind == question.bucket,
            question.range.length / DAYS[kind] > MOST_BARS,
        )
        for kind in KINDS
    ]


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
