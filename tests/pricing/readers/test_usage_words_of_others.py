"""The many words for one count: Gemini's, telemetry's, those of smaller providers, and what usage is wrapped in."""

from decimal import Decimal

import pytest

from tests.pricing.readers.told import CHAT, PLAIN, told

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"responseTokenCount": 3}, {"output": 3}),  # Live
        ({"response_token_count": 3}, {"output": 3}),
        ({"candidatesTokenCount": 3, "toolUsePromptTokenCount": 7}, {"input": 17, "output": 3}),
        ({"candidatesTokenCount": 3, "trafficType": "ON_DEMAND_FLEX"}, {"output": 3, "service_tier": "flex"}),
        ({"candidatesTokenCount": 3, "traffic_type": "ON_DEMAND_PRIORITY"}, {"output": 3, "service_tier": "priority"}),
        ({"candidatesTokenCount": 3, "trafficType": "ON_DEMAND"}, {"output": 3}),
        ({"candidatesTokenCount": 3, "serviceTier": "batch"}, {"output": 3, "service_tier": "batch"}),
        ({"thoughtsTokenCount": 8}, {"output": 8, "thought": 8}),  # all of the answer was thought
        ({"candidatesTokenCount": 9,
          "promptTokensDetails": [{"modality": "IMAGE", "tokenCount": 4}, {"modality": "VIDEO", "tokenCount": 3}],
          "toolUsePromptTokensDetails": [{"modality": "IMAGE", "tokenCount": 2}],
          "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}, {"modality": "IMAGE", "tokenCount": 1},
                                      {"modality": "VIDEO", "tokenCount": 2}]},
         {"output": 9, "seen": 6, "spoken": 5, "drawn": 1, "units": {"input_video": 3, "output_video": 2}}),
        ({"response_token_count": 9, "prompt_tokens_details": [{"modality": "Modality.AUDIO", "token_count": 4}],
          "response_tokens_details": [{"modality": "audio", "tokens": 5}],
          "cache_tokens_details": [{"modality": "IMAGE", "token_count": 2}]},
         {"output": 9, "heard": 4, "spoken": 5, "units": {"cached_image_token": 2}}),
        ({"candidatesTokenCount": 3, "promptTokensDetails": ["x", None, {"tokenCount": 4}, {"modality": "TEXT"}]},
         {"output": 3}),
    ],
)  # fmt: skip
def test_gemini_in_all_its_apis(more, expected):
    assert told("gemini", {"promptTokenCount": 10} | more) == {"input": 10} | expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *[(name, "heard") for name in ("promptTokensDetails", "prompt_tokens_details", "toolUsePromptTokensDetails",
                                       "tool_use_prompt_tokens_details")],
        *[(name, "spoken") for name in ("candidatesTokensDetails", "candidates_tokens_details", "responseTokensDetails",
                                        "response_tokens_details")],
    ],
)  # fmt: skip
def test_gemini_lists_what_was_heard_and_spoken_under_many_names(name, kind):
    raw = {"promptTokenCount": 10, "candidatesTokenCount": 9, name: [{"modality": "AUDIO", "tokenCount": 4}]}
    assert told("gemini", raw) == {"input": 10, "output": 9, kind: 4}
    raw[name] *= 2  # every row counts
    assert told("gemini", raw)[kind] == 8


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"total_input_tokens": 10, "total_output_tokens": 3, "total_thought_tokens": 2, "total_cached_tokens": 4,
          "total_tool_use_tokens": 5}, {"input": 15, "output": 5, "thought": 2, "read": 4}),
        ({"totalTokenCount": 10}, {"input": 10}),  # embeddings
        ({"total_token_count": 10}, {"input": 10}),
        ({"token_count": 10}, {"input": 10}),
        ({"tokenCount": 10}, {"input": 10}),
    ],
)  # fmt: skip
def test_geminis_interactions_and_embeddings(raw, expected):
    assert told(None, raw) == expected


