"""A month is the month of the workspace's zone: page, CSV, API and plain sums agree in zones of :30 and :45, across
changes of the clocks, and for events on the very edge."""

import csv
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest

from costwatch.accounts.models import Workspace
from costwatch.ledger import months
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from tests.dashboards.conftest import logged_in
from tests.dashboards.page import text
from tests.ledger.make import NOW, entry

pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.thorough]
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Chatham", "Australia/Lord_Howe",
         "Pacific/Kiritimati", "Pacific/Pago_Pago")  # fmt: skip
MONTHS = ("2026-09", "2026-10", "2026-11")
SECTIONS = {
    "agent": lambda one: one.agent_id,
    "model": lambda one: one.model,
    "provider": lambda one: one.provider,
    "tag.customer": lambda one: (one.tags or {}).get("customer"),
}


def bounds(month: str, zone: str) -> tuple[datetime, datetime]:
    first = date.fromisoformat(f"{month}-01")
    after = (first + timedelta(days=32)).replace(day=1)
    midnight = datetime.min.time()
    start, end = (datetime.combine(day, midnight, ZoneInfo(zone)).astimezone(UTC) for day in (first, after))
    return start, end


def usage(zone: str):
    """Calls by chance, and pairs on both sides of every midnight that begins a month."""
    rnd = Random(zone)
    made = [
        entry(timestamp=NOW - timedelta(seconds=rnd.randrange(80 * 86_400)), agent_id=rnd.choice(("a", "b", None)),
              model=rnd.choice(("m-1", "m-2")), provider=rnd.choice(("p-1", "p-2")), run_id=f"r-{n}",
              cost=str(Decimal(rnd.randrange(10**12)).scaleb(-11)), tags={"customer": rnd.choice(("x", "y"))})
        for n in range(90)
    ]  # fmt: skip
    for month in MONTHS:
        edge = bounds(month, zone)[0]
        made += [entry(timestamp=edge - timedelta(microseconds=1), cost="0.000000000001", run_id=f"before {month}"),
                 entry(timestamp=edge, cost="0.000000001", run_id=f"after {month}")]  # fmt: skip
    return made


@pytest.fixture(params=ZONES)
def filled(request, db, now):
    """(workspace, its calls, a browser logged in to it)"""
    workspace = Workspace.objects.create(name="Larkfield", time_zone=request.param)
    calls = usage(request.param)
    record(workspace.lane, calls)
    fold_all()
    return workspace, calls, logged_in(workspace, "viewer@larkfield.example")


def lines(client, month: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(client.get(f"/month/{month}.csv").content.decode())))


def total(calls) -> Decimal:
    return sum((one.cost for one in calls), Decimal(0))


def test_a_month_holds_what_happened_between_its_midnights_there(filled):
    workspace, calls, client = filled
    for month in MONTHS:
        start, end = bounds(month, workspace.time_zone)
        own = [one for one in calls if start <= one.timestamp < end]
        found = lines(client, month)
        (told,) = [line for line in found if line["section"] == "total"]
        assert Decimal(told["cost_usd"]) == total(own), month
        assert (int(told["calls"]), int(told["runs"])) == (len(own), len(own))
        assert int(told["input_tokens"]) == sum(one.input_tokens for one in own)
        for section, of in SECTIONS.items():
            groups: dict[str, list] = {}
            for one in own:
                groups.setdefault(of(one) or "Not attributed", []).append(one)
            rows = {line["name"]: line for line in found if line["section"] == section}
            told_costs = {name: Decimal(line["cost_usd"]) for name, line in rows.items() if int(line["calls"])}
            assert told_costs == {name: total(group) for name, group in groups.items()}, (month, section)


def test_the_api_says_the_same_of_the_same_days(filled):
    _, _, client = filled
    for month, after in pairwise(MONTHS):
        asked = {"from": f"{month}-01", "to": f"{after}-01", "group_by": "provider"}
        answer = client.get("/api/v1/spend", asked).json()
        found = lines(client, month)
        (whole,) = [line for line in found if line["section"] == "total"]
        assert answer["total"]["cost_usd"] == whole["cost_usd"]
        own = [line for line in found if line["section"] == "provider" and line["calls"] != "0"]
        told = {line["name"]: line["cost_usd"] for line in own}
        assert {group["provider"]: group["cost_usd"] for group in answer["groups"]} == told


def test_the_change_is_that_against_the_whole_month_before(filled):
    workspace, calls, client = filled
    sums = [total(one for one in calls if bounds(month, workspace.time_zone)[0] <= one.timestamp
                  < bounds(month, workspace.time_zone)[1]) for month in MONTHS[:2]]  # fmt: skip
    (told,) = [line for line in lines(client, "2026-10") if line["section"] == "total"]
    assert (Decimal(told["cost_before_usd"]), Decimal(told["change_usd"])) == (sums[0], sums[1] - sums[0])
    words = text(client.get("/month/2026-10").content.decode())
    more = "more" if sums[1] > sums[0] else "less"
    apart = abs(round(sums[1], 2) - round(sums[0], 2))  # as a reader subtracts them
    assert f"October cost ${sums[1]:,.2f}, ${apart:,.2f}" in words
    assert f"{more} than in September." in words


def test_a_closed_month_keeps_its_sum_to_the_last_digit_and_late_calls_count_in_the_open_one(filled):
    workspace, _, client = filled
    before = {month: lines(client, month) for month in MONTHS}
    months.close(workspace, date(2026, 10, 1), "ann", NOW)
    start, end = bounds("2026-10", workspace.time_zone)
    late = [entry(timestamp=start, cost="5"), entry(timestamp=end - timedelta(microseconds=1), cost="7")]
    record(workspace.lane, late)
    fold_all()
    *same, moved = lines(client, "2026-10")
    assert same == before["2026-10"]
    assert lines(client, "2026-09") == before["2026-09"]
    assert (moved["name"], Decimal(moved["cost_usd"])) == ("came after its month was closed", -12)
    (was,) = [line for line in before["2026-11"] if line["section"] == "total"]
    found = lines(client, "2026-11")
    (now,) = [line for line in found if line["section"] == "total"]
    assert Decimal(now["cost_usd"]) - Decimal(was["cost_usd"]) == 12
    assert (found[-1]["name"], Decimal(found[-1]["cost_usd"])) == (moved["name"], 12)
