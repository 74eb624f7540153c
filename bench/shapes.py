"""Two shapes of data for the queries, made in the database: what companies look like, and what hurts rollups most.

`company`: 90 days of the demo's company through the real path, then copied within the database: each copy with runs,
sessions and times of its own, five sets of users among them; ids of events are UUIDs with the time in front, as our
SDK makes them. `zipf`: 200 agents, 50 tasks, 30 models, 5,000 users and
500,000 runs (at 10 million events), each drawn by itself (Zipf); a run has one agent, user and task, a call any model.
"""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from bench.server import url_of
from costwatch.ledger.keys import FIRST_SECOND

ROOT = Path(__file__).resolve().parent.parent
DAYS = 90
AGENTS, TASKS, MODELS, USERS, RUNS = 200, 50, 30, 5_000, 500_000
USER_SETS = 5  # of users among the copies of the company
BATCHES_A_FOLD = 3  # of about a day's events each

_COPIED = ("occurred_at", "batch_id", "run_id", "session_id", "end_user_id", "event_key", "event_id")
# of an id that is a UUID of version 7 (ledger/keys.py)
_KEY = """('f' || lpad(to_hex((extract(epoch FROM {at}) * 1000)::bigint), 11, '0')
            || '7' || substr(md5({of}), 1, 19))::uuid"""
_COMPANY = """
INSERT INTO usage_event (occurred_at, batch_id, run_id, session_id, end_user_id, event_key, {rest})
SELECT moved.at, %(batch)s + 1 + (moved.at::date - %(first)s::date), e.run_id + %(copy)s * %(runs)s,
       e.session_id + %(copy)s * %(sessions)s, e.end_user_id + (%(copy)s %% {sets}) * %(users)s,
       {key}, {rest_e}
  FROM base_event e,
       LATERAL (SELECT e.occurred_at + %(copy)s * interval '37 seconds' AS at) moved
 WHERE moved.at < %(end)s"""
_KEYS = f"""
INSERT INTO event_key (lane, event_key, second)
SELECT lane, event_key, floor(extract(epoch FROM occurred_at)) - {FIRST_SECOND}
  FROM usage_event WHERE batch_id >= %(batch)s"""
_BATCHES = """
INSERT INTO ingest_batch (id, lane, first_at, last_at, received_at)
SELECT batch_id, lane, min(occurred_at), max(occurred_at), now() FROM usage_event WHERE batch_id >= %(batch)s
 GROUP BY batch_id, lane"""
_ZIPF = """
INSERT INTO usage_event (occurred_at, received_at, batch_id, run_id, end_user_id, event_key, lane, attribution_id,
       price_version_id, step, requests, input_tokens, output_tokens, cached_input_tokens, latency_ms, cost_source,
       error, starts_run, cost)
SELECT at, at, 1 + (at::date - %(first)s::date), run, end_user, {key}, %(lane)s,
       (agent * {tasks} + task) * {models} + model + 1, NULL, step, NULL, input, output, input / 3, 500 + output * 12,
       1, nullif(n %% 97 = 0, false), nullif(step = 0, false),
       (input * (model + 1) * 1e-7 + output * (model + 1) * 5e-7)::numeric(24,12)
  FROM (SELECT n, r.run, r.agent, r.task, r.end_user, n / %(runs)s AS step,
               r.at + (n / %(runs)s) * interval '40 seconds' AS at,
               width_bucket(random(), (SELECT sums FROM zipf WHERE kind = 'model')) AS model,
               200 + (random() ^ 3 * 20000)::int AS input, 20 + (random() ^ 3 * 2000)::int AS output
          FROM generate_series(0, %(events)s - 1) n JOIN zipf_run r ON r.run = 1 + n %% %(runs)s) drawn"""


