"""Storing a few new events in one statement, which is its own transaction: one round trip instead of seven.

It stores all or nothing, and nothing where one of the keys is known: `record` goes the long way then.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from psycopg import RawCursor, errors

from costwatch.ledger import opening, rows
from costwatch.ledger.entry import Entry
from costwatch.ledger.opening import KNOWN, MADE, TABLES
from costwatch.ledger.store import writing

MOST = 20  # events; of more, a COPY costs less

_json = msgspec.json.Encoder(decimal_format="number").encode

# the name's number, made or known
_OF = f"""
of_{{table}} AS MATERIALIZED (SELECT {{column}} AS name, id, true AS made FROM made_{{table}} UNION ALL
    SELECT k.*, false FROM ({KNOWN}) k)"""


@cache
def _statement(tables: tuple[str, ...]) -> tuple[str, list[str]]:
    """The statement with the tables that names are looked for in, and its parameters in their order.

    Each table left out saves PostgreSQL a sixth of a single event. In the server's own form: psycopg does not keep how
    it reads a statement this long, and takes 0.1 ms each time.
    """
    ids = {"batch_id": "batch.id", **{f"{table}_id": f"coalesce(of_{table}.id, e.{table}_id)" for table in tables}}
    if "run" in tables:
        ids["starts_run"] = "nullif(e.starts_run AND of_run.made, false)"
    sent = [f"{column} {kind}" for column, kind in zip(rows.COLUMNS, rows.TYPES, strict=True)]
    sent += [f"its_{table} text" for table in tables]
    made = [(MADE + "," + _OF).format(table=t, column=TABLES[t], free="free, ", conflict="") for t in tables]
    statement = f"""
WITH sent AS (SELECT * FROM unnest(%(keys)s, %(seconds)s, %(aliases)s) AS k(event_key, second, alias_of)),
free AS MATERIALIZED (SELECT WHERE NOT EXISTS (SELECT FROM sent s
    WHERE (SELECT k.second FROM event_key k WHERE k.lane = %(lane)s AND k.event_key = s.event_key) IS NOT NULL)),
batch AS (INSERT INTO ingest_batch (id, lane, first_at, last_at, received_at)
    SELECT nextval('ingest_batch_id'), %(lane)s, %(first)s, %(last)s, %(now)s FROM free RETURNING id),
new_key AS (INSERT INTO event_key (lane, event_key, second, alias_of)
    SELECT %(lane)s, event_key, second, alias_of FROM free, sent){"".join("," + one for one in made)},
event AS (INSERT INTO usage_event ({", ".join(rows.COLUMNS)})
    SELECT {", ".join(ids.get(column, f"e.{column}") for column in rows.COLUMNS)}
      FROM batch CROSS JOIN json_to_recordset(%(events)s::json) AS e({", ".join(sent)})
      {" ".join(f"LEFT JOIN of_{table} ON of_{table}.name = e.its_{table}" for table in tables)})
SELECT 'batch', NULL, id FROM batch
{" ".join(f"UNION ALL SELECT '{table}', name, id FROM of_{table}" for table in tables)}"""
    parameters = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement)))
    return re.sub(r"%\((\w+)\)s", lambda found: f"${parameters.index(found[1]) + 1}", statement), parameters


def store(
    lane: int, entries: Sequence[Entry], attributions: Sequence[int], owner: dict[bytes, int], now: datetime
) -> bool:
    """Store all entries and say so, or store nothing: one of them is known, or somebody else stores at this moment.

    `owner` names the entry that each key belongs to; no two have a key in common. Raises StorageUnavailable.
    """
    found, missing = opening.names(lane, entries)
    events = _rows(lane, entries, attributions, found, now)
    values = {**opening.values(lane, entries, owner, now, missing), "events": _json(events).decode()}
    made: dict[str, dict[str | None, int]] = {kind: {} for kind in ("batch", *TABLES)}
    statement, parameters = _statement(tuple(table for table in TABLES if missing[table]))
    try:
        with writing(RawCursor) as cursor:
            opening.register(cursor)
            asked = [values[name] for name in parameters]
            for kind, name, number in cursor.execute(statement, asked, binary=True, prepare=True):
                made[kind][name] = number
    except errors.UniqueViolation:
        return False
    if not made["batch"]:
        return False
    opening.remember(lane, {table: made[table] for table in TABLES})  # type: ignore[misc]
    return True


def _rows(
    lane: int, entries: Sequence[Entry], attributions: Sequence[int], found: dict[str, dict[str, int]], now: datetime
) -> list[dict[str, Any]]:
    """The events as JSON objects without what is NULL; `its_run` and so on: a name whose number is not known here."""
    made = []
    begun: set[str] = set()
    for e, attribution in zip(entries, attributions, strict=True):
        names = {"run": e.run_id, "session": e.session_id, "end_user": e.user_id}
        ids = tuple(found[table].get(name) for table, name in names.items())  # type: ignore[arg-type]
        starts = bool(e.run_id) and e.run_id not in found["run"] and e.run_id not in begun
        values = rows.values(e, now, 0, ids, lane, attribution, starts)  # type: ignore[arg-type]
        row = {column: value for column, value in zip(rows.COLUMNS, values, strict=True) if value is not None}
        row |= {f"its_{table}": name for table, name in names.items() if name and name not in found[table]}
        made.append({**row, "event_key": e.keys[0].hex(), "units": e.units, "raw_usage": e.raw_usage})
        begun.add(e.run_id or "")
    return made
