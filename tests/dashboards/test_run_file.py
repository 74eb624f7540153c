"""The calls of a run as a file: all of them, in order, with the figures of the page."""

import csv
from decimal import Decimal
from io import StringIO

import pytest

from costwatch.dashboards import run_file, run_views
from costwatch.dashboards.addresses import run_csv_url, run_url
from costwatch.ledger.fold import fold_all
from costwatch.loops import watch
from tests.dashboards.conftest import priced
from tests.dashboards.page import body, links, rows
from tests.ledger.make import NOW, entry

pytestmark = pytest.mark.usefixtures("now")


def lines(client, address="/runs/r-1.csv") -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(body(client, address), newline="")))


def column(found, name) -> list[str]:
    return [line[name] for line in found]


def test_a_row_says_of_a_call_what_the_page_says_with_every_digit(client, send, prices):
    send(
        *(priced(minutes=n - 5, event_id=f"c-{n}", run_id="r-1", agent_id="=triage", input_tokens=1000 * (n + 1),
                 cached_input_tokens=500, output_tokens=100, tool="get_order", latency_ms=1200, provider="openai")
          for n in range(3)),
        entry("c-3", minutes=-1, run_id="r-1", agent_id="child", parent_id="c-1", model="new-model", cost=None,
              upper_bound=Decimal("0.25"), error=True, error_type="timeout"),
        entry("other", run_id="r-2"),
    )  # fmt: skip
    fold_all()
    found = lines(client)
    assert column(found, "event_id") == ["c-0", "c-1", "c-2", "c-3"]
    first, second, _, last = found
    assert (first["call"], first["agent"], first["tool"]) == ("1", "'=triage", "get_order")
    assert first["timestamp"] == "2026-11-18T13:27:07.123456Z"
    assert (first["provider"], first["model"], first["status"], first["latency_ms"]) == (
        "openai", "gpt-5-mini", "ok", "1200")  # fmt: skip
    assert (second["input_tokens"], second["cached_input_tokens"], second["output_tokens"]) == ("2000", "500", "100")
    assert second["sent_again_tokens"] == "1100"
    assert (last["status"], last["error_type"], last["called_by_call"]) == ("error", "timeout", "2")
    assert (last["cost_usd"], last["cost_source"], last["unpriced_at_most_usd"]) == ("", "unpriced", "0.250000000000")
    costs = [Decimal(line["cost_usd"]) for line in found[:3]]
    assert sum(costs) == Decimal(last["cumulative_usd"]) > 0
    assert column(found, "cost_source") == ["catalog"] * 3 + ["unpriced"]
    shown = [cells for cells in rows(body(client, "/runs/r-1")) if cells[0] in "1234"]
    assert [f"${cost:.6f}" for cost in costs] == [cells[-2] for cells in shown[:3]]


def test_repeats_are_told_in_the_words_of_the_page(client, send):
    send(*(
        entry(f"e{n}", minutes=-10 + n / 10, run_id="r-1", task="refund", step=n, cost="0.02", tool="get_order",
              call_fingerprint="5c1e0a90", input_fingerprint="a7f03b")
        for n in range(9)
    ))  # fmt: skip
    fold_all()
    watch.watch_all(NOW, 10)
    found = lines(client)
    assert column(found, "answer")[0] == "new" and column(found, "repeats")[0] == ""
    assert column(found, "repeats")[8] == "same call, same result, as call 8"


def test_the_calls_of_all_pages_are_in_it(client, send):
    send(*(entry(f"c{n:04}", minutes=-60 + n / 60, run_id="r-1", cost="0.001") for n in range(1_100)))
    fold_all()
    found = lines(client)
    assert column(found, "call") == [str(n) for n in range(1, 1_101)]
    assert column(found, "event_id") == [f"c{n:04}" for n in range(1_100)]
    assert Decimal(found[-1]["cumulative_usd"]) == Decimal("1.1")
    assert 'filename="run-r-1.csv"' in client.get("/runs/r-1.csv")["Content-Disposition"]


def test_a_file_that_ends_before_its_run_says_so(client, send, monkeypatch):
    for module in (run_file, run_views):
        monkeypatch.setattr(module, "MOST_CALLS", 3)
    send(*(entry(f"c{n}", minutes=n, run_id="r-1") for n in range(4)))
    assert column(lines(client), "event_id") == ["c0", "c1", "c2"]
    assert 'filename="run-r-1-first-3.csv"' in client.get("/runs/r-1.csv")["Content-Disposition"]
    assert "CSV, at most 3" in body(client, "/runs/r-1")
    monkeypatch.setattr(run_file, "MOST_CALLS", 4)
    assert len(lines(client)) == 4 and "first" not in client.get("/runs/r-1.csv")["Content-Disposition"]


@pytest.mark.parametrize("name", ["..", "a/../b", "a\\b", "x.csv", "a\nb", '"; x="', "ü/ß", " a ", "new"])
def test_a_run_of_any_name_has_its_file_and_its_page_leads_there(client, send, name):
    send(entry("c", run_id=name, cost="3.21"))
    assert run_csv_url(name) in links(body(client, run_url(name)))
    answer = client.get(run_csv_url(name))
    assert answer.status_code == 200 and b"3.21" in answer.content
    told = answer["Content-Disposition"]
    assert told.startswith('attachment; filename="run') and told.count('"') == 2 and told.isascii()


def test_a_run_that_is_not_known_has_no_file(client, stranger, send):
    send(entry("c", run_id="r-1"))
    assert client.get("/runs/r-404.csv").status_code == client.get("/run.csv").status_code == 404
    assert client.get("/run.csv?id=%00").status_code == 404
    assert stranger.get("/runs/r-1.csv").status_code == 404
