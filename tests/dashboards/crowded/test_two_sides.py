"""The releases page and its CSV: the plain figures of both sides against sums of the calls themselves."""

import csv
import re
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from costwatch.ledger.fold import fold_all
from tests.dashboards.crowded import field
from tests.dashboards.page import figure, links, row, text
from tests.ledger.make import entry

pytestmark = pytest.mark.thorough
EVER = {"first": "2026-08-01", "last": "2026-11-18"}
PAIRS = [
    ("release", "triage@1", "triage@2"), ("release", "reasoning@2", "reasoning@1"), ("environment", "prod", "test"),
    ("agent", "triage", "reasoning"), ("tag.customer", "Orbit & Sons", "Lark"), ("agent", field.HOSTILE, "lookup"),
]  # fmt: skip


def body(client, path="/releases", **params) -> str:
    answer = client.get(path, {**EVER, **params})
    assert answer.status_code == 200
    return answer.content.decode()


def table(client, **params) -> dict[str, dict[str, str]]:
    return {line["measure"]: line for line in csv.DictReader(StringIO(body(client, "/releases.csv", **params)))}


@pytest.fixture
def sides(calls):
    """(dimension, value) → the runs whose first call carries it; those with a call that has no price are left out."""
    fold_all()
    runs = [own for name, own in field.by(calls, lambda one: one.run_id).items() if name]

    def of(dimension: str, value: str):
        own = [run for run in runs if (field.value_of(run[0], dimension) or "") == value]
        whole = [run for run in own if all(one.cost is not None for one in run)]
        return whole, len(own) - len(whole)

    return of


@pytest.mark.parametrize(("dimension", "baseline", "candidate"), PAIRS)
def test_each_side_is_its_runs_with_all_their_calls(client, sides, dimension, baseline, candidate):
    found = table(client, dimension=dimension, baseline=baseline, candidate=candidate)
    for side, value in (("baseline", baseline), ("candidate", candidate)):
        runs, _ = sides(dimension, value)
        calls = [one for run in runs for one in run]
        cost = field.cost(calls)
        exact = {
            "cost_per_run": cost / len(runs), "cost_per_call": cost / len(calls),
            "error_rate": Decimal(sum(one.error for one in calls)) / len(calls),
            "calls_per_run": Decimal(len(calls)) / len(runs),
            "input_tokens_per_call": Decimal(sum(one.input_tokens or 0 for one in calls)) / len(calls),
            "output_tokens_per_call": Decimal(sum(one.output_tokens or 0 for one in calls)) / len(calls),
        }  # fmt: skip
        for measure, amount in exact.items():
            assert float(found[measure][f"{side}_value"]) == pytest.approx(float(amount)), (value, measure)


