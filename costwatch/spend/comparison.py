"""Two values of a dimension side by side: two releases, prompt versions, models, environments. Bounded looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from costwatch.ledger.rows import said
from costwatch.pricing.usage import CostSource
from costwatch.spend import conditions as where
from costwatch.spend.bounds import Measure, bounded
from costwatch.spend.compare import EXIT_CODES, TOLERANCE, Judged, Moments, Verdict, judge, together
from costwatch.spend.conditions import Clause
from costwatch.spend.dimensions import FACTS, RUN
from costwatch.spend.filters import SpendFilter
from costwatch.spend.snapshot import snapshot, through_bitmaps
from costwatch.spend.sources import Source

MOST_UNITS = 25_000  # of a side, the newest: about 40 ms; the interval of a mean of so many is narrow enough
LONGEST = timedelta(days=1)  # after the range: a run that goes on for longer is left out
QUIET = timedelta(minutes=5)  # a run with a call since is not over: half a run is cheap for no merit

# measure → (x, y): sums of x by sums of y over the units; runs are there to be counted where the units are runs
MEASURES = {
    "cost_per_run": ("cost", "one"),
    "cost_per_call": ("cost", "calls"),
    "error_rate": ("errors", "calls"),
    "calls_per_run": ("calls", "one"),
    "input_tokens_per_call": ("input_tokens", "calls"),
    "output_tokens_per_call": ("output_tokens", "calls"),
}
OF_RUNS = ("cost_per_run", "calls_per_run")
RATES = ("error_rate",)
DECIDING = ("cost_per_run", "error_rate")

_NAMES = ("cost", "calls", "errors", "input_tokens", "output_tokens")
_IDS = {name: f"r.{column}" for name, column in FACTS.items()}
_RUNS = Source("run", "last_at", None, _IDS | {RUN: "r.id"}, "r.attribution_id")
# single calls, each with the corrections of it
_CALLS = f"""(
    SELECT lane, occurred_at, attribution_id, {", ".join(FACTS.values())}, event_key, 1 AS events, cost,
           {said("requests")} AS calls, CASE WHEN error THEN {said("requests")} END AS errors, input_tokens,
           output_tokens, CASE WHEN cost_source IN ({CostSource.UNPRICED:d}, {CostSource.USAGE_UNKNOWN:d})
                               THEN {said("requests")} END AS unpriced
      FROM usage_event e
    UNION ALL
    SELECT lane, occurred_at, attribution_id, {", ".join(FACTS.values())}, event_key, 0, cost, calls, errors,
           input_tokens, output_tokens, coalesce(unpriced_calls, 0) + coalesce(unknown_calls, 0)
      FROM spend_adjustment WHERE event_key IS NOT NULL)"""
_EVENTS = Source(_CALLS, "occurred_at", None, _IDS, "r.attribution_id")
_UNITS = {
    _RUNS.table: f"""
    SELECT {", ".join(f"coalesce(r.{name}, 0) AS {name}" for name in _NAMES)},
           coalesce(r.unpriced_calls, 0) + coalesce(r.unknown_calls, 0) AS unpriced
      FROM {{tables}} WHERE {{which}} ORDER BY r.last_at DESC LIMIT {{most}}""",
    _EVENTS.table: f"""
    SELECT {", ".join(f"coalesce(sum(r.{name}), 0) AS {name}" for name in _NAMES)},
           coalesce(sum(r.unpriced), 0) AS unpriced
      FROM {{tables}} WHERE {{which}}
     GROUP BY r.event_key, r.occurred_at HAVING sum(r.events) > 0 ORDER BY r.occurred_at DESC LIMIT {{most}}""",
}
_FIGURES = f"""
WITH unit AS MATERIALIZED ({{units}}),
counted AS (SELECT cost, calls, {", ".join(f"{name}::float8 AS {name}_" for name in _NAMES)}, 1::float8 AS one_
              FROM unit WHERE unpriced = 0)
