"""The rows of closed days as columns: made once, thrown away when something is added, proved by verify."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from costwatch.accounts.models import Workspace
from costwatch.ledger import sheets
from costwatch.ledger.fold import fold_all, rebuild
from costwatch.ledger.models import Sheet, SpendDay, SpendSheet
from costwatch.ledger.record import record
from costwatch.ledger.tasks import make_sheets
from costwatch.ledger.verify import verify
from tests.ledger.make import entry

DAY = datetime(2026, 10, 5, 12, tzinfo=UTC)


def spend(lane, *, days=1, users=3, first=DAY, **more):
    """A call of each user on each day, folded."""
    entries = [
        entry(
            f"{first:%m%d}-{d}-{u}", timestamp=first + timedelta(days=d), user_id=f"u{u}", agent_id=f"a{u % 2}", **more
        )
        for d in range(days)
        for u in range(users)
    ]
    record(lane, entries)
    fold_all()


def made(most=100):
    return sheets.make(most, enough_events=1)


def of(lane, cut):
    return SpendSheet.objects.filter(lane=lane, cut=cut).order_by("day")


@pytest.mark.django_db
def test_a_sheet_holds_the_rows_of_its_day_in_their_order(workspace):
    spend(workspace.lane, users=5, cost=Decimal("0.123456789012"), input_tokens=70_000)
    assert made() == 1
    for cut in (Sheet.USER, Sheet.ATTRIBUTION):
        sheet = of(workspace.lane, cut).get()
        rows = SpendDay.objects.filter(lane=workspace.lane, cut=cut).order_by("a")
        columns = [bytes(getattr(sheet, name)) for name in ("a", "calls", "input_tokens", "cost")]
        told = [column.tolist() for column in sheets.read(columns, sheet.rows)]
        wanted = rows.values_list("a", "calls", "input_tokens", "cost")
        assert list(zip(*told, strict=True)) == [(*row[:3], int(row[3] * sheets.PICO)) for row in wanted]
    assert sheet.errors is None  # nothing but zeros
    assert verify(deep=True).ok


@pytest.mark.django_db
def test_each_day_that_is_over_and_has_enough_events_gets_its_sheets_once_the_newest_first(workspace):
    spend(workspace.lane, days=3)
    spend(workspace.lane, first=datetime.now(UTC) - timedelta(seconds=1))
    assert made(2) == 2
    assert [f"{sheet.day:%d}" for sheet in of(workspace.lane, Sheet.USER)] == ["06", "07"]
    assert (made(), made()) == (1, 0)
    assert SpendSheet.objects.count() == 3 * len(Sheet)


@pytest.mark.django_db
def test_days_with_few_events_are_left_to_their_rows(workspace):
    spend(workspace.lane)
    make_sheets()
    assert not SpendSheet.objects.exists()
    assert sheets.make(10, enough_events=3) == 1


@pytest.mark.django_db
def test_what_is_added_to_a_day_throws_its_sheets_away_and_no_others(workspace):
    other = Workspace.objects.create(name="Other", time_zone="Europe/Berlin")
    for lane in (workspace.lane, other.lane):
        spend(lane, days=3)
    made()
    record(workspace.lane, [entry("late", timestamp=DAY + timedelta(days=1), user_id="u9")])
    assert made() == 0  # not folded: the rows are as they were
    fold_all()
    assert [f"{sheet.day:%d}" for sheet in of(workspace.lane, Sheet.USER)] == ["05", "07"]
    assert of(other.lane, Sheet.USER).count() == 3
    assert made() == 1
    assert verify(deep=True).ok


@pytest.mark.django_db
def test_rollups_made_anew_have_no_sheets_until_the_next_time(workspace):
    spend(workspace.lane)
    made()
    rebuild(workspace.lane)
    assert not SpendSheet.objects.exists()
    assert made() == 1


@pytest.mark.django_db
def test_money_too_large_for_a_column_leaves_the_day_to_its_rows(workspace):
    spend(workspace.lane, users=1, cost=Decimal(sheets.MOST_USD))
    made()
    assert not SpendSheet.objects.exists()


@pytest.mark.django_db
def test_attributions_and_users_together_are_those_of_the_folded_events_of_the_local_day(workspace):
    midnight = datetime(2026, 10, 4, 22, tzinfo=UTC)  # in Berlin
    times = [midnight - timedelta(microseconds=1), midnight, midnight + timedelta(days=1, microseconds=-1),
             midnight + timedelta(days=1)]  # fmt: skip
    record(workspace.lane, [entry(f"e{n}", timestamp=at, user_id=None) for n, at in enumerate(times)])
    fold_all()
    record(workspace.lane, [entry("later", timestamp=midnight + timedelta(hours=3))])  # not folded
    made()
    sheet = of(workspace.lane, Sheet.ATTRIBUTION_USER).get(day="2026-10-05")
    (events,) = sheets.read([bytes(sheet.events)], sheet.rows)
    assert (events.tolist(), sheet.b) == ([2], None)  # 0: no user


@pytest.mark.django_db
@pytest.mark.parametrize("column", ["cost", "a", "rows"])
def test_verify_tells_a_sheet_that_is_not_what_its_rows_say(workspace, column):
    spend(workspace.lane)
    made()
    change = "rows = rows + 1" if column == "rows" else f"{column} = set_byte({column}, 0, get_byte({column}, 0) # 1)"
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE spend_sheet SET {change} WHERE cut = %s", [Sheet.ATTRIBUTION_USER.value])
    assert verify().ok
    assert [line.split(": ")[0] for line in verify(deep=True).differences] == [
        f"workspace {workspace.lane}, spend_sheet attribution_user 2026-10-05"
    ]


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300), min_size=1))
def test_a_column_is_as_narrow_as_its_numbers_allow_and_loses_none(numbers):
    packed = sheets.narrow(np.array(numbers, ">i8").tobytes())
    (told,) = sheets.read([packed], len(numbers))
    assert told.tolist() == numbers
    if packed is not None:
        width = len(packed) // len(numbers)
        assert width == 1 or not all(-(1 << 4 * width - 1) <= n < 1 << 4 * width - 1 for n in numbers)
