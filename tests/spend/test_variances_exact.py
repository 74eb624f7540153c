"""The parts of a variance are the values' own sums in both spans, and the effects lead from one to the other."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.ledger.adjust import Adjustment, adjust
from costwatch.ledger.models import UsageEvent
from costwatch.spend.filters import SpendFilter
from costwatch.spend.variances import MEASURES, OWN_PARTS, is_groupable, variance
from tests.ledger.make import entry
from tests.spend.test_exactness import first_of_run
from tests.spend.usage import generated, selected, sums_of, value_of

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
per_data = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
BY = ["agent", "model", "provider", "task", "environment", "release", "operation", "user", "tag.team"]
START = datetime(2026, 10, 23, tzinfo=UTC)
NOW = datetime(2027, 3, 1, tzinfo=UTC)


def told(sums):
    return tuple(getattr(sums, name) for name in MEASURES)


@st.composite
def spans(draw):
    """Two spans around the change of clocks in Europe, of any length, that may overlap."""
    hours = st.integers(0, 240)
    pair = []
    for _ in range(2):
        first = START + timedelta(hours=draw(hours))
        pair.append((first, first + timedelta(hours=1 + draw(hours))))
    include = draw(st.sampled_from([{}, {}, {"agent": ("agent-1", "")}, {"user": ("user-1",)}]))
    exclude = draw(st.sampled_from([{}, {}, {"task": ("task-0",)}]))
    return [SpendFilter(start, end, include, exclude) for start, end in pair]


@pytest.mark.parametrize(("seed", "folded", "sheeted"), [(61, 160, 0), (62, 80, 100)])
def test_each_part_has_the_sums_of_its_value_and_all_of_them_add_up(workspace, stored, seed, folded, sheeted):
    entries = stored(generated(seed), folded, sheeted)
    begins = first_of_run(entries)

    @per_data
    @given(spans(), st.sampled_from(["", *BY]))
    def ask(pair, by):
        found = variance(workspace, *pair, NOW, by)
        sides = [selected(entries, span) for span in pair]
        assert [told(s) for s in (found.before, found.after)] == [told(sums_of(side, begins)) for side in sides]
        values = defaultdict(lambda: ([], []))
        for number, side in enumerate(sides):
            for e in side:
                values[value_of(e, by) if by else ""][number].append(e)
        assert len(values) <= OWN_PARTS  # so that none is among the others
        assert {part.value: (told(part.before), told(part.after)) for part in found.parts} == {
            value: tuple(told(sums_of(own, begins)) for own in both) for value, both in values.items()
        }
        for part in found.parts:
            assert sum(part.effects.values()) == part.change == part.after.cost - part.before.cost
        assert {name: sum(part.effects[name] for part in found.parts) for name in found.effects} == found.effects
        assert sum(found.effects.values()) == found.change
        changes = [abs(part.change) for part in found.parts]
        assert changes == sorted(changes, reverse=True)

    ask()


def test_of_many_values_the_dearest_and_the_most_changed_stand_alone_and_the_rest_adds_up(workspace, stored):
    """Values 0 to 39: those above 30 cost most and stay as they are; those below 10 change most."""
    days = (START, START + timedelta(days=7))
    amounts = {
        f"a{n}": (1_000 + n, 1_000 + n) if n > 30 else (n, 100 + 10 * n) if n < 10 else (n, n) for n in range(40)
    }
    stored([
        entry(f"{name}-{k}", timestamp=days[k] + timedelta(hours=1), agent_id=name, cost=str(cost), model="m")
        for name, both in amounts.items() for k, cost in enumerate(both)
    ])  # fmt: skip
    spans = [SpendFilter(day, day + timedelta(days=1)) for day in days]
    found = variance(workspace, *spans, NOW, "agent")
    own = {part.value: (part.before.cost, part.after.cost) for part in found.parts if part.value is not None}
    assert own.items() <= amounts.items()
    assert {f"a{n}" for n in [*range(10), *range(31, 40)]} <= set(own)
    assert len(own) <= 2 * OWN_PARTS
    rest = found.parts[-1]
    others = [both for name, both in amounts.items() if name not in own]
    assert (rest.value, rest.count) == (None, len(others))
    assert (rest.before.cost, rest.after.cost) == tuple(map(sum, zip(*others, strict=True)))
    assert found.change == sum(after - before for before, after in amounts.values())


def test_a_correction_is_a_change_of_its_span_that_is_none_of_the_usage(workspace, stored):
    made = stored([entry(f"e{k}", timestamp=START + timedelta(days=7 * k), agent_id="a", cost="5") for k in range(2)])
    row = UsageEvent.objects.get(event_id="e1")
    at = made[1].timestamp + timedelta(hours=3)
    adjust(workspace.lane, [Adjustment(at, row.attribution_id, {"cost": Decimal("-1.25")}, "a credit")])
    spans = [SpendFilter(e.timestamp - timedelta(hours=1), e.timestamp + timedelta(days=1)) for e in made]
    found = variance(workspace, *spans, NOW, "agent")
    assert (found.before.cost, found.after.cost, found.change) == (5, Decimal("3.75"), Decimal("-1.25"))
    alone = variance(workspace, spans[0], SpendFilter(at, at + timedelta(hours=1)), NOW, "agent")
    assert (alone.after.cost, alone.after.calls) == (Decimal("-1.25"), 0)
    assert alone.effects["other"] == Decimal("-1.25") and alone.effects["runs"] == -5


@pytest.mark.parametrize(
    ("name", "groupable"),
    [*((name, True) for name in BY), ("key", True), ("run", False), ("session", False), ("tag.", False),
     ("tag." + "x" * 64, True), ("tag." + "x" * 65, False), ("cost", False), ("", False)],
)  # fmt: skip
def test_parts_can_be_told_by_what_is_there_again_in_another_span(name, groupable):
    assert is_groupable(name) is groupable