@pytest.mark.parametrize(
    ("api", "raw", "expected"),
    [
        ("cohere", {"billed_units": {"input_tokens": 10, "output_tokens": 3}, "cached_tokens": 10},
         {"input": 10, "output": 3, "read": 10}),
        ("cohere", {"billed_units": {"input_tokens": 10}, "cached_tokens": 11}, {"input": 10}),
        ("cohere", {"tokens": {"input_tokens": 10, "output_tokens": 3}}, {"input": 10, "output": 3}),
        ("cohere", {"search_units": 3}, {"units": {"rerank_search": 3}}),
        ("cohere", {"billed_units": {"classifications": 3}}, {"units": {"classification": 3}}),
        ("mistral", {"pages_processed": 3, "annotated_pages_processed": 2, "prompt_tokens": 9},
         {"units": {"page": 3, "annotated_page": 2}}),
        ("mistral", {"usage_info": {"pages_processed": 0}}, {}),
        ("mistral", CHAT | {"prompt_audio_seconds": 1.5}, PLAIN | {"units": {"audio_second": Decimal("1.5")}}),
        ("deepseek", CHAT | {"prompt_cache_hit_tokens": 60, "prompt_cache_miss_tokens": 40}, PLAIN | {"read": 60}),
        ("deepseek", CHAT | {"prompt_cache_hit_tokens": 0, "prompt_tokens_details": {"cached_tokens": 5}}, PLAIN),
        ("deepseek", CHAT | {"prompt_tokens_details": {"cached_tokens": 5}}, PLAIN | {"read": 5}),
        ("ollama", {"prompt_eval_count": 10, "eval_count": 3, "eval_duration": 9}, {"input": 10, "output": 3}),
        ("voyage", {"total_tokens": 10, "prompt_tokens": 4}, {"input": 10}),
        ("voyage", {"total_tokens": 10, "text_tokens": 4, "image_pixels": 9}, {"input": 10}),
        ("perplexity", CHAT | {"citation_tokens": 7, "num_search_queries": 0, "reasoning_tokens": 5},
         {"input": 100, "output": 55, "thought": 5, "units": {"citation": 7}}),
        ("perplexity", CHAT | {"num_search_queries": 3}, PLAIN),
        ("perplexity", CHAT | {"reasoning_tokens": 51}, {"input": 100, "output": 101, "thought": 51}),
        ("perplexity", CHAT | {"reasoning_tokens": 50}, PLAIN | {"thought": 50}),
        ("xai", {"input_tokens": 10, "output_tokens": 8, "output_tokens_details": {"reasoning_tokens": 5}},
         {"input": 10, "output": 8, "thought": 5}),
        ("xai", CHAT | {"server_side_tool_usage_details": {"code_interpreter_calls": 2}},
         PLAIN | {"units": {"code_execution": 2}}),
        ("openai.embeddings", {"input_tokens": 10}, {"input": 10}),
        ("openai.embeddings", {"total_tokens": 10}, {"input": 10}),
        ("openai.images", {"input_tokens": 5, "output_tokens": 9}, {"input": 5, "output": 9, "drawn": 9}),
        ("openai.transcription", {"duration": 12.5}, {"units": {"audio_second": Decimal("12.5")}}),
        ("openai.transcription", {"seconds": 9, "input_tokens": 4, "output_tokens": 2}, {"input": 4, "output": 2}),
        ("openai.usage_bucket", {"num_model_requests": 3, "images": 2}, {"requests": 3, "units": {"image": 2}}),
        ("openai.usage_bucket", {"num_model_requests": 3, "characters": 2}, {"requests": 3, "units": {"character": 2}}),
        ("openai.usage_bucket", {"num_model_requests": 0, "input_tokens": 5}, {"input": 5}),
        ("openai.usage_bucket", {"num_model_requests": 1, "input_tokens": 5, "input_audio_tokens": 2,
                                 "output_tokens": 3, "output_audio_tokens": 1, "batch": "yes", "service_tier": "flex"},
         {"input": 7, "output": 4, "heard": 2, "spoken": 1, "requests": 1, "service_tier": "flex"}),
    ],
)  # fmt: skip
def test_what_others_say_in_their_own_way(api, raw, expected):
    provider = {"voyage": "voyageai"}.get(api, api if "." not in api else "openai")
    assert told(api, raw, provider) == expected


