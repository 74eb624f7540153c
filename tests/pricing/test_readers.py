"""Every shape of usage: where its parts are, what is missing, and what others make of it."""

from decimal import Decimal

import pytest

from costwatch.pricing import readers
from costwatch.pricing.readers import BadUsage


def counts(api, raw, provider=None, model="m"):
    """What was said, without what was not."""
    reading = readers.read(api, provider, model, raw)
    shown = {name.removesuffix("_tokens"): getattr(reading, name) for name in reading.__struct_fields__}
    return {name: value for name, value in shown.items() if value is not None and value is not False}


def test_openai_chat_has_everything_inside():
    raw = {
        "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150, "service_tier": "flex",
        "prompt_tokens_details": {"cached_tokens": 40, "audio_tokens": 10, "cache_write_tokens": 20},
        "completion_tokens_details": {"reasoning_tokens": 30, "audio_tokens": 5, "rejected_prediction_tokens": 3},
    }  # fmt: skip
    assert counts("openai.chat", raw) == {
        "input": 100, "output": 50, "cached_input": 40, "cache_write": 20, "reasoning": 30, "audio_input": 10,
        "audio_output": 5, "service_tier": "flex",
    }  # fmt: skip


@pytest.mark.parametrize("details", [None, {}, {"cached_tokens": None}])
def test_details_may_be_null(details):
    raw = {"prompt_tokens": 1, "completion_tokens": 2, "prompt_tokens_details": details}
    assert counts("openai.chat", raw) == {"input": 1, "output": 2}


def test_responses_realtime_and_langchain_have_other_names_for_the_same():
    assert counts(
        "openai.responses",
        {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 5,
         "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 14},
    ) == {"input": 9, "output": 5, "cached_input": 4, "reasoning": 3}  # fmt: skip
    realtime = {
        "input_tokens": 100, "output_tokens": 20, "total_tokens": 120,
        "input_token_details": {"cached_tokens": 60, "audio_tokens": 80, "text_tokens": 20,
                                "cached_tokens_details": {"audio_tokens": 50, "text_tokens": 10}},
        "output_token_details": {"audio_tokens": 15, "text_tokens": 5},
    }  # fmt: skip
    assert counts(None, realtime) == {
        "input": 100, "output": 20, "cached_input": 60, "audio_input": 80, "audio_output": 15,
        "units": {"cached_audio_token": 50},
    }  # fmt: skip
    chain = {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11, "input_token_details": {"cache_read": 5}}
    assert counts(None, chain) == {"input": 9, "output": 2, "cached_input": 5}


def test_embeddings_repeat_the_prompt_as_total():
    assert counts("openai.embeddings", {"prompt_tokens": 42, "total_tokens": 42}) == {"input": 42}
    assert counts(None, {"total_tokens": 42}) == {"input": 42}
    assert counts("voyage", {"total_tokens": 7}, "voyageai") == {"input": 7}
    assert counts("gemini", {"promptTokenCount": 6}, "google") == {"input": 6}


def test_transcription_is_seconds_or_tokens():
    assert counts("openai.transcription", {"type": "duration", "seconds": 61}) == {"units": {"audio_second": 61}}
    assert counts(None, {"type": "duration", "seconds": 6.5}) == {"units": {"audio_second": Decimal("6.5")}}
    tokens = {"type": "tokens", "input_tokens": 14, "input_token_details": {"text_tokens": 0, "audio_tokens": 14},
              "output_tokens": 45, "total_tokens": 59}  # fmt: skip
    assert counts("openai.transcription", tokens) == {"input": 14, "output": 45, "audio_input": 14}


def test_images_are_made_of_image_tokens_unless_details_say_otherwise():
    raw = {"input_tokens": 50, "input_tokens_details": {"text_tokens": 10, "image_tokens": 40}, "output_tokens": 4160}
    assert counts("openai.images", raw) == {"input": 50, "output": 4160, "image_input": 40, "image_output": 4160}
    told = raw | {"output_tokens_details": {"image_tokens": 4000, "text_tokens": 160}}
    assert counts("openai.images", told)["image_output"] == 4000


def test_a_usage_bucket_is_a_sum_and_has_its_audio_beside_the_text():
    raw = {"input_tokens": 900, "input_cached_tokens": 300, "output_tokens": 80, "input_audio_tokens": 0,
           "num_model_requests": 12, "batch": True}  # fmt: skip
    assert counts(None, raw) == {
        "input": 900, "output": 80, "cached_input": 300, "audio_input": 0, "requests": 12, "batch": True,
    }  # fmt: skip
    heard = raw | {"input_audio_tokens": 100}
    assert counts("openai.usage_bucket", heard)["input"] == 1000
    assert counts("openai.usage_bucket", {"seconds": 60, "num_model_requests": 2})["units"] == {"audio_second": 60}


def test_anthropic_has_the_cache_outside():
    raw = {
        "input_tokens": 9, "cache_creation_input_tokens": 1100, "cache_read_input_tokens": 23000, "output_tokens": 410,
        "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 100},
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1}, "service_tier": "standard",
        "inference_geo": "us",
    }  # fmt: skip
    assert counts("anthropic.messages", raw) == {
        "input": 24109, "output": 410, "cached_input": 23000, "cache_write": 1000, "cache_write_1h": 100,
        "units": {"web_search": 2}, "service_tier": "standard", "region": "us",
    }  # fmt: skip


