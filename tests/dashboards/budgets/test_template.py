"""The page of a template: its values, the dearest share first, and the page of each."""

import pytest

from costwatch.dashboards.budgets import dearest
from tests.dashboards.page import figure, links, row, rows, text

pytestmark = pytest.mark.thorough


@pytest.fixture
def template(make, spend):
    """$5 a month for each user: two of four are over."""
    budget = make(name="Each user", per="user", amount_usd="5")
    spend(
        (1, "4", {"user_id": "u-1"}), (2, "2", {"user_id": "u-1"}), (1, "5", {"user_id": "u-2"}),
        (1, "3", {"user_id": "u-3"}), (1, "1", {"user_id": "u-4"}), (1, "0.50", {"user_id": None}),
        (25, "9", {"user_id": "u-4"}),
    )  # fmt: skip
    return budget


def values(page: str) -> list[list[str]]:
    return [cells for cells in rows(page) if cells and cells[0].startswith("u-") and len(cells) == 7]


def test_the_dearest_share_stands_first(client, template):
    page = client.get(f"/budgets/{template.pk}").content.decode()
    assert [cells[0] for cells in values(page)] == ["u-1", "u-2", "u-3", "u-4"]
    assert values(page)[0][1:6] == ["$6.00", "120 %", "", "−$1.00", "over"]
    assert values(page)[2][5] == "above 50 %"


def test_the_headline_counts_those_over(client, template):
    page = text(client.get(f"/budgets/{template.pk}").content.decode())
    assert "2 of 4 users over" in page
    assert "the one nearest its limit is u-1 with $6.00" in page
    assert "All together $15 .50" in page
    assert "Not attributed $0 .50" in page


def test_past_periods_tell_how_many_were_over(client, template):
    page = client.get(f"/budgets/{template.pk}").content.decode()
    assert row(page, "November 2026 so far")[1:] == ["$15.50", "$5.00", "2"]
    assert row(page, "October 2026")[1:] == ["$9.00", "$5.00", "1"]


def test_each_value_has_its_own_page(client, template):
    page = client.get(f"/budgets/{template.pk}").content.decode()
    assert f"/budgets/{template.pk}?value=u-1" in links(page)
    assert "/users/u-1" in links(page)
    own = client.get(f"/budgets/{template.pk}?value=u-1").content.decode()
    assert "u-1 , November 2026" in text(own)
    assert "120 % of $5.00" in text(own)
    assert row(own, "100 % spent")[2].startswith("crossed")
    assert figure(own)["data"][1]["y"][-1] == 6
    assert "u-2" not in text(own)


def test_a_value_that_spent_nothing_has_a_page_too(client, template):
    own = text(client.get(f"/budgets/{template.pk}?value=u-9").content.decode())
    assert "0.0 % of $5.00" in own


def test_names_of_senders_are_only_text(client, make, spend):
    budget = make(per="user", amount_usd="5")
    hostile = '"><script>alert(1)</script>&/../x'
    spend((1, "6", {"user_id": hostile}))
    page = client.get(f"/budgets/{budget.pk}").content.decode()
    assert "<script>alert" not in page
    link = next(link for link in links(page) if "value=" in link)
    own = client.get(link).content.decode()
    assert "<script>alert" not in own
    assert "120 % of $5.00" in text(own)


@pytest.mark.parametrize("value", ["a\0b", "x" * 201])
def test_what_cannot_be_a_value_is_refused(client, template, value):
    assert client.get(f"/budgets/{template.pk}", {"value": value}).status_code == 400


def test_many_values_stand_on_pages(client, make, spend):
    budget = make(per="user", amount_usd="5")
    spend(*[(1, f"{1 + number / 100}", {"user_id": f"u-{number:03}"}) for number in range(60)])
    first = client.get(f"/budgets/{budget.pk}").content.decode()
    assert len(values(first)) == dearest.SHOWN
    assert values(first)[0][0] == "u-059"
    last = client.get(f"/budgets/{budget.pk}?page=3").content.decode()
    assert [cells[0] for cells in values(last)][-1] == "u-000"
    assert "60 users within" in text(first)


def test_a_template_made_just_now_counts_all_values_from_the_books(client, make, spend):
    spend(*[(1, "1", {"user_id": f"u-{number}"}) for number in range(12)], (1, "9", {"user_id": "u-1"}))
    budget = make(days=0, per="user", amount_usd="5")
    spend()
    page = client.get(f"/budgets/{budget.pk}").content.decode()
    assert "1 of 12 users over" in text(page)
    assert len(values(page)) == 12
    assert values(page)[0][0] == "u-1"


def test_what_was_carried_over_is_each_value_s_own(client, make, spend):
    budget = make(per="user", amount_usd="10", carry_over="50")
    spend((1, "6", {"user_id": "u-1"}), (30, "8", {"user_id": "u-1"}), (1, "6", {"user_id": "u-2"}))
    page = client.get(f"/budgets/{budget.pk}").content.decode()
    assert row(page, "u-1")[2] == "50.0 %"  # $2 of $10 were left
    assert row(page, "u-2")[2] == "40.0 %"  # nothing was spent, half of $10 moves


def test_a_template_of_tokens(client, make, spend):
    budget = make(per="user", amount_tokens=10_000)
    spend((1, "9", {"user_id": "u-1", "input_tokens": 100, "output_tokens": 0}),
          (1, "1", {"user_id": "u-2", "input_tokens": 9_000, "output_tokens": 2_000}))  # fmt: skip
    page = client.get(f"/budgets/{budget.pk}").content.decode()
    assert [cells[:3] for cells in values(page)] == [
        ["u-2", "11.0k tokens", "110 %"], ["u-1", "100 tokens", "1.0 %"],
    ]  # fmt: skip


def test_a_rolling_template(client, make, spend):
    budget = make(per="user", amount_usd="5", period="rolling_24h")
    spend((0.5, "6", {"user_id": "u-1"}), (3, "9", {"user_id": "u-2"}))
    page = client.get(f"/budgets/{budget.pk}").content.decode()
    assert [cells[0] for cells in values(page)] == ["u-1"]
    assert "1 of 1 user over" in text(page)


def test_the_csv_holds_all_values(client, template):
    lines = client.get(f"/budgets/{template.pk}.csv").content.decode().strip().split("\r\n")
    assert lines[0].startswith("user,spent_usd,limit_usd")
    assert len(lines) == 5
    assert lines[1].split(",")[:2] == ["u-1", "6.000000000000"]
    own = client.get(f"/budgets/{template.pk}.csv?value=u-1").content.decode()
    assert own.startswith("period_start")


def test_many_values_cost_no_more_than_those_that_are_shown(client, make, spend, django_assert_max_num_queries):
    budget = make(per="user", amount_usd="5")
    spend(*[(1, "1", {"user_id": f"u-{number}"}) for number in range(400)])
    client.get(f"/budgets/{budget.pk}")
    with django_assert_max_num_queries(45):
        answer = client.get(f"/budgets/{budget.pk}")
    assert "400 users within" in text(answer.content.decode())
    assert len(answer.content) < 60_000
