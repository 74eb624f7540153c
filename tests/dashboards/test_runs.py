"""The list of runs: their order, pages and filters, and the file."""

import csv
from io import StringIO

import pytest

from costwatch.alerts.incidents import Report, open_or_update
from costwatch.alerts.models import Kind, Severity
from costwatch.ledger.fold import fold_all
from tests.dashboards.page import body, links, row, rows, text
from tests.ledger.make import NOW, entry

pytestmark = pytest.mark.usefixtures("now")


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
    assert "Runs ended 32 in this period" in said
    assert "Median run $0.100" in said
    assert "99 % cost at most $0.900" in said
    assert "/agents/a" in links(html), "names lead to their pages"


def test_every_page_says_which_runs_it_counts_begun_ended_or_with_calls(client, send):
    send(entry(run_id="over-night", minutes=-15 * 60, agent_id="a"), entry(run_id="over-night", agent_id="a"))
    fold_all()
    today = "?period=today"
    listed = text(body(client, f"/runs{today}"))
    assert "Runs ended 1 in this period" in listed and "Runs with calls in" in listed and "over-night" in listed
    overview = body(client, f"/{today}")
    assert row(overview, "a")[rows(overview)[0].index("Runs begun") + 1] == "0"
    assert "mean of 0 runs begun" in text(body(client, f"/agents/a{today}"))
    assert "2 calls, 1 run begun" in text(body(client, "/month/2026-11"))


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