def test_anthropic_without_the_split_wrote_for_five_minutes():
    raw = {"input_tokens": 1, "cache_creation_input_tokens": 5, "output_tokens": 2, "cache_creation": None}
    assert counts("anthropic.messages", raw) == {"input": 6, "output": 2, "cache_write": 5}


def test_anthropic_fast_mode_is_a_tier():
    assert (
        counts("anthropic.messages", {"input_tokens": 1, "output_tokens": 1, "speed": "fast"})["service_tier"] == "fast"
    )


def test_the_end_of_a_stream_completes_its_start():
    start = {"input_tokens": 50, "cache_read_input_tokens": 100, "output_tokens": 1}
    for end in ({"output_tokens": 77}, {"output_tokens": 77, "input_tokens": 0, "cache_read_input_tokens": None}):
        assert counts("anthropic.messages", [start, end]) == {"input": 150, "output": 77, "cached_input": 100}
    assert counts(None, [{"type": "message_start", "message": {"usage": start}}, {"usage": {"output_tokens": 77}}]) == {
        "input": 150, "output": 77, "cached_input": 100,
    }  # fmt: skip
    late = [{"input_tokens": 0, "output_tokens": 0}, {"input_tokens": 12, "output_tokens": 3}]
    assert counts("anthropic.messages", late) == {"input": 12, "output": 3}


def test_compaction_is_billed_on_top():
    rounds = [{"type": "compaction", "input_tokens": 100, "output_tokens": 20}, {"type": "message", "input_tokens": 10}]
    raw = {"input_tokens": 10, "output_tokens": 2, "iterations": rounds}
    assert counts("anthropic.messages", raw) == {"input": 110, "output": 22}


def test_gemini_has_thoughts_and_tool_prompts_outside_and_the_cache_inside():
    raw = {
        "promptTokenCount": 400, "candidatesTokenCount": 80, "thoughtsTokenCount": 20, "toolUsePromptTokenCount": 1900,
        "cachedContentTokenCount": 300, "totalTokenCount": 2400,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 150}, {"modality": "AUDIO", "tokenCount": 250}],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 200}],
    }  # fmt: skip
    assert counts("gemini", raw) == {
        "input": 2300, "output": 100, "cached_input": 300, "reasoning": 20, "audio_input": 250,
        "units": {"cached_audio_token": 200},
    }  # fmt: skip


