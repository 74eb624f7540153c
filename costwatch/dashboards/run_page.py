"""One run: what it cost, why, and every call of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from costwatch.accounts.models import Workspace
from costwatch.dashboards import charts, display, incident_page
from costwatch.dashboards.addresses import call_url
from costwatch.dashboards.incident_page import Item
from costwatch.dashboards.state import title
from costwatch.lib import periods
from costwatch.loops.account import SIZES, WORDS, marked
from costwatch.spend.events import events
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import query
from costwatch.spend.runs import RunRow
from costwatch.spend.runs import run as find_run
from costwatch.spend.snapshot import snapshot

MOST_CALLS = 1_000
USUAL_OVER = timedelta(days=28)
COMPONENTS = {
    "input": "Input, not cached",
    "cache_read": "Input, from cache",
    "cache_write_5m": "Input, written to cache",
    "cache_write_1h": "Input, written to cache for 1 h",
    "input_audio": "Audio input",
    "input_image": "Image input",
    "output": "Output",
    "reasoning": "Output, reasoning",
    "output_audio": "Audio output",
    "output_image": "Image output",
    "reported": "As the provider reported",
    "not itemised": "Not itemised",
}


@dataclass(frozen=True)
class Call:
    """One line of the table. `cost` None = not known; `context` is the share of the largest prompt of the run.

    `repeats` says of a call that bought nothing new what it repeats.
    """

    number: int
    at: datetime
    event_id: str
    url: str
    asked: str
    model: str
    failed: str
    input_tokens: int | None
    output_tokens: int | None
    context: Decimal
    cost: Decimal | None
    source: str
    running: Decimal
    repeats: str = ""


@dataclass(frozen=True)
class Part:
    """A kind of usage: what it came to in the whole run, its share of the largest part."""

    label: str
    amount: Decimal
    tokens: int
    bar: Decimal


@dataclass(frozen=True)
class RunPage:
    """The content of the page."""

    run: RunRow
    calls: list[Call]
    hidden: int
    decimals: int
    parts: list[Part]
    usual: Decimal | None
    context: tuple[int, int] | None
    dearest: Call | None
    facts: list[tuple[str, str, str]]
    chart: dict[str, Any] | None
    sentence: str
    incident: Item | None


def run_page(workspace: Workspace, run_id: str) -> RunPage | None:
    """The page of a run; None where this workspace knows no such run."""
    with snapshot(workspace.lane):
        row = find_run(workspace, run_id)
        if row is None:
            return None
        span = SpendFilter(row.first_at, row.last_at + timedelta(microseconds=1), {"run": (run_id,)})
        found = events(workspace, span, limit=MOST_CALLS, order="time").items
        usual = _usual(workspace, row)
    calls = _calls(found, _repeats(workspace, run_id))
    priced = [call for call in calls if call.cost is not None]
    prompts = [call.input_tokens for call in calls if call.input_tokens is not None]
    zone = periods.zone(workspace.time_zone)
    drawn = bool(priced) and row.sums.cost > 0
    return RunPage(
        run=row,
        calls=calls,
        hidden=row.sums.events - len(calls),
        decimals=max(display.aligned_decimals([c.cost for c in calls]), 4),
        parts=_parts(found),
        usual=usual,
        context=(prompts[0], max(prompts)) if prompts else None,
        dearest=max(priced, key=lambda call: call.cost or 0) if len(priced) > 1 else None,
        facts=_facts(row, found),
        chart=charts.cumulative([c.at for c in calls], [c.cost or Decimal(0) for c in calls], zone) if drawn else None,
        sentence=_sentence(row, calls),
        incident=incident_page.of_run(workspace, run_id),
    )


def _usual(workspace: Workspace, row: RunRow) -> Decimal | None:
    """What a run of the same agent cost on average in the four weeks before."""
    start = row.first_at - USUAL_OVER
    earlier = query(workspace, SpendFilter(start, row.first_at, {"agent": (row.labels["agent"],)})).total
    return earlier.cost / earlier.runs if earlier.runs else None


def _repeats(workspace: Workspace, run_id: str) -> dict[str, str]:
    """Event id → what the call repeats, in words."""
    calls = marked(workspace.lane, run_id)
    numbers = {one.mark.number: one.number for one in calls if one.mark.kind != "failed"}
    told = {}
    for one in calls:
        if one.mark.repeats:
            words = WORDS[one.mark.kind] if one.call.call_fingerprint else SIZES
            first = numbers.get(one.mark.same_as or 0)
            told[one.call.event_id] = f"{words}, as call {first}" if first else words
    return told


def _calls(found: Sequence[Mapping[str, Any]], repeats: Mapping[str, str]) -> list[Call]:
    largest = max((event["input_tokens"] or 0 for event in found), default=0) or 1
    calls, running = [], Decimal(0)
    for number, event in enumerate(found, 1):
        cost = None if event["cost_usd"] is None else Decimal(event["cost_usd"])
        running += cost or 0
        tokens = event["input_tokens"]
        calls.append(
            Call(
                number=number,
                at=event["timestamp"],
                event_id=event["event_id"],
                url=call_url(event["event_id"]),
                asked=event["tool"] or "",
                model=event["model"] or "",
                failed=(event["error_type"] or "error") if event["status"] == "error" else "",
                input_tokens=tokens,
                output_tokens=event["output_tokens"],
                context=Decimal(tokens or 0) / largest,
                cost=cost,
                source=event["cost_source"],
                running=running,
                repeats=repeats.get(event["event_id"], ""),
            )
        )
    return calls


def _parts(found: Sequence[Mapping[str, Any]]) -> list[Part]:
    """What the run's money went for. Parts and total agree: a cost without parts is a part itself."""
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    tokens: dict[str, int] = defaultdict(int)
    for event in found:
        rest = Decimal(event["cost_usd"] or 0)
        for part in event["cost_parts"]:
            amounts[part["component"]] += Decimal(part["cost_usd"])
            tokens[part["component"]] += int(part["tokens"])
            rest -= Decimal(part["cost_usd"])
        # parts are exact, a cost is rounded to 12 places: such a rest is no part
        if abs(rest) > Decimal("1e-9"):
            amounts["not itemised"] += rest
    top = max(amounts.values(), default=Decimal(0)) or Decimal(1)
    ordered = sorted(amounts.items(), key=lambda item: -item[1])
    return [Part(component(name), amount, tokens[name], max(Decimal(0), amount / top)) for name, amount in ordered]


def component(name: str) -> str:
    """A component of a price in words."""
    return COMPONENTS.get(name) or name.replace("_", " ").capitalize()


def _facts(row: RunRow, found: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """(what, value, address of what else there is of it)."""
    models = list(dict.fromkeys(event["model"] for event in found if event["model"]))
    labels = {"agent": row.labels["agent"], "user": row.user, "task": row.labels["task"], "session": row.session,
              "release": row.labels["release"], "environment": row.labels["environment"]}  # fmt: skip
    tags = found[0]["tags"] if found else {}
    named = {**labels, **{f"tag.{name}": value for name, value in tags.items()}}
    facts = [("Models" if len(models) > 1 else "Model", ", ".join(models[:4]), "")] if models else []
    more = [(title(name), value, f"/?{urlencode({'period': '30d', name: value})}") for name, value in named.items()]
    return facts + [fact for fact in more if fact[1]]


def _sentence(row: RunRow, calls: Sequence[Call]) -> str:
    """What the chart shows, for who cannot see it."""
    return (
        f"Running cost over {display.count(len(calls))} calls in {display.duration(row.duration)}, "
        f"{display.money(row.sums.cost)} in total. The table below holds the figures."
    )
