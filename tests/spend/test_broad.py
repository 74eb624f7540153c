"""Broad questions are summed from the sheets of closed days: exactly as from the rows, which here are gone."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.accounts.keys import create_key
from costwatch.accounts.models import Workspace
from costwatch.ledger import sheets
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import Cut
from costwatch.ledger.record import record
from costwatch.lib import periods
from costwatch.spend import broad
from costwatch.spend.dimensions import LABELS
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import query, query_both
from costwatch.spend.sums import FIELDS, add
from tests.ledger.make import entry
from tests.spend.test_exactness import check
from tests.spend.usage import generated, value_of

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]

FIRST = datetime(2026, 10, 22, tzinfo=UTC)
SPAN = SpendFilter(FIRST, FIRST + timedelta(days=14))
WHOLE = SpendFilter(*(periods.midnight(day.date(), periods.zone("Europe/Berlin")) for day in (SPAN.start, SPAN.end)))
BROAD = [*LABELS, "user", "tag.team", "tag.customer"]
CUTS = [Cut.USER, Cut.AGENT_TASK, Cut.AGENT_MODEL, Cut.TASK_MODEL, Cut.ATTRIBUTION]
questions = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def usage(seed, count=400):
    """Two weeks of calls, some at every hour; the last of them today in the books: nothing of that day is closed."""
    dice = random.Random(seed)
    entries = generated(seed, count)
    for e in entries:
        e.timestamp = SPAN.start + timedelta(seconds=dice.randrange(14 * 86_400))
    return entries


@pytest.fixture
def only_sheets(workspace, stored, monkeypatch):
    """Entries whose rows by day are gone where a sheet has them, and the folded events too unless they are needed for
    the edges of days: what is answered comes from the sheets or is wrong."""
    monkeypatch.setattr(broad, "FEW_PROBES", 0)  # so that few attributions make a broad question too

    def store(entries, folded=None, *, events=False):
        stored(entries, folded, sheeted=100)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM spend_day WHERE cut = ANY(%s) AND day IN (SELECT day FROM spend_sheet)", [CUTS])
            assert cursor.rowcount > 0
            if not events:
                cursor.execute("DELETE FROM usage_event WHERE batch_id NOT IN (SELECT id FROM ingest_batch)")
        return entries

    return store


def is_broad(dimensions):
    """Whether there may be many values of these; for one label alone there is a small table."""
    return dimensions[0] in ("user", "tag.team", "tag.customer") or len(dimensions) > 1


@st.composite
def groupings(draw):
    return draw(st.lists(st.sampled_from(BROAD), min_size=1, max_size=3, unique=True).filter(is_broad))


@pytest.mark.thorough
@pytest.mark.parametrize(("seed", "folded"), [(1, None), (2, 330)])
def test_any_grouping_of_many_days_is_answered_by_the_sheets_alone(workspace, only_sheets, seed, folded):
    entries = only_sheets(usage(seed), folded)

    @questions
    @given(groupings(), st.sampled_from(["none", "day", "week", "month"]))
    def ask(group_by, bucket):
        check(workspace, entries, WHOLE, group_by, bucket, "Europe/Berlin")

    ask()


@pytest.mark.thorough
def test_conditions_hold_for_the_sheets_as_for_the_rows(workspace, only_sheets):
    entries = only_sheets(usage(3), 350)
    values = {name: sorted({value_of(e, name) for e in entries}) for name in BROAD}

    @questions
    @given(st.data(), st.sampled_from(["none", "day"]))
    def ask(data, bucket):
        name = data.draw(st.sampled_from(BROAD))
        other = data.draw(st.sampled_from(["tag.team", "tag.customer", "environment"]))
        chosen = tuple(data.draw(st.lists(st.sampled_from([*values[other], "?"]), min_size=1, max_size=3)))
        filter = SpendFilter(WHOLE.start, WHOLE.end, exclude={other: chosen})
        check(workspace, entries, filter, list(dict.fromkeys((name, "tag.team"))), bucket, "Europe/Berlin")

    ask()


def test_a_range_that_begins_and_ends_within_days_takes_the_missing_hours_from_the_events(workspace, only_sheets):
    entries = only_sheets(usage(4), events=True)
    filter = SpendFilter(SPAN.start + timedelta(hours=7, seconds=1), SPAN.end - timedelta(hours=20, minutes=3))
    check(workspace, entries, filter, ["task", "user"], "none", "Europe/Berlin")
    check(workspace, entries, filter, ["tag.team", "model"], "day", "Europe/Berlin")


@pytest.mark.parametrize("rank", ["cost", "calls", "input_tokens"])
@pytest.mark.parametrize("bucket", ["none", "day"])
def test_a_limit_keeps_the_first_and_adds_up_the_others_as_the_tables_do(workspace, stored, rank, bucket):
    stored(usage(5), 380)
    asked = [(["user"], 3), (["agent", "user"], 7), (["tag.customer", "release"], 2), (["user", "tag.team"], 4)]
    from_tables = [query(workspace, WHOLE, by, bucket, limit=limit, rank=rank).groups for by, limit in asked]
    assert sheets.make(100, enough_events=1) == 15
    from_sheets = [query(workspace, WHOLE, by, bucket, limit=limit, rank=rank).groups for by, limit in asked]
    assert from_sheets == from_tables


def test_values_that_are_equal_in_every_measure_come_in_the_same_order_from_sheets_and_tables(workspace, stored):
    day = timedelta(days=1)
    same = [entry(f"e{n}", timestamp=SPAN.start + day * (n % 9), user_id=f"u{n // 9}", tags={"customer": f"c{n // 9}"},
                  environment="live", cost=Decimal("0.1")) for n in range(90)]  # fmt: skip
    stored(same)
    from_tables = [query(workspace, WHOLE, by, limit=4).groups for by in (["user"], ["tag.customer", "environment"])]
    sheets.make(100, enough_events=1)
    assert [
        query(workspace, WHOLE, by, limit=4).groups for by in (["user"], ["tag.customer", "environment"])
    ] == from_tables


def test_how_many_values_cost_an_amount_or_more_is_counted_to_the_last_digit(workspace, stored):
    stored(usage(12), 390)
    costs = sorted(g.sums.cost for g in query(workspace, WHOLE, ["user"]).groups)
    amounts = [Decimal(0), *costs, *(cost + Decimal("1e-12") for cost in costs)]
    wanted = [sum(cost >= amount for cost in costs) for amount in amounts]
    for by, limit in ((["user"], 2), (["user"], 1_000)):
        assert query(workspace, WHOLE, by, limit=limit, amounts=amounts).reaching == wanted
    sheets.make(100, enough_events=1)
    assert query(workspace, WHOLE, ["user"], limit=2, amounts=amounts).reaching == wanted


@pytest.mark.parametrize("by", [["user"], ["tag.customer", "task"], ["agent"]])
def test_an_answer_tells_how_many_combinations_there_are_beyond_its_limit(workspace, stored, by):
    stored(usage(13), 390)
    count = len(query(workspace, WHOLE, by).groups)
    for make in (lambda: None, lambda: sheets.make(100, enough_events=1)):
        make()
        assert query(workspace, WHOLE, by).combinations == count
        assert query(workspace, WHOLE, by, limit=1).combinations in (count, None)
    assert query(workspace, WHOLE, by, limit=1).combinations == (None if by == ["agent"] else count)


def test_two_ranges_tell_what_is_first_in_either_and_the_rest_together(workspace, stored):
    entries = stored(usage(11), 390)
    half = timedelta(days=7)
    later, earlier = SpendFilter(WHOLE.start + half, WHOLE.end), SpendFilter(WHOLE.start, WHOLE.start + half)
    asked = [(["user"], 2), (["tag.customer", "task"], 3), (["agent"], 1), (["agent", "model"], 50)]
    from_tables = [query_both(workspace, later, earlier, by, limit, before=FIELDS) for by, limit in asked]
    sheets.make(100, enough_events=1)
    from_sheets = [query_both(workspace, later, earlier, by, limit, before=FIELDS) for by, limit in asked]
    for (by, limit), told, same in zip(asked, from_tables, from_sheets, strict=True):
        whole = [query(workspace, filter, by) for filter in (later, earlier)]
        first = {tuple(g.values.values()) for answer in whole for g in answer.groups[:limit]}
        for answer, other, full in zip(told, same, whole, strict=True):
            sums = {tuple(g.values.values()): g.sums for g in full.groups}
            found = {tuple(g.values.values()): g.sums for g in answer.groups if not g.other}
            assert found == {values: sums[values] for values in first & sums.keys()}
            assert answer.total == full.total
            assert (other.groups, other.total) == (answer.groups, answer.total)
    assert len(entries) == 400


@pytest.mark.parametrize("few_events", [0, 10_000])
def test_what_a_user_did_is_summed_from_sheets_or_from_the_users_events_whichever_are_fewer(
    workspace, stored, monkeypatch, few_events
):
    monkeypatch.setattr(broad, "FEW_EVENTS", few_events)
    entries = stored(usage(14), sheeted=100)
    user = next(e.user_id for e in entries if e.user_id)
    for by in (["model"], ["agent", "task"], []):
        check(workspace, entries, replace(WHOLE, include={"user": (user,)}), by, "day", "Europe/Berlin")
        check(workspace, entries, replace(WHOLE, exclude={"user": (user,)}), by, "none", "Europe/Berlin")


def test_only_the_measures_asked_for_are_told(workspace, only_sheets):
    entries = only_sheets(usage(6))
    groups = query(workspace, WHOLE, ["user"], "day", limit=2, measures=("cost",)).groups
    assert sum(group.sums.cost for group in groups) == add(e.sums for e in query(workspace, WHOLE).groups).cost
    assert {group.sums.calls for group in groups} == {None}
    assert len(entries) == 400


def test_an_event_that_comes_late_counts_at_once_and_in_the_next_sheet(workspace, stored):
    stored(usage(7), sheeted=100)
    before = query(workspace, WHOLE, ["user"]).total
    late = entry("late", timestamp=SPAN.start + timedelta(days=3, hours=5), user_id="somebody new", cost=Decimal("2.5"))
    record(workspace.lane, [late])
    for make in (lambda: None, fold_all, lambda: sheets.make(100, enough_events=1)):
        make()
        groups = {group.values["user"]: group.sums for group in query(workspace, WHOLE, ["user"]).groups}
        assert groups["somebody new"].cost == Decimal("2.5")
        assert add(groups.values()).cost == before.cost + Decimal("2.5")


def test_labels_and_tags_that_appear_after_the_first_question_are_known(workspace, stored):
    stored(usage(8), sheeted=100)
    by = ["tag.customer", "task"]
    assert query(workspace, WHOLE, by).groups
    new = [entry(f"n{n}", timestamp=SPAN.start + timedelta(days=n), task=f"task of {n}", tags={"customer": f"a{n}"},
                 cost=Decimal(3)) for n in range(6)]  # fmt: skip
    record(workspace.lane, new)
    fold_all()
    sheets.make(4, enough_events=1)
    found = {tuple(group.values.values()): group.sums.cost for group in query(workspace, WHOLE, by).groups}
    assert [found[f"a{n}", f"task of {n}"] for n in range(6)] == [Decimal(3)] * 6


def test_groups_by_the_name_of_a_key_come_from_the_tables(workspace, stored):
    key, _ = create_key(workspace, "ci", ["ingest"])
    entries = usage(9)
    for e in entries:
        e.api_key_id = key.pk
    stored(entries, sheeted=100)
    groups = query(workspace, WHOLE, ["key", "tag.team"]).groups
    assert {group.values["key"] for group in groups} == {"ci"}
    assert add(group.sums for group in groups) == query(workspace, WHOLE).total


def test_another_workspace_is_in_no_answer(workspace, stored):
    entries = stored(usage(10), sheeted=100)
    other = Workspace.objects.create(name="Other", time_zone="Europe/Berlin")
    record(other.lane, [entry(f"o{n}", timestamp=SPAN.start + timedelta(hours=n), user_id="u") for n in range(300)])
    fold_all()
    sheets.make(100, enough_events=1)
    check(workspace, entries, WHOLE, ["user"], "day", "Europe/Berlin")
    assert [g.sums.events for g in query(other, WHOLE, ["user"]).groups] == [300]
