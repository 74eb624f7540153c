"""The list and the file of events hold those that a filter means, in order, whatever way leads to them."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.ledger.keys import event_key
from costwatch.spend import export
from costwatch.spend.events import event, events
from costwatch.spend.filters import EARLIEST, LATEST, BadQuery, SpendFilter
from tests.ledger.make import NOW, entry
from tests.spend.test_exactness import filters
from tests.spend.usage import generated, selected, value_of

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
per_data = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def ordered(entries, newest):
    """Of the same instant by their keys, as uuids are compared."""
    return sorted(entries, key=lambda e: (e.timestamp, event_key(e.event_id)), reverse=newest)


def pages(workspace, filter, order, limit):
    found, cursor = [], None
    while True:
        page = events(workspace, filter, cursor, limit, order)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found
        assert len(page.items) == limit


@pytest.mark.parametrize(("seed", "folded"), [(51, 160), (52, 0), (53, 77)])
def test_pages_hold_every_event_that_is_meant_once_in_order(workspace, stored, seed, folded):
    entries = stored(generated(seed), folded)

    @per_data
    @given(filters(entries), st.sampled_from(["time", "-time"]), st.integers(1, 30))
    def ask(filter, order, limit):
        wanted = ordered(selected(entries, filter), order == "-time")
        assert [e["event_id"] for e in pages(workspace, filter, order, limit)] == [e.event_id for e in wanted]

    ask()


@pytest.mark.parametrize(("seed", "folded"), [(54, 160), (55, 40)])
def test_the_file_has_the_same_events_with_their_labels(workspace, stored, seed, folded):
    entries = stored(generated(seed), folded)
    names = [column.name for column in export.EVENT_COLUMNS]
    same = ("provider", "model", "operation", "task", "environment", "release")
    labels = {"agent_id": "agent", "user_id": "user", "session_id": "session", "run_id": "run", **dict.fromkeys(same)}
    labels = {name: dimension or name for name, dimension in labels.items()}

    @per_data
    @given(filters(entries))
    def ask(filter):
        rows = [
            dict(zip(names, row, strict=True)) for batch in export.events(workspace, filter).batches for row in batch
        ]
        wanted = ordered(selected(entries, filter), newest=False)
        assert [row["event_id"] for row in rows] == [e.event_id for e in wanted]
        for row, e in zip(rows, wanted, strict=True):
            assert {name: row[name] or "" for name in labels} == {name: value_of(e, d) for name, d in labels.items()}
            assert (row["timestamp"], row["cost_usd"], row["recorded_cost_usd"]) == (e.timestamp, e.cost, e.cost)
            assert (row["requests"], row["status"]) == (e.requests, "error" if e.error else "ok")
            assert (row["unpriced_upper_bound_usd"] or 0) == e.upper_bound

    ask()


def test_events_of_any_age_are_found_from_either_end(workspace, stored):
    days = [0, 1, 3, 40, 41, 400, 1_500]
    stored([entry(f"d{n}", timestamp=NOW - timedelta(days=n)) for n in days], folded=3)
    ever = SpendFilter(EARLIEST, LATEST)
    assert [e["event_id"] for e in pages(workspace, ever, "-time", 1)] == [f"d{n}" for n in days]
    assert [e["event_id"] for e in pages(workspace, ever, "time", 2)] == [f"d{n}" for n in reversed(days)]


@pytest.mark.parametrize(("asked", "told"), [(-5, 1), (0, 1), (1, 1), (3, 3), (5_000, 4)])
def test_a_page_has_from_one_to_a_thousand_events(workspace, stored, asked, told):
    stored([entry() for _ in range(4)])
    assert len(events(workspace, SpendFilter(EARLIEST, LATEST), limit=asked).items) == told


def test_a_place_in_one_order_is_none_in_the_other_nor_in_another_list(workspace, stored):
    stored([entry() for _ in range(4)])
    ever = SpendFilter(EARLIEST, LATEST)
    cursor = events(workspace, ever, limit=1).next_cursor
    assert len(events(workspace, ever, cursor).items) == 3
    with pytest.raises(BadQuery) as refusal:
        events(workspace, ever, cursor, order="time")
    assert refusal.value.field == "cursor"


@pytest.mark.parametrize("name", ["", "?", "\ud800", "e-51", "a\0b", "x" * 9_000])
def test_an_id_that_nothing_was_stored_under_finds_nothing(workspace, stored, name):
    stored([entry("e-5")])
    assert event(workspace, name) is None
