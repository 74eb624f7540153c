"""Storing a batch: each event once, whatever is sent again."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from costwatch.ledger.models import EventKey, IngestBatch, Label, Run, UsageEvent
from costwatch.ledger.record import record
from tests.ledger.make import NOW, entry

pytestmark = pytest.mark.django_db


def total() -> tuple[int, Decimal]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(events)::int, sum(cost) FROM ledger_entry")
        return cursor.fetchone()


def test_a_stored_event_reads_back_as_it_was_sent(lane):
    sent = entry(
        "ev/1 ü", user_id="u-1", run_id="r-1", session_id="s-1", step=3, task="refund", environment="prod",
        release="triage@1.8.2", tags={"team": "ops"}, cached_input_tokens=1000, reasoning_tokens=5, latency_ms=812,
        error=True, error_type="timeout", tool="get_order", call_fingerprint="abc", input_error=False,
        units={"web_search": Decimal("2")}, raw_usage={"prompt_tokens": 1200}, cost="0.001234567891",
    )  # fmt: skip
    assert record(lane, [sent]) == []
    row = UsageEvent.objects.get()
    for field in ("event_id", "step", "input_tokens", "cached_input_tokens", "reasoning_tokens", "latency_ms", "error",
                  "error_type", "tool", "call_fingerprint", "input_error", "cost", "raw_usage"):  # fmt: skip
        assert getattr(row, field) == getattr(sent, field), field
    assert row.occurred_at == sent.timestamp
    assert row.units == {"web_search": 2}
    assert row.starts_run
    assert Run.objects.get(pk=row.run_id).run_id == "r-1"
    assert set(Label.objects.values_list("value", flat=True)) == {
        "openai", "gpt-5.4-mini", "chat", "triage", "refund", "prod", "triage@1.8.2"}  # fmt: skip


def test_the_same_event_sent_again_is_a_duplicate_and_counts_once(lane):
    record(lane, [entry("a"), entry("b")])
    assert record(lane, [entry("b"), entry("c"), entry("a")]) == [0, 2]
    assert total() == (3, Decimal("0.0369"))


def test_a_replay_on_another_day_is_still_a_duplicate(lane):
    record(lane, [entry("a")])
    assert record(lane, [entry("a", minutes=-60 * 24 * 400)]) == [0]


def test_the_same_event_twice_in_one_batch_counts_once(lane):
    assert record(lane, [entry("a"), entry("a"), entry("b")]) == [1]
    assert total()[0] == 2


def test_a_batch_of_nothing_but_duplicates_leaves_no_trace(lane):
    record(lane, [entry("a", run_id="r-1")])
    batches = IngestBatch.objects.count()
    assert record(lane, [entry("a", run_id="r-2")]) == [0]
    assert IngestBatch.objects.count() == batches
    assert not Run.objects.filter(run_id="r-2").exists()


def test_the_same_event_id_in_another_workspace_is_another_event(lane):
    record(lane, [entry("a")])
    assert record(lane + 1, [entry("a")]) == []
    assert total()[0] == 2


def test_one_call_told_by_two_senders_counts_once(lane):
    record(lane, [entry("sdk-1", response_id="resp-9")])
    assert record(lane, [entry("gateway-1", response_id="resp-9")]) == [0]
    assert total()[0] == 1


def test_a_third_sender_meets_the_call_under_either_name(lane):
    record(lane, [entry("sdk-1", response_id="resp-9")])
    record(lane, [entry("gateway-1", response_id="resp-9")])
    assert record(lane, [entry("gateway-1")]) == [0]
    alias = EventKey.objects.get(event_key=entry("gateway-1").keys[0].hex())
    own = EventKey.objects.get(event_key=entry("sdk-1").keys[0].hex())
    assert (alias.alias_of, alias.second) == (own.event_key, own.second)


def test_two_names_of_one_call_in_one_batch_count_once_and_both_lead_to_it(lane):
    assert record(lane, [entry("a", response_id="r"), entry("b", response_id="r")]) == [1]
    assert record(lane, [entry("b")]) == [0]
    assert EventKey.objects.get(event_key=entry("b").keys[0].hex()).alias_of.bytes == entry("a").keys[0]


def test_a_run_begins_once_with_its_first_stored_call(lane):
    record(lane, [entry(run_id="r-1"), entry(run_id="r-1"), entry(run_id="r-2")])
    record(lane, [entry(run_id="r-1"), entry(run_id="r-3")])
    assert UsageEvent.objects.filter(starts_run=True).count() == 3


def test_an_unpriced_event_has_no_cost_and_keeps_its_upper_bound(lane):
    record(lane, [entry(cost=None, upper_bound=Decimal("0.5"))])
    row = UsageEvent.objects.get()
    assert (row.cost, row.upper_bound) == (None, Decimal("0.5"))


@pytest.mark.parametrize("age", [timedelta(0), timedelta(days=40), timedelta(days=400), timedelta(days=5 * 365)])
def test_an_event_of_any_age_finds_a_partition(lane, age):
    record(lane, [entry(minutes=-age.total_seconds() / 60)])
    assert UsageEvent.objects.get().occurred_at == NOW - age


def test_labels_with_markup_quotes_and_other_alphabets_are_kept_as_they_are(lane):
    name = "<script>'\"; DROP TABLE run;-- 日本語 \u202e"
    record(lane, [entry(agent_id=name, user_id=name, tags={"k'": name})])
    assert Label.objects.filter(value=name).exists()


def test_nothing_is_stored_for_an_empty_batch(lane):
    assert record(lane, []) == []


def test_the_same_tags_in_another_order_are_one_attribution(lane):
    record(lane, [entry(tags={"team": "a", "customer": "b"}), entry(tags={"customer": "b", "team": "a"})])
    record(lane, [entry(tags={"customer": "b", "team": "a"})])
    assert UsageEvent.objects.values("attribution_id").distinct().count() == 1
