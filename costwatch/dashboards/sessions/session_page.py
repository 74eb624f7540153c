"""One conversation: the way it took through agents and models, what each hop cost, and its runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate, groupby
from typing import Any

from costwatch.accounts.models import Workspace
from costwatch.dashboards import display
from costwatch.dashboards.addresses import call_url, profile_url, run_url
from costwatch.dashboards.run_chart import cumulative
from costwatch.dashboards.state import title
from costwatch.ledger.models import Session
from costwatch.lib import periods
from costwatch.lib.periods import EARLIEST, LATEST
from costwatch.spend.events import events, oldest
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import query
from costwatch.spend.resend import resent
from costwatch.spend.snapshot import snapshot
from costwatch.spend.sums import Sums

MOST_CALLS = 1_000
MOST_HOPS = 60
CSV_HEAD = ("hop", "first_call", "last_call", "began", "agent", "model", "calls", "errors", "input_tokens",
            "sent_again_tokens", "cost_usd")  # fmt: skip
Call = Mapping[str, Any]


@dataclass(frozen=True)
class Hop:
    """Calls one after another of one agent on one model. `cost` None: none of them has a price."""

    numbers: str
    url: str
    at: datetime
    agent: str
    model: str
    calls: int
    errors: int
    cost: Decimal | None
    input_tokens: int
    resent: int
    bar: Decimal


@dataclass(frozen=True)
class RunLine:
    """A run of the conversation, with its calls in it. `cost` None: none of them has a price."""

    run_id: str
    url: str
    at: datetime
    agents: str
    calls: int
    cost: Decimal | None
    bar: Decimal


@dataclass(frozen=True)
class SessionPage:
    """The content of the page. `shown` of all its calls are looked at, the first in time."""

    session_id: str
    total: Sums
    shown: int
    first_at: datetime
    last_at: datetime
    hops: list[Hop]
    hidden_hops: int
    runs: list[RunLine]
    resent: int
    input_tokens: int
    decimals: int
    facts: list[tuple[str, str, str]]
    chart: dict[str, Any] | None
    sentence: str

    @property
    def duration(self) -> timedelta:
        """From the first to the last call that is shown."""
        return self.last_at - self.first_at


def session_page(workspace: Workspace, session_id: str) -> SessionPage | None:
    """The page of a session; None where this workspace knows no such session."""
    if not _is_known(workspace, session_id):
        return None
    span = _span(session_id)
    with snapshot(workspace.lane):
        total = query(workspace, span).total
        calls = events(workspace, span, limit=MOST_CALLS, order="time").items
    if not calls:
        return None
    again = _resent(calls)
    hops = _hops(calls, again)
    costs = [_cost(call) or Decimal(0) for call in calls]
    zone = periods.zone(workspace.time_zone)
    at = [call["timestamp"] for call in calls]
    return SessionPage(
        session_id=session_id,
        total=total,
        shown=len(calls),
        first_at=at[0],
        last_at=at[-1],
        hops=hops[:MOST_HOPS],
        hidden_hops=max(0, len(hops) - MOST_HOPS),
        runs=_runs(calls),
        resent=sum(again),
        input_tokens=sum(call["input_tokens"] or 0 for call in calls),
        decimals=max(display.aligned_decimals([hop.cost for hop in hops]), 4),
        facts=_facts(calls),
        chart=cumulative(at, costs, zone) if sum(costs) > 0 else None,
        sentence=_sentence(costs),
    )


def csv_rows(workspace: Workspace, session_id: str, most: int) -> tuple[list[tuple[Any, ...]], bool] | None:
    """A head and all hops of the first `most` calls, and whether there are more calls; None where no such session is
    known."""
    if not _is_known(workspace, session_id):
        return None
    found, more = oldest(workspace, _span(session_id), most)
    hops = _hops(found, _resent(found))
    last = accumulate(hop.calls for hop in hops)
    return [CSV_HEAD, *((number, end - hop.calls + 1, end, hop.at, hop.agent, hop.model, hop.calls, hop.errors,
                         hop.input_tokens, hop.resent, hop.cost)
                        for number, (hop, end) in enumerate(zip(hops, last, strict=True), 1))], more  # fmt: skip


def _is_known(workspace: Workspace, session_id: str) -> bool:
    return "\0" not in session_id and Session.objects.filter(lane=workspace.lane, session_id=session_id).exists()


def _span(session_id: str) -> SpendFilter:
    return SpendFilter(EARLIEST, LATEST, {"session": (session_id,)})


def _sentence(costs: Sequence[Decimal]) -> str:
    total = display.money(sum(costs, Decimal(0)))
    return f"Running cost over {len(costs):,} calls, {total} in total. The table below holds the figures."


def _resent(calls: Sequence[Call]) -> list[int]:
    """How much of each call's input was in the call of the same agent before it, at most."""
    before: dict[str | None, int] = {}
    found = []
    for call in calls:
        found.append(resent(before.get(call["agent_id"]), call["input_tokens"]))
        before[call["agent_id"]] = (call["input_tokens"] or 0) + (call["output_tokens"] or 0)
    return found


