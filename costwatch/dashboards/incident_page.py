"""The content of the incidents' page: the list, and one of them with its evidence and its history."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.urls import reverse

from costwatch.accounts.models import Workspace
from costwatch.alerts import listing
from costwatch.alerts.models import Delivery, Incident, Kind, Severity, State, TimelineEntry
from costwatch.anomalies.detectors import unpriced
from costwatch.budgets.models import Budget
from costwatch.dashboards import display
from costwatch.dashboards.addresses import profile_url, run_url
from costwatch.dashboards.anomalies.evidence import Evidence, evidence, subject
from costwatch.dashboards.ranges import Range
from costwatch.dashboards.stops.page import stop_url
from costwatch.lib.periods import zone
from costwatch.loops.account import Repeat, marked, repeats, total

TABS = (("", "All"), ("open", "Open"), ("acknowledged", "Acknowledged"), ("snoozed", "Snoozed"),
        ("resolved", "Resolved"), ("expected", "Expected"))  # fmt: skip
ROWS = 50
COLOURS = {Severity.CRITICAL: "bad", Severity.ALARM: "warn", Severity.NOTICE: "warn"}
SHAPES = {
    State.ACKNOWLEDGED: "part c-muted",
    State.SNOOZED: "hollow c-muted",
    State.RESOLVED: "ok hollow",
    State.EXPECTED: "ok hollow",
}


ALL = "all"  # the state that an address names for any


@dataclass(frozen=True)
class Wanted:
    """Which incidents the list holds: those in a state (empty: any), opened on the days of a span (None: any)."""

    state: str = ""
    days: Range | None = None

    @property
    def opened(self) -> listing.Span | None:
        return (self.days.start, self.days.end) if self.days else None

    @property
    def pairs(self) -> dict[str, str]:
        """What an address says of it."""
        span = {"first": self.days.first.isoformat(), "last": self.days.last.isoformat()} if self.days else {}
        return ({"state": self.state} if self.state else {}) | span

    def url(self, path: str = "", page: int = 1) -> str:
        """An address that keeps it, by default that of the list, which by itself is that of the open ones."""
        unsaid = {} if path or self.pairs else {"state": ALL}
        pairs = unsaid | self.pairs | ({"page": str(page)} if page > 1 else {})
        return (path or reverse("incidents")) + (f"?{urlencode(pairs)}" if pairs else "")

    @property
    def csv_url(self) -> str:
        """The same list as a file."""
        return f"{reverse('incidents-csv')}?{urlencode(self.pairs or {'state': ALL})}"


ANY = Wanted()


@dataclass(frozen=True)
class Tab:
    """A state to choose, with how many there are."""

    label: str
    count: int
    url: str
    current: bool


@dataclass(frozen=True)
class Item:
    """A line of the list. `css` is the look of its state."""

    incident: Incident
    url: str
    css: str
    words: str


@dataclass(frozen=True)
class Figure:
    """One of the headline figures."""

    title: str
    value: str
    note: str
    bad: bool = False


@dataclass(frozen=True)
class LogLine:
    """Something that happened to it, or a message about it."""

    at: datetime
    css: str
    text: str
    note: str
    url: str = ""


@dataclass(frozen=True)
class Detail:
    """One incident in full. `actions`: what may be done to it now."""

    item: Item
    figures: list[Figure]
    repeats: list[Repeat]
    repeats_total: tuple[int, Decimal | None]
    calls: int
    log: list[LogLine]
    related: list[tuple[str, str, str]]
    run_url: str
    tool: str
    task: str
    stop_url: str
    price_url: str
    evidence: Evidence | None


def tabs(workspace: Workspace, wanted: Wanted) -> list[Tab]:
    """The states, the chosen one marked."""
    counts = listing.counts(workspace.pk, wanted.opened)
    numbers = {"": sum(counts.values()), **counts}
    return [Tab(label, numbers[name], replace(wanted, state=name).url(), name == wanted.state) for name, label in TABS]


def items(workspace: Workspace, wanted: Wanted, page: int) -> tuple[list[Item], bool]:
    """The lines of one page of the list, and whether there are more."""
    found = list(wanted_rows(workspace, wanted)[ROWS * (page - 1) : ROWS * page + 1])
    return [item(row, wanted) for row in found[:ROWS]], len(found) > ROWS


def wanted_rows(workspace: Workspace, wanted: Wanted) -> QuerySet[Incident]:
    """The whole list: the newest first, of the open ones the worst."""
    rows = listing.find(workspace.pk, state=wanted.state, opened=wanted.opened).select_related("owner", "workspace")
    return listing.worst_first(rows) if wanted.state == State.OPEN else rows


def item(incident: Incident, wanted: Wanted = ANY) -> Item:
    """One line."""
    url = wanted.url(reverse("incident", args=[incident.pk]))
    return Item(incident, url, _css(incident), _words(incident))


def detail(workspace: Workspace, incident: Incident, wanted: Wanted) -> Detail:
    """One incident in full."""
    is_loop = incident.kind == Kind.LOOP
    calls = marked(workspace.lane, incident.run_id) if is_loop and incident.run_id else []
    found = repeats(calls)
    return Detail(
        item=item(incident, wanted),
        figures=_figures(incident) if "rule" in incident.facts else [],
        repeats=found,
        repeats_total=(sum(one.times for one in found), total(one.cost for one in found)),
        calls=len(calls),
        log=_log(incident),
        related=_related(workspace, incident),
        run_url=run_url(incident.run_id) if incident.run_id else "",
        tool=incident.facts.get("tool") or "",
        task=incident.facts.get("task") or "",
        stop_url=stop_url("agent", agent, incident.title) if (agent := incident.facts.get("agent")) else "",
        price_url=_price_url(incident),
        evidence=evidence(incident, ZoneInfo(workspace.time_zone)),
    )


def of_run(workspace: Workspace, run_id: str) -> Item | None:
    """The worst that was found about a run, what is not over first."""
    found = listing.of_runs(workspace.pk, [run_id]).get(run_id)
    return item(found) if found else None


LOG_COLOURS = {"opened": "b", "raised": "b", "escalated": "b", "resolve": "g", "expected": "g"}


def _log(incident: Incident) -> list[LogLine]:
    """What happened, what was done and what was sent, in the order of time."""
    entries = [_entry(one) for one in incident.timeline.all()]
    sent = [_message(one) for one in listing.deliveries(incident)]
    return sorted(entries + sent, key=lambda line: line.at)


def _entry(entry: TimelineEntry) -> LogLine:
    return LogLine(entry.at, LOG_COLOURS.get(entry.action, ""), entry.text, entry.actor)


def _message(delivery: Delivery) -> LogLine:
    """To whom, and how it went: 200, 1.9 s."""
    about = {"incident.resolved": "recovery, ", "incident.updated": "update, "}.get(delivery.type, "")
    if delivery.state == Delivery.State.SENT:
        took = display.duration(timedelta(milliseconds=delivery.latency_ms or 0))
        tries = f", attempt {delivery.attempts}" if delivery.attempts > 1 else ""
        status, css = f"{delivery.status or 'sent'}, {took}{tries}", "g"
    elif delivery.state == Delivery.State.FAILED:
        status, css = f"not delivered: {delivery.status or ''} {delivery.answer}"[:120], "b"
    else:
        status, css = (f"attempt {delivery.attempts} failed, goes on" if delivery.attempts else "on its way"), ""
    name = f"{delivery.channel.get_kind_display()} {delivery.channel.name}"
    at = delivery.sent_at or delivery.created_at
    return LogLine(at, css, name, about + status, reverse("delivery", args=[delivery.pk]))


def _css(incident: Incident) -> str:
    return COLOURS[Severity(incident.severity)] if incident.state == State.OPEN else SHAPES[State(incident.state)]


def _words(incident: Incident) -> str:
    if incident.state == State.OPEN:
        return f"open, {incident.severity}"
    if incident.state == State.SNOOZED and incident.snoozed_until:
        until = incident.snoozed_until.astimezone(zone(incident.workspace.time_zone))
        return f"snoozed until {display.day_and_time(until)}"
    if incident.state == State.ACKNOWLEDGED and incident.owner:
        return f"acknowledged by {incident.owner.name or incident.owner.email}"
    return str(incident.state)


def _figures(incident: Incident) -> list[Figure]:
    facts = incident.facts
    unpriced = facts.get("unpriced_calls", 0)
    spent = _spent(facts["cost_usd"], unpriced)
    first = Figure("Spent in this run", spent, f"{display.count(facts['calls'])} calls", bad=True)
    if facts["rule"] not in ("calls", "dollars", "retries"):
        count = display.count(facts.get("repeats", facts["count"]))
        of_all = f"{count} of {display.count(facts['calls'])} calls, {spent} in all"
        what = "Spent on reading again" if facts["rule"] == "growth" else "Spent on repeats"
        first = Figure(what, _spent(facts["repeats_cost_usd"], unpriced), of_all, bad=True)
    second = Figure("At risk", spent, "spent so far, no pace yet")
    if pace := Decimal(facts["pace_usd_per_hour"] or 0):
        second = Figure("At risk", f"{display.money(pace)} / h", "at the pace when it was found")
    usual = facts["usual_cost_usd"]
    if usual is None:
        return [first, second, Figure("Usual run", display.NOTHING, "not enough finished runs of this task yet")]
    note = f"{display.count(facts['usual_calls'])} calls; the middle of {display.count(facts['learnt_from_runs'])} runs"
    return [first, second, Figure("Usual run", display.money(Decimal(usual)), note)]


def _spent(amount: str, unpriced: int) -> str:
    """An amount that says what it is without: calls whose price is not known are no zeros."""
    known = Decimal(amount)
    if not unpriced:
        return display.money(known)
    return f"≥ {display.money(known)}" if known else "unpriced"


def _price_url(incident: Incident) -> str:
    """Where the model of calls without a price gets one, as long as it has none."""
    is_unpriced = incident.is_pending and incident.facts.get("detector") == unpriced.NAME
    return f"{reverse('unpriced')}?{urlencode({'model': incident.facts['value']})}" if is_unpriced else ""


def _related(workspace: Workspace, incident: Incident) -> list[tuple[str, str, str]]:
    """(what, value, address)."""
    found = _of_budget(workspace, incident) if incident.kind == Kind.BUDGET else []
    for title, name in (("Agent", "agent"), ("Task", "task"), ("Session", "session")):
        if value := incident.facts.get(name):
            found.append((title, value, profile_url(name, value)))
    if "detector" in incident.facts:
        found.append(subject(incident.facts["dimension"], incident.facts["value"]))
    if incident.run_id:
        found.append(("Run", incident.run_id, run_url(incident.run_id)))
    if task := incident.facts.get("task"):
        before = _before(workspace, incident, task)
        if before:
            found.append(("Before", f"{display.count(before)} of this task", ""))
    if incident.owner:
        found.append(("Owner", incident.owner.name or incident.owner.email, ""))
    return found


def _of_budget(workspace: Workspace, incident: Incident) -> list[tuple[str, str, str]]:
    """The budget, as long as there is one, and of one for each value whom it is about."""
    facts = incident.facts
    there = Budget.objects.filter(workspace=workspace, pk=facts.get("budget")).exists()
    found = [("Budget", facts.get("budget_name", ""), reverse("budget", args=[facts["budget"]]))] if there else []
    return [*found, *([subject(facts["per"], facts["value"])] if facts.get("per") else [])]


def _before(workspace: Workspace, incident: Incident, task: str) -> int:
    rows = listing.find(workspace.pk, kind=incident.kind).filter(facts__task=task, opened_at__lt=incident.opened_at)
    return rows.count()
