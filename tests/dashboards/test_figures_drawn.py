"""The small pictures of the headline figures: how far today has come, what is usual, three hours, the month."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import time_machine
from django.core.cache import cache
from django.http import QueryDict

from costwatch.accounts.models import Workspace
from costwatch.budgets import manage
from costwatch.dashboards.figures import Figures, figures
from costwatch.dashboards.state import State
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from tests.dashboards.conftest import logged_in
from tests.dashboards.page import text
from tests.ledger.make import entry

pytestmark = [pytest.mark.thorough, pytest.mark.django_db]
TUESDAY = datetime(2026, 3, 31, 10, 7, tzinfo=UTC)
LAST_WEEK = (("2026-03-20 00:00", "1"), ("2026-03-24 09:30", "2"), ("2026-03-24 20:00", "6"))


@pytest.fixture
def workspace() -> Workspace:
    cache.clear()
    return Workspace.objects.create(name="Larkfield Support", time_zone="UTC")


def spend(workspace: Workspace, *calls: tuple[str, str], **fields: object) -> None:
    times = [(datetime.fromisoformat(at).replace(tzinfo=UTC), cost) for at, cost in calls]
    record(workspace.lane, [entry(timestamp=at, cost=cost, **fields) for at, cost in times])
    fold_all()


def shown(workspace: Workspace, now: datetime = TUESDAY, query: str = "") -> Figures:
    return figures(workspace, State.from_query(QueryDict(query), workspace, now), now)


def page(workspace: Workspace, now: datetime = TUESDAY, query: str = "") -> str:
    with time_machine.travel(now, tick=False):
        return logged_in(workspace, "v@larkfield.example").get(f"/{query}").content.decode()


def test_today_grows_towards_a_usual_day_and_a_mark_says_where_it_usually_is_by_now(workspace):
    spend(workspace, *LAST_WEEK, ("2026-03-31 10:00", "4"))
    found = shown(workspace)
    assert (found.usual.so_far, found.usual.whole_day) == (2, 8)
    assert (found.today_width, found.usual_mark) == ("50.0%", "25.0%")


def test_a_day_dearer_than_usual_fills_its_bar_and_moves_the_mark(workspace):
    spend(workspace, *LAST_WEEK, ("2026-03-31 10:00", "16"))
    found = shown(workspace)
    assert (found.today_width, found.usual_mark) == ("100.0%", "12.5%")


def test_a_day_without_calls_is_empty(workspace):
    spend(workspace, *LAST_WEEK)
    found = shown(workspace)
    assert (found.today_width, found.usual_mark, found.rate) == ("0.0%", "25.0%", 0)


def test_what_is_usual_for_a_quarter_of_an_hour_is_a_line_through_the_last_three_hours(workspace):
    spend(workspace, *LAST_WEEK)
    assert shown(workspace).usual_line == "8.0%", "the highest that is drawn"
    spend(workspace, ("2026-03-31 10:00", "4"))
    cache.clear()
    found = shown(workspace)
    assert found.usual.per_hour == 2
    assert found.usual_line == "88.5%", "50 cents a quarter of an hour beside $4"
    assert [(bar.top, bar.height) for bar in found.bars if bar.height != "0.0%"] == [("8.0%", "92.0%")]


def test_the_last_three_hours_are_quarters_from_left_to_right(workspace):
    spend(workspace, ("2026-03-31 07:14", "9"), ("2026-03-31 07:15", "1"), ("2026-03-31 10:06", "2"))
    bars = shown(workspace).bars
    assert [float(bar.left.rstrip("%")) for bar in bars] == [
        pytest.approx(100 / 12 * n + 0.5, abs=0.01) for n in range(12)
    ]
    assert [bar.height for bar in bars] == ["46.0%", *["0.0%"] * 10, "92.0%"], "what was before is not drawn"


def test_a_call_dated_minutes_ahead_is_in_today_and_now(workspace):
    """Clocks of senders may be some minutes fast."""
    spend(workspace, ("2026-03-31 10:10", "3"))
    found = shown(workspace)
    assert (found.today.cost, found.rate) == (3, 12)


def test_a_call_of_tomorrow_is_not_in_today(workspace):
    late = datetime(2026, 3, 31, 23, 58, tzinfo=UTC)
    spend(workspace, ("2026-03-31 23:57", "3"), ("2026-04-01 00:01", "5"))
    found = shown(workspace, late)
    assert (found.today.cost, found.month.spent) == (3, 3)


def test_in_the_first_minutes_of_a_day_the_rate_still_looks_back_a_quarter_of_an_hour(workspace):
    spend(workspace, ("2026-03-30 23:55", "2"), ("2026-03-31 00:01", "1"))
    found = shown(workspace, datetime(2026, 3, 31, 0, 5, tzinfo=UTC))
    assert (found.today.cost, found.rate) == (1, 12)


def test_the_page_says_what_is_usual_and_what_changed(workspace):
    spend(workspace, *LAST_WEEK, ("2026-03-31 10:00", "4"))
    said = text(page(workspace))
    assert "Today, so far $4 .00 ▲ 100 % vs usual $2.00" in said
    assert "all day $8.00" in said
    assert "Now, per hour $16 .00 ▲ 700 % vs usual $2.00 07:15 10:07" in said


def test_a_young_workspace_is_told_what_there_is_instead(workspace):
    spend(workspace, ("2026-03-31 09:00", "1"), ("2026-03-31 09:01", "1"))
    said = text(page(workspace))
    assert "Today, so far $2 .00 2 calls" in said
    assert "March to date $2 .00 since 1 Mar" in said
    assert "Not enough data: a forecast needs seven whole days." in said
    assert "last 15 minutes × 4" in said


def test_nothing_now_and_nothing_usual_is_no_change(workspace):
    spend(workspace, ("2026-03-01 12:00", "1"))
    said = text(page(workspace))
    assert "Today, so far $0 .00 vs usual $0.00" in said
    assert "Now, per hour $0 .00 vs usual $0.00" in said


@pytest.mark.parametrize(
    ("now", "days", "places"),
    [(datetime(2026, 3, 31, 10, tzinfo=UTC), 31, 31), (datetime(2026, 2, 28, 10, tzinfo=UTC), 28, 31),
     (datetime(2026, 4, 30, 10, tzinfo=UTC), 30, 31)],
)  # fmt: skip
def test_the_longer_of_both_months_is_as_wide_as_the_picture(workspace, now, days, places):
    spend(workspace, ("2026-01-31 00:00", "3"), ("2026-03-31 00:00", "2"), ("2026-04-02 00:00", "2"))
    points = shown(workspace, now).month.curve.split()
    assert len(points) == days + 1
    assert float(points[-1].partition(",")[0]) == pytest.approx(300 * days / places, abs=0.05)


def test_the_month_before_counts_only_where_the_books_reach_its_first_day(workspace):
    spend(workspace, ("2026-02-01 23:00", "3"), ("2026-03-31 00:00", "2"))
    assert (shown(workspace).month.before, shown(workspace).month.before_total) == (3, 3)
    other = Workspace.objects.create(name="Younger", time_zone="UTC")
    spend(other, ("2026-02-02 00:00", "3"), ("2026-03-31 00:00", "2"))
    assert (shown(other).month.before, shown(other).month.before_total) == (None, None)


def test_the_same_point_of_the_month_before_is_to_the_minute(workspace):
    spend(workspace, ("2026-02-01 00:00", "1"), ("2026-02-10 10:06", "2"), ("2026-02-10 10:08", "4"))
    for minute, before in ((5, 1), (7, 3), (9, 7)):
        cache.clear()
        assert shown(workspace, datetime(2026, 3, 10, 10, minute, tzinfo=UTC)).month.before == before


def test_over_budget_is_what_the_middle_of_the_forecast_is_over(workspace):
    spend(workspace, *((f"2026-{month}-{day:02} 12:00", "10") for month in ("02", "03") for day in range(1, 29)))
    made = manage.create(workspace, {"name": "All", "amount_usd": "281", "period": "monthly"}, "a test", now=TUESDAY)
    month = shown(workspace).month
    assert month.over_budget == month.outlook.total.mid - 281 > 0
    assert month.gone_on == TUESDAY.date(), "$280 are spent, the last day brings the rest"
    assert re.search(r"\$\d\.\d\d over budget · gone 31 Mar", text(page(workspace)))
    manage.change(made, {"amount_usd": "100"}, "a test", now=TUESDAY)
    assert shown(workspace).month.gone_on is None, "it is gone already"


def test_a_forecast_without_any_doubt_can_still_be_seen(workspace):
    """The last day of a month that is nearly over: low and high are a hair apart."""
    spend(workspace, *((f"2026-03-{day:02} 12:00", "10") for day in range(1, 32)))
    picture = shown(workspace, datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)).month.picture
    assert picture is not None and Decimal(picture.width.rstrip("%")) >= Decimal("0.8")