def make(name: str, shape: str, events: int) -> float:
    """Fill the database `name` with that many events of a shape, folded; seconds that folding took."""
    _step(name, "costwatch.up.prepare", "database")
    if shape == "company":
        _step(name, "bench.shapes")
    with psycopg.connect(url_of(name), autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off; SET work_mem = '128MB'; SET maintenance_work_mem = '512MB'")
        first = (datetime.now(UTC) - timedelta(days=DAYS)).date()
        batch = (_copies if shape == "company" else _zipf)(connection, first, events)
        _in_order(connection)
        connection.execute(_KEYS, {"batch": batch})
        connection.execute(_BATCHES, {"batch": batch})
        connection.execute("VACUUM ANALYZE")
        began = time.monotonic()
        _step(name, "bench.shapes", "fold")
        folding = time.monotonic() - began
        _step(name, "bench.shapes", "sheets")
        connection.execute("CREATE INDEX run_in_order ON run (lane, last_at)")  # the one that there is, is partial
        connection.execute("CLUSTER run USING run_in_order")  # as _in_order: their times come with folding
        connection.execute("DROP INDEX run_in_order")
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    return folding


def _copies(connection: psycopg.Connection, first: object, events: int) -> int:
    from costwatch.ledger.rows import COLUMNS

    def number(sql: str) -> int:
        row = connection.execute(sql).fetchone()
        return row[0] if row else 0

    base, copy = number("SELECT count(*) FROM usage_event"), 0
    runs, sessions, users = (number(f"SELECT max(id) FROM {t}") for t in ("run", "session", "end_user"))
    batch = number("SELECT nextval('ingest_batch_id')")
    rest = [column for column in COLUMNS if column not in _COPIED]
    sql = _COMPANY.format(rest=", ".join(rest), rest_e=", ".join(f"e.{c}" for c in rest), sets=USER_SETS,
                          key=_KEY.format(at="moved.at", of="e.event_id || '-' || %(copy)s"))  # fmt: skip
    end = number("SELECT max(occurred_at) FROM usage_event")
    copies = max(0, round(events / base) - 1)
    for table, column, sets in (("run", "run_id", copies + 1), ("session", "session_id", copies + 1),
                                ("end_user", "user_id", min(USER_SETS, copies + 1))):  # fmt: skip
        last = number(f"SELECT max(id) FROM {table}")
        connection.execute(
            f"INSERT INTO {table} (id, lane, {column}) SELECT id + c * {last}, lane, {column} || '-' || c"
            f" FROM {table}, generate_series(1, {sets - 1}) c"
        )
        connection.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {last * sets})")
    connection.execute("CREATE UNLOGGED TABLE base_event AS SELECT * FROM usage_event")
    for copy in range(1, copies + 1):
        values = {"batch": batch, "first": first, "copy": copy, "runs": runs, "sessions": sessions, "users": users,
                  "end": end}  # fmt: skip
        connection.execute(sql, values)
    connection.execute("SELECT setval('ingest_batch_id', %s)", [batch + 1000])
    connection.execute("DROP TABLE base_event")
    return batch


