"""One run: what it cost, why, and every call of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from costwatch.accounts.models import Workspace
from costwatch.dashboards import charts, display, incident_page
from costwatch.dashboards.addresses import profile_url
from costwatch.dashboards.incident_page import Item
from costwatch.dashboards.run_calls import Call, calls
from costwatch.dashboards.run_growth import Growth, growth
from costwatch.dashboards.run_relatives import Relative, relatives
from costwatch.dashboards.run_timeline import Timeline, timeline
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
ROWS = 30
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
class Part:
    """A kind of usage: what it came to in the whole run, its share of the largest part."""

    label: str
    amount: Decimal
    tokens: int
    bar: Decimal


@dataclass(frozen=True)
class Look:
    """Which calls of a run are looked at: up to MOST_CALLS from number `first` on (`cursor` finds them), of which the
    table shows one page."""

    cursor: str | None = None
    first: int = 1
    page: int = 1


ALL = Look()


@dataclass(frozen=True)
class RunPage:
    """The content of the page. `calls` are those that are looked at, `shown` those in the table.

    `again` input tokens were sent before, at most, and cost `history`. `more` is where the next thousand calls are.
    """

    run: RunRow
    calls: list[Call]
    shown: list[Call]
    look: Look
    pages: int
    more: str | None
    decimals: int
    parts: list[Part]
    usual: Decimal | None
    context: tuple[int, int] | None
    again: int
    input_tokens: int
    history: Decimal
    dearest: Call | None
    facts: list[tuple[str, str, str]]
    relatives: list[Relative]
    chart: dict[str, Any] | None
    sentence: str
    growth: Growth | None
    timeline: Timeline | None
    incident: Item | None

    @property
    def models(self) -> int:
        """How many models the calls went to: a column of one and the same says nothing."""
        return len({call.model for call in self.calls})

    @property
    def agents(self) -> int:
        """How many agents made the calls."""
        return len({call.agent for call in self.calls})

    @property
    def last(self) -> int:
        """The number of the last call that is looked at."""
        return self.look.first + len(self.calls) - 1


def run_page(workspace: Workspace, run_id: str, look: Look = ALL) -> RunPage | None:
    """The page of a run; None where this workspace knows no such run. Raises BadQuery."""
    with snapshot(workspace.lane):
        row = find_run(workspace, run_id)
        if row is None:
            return None
        span = SpendFilter(row.first_at, row.last_at + timedelta(microseconds=1), {"run": (run_id,)})
        batch = events(workspace, span, look.cursor, limit=MOST_CALLS, order="time")
        usual = _usual(workspace, row)
    found = batch.items
    made = calls(found, _repeats(workspace, run_id), look.first)
    pages = -(-len(made) // ROWS) or 1
    look = replace(look, page=min(look.page, pages))
    shown = made[ROWS * (look.page - 1) : ROWS * look.page]
    priced = [call for call in made if call.cost is not None]
    prompts = [call.input_tokens for call in made if call.input_tokens is not None]
    return RunPage(
        run=row,
        calls=made,
        shown=shown,
        look=look,
        pages=pages,
        more=batch.next_cursor,
        decimals=max(display.aligned_decimals([c.cost for c in made]), 4),
        parts=_parts(found),
        usual=usual,
        context=(prompts[0], max(prompts)) if prompts else None,
        again=sum(call.again for call in made),
        input_tokens=sum(prompts),
        history=sum((call.history or Decimal(0) for call in made), Decimal(0)),
        dearest=max(priced, key=lambda call: call.cost or 0) if len(priced) > 1 else None,
        facts=_facts(row, found),
        relatives=relatives(workspace, row, found),
        chart=_chart(made, periods.zone(workspace.time_zone)) if priced and row.sums.cost > 0 else None,
        sentence=_sentence(row, made),
        growth=growth(made),
        timeline=timeline(shown),
        incident=incident_page.of_run(workspace, run_id),
    )


def in_run(workspace: Workspace, event: Mapping[str, Any]) -> Call | None:
    """A call as the page of its run tells of it; None without a run, and beyond the first calls of a very long one."""
    row = find_run(workspace, event["run_id"]) if event["run_id"] else None
    if row is None:
        return None
    upto = event["timestamp"] + timedelta(microseconds=1)
    found = events(workspace, SpendFilter(row.first_at, upto, {"run": (row.run_id,)}), limit=MOST_CALLS, order="time")
    made = calls(found.items, _repeats(workspace, row.run_id))
    return next((call for call in made if call.event_id == event["event_id"]), None)


def _chart(made: Sequence[Call], zone: ZoneInfo) -> dict[str, Any]:
    return charts.cumulative([call.at for call in made], [call.cost or Decimal(0) for call in made], zone)


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
    labels = {name: row.labels[name] for name in ("agent", "task", "release", "environment")}
    tags = found[0]["tags"] if found else {}
    named = {"user": row.user, "session": row.session, **labels, **{f"tag.{name}": v for name, v in tags.items()}}
    facts = [("Models" if len(models) > 1 else "Model", ", ".join(models[:4]), "")] if models else []
    return facts + [(title(name), value, profile_url(name, value)) for name, value in named.items() if value]


def _sentence(row: RunRow, calls: Sequence[Call]) -> str:
    """What the chart shows, for who cannot see it."""
    return (
        f"Running cost over {display.count(len(calls))} calls in {display.duration(row.duration)}, "
        f"{display.money(row.sums.cost)} in total. The table below holds the figures."
    )
