"""Where a sum reached an amount, against plain addition: in order of time, of arrival where times are equal."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from costwatch.ledger.adjust import Adjustment, adjust
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import UsageEvent
from costwatch.spend.filters import SpendFilter
from costwatch.spend.reach import reached, reached_within
from tests.ledger.make import entry
from tests.spend.usage import generated, selected

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)
WINDOW = timedelta(hours=30)


def first(entries, amount, measure, window=None):
    """The id of the event with which the sum (over a window that ends with it) reaches an amount."""
    ordered = sorted(entries, key=lambda e: e.timestamp)
    for place, e in enumerate(ordered):
        counted = [x for x in ordered[: place + 1] if window is None or x.timestamp > e.timestamp - window]
        if sum(measure(x) for x in counted) >= amount:
            return e.event_id
    return None


def dollars(e):
    return e.cost or Decimal(0)


def tokens(e):
    return (e.input_tokens or 0) + (e.output_tokens or 0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("include", [{}, {"agent": ("agent-1",)}, {"user": ("user-1", "")}, {"tag.team": ("a",)}])
def test_it_is_the_event_that_plain_addition_finds(workspace, stored, seed, include):
    entries = stored(generated(seed), folded=120)
    dice = random.Random(seed)
    part = SpendFilter(START, END, include)
    chosen = selected(entries, part)
    for measure, in_tokens in ((dollars, False), (tokens, True)):
        total = sum(measure(e) for e in chosen)
        amounts = [Decimal(total * dice.randrange(1, 100) / 100).quantize(Decimal("1e-6")) for _ in range(4)]
        amounts += [Decimal(total), Decimal(total) + 1]
        found = reached(workspace, part, amounts, tokens=in_tokens)
        assert [one and one.event_id for one in found] == [first(chosen, a, measure) for a in amounts]
        sliding = reached_within(workspace, part, WINDOW, amounts[:4], tokens=in_tokens)
        assert [one and one.event_id for one in sliding] == [first(chosen, a, measure, WINDOW) for a in amounts[:4]]


def test_a_corrected_event_counts_with_its_correction_and_an_own_correction_has_no_event(workspace, stored):
    at = datetime(2026, 11, 18, 13, tzinfo=UTC)
    stored([entry(f"e{n}", timestamp=at + timedelta(minutes=n), cost="1") for n in range(3)])
    event = UsageEvent.objects.get(event_id="e1")
    adjust(workspace.lane, [
        Adjustment(event.occurred_at, event.attribution_id, {"cost": Decimal(5)}, "repriced", event.event_key),
        Adjustment(at - timedelta(minutes=1), event.attribution_id, {"cost": Decimal(9)}, "credit"),
    ])  # fmt: skip
    fold_all()
    part = SpendFilter(at - timedelta(days=2), at + timedelta(days=2))
    found = reached(workspace, part, [Decimal(9), Decimal(10), Decimal(14), Decimal(17), Decimal(18)])
    assert [one and one.event_id for one in found] == ["", "e0", "e1", "e2", None]
