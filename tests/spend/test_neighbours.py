"""No answer changes when other workspaces send the very same ids and names: each sees its own calls alone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from costwatch.accounts.keys import create_key
from costwatch.accounts.models import Workspace
from costwatch.ledger import feed, months, past, sheets
from costwatch.ledger.adjust import Adjustment, adjust
from costwatch.ledger.fold import fold_all, rebuild
from costwatch.ledger.models import Session, UsageEvent
from costwatch.ledger.record import record
from costwatch.ledger.reprice import reprice
from costwatch.ledger.verify import verify
from costwatch.pricing import book
from costwatch.spend import (
    comparison,
    export,
    minutes,
    outlooks,
    queries,
    reach,
    reached,
    resend,
    run_figures,
    session_paths,
    session_sums,
    sessions,
    variances,
)
from costwatch.spend.filters import SpendFilter
from tests.spend.talks import END, START, talks

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
SPAN = SpendFilter(START, END + timedelta(days=2))
AGENT = SPAN.with_value("agent", "lookup")
HALF = START + (END - START) / 2
BEFORE, AFTER = SpendFilter(START, HALF), SpendFilter(HALF, END)
AMOUNTS = [Decimal("0.1"), Decimal(1), Decimal(10)]


def groups(answer: queries.Answer) -> Any:
    return answer.groups, answer.total, answer.combinations, answer.reaching


def rows(made: export.Export) -> Any:
    return [row for batch in made.batches for row in batch]


def without(found: dict[str, Any] | None, *names: str) -> Any:
    return found and {name: value for name, value in found.items() if name not in names}


ANSWERS: dict[str, Callable[[Workspace], Any]] = {
    "total": lambda w: groups(queries.query(w, SPAN)),
    "by agent and day": lambda w: groups(queries.query(w, SPAN, ["agent"], "day")),
    "by user": lambda w: groups(queries.query(w, SPAN, ["user"], amounts=AMOUNTS)),
    "by key": lambda w: groups(queries.query(w, SPAN, ["key", "model"])),
    "by tag of some users": lambda w: groups(queries.query(w, SPAN.with_value("user", "u-1"), ["tag.team"])),
    "by session": lambda w: groups(queries.query(w, AGENT, ["session"])),
    "of a run": lambda w: groups(queries.query(w, SPAN.with_value("run", "r-1-3-0"), ["agent", "model", "task"])),
    "of two ranges": lambda w: [groups(one) for one in queries.query_both(w, BEFORE, AFTER, ["user"], 2)],
    "events": lambda w: [without(e, "received_at") for e in queries.events(w, AGENT, limit=1_000).items],
    "one event": lambda w: without(queries.event(w, "1-3-0"), "received_at"),
    "events as a file": lambda w: [[cell for cell in row if not isinstance(cell, datetime)]
                                   for row in rows(export.events(w, SPAN))],
    "sums as a file": lambda w: rows(export.spend(w, SPAN, ["agent", "user"], "week")),
    "runs": lambda w: queries.runs(w, AGENT, "-duration", limit=1_000).items,
    "one run": lambda w: queries.run(w, "r-1-3-0"),
    "figures of runs": lambda w: run_figures.run_figures(w, SPAN, 5),
    "sessions": lambda w: sessions.sessions(w, SPAN, "-calls"),
    "sums of sessions": lambda w: sorted(session_sums.session_sums(w, SPAN, ["agent"], "day"), key=repr),
    "paths": lambda w: session_paths.paths(w, SPAN, "model"),
    "hops": lambda w: session_paths.hops_of(w, SPAN, [*Session.objects.values_list("id", flat=True)]),
    "sessions that reach an agent": lambda w: reached.reached(w.lane, "agent", START, END),
    "amounts reached": lambda w: reach.reached(w, SPAN, AMOUNTS),
    "amounts reached within a window": lambda w: reach.reached_within(w, SPAN, timedelta(hours=5), AMOUNTS),
    "history sent again": lambda w: resend.resend(w, SPAN, END),
    "minutes": lambda w: minutes.minutes(w, HALF - timedelta(hours=23), HALF),
    "releases": lambda w: comparison.compare(w, SPAN, "model", "small", "large", END),
    "variance": lambda w: without(vars(variances.variance(w, BEFORE, AFTER, END, "agent")), "complete_until"),
    "variance of users": lambda w: without(vars(variances.variance(w, BEFORE, AFTER, END, "user")), "complete_until"),
    "month": lambda w: outlooks.workspace_outlook(w, HALF),
    "what repricing would do": lambda w: reprice(w.lane, START, END, book.current().for_workspace(w.lane)),
    "sessions of the watch": lambda w: _read(past.session_calls, w.lane, START, START, 1),
    "attempts of the watch": lambda w: _read(past.attempts, w.lane, START, START),
    "weeks of the watch": lambda w: _read(past.weeks, w.lane, "UTC", START, END),
    "newest runs of the watch": lambda w: sorted(_read(feed.recent_calls, w.lane, START, 9_999), key=repr),
    "closed months": lambda w: {month: (row.cost, row.calls) for month, row in months.closed(w.lane).items()},
}  # fmt: skip


def _read(function: Callable[..., Any], *values: Any) -> Any:
    with connection.cursor() as cursor:
        return function(cursor, *values)


def fill(workspace: Workspace, times: int = 1) -> None:
    """The same calls under the same ids, for some dearer; a part corrected, a part not folded, a month closed."""
    key = create_key(workspace, "web", ["ingest"])[0].pk
    entries = talks(1)
    for e in entries:
        e.api_key_id = key
        e.cost = e.cost and e.cost * times
    record(workspace.lane, entries[:70])
    fold_all()
    sheets.make(100, enough_events=1)
    record(workspace.lane, entries[70:])
    row = UsageEvent.objects.filter(lane=workspace.lane, event_id="1-3-0").get()
    adjust(workspace.lane, [Adjustment(row.occurred_at, row.attribution_id, {"cost": Decimal(times)}, "fee",
                                       row.event_key, row.run_id, row.session_id, row.end_user_id)])  # fmt: skip
    months.close(workspace, datetime(2026, 9, 1, tzinfo=UTC).date(), "Ada", END)


def test_every_answer_stays_what_it_was_when_neighbours_send_the_same(workspace):
    fill(workspace)
    fold_all()  # a fold of the neighbours' calls would fold these too, and figures of runs are those of folded calls
    before = {name: ask(workspace) for name, ask in ANSWERS.items()}
    assert [name for name, found in before.items() if not found] == []
    dearer = Workspace.objects.create(name="Dearer", time_zone="Asia/Kathmandu")
    twin = Workspace.objects.create(name="Twin", time_zone=workspace.time_zone)
    fill(dearer, times=7)
    fill(twin)
    for name, ask in ANSWERS.items():
        assert ask(workspace) == before[name], name
    rebuild(dearer.lane)
    fold_all()
    for name in ("total", "by agent and day", "by user", "by key", "events", "runs", "sessions", "sums of sessions"):
        assert ANSWERS[name](workspace) == before[name], name
        assert sums_in(ANSWERS[name](twin)) == sums_in(before[name]), name
    assert queries.query(dearer, SPAN).total.cost == 7 * queries.query(workspace, SPAN).total.cost
    assert verify(deep=True).ok


def sums_in(found: Any) -> Any:
    """An answer without the numbers that are only ours, of sessions."""
    if isinstance(found, sessions.Sessions):
        return sorted((row.session_id, row.cost, row.calls, row.runs) for row in found.rows)
    return found