def _hops(calls: Sequence[Call], again: Sequence[int]) -> list[Hop]:
    groups = [list(group) for _, group in groupby(enumerate(calls), lambda item: _who(item[1]))]
    costs = [_total([call for _, call in group]) for group in groups]
    top = max((cost for cost in costs if cost), default=Decimal(0)) or Decimal(1)
    return [
        _hop(group, sum(again[n] for n, _ in group), cost, (cost or Decimal(0)) / top)
        for group, cost in zip(groups, costs, strict=True)
    ]


def _hop(group: Sequence[tuple[int, Call]], again: int, cost: Decimal | None, bar: Decimal) -> Hop:
    (first, call), (last, _) = group[0], group[-1]
    return Hop(
        numbers=str(first + 1) if first == last else f"{first + 1}–{last + 1}",
        url=run_url(call["run_id"]) if call["run_id"] else call_url(call["event_id"]),
        at=call["timestamp"],
        agent=call["agent_id"] or "",
        model=call["model"] or "",
        calls=len(group),
        errors=sum(one["status"] == "error" for _, one in group),
        cost=cost,
        input_tokens=sum(one["input_tokens"] or 0 for _, one in group),
        resent=again,
        bar=bar,
    )


def _runs(calls: Sequence[Call]) -> list[RunLine]:
    groups: dict[str, list[Call]] = {}
    for call in calls:
        if call["run_id"]:
            groups.setdefault(call["run_id"], []).append(call)
    top = max((_total(group) or Decimal(0) for group in groups.values()), default=Decimal(0)) or Decimal(1)
    return [
        RunLine(
            run_id, run_url(run_id), group[0]["timestamp"],
            ", ".join(dict.fromkeys(call["agent_id"] for call in group if call["agent_id"])), len(group),
            (cost := _total(group)), (cost or Decimal(0)) / top,
        )
        for run_id, group in groups.items()
    ]  # fmt: skip


def _facts(calls: Sequence[Call]) -> list[tuple[str, str, str]]:
    """(what, value, address) of whom the conversation is with and what it is about."""
    found = []
    for name, field in (("user", "user_id"), ("task", "task"), ("environment", "environment")):
        values = list(dict.fromkeys(call[field] for call in calls if call[field]))
        found += [(title(name), value, profile_url(name, value)) for value in values[:3]]
    tags = {f"tag.{name}": value for name, value in calls[0]["tags"].items()}
    return found + [(title(name), value, profile_url(name, value)) for name, value in tags.items()]


def _who(call: Call) -> tuple[str | None, str | None]:
    return call["agent_id"], call["model"]


def _cost(call: Call) -> Decimal | None:
    return None if call["cost_usd"] is None else Decimal(call["cost_usd"])


def _total(calls: Sequence[Call]) -> Decimal | None:
    """What some calls cost together; None where no price is known of any."""
    known = [cost for call in calls if (cost := _cost(call)) is not None]
    return sum(known, Decimal(0)) if known else None
