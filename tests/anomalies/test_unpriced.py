"""Usage without a price appears: named by its model, with what it costs at most."""

from decimal import Decimal

from costwatch.anomalies.detectors import unpriced
from costwatch.anomalies.state import Settings
from tests.anomalies.memory import HOUR, NOW, TOP, MemoryBooks


def look(*calls, at_most="1"):
    books = MemoryBooks()
    books.spend(TOP, "3", calls=50, model="priced")
    for at, count in calls:
        books.spend(at, calls=count, unpriced=count, at_most=at_most, model="preview")
    return unpriced.look(books, NOW, Settings())


def test_a_few_calls_without_a_price_are_a_notice():
    (found,) = look((TOP - 3 * HOUR, 2), (TOP, 1))
    assert (found.subject, found.kind, found.severity) == (("unpriced", "model", "preview"), "pricing", "notice")
    assert found.message.startswith("3 calls of model preview within a day have no price. They cost at most $2.00.")
    assert found.impact == Decimal(2) and found.start == TOP - 3 * HOUR


def test_they_are_an_alarm_from_the_floor_on():
    (found,) = look((TOP, 4), at_most="10")
    assert found.severity == "alarm"


def test_what_nothing_bounds_is_told_without_dollars():
    (found,) = look((TOP, 4), at_most="0")
    assert found.impact is None
    assert "Nothing bounds what they cost." in found.message


def test_one_mistyped_call_is_nobodys_trouble():
    assert not look((TOP, 2))


def test_it_is_over_a_day_after_the_last_of_them():
    (found,) = look((TOP - 5 * HOUR, 3))
    assert found.lasts_until == TOP + 20 * HOUR
    assert not look((TOP - 25 * HOUR, 30))
