"""Filling an empty installation and keeping it alive, on a real database. The whole history is filled once, in
tests/operations (the try-out of the wheel); here it is a shorter one."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from costwatch.accounts.models import ApiKey, AuditEntry, Workspace
from costwatch.budgets.models import Budget
from costwatch.demo import budgets, company, fill, stream
from costwatch.demo.generate import between, generate
from costwatch.ledger.models import IngestBatch, UsageEvent
from costwatch.ledger.verify import verify
from costwatch.spend import queries
from costwatch.spend.filters import SpendFilter
from ingest.accept import accept_events

pytestmark = [pytest.mark.usefixtures("prices"), pytest.mark.thorough]
NOW = datetime(2026, 11, 25, 14, 32, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Two days of history."""
    monkeypatch.setattr(company, "DAYS", 2)


@pytest.fixture(scope="module")
def expected():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(company, "DAYS", 2)
        return [event for day in generate(NOW) for event in day]


def total(workspace):
    return queries.query(workspace, SpendFilter(NOW - timedelta(days=4), NOW + timedelta(days=4)), ("agent",))


def test_an_empty_installation_is_filled_priced_and_folded(expected, capsys):
    stored = fill.fill_if_empty(NOW)
    assert stored == len(expected) == UsageEvent.objects.count()
    workspace = Workspace.objects.get()
    assert (workspace.name, workspace.time_zone) == ("Larkfield Support", "Europe/Berlin")
    assert not IngestBatch.objects.exists()
    assert verify(deep=True).ok
    answer = total(workspace)
    assert answer.total.cost > 50 and answer.total.unpriced_calls
    sent = Counter(event.get("agent_id", "") for event in expected)
    assert {group.values["agent"]: group.sums.calls for group in answer.groups} == sent
    assert f"{stored:,} calls" in capsys.readouterr().out


def test_filling_twice_stores_nothing_more():
    fill.fill_if_empty(NOW)
    assert [budget.name for budget in Budget.objects.order_by("pk")] == [wanted["name"] for wanted in budgets.BUDGETS]
    assert fill.fill_if_empty(NOW + timedelta(days=1)) == 0
    assert Budget.objects.count() == len(budgets.BUDGETS)


def test_a_fill_that_was_interrupted_is_completed_as_it_was_begun(expected):
    left = iter([False, True])
    first = fill.fill_if_empty(NOW, lambda: next(left, True))
    assert 0 < first < len(expected)
    assert first + fill.fill_if_empty(NOW + timedelta(hours=5)) == len(expected)
    assert {e.event_id for e in UsageEvent.objects.all()} == {event["event_id"] for event in expected}


def test_an_installation_with_usage_of_its_own_is_left_alone(capsys):
    own = Workspace.objects.create(name="Own")
    accept_events(own.lane, [{"model": "gpt-4.1", "input_tokens": 1}], NOW)
    assert fill.fill_if_empty(NOW) == 0
    assert UsageEvent.objects.count() == 1 and Workspace.objects.count() == 1
    assert "no demo data" in capsys.readouterr().out
    assert fill.existing() is None


def test_a_workspace_that_exists_is_used_and_keeps_its_zone():
    own = Workspace.objects.create(name="Own", time_zone="Asia/Kathmandu")
    fill.fill_if_empty(NOW)
    assert Workspace.objects.get() == own
    assert fill.existing().story.zone.key == "Asia/Kathmandu"


def test_calls_belong_to_the_keys_of_their_senders_and_the_log_says_who_made_them(expected):
    fill.fill_if_empty(NOW)
    answer = queries.query(Workspace.objects.get(), SpendFilter(NOW - timedelta(days=4), NOW), ("key",))
    pipeline = sum(event.get("environment") == "ci" for event in expected)
    calls = {group.values["key"]: group.sums.calls for group in answer.groups}
    assert calls == {company.KEYS[0]: len(expected) - pipeline, company.KEYS[1]: pipeline}
    done = AuditEntry.objects.filter(action__startswith="demo.").order_by("id").values_list("action", flat=True)
    assert list(done) == [fill.STARTED, fill.FILLED]


def test_the_stream_goes_on_where_the_history_ends(expected):
    fill.fill_if_empty(NOW)
    demo, now = fill.existing(), NOW + 20 * MINUTE
    assert stream.last_sent(demo, now) == NOW
    assert stream.step(demo, NOW, now) == now
    more = between(demo.story, NOW, now)
    assert UsageEvent.objects.count() == len(expected) + len(more) and more


def test_the_stream_catches_up_after_a_pause_without_repeating_a_call(expected):
    fill.fill_if_empty(NOW)
    demo, now = fill.existing(), NOW + timedelta(hours=15)
    stream.step(demo, NOW, NOW + timedelta(hours=2))
    since = stream.last_sent(demo, now)
    assert NOW < since < NOW + timedelta(hours=2)
    steps = 0
    while since < now:
        since, steps = stream.step(demo, since, now), steps + 1
    assert steps == 3, "six hours at a time"
    assert UsageEvent.objects.count() == len(expected) + len(between(demo.story, NOW, now))


def test_the_stream_runs_until_it_is_told_to_stop(expected):
    now = datetime.now(UTC) - timedelta(hours=1)
    fill.fill_if_empty(now)
    before, left = UsageEvent.objects.count(), iter([False, False])
    stream.run(lambda: next(left, True), pause=0)
    assert UsageEvent.objects.count() > before


def test_revoking_a_key_of_the_demo_ends_its_stream():
    fill.fill_if_empty(datetime.now(UTC) - timedelta(hours=1))
    before, left = UsageEvent.objects.count(), iter([False, False])
    ApiKey.objects.filter(name=company.KEYS[0]).update(revoked_at=NOW)
    stream.run(lambda: next(left, True), pause=0)
    assert UsageEvent.objects.count() == before


def test_without_a_demo_the_stream_only_waits():
    left = iter([False, False])
    stream.run(lambda: next(left, True), pause=0)
    assert not UsageEvent.objects.exists()
