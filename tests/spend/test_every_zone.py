"""The sum over the periods is the total, in every zone there is, from 2024 to 2030."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from costwatch.budgets.evaluate import CALENDAR, Rule, bounds
from costwatch.budgets.spent import Part, read
from costwatch.budgets.terms import Scope
from costwatch.lib import periods
from costwatch.lib.periods import Period
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import query
from tests.ledger.make import entry

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
ALL = Period(datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC))
ZONES = sorted(periods.zone_names())
KINDS = ("month", "week", "month", "day", "month", "week", "month", "week")


@pytest.fixture
def entries(stored):
    """Calls of all these years; some at the very changes of a clock, at midnights and at the ends of months."""
    dice, found = random.Random(7), []
    for number in range(240):
        at = ALL.start + (ALL.end - ALL.start) * dice.random()
        if number % 3 == 0:
            kind, tz = dice.choice(("day", "month", "year")), ZoneInfo(dice.choice(ZONES))
            at = periods.period(kind, at, tz).start - timedelta(microseconds=number % 2)
        cost = Decimal(dice.randrange(1, 10**12)).scaleb(-12)
        found.append(entry(f"e-{number}", timestamp=max(at, ALL.start), cost=cost))
    return stored([one for one in found if one.timestamp in ALL], 200)


def test_buckets_of_every_zone_hold_what_their_instants_say_and_add_up(workspace, entries):
    whole = SpendFilter(ALL.start, ALL.end)
    total = sum(one.cost for one in entries)
    for number, name in enumerate(ZONES):
        kind, tz = KINDS[number % len(KINDS)], ZoneInfo(name)
        expected = defaultdict(Decimal)
        for one in entries:
            expected[periods.period(kind, one.timestamp, tz, workspace.week_start).start] += one.cost
        answer = query(workspace, whole, bucket=kind, time_zone=name)
        assert {g.bucket.astimezone(UTC): g.sums.cost for g in answer.groups if g.sums.cost} == expected, name
        assert answer.total.cost == sum(g.sums.cost for g in answer.groups) == total, name


@pytest.mark.parametrize("seed", range(4))
def test_what_a_budget_counts_in_its_periods_adds_up_to_all_that_was_spent(workspace, entries, seed):
    dice = random.Random(seed)
    for _ in range(4):
        rule = Rule(dice.choice(["monthly", "quarterly", "yearly"]), ZoneInfo(dice.choice(ZONES)), 1, Decimal(1))
        this, parts = bounds(rule, ALL.start), []
        while this.start < ALL.end:
            parts.append(Part(Scope({}, {}), this))
            this = bounds(rule, this.end)
        assert all(a.period.end == b.period.start for a, b in pairwise(parts))
        sums = [answer[""].cost for answer in read(workspace, parts)]
        assert sum(sums) == sum(one.cost for one in entries), rule
        held = [sum((e.cost for e in entries if e.timestamp in part.period), Decimal(0)) for part in parts]
        assert sums == held, rule


@pytest.mark.parametrize("kind", sorted({*CALENDAR.values()}))
def test_the_periods_of_every_zone_follow_each_other_without_gap(kind):
    for name in ZONES:
        found = periods.buckets(ALL.start, ALL.end, kind, ZoneInfo(name))
        assert all(a.end == b.start for a, b in pairwise(found)), name
        assert found[0].start <= ALL.start and found[-1].end >= ALL.end, name
        assert all(one.start < one.end and one.start.timestamp() % 900 == 0 for one in found), name
