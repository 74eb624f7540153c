"""The waterfall: steps that begin where the last one ended, an axis that holds all of them, amounts beside them."""

from decimal import Decimal as D

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.dashboards.variance.drawing import waterfall
from costwatch.spend.variance import EFFECTS
from tests.dashboards.conftest import DAY
from tests.dashboards.page import figure, text
from tests.dashboards.test_charts import with_colours
from tests.ledger.make import entry

pytestmark = pytest.mark.thorough
AMOUNTS = st.decimals(-(10**6), 10**6, places=2)


def drawn(*lengths: str | D) -> dict:
    """A waterfall of some steps and their sum."""
    steps = [D(length) for length in lengths]
    bases = [sum(steps[:n], D(0)) for n in range(len(steps))] + [D(0)]
    lengths = [*steps, sum(steps, D(0))]
    labels = [f"step {n}" for n in range(len(steps))] + ["Net change"]
    return waterfall(labels, bases, lengths, [f"{length}" for length in lengths], ["--ok"] * len(labels))


@given(st.lists(AMOUNTS, min_size=1, max_size=8))
def test_every_step_and_its_amount_lie_within_the_axis(steps):
    told = drawn(*steps)
    low, high = told["layout"]["xaxis"]["range"]
    bars, amounts = told["data"]
    for base, length, end in zip(bars["base"], bars["x"], amounts["x"], strict=True):
        assert low <= min(base, base + length) + 1e-9 and max(base, base + length) < high
        assert end == pytest.approx(max(base, base + length), abs=1e-9), "the amount stands right of its bar"
    assert low <= 0 <= high


@given(st.lists(AMOUNTS, min_size=1, max_size=8))
def test_plotly_accepts_it_in_both_widths(steps):
    told = with_colours(drawn(*steps))
    go.Figure(data=told["data"], layout=told["layout"])
    narrow = go.Figure(layout=told["narrow"]).layout.xaxis.range
    assert narrow[1] > told["layout"]["xaxis"]["range"][1], "more room for the amounts where there is less"


@pytest.mark.parametrize(
    ("steps", "ticks"),
    [(("100", "-20"), "$,.2~f"), (("0.5", "0.2"), "$,.2~f"), (("0.04", "0.01"), "$,.3~f"), (("0.0004",), "$,.5~f"),
     (("0", "0"), "$,.2~f")],
)  # fmt: skip
def test_the_axis_has_the_decimals_that_its_width_needs(steps, ticks):
    assert drawn(*steps)["layout"]["xaxis"]["tickformat"] == ticks


def test_what_falls_below_nothing_has_some_air_and_what_does_not_has_none():
    assert drawn("10", "5")["layout"]["xaxis"]["range"] == [0, 18]
    assert drawn("10", "-30")["layout"]["xaxis"]["range"] == pytest.approx([-20.9, 16])


@pytest.mark.usefixtures("now")
def test_a_saving_is_green_a_rise_is_red_and_what_did_not_happen_is_a_dash(client, send):
    own = {"model": "of-our-own", "input_tokens": 1000, "output_tokens": 0}
    send(*(entry(minutes=-31 * DAY - 90 - n, run_id=f"o-{n}", cost="1", **own) for n in range(1, 4)),
         entry(minutes=-5, run_id="n-1", cost="1", **own))  # fmt: skip
    html = client.get("/variance").content.decode()
    bars, amounts = figure(html)["data"]
    colours = dict(zip(bars["y"], bars["marker"]["color"], strict=True))
    assert (colours["Runs"], colours["Net change"]) == ("--ok", "--ink")
    said = dict(zip(amounts["y"], (one.strip() for one in amounts["text"]), strict=True))
    assert said["Runs"].replace("\N{WORD JOINER}", "") == "−$2.00"
    assert said["Prompts"] == "–"
    assert len(bars["y"]) == len(EFFECTS) + 1
    assert "Waterfall of the change: Runs −$2.00. The list beside it holds the same figures." in html
    assert "3 → 1 runs" in text(html)


@pytest.mark.usefixtures("now")
def test_where_nothing_changed_it_says_so(client, send):
    own = {"model": "of-our-own", "input_tokens": 1000, "output_tokens": 0, "cost": "1"}
    send(entry(minutes=-31 * DAY - 90, run_id="o", **own), entry(minutes=-5, run_id="n", **own))
    html = client.get("/variance").content.decode()
    assert "Spend is the same, $1.00 in 1–18 Nov 2026 and in 1–18 Oct." in text(html)
    assert "Waterfall of the change: nothing changed." in html
