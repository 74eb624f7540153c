"""The feed of folded batches: each reader gets each batch once, in the order of folding, and what was in it."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain, combinations

import pytest

from costwatch.accounts.models import Workspace
from costwatch.ledger import feed
from costwatch.ledger.adjust import Adjustment, adjust
from costwatch.ledger.fold import fold, fold_all
from costwatch.ledger.models import Attribution, FeedReader, FoldedBatch, IngestBatch, Label, UsageEvent
from costwatch.ledger.record import record
from costwatch.lib import periods
from tests.ledger.make import NOW, entry
from tests.spend.usage import generated

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
FACTS = ("user", "session", "run")


def read(reader, most=100):
    with feed.reading(reader, most) as (_, batches):
        return [batch.batch_id for batch in batches]


def batches(lane, count):
    """So many batches of one call each, folded; their ids."""
    for _ in range(count):
        record(lane, [entry()])
        fold_all()
    return [*FoldedBatch.objects.order_by("position").values_list("batch_id", flat=True)]


def test_a_batch_is_read_once_in_portions_in_the_order_of_folding(lane):
    ids = batches(lane, 5)
    assert [read("me", most=2) for _ in range(4)] == [ids[:2], ids[2:4], ids[4:], []]
    more = batches(lane, 1)[-1:]
    assert read("me") == more


def test_every_reader_has_a_place_of_its_own(lane):
    ids = batches(lane, 3)
    assert read("one", most=2) == ids[:2]
    assert read("two") == ids
    assert read("one") == ids[2:]


def test_a_batch_that_is_not_folded_is_not_in_the_feed(lane):
    record(lane, [entry()])
    record(lane, [entry()])
    assert read("me") == []
    fold(most_batches=1)
    assert len(read("me")) == 1
    fold_all()
    assert len(read("me")) == 1


def test_a_reader_that_fails_gets_the_same_batches_again(lane):
    ids = batches(lane, 2)
    with pytest.raises(ZeroDivisionError), feed.reading("me") as (cursor, found):
        cursor.execute("UPDATE run SET calls = 99")
        assert [batch.batch_id for batch in found] == ids
        raise ZeroDivisionError
    assert read("me") == ids


def test_a_batch_tells_whose_it_is_and_when_its_calls_were(lane):
    record(lane, [entry(minutes=5), entry(minutes=-7), entry(minutes=1)])
    fold_all()
    with feed.reading("me") as (_, (batch,)):
        assert (batch.lane, batch.first_at, batch.last_at) == (
            lane, NOW - timedelta(minutes=7), NOW + timedelta(minutes=5)
        )  # fmt: skip


def test_what_all_have_read_goes_and_the_slowest_keeps_what_it_needs(lane):
    ids = batches(lane, 3)
    feed.prune()
    assert FoldedBatch.objects.count() == 3  # nobody has read anything
    read("fast")
    read("slow", most=1)
    feed.prune()
    assert [*FoldedBatch.objects.order_by("position").values_list("batch_id", flat=True)] == ids[1:]
    assert read("slow") == ids[1:]
    feed.prune()
    assert not FoldedBatch.objects.exists()
    assert (read("slow"), read("fast")) == ([], [])
    assert FeedReader.objects.count() == 2


def plain_sums(entries, corrections, by):
    """What `spent` should tell: (agent, user, session, run, slot) → cost and tokens that were added, whether less."""
    found = defaultdict(lambda: [Decimal(0), 0, False])
    for e, cost, tokens in [(e, e.cost or Decimal(0), (e.input_tokens or 0) + (e.output_tokens or 0)) for e in entries]:
        _count(found, e, by, cost, tokens)
    for e, cost, tokens in corrections:
        _count(found, e, by, cost, tokens)
    return {key: tuple(sums) for key, sums in found.items()}


def _count(found, e, by, cost, tokens):
    names = {"user": e.user_id, "session": e.session_id, "run": e.run_id}
    slot = int(periods.floor(e.timestamp).timestamp())
    sums = found[labels(e), *((names[name] or "") if name in by else "" for name in FACTS), slot]
    sums[0] += max(cost, 0)
    sums[1] += max(tokens, 0)
    sums[2] |= cost < 0 or tokens < 0


def labels(e):
    tags = tuple(sorted((e.tags or {}).items()))
    return (e.provider, e.model, e.operation, e.agent_id, e.task, e.environment, e.release, tags)


def attributions():
    names = dict(Label.objects.values_list("id", "value"))
    kinds = ("provider_id", "model_id", "operation_id", "agent_id", "task_id", "environment_id", "release_id")
    return {
        row.pk: (*(names.get(getattr(row, kind)) for kind in kinds), tuple(sorted(row.tags.items())))
        for row in Attribution.objects.all()
    }


@pytest.mark.parametrize("by", [*chain.from_iterable(combinations(FACTS, n) for n in range(4))])
def test_what_batches_added_is_told_apart_as_far_as_is_asked_for(lane, by):
    entries = generated(31, count=60)
    record(lane, entries)
    rows = {row.event_id: row for row in UsageEvent.objects.all()}
    corrections = [
        (e, Decimal(n - 3), (5 - n) * 10) for n, e in enumerate(entries[:12])
    ]  # some add money, some take it away, some take tokens
    adjust(lane, [
        Adjustment(e.timestamp, rows[e.event_id].attribution_id, {"cost": cost, "input_tokens": tokens}, "credit",
                   run_id=rows[e.event_id].run_id, session_id=rows[e.event_id].session_id,
                   end_user_id=rows[e.event_id].end_user_id)
        for e, cost, tokens in corrections
    ])  # fmt: skip
    fold_all()
    record(lane, [entry(cost="1000")])  # not folded: not told yet
    named = attributions()
    with feed.reading("me") as (cursor, found):
        told = feed.spent(cursor, found, by)
    assert {(named[s.attribution], s.user, s.session, s.run, s.slot): (s.cost, s.tokens, s.less) for s in told} == (
        plain_sums(entries, corrections, by)
    )


def test_calls_of_runs_are_told_with_what_they_are_judged_by(lane):
    at = datetime(2026, 11, 18, 9, 0, 0, 250_000, tzinfo=UTC)
    record(lane, [
        entry("first", timestamp=at, run_id="r-1", agent_id="triage", task="refund", step=3, tool="get_order",
              call_fingerprint="c", input_fingerprint="i", input_error=True, input_tokens=12, output_tokens=4,
              cost="0.5", latency_ms=1500, error=True, batch=True),
        entry("second", timestamp=at + timedelta(seconds=1), run_id="r-1", agent_id=None, cost=None,
              input_tokens=None, output_tokens=None),
        entry("tagged", timestamp=at, run_id="r-2", tags={"batch": "true"}),
        entry("no run", timestamp=at),
    ])  # fmt: skip
    fold_all()
    with feed.reading("me") as (cursor, found):
        told = {one.call[0]: one for one in feed.calls(cursor, found)}
    assert set(told) == {"first", "second", "tagged"}
    assert told["first"].call == (
        "first", "r-1", at.timestamp(), "triage", "refund", 3, "get_order", "c", "i", True, 12, 4, Decimal("0.5"), 1.5,
        True, True,
    )  # fmt: skip
    assert told["second"].call[3:] == ("", "", None, None, None, None, False, 0, 0, None, None, False, False)
    assert told["tagged"].call[-1] is True
    assert [told[name].starts_run for name in ("first", "second", "tagged")] == [True, False, True]
    assert told["first"].run == told["second"].run != told["tagged"].run
    assert {one.lane for one in told.values()} == {lane}


def test_the_newest_runs_are_told_whole_as_long_as_their_calls_fit(lane):
    neighbour = Workspace.objects.create(name="Neighbour")
    record(neighbour.lane, [entry(run_id="theirs", minutes=30)])
    for number, (run, calls) in enumerate([("old", 3), ("mid", 2), ("new", 3)]):
        record(lane, [entry(f"{run}-{n}", run_id=run, minutes=10 * number + n) for n in range(calls)])
    fold_all()

    def told(since, most):
        with feed.reading("me") as (cursor, _):
            return sorted({one.call[1] for one in feed.recent_calls(cursor, lane, since, most)})

    before = NOW - timedelta(hours=1)
    assert told(before, 100) == ["mid", "new", "old"]
    assert told(before, 7) == ["mid", "new"]
    assert told(before, 5) == ["mid", "new"]
    assert told(before, 4) == ["new"]
    assert told(before, 2) == []
    assert told(NOW + timedelta(minutes=11), 100) == ["mid", "new"]  # those that went on since then, with all calls
    assert told(NOW + timedelta(hours=1), 100) == []


def aged(seconds):
    """The newest batch, received so long ago."""
    newest = IngestBatch.objects.latest("pk")
    IngestBatch.objects.filter(pk=newest.pk).update(received_at=datetime.now(UTC) - timedelta(seconds=seconds))


def about(seconds):
    return pytest.approx(seconds, abs=20)


def test_how_far_readers_are_behind_is_the_age_of_the_oldest_batch_not_folded_or_not_read(lane):
    for reader in ("prompt", "slow", "minutely"):
        read(reader)
    prompt = ("prompt", "slow", "never")
    assert feed.behind(prompt) == 0
    for age in (300, 200, 100):
        record(lane, [entry()])
        aged(age)
    assert feed.behind(prompt) == about(300)
    fold(most_batches=2)
    assert feed.behind(prompt) == about(300), "folded, and read by nobody"
    read("prompt")
    assert feed.behind(prompt) == about(300), "the slowest decides"
    read("slow", most=1)
    assert feed.behind(prompt) == about(200)
    read("slow")
    assert feed.behind(prompt) == about(100), "not folded"
    fold_all()
    read("prompt")
    assert feed.behind(prompt) == about(100)
    read("slow")
    assert feed.behind(prompt) == 0, "others have time"


def test_a_clock_that_is_ahead_is_not_behind(lane):
    record(lane, [entry()])
    aged(-3_600)
    assert feed.behind(()) == 0
