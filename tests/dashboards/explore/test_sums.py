"""Explore against sums counted call by call: two dimensions, any length of bars, ratios, other spans, zones."""

import csv
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from zoneinfo import ZoneInfo

import pytest

from tests.dashboards.oracle import Told, books, local, told, usage, value, whole
from tests.dashboards.page import as_read, figure, rows

pytestmark = [pytest.mark.thorough, pytest.mark.django_db]

CALLS = usage(11, 170)
DAYS = "first=2026-10-03&last=2026-11-17"
PLACES = Decimal("0.000000000001")


@pytest.fixture(scope="module", params=["Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"])
def filled(request, django_db_setup, django_db_blocker):
    with books(django_db_blocker, *CALLS, zone=request.param, unfolded=25) as workspace:
        yield workspace


def span(zone: str, first: str = "2026-10-03", after: str = "2026-11-18") -> tuple[datetime, datetime]:
    return local(first, zone), local(after, zone)


def in_file(client, query: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(client.get(f"/explore.csv?{query}").content.decode(), newline="")))


def ratio(part: Decimal | int, by: int, times: int = 1) -> Decimal | None:
    return (Decimal(part) * times / by).quantize(PLACES) if by else None


MEASURES = {
    "cost": lambda s: s.cost if s.calls == 0 or s.calls > s.unpriced + s.unknown else None,
    "calls": lambda s: s.calls,
    "input_tokens": lambda s: s.input,
    "cached_input_tokens": lambda s: s.cached,
    "output_tokens": lambda s: s.output,
    "error_cost": lambda s: s.error_cost if s.calls == 0 or s.calls > s.unpriced + s.unknown else None,
    "cost_per_call": lambda s: ratio(s.cost, s.calls - s.unpriced - s.unknown),
    "cost_per_run": lambda s: ratio(s.cost, len(s.runs)) if s.calls > s.unpriced + s.unknown else None,
    "cost_per_1m_tokens": lambda s: (
        ratio(s.cost, s.input + s.output, 1_000_000) if s.calls > s.unpriced + s.unknown else None
    ),
    "error_share": lambda s: ratio(s.errors, s.calls),
    "cached_share": lambda s: ratio(s.cached, s.input),
}
COLUMNS = {"cost": "cost_usd", "error_cost": "error_cost_usd", "cost_per_call": "cost_per_call_usd",
           "cost_per_run": "cost_per_run_usd", "cost_per_1m_tokens": "cost_per_1m_tokens_usd"}  # fmt: skip


def number(text: str) -> Decimal | None:
    return Decimal(text) if text else None


@pytest.mark.parametrize("metric", MEASURES)
def test_every_measure_of_every_value_in_both_spans(viewer, filled, metric):
    """The days before are chosen, so that they are taken whole."""
    measure, column = MEASURES[metric], COLUMNS.get(metric, metric)
    query = f"metric={metric}&by=agent&rows=all&{DAYS}&against=custom&cfirst=2026-09-12&clast=2026-10-02"
    now = {name or "Not attributed": s for (name,), s in told(CALLS, ("agent",), *span(filled.time_zone)).items()}
    then = told(CALLS, ("agent",), *span(filled.time_zone, "2026-09-12", "2026-10-03"))
    before = {name or "Not attributed": s for (name,), s in then.items()}
    lines = {line["agent"]: line for line in in_file(viewer, query)}
    now["Total"], before["Total"] = whole(now.values()), whole(before.values())
    assert lines.keys() == now.keys()
    for name, line in lines.items():
        one, other = measure(now[name]), measure(before[name])
        assert number(line[column]) == one, name
        assert number(line[f"{column}_before"]) == other, name
        assert number(line[f"{column}_change"]) == (None if one is None or other is None else one - other), name


@pytest.mark.parametrize(("by", "across"), [("agent", "task"), ("tag.customer", "model"), ("task", "tag.customer")])
def test_every_cell_of_two_dimensions(viewer, filled, by, across):
    found = told(CALLS, (by, across), *span(filled.time_zone))
    values = {name for _, name in found}
    for line in in_file(viewer, f"metric=calls&by={by}&across={across}&rows=all&against=none&{DAYS}"):
        if line["row"] == "total":
            row = {name: whole(s for (_, second), s in found.items() if second == name).calls for name in values}
        else:
            first = "" if line["row"] == "not attributed" else line[by]
            row = {name: found.get((first, name), Told()).calls for name in values}
        for name, calls in row.items():
            assert int(line[f"{across}={name}" if name else f"{across} not attributed"]) == calls
        assert int(line["calls"]) == sum(row.values())


def buckets(zone: ZoneInfo, at: datetime, bucket: str) -> str:
    """The label of the bar that a time falls into, worked out by the local calendar alone."""
    day = at.astimezone(zone).date()
    if bucket == "month":
        return f"{day:%B %Y}"
    if bucket == "week":
        monday = day - timedelta(days=day.weekday())
        return f"week of {monday.day} {monday:%b %Y}"
    return f"{day:%a} {day.day} {day:%b}"


