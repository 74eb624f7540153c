"""Questions with very many labels, groups, buckets or very large amounts are answered as exactly as small ones."""

from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.ledger import sheets
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import SpendSheet
from costwatch.ledger.record import record
from costwatch.spend import attributions, conditions, export
from costwatch.spend.events import events
from costwatch.spend.filters import EARLIEST, LATEST, SpendFilter
from costwatch.spend.queries import MOST_DIMENSIONS, MOST_ROWS, query, query_both
from tests.ledger.make import NOW, entry

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
EVER = SpendFilter(EARLIEST, LATEST)
MANY = conditions.FEW_ATTRIBUTIONS + 60


def days_before(count):
    """The last days, each from midnight to midnight in Berlin."""
    midnight = NOW.replace(hour=23, minute=0, second=0, microsecond=0)
    return SpendFilter(midnight - timedelta(days=count), midnight)


@pytest.fixture
def many_tags(workspace):
    """More attributions than are looked up one by one: each call has a tag of its own."""
    entries = [
        entry(agent_id=f"a{n % 3}", user_id=f"u{n % 2}", cost=str(n), tags={"job": f"j{n}", "half": str(n % 2)})
        for n in range(MANY)
    ]
    record(workspace.lane, entries)
    return entries


@pytest.mark.parametrize("folded", [False, True])
def test_conditions_on_very_many_labels_hold_everywhere(workspace, many_tags, folded):
    if folded:
        fold_all()
    numbers = range(MANY)
    cases = [
        (EVER.with_value("tag.half", ""), 0),
        (SpendFilter(EARLIEST, LATEST, {}, {"tag.job": ("j7",)}), sum(numbers) - 7),
        (SpendFilter(EARLIEST, LATEST, {"agent": ("a0", "a1", "a2")}, {"tag.half": ("1",)}), sum(numbers[::2])),
        (SpendFilter(EARLIEST, LATEST, {}, {"tag.job": ("j7",), "user": ("u0",)}), sum(numbers[1::2]) - 7),
    ]
    for filter, cost in cases:
        assert query(workspace, filter).total.cost == cost
        assert query(workspace, filter, ["user", "agent"]).total.cost == cost
        assert sum(Decimal(e["cost_usd"]) for page in all_events(workspace, filter) for e in page) == cost
        rows = [row for batch in export.events(workspace, filter).batches for row in batch]
        place = [column.name for column in export.EVENT_COLUMNS].index("cost_usd")
        assert sum(row[place] for row in rows) == cost


def all_events(workspace, filter):
    cursor = None
    while True:
        page = events(workspace, filter, cursor, 1_000)
        yield page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def test_very_many_groups_are_all_told_or_the_rest_together(workspace, many_tags):
    whole = query(workspace, EVER, ["tag.job"], limit=10_000)
    assert {g.values["tag.job"]: g.sums.cost for g in whole.groups} == {f"j{n}": n for n in range(MANY)}
    cut = query(workspace, EVER, ["tag.job"], limit=10)
    assert [g.values["tag.job"] for g in cut.groups] == [*(f"j{n}" for n in range(MANY - 1, MANY - 11, -1)), None]
    assert cut.groups[-1].sums.cost == sum(range(MANY - 10))


def test_in_very_many_buckets_fewer_combinations_are_told_and_the_rest_is_still_there(workspace):
    record(workspace.lane, [entry(agent_id=f"a{n}", cost=str(n)) for n in range(9)])
    quarters = days_before(200)
    assert MOST_ROWS // (200 * 96) == 5
    answer = query(workspace, quarters, ["agent"], "15m")
    assert [g.values["agent"] for g in answer.groups] == ["a8", "a7", "a6", "a5", "a4", None]
    assert answer.total.cost == sum(range(9))


