"""The queries of the pages, through spend.queries as the pages use them, on two shapes of data; and bytes an event."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from bench import shapes
from bench.server import drop, exists, prepared, url_of
from bench.table import Row, at_most, percentile

SMALL, LARGE = 1_000_000, 10_000_000
TIMES = 12  # each query, the first two not counted
START_GOAL, CROSSING_GOAL, PAGE_GOAL, HTML_GOAL, BYTES_GOAL = 50, 400, 100, 60, 450
_SIZE = """
SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public' AND c.relkind = 'r'
   AND c.relname ~ '^(usage_event|event_key|spend_|run$|session$|end_user$|attribution$|label$|ingest_batch)'"""


def run(options: argparse.Namespace) -> list[Row]:
    """For each shape and size: the starting pages' queries, the crossings, a whole page, bytes an event."""
    rows = []
    for events in (SMALL, LARGE) if options.large else (SMALL,):
        for shape in ("company", "zipf"):
            rows += _measure(f"bench_{shape}_{events // 1_000_000}m", shape, events, options.keep)
    return rows


def _measure(name: str, shape: str, events: int, keep: bool) -> list[Row]:
    title = f"{shape}, {events // 1_000_000} M events"
    rows = []
    if not (keep and exists(name)):
        with prepared(name, keep=True):
            folding = shapes.make(name, shape, events)
        rows.append(Row(f"{title}: folded", f"{folding:.0f} s"))
    try:
        taken = _measured("bench.queries", name)
        pages = _measured("bench.pages", name)
        taken["pages"] = [page[:-1] for page in pages]
        return [*rows, *_rows(title, taken), _largest(title, pages), _bytes(title, name)]
    finally:
        if not keep:
            drop(name)


