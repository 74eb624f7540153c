"""The rows under the Overview's chart: how many, in which order, what stands last, what is unknown and says so."""

import csv
import re
from decimal import Decimal
from io import StringIO

import pytest

from costwatch.accounts.keys import create_key
from costwatch.pricing.usage import CostSource
from tests.dashboards.conftest import DAY
from tests.dashboards.page import links, row, rows, series, text
from tests.ledger.make import entry

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("now")]


def body(client, address: str = "/") -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def names(html: str) -> list[str]:
    return [cells[0] for cells in rows(html)[1:]]


def bars(html: str) -> list[str]:
    """The widths of the bars of the rows."""
    return re.findall(r'<svg class="bar [^>]*><rect width="([^"]*)"', html)


@pytest.mark.parametrize(("values", "shown", "other"), [(25, 25, 0), (26, 26, 0), (27, 25, 2), (41, 25, 16)])
def test_a_single_value_more_than_fits_still_has_a_row_of_its_own(client, send, values, shown, other):
    send(*(entry(user_id=f"u-{n:02}", cost=str(n + 1)) for n in range(values)))
    found = names(body(client, "/?by=user"))
    assert len([name for name in found if name.startswith("u-")]) == shown
    assert found[shown:] == [*([f"Other ({other})"] if other else []), "Total"]


@pytest.mark.parametrize(("values", "shown", "other"), [(41, 41, 0), (42, 40, 2)])
def test_opened_it_shows_forty_and_the_rest_leads_to_explore(client, send, values, shown, other):
    send(*(entry(user_id=f"u-{n:02}", cost=str(n + 1)) for n in range(values)))
    html = body(client, "/?by=user&rows=all")
    assert len([name for name in names(html) if name.startswith("u-")]) == shown
    assert (f"Other ({other})" in names(html)) == bool(other)
    assert ("/explore?by=user&rows=all" in re.findall(r'<th scope="row"><a href="([^"]*)"', html.replace("&amp;", "&"))
            ) == bool(other)  # fmt: skip


def test_the_row_of_the_others_opens_them_on_this_page_first(client, send):
    send(*(entry(user_id=f"u-{n:02}", cost=str(n + 1)) for n in range(30)))
    html = body(client, "/?by=user&sort=name")
    assert "/?by=user&sort=name&rows=all" in links(html)


@pytest.fixture
def mixed(send) -> None:
    """a: dear, few runs. b: cheap, many runs, new. c: unpriced. d: as before. Nobody's calls; e is gone."""
    send(
        entry(agent_id="a", cost="9", run_id="r-1", input_tokens=10, output_tokens=1),
        *(entry(agent_id="b", cost="0.50", run_id=f"r-b{n}", input_tokens=500, output_tokens=2) for n in range(4)),
        entry(agent_id="c", cost=None, run_id="r-c", input_tokens=90_000, output_tokens=0),
        entry(agent_id="d", cost="3", input_tokens=40, output_tokens=0),
        entry(agent_id=None, cost="100", input_tokens=1, output_tokens=0),
        entry(agent_id="a", cost="4", minutes=-28 * DAY - 120),
        entry(agent_id="d", cost="3", minutes=-28 * DAY - 120),
        entry(agent_id="e", cost="50", minutes=-28 * DAY - 120),
    )


@pytest.mark.parametrize(
    ("sort", "order"),
    [("-cost", "adbc"), ("cost", "cbda"), ("-change", "abdc"), ("change", "dcba"), ("-runs", "bacd"), ("runs", "dacb"),
     ("-per_run", "abdc"), ("-calls", "badc"), ("-tokens", "cbda"), ("name", "abcd"), ("-name", "dcba")],
)  # fmt: skip
def test_whatever_it_is_sorted_by_those_alike_stand_by_cost_and_sums_of_several_last(client, mixed, sort, order):
    assert names(body(client, f"/?sort={sort}")) == [*order, "No longer there", "Not attributed", "Total"]


@pytest.mark.parametrize("sort", ["-cost", "cost", "-calls", "-change"])
def test_those_that_cost_the_same_stand_by_name(client, send, sort):
    send(*(entry(agent_id=name, cost="2") for name in ("c", "a", "d", "b")))
    assert names(body(client, f"/?sort={sort}")) == ["a", "b", "c", "d", "Total"]


def test_what_is_unknown_is_no_number(client, mixed):
    html = body(client)
    assert row(html, "c")[1:4] == ["unpriced", "–", ""]
    assert row(html, "c")[4:9] == ["–", "–", "1", "–", "1"]
    assert row(html, "d")[6:8] == ["0", "–"], "no runs: no cost of a run"
    assert row(html, "a")[6:8] == ["1", "$9.00"]


def test_a_bar_is_as_long_as_its_share_of_the_dearest_value(client, mixed):
    """Nobody's calls are a value; e is gone and has none."""
    assert bars(body(client)) == ["9.00%", "3.00%", "2.00%", "0.00%", "0.00%", "100.00%"]


def test_an_other_that_is_dearer_than_every_value_has_no_bar(client, send):
    send(*(entry(user_id=f"u-{n:02}", cost="1") for n in range(30)))
    assert bars(body(client, "/?by=user")) == ["100.00%"] * 25 + ["0.00%"]


