"""The two sides of a comparison are the units that plain counting finds, with their exact sums and quantiles."""

import random
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.ledger.adjust import Adjustment, adjust
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import UsageEvent
from costwatch.pricing.usage import CostSource
from costwatch.spend.comparison import LONGEST, MEASURES, QUIET, compare
from costwatch.spend.filters import SpendFilter
from tests.ledger.make import entry
from tests.spend.talks import END, START, percentile, spent
from tests.spend.usage import value_of

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
SPAN = SpendFilter(START + timedelta(days=1), END)
NOW = END + timedelta(days=9)


def calls(seed, with_runs=True):
    """Calls of two releases and of neither, in runs of hours or days, some unpriced, some failed."""
    dice = random.Random(seed)
    found = []
    for n in range(150):
        at = START + timedelta(seconds=dice.randrange(9 * 24 * 3600))
        release = dice.choice(["old", "new", None])
        step = dice.choice([timedelta(minutes=1), timedelta(hours=20)])
        for place in range(dice.choice([1, 2, 3])):
            found.append(
                entry(f"{seed}-{n}-{place}", timestamp=at + place * step, run_id=f"r{seed}-{n}" if with_runs else None,
                      release=release if place == 0 else dice.choice(["old", "new"]), requests=dice.choice([1, 2]),
                      agent_id=dice.choice(["a", "b"]), error=dice.random() < 0.2, input_tokens=dice.randrange(9_000),
                      output_tokens=dice.randrange(900),
                      cost=None if dice.random() < 0.05 else str(Decimal(dice.randrange(1, 10**7)).scaleb(-7)))
            )  # fmt: skip
    dice.shuffle(found)
    return found


def runs_of(entries, release, filter):
    """The runs whose first call has the release and lies in the range, that ended within a day after it."""
    runs = defaultdict(list)
    for e in sorted(entries, key=lambda e: e.timestamp):
        runs[e.run_id].append(e)
    return [
        own for own in runs.values()
        if own[0].release == release and filter.start <= own[0].timestamp < filter.end
        and own[-1].timestamp <= min(filter.end + LONGEST, NOW - QUIET)
        and all(value_of(own[0], name) in values for name, values in filter.include.items())
    ]  # fmt: skip


def check(side, units):
    """A side against its units, each a list of calls."""
    priced = [own for own in units if all(e.cost is not None for e in own)]
    costs = [spent(own) for own in priced]
    number = {
        "cost": costs,
        "one": [1] * len(priced),
        "calls": [sum(e.requests for e in own) for own in priced],
        "errors": [sum(e.requests for e in own if e.error) for own in priced],
        "input_tokens": [sum(e.input_tokens for e in own) for own in priced],
        "output_tokens": [sum(e.output_tokens for e in own) for own in priced],
    }
    assert (side.units, side.left_out, side.capped) == (len(priced), len(units) - len(priced), False)
    assert (side.cost, side.calls) == (sum(costs), sum(number["calls"]))
    assert (side.p50, side.p90) == (percentile(costs, Decimal("0.5")), percentile(costs, Decimal("0.9")))
    for name, (x, y) in MEASURES.items():
        moments = side.moments[name]
        xs, ys = ([float(value) for value in number[part]] for part in (x, y))
        told = (moments.x, moments.y, moments.xx, moments.yy, moments.xy)
        wanted = [sum(xs), sum(ys), *(sum(a * b for a, b in zip(p, q, strict=True))
                                      for p, q in ((xs, xs), (ys, ys), (xs, ys)))]  # fmt: skip
        assert told == pytest.approx(wanted, rel=1e-9)
        assert moments.n == len(priced)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("include", [{}, {"agent": ("a",)}])
def test_sides_are_made_of_the_runs_that_began_in_the_range_with_the_label(workspace, stored, seed, include):
    entries = stored(calls(seed))
    filter = SpendFilter(SPAN.start, SPAN.end, include)
    found = compare(workspace, filter, "release", "old", "new", NOW)
    assert found.by_runs and set(found.measures) == set(MEASURES)
    for side in (found.baseline, found.candidate):
        check(side, runs_of(entries, side.value, filter))


