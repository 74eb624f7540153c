"""The names in a budget's scope: those of events are those of dimensions, each once."""

import pytest

from costwatch.budgets import fields, manage
from costwatch.budgets.fields import BadBudget

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]


@pytest.mark.parametrize(("written", "kept"), [
    ({"agent_id": "a"}, {"agent": ["a"]}), ({"user_id": ["v", "u", "v"]}, {"user": ["u", "v"]}),
    ({"run_id!": "r"}, {"run!": ["r"]}), ({"session_id": "", "task": "t"}, {"session": [""], "task": ["t"]}),
    ({"tag.team": "x", "tag.team!": "y"}, {"tag.team": ["x"], "tag.team!": ["y"]}), (None, {}), ({}, {}),
    ({"agent": "a", "agent!": "b"}, {"agent": ["a"], "agent!": ["b"]}),
])  # fmt: skip
def test_a_scope_is_kept_by_dimensions_with_sorted_values(make, written, kept):
    assert make(scope=written).scope == kept


@pytest.mark.parametrize("scope", [
    {"agent": "a", "agent_id": "b"}, {"user!": "a", "user_id!": ["a"]}, {"run": "r", "run_id": "r"},
])  # fmt: skip
def test_a_dimension_under_two_names_is_refused_instead_of_one_of_them_forgotten(workspace, make, scope):
    with pytest.raises(BadBudget, match="twice") as problem:
        make(scope=scope)
    assert problem.value.field == "scope"
    budget = make(scope={"task": "t"})
    with pytest.raises(BadBudget):
        manage.change(budget, {"scope": scope}, "lena")


@pytest.mark.parametrize("per", ["user_id", "user"])
def test_a_template_is_named_by_its_dimension(make, per):
    assert make(per=per).per == "user"


@pytest.mark.parametrize(("scope", "names"), [
    ({"agent": ["a"] * 1_001}, "scope.agent"), ({"agent": ["x" * 201]}, "scope.agent"), ({"agent": ()}, "scope.agent"),
    ({f"tag.t{n}": "x" for n in range(17)}, "scope"), ({"agent!!": "a"}, "scope"), ({"!": "a"}, "scope"),
    ({"": "a"}, "scope"), ({"agent": "a\0"}, "scope.agent"), ({"agent": {"a": 1}}, "scope.agent"),
    ({7: "a"}, "scope"), ("agent", "scope"), ([["agent", "a"]], "scope"),
])  # fmt: skip
def test_what_is_no_scope_is_refused_where_it_is_wrong(workspace, scope, names):
    with pytest.raises(BadBudget) as problem:
        fields.read({"scope": scope}, workspace)
    assert problem.value.field == names


def test_sixteen_dimensions_and_a_thousand_values_are_taken(workspace):
    scope = {f"tag.t{n}": [f"v{m}" for m in range(1_000 if n == 0 else 1)] for n in range(16)}
    assert fields.read({"scope": scope}, workspace)["scope"] == {name: sorted(values) for name, values in scope.items()}
