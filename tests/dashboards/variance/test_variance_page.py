"""The variance page: sentence, waterfall, list, table and CSV from the same amounts, for any two spans."""

import csv
from decimal import Decimal
from io import StringIO

import pytest

from costwatch.ledger.fold import fold_all
from tests.dashboards.conftest import DAY
from tests.dashboards.page import figure, links, row, rows, text
from tests.ledger.make import entry

pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.thorough]


def body(client, address="/variance", **headers):
    response = client.get(address, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def table(client, query=""):
    return list(csv.reader(StringIO(client.get(f"/variance.csv{query}").content.decode())))


def test_a_month_is_held_against_the_same_days_of_the_last_one(client, two_months):
    said = text(body(client)).replace("\N{WORD JOINER}", "")
    assert "Spend rose $5.00 (83 %), from $6.00 in 1–18 Oct to $11.00 in 1–18 Nov 2026" in said
    assert "longer prompts +$3.00, more runs +$2.00; the books begin 18 Oct." in said


def test_a_span_before_the_first_call_is_nothing_that_spend_rose_from(client, send):
    send(entry(minutes=-DAY, cost="11", run_id="r"))
    fold_all()
    html = body(client)
    said = text(html)
    assert "$11.00 in 1–18 Nov 2026; the books begin 17 Nov. Nothing to compare with" in said
    assert "rose" not in said and "<cost-chart" not in html
    assert "Nothing to compare with" not in text(body(client, "/variance?period=today")), "yesterday has calls"


def test_a_span_that_the_books_reach_back_over_has_no_word_of_their_beginning(client, two_months):
    assert "the books begin" not in text(body(client, "/variance?period=7d"))


def test_sentence_list_chart_table_and_csv_hold_the_same_amounts(client, two_months):
    html = body(client)
    steps, labels = figure(html)["data"]
    assert dict(zip(steps["y"], steps["x"], strict=True))["Runs"] == 2.0
    assert steps["y"][-1] == "Net change" and steps["x"][-1] == sum(steps["x"][:-1]) == 5.0
    assert steps["base"][steps["y"].index("Prompts")] == 2.0, "it begins where the runs ended"
    assert labels["text"][steps["y"].index("Prompts")].strip() == "+$\N{WORD JOINER}3.00"
    assert "Prompts +$3.00" in text(html) and "Net change +$5.00" in text(html)
    assert row(html, "triage")[1:5] == ["$4.00", "$6.00", "+$2.00", "+$2.00"]
    assert row(html, "lookup")[1:8] == ["$2.00", "$5.00", "+$3.00", "–", "–", "–", "+$3.00"]
    assert row(html, "Total")[1:5] == ["$6.00", "$11.00", "+$5.00", "+$2.00"]
    lines = table(client)
    assert lines[0][:5] == ["agent", "cost_before_usd", "cost_usd", "change_usd", "runs_usd"]
    assert lines[-1][:5] == ["Total", "6.000000000000", "11.000000000000", "5.000000000000", "2.000000000000"]
    for line in lines[1:]:
        assert sum(map(Decimal, line[4:])) == Decimal(line[3]) == Decimal(line[2]) - Decimal(line[1])
    for column in range(1, 12):
        assert sum(Decimal(line[column]) for line in lines[1:-1]) == Decimal(lines[-1][column])


def test_the_amounts_shown_add_up_to_the_cent(client, send):
    send(*(entry(minutes=-n, run_id=f"r-{n}", cost="0.3333", model="own", input_tokens=7 + n, agent_id=f"a-{n % 3}")
           for n in range(10)), entry(minutes=-31 * 24 * 60, cost="0.3333", model="own", agent_id="a-1"))  # fmt: skip
    for cells in rows(body(client))[1:]:
        before, after, change, *effects = (
            Decimal(cell.replace("−", "-").replace("$", "").replace("+", "").replace("–", "0")) for cell in cells[1:]
        )
        assert after - before == change == sum(effects)


def test_page_csv_and_api_say_the_same(client, workspace, two_months):
    spans = {"from": "2026-11-01", "to": "2026-11-19", "before_from": "2026-10-01", "before_to": "2026-11-01"}
    answer = client.get("/api/v1/variance", spans).json()
    query = "?first=2026-11-01&last=2026-11-18&against=custom&cfirst=2026-10-01&clast=2026-10-31"
    lines = {line[0]: line for line in table(client, query)}
    for part in answer["parts"]:
        line = lines[part["value"]]
        assert list(map(Decimal, part["effects"].values())) == list(map(Decimal, line[4:]))
        assert row(body(client, f"/variance{query}"), part["value"])[
            3
        ] == f"{Decimal(part['change_usd']):+.2f}".replace("+", "+$").replace("-", "−$")
    assert lines["Total"][3] == answer["total"]["change_usd"]


def test_below_a_dollar_small_amounts_are_not_lost(client, send):
    send(entry(minutes=-5, cost="0.004", model="own", agent_id="a"), entry(minutes=-5, cost="0.008", model="own"))
    html = body(client)
    assert row(html, "a")[2:4] == ["$0.00400", "+$0.00400"]
    assert row(html, "Total")[2] == "$0.01"


@pytest.mark.parametrize(
    ("query", "words"),
    [("?period=7d", "from $0.00 in 5–11 Nov"), ("?first=2026-11-18&last=2026-11-18", "from $0.00 in 17 Nov"),
     ("?against=weeks", "from $106.00 in 4–21 Oct"), ("?against=previous", "1–18 Nov 2026"),
     ("?against=custom&cfirst=2026-10-01&clast=2026-10-31", "Spend fell $95.00 (90 %), from $106.00 in 1–31 Oct")],
)  # fmt: skip
def test_any_two_spans_can_be_compared(client, two_months, query, words):
    assert words in text(body(client, f"/variance{query}"))


def test_days_of_choice_begin_with_the_period_before(client, two_months):
    html = body(client, "/variance?against=custom")
    assert 'name="cfirst" value="2026-10-01"' in html and 'name="clast" value="2026-10-31"' in html


@pytest.mark.parametrize(
    ("query", "sentence"),
    [("?against=custom&cfirst=2026-10-02&clast=2026-10-01", "must not come before"),
     ("?against=custom&cfirst=soon", "first must be a day"), ("?period=fortnight", "period must be one of")],
)  # fmt: skip
def test_an_address_that_cannot_be_understood_says_what_to_change(client, query, sentence):
    response = client.get(f"/variance{query}")
    assert response.status_code == 400
    assert sentence in text(response.content.decode())


@pytest.mark.parametrize("by", ["none", "task", "model", "tag.team", "key", "user", "nonsense"])
def test_it_can_be_told_by_any_label_and_is_the_same_in_all(client, two_months, by):
    html = body(client, f"/variance?by={by}")
    assert "Net change +$5.00" in text(html)
    assert table(client, f"?by={by}")[-1][3] == "5.000000000000"


def test_runs_and_sessions_are_not_offered(client, two_months):
    html = body(client)
    assert '<option value="task"' in html and '<option value="user"' in html
    assert '<option value="run"' not in html and '<option value="session"' not in html


def test_users_have_a_part_of_their_own_as_long_as_their_calls_can_be_read(client, send, monkeypatch):
    tokens = {"input_tokens": 1000, "output_tokens": 0, "model": "of-our-own"}
    send(
        *(entry(minutes=-60 - n, user_id="u-1", cost="1", **tokens) for n in range(3)),
        *(entry(minutes=-31 * DAY - 90 - n, user_id="u-1", cost="1", **tokens) for n in range(2)),
        *(entry(minutes=-30 - n, user_id="u-2", cost="0.10", **tokens) for n in range(4)),
        entry(minutes=-20, cost="0.05", **tokens),
    )
    fold_all()
    read = {cells[0]: cells[3] for cells in table(client, "?by=user")[1:]}
    assert {name: Decimal(change) for name, change in read.items()} == {
        "u-1": 1, "u-2": Decimal("0.4"), "Not attributed": Decimal("0.05"), "Total": Decimal("1.45")}  # fmt: skip
    assert Decimal(table(client, "?by=user")[1][5]) == 1, "one call more of u-1"
    monkeypatch.setattr("costwatch.spend.variances.MOST_CALLS", 5)
    assert [cells[0] for cells in table(client, "?by=user")[1:]] == ["u-1", "Other (2)", "Total"]
    assert "Users with too many calls" in text(body(client, "/variance?by=user"))


def test_filters_hold_for_both_spans_and_a_name_leads_to_its_parts(client, two_months):
    html = body(client)
    assert "/variance?by=task&agent=lookup" in links(html)
    narrowed = body(client, "/variance?agent=lookup")
    assert "agent is lookup" in text(narrowed)
    assert "Spend rose $3.00 (150 %)" in text(narrowed)


def test_nothing_in_both_spans_says_so(client, month):
    said = text(body(client, "/variance?first=2024-01-01&last=2024-01-31"))
    assert "No calls in 1–31 Jan 2024 and none in 1–31 Dec 2023" in said
    filtered = text(body(client, "/variance?agent=nobody"))
    assert "match these filters" in filtered and "Clear the filters" in filtered


def test_a_form_answers_with_a_short_address(client, two_months):
    response = client.get("/variance?by=agent&against=month&period=month", headers={"HX-Request": "true"})
    assert response["HX-Push-Url"] == "/variance"
    assert b"<html" not in response.content


def test_hostile_names_stay_text(client, send):
    hostile = '<a href="https://evil.example">x</a>%{y}$x$'
    send(entry(agent_id=hostile, cost="1"), entry(agent_id="=1+1", cost="2"))
    html = body(client)
    assert '<a href="https://evil' not in html
    assert any(cells[0].startswith(hostile[:30]) for cells in rows(html))
    assert {line[0] for line in table(client)[1:3]} == {hostile, "'=1+1"}


def test_another_workspace_sees_nothing_of_it(stranger, two_months):
    assert "No calls in" in text(body(stranger))


def test_the_overview_leads_to_why_its_change_came_about(client, two_months):
    link = next(link for link in links(body(client, "/?agent!=lookup")) if link.startswith("/variance?"))
    assert link == "/variance?agent%21=lookup&against=weeks"
    plain = next(link for link in links(body(client, "/")) if link.startswith("/variance?"))
    html = body(client, plain)
    assert "against 4–21 Oct" in text(html) and "Net change −$95.00" in text(html)
    assert "Net change −$95.00" in text(body(client, "/")), "the same change"
