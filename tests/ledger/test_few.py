"""A few fresh events are stored by one statement: the same rows as the long way makes, all of them or none."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from costwatch.accounts.models import Workspace
from costwatch.ledger import few, opening
from costwatch.ledger.entry import Entry
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import EventKey, IngestBatch, Run, Session, UsageEvent
from costwatch.ledger.record import forget, record
from costwatch.ledger.verify import verify
from costwatch.pricing.usage import CostSource
from tests.at_once import at_once
from tests.ledger.make import entry

V7 = "019abcde-0000-7000-8000-0123456789ab"
EVERYTHING = {
    "user_id": "u \u2028 \"'\\", "run_id": "r-1", "session_id": "s-1", "task": "t", "environment": "prod", "step": 3,
    "parent_id": "p {}", "requests": 4, "output_tokens": 85, "cached_input_tokens": 7, "cache_write_tokens": 8,
    "cache_write_1h_tokens": 9, "reasoning_tokens": 10, "audio_input_tokens": 11, "audio_output_tokens": 12,
    "image_input_tokens": 13, "image_output_tokens": 14, "latency_ms": 15, "error": True, "error_type": "429",
    "batch": True, "usage_inconsistent": True, "input_error": False, "upper_bound": Decimal("0.000000000001"),
    "reported_cost": Decimal("999999999999.999999999999"), "list_cost": Decimal("1E-7"), "tool": "\u65e5\u672c",
    "call_fingerprint": "c" * 64, "input_fingerprint": "0", "service_tier": "flex", "region": "eu", "api": "chat",
    "units": {"web_search": 2, "hours": 0.25}, "raw_usage": {"a": [1, None, {"b": "\u20ac"}], "n": 10**20},
    "cost_source": CostSource.REPORTED, "tags": {"team": "a"},
}  # fmt: skip
OWN = {"batch_id", "event_key", "event_id", "received_at"}  # what two equal events do not share


def fresh(event_id: str | None = None, **fields: object) -> Entry:
    return entry(event_id, **{"timestamp": datetime.now(UTC), **fields})


def lies(event_id: str) -> dict[str, object]:
    """A row of usage_event by the id of its event."""
    row = UsageEvent.objects.filter(event_key=entry(event_id).keys[0].hex()).values().get()
    return {name: value for name, value in row.items() if name not in OWN}


@pytest.mark.django_db
@pytest.mark.parametrize("fields", [EVERYTHING, {}], ids=["everything", "nothing"])
def test_the_row_is_the_one_that_the_long_way_makes(lane, fields):
    at = datetime.now(UTC)
    assert record(lane, [fresh("one", timestamp=at, **fields)]) == []
    assert record(lane, [fresh("two", timestamp=at, **fields), *(fresh() for _ in range(few.MOST))]) == []
    one, two = lies("one"), lies("two")
    if fields:
        assert (one.pop("starts_run"), two.pop("starts_run")) == (True, None)
    assert one == two


@pytest.mark.django_db
def test_several_events_share_a_batch_a_run_and_a_session(lane):
    sent = [fresh(run_id="r", session_id="s", user_id=f"u{n}", minutes=n) for n in range(few.MOST)]
    assert record(lane, sent) == []
    assert IngestBatch.objects.count() == Run.objects.count() == Session.objects.count() == 1
    assert list(UsageEvent.objects.exclude(starts_run=None).values_list("event_id", flat=True)) == [sent[0].event_id]
    assert UsageEvent.objects.values("end_user_id").distinct().count() == few.MOST
    fold_all()
    assert verify(deep=True).ok and Run.objects.get().calls == few.MOST


@pytest.mark.django_db
def test_names_that_another_process_has_made_are_found(lane):
    record(lane, [fresh(run_id="r", session_id="s", user_id="u")])
    opening.forget()
    record(lane, [fresh(run_id="r", session_id="s", user_id="u"), fresh(run_id="new", session_id="s")])
    record(lane, [fresh(run_id="r", session_id="s", user_id="u")])
    assert Run.objects.count() == 2 and Session.objects.count() == 1
    assert UsageEvent.objects.filter(run_id=Run.objects.get(run_id="r").pk).count() == 3
    assert UsageEvent.objects.filter(starts_run=True).count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("text", [V7, "plain"])
def test_where_one_event_is_known_the_others_are_stored_all_the_same(lane, text):
    record(lane, [fresh(text)])
    assert record(lane, [fresh("new", run_id="r"), fresh(text, run_id="idle")]) == [1]
    assert record(lane, [fresh(text, run_id="idle")]) == [0]
    assert UsageEvent.objects.count() == EventKey.objects.count() == 2
    assert list(Run.objects.values_list("run_id", flat=True)) == ["r"]
    fold_all()
    assert verify(deep=True).ok


@pytest.mark.django_db
def test_an_answer_seen_by_two_senders_counts_once(lane):
    assert record(lane, [fresh("sdk", response_id="resp")]) == []
    assert record(lane, [fresh("gateway", response_id="resp")]) == [0]
    assert record(lane, [fresh("gateway")]) == [0]
    assert UsageEvent.objects.count() == 1


@pytest.mark.django_db
def test_the_same_event_of_another_workspace_is_another_one(lane):
    other = Workspace.objects.create(name="other").pk
    assert record(lane, [fresh(V7, run_id="r")]) == record(other, [fresh(V7, run_id="r")]) == []
    assert Run.objects.count() == UsageEvent.objects.filter(starts_run=True).count() == 2


@pytest.mark.django_db
def test_an_old_event_takes_the_long_way(lane):
    assert record(lane, [fresh("old", timestamp=datetime.now(UTC) - timedelta(days=40))]) == []
    assert record(lane, [fresh("old")]) == [0]


@pytest.mark.django_db(transaction=True)
def test_the_same_events_from_everywhere_at_once_are_stored_once():
    lane = Workspace.objects.create(name="w").pk
    forget()
    record(lane, [fresh("warm")])
    for n in range(5):
        sent = [fresh(f"{n}-a", run_id=f"r{n}", user_id="u"), fresh(f"{n}-b", run_id=f"r{n}", session_id=f"s{n}")]
        told = at_once([lambda sent=sent: record(lane, sent)] * 6)
        assert sum(2 - len(duplicates) for duplicates in told) == 2  # type: ignore[arg-type]
    assert UsageEvent.objects.count() == EventKey.objects.count() == 11
    assert UsageEvent.objects.filter(starts_run=True).count() == Run.objects.count() == 5
    fold_all()
    assert verify(deep=True).ok


@pytest.mark.django_db(transaction=True)
def test_the_same_names_from_everywhere_at_once_are_made_once():
    lane = Workspace.objects.create(name="w").pk
    forget()
    record(lane, [fresh("warm")])
    told = at_once([
        lambda n=n: [record(lane, [fresh(f"{n}-{i}", run_id=f"r{i}", session_id="s", user_id="u")]) for i in range(10)]
        for n in range(6)
    ])  # fmt: skip
    assert told == [[[]] * 10] * 6
    assert Run.objects.count() == UsageEvent.objects.filter(starts_run=True).count() == 10
    fold_all()
    assert verify(deep=True).ok and {run.calls for run in Run.objects.all()} == {6}


@pytest.mark.django_db
@pytest.mark.parametrize("new", [[], ["user_id"], ["session_id"], ["run_id"], ["user_id", "run_id"]], ids=str)
def test_each_event_gets_the_names_it_came_with_however_many_of_them_are_known(lane, new):
    known = {"user_id": "u", "session_id": "s", "run_id": "r"}
    record(lane, [fresh("first", **known)])
    record(lane, [fresh("second", **{name: f"new {value}" if name in new else value for name, value in known.items()})])
    first, second = lies("first"), lies("second")
    ids = {"user_id": "end_user_id", "session_id": "session_id", "run_id": "run_id"}
    assert {name for name, column in ids.items() if first[column] != second[column]} == {*new}
    assert second["starts_run"] == (True if "run_id" in new else None)
    fold_all()
    assert verify(deep=True).ok
