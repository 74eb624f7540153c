"""The figure of an answer: what is drawn for which measure, on which axis, and how a hover says it."""

import plotly.graph_objects as go
import pytest

from costwatch.dashboards.explore.metrics import METRICS
from costwatch.pricing.usage import CostSource
from tests.dashboards.conftest import DAY, logged_in
from tests.dashboards.oracle import books, usage
from tests.dashboards.page import figure
from tests.dashboards.test_charts import with_colours
from tests.ledger.make import entry

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("now")]


def drawn(html: str) -> list[dict]:
    return [trace for trace in figure(html)["data"] if "meta" in trace]


@pytest.fixture(scope="module")
def filled(django_db_setup, django_db_blocker):
    with books(django_db_blocker, *usage(3, 120)) as workspace:
        yield workspace


@pytest.mark.django_db
@pytest.mark.parametrize("metric", sorted(METRICS.keys() - {"cost_per_session"}))
@pytest.mark.parametrize("query", ["by=agent&period=30d", "by=none&period=7d&bucket=hour", "by=user&across=task"])
def test_plotly_accepts_the_figure_of_every_measure(filled, metric, query):
    html = logged_in(filled, "v@larkfield.example").get(f"/explore?metric={metric}&{query}").content.decode()
    told = with_colours(figure(html))
    made = go.Figure(data=told["data"], layout=told["layout"])
    go.Figure(layout=told["narrow"])
    assert len(made.data) == len(told["data"]) > 0
    places = len(told["shared"]["x"])
    assert {len(trace["y"]) for trace in told["data"] if trace.get("uid") != "marks"} == {places}
    top = told["layout"]["yaxis"]["range"][1]
    heights = [amount for trace in told["data"] for amount in trace["y"] if amount is not None]
    assert max(heights, default=0) <= top, "nothing is drawn above the chart"


def test_what_adds_up_is_stacked_and_its_whole_is_on_the_hover_only(page, month):
    told = figure(page("against=none"))["data"]
    assert [trace["type"] for trace in told] == ["bar", "bar", "bar", "scatter"]
    assert (told[-1]["name"], told[-1]["marker"]["opacity"], "meta" in told[-1]) == ("Total", 0, False)
    assert told[-1]["y"][-1] == sum(trace["y"][-1] for trace in told[:-1])


def test_a_single_series_is_its_own_whole(page, month):
    assert [trace["name"] for trace in figure(page("by=none&against=none"))["data"]] == ["Spend"]


def test_not_attributed_is_hatched_in_bars_and_dotted_in_lines(page, month):
    bars = {trace["name"]: trace["marker"] for trace in drawn(page("against=none"))}
    assert bars["Not attributed"]["pattern"]["shape"] == "/" and "pattern" not in bars["triage"]
    lines = {trace["name"]: trace["line"] for trace in drawn(page("metric=cost_per_call&against=none"))}
    assert lines["Not attributed"]["dash"] == "dot" and "dash" not in lines["triage"]
    assert lines["All"]["width"] > lines["triage"]["width"]


def test_a_single_point_has_a_marker_for_it_makes_no_line(page, send):
    send(entry(agent_id="once", cost="1"), *(entry(agent_id="often", cost="1", minutes=-n * DAY) for n in range(5)))
    modes = {trace["name"]: trace["mode"] for trace in drawn(page("metric=cost_per_call"))}
    assert modes == {"All": "lines", "often": "lines", "once": "lines+markers"}


@pytest.mark.parametrize(
    ("cost", "hover", "ticks"),
    [("1234", "$%{y:,.2f}", ","), ("3", "$%{y:,.2f}", ",.2f"), ("0.5", "$%{y:,.3f}", ",.2f"),
     ("0.004", "$%{y:,.5f}", ",.4f")],
)  # fmt: skip
def test_dollars_have_as_many_decimals_as_the_amounts_need(page, send, cost, hover, ticks):
    send(entry(cost=cost))
    told = figure(page("by=none"))
    assert told["data"][0]["hovertemplate"] == hover
    assert told["layout"]["yaxis"]["tickformat"] == ticks


@pytest.mark.parametrize(
    ("metric", "hover", "axis"),
    [("calls", "%{y:,}", {"tickprefix": "", "separatethousands": True, "tickformat": ",d", "dtick": 1}),
     ("input_tokens", "%{y:,}", {"tickprefix": "", "separatethousands": True, "tickformat": "", "exponentformat": "B"}),
     ("error_share", "%{y:.1%}", {"tickprefix": "", "tickformat": ".0%"}),
     ("cost_per_call", "$%{y:,.3r}", {"tickformat": ",.2~f"})],
)  # fmt: skip
def test_every_kind_of_measure_has_an_axis_in_its_own_unit(page, send, metric, hover, axis):
    send(entry(cost="12", error=True), entry(cost="20"))
    told = figure(page(f"metric={metric}&by=none"))
    assert told["data"][0]["hovertemplate"] == hover
    assert {name: value for name, value in told["layout"]["yaxis"].items() if name != "range"} == axis


