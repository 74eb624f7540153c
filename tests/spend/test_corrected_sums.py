"""Corrections are part of every sum: by any dimension and period, from whichever tables, to the last digit."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.ledger import sheets
from costwatch.ledger.adjust import Adjustment, adjust
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import UsageEvent
from costwatch.ledger.verify import verify
from costwatch.lib import periods
from costwatch.spend import export
from costwatch.spend.filters import EARLIEST, LATEST, SpendFilter
from costwatch.spend.queries import BUCKETS, query
from costwatch.spend.sums import Sums, add
from tests.spend.test_exactness import DIMENSIONS, filters, first_of_run, without_key
from tests.spend.usage import generated, sums_of, value_of

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
per_data = settings(max_examples=40, deadline=None,
                    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # fmt: skip
COUNTS = ("calls", "errors", "unpriced_calls", "input_tokens", "cached_input_tokens", "output_tokens")
MONEY = ("cost", "error_cost", "upper_bound")


def corrected(lane, entries, seed, count=60):
    """Correct some of the events, most of them at their own time; what was done, as (event, time, measures)."""
    dice = random.Random(seed)
    rows = {row.event_id: row for row in UsageEvent.objects.filter(lane=lane)}
    done, made = [], []
    for _ in range(count):
        e = dice.choice(entries)
        row = rows[e.event_id]
        at = e.timestamp if dice.random() < 0.7 else e.timestamp + timedelta(seconds=dice.gauss(0, 30 * 3600))
        measures = {name: dice.randrange(-50, 50) for name in dice.sample(COUNTS, 2)}
        measures |= {name: Decimal(dice.randrange(-(10**13), 10**13)).scaleb(-12) for name in dice.sample(MONEY, 2)}
        made.append(
            Adjustment(at, row.attribution_id, measures, "put right", row.event_key if dice.random() < 0.5 else None,
                       row.run_id, row.session_id, row.end_user_id)
        )  # fmt: skip
        done.append((e, at, measures))
    adjust(lane, made)
    return done


def holds(filter, e, at):
    return (
        filter.start <= at < filter.end
        and all(value_of(e, name) in values for name, values in filter.include.items())
        and all(value_of(e, name) not in values for name, values in filter.exclude.items())
    )


def wanted(entries, done, filter, group_by, starts):
    """The groups that plain addition finds, without those that come to nothing."""
    begins = first_of_run(entries)
    parts = [(e, e.timestamp, sums_of([e], begins)) for e in entries]
    parts += [(e, at, Sums(**measures)) for e, at, measures in done]
    found = defaultdict(list)
    for e, at, sums in parts:
        if holds(filter, e, at):
            bucket = max((start for start in starts if start <= at), default=None)
            found[*(value_of(e, name) for name in group_by), bucket].append(sums)
    return {key: total for key, sums in found.items() if (total := add(sums))}


@pytest.mark.parametrize(("seed", "folded", "sheeted"), [(11, 160, 0), (12, 60, 0), (13, 160, 100), (14, 100, 5)])
@pytest.mark.parametrize("fold_corrections", [False, True])
def test_any_sum_holds_the_corrections_that_fall_into_it(workspace, stored, seed, folded, sheeted, fold_corrections):
    entries = stored(generated(seed), folded, sheeted)
    done = corrected(workspace.lane, entries, seed)
    if fold_corrections:
        fold_all()
        if sheeted:
            sheets.make(sheeted, enough_events=1)
    tz = periods.zone(workspace.time_zone)

    @per_data
    @given(
        filters(entries),
        st.lists(st.sampled_from(without_key(DIMENSIONS)), max_size=2, unique=True),
        st.sampled_from(BUCKETS),
    )
    def ask(filter, group_by, bucket):
        answer = query(workspace, filter, group_by, bucket)
        starts = []
        if bucket != "none":
            starts = [p.start for p in periods.buckets(filter.start, filter.end, bucket, tz, workspace.week_start)]
        should = wanted(entries, done, filter, group_by, starts)
        assert {(*(g.values[d] for d in group_by), g.bucket): g.sums for g in answer.groups} == should
        assert answer.total == add(should.values())

    ask()
    assert verify(deep=True).ok


def test_the_file_of_the_sums_holds_them_too(workspace, stored):
    entries = stored(generated(15), 90)
    done = corrected(workspace.lane, entries, 15)
    ever = SpendFilter(EARLIEST, LATEST)
    made = export.spend(workspace, ever, ["agent", "model"])
    names = [column.name for column in made.columns]
    rows = [dict(zip(names, row, strict=True)) for batch in made.batches for row in batch]
    should = wanted(entries, done, ever, ["agent", "model"], [])
    assert {(row["agent"], row["model"]): (row["cost_usd"], row["calls"], row["unpriced_upper_bound_usd"])
            for row in rows} == {key[:2]: (s.cost, s.calls, s.upper_bound) for key, s in should.items()}  # fmt: skip


def test_a_correction_far_from_any_event_is_a_day_of_its_own(workspace, stored):
    (e,) = stored(generated(16, count=1))
    row = UsageEvent.objects.get()
    new_year = datetime(2025, 1, 1, tzinfo=UTC)
    adjust(workspace.lane, [Adjustment(new_year, row.attribution_id, {"cost": Decimal("-0.5")}, "a credit")])
    for _ in range(2):
        before = query(
            workspace, SpendFilter(datetime(2024, 6, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)), ["agent"], "day"
        )
        assert [(g.bucket, g.sums.cost, g.sums.calls) for g in before.groups] == [
            (new_year - timedelta(hours=1), Decimal("-0.5"), 0)  # midnight in Berlin
        ]
        assert query(workspace, SpendFilter(EARLIEST, LATEST)).total.cost == (e.cost or 0) - Decimal("0.5")
        fold_all()
