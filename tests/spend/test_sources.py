"""Which tables answer: the smallest that can, each for what it is exact for, together exactly the range."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costwatch.ledger.models import Cut
from costwatch.ledger.rollups import DAY_CUTS, QUARTER_CUTS
from costwatch.lib import periods
from costwatch.spend.dimensions import NAMES
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import prepare
from costwatch.spend.snapshot import Snapshot
from costwatch.spend.sources import ENTRIES, PAIRS, SINGLE, cover, sources_for
from costwatch.spend.statement import statement

BERLIN = periods.zone("Europe/Berlin")
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Cairo"]).map(
    periods.zone
)
instants = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))
spans = st.timedeltas(timedelta(0), timedelta(days=60))
dimensions = st.sets(st.sampled_from([*NAMES, "tag.team"]), max_size=4)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def used(names, edges=(), zone=BERLIN):
    return [(source.table, source.cut) for source in sources_for(set(names), edges, zone)]


@pytest.mark.parametrize(
    ("names", "coarsest"),
    [
        ((), Cut.TOTAL),
        (("agent",), Cut.AGENT),
        (("key",), Cut.KEY),
        (("user",), Cut.USER),
        (("agent", "task"), Cut.AGENT_TASK),
        (("model", "agent"), Cut.AGENT_MODEL),
        (("tag.team",), Cut.ATTRIBUTION),
        (("agent", "provider"), Cut.ATTRIBUTION),
        (("agent", "task", "model", "key", "tag.x"), Cut.ATTRIBUTION),
        (("user", "task"), None),
        (("agent", "task", "user"), None),
        (("user", "model"), None),
        (("run",), None),
        (("session", "agent"), None),
    ],
)
def test_the_smallest_table_that_knows_the_dimensions_comes_first(names, coarsest):
    assert used(names)[0][1] == coarsest
    assert used(names)[-1] == ("ledger_entry", None)


def test_only_single_dimensions_have_quarter_hours():
    assert ("spend_quarter", Cut.MODEL) in used(["model"])
    assert ("spend_quarter", Cut.TOTAL) in used([])
    for names in (["user"], ["tag.team"], ["agent", "task"]):
        assert "spend_quarter" not in [table for table, _ in used(names)]


def test_every_table_that_is_named_is_one_that_fold_writes():
    assert set(SINGLE.values()) | {cut for cut, _ in PAIRS.values()} | {Cut.TOTAL, Cut.ATTRIBUTION} == set(DAY_CUTS)
    assert {cut for cut in (Cut.TOTAL, *SINGLE.values()) if cut in QUARTER_CUTS} == set(QUARTER_CUTS)


def test_buckets_of_another_zone_rule_the_days_out_but_not_the_quarter_hours():
    midnight = periods.midnight(datetime(2026, 11, 18).date(), periods.zone("Asia/Kathmandu"))
    assert used(["agent"], [midnight]) == [("spend_quarter", Cut.AGENT), ("ledger_entry", None)]
    assert used(["agent", "task"], [midnight]) == [("ledger_entry", None)]
    assert used(["agent"], [midnight], periods.zone("Asia/Kathmandu"))[0] == ("spend_day", Cut.AGENT)


def test_an_edge_inside_a_quarter_hour_leaves_the_entries():
    assert used([], [utc("2026-11-18T13:32")]) == [("ledger_entry", None)]


def test_a_range_is_taken_from_days_in_the_middle_and_finer_tables_at_its_edges():
    pieces = cover(utc("2026-11-17T10:07"), utc("2026-11-20T01:00:01"), sources_for({"agent"}, [], BERLIN), BERLIN)
    told = [(p.source.table, p.start, p.end) for p in pieces]
    assert told == [
        ("ledger_entry", utc("2026-11-17T10:07"), utc("2026-11-17T10:15")),
        ("spend_quarter", utc("2026-11-17T10:15"), utc("2026-11-17T23:00")),
        ("spend_day", utc("2026-11-17T23:00"), utc("2026-11-19T23:00")),
        ("spend_quarter", utc("2026-11-19T23:00"), utc("2026-11-20T01:00")),
        ("ledger_entry", utc("2026-11-20T01:00"), utc("2026-11-20T01:00:01")),
    ]


def test_where_there_are_days_only_what_is_too_much_of_a_day_is_taken_out_again():
    pieces = cover(utc("2026-11-17T21:00"), utc("2026-11-20T15:00"), sources_for({"agent", "task"}, [], BERLIN), BERLIN)
    assert [(p.source.table, p.start, p.end, p.less) for p in pieces] == [
        ("ledger_entry", utc("2026-11-17T21:00"), utc("2026-11-17T23:00"), False),
        ("spend_day", utc("2026-11-17T23:00"), utc("2026-11-20T23:00"), False),
        ("ledger_entry", utc("2026-11-20T15:00"), utc("2026-11-20T23:00"), True),
    ]


def test_of_a_day_whose_middle_is_asked_for_both_ends_are_taken_out():
    pieces = cover(utc("2026-11-17T01:00"), utc("2026-11-17T22:00"), sources_for({"agent", "task"}, [], BERLIN), BERLIN)
    assert [(p.source.table, p.start, p.end, p.less) for p in pieces] == [
        ("ledger_entry", utc("2026-11-16T23:00"), utc("2026-11-17T01:00"), True),
        ("spend_day", utc("2026-11-16T23:00"), utc("2026-11-17T23:00"), False),
        ("ledger_entry", utc("2026-11-17T22:00"), utc("2026-11-17T23:00"), True),
    ]


def test_a_whole_local_day_is_one_row_of_days():
    day = periods.period("day", utc("2026-10-25T12:00"), BERLIN)
    assert [p.source.table for p in cover(day.start, day.end, sources_for({"model"}, [], BERLIN), BERLIN)] == [
        "spend_day"
    ]


@given(instants, spans, ZONES, dimensions)
@settings(max_examples=300, deadline=None)
def test_the_pieces_are_exactly_the_range(start, span, zone, names):
    """A moment is counted once inside the range and not at all outside: what is added less what is taken out."""
    pieces = cover(start, start + span, sources_for(names, [], zone), zone)
    moments = {start, start + span, *(edge for piece in pieces for edge in (piece.start, piece.end))}
    for moment in moments | {moment - timedelta(microseconds=1) for moment in moments}:
        counted = sum(-1 if p.less else 1 for p in pieces if p.start <= moment < p.end)
        assert counted == (start <= moment < start + span)
    for piece in pieces:
        assert piece.start < piece.end
        assert piece.source.aligned(piece.start, piece.end, zone) == (piece.start, piece.end)


@given(instants, spans, ZONES, dimensions)
@settings(max_examples=200, deadline=None)
def test_what_comes_from_rollups_is_one_stretch_so_that_one_tail_completes_it(start, span, zone, names):
    tables = [p.source.table for p in cover(start, start + span, sources_for(names, [], zone), zone)]
    rolled = [i for i, table in enumerate(tables) if table != ENTRIES.table]
    assert rolled == list(range(rolled[0], rolled[-1] + 1)) if rolled else True


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("conditions", "group_by", "bucket", "tables"),
    [
        ({}, (), "day", {"spend_day"}),
        ({"agent": ("a",)}, ("task",), "day", {"spend_day"}),
        ({"agent": ("a",)}, (), "hour", {"spend_quarter"}),
        ({"tag.team": ("ops",)}, ("agent",), "month", {"spend_day"}),
        ({"run": ("r",)}, (), "none", {"ledger_entry"}),
    ],
)
def test_the_statement_reads_no_other_table_when_nothing_is_unfolded(workspace, conditions, group_by, bucket, tables):
    days = SpendFilter(utc("2026-10-31T23:00"), utc("2026-11-30T23:00"), conditions)
    starts = [] if bucket == "none" else [p.start for p in periods.buckets(days.start, days.end, bucket, BERLIN)]
    asked = prepare(workspace, days, group_by, starts)
    text, parameters = statement(asked, Snapshot(days.end, []), 10)
    assert {name for name in ("spend_day", "spend_quarter", "ledger_entry") if f"FROM {name} " in text} == tables
    assert text.count("%s") == len(parameters)


@pytest.mark.django_db
def test_the_tail_is_read_for_the_stretch_of_the_rollups_and_only_if_there_is_one(workspace):
    days = SpendFilter(utc("2026-10-31T23:00"), utc("2026-11-30T23:00"))
    asked = prepare(workspace, days, (), [])
    inside = (7, workspace.lane, utc("2026-11-18T13:00"), utc("2026-11-18T14:00"))
    later = (8, workspace.lane, utc("2026-12-18T13:00"), utc("2026-12-18T14:00"))
    with_tail, parameters = statement(asked, Snapshot(days.end, [inside, later]), 10)
    assert "FROM ledger_entry " in with_tail
    assert [7] in parameters
    assert "ledger_entry" not in statement(asked, Snapshot(days.end, [later]), 10)[0]
