"""All of the variance page's state is in its address: it reads back, and every link keeps what it should."""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from costwatch.dashboards.ranges import BadRange, range_of
from costwatch.dashboards.variance.question import WAYS, VarianceState
from costwatch.lib.periods import zone

pytestmark = pytest.mark.thorough

NOW = datetime(2026, 11, 18, 13, 32, 7, tzinfo=UTC)
WORKSPACE = SimpleNamespace(time_zone="Europe/Berlin", week_start=1, lane=1)
NAMES = st.sampled_from(["agent", "model", "user", "run", "tag.customer", "tag.a b"])
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
CONDITIONS = st.dictionaries(NAMES, st.lists(VALUES, min_size=1, max_size=3, unique=True).map(tuple), max_size=2)
SPANS = st.sampled_from(
    [{}, {"period": "7d"}, {"period": "today"}, {"period": "month", "on": "2026-09-30"},
     {"first": "2026-02-01", "last": "2026-02-20"}]
)  # fmt: skip


def state(query: str = "") -> VarianceState:
    return VarianceState.read(QueryDict(query), WORKSPACE, NOW)


@given(SPANS, st.sampled_from(sorted(WAYS)), st.sampled_from(["", "agent", "user", "model", "tag.a b"]), CONDITIONS,
       CONDITIONS)  # fmt: skip
def test_any_state_reads_back_from_its_address(span, against, by, include, exclude):
    chosen = (date(2026, 1, 2), date(2026, 1, 9)) if against == "custom" else None
    days = range_of(span, NOW, zone("Europe/Berlin"))
    made = VarianceState(days, include, exclude, by, against=against, chosen=chosen)
    assert state(urlsplit(made.url()).query) == made


@pytest.mark.parametrize(
    ("query", "against", "start", "end"),
    [
        ("", "month", "2026-10-01 00:00", "2026-10-18 14:32"),
        ("period=7d", "previous", "2026-11-05 00:00", "2026-11-11 14:32"),
        ("period=today", "previous", "2026-11-17 00:00", "2026-11-17 14:32"),
        ("period=month&on=2026-09-30", "month", "2026-08-01 00:00", "2026-09-01 00:00"),
        ("first=2026-11-01&last=2026-11-18", "previous", "2026-10-14 00:00", "2026-10-31 14:32"),
        ("against=weeks", "weeks", "2026-10-04 00:00", "2026-10-21 14:32"),
        ("against=none", "month", "2026-10-01 00:00", "2026-10-18 14:32"),
        ("against=custom&cfirst=2026-10-24&clast=2026-10-25", "custom", "2026-10-24 00:00", "2026-10-26 00:00"),
        ("against=custom&cfirst=2026-10-24", "custom", "2026-10-24 00:00", "2026-10-25 00:00"),
        ("against=custom&clast=2026-10-24", "custom", "2026-10-24 00:00", "2026-10-25 00:00"),
        ("against=custom", "custom", "2026-10-01 00:00", "2026-11-01 00:00"),
        ("cfirst=2026-10-24&clast=2026-10-25", "month", "2026-10-01 00:00", "2026-10-18 14:32"),
    ],
)
def test_what_it_is_held_against_follows_the_kind_of_span_unless_the_address_says(query, against, start, end):
    found = state(query)
    then = [at.astimezone(zone("Europe/Berlin")) for at in (found.compared.start, found.compared.end)]
    assert found.against == against
    assert [f"{at:%Y-%m-%d %H:%M}" for at in then] == [start, end]


def test_where_the_calendar_begins_there_is_still_something_to_compare_with():
    found = state("first=1990-01-01&last=1990-01-03&against=custom")
    assert found.chosen is None
    assert found.compared.end <= found.range.start


@pytest.mark.parametrize(
    ("query", "by"),
    [("", "agent"), ("by=none", ""), ("by=", "agent"), ("by=run", "agent"), ("by=session", "agent"),
     ("by=user", "user"), ("by=key", "key"), ("by=tag.team", "tag.team"), ("by=tag.", "agent")],
)  # fmt: skip
def test_it_is_told_by_anything_that_can_be_there_again(query, by):
    assert state(query).by == by


@pytest.mark.parametrize(
    ("query", "address"),
    [("", "/variance?by=task&agent=x"), ("by=task", "/variance?by=model&task=x"), ("by=model", "/variance?model=x"),
     ("by=tag.team&against=weeks&period=7d", "/variance?against=weeks&period=7d&tag.team=x"),
     ("agent=a&agent=b&agent!=c&task=t", "/variance?by=task&agent=x&task=t")],
)  # fmt: skip
def test_a_name_leads_to_what_it_is_made_of(query, address):
    assert state(query).drill("x") == address


def test_conditions_stand_as_chips_whose_cross_keeps_the_rest():
    chips = state("agent=a&task!=t&against=weeks&by=none").chips()
    assert [(chip.words, chip.value, chip.without) for chip in chips] == [
        ("agent is", "a", "/variance?against=weeks&by=none&task%21=t"),
        ("task is not", "t", "/variance?against=weeks&by=none&agent=a"),
    ]


@pytest.mark.parametrize("days", ["cfirst=2026-02-02&clast=2026-02-01", "cfirst=soon", "clast=1066-10-14"])
def test_days_to_compare_with_are_refused_only_where_they_are_asked_for(days):
    with pytest.raises(BadRange):
        state(f"against=custom&{days}")
    assert state(days).against == "month"
