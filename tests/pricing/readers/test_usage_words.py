"""The many words for one count: OpenAI's, Anthropic's and Bedrock's, those of gateways, those of older versions."""

import pytest

from tests.pricing.readers.told import CHAT, PLAIN, told

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 40}}, {"read": 40}),
        ({"prompt_tokens_details": {"cache_read_tokens": 40}}, {"read": 40}),
        ({"prompt_tokens_details": {"cache_read_input_tokens": 40}}, {"read": 40}),
        ({"prompt_token_details": {"cached_tokens": 40}}, {"read": 40}),
        ({"input_tokens_details": {"cached_tokens": 40}}, {"read": 40}),
        ({"cached_tokens": 40}, {"read": 40}),
        ({"num_cached_tokens": 40}, {"read": 40}),
        ({"prompt_tokens_details": {"cached_tokens": 0}, "num_cached_tokens": 40}, {"read": 40}),
        ({"prompt_tokens_details": {"cached_tokens": 40}, "num_cached_tokens": 7}, {"read": 40}),
        ({"prompt_tokens_details": {"cache_write_tokens": 20}}, {"written": 20}),
        ({"prompt_tokens_details": {"cache_creation_tokens": 20}}, {"written": 20}),
        ({"cache_write_tokens": 20}, {"written": 20}),
        ({"prompt_tokens_details": {"cache_creation_tokens": 20,
                                    "cache_creation_token_details": {"ephemeral_1h_input_tokens": 15}}},
         {"written": 5, "written_1h": 15}),
        ({"total_tokens": 150, "cache_creation_input_tokens": 20, "cache_creation": {"ephemeral_1h_input_tokens": 20}},
         {"written_1h": 20}),
        ({"completion_tokens_details": {"reasoning_tokens": 30}}, {"thought": 30}),
        ({"output_tokens_details": {"reasoning_tokens": 30}}, {"thought": 30}),
        ({"completion_token_details": {"reasoning_tokens": 30}}, {"thought": 30}),
        ({"reasoning_tokens": 30}, {"thought": 30}),
        ({"prompt_tokens_details": {"audio_tokens": 9, "image_tokens": 8}}, {"heard": 9, "seen": 8}),
        ({"completion_tokens_details": {"audio_tokens": 9, "image_tokens": 8}}, {"spoken": 9, "drawn": 8}),
        ({"prompt_tokens_details": {"cached_tokens": 40, "audio_tokens": 9,
                                    "cached_tokens_details": {"audio_tokens": 4, "image_tokens": 2}}},
         {"read": 40, "heard": 9, "units": {"cached_audio_token": 4, "cached_image_token": 2}}),
        ({"service_tier": "priority"}, {"service_tier": "priority"}),
        ({"service_tier": ""}, {}),
        ({"service_tier": {"a": 1}}, {}),
    ],
)  # fmt: skip
def test_openais_language_has_many_dialects(more, expected):
    assert told("openai.chat", CHAT | more, "openai") == PLAIN | expected


@pytest.mark.parametrize(
    ("more", "output", "thought"),
    [
        ({"total_tokens": 150}, 50, 30),  # inside, as the total says
        ({"total_tokens": 180}, 80, 30),  # outside
        ({"total_tokens": 181}, 50, 30),  # neither: as OpenAI has it
        ({}, 50, 30),
    ],
)
def test_the_total_tells_where_reasoning_is_whoever_sends_it(more, output, thought):
    raw = CHAT | {"completion_tokens_details": {"reasoning_tokens": 30}} | more
    assert told("openai.chat", raw, "someone") == {"input": 100, "output": output, "thought": thought}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"total_tokens": 150}, {"input": 100, "read": 60, "written": 10}),
        ({"total_tokens": 220}, {"input": 170, "read": 60, "written": 10}),
        ({}, {"input": 100, "read": 60, "written": 10}),
        ({"cache_read_input_tokens": 95}, {"input": 205, "read": 95, "written": 10}),  # more than the prompt
        ({"cache_read_input_tokens": 90}, {"input": 100, "read": 90, "written": 10}),  # exactly the prompt
    ],
)
def test_the_total_or_the_size_tells_whether_a_gateway_left_the_cache_out(more, expected):
    raw = CHAT | {"cache_read_input_tokens": 60, "cache_creation_input_tokens": 10} | more
    assert told("openai.chat", raw, "gateway") == {"output": 50} | expected


