"""The forecasts of the month that the demo's company would have got, one on each day of its history."""

from datetime import datetime, timedelta

from costwatch.demo import company
from costwatch.forecasts.issue import issue_due


def make(end: datetime) -> int:
    """Issue them, each from the days before it alone; returns how many."""
    return sum(issue_due(end - timedelta(days=back)) for back in range(company.DAYS, -1, -1))