@pytest.mark.parametrize(
    ("name", "short"),
    [
        *[(name, "read") for name in ("cache_read.input_tokens", "cache_read_input_tokens", "cache_read_tokens",
                                      "cached_tokens", "input_tokens.cached", "cached_input_tokens",
                                      "prompt_tokens_details.cached_tokens", "details.cache_read_tokens")],
        *[(name, "written") for name in ("cache_creation.input_tokens", "cache_creation_input_tokens",
                                         "cache_write_tokens", "cache_write.input_tokens", "cache_creation_tokens")],
        *[(name, "thought") for name in ("reasoning.output_tokens", "reasoning_tokens", "output_tokens.reasoning",
                                         "reasoning_output_tokens", "details.reasoning_tokens")],
        *[(name, "heard") for name in ("input_audio_tokens", "audio.input_tokens", "details.input_audio_tokens")],
        *[(name, "spoken") for name in ("output_audio_tokens", "audio.output_tokens")],
    ],
)  # fmt: skip
def test_telemetry_has_had_many_names_for_the_same(name, short):
    raw = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50, f"gen_ai.usage.{name}": 20}
    assert told("otel", raw) == PLAIN | {short: 20}
    bare = {"input_tokens": 100, "output_tokens": 50, name: 20}
    assert told("otel", bare) == PLAIN | {short: 20}


@pytest.mark.parametrize(
    ("plain", "read", "written", "whole"), [(20, 20, 0, 20), (19, 20, 0, 39), (30, 20, 11, 61), (31, 20, 11, 31)]
)
def test_telemetry_whose_cache_does_not_fit_into_the_prompt_left_it_out(plain, read, written, whole):
    raw = {"gen_ai.usage.input_tokens": plain, "gen_ai.usage.cache_read.input_tokens": read,
           "gen_ai.usage.cache_creation.input_tokens": written}  # fmt: skip
    assert told(None, raw)["input"] == whole


def test_telemetry_that_says_nothing_is_nothing():
    assert told("otel", {"gen_ai.usage.input_tokens": None, "gen_ai.request.model": "m"}) == {}


@pytest.mark.parametrize(
    "wrapped",
    [
        {"usage": CHAT}, {"response": {"usage": CHAT}}, {"x_groq": {"id": "r", "usage": CHAT}},
        {"message": {"usage": CHAT}}, {"statistics": CHAT}, {"usage": {"usage": {"usage": CHAT}}},
        {"usage": None, "response": {"usage": CHAT}},
    ],
)  # fmt: skip
def test_a_usage_is_found_inside_of_what_was_answered(wrapped):
    assert told(None, wrapped) == PLAIN


def test_the_tier_beside_the_usage_belongs_to_it_and_the_one_within_leads():
    assert told(None, {"service_tier": "flex", "usage": CHAT}) == PLAIN | {"service_tier": "flex"}
    assert told(None, {"service_tier": "auto", "usage": CHAT | {"service_tier": "flex"}})["service_tier"] == "flex"
    assert told(None, {"speed": "fast", "usage": {"input_tokens": 1, "cache_read_input_tokens": 2}}) == {
        "input": 3, "read": 2, "service_tier": "fast",
    }  # fmt: skip


def test_a_tier_of_any_length_is_cut():
    assert told(None, CHAT | {"service_tier": "x" * 5000})["service_tier"] == "x" * 200