@pytest.mark.parametrize("provider", ["google", "vertex"])
@pytest.mark.parametrize(
    ("total", "expected"),
    [(150, PLAIN), (149, PLAIN), (151, {"input": 100, "output": 51, "thought": 1}), (None, PLAIN)],
)
def test_google_hides_thoughts_between_the_counts_and_the_total(provider, total, expected):
    assert told("openai.chat", CHAT | {"total_tokens": total}, provider) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"cache_read_input_tokens": 30}, {"input": 40, "read": 30}),
        ({"cache_creation_input_tokens": 30}, {"input": 40, "written": 30}),
        ({"cache_creation_input_tokens": 30, "cache_creation": {"ephemeral_1h_input_tokens": 30}},
         {"input": 40, "written_1h": 30}),
        ({"cache_creation_input_tokens": 30, "cache_creation": {"ephemeral_5m_input_tokens": 10}},
         {"input": 40, "written": 30}),  # what is not told apart is of the common kind
        ({"cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 5}},
         {"input": 25, "written": 10, "written_1h": 5}),
        ({"cache_creation_input_tokens": 12,
          "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 5}},
         {"input": 25, "written": 10, "written_1h": 5}),
        # a total without room for the cache: the sender counted it in already
        ({"cache_read_input_tokens": 10, "total_tokens": 13}, {"input": 10, "read": 10}),
        ({"cache_read_input_tokens": 11, "total_tokens": 13}, {"input": 21, "read": 11}),
        ({"cache_read_input_tokens": 4, "total_tokens": 17}, {"input": 14, "read": 4}),
        ({"output_tokens_details": {"reasoning_tokens": 2}}, {"input": 10, "thought": 2}),
        ({"output_tokens_details": {"thinking_tokens": 2}}, {"input": 10, "thought": 2}),
        ({"server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 9}},
         {"input": 10, "units": {"web_search": 2}}),
        ({"server_tool_use": {"web_search_requests": 0}}, {"input": 10}),
        ({"speed": "fast", "service_tier": "priority"}, {"input": 10, "service_tier": "fast"}),
        ({"speed": "standard", "service_tier": "batch"}, {"input": 10, "service_tier": "batch"}),
        ({"inference_geo": "us"}, {"input": 10, "region": "us"}),
    ],
)  # fmt: skip
def test_anthropics_cache_is_outside_and_split_by_how_long_it_lives(more, expected):
    assert told("anthropic.messages", {"input_tokens": 10, "output_tokens": 3} | more) == {"output": 3} | expected


def test_a_total_counts_also_before_anything_was_generated():
    raw = {"input_tokens": 10, "cache_read_input_tokens": 4, "total_tokens": 10}
    assert told("anthropic.messages", raw) == {"input": 10, "read": 4}


def test_every_compaction_is_billed_with_its_own_cache_and_nothing_else_of_an_answer_twice():
    rounds = [
        {"type": "compaction", "input_tokens": 100, "output_tokens": 20, "cache_read_input_tokens": 7,
         "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 2}},
        {"type": "message", "input_tokens": 10, "output_tokens": 3}, "noise", None,
        {"type": "compaction", "output_tokens": 1},
    ]  # fmt: skip
    raw = {"input_tokens": 10, "output_tokens": 3, "cache_read_input_tokens": 5, "iterations": rounds}
    assert told("anthropic.messages", raw) == {
        "input": 15 + 112, "output": 24, "read": 12, "written": 3, "written_1h": 2,
    }  # fmt: skip
    assert told("anthropic.messages", raw | {"iterations": "none"})["output"] == 3


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"inputTokens": 10, "outputTokens": 3, "cacheReadInputTokens": 5}, {"input": 15, "output": 3, "read": 5}),
        ({"inputTokens": 10, "outputTokens": 3, "cacheWriteInputTokens": 5}, {"input": 15, "output": 3, "written": 5}),
        # InvokeModel of Nova
        ({"inputTokens": 10, "outputTokens": 3, "cacheReadInputTokenCount": 5, "cacheWriteInputTokenCount": 2},
         {"input": 17, "output": 3, "read": 5, "written": 2}),
        # InvokeModel of Titan
        ({"inputTextTokenCount": 10, "results": [{"tokenCount": 3}]}, {"input": 10}),
        ({"inputTokenCount": 10, "outputTokenCount": 3}, {"input": 10, "output": 3}),
        ({"inputTokens": 1, "outputTokens": 1, "serverToolUsage": {"webSearchRequests": 4}},
         {"input": 1, "output": 1, "units": {"web_search": 4}}),
        ({"inputTokens": 1, "outputTokens": 1, "serviceTier": "flex"},
         {"input": 1, "output": 1, "service_tier": "flex"}),
        ({"inputTokens": 1, "outputTokens": 1, "serviceTier": {"type": "priority"}},
         {"input": 1, "output": 1, "service_tier": "priority"}),
        ({"inputTokens": 1, "outputTokens": 1, "cacheWriteInputTokens": 9,
          "cacheDetails": [{"ttl": "5m", "inputTokens": 2}, {"ttl": "1h", "inputTokens": 4}, {"ttl": "9d"}, "x",
                           {"ttl": "1h", "inputTokens": 1}, {"inputTokens": 3}]},
         {"input": 10, "output": 1, "written": 4, "written_1h": 5}),
    ],
)  # fmt: skip
def test_bedrock_and_the_models_behind_it(raw, expected):
    assert told("bedrock.converse", raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"promptTokens": 10, "completionTokens": 3}, {"input": 10, "output": 3}),
        ({"inputTokens": 10, "outputTokens": 3, "cachedInputTokens": 4}, {"input": 10, "output": 3, "read": 4}),
        ({"inputTokens": 10, "outputTokens": 3, "inputTokenDetails": {"cacheReadTokens": 4, "cacheWriteTokens": 2}},
         {"input": 10, "output": 3, "read": 4, "written": 2}),
        ({"inputTokens": 10, "outputTokens": 3, "inputTokenDetails": {},
          "outputTokenDetails": {"reasoningTokens": 2}}, {"input": 10, "output": 3, "thought": 2}),
    ],
)  # fmt: skip
def test_the_vercel_sdk_of_yesterday_and_today(raw, expected):
    assert told(None, raw) == expected
