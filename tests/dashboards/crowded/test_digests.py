"""The page of a digest against sums of the calls themselves: days, weeks and months, in several zones."""

import csv
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from zoneinfo import ZoneInfo

import pytest

from costwatch.accounts.models import Workspace
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from costwatch.pricing.usage import CostSource
from tests.dashboards.crowded import field
from tests.dashboards.page import figure, links, row, rows, text
from tests.ledger.make import NOW, entry

pytestmark = pytest.mark.thorough
SPANS = {  # kind, a day of it → its first day, the day after its last, the first day of the one before
    ("daily", "2026-11-10"): ("2026-11-10", "2026-11-11", "2026-11-09"),
    ("daily", "2026-10-25"): ("2026-10-25", "2026-10-26", "2026-10-24"),  # 25 hours in Berlin
    ("weekly", "2026-11-11"): ("2026-11-09", "2026-11-16", "2026-11-02"),
    ("weekly", "2026-10-25"): ("2026-10-19", "2026-10-26", "2026-10-12"),
    ("monthly", "2026-10-31"): ("2026-10-01", "2026-11-01", "2026-09-01"),
}
ZONES = ("Europe/Berlin", "Asia/Kathmandu", "America/New_York")


def midnight(day: str, zone: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)


def body(client, kind: str, day: str, zone: str = "", ending: str = "") -> str:
    answer = client.get(f"/digests/{kind}/{day}{ending}", {"tz": zone} if zone else {})
    assert answer.status_code == 200
    return answer.content.decode("utf-8-sig")


def called(one, dimension: str) -> str:
    return field.value_of(one, dimension) or "Not attributed"


def both(calls, span, zone):
    """Its calls and those of the period before."""
    first, after, before = (midnight(day, zone) for day in SPANS[span])
    return field.between(calls, first, after), field.between(calls, before, first)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("span", SPANS, ids=" ".join)
def test_it_tells_what_was_spent_and_how_much_more_than_before(client, calls, span, zone):
    own, earlier = both(calls, span, zone)
    now, before = field.cost(own), field.cost(earlier)
    *lines, total = list(csv.reader(StringIO(body(client, *span, zone, ".csv"))))[1:]
    assert [Decimal(cell) for cell in total[2:]] == [now, before, now - before]
    for dimension in {line[0] for line in lines}:
        sums = [sum(Decimal(line[n]) for line in lines if line[0] == dimension) for n in (2, 3, 4)]
        assert sums == [now, before, now - before], "what is shown adds up"
    for dimension, value, spent, was, change in (line for line in lines if line[1] != "All others"):
        mine, theirs = (
            field.cost(one for one in found if called(one, dimension) == value.lstrip("'")) for found in (own, earlier)
        )
        assert [Decimal(cell) for cell in (spent, was, change)] == [mine, theirs, mine - theirs], (dimension, value)
    said = text(body(client, *span, zone))
    assert f"{len(own)} call{'s' * (len(own) != 1)}" in said
    assert not own or f"${now:,.2f} was spent " in said


@pytest.mark.parametrize("span", SPANS, ids=" ".join)
def test_those_who_moved_it_most_stand_first_and_the_dearest_where_the_books_begin_later(client, calls, span):
    own, earlier = both(calls, span, "Europe/Berlin")
    is_whole = bool(field.between(calls, midnight("2020-01-01", ZONES[0]), midnight(SPANS[span][2], ZONES[0])))
    lines = list(csv.reader(StringIO(body(client, *span, ending=".csv"))))[1:-1]
    for dimension in ("agent", "model"):
        told = [
            abs(Decimal(line[4 if is_whole else 2]))
            for line in lines
            if line[0] == dimension and line[1] != "All others"
        ]
        names = {field.value_of(one, dimension) for one in [*own, *earlier]}
        moved = [
            abs(
                field.cost(field.of(own, dimension, name or ""))
                - is_whole * field.cost(field.of(earlier, dimension, name or ""))
            )
            for name in names
        ]
        assert told == sorted((delta for delta in moved if delta >= Decimal("0.005")), reverse=True)[:5]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("span", SPANS, ids=" ".join)
