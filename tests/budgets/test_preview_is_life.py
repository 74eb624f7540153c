"""A preview says what life would have told: the same usage day by day under the budget, and afterwards in a preview."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from costwatch.budgets import manage
from costwatch.budgets.models import BudgetPeriod
from costwatch.budgets.preview import preview
from costwatch.lib.periods import local_day, midnight
from tests.budgets.conftest import NOW, look, spend

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
DAY = timedelta(days=1)
LONG_AGO = NOW - 400 * DAY
SHAPES = [
    {"period": "daily", "amount_usd": 12, "thresholds": [25, 50, 100]},
    {"period": "weekly", "amount_usd": 40, "thresholds": [50, 80, 100], "week_start": 3},
    {"period": "monthly", "amount_usd": 150, "thresholds": [10, 50, 99.5, 150], "time_zone": "Asia/Kathmandu"},
    {"period": "quarterly", "amount_usd": 300, "thresholds": [33.33, 100], "scope": {"agent!": ["a"]}},
    {"period": "yearly", "amount_usd": 500, "thresholds": [100], "time_zone": "America/New_York"},
    {"period": "monthly", "amount_usd": 90, "planned": {"2026-10": "30", "2026-11": "300"}, "thresholds": [50, 100]},
    {"period": "weekly", "amount_usd": 35, "carry_over": 50, "thresholds": [100]},
    {"period": "daily", "amount_tokens": 4_000, "thresholds": [50, 100], "scope": {"agent": ["a", "b"]}},
    {"period": "daily", "amount_usd": 5, "per": "user", "thresholds": [60, 100]},
    {"period": "weekly", "amount_usd": 14, "per": "tag.team", "thresholds": [100], "time_zone": "Australia/Lord_Howe"},
    {"period": "monthly", "amount_usd": 50, "per": "agent", "carry_over": 100, "thresholds": [100]},
]


def usage(seed):
    dice = random.Random(seed)
    return [
        spend(NOW - timedelta(minutes=dice.randrange(1, 80 * 24 * 60)), f"{dice.randrange(1, 800) / 100}",
              agent_id=dice.choice("abc"), user_id=dice.choice(["u", "v", None]), tags={"team": dice.choice("xy")},
              input_tokens=dice.randrange(2_000), output_tokens=dice.randrange(400)) for _ in range(150)
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(len(SHAPES)))
def test_a_preview_tells_what_the_watch_has_told(workspace, send, number):
    shape = SHAPES[number]
    wanted = {"name": "b", "allow_unseen": True, **shape}
    budget = manage.create(workspace, wanted, "lena", now=LONG_AGO)
    look(LONG_AGO)
    send(*usage(number))
    look()
    shown = preview(workspace, shape, NOW)
    zone = ZoneInfo(shape.get("time_zone", "Europe/Berlin"))
    told = {
        (row.value, float(one["threshold"]), local_day(datetime.fromisoformat(one["at"]), zone), row.period_start)
        for row in BudgetPeriod.objects.filter(budget=budget) for one in row.crossings
    }  # fmt: skip
    assert {(one.value, float(one.threshold), local_day(one.at, zone), one.period.start)
            for one in shown.crossings} == told  # fmt: skip
    assert shown.crossing_count == len(told) > 0
    assert shown.crossings == sorted(shown.crossings, key=lambda one: one.at)


def test_the_days_of_a_preview_add_up_to_what_was_spent(workspace, send):
    events = usage(3)
    send(*events)
    zone = ZoneInfo("Asia/Kathmandu")
    shown = preview(workspace, {"period": "daily", "amount_usd": 10, "time_zone": zone.key}, NOW)
    sums: dict = {}
    for one in events:
        day = one.timestamp.astimezone(zone).date()
        sums[day] = sums.get(day, Decimal(0)) + one.cost
    assert dict(shown.daily) == sums
    assert (shown.start, shown.end) == (midnight(local_day(NOW, zone) - 89 * DAY, zone), NOW)


def test_spent_and_limit_of_each_period_are_those_of_life(workspace, send):
    send(spend(datetime(2026, 9, 10, tzinfo=UTC), "70"), spend(datetime(2026, 10, 10, tzinfo=UTC), "180"),
         spend(NOW - DAY, "5"))  # fmt: skip
    shown = preview(workspace, {"period": "monthly", "amount_usd": 100, "carry_over": 20, "thresholds": [100]}, NOW)
    assert [(span.start.month, spent, limit) for span, spent, limit in shown.periods] == [
        (8, 70, 120), (9, 180, 120), (10, 5, 100)]  # fmt: skip
    assert [(one.threshold, one.at.day) for one in shown.crossings] == [(100, 9)]


def test_a_window_of_up_to_three_days_is_told_by_the_hour_and_a_longer_one_by_the_day(workspace, send):
    at = NOW - 3 * DAY
    send(spend(at, "9"), spend(at + timedelta(hours=5), "2"))
    fine = preview(workspace, {"period": "rolling_72h", "amount_usd": 10, "thresholds": [50, 100]}, NOW)
    coarse = preview(workspace, {"period": "rolling_4d", "amount_usd": 10, "thresholds": [50, 100]}, NOW)
    hour = at.replace(minute=0, second=0)
    assert [(one.threshold, one.at) for one in fine.crossings] == [(50, hour), (100, hour + timedelta(hours=5))]
    day = midnight(local_day(at, ZoneInfo("Europe/Berlin")), ZoneInfo("Europe/Berlin"))
    assert [(one.threshold, one.at) for one in coarse.crossings] == [(50, day), (100, day)]


def test_what_happened_before_the_ninety_days_counts_in_its_period_and_is_not_listed(workspace, send):
    first = midnight(local_day(NOW, ZoneInfo("Europe/Berlin")) - 89 * DAY, ZoneInfo("Europe/Berlin"))
    send(spend(first - DAY, "60"), spend(first + DAY, "45"))
    shown = preview(workspace, {"period": "yearly", "amount_usd": 100, "thresholds": [50, 100]}, NOW)
    assert [one.threshold for one in shown.crossings] == [100]
    assert [amount for _, amount in shown.daily] == [45]


def test_at_most_five_hundred_crossings_are_listed_and_all_are_counted(workspace, send):
    send(*(spend(NOW - n * DAY, "10", user_id=f"u-{m}") for n in range(1, 31) for m in range(9)))
    shown = preview(workspace, {"period": "daily", "amount_usd": 10, "per": "user", "thresholds": [50, 100]}, NOW)
    assert (len(shown.crossings), shown.crossing_count) == (500, 540)
    assert shown.crossings[0].at < shown.crossings[-1].at


def test_without_thresholds_nothing_would_have_been_told(workspace, send):
    send(spend(NOW - DAY, "1000", user_id="u"))
    for per in (None, "user"):
        shown = preview(workspace, {"period": "daily", "amount_usd": 1, "per": per, "thresholds": []}, NOW)
        assert (shown.crossings, shown.left_out) == ([], 0)
        assert [spent for _, spent, _ in shown.periods] == [1000]


def test_on_empty_books_a_preview_is_empty(workspace):
    for per in (None, "user", "tag.team"):
        shown = preview(workspace, {"period": "daily", "amount_usd": 1, "per": per}, NOW)
        assert (shown.crossings, shown.daily, shown.periods) == ([], [], [])
