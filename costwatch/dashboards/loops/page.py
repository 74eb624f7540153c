"""The back-test on the settings page: the workspace's last runs, judged under the settings of now and the new ones."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from costwatch.accounts.models import Workspace
from costwatch.dashboards.addresses import run_url
from costwatch.ledger import feed
from costwatch.ledger.store import writing
from costwatch.loops.backtest import Backtest, Difference, backtest
from costwatch.loops.lessons import Wanted, settings_of
from costwatch.loops.state import Call

DAYS = 30
MOST_CALLS = 60_000  # read, and judged twice, in about two seconds
MOST_ROWS = 50
WORDS = {"new": ("bad", "new"), "lost": ("hollow muted", "no longer"), "same": ("muted", "as now")}


@dataclass(frozen=True)
class Row:
    """A run that fires now or would."""

    one: Difference
    url: str
    at: datetime
    css: str
    words: str


@dataclass(frozen=True)
class Trial:
    """What the page says about the new settings."""

    result: Backtest
    rows: list[Row]
    fires: int
    told: int
    dollars: Decimal
    new: int
    lost: int
    since: datetime | None
    """Where not all of the thirty days were judged: the first call that was."""


def trial(workspace: Workspace, wanted: Wanted, now: datetime) -> Trial:
    """Judge the last thirty days, or their newest MOST_CALLS calls, under both settings."""
    since = now - timedelta(days=DAYS)
    with writing() as cursor:
        calls = [Call(*row.call) for row in feed.recent_calls(cursor, workspace.lane, since, MOST_CALLS)]
        complete = len(calls) < MOST_CALLS * 9 // 10
    result = backtest(calls, settings_of(workspace.pk), wanted.settings)
    firing = [one.fired for one in result.of("new", "same")]
    return Trial(
        result=result,
        rows=[_row(one) for one in result.differences[:MOST_ROWS]],
        fires=len(firing),
        told=sum(one.told for one in firing),
        dollars=sum((one.dollars for one in firing), Decimal(0)),
        new=len(result.of("new")),
        lost=len(result.of("lost")),
        since=None if complete else datetime.fromtimestamp(min(call.at for call in calls), UTC),
    )


def _row(one: Difference) -> Row:
    css, words = WORDS[one.change]
    return Row(one, run_url(one.fired.run_id), datetime.fromtimestamp(one.fired.at, UTC), css, words)