def test_without_runs_sides_are_made_of_calls(workspace, stored):
    entries = stored(calls(3, with_runs=False), folded=200)
    found = compare(workspace, SPAN, "release", "old", "new", NOW)
    assert not found.by_runs and found.deciding == ("error_rate",)
    assert {"cost_per_run", "calls_per_run"}.isdisjoint(found.measures)
    for side in (found.baseline, found.candidate):
        own = [[e] for e in entries if e.release == side.value and SPAN.start <= e.timestamp < SPAN.end]
        check(side, own)


def test_what_decides_can_be_chosen_and_what_the_units_do_not_have_decides_nothing(workspace, stored):
    stored(calls(4, with_runs=False))
    chosen = compare(workspace, SPAN, "release", "old", "new", NOW, deciding=["cost_per_run", "cost_per_call"])
    assert chosen.deciding == ("cost_per_call",)
    assert chosen.verdict == chosen.measures["cost_per_call"].verdict
    usual = compare(workspace, SPAN, "release", "old", "new", NOW, deciding=["cost_per_run"])
    assert usual.deciding == ("cost_per_call", "error_rate")


def test_a_value_against_itself_differs_by_nothing_and_a_side_that_is_not_there_is_too_little(workspace, stored):
    stored(calls(5))
    same = compare(workspace, SPAN, "release", "old", "old", NOW, tolerance=9)
    assert same.verdict == "no_difference" and same.exit_code == 0
    nobody = compare(workspace, SPAN, "release", "old", "nobody", NOW)
    assert (nobody.verdict, nobody.exit_code, nobody.by_runs) == ("too_little_data", 2, False)
    assert nobody.candidate.units == 0 and nobody.candidate.p50 is None


def test_a_run_counts_when_it_has_been_quiet_for_long_enough(workspace, stored):
    begun = START + timedelta(days=2)
    stored([entry(f"q{n}", timestamp=begun, run_id=f"q{n}", release=r, cost="1") for n, r in enumerate(["old", "new"])])
    fold_all()
    for minutes, units in ((0, 0), (4.9, 0), (5, 1), (60, 1)):
        found = compare(workspace, SPAN, "release", "old", "new", begun + timedelta(minutes=minutes))
        assert found.baseline.units == (units or 1)  # calls, as long as there is no run
        assert found.by_runs is bool(units)


@pytest.mark.parametrize("with_runs", [False, True])
def test_calls_count_at_what_they_cost_now_and_as_soon_as_they_have_a_price(workspace, stored, with_runs):
    made = [entry(f"{r}-{n}", release=r, cost="1", run_id=f"{r}-{n}" if with_runs else None, timestamp=SPAN.start)
            for r in ("old", "new") for n in range(40)]  # fmt: skip
    late = [entry(f"late-{n}", release="old", cost=None, requests=3, run_id=f"late-{n}" if with_runs else None,
                  timestamp=SPAN.start) for n in range(2)]  # fmt: skip
    stored([*made, *late])
    rows = {row.event_id: row for row in UsageEvent.objects.all()}
    changes = [("old-0", {"cost": Decimal(4)}), ("old-0", {"cost": Decimal(-1)}), ("old-1", {"cost": Decimal(-1)}),
               ("late-0", {"cost": Decimal(6), "unpriced_calls": -3})]  # fmt: skip
    adjust(workspace.lane, [
        Adjustment(SPAN.start, rows[name].attribution_id, measures, "repriced", rows[name].event_key, rows[name].run_id,
                   cost_source=CostSource.CATALOG)
        for name, measures in changes
    ])  # fmt: skip
    fee = Adjustment(SPAN.start, rows["old-2"].attribution_id, {"cost": Decimal(100)}, "a fee, and no call's")
    adjust(workspace.lane, [fee])
    fold_all()
    found = compare(workspace, SPAN, "release", "old", "new", NOW).baseline
    assert (found.units, found.left_out, found.calls) == (41, 1, 43)
    assert found.cost == 40 + 4 - 1 - 1 + 6
    assert found.p90 == 1 and found.moments["cost_per_call"].x == pytest.approx(48)
