"""Prices that grow old."""

from datetime import timedelta

import pytest

from costwatch.anomalies.detectors import catalogue_age
from costwatch.anomalies.state import Settings
from tests.anomalies.memory import NOW, MemoryBooks


@pytest.mark.parametrize(("days", "severity"), [(3, None), (59, None), (60, "notice"), (119, "notice"), (120, "alarm")])
def test_prices_of_two_months_are_a_notice_of_four_an_alarm(days, severity):
    books = MemoryBooks()
    books.known_catalogue = ("genai-prices 0.2.3", NOW - timedelta(days=days))
    found = catalogue_age.look(books, NOW, Settings())
    assert [f.severity for f in found] == ([severity] if severity else [])
    if found:
        assert found[0].title == f"The prices are {days} days old"
        assert "costwatch prices sync" in found[0].message


def test_without_a_catalogue_there_is_nothing_to_say():
    assert not catalogue_age.look(MemoryBooks(), NOW, Settings())
