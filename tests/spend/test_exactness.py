"""Every answer is the sum of the events it means, to the last digit, whichever tables it was taken from."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.ledger.fold import rebuild
from costwatch.lib import periods
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import BUCKETS, query
from costwatch.spend.sums import add
from tests.spend.usage import CENTRES, expected, generated, value_of

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]

ZONES = ["Europe/Berlin", "UTC", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe"]
DIMENSIONS = ["provider", "model", "operation", "agent", "task", "environment", "release", "key", "user", "session",
              "run", "tag.team", "tag.customer"]  # fmt: skip
per_data = settings(max_examples=120, deadline=None,
                    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # fmt: skip


def first_of_run(entries):
    """Each run begins with the first event of it that was stored."""
    seen: dict[str, str] = {}
    for e in entries:
        if e.run_id:
            seen.setdefault(e.run_id, e.event_id)
    return set(seen.values())


def without_key(dimensions: Sequence[str]) -> list[str]:
    return [d for d in dimensions if d != "key"]


@st.composite
def filters(draw, entries):
    centre = draw(st.sampled_from(CENTRES)).replace(tzinfo=UTC)
    kind = draw(st.sampled_from(["event", "quarter", "day", "any"]))
    span = draw(st.timedeltas(timedelta(minutes=1), timedelta(days=9)))
    start = centre - draw(st.timedeltas(timedelta(0), timedelta(days=4)))
    if kind == "event":
        start = draw(st.sampled_from([e.timestamp for e in entries]))
    if kind == "quarter":
        start = periods.floor(start)
    if kind == "day":
        zone = periods.zone(draw(st.sampled_from(ZONES)))
        day = periods.period("day", start, zone)
        start, span = day.start, periods.period("day", start + span, zone).end - day.start
    conditions = {}
    for part in ("include", "exclude"):
        names = draw(st.lists(st.sampled_from(without_key(DIMENSIONS)), max_size=2, unique=True))
        conditions[part] = {
            name: tuple(
                draw(
                    st.lists(
                        st.sampled_from([*sorted({value_of(e, name) for e in entries}), "?"]), min_size=1, max_size=3
                    )
                )
            )
            for name in names
        }
    return SpendFilter(start, start + span, **conditions)


def check(workspace, entries, filter, group_by, bucket, zone):
    starts = []
    if bucket != "none":
        tz = periods.zone(zone)
        starts = [p.start for p in periods.buckets(filter.start, filter.end, bucket, tz, workspace.week_start)]
    answer = query(workspace, filter, group_by, bucket, zone)
    found = {(*(g.values[d] for d in group_by), g.bucket): g.sums for g in answer.groups}
    wanted = expected(entries, filter, group_by, starts, first_of_run(entries))
    assert found == {key: sums for key, sums in wanted.items() if sums}
    assert len(found) == len(answer.groups)
    assert answer.total == add(wanted.values())


@pytest.mark.parametrize(
    ("seed", "zone", "folded", "sheeted"),
    [
        (1, "Europe/Berlin", 160, 0),
        (2, "Asia/Kathmandu", 100, 100),
        (3, "America/New_York", 0, 0),
        (4, "Australia/Lord_Howe", 130, 8),
        (1, "Europe/Berlin", 160, 100),
    ],
)
def test_any_question_is_answered_as_counting_the_events_would(workspace, stored, seed, zone, folded, sheeted):
    workspace.time_zone, workspace.week_start = zone, (1, 7, 6, 1)[seed - 1]
    workspace.save()
    entries = stored(generated(seed), folded, sheeted)

    @per_data
    @given(
        filters(entries),
        st.lists(st.sampled_from(DIMENSIONS), max_size=3, unique=True),
        st.sampled_from(BUCKETS),
        st.one_of(st.just(zone), st.sampled_from(ZONES)),
    )
    def ask(filter, group_by, bucket, asked_zone):
        if "key" in group_by:  # these events came without one
            entries_of_key = {g.values["key"] for g in query(workspace, filter, ["key"]).groups}
            assert entries_of_key <= {""}
            group_by = without_key(group_by)
        check(workspace, entries, filter, group_by, bucket, asked_zone)

    ask()


@pytest.mark.parametrize("sheeted", [0, 6, 100])
def test_a_limit_keeps_the_first_combinations_as_they_are_and_the_others_add_up_to_the_rest(workspace, stored, sheeted):
    entries = stored(generated(7), 110, sheeted)

    @per_data
    @given(
        filters(entries),
        st.lists(st.sampled_from(without_key(DIMENSIONS)), min_size=1, max_size=2, unique=True),
        st.sampled_from(BUCKETS),
        st.integers(1, 6),
        st.sampled_from(["cost", "calls", "input_tokens"]),
    )
    def ask(filter, group_by, bucket, limit, rank):
        whole = query(workspace, filter, group_by, bucket, rank=rank)
        cut = query(workspace, filter, group_by, bucket, limit=limit, rank=rank)
        sums = {(*(g.values[d] for d in group_by), g.bucket): g.sums for g in whole.groups}
        kept = {(*(g.values[d] for d in group_by), g.bucket): g.sums for g in cut.groups if not g.other}
        assert kept.items() <= sums.items()
        measures = {name: sum(getattr(s, rank) for key, s in sums.items() if key[:-1] == name)
                    for name in {key[:-1] for key in sums}}  # fmt: skip
        dearest = sorted(measures.values(), reverse=True)[:limit]
        assert sorted((measures[name] for name in {key[:-1] for key in kept}), reverse=True) == dearest
        assert cut.total == whole.total
        buckets = {g.bucket for g in whole.groups}
        assert {b: add(g.sums for g in cut.groups if g.bucket == b) for b in buckets} == {
            b: add(g.sums for g in whole.groups if g.bucket == b) for b in buckets
        }

    ask()


@pytest.mark.parametrize("dimension", without_key(DIMENSIONS))
@pytest.mark.parametrize("bucket", ["none", "hour", "day", "month"])
def test_each_dimension_alone_adds_up_over_folded_and_unfolded_events(workspace, stored, dimension, bucket):
    entries = stored(generated(5), folded=90)
    filter = SpendFilter(datetime(2026, 10, 20, 7, 3, 1, tzinfo=UTC), datetime(2026, 11, 3, 16, 44, 59, tzinfo=UTC))
    check(workspace, entries, filter, [dimension], bucket, "Europe/Berlin")


def test_the_answer_is_the_same_after_the_time_zone_of_the_workspace_was_changed(workspace, stored):
    entries = stored(generated(6), folded=120)
    workspace.time_zone = "Asia/Kathmandu"
    workspace.save()
    rebuild(workspace.lane)
    filter = SpendFilter(datetime(2026, 10, 20, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC))
    check(workspace, entries, filter, ["agent", "task"], "day", "Asia/Kathmandu")
