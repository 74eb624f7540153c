"""All of Explore's state is in its address, and reads back as the same question."""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from costwatch.dashboards.explore import comparing
from costwatch.dashboards.explore.metrics import METRICS
from costwatch.dashboards.explore.question import KINDS, Question
from costwatch.dashboards.ranges import BadRange
from costwatch.spend.filters import BadQuery

NOW = datetime(2026, 11, 18, 13, 32, 7, tzinfo=UTC)
WORKSPACE = SimpleNamespace(time_zone="Europe/Berlin", week_start=1, lane=1)
NAMES = st.sampled_from(["agent", "model", "user", "run", "tag.customer", "tag.a b"])
VALUES = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)
CONDITIONS = st.dictionaries(NAMES, st.lists(VALUES, min_size=1, max_size=3, unique=True).map(tuple), max_size=2)


def question(query: str = "") -> Question:
    return Question.read(QueryDict(query), WORKSPACE, NOW)


ORDERS = st.sampled_from(["-total", "name", "-of.x", "of.", "change"])
BUCKETS, WAYS, MEASURES = map(st.sampled_from, (["", *KINDS], list(comparing.WAYS), sorted(METRICS)))


@given(MEASURES, NAMES, NAMES, BUCKETS, WAYS, CONDITIONS, CONDITIONS, ORDERS, st.booleans())
def test_any_question_reads_back_from_its_address(metric, by, across, bucket, against, include, exclude, sort, rows):
    chosen = (date(2026, 1, 2), date(2026, 1, 3)) if against == comparing.CUSTOM else None
    across = "" if across == by else across
    made = Question(question().range, include, exclude, by, sort, rows, metric=METRICS[metric], across=across,
                    wanted=bucket, against=against, chosen=chosen, page=3)  # fmt: skip
    assert question(made.query()) == made


def test_the_plain_page_has_a_plain_address_whatever_a_form_sends():
    assert question().url() == "/explore"
    sent = "metric=cost&by=agent&across=&bucket=&against=weeks&sort=-total&page=1&unknown=1&rows="
    assert question(sent).url() == "/explore"


@pytest.mark.parametrize(
    ("query", "dimensions"),
    [("by=none", ()), ("by=none&across=model", ("model",)), ("by=model&across=model", ("model",)),
     ("by=nonsense", ("agent",)), ("by=tag.customer&across=agent", ("tag.customer", "agent"))],
)  # fmt: skip
def test_none_one_or_two_dimensions(query, dimensions):
    assert question(query).dimensions == dimensions


@pytest.mark.parametrize(
    ("query", "bucket"),
    [("", "day"), ("period=today", "hour"), ("bucket=week", "week"), ("period=today&bucket=15m", "15m"),
     ("first=2026-11-15&last=2026-11-17&bucket=15m", "15m"), ("first=2026-11-14&last=2026-11-17&bucket=15m", "hour"),
     ("first=2025-01-01&last=2025-12-31&bucket=hour", "day"), ("first=2024-01-01&last=2026-11-18&bucket=15m", "week"),
     ("bucket=fortnight", "day")],
)  # fmt: skip
def test_a_bucket_of_which_there_would_be_too_many_becomes_a_longer_one(query, bucket):
    assert question(query).bucket == bucket


def test_a_drill_keeps_the_measure_and_goes_one_level_down():
    here = question("metric=cost_per_run&by=agent&across=model&bucket=hour&sort=name&rows=all&page=2")
    assert here.drill("triage") == "/explore?metric=cost_per_run&by=task&across=model&bucket=hour&agent=triage"
    assert question("by=agent&across=task").drill("triage") == "/explore?by=task&agent=triage", "not twice the same"
    assert question("by=run").drill("r-1") == "/runs/r-1"
    assert question("by=session").drill("s-1") == "/sessions/s-1"


def test_another_question_begins_with_its_first_page():
    assert "page" not in question("rows=all&page=3").sorted_by("name")
    assert question("rows=all&page=3").query() == "rows=all&page=3"


def test_rows_and_columns_can_be_exchanged():
    assert question("by=tag.customer&across=agent&rows=all").turned() == "/explore?across=tag.customer"


def test_the_api_is_asked_the_same_in_its_own_words():
    asked = dict(
        parse_qsl(question("by=tag.a&across=model&agent=x y&task!=&period=today").api("hour"), keep_blank_values=True)
    )
    assert asked == {"from": "2026-11-18", "to": "2026-11-19", "tz": "Europe/Berlin", "group_by": "tag.a,model",
                     "bucket": "hour", "agent": "x y", "task!": ""}  # fmt: skip
    assert "group_by" not in question("by=none").api()


def test_no_name_can_break_out_of_the_command_that_is_copied():
    query = question("agent=" + "%22%24%28rm%29%60%27%5C%21").api("day")
    assert not set(query) & set("\"'`$\\!; ()")


def test_a_chosen_comparison_begins_with_the_days_before():
    assert question("against=custom").chosen == (date(2026, 10, 1), date(2026, 10, 31))
    read = question("against=custom&cfirst=2026-01-05&clast=2026-01-09")
    assert read.chosen == (date(2026, 1, 5), date(2026, 1, 9))
    assert urlsplit(read.url()).query == "against=custom&cfirst=2026-01-05&clast=2026-01-09"


@pytest.mark.parametrize(
    ("query", "wrong"),
    [("period=fortnight", BadRange), ("cfirst=2026-02-01&clast=2026-01-01&against=custom", BadRange),
     ("cfirst=soon&against=custom", BadRange), ("page=0", BadQuery), ("page=x", BadQuery), ("agent=%00", BadQuery)],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused(query, wrong):
    with pytest.raises(wrong):
        question(query)
