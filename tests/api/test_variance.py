"""`GET /api/v1/variance` and `GET /api/v1/forecast`."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from costwatch.api.docs import schema
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from costwatch.spend.variance import EFFECTS
from tests.ledger.make import entry

pytestmark = pytest.mark.django_db
NOVEMBER = {"from": "2026-11-01", "to": "2026-12-01"}
OCTOBER = {"before_from": "2026-10-01", "before_to": "2026-11-01"}


@pytest.fixture
def spent(workspace):
    """October: triage 2 runs of $1. November: 5 of them; and lookup, new, $3."""
    record(workspace.lane, [
        *(entry(minutes=-30 * 24 * 60 - n, run_id=f"o-{n}", cost="1", model="own") for n in range(2)),
        *(entry(minutes=-n, run_id=f"n-{n}", cost="1", model="own", tags={"team": "ops"}) for n in range(5)),
        entry(agent_id="lookup", cost="3", model="own"),
    ])  # fmt: skip
    fold_all()


def test_parts_and_effects_add_up_to_the_change(get, spent):
    answer = get("/api/v1/variance", **NOVEMBER, **OCTOBER)
    assert answer["by"] == "agent"
    total = answer["total"]
    assert (total["cost_before_usd"], total["cost_usd"]) == ("2.000000000000", "8.000000000000")
    assert {part["value"]: part["effects"]["runs"] for part in answer["parts"]} == {
        "triage": "3.000000000000", "lookup": "3.000000000000"}  # fmt: skip
    assert tuple(total["effects"]) == EFFECTS
    for one in (total, *answer["parts"]):
        assert sum(map(Decimal, one["effects"].values())) == Decimal(one["change_usd"])
    assert sum(Decimal(part["change_usd"]) for part in answer["parts"]) == Decimal(total["change_usd"])
    assert answer["now"]["coverage"]["calls"] == 6


def test_without_another_range_it_is_the_one_just_before(get, spent):
    answer = get("/api/v1/variance", **{"from": "2026-11-01T00:00:00Z", "to": "2026-11-25T00:00:00Z"})
    assert answer["before"]["from"] == "2026-10-08T00:00:00Z"
    assert answer["before"]["to"] == answer["now"]["from"] == "2026-11-01T00:00:00Z"


def test_filters_and_groupings_hold_for_both_ranges(get, spent):
    answer = get("/api/v1/variance", **NOVEMBER, **OCTOBER, agent="triage", by="tag.team")
    assert {part["value"] for part in answer["parts"]} == {"", "ops"}
    assert get("/api/v1/variance", **NOVEMBER, **OCTOBER, by="none")["parts"] == []


@pytest.mark.parametrize(
    ("params", "field"),
    [({"by": "run"}, "by"), ({"by": "nonsense"}, "by"), ({"before_from": "soon"}, "before_from"),
     ({"before_from": "2026-11-01", "before_to": "2026-10-01"}, "before_to"), ({"agent": "\0"}, "agent")],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_with_the_field(client, params, field):
    response = client.get("/api/v1/variance", params)
    assert response.status_code == 400
    assert response.json()["error"]["field"] == field


def test_the_forecast_of_the_month_stands_beside_the_run_rate(get, workspace):
    now = datetime.now(UTC)
    record(workspace.lane, [entry(timestamp=now - timedelta(days=n), cost="10") for n in range(1, 61)])
    fold_all()
    answer = get("/api/v1/forecast")
    assert answer["method"] == "weekday" and answer["accuracy"] is None
    low, middle, high = (Decimal(answer[name]) for name in ("low_usd", "forecast_usd", "high_usd"))
    assert low <= middle <= high and 270 <= middle <= 320


def test_too_little_data_is_null_and_not_zero(get, workspace):
    record(workspace.lane, [entry(timestamp=datetime.now(UTC), cost="10")])
    answer = get("/api/v1/forecast")
    assert answer["forecast_usd"] is None and answer["method"] is None
    assert answer["spent_usd"] == "10.000000000000"


def test_the_answers_are_as_described(get, spent):
    shapes = schema()["components"]["schemas"]
    assert set(get("/api/v1/variance", **NOVEMBER)) == set(shapes["VarianceShape"]["properties"])
    assert set(get("/api/v1/forecast")) == set(shapes["ForecastShape"]["properties"])
