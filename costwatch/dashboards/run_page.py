"""One run: what it cost, why, and every call of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from costwatch.accounts.models import Workspace
from costwatch.dashboards import display, incident_page
from costwatch.dashboards.addresses import profile_url
from costwatch.dashboards.incident_page import Item
from costwatch.dashboards.run_calls import Call, calls
from costwatch.dashboards.run_chart import cumulative
from costwatch.dashboards.run_folds import FOLDED, Row, rows
from costwatch.dashboards.run_growth import Growth, growth
from costwatch.dashboards.run_loop import Loop, loop
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
AVERAGE_OVER = timedelta(days=28)
GOING_ON = timedelta(minutes=10)
NEW_ANSWER, CHANGED = "new", "changed"  # kinds of loops.trail.Mark
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
    table shows one page, its repeats one `way` of run_folds.WAYS, one fold `opened`."""

    cursor: str | None = None
    first: int = 1
    page: int = 1
    way: str = FOLDED
    opened: int = 0


ANY = Look()


@dataclass(frozen=True)
class RunPage:
    """The content of the page. `calls` are those that are looked at, `rows` those in the table.

    `rate`: dollars an hour of a run that is going on.
    `again` input tokens were sent before, at most, and cost `history`. `more` is where the next thousand calls are.
    """

    run: RunRow
    calls: list[Call]
    rows: list[Row]
    look: Look
    pages: int
    more: str | None
    decimals: int
    parts: list[Part]
    average: Decimal | None
    rate: Decimal | None
    loop: Loop
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

    @cached_property
    def models(self) -> int:
        """How many models the calls went to: a column of one and the same says nothing."""
        return len({call.model for call in self.calls})

    @cached_property
    def agents(self) -> int:
        """How many agents made the calls."""
        return len({call.agent for call in self.calls})

    @property
    def is_whole(self) -> bool:
        """Whether all calls of the run are looked at."""
        return not self.more and not self.look.cursor

    @cached_property
    def says_answers(self) -> bool:
        """Whether calls are compared with each other: where none repeats, "new" says nothing."""
        return any(call.repeats or call.answer == CHANGED for call in self.calls)

    @cached_property
    def columns(self) -> int:
        """How many columns the table has."""
        return 9 + self.says_answers + (self.agents > 1) + (self.models > 1)

    @cached_property
    def shown(self) -> list[Call]:
        """The calls of the rows, those in folds too."""
        return [call for row in self.rows for call in row.calls]

    @property
    def last(self) -> int:
        """The number of the last call that is looked at."""
        return self.look.first + len(self.calls) - 1


