"""Sessions, their paths and the bill for history, on pages and as CSV, against plain counting of the calls."""

import csv
from collections import Counter
from datetime import datetime
from decimal import Decimal
from io import StringIO
from itertools import groupby

import pytest

from costwatch.dashboards.addresses import session_url
from tests.dashboards.crowded import field
from tests.dashboards.page import row, rows, text

pytestmark = pytest.mark.thorough
EVER = "first=2026-08-01&last=2026-11-18"


def body(client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def table(client, page: str, query: str = EVER) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(body(client, f"/{page}.csv?{query}"))))


def called(name: str | None) -> str:
    return name or "Not attributed"


def sane(text: str) -> str:
    """A cell without the sign that keeps a spreadsheet from computing it."""
    return text.removeprefix("'")


@pytest.fixture
def talks(calls):
    """Session → its calls in order of time."""
    found = field.by(calls, lambda one: one.session_id)
    return {name: own for name, own in found.items() if name}


def path(own, of=lambda one: one.agent_id) -> tuple[str, ...]:
    """In which order they are first called."""
    return tuple(dict.fromkeys(called(of(one)) for one in own))


def test_every_session_stands_in_the_csv_with_the_sums_of_its_calls(client, talks):
    found = {line["session_id"]: line for line in table(client, "sessions")}
    assert found.keys() == talks.keys()
    begun = set()  # a run is counted where its first call is
    for name, own in talks.items():
        line = found[name]
        assert Decimal(line["cost_usd"]) == field.cost(own)
        assert int(line["calls"]) == len(own)
        assert int(line["priced_calls"]) == sum(one.cost is not None for one in own)
        assert int(line["errors"]) == sum(one.error for one in own)
        assert int(line["tokens"]) == sum((one.input_tokens or 0) + (one.output_tokens or 0) for one in own)
        assert int(line["runs"]) == len({one.run_id for one in own if one.run_id} - begun)
        assert datetime.fromisoformat(line["started"]) == own[0].timestamp
        assert float(line["duration_s"]) == (own[-1].timestamp - own[0].timestamp).total_seconds()


@pytest.mark.parametrize("query", ["agent=triage", "agent!=triage", "model=gpt-5.4", "tag.customer=Lark", "user="])
def test_under_a_condition_a_session_is_what_fulfils_it(client, talks, query):
    name, _, value = query.partition("=")
    excluded, dimension = name.endswith("!"), name.rstrip("!")
    means = {}
    for session, own in talks.items():
        fulfil = [one for one in own if ((field.value_of(one, dimension) or "") == value) is not excluded]
        if fulfil:
            means[session] = fulfil
    found = {line["session_id"]: Decimal(line["cost_usd"]) for line in table(client, "sessions", f"{EVER}&{query}")}
    assert found == {session: field.cost(own) for session, own in means.items()}


def test_the_list_shows_the_way_that_each_took(client, talks):
    html = body(client, f"/sessions?{EVER}")
    for name, own in talks.items():
        told = row(html, name)
        hops = path(own)
        assert told[3] == " → ".join(hops if len(hops) <= 4 else (*hops[:3], "…", hops[-1]))
        assert told[4] == str(len(own))
        if all(one.cost is None for one in own):
            assert told[2] == "unpriced"
        elif field.cost(own) >= 1:
            assert told[2] == f"${field.cost(own):,.2f}"


def test_the_distribution_holds_every_session_with_a_price_once(client, talks):
    html = body(client, f"/sessions?{EVER}")
    costs = [field.cost(own) for own in talks.values() if any(one.cost is not None for one in own)]
    bars = [cells for cells in rows(html) if len(cells) == 4 and cells[0].startswith("$") and cells[2].endswith("%")]
    for label, sessions, _, cost in bars:
        low, _, high = label.replace("$", "").partition(" – ")
        inside = [one for one in costs if Decimal(low) <= one < Decimal(high)]
        assert int(sessions) == len(inside), label
        assert cost == f"${sum(inside, Decimal(0)):,.2f}"
    assert sum(int(cells[1]) for cells in bars) == len(costs)