def test_names_that_are_gone_and_nobodys_calls_of_then_are_told_apart(client, send):
    send(entry(agent_id="a", cost="1"), entry(agent_id=None, cost="2", minutes=-28 * DAY - 120),
         entry(agent_id="old", cost="4", minutes=-28 * DAY - 120))  # fmt: skip
    html = body(client)
    assert row(html, "Not attributed")[1:6] == ["$0.00", "0.0 %", "", "−$2.00", "▼ 100 %"]
    assert row(html, "No longer there")[4:6] == ["−$4.00", "▼ 100 %"]
    assert row(html, "Total")[4] == "−$5.00"


def test_what_had_no_price_then_is_new_in_dollars(client, send):
    send(entry(agent_id="a", cost="2"), entry(agent_id="a", cost=None, minutes=-28 * DAY - 120))
    assert row(body(client), "a")[4:6] == ["+$2.00", "new"]


def test_calls_without_usage_are_counted_and_no_price_is_made_up(client, send):
    silent = {"cost": None, "cost_source": CostSource.USAGE_UNKNOWN, "input_tokens": 0, "output_tokens": 0}
    send(entry(agent_id="a", cost="2"), entry(agent_id="b", requests=3, **silent))
    html = body(client)
    assert "3 without usage" in text(html)
    assert "100 % priced" in text(html), "no money is known to be missing"
    assert row(html, "b")[1] == "unpriced"
    lines = {line["agent"]: line for line in csv.DictReader(StringIO(client.get("/overview.csv").content.decode()))}
    assert (lines["b"]["usage_unknown_calls"], lines["b"]["priced_calls"], lines["b"]["share"]) == ("3", "0", "")


def test_every_digit_stands_in_the_title_of_an_amount(client, send):
    send(entry(agent_id="a", cost="1234.000000000001"))
    html = body(client)
    assert '<td class="num strong" title="$1,234.000000000001">$1,234.00</td>' in html
    assert '<span title="1,285">1,285</span>' in html


def test_amounts_below_a_cent_are_not_nothing(client, send):
    send(entry(agent_id="a", cost="0.000123"), entry(agent_id="b", cost="0.00000000004"))
    html = body(client)
    assert row(html, "a")[1:3] == ["$0.000123", "100.0 %"]
    assert row(html, "b")[1:3] == ["$0.0000000001", "< 0.1 %"]


def test_values_without_spend_have_rows_but_no_colour_of_the_chart(client, mixed):
    html = body(client)
    assert [trace["name"] for trace in series(html)] == ["a", "d", "b", "Not attributed"]
    assert 'class="bar c-other"' in html[html.index(">c</a>") : html.index(">c</a>") + 700]


def test_runs_and_sessions_stand_alone_for_nothing_of_them_is_there_again(client, send):
    send(entry(run_id="r-1", session_id="s-1", cost="2"), entry(run_id="r-0", cost="1", minutes=-28 * DAY - 120))
    for by in ("run", "session"):
        html = body(client, f"/?by={by}")
        assert "What changed" not in text(html)
        assert "Change" not in " ".join(rows(html)[0])
    assert "Runs" not in rows(body(client, "/?by=run"))[0], "a run has no runs"
    assert "/runs" in links(body(client, "/?by=run"))


def test_a_key_is_grouped_by_its_name(client, workspace, send):
    key, _ = create_key(workspace, "production <b>", ["ingest"])
    send(entry(api_key_id=key.pk, cost="2"), entry(cost="1"))
    html = body(client, "/?by=key")
    assert row(html, "production <b>")[1] == "$2.00"
    assert row(html, "Not attributed")[1] == "$1.00"
    assert "API keys" in text(html)
    assert row(body(client, "/?key=production <b>"), "Total")[1] == "$2.00"


@pytest.mark.parametrize("rows_asked", ["", "&rows=all"])
def test_the_file_holds_the_rows_of_the_page_and_all_of_them_once_they_are_asked_for(client, send, rows_asked):
    send(*(entry(user_id=f"u-{n:02}", cost=str(n + 1)) for n in range(60)))
    told = client.get(f"/overview.csv?by=user{rows_asked}").content.decode()
    lines = list(csv.reader(StringIO(told)))
    assert len(lines) == (1 + 60 + 1 if rows_asked else 1 + 25 + 1 + 1)
    assert sum(Decimal(line[1]) for line in lines[1:-1]) == Decimal(lines[-1][1]) == sum(range(1, 61))
    assert sum(Decimal(line[2]) for line in lines[1:-1]) == pytest.approx(1, abs=Decimal("0.0001"))


def test_of_more_values_than_a_page_looks_at_the_file_still_holds_every_one(client, send):
    send(*(entry(user_id=f"u-{n:03}", cost=f"0.{n:03}") for n in range(1, 261)))
    lines = list(csv.reader(StringIO(client.get("/overview.csv?by=user&rows=all").content.decode())))
    assert [line[0] for line in lines[1:]] == [*(f"u-{n:03}" for n in range(260, 0, -1)), "Total"]
    assert "Other (235)" in names(body(client, "/?by=user"))
