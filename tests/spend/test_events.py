"""Single events: what was sent comes back, each once over all pages."""

from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.accounts.keys import create_key
from costwatch.accounts.models import Workspace
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from costwatch.pricing import book, catalogue
from costwatch.pricing.usage import CostSource
from costwatch.spend.filters import EARLIEST, LATEST, BadQuery, SpendFilter
from costwatch.spend.queries import event, events
from tests.ledger.make import NOW, entry
from tests.spend.usage import generated, selected

pytestmark = pytest.mark.django_db
EVER = SpendFilter(EARLIEST, LATEST)


def ids(page):
    return [e["event_id"] for e in page.items]


def everything(workspace, filter, order="-time", limit=7):
    found, cursor = [], None
    while True:
        page = events(workspace, filter, cursor, limit, order)
        found += page.items
        if (cursor := page.next_cursor) is None:
            return found


def test_an_event_comes_back_with_all_it_was_sent_with(workspace):
    key, _ = create_key(workspace, "gateway", ["ingest"])
    sent = entry(
        "ev/1 ü?#%", user_id="u-1", run_id="r-1", session_id="s-1", step=3, parent_id="p", task="refund",
        environment="prod", release="triage@1.8.2", tags={"team": "ops"}, cached_input_tokens=1000, reasoning_tokens=5,
        latency_ms=812, error=True, error_type="timeout", tool="get_order", call_fingerprint="abc", input_error=False,
        units={"web_search": Decimal("2")}, raw_usage={"prompt_tokens": 1200}, cost="0.000000000001", api="openai.chat",
        service_tier="flex", region="eu", requests=2, reported_cost=Decimal("0.5"), api_key_id=key.pk,
        response_id="resp",
    )  # fmt: skip
    record(workspace.lane, [sent])
    found = event(workspace, "ev/1 ü?#%")
    for field in ("event_id", "timestamp", "model", "provider", "operation", "agent_id", "user_id", "run_id",
                  "session_id", "step", "parent_id", "task", "environment", "release", "tags", "input_tokens",
                  "output_tokens",
                  "cached_input_tokens", "reasoning_tokens", "latency_ms", "error_type", "tool", "call_fingerprint",
                  "input_error", "api", "service_tier", "region", "requests", "response_id"):  # fmt: skip
        assert found[field] == getattr(sent, field), field
    assert (found["status"], found["cost_usd"], found["cost_source"]) == ("error", "0.000000000001", "catalog")
    assert (found["units"], found["usage"], found["key"]) == ({"web_search": 2}, {"prompt_tokens": 1200}, "gateway")
    assert found["reported_cost_usd"] == "0.500000000000"


def test_what_was_not_sent_is_none(workspace):
    record(workspace.lane, [entry("bare", agent_id=None, output_tokens=None)])
    found = event(workspace, "bare")
    for field in ("agent_id", "user_id", "task", "run_id", "session_id", "key", "output_tokens", "units", "usage"):
        assert found[field] is None, field
    assert (found["tags"], found["status"]) == ({}, "ok")


@pytest.mark.parametrize(
    ("source", "name"), [(CostSource.UNPRICED, "unpriced"), (CostSource.USAGE_UNKNOWN, "usage_unknown")]
)
def test_an_event_without_a_price_has_no_cost_and_no_parts(workspace, source, name):
    record(workspace.lane, [entry("x", cost=None, cost_source=source, upper_bound=Decimal("0.02"))])
    found = event(workspace, "x")
    assert (found["cost_usd"], found["cost_source"], found["price"], found["cost_parts"]) == (None, name, None, [])
    assert found["upper_bound_usd"] == "0.020000000000"


def test_the_parts_of_a_cost_add_up_to_it_and_name_the_price(workspace):
    catalogue.sync()
    book.forget()
    priced = entry(
        "priced", model="gpt-4o-mini", input_tokens=1_000_000, output_tokens=1000, cached_input_tokens=10_000
    )
    answer = book.current().price(priced)
    priced.cost, priced.cost_source, priced.price_version = answer.cost, answer.source, answer.price_version
    record(workspace.lane, [priced])
    found = event(workspace, "priced")
    assert answer.cost > 0
    assert sum(Decimal(part["cost_usd"]) for part in found["cost_parts"]) == answer.cost
    assert sum(part["tokens"] for part in found["cost_parts"]) == 1_001_000
    assert (found["price"]["provider"], found["price"]["model"]) == ("openai", "gpt-4o-mini")
    book.forget()


