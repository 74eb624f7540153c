"""Who is told of a budget, and what was told so far."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from costwatch.alerts import channels, listing
from costwatch.alerts.models import Channel, Delivery, Incident, Kind
from costwatch.budgets.models import Budget
from costwatch.dashboards.incident_page import item

SHOWN = 8


@dataclass(frozen=True)
class Line:
    """An incident of the budget, and over which channels it was told."""

    incident: Incident
    url: str
    css: str
    words: str
    sent: str


def lines(budget: Budget, value: str) -> list[Line]:
    """The last incidents, newest first; of one value where one is given."""
    rows = listing.find(budget.workspace_id, kind=Kind.BUDGET).filter(facts__budget=budget.pk)
    if value:
        rows = rows.filter(facts__value=value)
    return [_line(incident) for incident in listing.with_deliveries(rows)[:SHOWN]]


def recipients(budget: Budget) -> tuple[list[Channel], bool]:
    """The channels that are told, and whether the budget has chosen them itself."""
    every = channels.of(budget.workspace)
    chosen = list(every.filter(pk__in=budget.channels))
    return (chosen, True) if chosen else (list(every.filter(is_default=True)), False)


def _line(incident: Incident) -> Line:
    shown = item(incident)
    return Line(
        incident, reverse("incident", args=[incident.pk]), shown.css, shown.words, _sent(listing.deliveries(incident))
    )


def _sent(made: Sequence[Delivery]) -> str:
    """Slack #agent-costs, e-mail finance; and what did not arrive."""
    return ", ".join(
        f"{one.channel.name}{'' if one.state == Delivery.State.SENT else f' ({one.state})'}" for one in made
    )
