"""A workspace with two months of spend whose sums can be worked out by hand."""

import pytest

from costwatch.ledger.fold import fold_all
from tests.dashboards.conftest import DAY
from tests.ledger.make import entry


@pytest.fixture
def books(send):
    """September: $1. October: $10 a day to the 17th, $120 in all. November up to now: $150."""
    send(
        entry(minutes=-60 * DAY, cost="1", agent_id="lookup"),
        *(entry(minutes=-(31 + n) * DAY - 120, cost="10", run_id=f"o-{n}") for n in range(10)),
        entry(minutes=-20 * DAY, cost="20", agent_id="lookup", provider="anthropic", model="claude"),
        *(entry(minutes=-n * DAY - 5, cost="14", tags={"customer": "Orbit Travel"}, run_id=f"n-{n}")
          for n in range(10)),
        entry(minutes=-60, cost="10", agent_id="lookup", provider="anthropic", model="claude"),
        entry(minutes=-70, cost=None, model="unheard-of", agent_id="lookup"),
    )  # fmt: skip
    fold_all()
