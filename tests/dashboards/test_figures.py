"""The headline figures at their edges: short months, a young workspace, days of 23 and 25 hours."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict

from costwatch.accounts.models import Workspace
from costwatch.dashboards.figures import Figures, figures
from costwatch.dashboards.state import State
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from costwatch.spend.beginning import first_day
from tests.ledger.make import entry

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 31, 10, 7, tzinfo=UTC)


@pytest.fixture
def workspace() -> Workspace:
    return Workspace.objects.create(name="Larkfield Support", time_zone="UTC")


def spend(workspace: Workspace, *calls: tuple[str, str]) -> None:
    record(workspace.lane, [entry(timestamp=_at(at), cost=cost) for at, cost in calls])
    fold_all()


def shown(workspace: Workspace, now: datetime = NOW, query: str = "") -> Figures:
    return figures(workspace, State.from_query(QueryDict(query), workspace, now), now)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_usual_is_the_mean_of_the_same_weekday_up_to_the_same_time(workspace):
    spend(workspace, ("2026-02-01 00:00", "1"), ("2026-03-24 10:06", "4"), ("2026-03-17 09:00", "2"),
          ("2026-03-24 10:08", "50"), ("2026-03-25 08:00", "99"))  # fmt: skip
    usual = shown(workspace).usual
    assert usual.so_far == Decimal("1.5"), "(4 + 2 + 0 + 0) / 4"
    assert usual.whole_day == 14
    assert usual.per_hour == Decimal("1"), "4 between 9:07 and 10:07 in one of four weeks"


def test_weeks_before_the_first_call_do_not_count_as_usual(workspace):
    spend(workspace, ("2026-03-20 00:00", "1"), ("2026-03-24 10:06", "4"))
    assert shown(workspace).usual.so_far == 4
    assert first_day(workspace.lane).isoformat() == "2026-03-20"


def test_a_young_workspace_has_no_usual(workspace):
    spend(workspace, ("2026-03-31 09:00", "1"))
    found = shown(workspace)
    assert (found.usual.so_far, found.month.before, found.usual_line) == (None, None, None)
    assert found.today.cost == found.month.spent == 1


def test_the_same_point_of_a_shorter_month_is_its_end(workspace):
    spend(workspace, ("2026-01-05 00:00", "1"), ("2026-02-28 23:59", "7"), ("2026-03-01 00:00", "2"))
    month = shown(workspace).month
    assert (month.name, month.spent, month.before_name, month.before) == ("March", 2, "February", 7)
    middle = shown(workspace, datetime(2026, 3, 15, 12, tzinfo=UTC)).month
    assert middle.before == 0


def test_the_curve_of_the_month_ends_at_its_sum_and_stays_in_its_picture(workspace):
    spend(workspace, ("2026-02-10 00:00", "3"), ("2026-03-01 00:00", "2"), ("2026-03-31 00:00", "4"))
    month = shown(workspace).month
    points = [tuple(map(float, point.split(","))) for point in month.curve.split()]
    assert points[0] == (0, 58)
    assert points[-1] == (300, 3), "31 days of 31, at the top"
    assert len(points) == 32
    heights = [y for _, y in points]
    assert heights == sorted(heights, reverse=True)
    assert month.curve_before


def test_now_is_the_last_quarter_of_an_hour_times_four(workspace):
    spend(workspace, ("2026-03-31 09:51", "9"), ("2026-03-31 09:53", "1"), ("2026-03-31 10:06", "0.5"))
    found = shown(workspace)
    assert found.rate == 6
    assert found.bars_from == _at("2026-03-31 07:15")
    assert [bar.height for bar in found.bars[-3:]] == ["0.0%", "92.0%", "4.6%"]
    assert [bar.unfinished for bar in found.bars] == [False] * 11 + [True]


def test_the_figures_follow_the_filters_but_not_the_period(workspace):
    record(workspace.lane, [entry(timestamp=NOW, agent_id="a", cost="2"), entry(timestamp=NOW, agent_id="b", cost="5")])
    assert shown(workspace, query="agent=a&first=2020-01-01&last=2020-01-02").today.cost == 2


@pytest.mark.parametrize("day", ["2026-10-25", "2026-03-29"])
def test_a_day_of_a_clock_change_is_summed_whole(day):
    berlin = ZoneInfo("Europe/Berlin")
    workspace = Workspace.objects.create(name="Berlin", time_zone="Europe/Berlin")
    start = datetime.fromisoformat(day).replace(tzinfo=berlin).astimezone(UTC)
    end = (datetime.fromisoformat(day).replace(tzinfo=berlin) + timedelta(days=1)).astimezone(UTC)
    inside = [start, end - timedelta(seconds=1)]
    record(workspace.lane, [entry(timestamp=at, cost="1") for at in [*inside, start - timedelta(seconds=1)]])
    assert shown(workspace, end - timedelta(seconds=1)).today.cost == 2
