"""The rollups' SQL, written once: fold adds new batches with it, rebuild makes a workspace's anew, verify recomputes it."""

from typing import Any

from psycopg import Cursor

from costwatch.ledger.models import Cut
from costwatch.ledger.store import MEASURES

SUMS = ", ".join(f"sum({m}) AS {m}" for m in MEASURES)
NAMES = ", ".join(MEASURES)
ADD = ", ".join(f"{m} = t.{m} + excluded.{m}" for m in MEASURES)

# what a cut is a sum over: columns of the temporary table `portion`
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
DAY_ONLY = {
    Cut.USER: ("end_user_id", "0"),
    Cut.AGENT_TASK: ("agent_id", "task_id"),
    Cut.AGENT_MODEL: ("agent_id", "model_id"),
    Cut.TASK_MODEL: ("task_id", "model_id"),
    Cut.AGENT_USER: ("agent_id", "end_user_id"),
    Cut.TASK_USER: ("task_id", "end_user_id"),
    Cut.ATTRIBUTION: ("attribution_id", "0"),
}
QUARTER_CUTS = SINGLE
DAY_CUTS = {**{cut: (column, "0") for cut, column in SINGLE.items()}, **DAY_ONLY}

# The entries to sum, first brought down to one row per (lane, attribution, end user, quarter): one pass over the facts,
# then every cut is a sum over fewer and narrower rows. One table per connection, emptied at commit: a new temporary
# table every second would bloat the catalogue.
PORTION = f"""
CREATE TEMP TABLE IF NOT EXISTS portion (
    lane integer, slot timestamptz, day date, attribution_id integer, end_user_id bigint, provider_id integer,
    model_id integer, operation_id integer, agent_id integer, task_id integer, environment_id integer,
    release_id integer, key_id integer, {", ".join(f"{m} numeric" for m in MEASURES)}
) ON COMMIT DELETE ROWS"""

FILL = """
INSERT INTO portion
SELECT e.lane, e.slot, (e.slot AT TIME ZONE w.time_zone)::date, e.attribution_id, e.end_user_id, a.provider_id,
       a.model_id, a.operation_id, a.agent_id, a.task_id, a.environment_id, a.release_id, a.key_id, {names}
  FROM (SELECT lane, date_bin('15 minutes', occurred_at, timestamptz '2000-01-01 00:00+00') AS slot, attribution_id,
               coalesce(end_user_id, 0) AS end_user_id, {sums}
          FROM ledger_entry WHERE {which} GROUP BY 1, 2, 3, 4) e
  JOIN attribution a ON a.id = e.attribution_id
  JOIN accounts_workspace w ON w.id = e.lane"""


def take(cursor: Cursor[Any], which: str, parameters: list[Any]) -> None:
    """Put the entries for which `which` (a condition with parameters) holds into `portion`."""
    cursor.execute(PORTION)
    cursor.execute("DELETE FROM portion")  # empty already, unless this transaction has taken a portion before
    cursor.execute(FILL.format(names=NAMES, sums=SUMS, which=which), parameters)
    cursor.execute("ANALYZE portion")


def quarter_rows() -> str:
    """SELECT of all quarter rows (lane, cut, slot, a, measures) of the portion."""
    return " UNION ALL ".join(
        f"SELECT lane, {cut.value}::smallint AS cut, slot, {a}::bigint AS a, {SUMS} FROM portion GROUP BY lane, slot{_by(a)}"  # noqa: S608
        for cut, a in QUARTER_CUTS.items()
    )


def day_rows() -> str:
    """SELECT of all day rows (lane, cut, day, a, b, measures) of the portion."""
    return " UNION ALL ".join(
        f"SELECT lane, {cut.value}::smallint AS cut, day, {a}::bigint AS a, {b}::bigint AS b, {SUMS} FROM portion"  # noqa: S608
        f" GROUP BY lane, day{_by(a)}{_by(b)}"
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

_ENTRIES = "FILTER (WHERE events > 0)"  # adjustments move money, not the time or the labels of a run

RUN_SUMS = """
SELECT run_id, {sums}, min(occurred_at) {entries} AS first_at, max(occurred_at) {entries} AS last_at,
       (array_agg(attribution_id ORDER BY occurred_at, batch_id) {entries})[1] AS attribution_id,
       (array_agg(end_user_id ORDER BY occurred_at, batch_id) FILTER (WHERE events > 0 AND end_user_id IS NOT NULL))[1]
           AS end_user_id,
       (array_agg(session_id ORDER BY occurred_at, batch_id) FILTER (WHERE events > 0 AND session_id IS NOT NULL))[1]
           AS session_id
  FROM ledger_entry WHERE run_id IS NOT NULL AND {which} GROUP BY run_id"""


def run_sums(which: str) -> str:
    return RUN_SUMS.format(sums=SUMS, entries=_ENTRIES, which=which)


def add_runs(which: str) -> str:
    """SQL that adds the entries for which `which` holds to their runs."""
    add = ", ".join(f"{m} = r.{m} + s.{m}" for m in MEASURES)
    return f"""
UPDATE run r SET {add}, first_at = least(r.first_at, s.first_at), last_at = greatest(r.last_at, s.last_at),
       attribution_id = coalesce(r.attribution_id, s.attribution_id),
       end_user_id = coalesce(r.end_user_id, s.end_user_id), session_id = coalesce(r.session_id, s.session_id)
  FROM ({run_sums(which)}) s WHERE r.id = s.run_id"""  # noqa: S608
