"""Whom an incident is about: named in its facts, carried by its run, limited by its budget."""

import pytest

from costwatch.accounts.keys import create_key
from costwatch.accounts.models import ApiKey
from costwatch.alerts import listing
from costwatch.alerts.models import Kind
from costwatch.budgets import manage
from costwatch.dashboards.marks.about import about, under
from costwatch.ledger.fold import fold_all
from tests.ledger.make import entry

pytestmark = pytest.mark.usefixtures("now")


def titles(workspace, dimension: str, *values: str) -> list[str]:
    rows = list(listing.find(workspace.pk))
    kept = about(workspace, rows, dimension, values)
    return sorted(row.title for row in rows if row.pk in kept)


def test_facts_name_it(workspace, opened):
    opened("loop", facts={"agent": "a", "task": "t"})
    opened("each user", kind=Kind.BUDGET, facts={"per": "user", "value": "u-1"})
    opened("spike", kind=Kind.ANOMALY, facts={"detector": "spend", "dimension": "model", "value": "m"})
    assert titles(workspace, "agent", "a", "b") == titles(workspace, "task", "t") == ["loop"]
    assert titles(workspace, "user", "u-1") == ["each user"]
    assert titles(workspace, "model", "m") == ["spike"]
    assert titles(workspace, "agent", "m") == titles(workspace, "user", "m") == []


def test_facts_of_any_shape_are_no_names(workspace, opened):
    opened("odd", facts={"agent": ["a"], "task": {"a": 1}, "user": None, "value": 3, "per": "user"})
    for dimension in ("agent", "task", "user"):
        assert titles(workspace, dimension, "a", "3", "None") == []


@pytest.mark.parametrize(
    ("dimension", "value"),
    [("agent", "triage"), ("task", "refund"), ("model", "gpt-5.4-mini"), ("provider", "openai"), ("user", "u-1"),
     ("session", "s-1"), ("run", "r-1"), ("environment", "prod"), ("release", "1.2"), ("tag.customer", "Orbit"),
     ("operation", "chat")],
)  # fmt: skip
def test_its_run_carries_it(workspace, send, opened, dimension, value):
    send(entry(run_id="r-1", agent_id="triage", task="refund", user_id="u-1", session_id="s-1", environment="prod",
               release="1.2", tags={"customer": "Orbit"}))  # fmt: skip
    fold_all()
    opened("loop", run_id="r-1")
    opened("another", run_id="r-2")
    assert titles(workspace, dimension, value) == ["loop"]
    assert titles(workspace, dimension, "somebody else") == []


def test_what_its_run_does_not_carry_is_not_attributed(workspace, send, opened):
    send(entry(run_id="r-1", agent_id=None, user_id=None))
    fold_all()
    opened("loop", run_id="r-1")
    for dimension in ("agent", "user", "tag.customer", "key", "session"):
        assert titles(workspace, dimension, "") == ["loop"], dimension


def test_the_key_of_its_run_is_known_by_name(workspace, opened, send):
    create_key(workspace, "production", ["ingest"])
    send(entry(run_id="r-1", api_key_id=ApiKey.objects.get().pk))
    fold_all()
    opened("loop", run_id="r-1")
    assert titles(workspace, "key", "production") == ["loop"]
    assert titles(workspace, "key", "staging") == []


def test_its_budget_limits_it_by_name(workspace, opened):
    data = {"name": "Review", "amount_usd": "10", "period": "monthly", "scope": {"agent": ["code-review"]},
            "allow_unseen": True}  # fmt: skip
    budget = manage.create(workspace, data, "lena@larkfield.example")
    opened("over", kind=Kind.BUDGET, facts={"budget": budget.pk})
    opened("of a budget that is gone", kind=Kind.BUDGET, facts={"budget": budget.pk + 1})
    assert titles(workspace, "agent", "code-review") == ["over"]
    assert titles(workspace, "agent", "triage") == titles(workspace, "task", "code-review") == []


def test_conditions_hold_together_and_keep_the_order(workspace, opened):
    opened("a in t", facts={"agent": "a", "task": "t"})
    opened("a in u", minutes=-1, facts={"agent": "a", "task": "u"})
    opened("b in t", minutes=-2, facts={"agent": "b", "task": "t"})
    rows = list(listing.find(workspace.pk))
    assert [row.title for row in under(workspace, rows, {"agent": ("a",), "task": ("t",)}, {})] == ["a in t"]
    assert [row.title for row in under(workspace, rows, {"agent": ("a", "b")}, {"task": ("u",)})] == [
        "a in t",
        "b in t",
    ]
    assert under(workspace, rows, {}, {}) == rows
