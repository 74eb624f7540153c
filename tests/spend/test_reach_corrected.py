"""What an event cost for a while only, before it was corrected, reached no amount."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from costwatch.ledger.adjust import Adjustment, adjust
from costwatch.ledger.models import UsageEvent
from costwatch.spend.filters import SpendFilter
from costwatch.spend.reach import reached, reached_within
from tests.ledger.make import entry
from tests.spend.test_reach import first
from tests.spend.usage import generated

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
AT = datetime(2026, 11, 18, 13, tzinfo=UTC)
WINDOW = timedelta(hours=9)


def ids(found):
    return [one and one.event_id for one in found]


def correct(lane, changes):
    """Change what events cost and how many tokens they had, at their own time."""
    rows = {row.event_id: row for row in UsageEvent.objects.filter(lane=lane)}
    adjust(lane, [
        Adjustment(rows[name].occurred_at, rows[name].attribution_id, {"cost": cost, "input_tokens": tokens},
                   "repriced", rows[name].event_key, end_user_id=rows[name].end_user_id)
        for name, cost, tokens in changes
    ])  # fmt: skip


@pytest.mark.parametrize("hours", [2, 48])  # within a day, and over several
def test_an_event_that_was_far_too_dear_is_added_up_as_what_it_costs_now(workspace, stored, hours):
    stored([entry("wrong", timestamp=AT, cost="10"), entry("right", timestamp=AT + timedelta(minutes=5), cost="4")])
    correct(workspace.lane, [("wrong", Decimal(-9), 0)])
    part = SpendFilter(AT - timedelta(hours=1), AT + timedelta(hours=hours))
    amounts = [Decimal(1), Decimal("1.1"), Decimal(5), Decimal("5.1")]
    assert ids(reached(workspace, part, amounts)) == ["wrong", "right", "right", None]
    assert ids(reached_within(workspace, part, WINDOW, amounts)) == ["wrong", "right", "right", None]


def test_events_of_one_moment_stay_in_the_order_of_their_arrival_each_with_its_corrections(workspace, stored):
    stored([entry(name, timestamp=AT, cost="1") for name in ("c", "a", "b")])
    correct(workspace.lane, [("a", Decimal(5), 0), ("c", Decimal(-1), 0), ("a", Decimal(-3), 0)])
    part = SpendFilter(AT, AT + timedelta(hours=1))
    amounts = [Decimal(0), Decimal("0.5"), Decimal(3), Decimal(4), Decimal("4.5")]
    assert ids(reached(workspace, part, amounts)) == ["c", "a", "a", "b", None]


@pytest.mark.parametrize("seed", [41, 42])
@pytest.mark.parametrize("tokens", [False, True])
def test_it_is_the_event_that_plain_addition_of_what_they_cost_now_finds(workspace, stored, seed, tokens):
    entries = stored(generated(seed), folded=100)
    dice = random.Random(seed)
    changes = [
        (e.event_id, Decimal(dice.randrange(-10, 10)), dice.randrange(-9_000, 9_000))
        for e in dice.choices(entries, k=70)
    ]
    correct(workspace.lane, changes)

    def now(e):
        own = [change for change in changes if change[0] == e.event_id]
        if tokens:
            return (e.input_tokens or 0) + (e.output_tokens or 0) + sum(change[2] for change in own)
        return (e.cost or Decimal(0)) + sum(change[1] for change in own)

    for day in {e.timestamp.date() for e in entries}:
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        part = SpendFilter(start, start + timedelta(hours=25))
        chosen = [e for e in entries if part.start <= e.timestamp < part.end]
        most = max(sum(now(e) for e in chosen), 5)
        amounts = [Decimal(most * n / 10).quantize(Decimal("1e-6")) for n in (1, 4, 8)]
        found = reached(workspace, part, amounts, tokens=tokens)
        assert ids(found) == [first(chosen, amount, now) for amount in amounts]
        recent = [e for e in entries if part.start - WINDOW < e.timestamp < part.end]
        within = reached_within(workspace, part, WINDOW, amounts, tokens=tokens)
        assert ids(within) == [first_since(recent, amount, now, part.start) for amount in amounts]


def first_since(entries, amount, measure, start):
    """The id of the first event from `start` on with which the sum over the window reaches an amount."""
    ordered = sorted(entries, key=lambda e: e.timestamp)
    for place, e in enumerate(ordered):
        counted = [x for x in ordered[: place + 1] if x.timestamp > e.timestamp - WINDOW]
        if e.timestamp >= start and sum(measure(x) for x in counted) >= amount:
            return e.event_id
    return None
