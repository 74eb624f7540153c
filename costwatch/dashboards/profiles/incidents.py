"""The incidents about one value of a dimension."""

from costwatch.accounts.models import Workspace
from costwatch.alerts import listing
from costwatch.alerts.models import Incident
from costwatch.dashboards import incident_page
from costwatch.dashboards.incident_page import Item
from costwatch.ledger.models import Attribution, Run
from costwatch.spend.conditions import names_of
from costwatch.spend.dimensions import TAG, USER

SHOWN = 5
LOOKED_AT = 200  # of the newest


def incidents_about(workspace: Workspace, dimension: str, value: str) -> list[Item]:
    """Those of the newest that are about this value: it is named in their facts, or their run carries it."""
    rows = list(listing.find(workspace.pk).select_related("owner")[:LOOKED_AT])
    carried = _runs_with(workspace, dimension, value, {row.run_id for row in rows if row.run_id})
    found = [row for row in rows if row.run_id in carried or _names(row, dimension, value)]
    return [incident_page.item(row) for row in found[:SHOWN]]


def _names(incident: Incident, dimension: str, value: str) -> bool:
    facts = incident.facts
    return facts.get(dimension) == value or (facts.get("per") == dimension and facts.get("value") == value)


def _runs_with(workspace: Workspace, dimension: str, value: str, run_ids: set[str]) -> set[str]:
    """Those of some runs whose first call carries a value."""
    rows = list(Run.objects.filter(lane=workspace.lane, run_id__in=run_ids))
    if dimension == USER:
        names = names_of(USER, {row.end_user_id for row in rows})
        return {row.run_id for row in rows if names.get(row.end_user_id) == value}
    attributions = Attribution.objects.in_bulk({row.attribution_id for row in rows if row.attribution_id})
    if dimension.startswith(TAG):
        told = {pk: a.tags.get(dimension.removeprefix(TAG)) for pk, a in attributions.items()}
    else:
        ids = {pk: getattr(a, f"{dimension}_id") for pk, a in attributions.items()}
        names = names_of(dimension, set(ids.values()))
        told = {pk: names.get(number) for pk, number in ids.items()}
    return {row.run_id for row in rows if row.attribution_id and told.get(row.attribution_id) == value}
