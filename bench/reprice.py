"""Repricing a million events while others come in: how long, and whether the books still balance."""

import argparse
import multiprocessing
import os
import random
import tempfile
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.sender import BATCH, Senders
from bench.table import Row, at_least, at_most
from tests.live import LiveServer

EVENTS = 1_000_000
DAYS = 10
GOAL = 60.0  # seconds
SENDERS = 1
BODIES = 40  # of one sender, made anew for every stretch
MODELS = ("gpt-4.1", "gpt-4.1-mini", "claude-sonnet-4-5", "gemini-2.5-flash")
DEARER = Decimal("1.07")
STRETCH = 5.0


def run(options: argparse.Namespace) -> list[Row]:
    """The dry run and the real one, beside a sender."""
    with tempfile.TemporaryDirectory(prefix="costwatch-bench-") as folder:
        server = LiveServer(Path(folder))
        try:
            server.start()
            return _measure(server)
        finally:
            server.stop()


def _measure(server: LiveServer) -> list[Row]:
    key = server.key("ingest", "repriced")
    pipe, end = multiprocessing.Pipe()
    worker = multiprocessing.get_context("spawn").Process(target=_reprice, args=(server.database_url, end))
    worker.start()
    filled = pipe.recv()
    sent = 0
    pipe.send("go")
    while not pipe.poll():
        senders = Senders(SENDERS, BODIES, BATCH)
        try:
            sent += sum(one.events for one in senders.run(server.port, key, STRETCH))
        finally:
            senders.stop()
    dry, applied, again, changed, clean, difference = pipe.recv()
    worker.join()
    return [
        at_most(f"repricing {changed:,} events while others come in, applied", applied, GOAL, "s"),
        Row("… dry run of the same, and a second time with nothing left to change", f"{dry:.1f} s, {again:.1f} s"),
        Row("… events stored meanwhile", f"{sent:,}"),
        at_least("… events changed, of those that should", changed, filled, "events"),
        Row("… verify --deep afterwards", "clean" if clean else difference, "clean", clean),
    ]


def _reprice(database_url: str, pipe: Any) -> None:
    """Fill, wait for a word, reprice dry, for good and once more, fold, verify."""
    os.environ["DATABASE_URL"] = database_url
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "costwatch.settings")
    import django

    django.setup()
    from costwatch.accounts.models import Workspace
    from costwatch.ledger.fold import fold_all
    from costwatch.ledger.reprice import reprice
    from costwatch.ledger.verify import verify
    from costwatch.pricing import agree, book
    from costwatch.pricing.agreements import Agreement

    workspace = Workspace.objects.get(name="repriced")
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS + 2)
    span = (start, start + timedelta(days=DAYS))
    _fill(workspace.lane, start)
    fold_all()
    agree.add(workspace, Agreement("", "*", (), DEARER, variant=""), "bench")
    prices = book.fresh().for_workspace(workspace.lane)
    pipe.send(EVENTS)
    pipe.recv()
    took, changed = [], []
    for apply in (False, True, True):
        began = time.monotonic()
        changed.append(reprice(workspace.lane, *span, prices, reason="bench", apply=apply).changed)
        took.append(time.monotonic() - began)
    fold_all()
    report = verify(deep=True)
    clean = report.ok and changed[2] == 0
    pipe.send((*took, changed[1], clean, report.summary))


def _fill(lane: int, start: datetime) -> None:
    """A million priced events over ten days."""
    from costwatch.ledger.entry import Entry
    from costwatch.ledger.keys import event_key
    from costwatch.ledger.record import record
    from costwatch.pricing import book

    dice = random.Random(7)
    prices = book.current()
    for first in range(0, EVENTS, 5_000):
        entries = []
        for i in range(first, first + 5_000):
            model = dice.choice(MODELS)
            entry = Entry(
                event_id=f"bench-{i}", keys=(event_key(f"bench-{i}"),), model=model,
                provider=prices.provider_of(model), timestamp=start + timedelta(seconds=i * DAYS * 86_400 / EVENTS),
                agent_id=f"agent-{i % 20}", user_id=f"user-{i % 5000}", task=f"task-{i % 10}", run_id=f"run-{i // 8}",
                input_tokens=dice.randrange(100, 20_000), output_tokens=dice.randrange(10, 2_000),
            )  # fmt: skip
            priced = prices.price(entry)
            entry.cost, entry.cost_source, entry.price_version = priced.cost, priced.source, priced.price_version
            entries.append(entry)
        record(lane, entries)
