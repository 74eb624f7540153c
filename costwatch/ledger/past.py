"""What lies behind the feed: sessions, runs and weeks as the watch of a loop's neighbours looks at them."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from psycopg import Cursor

from costwatch.ledger.rows import said

MOST_SESSIONS = 500
MOST_CALLS = 300  # of a session, the newest
MOST_RUNS = 20  # of an agent and task, the newest
MOST_SCANNED = 50_000  # newest runs that these are looked for among

LOCK = 7_301_005

# Session by session, whatever PostgreSQL believes of a workspace that is new since its tables were analysed: as a join,
# 40,000 runs were compared with 25,000 of them, which took a CPU for minutes.
_SESSIONS = """
SELECT s.session_id
  FROM (SELECT DISTINCT session_id FROM run WHERE lane = %s AND last_at >= %s AND session_id IS NOT NULL) s
 CROSS JOIN LATERAL (SELECT count(*) AS runs, max(last_at) AS last_at FROM run r WHERE r.session_id = s.session_id) r
 WHERE r.runs >= %s ORDER BY r.last_at DESC LIMIT %s"""

_SESSION_CALLS = f"""
SELECT * FROM (
  SELECT e.session_id AS number, s.session_id, coalesce(g.value, '') AS agent, coalesce(r.run_id, '') AS run,
         extract(epoch FROM e.occurred_at)::float8 AS at, e.call_fingerprint, coalesce(e.output_tokens, 0) AS tokens,
         e.cost, {said("event_id")} AS event_id, coalesce(e.step, -1) AS step,
         row_number() OVER (PARTITION BY e.session_id ORDER BY e.occurred_at DESC, e.step DESC,
                                         {said("event_id")} DESC) AS n
    FROM usage_event e JOIN session s ON s.id = e.session_id JOIN attribution a ON a.id = e.attribution_id
    LEFT JOIN run r ON r.id = e.run_id LEFT JOIN label g ON g.id = a.agent_id
   WHERE e.lane = %s AND e.session_id = ANY(%s) AND e.occurred_at >= %s AND e.error IS NOT TRUE) c
 WHERE n <= %s ORDER BY number, at, step, event_id"""

# As with sessions: one after the other, and looks into a hash.
_ATTRIBUTION = "(SELECT agent_id, task_id FROM attribution WHERE id = r.attribution_id OFFSET 0) a"
_ATTEMPTS = f"""
WITH pairs AS (
  SELECT DISTINCT a.agent_id, a.task_id FROM run r CROSS JOIN LATERAL {_ATTRIBUTION}
   WHERE r.lane = %(lane)s AND r.last_at >= %(fresh)s AND r.errors > 0),
mine AS (
  SELECT r.*, a.agent_id, a.task_id,
         row_number() OVER (PARTITION BY a.agent_id, a.task_id ORDER BY r.first_at DESC, r.id DESC) AS n
    FROM (SELECT * FROM run WHERE lane = %(lane)s AND last_at >= %(since)s ORDER BY last_at DESC LIMIT %(scanned)s) r
   CROSS JOIN LATERAL {_ATTRIBUTION}
   WHERE ((a.agent_id, a.task_id) IN (SELECT agent_id, task_id FROM pairs)) IS TRUE),
newest AS (SELECT * FROM mine WHERE n <= %(most)s)
SELECT m.agent_id, m.task_id, coalesce(g.value, ''), coalesce(t.value, ''), m.id, m.run_id,
       extract(epoch FROM m.first_at)::float8, extract(epoch FROM m.last_at)::float8, coalesce(e.error, false),
       coalesce(m.calls, 0), coalesce(m.input_tokens, 0), m.cost
  FROM newest m LEFT JOIN LATERAL (
       SELECT error FROM usage_event e WHERE e.run_id = m.id AND m.errors > 0 AND e.occurred_at >= %(since)s
        ORDER BY occurred_at DESC, step DESC NULLS LAST, {said("event_id")} DESC LIMIT 1) e ON true
  LEFT JOIN label g ON g.id = m.agent_id LEFT JOIN label t ON t.id = m.task_id
 ORDER BY m.agent_id, m.task_id, m.first_at, m.id"""

_WEEKS = """
SELECT w.agent_id, w.task_id, coalesce(g.value, ''), coalesce(t.value, ''), monday, runs, calls, dollars
  FROM (SELECT a.agent_id, a.task_id, date_trunc('week', r.first_at AT TIME ZONE %(zone)s)::date AS monday,
               count(*) AS runs, percentile_cont(0.5) WITHIN GROUP (ORDER BY r.calls) AS calls,
               percentile_disc(0.5) WITHIN GROUP (ORDER BY r.cost) AS dollars
          FROM run r JOIN attribution a ON a.id = r.attribution_id
         WHERE r.lane = %(lane)s AND r.last_at >= %(since)s AND r.first_at >= %(since)s AND r.first_at < %(until)s
         GROUP BY 1, 2, 3) w
  LEFT JOIN label g ON g.id = w.agent_id LEFT JOIN label t ON t.id = w.task_id
 ORDER BY w.agent_id, w.task_id, monday"""


class SessionCall(NamedTuple):
    """A call that went well, of a session; `number` is the ledger's of it. Times in Unix seconds."""

    number: int
    session_id: str
    agent: str
    run_id: str
    at: float
    said: str | None
    output_tokens: int
    cost: Decimal | None
    event_id: str


class PairRun(NamedTuple):
    """A run of an agent and task; `failed`: its last call did."""

    pair: tuple[int, int]
    agent: str
    task: str
    number: int
    run_id: str
    at: float
    end: float
    failed: bool
    calls: int
    input_tokens: int
    cost: Decimal


class PairWeek(NamedTuple):
    """The runs of an agent and task that began in a week: how many, and the middle of their calls and cost."""

    pair: tuple[int, int]
    agent: str
    task: str
    monday: date
    runs: int
    calls: float
    cost: Decimal


def alone(cursor: Cursor[Any], lane: int) -> bool:
    """Whether nobody else reads so far back in a workspace now, and until the end of the transaction nobody will."""
    row = cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCK, lane]).fetchone()
    return bool(row and row[0])


def session_calls(
    cursor: Cursor[Any], lane: int, fresh: datetime, since: datetime, fewest_runs: int
) -> list[SessionCall]:
    """The newest calls since then of sessions with that many runs and a run that went on after `fresh`."""
    rows = cursor.execute(_SESSIONS, [lane, fresh, fewest_runs, MOST_SESSIONS]).fetchall()
    numbers: Sequence[int] = [row[0] for row in rows]
    if not numbers:
        return []
    found = cursor.execute(_SESSION_CALLS, [lane, numbers, since, MOST_CALLS]).fetchall()
    return [SessionCall(*row[:9]) for row in found]


def attempts(cursor: Cursor[Any], lane: int, fresh: datetime, since: datetime) -> list[PairRun]:
    """The newest runs since then, by start, of each agent and task with a failure after `fresh`."""
    values = {"lane": lane, "fresh": fresh, "since": since, "most": MOST_RUNS, "scanned": MOST_SCANNED}
    return [PairRun(row[:2], *row[2:]) for row in cursor.execute(_ATTEMPTS, values).fetchall()]


def weeks(cursor: Cursor[Any], lane: int, zone: str, since: datetime, until: datetime) -> list[PairWeek]:
    """The weeks (from Monday, in this zone) of each agent and task between two moments."""
    values = {"lane": lane, "zone": zone, "since": since, "until": until}
    return [PairWeek(row[:2], *row[2:]) for row in cursor.execute(_WEEKS, values).fetchall()]