@pytest.mark.parametrize("by", ["agent", "model"])
def test_paths_are_told_with_their_sessions_and_the_cost_of_each_hop(client, talks, by):
    of = {"agent": lambda one: one.agent_id, "model": lambda one: one.model}[by]
    ways = Counter(path(own, of) for own in talks.values())
    found: dict[str, list[dict[str, str]]] = {}
    for line in table(client, "session-paths", f"{EVER}&by={by}"):
        found.setdefault(sane(line["path"]), []).append(line)
    most = sorted(ways.values(), reverse=True)[:12]
    assert [int(hops[0]["sessions"]) for hops in found.values()] == most, "the most frequent first"
    for way, hops in found.items():
        names = tuple(way.split(" → "))
        own = [calls for calls in talks.values() if path(calls, of) == names]
        assert int(hops[0]["sessions"]) == ways[names] == len(own)
        assert Decimal(hops[0]["path_cost_usd"]) == sum(map(field.cost, own))
        for number, hop in enumerate(hops):
            spent = field.cost(one for calls in own for one in calls if called(of(one)) == names[number])
            assert (sane(hop[by]), int(hop["hop"])) == (names[number], number + 1)
            assert Decimal(hop["hop_cost_usd"]) == spent


def test_stages_know_how_many_sessions_reach_them_and_begin_there(client, talks):
    html = body(client, f"/session-paths?{EVER}")
    whole = field.cost(one for own in talks.values() for one in own)
    for agent in field.AGENTS:
        reached = [own for own in talks.values() if called(agent) in path(own)]
        spent = field.cost(one for own in reached for one in own if one.agent_id == agent)
        begin = sum(path(own)[0] == called(agent) for own in reached)
        told = row(html, called(agent))
        assert (told[1], told[4]) == (str(len(reached)), str(begin))
        assert told[3] == f"{len(reached) / len(talks) * 100:.1f} %"
        assert (told[6], told[7]) == (f"${spent / len(reached):,.2f}", f"${spent:,.2f}")
        assert told[8] == f"{spent / whole * 100:.1f} %"


@pytest.mark.parametrize("number", range(0, 40, 3))
def test_the_page_of_a_session_walks_its_hops(client, talks, number):
    own = talks.get(f"s-{number}")
    if own is None:
        assert client.get(session_url(f"s-{number}")).status_code == 404
        return
    html = body(client, session_url(f"s-{number}"))
    hops = [list(group) for _, group in groupby(own, key=lambda one: (one.agent_id, one.model))]
    shown = [cells for cells in rows(html) if len(cells) == 9]
    assert [(cells[2], cells[3]) for cells in shown] == [(called(hop[0].agent_id), hop[0].model) for hop in hops]
    assert [cells[4] for cells in shown] == [str(sum(one.error for one in hop)) for hop in hops]
    first = 1
    for cells, hop in zip(shown, hops, strict=True):
        last = first + len(hop) - 1
        assert cells[0] == (f"{first}" if len(hop) == 1 else f"{first}–{last}")
        priced = [one for one in hop if one.cost is not None]
        assert (cells[8] == "unpriced") == (not priced)
        if priced:
            assert abs(Decimal(cells[8].strip("$")) - field.cost(hop)) < Decimal("0.0001")
        first = last + 1
    runs = field.by([one for one in own if one.run_id], lambda one: one.run_id)
    for name, calls in runs.items():
        assert row(html, name)[4] == str(len(calls)), "the run's calls in this session"


def resent(calls) -> list[tuple[field.Entry, int]]:
    """Each call that carries input, and how much of it can have been sent or answered before it, at most."""
    before: dict[tuple[str | None, str | None, str | None], int] = {}
    found = []
    for one in calls:
        if not one.input_tokens or not (one.session_id or one.run_id):
            continue
        talk = (one.session_id, None if one.session_id else one.run_id, one.agent_id)
        found.append((one, min(before.get(talk, 0), one.input_tokens)))
        before[talk] = one.input_tokens + (one.output_tokens or 0)
    return found


def test_the_bill_for_history_counts_what_was_sent_before(client, calls):
    told = {(sane(line["agent"]), line["model"]): line for line in table(client, "resend")}
    sums: dict[tuple[str, str], list[int]] = {}
    for one, again in resent(calls):
        line = sums.setdefault((called(one.agent_id), one.model), [0, 0, 0])
        for place, number in enumerate((1, one.input_tokens, again)):
            line[place] += number
    assert told.keys() == sums.keys()
    for key, (count, tokens, again) in sums.items():
        line = told[key]
        assert (int(line["calls"]), int(line["input_tokens"]), int(line["resent_tokens"])) == (count, tokens, again)
    whole, part = (sum(line[place] for line in sums.values()) for place in (1, 2))
    assert f"Up to {part / whole * 100:.0f} % of the input was sent before" in text(body(client, f"/resend?{EVER}"))
