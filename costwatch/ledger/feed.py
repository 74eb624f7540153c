"""The feed of changes: every folded batch once, in the order of folding, for readers that keep a place.

Positions are given inside the fold, which runs one at a time: before a visible position there is no invisible one.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection
from psycopg import Cursor

from costwatch.ledger.fold import tail_condition
from costwatch.ledger.rows import said
from costwatch.ledger.store import writing

MOST_BATCHES = 4  # of up to 10,000 events: what is found becomes visible portion by portion
MOST_CALLS = 10_000

_CALLS = f"""
SELECT e.lane, e.run_id, {said("starts_run")}, {said("event_id")}, r.run_id, extract(epoch FROM e.occurred_at)::float8,
       coalesce(g.value, ''), coalesce(t.value, ''), e.step, e.tool, e.call_fingerprint, e.input_fingerprint,
       coalesce(e.input_error, false), coalesce(e.input_tokens, 0), coalesce(e.output_tokens, 0), e.cost,
       (e.latency_ms / 1000.0)::float8, {said("error")},
       {said("batch")} OR coalesce(a.tags->>'batch', '') = 'true'
  FROM usage_event e JOIN run r ON r.id = e.run_id JOIN attribution a ON a.id = e.attribution_id
  LEFT JOIN label g ON g.id = a.agent_id LEFT JOIN label t ON t.id = a.task_id
 WHERE """

# of what was taken back, only that there was something: who adds up has then to read the books
_SPENT = """
SELECT s.attribution_id, {names}, s.slot, s.cost, s.tokens, s.less
  FROM (SELECT attribution_id, {facts},
               extract(epoch FROM date_bin('15 minutes', occurred_at, 'epoch'))::bigint AS slot,
               sum(greatest(cost, 0)) AS cost, sum(greatest(input_tokens + output_tokens, 0))::bigint AS tokens,
               bool_or(cost < 0 OR input_tokens + output_tokens < 0) AS less
          FROM ledger_entry WHERE {which} GROUP BY 1, 2, 3, 4, 5) s {joins}"""
# dimension → column of an entry, table and column of its name
_FACTS = {
    "user": ("end_user_id", "end_user", "user_id"),
    "session": ("session_id", "session", "session_id"),
    "run": ("run_id", "run", "run_id"),
}


class Folded(NamedTuple):
    """A batch that has been folded."""

    position: int
    batch_id: int
    lane: int
    first_at: datetime
    last_at: datetime


class RunCall(NamedTuple):
    """An event of a run; `call` holds its values from the event id on, in the order of loops.state.Call."""

    lane: int
    run: int
    starts_run: bool
    call: tuple[Any, ...]


class Spent(NamedTuple):
    """What entries of one attribution, end user, session and run ("": none, or not asked for) added in a quarter hour,
    which is named by its beginning in Unix seconds.

    `cost` (USD) and `tokens` (prompt and generated ones) without what was taken away; `less`: whether something was.
    """

    attribution: int
    user: str
    session: str
    run: str
    slot: int
    cost: Decimal
    tokens: int
    less: bool


@contextmanager
def reading(reader: str, most: int = MOST_BATCHES) -> Iterator[tuple[Cursor[Any], list[Folded]]]:
    """The next batches for this reader, in a transaction that also moves its place on: what it writes is written once.

    Empty where nothing is new or the same reader is at work elsewhere. Raises StorageUnavailable.
    """
    with writing() as cursor:
        cursor.execute("INSERT INTO feed_reader (name, position) VALUES (%s, 0) ON CONFLICT DO NOTHING", [reader])
        place = cursor.execute(
            "SELECT position FROM feed_reader WHERE name = %s FOR UPDATE SKIP LOCKED", [reader]
        ).fetchone()
        rows = [] if place is None else cursor.execute(
            "SELECT position, batch_id, lane, first_at, last_at FROM folded_batch WHERE position > %s"
            " ORDER BY position LIMIT %s", [place[0], most]).fetchall()  # fmt: skip
        yield cursor, [Folded(*row) for row in rows]
        if rows:
            cursor.execute("UPDATE feed_reader SET position = %s WHERE name = %s", [rows[-1][0], reader])


_OLDEST = """
SELECT extract(epoch FROM clock_timestamp() - least(
    (SELECT received_at FROM ingest_batch ORDER BY id LIMIT 1),
    (SELECT received_at FROM folded_batch
      WHERE position > (SELECT min(position) FROM feed_reader WHERE name = ANY(%s)) ORDER BY position LIMIT 1)
))::float8"""


def behind(readers: Collection[str]) -> float:
    """Seconds since the oldest batch was received that is not folded or that one of these readers has not read yet.

    0 without one; who has never read anything does not count.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST, [[*readers]])
        (oldest,) = cursor.fetchone()
    return max(0.0, oldest or 0.0)


def prune() -> None:
    """Drop what all readers have read."""
    with writing() as cursor:
        cursor.execute("DELETE FROM folded_batch WHERE position <= (SELECT min(position) FROM feed_reader)")


def calls(cursor: Cursor[Any], batches: Sequence[Folded]) -> list[RunCall]:
    """The events of these batches that belong to a run."""
    where, values = tail_condition([(b.batch_id, b.lane, b.first_at, b.last_at) for b in batches])
    return _calls(cursor, where, values)


def calls_of_run(cursor: Cursor[Any], run: int) -> list[RunCall]:
    """The last MOST_CALLS events of a run, by the ledger's number of it."""
    return _calls(cursor, f"e.run_id = %s ORDER BY e.occurred_at DESC LIMIT {MOST_CALLS}", [run])


def recent_calls(cursor: Cursor[Any], lane: int, since: datetime, most: int) -> list[RunCall]:
    """All events of the newest runs with a call since then; of as many runs as have `most` events together."""
    runs = cursor.execute(
        "SELECT array_agg(id), min(first_at) FROM (SELECT id, first_at, sum(events) OVER (ORDER BY last_at DESC, id)"
        " AS so_far FROM run WHERE lane = %s AND last_at >= %s ORDER BY last_at DESC LIMIT %s) r WHERE so_far <= %s",
        [lane, since, most, most]).fetchone()  # fmt: skip
    if runs is None or runs[0] is None:
        return []
    return _calls(cursor, "e.lane = %s AND e.run_id = ANY(%s) AND e.occurred_at >= %s", [lane, *runs])


def spent(cursor: Cursor[Any], batches: Sequence[Folded], by: Collection[str]) -> list[Spent]:
    """What these batches added and took away, corrections too, apart by those of user, session and run in `by`."""
    which, values = tail_condition([(b.batch_id, b.lane, b.first_at, b.last_at) for b in batches])
    facts, names, joins = [], [], []
    for name, (column, table, its_name) in _FACTS.items():
        asked = name in by
        facts.append(f"{column} AS {name}_number" if asked else f"NULL::bigint AS {name}_number")
        names.append(f"coalesce({name}_name.{its_name}, '')" if asked else "''")
        joins += [f"LEFT JOIN {table} {name}_name ON {name}_name.id = s.{name}_number"] if asked else []
    text = _SPENT.format(names=", ".join(names), facts=", ".join(facts), which=which, joins=" ".join(joins))
    return [Spent(*row) for row in cursor.execute(text, values).fetchall()]


def _calls(cursor: Cursor[Any], where: str, values: list[Any]) -> list[RunCall]:
    rows = cursor.execute(_CALLS + where, values).fetchall()
    return [RunCall(row[0], row[1], row[2], row[3:]) for row in rows]
