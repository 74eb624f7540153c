"""Usage of xAI, DeepSeek, Groq, Mistral, Cohere, Ollama and Perplexity."""

from decimal import Decimal

import pytest

from costwatch.pricing import readers
from tests.pricing.readers.told import counts


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
