"""The cells of Explore's table: what each measure shows beside itself, in which order, and what is not known."""

import re

import pytest

from tests.dashboards.conftest import DAY
from tests.dashboards.page import links, row, rows, text
from tests.ledger.make import entry

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("now")]


def table(html: str) -> list[list[str]]:
    return rows(html[html.index('id="h-table"') :])


def names(html: str) -> list[str]:
    return [cells[0] for cells in table(html)[1:]]


def bars(html: str) -> list[str]:
    return re.findall(r'<rect width="([^"]*)"', html[html.index('id="h-table"') :])


@pytest.fixture
def agents(send) -> None:
    """a: two calls of $4 in a run, half of the input cached. b: ten of $1, one failed. c: unpriced. Nobody: $2."""
    send(
        *(entry(agent_id="a", cost="4", run_id="r-1", input_tokens=1000, cached_input_tokens=500, output_tokens=100)
          for _ in range(2)),
        entry(agent_id="b", cost="9", requests=9, run_id="r-2", input_tokens=900, output_tokens=90),
        entry(agent_id="b", cost="1", error=True, run_id="r-3", input_tokens=100, output_tokens=10),
        entry(agent_id="c", cost=None, input_tokens=100, output_tokens=0),
        entry(agent_id=None, cost="2", input_tokens=200, output_tokens=0),
        entry(agent_id="a", cost="1", minutes=-28 * DAY - 120, input_tokens=100),
        entry(agent_id="b", cost="20", requests=5, minutes=-28 * DAY - 120, input_tokens=100),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "head", "a", "b"),
    [
        ("cost", ["Agent", "Spend ↓", "Share", "4–21 Oct", "Change", "Calls"],
         ["$8.00", "40.0 %", "", "$1.00", "+$7.00", "▲ 700 %", "2"],
         ["$10.00", "50.0 %", "", "$20.00", "−$10.00", "▼ 50 %", "10"]),
        ("calls", ["Agent", "Calls ↓", "Share", "4–21 Oct", "Change", "Spend"],
         ["2", "14.3 %", "", "1", "+1", "▲ 100 %", "$8.00"], ["10", "71.4 %", "", "5", "+5", "▲ 100 %", "$10.00"]),
        ("cached_input_tokens", ["Agent", "Cached input tokens ↓", "Share", "4–21 Oct", "Change", "Spend", "Calls"],
         ["1,000", "100.0 %", "", "0", "+1,000", "new", "$8.00", "2"],
         ["0", "0.0 %", "", "0", "0", "–", "$10.00", "10"]),
        ("cost_per_call", ["Agent", "Cost per call ↓", "Beside the largest", "4–21 Oct", "Change", "Spend",
                           "Priced calls"],
         ["$4.00", "", "$1.00", "+$3.00", "▲ 300 %", "$8.00", "2"],
         ["$1.00", "", "$4.00", "−$3.00", "▼ 75 %", "$10.00", "10"]),
        ("cost_per_run", ["Agent", "Cost per run ↓", "Beside the largest", "4–21 Oct", "Change", "Spend", "Runs"],
         ["$8.00", "", "–", "–", "–", "$8.00", "1"], ["$5.00", "", "–", "–", "–", "$10.00", "2"]),
        ("error_share", ["Agent", "Error share ↓", "Beside the largest", "4–21 Oct", "Change", "Failed calls", "Calls"],
         ["0.0 %", "", "0.0 %", "0.0 pt", "–", "0", "2"], ["10.0 %", "", "0.0 %", "+10.0 pt", "new", "1", "10"]),
        ("cached_share", ["Agent", "Cached share ↓", "Beside the largest", "4–21 Oct", "Change", "Cached",
                          "Input tokens"],
         ["50.0 %", "", "0.0 %", "+50.0 pt", "new", "1,000", "2,000"],
         ["0.0 %", "", "0.0 %", "0.0 pt", "–", "0", "1,000"]),
        ("cost_per_1m_tokens", ["Agent", "Cost per 1M tokens ↓", "Beside the largest", "4–21 Oct", "Change", "Spend",
                                "Tokens"],
         ["$3,640", "", "$5,410", "−$1,770", "▼ 33 %", "$8.00", "2,200"],
         ["$9,090", "", "$108,000", "−$99,000", "▼ 92 %", "$10.00", "1,100"]),
    ],
)  # fmt: skip
def test_each_measure_stands_beside_what_it_was_and_what_it_is_made_of(page, agents, metric, head, a, b):
    html = page(f"metric={metric}")
    assert table(html)[0] == head
    assert row(html[html.index('id="h-table"') :], "a")[1:] == a
    assert row(html[html.index('id="h-table"') :], "b")[1:] == b


