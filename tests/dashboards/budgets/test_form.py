"""Making, changing, pausing and removing budgets on pages."""

import pytest

from costwatch.accounts.models import AuditEntry, Member, Role
from costwatch.alerts import channels
from costwatch.budgets.models import Budget
from costwatch.digests.subscriptions import subscribe
from tests.dashboards.budgets.conftest import FORM
from tests.dashboards.conftest import logged_in
from tests.dashboards.page import links, text

pytestmark = pytest.mark.thorough


def post(client, path="/budgets/new", status=302, **fields):
    answer = client.post(path, {**FORM, **fields})
    assert answer.status_code == status, text(answer.content.decode())
    return answer


def made() -> Budget:
    return Budget.objects.get()


def problem(page: str, field: str) -> str:
    return text(page.split(f'id="id_{field}_error"')[1].split("</p>")[0].partition(">")[2])


def test_a_budget_is_made_as_it_was_written(editor, workspace, spend):
    spend((1, "5", {"agent_id": "triage", "user_id": "u-1", "tags": {"team": "blue"}}))
    hook, _ = channels.create(workspace, {"kind": "webhook", "url": "https://hooks.example.com/x", "name": "#costs"})
    answer = post(
        editor, name="Triage", amount="1,250.50", period="weekly", week_start="7", time_zone="America/New_York",
        per="user", thresholds="50, 99.5 %", forecast_thresholds="100", carry_over="20", owner="lena@larkfield.example",
        channels=[hook.pk], conditions="3",
        **{"dimension-0": "agent", "is-0": "is", "shown-0": "agent", "known-0": ["triage"], "others-0": "",
           "dimension-1": "tag.team", "is-1": "not", "shown-1": "tag.team", "others-1": "red\n green \n"},
    )  # fmt: skip
    budget = made()
    assert answer["Location"] == f"/budgets/{budget.pk}"
    assert (budget.name, f"{budget.amount_usd:f}", budget.period) == ("Triage", "1250.500000000000", "weekly")
    assert (budget.week_start, budget.time_zone, budget.per) == (7, "America/New_York", "user")
    assert budget.scope == {"agent": ["triage"], "tag.team!": ["green", "red"]}
    assert (budget.thresholds, budget.forecast_thresholds) == ([50, 99.5], [100])
    assert (f"{budget.carry_over:f}", budget.owner.email) == ("20.00", "lena@larkfield.example")
    assert (budget.channels, budget.action) == ([hook.pk], "notify")
    assert AuditEntry.objects.filter(action="budget.created", actor="lena@larkfield.example").count() == 1


def test_the_channels_of_members_own_digests_are_the_last_to_choose(editor, workspace, now):
    lena = Member.objects.get(email="lena@larkfield.example")
    subscribe(workspace, "weekly", now, by=lena.email, member=lena)
    for name in ("finance", "Alarms"):
        channels.create(workspace, {"kind": "email", "name": name, "to": ["a@larkfield.example"]})
    shown = text(editor.get("/budgets/new").content.decode())
    assert shown.index("Alarms") < shown.index("finance") < shown.index("Digests to lena@larkfield.example")


def test_tokens_a_window_and_planned_months(editor):
    post(editor, unit="tokens", amount="5_000_000", period="rolling", window="7", window_unit="d")
    assert (made().amount_tokens, made().period) == (5_000_000, "rolling_7d")
    Budget.objects.all().delete()
    post(editor, **{"planned-2026-12": "$2,000", "planned-2027-01": ""})
    assert made().planned == {"2026-12": "2000"}


def test_what_is_wrong_is_told_beside_every_field(editor):
    page = post(
        editor, status=422, name="", amount="many", time_zone="Berlin", thresholds="0", carry_over="200",
    ).content.decode()  # fmt: skip
    assert problem(page, "name") == "The name must be a text of 1 to 200 characters."
    assert problem(page, "amount") == "The amount must be a number such as 5000 or 49.90."
    assert 'name="amount" value="many"' in page
    assert "is not an IANA time zone" in problem(page, "time_zone")
    assert problem(page, "thresholds").startswith("Thresholds must be above 0")
    assert problem(page, "carry_over").startswith("It must be a percentage from 0 to 100")
    assert not Budget.objects.exists()


def test_a_budget_may_block(editor, spend):
    post(editor, action="block")
    assert made().action == "block"
    line = {"conditions": "1", "dimension-0": "agent", "is-0": "not", "others-0": "triage", "allow_unseen": "on"}
    page = post(editor, status=422, action="block", **line).content.decode()
    assert "its scope cannot exclude values" in problem(page, "action")
    line = {"conditions": "1", "dimension-0": "model", "is-0": "is", "others-0": "gpt-4o", "allow_unseen": "on"}
    page = post(editor, status=200, do="preview", action="block", **line).content.decode()
    assert "only who says the model of its next call" in page


