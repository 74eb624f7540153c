"""The numbers of the API against sums that are counted call by call: spend, files, events and runs say the same."""

import csv
import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from zoneinfo import ZoneInfo

import pytest

from tests.api.conftest import caller
from tests.api.test_lists import pages
from tests.dashboards.oracle import Told, books, told, usage, value, whole

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
CALLS = usage(23, 150)
FIRST, LAST = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
RANGE = {"from": "2026-09-01T00:00:00Z", "to": "2026-12-01T00:00:00Z"}
GROUPS = [
    "agent",
    "task",
    "user",
    "model",
    "run",
    "tag.customer",
    "agent,model",
    "task,user",
    "agent,tag.customer,task",
]
FILTERS = [
    ({}, {}),
    ({"agent": ["triage"]}, {}),
    ({"agent": ["triage", "coder"], "task": ["refund"]}, {}),
    ({"task": [""]}, {}),
    ({}, {"agent": ["triage"]}),
    ({}, {"task": [""]}),
    ({"tag.customer": ["Ällä & Co"]}, {"model": ["gpt-5.4-mini"]}),
    ({"user": ["u-1", "u-2", "nobody"]}, {"agent": ["", "coder"]}),
    ({"agent": ["nobody"]}, {}),
]


@pytest.fixture(scope="module")
def filled(django_db_setup, django_db_blocker):
    """The calls in the books, the last twenty not folded yet."""
    with books(django_db_blocker, *CALLS, zone="Australia/Lord_Howe", unfolded=20) as workspace:
        yield workspace


@pytest.fixture
def ask(filled):
    client = caller(filled, "read")

    def fetch(address, **params):
        response = client.get(f"/api/v1/{address}", params)
        assert response.status_code == 200, response.content
        return response.json()

    fetch.client = client
    return fetch


def query(include, exclude) -> dict[str, list[str]]:
    return {**include, **{f"{name}!": values for name, values in exclude.items()}}


def fits(call, include, exclude) -> bool:
    taken = all(value(call, name) in values for name, values in include.items())
    return taken and not any(value(call, name) in values for name, values in exclude.items())


def check(answer: dict, sums: Told) -> None:
    """All the measures of one group or total."""
    assert answer["calls"] == sums.calls
    assert answer["errors"] == sums.errors
    assert answer["runs"] == len(sums.runs)
    assert answer["unpriced_calls"] == sums.unpriced
    assert answer["usage_unknown_calls"] == sums.unknown
    assert answer["input_tokens"] == sums.input
    assert answer["cached_input_tokens"] == sums.cached
    assert answer["output_tokens"] == sums.output
    assert answer["cost_usd"] == f"{sums.cost:.12f}"
    assert answer["error_cost_usd"] == f"{sums.error_cost:.12f}"
    assert answer["unpriced_upper_bound_usd"] == f"{sums.bound:.12f}"


@pytest.mark.parametrize("group_by", GROUPS)
@pytest.mark.parametrize("narrowed", range(len(FILTERS)))
def test_every_group_is_the_sum_of_its_calls(ask, group_by, narrowed):
    include, exclude = FILTERS[narrowed]
    names = group_by.split(",")
    expected = told(CALLS, names, FIRST, LAST, include, exclude)
    answer = ask("spend", **RANGE, group_by=group_by, **query(include, exclude))
    found = {tuple(group[name] for name in names): group for group in answer["groups"]}
    assert found.keys() == expected.keys() and len(answer["groups"]) == len(found)
    for key, group in found.items():
        check(group, expected[key])
    total = whole(expected.values())
    check(answer["total"], total)
    assert answer["total"]["events"] == sum(group["events"] for group in answer["groups"])
    coverage = answer["coverage"]
    assert coverage["calls"] == coverage["priced_calls"] + coverage["unpriced_calls"] + coverage["usage_unknown_calls"]
    assert coverage["unpriced_upper_bound_usd"] == f"{total.bound:.12f}"
    known = total.cost + total.bound
    if not known:
        assert coverage["priced_share"] is None
    else:
        assert (
            0
            <= Decimal(str(coverage["priced_share"])) - total.cost / known + Decimal("0.000001")
            <= Decimal("0.000001")
        )


