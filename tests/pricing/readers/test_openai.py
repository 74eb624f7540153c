"""OpenAI's usage: chat, responses, realtime, embeddings, transcription, images and the buckets of its usage API."""

from decimal import Decimal

import pytest

from tests.pricing.readers.told import counts


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
