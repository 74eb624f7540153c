"""The ways of conversations, stage by stage, as walking through each of them by hand finds them."""

from collections import Counter, defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.ledger.models import Session
from costwatch.spend.filters import SpendFilter
from costwatch.spend.session_paths import MOST_PATHS, RARE, escalation, hops_of, paths
from tests.ledger.make import entry
from tests.spend.talks import END, START, by_session, spent, talks
from tests.spend.usage import selected, value_of

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
CONDITIONS = [
    {},
    {"include": {"operation": ("chat",)}},
    {"exclude": {"agent": ("reasoning",)}},
    {"include": {"user": ("u-1", "")}},
    {"include": {"tag.team": ("a",)}},
    {"include": {"agent": ("nobody",)}},
]


def walked(entries, by):
    """session → its hops in order: (value, calls of it)."""
    found = {}
    for session, calls in by_session(entries).items():
        hops = defaultdict(list)
        for e in calls:
            hops[value_of(e, by)].append(e)
        found[session] = [*hops.items()]
    return found


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("by", ["agent", "model"])
def test_stages_and_ways_are_those_of_walking_through_all(workspace, stored, seed, by):
    entries = stored(talks(seed, count=60), 150)
    for conditions in CONDITIONS:
        filter = SpendFilter(START + timedelta(hours=30), END, **conditions)
        chosen = selected(entries, filter)
        journeys = walked(chosen, by)
        found = paths(workspace, filter, by)
        assert (found.sessions, found.cost) == (len(journeys), spent([e for e in chosen if e.session_id]))
        check_stages(found, journeys)
        check_ways(found, journeys)
        assert found.start == filter.start


def check_stages(found, journeys):
    reached, started, calls, whole = Counter(), Counter(), defaultdict(list), defaultdict(Decimal)
    for hops in journeys.values():
        started[hops[0][0]] += 1
        for name, own in hops:
            reached[name] += 1
            calls[name] += own
            whole[name] += sum(spent(each) for _, each in hops)
    assert {stage.name: (stage.sessions, stage.started, stage.cost, stage.calls, stage.whole_cost)
            for stage in found.stages} == {
        name: (reached[name], started[name], spent(calls[name]), sum(e.requests for e in calls[name]), whole[name])
        for name in reached
    }  # fmt: skip
    assert [stage.sessions for stage in found.stages] == sorted(reached.values(), reverse=True)
    assert [stage.later for stage in found.stages] == [reached[s.name] - started[s.name] for s in found.stages]


def check_ways(found, journeys):
    ways = defaultdict(list)
    for hops in journeys.values():
        ways[tuple(name for name, _ in hops)].append([spent(calls) for _, calls in hops])
    counts = {names: len(sums) for names, sums in ways.items()}
    assert [way.sessions for way in found.ways] == sorted(counts.values(), reverse=True)[:MOST_PATHS]
    for way in found.ways:
        sums = ways[tuple(way.names)]
        assert way.sessions == len(sums)
        assert [*way.costs] == [sum(column) for column in zip(*sums, strict=True)]
        assert way.cost == sum(way.costs)


@pytest.mark.parametrize("by", ["agent", "model"])
def test_listed_sessions_have_the_hops_they_took(workspace, stored, by):
    entries = stored(talks(3), 60)
    filter = SpendFilter(START, END, {"operation": ("chat",)})
    numbers = dict(Session.objects.values_list("id", "session_id"))
    some = sorted(numbers)[::2]
    wanted = {s: [name for name, _ in hops] for s, hops in walked(selected(entries, filter), by).items()}
    found = hops_of(workspace, filter, some, by)
    assert {numbers[number]: hops for number, hops in found.items()} == {
        numbers[number]: wanted[numbers[number]] for number in some if numbers[number] in wanted
    }
    assert hops_of(workspace, filter, [], by) == {}


def test_who_is_hardly_ever_reached_is_no_escalation(workspace, stored):
    usual = [
        entry(f"{n}-{agent}", timestamp=START + timedelta(minutes=n, seconds=place), session_id=f"s{n}", agent_id=agent,
              cost="0.01")
        for n in range(int(1 / RARE)) for place, agent in enumerate(["first", "second"])
    ]  # fmt: skip
    stored([*usual, entry("once", timestamp=START + timedelta(hours=9), session_id="s1", agent_id="dear", cost="99")])
    found = paths(workspace, SpendFilter(START, END))
    assert escalation(found).name == "second"
    stored([entry("twice", timestamp=START + timedelta(hours=9), session_id="s2", agent_id="dear", cost="99")])
    assert escalation(paths(workspace, SpendFilter(START, END))).name == "dear"