def run_page(workspace: Workspace, run_id: str, now: datetime, look: Look = ANY) -> RunPage | None:
    """The page of a run; None where this workspace knows no such run. Raises BadQuery."""
    with snapshot(workspace.lane):
        row = find_run(workspace, run_id)
        if row is None:
            return None
        span = SpendFilter(row.first_at, row.last_at + timedelta(microseconds=1), {"run": (run_id,)})
        batch = events(workspace, span, look.cursor, limit=MOST_CALLS, order="time")
        average = _average(workspace, row)
    found = batch.items
    repeats, answers = told(workspace, run_id)
    made = calls(found, repeats, look.first, answers=answers)
    incident = incident_page.of_run(workspace, run_id)
    about = loop(made, incident.incident if incident else None)
    table = rows(made, look.way, [about.alarm.number] if about.alarm else [], look.opened)
    pages = -(-len(table) // ROWS) or 1
    look = replace(look, page=min(look.page, pages))
    table = table[ROWS * (look.page - 1) : ROWS * look.page]
    priced = [call for call in made if call.cost is not None]
    prompts = [call.input_tokens for call in made if call.input_tokens is not None]
    return RunPage(
        run=row,
        calls=made,
        rows=table,
        look=look,
        pages=pages,
        more=batch.next_cursor,
        decimals=max(display.aligned_decimals([c.cost for c in made]), 4),
        parts=_parts(found),
        average=average,
        rate=_rate(made, now),
        loop=about,
        context=(prompts[0], max(prompts)) if prompts else None,
        again=sum(call.again for call in made),
        input_tokens=sum(prompts),
        history=sum((call.history or Decimal(0) for call in made), Decimal(0)),
        dearest=max(priced, key=lambda call: call.cost or 0) if len(priced) > 1 else None,
        facts=_facts(row, found),
        relatives=relatives(workspace, row, found),
        chart=_chart(made, about, periods.zone(workspace.time_zone)) if priced and row.sums.cost > 0 else None,
        sentence=_sentence(row, made, about),
        growth=growth(made),
        timeline=_timeline(table),
        incident=incident,
    )


def in_run(workspace: Workspace, event: Mapping[str, Any]) -> Call | None:
    """A call as the page of its run tells of it; None without a run, and beyond the first calls of a very long one."""
    row = find_run(workspace, event["run_id"]) if event["run_id"] else None
    if row is None:
        return None
    upto = event["timestamp"] + timedelta(microseconds=1)
    found = events(workspace, SpendFilter(row.first_at, upto, {"run": (row.run_id,)}), limit=MOST_CALLS, order="time")
    made = calls(found.items, told(workspace, row.run_id)[0])
    return next((call for call in made if call.event_id == event["event_id"]), None)


def _chart(made: Sequence[Call], about: Loop, zone: ZoneInfo) -> dict[str, Any]:
    begins = about.calls_before if about.begins else None
    amounts = [call.cost or Decimal(0) for call in made]
    return cumulative([call.at for call in made], amounts, zone, begins, about.moments)


def _timeline(table: Sequence[Row]) -> Timeline | None:
    """The calls of the table in time, a fold as one bar."""
    drawn = [call for row in table for call in (row.fold.drawn() if row.fold else row.calls)]
    return timeline([call for row in table for call in row.calls], drawn)


def _rate(made: Sequence[Call], now: datetime) -> Decimal | None:
    """Dollars an hour over the last ten minutes; None for a run that made no call in them whose price is known."""
    recent = [call.cost for call in made if call.cost is not None and now - GOING_ON < call.at <= now]
    return sum(recent, Decimal(0)) * (periods.HOUR // GOING_ON) if recent else None


def _average(workspace: Workspace, row: RunRow) -> Decimal | None:
    """What a run of the same agent cost on average in the four weeks before."""
    start = row.first_at - AVERAGE_OVER
    earlier = query(workspace, SpendFilter(start, row.first_at, {"agent": (row.labels["agent"],)})).total
    return earlier.cost / earlier.runs if earlier.runs else None


def told(workspace: Workspace, run_id: str) -> tuple[dict[str, str], dict[str, str]]:
    """Event id → what the call repeats, in words; event id → whether the answer to another call was new or changed."""
    calls = marked(workspace.lane, run_id)
    numbers = {one.mark.number: one.number for one in calls if one.mark.kind != "failed"}
    repeats = {}
    for one in calls:
        if one.mark.repeats:
            words = WORDS[one.mark.kind] if one.call.call_fingerprint else SIZES
            first = numbers.get(one.mark.same_as or 0)
            repeats[one.call.event_id] = f"{words}, as call {first}" if first else words
    known = [one for one in calls if one.call.call_fingerprint and one.mark.kind in (NEW_ANSWER, CHANGED)]
    return repeats, {one.call.event_id: one.mark.kind for one in known}


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


def _sentence(row: RunRow, calls: Sequence[Call], about: Loop) -> str:
    """What the chart shows, for who cannot see it."""
    said = (
        f"Running cost over {display.count(len(calls))} calls in {display.duration(row.duration)}, "
        f"{display.money(row.sums.cost)} in total."
    )
    moments = "".join(f" {moment.words.capitalize()}." for moment in about.moments)
    return f"{said}{moments} The table below holds the figures."
