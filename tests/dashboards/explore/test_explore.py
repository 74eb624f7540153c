"""The page of Explore: what is asked is what is shown, in rows, columns and bars that add up."""

import re
from decimal import Decimal

import pytest

from costwatch.dashboards.explore.answer import ROWS, SHOWN
from costwatch.ledger.fold import fold_all
from tests.dashboards.conftest import DAY, logged_in
from tests.dashboards.page import figure, links, row, rows, text
from tests.ledger.make import entry

pytestmark = pytest.mark.usefixtures("now")


def amounts(cells: list[str]) -> list[Decimal]:
    return [Decimal(cell.replace("$", "").replace(",", "").replace("–", "0")) for cell in cells]


def drawn(html: str) -> dict[str, list]:
    return {trace["name"]: trace["y"] for trace in figure(html)["data"] if "meta" in trace}


def table(html: str) -> list[list[str]]:
    """The rows of the main table, the figures of the chart left out."""
    return rows(html[html.index('id="h-table"') :])


@pytest.fixture
def crossing(send) -> None:
    """Twelve customers on three agents; $78 in all, of which $6 are nobody's."""
    send(*(
        entry(cost=str(n), agent_id=("triage", "coder", None)[n % 3], run_id=f"r-{n}",
              tags={"customer": f"c-{n:02}"} if n != 6 else None, minutes=-n * 60, requests=n)
        for n in range(1, 13)
    ))  # fmt: skip
    fold_all()


def test_rows_columns_other_and_what_is_not_attributed_add_up(page, crossing):
    html = page("by=tag.customer&across=agent")
    head, *body = table(html)
    assert (head[0], sorted(head[1:5])) == ("Customer", ["Not attributed", "Total ↓", "coder", "triage"])
    figures = {cells[0]: amounts(cells[1:5]) for cells in body}
    total = figures.pop("Total")
    assert total[-1] == 78
    assert [sum(column) for column in zip(*figures.values(), strict=True)] == total
    for cells in figures.values():
        assert sum(cells[:-1]) == cells[-1]
    assert figures["Not attributed"][-1] == 6
    assert figures["Other (2)"][-1] == 1 + 2
    assert text(html).count("Top 9 of 11") == 1


def test_the_chart_draws_the_rows_and_comes_to_the_total(page, crossing):
    html = page("by=tag.customer&bucket=hour&period=7d")
    series = drawn(html)
    assert list(series) == [*(f"c-{n:02}" for n in (12, 11, 10, 9, 8, 7, 5, 4, 3)), "Other (2)", "Not attributed"]
    assert sum(sum(values) for values in series.values()) == 78
    assert figure(html)["shared"]["x"][0] == "Thu 00:00"
    assert {trace.get("stackgroup") for trace in figure(html)["data"] if "meta" in trace} == {"all"}, "too many bars"


def test_show_all_opens_other_in_pages_and_the_chart_stays(page, send):
    send(*(entry(user_id=f"u-{n:03}", cost=str(n)) for n in range(1, 71)))
    first = page("by=user")
    opened = page("by=user&rows=all")
    assert len(table(first)) == 1 + SHOWN + 2
    assert len(table(opened)) == 1 + ROWS + 2
    assert drawn(first) == drawn(opened)
    assert f"1–{ROWS} of 70" in text(opened)
    assert "/explore?by=user&rows=all&page=2" in links(opened)
    last = page("by=user&rows=all&page=3")
    assert [cells[0] for cells in table(last)[1:-2]] == [f"u-{n:03}" for n in range(70 - 2 * ROWS, 0, -1)]
    for html in (first, opened, last):
        assert sum(amounts([cells[1] for cells in table(html)[1:-1]])) == sum(range(1, 71))
        assert table(html)[-1][1] == "$2,485.00"


@pytest.mark.parametrize(
    ("sort", "first"),
    [("-total", "triage"), ("total", "lookup"), ("name", "coder"), ("-name", "triage"), ("-calls", "coder"),
     ("calls", "lookup"), ("-before", "coder"), ("-change", "triage"), ("change", "coder")],
)  # fmt: skip
def test_the_table_sorts_by_each_column(page, send, sort, first):
    send(entry(agent_id="triage", cost="9", requests=2), entry(agent_id="coder", cost="5", requests=7),
         entry(agent_id="lookup", cost="1"), entry(agent_id="coder", cost="6", minutes=-28 * DAY - 120))  # fmt: skip
    html = page(f"by=agent&sort={sort}")
    assert table(html)[1][0] == first
    assert f'aria-sort="{"descending" if sort.startswith("-") else "ascending"}"' in html


def test_the_table_sorts_by_a_column_of_the_second_dimension(page, send):
    send(entry(agent_id="a", task="x", cost="9"), entry(agent_id="b", task="y", cost="5"),
         entry(agent_id="c", task="y", cost="1"))  # fmt: skip
    assert [cells[0] for cells in table(page("across=task&sort=-of.y"))[1:4]] == ["b", "c", "a"]
    assert "/explore?across=task&sort=-of.y" in links(page("across=task"))


