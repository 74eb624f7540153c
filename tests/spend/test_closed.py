"""What closed days come to is summed once for a question, and again as soon as one of their sheets is another."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from costwatch.ledger import sheets
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import Sheet, SpendSheet
from costwatch.ledger.record import record
from costwatch.spend import closed, columns
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import query
from tests.ledger.make import entry

pytestmark = pytest.mark.django_db
FIRST = datetime(2026, 10, 21, 22, tzinfo=UTC)  # midnight in Berlin


def days_from(first, count):
    start = FIRST + timedelta(days=first)
    return SpendFilter(start, start + timedelta(days=count))


SPAN = days_from(0, 7)


@pytest.fixture
def week(stored):
    """A call of each of two users a day, of half a dollar; all days with their sheets."""
    stored([entry(f"e{day}{user}", timestamp=FIRST + timedelta(days=day, hours=1), user_id=user, agent_id=f"of {user}",
                  cost=Decimal("0.5")) for day in range(7) for user in "ab"], sheeted=100)  # fmt: skip


def cost_of(workspace, user="a", span=SPAN):
    return {g.values["user"]: g.sums.cost for g in query(workspace, span, ["user"]).groups}.get(user)


def test_a_question_asked_again_is_not_summed_again(workspace, week):
    assert cost_of(workspace) == Decimal("3.5")
    (kept,) = closed._kept.values()
    assert cost_of(workspace) == Decimal("3.5")
    assert [*closed._kept.values()] == [kept] and kept.block.rows == 2


def test_a_sheet_made_anew_with_as_many_rows_counts(workspace, week):
    before = SpendSheet.objects.filter(cut=Sheet.USER).count(), cost_of(workspace)
    record(workspace.lane, [entry("late", timestamp=FIRST + timedelta(hours=2), user_id="a", cost=Decimal(2))])
    fold_all()
    sheets.make(100, enough_events=1)
    assert (SpendSheet.objects.filter(cut=Sheet.USER).count(), cost_of(workspace) - 2) == before


def test_a_day_that_lost_its_sheet_is_summed_from_its_rows(workspace, week):
    assert cost_of(workspace) == Decimal("3.5")
    SpendSheet.objects.filter(day=FIRST.date() + timedelta(days=3)).delete()
    assert cost_of(workspace) == Decimal("3.5")


def test_as_many_other_days_around_the_youngest_sheet_are_other_days(workspace, week):
    record(workspace.lane, [entry("early", timestamp=FIRST + timedelta(hours=2), user_id="a", cost=Decimal(2))])
    fold_all()
    sheets.make(100, enough_events=1)
    record(workspace.lane, [entry("mid", timestamp=FIRST + timedelta(days=3, hours=2), user_id="a", cost=Decimal(4))])
    fold_all()
    sheets.make(100, enough_events=1)
    assert [cost_of(workspace, span=days_from(first, 5)) for first in (0, 2)] == [Decimal("8.5"), Decimal("6.5")]


def test_the_same_dimensions_in_another_order_are_another_question(workspace, week):
    wanted = [{"user": user, "agent": f"of {user}"} for user in "ab"]
    for by in (["user", "agent"], ["agent", "user"]):
        assert sorted((g.values for g in query(workspace, SPAN, by).groups), key=lambda v: v["user"]) == wanted


def test_days_conditions_buckets_and_measures_each_make_another_question(workspace, week):
    assert cost_of(workspace, span=days_from(0, 5)) == Decimal("2.5")
    assert cost_of(workspace) == Decimal("3.5")
    assert cost_of(workspace, span=SpendFilter(SPAN.start, SPAN.end, exclude={"user": ("a",)})) is None
    assert [g.sums.cost for g in query(workspace, SPAN, ["user"], "day").groups] == [Decimal("0.5")] * 14
    assert [g.sums.events for g in query(workspace, SPAN, ["user"], measures=("events",)).groups] == [7, 7]
    assert [g.sums.input_tokens for g in query(workspace, SPAN, ["user"], measures=("cost",)).groups] == [None, None]


def test_no_more_is_kept_than_there_is_room_for_and_the_latest_stays(workspace, week, monkeypatch):
    cost_of(workspace)
    (one,) = closed._kept.values()
    monkeypatch.setattr(closed, "MOST_BYTES", 3 * one.block.size)
    for days in (3, 4, 5, 4, 6):
        cost_of(workspace, span=days_from(0, days))
    assert [len(kept.days) for kept in closed._kept.values()] == [5, 4, 6]


def test_an_answer_too_large_to_keep_is_right_all_the_same(workspace, week, monkeypatch):
    monkeypatch.setattr(closed, "MOST_BYTES", 0)
    assert cost_of(workspace) == Decimal("3.5") and not closed._kept


def test_sums_beyond_eight_bytes_are_kept_row_by_row(workspace, stored):
    stored([entry(f"e{day}{n}", timestamp=FIRST + timedelta(days=day, hours=1), user_id="a", cost=Decimal(800_000))
            for day in range(7) for n in range(10)], sheeted=100)  # fmt: skip
    assert [cost_of(workspace) for _ in range(2)] == [56_000_000] * 2
    (kept,) = closed._kept.values()
    assert kept.block.rows == 7 and columns.condensed(kept.block) is kept.block
