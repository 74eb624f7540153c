"""The rollups' SQL, written once: fold adds batches with it, rebuild makes them anew, verify recomputes."""

from typing import Any

from psycopg import Cursor

from costwatch.ledger.models import Cut
from costwatch.ledger.store import MEASURES

MONEY = ("cost", "error_cost", "upper_bound")
NAMES = ", ".join(MEASURES)
SUMS = ", ".join(f"sum({m}) AS {m}" for m in MEASURES)
# in a row that stays NULL is 0: it takes no bytes
KEPT = ", ".join(f"nullif(sum({m}), 0) AS {m}" for m in MEASURES)
ADD = ", ".join(f"{m} = nullif(coalesce(t.{m}, 0) + coalesce(excluded.{m}, 0), 0)" for m in MEASURES)

# What a cut is a sum over (a, b): columns of `portion`; the end users', of `portion_user`.
SINGLE = {
    Cut.TOTAL: "0",
    Cut.PROVIDER: "provider_id",
    Cut.MODEL: "model_id",
    Cut.OPERATION: "operation_id",
    Cut.AGENT: "agent_id",
    Cut.TASK: "task_id",
    Cut.ENVIRONMENT: "environment_id",
    Cut.RELEASE: "release_id",
    Cut.KEY: "key_id",
}
CROSSING = {
    Cut.AGENT_TASK: ("agent_id", "task_id"),
    Cut.AGENT_MODEL: ("agent_id", "model_id"),
    Cut.TASK_MODEL: ("task_id", "model_id"),
    Cut.ATTRIBUTION: ("attribution_id", "0"),
}
QUARTER_CUTS = SINGLE
DAY_CUTS = {**{cut: (column, "0") for cut, column in SINGLE.items()}, **CROSSING, Cut.USER: ("end_user_id", "0")}

# The entries to sum are brought down first, once by quarter and attribution, once by day and end user; the
# cuts are then sums over far fewer rows (one table for both had 115,000 rows of 120,000 events and took three times as
# long). One pair of tables for each connection: new ones every second would bloat the catalogue.
_MEASURE_COLUMNS = ", ".join(f"{m} {'numeric' if m in MONEY else 'bigint'}" for m in MEASURES)
PORTIONS = f"""
CREATE TEMP TABLE IF NOT EXISTS portion (
    lane integer, slot timestamptz, day date, attribution_id integer, provider_id integer, model_id integer,
    operation_id integer, agent_id integer, task_id integer, environment_id integer, release_id integer,
    key_id integer, {_MEASURE_COLUMNS}) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE IF NOT EXISTS portion_user (
    lane integer, day date, end_user_id bigint, {_MEASURE_COLUMNS}
) ON COMMIT DELETE ROWS"""

_FILL = """
INSERT INTO portion
SELECT e.lane, e.slot, (e.slot AT TIME ZONE w.time_zone)::date, e.attribution_id, a.provider_id, a.model_id,
       a.operation_id, a.agent_id, a.task_id, a.environment_id, a.release_id, a.key_id, {names}
  FROM (SELECT lane, date_bin('15 minutes', occurred_at, timestamptz '2000-01-01 00:00+00') AS slot,
               attribution_id, {sums}
          FROM ledger_entry WHERE {which} GROUP BY 1, 2, 3) e
  JOIN attribution a ON a.id = e.attribution_id
  JOIN accounts_workspace w ON w.id = e.lane"""

_FILL_USER = """
INSERT INTO portion_user
SELECT e.lane, (e.occurred_at AT TIME ZONE w.time_zone)::date, coalesce(e.end_user_id, 0), {sums}
  FROM (SELECT * FROM ledger_entry WHERE {which}) e
  JOIN accounts_workspace w ON w.id = e.lane
 GROUP BY 1, 2, 3"""