def test_a_span_that_is_not_over_follows_new_calls(client, page, send, month):
    seen = page("across=model").split('X-Seen": "')[1].split('"')[0]
    asked = {"HX-Request": "true", "X-Seen": seen}
    assert client.get("/explore?across=model", headers=asked).status_code == 204
    send(entry(cost="1"))
    changed = client.get("/explore?across=model", headers=asked)
    assert row(changed.content.decode(), "Total")[-4] == "$7.75"
    assert "HX-Push-Url" not in changed, "the page asked by itself: the address is as it was"
    for other in ("first=2026-10-21&last=2026-10-22", "metric=cost_per_session"):
        assert "data-live" not in page(other)


def test_changes_are_against_the_chosen_span_up_to_the_same_time(page, month):
    html = page()
    assert "$6.75 · +$2.00 ▲ 42 % against $4.75, 4–21 Oct" in text(html)
    assert row(html, "reasoning")[1:7] == ["$5.00", "74.1 %", "", "$4.00", "+$1.00", "▲ 25 %"]
    assert row(html, "No longer there")[4:7] == ["$0.75", "−$0.75", "▼ 100 %"]
    assert row(html, "Total")[4:7] == ["$4.75", "+$2.00", "▲ 42 %"]
    assert "against" not in text(page("against=none")).replace("against the", "").split("Agents")[1]
    whole = page("against=custom&cfirst=2026-10-21&clast=2026-10-21")
    assert row(whole, "reasoning")[4] == "$104.00", "days of one's own choice are taken whole"
    assert 'name="cfirst" value="2026-10-21"' in whole


def test_a_ratio_is_drawn_as_lines_and_divided_from_its_own_sums(page, send):
    send(entry(agent_id="a", run_id="r-1", cost="9"), entry(agent_id="a", run_id="r-2", cost="1"),
         entry(agent_id="b", run_id="r-3", cost="2"))  # fmt: skip
    html = page("metric=cost_per_run&against=none")
    assert row(html, "a")[1] == "$5.00"
    assert row(html, "b")[1] == "$2.00"
    assert row(html, "Total")[1] == "$4.00", "12 ÷ 3, not the mean of 5 and 2"
    assert row(html, "Total")[3:] == ["$12.00", "3"]
    series = drawn(html)
    assert list(series) == ["All", "a", "b"]
    assert [values[-1] for values in series.values()] == [4, 5, 2]
    assert series["a"][0] is None, "a gap, where there was nothing to divide"
    assert "Other" not in series


def test_the_cost_of_a_session_counts_each_once_and_leaves_out_calls_without_one(page, send):
    send(
        entry(agent_id="triage", session_id="s-1", cost="1", minutes=-3),
        entry(agent_id="coder", session_id="s-1", cost="5"),
        entry(agent_id="coder", session_id="s-2", cost="3"),
        entry(agent_id="coder", cost="100"),
    )
    html = page("metric=cost_per_session&against=none")
    assert row(html, "Total")[1:] == ["$4.50", "", "$9.00", "2"]
    assert row(html, "coder")[1:] == ["$8.00", "", "$8.00", "1"], "s-1 began with triage"
    assert row(html, "triage")[1:] == ["$1.00", "", "$1.00", "1"]
    assert "$4.50" in row(page("metric=cost_per_session&across=model&against=none"), "Total")


def test_without_a_dimension_the_rows_are_the_buckets(page, month):
    html = page("by=none&against=none")
    body = table(html)
    assert [cells[:2] for cells in body[1:]] == [["Thu 12 Nov", "$0.50"], ["Fri 13 Nov", "$1.25"],
                                                 ["Wed 18 Nov", "$5.00"], ["Total", "$6.75"]]  # fmt: skip
    assert "/explore?by=none&against=none&first=2026-11-13&last=2026-11-13" in links(html)
    assert drawn(html)["Spend"][-1] == 5


def test_the_unfinished_bucket_is_pale_and_named(page, month):
    html = page()
    shape = figure(html)["layout"]["shapes"][0]
    assert (shape["x0"], shape["x1"], shape["fillcolor"]) == (16.5, 17.5, "--paper/50")
    assert "not over yet" in text(html)
    assert "The last day is not over." in html
    assert figure(html)["layout"]["xaxis"]["ticktext"][-1] == "today"
    assert figure(page("first=2026-11-01&last=2026-11-14"))["layout"]["shapes"] == []


def test_the_zone_is_named_and_too_short_buckets_are_lengthened_and_say_so(page, month):
    html = page("bucket=15m")
    assert "1–18 Nov 2026, Europe/Berlin" in text(html)
    assert "Shown per day: bars of 15 minutes would be too many for 18 days." in text(html)
    assert '<option value="15m" disabled>' in html
    assert '<option value="" selected>day</option>' in html, "what suits the span is not held on to"


