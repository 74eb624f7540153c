"""The running cost of a run as a figure: one step a call, red where repeats begin, with what happened."""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import pytest

from costwatch.dashboards.run_chart import MOST_STEPS, Moment, cumulative
from tests.dashboards.test_charts import with_colours
from tests.ledger.make import NOW

BERLIN = ZoneInfo("Europe/Berlin")


def at(*seconds: float):
    return [NOW + timedelta(seconds=s) for s in seconds]


def figure(count: int, begins: int | None = None, *moments: Moment) -> dict:
    return cumulative(at(*(60 * n for n in range(count))), [Decimal(1)] * count, BERLIN, begins, moments)


@pytest.mark.parametrize("seconds", [[0], [0, 1], [0, 60, 400], [0, 500_000]])
def test_a_cumulative_figure_is_one_that_plotly_accepts_and_ends_at_the_sum(seconds):
    found = with_colours(cumulative(at(*seconds), [Decimal("0.25")] * len(seconds), BERLIN))
    drawn = go.Figure(data=found["data"], layout=found["layout"])
    assert drawn.data[0].y[-1] == 0.25 * len(seconds)
    assert found["data"][0]["x"][0].startswith("2026-11-18T14:32:07"), "in the workspace's zone"


def test_where_repeats_begin_the_line_turns_red_without_a_gap():
    before, since = figure(10, 4)["data"]
    assert (before["line"]["color"], since["line"]["color"]) == ("--ink", "--bad")
    assert before["y"] == [1, 2, 3, 4]
    assert since["y"] == [4, 5, 6, 7, 8, 9, 10], "from the last call before them on"
    assert before["x"][-1] == since["x"][0]


def test_a_run_that_repeats_from_its_first_step_on_is_red_as_a_whole():
    (since,) = figure(3, 0)["data"]
    assert since["y"] == [1, 2, 3]


@pytest.mark.parametrize("begins", [1, 2, 50, 150, 998])
def test_of_very_many_calls_several_are_one_step_and_the_end_is_the_sum(begins):
    found = figure(999, begins)
    assert sum(len(trace["y"]) for trace in found["data"]) <= MOST_STEPS + 1
    assert found["data"][-1]["y"][-1] == 999
    go.Figure(**{name: with_colours(found[name]) for name in ("data", "layout")})


def test_moments_stand_at_their_time_on_the_side_with_room():
    early, late = Moment(at(60)[0], "call 2: repeats begin", "--muted"), Moment(at(540)[0], "call 10: alarm", "--bad")
    layout = figure(10, 1, early, late)["layout"]
    assert [note["text"] for note in layout["annotations"]] == ["call 2: repeats begin", "call 10: alarm"]
    assert [note["xanchor"] for note in layout["annotations"]] == ["left", "right"]
    assert layout["shapes"][0]["x0"].startswith("2026-11-18T14:33:07")
    assert len({note["y"] for note in layout["annotations"]}) == 2, "they never cover each other"
    drawn = go.Figure(layout=with_colours(layout))
    assert len(drawn.layout.shapes) == 2


def test_without_moments_nothing_is_written_into_the_chart():
    assert not {"shapes", "annotations"} & figure(4)["layout"].keys()


@pytest.mark.parametrize(("seconds", "ticks"), [([0], 1), ([0, 0.2], 1), ([0, 1.5], 2), ([0, 2, 6], 2)])
def test_the_axis_of_a_run_of_a_few_seconds_names_no_second_twice(seconds, ticks):
    axis = cumulative(at(*seconds), [Decimal(1)] * len(seconds), BERLIN)["layout"]["xaxis"]
    named = [value.partition(".")[0] for value in axis["tickvals"]]
    assert len(named) == len(set(named)) == ticks
    assert "tickvals" not in cumulative(at(0, 60), [Decimal(1)] * 2, BERLIN)["layout"]["xaxis"]