def take(cursor: Cursor[Any], which: str, parameters: list[Any]) -> None:
    """Put the entries for which `which` (a condition with parameters) holds into the two portions."""
    cursor.execute("SET LOCAL work_mem = '128MB'")  # the default spills the sums of a large batch to disk: +60 %
    cursor.execute(PORTIONS)
    cursor.execute("DELETE FROM portion")  # empty already, unless this transaction has taken a portion before
    cursor.execute("DELETE FROM portion_user")
    cursor.execute(_FILL.format(names=NAMES, sums=SUMS, which=which), parameters)
    cursor.execute(_FILL_USER.format(sums=SUMS, which=which), parameters)
    cursor.execute("ANALYZE portion")
    cursor.execute("ANALYZE portion_user")


def quarter_rows() -> str:
    """SELECT of all quarter rows (lane, cut, slot, a, measures) of the portion."""
    return " UNION ALL ".join(
        f"SELECT lane, {cut.value}::smallint AS cut, slot, {a}::integer AS a, {KEPT} FROM portion"
        f" GROUP BY lane, slot{_by(a)}"
        for cut, a in QUARTER_CUTS.items()
    )


def day_rows() -> str:
    """SELECT of all day rows (lane, cut, day, a, b, measures) of the portions."""
    return " UNION ALL ".join(
        f"SELECT lane, {cut.value}::smallint AS cut, day, {a}::integer AS a, {b}::integer AS b, {KEPT}"
        f" FROM {'portion_user' if cut == Cut.USER else 'portion'} GROUP BY lane, day{_by(a)}{_by(b)}"
        for cut, (a, b) in DAY_CUTS.items()
    )


def _by(column: str) -> str:
    return "" if column == "0" else f", {column}"


ADD_QUARTERS = f"""
INSERT INTO spend_quarter AS t (lane, cut, slot, a, {NAMES}) {quarter_rows()}
ON CONFLICT (lane, cut, slot, a) DO UPDATE SET {ADD}"""

ADD_DAYS = f"""
INSERT INTO spend_day AS t (lane, cut, day, a, b, {NAMES}) {day_rows()}
ON CONFLICT (lane, cut, day, a, b) DO UPDATE SET {ADD}"""

_EVENTS = "FILTER (WHERE events > 0)"  # adjustments move money, not the time or the labels of a run
_RUN_SUMS = """
SELECT run_id, {sums}, min(occurred_at) {events} AS first_at, max(occurred_at) {events} AS last_at,
       (array_agg(attribution_id ORDER BY occurred_at, batch_id) {events})[1] AS attribution_id,
       (array_agg(end_user_id ORDER BY occurred_at, batch_id)
            FILTER (WHERE events > 0 AND end_user_id IS NOT NULL))[1] AS end_user_id,
       (array_agg(session_id ORDER BY occurred_at, batch_id)
            FILTER (WHERE events > 0 AND session_id IS NOT NULL))[1] AS session_id
  FROM ledger_entry WHERE run_id IS NOT NULL AND {which} GROUP BY run_id"""


def run_sums(which: str) -> str:
    """SELECT of the sums, span and first labels of each run in the entries for which `which` holds."""
    return _RUN_SUMS.format(sums=SUMS, events=_EVENTS, which=which)


def add_runs(which: str) -> str:
    """SQL that adds the entries for which `which` holds to their runs."""
    add = ", ".join(f"{m} = nullif(coalesce(r.{m}, 0) + s.{m}, 0)" for m in MEASURES if m != "cost")
    return f"""
UPDATE run r SET {add}, cost = r.cost + s.cost,
       first_at = least(r.first_at, s.first_at), last_at = greatest(r.last_at, s.last_at),
       attribution_id = coalesce(r.attribution_id, s.attribution_id),
       end_user_id = coalesce(r.end_user_id, s.end_user_id), session_id = coalesce(r.session_id, s.session_id)
  FROM ({run_sums(which)}) s WHERE r.id = s.run_id"""