def test_the_figures_of_the_chart_stand_below_it(page, month):
    html = page()
    part = html[html.index("Figures of the chart</summary>") : html.index('id="h-table"')]
    assert row(part, "Day") == ["Day", "reasoning", "triage", "Not attributed", "Total", "4–21 Oct"]
    assert row(part, "Wed 18 Nov")[1:5] == ["$5.00", "–", "–", "$5.00"]
    many = page("period=30d&bucket=hour&first=2026-11-10&last=2026-11-18")
    assert "Figures of the chart, hour by hour" in text(many)
    assert any(link.startswith("/explore?by=none&bucket=hour") for link in links(many))


def test_what_is_unpriced_is_never_zero(page, send):
    send(entry(agent_id="mystery", cost=None, model="new-model", upper_bound=Decimal("3.20")), entry(cost="1"))
    html = page("against=none")
    assert row(html, "mystery")[1] == "unpriced"
    assert "1 call unpriced , at most $3.20" in text(html)
    assert row(page("across=model&against=none"), "mystery")[1] in ("unpriced", "–")


def test_one_address_is_a_page_or_for_htmx_its_content_under_its_shortest_address(client, month):
    part = client.get("/explore?metric=cost&by=model&across=&bucket=", headers={"HX-Request": "true"})
    assert part["HX-Push-Url"] == "/explore?by=model"
    assert b"<html" not in part.content
    assert b"<title>Explore" in part.content
    assert "HX-Request" in part["Vary"]


def test_filters_apply_and_can_hold_several_values(page, client, month):
    html = page("agent=triage&agent=&environment!=staging&against=none")
    assert "agent is one of triage, Not attributed" in text(html)
    assert row(html, "Total")[1] == "$1.75"
    typed = client.get("/explore?by=model&pick=agent&among=triage&value=lookup&op=is")
    assert typed["Location"] == "/explore?by=model&agent=triage&agent=lookup"


@pytest.mark.parametrize(
    ("query", "sentence"),
    [("agent=nobody", "No calls in 1–18 Nov 2026 match these filters"),
     ("first=2025-01-01&last=2025-01-02", "No calls in 1–2 Jan 2025")],
)  # fmt: skip
def test_nothing_found_says_so_instead_of_an_empty_axis(page, month, query, sentence):
    html = page(query)
    assert sentence in text(html)
    assert "cost-chart" not in html


def test_before_the_first_call_the_page_says_where_to_begin(page):
    assert "No calls have been sent yet" in text(page())


def test_names_that_senders_chose_stay_text(page, client, send):
    hostile = '<a href="https://evil.example">x</a>%{y}$x$'
    send(entry(agent_id=hostile, task="=1+1", cost="1"), entry(agent_id="=1+1", task=hostile, cost="2"))
    html = page("across=task")
    assert '<a href="https://evil' not in html
    assert any(cells[0].startswith(hostile[:38]) for cells in table(html))
    for trace in figure(html)["data"]:
        assert not re.search(r"[<>]|%\{|\$x", trace["name"])
    lines = client.get("/explore.csv?across=task&against=none").content.decode().splitlines()
    assert lines[1].startswith("'=1+1,value,")
    assert not any(line.startswith(("=", "+", "-", "@")) for line in lines)


def test_the_same_question_is_offered_as_files_and_to_the_api(page, month):
    html = page("by=model&across=agent&task=refund")
    found = links(html)
    for kind in ("csv", "parquet", "ndjson"):
        assert f"/explore.{kind}?by=model&across=agent&task=refund" in found
    assert "/api/v1/export/spend.parquet?from=2026-11-01&to=2026-11-19" in " ".join(found)
    assert "http://testserver/api/v1/spend?from=2026-11-01&to=2026-11-19&task=refund&tz=Europe/Berlin" in text(html)


def test_every_role_may_look_and_nobody_sees_another_workspace(workspace, stranger, month):
    for number, role in enumerate(("viewer", "editor", "admin", "owner")):
        assert logged_in(workspace, f"{number}@larkfield.example", role).get("/explore").status_code == 200
    assert "triage" not in stranger.get("/explore").content.decode()
    assert "triage" not in stranger.get("/explore.csv").content.decode()


def test_pages_stay_small_with_very_many_values_and_buckets(page, send):
    send(*(
        entry(user_id=f"user-with-a-name-{n}@customer.example", agent_id=f"agent-number-{n % 40}", cost=str(1 + n % 7),
              minutes=-(n % 300) * DAY)
        for n in range(900)
    ))  # fmt: skip
    fold_all()
    year = "first=2025-11-19&last=2026-11-18"
    for query in (f"by=user&across=agent&rows=all&{year}", f"bucket=day&{year}", f"by=none&bucket=day&{year}"):
        assert len(page(query)) < 60_000, query
