"""What holds for every shape of usage: what is missing, what contradicts itself, what is no count."""

import pytest

from costwatch.pricing import readers
from costwatch.pricing.readers import BadUsage
from tests.pricing.readers.told import counts


def test_nothing_said_in_strange_ways_is_nothing():
    assert counts("mistral", {"prompt_tokens": 5, "completion_tokens": 6, "prompt_audio_seconds": {}}) == {
        "input": 5, "output": 6,
    }  # fmt: skip
    assert counts("groq", {"x_groq": {"usage": {"prompt_tokens": 5, "completion_tokens": 6}}}) == {
        "input": 5,
        "output": 6,
    }


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