def test_money_of_what_has_no_price_is_unpriced_in_every_cell(page, agents):
    assert row(table_html(page("against=none")), "c")[1:4] == ["unpriced", "–", ""]
    assert row(table_html(page("metric=cost_per_call&against=none")), "c")[1] == "unpriced"
    assert row(table_html(page("metric=calls&against=none")), "c")[1:] == ["1", "7.1 %", "", "unpriced"]


def table_html(html: str) -> str:
    return html[html.index('id="h-table"') :]


@pytest.mark.parametrize("sort", ["-total", "total"])
def test_what_is_not_known_stands_last_whichever_way_and_nobodys_calls_after_it(page, agents, sort):
    order = ["b", "a"] if sort == "-total" else ["a", "b"]
    assert names(page(f"sort={sort}&against=none")) == [*order, "c", "Not attributed", "Total"]


@pytest.mark.parametrize(
    ("query", "order"),
    [("metric=cost_per_call&sort=-total", "abc"), ("metric=cost_per_call&sort=-whole", "bac"),
     ("metric=cost_per_call&sort=-part", "bac"), ("metric=error_share&sort=-part", "bac"),
     ("metric=error_share&sort=whole", "cab"), ("metric=cached_share&sort=-part", "abc"),
     ("metric=calls&sort=-cost", "bac"), ("metric=calls&sort=cost", "cab"), ("sort=-calls", "bac"),
     ("sort=-before", "bac"), ("sort=before", "cab"), ("sort=change", "bac"), ("sort=name", "abc"),
     ("sort=-name", "cba")],
)  # fmt: skip
def test_every_column_can_be_sorted_by(page, agents, query, order):
    html = page(query)
    assert names(html)[:3] == list(order)
    column = query.rpartition("sort=")[2]
    turned = column.removeprefix("-") if column.startswith("-") else f"-{column}"
    wanted = query.rpartition("sort=")[0] + ("" if turned == "-total" else f"sort={turned}")
    assert any(link.rstrip("&") == f"/explore?{wanted}".rstrip("&?") for link in links(html)), "it turns round"


def test_bars_of_amounts_are_shares_of_the_largest_value_and_of_ratios_beside_it(page, agents):
    assert bars(page("against=none")) == ["100.00%", "80.00%", "20.00%"], "b, a and nobody; c has no amount"
    assert bars(page("metric=cost_per_call&against=none")) == ["100.00%", "25.00%", "50.00%"]


def test_a_pivot_has_columns_that_sort_and_dashes_where_nothing_was(page, send):
    long = "a-task-with-a-name-that-is-far-too-long"
    send(entry(agent_id="a", task=long, cost="9"), entry(agent_id="b", task="y", cost="5"))
    html = page("across=task&against=none")
    assert table(html)[0] == ["Agent", f"{long[:25]}…", "y", "Total ↓", "Share"]
    assert f'title="{long}"' in table_html(html)
    assert row(table_html(html), "a")[1:4] == ["$9.00", "–", "$9.00"]
    assert f"/explore?across=task&against=none&sort=-of.{long}" in links(html)
    assert names(page(f"across=task&against=none&sort=of.{long}")) == ["b", "a", "Total"]
    assert names(page("across=task&against=none&sort=-of.y")) == ["b", "a", "Total"]
    assert names(page("across=task&against=none&sort=-of.nobody")) == ["a", "b", "Total"], "by the whole then"


def test_a_pivot_says_the_change_but_not_the_amount_before(page, agents):
    head = table(page("across=model"))[0]
    assert "4–21 Oct" not in head and "Change" in head
    assert row(table_html(page("across=model")), "a")[-2:] == ["+$7.00", "▲ 700 %"]


