"""What an event is known by, and that an id which its key says is kept once."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from costwatch.accounts.models import Workspace
from costwatch.ledger.fold import fold_all
from costwatch.ledger.keys import FIRST_SECOND, event_key, event_keys, response_key, says_id, second
from costwatch.ledger.models import EventKey, UsageEvent
from costwatch.ledger.record import record
from costwatch.ledger.rows import said
from costwatch.ledger.verify import verify
from costwatch.spend import queries
from costwatch.spend.filters import SpendFilter
from tests.ledger.make import NOW, entry

V7 = "019abcde-0000-7000-8000-0123456789ab"
V4 = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
LAST = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
NOT_CANONICAL = [V7.upper(), V7.replace("-", ""), "{" + V7[1:], V7[:-1] + "g", V7[:8] + "-" + V7[8:13] + V7[14:],
                 V7[:20] + " " + V7[21:], "-" * 36, "0" * 36, "\uff10" + V7[1:]]  # fmt: skip

some_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=255)


def stored(event_id: str) -> tuple[str | None, str]:
    """The column event_id as it lies, and what is read."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT event_id, {said('event_id')} FROM usage_event e WHERE event_key = %s",
                       [uuid.UUID(bytes=event_key(event_id))])  # fmt: skip
        row: tuple[str | None, str] = cursor.fetchone()
    return row


@given(st.uuids())
def test_the_key_of_a_uuid_says_it_unless_it_begins_with_f(number):
    text = str(number)
    assert says_id(event_key(text), text) == (text[0] != "f")


@given(st.lists(st.uuids().map(str) | st.sampled_from([V7, V4, LAST, *NOT_CANONICAL]) | some_text, max_size=5))
def test_the_keys_of_many_are_those_of_each(ids):
    assert list(event_keys(ids)) == [event_key(event_id) for event_id in ids]


@given(st.integers(1, 35), st.lists(st.uuids(), min_size=2, max_size=4))
def test_ids_that_are_uuids_only_when_written_in_a_row_are_none(place, numbers):
    text = "".join(map(str, numbers))
    ids = [text[:place], *(text[at : at + 36] for at in range(place, len(text), 36))]
    assert list(event_keys(ids)) == [event_key(event_id) for event_id in ids]


@given(some_text, some_text)
def test_different_ids_have_different_keys(one, other):
    assert (event_key(one) == event_key(other)) == (one == other)
    assert event_key(one) != response_key(None, one)


@given(some_text)
def test_only_ids_with_the_time_in_front_are_in_the_last_place(text):
    assert (event_key(text)[0] >= 0xF0) == (says_id(event_key(text), text) and text[0] == "0")
    assert response_key("openai", text)[0] < 0xF0


@pytest.mark.parametrize("text", NOT_CANONICAL)
def test_what_only_looks_like_a_uuid_is_another_id(text):
    assert event_key(text) != event_key(V7) and not says_id(event_key(text), text)


def test_a_second_counts_from_2020_and_never_rounds_up():
    assert second(datetime(2020, 1, 1, tzinfo=UTC)) == 0
    assert second(datetime(2020, 1, 1, 0, 0, 1, 999_999, tzinfo=UTC)) == 1
    assert second(NOW) == int(NOW.timestamp()) - FIRST_SECOND


@pytest.mark.django_db
@pytest.mark.parametrize("text", [V7, V4])
def test_an_id_that_is_a_uuid_lies_once_and_is_read_as_it_was_sent(lane, text):
    record(lane, [entry(text)])
    assert stored(text) == (None, text)


@pytest.mark.django_db
@pytest.mark.parametrize("text", [LAST, *NOT_CANONICAL, "plain"])
def test_every_other_id_is_kept_as_text(lane, text):
    record(lane, [entry(text)])
    assert stored(text) == (text, text)


@pytest.mark.django_db
@pytest.mark.parametrize("text", [V7, V4, LAST, "plain"])
def test_any_id_is_counted_once_and_found_again(lane, text):
    assert record(lane, [entry(text)]) == []
    assert record(lane, [entry(text), entry("another")]) == [0]
    fold_all()
    workspace = Workspace.objects.get(pk=lane)
    found = queries.event(workspace, text)
    assert found and found["event_id"] == text
    listed = queries.events(workspace, SpendFilter(NOW.replace(hour=0), NOW.replace(hour=23))).items
    assert {one["event_id"] for one in listed} == {text, "another"}
    assert verify(deep=True).ok


@pytest.mark.django_db
def test_the_same_uuid_in_two_workspaces_is_two_events(lane):
    other = Workspace.objects.create(name="other").pk
    assert record(lane, [entry(V7)]) == record(other, [entry(V7)]) == []
    assert EventKey.objects.count() == UsageEvent.objects.count() == 2


@pytest.mark.django_db
def test_a_key_that_leads_to_another_second_is_a_difference(lane):
    record(lane, [entry(V7)])
    EventKey.objects.update(second=second(NOW) + 5)
    assert "has no key of its own" in " ".join(verify(deep=True).differences)


@pytest.mark.django_db
def test_what_most_events_say_takes_no_bytes_and_is_read_all_the_same(lane):
    record(lane, [entry("usual"), entry("odd", requests=3, error=True, batch=True, usage_inconsistent=True,
                                        cost=Decimal(2))])  # fmt: skip
    columns = ("requests", "error", "batch", "usage_inconsistent")
    lie = UsageEvent.objects.order_by("cost").values_list(*columns)
    assert list(lie) == [(None, None, None, None), (3, True, True, True)]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(said(c) for c in columns)} FROM usage_event e ORDER BY cost")
        assert cursor.fetchall() == [(1, False, False, False), (3, True, True, True)]
        cursor.execute("SELECT calls, errors FROM ledger_entry ORDER BY cost")
        assert cursor.fetchall() == [(1, 0), (3, 3)]
