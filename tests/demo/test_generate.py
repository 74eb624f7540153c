"""The demo's company behaves as a company does, the same way every time; no database is needed to see it."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from costwatch.demo import company, traffic
from costwatch.demo.generate import Story, between, generate
from costwatch.pricing.catalogue import read
from costwatch.pricing.usage import CostSource, Usage
from tests.pricing.conftest import compile_book

pytestmark = pytest.mark.thorough

NOW = datetime(2026, 11, 25, 14, 32, 7, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
COUNTS = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "reasoning_tokens")


@pytest.fixture(scope="module")
def days():
    return list(generate(NOW))


@pytest.fixture(scope="module")
def history(days):
    return [event for day in reversed(days) for event in day]


@pytest.fixture(scope="module")
def costs(history):
    """The price of each call, by its event id; None where it has none."""
    book = compile_book(read(), NOW)
    told = {}
    for event in history:
        usage = Usage(**{name: event[name] for name in Usage.__struct_fields__ if name in event})
        told[event["event_id"]] = book.price(usage)
    return told


def test_sixty_days_of_more_than_two_hundred_thousand_calls_end_now(days, history):
    assert len(history) > 200_000
    assert NOW - timedelta(minutes=5) < history[-1]["timestamp"] < NOW
    assert len(days) == company.DAYS + 1, "sixty whole days and today"
    first = history[0]["timestamp"].astimezone(BERLIN)
    assert (first.hour, first.date()) == (0, NOW.date() - timedelta(days=60))


def test_every_call_has_its_own_id_and_days_do_not_overlap(days, history):
    assert len({event["event_id"] for event in history}) == len(history)
    for day in days:
        assert len({event["timestamp"].astimezone(BERLIN).date() for event in day}) == 1
        assert [e["timestamp"] for e in day] == sorted(e["timestamp"] for e in day)


def test_the_same_seed_gives_the_same_calls_and_another_one_others(days):
    assert next(generate(NOW)) == days[0]
    assert next(generate(NOW, seed=2)) != days[0]


def test_parts_of_the_time_join_without_a_gap_or_a_repeat(days):
    story = Story(NOW, BERLIN)
    start = story.midnight(NOW.date())
    cuts = [start, start + timedelta(hours=3, minutes=17), start + timedelta(hours=9), NOW]
    parts = [event for a, b in pairwise(cuts) for event in between(story, a, b)]
    assert parts == days[0]


def test_life_goes_on_after_the_end(days):
    later = between(Story(NOW, BERLIN), NOW, NOW + timedelta(hours=1))
    assert 100 < len(later) < 1_500, "a few calls a minute"
    assert {"triage", "lookup"} <= {event.get("agent_id") for event in later}
    assert not {e["event_id"] for e in later} & {e["event_id"] for e in days[0]}


def test_parts_of_the_tokens_are_never_more_than_the_whole(history):
    for event in history:
        whole, made = event.get("input_tokens") or 0, event.get("output_tokens") or 0
        assert (event.get("cached_input_tokens") or 0) + (event.get("cache_write_tokens") or 0) <= whole, event
        assert (event.get("reasoning_tokens") or 0) <= made, event
        assert all(event[name] >= 0 for name in COUNTS if name in event)


def test_weekdays_differ_from_weekends_and_days_from_nights(history):
    by_day, by_hour = Counter(), Counter()
    for event in history:
        local = event["timestamp"].astimezone(BERLIN)
        by_day[local.date()] += 1
        by_hour[local.hour] += 1
    del by_day[NOW.date()]
    weekend = [n for day, n in by_day.items() if day.weekday() >= 5]
    weekdays = [n for day, n in by_day.items() if day.weekday() < 5]
    assert sum(weekend) / len(weekend) < 0.5 * sum(weekdays) / len(weekdays)
    assert min(by_hour, key=by_hour.__getitem__) in range(2, 7)
    assert max(by_hour.values()) > 3 * min(by_hour.values())


def test_customers_are_skewed_as_measured(history):
    sent = Counter(event.get("tags", {}).get("customer") for event in history if event.get("agent_id") == "triage")
    named = sum(n for customer, n in sent.items() if customer)
    assert abs(sent["Orbit Travel"] / named - traffic.measured()["clients"][0]) < 0.03
    assert len(sent) > 100
    assert 0 < sent[None] / sent.total() < 0.05, "few are not attributed"


def test_the_money_is_shared_as_in_a_company_like_this(history, costs):
    spent: dict[str | None, Decimal] = defaultdict(Decimal)
    for event in history:
        spent[event.get("agent_id")] += costs[event["event_id"]].cost or 0
    order = sorted(spent, key=spent.__getitem__, reverse=True)
    assert order == ["reasoning", "report-analysis", "code-review", "lookup", "triage", None]
    total = sum(spent.values())
    assert Decimal("0.3") < spent["reasoning"] / total < Decimal("0.5")
    assert Decimal("0.005") < spent[None] / total < Decimal("0.04")


def test_all_models_are_priced_but_the_one_that_should_not_be(history, costs):
    sources = defaultdict(Counter)
    for event in history:
        sources[event["model"]][costs[event["event_id"]].source] += 1
    unpriced = {model for model, counts in sources.items() if counts[CostSource.UNPRICED]}
    assert unpriced == {company.UNPRICED_MODEL}
    assert len({event["provider"] for event in history}) >= 4
    assert len(sources) >= 8


def test_one_run_runs_away(history, costs):
    runs: dict[str, Decimal] = defaultdict(Decimal)
    for event in history:
        if "run_id" in event:
            runs[event["run_id"]] += costs[event["event_id"]].cost or 0
    dearest, second = sorted(runs, key=runs.__getitem__, reverse=True)[:2]
    assert dearest == "r-8f31c2"
    assert runs[dearest] > Decimal("1.3") * runs[second]
    calls = [event for event in history if event.get("run_id") == dearest]
    assert Counter(e["call_fingerprint"] for e in calls).most_common(1)[0][1] > 20
    contexts = [e["input_tokens"] for e in calls]
    assert contexts == sorted(contexts) and contexts[-1] > 15 * contexts[0]


def test_no_other_run_repeats_itself(history):
    prints = Counter((e["run_id"], e["call_fingerprint"]) for e in history if e.get("call_fingerprint"))
    assert {run for (run, _), n in prints.items() if n > 1} == {"r-8f31c2"}


def test_contexts_grow_in_a_run_and_part_of_them_is_read_from_the_cache(history):
    first, last = defaultdict(list), defaultdict(list)
    for event in history:
        if event.get("agent_id") == "lookup" and event.get("input_tokens") and event["step"]:
            (first if event["step"] == 1 else last)[event["run_id"]].append(event["input_tokens"])
    grown = [max(last[run]) > first[run][0] for run in last.keys() & first.keys()]
    assert sum(grown) > 0.99 * len(grown)
    cached = sum(e.get("cached_input_tokens") or 0 for e in history)
    assert 0.3 < cached / sum(e.get("input_tokens") or 0 for e in history) < 0.9


def test_a_release_changed_what_a_run_costs(history, costs):
    spent: dict[str, Decimal] = defaultdict(Decimal)
    runs = defaultdict(set)
    for event in history:
        if event.get("agent_id") == "lookup":
            spent[event["release"]] += costs[event["event_id"]].cost or 0
            runs[event["release"]].add(event["run_id"])
    per_run = {release: spent[release] / len(runs[release]) for release in spent}
    assert per_run["lookup@3.2.0"] < Decimal("0.9") * per_run["lookup@3.1.4"]


def test_triage_moved_to_another_model(history):
    def models(start: int, end: int) -> Counter[str]:
        return Counter(e["model"] for e in history if e.get("agent_id") == "triage" and e["provider"] != "mistral"
                       and start < (NOW - e["timestamp"]).days < end)  # fmt: skip

    assert set(models(17, 60)) == {"gpt-5.4-mini"} and set(models(-1, 15)) == {"gemini-3.6-flash"}


def test_some_calls_fail_and_some_name_nobody(history):
    errors = [event for event in history if event.get("status") == "error"]
    assert 0.005 < len(errors) / len(history) < 0.03
    assert {"rate_limited", "timeout"} <= {event["error_type"] for event in errors}
    nameless = [event for event in history if not event.get("agent_id")]
    assert 0.02 < len(nameless) / len(history) < 0.08
    assert {event.get("environment") for event in history} == {"prod", "staging", "ci", None}


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/New_York", "UTC"])
def test_days_are_those_of_the_zone_also_when_its_clocks_change(zone):
    for day, _ in zip(generate(NOW, zone=zone), range(32), strict=False):  # New York's clocks changed on 1 November
        assert len({event["timestamp"].astimezone(ZoneInfo(zone)).date() for event in day}) == 1


def test_where_the_traffic_was_measured_is_said():
    note = traffic.measured()["note"]
    for origin in ("ServeGen", "Azure", "Mooncake", "CC BY 4.0", "Apache-2.0"):
        assert origin in note
