"""Whose incident it is where names meet: the same run, budget or key in another workspace says nothing here."""

import pytest

from costwatch.accounts.keys import create_key
from costwatch.accounts.models import Workspace
from costwatch.alerts import listing
from costwatch.alerts.models import Kind
from costwatch.budgets import manage
from costwatch.dashboards.marks.about import under
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from tests.dashboards.page import figure
from tests.ledger.make import entry

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("now")]


@pytest.fixture
def elsewhere(db) -> Workspace:
    return Workspace.objects.create(name="Somebody else", time_zone="UTC")


def kept(workspace, include=None, exclude=None) -> list[str]:
    rows = list(listing.find(workspace.pk))
    return sorted(row.title for row in under(workspace, rows, include or {}, exclude or {}))


def test_a_run_of_the_same_id_in_another_workspace_does_not_count(workspace, elsewhere, send, opened):
    record(elsewhere.lane, [entry(run_id="r-1", agent_id="theirs", tags={"customer": "Theirs"})])
    send(entry(run_id="r-1", agent_id="ours", tags={"customer": "Ours"}))
    fold_all()
    opened("loop", run_id="r-1")
    assert kept(workspace, {"agent": ("ours",)}) == kept(workspace, {"tag.customer": ("Ours",)}) == ["loop"]
    assert kept(workspace, {"agent": ("theirs",)}) == kept(workspace, {"tag.customer": ("Theirs",)}) == []


def test_a_run_that_is_only_theirs_is_not_known_here(workspace, elsewhere, opened):
    record(elsewhere.lane, [entry(run_id="r-9", agent_id="theirs")])
    fold_all()
    opened("loop", run_id="r-9")
    assert kept(workspace, {"agent": ("theirs",)}) == kept(workspace, {"agent": ("",)}) == []
    assert kept(workspace, {"run": ("r-9",)}) == ["loop"], "its own id is enough"


def test_a_budget_of_another_workspace_limits_nothing_here(workspace, elsewhere, opened):
    data = {"name": "Theirs", "amount_usd": "10", "period": "monthly", "scope": {"agent": ["a"]}, "allow_unseen": True}
    theirs = manage.create(elsewhere, data, "a test")
    ours = manage.create(workspace, data | {"name": "Ours"}, "a test")
    opened("wrong number", kind=Kind.BUDGET, facts={"budget": theirs.pk})
    opened("right number", kind=Kind.BUDGET, facts={"budget": ours.pk})
    assert kept(workspace, {"agent": ("a",)}) == ["right number"]


def test_a_budget_number_on_an_incident_that_is_none_of_a_budget_says_nothing(workspace, opened):
    data = {"name": "Ours", "amount_usd": "10", "period": "monthly", "scope": {"agent": ["a"]}, "allow_unseen": True}
    ours = manage.create(workspace, data, "a test")
    opened("loop", facts={"budget": ours.pk})
    assert kept(workspace, {"agent": ("a",)}) == []


def test_a_key_of_the_same_name_elsewhere_is_another_key(workspace, elsewhere, send, opened):
    key, _ = create_key(workspace, "production", ["ingest"])
    create_key(elsewhere, "production", ["ingest"])
    send(entry(run_id="r-1", api_key_id=key.pk), entry(run_id="r-2"))
    fold_all()
    opened("by key", run_id="r-1"), opened("without", run_id="r-2")
    assert kept(workspace, {"key": ("production",)}) == ["by key"]
    assert kept(workspace, {"key": ("",)}) == ["without"]


def test_what_is_excluded_is_left_out_by_facts_runs_budgets_and_tags_alike(workspace, send, opened):
    send(entry(run_id="r-1", agent_id="a", tags={"customer": "Orbit"}), entry(run_id="r-2", agent_id="b"))
    fold_all()
    data = {"name": "Ours", "amount_usd": "10", "period": "monthly", "scope": {"agent": ["a"]}, "allow_unseen": True}
    opened("facts", facts={"agent": "a"}), opened("run", run_id="r-1"), opened("other run", run_id="r-2")
    opened("budget", kind=Kind.BUDGET, facts={"budget": manage.create(workspace, data, "a test").pk})
    opened("whole workspace", kind=Kind.BUDGET)
    assert kept(workspace, exclude={"agent": ("a",)}) == ["other run", "whole workspace"]
    assert kept(workspace, exclude={"tag.customer": ("Orbit",)}) == ["budget", "facts", "other run", "whole workspace"]
    assert kept(workspace, exclude={"run": ("r-1", "r-2")}) == ["budget", "facts", "whole workspace"]
    assert kept(workspace, {"agent": ("a", "b")}, {"agent": ("b",)}) == ["budget", "facts", "run"]


def test_an_incident_of_a_run_that_was_never_folded_is_found_by_its_facts_only(workspace, send, opened):
    send(entry(run_id="r-1", agent_id="a"))
    opened("loop", run_id="r-1", facts={"task": "t"})
    assert kept(workspace, {"task": ("t",)}) == ["loop"]


def test_the_chart_of_another_workspace_has_no_mark_of_ours(stranger, workspace, opened):
    opened("ours")
    other = Workspace.objects.get(name="Somebody else")
    record(other.lane, [entry(cost="1")])
    html = stranger.get("/").content.decode()
    assert not [trace for trace in figure(html)["data"] if trace.get("uid") == "marks"]
    assert "ours" not in html
