"""Google's usage: Gemini's own and that of its answers in OpenAI's shape."""

from tests.pricing.readers.told import counts


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