def test_beyond_five_columns_the_others_are_one_that_can_be_sorted_by_too(page, send):
    send(*(entry(agent_id="a", task=f"t-{n}", cost=str(n)) for n in range(1, 9)),
         entry(agent_id="b", task="t-1", cost="99"), entry(agent_id="b", task=None, cost="1"))  # fmt: skip
    html = page("across=task&against=none")
    assert table(html)[0][1:8] == ["t-1", "t-8", "t-7", "t-6", "t-5", "Other (3)", "Not attributed"]
    assert row(table_html(html), "a")[1:9] == ["$1.00", "$8.00", "$7.00", "$6.00", "$5.00", "$9.00", "–", "$36.00"]
    assert row(table_html(html), "b")[1:9] == ["$99.00", "–", "–", "–", "–", "–", "$1.00", "$100.00"]
    assert names(page("across=task&against=none&sort=-rest"))[:2] == ["a", "b"]
    assert names(page("across=task&against=none&sort=rest"))[:2] == ["b", "a"]


def test_the_row_of_the_others_has_cells_too_and_columns_add_up(page, send):
    send(*(entry(agent_id=f"a-{n:02}", task="xy"[n % 2], cost=str(n)) for n in range(1, 13)))
    told = table_html(page("across=task&against=none"))
    assert row(told, "Other (3)")[1:4] == ["$2.00", "$4.00", "$6.00"]
    assert row(told, "Total")[1:4] == ["$42.00", "$36.00", "$78.00"]


def test_buckets_as_rows_can_be_sorted_and_lead_to_their_days(page, month):
    assert names(page("by=none&against=none&sort=-total"))[:3] == ["Wed 18 Nov", "Fri 13 Nov", "Thu 12 Nov"]
    assert names(page("by=none&against=none&sort=-time"))[:3] == ["Wed 18 Nov", "Fri 13 Nov", "Thu 12 Nov"]
    weeks = page("by=none&bucket=week&against=none")
    assert names(weeks) == ["week of 9 Nov 2026", "week of 16 Nov 2026", "Total"]
    assert "/explore?by=none&against=none&first=2026-11-16&last=2026-11-18" in links(weeks)
    assert not any("first=2026-11-18" in link for link in links(table_html(page("by=none&period=today"))))


def test_a_bucket_in_which_something_was_before_has_a_row(page, send):
    send(entry(cost="1"), entry(cost="3", minutes=-28 * DAY - 120), entry(cost="7", minutes=-31 * DAY))
    told = table_html(page("by=none"))
    assert row(told, "Sun 15 Nov")[1:7] == ["$0.00", "0.0 %", "", "$7.00", "−$7.00", "▼ 100 %"]
    assert row(told, "Wed 18 Nov")[4] == "$3.00"


def test_pages_of_rows_lead_back_and_forth_and_end(page, send):
    send(*(entry(user_id=f"u-{n:02}", cost=str(n)) for n in range(1, 61)))
    first, second, last = (page(f"by=user&rows=all&against=none&page={n}") for n in (1, 2, 3))
    assert "1–25 of 60" in text(first) and "26–50 of 60" in text(second) and "51–60 of 60" in text(last)
    assert 'rel="prev"' not in first and 'rel="next"' not in last
    assert "/explore?by=user&against=none&rows=all&page=3" in links(second)
    assert "/explore?by=user&against=none&rows=all" in links(second)
    assert names(second)[:25] == [f"u-{n:02}" for n in range(35, 10, -1)]
    assert names(second)[25] == "Other (35)"


@pytest.mark.parametrize("query", ["by=user&rows=all", "by=none&bucket=hour&period=7d"])
def test_a_page_beyond_the_last_is_the_last(page, send, query):
    send(*(entry(user_id=f"u-{n:02}", cost=str(n), minutes=-n * 60) for n in range(1, 61)))
    beyond, last = page(f"{query}&page=9"), page(f"{query}&page=3")
    assert table(beyond) == table(last)
    assert "51–60 of 60" in text(beyond)


def test_without_all_rows_there_are_no_pages(page, send):
    send(*(entry(user_id=f"u-{n:02}", cost=str(n)) for n in range(1, 61)))
    html = page("by=user&page=2")
    assert "Top 9 of 60" in text(html) and 'rel="prev"' not in html