def _zipf(connection: psycopg.Connection, first: object, events: int) -> int:
    row = connection.execute(
        "INSERT INTO accounts_workspace (name, time_zone, week_start, created_at)"
        " VALUES ('Zipf', 'Europe/Berlin', 1, now()) RETURNING id"
    ).fetchone()
    lane = row[0] if row else 0
    runs = RUNS * events // 10_000_000 if events < 10_000_000 else RUNS
    connection.execute(f"""
        INSERT INTO label (id, lane, kind, value) SELECT 1, {lane}, 1, 'provider';
        INSERT INTO label (id, lane, kind, value) SELECT 2, {lane}, 3, 'chat';
        INSERT INTO label (id, lane, kind, value)
        SELECT 100 + n, {lane}, 4, 'agent-' || n FROM generate_series(0, {AGENTS - 1}) n;
        INSERT INTO label (id, lane, kind, value)
        SELECT 400 + n, {lane}, 5, 'task-' || n FROM generate_series(0, {TASKS - 1}) n;
        INSERT INTO label (id, lane, kind, value)
        SELECT 500 + n, {lane}, 2, 'model-' || n FROM generate_series(0, {MODELS - 1}) n;
        INSERT INTO attribution (id, lane, digest, provider_id, model_id, operation_id, agent_id, task_id,
               environment_id, release_id, key_id, tags)
        SELECT (a * {TASKS} + t) * {MODELS} + m + 1, {lane}, md5(a || '-' || t || '-' || m)::uuid, 1, 500 + m, 2,
               100 + a, 400 + t, 0, 0, 0, '{{}}'
          FROM generate_series(0, {AGENTS - 1}) a, generate_series(0, {TASKS - 1}) t,
               generate_series(0, {MODELS - 1}) m;
        INSERT INTO end_user (id, lane, user_id)
        SELECT n + 1, {lane}, 'user-' || n FROM generate_series(0, {USERS - 1}) n;
        INSERT INTO run (id, lane, run_id) SELECT n, {lane}, 'run-' || n FROM generate_series(1, {runs}) n;
        CREATE UNLOGGED TABLE zipf AS
        SELECT kind, array_agg(s ORDER BY n) AS sums
          FROM (SELECT kind, n, sum(1.0 / n) OVER (PARTITION BY kind ORDER BY n)
                                / sum(1.0 / n) OVER (PARTITION BY kind) AS s
                  FROM (VALUES ('agent', {AGENTS}), ('task', {TASKS}), ('model', {MODELS}), ('user', {USERS}))
                       k(kind, top), LATERAL generate_series(1, top) n) all_sums GROUP BY kind;
        UPDATE zipf SET sums = sums[1:array_length(sums, 1) - 1];
        ALTER TABLE zipf ALTER sums TYPE float8[];
        CREATE UNLOGGED TABLE zipf_run AS
        SELECT n AS run, width_bucket(random(), (SELECT sums FROM zipf WHERE kind = 'agent')) AS agent,
               width_bucket(random(), (SELECT sums FROM zipf WHERE kind = 'task')) AS task,
               1 + width_bucket(random(), (SELECT sums FROM zipf WHERE kind = 'user')) AS end_user,
               now() - interval '20 minutes' - random() * interval '{DAYS - 1} days' AS at
          FROM generate_series(1, {runs}) n""")
    _partitions(connection, first)
    sql = _ZIPF.format(tasks=TASKS, models=MODELS, key=_KEY.format(at="at", of="'z' || n"))
    connection.execute(sql, {"first": first, "lane": lane, "events": events, "runs": runs})
    connection.execute("SELECT setval('ingest_batch_id', 1000); DROP TABLE zipf, zipf_run")
    return 1


def _in_order(connection: psycopg.Connection) -> None:
    """Events come about in the order of their times; here they were made run by run or copy by copy."""
    found = connection.execute("SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'usage_event'::regclass")
    for (partition,) in found.fetchall():
        connection.execute(f"CREATE INDEX in_order ON {partition} (occurred_at)")
        connection.execute(f"CLUSTER {partition} USING in_order; DROP INDEX in_order")


def _partitions(connection: psycopg.Connection, first: object) -> None:
    for n in range(DAYS + 2):
        connection.execute(f"""
            DO $$ DECLARE d date := date '{first}' + {n}; t text := 'usage_event_' || to_char(d, 'YYYYMMDD');
            BEGIN IF to_regclass(t) IS NULL THEN
                EXECUTE format('CREATE TABLE %I (LIKE usage_event INCLUDING ALL)', t);
                EXECUTE format('ALTER TABLE usage_event ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', t,
                               d || ' 00:00+00', d + 1 || ' 00:00+00');
            END IF; END $$""")


def _step(name: str, *arguments: str) -> None:
    env = {**os.environ, "DATABASE_URL": url_of(name), "DJANGO_SETTINGS_MODULE": "costwatch.settings"}
    subprocess.run([sys.executable, "-m", *arguments], env=env, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """In a process of its own, with Django on the right database: the base of `company`, folding, or sheets."""
    import django

    django.setup()
    if sys.argv[1:] == ["fold"]:
        from costwatch.ledger.fold import fold

        while fold(BATCHES_A_FOLD).batches:
            pass
        return
    if sys.argv[1:] == ["sheets"]:
        from costwatch.ledger import sheets

        while sheets.make(DAYS):
            pass
        return
    from costwatch.demo import company, fill

    company.DAYS = DAYS
    fill.fill_if_empty()


if __name__ == "__main__":
    main()