@pytest.mark.parametrize(("fields", "field", "says"), [
    ({"amount": ""}, "amount", "How much may be spent?"),
    ({"amount": "-5"}, "amount", "The amount must be greater than 0"),
    ({"unit": "tokens", "amount": "1.5"}, "amount", "The amount must be a whole number"),
    ({"period": "rolling", "window": "0"}, "window", "A whole number of hours or days, at most 366 days."),
    ({"period": "rolling", "window": "24", "carry_over": "10"}, "carry_over", "A rolling budget has no end"),
    ({"period": "hourly"}, "period", "Select a valid choice"),
    ({"owner": "eve@else.example"}, "owner", "Select a valid choice"),
    ({"per": "nothing"}, "per", "Select a valid choice"),
])  # fmt: skip
def test_each_field_refuses_what_it_cannot_keep(editor, fields, field, says):
    assert says in problem(post(editor, status=422, **fields).content.decode(), field)


def test_a_planned_amount_that_is_wrong_opens_its_month(editor):
    page = post(editor, status=422, **{"planned-2026-12": "a lot"}).content.decode()
    assert "must be a number" in text(page.split('id="planned-2026-12-error"')[1])
    assert "<details" in page
    assert "open" in page.split('<details class="more')[1].split(">")[0]


def test_a_scope_that_nothing_matched_is_refused_unless_told_to(editor, spend):
    spend((1, "5", {"agent_id": "triage"}))
    typo = {"conditions": "1", "dimension-0": "agent", "is-0": "is", "shown-0": "agent", "others-0": "traige"}
    page = post(editor, status=422, **typo).content.decode()
    assert "No event came from agent traige so far. Known are triage." in text(page)
    assert "allow_unseen: true" not in page
    assert "Keep it although nothing matched so far" in text(page)
    assert not Budget.objects.exists()
    post(editor, allow_unseen="on", **typo)
    assert made().scope == {"agent": ["traige"]}


def test_the_same_holds_for_whom_a_template_is_for(editor, spend):
    spend((1, "5", {"agent_id": "triage", "user_id": None}))
    page = post(editor, status=422, per="user").content.decode()
    assert "No event has named its user yet" in problem(page, "per")
    post(editor, per="user", allow_unseen="on")


def test_conditions_on_one_dimension_are_one(editor, spend):
    spend((1, "5", {"agent_id": "triage"}), (1, "5", {"agent_id": "lookup"}))
    post(editor, conditions="2", **{
        "dimension-0": "agent", "is-0": "is", "shown-0": "agent", "known-0": ["triage"], "others-0": "",
        "dimension-1": "agent", "is-1": "is", "shown-1": "agent", "known-1": ["lookup"], "others-1": "",
    })  # fmt: skip
    assert made().scope == {"agent": ["lookup", "triage"]}


def test_what_was_ticked_of_another_dimension_does_not_count(editor, spend):
    spend((1, "5", {"agent_id": "triage"}))
    line = {"dimension-0": "model", "is-0": "is", "shown-0": "agent", "known-0": ["triage"], "others-0": "gpt-5.4-mini"}
    post(editor, conditions="1", **line)
    assert made().scope == {"model": ["gpt-5.4-mini"]}


def test_an_empty_condition_is_told(editor, spend):
    page = post(editor, status=422, conditions="1", **{"dimension-0": "agent", "is-0": "is"}).content.decode()
    assert "Tick at least one value, or write one." in text(page)


def test_what_is_not_attributed_can_be_ticked(editor, spend):
    spend((1, "5", {"agent_id": None}))
    post(editor, conditions="1", **{"dimension-0": "agent", "is-0": "is", "shown-0": "agent", "known-0": [""]})
    assert made().scope == {"agent": [""]}


def test_the_form_shows_a_budget_as_it_is(editor, make, spend):
    spend((1, "5", {"agent_id": "triage"}))
    budget = make(
        name="Triage", amount_usd="12.5", period="rolling_36h", thresholds=[80, 99.5],
        scope={"agent": ["triage", "gone"], "tag.team!": ["red"]}, owner="lena@larkfield.example", per="tag.customer",
    )  # fmt: skip
    page = editor.get(f"/budgets/{budget.pk}/edit").content.decode()
    assert 'value="12.5"' in page
    assert '<option value="rolling" selected>' in page
    assert 'name="window" value="36"' in page
    assert 'value="80, 99.5"' in page
    assert 'name="known-0" value="triage" checked' in page
    assert ">gone</textarea>" in page
    assert ">red</textarea>" in page
    assert '<option value="tag.customer" selected>' in page
    assert '<option value="lena@larkfield.example" selected>' in page


