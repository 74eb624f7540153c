"""The calls of a run one by one, in time, and how their context grows."""

from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.dashboards.run_calls import cached_cost, calls, history_cost
from costwatch.dashboards.run_growth import MOST_BARS, growth
from costwatch.dashboards.run_timeline import ROW, TITLE, timeline
from tests.ledger.make import NOW


def event(name: str, seconds: float = 0, **fields):
    """An event as spend.events gives it."""
    usual = {
        "event_id": name, "timestamp": NOW + timedelta(seconds=seconds), "agent_id": "a", "input_tokens": 1000,
        "output_tokens": 100, "latency_ms": 1000, "cost_usd": "0.5", "cost_source": "catalog", "tool": None,
        "model": "m", "status": "ok", "error_type": None, "parent_id": None, "cost_parts": [],
    }  # fmt: skip
    return {**usual, **fields}


def part(component: str, tokens: int, price: str):
    return {"component": component, "tokens": tokens, "unit_price_usd": price, "per": 1, "cost_usd": "0"}


def made(*events, **options):
    return calls(events, {}, **options)


def test_a_call_sends_again_what_the_call_of_the_same_agent_before_it_had():
    first, other, second, shrunk = made(
        event("1"), event("2", agent_id="b"), event("3", input_tokens=1500), event("4", input_tokens=400)
    )
    assert [first.again, other.again, second.again, shrunk.again] == [0, 0, 1100, 400]
    assert second.context == 1
    assert second.again_context == pytest.approx(Decimal(1100) / 1500)
    assert second.new_context == pytest.approx(Decimal(400) / 1500)


def test_the_call_whose_context_was_sent_again_is_named():
    found = made(event("1"), event("2", agent_id="b"), event("3"), event("4", input_tokens=0), first=7)
    assert [call.after for call in found] == [None, None, 7, None]


def test_a_call_with_its_history_from_the_cache_costs_what_the_cache_does():
    own = event("1", cost_usd="3500", cost_parts=[part("cache_read", 500, "1"), part("input", 300, "10")])
    assert cached_cost(own, 600) == 3500 - (500 + 100 * 10) + 600
    assert cached_cost(event("1", cost_parts=[part("input", 300, "10")]), 600) is None, "no price of the cache is known"
    assert cached_cost(event("1", cost_usd=None), 600) is None


def test_unknown_counts_send_nothing_again():
    assert [call.again for call in made(event("1", input_tokens=None, output_tokens=None), event("2"))] == [0, 0]


def test_numbers_and_running_cost_go_on_where_the_calls_before_ended():
    second = made(event("1"), event("2", cost_usd=None), first=1001)[1]
    assert (second.number, second.running, second.cost) == (1002, Decimal("0.5"), None)


def test_the_caller_is_named_by_its_number():
    assert [call.caller for call in made(event("1"), event("2", parent_id="1"), event("3", parent_id="x"))] == [
        None,
        1,
        None,
    ]
    assert made(event("1", parent_id="1"))[0].caller is None, "nobody calls itself"


def test_history_costs_what_its_tokens_cost_those_from_the_cache_first():
    own = event("1", cost_parts=[part("input", 300, "10"), part("cache_read", 500, "1"), part("output", 9, "99")])
    assert history_cost(own, 400) == 400
    assert history_cost(own, 600) == 500 + 100 * 10
    assert history_cost(own, 9000) == 500 + 300 * 10
    assert history_cost(event("1", cost_usd=None), 400) is None
    assert history_cost(event("1"), 400) is None, "a cost without parts"


def test_repeats_name_the_call_they_repeat():
    told = {"1": "same call, same result, as call 7", "2": "same size as the one before"}
    first, second = calls([event("1"), event("2")], told)
    assert (first.repeated, second.repeated) == ("call 7", "")


def test_calls_side_by_side_stand_in_rows_of_their_own():
    drawn = timeline(made(event("1", 0, latency_ms=4000), event("2", 1), event("3", 2), event("4", 5)))
    assert [bar.y for bar in drawn.bars] == [TITLE, TITLE + ROW, TITLE + ROW, TITLE]
    assert drawn.together == 2
    assert drawn.height == TITLE + 2 * ROW
    assert [(bar.x, bar.width) for bar in drawn.bars[:2]] == [("0.00%", "66.67%"), ("16.67%", "16.67%")]
    assert "up to 2 at the same time" in drawn.sentence


def test_each_agent_has_rows_and_lines_lead_from_caller_to_called():
    drawn = timeline(made(event("1"), event("2", 2, agent_id="b", parent_id="1"), event("3", 4, parent_id="1")))
    assert drawn.agents == [("a", TITLE - 5), ("b", 2 * TITLE + ROW - 5)]
    assert [(edge.x, edge.top, edge.bottom) for edge in drawn.edges] == [("40.00%", TITLE + 5, 2 * TITLE + ROW + 5)]
    assert drawn.together == 1


def test_a_call_of_no_length_can_be_seen_and_stays_inside():
    drawn = timeline(made(event("1", latency_ms=None), event("2", 60, latency_ms=None)))
    assert [bar.width for bar in drawn.bars] == ["0.25%", "0.25%"]
    assert drawn.bars[1].x == "99.75%"


def test_there_is_no_timeline_without_time():
    assert timeline(made(event("1"))) is None
    assert timeline(made(event("1", latency_ms=0), event("2", latency_ms=0))) is None


def test_failures_and_repeats_look_bad_and_say_why():
    failed, _ = timeline(made(event("1", status="error", error_type="timeout"), event("2", 3))).bars
    assert failed.css == "c-bad"
    assert failed.title == "Call 1, reply, m, $0.500, 1.0\N{NO-BREAK SPACE}s, timeout"


def test_context_is_drawn_as_what_was_sent_again_and_what_was_new():
    drawn = growth(made(event("1"), event("2", input_tokens=2000)))
    assert drawn.width == 2
    assert drawn.again == "M1 60.0h.84v-33.0h-.84z"
    assert drawn.new == "M0 60.0h.84v-30.0h-.84zM1 27.0h.84v-27.0h-.84z"
    assert "from 1,000 to at most 2,000; at most 1,100 of all were sent again" in drawn.sentence
    assert growth(made(event("1"))) is None
    assert growth(made(event("1", input_tokens=None), event("2"))) is None


def test_of_very_many_calls_several_are_one_bar():
    drawn = growth(made(*(event(str(n), n, input_tokens=n) for n in range(1, 951))))
    assert drawn.width <= MOST_BARS
    assert drawn.largest == 950
