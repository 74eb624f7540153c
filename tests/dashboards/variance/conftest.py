"""Two months of two agents whose difference can be worked out by hand."""

import pytest
from django.core.cache import cache

from costwatch.ledger.fold import fold_all
from costwatch.pricing import book
from tests.dashboards.conftest import DAY
from tests.ledger.make import entry


@pytest.fixture
def two_months(send):
    """triage: 4 runs of $1 a month ago, 6 now. lookup: $2 then, $5 now for a prompt twice as long and a half."""
    cache.clear()
    book.forget()
    tokens = {"input_tokens": 1000, "output_tokens": 0, "model": "of-our-own"}
    send(
        *(entry(minutes=-31 * DAY - 90 - n, run_id=f"o-{n}", cost="1", **tokens) for n in range(4)),
        *(entry(minutes=-60 - n, run_id=f"n-{n}", cost="1", **tokens) for n in range(6)),
        entry(minutes=-31 * DAY - 90, agent_id="lookup", cost="2", **tokens),
        entry(minutes=-30, agent_id="lookup", cost="5", **{**tokens, "input_tokens": 2500}),
        # after this time of day a month earlier: not compared
        entry(minutes=-31 * DAY + 120, agent_id="lookup", cost="100", **tokens),
    )
    fold_all()