def test_gemini_may_answer_nothing_and_may_write_numbers_as_text():
    assert counts("gemini", {"promptTokenCount": 12, "totalTokenCount": 12}) == {"input": 12}
    assert counts("gemini", {"promptTokenCount": "12", "candidatesTokenCount": "3"}) == {"input": 12, "output": 3}
    python = {"prompt_token_count": 5, "candidates_token_count": 6, "thoughts_token_count": None}
    assert counts(None, python) == {"input": 5, "output": 6}
    assert counts(None, {"usageMetadata": {"promptTokenCount": 1}}) == {"input": 1}


def test_gemini_traffic_types_are_tiers():
    raw = {"promptTokenCount": 1, "candidatesTokenCount": 1, "trafficType": "ON_DEMAND_PRIORITY"}
    assert counts("gemini", raw)["service_tier"] == "priority"


def test_googles_openai_like_answers_hide_thoughts_in_the_total():
    raw = {"prompt_tokens": 8, "completion_tokens": 9, "total_tokens": 500}
    assert counts("openai.chat", raw, "google") == {"input": 8, "output": 492, "reasoning": 483}
    assert counts("openai.chat", raw, "openai") == {"input": 8, "output": 9}


def test_bedrock_converse_has_the_cache_outside():
    raw = {"inputTokens": 12, "outputTokens": 80, "totalTokens": 9792, "cacheReadInputTokens": 9000,
           "cacheWriteInputTokens": 700, "cacheDetails": [{"ttl": "1h", "inputTokens": 600}]}  # fmt: skip
    assert counts("bedrock.converse", raw) == {
        "input": 9712, "output": 80, "cached_input": 9000, "cache_write": 100, "cache_write_1h": 600,
    }  # fmt: skip


def test_the_vercel_sdk_has_the_same_names_but_the_cache_inside():
    raw = {"inputTokens": 100, "outputTokens": 50, "totalTokens": 150, "cachedInputTokens": 40, "reasoningTokens": 30}
    assert counts(None, raw) == {"input": 100, "output": 50, "cached_input": 40, "reasoning": 30}


@pytest.mark.parametrize(("total", "output"), [(1151, 931), (251, 31), (None, 931)])
def test_xai_reasons_outside_the_completion_unless_the_total_says_otherwise(total, output):
    raw = {"prompt_tokens": 220, "completion_tokens": 31, "total_tokens": total,
           "prompt_tokens_details": {"text_tokens": 220},
           "completion_tokens_details": {"reasoning_tokens": 900 if output == 931 else 20}}  # fmt: skip
    assert counts("xai", raw, "xai")["output"] == output
    if total:
        assert counts("openai.chat", raw, "gateway")["output"] == output


def test_deepseek_may_send_only_hits_and_misses():
    raw = {"prompt_cache_hit_tokens": 9, "prompt_cache_miss_tokens": 1, "completion_tokens": 2}
    assert counts("deepseek", raw) == {
        "input": 10, "output": 2, "cached_input": 9,
    }  # fmt: skip


def test_groqs_times_are_no_counts():
    raw = {"queue_time": 0.01, "prompt_tokens": 9, "prompt_time": 0.02, "completion_tokens": 3, "total_time": 0.2}
    assert counts("groq", raw, "groq") == {"input": 9, "output": 3}


def test_mistral_reads_pages_and_seconds_too():
    assert counts("mistral", {"pages_processed": 3, "doc_size_bytes": 9}) == {"units": {"page": 3}}
    raw = {"prompt_tokens": 5, "completion_tokens": 6, "prompt_audio_seconds": 7}
    assert counts("mistral", raw) == {"input": 5, "output": 6, "units": {"audio_second": 7}}


def test_cohere_bills_the_billed_units():
    raw = {
        "billed_units": {"input_tokens": 11, "output_tokens": 90},
        "tokens": {"input_tokens": 80},
        "cached_tokens": 50,
    }
    assert counts("cohere", raw) == {"input": 11, "output": 90}
    assert counts("cohere", {"billed_units": {"search_units": 2}}) == {"units": {"rerank_search": 2}}
    assert counts(None, {"meta": {"billed_units": {"input_tokens": 4}}}) == {"input": 4}