@pytest.mark.parametrize("bucket", ["hour", "day", "month"])
@pytest.mark.parametrize("tz", ["Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "UTC"])
def test_buckets_are_those_of_the_zone_that_is_asked_for(ask, bucket, tz):
    zone = ZoneInfo(tz)
    forms = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m"}
    expected: dict[str, Decimal] = defaultdict(Decimal)
    calls: dict[str, int] = defaultdict(int)
    for call in CALLS:
        name = call.timestamp.astimezone(zone).strftime(forms[bucket])
        expected[name] += call.cost or 0
        calls[name] += call.requests
    answer = ask("spend", **RANGE, bucket=bucket, tz=tz, limit="10000")
    found: dict[str, Decimal] = defaultdict(Decimal)
    counted: dict[str, int] = defaultdict(int)
    for group in answer["groups"]:
        start = datetime.fromisoformat(group["bucket"])
        assert start.utcoffset() == start.astimezone(zone).utcoffset(), "each in the offset of its own moment"
        name = start.strftime(forms[bucket])
        found[name] += Decimal(group["cost_usd"])
        counted[name] += group["calls"]
    assert (found, counted) == (expected, calls)
    starts = [datetime.fromisoformat(group["bucket"]) for group in answer["groups"]]
    assert starts == sorted(starts)


@pytest.mark.parametrize("limit", ["1", "3", "7"])
def test_what_a_limit_cuts_off_is_in_the_rest_to_the_last_digit(ask, limit):
    every = told(CALLS, ["user", "model"], FIRST, LAST)
    answer = ask("spend", **RANGE, group_by="user,model", limit=limit)
    kept = {(g["user"], g["model"]) for g in answer["groups"] if not g.get("other")}
    assert len(kept) == int(limit)
    dearest = sorted((sums.cost for sums in every.values()), reverse=True)[: int(limit)]
    assert sorted((every[key].cost for key in kept), reverse=True) == dearest
    (rest,) = [group for group in answer["groups"] if group.get("other")]
    assert rest["user"] is None and rest["model"] is None
    check(rest, whole(sums for key, sums in every.items() if key not in kept))
    check(answer["total"], whole(every.values()))


@pytest.mark.parametrize("minute", [0, 1, 7, 15, 30, 59])
def test_a_range_begins_with_its_first_moment_and_ends_before_its_last(ask, minute):
    call = CALLS[60]
    start = call.timestamp - timedelta(minutes=minute)
    for begin, end in ((start, call.timestamp), (start, call.timestamp + timedelta(microseconds=1)),
                       (call.timestamp, call.timestamp + timedelta(days=3, minutes=minute))):  # fmt: skip
        if begin >= end:
            continue
        expected = whole(told(CALLS, [], begin, end).values())
        check(ask("spend", **{"from": begin.isoformat(), "to": end.isoformat()})["total"], expected)


@pytest.mark.parametrize("narrowed", range(len(FILTERS)))
def test_a_file_of_sums_holds_the_answer(ask, narrowed):
    include, exclude = FILTERS[narrowed]
    asked = {**RANGE, "group_by": "agent,task", "bucket": "day", "tz": "Asia/Kathmandu", **query(include, exclude)}
    answer = ask("spend", **asked)
    text = b"".join(ask.client.get("/api/v1/export/spend.csv", asked).streaming_content).decode()
    rows = list(csv.DictReader(StringIO(text, newline="")))
    assert len(rows) == len(answer["groups"])
    for row, group in zip(rows, answer["groups"], strict=True):
        assert row["agent"] == group["agent"] and row["task"] == group["task"] and row["bucket"] == group["bucket"]
        for name in ("cost_usd", "error_cost_usd", "unpriced_upper_bound_usd"):
            assert Decimal(row[name]) == Decimal(group[name])
        for name in ("events", "calls", "errors", "runs", "input_tokens", "output_tokens", "unpriced_calls"):
            assert int(row[name]) == group[name]


@pytest.mark.parametrize("narrowed", range(len(FILTERS)))
def test_lists_and_files_of_events_name_the_calls_that_are_summed(ask, narrowed):
    include, exclude = FILTERS[narrowed]
    wanted = [call for call in CALLS if fits(call, include, exclude)]
    asked = query(include, exclude)
    listed = list(pages(ask, "events", **asked, limit="13", order="time"))
    assert [event["event_id"] for event in listed] == [call.event_id for call in wanted]
    for event, call in zip(listed, wanted, strict=True):
        assert event["timestamp"] == call.timestamp.isoformat().replace("+00:00", "Z")
        assert event["cost_usd"] == (None if call.cost is None else f"{call.cost:.12f}")
        assert (event["agent_id"], event["task"], event["user_id"]) == (call.agent_id, call.task, call.user_id)
        assert (event["requests"], event["status"]) == (call.requests, "error" if call.error else "ok")
        assert event["tags"] == (call.tags or {})
    lines = b"".join(ask.client.get("/api/v1/export/events.ndjson", asked).streaming_content).splitlines()
    assert [json.loads(line)["event_id"] for line in lines] == [call.event_id for call in wanted]


def test_runs_are_the_sums_of_their_calls_and_labelled_by_their_first(ask):
    by_run = defaultdict(list)
    for call in CALLS:
        by_run[call.run_id].append(call)
    found = {run["run_id"]: run for run in pages(ask, "runs", limit="4")}
    assert found.keys() == by_run.keys()
    for run_id, calls in by_run.items():
        run = found[run_id]
        check(run, whole(told(calls, [], FIRST, LAST).values()))
        assert run["events"] == len(calls)
        assert (run["agent_id"], run["task"], run["user_id"]) == (calls[0].agent_id, calls[0].task, calls[0].user_id)
        span = calls[-1].timestamp - calls[0].timestamp
        assert run["duration_ms"] == span // timedelta(milliseconds=1)
        assert ask(f"runs/{run_id}") == run
    dearest = [Decimal(run["cost_usd"]) for run in pages(ask, "runs", limit="6", order="-cost")]
    assert dearest == sorted(dearest, reverse=True) and len(dearest) == len(by_run)
    last = [run["last_call_at"] for run in pages(ask, "runs", limit="6")]
    assert last == sorted(last, reverse=True)


@pytest.mark.parametrize("by", ["agent", "model", "user", "tag.customer", "none"])
def test_a_variance_is_the_difference_of_two_sums_and_its_effects_add_up_to_it(ask, by):
    middle = datetime(2026, 10, 20, 10, 30, tzinfo=UTC)
    start, end = middle - timedelta(days=25), middle + timedelta(days=20)
    answer = ask("variance", by=by, before_from=start.isoformat(), before_to=middle.isoformat(),
                 **{"from": middle.isoformat(), "to": end.isoformat()})  # fmt: skip
    before, after = whole(told(CALLS, [], start, middle).values()), whole(told(CALLS, [], middle, end).values())
    total = answer["total"]
    assert (total["cost_before_usd"], total["cost_usd"]) == (f"{before.cost:.12f}", f"{after.cost:.12f}")
    for change in (total, *answer["parts"]):
        difference = Decimal(change["cost_usd"]) - Decimal(change["cost_before_usd"])
        assert Decimal(change["change_usd"]) == difference
        assert sum(map(Decimal, change["effects"].values())) == difference
    if by == "none":
        assert (answer["parts"], answer["by"]) == ([], None)
        return
    was, now = (told(CALLS, [by], *span) for span in ((start, middle), (middle, end)))
    for part in answer["parts"]:
        if not part.get("other"):
            key = (part["value"],)
            assert Decimal(part["cost_before_usd"]) == was.get(key, Told()).cost
            assert Decimal(part["cost_usd"]) == now.get(key, Told()).cost
    assert sum(Decimal(part["change_usd"]) for part in answer["parts"]) == after.cost - before.cost
