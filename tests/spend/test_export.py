"""Files hold the same events and sums as the API, all of them, in order, read a batch at a time."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from costwatch.accounts.models import Workspace
from costwatch.ledger.adjust import Adjustment, adjust
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import UsageEvent
from costwatch.ledger.record import record
from costwatch.pricing.usage import CostSource
from costwatch.spend import export
from costwatch.spend.events import events
from costwatch.spend.filters import EARLIEST, LATEST, BadQuery, SpendFilter
from costwatch.spend.queries import query
from costwatch.spend.sums import FIELDS, Sums, add
from tests.ledger.make import entry
from tests.spend.usage import generated

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
EVER = SpendFilter(EARLIEST, LATEST)
DAYS = SpendFilter(datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 11, 5, tzinfo=UTC))


def table(made: export.Export) -> list[dict]:
    names = [column.name for column in made.columns]
    return [dict(zip(names, row, strict=True)) for rows in made.batches for row in rows]


def all_events(workspace, filter=EVER):
    found, cursor = [], None
    while True:
        page = events(workspace, filter, cursor, order="time")
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return found


@pytest.mark.parametrize(
    "conditions",
    [{}, {"include": {"agent": ("agent-1", "")}}, {"exclude": {"user": ("user-1",)}}, {"include": {"tag.team": ("b",)}},
     {"include": {"run": ("run-2",)}, "exclude": {"model": ("model-0",)}}],
)  # fmt: skip
def test_events_are_those_of_the_api_in_order_of_time(workspace, stored, conditions):
    stored(generated(5), folded=100)
    span = SpendFilter(DAYS.start, DAYS.end, **conditions)
    rows, listed = table(export.events(workspace, span)), all_events(workspace, span)
    assert len(rows) == len(listed) > 2
    for row, event in zip(rows, listed, strict=True):
        same = ("event_id", "timestamp", "model", "agent_id", "user_id", "run_id", "session_id", "task", "key",
                "input_tokens", "cache_write_1h_tokens", "requests", "status", "cost_source", "batch")  # fmt: skip
        assert {name: row[name] for name in same} == {name: event[name] for name in same}
        assert json.loads(row["tags"] or "{}") == event["tags"]
        assert row["cost_usd"] == (None if event["cost_usd"] is None else Decimal(event["cost_usd"]))


def test_what_loops_are_found_by_is_in_the_file_so_that_a_history_can_be_judged_again(workspace):
    told = {"tool": "lookup", "call_fingerprint": "c0ffee", "input_fingerprint": "beef", "input_error": True}
    record(workspace.lane, [entry("e-1", **told)])
    (row,) = table(export.events(workspace, EVER))
    assert {name: row[name] for name in told} == told


def test_a_corrected_event_has_its_cost_of_now_and_that_of_before(workspace):
    record(workspace.lane, [entry("e-1", cost="2"), entry("e-2", cost=None, upper_bound=Decimal("9"))])
    correct(workspace, "e-1", cost=Decimal("-0.5"))
    correct(workspace, "e-2", cost=Decimal("3"), unpriced_calls=-1, upper_bound=Decimal("-9"))
    rows = {row["event_id"]: row for row in table(export.events(workspace, EVER))}
    assert (rows["e-1"]["cost_usd"], rows["e-1"]["recorded_cost_usd"]) == (Decimal("1.5"), Decimal("2"))
    assert (rows["e-2"]["cost_usd"], rows["e-2"]["recorded_cost_usd"]) == (Decimal("3"), None)
    assert rows["e-2"]["unpriced_upper_bound_usd"] is None
    assert rows["e-2"]["cost_source"] == "override"
    listed = {event["event_id"]: event["cost_usd"] for event in all_events(workspace)}
    assert listed == {"e-1": "1.500000000000", "e-2": "3.000000000000"}


@pytest.mark.parametrize(("group_by", "bucket"), [((), "none"), (("agent",), "none"), (("agent", "model"), "day"),
                                                  (("tag.team", "user"), "hour"), ((), "week")])  # fmt: skip
def test_sums_are_those_of_the_query_and_add_up_to_its_total(workspace, stored, group_by, bucket):
    stored(generated(6), folded=100)
    rows = table(export.spend(workspace, DAYS, group_by, bucket))
    answer = query(workspace, DAYS, group_by, bucket, limit=10_000)
    expected = [{**({"bucket": group.bucket} if group.bucket else {}), **group.values,
                 **{export.SUM_NAMES.get(name, name): getattr(group.sums, name) for name in FIELDS}}
                for group in answer.groups]  # fmt: skip
    for row in rows:  # an hour that the clocks repeat equals no other time, unless it is told in UTC
        row.update({"bucket": row["bucket"].astimezone(UTC)} if "bucket" in row else {})
    assert rows == expected
    total = add(Sums(*(row[export.SUM_NAMES.get(name, name)] for name in FIELDS)) for row in rows)
    assert total == answer.total


def test_a_limit_joins_the_rest_and_marks_it(workspace):
    record(workspace.lane, [entry(agent_id=f"a{n}", cost=str(n)) for n in range(1, 5)])
    rows = table(export.spend(workspace, EVER, ("agent",), limit=1))
    assert [(row["agent"], row["other"], row["cost_usd"]) for row in rows] == [("a4", False, 4), (None, True, 6)]


@pytest.mark.parametrize(
    ("options", "field"),
    [({"group_by": ("nonsense",)}, "group_by"), ({"bucket": "day"}, "bucket"), ({"time_zone": "Mars/Base"}, "tz")],
)
def test_what_cannot_be_asked_is_refused_before_a_row_is_read(workspace, options, field):
    with pytest.raises(BadQuery) as refused:
        export.spend(workspace, EVER, **options)
    assert refused.value.field == field


def test_rows_come_in_batches_while_the_table_is_read(workspace, monkeypatch):
    monkeypatch.setattr(export, "BATCH", 50)
    record(workspace.lane, [entry(minutes=n, cost="1") for n in range(230)])
    fold_all()
    batches = export.events(workspace, EVER).batches
    assert len(next(batches)) == 50
    assert sorted(map(len, batches), reverse=True)[0] == 50
    assert sum(len(rows) for rows in export.events(workspace, EVER).batches) == 230


def test_what_is_committed_meanwhile_is_not_in_a_file_that_has_begun(workspace):
    record(workspace.lane, [entry(minutes=-n, cost="1") for n in range(3)])
    made = export.spend(workspace, EVER, ("agent",))
    assert table(made)[0]["events"] == 3


def test_nobody_elses_events_are_in_it(workspace):
    other = Workspace.objects.create(name="Somebody else")
    record(other.lane, [entry(cost="1")])
    assert table(export.events(workspace, EVER)) == table(export.spend(workspace, EVER, ("agent",))) == []


def correct(workspace, event_id: str, **measures) -> None:
    event = UsageEvent.objects.get(lane=workspace.lane, event_id=event_id)
    adjust(workspace.lane, [Adjustment(event.occurred_at, event.attribution_id, measures, "repriced", event.event_key,
                                       cost_source=CostSource.OVERRIDE)])  # fmt: skip
