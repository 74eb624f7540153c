"""What closed days come to is summed once for a question, and again as soon as one of their sheets is another."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from django.db import connection, transaction

from costwatch.accounts.models import Workspace
from costwatch.ledger import sheets
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import Sheet, SpendSheet
from costwatch.ledger.record import record
from costwatch.spend import closed, columns
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import prepare, query
from costwatch.spend.sources import DAYS, whole_days
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
    monkeypatch.setattr(closed, "MOST_BYTES", 3 * one.size)
    for days in (3, 4, 5, 4, 6):
        cost_of(workspace, span=days_from(0, days))
    assert [len(kept.days) for kept in closed._kept.values()] == [5, 4, 6]


def test_of_small_answers_only_so_many_are_kept(workspace, week, monkeypatch):
    monkeypatch.setattr(closed, "MOST_KEPT", 2)
    for days in (3, 4, 5):
        cost_of(workspace, span=days_from(0, days))
    assert [len(kept.days) for kept in closed._kept.values()] == [4, 5]


def test_an_answer_too_large_to_keep_is_right_all_the_same_and_throws_out_no_other(workspace, week, monkeypatch):
    cost_of(workspace)
    kept = [*closed._kept.values()]
    monkeypatch.setattr(closed, "MOST_BYTES", kept[0].size)
    daily = query(workspace, SPAN, ["user"], "day").groups
    assert [g.sums.cost for g in daily] == [Decimal("0.5")] * 14
    assert [*closed._kept.values()] == kept


def test_of_a_tags_texts_those_are_kept_that_occur(workspace, stored):
    stored([entry(f"e{day}{n}", timestamp=FIRST + timedelta(days=day, hours=1), cost=Decimal(1),
                  tags={"customer": f"{n}-{day // 7}"}) for day in range(14) for n in "01"], sheeted=100)  # fmt: skip
    for _ in range(2):
        groups = query(workspace, SPAN, ["tag.customer"]).groups
        assert {g.values["tag.customer"]: g.sums.cost for g in groups} == {"0-0": 7, "1-0": 7}
    assert [kept.texts for kept in closed._kept.values()] == [[["0-0", "1-0"]]]


def test_sums_beyond_eight_bytes_are_kept_row_by_row(workspace, stored):
    stored([entry(f"e{day}{n}", timestamp=FIRST + timedelta(days=day, hours=1), user_id="a", cost=Decimal(800_000))
            for day in range(7) for n in range(10)], sheeted=100)  # fmt: skip
    assert [cost_of(workspace) for _ in range(2)] == [56_000_000] * 2
    (kept,) = closed._kept.values()
    assert kept.block.rows == 7 and columns.condensed(kept.block) is kept.block


@pytest.mark.django_db(transaction=True)
def test_what_more_was_there_a_moment_later_is_told_and_not_kept():
    """In a caller's own transaction each statement sees what was committed before it."""
    workspace = Workspace.objects.create(name="Larkfield Support", time_zone="Europe/Berlin")
    record(workspace.lane, [entry(f"e{day}", timestamp=FIRST + timedelta(days=day, hours=1), user_id="a",
                                  cost=Decimal(1)) for day in range(7)])  # fmt: skip
    fold_all()
    sheets.make(6, enough_events=1)
    asked = prepare(workspace, SPAN, ("user",), [])
    days = next(piece for piece in whole_days(SPAN.start, SPAN.end, asked.zone) if piece.source is DAYS)
    with transaction.atomic(), psycopg.Cursor(connection.connection) as cursor:
        made = closed.made(cursor, asked, Sheet.USER, days)
        with ThreadPoolExecutor(1) as elsewhere:
            elsewhere.submit(_make_the_last).result()
        told = closed.sums(cursor, asked, Sheet.USER, days, made)
        assert (len(made), len(told.made), len(closed._kept)) == (6, 7, 0)
        made = closed.made(cursor, asked, Sheet.USER, days)
        assert closed.sums(cursor, asked, Sheet.USER, days, made) is next(iter(closed._kept.values()))


def _make_the_last():
    try:
        assert sheets.make(1, enough_events=1) == 1
    finally:
        connection.close()
