"""Filling an empty installation with the demo's history, the way real usage comes in: normalise, price, record, fold.

The audit log remembers up to which moment a history was begun, so that one that was interrupted is completed, and
nothing is ever filled into an installation that holds usage of its own.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from costwatch.accounts import audit, setup
from costwatch.accounts.keys import create_key
from costwatch.accounts.models import ApiKey, AuditEntry, Workspace
from costwatch.demo import budgets, company, forecasts
from costwatch.demo.calls import Event
from costwatch.demo.generate import Story, generate
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import EventKey
from ingest.accept import accept_events

ACTOR = "demo"
STARTED, FILLED = "demo.started", "demo.filled"
BATCH = 5_000


@dataclass(frozen=True)
class Demo:
    """A demo of this installation: where it lives and the story it tells."""

    workspace: Workspace
    story: Story


def never() -> bool:
    """Nobody asks to stop."""
    return False


def fill_if_empty(now: datetime | None = None, stopped: Callable[[], bool] = never) -> int:
    """Fill an installation without usage, or complete a fill that was interrupted; how many calls were stored.

    0: it is filled already, or holds usage of its own. Raises StorageUnavailable; another call then goes on.
    """
    if AuditEntry.objects.filter(action=FILLED).exists():
        return 0
    if existing() is None:
        if EventKey.objects.exists():
            print("this installation holds usage of its own: no demo data is added", flush=True)
            return 0
        _start(now or datetime.now(UTC))
    demo = existing()
    assert demo is not None
    began = time.monotonic()
    stored = fill(demo.workspace, demo.story.end, demo.story.seed, stopped)
    if not stopped():
        budgets.make(demo.workspace)
        forecasts.make(demo.story.end)
        audit.record(demo.workspace, ACTOR, FILLED, demo.workspace, {"calls": stored})
        took = time.monotonic() - began
        print(f"{company.DAYS} days of demo usage in {demo.workspace}: {stored:,} calls in {took:.0f} s", flush=True)
    return stored


def existing() -> Demo | None:
    """The demo that was begun here, if one was."""
    entry = AuditEntry.objects.select_related("workspace").filter(action=STARTED).order_by("id").first()
    if entry is None:
        return None
    facts = entry.facts
    return Demo(entry.workspace, Story(datetime.fromisoformat(facts["end"]), ZoneInfo(facts["zone"]), facts["seed"]))


def fill(workspace: Workspace, now: datetime, seed: int = 1, stopped: Callable[[], bool] = never) -> int:
    """Store the history up to `now` and fold it; how many calls were new. Newest days first, as people look at them."""
    stored = 0
    for day in generate(now, seed, workspace.time_zone):
        if stopped():
            return stored
        stored += store(workspace, day, now)
    fold_all()
    return stored


def store(workspace: Workspace, events: Iterable[Event], now: datetime) -> int:
    """Store calls of the company, each under the key of its sender; how many were new. Raises StorageUnavailable."""
    stored = 0
    by_key: dict[int, list[Event]] = {number: [] for number in key_ids(workspace)}
    agents, pipeline = by_key.values()
    for event in events:
        sender = pipeline if event.get("environment") == "ci" else agents
        sender.append({**event, "timestamp": event["timestamp"].isoformat()})
    for number, sent in by_key.items():
        for first in range(0, len(sent), BATCH):
            stored += accept_events(workspace.lane, sent[first : first + BATCH], now, number).accepted
    return stored


def key_ids(workspace: Workspace) -> list[int]:
    """The API keys under which the company sends, in the order of company.KEYS."""
    rows = ApiKey.objects.filter(workspace=workspace, name__in=company.KEYS).order_by("id").values_list("name", "id")
    found = dict(reversed(list(rows)))
    return [found[name] for name in company.KEYS]


def _start(now: datetime) -> None:
    """Choose or make the workspace, make its keys (their texts are not kept), and say so in the audit log."""
    with transaction.atomic():
        workspace = setup.waiting_workspace() or Workspace.objects.order_by("id").first()
        if workspace is None:
            workspace = Workspace.objects.create(name=company.NAME, time_zone=company.TIME_ZONE)
        for name in company.KEYS:
            create_key(workspace, name, ["ingest"])
        facts = {"end": now.isoformat(), "zone": workspace.time_zone, "seed": 1}
        audit.record(workspace, ACTOR, STARTED, workspace, facts)
