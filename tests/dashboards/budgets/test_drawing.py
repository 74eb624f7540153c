"""The charts of budgets are ones that Plotly accepts, and nothing in them covers anything else."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import pytest

from costwatch.budgets.outlook import Outlook
from costwatch.dashboards.budgets.curve import calendar
from costwatch.dashboards.budgets.drawing import Bar, Level, Mark, bars, burn_up
from costwatch.lib import periods
from tests.dashboards.test_charts import with_colours

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 18, 13, 32, tzinfo=UTC)
NOVEMBER = periods.period("month", NOW, BERLIN)
LEVELS = [Level(Decimal(100), "Budget", True), Level(Decimal(80), "80 %"), Level(Decimal(50), "50 %")]


def drawn(levels=LEVELS, marks=(), in_tokens=False, now=NOW):
    coming = [(date(2026, 11, day), Decimal(4)) for day in range(18, 31)]
    ahead = Outlook(Decimal(110), Decimal(120), Decimal(140), None, NOW, coming)
    steps = [(day, Decimal(4)) for day in periods.buckets(NOVEMBER.start, NOW, "day", BERLIN)]
    line = calendar(steps, NOVEMBER, ahead, NOW, BERLIN)
    return burn_up(line, NOVEMBER, levels, marks, now, BERLIN, in_tokens, pace=True)


def words(figure) -> list[str]:
    return [note["text"] for note in figure["layout"]["annotations"]]


@pytest.mark.parametrize("in_tokens", [False, True])
def test_a_burn_up_is_a_figure(in_tokens):
    mark = Mark(NOW - timedelta(days=5), Decimal(50), "Fri 13 Nov", False, False)
    figure = with_colours(drawn(marks=[mark], in_tokens=in_tokens))
    made = go.Figure(data=figure["data"], layout=figure["layout"])
    go.Figure(layout=figure["narrow"])
    names = [trace.name for trace in made.data]
    assert names == ["80 % band, low", "80 % band", "Forecast", "Even pace", "Spent", "Reached"]
    assert words(figure) == ["Budget", "80 %", "50 %", "Fri 13 Nov", "now"]


def test_levels_too_close_to_another_are_left_out():
    close = [Level(Decimal(amount), f"{amount} %") for amount in (99, 98, 90, 50, 49, 1)]
    assert words(drawn([LEVELS[0], *close])) == ["Budget", "90 %", "50 %", "1 %", "now"]


def test_a_level_far_above_everything_is_left_out():
    assert "1000 %" not in words(drawn([LEVELS[0], Level(Decimal(1000), "1000 %")]))


def test_the_words_of_a_moment_stay_inside():
    early = Mark(NOVEMBER.start + timedelta(days=9), Decimal(80), "early", False, False)
    late = Mark(NOVEMBER.end - timedelta(days=1), Decimal(100), "late", True, True)
    notes = {note["text"]: note for note in drawn(marks=[early, late])["layout"]["annotations"]}
    assert (notes["early"]["xanchor"], notes["late"]["xanchor"]) == ("left", "right")
    assert notes["late"]["font"]["color"] == "--bad"


def test_a_period_that_is_over_has_no_now():
    assert "now" not in words(drawn(now=NOVEMBER.end))


@pytest.mark.parametrize("count", [0, 1, 3, 90])
def test_bars_are_a_figure(count):
    shown = [
        Bar(f"{n} Nov", Decimal(n), Decimal(5), "bad" if n >= 5 else "other", n == count - 1) for n in range(count)
    ]
    figure = with_colours(bars(shown, in_tokens=False))
    made = go.Figure(data=figure["data"], layout=figure["layout"])
    go.Figure(layout=figure["narrow"])
    assert list(made.data[0].y) == list(range(count))
    assert len(figure["layout"]["xaxis"]["ticktext"]) <= 8
    assert len(made.data[1].y) == 2 * count
