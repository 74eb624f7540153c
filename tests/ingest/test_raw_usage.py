"""`usage` + `api` instead of the token fields: read on the way in, and what the sender says beside it leads."""

from decimal import Decimal

import pytest

from tests.ingest.make import batch, entry, event, fault

TOKENLESS = {"input_tokens": None, "output_tokens": None}


def read(usage, **fields):
    return entry(**event(**TOKENLESS, usage=usage, **fields))


def test_a_usage_object_becomes_counts():
    got = read({"input_tokens": 9, "cache_read_input_tokens": 91, "output_tokens": 5}, api="anthropic.messages")
    assert (got.input_tokens, got.cached_input_tokens, got.output_tokens) == (100, 91, 5)
    assert got.raw_usage["input_tokens"] == 9


def test_the_two_halves_of_a_stream_are_one_usage():
    got = read([{"input_tokens": 9, "output_tokens": 1}, {"output_tokens": 44}], api="anthropic.messages")
    assert (got.input_tokens, got.output_tokens) == (9, 44)


def test_the_usage_object_leads_over_token_fields():
    got = entry(**event(input_tokens=1, output_tokens=1, usage={"prompt_tokens": 50, "completion_tokens": 6}))
    assert (got.input_tokens, got.output_tokens) == (50, 6)


def test_without_a_known_key_the_token_fields_count():
    got = entry(**event(input_tokens=7, output_tokens=8, usage={"nobody": "knows"}))
    assert (got.input_tokens, got.output_tokens) == (7, 8)


def test_units_beside_the_object_join_those_inside():
    usage = {"input_tokens": 1, "output_tokens": 1, "server_tool_use": {"web_search_requests": 2}}
    assert read(usage, units={"page": 3}).units == {"web_search": Decimal(2), "page": Decimal(3)}
    assert read(usage, units={"web_search": 5}).units == {"web_search": Decimal(5)}


def test_tier_region_and_batch_are_taken_from_the_object_when_the_sender_is_silent():
    usage = {"input_tokens": 1, "output_tokens": 1, "service_tier": "batch", "inference_geo": "us"}
    got = read(usage, api="anthropic.messages")
    assert (got.service_tier, got.region) == ("batch", "us")
    assert read(usage, service_tier="priority", region="eu").service_tier == "priority"


def test_a_bucket_of_the_admin_api_sums_up_its_requests():
    usage = {"input_tokens": 500_000, "output_tokens": 9, "num_model_requests": 40}
    assert read(usage, api="openai.usage_bucket").requests == 40
    assert read(usage, api="openai.usage_bucket", requests=7).requests == 7


def test_the_charge_that_the_object_tells_is_kept():
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.0123}
    assert read(usage, api="openrouter", provider="openrouter").reported_cost == Decimal("0.0123")
    assert read(usage, api="openrouter", provider="openrouter", cost_usd="1").reported_cost == 1


def test_wrong_sums_of_a_provider_flag_the_event():
    got = read({"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 9}})
    assert got.usage_inconsistent and got.cached_input_tokens == 9


@pytest.mark.parametrize("wrong", [-1, 1.5, 2_000_000_000, "many", True, [1]])
def test_what_is_no_count_is_refused_with_its_name(wrong):
    problem = batch(event(**TOKENLESS, usage={"prompt_tokens": wrong, "completion_tokens": 1})).problems[0]
    assert problem.field == "usage.prompt_tokens" and "whole number" in problem.message


def test_a_usage_object_is_kept_as_it_came():
    pair = [{"input_tokens": 5, "cache_creation": {"ephemeral_5m_input_tokens": 0}}, {"output_tokens": 7}]
    got = entry(usage=pair, api="anthropic.messages")
    assert got.raw_usage == pair and got.api == "anthropic.messages"
    assert fault(usage="5 tokens")[0] == "usage"
    assert fault(usage={"text": "x" * 17_000})[0] == "usage"
    assert fault(usage={"text": "a\0b"})[0] == "usage"


def test_beside_a_usage_object_without_counts_the_token_fields_count_and_must_be_right():
    got = entry(usage={"strange_count": 7}, cached_input_tokens=5)
    assert (got.input_tokens, got.cached_input_tokens) == (100, 5)
    assert fault(usage={"strange_count": 7}, cached_input_tokens=101)[0] == "cached_input_tokens"


def test_the_counts_of_a_usage_object_are_read():
    got = entry(usage={"prompt_tokens": 431, "completion_tokens": 210, "total_tokens": 641}, input_tokens=None,
                output_tokens=None)  # fmt: skip
    assert (got.input_tokens, got.output_tokens) == (431, 210)
    assert fault(usage={"prompt_tokens": -1, "completion_tokens": 1})[0].startswith("usage")
