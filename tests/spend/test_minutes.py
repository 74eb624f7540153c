"""Requests and tokens of each minute, which the limits of providers are held against."""

from collections import defaultdict
from dataclasses import astuple
from datetime import UTC, datetime, timedelta

import pytest

from costwatch.accounts.keys import create_key
from costwatch.accounts.models import Workspace
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from costwatch.spend.minutes import LONGEST, minutes
from tests.ledger.make import entry
from tests.spend.usage import CENTRES, generated

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def call(seconds=0, **fields):
    return entry(timestamp=NOON + timedelta(seconds=seconds), **fields)


def test_a_minute_is_what_each_key_asked_of_each_model(workspace):
    one, two = (create_key(workspace, name, ["ingest"])[0].pk for name in ("web", "batch"))
    record(workspace.lane, [
        call(0, api_key_id=one, requests=3, input_tokens=100, output_tokens=7, cached_input_tokens=40),
        call(59.999999, api_key_id=one, input_tokens=5, output_tokens=1),
        call(59, api_key_id=two, input_tokens=None, output_tokens=None),
        call(30, api_key_id=one, model="other", provider="anthropic"),
        call(60, api_key_id=one, input_tokens=9, output_tokens=0),
    ])  # fmt: skip
    told = sorted(astuple(minute) for minute in minutes(workspace, NOON, NOON + HOUR))
    assert told == [
        (NOON, "anthropic", "other", "web", 1, 1200, 0, 85, 0),
        (NOON, "openai", "gpt-5.4-mini", "batch", 1, 0, 0, 0, 0),
        (NOON, "openai", "gpt-5.4-mini", "web", 4, 105, 40, 8, 0),
        (NOON + timedelta(minutes=1), "openai", "gpt-5.4-mini", "web", 1, 9, 0, 0, 0),
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_all_minutes_of_a_day_are_those_of_plain_counting_folded_or_not(workspace, stored, seed):
    entries = stored(generated(seed), folded=80)
    for centre in CENTRES:
        start, end = centre.replace(tzinfo=UTC) - 12 * HOUR, centre.replace(tzinfo=UTC) + 12 * HOUR
        wanted = defaultdict(lambda: [0, 0, 0, 0])
        for e in entries:
            if start <= e.timestamp < end:
                counts = (e.requests, e.input_tokens or 0, e.cached_input_tokens or 0, e.output_tokens or 0)
                at = e.timestamp.replace(second=0, microsecond=0)
                own = wanted[at, e.provider, e.model]
                wanted[at, e.provider, e.model] = [a + b for a, b in zip(own, counts, strict=True)]
        found = minutes(workspace, start, end)
        assert {(m.at, m.provider, m.model): [m.requests, m.input_tokens, m.cached_tokens, m.output_tokens]
                for m in found} == wanted  # fmt: skip
        assert [m.at for m in found] == sorted(m.at for m in found)


@pytest.mark.parametrize(
    "said",
    [
        "RateLimitError", "rate_limit_exceeded", "rate limit", "RATE-LIMITED", "openai.RateLimitError: Error code: 429",
        "ThrottlingException", "Throttled", "too_many_requests", "Too Many Requests", "RESOURCE_EXHAUSTED",
        "ResourceExhausted", "insufficient_quota", "429", "HTTP 429", "status=429;", "error429",
    ],
)  # fmt: skip
def test_what_senders_call_a_refusal_for_a_limit_counts_as_one(workspace, said):
    record(workspace.lane, [call(error=True, error_type=said, requests=2)])
    assert [minute.throttled for minute in minutes(workspace, NOON, NOON + HOUR)] == [2]


@pytest.mark.parametrize(
    "fields",
    [
        {"error": True, "error_type": "timeout"},
        {"error": True, "error_type": "overloaded_error"},
        {"error": True, "error_type": "4290"},
        {"error": True, "error_type": "invalid request id 142958"},
        {"error": True, "error_type": None},
        {"error": False, "error_type": "RateLimitError"},  # sent again until it went well
        {},
    ],
)
def test_other_errors_and_calls_that_went_well_are_no_refusals(workspace, fields):
    record(workspace.lane, [call(**fields)])
    assert [(minute.requests, minute.throttled) for minute in minutes(workspace, NOON, NOON + HOUR)] == [(1, 0)]


def test_at_most_the_last_day_of_a_range_is_read(workspace):
    record(workspace.lane, [call(-LONGEST.total_seconds() - 1), call(-LONGEST.total_seconds()), call(0)])
    found = minutes(workspace, NOON - timedelta(days=9), NOON)
    assert [minute.at for minute in found] == [NOON - LONGEST]  # the end itself is not in the range


def test_calls_without_a_provider_or_key_have_empty_names(workspace):
    record(workspace.lane, [call(provider=None)])
    fold_all()
    assert [(m.provider, m.key) for m in minutes(workspace, NOON, NOON + HOUR)] == [("", "")]


def test_minutes_of_another_workspace_are_not_read(workspace):
    other = Workspace.objects.create(name="Other")
    record(other.lane, [call()])
    assert minutes(workspace, NOON, NOON + HOUR) == []
