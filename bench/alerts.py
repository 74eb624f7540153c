"""From the commit of an event to the sink: 50 budgets with three thresholds, crossed by four senders with duplicates.

A real `costwatch up`, and beside it a second scheduler and three more workers; two webhooks and a mail server on this
machine. Every crossing must arrive once at each of the three; its time counts from the answer to the event that
decided it.
"""

import argparse
import json
import os
import random
import subprocess
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

from bench.table import Row, at_most, percentile
from costwatch.up.processes import Installation as Processes
from tests.alerts.mail_sink import MailSink, mail_sink
from tests.alerts.sinks import Sink, http_sink
from tests.faults.installation import Installation, installed

BUDGETS, SENDERS = 50, 4
STEPS = (0.55, 0.3, 0.2)  # dollars of $1: each crosses one of 50, 80, 100 %
PATIENCE = 60.0
Crossing = tuple[str, int]  # agent and threshold


def run(options: argparse.Namespace) -> list[Row]:
    """The times, and what arrived more or less often than once."""
    with ExitStack() as stack:
        hooks = [stack.enter_context(http_sink()) for _ in range(2)]
        mails = stack.enter_context(mail_sink())
        os.environ |= {"COSTWATCH_WEBHOOK_ALLOW": "127.0.0.1", "COSTWATCH_SMTP_URL": mails.url}
        up = stack.enter_context(installed("costwatch-bench-"))
        key = up.make_key("ingest,read,admin")
        _prepare(up, key, hooks)
        stack.enter_context(_more_processes(up))
        committed = _send(up, key)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and any(len(_arrived(hook)) < len(committed) for hook in hooks):
            time.sleep(0.2)
        time.sleep(2)
        return _rows(committed, hooks, mails)


def _rows(committed: dict[Crossing, float], hooks: list[Sink], mails: MailSink) -> list[Row]:
    times = [1000 * (at - committed[one]) for hook in hooks for one, at in _arrived(hook).items() if one in committed]
    often = Counter(count for hook in hooks for count in Counter(_all(hook)).values())
    missing = sum(len(committed) - len(_arrived(hook)) for hook in hooks)
    text = "".join(str(mail) for mail in mails.got)
    return [
        at_most(f"{len(committed)} crossings, from the commit to the sink, p99", percentile(times, 0.99), 5_000, "ms"),
        Row(
            "… p50, p90, slowest", f"{percentile(times, 0.5):,.0f}, {percentile(times, 0.9):,.0f}, {max(times):,.0f} ms"
        ),
        Row("… missing; told once, told more often", f"{missing}; {often[1]}, {sum(often.values()) - often[1]}"),
        Row("… messages to each channel", ", ".join(str(len(sink.got)) for sink in (*hooks, mails))),
        Row("… budgets that the mails name", str(sum(f"budget a{n}:" in text for n in range(BUDGETS)))),
    ]


def _spread(times: list[float]) -> tuple[float, float]:
    return percentile(times, 0.5), percentile(times, 0.9)


def _prepare(up: Installation, key: str, hooks: list[Sink]) -> None:
    """Three channels, fifty budgets of a dollar a day."""
    for number, hook in enumerate(hooks):
        _post(up, key, "channels", {"kind": "webhook", "name": f"hook {number}", "url": hook.url})
    _post(up, key, "channels", {"kind": "email", "name": "mail", "to": ["finance@example.com"]})
    for number in range(BUDGETS):
        _post(up, key, "budgets", {
            "name": f"budget a{number}", "amount_usd": "1", "period": "monthly", "scope": {"agent": [f"a{number}"]},
            "thresholds": [50, 80, 100],
        })  # fmt: skip


@contextmanager
def _more_processes(up: Installation) -> Iterator[None]:
    """A second scheduler and three more workers on the same database and broker."""
    known = json.loads((up.data_dir / "installation.json").read_text())
    processes = Processes(up.data_dir, "127.0.0.1", up.port, known["database_url"], known["broker_url"], True)
    children = [processes.scheduler(), *(processes.worker() for _ in range(3))]
    running = [
        subprocess.Popen(child.command, env=child.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for child in children
    ]
    time.sleep(10)  # they start
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)


def _send(up: Installation, key: str) -> dict[Crossing, float]:
    """Each sender its budgets, in mixed order, every event twice; crossing → when its event was acknowledged."""
    committed: dict[Crossing, float] = {}

    def send(sender: int) -> None:
        dice = random.Random(sender)
        for threshold, cost in zip((50, 80, 100), STEPS, strict=True):
            for number in dice.sample(range(sender, BUDGETS, SENDERS), len(range(sender, BUDGETS, SENDERS))):
                event = {"event_id": f"a{number}-{threshold}", "agent_id": f"a{number}", "model": "m", "cost_usd": cost,
                         "provider": "openrouter"}  # fmt: skip
                _post(up, key, "events", event)
                committed[(f"a{number}", threshold)] = time.time()
                _post(up, key, "events", event)
                time.sleep(0.1)

    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(send, range(SENDERS)))
    return committed


def _all(hook: Sink) -> list[Crossing]:
    """Every crossing that was told, as often as it was."""
    return [
        (told["subject"].removeprefix("budget "), crossing["threshold"])
        for got in hook.got for told in got.json["incidents"] for crossing in told["facts"].get("crossings", ())
    ]  # fmt: skip


def _arrived(hook: Sink) -> dict[Crossing, float]:
    """When each was told first."""
    return {
        (told["subject"].removeprefix("budget "), crossing["threshold"]): got.at
        for got in reversed(hook.got) for told in got.json["incidents"]
        for crossing in told["facts"].get("crossings", ())
    }  # fmt: skip


def _post(up: Installation, key: str, what: str, value: dict[str, Any]) -> None:
    request = urllib.request.Request(
        f"{up.url}/api/v1/{what}", json.dumps(value).encode(),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=30):
        pass
