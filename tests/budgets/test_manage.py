"""Budgets made, changed and removed: read back as they were written, in the audit log, known to every watch."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.accounts import keys
from costwatch.accounts.models import AuditEntry, Member, Role, Workspace
from costwatch.alerts.models import Channel, Incident, State, Stop
from costwatch.budgets import fields, manage
from costwatch.budgets.fields import BadBudget
from costwatch.budgets.models import Budget, BudgetPeriod, BudgetVersion
from tests.budgets.conftest import NOW, incidents, look, spend

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
MINUTE = timedelta(minutes=1)
names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(str.strip)
values = st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12), min_size=1, max_size=4)
percents = st.lists(st.decimals("0.01", 1_000, places=2), max_size=5, unique=True)
wanted = st.fixed_dictionaries(
    {"name": names, "period": st.sampled_from(["daily", "weekly", "monthly", "quarterly", "yearly"])},
    optional={
        "scope": st.dictionaries(st.sampled_from(["agent", "user", "task", "tag.team", "model!", "run!"]), values),
        "per": st.sampled_from(["user", "agent", "tag.team", None, ""]), "thresholds": percents,
        "forecast_thresholds": percents, "carry_over": st.decimals(0, 100, places=2),
        "time_zone": st.sampled_from(["Asia/Kathmandu", "UTC", "", None]),
        "week_start": st.sampled_from([1, "7", "monday", "Sunday", None]), "paused": st.booleans(),
    },
)  # fmt: skip
wanted = wanted.filter(lambda data: {*data.get("scope", {}).get(data.get("per"), "x")} != {""})  # nobody: refused
money = st.decimals("0.000000000001", "999999999999", places=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    wanted,
    st.one_of(money.map(lambda n: {"amount_usd": str(n)}), st.integers(1, 10**15).map(lambda n: {"amount_tokens": n})),
)
def test_what_is_read_back_of_a_budget_makes_the_same_budget(workspace, data, amount):
    made = manage.create(workspace, {**data, **amount, "allow_unseen": True}, "lena", now=NOW)
    made = Budget.objects.select_related("workspace", "owner").get(pk=made.pk)
    told = manage.told(made)
    version = BudgetVersion.objects.get(workspace=workspace).version
    same = manage.change(made, {**told, "allow_unseen": True}, "lena", now=NOW + MINUTE)
    assert (same.changed_at, manage.told(same)) == (NOW, told)
    assert BudgetVersion.objects.get(workspace=workspace).version == version
    again = manage.create(workspace, {**told, "allow_unseen": True}, "lena", now=NOW)
    assert manage.told(Budget.objects.select_related("workspace", "owner").get(pk=again.pk)) == told
    assert told["name"] == data["name"].strip()
    assert {Decimal(str(t)) for t in told["thresholds"]} == set(data.get("thresholds", [50, 80, 100]))


@pytest.mark.parametrize(("name", "value", "kept"), [
    ("amount_usd", 5, Decimal(5)), ("amount_usd", " 5000.00 ", Decimal(5000)), ("amount_usd", 0.1, Decimal("0.1")),
    ("amount_usd", "1e3", Decimal(1000)), ("amount_usd", "0.000000000001", Decimal("1e-12")), ("amount_usd", "", None),
    ("amount_tokens", "1000000", 1_000_000), ("amount_tokens", 1e6, 1_000_000), ("amount_tokens", 10**15, 10**15),
    ("carry_over", None, Decimal(0)), ("carry_over", "12.5", Decimal("12.5")), ("carry_over", 100, Decimal(100)),
    ("week_start", "SATURDAY", 6), ("week_start", "3", 3), ("week_start", 7, 7), ("week_start", "", None),
    ("thresholds", [100, "50", 99.5, 50], [50, 99.5, 100]), ("thresholds", [], []), ("thresholds", None, []),
    ("thresholds", [0.01, 1000], [0.01, 1000]), ("channels", [3, 1, 3], [1, 3]), ("channels", None, []),
    ("planned", {"2026-12": "80", "2026-11": 5, "2027-01": None}, {"2026-11": "5", "2026-12": "80"}),
    ("planned", None, {}), ("per", "", ""), ("per", "session_id", "session"), ("name", "  a b ", "a b"),
    ("time_zone", None, ""), ("time_zone", "Europe/Berlin", "Europe/Berlin"),
    ("period", "rolling_366d", "rolling_366d"),
    ("owner", None, None), ("owner", "", None), ("amount_usd", "١٢", Decimal(12)),
])  # fmt: skip
def test_fields_are_taken_as_people_and_programs_write_them(workspace, name, value, kept):
    assert fields.read({name: value}, workspace) == {name: kept}


@pytest.mark.parametrize(("name", "value"), [
    ("amount_usd", "1e-13"), ("amount_usd", "1000000000000"), ("amount_usd", "sNaN"),
    ("amount_usd", "-0"),
    ("amount_usd", {}), ("amount_tokens", "1.5"), ("amount_tokens", float("inf")), ("carry_over", "100.01"),
    ("carry_over", "-1"), ("carry_over", "33.333"), ("week_start", 8), ("week_start", 1.0), ("week_start", "-1"),
    ("thresholds", [10] * 21), ("thresholds", {"50": 1}), ("thresholds", [True]), ("channels", [0]),
    ("channels", [2**63]),
    ("channels", [True]), ("channels", list(range(1, 30))), ("channels", "1"), ("planned", {"26-11": 1}),
    ("planned", {f"20{n:02}-01": 1 for n in range(100)} | {f"20{n:02}-02": 1 for n in range(100)}),
    ("planned", {"2026-11": "x"}), ("time_zone", "Europe/berlin "), ("time_zone", []), ("name", "   "),
    ("name", "a\ud800"),
    ("per", "tag."), ("per", ["user"]), ("owner", "a\0@l.example"), ("owner", ["a"]), ("paused", 1), ("paused", None),
    ("action", ["block"]),
])  # fmt: skip
def test_what_a_field_cannot_be_is_refused_under_its_name(workspace, name, value):
    with pytest.raises(BadBudget) as problem:
        fields.read({name: value}, workspace)
    assert problem.value.field.split(".")[0] == name
    assert problem.value.message.endswith((".", "null."))


def test_every_read_only_field_of_an_answer_is_passed_over(workspace):
    assert fields.read(dict.fromkeys(fields.READ_ONLY, "anything"), workspace) == {}
    assert not fields.READ_ONLY & {"name", "amount_usd", "period", "thresholds"}


@pytest.mark.parametrize(("actor", "said"), [("lena@l.example", "lena@l.example"), ("x" * 300, "x" * 255)])
def test_a_budget_says_who_made_it(make, workspace, actor, said):
    made = manage.create(workspace, {"name": "b", "period": "daily", "amount_usd": 1}, actor)
    assert made.created_by == said


def test_a_key_that_made_a_budget_is_named_as_a_key(workspace):
    key, _ = keys.create_key(workspace, "terraform", ["admin"])
    made = manage.create(workspace, {"name": "b", "period": "daily", "amount_usd": 1}, key)
    assert made.created_by == f"key {key}"


def test_a_change_is_logged_with_what_was_and_what_is_and_nothing_else(make):
    budget = make(thresholds=[50])
    manage.change(budget, {"thresholds": [50, 90], "name": "All agents", "paused": True}, "lena")
    entry = AuditEntry.objects.get(action="budget.changed")
    assert entry.facts == {
        "before": {"thresholds": [50], "paused": False},
        "after": {"thresholds": [50, 90], "paused": True},
    }


def test_a_change_that_is_refused_changes_nothing_and_is_not_logged(make):
    budget = make()
    before = Budget.objects.values().get()
    for data in ({"amount_usd": 5, "period": "hourly"}, {"name": "x", "planned": {"2026-11": 1}, "period": "daily"},
                 {"channels": [99]}, {"amount_usd": None}, {"amount_usd": 1, "amount_tokens": 1}):  # fmt: skip
        with pytest.raises(BadBudget):
            manage.change(budget, data, "lena")
    assert Budget.objects.values().get() == before
    assert not AuditEntry.objects.filter(action="budget.changed").exists()


@pytest.mark.parametrize(("data", "counts"), [
    ({"name": "x"}, False), ({"channels": []}, False), ({"forecast_thresholds": [90]}, False),
    ({"amount_usd": 5}, True),
    ({"scope": {"agent": ["a"]}}, True), ({"thresholds": [1]}, True), ({"week_start": 3}, True),
    ({"paused": True}, True),
    ({"carry_over": 5}, True), ({"per": "user"}, True), ({"action": "block"}, True),
    ({"planned": {"2026-11": 5}}, True),
])  # fmt: skip
def test_what_decides_has_everything_counted_anew_and_the_rest_does_not(make, data, counts):
    budget = make()
    look()
    manage.change(budget, {**data, "allow_unseen": True}, "lena", now=NOW + MINUTE)
    budget.refresh_from_db()
    same = data == {"channels": []}  # it had none
    assert (budget.judged_at is None) is counts
    assert budget.counted_since == (NOW + MINUTE if counts else NOW)
    assert budget.changed_at == (NOW if same else NOW + MINUTE)


def test_a_budget_removed_meanwhile_cannot_be_changed_and_removed_twice_is_once(make, workspace):
    budget = make()
    manage.remove(budget, "lena")
    manage.remove(budget, "lena")
    assert AuditEntry.objects.filter(action="budget.removed").count() == 1
    with pytest.raises(Budget.DoesNotExist):
        manage.change(budget, {"name": "x"}, "lena")


def test_a_removed_budget_leaves_its_incidents_over_nobody_stopped_and_no_rows(make, send):
    budget = make(action="block", per="user", amount_usd=5, thresholds=[50, 100])
    look()
    send(spend(NOW, "6", user_id="u-1"), spend(NOW, "3", user_id="u-2"))
    look()
    assert Stop.objects.filter(lifted_at=None).count() == 1
    manage.remove(budget, "lena", now=NOW)
    assert Incident.objects.count() == 2
    assert {one.timeline.last().text for one in incidents()} == {"The budget was deleted"}
    assert not Incident.objects.exclude(state=State.RESOLVED).exists()
    assert not Stop.objects.filter(lifted_at=None).exists()
    assert not BudgetPeriod.objects.exists()


def test_a_channel_taken_away_can_stay_in_a_budget_that_is_changed_otherwise(make, workspace):
    channel = Channel.objects.create(workspace=workspace, kind="email", name="finance")
    budget = make(channels=[channel.pk])
    Channel.objects.update(deleted_at=NOW)
    assert manage.change(budget, {"name": "x"}, "lena").name == "x"
    with pytest.raises(BadBudget) as problem:
        manage.change(budget, {"channels": [channel.pk]}, "lena")
    assert problem.value.message == f"There is no channel {channel.pk} in this workspace."


@pytest.mark.parametrize("email", ["lena@larkfield.example", "LENA@Larkfield.Example"])
def test_an_owner_is_found_by_address_in_any_case_and_only_here(make, workspace, email):
    lena = Member.objects.create(workspace=workspace, email="lena@larkfield.example", role=Role.VIEWER)
    assert make(owner=email).owner == lena
    with pytest.raises(BadBudget):
        fields.read({"owner": email}, Workspace.objects.create(name="Other"))