def test_an_event_is_found_under_every_id_its_senders_gave_it(workspace):
    record(workspace.lane, [entry("sdk-1", response_id="resp-9")])
    record(workspace.lane, [entry("gateway-1", response_id="resp-9", minutes=60 * 24 * -3)])
    assert event(workspace, "gateway-1") == event(workspace, "sdk-1")


@pytest.mark.parametrize("unknown", ["nobody", "", "\ud800", "x" * 300])
def test_an_unknown_event_and_one_of_another_workspace_do_not_exist(workspace, unknown):
    record(Workspace.objects.create(name="Other").lane, [entry("theirs")])
    assert event(workspace, unknown) is None
    assert event(workspace, "theirs") is None
    assert ids(events(workspace, EVER)) == []


@pytest.mark.parametrize("order", ["-time", "time"])
@pytest.mark.parametrize("folded", [0, 100, 160])
def test_all_pages_together_are_all_events_in_order_of_time(workspace, stored, order, folded):
    entries = stored(generated(8), folded)
    found = everything(workspace, EVER, order)
    assert sorted(e["event_id"] for e in found) == sorted(e.event_id for e in entries)
    times = [e["timestamp"] for e in found]
    assert times == sorted(times, reverse=order == "-time")


def test_events_of_the_same_instant_are_in_a_stable_order(workspace):
    record(workspace.lane, [entry(f"e-{n}") for n in range(20)])
    assert len({e["event_id"] for e in everything(workspace, EVER, limit=3)}) == 20


def test_a_page_is_not_moved_by_events_that_arrive_meanwhile(workspace):
    record(workspace.lane, [entry(f"old-{n}", minutes=n) for n in range(6)])
    first = events(workspace, EVER, limit=3)
    record(workspace.lane, [entry(f"new-{n}", minutes=100 + n) for n in range(3)])
    fold_all()
    second = events(workspace, EVER, first.next_cursor, limit=3)
    assert ids(first) + ids(second) == [f"old-{n}" for n in (5, 4, 3, 2, 1, 0)]
    assert second.next_cursor is None


@pytest.mark.parametrize("days", [0, 3, 40, 400])
def test_events_that_lie_long_ago_are_found(workspace, days):
    record(workspace.lane, [entry("old", minutes=-days * 1440), entry("new")])
    fold_all()
    assert set(ids(events(workspace, EVER))) == {"old", "new"}
    assert [e["event_id"] for e in everything(workspace, EVER, "time", 1)][-1] == "new"


@pytest.mark.parametrize(
    ("dimension", "value"),
    [("agent", "agent-1"), ("agent", ""), ("run", "run-2"), ("user", ""), ("tag.team", "b"), ("session", "session-1")],
)
def test_a_filter_shows_the_events_it_counts(workspace, stored, dimension, value):
    entries = stored(generated(9), 80)
    filter = EVER.with_value(dimension, value)
    wanted = sorted(e.event_id for e in selected(entries, filter))
    assert sorted(e["event_id"] for e in everything(workspace, filter)) == wanted != []


def test_the_range_holds_its_start_and_not_its_end(workspace):
    record(workspace.lane, [entry(f"e-{n}", minutes=n) for n in range(4)])
    inside = SpendFilter(NOW + timedelta(minutes=1), NOW + timedelta(minutes=3))
    assert ids(events(workspace, inside, order="time")) == ["e-1", "e-2"]


def test_a_forged_cursor_and_an_unknown_order_are_refused(workspace):
    record(workspace.lane, [entry(f"e-{n}") for n in range(3)])
    cursor = events(workspace, EVER, limit=1).next_cursor
    with pytest.raises(BadQuery, match="cursor"):
        events(workspace, EVER, cursor.swapcase())
    with pytest.raises(BadQuery, match="cursor"):
        events(workspace, EVER, cursor, order="time")
    with pytest.raises(BadQuery, match="order"):
        events(workspace, EVER, order="cost")
