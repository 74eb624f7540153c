"""What runs cost: percentiles, whose cost is out of line, and the dearest. A bounded look at the run table.

Counted are the runs whose last call lies in the range and whose FIRST call fulfils the conditions: that is what the run
table knows of a run, and no event has to be read. A run without any priced call has no cost to compare and is left out.

Out of line (Tukey's fence on a logarithmic scale, for costs are skewed and grow by factors): dearer than
Q3 x (Q3 / Q1)^1.5 of the runs of the same agent and than three times their median; at least 20 runs must be known.
Quartiles do not follow the few dear runs they are to find, as a mean and a standard deviation would.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection

from costwatch.ledger.models import Run
from costwatch.spend import conditions as where
from costwatch.spend.bounds import bounded
from costwatch.spend.dimensions import FACTS, RUN
from costwatch.spend.filters import SpendFilter
from costwatch.spend.runs import COLUMNS, RunRow, named
from costwatch.spend.snapshot import snapshot
from costwatch.spend.sources import Source

MOST_RUNS = 50_000  # the newest days of the range are looked at
ENOUGH = 20  # runs of an agent
AT_LEAST = 3  # times the median
TUKEY = Decimal("1.5")
SHARES = (0.5, 0.9, 0.99)
QUARTERS = (0.25, 0.5, 0.75)

_IDS = {name: f"r.{column}" for name, column in FACTS.items()} | {RUN: "r.id"}
_SOURCE = Source("run", "last_at", None, _IDS, "r.attribution_id")
_CHOSEN = """
WITH chosen AS MATERIALIZED (
    SELECT r.id, r.attribution_id, r.cost FROM {tables}
     WHERE r.lane = %s AND r.last_at >= %s AND r.last_at < %s
       AND r.calls > coalesce(r.unpriced_calls, 0) + coalesce(r.unknown_calls, 0) AND {which})"""
_FIGURES = f"""
SELECT NULL AS agent_id, count(*), percentile_disc(%s::float8[]) WITHIN GROUP (ORDER BY cost),
       ARRAY(SELECT id FROM chosen ORDER BY cost DESC, id DESC LIMIT %s)
  FROM chosen
UNION ALL
SELECT a.agent_id, count(*), percentile_disc(%s::float8[]) WITHIN GROUP (ORDER BY c.cost), NULL
  FROM chosen c JOIN attribution a ON a.id = c.attribution_id GROUP BY a.agent_id HAVING count(*) >= {ENOUGH}"""


@dataclass(frozen=True)
class Usual:
    """What the runs of an agent usually cost: half of them at most `median`, above `fence` one is out of line. USD."""

    median: Decimal
    fence: Decimal


@dataclass(frozen=True)
class RunFigures:
    """`count` runs were looked at; half of them cost at most `p50` (USD) and so on, None where there are none.

    `capped`: there are more runs in the range than `MOST_RUNS`, its newest days were looked at. `dearest` first.
    `usual` of each agent that has enough runs.
    """

    count: int = 0
    p50: Decimal | None = None
    p90: Decimal | None = None
    p99: Decimal | None = None
    capped: bool = False
    dearest: Sequence[RunRow] = ()
    usual: Mapping[str, Usual] = field(default_factory=dict)

    def times_usual(self, run: RunRow) -> Decimal | None:
        """How many times the median of its agent's runs a run cost; None for one that is not out of line."""
        usual = self.usual.get(run.labels["agent"])
        if usual is None or run.sums.cost <= usual.fence or not usual.median:
            return None
        return run.sums.cost / usual.median


def run_figures(workspace: Any, filter: SpendFilter, dearest: int = 0) -> RunFigures:
    """The figures of the runs that a filter means, with so many of the dearest."""
    with snapshot(workspace.lane):
        span = bounded(workspace, filter, MOST_RUNS, "runs")
        rows = _rows(workspace.lane, span, [list(SHARES), dearest, list(QUARTERS)])
        (_, count, costs, ids), *agents = sorted(rows, key=lambda row: row[0] is not None)
        if not count:
            return RunFigures()
        runs = named(Run.objects.filter(id__in=ids).order_by("-cost", "-id").values_list(*COLUMNS)) if ids else []
        names = where.names_of("agent", {row[0] for row in agents})
    usual = {names[agent]: Usual(quarters[1], fence(*quarters)) for agent, _, quarters, _ in agents}
    p50, p90, p99 = costs
    return RunFigures(count, p50, p90, p99, span.start > filter.start, runs, usual)


def fence(q1: Decimal, median: Decimal, q3: Decimal) -> Decimal:
    """The cost above which a run is out of line."""
    spread = (q3 / q1) ** TUKEY if q1 > 0 else Decimal(1)
    return max(q3 * spread, AT_LEAST * median)


def _rows(lane: int, filter: SpendFilter, parameters: list[Any]) -> list[tuple[Any, ...]]:
    conditions = where.resolve(lane, filter)
    attributions = where.few_attributions(lane, conditions)
    tables = where.from_clause(_SOURCE, ())
    which, values = where.joined([("true", []), *where.on_source(_SOURCE, conditions, attributions)])
    with connection.cursor() as cursor:
        text = _CHOSEN.format(tables=tables, which=which) + _FIGURES
        cursor.execute(text, [lane, filter.start, filter.end, *values, *parameters])
        return cursor.fetchall()