def test_a_small_share_has_the_decimals_to_be_seen(page, send):
    send(entry(error=True), entry(requests=99))
    assert figure(page("metric=error_share&by=none"))["layout"]["yaxis"]["tickformat"] == ".2%"


def test_whole_numbers_stay_whole_and_amounts_are_as_exact_as_a_pixel(page, send):
    send(entry(cost="1234.56789", agent_id="a"), entry(cost="0.0012345", agent_id="b"), entry(cost="7", agent_id="c"))
    assert {trace["name"]: trace["y"][-1] for trace in drawn(page())} == {"a": 1234.57, "b": 0.001234, "c": 7}


def test_the_span_before_is_a_dotted_line_bar_beside_bar_however_long_it_was(page, month):
    before = next(trace for trace in figure(page())["data"] if trace["name"] == "4–21 Oct")
    assert (before["line"]["dash"], before["line"]["shape"], len(before["y"])) == ("dot", "hvh", 18)
    # 19 October is the 16th day of that span, 21 October its last, up to half past two
    assert [amount for amount in before["y"] if amount] == [0.75, 4]
    shorter = figure(page("against=custom&cfirst=2026-10-20&catch=1&clast=2026-10-21"))["data"]
    dotted = next(trace for trace in shorter if trace["name"] == "20–21 Oct")
    assert dotted["y"] == [0, 104] + [None] * 16
    ratio = figure(page("metric=cost_per_call"))["data"]
    assert next(trace for trace in ratio if trace["name"] == "4–21 Oct")["line"]["shape"] == "linear"


def test_the_axis_holds_the_span_before_too(page, send):
    send(entry(cost="1"), entry(cost="500", minutes=-28 * DAY - 120))
    assert figure(page("by=none"))["layout"]["yaxis"]["range"] == [0, 540.0]


def test_the_pale_part_reaches_as_far_up_as_something_is_drawn(page, send):
    send(entry(cost="3", run_id="r-1"), entry(cost="2", run_id="r-1"), entry(cost="9", minutes=-28 * DAY - 120))
    (shape,) = figure(page("by=none&against=none"))["layout"]["shapes"]
    assert (shape["x0"], shape["x1"], shape["y0"], shape["y1"]) == (16.5, 17.5, 0, 5)
    (shape,) = figure(page("by=none"))["layout"]["shapes"]
    assert shape["y1"] == 9, "the dotted line of then is paled with it"
    (shape,) = figure(page("metric=cost_per_call&by=none&against=none"))["layout"]["shapes"]
    assert shape["y1"] == 2.5


def test_where_nothing_is_known_there_is_a_gap_and_no_zero(page, send):
    silent = {"cost": None, "cost_source": CostSource.USAGE_UNKNOWN, "input_tokens": 0, "output_tokens": 0}
    send(entry(cost="4"), entry(minutes=-DAY, **silent), entry(minutes=-2 * DAY, cost=None))
    (trace,) = drawn(page("metric=cost_per_call&by=none&against=none"))
    assert trace["y"][-3:] == [None, None, 4]
    (trace,) = drawn(page("by=none&against=none"))
    assert trace["y"][-3:] == [0, 0, 4]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [("against=none", "Stacked bars: Spend per day by agent, 1–18 Nov 2026, $6.75 in all. The peak is $5.00, "
                      "Wed 18 Nov. The last day is not over."),
     ("by=none", "Bars: Spend per day, 1–18 Nov 2026, $6.75 in all. The peak is $5.00, Wed 18 Nov. Dotted: 4–21 Oct. "
                 "The last day is not over."),
     ("metric=calls&by=model&first=2026-11-12&last=2026-11-12&against=none",
      "Stacked bars: Calls per hour by model, 12 Nov 2026, 2 in all. The peak is 2, 14:00."),
     ("metric=cost_per_run&against=none&bucket=week",
      "Lines: Cost per run by agent, per week, 1–18 Nov 2026, $3.38 in all. The peak is $5.00, week of 16 Nov 2026. "
      "The last week is not over.")],
)  # fmt: skip
def test_the_figure_is_told_in_a_sentence_to_those_who_do_not_see_it(page, month, query, sentence):
    assert f'aria-label="{sentence} Its figures stand below it."' in page(query)


def test_there_are_areas_instead_of_bars_once_there_would_be_too_many(page, send):
    send(*(entry(agent_id=f"a-{n}", cost="1", minutes=-n * 60) for n in range(5)))
    few = drawn(page("first=2026-11-13&last=2026-11-18&bucket=hour"))
    assert {trace["type"] for trace in few} == {"bar"}, "5 series of 144 hours"
    many = drawn(page("first=2026-11-12&last=2026-11-18&bucket=hour"))
    assert {(trace["type"], trace["stackgroup"]) for trace in many} == {("scatter", "all")}, "5 series of 168 hours"


def test_a_click_on_a_bar_knows_its_days_and_one_of_hours_none(page, month):
    assert figure(page("bucket=week"))["shared"]["customdata"] == [
        "2026-11-01", "2026-11-02/2026-11-08", "2026-11-09/2026-11-15", "2026-11-16/2026-11-18",
    ]  # fmt: skip
    assert not any(figure(page("period=today"))["shared"]["customdata"])
