"""Charts are valid Plotly figures, add up, and no name in them is anything but text."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.dashboards import charts
from costwatch.dashboards.ranges import Range

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 18, 13, 32, 7, tzinfo=UTC)


def days(first: str, last: str, now: datetime = NOW, zone: ZoneInfo = BERLIN) -> Range:
    return Range("custom", date.fromisoformat(first), date.fromisoformat(last), now, zone)


def with_colours(value):
    """The figure as the browser draws it: tokens replaced by colours."""
    if isinstance(value, dict):
        return {key: with_colours(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_colours(inner) for inner in value]
    return "rgba(1,2,3,1)" if isinstance(value, str) and re.match(r"--[a-z]", value) else value


def stacked(span: Range, colours=("s1", "none")) -> dict:
    places = charts.buckets_of(span, 1)
    series = [charts.Series(colour, colour, [Decimal(n) for n in range(len(places.labels))]) for colour in colours]
    return charts.stacked(places, series)


@pytest.mark.parametrize(
    "span",
    [days("2026-11-18", "2026-11-18"), days("2026-11-01", "2026-11-18"), days("2026-05-01", "2026-11-18"),
     days("2023-05-01", "2026-11-18"), days("2026-10-25", "2026-10-25")],
)  # fmt: skip
def test_a_stacked_figure_is_one_that_plotly_accepts(span):
    figure = with_colours(stacked(span))
    drawn = go.Figure(data=figure["data"], layout=figure["layout"])
    assert [trace.type for trace in drawn.data] == ["bar", "bar", "scatter"]
    assert drawn.data[2].y[-1] == drawn.data[0].y[-1] + drawn.data[1].y[-1]
    go.Figure(layout=figure["narrow"])


def test_a_day_has_as_many_hours_as_its_clock_shows():
    long, short = (
        charts.buckets_of(days("2026-10-25", "2026-10-25"), 1),
        charts.buckets_of(days("2026-03-29", "2026-03-29"), 1),
    )
    assert len(long.labels) == 25 == len(set(long.labels))
    assert long.labels[2:4] == ["02:00", "02:00 again"]
    assert len(short.labels) == 23
    assert "02:00" not in short.labels


def test_the_bar_of_now_is_pale_and_the_future_is_empty_not_zero_time():
    figure = stacked(days("2026-11-18", "2026-11-18"))
    assert [n for n, opacity in enumerate(figure["data"][0]["marker"]["opacity"]) if opacity < 1] == [14]
    past = stacked(days("2026-11-01", "2026-11-17"))
    assert set(past["data"][0]["marker"]["opacity"]) == {1}


def test_a_bar_knows_the_days_it_covers_inside_the_span():
    assert charts.buckets_of(days("2026-11-01", "2026-11-18"), 1).days[0] == "2026-11-01/2026-11-01"
    weeks = charts.buckets_of(days("2026-07-01", "2026-11-18"), 1).days
    assert weeks[0] == "2026-07-01/2026-07-05", "the first week begins before the span"
    assert weeks[-1] == "2026-11-16/2026-11-18"
    assert set(charts.buckets_of(days("2026-11-18", "2026-11-18"), 1).days) == {None}


@pytest.mark.parametrize("length", [1, 2, 5, 8, 18, 31, 60, 92, 200, 700, 3000])
def test_there_are_never_more_words_below_than_fit(length):
    last = date(2026, 11, 18)
    places = charts.buckets_of(Range("custom", last - timedelta(days=length - 1), last, NOW, BERLIN), 1)
    assert 1 <= len(places.ticks) <= 9
    assert len(places.narrow_ticks) <= 5
    assert len(places.labels) == len(set(places.labels))
    assert len(places.labels) <= 120


@pytest.mark.parametrize(
    ("sent", "shown"),
    [("triage", "triage"), ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"), ("a & b", "a &amp; b"),
     ("%{y}", "%\u2060{y}"), ("$x^2$", "$\u2060x^2$\u2060"), ("a\nb\tc", "a b c"), ("\u202egpj", " gpj"),
     ("x" * 200, "x" * 39 + "…"), ("&lt;", "&amp;lt;")],
)  # fmt: skip
def test_a_label_is_text(sent, shown):
    assert charts.label(sent) == shown


@given(st.text())
def test_no_text_makes_a_tag_a_template_or_a_formula(sent):
    made = charts.label(sent)
    assert not re.search(r"[<>]|%\{|\$(?!\u2060)|&(?!amp;|lt;|gt;)", made)


def test_the_axis_is_in_dollars_with_the_decimals_it_needs():
    for largest, form in (("400", ","), ("2.5", ",.2f"), ("0.004", ",.4f"), ("0", ",.2f")):
        places = charts.buckets_of(days("2026-11-18", "2026-11-18"), 1)
        amounts = [Decimal(largest)] + [Decimal(0)] * 23
        axis = charts.stacked(places, [charts.Series("a", "s1", amounts)])["layout"]["yaxis"]
        assert axis["tickformat"] == form
        assert axis["range"][0] == 0
        assert axis["range"][1] > float(largest)


def test_not_attributed_is_hatched():
    marker = stacked(days("2026-11-01", "2026-11-18"))["data"][1]["marker"]
    assert marker["pattern"]["shape"] == "/"


def test_the_bar_of_today_says_so_and_its_neighbours_leave_it_room():
    words = stacked(days("2026-11-01", "2026-11-18"))["layout"]["xaxis"]
    assert words["ticktext"] == ["Mon 2 Nov", "Mon 9 Nov", "Mon 16 Nov", "today"]
    words = stacked(days("2026-11-01", "2026-11-17"))["layout"]["xaxis"]
    assert words["ticktext"] == ["Mon 2 Nov", "Mon 9 Nov", "Mon 16 Nov"]
    on_monday = datetime(2026, 11, 16, 13, tzinfo=UTC)
    words = stacked(days("2026-11-01", "2026-11-16", on_monday))["layout"]["xaxis"]
    assert words["ticktext"] == ["Mon 2 Nov", "Mon 9 Nov", "today"]
    assert words["tickvals"] == [1, 8, 15]
    assert "today" not in stacked(days("2026-11-18", "2026-11-18"))["layout"]["xaxis"]["ticktext"]
