"""What runs cost: percentiles, fences and the dearest are those of plain counting over the runs a filter means."""

import random
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.ledger.adjust import Adjustment, adjust
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import UsageEvent
from costwatch.pricing.usage import CostSource
from costwatch.spend import run_figures as figures
from costwatch.spend.filters import SpendFilter
from tests.ledger.make import entry
from tests.spend.talks import END, START, percentile, spent
from tests.spend.usage import value_of

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
AGENTS = ["steady", "wild", "rare", None]


@pytest.fixture
def runs(workspace, stored):
    """run → its calls in order: two agents with many runs, one with few, one unnamed; some without any price."""
    dice = random.Random(6)
    made = defaultdict(list)
    for n in range(120):
        agent = dice.choices(AGENTS, [50, 50, 9, 11])[0]
        at = START + timedelta(seconds=dice.randrange(8 * 24 * 3600))
        unpriced = dice.random() < 0.1
        for place in range(dice.choice([1, 2, 4])):
            scale = 100 if agent == "steady" else 10 ** dice.randrange(1, 6)
            made[f"r{n}"].append(
                entry(f"{n}-{place}", timestamp=at + timedelta(hours=3 * place), run_id=f"r{n}",
                      agent_id=agent if place == 0 else dice.choice(AGENTS), user_id=dice.choice([None, "u"]),
                      tags=dice.choice([None, {"team": "a"}]), requests=dice.choice([1, 2]),
                      cost=None if unpriced else str(Decimal(dice.randrange(80, 120) * scale).scaleb(-6)),
                      cost_source=CostSource.UNPRICED if unpriced else CostSource.CATALOG)
            )  # fmt: skip
    entries = [e for calls in made.values() for e in calls]
    dice.shuffle(entries)
    stored(entries)
    return dict(made)


def meant(runs, filter):
    """The runs with a price whose last call lies in the range and whose first call fulfils the conditions."""
    return {
        name: calls
        for name, calls in runs.items()
        if filter.start <= calls[-1].timestamp < filter.end
        and any(e.cost is not None for e in calls)
        and all(run_value(calls, d) in values for d, values in filter.include.items())
        and all(run_value(calls, d) not in values for d, values in filter.exclude.items())
    }


def run_value(calls, dimension):
    """A run's labels are those of its first call, its user the first that is named."""
    if dimension == "user":
        return next((e.user_id for e in calls if e.user_id), "")
    return value_of(calls[0], dimension)


@pytest.mark.parametrize(
    "conditions",
    [
        {},
        {"include": {"agent": ("wild", "steady")}},
        {"exclude": {"agent": ("wild",)}},
        {"include": {"user": ("u",)}},
        {"include": {"user": ("",)}},
        {"include": {"tag.team": ("a",)}, "exclude": {"agent": ("",)}},
        {"include": {"run": ("r1", "r2", "r3", "r4", "nothing")}},
    ],
)
def test_figures_are_those_of_the_runs_that_are_meant(workspace, runs, conditions):
    for hours in (0, 30):
        filter = SpendFilter(START + timedelta(hours=hours), END - timedelta(hours=hours), **conditions)
        wanted = meant(runs, filter)
        costs = {name: spent(calls) for name, calls in wanted.items()}
        found = figures.run_figures(workspace, filter, 7)
        assert (found.count, found.capped) == (len(wanted), False)
        shares = {"p50": "0.5", "p90": "0.9", "p99": "0.99"}
        if wanted:
            assert {name: getattr(found, name) for name in shares} == {
                name: percentile([*costs.values()], Decimal(share)) for name, share in shares.items()
            }
        assert [run.sums.cost for run in found.dearest] == sorted(costs.values(), reverse=True)[:7]
        assert all(costs[run.run_id] == run.sums.cost for run in found.dearest)
        assert set(found.usual) == {
            agent for agent in ("steady", "wild", "rare", "")
            if sum(1 for calls in wanted.values() if value_of(calls[0], "agent") == agent) >= figures.ENOUGH
        }  # fmt: skip


def test_a_fence_is_told_by_the_quartiles_of_the_agent_and_what_lies_above_is_out_of_line(workspace, runs):
    filter = SpendFilter(START, END)
    wanted = meant(runs, filter)
    found = figures.run_figures(workspace, filter, len(wanted))
    for agent in ("steady", "wild"):
        costs = [spent(calls) for calls in wanted.values() if calls[0].agent_id == agent]
        q1, middle, q3 = (percentile(costs, Decimal(share)) for share in ("0.25", "0.5", "0.75"))
        usual = found.usual[agent]
        assert usual.median == middle
        assert usual.fence == max(q3 * (q3 / q1) ** Decimal("1.5"), 3 * middle)
    told = {run.run_id: found.times_usual(run) for run in found.dearest}
    for name, calls in wanted.items():
        usual = found.usual.get(calls[0].agent_id or "")
        outside = usual is not None and spent(calls) > usual.fence
        assert told[name] == (spent(calls) / usual.median if outside else None)


def test_a_corrected_run_counts_with_its_correction(workspace, runs):
    filter = SpendFilter(START, END)
    before = figures.run_figures(workspace, filter, 1)
    (dearest,) = before.dearest
    row = UsageEvent.objects.filter(event_id=runs[dearest.run_id][0].event_id).get()
    adjust(workspace.lane, [Adjustment(row.occurred_at, row.attribution_id, {"cost": -dearest.sums.cost}, "free",
                                       run_id=row.run_id)])  # fmt: skip
    fold_all()
    after = figures.run_figures(workspace, filter, before.count)
    assert after.count == before.count
    assert (after.dearest[-1].run_id, after.dearest[-1].sums.cost) == (dearest.run_id, 0)
