"""The list of runs, one run, one call."""

import csv
import json
import re
from decimal import Decimal
from html import unescape
from io import StringIO

import pytest

from costwatch.alerts.incidents import Report, open_or_update
from costwatch.alerts.models import Kind, Severity
from costwatch.dashboards.addresses import call_url, run_url
from costwatch.ledger.fold import fold_all
from costwatch.pricing import book
from costwatch.pricing.usage import CostSource
from tests.dashboards.conftest import DAY
from tests.dashboards.page import figure, links, row, rows, text
from tests.ledger.make import NOW, entry

pytestmark = pytest.mark.usefixtures("now")


def body(client, address: str, **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def priced(**fields):
    """An entry with the cost that the price book says."""
    made = entry(model="gpt-5-mini", **fields)
    price = book.current().price(made)
    made.cost, made.cost_source, made.price_version = price.cost, price.source, price.price_version
    return made


def test_runs_stand_dearest_first_with_all_their_calls(client, month):
    html = body(client, "/runs")
    assert [cells[0] for cells in rows(html)[1:]] == ["r-1", "r-2"]
    assert row(html, "r-1")[2:11] == [
        "$5.00",
        "",
        "reasoning",
        "u-1",
        "refund",
        "Wed 18 Nov 13:32",
        "50:00",
        "2",
        "0",
    ]


def test_runs_out_of_line_with_their_agent_are_marked(client, send, workspace):
    send(*(entry(run_id=f"r-{n}", agent_id="a", cost="0.10") for n in range(30)),
         entry(run_id="dear", agent_id="a", cost="0.90"), entry(run_id="other", agent_id="b", cost="0.90"))  # fmt: skip
    fold_all()
    html = body(client, "/runs")
    assert row(html, "dear")[3] == "9.0 ×"
    assert row(html, "other")[3] == row(html, "r-1")[3] == ""
    said = text(html)
    assert "Runs 32 ended in this period" in said
    assert "Median run $0.100" in said
    assert "99 % cost at most $0.900" in said
    assert "/agents/a" in links(html), "names lead to their pages"


def test_runs_with_an_incident_are_marked(client, month, workspace):
    loop = Report(Kind.LOOP, "loop:1", Severity.ALARM, "caught in a loop", "It loops.", "a", NOW, run_id="r-1")
    number = open_or_update(workspace.pk, loop, NOW)
    html = body(client, "/runs")
    assert row(html, "r-1")[3] == "loop"
    assert f"/incidents/{number}" in links(html)


def test_of_very_many_runs_the_newest_are_put_in_order(client, month, monkeypatch):
    monkeypatch.setattr("costwatch.dashboards.run_list.MOST_RUNS", 1)
    said = text(body(client, "/runs"))
    assert "Runs since Wed 18 Nov 2026 00:00:00 are put in this order" in said
    assert "r-2" not in said
    assert "r-2" in text(body(client, "/runs?sort=-last")), "in the order of an index there is no bound"


@pytest.mark.parametrize(
    ("sort", "first"), [("-cost", "r-1"), ("cost", "r-2"), ("started", "r-2"), ("-started", "r-1"), ("-calls", "r-1"),
                        ("-duration", "r-1")],
)  # fmt: skip
def test_runs_sort(client, month, sort, first):
    assert rows(body(client, f"/runs?sort={sort}"))[1][0] == first


def test_runs_follow_period_and_filters(client, month):
    assert [cells[0] for cells in rows(body(client, "/runs?period=today"))[1:]] == ["r-1"]
    assert [cells[0] for cells in rows(body(client, "/runs?agent=triage"))[1:]] == ["r-2"]
    assert "No runs in 1–18 Nov 2026 match these filters" in text(body(client, "/runs?agent=nobody"))
    assert "Choose another period" in text(body(client, "/runs?first=2020-01-01"))
    assert client.get("/runs?period=x").status_code == 400
    assert client.get("/runs?cursor=forged").status_code == 400


def test_pages_of_runs_neither_repeat_nor_hide_any(client, send):
    send(*(entry(run_id=f"r-{n:03}", cost=str(n + 1)) for n in range(120)))
    seen, address = [], "/runs"
    while address:
        html = body(client, address)
        seen += [cells[0] for cells in rows(html)[1:]]
        address = next((link for link in links(html) if "cursor=" in link), None)
    assert seen == [f"r-{n:03}" for n in reversed(range(120))]


def test_the_csv_of_runs_has_all_digits(client, send):
    send(entry(run_id="=r", cost="0.000000123456", task="t"))
    table = list(csv.DictReader(StringIO(client.get("/runs.csv").content.decode())))
    assert table[0]["run_id"] == "'=r"
    assert table[0]["cost_usd"] == "0.000000123456"


def test_a_file_of_runs_that_ends_before_the_list_says_so(client, send, monkeypatch):
    send(*(entry(run_id=f"r-{n}", cost=str(n + 1)) for n in range(3)))
    whole = client.get("/runs.csv")
    assert whole["Content-Disposition"] == 'attachment; filename="runs-2026-11-01-2026-11-18.csv"'
    assert "CSV, at most" not in body(client, "/runs")
    monkeypatch.setattr("costwatch.dashboards.run_views.ROWS", 2)
    assert "CSV, at most 1,000" in body(client, "/runs")
    for module in ("run_views", "csv"):
        monkeypatch.setattr(f"costwatch.dashboards.{module}.MOST_ITEMS", 2)
    cut = client.get("/runs.csv")
    assert [line["run_id"] for line in csv.DictReader(StringIO(cut.content.decode()))] == ["r-2", "r-1"]
    assert "-2026-11-18-first-2.csv" in cut["Content-Disposition"]


def test_a_run_says_in_one_sentence_what_it_cost(client, send, prices):
    send(
        entry(minutes=-3 * DAY, agent_id="reasoning", run_id="r-0", cost="0.5"),
        *(priced(minutes=n, event_id=f"c-{n}", agent_id="reasoning", run_id="r-9", step=n, input_tokens=1000 * (n + 1),
                 output_tokens=100, task="refund", user_id="u-7", tags={"customer": "Orbit"}, tool="get_order",
                 latency_ms=1200) for n in range(3)),
    )  # fmt: skip
    html = body(client, "/runs/r-9")
    said = text(html)
    assert "This run cost $0.00210 in 3 calls over 2:00 ; a usual run of reasoning costs $0.50." in said
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


def test_the_raw_event_is_there_to_read(client, send):
    send(entry(event_id="c-1", tags={"customer": "</code><script>"}))
    html = body(client, "/calls/c-1")
    raw = json.loads(unescape(re.search(r'aria-label="Raw event"><code>(.*?)</code>', html, re.S)[1]))
    assert raw["timestamp"] == "2026-11-18T13:32:07.123456Z"
    assert raw["tags"] == {"customer": "</code><script>"}
    assert "<script>" not in html.split("Raw event")[1].split("</code>")[0]


def test_errors_of_a_run_are_told(client, send):
    send(entry(run_id="r-1", cost="1", error=True, error_type="timeout"), entry(run_id="r-1", cost="1"))
    said = text(body(client, "/runs/r-1"))
    assert "1 of 2 calls failed, $1.00 spent on it" in said
    assert "timeout" in said


def test_a_call_shows_all_that_is_known_of_it(client, send, prices):
    send(priced(event_id="c-1", run_id="r-1", input_tokens=1000, cached_input_tokens=400, output_tokens=100,
                reasoning_tokens=50, task="refund", step=3, latency_ms=2100, response_id="resp-9",
                raw_usage={"prompt_tokens": 1000}, tags={"customer": "Orbit"}))  # fmt: skip
    html = body(client, "/calls/c-1")
    said = text(html)
    assert "This call cost $0.000360 . gpt-5-mini read 1,000 and wrote 100 tokens in 2.1 s" in said
    assert row(html, "Input, not cached")[1:] == ["600", "$0.25", "$0.0001500"]
    assert row(html, "Input, from cache")[1:] == ["400", "$0.025", "$0.0000100"]
    assert row(html, "Output")[1:] == ["100", "$2.00", "$0.0002000"]
    assert row(html, "Call")[3] == "$0.0003600"
    for fact in ("Price of openai · gpt-5-mini", "Step 3", "Task refund", "Response id resp-9", "customer Orbit"):
        assert fact in said
    assert "prompt_tokens" in said
    assert "/runs/r-1" in links(html)


def test_the_parts_of_a_cost_are_a_fragment_of_their_own(client, send, prices):
    send(priced(event_id="c-1", input_tokens=1000, output_tokens=100))
    part = body(client, "/calls/c-1", **{"HX-Request": "true", "HX-Target": "parts"})
    assert "<html" not in part
    assert row(part, "Call")[3] == "$0.000450"


def test_a_call_says_what_of_it_was_sent_in_which_call_before_and_what_it_repeats(client, send, prices):
    again = {"run_id": "r-1", "tool": "get_order", "call_fingerprint": "f", "input_fingerprint": "i"}
    send(
        priced(event_id="c-1", minutes=1, input_tokens=1000, output_tokens=100, **again),
        priced(event_id="c-2", minutes=2, input_tokens=2000, cached_input_tokens=500, output_tokens=100, **again),
    )
    parts = text(body(client, "/calls/c-2", **{"HX-Request": "true", "HX-Target": "parts"}))
    assert "At most 1,100 input tokens (55 %) were already sent in call 1." in parts
    assert "Read from the cache, this call would cost $0.0004525." in parts
    assert "same result, as call 1" in parts
    assert "were already sent in call 1" in text(body(client, "/calls/c-2")), "on the call's own page too"
    assert 'title="1,100 tokens, already sent in call 1"' in body(client, "/runs/r-1")
    assert "already sent" not in text(body(client, "/calls/c-1"))


@pytest.mark.parametrize(
    ("source", "sentence"),
    [(CostSource.UNPRICED, "unpriced: no price is known for this model; at most $0.40"),
     (CostSource.USAGE_UNKNOWN, "not known: the sender gave no token counts")],
)  # fmt: skip
def test_an_unknown_cost_is_explained(client, send, source, sentence):
    send(
        entry("c-1", cost=None, cost_source=source, upper_bound=Decimal("0.4") if source == CostSource.UNPRICED else 0)
    )
    html = body(client, "/calls/c-1")
    assert sentence in text(html)
    assert "never as $0.00" in text(html)


@pytest.mark.parametrize(
    "name", ["a/b", "../x", "..", ".", "a//b", "x.csv", "ü &?#%", "a\\b", "é" * 200, "/", "a/../b"]
)
def test_any_id_has_an_address_that_leads_to_it(client, send, name):
    send(entry(name, run_id=name, cost="1"))
    assert body(client, run_url(name)).count("This run cost")
    assert body(client, call_url(name)).count("This call cost")


def test_what_nobody_knows_is_not_found(client, month):
    for address in ("/runs/nothing", "/calls/nothing", "/run", "/call?id=%00", "/runs/%00"):
        assert client.get(address).status_code == 404


def test_strangers_find_nothing(stranger, send, now):
    send(entry("c-1", run_id="r-1"))
    assert stranger.get("/runs/r-1").status_code == stranger.get("/calls/c-1").status_code == 404
    assert b"r-1" not in stranger.get("/runs.csv").content


@pytest.mark.parametrize(
    ("name", "address"),
    [("r-1", "/runs/r-1"), (" s-1 ", "/sessions/s-1"), ("c-1", "/calls/c-1"), ("..", "/run?id=.."), ("\0", "/runs"),
     ("", "/runs"), ("r-404", "/runs")],
)  # fmt: skip
def test_an_id_opens_what_it_is_the_id_of(client, send, name, address):
    send(entry(event_id="c-1", run_id="r-1", session_id="s-1"), entry(run_id=".."))
    response = client.get("/find", {"id": name})
    assert (response.status_code, response["Location"]) == (302, address)


def test_an_id_that_nothing_has_is_told_and_nobody_elses_is_found(client, stranger, send):
    send(entry(run_id="r-1"))
    assert "knows no run, session or event with the id “<b>”" in text(
        client.get("/find", {"id": "<b>"}, follow=True).content.decode().replace("&lt;b&gt;", "&amp;lt;b&amp;gt;")
    ).replace("&lt;", "<").replace("&gt;", ">")
    assert stranger.get("/find", {"id": "r-1"})["Location"] == "/runs"
    assert "knows no run" not in client.get("/find", {"id": " "}, follow=True).content.decode()
