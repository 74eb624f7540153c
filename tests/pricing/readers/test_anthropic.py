"""Anthropic's usage, of single answers and of streams."""

from tests.pricing.readers.told import counts


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


def test_a_stream_may_come_as_an_object_of_its_events():
    raw = {"message_start": {"input_tokens": 50, "output_tokens": 1}, "message_delta": {"output_tokens": 77}}
    assert counts("anthropic.messages", raw) == {"input": 50, "output": 77}
