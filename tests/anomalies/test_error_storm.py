"""A storm of errors: many, a large share, and far more than usual."""

import pytest

from costwatch.anomalies.detectors import error_storm
from costwatch.anomalies.state import Settings
from tests.anomalies.memory import NOW, TOP, MemoryBooks


def storm(failed, calls, usual=1, dimension="provider"):
    books = MemoryBooks()
    names = {dimension: "acme"}
    books.regular(weeks=2, calls=100, errors=usual, **names)
    books.spend(NOW, "0", calls=calls - failed, **names)
    books.spend(NOW, "1", calls=failed, errors=failed, **names)
    return error_storm.look(books, NOW + (NOW - TOP) / 64, Settings())


def test_a_storm_is_told_with_its_share_and_the_usual_one():
    (found,) = storm(60, 100)
    assert found.subject == ("errors", "provider", "acme")
    assert found.title == "Provider acme: 60 % of the calls fail"
    assert "60 of 100 calls of provider acme failed since Wed 18 Nov 14:15; usual is 1.0 %" in found.message
    assert found.severity == "alarm"


def test_a_model_is_told_where_no_provider_is():
    (found,) = storm(60, 100, dimension="model")
    assert found.dimension == "model"


@pytest.mark.parametrize(("failed", "calls", "usual"), [(9, 10, 1), (15, 100, 1), (60, 100, 40), (1, 100, 1)])
def test_few_a_small_share_or_the_usual_share_is_no_storm(failed, calls, usual):
    assert not storm(failed, calls, usual)


def test_almost_all_is_critical():
    assert storm(95, 100)[0].severity == "critical"
