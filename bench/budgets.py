"""Watching 10,000 budgets and a template over 100,000 users: what a portion of events costs, against folding it."""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from bench.server import prepared
from bench.table import Row, at_most, median

ROOT = Path(__file__).resolve().parent.parent
AGENTS, TASKS, USERS = 200, 50, 100_000
BUDGETS = AGENTS * TASKS
PORTIONS, BATCHES, BATCH = 5, 4, 10_000  # measured portions; batches in each; events in a batch
GOAL = 1.0


def run(options: argparse.Namespace) -> list[Row]:
    """In a process of its own, on a database of its own."""
    with prepared("bench_budgets") as url:
        environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "costwatch.settings"}
        for step in (["costwatch.up.prepare", "database"], ["bench.budgets"]):
            done = subprocess.run([sys.executable, "-m", *step], env=environment, cwd=ROOT, check=True,
                                  stdout=subprocess.PIPE, text=True)  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    ratio = median([w / f for w, f in zip(found["watching"], found["folding"], strict=True)])
    events = BATCHES * BATCH
    return [
        at_most(f"watching a portion of {events:,} events with {BUDGETS:,} budgets and templates over {USERS:,} users,"
                " against folding it", ratio, GOAL, "×"),
        Row("… seconds of watching, of folding (medians)",
            f"{median(found['watching']):.2f}, {median(found['folding']):.2f}"),
        Row("… a look at nothing new; one dear event, folded, found and told",
            f"{median(found['nothing']) * 1000:.0f} ms, {found['one'] * 1000:.0f} ms"),
        Row("… periods of budgets and values that are kept", f"{found['rows']:,}"),
        Row("… the first judgement of all these budgets", f"{found['first']:.1f} s"),
    ]  # fmt: skip


def main() -> None:
    """Fill and measure; the figures as a line of JSON."""
    import django

    django.setup()
    from costwatch.accounts.models import Workspace
    from costwatch.budgets import judge, watch
    from costwatch.budgets.models import Budget, BudgetPeriod
    from costwatch.ledger.fold import fold_all

    workspace = Workspace.objects.create(name="bench", time_zone="Europe/Berlin")
    dice, now = random.Random(7), datetime.now(UTC)
    _budgets(workspace, now - timedelta(days=40))
    first = _timed(lambda: judge.judge_due(now, time.monotonic() + 600))
    assert not Budget.objects.filter(judged_at=None).exists()
    for start in range(0, USERS, BATCH):
        _send(workspace.lane, dice, now, users=range(start, start + BATCH))
    fold_all()
    watch.watch_all(now, 600)
    watching, folding, nothing = [], [], []
    for _ in range(PORTIONS):
        for _ in range(BATCHES):
            _send(workspace.lane, dice, now)
        folding.append(_timed(fold_all))
        watching.append(_timed(lambda: watch.watch_all(now, 600)))
        nothing.append(_timed(lambda: watch.watch_all(now, 600)))
    told = {"watching": watching, "folding": folding, "nothing": nothing, "first": first,
            "rows": BudgetPeriod.objects.count(), "one": _one(workspace, now)}  # fmt: skip
    print(json.dumps(told))


def _timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _one(workspace: object, now: datetime) -> float:
    """A single expensive event of a user with a budget: fold, watch, incident."""
    from costwatch.alerts.models import Incident
    from costwatch.budgets import watch
    from costwatch.ledger.fold import fold_all

    before = Incident.objects.count()
    _send(workspace.lane, random.Random(1), now, users=[77], cost=Decimal(400), events=1)  # type: ignore[attr-defined]
    began = time.monotonic()
    fold_all()
    watch.watch_all(now, 60)
    assert Incident.objects.count() > before
    return time.monotonic() - began


def _budgets(workspace: object, now: datetime) -> None:
    """One for each agent and task, each day; $300 a month and $200 a day for each user."""
    from costwatch.budgets import manage
    from costwatch.budgets.models import Budget

    common = {"workspace": workspace, "thresholds": [50, 80, 100], "created_at": now, "changed_at": now,
              "counted_since": now, "created_by": "bench"}  # fmt: skip
    Budget.objects.bulk_create(
        [Budget(name=f"{a}/{t}", amount_usd=10**6, period="daily",
                scope={"agent": [f"agent-{a}"], "task": [f"task-{t}"]}, **common)
         for a in range(AGENTS) for t in range(TASKS)]
    )  # fmt: skip
    for period, amount in (("daily", 200), ("monthly", 300)):
        wanted = {"name": period, "amount_usd": amount, "period": period, "per": "user", "allow_unseen": True}
        manage.create(workspace, wanted, "bench", now=now)  # type: ignore[arg-type]


def _send(lane: int, dice: random.Random, at: datetime, *, users: object = None, cost: Decimal | None = None,
          events: int = BATCH) -> None:  # fmt: skip
    from costwatch.ledger.entry import Entry
    from costwatch.ledger.keys import event_key
    from costwatch.ledger.record import record
    from costwatch.pricing.usage import CostSource

    entries = []
    chosen = list(users) if users is not None else [dice.randrange(USERS) for _ in range(events)]  # type: ignore[call-overload]
    for user in chosen:
        name = f"{dice.getrandbits(64):x}"
        entries.append(Entry(
            event_id=name, keys=(event_key(name),), timestamp=at, model="gpt-4.1", provider="openai",
            agent_id=f"agent-{int(AGENTS * dice.random() ** 2)}", task=f"task-{dice.randrange(TASKS)}",
            user_id=f"user-{user}", input_tokens=1000, output_tokens=100,
            cost=cost or Decimal(dice.randrange(1, 10**9)).scaleb(-11), cost_source=CostSource.CATALOG,
        ))  # fmt: skip
    record(lane, entries)


if __name__ == "__main__":
    main()
