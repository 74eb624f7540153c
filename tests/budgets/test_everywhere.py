"""The same figures of budgets in the API, in both files of the pages and in the incidents: those of a plain sum."""

import csv
import io
import random
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine

from costwatch.accounts.models import Role
from costwatch.budgets.models import Budget
from tests.api.conftest import caller
from tests.budgets.conftest import NOW, incidents, look, spend
from tests.dashboards.conftest import logged_in

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
DAY = timedelta(days=1)
SHAPES = [
    {"name": "all"}, {"name": "agents", "scope": {"agent": ["a", "b"]}, "period": "weekly", "amount_usd": "30"},
    {"name": "not a", "scope": {"agent!": ["a"]}, "period": "daily", "amount_usd": "2", "time_zone": "Asia/Kathmandu"},
    {"name": "tokens", "amount_tokens": 40_000, "period": "quarterly"}, {"name": "window", "period": "rolling_72h"},
    {"name": "users", "per": "user", "amount_usd": "9"}, {"name": "teams", "per": "tag.team", "period": "weekly"},
    {"name": "team tokens", "per": "tag.team", "amount_tokens": 9_000, "scope": {"agent": ["a"]}},
]  # fmt: skip


def usage(seed):
    dice = random.Random(seed)
    return [
        spend(NOW - timedelta(minutes=dice.randrange(1, 45 * 24 * 60)), f"{dice.randrange(1, 10**9)}e-9",
              agent_id=dice.choice("abc"), user_id=dice.choice(["u", "v", "w", None]),
              tags=dice.choice([None, {"team": "x"}, {"team": "=y"}]), input_tokens=dice.randrange(1_500),
              output_tokens=dice.randrange(300)) for _ in range(200)
    ]  # fmt: skip


def period_of(shape):
    zone = ZoneInfo(shape.get("time_zone", "Europe/Berlin"))
    local = NOW.astimezone(zone)
    today = local.replace(hour=0, minute=0, second=0, microsecond=0)
    start = {
        "daily": today, "weekly": today - timedelta(days=local.weekday()), "monthly": today.replace(day=1),
        "quarterly": today.replace(month=10, day=1), "rolling_72h": NOW - 3 * DAY,
    }[shape.get("period", "monthly")]  # fmt: skip
    return start, NOW


def amounts(shape, events):
    """Value → what was spent; "" for what has none."""
    start, end = period_of(shape)
    scope, found = shape.get("scope", {}), defaultdict(Decimal)
    for event in events:
        inside = start <= event.timestamp < end and event.agent_id in scope.get("agent", "abc")
        if inside and event.agent_id not in scope.get("agent!", ()):
            value = {"user": event.user_id, "tag.team": (event.tags or {}).get("team")}.get(shape.get("per")) or ""
            tokens = event.input_tokens + event.output_tokens
            found[value] += tokens if "amount_tokens" in shape else event.cost
    return found


def written(shape, number):
    return int(number) if "amount_tokens" in shape else f"{number:.12f}"


def rows(client, address):
    answer = client.get(address)
    assert answer.status_code == 200, address
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


@pytest.fixture
def everywhere(make, send, workspace):
    """Budgets of all shapes, and the events that were sent."""
    budgets = [make(now=NOW - 300 * DAY, **{"amount_usd": "50", **shape} if "amount_tokens" not in shape else shape)
               for shape in SHAPES]  # fmt: skip
    look(NOW - 300 * DAY)
    events = usage(11)
    send(*events)
    look()
    with time_machine.travel(NOW, tick=False):
        yield list(zip(SHAPES, budgets, strict=True)), events


def test_api_files_and_pages_tell_what_a_plain_sum_tells(everywhere, workspace):
    pairs, events = everywhere
    program, member = caller(workspace, "read"), logged_in(workspace, "v@l.example", Role.VIEWER)
    listed = {row["budget"]: row for row in rows(member, "/budgets.csv")}
    items = {item["id"]: item for item in program.get("/api/v1/budgets").json()["items"]}
    assert len(listed) == len(items) == len(SHAPES)
    for shape, budget in pairs:
        of = amounts(shape, events)
        spent, limit = sum(of.values()), Decimal(budget.amount)
        item = items[budget.pk]
        assert program.get(f"/api/v1/budgets/{budget.pk}").json()["spent"] == item["spent"] == written(shape, spent)
        assert Decimal(listed[shape["name"]]["spent"]) == spent
        start, _ = period_of(shape)
        assert datetime.fromisoformat(item["period_start"]) == start
        named = {value: amount for value, amount in of.items() if value}
        if "per" not in shape:
            assert item["remaining"] == written(shape, limit - spent)
            assert item["share"] == pytest.approx(float(spent / limit), abs=1e-6)
            assert Decimal(listed[shape["name"]]["remaining"]) == limit - spent
            continue
        assert {one["value"]: one["spent"] for one in item["values"]} == {
            v: written(shape, n) for v, n in named.items()
        }
        over = [value for value, amount in named.items() if amount >= limit]
        assert (item["over_count"], item["value_count"], item["remaining"]) == (len(over), len(named), None)
        unit = "spent_tokens" if "amount_tokens" in shape else "spent_usd"
        filed = {next(iter(row.values())).lstrip("'"): row[unit] for row in rows(member, f"/budgets/{budget.pk}.csv")}
        assert {value: Decimal(filed[value]) for value in named} == named


def test_the_spend_of_a_budget_is_that_of_the_spend_api_for_its_scope_and_period(everywhere, workspace):
    pairs, _ = everywhere
    program = caller(workspace, "read")
    for shape, budget in pairs:
        if "per" in shape or "amount_tokens" in shape:
            continue
        item = program.get(f"/api/v1/budgets/{budget.pk}").json()
        start, end = period_of(shape)
        asked = {"from": start.isoformat(), "to": end.isoformat()}
        asked |= shape.get("scope", {})
        answer = program.get("/api/v1/spend", asked)
        assert answer.status_code == 200, answer.content
        assert answer.json()["total"]["cost_usd"] == item["spent"], shape


def test_what_was_told_of_is_what_has_reached_its_threshold(everywhere):
    pairs, events = everywhere
    now_told = {
        (one.facts["budget"], one.facts["value"] or ""): one for one in incidents()
        if one.facts["period_end"] > NOW.isoformat() and not one.facts["period"].startswith("rolling_")
    }  # fmt: skip
    some = 0
    for shape, budget in pairs:
        if budget.is_rolling:
            continue
        of = amounts(shape, events)
        sums = {v: n for v, n in of.items() if v} if budget.per else {"": sum(of.values())}
        for value, spent in sums.items():
            reached = [t for t in (50, 80, 100) if spent * 100 >= t * budget.amount]
            told = now_told.get((budget.pk, value))
            assert [c["threshold"] for c in told.facts["crossings"]] == reached if reached else told is None
            some += len(reached)
    assert some > 5
    assert not Budget.objects.filter(judged_at=None).exists()