SELECT count(*), (SELECT count(*) FROM unit WHERE unpriced > 0), coalesce(sum(cost), 0), coalesce(sum(calls), 0),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY cost), percentile_disc(0.9) WITHIN GROUP (ORDER BY cost),
       {{moments}}
  FROM counted"""


@dataclass(frozen=True)
class Side:
    """What was looked at: `units` runs (or events), `left_out` for lack of a price; median and ninth decile in USD.

    `capped`: there are more than were looked at.
    """

    value: str
    units: int
    left_out: int
    cost: Decimal
    calls: int
    p50: Decimal | None
    p90: Decimal | None
    moments: dict[str, Moments]
    capped: bool


@dataclass(frozen=True)
class Comparison:
    """Both sides, each measure judged, and the verdict of those that decide. `by_runs`: the units are runs."""

    dimension: str
    baseline: Side
    candidate: Side
    by_runs: bool
    measures: dict[str, Judged]
    verdict: Verdict
    deciding: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 better or no difference, 1 worse, 2 too little data."""
        return EXIT_CODES[self.verdict]


def compare(
    workspace: Any,
    filter: SpendFilter,
    dimension: str,
    baseline: str,
    candidate: str,
    now: datetime,
    *,
    tolerance: float = TOLERANCE,
    deciding: Sequence[str] = DECIDING,
) -> Comparison:
    """Hold one value of a dimension against another over the same range and conditions.

    Counted are runs that began in the range, by the labels of their first call, have been quiet for five minutes and
    ended within a day after it; where one of the sides has none, single events. Units with unpriced calls are left out
    and counted.
    """
    with snapshot(workspace.lane):
        for source in (_RUNS, _EVENTS):
            old, new = (
                _side(workspace, filter.with_value(dimension, value), source, value, now)
                for value in (baseline, candidate)
            )
            if old.units and new.units:
                break
    by_runs = source is _RUNS
    judged = {
        name: judge(old.moments[name], new.moments[name], tolerance, rate=name in RATES)
        for name in MEASURES
        if by_runs or name not in OF_RUNS
    }
    decides = tuple(name for name in deciding if name in judged) or ("cost_per_call", "error_rate")
    verdict = together([judged[name].verdict for name in decides])
    return Comparison(dimension, old, new, by_runs, judged, verdict, decides)


def _side(workspace: Any, filter: SpendFilter, source: Source, value: str, now: datetime) -> Side:
    lane = workspace.lane
    measure: Measure = "runs" if source is _RUNS else "events"
    own = bounded(workspace, filter, MOST_UNITS, measure, of_all=False)
    conditions = where.resolve(lane, own)
    attributions = where.few_attributions(lane, conditions)
    tables = where.from_clause(source, ())
    clauses = [("r.lane = %s", [lane]), *_span(source, own, now), *where.on_source(source, conditions, attributions)]
    which, values = where.joined(clauses)
    units_of = _UNITS[source.table].format(tables=tables, which=which, most=MOST_UNITS)
    text = _FIGURES.format(units=units_of, moments=", ".join(map(_moments, MEASURES.values())))
    with connection.cursor() as cursor:
        ((units, left_out, cost, calls, p50, p90, *rest),) = through_bitmaps(cursor, text, values)
    found = {name: Moments(units, *rest[5 * n : 5 * n + 5]) for n, name in enumerate(MEASURES)}
    capped = own.start > filter.start or units + left_out >= MOST_UNITS
    return Side(value, units, left_out, cost, int(calls), p50, p90, found, capped)


def _span(source: Source, filter: SpendFilter, now: datetime) -> list[Clause]:
    """Runs by their beginning (their end bounds the index), events by their time."""
    if source is _EVENTS:
        return [("r.occurred_at >= %s AND r.occurred_at < %s", [filter.start, filter.end])]
    last = max(filter.start, min(now - QUIET, filter.end + LONGEST))
    return [("r.last_at >= %s AND r.last_at <= %s", [filter.start, last]),
            ("r.first_at >= %s AND r.first_at < %s", [filter.start, filter.end])]  # fmt: skip


def _moments(pair: tuple[str, str]) -> str:
    """The sums of x, y, xx, yy, xy as floats."""
    x, y = (f"{name}_" for name in pair)
    products = (x, y, f"{x} * {x}", f"{y} * {y}", f"{x} * {y}")
    return ", ".join(f"coalesce(sum({product}), 0)" for product in products)
