"""The list of budgets: the most urgent first, all figures beside each other."""

import pytest

from costwatch.accounts.models import Role
from costwatch.budgets import manage
from costwatch.dashboards.budgets.kept import dearest
from tests.dashboards.conftest import logged_in
from tests.dashboards.page import links, rows, text
from tests.ledger.make import NOW


def listed(client, query: str = "") -> list[list[str]]:
    return [cells for cells in rows(client.get(f"/budgets{query}").content.decode()) if cells][1:]


def test_the_most_urgent_stands_first(client, make, spend):
    make(name="Half", amount_usd="20")
    make(name="Wide", amount_usd="1000")
    make(name="Gone", amount_usd="10")
    make(name="Nearly", amount_usd="12")
    manage.change(make(name="Asleep", amount_usd="1"), {"paused": True}, "x")
    spend((1, "11", {}))
    assert [cells[0].split(" $")[0] for cells in listed(client)] == ["Gone", "Nearly", "Half", "Wide", "Asleep"]


def test_each_says_what_is_spent_left_and_when_it_resets(client, make, spend):
    make(period="weekly", scope={"agent": ["triage"]})
    spend((1, "30", {"agent_id": "triage"}), (1, "5", {"agent_id": "lookup"}))
    (cells,) = listed(client)
    assert cells[0] == "All agents $100.00 a week · agent triage"
    assert cells[1] == "within"
    assert cells[2] == "30.0 %"
    assert cells[4] == "$30.00 $70.00 left"
    assert cells[6] == "Monday 00:00 Europe/Berlin, in 4 d"


def test_what_is_over_says_by_how_much(client, make, spend):
    make(amount_usd="10")
    spend((1, "12.50", {}))
    (cells,) = listed(client)
    assert cells[1:3] == ["over", "125 %"]
    assert cells[4] == "$12.50 $2.50 over"


def test_unpriced_calls_make_what_is_spent_at_least(client, make, spend):
    make()
    spend((1, "10", {}), (1, None, {}))
    assert "≥ $10.00" in listed(client)[0][4]


def test_a_template_tells_how_many_of_its_values_are_over(client, make, spend):
    make(name="Each user", per="user", amount_usd="5")
    calls = [(1, "1", {"user_id": f"u-{number}"}) for number in range(10)]
    spend(*calls, (1, "6", {"user_id": "u-1"}), (1, "5", {"user_id": "u-2"}), (1, "3", {"user_id": "u-3"}))
    (cells,) = listed(client)
    assert cells[0] == "Each user $5.00 a month per user · all usage"
    assert cells[1] == "2 of 10 users over"
    assert cells[2] == "140 % u-1"
    assert cells[4] == "$24.00 all together"


def test_naming_the_dearest_of_each_template_takes_one_query_for_all(client, make, spend, django_assert_num_queries):
    budgets = [make(name=f"Each {name}", per=name, amount_usd="5") for name in ("user", "agent", "task")]
    spend((1, "1", {"user_id": "u-1", "agent_id": "a", "task": "t"}), (1, "3", {"user_id": "<u-2>", "agent_id": "b"}))
    with django_assert_num_queries(1):
        assert dearest(budgets, NOW) == {budgets[0].pk: "<u-2>", budgets[1].pk: "b", budgets[2].pk: "t"}
    assert listed(client)[0][2].startswith("60.0 % ")


def test_a_template_whose_values_are_not_all_known_yet_tells_no_total(client, make, spend):
    spend(*[(1, "1", {"user_id": f"u-{number}"}) for number in range(10)], (1, "9", {"user_id": "u-1"}))
    make(days=0, name="Each user", per="user", amount_usd="5")
    spend()
    assert listed(client)[0][1] == "1 user over"


def test_tokens_are_counted_as_tokens(client, make, spend):
    make(amount_tokens=10_000)
    spend((1, "1", {"input_tokens": 4_000, "output_tokens": 500}))
    (cells,) = listed(client)
    assert cells[2] == "45.0 %"
    assert cells[4] == "4,500 tokens 5,500 tokens left"


@pytest.mark.parametrize(("state", "names"), [
    ("over", ["Gone"]), ("close", ["Half"]), ("within", ["Wide"]), ("paused", []),
    ("nonsense", ["Gone", "Half", "Wide"]),
])  # fmt: skip
def test_the_list_can_be_narrowed_to_a_state(client, make, spend, state, names):
    for name, amount in (("Gone", "10"), ("Half", "20"), ("Wide", "1000")):
        make(name=name, amount_usd=amount)
    spend((1, "11", {}))
    answer = client.get(f"/budgets?state={state}").content.decode()
    assert [cells[0].split(" $")[0] for cells in rows(answer)[1:]] == names
    assert "All 3 Over 1 Close 1 Within 1 Paused 0" in text(answer)


def test_twenty_stand_on_a_page(client, make):
    for number in range(23):
        make(name=f"Budget {number:02}")
    assert len(listed(client)) == 20
    assert len(listed(client, "?page=2")) == 3
    assert "/budgets?page=2" in links(client.get("/budgets").content.decode())
    assert listed(client, "?page=x") == listed(client)


def test_names_of_people_cannot_break_the_page(client, make):
    make(name="<script>alert(1)</script>", scope={"agent": ["<b>x</b>"]})
    answer = client.get("/budgets").content.decode()
    assert "<script>alert" not in answer
    assert "<b>x" not in answer


def test_the_csv_holds_every_digit(client, make, spend):
    make(name="=1+1", owner=None)
    spend((1, "10.123456789012", {}))
    heading, line = client.get("/budgets.csv").content.decode().strip().split("\r\n")
    told = dict(zip(heading.split(","), line.split(","), strict=True))
    assert told["spent"] == "10.123456789012"
    assert told["remaining"] == "89.876543210988"
    assert told["budget"] == "'=1+1"
    assert told["even_pace"] == "58.685460009877"


def test_only_those_who_may_change_budgets_are_offered_to(client, editor, make):
    make()
    assert "/budgets/new" not in links(client.get("/budgets").content.decode())
    assert "/budgets/new" in links(editor.get("/budgets").content.decode())


def test_another_workspace_sees_none_of_them(stranger, make):
    make(name="Secret plan")
    assert "Secret plan" not in stranger.get("/budgets").content.decode()


def test_the_rail_leads_there(workspace, now):
    page = logged_in(workspace, "o@larkfield.example", Role.OWNER).get("/budgets").content.decode()
    assert '<a href="/budgets" aria-current="page">Budgets</a>' in page


def test_many_budgets_cost_no_more_than_the_page_that_is_shown(client, make, spend, django_assert_max_num_queries):
    for number in range(200):
        make(
            name=f"Budget {number}", scope={"agent": [f"agent-{number % 50}"]}, period=("daily", "monthly")[number % 2]
        )
    make(name="Each user", per="user")
    spend(*[(1, "120", {"agent_id": f"agent-{number}"}) for number in range(50)])
    client.get("/budgets")
    with django_assert_max_num_queries(25):
        answer = client.get("/budgets")
    assert len(answer.content) < 60_000
    with django_assert_max_num_queries(25):
        client.get("/budgets?page=9")
