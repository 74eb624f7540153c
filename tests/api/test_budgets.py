"""`/api/v1/budgets`: kept as asked, told with how they stand, refused with the field and what to write there."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from costwatch.accounts.models import AuditEntry, Member, Workspace
from costwatch.alerts.models import Channel
from costwatch.budgets.models import Budget, BudgetPeriod, BudgetVersion
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from costwatch.tasks import look
from tests.api.conftest import caller
from tests.ledger.make import entry

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/budgets"
WANTED = {"name": "Triage", "amount_usd": "500", "period": "monthly", "scope": {"agent": ["triage"]}}


@pytest.fixture
def admin(workspace):
    return caller(workspace, "read", "admin")


@pytest.fixture
def post(admin):
    def send(status=201, **changes):
        wanted = {name: value for name, value in {**WANTED, **changes}.items() if value is not ...}
        response = admin.post(ADDRESS, wanted, content_type="application/json")
        assert response.status_code == status, response.content[:500]
        return response.json()

    return send


def test_a_budget_is_kept_as_asked_and_listed_with_how_it_stands(workspace, post, get):
    now = datetime.now(UTC)
    record(
        workspace.lane,
        [entry(timestamp=now, cost="125.5", agent_id="triage"), entry(timestamp=now, cost="9", agent_id="b")],
    )
    fold_all()
    made = post(thresholds=[50, 99.5], time_zone="America/New_York", week_start=7)
    assert get(ADDRESS)["items"] == [made]
    assert get(f"{ADDRESS}/{made['id']}") == made
    assert {name: made[name] for name in ("name", "period", "scope", "per", "action", "time_zone", "thresholds")} == {
        "name": "Triage", "period": "monthly", "scope": {"agent": ["triage"]}, "per": None, "action": "notify",
        "time_zone": "America/New_York", "thresholds": [50, 99.5]}  # fmt: skip
    assert (made["amount_usd"], made["amount_tokens"]) == ("500.000000000000", None)
    assert (made["spent"], made["remaining"], made["share"]) == ("125.500000000000", "374.500000000000", 0.251)
    assert (made["state"], made["forecast"], made["exhausted_on"]) == ("ok", None, None)
    assert made["coverage"]["priced_share"] == 1
    assert datetime.fromisoformat(made["resets_at"]) > now


def test_a_template_lists_its_dearest_values(workspace, post):
    now = datetime.now(UTC)
    record(workspace.lane, [entry(timestamp=now, cost=str(n), user_id=f"u-{n}") for n in range(1, 4)])
    made = post(per="user", amount_usd=2, period="daily")
    assert [(one["value"], one["state"]) for one in made["values"]] == [
        ("u-3", "over"),
        ("u-2", "over"),
        ("u-1", "warning"),
    ]
    assert (made["over_count"], made["value_count"], made["state"], made["remaining"]) == (2, 3, "over", None)


def test_tokens_are_whole_numbers(post):
    made = post(amount_usd=..., amount_tokens=1_000_000)
    assert (made["amount_tokens"], made["spent"], made["remaining"]) == (1_000_000, 0, 1_000_000)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "x" * 201), ("name", 7), ("name", "a\0b"), ("name", ...), ("amount_usd", ...),
        ("amount_usd", "0"), ("amount_usd", -1), ("amount_usd", "NaN"), ("amount_usd", "Infinity"),
        ("amount_usd", True),
        ("amount_usd", "1e400"), ("amount_usd", "0.0000000000001"), ("amount_usd", "12 dollars"), ("amount_usd", [5]),
        ("amount_usd", 10**40), ("period", ...), ("period", "hourly"), ("period", "rolling_0h"),
        ("period", "rolling_9999d"),
        ("period", ["daily"]), ("time_zone", "Berlin"), ("time_zone", 5), ("time_zone", "../etc/passwd"),
        ("week_start", 0), ("week_start", "mon"), ("week_start", True), ("scope", []), ("scope", {"agents": ["a"]}),
        ("scope", {"agent": []}), ("scope", {"agent": [5]}), ("scope", {"agent": None}), ("scope", {"tag.": ["x"]}),
        ("scope", {"agent": ["\ud800"]}), ("scope", {"agent": ["a"], "agent!": ["a"]}), ("per", "users"), ("per", 4),
        ("per", "user!"), ("thresholds", 50), ("thresholds", "50"), ("thresholds", [0]), ("thresholds", [1001]),
        ("thresholds", [50.001]), ("thresholds", ["a"]), ("thresholds", list(range(1, 30))), ("thresholds", [None]),
        ("channels", [1, "b"]), ("channels", [12345]), ("action", "stop"), ("action", None), ("paused", "yes"),
        ("planned", {"2026-13": 5}), ("planned", {"2026-11": 0}), ("planned", [5]), ("carry_over", 101),
        ("owner", "a@b"), ("owner", 5), ("amonut_usd", 5),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_by_name(post, field, value):
    error = post(422, **{field: value})["error"]
    assert error["code"] == "invalid"
    assert error["field"].startswith(field.split(".")[0])
    assert len(error["message"]) > 15
    assert not Budget.objects.exists()


@pytest.mark.parametrize("tokens", [0, -5, 1.5, 10**15 + 1, "many", True])
def test_tokens_that_cannot_be_counted_are_refused(post, tokens):
    assert post(422, amount_usd=..., amount_tokens=tokens)["error"]["field"] == "amount_tokens"


def test_the_largest_amounts_are_kept_and_counted(workspace, post):
    for amount in ({"amount_usd": "999999999999.999999999999"}, {"amount_usd": ..., "amount_tokens": 10**15}):
        post(thresholds=[0.01, 1000], scope={}, **amount)
    record(workspace.lane, [entry(timestamp=datetime.now(UTC), cost="2.5")])
    look()
    assert not BudgetPeriod.objects.filter(due=True).exists()
    assert BudgetPeriod.objects.count() == 2


def test_fields_that_contradict_each_other_are_refused(post):
    assert post(422, amount_tokens=5)["error"]["field"] == "amount_usd"
    assert post(422, period="rolling_24h", forecast_thresholds=[100])["error"]["field"] == "forecast_thresholds"
    assert post(422, period="rolling_24h", carry_over=10)["error"]["field"] == "carry_over"
    assert post(422, period="daily", planned={"2026-11": 5})["error"]["field"] == "planned"
    assert post(422, scope={"agent!": ["a"]}, action="block")["error"]["field"] == "action"


@pytest.mark.parametrize("body", ["[]", '"a"', "7", "null", "{", "", "[[[[[[[[[[[["])
def test_what_is_no_object_is_refused(admin, body):
    response = admin.post(ADDRESS, body, content_type="application/json")
    assert response.status_code in (400, 422)
    assert response.json()["error"]["message"]


def test_a_scope_that_nothing_was_recorded_under_is_warned_of_or_on_request_refused(workspace, post):
    record(workspace.lane, [entry(agent_id="triage", tags={"team": "a"})])
    assert post()["warnings"] == []
    assert "Known are triage" in post(scope={"agent": ["triagge"]})["warnings"][0]
    for scope, field in (({"agent": ["triagge"]}, "scope.agent"), ({"tag.team": ["b"]}, "scope.tag.team"),
                         ({"user": ["u"]}, "scope.user")):  # fmt: skip
        assert post(422, scope=scope, allow_unseen=False)["error"]["field"] == field
    assert post(422, per="tag.customer", allow_unseen=False)["error"]["field"] == "per"
    assert post(allow_unseen=False, scope={"tag.team": ["a", "b"], "agent": ["triage"]})["warnings"] == []


def test_a_blocking_budget_of_a_model_says_what_the_guard_must_be_told(workspace, post):
    record(workspace.lane, [entry(agent_id="triage", model="gpt-4.1", provider="openai", operation="chat")])
    scope = {"model": ["gpt-4.1"], "operation": ["chat"]}
    assert post(scope=scope)["warnings"] == []
    assert post(scope={"agent": ["triage"]}, action="block")["warnings"] == []
    (said,) = post(scope=scope, action="block")["warnings"]
    assert "only who says the model and operation of its next call" in said


def test_a_template_cannot_be_about_what_names_nobody(post):
    assert post(422, per="user", scope={"user": [""]})["error"]["field"] == "scope.user"


def test_only_what_is_sent_changes_and_the_log_tells_what_was(admin, workspace, post):
    made = post()
    response = admin.patch(
        f"{ADDRESS}/{made['id']}", {"amount_usd": 750, "name": "Triage"}, content_type="application/json"
    )
    assert response.status_code == 200, response.content
    assert Decimal(response.json()["amount_usd"]) == 750
    assert response.json()["scope"] == made["scope"]
    logged = AuditEntry.objects.get(action="budget.changed")
    assert logged.facts == {"before": {"amount_usd": "500.000000000000"}, "after": {"amount_usd": "750.000000000000"}}
    tokens = admin.patch(f"{ADDRESS}/{made['id']}", {"amount_tokens": 5}, content_type="application/json").json()
    assert (tokens["amount_usd"], tokens["amount_tokens"]) == (None, 5)
    bad = admin.patch(f"{ADDRESS}/{made['id']}", {"period": "never"}, content_type="application/json")
    assert (bad.status_code, bad.json()["error"]["field"]) == (422, "period")


def test_an_answer_can_be_sent_back_and_changes_nothing(admin, post):
    made = post()
    version = BudgetVersion.objects.get().version
    response = admin.patch(f"{ADDRESS}/{made['id']}", made, content_type="application/json")
    assert response.status_code == 200, response.content
    assert response.json() == made
    assert BudgetVersion.objects.get().version == version


def test_a_removed_budget_is_gone_and_the_log_has_it(admin, post, get):
    made = post()
    assert admin.delete(f"{ADDRESS}/{made['id']}").status_code == 204
    assert get(ADDRESS)["items"] == []
    assert admin.get(f"{ADDRESS}/{made['id']}").status_code == 404
    assert admin.delete(f"{ADDRESS}/{made['id']}").status_code == 404
    assert AuditEntry.objects.get(action="budget.removed").facts["before"]["name"] == "Triage"


def test_a_key_that_only_reads_changes_nothing(client, post):
    made = post()
    assert client.get(ADDRESS).status_code == 200
    assert client.post(ADDRESS, WANTED, content_type="application/json").status_code == 403
    assert client.patch(f"{ADDRESS}/{made['id']}", {}, content_type="application/json").status_code == 403
    assert client.delete(f"{ADDRESS}/{made['id']}").status_code == 403


def test_other_workspaces_have_their_own(post):
    made = post()
    stranger = caller(Workspace.objects.create(name="Other"), "read", "admin")
    assert stranger.get(ADDRESS).json()["items"] == []
    assert stranger.delete(f"{ADDRESS}/{made['id']}").status_code == 404
    assert Budget.objects.count() == 1


def test_channels_and_owners_are_those_of_the_workspace(workspace, post):
    channel = Channel.objects.create(workspace=workspace, kind="email", name="finance")
    other = Channel.objects.create(workspace=Workspace.objects.create(name="Other"), kind="email", name="finance")
    Member.objects.create(workspace=workspace, email="lena@larkfield.example", role="editor")
    made = post(channels=[channel.pk], owner="Lena@larkfield.example")
    assert (made["channels"], made["owner"]) == ([channel.pk], "lena@larkfield.example")
    assert post(422, channels=[other.pk])["error"]["field"] == "channels"


def test_lists_come_in_pages(post, get):
    made = [post(name=f"b {n}")["id"] for n in range(5)]
    found, cursor = [], {}
    while True:
        page = get(ADDRESS, limit=2, **cursor)
        found += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == made


def test_a_rolling_window_has_no_reset(workspace, post):
    record(workspace.lane, [entry(timestamp=datetime.now(UTC) - timedelta(hours=20), cost="5", agent_id="triage")])
    made = post(period="rolling_24h")
    assert (made["resets_at"], made["spent"]) == (None, "5.000000000000")
