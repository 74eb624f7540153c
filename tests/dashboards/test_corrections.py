"""What corrections leave behind: amounts below nothing, on every page with its sign, in sums that still add up."""

import csv
from decimal import Decimal
from io import StringIO

import pytest

from costwatch.dashboards import charts
from costwatch.ledger.adjust import Adjustment, adjust
from costwatch.ledger.models import Attribution, Label
from tests.dashboards.conftest import DAY
from tests.dashboards.page import figure, row, rows, text
from tests.ledger.make import NOW, entry

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("now")]


@pytest.fixture
def corrected(workspace, send):
    """a: $10 today. b: $3 a week ago, and today $8 and two calls of a month that is closed are taken away."""
    send(entry(agent_id="a", cost="10", input_tokens=1000), entry(agent_id="b", cost="3", minutes=-7 * DAY))
    of_b = Attribution.objects.get(agent_id=Label.objects.get(value="b").pk)
    taken = {"cost": Decimal(-8), "calls": -2, "events": -2, "input_tokens": -25_000}
    adjust(workspace.lane, [Adjustment(NOW, of_b.pk, taken, "sent by mistake")])


def body(client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_the_overview_shows_less_than_nothing_with_its_sign(client, corrected):
    html = body(client, "/")
    assert row(html, "b")[1:3] == ["−$5.00", "−100.0 %"]
    assert row(html, "b")[-2:] == ["−1", "−23.7k"]
    assert row(html, "Total")[1:3] == ["$5.00", "100.0 %"]
    assert "Today, so far $2 .00" in text(html)


def test_the_file_has_it_too_and_still_adds_up(client, corrected):
    lines = list(csv.reader(StringIO(client.get("/overview.csv").content.decode())))
    assert {line[0]: (line[1], line[2]) for line in lines[1:]} == {
        "a": ("10.000000000000", "2.000000"),
        "b": ("-5.000000000000", "-1.000000"),
        "Total": ("5.000000000000", "1.000000"),
    }


def test_explore_shows_it_in_rows_columns_and_figures(client, corrected):
    html = body(client, "/explore?against=none")
    table = html[html.index('id="h-table"') :]
    assert row(table, "b")[1:3] == ["−$5.00", "−100.0 %"]
    assert row(table, "Total")[1] == "$5.00"
    today = row(html[html.index("Figures of the chart</summary>") :], "Wed 18 Nov")
    assert today[1:4] == ["$10.00", "−$8.00", "$2.00"]
    crossed = body(client, "/explore?across=model&against=none")
    assert row(crossed[crossed.index('id="h-table"') :], "b")[1] == "−$5.00"


@pytest.mark.parametrize("address", ["/?agent=b", "/explore?agent=b&against=none", "/explore?by=none&agent=b"])
def test_a_day_below_nothing_lies_within_its_chart(client, corrected, address):
    told = figure(body(client, address))
    low, high = told["layout"]["yaxis"]["range"]
    drawn = [amount for trace in told["data"] for amount in trace["y"] if amount is not None]
    assert min(drawn) == -8 and max(drawn) == 3
    assert low < -8 and high > 3


@pytest.mark.parametrize(
    ("amounts", "ends"),
    [([], [0, 1]), ([0, 0], [0, 1]), ([1, 5], [0, 5.4]), ([-10], [-10.8, 0]), ([-10, 5], [-10.8, 5.4])],
)
def test_an_axis_holds_everything_and_nothing_upside_down(amounts, ends):
    assert charts.reach([Decimal(amount) for amount in amounts]) == pytest.approx(ends)


def test_the_variance_of_less_than_nothing_adds_up(client, corrected):
    query = "first=2026-11-18&last=2026-11-18&against=custom&cfirst=2026-11-11&clast=2026-11-11"
    lines = {line[0]: line for line in csv.reader(StringIO(client.get(f"/variance.csv?{query}").content.decode()))}
    assert [Decimal(cell) for cell in lines["b"][1:4]] == [3, -8, -11]
    assert sum(map(Decimal, lines["b"][4:])) == -11
    html = body(client, f"/variance?{query}")
    assert row(html, "b")[1:4] == ["$3.00", "−$8.00", "−$11.00"]
    assert "Net change −$1.00" in text(html)


def test_a_part_that_is_gone_altogether_has_no_row(client, workspace, send):
    send(entry(agent_id="a", cost="10"), entry(agent_id="b", cost="3", input_tokens=7, output_tokens=0))
    of_b = Attribution.objects.get(agent_id=Label.objects.get(value="b").pk)
    taken = {"cost": Decimal(-3), "calls": -1, "events": -1, "input_tokens": -7}
    adjust(workspace.lane, [Adjustment(NOW, of_b.pk, taken, "sent twice")])
    for address in ("/", "/explore?against=none", "/variance"):
        assert "b" not in [cells[0] for cells in rows(body(client, address)) if cells], address