def test_the_bars_are_the_days_or_hours_of_the_zone(client, calls, span, zone):
    own, _ = both(calls, span, zone)
    html = body(client, *span, zone)
    if not field.cost(own):
        assert "<cost-chart" not in html
        return
    bars = figure(html)["data"][0]
    first, after, _ = (midnight(day, zone) for day in SPANS[span])
    hours = (after - first) // timedelta(hours=1)
    assert len(bars["x"]) == len(set(bars["x"])) == (hours if span[0] == "daily" else round(hours / 24))
    assert sum(bars["y"]) == pytest.approx(float(field.cost(own)))
    if span[0] == "daily":
        amounts = [field.cost(field.between(own, first + timedelta(hours=n), first + timedelta(hours=n + 1)))
                   for n in range(hours)]  # fmt: skip
        assert bars["y"] == pytest.approx([float(amount) for amount in amounts])


def test_a_running_week_is_held_against_as_much_of_the_week_before(client, calls):
    begin = midnight("2026-11-16", "Europe/Berlin")
    earlier = begin - timedelta(days=7)
    own = field.between(calls, begin, NOW)
    total = list(csv.reader(StringIO(body(client, "weekly", "2026-11-18", ending=".csv"))))[-1]
    assert Decimal(total[2]) == field.cost(own)
    assert Decimal(total[3]) == field.cost(field.between(calls, earlier, earlier + (NOW - begin)))
    assert "so far" in text(body(client, "weekly", "2026-11-18"))


def test_the_first_day_of_the_week_is_the_workspaces(client, workspace, calls):
    workspace.week_start = 7
    workspace.save()
    html = body(client, "weekly", "2026-11-11")
    assert "/digests/weekly/2026-11-01" in links(html) and "/digests/weekly/2026-11-15" in links(html)
    own = field.between(calls, midnight("2026-11-08", "Europe/Berlin"), midnight("2026-11-15", "Europe/Berlin"))
    total = list(csv.reader(StringIO(body(client, "weekly", "2026-11-11", ending=".csv"))))[-1]
    assert Decimal(total[2]) == field.cost(own)


def test_models_without_a_price_are_named_with_what_they_cost_at_most(client, calls):
    span = ("monthly", "2026-10-31")
    own, _ = both(calls, span, "Europe/Berlin")
    html = body(client, *span)
    section = html[html.index('id="h-u"') :].partition("</section>")[0]
    told = {cells[0]: cells[1:] for cells in rows(section)[1:]}
    missing = field.by([one for one in own if one.cost_source == CostSource.UNPRICED], lambda one: one.model)
    assert told == {
        model: [str(len(theirs)), f"${sum(one.upper_bound for one in theirs):.2f}"] for model, theirs in missing.items()
    }


def test_what_has_no_bound_is_unknown_and_not_zero(stranger, now):
    elsewhere = Workspace.objects.get(name="Somebody else")
    at = {"timestamp": datetime(2026, 11, 10, 12, tzinfo=UTC), "model": "brand-new"}
    record(elsewhere.lane, [entry(cost="1", **at), entry(cost=None, **at), entry(cost=None, **at)])
    fold_all()
    html = body(stranger, "weekly", "2026-11-10")
    assert "What 2 calls without a price cost is not known." in text(html)
    assert "100.0 %" not in text(html)
    assert row(html[html.index('id="h-u"') :], "brand-new")[1:] == ["2", "unknown"]
    mail = stranger.get("/digests/preview?kind=weekly").content.decode()
    assert "unknown" in text(mail) and "$0.00" not in text(mail).partition("Without a price")[2]
    assert stranger.get("/digests/weekly/2026-11-10.pdf").content.startswith(b"%PDF-")
