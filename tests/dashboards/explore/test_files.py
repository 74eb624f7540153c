"""The table as CSV, NDJSON and Parquet: names and kinds of its columns, what a row is, what is not known."""

import csv
import json
from decimal import Decimal
from io import BytesIO, StringIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.test import Client

from tests.dashboards.conftest import DAY
from tests.ledger.make import entry

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("now")]


@pytest.fixture
def agents(send) -> None:
    send(
        entry(agent_id="a", cost="1.000000000001", task="x", run_id="r-1", error=True),
        entry(agent_id="a", cost="3", task="y", run_id="r-2"),
        entry(agent_id="b", cost=None, task="y"),
        entry(agent_id=None, cost="0.25"),
        entry(agent_id="a", cost="2", minutes=-28 * DAY - 120),
    )


def lines(client: Client, query: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(client.get(f"/explore.csv?{query}").content.decode(), newline="")))


def parquet(client: Client, query: str) -> pa.Table:
    return pq.read_table(BytesIO(client.get(f"/explore.parquet?{query}").content))


def ndjson(client: Client, query: str) -> list[dict]:
    return [json.loads(line) for line in client.get(f"/explore.ndjson?{query}").content.splitlines()]


@pytest.mark.parametrize(
    ("format", "kind"),
    [("csv", "text/csv; charset=utf-8"), ("ndjson", "application/x-ndjson"),
     ("parquet", "application/vnd.apache.parquet")],
)  # fmt: skip
@pytest.mark.parametrize(
    ("query", "name"),
    [("", "cost-agent-2026-11-01-2026-11-18"), ("metric=error_share&by=none", "error_share-2026-11-01-2026-11-18"),
     ("by=tag.Team%2FÜ&across=agent&period=7d", "cost-teamu-agent-2026-11-12-2026-11-18")],
)  # fmt: skip
def test_a_file_is_a_download_named_by_what_it_holds(client, agents, format, kind, query, name):
    response = client.get(f"/explore.{format}?{query}")
    assert response["Content-Type"] == kind
    assert response["Content-Disposition"] == f'attachment; filename="{name}.{format}"'


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("", ["agent", "row", "cost_usd", "share", "cost_usd_before", "cost_usd_change", "calls"]),
        ("against=none", ["agent", "row", "cost_usd", "share", "calls"]),
        ("metric=calls&against=none", ["agent", "row", "calls", "share", "spend_usd"]),
        ("metric=cost_per_run&against=none", ["agent", "row", "cost_per_run_usd", "spend_usd", "runs"]),
        ("metric=error_share&against=none", ["agent", "row", "error_share", "failed_calls", "calls"]),
        ("metric=output_tokens&against=none", ["agent", "row", "output_tokens", "share", "spend_usd", "calls"]),
        ("by=none&against=none", ["day", "row", "cost_usd", "share", "calls"]),
        ("by=none&bucket=week&against=none", ["week", "row", "cost_usd", "share", "calls"]),
        ("across=task&against=none",
         ["agent", "row", "task=x", "task=y", "task not attributed", "cost_usd", "share"]),
        ("across=task", ["agent", "row", "task=x", "task=y", "task not attributed", "cost_usd", "share",
                         "cost_usd_change"]),
    ],
)  # fmt: skip
def test_all_formats_have_the_same_columns(client, agents, query, columns):
    expected = sorted(columns)
    assert sorted(lines(client, query)[0]) == sorted(ndjson(client, query)[0]) == expected
    assert sorted(parquet(client, query).column_names) == expected


def test_a_row_says_what_it_is_whatever_it_is_called(client, send):
    send(*(entry(agent_id=name, cost=cost) for name, cost in
           (("Total", "5"), ("Not attributed", "4"), ("Other (2)", "3"), (None, "2"))),
         *(entry(agent_id=f"a-{n}", cost="0.5") for n in range(9)))  # fmt: skip
    told = [(line["agent"], line["row"]) for line in lines(client, "against=none")]
    assert told[:3] == [("Total", "value"), ("Not attributed", "value"), ("Other (2)", "value")]
    assert told[-3:] == [("Other (3)", "other"), ("Not attributed", "not attributed"), ("Total", "total")]


