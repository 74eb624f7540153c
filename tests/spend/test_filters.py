"""The filter and its query string, both ways, and what is refused."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from costwatch.lib.periods import midnight, zone
from costwatch.spend.dimensions import NAMES, is_attribution, is_dimension
from costwatch.spend.filters import EARLIEST, LATEST, BadQuery, SpendFilter, choice, whole_number, words

BERLIN = SimpleNamespace(time_zone="Europe/Berlin")
NOW = datetime(2026, 11, 18, 13, 32, 7, tzinfo=UTC)


def made(query: str, workspace=BERLIN, now=NOW, **options) -> SpendFilter:
    return SpendFilter.from_query(QueryDict(query), workspace, now, **options)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_usual_range_is_the_last_thirty_local_days_with_today_in_full():
    filter = made("")
    assert (filter.start, filter.end) == (utc("2026-10-19T22:00"), utc("2026-11-18T23:00"))


def test_just_before_midnight_the_usual_range_holds_what_a_fast_clock_dates_tomorrow():
    assert made("", now=utc("2026-11-18T22:57")).end == utc("2026-11-19T23:00")


def test_without_a_usual_range_everything_is_meant():
    filter = made("", days=None)
    assert (filter.start, filter.end) == (EARLIEST, LATEST)


def test_a_date_is_midnight_in_the_zone_that_is_asked_for():
    assert made("from=2026-11-01&to=2026-12-01").start == utc("2026-10-31T23:00")
    assert made("from=2026-11-01&to=2026-12-01&tz=America/New_York").start == utc("2026-11-01T04:00")


def test_a_time_carries_its_offset_or_is_local():
    assert made("from=2026-11-01T12:00:00Z").start == utc("2026-11-01T12:00")
    assert made("from=2026-11-01T12:00:00%2B02:00").start == utc("2026-11-01T10:00")
    assert made("from=2026-11-01T12:00:00+02:00").start == utc("2026-11-01T10:00")  # the + arrives as a blank
    assert made("from=2026-11-01T12:00:00").start == utc("2026-11-01T11:00")
    assert made("from=2026-11-01T12:00:00.123456Z").start.microsecond == 123456


def test_only_an_end_means_the_thirty_days_before_it():
    assert made("to=2026-11-01").start == midnight(date(2026, 10, 2), zone("Europe/Berlin"))


def test_only_a_start_means_until_today():
    assert made("from=2026-11-01").end == utc("2026-11-18T23:00")
    assert made("from=2026-12-05").end == utc("2026-12-05T23:00")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=yesterday", "from"),
        ("from=-infinity&to=infinity", "from"),
        ("from=9999-12-31&to=10000-01-01", "from"),
        ("to=10000-01-01", "to"),
        ("from=1969-12-31T00:00:00Z", "from"),
        ("from=0001-01-01", "from"),
        ("to=2026-02-30", "to"),
        ("from=2026-11-02&to=2026-11-01", "to"),
        ("from=2026-11-01&to=2026-11-01", "to"),
        ("from=2026-01-01&from=2025-01-01&from=", "from"),
        ("tz=/etc/localtime", "tz"),
        ("tz=" + "A/" * 5000, "tz"),
        ("tz=Mars/Olympus", "tz"),
        ("agent=%00", "agent"),
        ("tag.%00=x", "query"),
        ("from=%00", "from"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_parameter_and_a_sentence(query, field):
    with pytest.raises(BadQuery) as refusal:
        made(query)
    assert refusal.value.field == field
    assert refusal.value.message.endswith(".") and len(refusal.value.message) < 250


def test_conditions_are_collected_by_dimension():
    filter = made("agent=a&agent=b&model!=m&tag.team=ops&user=&task!=")
    assert filter.include == {"agent": ("a", "b"), "tag.team": ("ops",), "user": ("",)}
    assert filter.exclude == {"model": ("m",), "task": ("",)}
    assert filter.dimensions() == {"agent", "tag.team", "user", "model", "task"}


def test_the_names_of_an_event_s_fields_mean_the_same():
    assert made("agent_id=a&agent=b&run_id=r&user_id!=u").include == {"agent": ("a", "b"), "run": ("r",)}
    assert made("user_id!=u").exclude == {"user": ("u",)}


@pytest.mark.parametrize(
    "query",
    ["q=1&page=-1&ordering=cost;DROP", "user__password__startswith=a", "tag.=x", "tag." + "k" * 65 + "=x", "agents=a"],
)
def test_names_that_are_no_dimension_are_ignored(query):
    assert made(query).dimensions() == set()


def test_a_plain_mapping_is_as_good_as_a_query_dict():
    assert SpendFilter.from_query({"agent": "a", "model": ["m", "n"]}, BERLIN, NOW).include == {
        "agent": ("a",), "model": ("m", "n")}  # fmt: skip


values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
conditions = st.dictionaries(st.sampled_from([*NAMES, "tag.team", "tag.a b&c"]),
                             st.lists(values, min_size=1, max_size=3).map(tuple), max_size=3)  # fmt: skip
instants = st.datetimes(datetime(1971, 1, 1), datetime(2198, 1, 1), timezones=st.just(UTC))


@given(instants, st.timedeltas(timedelta(microseconds=1), timedelta(days=365)), conditions, conditions)
def test_a_filter_survives_the_way_through_a_query_string(start, length, include, exclude):
    filter = SpendFilter(start, start + length, include, exclude)
    assert made(urlencode(filter.to_query(), doseq=True)) == filter


def test_a_click_narrows_to_one_value_and_can_be_taken_back():
    filter = made("agent=a&agent=b&model!=m")
    narrowed = filter.with_value("agent", "a").with_value("model", "n")
    assert (narrowed.include, narrowed.exclude) == ({"agent": ("a",), "model": ("n",)}, {})
    assert narrowed.without("model").include == {"agent": ("a",)}
    assert filter.without("agent", "b").include == {"agent": ("a",)}
    assert filter.without("agent", "b").without("agent", "a").include == {}
    assert filter.without("model").exclude == {}
    assert filter.without("task") == filter


def test_the_same_conditions_can_be_asked_of_another_range():
    other = made("agent=a").within(utc("2026-01-01"), utc("2026-02-01"))
    assert (other.include, other.start) == ({"agent": ("a",)}, utc("2026-01-01"))


@pytest.mark.parametrize(("text", "number"), [("", 100), ("1", 1), ("1000", 1000), ("007", 7)])
def test_a_limit_is_a_whole_number(text, number):
    assert whole_number(QueryDict(f"limit={text}"), "limit", 100, 1000) == number


@pytest.mark.parametrize("text", ["abc", "0", "-1", "1001", "1.5", "1e2", "٣", "9" * 30])
def test_a_limit_beyond_the_allowed_or_no_number_is_refused(text):
    with pytest.raises(BadQuery, match="from 1 to 1,000"):
        whole_number(QueryDict(urlencode({"limit": text})), "limit", 100, 1000)


def test_words_are_split_at_commas_and_each_counts_once():
    assert words(QueryDict("group_by=agent,model, agent,&group_by=user"), "group_by") == ["agent", "model", "user"]


def test_a_choice_is_one_of_its_words():
    assert choice(QueryDict(""), "bucket", "none", ("none", "day")) == "none"
    with pytest.raises(BadQuery, match="none, day"):
        choice(QueryDict("bucket=fortnight"), "bucket", "none", ("none", "day"))


def test_tags_and_the_named_dimensions_can_be_grouped_by_and_nothing_else():
    assert all(map(is_dimension, [*NAMES, "tag.team", "tag." + "k" * 64]))
    assert not any(map(is_dimension, ["", "tag.", "password", "agent_id", "cost", "tag"]))
    assert is_attribution("tag.team") and is_attribution("key") and not is_attribution("user")
