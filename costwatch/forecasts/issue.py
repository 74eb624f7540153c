"""Issues the forecast of every workspace's month, once on each of its local days."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from costwatch.accounts.models import Workspace
from costwatch.forecasts.models import IssuedForecast
from costwatch.lib import periods
from costwatch.spend.outlooks import history, month_outlook

SETTLING = timedelta(minutes=15)  # batches under way at midnight are in by then


def issue_due(now: datetime) -> int:
    """Issue what is not issued yet for today, as of midnight; returns how many. Safe to run twice and at once."""
    issued = 0
    for workspace in Workspace.objects.order_by("pk"):
        today = periods.local_day(now - SETTLING, periods.zone(workspace.time_zone))
        of_today = IssuedForecast.objects.filter(workspace=workspace, day=today)
        if not of_today.exists() and (made := _make(workspace, today, now)):
            IssuedForecast.objects.bulk_create([made], ignore_conflicts=True)
            issued += 1
    return issued


def _make(workspace: Workspace, today: date, now: datetime) -> IssuedForecast | None:
    """As of midnight: what today has cost already is left out, as it is not known of any other day."""
    month = month_outlook(history(workspace, today), Decimal(0), today)
    if month.total is None or month.coming is None:
        return None
    return IssuedForecast(
        workspace=workspace,
        month=month.first,
        day=today,
        issued_at=now,
        spent=month.before_today,
        low=month.total.low,
        mid=month.total.mid,
        high=month.total.high,
        run_rate=month.rate,
        method=month.coming.method,
    )
