"""Which budgets an event counts for: the index in memory finds those that a look at every condition would."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.budgets import index, manage, names
from costwatch.budgets.evaluate import Rule
from costwatch.budgets.index import Index, Watched
from costwatch.ledger.models import UsageEvent
from tests.budgets.conftest import NOW, incidents, look, spend

pytestmark = pytest.mark.thorough
RULE = Rule("daily", ZoneInfo("UTC"), 1, Decimal(1), (Decimal(50), Decimal(100)))
LABELS, FACTS = ("agent", "task", "model", "tag.team"), ("user", "session", "run")
VALUES = st.sampled_from(["", "a", "b", "c"])


@dataclass
class Wanted:
    """A budget in the words of people: dimension → values that must be, or must not be."""

    include: dict = field(default_factory=dict)
    exclude: dict = field(default_factory=dict)

    def counts(self, event: dict) -> bool:
        return all(event.get(name, "") in values for name, values in self.include.items()) and not any(
            event.get(name, "") in values for name, values in self.exclude.items()
        )

    def watched(self, number: int) -> Watched:
        every = [*((n, frozenset(v), True) for n, v in self.include.items()),
                 *((n, frozenset(v), False) for n, v in self.exclude.items())]  # fmt: skip
        labels, facts = (tuple(one for one in every if one[0] in kind) for kind in (LABELS, FACTS))
        return Watched(number, RULE, labels, facts, "", False, datetime(2026, 1, 1, tzinfo=UTC))


conditions = st.dictionaries(st.sampled_from(LABELS + FACTS), st.frozensets(VALUES, min_size=1), max_size=3)
budgets = st.lists(st.builds(Wanted, conditions, conditions), max_size=12)
events = st.lists(st.dictionaries(st.sampled_from(LABELS + FACTS), VALUES), min_size=1, max_size=6)


@given(budgets, events)
def test_the_index_finds_what_a_look_at_every_condition_finds(wanted, sent):
    found = Index(1, [one.watched(number) for number, one in enumerate(wanted)])
    assert bool(found) is bool(wanted)
    for event in sent:
        labels = {name: value for name, value in event.items() if name in LABELS and value}
        facts = {name: event.get(name, "") for name in found.needs}
        number = hash(frozenset(labels.items()))  # an attribution is its labels
        counted = sorted(one.number for one in found.of(number, labels, facts))
        assert counted == [number for number, one in enumerate(wanted) if one.counts(event)]


def test_only_what_some_budget_asks_for_is_read_of_an_event():
    assert Index(1, [Wanted({"agent": {"a"}}).watched(1)]).needs == set()
    assert Index(1, [Wanted({"agent": {"a"}}, {"user": {"u"}}).watched(1)]).needs == {"user"}


@pytest.mark.django_db
def test_a_change_of_budgets_is_known_at_the_next_look_and_not_read_before(workspace, make, django_assert_num_queries):
    make(scope={"agent": ["a"]})
    first = index.current([workspace.lane])[workspace.lane]
    with django_assert_num_queries(1):
        assert index.current([workspace.lane])[workspace.lane] is first
    budget = make(name="second")
    again = index.current([workspace.lane])[workspace.lane]
    assert (again is not first, again.version) == (True, first.version + 1)
    manage.change(budget, {"paused": True}, "lena")
    assert [one.number for one in index.current([workspace.lane])[workspace.lane].of(1, {}, {})] == []


@pytest.mark.django_db
def test_a_workspace_without_budgets_is_not_in_it(workspace):
    assert index.current([workspace.lane, 999]) == {}


@pytest.mark.django_db
def test_labels_are_those_that_were_sent_and_nothing_for_what_was_not(workspace, send):
    send(spend(NOW, agent_id="triage", task=None, tags={"team": "x"}, environment="prod", provider="acme", model="m"),
         spend(NOW, agent_id=None, tags=None, provider="acme", model="m"))  # fmt: skip
    numbers = list(UsageEvent.objects.values_list("attribution_id", flat=True))
    known = names.labels(numbers)
    assert sorted((known[number] for number in numbers), key=len) == [
        {"provider": "acme", "model": "m", "operation": "chat"},
        {"provider": "acme", "model": "m", "operation": "chat", "agent": "triage", "environment": "prod",
         "tag.team": "x"},
    ]  # fmt: skip


@pytest.mark.django_db
def test_a_template_counts_nobody_under_no_name(make, send):
    make(per="tag.team", amount_usd=5, thresholds=[100])
    look()
    send(spend(NOW, "9", tags={"other": "x"}), spend(NOW, "9", tags={"team": "x"}), spend(NOW, "9", tags={"team": ""}))
    look()
    assert [one.facts["value"] for one in incidents()] == ["x"]
