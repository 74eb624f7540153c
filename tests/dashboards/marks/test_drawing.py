"""Marks in a figure: above their bars, valid for Plotly, and no title is anything but text."""

import json
import re
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.alerts.models import Severity
from costwatch.dashboards import charts
from costwatch.dashboards.marks.drawing import LONGEST, marked
from costwatch.dashboards.marks.find import Mark, Marks
from costwatch.dashboards.ranges import Range
from tests.dashboards.test_charts import with_colours
from tests.ledger.make import NOW

SPAN = Range("custom", date(2026, 11, 1), date(2026, 11, 18), NOW, ZoneInfo("Europe/Berlin"))
PLACES = charts.buckets_of(SPAN, 1)
HOSTILE = '<a href="https://evil.example">free</a> %{y} $x^2$'


def mark(place: int, *titles: str, count: int = 0, severity=Severity.ALARM, over=False) -> Mark:
    titles = titles or ("triage: caught in a loop",)
    return Mark(place, PLACES.labels[place], count or len(titles), list(titles), severity, over, f"/incidents/{place}")


def drawn(*marks: Mark, amounts=None, expected: Decimal | None = None) -> dict:
    series = [charts.Series("a", "s1", amounts or [Decimal(10 + n) for n in range(18)])]
    figure = charts.stacked(PLACES, series, expected)
    return marked(figure, PLACES, charts.heights(series, PLACES, expected), Marks(marks))


def trace(figure: dict) -> dict:
    return next(one for one in figure["data"] if one.get("uid") == "marks")


def test_without_incidents_the_figure_is_as_it_was():
    assert drawn() == charts.stacked(PLACES, [charts.Series("a", "s1", [Decimal(10 + n) for n in range(18)])])


def test_plotly_accepts_the_figure_with_its_marks():
    figure = with_colours(drawn(mark(3), mark(11, "a", "b", over=True), mark(17, severity=Severity.CRITICAL)))
    made = go.Figure(data=figure["data"], layout=figure["layout"])
    assert list(made.data[-1].x) == ["Wed 4 Nov", "Thu 12 Nov", "Wed 18 Nov"]
    assert list(made.data[-1].marker.symbol) == ["triangle-down", "triangle-down-open", "triangle-down"]


def test_a_mark_stands_above_its_bar_and_inside_the_chart():
    figure = drawn(mark(0), mark(17))
    low, high = trace(figure)["y"]
    assert 10 < low < 12
    assert 27 < high < figure["layout"]["yaxis"]["range"][1]


def test_above_the_highest_mark_there_is_room_for_its_number():
    figure = drawn(mark(17, "a", "b"))
    assert trace(figure)["y"] == [pytest.approx(27 + 0.04 * 27 * 1.1, rel=1e-3)]
    assert figure["layout"]["yaxis"]["range"] == pytest.approx([0, 27 * 1.1 * 1.04])
    low = drawn(mark(0, "a"))
    assert low["layout"]["yaxis"]["range"] == pytest.approx([0, 27 * 1.08 * 1.04]), "where it stands low: as it was"


def test_a_mark_stands_above_what_is_expected_too():
    figure = drawn(mark(17), expected=Decimal(60))
    (height,) = trace(figure)["y"]
    assert 60 < height < figure["layout"]["yaxis"]["range"][1]


def test_where_nothing_was_spent_a_mark_stands_near_the_ground():
    figure = drawn(mark(2), amounts=[Decimal(0)] * 18)
    assert 0 < trace(figure)["y"][0] < 0.1


def test_several_are_told_by_their_number_and_colour_is_the_worst():
    found = trace(
        drawn(mark(3, "a", "b", "c", count=7, severity=Severity.CRITICAL), mark(9), mark(12, severity=Severity.NOTICE))
    )
    assert found["text"] == ["7", "", ""]
    assert found["marker"]["color"] == ["--bad", "--warn", "--muted"]
    assert found["hovertext"][0] == "a<br>b<br>c<br>and 4 more"


def test_a_mark_belongs_to_no_series_and_no_days_that_a_click_could_narrow_to():
    assert "meta" not in trace(drawn(mark(3)))
    assert trace(drawn(mark(3)))["customdata"] == []


@pytest.mark.parametrize("title", [HOSTILE, "<b>x</b>", "%{customdata}", "a<br>b", "x" * 300])
def test_no_title_is_anything_but_text(title):
    (hover,) = trace(drawn(mark(3, title)))["hovertext"]
    assert not re.search(r"[<>]|%\{|\$(?!\u2060)", hover)
    assert len(hover) <= LONGEST * 5


@given(st.text(), st.text())
def test_only_our_own_line_breaks_are_tags(first, second):
    (hover,) = trace(drawn(mark(3, first, second)))["hovertext"]
    assert re.findall(r"<[^>]*>", hover) == ["<br>"]


def test_marks_with_long_titles_are_light():
    whole = drawn(*(mark(n, "x" * 200, "y" * 200, "z" * 200, count=9) for n in range(10)))
    assert len(json.dumps(whole)) - len(json.dumps(drawn())) < 4_000
