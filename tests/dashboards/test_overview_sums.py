"""The Overview against sums that are counted call by call: rows, files, bars and figures, in zones of every kind."""

import csv
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from zoneinfo import ZoneInfo

import pytest

from tests.dashboards.oracle import Told, books, dollars, local, told, usage, whole
from tests.dashboards.page import rows, series
from tests.ledger.make import NOW

pytestmark = [pytest.mark.thorough, pytest.mark.django_db]

CALLS = usage(7, 170)
DAYS = "first=2026-10-03&last=2026-11-17"  # 46 days; seven weeks earlier is what they are held against
EARLIER = timedelta(days=49)
BY = ["agent", "task", "user", "model", "tag.customer", "run"]


@pytest.fixture(scope="module", params=["Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"])
def filled(request, django_db_setup, django_db_blocker):
    """The same calls in a zone; the last thirty are not folded yet."""
    with books(django_db_blocker, *CALLS, zone=request.param, unfolded=30) as workspace:
        yield workspace


def spans(zone: str) -> tuple:
    """Start and end of DAYS and of the days they are held against."""
    start, end = local("2026-10-03", zone), local("2026-11-18", zone)
    return start, end, local("2026-08-15", zone), local("2026-09-30", zone)


def in_file(client, query: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(client.get(f"/overview.csv?{query}").content.decode(), newline="")))


def named(found: dict[tuple[str, ...], Told]) -> dict[str, Told]:
    return {name or "Not attributed": sums for (name,), sums in found.items()}


def check(line: dict[str, str], now: Told, before: Told, total: Decimal) -> None:
    """All the columns of one line."""
    priced = now.calls - now.unpriced - now.unknown
    assert Decimal(line["cost_usd"]) == now.cost
    assert Decimal(line["cost_before_usd"]) == before.cost
    assert Decimal(line["change_usd"]) == now.cost - before.cost
    assert int(line["runs"]) == len(now.runs)
    assert int(line["calls"]) == now.calls
    assert int(line["priced_calls"]) == priced
    assert int(line["unpriced_calls"]) == now.unpriced
    assert int(line["usage_unknown_calls"]) == now.unknown
    assert Decimal(line["unpriced_upper_bound_usd"]) == now.bound
    assert int(line["input_tokens"]) == now.input
    assert int(line["cached_input_tokens"]) == now.cached
    assert int(line["output_tokens"]) == now.output
    unknown_cost = bool(now.calls) and not priced
    assert line["share"] == ("" if unknown_cost else f"{round(now.cost / total, 6):.6f}")
    if now.runs and not unknown_cost:
        assert Decimal(line["cost_per_run_usd"]) == round(now.cost / len(now.runs), 12)
    else:
        assert line["cost_per_run_usd"] == ""


@pytest.mark.parametrize("by", BY)
def test_every_column_of_every_row_is_the_sum_of_its_calls(viewer, filled, by):
    start, end, start_before, end_before = spans(filled.time_zone)
    now, before = (named(told(CALLS, (by,), *span)) for span in ((start, end), (start_before, end_before)))
    total = whole(now.values())
    lines = {line[by]: line for line in in_file(viewer, f"by={by}&rows=all&{DAYS}")}
    check(lines.pop("Total"), total, whole(before.values()), total.cost)
    gone = {name: sums for name, sums in before.items() if name not in now}
    if gone:
        rest = lines.pop("No longer there")
        assert Decimal(rest["cost_before_usd"]) == whole(gone.values()).cost
        assert (Decimal(rest["cost_usd"]), rest["calls"]) == (0, "0")
    assert lines.keys() == now.keys()
    for name, line in lines.items():
        check(line, now[name], before.get(name, Told()), total.cost)


@pytest.mark.parametrize("by", ["agent", "task", "tag.customer"])
def test_the_bars_of_each_value_are_the_sums_of_its_local_days(viewer, filled, by):
    zone = ZoneInfo(filled.time_zone)
    start, end, *_ = spans(filled.time_zone)
    expected: dict[str, dict[str, float]] = {}
    for call in CALLS:
        if start <= call.timestamp < end and call.cost:
            name = next(iter(told([call], (by,), start, end)))[0] or "Not attributed"
            day = call.timestamp.astimezone(zone).date().isoformat()
            days = expected.setdefault(name, {})
            days[f"{day}/{day}"] = days.get(f"{day}/{day}", 0.0) + float(call.cost)
    html = viewer.get(f"/?by={by}&{DAYS}").content.decode()
    drawn = {
        trace["name"].replace("&amp;", "&"): dict(zip(trace["customdata"], trace["y"], strict=True))
        for trace in series(html)
    }
    assert drawn.keys() == expected.keys()
    for name, days in drawn.items():
        assert len(days) == 46
        assert {day: amount for day, amount in days.items() if amount} == pytest.approx(expected[name])