@pytest.mark.parametrize(("dimension", "baseline", "candidate"), PAIRS)
def test_the_page_says_what_was_compared_and_what_was_left_out(client, sides, dimension, baseline, candidate):
    html = body(client, dimension=dimension, baseline=baseline, candidate=candidate)
    (old, old_out), (new, new_out) = sides(dimension, baseline), sides(dimension, candidate)
    assert row(html, "Runs begun")[1:] == [str(len(old)), str(len(new))]
    assert row(html, "Calls")[1:] == [str(sum(map(len, old))), str(sum(map(len, new)))]
    costs = [[field.cost(run) for run in side] for side in (old, new)]
    assert row(html, "Spend")[1:] == [f"${sum(side):,.2f}" for side in costs]
    medians = [sorted(side)[-(-len(side) // 2) - 1] for side in costs]
    assert row(html, "Median run")[1:] == [f"${median:.2f}" for median in medians]
    if old_out or new_out:
        assert row(html, "Left out: no price")[1:] == [str(old_out), str(new_out)]
    assert field.HOSTILE not in html


@pytest.mark.parametrize(("dimension", "baseline", "candidate"), PAIRS)
def test_swapped_sides_tell_the_same_the_other_way_round(client, dimension, baseline, candidate):
    html = body(client, dimension=dimension, baseline=baseline, candidate=candidate)
    turned = next(link for link in links(html) if parse_qs(urlsplit(link).query).get("baseline") == [candidate])
    assert parse_qs(urlsplit(turned).query)["candidate"] == [baseline]
    there = table(client, dimension=dimension, baseline=baseline, candidate=candidate)
    back = table(client, dimension=dimension, baseline=candidate, candidate=baseline)
    opposite = {"better": "worse", "worse": "better"}
    for measure, line in there.items():
        assert line["baseline_value"] == back[measure]["candidate_value"]
        if measure != "error_rate" and line["difference_value"]:
            ratio = (1 + float(line["difference_value"])) * (1 + float(back[measure]["difference_value"]))
            assert ratio == pytest.approx(1), measure
        if measure == "error_rate":
            assert line["verdict"] == opposite.get(back[measure]["verdict"], back[measure]["verdict"])


def test_a_condition_holds_for_both_sides(client, sides):
    found = table(client, dimension="environment", baseline="prod", candidate="test", agent="triage")
    for side, value in (("baseline", "prod"), ("candidate", "test")):
        runs = [run for run in sides("environment", value)[0] if run[0].agent_id == "triage"]
        mean = field.cost(one for run in runs for one in run) / len(runs)
        assert float(found["cost_per_run"][f"{side}_value"]) == pytest.approx(float(mean))


def test_the_chart_holds_the_differences_of_the_table_with_their_ends(client):
    html = body(client, dimension="environment", baseline="prod", candidate="test")
    told = table(client, dimension="environment", baseline="prod", candidate="test")
    drawn = figure(html)["data"][0]
    lines = [line for line in told.values() if line["difference_low"] and line["difference_high"]]
    assert drawn["x"] == pytest.approx([float(line["difference_value"]) * 100 for line in lines])
    for line, up, down in zip(lines, drawn["error_x"]["array"], drawn["error_x"]["arrayminus"], strict=True):
        middle = float(line["difference_value"])
        assert up == pytest.approx((float(line["difference_high"]) - middle) * 100)
        assert down == pytest.approx((middle - float(line["difference_low"])) * 100)
    reach = figure(html)["layout"]["xaxis"]["range"][1]
    ends = [abs(float(line[end])) * 100 for line in lines for end in ("difference_low", "difference_high")]
    assert reach > max(ends), "no interval is cut off"


@pytest.mark.parametrize(("minutes", "counts"), [(-2, 0), (-4.9, 0), (-5.1, 1), (-60, 1)])
def test_a_run_that_called_within_five_minutes_is_not_over_and_not_compared(client, send, minutes, counts):
    def runs() -> int:
        fold_all()
        return int(row(body(client, dimension="environment", baseline="prod", candidate="test"), "Runs begun")[1])

    before = runs()
    send(entry(minutes=minutes, run_id="new", environment="prod"))
    assert runs() == before + counts


@pytest.mark.parametrize("missing", ["baseline", "candidate"])
def test_a_side_that_nobody_ever_called_is_told_to_be_empty(client, missing):
    sides = {"baseline": "triage@1", "candidate": "triage@2", missing: "triage@404"}
    html = body(client, **sides)
    assert "too little data" in text(html)
    assert row(html, "Calls")[1 + (missing == "candidate")] == "0"


def test_the_gate_quotes_what_a_shell_would_read(client):
    html = body(client, dimension="agent", baseline=field.HOSTILE, candidate="lookup", **{"model!": "gpt-5.4"})
    gate = text(re.search(r"<pre[^>]*>(.*?)</pre>", html, re.S)[1])
    address = re.search(r"'(http[^']*)'", gate)[1]
    asked = parse_qs(urlsplit(address).query)
    assert (asked["baseline"], asked["candidate"]) == ([field.HOSTILE], ["lookup"])
    assert (asked["model!"], asked["dimension"]) == (["gpt-5.4"], ["agent"])
    assert gate.count("'") == 2, "no name ends the quoted address"


@pytest.mark.parametrize("day", ["2026-10-01", "2026-10-06", "2026-10-22", "2026-11-05"])
def test_the_days_are_those_of_the_zone(client, sides, day):
    """Of five days in Berlin (22 to 26 October: the clocks change in them), the runs that began in them."""
    first = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    after = first + timedelta(days=5)
    both = [
        [run for run in sides("environment", value)[0] if first <= run[0].timestamp < after]
        for value in ("prod", "test")
    ]
    assert all(both)
    asked = {"first": day, "last": f"{after - timedelta(days=1):%Y-%m-%d}"}
    html = body(client, dimension="environment", baseline="prod", candidate="test", **asked)
    assert row(html, "Runs begun")[1:] == [str(len(side)) for side in both]
