"""What changed: the largest changes, why, and that they add up to the net change."""

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.http import QueryDict

from costwatch.dashboards.movers import movers, why, worth_a_look
from costwatch.dashboards.state import State
from costwatch.spend.queries import Answer, Group
from costwatch.spend.sums import Sums, add
from tests.dashboards.page import as_read

NOW = datetime(2026, 11, 18, 13, 32, 7, tzinfo=UTC)
STATE = State.from_query(QueryDict("by=task"), SimpleNamespace(time_zone="UTC"), NOW)


def moved(now: Answer, before: Answer):
    return movers(STATE, now, before, now.total.cost - before.total.cost)


def answer(**costs: str) -> Answer:
    groups = [Group({"task": name}, None, Sums(calls=10, cost=Decimal(cost))) for name, cost in costs.items()]
    return Answer(NOW, NOW, "UTC", groups, add(group.sums for group in groups), NOW)


def test_the_largest_changes_stand_first_up_then_down_and_the_rest_is_summed():
    now = {f"t{n}": str(n) for n in range(1, 9)}
    found = moved(answer(**now), answer(t9="20", t1="1"))
    assert [mover.label for mover in found.movers] == ["t8", "t7", "t6", "t5", "t4", "t9"]
    assert [mover.delta for mover in found.movers] == [8, 7, 6, 5, 4, -20]
    assert found.others == 5
    assert sum(m.delta for m in found.movers) + found.others == 15


def test_bars_grow_from_the_middle_to_both_sides():
    up, down = moved(answer(a="10"), answer(b="5")).movers
    assert (up.bar_from, up.bar_width, up.state) == ("50.00%", "50.00%", "bad")
    assert (down.bar_from, down.bar_width, down.state) == ("25.00%", "25.00%", "ok")


def test_less_than_half_a_cent_is_no_change_but_part_of_the_net():
    found = moved(answer(a="1.004"), answer(a="1"))
    assert found.movers == []
    assert found.others == Decimal("0.004")


def test_a_mover_leads_to_what_it_is_made_of():
    assert moved(answer(a="10"), answer()).movers[0].url == "/?task=a&by=user"


@pytest.mark.parametrize(
    ("now", "before", "told"),
    [((5, "1"), (0, "0"), "not there before"), ((0, "0"), (5, "1"), "no calls any more"),
     ((12, "1.2"), (10, "1"), "+20 % calls, same per call"), ((10, "2"), (10, "1"), "same calls, +100 % per call"),
     ((5, "1"), (10, "1"), "−50 % calls, +100 % per call"), ((5, "1"), (10, "0"), "−50 % calls"),
     ((201, "2.01"), (200, "2"), "same calls, same per call"), ((199, "1.99"), (200, "2"), "same calls, same per call"),
     ((203, "2.03"), (200, "2"), "+2 % calls, same per call")],
)  # fmt: skip
def test_the_reason_is_more_calls_or_dearer_ones(now, before, told):
    sums = [Sums(calls=calls, cost=Decimal(cost)) for calls, cost in (now, before)]
    assert as_read(why(*sums)) == told


def test_the_dearest_and_the_most_changed_are_looked_into():
    now = answer(**{f"t{n:02}": str(100 - n) for n in range(40)})
    before = answer(**{f"t{n:02}": str(100 - n) for n in range(40) if n != 30})
    looked_into = worth_a_look("task", now, before)
    assert {"t00", "t07", "t30"} <= set(looked_into)
    assert len(looked_into) <= 16