@pytest.mark.parametrize("bucket", ["day", "week", "month"])
@pytest.mark.parametrize("metric", ["cost", "calls"])
def test_the_bars_add_up_the_calls_of_their_local_days_weeks_and_months(viewer, filled, bucket, metric):
    zone = ZoneInfo(filled.time_zone)
    start, end = span(filled.time_zone)
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for call in CALLS:
        if start <= call.timestamp < end:
            label = buckets(zone, call.timestamp, bucket)
            expected[label] += (call.cost or 0) if metric == "cost" else call.requests
    html = viewer.get(f"/explore?metric={metric}&by=task&bucket={bucket}&against=none&{DAYS}").content.decode()
    drawn: dict[str, float] = defaultdict(float)
    for trace in figure(html)["data"]:
        if "meta" in trace:
            for label, amount in zip(trace["x"], trace["y"], strict=True):
                drawn[label] += amount
    assert {label: amount for label, amount in drawn.items() if amount} == pytest.approx(
        {label: float(amount) for label, amount in expected.items() if amount}, abs=0.02
    )
    assert len(drawn) == {"day": 46, "week": 8, "month": 2}[bucket]


def test_a_day_by_quarters_of_an_hour_holds_the_calls_of_that_day_alone(viewer, filled):
    zone = ZoneInfo(filled.time_zone)
    by_day: dict[str, int] = defaultdict(int)
    for call in CALLS:
        by_day[call.timestamp.astimezone(zone).date().isoformat()] += call.requests
    day = max((day for day in by_day if day < "2026-11-18"), key=lambda day: by_day[day])
    html = viewer.get(f"/explore?metric=calls&by=none&bucket=15m&first={day}&last={day}").content.decode()
    (trace,) = (trace for trace in figure(html)["data"] if "meta" in trace)
    assert len(trace["x"]) == 96
    shown = {label: amount for label, amount in zip(trace["x"], trace["y"], strict=True) if amount}
    expected: dict[str, int] = defaultdict(int)
    for call in CALLS:
        at = call.timestamp.astimezone(zone)
        if at.date().isoformat() == day:
            expected[f"{at.hour:02}:{at.minute // 15 * 15:02}"] += call.requests
    assert shown == expected


@pytest.mark.parametrize(
    ("query", "include", "exclude"),
    [
        ("agent=coder&task!=", {"agent": ["coder"]}, {"task": [""]}),
        ("user=u-1&user=u-2&tag.customer!=Orbit", {"user": ["u-1", "u-2"]}, {"tag.customer": ["Orbit"]}),
        ("agent=", {"agent": [""]}, {}),
        ("model!=gpt-5.4-mini&run=r-1", {"run": ["r-1"]}, {"model": ["gpt-5.4-mini"]}),
    ],
)
def test_conditions_hold_for_rows_columns_and_the_span_before(viewer, filled, query, include, exclude):
    found = told(CALLS, ("tag.customer", "agent"), *span(filled.time_zone), include, exclude)
    lines = in_file(viewer, f"{query}&metric=calls&by=tag.customer&across=agent&rows=all&against=none&{DAYS}")
    total = next((int(line["calls"]) for line in lines if line["row"] == "total"), 0)
    assert total == whole(found.values()).calls
    for line in lines:
        if line["row"] == "value":
            assert int(line["calls"]) == sum(s.calls for (one, _), s in found.items() if one == line["tag.customer"])
    before = told(CALLS, ("agent",), *span(filled.time_zone, "2026-09-12", "2026-10-03"), include, exclude)
    lines = in_file(viewer, f"{query}&metric=calls&by=agent&{DAYS}&against=custom&cfirst=2026-09-12&clast=2026-10-02")
    if before:
        assert int(lines[-1]["calls_before"]) == whole(before.values()).calls
    else:
        assert "calls_before" not in lines[-1]


def test_sessions_count_once_whatever_they_are_split_by(viewer, filled):
    """No call here has a session: all of it is left out, and the page says that there is nothing to divide by."""
    html = viewer.get(f"/explore?metric=cost_per_session&{DAYS}").content.decode()
    assert "No calls in 3 Oct – 17 Nov 2026" in as_read(html)


def test_the_page_and_the_file_have_the_same_rows_in_the_same_order(viewer, filled):
    for query in ("by=user&across=agent", "metric=error_share&by=task&sort=-part", "by=none&bucket=week&sort=-total"):
        html = viewer.get(f"/explore?{query}&{DAYS}").content.decode()
        shown = [cells[0] for cells in rows(html[html.index('id="h-table"') :])[1:]]
        assert shown == [next(iter(line.values())) for line in in_file(viewer, f"{query}&{DAYS}")], query


def test_a_value_is_found_under_its_own_name_only(viewer, filled):
    for name in {value(call, "tag.customer") for call in CALLS} - {""}:
        lines = in_file(viewer, f"tag.customer={name.replace('&', '%26')}&by=tag.customer&against=none&{DAYS}")
        assert [line["tag.customer"] for line in lines] == [name, "Total"]