def test_ollama_counts_evaluations():
    assert counts("ollama", {"prompt_eval_count": 14, "eval_count": 80}) == {"input": 14, "output": 80}
    assert counts("ollama", {"eval_count": 80}) == {"input": 0, "output": 80}


@pytest.mark.parametrize(
    ("extra", "cost"),
    [
        ({"cost": 0.01}, "0.01"),
        ({"cost": 0.0005, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.0100}}, "0.0105"),
        ({"cost": 0.01, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.01}}, "0.01"),
        ({"cost": 0.01, "cost_details": {"upstream_inference_cost": None}}, "0.01"),
        ({"cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.02}}, "0.02"),
    ],
)
def test_openrouter_tells_what_it_charged(extra, cost):
    raw = {"prompt_tokens": 1, "completion_tokens": 1} | extra
    assert readers.read("openrouter", "openrouter", "m", raw).reported_cost == Decimal(cost)
    assert readers.read(None, "openrouter", "m", raw).reported_cost == Decimal(cost)


def test_perplexity_tells_its_cost_in_an_object():
    raw = {"prompt_tokens": 1, "completion_tokens": 1, "cost": {"total_cost": 0.006}}
    assert readers.read(None, "perplexity", "sonar", raw).reported_cost == Decimal("0.006")


def test_perplexitys_deep_research_thinks_outside_and_counts_its_searches():
    raw = {"prompt_tokens": 33, "completion_tokens": 7163, "total_tokens": 7196, "citation_tokens": 20016,
           "num_search_queries": 18, "reasoning_tokens": 73997}  # fmt: skip
    assert counts(None, raw, "perplexity") == {
        "input": 33, "output": 81160, "reasoning": 73997, "units": {"citation": 20016, "web_search": 18},
    }  # fmt: skip
    plain = {"prompt_tokens": 1, "completion_tokens": 2, "search_context_size": "low"}
    assert counts("perplexity", plain, "perplexity") == {"input": 1, "output": 2}


def test_xai_tells_its_sources_tools_and_cost():
    raw = {"prompt_tokens": 1, "completion_tokens": 2, "num_sources_used": 4, "cost_in_usd_ticks": 37756000,
           "server_side_tool_usage_details": {"web_search_calls": 2, "x_search_calls": 1}}  # fmt: skip
    got = counts("xai", raw, "xai")
    assert got["units"] == {"live_search_source": 4, "web_search": 2, "social_search": 1}
    assert got["reported_cost"] == Decimal("0.0037756")


def test_nothing_said_in_strange_ways_is_nothing():
    assert counts("mistral", {"prompt_tokens": 5, "completion_tokens": 6, "prompt_audio_seconds": {}}) == {
        "input": 5, "output": 6,
    }  # fmt: skip
    assert counts("groq", {"x_groq": {"usage": {"prompt_tokens": 5, "completion_tokens": 6}}}) == {
        "input": 5,
        "output": 6,
    }


def test_a_stream_may_come_as_an_object_of_its_events():
    raw = {"message_start": {"input_tokens": 50, "output_tokens": 1}, "message_delta": {"output_tokens": 77}}
    assert counts("anthropic.messages", raw) == {"input": 50, "output": 77}