def test_sent_back_unchanged_it_changes_nothing(editor, make, spend):
    budget = make(amount_usd="12.5", period="weekly", thresholds=[80, 99.5])
    post(editor, f"/budgets/{budget.pk}/edit", amount="12.5", period="weekly", thresholds="80, 99.5")
    assert not AuditEntry.objects.filter(action="budget.changed").exists()


def test_a_change_is_kept_and_audited(editor, make):
    budget = make()
    post(editor, f"/budgets/{budget.pk}/edit", amount="250", name="More")
    assert (made().name, made().amount_usd) == ("More", 250)
    entry = AuditEntry.objects.get(action="budget.changed")
    assert entry.facts["before"]["amount_usd"] == "100.000000000000"
    assert post(editor, f"/budgets/{budget.pk}/edit", status=422, amount="0")


def test_what_was_agreed_on_before_is_not_asked_again(editor, make, spend):
    spend((1, "5", {"agent_id": "triage"}))
    budget = make(scope={"agent": ["gone", "far"]})
    line = {"conditions": "1", "dimension-0": "agent", "is-0": "is", "shown-0": "agent"}
    post(editor, f"/budgets/{budget.pk}/edit", amount="250", **line, **{"others-0": "gone\nfar"})
    assert made().amount_usd == 250
    post(editor, f"/budgets/{budget.pk}/edit", status=422, **line, **{"others-0": "gone\nfarther"})


def test_dollars_can_become_tokens(editor, make):
    budget = make()
    post(editor, f"/budgets/{budget.pk}/edit", unit="tokens", amount="9000")
    assert (made().amount_usd, made().amount_tokens) == (None, 9000)


def test_pause_and_go_on(editor, make):
    budget = make()
    editor.post(f"/budgets/{budget.pk}/pause")
    assert made().paused
    editor.post(f"/budgets/{budget.pk}/resume")
    assert not made().paused
    assert editor.post(f"/budgets/{budget.pk}/explode").status_code == 404
    assert editor.get(f"/budgets/{budget.pk}/pause").status_code == 405


def test_removing_asks_first(editor, make):
    budget = make()
    page = editor.get(f"/budgets/{budget.pk}/remove").content.decode()
    assert "Remove this budget?" in text(page)
    assert Budget.objects.exists()
    answer = editor.post(f"/budgets/{budget.pk}/remove")
    assert answer["Location"] == "/budgets"
    assert not Budget.objects.exists()
    assert AuditEntry.objects.filter(action="budget.removed").exists()


def test_viewers_look_and_do_not_touch(client, make):
    budget = make()
    assert f"/budgets/{budget.pk}/edit" not in links(client.get(f"/budgets/{budget.pk}").content.decode())
    for path in ("/budgets/new", f"/budgets/{budget.pk}/edit", f"/budgets/{budget.pk}/remove"):
        assert client.get(path).status_code == 403
        assert client.post(path, FORM).status_code == 403


def test_there_are_links_to_channels(editor, workspace):
    page = editor.get("/budgets/new").content.decode()
    assert "There is no channel yet" in text(page)
    assert "/settings/channels" in links(page)


def test_an_address_fills_the_form_in(workspace, now, spend):
    spend((1, "5", {"agent_id": "triage"}))
    owner = logged_in(workspace, "o@larkfield.example", Role.OWNER)
    page = owner.get("/budgets/new?name=Mine&amount=7&agent=triage&tag.team!=red&per=user").content.decode()
    assert 'name="name" value="Mine"' in page
    assert 'name="known-0" value="triage" checked' in page
    assert ">red</textarea>" in page
    assert '<option value="user" selected>' in page
    assert "Looking back" in text(page)  # the page asks for it when it is there
    assert 'hx-trigger="load, change' in page


@pytest.mark.parametrize("field", ["conditions", "planned-2026-99", "dimension-0", "amount", "window", "thresholds"])
def test_nonsense_never_breaks_it(editor, field):
    for nonsense in ("\u0000", "9" * 500, "-1", "NaN", "\ud800".encode("utf-8", "surrogatepass")):
        for do in ("save", "preview", "condition"):
            answer = editor.post("/budgets/new", {**FORM, "conditions": "1", field: nonsense, "do": do})
            assert answer.status_code in (200, 302, 400, 422)
