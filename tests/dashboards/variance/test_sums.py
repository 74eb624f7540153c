"""The variance page against sums counted call by call: both spans, every part, whatever it is told by."""

import csv
from decimal import Decimal
from io import StringIO

import pytest

from tests.dashboards.oracle import books, dollars, local, told, usage, whole
from tests.dashboards.page import figure, row, rows, text

pytestmark = [pytest.mark.thorough, pytest.mark.django_db]

CALLS = usage(23, 160)
DAYS = "first=2026-10-26&last=2026-11-17&against=custom&cfirst=2026-09-14&clast=2026-10-25"


@pytest.fixture(scope="module", params=["Europe/Berlin", "Asia/Kathmandu"])
def filled(request, django_db_setup, django_db_blocker):
    with books(django_db_blocker, *CALLS, zone=request.param, unfolded=20) as workspace:
        yield workspace


def in_file(client, query: str) -> list[list[str]]:
    return list(csv.reader(StringIO(client.get(f"/variance.csv?{query}").content.decode(), newline="")))


def both(zone: str, by: str, include=None, exclude=None):
    now, before = (
        told(CALLS, (by,), local(start, zone), local(end, zone), include, exclude)
        for start, end in (("2026-10-26", "2026-11-18"), ("2026-09-14", "2026-10-26"))
    )
    return ({name or "Not attributed": s.cost for (name,), s in side.items()} for side in (now, before))


@pytest.mark.parametrize("by", ["agent", "task", "user", "model", "tag.customer"])
def test_before_now_and_change_of_every_part_and_all_effects_add_up_to_it(viewer, filled, by):
    now, before = both(filled.time_zone, by)
    heading, *lines, total = in_file(viewer, f"by={by}&{DAYS}")
    assert heading == [by, "cost_before_usd", "cost_usd", "change_usd", *(f"{effect}_usd" for effect in (
        "runs", "calls", "mix", "input", "output", "cache", "price", "other"))]  # fmt: skip
    assert {line[0] for line in lines} == now.keys() | before.keys()
    for name, *amounts in lines:
        was, came, change, *effects = map(Decimal, amounts)
        assert (was, came) == (before.get(name, 0), now.get(name, 0))
        assert change == came - was == sum(effects)
    assert Decimal(total[1]) == sum(before.values()) and Decimal(total[2]) == sum(now.values())
    changes = [abs(Decimal(line[3])) for line in lines]
    assert changes == sorted(changes, reverse=True), "the largest change first"


@pytest.mark.parametrize(
    ("query", "include", "exclude"),
    [("agent=triage&agent=", {"agent": ["triage", ""]}, {}), ("task!=refund", {}, {"task": ["refund"]}),
     ("user=u-1&user=u-2&model=gpt-5.4-mini", {"user": ["u-1", "u-2"], "model": ["gpt-5.4-mini"]}, {})],
)  # fmt: skip
def test_conditions_hold_for_both_spans(viewer, filled, query, include, exclude):
    now, before = both(filled.time_zone, "task", include, exclude)
    total = in_file(viewer, f"by=none&{query}&{DAYS}")[-1]
    assert (Decimal(total[1]), Decimal(total[2])) == (sum(before.values()), sum(now.values()))


def test_all_together_is_one_line_of_the_whole(viewer, filled):
    lines = in_file(viewer, f"by=none&{DAYS}")
    assert [line[0] for line in lines] == ["part", "All", "Total"]
    assert lines[1][1:] == lines[2][1:]
    html = viewer.get(f"/variance?by=none&{DAYS}").content.decode()
    assert 'id="h-table"' not in html
    assert "/variance.csv?against=custom&amp;cfirst=2026-09-14&amp;clast=2026-10-25&amp;by=none&amp;" in html


@pytest.mark.parametrize("by", ["agent", "tag.customer"])
def test_the_page_shows_cents_that_add_up_and_are_those_of_the_file(viewer, filled, by):
    html = viewer.get(f"/variance?by={by}&{DAYS}").content.decode()
    lines = {line[0]: line for line in in_file(viewer, f"by={by}&{DAYS}")[1:]}
    shown = [cells for cells in rows(html) if cells][1:]
    assert [cells[0] for cells in shown] == list(lines)
    for name, before, after, change, *effects in shown:
        was, came = Decimal(lines[name][1]), Decimal(lines[name][2])
        assert (before, after) == (dollars(was), dollars(came))
        cents = [Decimal(text.replace("−", "-").replace("$", "").replace("+", "").replace(",", "").replace("–", "0"))
                 for text in (change, *effects)]  # fmt: skip
        assert cents[0] == sum(cents[1:]) == round(came, 2) - round(was, 2)


def test_sentence_chart_and_list_tell_the_total_of_the_table(viewer, filled):
    now, before = both(filled.time_zone, "agent")
    came, was = sum(now.values()), sum(before.values())
    html = viewer.get(f"/variance?{DAYS}").content.decode()
    said = text(html)
    assert f"from {dollars(was)} in 14 Sep – 25 Oct to {dollars(came)} in 26 Oct – 17 Nov 2026" in said
    change = round(came, 2) - round(was, 2)
    assert f"Spend {'rose' if change > 0 else 'fell'} {dollars(abs(change))}" in said
    steps, _ = figure(html)["data"]
    assert steps["x"][-1] == pytest.approx(float(change))
    cells = row(html, "Total")
    drawn = dict(zip(steps["y"], steps["x"], strict=True))
    for head, cell in zip(rows(html)[0][4:], cells[4:], strict=True):
        amount = cell.replace("−", "-").replace("$", "").replace("+", "").replace(",", "").replace("–", "0")
        assert drawn[head] == pytest.approx(float(amount))


def test_a_day_that_begins_elsewhere_at_another_hour_belongs_to_its_local_day(filled, viewer):
    """Of each day the calls of the local day alone, in both spans."""
    zone = filled.time_zone
    for day, after in (("2026-11-10", "2026-11-11"), ("2026-11-03", "2026-11-04")):
        total = in_file(viewer, f"by=none&first={day}&last={day}&against=custom&cfirst=2026-10-01&clast=2026-10-01")[-1]
        came = whole(told(CALLS, (), local(day, zone), local(after, zone)).values()).cost
        was = whole(told(CALLS, (), local("2026-10-01", zone), local("2026-10-02", zone)).values()).cost
        assert (Decimal(total[1]), Decimal(total[2])) == (was, came)
