"""The cost of a conversation, counted conversation by conversation: whatever it is split by, each counts once."""

import csv
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from random import Random
from zoneinfo import ZoneInfo

import pytest

from costwatch.ledger.entry import Entry
from tests.dashboards.oracle import books, dollars, local, value
from tests.dashboards.page import figure, row, text
from tests.ledger.make import NOW, entry

pytestmark = [pytest.mark.thorough, pytest.mark.django_db]


def conversations() -> list[Entry]:
    """Two hundred calls of 45 days; four of five belong to one of forty conversations that last some days."""
    chance = Random(5)
    calls = []
    for number in range(200):
        session = f"s-{chance.randrange(40)}" if chance.random() < 0.8 else None
        day = int(session[2:]) if session else chance.randrange(40)
        at = NOW - timedelta(days=day, minutes=chance.randrange(1, 6000), seconds=number)
        calls.append(
            entry(
                timestamp=at,
                session_id=session,
                cost=str(Decimal(chance.randrange(10**11, 10**13)).scaleb(-12)),
                agent_id=chance.choice(["triage", "coder", None]),
                model=chance.choice(["gpt-5.4-mini", "claude-haiku-4.5"]),
                user_id=f"u-{chance.randrange(6)}",
            )
        )
    return sorted(calls, key=lambda call: call.timestamp)


CALLS = conversations()
START, END = "2026-10-10", "2026-11-15"
DAYS = "first=2026-10-10&last=2026-11-14"


@pytest.fixture(scope="module", params=["Europe/Berlin", "Asia/Kathmandu"])
def filled(request, django_db_setup, django_db_blocker):
    with books(django_db_blocker, *CALLS, zone=request.param, unfolded=40) as workspace:
        yield workspace


def counted(by: tuple[str, ...], start: datetime, end: datetime, **conditions: str) -> dict[tuple[str, ...], list]:
    """[spend, conversations that begin here] by values: a conversation begins with its first call that is meant."""
    found: dict[tuple[str, ...], list] = defaultdict(lambda: [Decimal(0), 0])
    begun = set()
    for call in CALLS:
        meant = all(value(call, name) == wanted for name, wanted in conditions.items())
        if start <= call.timestamp < end and call.session_id and meant:
            part = found[tuple(value(call, name) for name in by)]
            part[0] += call.cost
            part[1] += call.session_id not in begun
            begun.add(call.session_id)
    return found


def in_file(client, query: str) -> list[dict[str, str]]:
    address = f"/explore.csv?metric=cost_per_session&{query}&{DAYS}"
    return list(csv.DictReader(StringIO(client.get(address).content.decode(), newline="")))


def mean(spend: Decimal, sessions: int) -> Decimal | None:
    return round(spend / sessions, 12) if sessions else None


@pytest.mark.parametrize("by", ["agent", "model", "user"])
def test_rows_divide_their_spend_by_the_conversations_that_begin_in_them(viewer, filled, by):
    span = local(START, filled.time_zone), local(END, filled.time_zone)
    expected = {name or "Not attributed": part for (name,), part in counted((by,), *span).items()}
    lines = {line[by]: line for line in in_file(viewer, f"by={by}&rows=all&against=none")}
    total = lines.pop("Total")
    assert lines.keys() == expected.keys()
    for name, line in lines.items():
        spend, sessions = expected[name]
        assert (Decimal(line["spend_usd"]), int(line["sessions"])) == (spend, sessions), name
        told = line["cost_per_session_usd"]
        assert (Decimal(told) if told else None) == mean(spend, sessions)
    (whole,) = counted((), *span).values()
    assert int(total["sessions"]) == whole[1] == sum(part[1] for part in expected.values())
    assert Decimal(total["cost_per_session_usd"]) == mean(*whole)


def test_cells_of_two_dimensions_do_so_too(viewer, filled):
    span = local(START, filled.time_zone), local(END, filled.time_zone)
    expected = counted(("agent", "model"), *span)
    for line in in_file(viewer, "by=agent&across=model&rows=all&against=none"):
        if line["row"] != "total":
            agent = line["agent"] if line["row"] == "value" else ""
            for model in ("gpt-5.4-mini", "claude-haiku-4.5"):
                told = line[f"model={model}"]
                assert (Decimal(told) if told else None) == mean(*expected[agent, model])


@pytest.mark.parametrize("condition", [{"agent": "coder"}, {"agent": ""}, {"model": "gpt-5.4-mini", "user": "u-1"}])
def test_under_conditions_a_conversation_begins_with_the_first_call_that_is_meant(viewer, filled, condition):
    span = local(START, filled.time_zone), local(END, filled.time_zone)
    query = "&".join(f"{name}={wanted}" for name, wanted in condition.items())
    total = in_file(viewer, f"by=none&bucket=month&against=none&{query}")[-1]
    (whole,) = counted((), *span, **condition).values()
    assert (Decimal(total["spend_usd"]), int(total["sessions"])) == (whole[0], whole[1])


@pytest.mark.parametrize("bucket", ["day", "week", "month"])
def test_over_time_each_counts_in_the_bar_in_which_it_begins(viewer, filled, bucket):
    zone = ZoneInfo(filled.time_zone)
    begun, expected = set(), defaultdict(int)
    for call in CALLS:
        if local(START, zone.key) <= call.timestamp < local(END, zone.key) and call.session_id not in (None, *begun):
            begun.add(call.session_id)
            day = call.timestamp.astimezone(zone).date()
            first = {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}[bucket]
            expected[first] += 1
    lines = in_file(viewer, f"by=none&bucket={bucket}&against=none&sort=time&page=1")
    shown = [int(line["sessions"]) for line in lines if line["row"] != "total" and line["sessions"] != "0"]
    if bucket == "day":  # more than a page of rows: the others are one
        assert sum(shown) == sum(expected.values()) == int(lines[-1]["sessions"])
        assert shown[:5] == [expected[day] for day in sorted(expected)][:5]
    else:
        assert shown == [expected[first] for first in sorted(expected)]


def test_the_span_before_counts_its_own(viewer, filled):
    zone = filled.time_zone
    query = "by=agent&against=custom&cfirst=2026-10-10&clast=2026-10-24"
    total = in_file(viewer, query)[-1]
    (whole,) = counted((), local("2026-10-10", zone), local("2026-10-25", zone)).values()
    assert Decimal(total["cost_per_session_usd_before"]) == mean(*whole)


def test_the_page_says_how_it_is_divided_and_draws_gaps_where_none_begins(viewer, filled):
    html = viewer.get(f"/explore?metric=cost_per_session&against=none&by=none&{DAYS}").content.decode()
    zone = filled.time_zone
    (whole,) = counted((), local(START, zone), local(END, zone)).values()
    assert row(html[html.index('id="h-table"') :], "Total")[3:] == [dollars(whole[0]), f"{whole[1]}"]
    assert "spend of calls with a session ÷ sessions that begin here" in text(html)
    (trace,) = (trace for trace in figure(html)["data"] if "meta" in trace)
    assert len(trace["y"]) == 36


def test_too_many_calls_to_count_one_by_one_are_refused_with_a_sentence(viewer, monkeypatch):
    monkeypatch.setattr("costwatch.spend.session_sums.MOST_EVENTS", 20)
    response = viewer.get(f"/explore?metric=cost_per_session&{DAYS}")
    assert response.status_code == 400
    assert "Sessions are counted call by call: ask for a shorter range" in text(response.content.decode())