def _measured(module: str, name: str) -> Any:
    """What a module finds on a database, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="costwatch-bench-") as folder:
        env = {**os.environ, "DATABASE_URL": url_of(name), "DJANGO_SETTINGS_MODULE": "costwatch.settings",
               "COSTWATCH_DATA_DIR": folder}  # fmt: skip
        Path(folder, "static").mkdir()
        done = subprocess.run([sys.executable, "-m", module], env=env, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def _largest(title: str, pages: list[list[Any]]) -> Row:
    address, *_, size = max(pages, key=lambda page: page[-1])
    return at_most(f"{title}: HTML of the largest page", size, HTML_GOAL, "KB", f" ({address})")


def _rows(title: str, taken: dict[str, list[Any]]) -> Iterator[Row]:
    goals = {"starting pages": START_GOAL, "crossings": CROSSING_GOAL, "pages": PAGE_GOAL}
    for kind, goal in goals.items():
        times = {what: query for what, *query in taken[kind]}
        worst = {what: percentile(query, 0.95) for what, query in times.items()}
        slow = [f"{what} {ms:.0f}" for what, ms in sorted(worst.items(), key=lambda w: -w[1]) if ms > goal]
        middle = percentile([ms for query in times.values() for ms in query], 0.5)
        more = f" (p50 of all {middle:.1f} ms; {len(slow)} of {len(times)} over the goal"
        more += f": {', '.join(slow)})" if slow else ")"
        yield at_most(f"{title}: {kind}, p95 of the slowest", max(worst.values()), goal, "ms", more)


def _bytes(title: str, name: str) -> Row:
    with psycopg.connect(url_of(name)) as connection:
        size = connection.execute(_SIZE).fetchone()
        count = connection.execute("SELECT count(*) FROM usage_event").fetchone()
    each = float(size[0]) / count[0] if size and count else 0.0
    return at_most(f"{title}: bytes an event, with all indexes and rollups", each, BYTES_GOAL, "B")


def main() -> None:
    """In a process of its own, with Django on the right database: [name, ms, …] of each query, as JSON."""
    from costwatch.up import web

    web.load()
    from costwatch.accounts.models import Workspace

    workspace = Workspace.objects.get()
    now = datetime.now(UTC)
    found: dict[str, list[list[Any]]] = {"starting pages": [], "crossings": []}
    for kind, name, call in [*_starting(workspace, now), *_crossings(workspace, now)]:
        found[kind].append([name, *timed(call)])
    print(json.dumps(found))


def dearest(workspace: Any, by: str, within: Any, most: int = 1) -> list[str]:
    """So many of the values of a dimension that cost most, without what is not attributed."""
    from costwatch.spend.queries import query

    groups = query(workspace, within, (by,), limit=most + 1).groups
    return [value for group in groups if (value := group.values[by])][:most]


def timed(call: Callable[[], object], count: int = TIMES) -> list[float]:
    times = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return times[2:]


Call = tuple[str, str, Callable[[], object]]


def _starting(workspace: Any, now: datetime) -> Iterator[Call]:
    """What the Overview asks before anybody has clicked, for 30 and for 90 days."""
    from costwatch.dashboards.colours import SERIES
    from costwatch.dashboards.sides import MOST_VALUES
    from costwatch.spend.filters import SpendFilter
    from costwatch.spend.queries import query

    today = SpendFilter.from_query({}, workspace, now, days=1)
    yield "starting pages", "today", lambda: query(workspace, today)
    yield "starting pages", "last 15 minutes", lambda: query(workspace, today.within(now - timedelta(minutes=15), now))
    yield (
        "starting pages",
        "3 hours by 15 min",
        lambda: query(workspace, today.within(now - timedelta(hours=3), now), (), "15m"),
    )
    for days in (30, 90):
        span = SpendFilter.from_query({}, workspace, now, days=days)
        yield "starting pages", f"{days} d by day", lambda s=span: query(workspace, s, (), "day")
        for by in ("agent", "model", "task"):
            yield "starting pages", f"{days} d, {by}", lambda s=span, b=by: query(workspace, s, (b,), limit=MOST_VALUES)
            drawn = replace(span, include={by: tuple(dearest(workspace, by, span, SERIES))})
            yield (
                "starting pages",
                f"{days} d, {by} by day",
                lambda s=drawn, b=by: query(workspace, s, (b,), "day", limit=SERIES, measures=("cost",)),
            )
    span = SpendFilter.from_query({}, workspace, now, days=30)
    yield "starting pages", "30 d, user", lambda: query(workspace, span, ("user",), limit=MOST_VALUES)


def _crossings(workspace: Any, now: datetime) -> Iterator[Call]:
    """Drilling down, and combinations that no rollup was made for."""
    from costwatch.spend.filters import SpendFilter
    from costwatch.spend.queries import event, events, query, run, runs

    span = SpendFilter.from_query({}, workspace, now, days=30)

    (agent,) = dearest(workspace, "agent", span)
    one = span.with_value("agent", agent)
    (task,), (model,) = dearest(workspace, "task", one), dearest(workspace, "model", one)
    two = one.with_value("task", task)
    (user,) = dearest(workspace, "user", two)
    three = two.with_value("user", user)
    long = SpendFilter.from_query({}, workspace, now, days=90)

    def crossing(name: str, filter: SpendFilter, by: tuple[str, ...], bucket: str = "none", limit: int = 1_000) -> Call:
        return "crossings", name, lambda: query(workspace, filter, by, bucket, limit=limit)

    yield crossing("agent → task", one, ("task",))
    yield crossing("agent → task by day", one, ("task",), "day", 60)
    yield crossing("agent → model", one, ("model",))
    yield crossing("agent → user", one, ("user",), limit=10_000)
    yield crossing("agent, task → user", two, ("user",), limit=10_000)
    yield crossing("agent, task → user by day", two, ("user",), "day", 60)
    yield crossing("agent, task, user → run", three, ("run",), limit=10_000)
    yield crossing("user → agent", span.with_value("user", user), ("agent",))
    yield crossing("user → model", span.with_value("user", user), ("model",))
    yield crossing("model → user", span.with_value("model", model), ("user",))
    yield crossing("agent × model", span, ("agent", "model"), limit=10_000)
    yield crossing("agent × task by day", span, ("agent", "task"), "day", 60)
    yield crossing("agent, 90 d → task", long.with_value("agent", agent), ("task",))
    yield crossing("agent, model → task", one.with_value("model", model), ("task",))
    yield crossing("agent × task × model", span, ("agent", "task", "model"), limit=1_000)
    yield crossing("tag.customer", span, ("tag.customer",))
    yield crossing("tag.customer × agent by day", span, ("tag.customer", "agent"), "day", 60)
    yield "crossings", "dearest runs", lambda: runs(workspace, span)
    yield "crossings", "dearest runs of an agent, task", lambda: runs(workspace, two)
    yield "crossings", "newest events", lambda: events(workspace, span)
    yield "crossings", "newest events of a user", lambda: events(workspace, three)
    some = events(workspace, span, limit=1).items[0]
    yield "crossings", "one event", lambda: event(workspace, some["event_id"])
    run_id = runs(workspace, span, limit=1).items[0].run_id
    yield "crossings", "one run", lambda: run(workspace, run_id)
    yield "crossings", "calls of a run", lambda: events(workspace, long.with_value("run", run_id))


if __name__ == "__main__":
    main()
