"""How budgets stand, over the API, against sums that are counted call by call: in every zone, period and scope."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client

from costwatch.accounts import keys
from costwatch.accounts.models import Workspace
from costwatch.budgets import manage
from costwatch.budgets.models import Budget
from tests.dashboards.oracle import Told, books, told, usage, whole
from tests.ledger.make import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
CALLS = usage(41, 180, days=120)
SCOPES = [{}, {"agent": ["triage"]}, {"agent": ["triage", "coder"], "task": ["refund"]}, {"agent!": ["triage"]},
          {"tag.customer": ["Orbit"]}, {"task": [""]}, {"agent": ["nobody"]}]  # fmt: skip
PERIODS = ["daily", "weekly", "monthly", "quarterly", "yearly", "rolling_24h", "rolling_7d", "rolling_30d"]

CHANGES = [
    ("name", "second"), ("amount_usd", "77.5"), ("scope", {"agent": ["coder"]}), ("period", "weekly"),
    ("thresholds", [10, 20]), ("action", "block"), ("paused", True), ("paused", False), ("time_zone", "Asia/Tokyo"),
    ("per", "user"), ("per", None), ("carry_over", "0"),
]  # fmt: skip


@pytest.fixture(scope="module", params=["Europe/Berlin", "Asia/Kathmandu"])
def filled(request, django_db_setup, django_db_blocker):
    with books(django_db_blocker, *CALLS, zone=request.param, unfolded=12) as workspace:
        yield workspace


@pytest.fixture
def api(filled: Workspace) -> Client:
    keys._cache.clear()
    _, text = keys.create_key(filled, "both", ["read", "admin"])
    return Client(headers={"Authorization": f"Bearer {text}"})


def since(period: str, zone: str, week_start: int = 1) -> datetime:
    """The beginning of the period that holds NOW, by the calendar."""
    if period.startswith("rolling_"):
        count = int(period.removeprefix("rolling_")[:-1])
        return NOW - (timedelta(hours=count) if period.endswith("h") else timedelta(days=count))
    today = NOW.astimezone(ZoneInfo(zone)).date()
    first = {
        "daily": today,
        "weekly": today - timedelta(days=(today.isoweekday() - week_start) % 7),
        "monthly": today.replace(day=1),
        "quarterly": date(today.year, (today.month - 1) // 3 * 3 + 1, 1),
        "yearly": date(today.year, 1, 1),
    }[period]
    return datetime.combine(first, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)


def spent(start: datetime, scope: dict[str, list[str]], by: list[str] | None = None) -> dict[tuple[str, ...], Told]:
    include = {name: values for name, values in scope.items() if not name.endswith("!")}
    exclude = {name[:-1]: values for name, values in scope.items() if name.endswith("!")}
    return told(CALLS, by or [], start, NOW + timedelta(minutes=1), include, exclude)


def make(api: Client, **fields) -> dict:
    body = {"name": "b", "amount_usd": "100", "period": "monthly", **fields}
    answer = api.post("/api/v1/budgets", {k: v for k, v in body.items() if v is not ...}, "application/json")
    assert answer.status_code == 201, answer.content
    return answer.json()


def state(amount: Decimal, limit: Decimal) -> str:
    """Over from the limit on, a warning from 80 % on."""
    return "over" if amount >= limit else "warning" if amount >= limit * Decimal("0.8") else "ok"


@pytest.mark.parametrize("period", PERIODS)
@time_machine.travel(NOW, tick=False)
def test_what_is_spent_is_the_sum_of_the_calls_in_the_period_and_the_scope(filled, api, period):
    for number, scope in enumerate(SCOPES):
        sums = whole(spent(since(period, filled.time_zone), scope).values())
        limit = Decimal("250.5") * (number + 1)
        made = make(api, period=period, scope=scope, amount_usd=str(limit), thresholds=[80, 100])
        assert made["spent"] == f"{sums.cost:.12f}", scope
        assert made["limit"] == f"{limit:.12f}"
        assert made["remaining"] == f"{limit - sums.cost:.12f}"
        assert made["share"] == pytest.approx(float(sums.cost / limit), abs=1e-6)
        assert made["state"] == state(sums.cost, limit)
        coverage = made["coverage"]
        assert (coverage["unpriced_calls"], coverage["usage_unknown_calls"]) == (sums.unpriced, sums.unknown)
        again = api.get(f"/api/v1/budgets/{made['id']}").json()
        assert {name: again[name] for name in ("spent", "limit", "state", "period_start")} == {
            name: made[name] for name in ("spent", "limit", "state", "period_start")}  # fmt: skip
        if not period.startswith("rolling_"):
            assert datetime.fromisoformat(made["period_start"]) == since(period, filled.time_zone)
            assert made["resets_at"] == made["period_end"]


@pytest.mark.parametrize("period", ["weekly", "monthly", "rolling_7d"])
@time_machine.travel(NOW, tick=False)
def test_tokens_are_all_that_were_read_and_written(filled, api, period):
    sums = whole(spent(since(period, filled.time_zone), {"agent": ["coder"]}).values())
    made = make(api, period=period, scope={"agent": ["coder"]}, amount_usd=..., amount_tokens=10**7)
    assert made["spent"] == sums.input + sums.output
    assert made["remaining"] == 10**7 - sums.input - sums.output


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("period", ["daily", "weekly", "monthly"])
@time_machine.travel(NOW, tick=False)
def test_a_budget_may_count_by_a_zone_and_a_week_of_its_own(filled, api, zone, period):
    for week_start in (1, 6, 7):
        start = since(period, zone, week_start)
        made = make(api, period=period, time_zone=zone, week_start=week_start)
        assert datetime.fromisoformat(made["period_start"]) == start
        assert made["spent"] == f"{whole(spent(start, {}).values()).cost:.12f}"


@pytest.mark.parametrize("per", ["user", "agent", "model", "tag.customer"])
@time_machine.travel(NOW, tick=False)
def test_a_template_counts_each_value_apart(filled, api, per):
    found = spent(since("monthly", filled.time_zone), {}, [per])
    amounts = {name: sums.cost for (name,), sums in found.items() if name and sums.cost}
    limit = sorted(amounts.values())[len(amounts) // 2]
    made = make(api, per=per, amount_usd=str(limit), thresholds=[80, 100])
    assert {one["value"]: one["spent"] for one in made["values"]} == {n: f"{a:.12f}" for n, a in amounts.items()}
    assert [Decimal(one["spent"]) for one in made["values"]] == sorted(amounts.values(), reverse=True)
    assert {one["value"]: one["state"] for one in made["values"]} == {n: state(a, limit) for n, a in amounts.items()}
    over = [amount for amount in amounts.values() if amount >= limit]
    assert (made["value_count"], made["over_count"], made["state"]) == (len(amounts), len(over), "over")


@time_machine.travel(NOW, tick=False)
def test_the_list_can_be_of_one_state_and_says_the_same_as_each_budget(filled, api):
    Budget.objects.filter(workspace=filled).delete()
    total = whole(spent(since("monthly", filled.time_zone), {}).values()).cost
    ids = {
        wanted: make(api, name=wanted, amount_usd=f"{total * share:.2f}", paused=wanted == "paused")["id"]
        for wanted, share in (("ok", Decimal(3)), ("warning", Decimal("1.1")), ("over", Decimal("0.5")), ("paused", 1))
    }
    listed = {item["id"]: item for item in api.get("/api/v1/budgets").json()["items"]}
    assert list(listed) == list(ids.values()), "in the order in which they were made"
    for wanted, budget in ids.items():
        assert listed[budget]["state"] == wanted
        (only,) = api.get("/api/v1/budgets", {"state": wanted}).json()["items"]
        assert only == listed[budget]
    refused = api.get("/api/v1/budgets", {"state": "exploded"})
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "state")


@time_machine.travel(NOW, tick=False)
def test_each_field_changes_alone_and_what_is_counted_follows(filled, api):
    made = make(api, name="first", amount_usd="1000000", scope={"agent": ["triage"]}, thresholds=[50])
    path = f"/api/v1/budgets/{made['id']}"
    fixed = {"id", "created_at", "created_by"}
    for field, value in CHANGES:
        before = api.get(path).json()
        answer = api.patch(path, {field: value}, "application/json")
        assert answer.status_code == 200, answer.content
        told_now = answer.json()
        asked = ("name", "amount_usd", "scope", "period", "thresholds", "action", "paused", "time_zone", "per")
        for name in (*fixed, *asked):
            if name != field:
                assert told_now[name] == before[name], f"{name} moved with {field}"
        zone = told_now["time_zone"] or filled.time_zone
        if not told_now["per"]:
            sums = whole(spent(since(told_now["period"], zone), told_now["scope"]).values())
            assert told_now["spent"] == f"{sums.cost:.12f}"
    manage.remove(Budget.objects.get(pk=made["id"]), "ann")
    assert api.get(path).status_code == api.patch(path, {"name": "x"}, "application/json").status_code == 404
