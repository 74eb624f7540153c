"""What a digest tells against sums that are counted call by call, in zones and for periods of every kind."""

import csv
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
import time_machine

from costwatch.accounts.models import Member
from costwatch.digests import span as spans
from costwatch.digests.report import MOVERS, report
from tests.dashboards.conftest import logged_in
from tests.dashboards.oracle import Told, books, dollars, told, usage, whole
from tests.ledger.make import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
CALLS = usage(31, 160)
KINDS = ["daily", "weekly", "monthly"]


@pytest.fixture(scope="module", params=["Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"])
def filled(request, django_db_setup, django_db_blocker):
    with books(django_db_blocker, *CALLS, zone=request.param, unfolded=15) as workspace:
        yield workspace


def span_of(kind: str, day: date, zone: str) -> tuple[datetime, datetime, datetime, datetime]:
    """Start and end of the period that holds a local day, and of the one before; worked out by the calendar."""
    if kind == "daily":
        first, last, before = day, day, day - timedelta(days=1)
    elif kind == "weekly":
        first = day - timedelta(days=day.weekday())
        last, before = first + timedelta(days=6), first - timedelta(days=7)
    else:
        first = day.replace(day=1)
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        before = (first - timedelta(days=1)).replace(day=1)
    start, end, earlier = (
        datetime.combine(at, datetime.min.time(), ZoneInfo(zone)) for at in (first, last + timedelta(days=1), before)
    )
    return start, end, earlier, start


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("day", [date(2026, 11, 17), date(2026, 10, 25), date(2026, 11, 1), date(2026, 9, 30)])
def test_total_days_movers_and_what_is_unpriced_are_the_sums_of_the_calls(filled, kind, day):
    zone = filled.time_zone
    start, end, earlier, until_earlier = span_of(kind, day, zone)
    end = min(end, NOW)
    until_earlier = min(
        until_earlier.astimezone(UTC), earlier.astimezone(UTC) + (end.astimezone(UTC) - start.astimezone(UTC))
    )
    found = report(filled, spans.on(kind, day, ZoneInfo(zone), 1), NOW)
    now, before = whole(told(CALLS, [], start, end).values()), whole(told(CALLS, [], earlier, until_earlier).values())
    assert (found.total.cost, found.total.calls, found.total.runs) == (now.cost, now.calls, len(now.runs))
    assert (found.before.cost, found.before.calls) == (before.cost, before.calls)
    assert found.change == now.cost - before.cost
    first = min(call.timestamp.astimezone(ZoneInfo(zone)).date() for call in CALLS)
    assert found.begun == (first if first > earlier.date() else None)
    form = "%Y-%m-%dT%H" if kind == "daily" else "%Y-%m-%d"
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for call in CALLS:
        if start <= call.timestamp < end:
            expected[call.timestamp.astimezone(ZoneInfo(zone)).strftime(form)] += call.cost or 0
    drawn: dict[str, Decimal] = defaultdict(Decimal)
    for at, amount in found.days:
        drawn[at.astimezone(ZoneInfo(zone)).strftime(form)] += amount
    assert {day: amount for day, amount in drawn.items() if amount} == {d: a for d, a in expected.items() if a}
    for dimension in ("agent", "model"):
        is_now, was = told(CALLS, [dimension], start, end), told(CALLS, [dimension], earlier, until_earlier)
        deltas = {
            name: is_now.get((name,), Told()).cost - was.get((name,), Told()).cost
            for (name,) in is_now.keys() | was.keys()
        }
        moved = [sums.cost for sums in is_now.values()] if found.begun else [abs(delta) for delta in deltas.values()]
        ranked = sorted((amount for amount in moved if amount >= Decimal("0.005")), reverse=True)
        movers = [mover for mover in found.movers if mover.dimension == dimension]
        assert [mover.now if found.begun else abs(mover.delta) for mover in movers] == ranked[:MOVERS]
        assert all(mover.delta == deltas[mover.value] for mover in movers)
        shown = found.moved(dimension)
        assert sum(mover.delta for mover in shown) == (found.change if shown else 0)
    models = {name: sums for (name,), sums in told(CALLS, ["model"], start, end).items() if sums.unpriced}
    assert {model: (s.unpriced_calls, s.upper_bound) for model, s in found.unpriced} == {
        name: (sums.unpriced, sums.bound) for name, sums in models.items()
    }


@pytest.mark.parametrize("kind", KINDS)
@time_machine.travel(NOW, tick=False)
def test_the_page_and_its_file_say_the_same(filled, kind):
    viewer = logged_in(filled, "reader@northbeam.example", "viewer")
    day = date(2026, 10, 20)
    start, end, *_ = span_of(kind, day, filled.time_zone)
    total = whole(told(CALLS, [], start, end).values())
    first = start.date()
    html = viewer.get(f"/digests/{kind}/{first}").content.decode()
    assert dollars(total.cost) in html
    rows = list(csv.reader(StringIO(viewer.get(f"/digests/{kind}/{first}.csv").content.decode(), newline="")))
    flat = [cell for row in rows for cell in row]
    assert any(_is(cell, total.cost) for cell in flat), "the file has all digits"
    Member.objects.filter(email="reader@northbeam.example").delete()


def _is(cell: str, amount: Decimal) -> bool:
    try:
        return Decimal(cell) == amount
    except ArithmeticError:
        return False


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles", "UTC"])
def test_a_reader_elsewhere_gets_the_days_of_the_own_zone(filled, zone):
    day = date(2026, 10, 20)
    start, end, *_ = span_of("daily", day, zone)
    found = report(filled, spans.on("daily", day, ZoneInfo(zone), 1), NOW, zone)
    assert found.total.cost == whole(told(CALLS, [], start, end).values()).cost
    assert found.zone == zone and len(found.days) == 24
