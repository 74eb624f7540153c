"""Whatever a query string holds: it is a filter that can be asked of the books, or one sentence about one parameter."""

from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.spend import export, session_paths, sessions
from costwatch.spend.events import events
from costwatch.spend.filters import EARLIEST, LATEST, BadQuery, SpendFilter, whole_number, words
from costwatch.spend.queries import BUCKETS, query
from costwatch.spend.run_figures import run_figures
from costwatch.spend.runs import runs
from tests.spend.usage import generated

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
NOW = datetime(2026, 11, 18, 13, tzinfo=UTC)
hostile = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["", " ", "\0", "\ud800", "'; DROP TABLE run; --", "%s", "%", "{}", "\\", "🙂", "NULL", "-1"]),
)  # fmt: skip
moment = st.one_of(
    hostile,
    st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(datetime.isoformat),
    st.datetimes(datetime(1960, 1, 1), datetime(2210, 1, 1)).map(lambda at: at.isoformat() + "Z"),
    st.dates().map(str),
    st.dates(datetime(2026, 1, 1).date(), datetime(2027, 1, 1).date()).map(str),
    st.sampled_from(["2026-W46-3", "20261101", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-13-01",
                     "2026-11-01T24:00:00Z", "2026-11-01T00:00:00 05:45", "2026-02-30", "1970-01-01", "2200-01-01"]),
)  # fmt: skip
dimensions = st.one_of(
    st.sampled_from(["agent", "agent_id", "user", "session_id", "run", "key", "model", "tag.team", "tag.", "tag.🙂",
                     "tag." + "x" * 65, "nothing", "agent!", "tag.team!", "user_id!", "!", ""]),
    hostile,
    hostile.map("tag.{}".format),
)  # fmt: skip
values = st.one_of(hostile, st.sampled_from(["agent-1", "user-1", "a", "", "session-2", "run-3"]))
strings = st.fixed_dictionaries(
    {},
    optional={
        "from": st.lists(moment, min_size=1, max_size=2),
        "to": st.lists(moment, min_size=1, max_size=2),
        "tz": st.lists(st.one_of(hostile, st.sampled_from(["UTC", "Asia/Kathmandu"])), min_size=1, max_size=1),
    },
)  # fmt: skip


@st.composite
def parameters(draw):
    """A QueryDict as a browser, a script or an attacker would send it."""
    params = QueryDict(mutable=True)
    for name, own in {
        **draw(strings),
        **draw(st.dictionaries(dimensions, st.lists(values, min_size=1, max_size=3))),
    }.items():
        params.setlist(name, own)
    return params


@pytest.fixture
def filled(workspace, stored):
    stored(generated(71), folded=90)
    return workspace


def parsed(params, workspace, days):
    """The filter, or None after a look at the refusal."""
    try:
        return SpendFilter.from_query(params, workspace, NOW, days)
    except BadQuery as refusal:
        assert refusal.message.endswith(".") and "\n" not in refusal.message
        assert "\0" not in refusal.field and len(refusal.field) <= 64
        return None


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(parameters(), st.sampled_from([30, None]), st.sampled_from(BUCKETS))
def test_it_is_asked_or_refused_and_never_fails(filled, params, days, bucket):
    filter = parsed(params, filled, days)
    if filter is None:
        return
    assert EARLIEST <= filter.start < filter.end <= LATEST + timedelta(days=1)
    total = query(filled, filter).total
    assert query(filled, filter, [*sorted(filter.dimensions())[:3]]).total == total
    assert sum(len(batch) for batch in export.events(filled, filter).batches) == total.events
    assert len(events(filled, filter, limit=1_000).items) == total.events
    try:
        assert query(filled, filter, ["agent"], bucket).total == total
    except BadQuery as refusal:
        assert refusal.field == "bucket"
    found = sessions.sessions(filled, filter)
    assert found.count == session_paths.paths(filled, filter).sessions <= total.events
    assert run_figures(filled, filter).count <= len(runs(filled, SpendFilter(EARLIEST, LATEST)).items)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(parameters())
def test_what_a_filter_says_as_a_query_string_means_the_same_again(workspace, params):
    filter = parsed(params, workspace, None)
    if filter is None:
        return
    again = QueryDict(mutable=True)
    for name, own in filter.to_query().items():
        again.setlist(name, own if isinstance(own, list) else [own])
    assert SpendFilter.from_query(QueryDict(again.urlencode()), workspace, NOW, None) == filter


@given(hostile, st.integers(1, 10**6))
@settings(suppress_health_check=list(HealthCheck), deadline=None)
def test_a_number_is_within_its_bounds_or_refused(text, most):
    try:
        assert 1 <= whole_number({"limit": text}, "limit", 1, most) <= most
    except BadQuery as refusal:
        assert refusal.field == "limit"


@given(st.lists(st.text(max_size=20), max_size=5))
def test_words_are_each_there_once_in_their_order_without_blanks(texts):
    found = words({"group_by": texts}, "group_by")
    assert len(set(found)) == len(found)
    assert all(word and word == word.strip() and "," not in word for word in found)
    assert set(found) == {word.strip() for text in texts for word in text.split(",")} - {""}
