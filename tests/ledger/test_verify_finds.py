"""The proof of the books proves something: whatever is damaged, wherever, it says so and names the place."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import F

from costwatch.accounts.keys import create_key
from costwatch.accounts.models import Workspace
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import Cut, EventKey, IngestBatch, Run, SpendDay, SpendQuarter, UsageEvent
from costwatch.ledger.record import record
from costwatch.ledger.rollups import DAY_CUTS, QUARTER_CUTS
from costwatch.ledger.store import MEASURES
from costwatch.ledger.verify import MOST_SHOWN, verify
from tests.ledger.make import NOW, entry

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
DAY = 24 * 60


@pytest.fixture(autouse=True)
def two_sets_of_books(workspace):
    """Folded calls with every label, of two days and two agents; those of a neighbour; and some not folded yet."""
    key = create_key(workspace, "web", ["ingest"])[0].pk
    everything = {"task": "t", "environment": "prod", "release": "1", "api_key_id": key, "user_id": "u",
                  "run_id": "r", "session_id": "s", "cached_input_tokens": 5, "cache_write_tokens": 3,
                  "reasoning_tokens": 2, "error": True, "upper_bound": Decimal("0.25")}  # fmt: skip
    record(workspace.lane, [
        entry("one", agent_id="a", **everything), entry("two", minutes=-DAY, agent_id="b", **everything),
        entry("three", cost=None, upper_bound=Decimal(1), run_id="r2"),
        entry("four", cost=None, cost_source=6, run_id="r2"),
    ])  # fmt: skip
    neighbour = Workspace.objects.create(name="Neighbour", time_zone="Asia/Tokyo")
    record(neighbour.lane, [entry("one", run_id="r", user_id="u", agent_id="a")])
    fold_all()
    record(workspace.lane, [entry("five", run_id="r", user_id="u")])
    assert verify(deep=True).ok
    return neighbour


def found(deep=False):
    return verify(deep).differences


@pytest.mark.parametrize("cut", QUARTER_CUTS, ids=lambda cut: cut.name.lower())
def test_a_lost_row_of_quarter_hours_is_missed(lane, cut):
    SpendQuarter.objects.filter(lane=lane, cut=cut).order_by("slot", "a")[:1].get().delete()
    assert {said.split(":")[0] for said in found()} == {f"workspace {lane}, spend_quarter {cut.name.lower()}"}


@pytest.mark.parametrize("cut", DAY_CUTS, ids=lambda cut: cut.name.lower())
def test_a_lost_row_of_days_is_missed(lane, cut):
    SpendDay.objects.filter(lane=lane, cut=cut).order_by("day", "a")[:1].get().delete()
    assert {said.split(":")[0] for said in found()} == {f"workspace {lane}, spend_day {cut.name.lower()}"}


@pytest.mark.parametrize("table", [SpendQuarter, SpendDay, Run])
def test_a_change_of_any_measure_by_the_least_is_seen(lane, table):
    for measure in MEASURES:
        least = Decimal("0.000000000001") if measure in ("cost", "error_cost", "upper_bound") else 1
        rows = table.objects.filter(lane=lane, **({} if table is Run else {"cut": Cut.TOTAL}))
        row = rows.exclude(**{measure: None}).first()
        assert row, measure
        rows.filter(pk=row.pk).update(**{measure: F(measure) + least})
        (said,) = found()
        assert f"{table._meta.db_table}{'' if table is Run else ' total'}: {measure} is " in said
        rows.filter(pk=row.pk).update(**{measure: F(measure) - least})
    assert verify(deep=True).ok


def test_the_sentence_has_both_numbers(lane):
    Run.objects.filter(lane=lane, run_id="r").update(cost=Decimal("9.5"))
    assert found() == [
        f"workspace {lane}, run: cost is 9.500000000000, the events say 0.024600000000",
    ]
    (row,) = [said for said in found(deep=True) if said.startswith("run {")]
    assert "2 calls 9.500000000000 USD, the events say 2 calls 0.024600000000 USD" in row


def test_a_batch_that_lost_its_row_is_folded_nowhere(lane):
    IngestBatch.objects.all().delete()
    report = verify()
    assert not report.ok and report.unfolded == 0
    assert any(f"workspace {lane}, spend_day total: events is 4, the events say 5" == said for said in found())
    assert report.summary.startswith(f"books DO NOT balance: {len(report.differences)} differences over 6 events")


def test_a_batch_that_is_in_the_rollups_and_waits_again_would_count_twice(lane):
    (event,) = UsageEvent.objects.filter(lane=lane, event_id="one")
    at = {"first_at": event.occurred_at - timedelta(days=2), "last_at": event.occurred_at, "received_at": NOW}
    IngestBatch.objects.create(id=event.batch_id, lane=lane, **at)
    assert f"workspace {lane}, spend_day total: events is 4, the events say 0" in found()


def test_what_belongs_to_another_day_or_slot_is_only_seen_row_by_row(lane):
    SpendDay.objects.filter(lane=lane, cut=Cut.TASK).update(day=F("day") - timedelta(days=9))
    SpendQuarter.objects.filter(lane=lane, cut=Cut.MODEL).update(slot=F("slot") + timedelta(minutes=15))
    assert verify().ok
    said = found(deep=True)
    assert all("'cut': '5'" in one if one.startswith("spend_day") else "'cut': '2'" in one for one in said)
    assert {one.split(" ")[0] for one in said} == {"spend_day", "spend_quarter"}


def test_spend_under_the_wrong_user_is_only_seen_row_by_row(lane):
    user = SpendDay.objects.filter(lane=lane, cut=Cut.USER).exclude(a=0).first()
    SpendDay.objects.filter(lane=lane, cut=Cut.USER, day=user.day, a=user.a).update(a=user.a + 1_000)
    assert verify().ok
    assert len(found(deep=True)) == 2  # one too many, one missing


def test_the_wrong_run_and_the_wrong_workspace_are_seen(lane, two_sets_of_books):
    first, second = Run.objects.filter(lane=lane).order_by("run_id")
    Run.objects.filter(pk=first.pk).update(calls=second.calls, cost=second.cost)
    Run.objects.filter(pk=second.pk).update(calls=first.calls, cost=first.cost)
    assert verify().ok
    assert len(found(deep=True)) == 2
    Run.objects.filter(pk=first.pk).update(lane=two_sets_of_books.lane, run_id="stolen")
    assert not verify().ok


def test_a_row_of_nothing_is_no_difference(lane):
    SpendDay.objects.create(lane=lane, cut=Cut.AGENT, day=NOW.date(), a=777, b=0)
    SpendQuarter.objects.create(lane=lane, cut=Cut.AGENT, slot=NOW.replace(minute=0, second=0, microsecond=0), a=777)
    assert verify(deep=True).ok


def test_an_event_whose_key_is_another_ones_is_named(lane):
    key = EventKey.objects.filter(lane=lane, alias_of=None).order_by("event_key").first()
    EventKey.objects.filter(lane=lane, event_key=key.event_key).delete()
    assert found() == [f"workspace {lane}: 4 event keys for 5 events"]
    other = "00000000-0000-4000-8000-000000000000"
    EventKey.objects.create(lane=lane, event_key=other, second=key.second)
    assert verify().ok
    assert found(deep=True) == [f"workspace {lane}: event {key.event_key} has no key of its own"]


def test_an_event_stored_twice_is_seen(lane):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO usage_event SELECT * FROM usage_event WHERE lane = %s AND event_id = 'five'", [lane]
        )
    assert f"workspace {lane}: 5 event keys for 6 events" in found()


def test_of_very_many_differences_the_first_of_each_kind_are_shown(lane):
    record(lane, [entry(agent_id=f"agent-{n}") for n in range(MOST_SHOWN + 5)])
    fold_all()
    SpendDay.objects.filter(lane=lane, cut=Cut.AGENT).update(errors=F("calls"))
    rows = [said for said in found(deep=True) if said.startswith("spend_day {")]
    assert len(rows) == MOST_SHOWN
