"""The list of incidents as a file."""

from typing import Any

from django.db.models import OuterRef, Subquery

from costwatch.accounts.models import Workspace
from costwatch.alerts import listing
from costwatch.alerts.models import Incident, TimelineEntry
from costwatch.anomalies.detectors import unpriced
from costwatch.dashboards.csv import first_of
from costwatch.dashboards.incident_page import Wanted, wanted_rows

HEAD = ("id", "kind", "severity", "state", "title", "subject", "message", "run_id", "opened_at", "snoozed_until",
        "closed_at", "owner", "amount_usd", "amount_is_at_most", "last_message")  # fmt: skip
CLOSING = ("resolve", "expected")  # actions after which it is over


def csv_rows(workspace: Workspace, wanted: Wanted) -> tuple[list[tuple[Any, ...]], bool]:
    """A head and the incidents in the order of the list, at most a thousand; whether there are more."""
    closing = TimelineEntry.objects.filter(incident=OuterRef("pk"), action__in=CLOSING).order_by("-at", "-pk")
    rows = listing.with_deliveries(wanted_rows(workspace, wanted)).annotate(
        closed_at=Subquery(closing.values("at")[:1])
    )
    found, more = first_of(rows)
    return [HEAD, *map(_row, found)], more


def _row(incident: Any) -> tuple[Any, ...]:
    """One incident; `last_message` is how the newest message about it went."""
    closed_at = None if incident.is_pending else incident.closed_at
    owner, sent = incident.owner, listing.deliveries(incident)
    return (incident.pk, incident.kind, incident.severity, incident.state, incident.title, incident.subject,
            incident.message, incident.run_id, incident.opened_at, incident.snoozed_until, closed_at,
            owner.email if owner else None, incident.amount, _is_bound(incident),
            sent[-1].state if sent else None)  # fmt: skip


def _is_bound(incident: Incident) -> bool | None:
    """Whether the amount is the most that it can be, as it is of calls without a price; None without one."""
    return None if incident.amount is None else incident.facts.get("detector") == unpriced.NAME
