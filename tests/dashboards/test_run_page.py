"""The page of one run: what it cost, its calls, what it sent again, and the runs it called."""

import re
from decimal import Decimal
from html import unescape

import pytest

from costwatch.ledger.fold import fold_all
from tests.dashboards.conftest import DAY, priced
from tests.dashboards.page import body, figure, links, row, rows, text
from tests.ledger.make import entry

pytestmark = pytest.mark.usefixtures("now")


def test_a_run_says_in_one_sentence_what_it_cost(client, send, prices):
    send(
        entry(minutes=-3 * DAY, agent_id="reasoning", run_id="r-0", cost="0.5"),
        *(priced(minutes=n, event_id=f"c-{n}", agent_id="reasoning", run_id="r-9", step=n, input_tokens=1000 * (n + 1),
                 output_tokens=100, task="refund", user_id="u-7", tags={"customer": "Orbit"}, tool="get_order",
                 latency_ms=1200) for n in range(3)),
    )  # fmt: skip
    html = body(client, "/runs/r-9")
    said = text(html)
    assert "This run cost $0.00210 in 3 calls over 2:00 ; the average run of reasoning in the four weeks" in said
    assert "weeks before cost $0.50." in said
    assert "The dearest call, number 3 , took 45 % of it." in said
    assert "All calls priced" in said
    assert rows(html)[1][0:10] == [
        "1",
        "14:32:07",
        "get_order",
        "",
        "1,000",
        "0 %",
        "",
        "100",
        "$0.000450",
        "$0.000450",
    ]
    assert rows(html)[3][9] == rows(html)[-1][8] == "$0.002100"
    assert "Input, not cached" in said and "6,000 tokens" in said
    assert figure(html)["data"][0]["y"][-1] == pytest.approx(0.0021)
    assert "/tags/customer/Orbit" in links(html)
    assert "/calls/c-0" in links(html)


def test_a_run_with_unpriced_calls_says_so_first(client, send):
    send(entry(run_id="r-1", cost="1"), entry(run_id="r-1", cost=None, upper_bound=Decimal("0.4"), model="new"))
    html = body(client, "/runs/r-1")
    assert "1 of 2 calls unpriced: at most $0.40 more" in text(html)
    assert any("unpriced" in cells for cells in rows(html))


def test_a_run_of_one_unpriced_call_has_no_chart_of_nothing(client, send):
    send(entry(run_id="r-1", cost=None, model="new"))
    html = body(client, "/runs/r-1")
    assert "cost-chart" not in html
    assert "This run cost an unknown amount in 1 call" in text(html)


def test_a_long_run_comes_in_pages_and_thousands(client, send, monkeypatch):
    monkeypatch.setattr("costwatch.dashboards.run_page.MOST_CALLS", 6)
    monkeypatch.setattr("costwatch.dashboards.run_page.ROWS", 4)
    send(*(entry(minutes=n, run_id="r-1", cost="1", input_tokens=1000 * n + 1) for n in range(9)))
    seen, address = [], "/runs/r-1"
    while address:
        html = body(client, address)
        seen += [cells[0] for cells in rows(html) if cells[0].isdigit()]
        assert "This run cost $9.00 in 9 calls" in text(html)
        further = re.findall(r'href="([^"]*)">(?:From call|The calls after)', html)
        address = unescape(further[0]) if further else None
    assert seen == [str(n) for n in range(1, 10)]
    assert "Below are calls 7 to 9 of 9" in text(html)
    assert "First calls" in text(html)
    assert client.get("/runs/r-1?page=99").status_code == 200
    for bad in ("page=0", "from=x", "cursor=forged"):
        assert client.get(f"/runs/r-1?{bad}").status_code == 400


def test_a_run_says_what_it_sent_again_and_what_that_cost(client, send, prices):
    send(priced(run_id="r-1", input_tokens=1_000_000, output_tokens=0),
         priced(minutes=1, run_id="r-1", input_tokens=1_000_000, output_tokens=0))  # fmt: skip
    html = body(client, "/runs/r-1")
    assert "At most $0.2500 of it is history sent again: 1.00M of 2.00M input tokens (50 %)" in text(html)
    assert row(html, "2")[5] == "100 %"
    assert row(html, "Total")[5] == "50 %"
    assert 'class="timeline"' in html
    assert 'class="growth"' in html


def test_runs_that_called_each_other_lead_to_one_another(client, send):
    send(entry(event_id="c-1", run_id="r-1", session_id="s", agent_id="boss", cost="1"),
         entry(event_id="c-2", run_id="r-2", session_id="s", parent_id="r-1", agent_id="worker", cost="2"),
         entry(event_id="c-3", run_id="r-3", session_id="s", parent_id="c-1", cost="3"),
         entry(event_id="c-4", run_id="r-4", session_id="other", parent_id="r-1"))  # fmt: skip
    fold_all()
    said = text(body(client, "/runs/r-1"))
    assert "Called r-2 (worker, $2.00) · Called r-3 (triage, $3.00)" in said
    assert "r-4" not in said
    assert "Called by r-1 (boss, $1.00)" in text(body(client, "/runs/r-2"))


def test_calls_of_several_agents_name_them(client, send):
    send(entry(event_id="c-1", run_id="r-1", agent_id="boss", latency_ms=900),
         entry(minutes=1, run_id="r-1", agent_id="worker", parent_id="c-1", latency_ms=900))  # fmt: skip
    html = body(client, "/runs/r-1")
    assert row(html, "2")[2:4] == ["reply by call 1", "worker"]
    assert "2 calls of 2 agents in time" in html


def test_errors_of_a_run_are_told(client, send):
    send(entry(run_id="r-1", cost="1", error=True, error_type="timeout"), entry(run_id="r-1", cost="1"))
    said = text(body(client, "/runs/r-1"))
    assert "1 of 2 calls failed, $1.00 spent on it" in said
    assert "timeout" in said
