"""Who is told of a budget, and what was told so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from costwatch.alerts import channels, listing
from costwatch.alerts.models import Channel, Delivery, Incident, Kind
from costwatch.budgets.models import Budget
from costwatch.dashboards.incident_page import item

SHOWN = 8


@dataclass(frozen=True)
class Line:
    """An incident of the budget, when the threshold in its title was crossed, and over which channels it was told."""

    incident: Incident
    at: datetime
    url: str
    css: str
    words: str
    sent: str


def lines(budget: Budget, value: str) -> list[Line]:
    """The last incidents, newest first; of one value where one is given."""
    rows = listing.find(budget.workspace_id, kind=Kind.BUDGET).filter(facts__budget=budget.pk)
    if value:
        rows = rows.filter(facts__value=value)
    found = [_line(incident) for incident in listing.with_deliveries(rows)[:SHOWN]]
    return sorted(found, key=lambda line: line.at, reverse=True)


def recipients(budget: Budget) -> tuple[list[Channel], bool]:
    """The channels that are told, and whether the budget has chosen them itself."""
    every = channels.of(budget.workspace)
    chosen = list(every.filter(pk__in=budget.channels))
    return (chosen, True) if chosen else (list(every.filter(is_default=True)), False)


def has_channels(budget: Budget) -> bool:
    """Whether there is any channel at all, be it told of this budget or not."""
    return channels.of(budget.workspace).exists()


def _line(incident: Incident) -> Line:
    shown = item(incident)
    return Line(
        incident,
        _crossed_at(incident),
        reverse("incident", args=[incident.pk]),
        shown.css,
        shown.words,
        _sent(listing.deliveries(incident)),
    )


def _crossed_at(incident: Incident) -> datetime:
    """The title is that of the highest threshold so far, which was mostly crossed after the incident was opened."""
    known = incident.facts.get("crossings")
    highest = max(known, key=lambda one: one["threshold"]) if known else None
    return datetime.fromisoformat(highest["at"]) if highest else incident.opened_at


def _sent(made: Sequence[Delivery]) -> str:
    """Slack #agent-costs, e-mail finance; and what did not arrive."""
    return ", ".join(
        f"{one.channel.name}{'' if one.state == Delivery.State.SENT else f' ({one.state})'}" for one in made
    )