def test_money_has_twelve_places_and_counts_are_whole(client, agents):
    found = {line["agent"]: line for line in lines(client, "metric=cost_per_run&against=none")}
    assert found["a"]["cost_per_run_usd"] == "2.000000000000", "4.000000000001 ÷ 2, half to even"
    assert (found["a"]["spend_usd"], found["a"]["runs"]) == ("4.000000000001", "2")
    table = parquet(client, "metric=cost_per_run&against=none")
    types = dict(zip(table.column_names, table.schema.types, strict=True))
    assert types["cost_per_run_usd"] == types["spend_usd"] == pa.decimal128(38, 12)
    assert (types["runs"], types["row"]) == (pa.int64(), pa.string())
    told = {line["agent"]: line for line in ndjson(client, "metric=cost_per_run&against=none")}
    assert (told["a"]["cost_per_run_usd"], told["a"]["runs"]) == ("2.000000000000", 2)


def test_what_is_not_known_is_empty_and_never_zero(client, agents):
    found = {line["agent"]: line for line in lines(client, "")}
    assert (found["b"]["cost_usd"], found["b"]["share"], found["b"]["calls"]) == ("", "", "1")
    assert found["b"]["cost_usd_change"] == ""
    told = {line["agent"]: line for line in ndjson(client, "")}
    assert (told["b"]["cost_usd"], told["b"]["calls"]) == (None, 1)
    rows = {line["agent"]: line for line in parquet(client, "").to_pylist()}
    assert (rows["b"]["cost_usd"], rows["b"]["cost_usd_before"]) == (None, Decimal(0))


def test_changes_and_shares_are_exact(client, agents):
    found = {line["agent"]: line for line in lines(client, "")}
    assert found["a"]["cost_usd_change"] == "2.000000000001"
    assert found["Not attributed"]["cost_usd_change"] == "0.250000000000"
    assert found["a"]["share"] == "0.941176", "4.000000000001 of 4.250000000001"
    assert found["Total"]["share"] == "1.000000"


def test_no_cell_is_a_formula_in_any_column(client, send):
    evil = ["=1+1", "+1", "-1", "@x", "\t=1", "\uff1d1", " =1"]
    send(*(entry(agent_id=name, task=name, cost="1") for name in evil))
    text = client.get("/explore.csv?across=task&rows=all&against=none").content.decode()
    for cells in csv.reader(StringIO(text, newline="")):
        for cell in cells:
            assert cell.lstrip()[:1] not in ("=", "+", "-", "@", "\uff1d"), cell
    assert {line["agent"] for line in ndjson(client, "rows=all&against=none")} == {*evil, "Total"}, "JSON needs none"


def test_names_keep_commas_quotes_and_line_ends(client, send):
    odd = 'a, "b"\nc;d'
    send(entry(agent_id=odd, cost="1"))
    assert lines(client, "against=none")[0]["agent"] == odd
    assert parquet(client, "against=none").to_pylist()[0]["agent"] == odd


@pytest.mark.parametrize("format", ["csv", "ndjson", "parquet"])
def test_a_file_about_nothing_has_its_columns_and_a_total_of_nothing(client, agents, format):
    query = "agent=nobody&against=none"
    read = {"csv": lines, "ndjson": ndjson, "parquet": lambda *a: parquet(*a).to_pylist()}[format](client, query)
    (total,) = read
    assert (total["agent"], total["row"], int(total["calls"])) == ("Total", "total", 0)
    assert Decimal(total["cost_usd"]) == 0


def test_a_page_of_rows_is_a_file_of_rows_with_the_others_as_one(client, send):
    send(*(entry(user_id=f"u-{n:02}", cost=str(n)) for n in range(1, 61)))
    second = lines(client, "by=user&rows=all&page=2&against=none")
    assert [line["user"] for line in second[:25]] == [f"u-{n:02}" for n in range(35, 10, -1)]
    assert [(line["user"], line["row"]) for line in second[25:]] == [("Other (35)", "other"), ("Total", "total")]
    assert sum(Decimal(line["cost_usd"]) for line in second[:-1]) == Decimal(second[-1]["cost_usd"]) == 1830


def test_there_are_three_formats_and_files_are_read_only(client, agents):
    assert client.get("/explore.xlsx").status_code == 404
    assert client.get("/explore.csv?period=x").status_code == 400


@pytest.mark.parametrize("format", ["csv", "ndjson", "parquet"])
def test_nobody_else_gets_them(client, stranger, agents, format):
    assert Client().get(f"/explore.{format}")["Location"].startswith("/login")
    assert b"0.25" not in stranger.get(f"/explore.{format}").content