def test_telemetry_has_the_cache_inside_unless_it_does_not_fit():
    inside = {"gen_ai.usage.input_tokens": 3000, "gen_ai.usage.cache_read.input_tokens": 2048}
    assert counts("otel", inside) == {"input": 3000, "cached_input": 2048}
    outside = inside | {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.cache_creation.input_tokens": 5}
    assert counts(None, outside) == {"input": 2063, "cached_input": 2048, "cache_write": 5}
    older = {"gen_ai.usage.prompt_tokens": 4, "gen_ai.usage.completion_tokens": 5,
             "gen_ai.usage.details.reasoning_tokens": 2}  # fmt: skip
    assert counts(None, older) == {"input": 4, "output": 5, "reasoning": 2}


FOREIGN = {"input_tokens": 3, "cache_read_input_tokens": 9, "output_tokens": 1}


@pytest.mark.parametrize(
    ("named", "raw", "expected"),
    [
        (
            "openai.chat",
            {"input_tokens": 3, "cache_read_input_tokens": 9, "output_tokens": 1},
            {"input": 12, "output": 1},
        ),
        ("anthropic.messages", {"prompt_tokens": 7, "completion_tokens": 2}, {"input": 7, "output": 2}),
        ("openai.chat", {"promptTokenCount": 5, "candidatesTokenCount": 1}, {"input": 5, "output": 1}),
        ("gemini", {"prompt_tokens": 7, "completion_tokens": 2}, {"input": 7, "output": 2}),
        (
            "bedrock.converse",
            {"input_tokens": 3, "cache_read_input_tokens": 9, "output_tokens": 1},
            {"input": 12, "output": 1},
        ),
        ("ollama", {"prompt_tokens": 7, "completion_tokens": 2}, {"input": 7, "output": 2}),
        ("mistral", {"prompt_eval_count": 7, "eval_count": 2}, {"input": 7, "output": 2}),
        ("never heard of", {"inputTokens": 7, "outputTokens": 2}, {"input": 7, "output": 2}),
    ],
)
def test_a_shape_that_contradicts_its_name_is_read_by_its_keys(named, raw, expected):
    got = counts(named, raw)
    assert {name: got[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("raw", "whole"),
    [
        ({"prompt_tokens": 24109, "completion_tokens": 1, "cache_read_input_tokens": 23000}, 24109),
        ({"prompt_tokens": 9, "completion_tokens": 1, "cache_read_input_tokens": 23000}, 23009),
        ({"prompt_tokens": 500, "completion_tokens": 1, "total_tokens": 601, "cache_read_input_tokens": 100}, 600),
        ({"prompt_tokens": 500, "completion_tokens": 1, "total_tokens": 501, "cache_read_input_tokens": 100}, 500),
    ],
)
def test_a_gateways_total_tells_whether_the_cache_is_inside(raw, whole):
    assert counts("openai.chat", raw, "anthropic")["input"] == whole


def test_parts_larger_than_the_whole_are_marked_and_kept():
    raw = {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 9}}
    reading = readers.read("openai.chat", "openai", "m", raw)
    assert reading.inconsistent and (reading.input_tokens, reading.cached_input_tokens) == (5, 9)
    assert readers.read("openai.chat", "x", "m", {"prompt_tokens": 1, "completion_tokens": 1}).inconsistent is False


@pytest.mark.parametrize("raw", [{}, {"a": 1}, [], [{}], [1, "x"]])
def test_without_a_known_key_nothing_is_read(raw):
    assert readers.read("openai.chat", None, "m", raw).empty


@pytest.mark.parametrize("value", [-1, 0.5, float("nan"), float("inf"), 10**10, "x", True, {}, [1]])
def test_what_is_no_count_is_refused_by_name(value):
    with pytest.raises(BadUsage, match=r"usage.prompt_tokens must be a whole number") as refused:
        readers.read("openai.chat", "openai", "m", {"prompt_tokens": value, "completion_tokens": 1})
    assert refused.value.field == "usage.prompt_tokens"


def test_sums_beyond_all_bounds_are_refused_too():
    for raw in (
        {"input_tokens": 10**9, "cache_read_input_tokens": 10**9, "output_tokens": 1},
        {"promptTokenCount": 1, "candidatesTokenCount": 10**9, "thoughtsTokenCount": 10**9},
    ):
        with pytest.raises(BadUsage, match="must be a whole number from 0 to 1,000,000,000"):
            readers.read(None, None, "m", raw)
