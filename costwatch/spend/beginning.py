"""Where the books begin: a span that reaches further back cannot be compared with."""

from datetime import date, datetime

from costwatch.accounts.models import Workspace
from costwatch.ledger.models import Cut, SpendDay
from costwatch.lib import periods


def first_day(lane: int) -> date | None:
    """The first local day of the books."""
    return SpendDay.objects.filter(lane=lane, cut=Cut.TOTAL).order_by("day").values_list("day", flat=True).first()


def begun_after(workspace: Workspace, moment: datetime) -> date | None:
    """The first day of the books where they do not reach back to the day of a moment."""
    known = first_day(workspace.lane)
    return known if known and known > periods.local_day(moment, periods.zone(workspace.time_zone)) else None
