"""`GET /api/v1/spend`."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from costwatch.accounts.models import Workspace
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from tests.api.conftest import caller
from tests.ledger.make import entry

pytestmark = pytest.mark.django_db
NOVEMBER = {"from": "2026-11-01", "to": "2026-12-01"}


@pytest.fixture
def spent(workspace):
    record(workspace.lane, [
        entry(agent_id="triage", cost="12.34", user_id="u-1", run_id="r-1", cached_input_tokens=1000,
              tags={"team": "ops"}),
        entry(agent_id="triage", cost="0.000000000001", error=True, requests=3),
        entry(agent_id="coder", model="mystery", cost=None, upper_bound=Decimal("1.5"), minutes=24 * 60),
    ])  # fmt: skip
    fold_all()


def test_the_answer_has_the_shape_of_the_contract(get, spent):
    answer = get("/api/v1/spend", **NOVEMBER, group_by="agent,model", bucket="day")
    assert {k: answer[k] for k in ("from", "to", "time_zone", "currency")} == {
        "from": "2026-11-01T00:00:00+01:00", "to": "2026-12-01T00:00:00+01:00", "time_zone": "Europe/Berlin",
        "currency": "USD"}  # fmt: skip
    assert answer["groups"][0] == {
        "agent": "triage", "model": "gpt-5.4-mini", "bucket": "2026-11-18T00:00:00+01:00", "events": 2, "calls": 4,
        "errors": 3, "runs": 1, "input_tokens": 2400, "cached_input_tokens": 1000, "cache_write_tokens": 0,
        "output_tokens": 170, "reasoning_tokens": 0, "unpriced_calls": 0, "usage_unknown_calls": 0,
        "cost_usd": "12.340000000001", "error_cost_usd": "0.000000000001", "unpriced_upper_bound_usd": "0.000000000000",
    }  # fmt: skip
    assert answer["coverage"] == {"calls": 5, "priced_calls": 4, "unpriced_calls": 1, "usage_unknown_calls": 0,
                                  "unpriced_upper_bound_usd": "1.500000000000", "priced_share": 0.891618}  # fmt: skip
    assert answer["total"]["cost_usd"] == "12.340000000001"


def test_groups_sum_to_the_total(get, spent):
    answer = get("/api/v1/spend", **NOVEMBER, group_by="agent,model,user,tag.team", bucket="hour")
    for measure in ("calls", "errors", "runs", "input_tokens", "output_tokens"):
        assert sum(g[measure] for g in answer["groups"]) == answer["total"][measure]
    assert sum(Decimal(g["cost_usd"]) for g in answer["groups"]) == Decimal(answer["total"]["cost_usd"])


def test_without_a_range_the_last_thirty_days_and_today_count(get, workspace):
    now = datetime.now(UTC)
    days = (0, 1, 28, 31, 60)
    record(workspace.lane, [entry(f"d{n}", timestamp=now - timedelta(days=n), cost="1") for n in days])
    assert get("/api/v1/spend")["total"]["events"] == 3


def test_an_event_of_a_fast_clock_counts_at_once(get, workspace):
    record(workspace.lane, [entry(timestamp=datetime.now(UTC) + timedelta(minutes=4), cost="1")])
    assert get("/api/v1/spend")["total"]["cost_usd"] == "1.000000000000"


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("agent=triage", "12.340000000001"),
        ("agent=triage&agent=coder&user=u-1", "12.340000000000"),
        ("agent!=triage", "0.000000000000"),
        ("user=", "0.000000000001"),
        ("user!=", "12.340000000000"),
        ("tag.team=ops", "12.340000000000"),
        ("tag.team!=ops", "0.000000000001"),
        ("run=r-1", "12.340000000000"),
        ("agent_id=triage&run_id=r-1", "12.340000000000"),
        ("agent=nobody", "0.000000000000"),
        ("limit=1&group_by=agent", "12.340000000001"),
    ],
)
def test_filters(client, spent, query, cost):
    response = client.get(f"/api/v1/spend?from=2026-11-01&to=2026-12-01&{query}")
    assert response.json()["total"]["cost_usd"] == cost


def test_what_the_limit_cuts_off_is_marked(get, spent):
    answer = get("/api/v1/spend", **NOVEMBER, group_by="agent", limit=1)
    assert [(g["agent"], g.get("other", False), g["calls"]) for g in answer["groups"]] == [
        ("triage", False, 4),
        (None, True, 1),
    ]


def test_days_are_those_of_the_zone_asked_for(get, spent):
    answer = get("/api/v1/spend", **NOVEMBER, tz="Asia/Kathmandu", bucket="day")
    assert (answer["time_zone"], answer["from"]) == ("Asia/Kathmandu", "2026-11-01T00:00:00+05:45")
    assert answer["groups"][0]["bucket"] == "2026-11-18T00:00:00+05:45"


def test_without_events_everything_is_zero_and_no_share_is_claimed(get):
    answer = get("/api/v1/spend")
    assert (answer["groups"], answer["total"]["calls"], answer["coverage"]["priced_share"]) == ([], 0, None)


def test_a_key_sees_its_own_workspace_only(get, spent):
    other = Workspace.objects.create(name="Other")
    answer = caller(other, "read").get("/api/v1/spend", NOVEMBER).json()
    assert answer["total"]["calls"] == 0


def test_large_sums_keep_all_their_digits(get, workspace):
    record(workspace.lane, [entry(cost="999999999999.000000000001") for _ in range(30)])
    assert get("/api/v1/spend", **NOVEMBER)["total"]["cost_usd"] == "29999999999970.000000000030"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=yesterday", "from"),
        ("from=2026-12-01&to=2026-11-01", "to"),
        ("group_by=password", "group_by"),
        ("bucket=fortnight", "bucket"),
        ("bucket=15m&from=2000-01-01", "bucket"),
        ("tz=Mars/Olympus", "tz"),
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("agent=%00", "agent"),
    ],
)
def test_a_query_that_cannot_be_answered_is_400_with_the_parameter(client, query, field):
    response = client.get(f"/api/v1/spend?{query}")
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["code"], error["field"]) == ("invalid", field)
    assert error["message"].endswith(".")


def test_unknown_parameters_are_ignored(get, spent):
    assert get("/api/v1/spend", **NOVEMBER, granularity="fortnight", format="exe", callback="x")["total"]["calls"] == 5


def test_nobody_may_keep_the_answer(client):
    assert client.get("/api/v1/spend")["Cache-Control"] == "private, no-store"
