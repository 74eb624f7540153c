"""The development price cases as events through the whole edge into the books."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from costwatch.accounts.models import Workspace
from costwatch.ledger.models import UsageEvent
from costwatch.pricing import book, catalogue
from ingest.accept import accept_events
from tests.pricing.test_cases import CASES, api_of

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_every_development_case_arrives_in_the_books_at_its_exact_cost():
    book.forget()
    catalogue.sync()
    workspace = Workspace.objects.create(name="cases")
    answer = accept_events(workspace.lane, [_event(case) for case in CASES], NOW)
    assert (answer.accepted, answer.rejected) == (len(CASES), [])
    stored = dict(UsageEvent.objects.values_list("event_id", "cost"))
    expected = {case["case"]: case["expected_cost_usd"] for case in CASES}
    assert stored == {name: None if cost is None else Decimal(cost) for name, cost in expected.items()}
    book.forget()


def _event(case: dict) -> dict:
    context = case["context"]
    event = {
        "event_id": case["case"], "timestamp": case["at"], "provider": case["provider"], "model": case["model"],
        "usage": case["raw_usage"], "api": api_of(case), "batch": context.get("processing") == "batch",
        "service_tier": context.get("service_tier"), "region": context.get("region"),
    }  # fmt: skip
    return {name: value for name, value in event.items() if value is not None}
