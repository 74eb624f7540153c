"""Two releases side by side: which runs count, what is left out, and that sums are those of the books."""

from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.accounts.models import Workspace
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from costwatch.spend import comparison
from costwatch.spend.comparison import compare
from costwatch.spend.filters import SpendFilter
from tests.ledger.make import NOW, entry

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
SPAN = SpendFilter(NOW - 24 * HOUR, NOW + HOUR)


@pytest.fixture
def workspace(db) -> Workspace:
    return Workspace.objects.create(name="W")


def runs(release, count, cost, **fields):
    return [
        entry(
            run_id=f"{release}-{n}",
            release=release,
            cost=str(Decimal(cost) * (90 + n % 21) / 100),
            minutes=-60,
            **fields,
        )
        for n in range(count)
    ]


def send(workspace, *entries):
    record(workspace.lane, list(entries))
    fold_all()


def held(workspace, old="1", new="2", span=SPAN, **options):
    return compare(workspace, span, "release", old, new, NOW + HOUR, **options)


def test_a_dearer_release_is_worse_and_says_by_how_much(workspace):
    send(workspace, *runs("1", 60, "1"), *runs("2", 60, "1.5"))
    found = held(workspace)
    assert (found.verdict, found.exit_code, found.by_runs) == ("worse", 1, True)
    difference = found.measures["cost_per_run"].difference
    assert difference.value == pytest.approx(0.5, abs=0.01) and 0.4 < difference.low < difference.high < 0.6
    assert (
        found.measures["error_rate"].verdict == "too_little_data" or found.measures["error_rate"].difference.value == 0
    )


def test_the_sums_of_a_side_are_those_of_the_books(workspace):
    sent = [*runs("1", 40, "1"), *runs("2", 40, "0.7")]
    send(workspace, *sent)
    found = held(workspace)
    assert found.baseline.cost == sum(e.cost for e in sent if e.release == "1")
    assert (found.baseline.units, found.baseline.calls, found.candidate.units) == (40, 40, 40)
    assert found.measures["cost_per_run"].candidate.value == pytest.approx(float(found.candidate.cost) / 40)
    assert found.measures["cost_per_run"].verdict == "better"


def test_two_equal_releases_differ_by_nothing(workspace):
    send(workspace, *runs("1", 200, "1"), *runs("2", 200, "1"))
    found = held(workspace, deciding=["cost_per_run"])
    assert (found.verdict, found.exit_code) == ("no_difference", 0)


def test_a_handful_of_runs_is_too_little(workspace):
    send(workspace, *runs("1", 200, "1"), *runs("2", 10, "9"))
    assert (held(workspace).verdict, held(workspace).exit_code) == ("too_little_data", 2)


def test_runs_with_unpriced_calls_are_left_out_and_counted(workspace):
    send(workspace, *runs("1", 40, "1"), *runs("2", 40, "1"),
         entry(run_id="2-0", release="2", cost=None, minutes=-59))  # fmt: skip
    side = held(workspace).candidate
    assert (side.units, side.left_out) == (39, 1)


def test_a_run_that_is_not_quiet_yet_does_not_count(workspace):
    send(workspace, *runs("1", 40, "1"), entry(run_id="late", release="1", cost="9", minutes=58))
    assert held(workspace, "1", "1").baseline.units == 40


def test_filters_narrow_both_sides(workspace):
    send(workspace, *runs("1", 40, "1"), *runs("2", 40, "1", agent_id="coder"))
    span = SpendFilter(SPAN.start, SPAN.end, {"agent": ("coder",)})
    found = held(workspace, span=span)
    assert (found.baseline.units, found.candidate.units) == (0, 40)
    assert found.verdict == "too_little_data"


def test_where_no_call_names_a_run_calls_are_compared(workspace):
    calls = [
        entry(release=release, cost=cost, minutes=-9) for release, cost in (("1", "1"), ("2", "2")) for _ in range(40)
    ]
    for n, call in enumerate(calls):
        call.cost += Decimal(n % 7) / 100
    send(workspace, *calls)
    found = held(workspace, deciding=["cost_per_call"])
    assert (found.by_runs, found.verdict) == (False, "worse")
    assert "cost_per_run" not in found.measures


def test_any_tag_can_be_compared(workspace):
    for version, cost in (("a", "1"), ("b", "2")):
        tags = {"prompt_version": version}
        send(workspace, *(entry(run_id=f"{version}{n}", cost=cost, minutes=-30 - n % 3, tags=tags) for n in range(40)))
    found = compare(workspace, SPAN, "tag.prompt_version", "a", "b", NOW + HOUR, deciding=["cost_per_run"])
    assert (found.baseline.cost, found.candidate.cost) == (40, 80)


def test_of_very_many_runs_the_newest_are_looked_at_and_it_is_said(workspace, monkeypatch):
    monkeypatch.setattr(comparison, "MOST_UNITS", 30)
    send(workspace, *runs("1", 40, "1"))
    side = held(workspace, "1", "1").baseline
    assert (side.units, side.capped) == (30, True)


def test_a_side_is_looked_for_up_to_its_last_day_and_a_run_that_goes_on_for_longer_than_a_day_is_left_out(workspace):
    early = [entry(run_id=f"1-{n}", release="1", cost="1", minutes=-60 * 24 * 9) for n in range(40)]
    hour_on = [entry(run_id="1-0", release="1", cost="1", minutes=-60 * (24 * 9 - 1))]
    days_on = [entry(run_id="1-1", release="1", cost="1", minutes=-60 * 24 * 5)]
    send(workspace, *early, *hour_on, *runs("2", 40, "1"))
    span = SpendFilter(NOW - 12 * 24 * HOUR, NOW + HOUR)
    assert (held(workspace, span=span).baseline.units, held(workspace, span=span).baseline.cost) == (40, 41)
    send(workspace, *days_on)
    assert held(workspace, span=SpendFilter(span.start, NOW - 8 * 24 * HOUR), new="1").baseline.units == 39


def test_another_workspace_is_not_looked_at(workspace):
    other = Workspace.objects.create(name="Other")
    send(other, *runs("1", 40, "1"))
    assert held(workspace).baseline.units == 0
