"""Unusual spend: found when an hour or day is beyond its bound, not before; told once per matter."""

from decimal import Decimal

import pytest

from costwatch.anomalies.detectors import spend
from costwatch.anomalies.state import Lesson, Settings
from tests.anomalies.memory import HOUR, NOW, TOP, MemoryBooks

pytestmark = pytest.mark.thorough

SETTINGS = Settings()


@pytest.fixture
def books():
    found = MemoryBooks()
    found.regular(agent="triage", model="mini", task="sort")
    return found


def hours(findings):
    return {(f.dimension, f.value) for f in findings if f.bucket == "hour"}


def test_usual_spend_is_not_told(books):
    books.spend(TOP, "2", agent="triage", model="mini", task="sort")
    assert not spend.look(books, NOW, SETTINGS)


def test_an_hour_far_beyond_is_told_while_it_still_fills(books):
    books.spend(TOP + 5 * HOUR / 60, "30", agent="triage", model="mini", task="sort")
    found = spend.look(books, NOW, SETTINGS)
    assert hours(found) == {("agent", "triage"), ("model", "mini"), ("task", "sort")}
    first = found[0]
    assert (first.dimension, first.at, first.impact) == ("agent", NOW, Decimal(28))
    assert first.title == "Agent triage: 15 × its usual hour"
    assert "; an alarm starts above $" in first.message
    assert (
        "spent $30.00 so far in the hour from Wed 18 Nov 14:00. Usual for this hour of the week is $2.00"
        in first.message
    )


def test_a_finished_hour_is_told_as_a_whole_and_dated_at_its_end(books):
    books.spend(TOP - HOUR, "30", agent="triage")
    found = spend.look(books, TOP, SETTINGS)
    assert hours(found) == {("agent", "triage")}
    assert found[0].at == TOP
    assert "so far" not in found[0].message


def test_less_than_the_floor_is_not_told(books):
    books.spend(TOP, "11.99", agent="triage")
    assert not hours(spend.look(books, NOW, SETTINGS))
    books.spend(TOP, "0.01", agent="triage")
    assert hours(spend.look(books, NOW, SETTINGS))
    assert not hours(spend.look(books, NOW, Settings(floor=Decimal(50))))


def test_a_new_value_has_no_usual_hour(books):
    books.spend(TOP, "500", agent="brand-new")
    assert ("agent", "brand-new") not in hours(spend.look(books, NOW, SETTINGS))


def test_ten_times_the_floor_is_critical(books):
    books.spend(TOP, "200", agent="triage")
    assert spend.look(books, NOW, SETTINGS)[0].severity == "critical"


def test_hours_that_are_dear_but_not_alone_are_told_as_a_day():
    books = MemoryBooks()
    books.regular(agent="triage")
    for n in range(10):
        books.spend(TOP - n * HOUR, "9.50", agent="triage")
    found = spend.look(books, NOW, SETTINGS)
    assert [(f.bucket, f.value, f.impact) for f in found if f.dimension == "agent"] == [("day", "triage", Decimal(75))]


def test_drivers_show_who_made_the_difference_and_that_two_findings_are_one_matter(books):
    books.spend(TOP, "30", agent="triage", model="mini", task="refund", user="u-1")
    found = spend.look(books, NOW, SETTINGS)
    agent = next(f for f in found if f.dimension == "agent")
    drivers = books.drivers("agent", "triage", TOP, NOW)
    assert (drivers[0].dimension, drivers[0].value) in {("task", "refund"), ("user", "u-1"), ("model", "mini")}
    assert spend.explained(agent, drivers, "model", "mini")
    assert not spend.explained(agent, drivers, "task", "sort")


def test_the_chart_shows_two_days_with_what_was_usual(books):
    books.spend(TOP, "30", agent="triage")
    finding = next(f for f in spend.look(books, NOW, SETTINGS) if f.dimension == "agent")
    rows = spend.chart(books, finding, NOW)
    assert len(rows) == 49
    assert [Decimal(x) for x in rows[-1][1:]] == [30, 2]
    assert rows[-1][0] == TOP.isoformat()


def test_what_was_called_expected_covers_its_level_and_hours(books):
    books.spend(TOP, "30", agent="triage")
    finding = next(f for f in spend.look(books, NOW, SETTINGS) if f.dimension == "agent")
    assert Lesson("spend", "agent", "triage", Decimal(36), frozenset({13, 14, 15})).covers(finding)
    assert not Lesson("spend", "agent", "triage", Decimal(29), frozenset({14})).covers(finding)
    assert not Lesson("spend", "agent", "triage", Decimal(36), frozenset({9})).covers(finding)
    assert not Lesson("spend", "agent", "lookup").covers(finding)


def test_the_likeliest_cause_comes_first():
    order = sorted(["model", "key", "agent", "tag.customer", "user", "task", "release"], key=spend.rank)
    assert order == ["agent", "tag.customer", "user", "model", "task", "release", "key"]


def test_every_hour_of_a_quiet_week_is_quiet(books):
    assert not [f for n in range(168) for f in spend.look(books, TOP - n * HOUR, SETTINGS)]


def test_tags_and_users_are_judged_by_the_day():
    books = MemoryBooks()
    books.tags = ["tag.customer"]
    names = {"tag.customer": "Orbit", "user": "u-1"}
    books.regular(usd="0.5", until=TOP, **names)
    books.spend(TOP, "90", **names)
    found = [f for f in spend.look(books, NOW, SETTINGS) if f.value]
    assert [(f.bucket, f.dimension) for f in found] == [("day", "tag.customer"), ("day", "user")]
    assert found[0].title == "Customer Orbit: 8.1 × its usual day"
    assert "so far on Wed 18 Nov. Usual for this weekday is $12.00" in found[0].message