def test_eight_dimensions_at_once_are_told_apart(workspace):
    names = ["provider", "model", "agent", "task", "environment", "release", "user", "tag.x"]
    assert len(names) == MOST_DIMENSIONS
    made = [
        entry(provider=v[0], model=v[1], agent_id=v[2], task=v[3], environment=v[4], release=v[5], user_id=v[6],
              tags={"x": v[7]}, cost=str(2**n))
        for n, v in enumerate("abcdefgh"[:n] + "X" + "abcdefgh"[n + 1 :] for n in range(8))
    ]  # fmt: skip
    record(workspace.lane, made)
    for _ in range(2):
        found = query(workspace, EVER, names).groups
        assert {"".join(g.values[name] for name in names): g.sums.cost for g in found} == {
            "abcdefgh"[:n] + "X" + "abcdefgh"[n + 1 :]: 2**n for n in range(8)
        }
        fold_all()


@pytest.fixture
def sheeted(workspace):
    """Six closed days with sheets: four users, every day a call of each with a tag of its own."""
    record(workspace.lane, [
        entry(minutes=-60 * 24 * day, user_id=f"u{n}", tags={f"t{day}": str(n), "n": str(n)}, cost=str(n + 1))
        for day in range(1, 7) for n in range(4)
    ])  # fmt: skip
    fold_all()
    assert sheets.make(100, enough_events=1) == 6
    return days_before(7)


def test_more_tags_than_are_kept_in_memory_are_read_again_when_asked_for(workspace, sheeted):
    wanted = [("3", 24), ("2", 18), ("1", 12), ("0", 6)]

    def by_number():
        return [(g.values["tag.n"], g.sums.cost) for g in query(workspace, sheeted, ["tag.n"]).groups]

    assert by_number() == wanted
    for other in range(attributions.MOST_TABLES + 5):
        found = query(workspace, sheeted, [f"tag.other{other}"]).groups
        assert [(g.values[f"tag.other{other}"], g.sums.cost) for g in found] == [("", 60)]
    assert len(attributions._tables) <= attributions.MOST_TABLES
    assert by_number() == wanted


@pytest.mark.parametrize("cost", ["8999999.999999999999", "9000000", "123456789012.000000000001"])
def test_amounts_beyond_what_a_column_holds_are_summed_exactly(workspace, sheeted, cost):
    record(workspace.lane, [entry(minutes=-60 * 24 * 2, user_id="u0", cost=cost)])
    for _ in range(3):
        found = query(workspace, sheeted, ["user"], amounts=[Decimal(cost), Decimal(10) ** 30, Decimal("18.5")])
        assert {g.values["user"]: g.sums.cost for g in found.groups} == {
            "u0": 6 + Decimal(cost), "u1": 12, "u2": 18, "u3": 24
        }  # fmt: skip
        assert found.total.cost == 60 + Decimal(cost)
        assert [*found.reaching] == [1, 0, 2]
        fold_all()
        sheets.make(100, enough_events=1)
    assert SpendSheet.objects.exists()


@pytest.mark.parametrize("group_by", [["user"], ["user", "tag.n"], ["tag.n"]])
@pytest.mark.parametrize("limit", [1, 2, 9])
def test_two_ranges_side_by_side_say_what_each_says_alone(workspace, sheeted, group_by, limit):
    record(workspace.lane, [entry(minutes=-60 * 24 * 5, user_id="new", tags={"n": "9"}, cost="5")])
    days = (sheeted.end - sheeted.start) / 7
    before = sheeted.within(sheeted.start, sheeted.start + 3 * days)
    after = sheeted.within(sheeted.start + 3 * days, sheeted.end)
    both = query_both(workspace, after, before, group_by, limit)
    for found, span in zip(both, (after, before), strict=True):
        alone = query(workspace, span, group_by)
        told = {(*g.values.values(), g.sums.cost, g.sums.calls) for g in found.groups if not g.other}
        assert told <= {(*g.values.values(), g.sums.cost, g.sums.calls) for g in alone.groups}
        assert (found.total.cost, found.total.calls) == (alone.total.cost, alone.total.calls)
    kept = [{(*g.values.values(),) for g in found.groups if not g.other} for found in both]
    dearest = {
        (*g.values.values(),)
        for span in (after, before)
        for g in query(workspace, span, group_by, limit=limit).groups
        if not g.other
    }
    assert kept[0] | kept[1] == dearest or limit == 9