@pytest.mark.parametrize(
    ("query", "include", "exclude"),
    [
        ("agent=triage&agent=coder", {"agent": ["triage", "coder"]}, {}),
        ("agent!=triage&agent!=", {}, {"agent": ["triage", ""]}),
        ("task=", {"task": [""]}, {}),
        ("tag.customer=Orbit&user!=u-1&user!=u-2", {"tag.customer": ["Orbit"]}, {"user": ["u-1", "u-2"]}),
        ("model=gpt-5.4-mini&agent=triage&agent!=triage", {"model": ["gpt-5.4-mini"], "agent": []}, {}),
        ("tag.customer!=", {}, {"tag.customer": [""]}),
        ("run=r-3&run=r-4&run=nobody", {"run": ["r-3", "r-4"]}, {}),
        ("agent=Triage", {"agent": []}, {}),
        ("tag.absent=", {"tag.absent": [""]}, {}),
    ],
)
def test_conditions_keep_exactly_the_calls_they_mean(viewer, filled, query, include, exclude):
    start, end, start_before, end_before = spans(filled.time_zone)
    for by in ("agent", "user"):
        now = named(told(CALLS, (by,), start, end, include, exclude))
        before = whole(told(CALLS, (by,), start_before, end_before, include, exclude).values())
        lines = {line[by]: line for line in in_file(viewer, f"{query}&by={by}&rows=all&{DAYS}")}
        total = lines.pop("Total")
        assert Decimal(total["cost_usd"]) == whole(now.values()).cost
        assert Decimal(total["cost_before_usd"]) == before.cost
        lines.pop("No longer there", None)
        assert {name: int(line["calls"]) for name, line in lines.items()} == {n: s.calls for n, s in now.items()}


def apart(now: Decimal, before: Decimal) -> Decimal:
    """What a reader gets who subtracts the amounts that are shown; below a dollar exactly."""
    return now - before if abs(now) < 1 and abs(before) < 1 else round(now, 2) - round(before, 2)


def test_the_page_shows_the_cents_of_the_file_and_in_the_same_order(viewer, filled):
    for query in (f"by=agent&{DAYS}", f"by=user&sort=name&{DAYS}", f"by=task&sort=-calls&{DAYS}"):
        html = viewer.get(f"/?{query}").content.decode()
        shown = [cells for cells in rows(html) if cells][1:]
        lines = in_file(viewer, query)
        assert [cells[0] for cells in shown] == [next(iter(line.values())) for line in lines]
        for cells, line in zip(shown, lines, strict=True):
            cost = Decimal(line["cost_usd"])
            assert cells[1] == (dollars(cost) if int(line["priced_calls"]) or not int(line["calls"]) else "unpriced")
            change = apart(cost, Decimal(line["cost_before_usd"]))
            assert cells[4] == ("+" if change > 0 else "") + dollars(change)
            assert cells[6] == line["runs"] and cells[8] == line["calls"]


def test_the_days_still_running_are_held_against_the_same_days_up_to_the_same_time(viewer, filled):
    zone = filled.time_zone
    today = NOW.astimezone(ZoneInfo(zone)).date()
    then = NOW.astimezone(ZoneInfo(zone)).replace(tzinfo=None) - timedelta(days=28)
    start_before = local((today.replace(day=1) - timedelta(days=28)).isoformat(), zone)
    before = whole(told(CALLS, ("agent",), start_before, then.replace(tzinfo=ZoneInfo(zone))).values())
    now = whole(told(CALLS, ("agent",), local("2026-11-01", zone), NOW + timedelta(days=1)).values())
    total = in_file(viewer, "")[-1]
    assert (Decimal(total["cost_usd"]), Decimal(total["cost_before_usd"])) == (now.cost, before.cost)
    assert before.cost > 0
