"""What counts as a count, and what is refused: by its field, in words that are true."""

from decimal import Decimal

import pytest

from costwatch.pricing import readers
from costwatch.pricing.readers import BadUsage

pytestmark = pytest.mark.thorough
BILLION = 1_000_000_000


def read(raw, api=None, provider=None):
    return readers.read(api, provider, "m", raw)


@pytest.mark.parametrize(
    ("sent", "tokens"),
    [(0, 0), (7, 7), (7.0, 7), ("7", 7), ("007", 7), (BILLION, BILLION), (1e9, BILLION), (str(BILLION), BILLION),
     (None, None)],
)  # fmt: skip
def test_a_count_may_be_a_whole_number_in_json_or_in_text(sent, tokens):
    assert read({"prompt_tokens": sent, "completion_tokens": 1}).input_tokens == tokens


@pytest.mark.parametrize(
    "sent",
    [BILLION + 1, -1, -1.0, 1.5, 1e9 + 1, "1000000001", "99999999999", "-1", "1.0", "1e3", "", " 7", "7 ", "x", True,
     False, [], [7], {}, float("nan"), float("-inf")],
)  # fmt: skip
def test_what_is_no_count_is_refused_and_shown(sent):
    for raw in ({"prompt_tokens": 1, "completion_tokens": sent}, {"input_tokens": 1, "output_tokens": sent}):
        with pytest.raises(BadUsage) as refused:
            read(raw)
        field = "usage.completion_tokens" if "prompt_tokens" in raw else "usage.output_tokens"
        assert refused.value.field == field
        told = f"{field} must be a whole number from 0 to 1,000,000,000; this is {sent!r:.40}."
        assert str(refused.value) == told


@pytest.mark.parametrize("sent", ["x" * 10_000, [1] * 10_000, {"a" * 500: 1}])
def test_a_refusal_repeats_no_more_than_a_few_characters_of_what_was_sent(sent):
    with pytest.raises(BadUsage) as refused:
        read({"prompt_tokens": sent})
    assert len(str(refused.value)) < 150


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [(61, "61"), (6.5, "6.5"), ("6.5", "6.5"), (0.1, "0.1"), (1e-7, "1E-7"), (BILLION, "1000000000")],
)
def test_seconds_may_have_fractions_that_stay_exact(sent, seconds):
    assert read({"type": "duration", "seconds": sent}).units == {"audio_second": Decimal(seconds)}


@pytest.mark.parametrize("sent", [-1, -0.5, BILLION + 0.5, "x", "", "NaN", "Infinity", float("nan"), True, [1]])
def test_what_is_no_amount_is_refused_in_words_that_hold_for_amounts(sent):
    with pytest.raises(BadUsage) as refused:
        read({"type": "duration", "seconds": sent})
    assert refused.value.field == "usage.seconds"
    assert "must be a number from 0 to 1,000,000,000; this is" in str(refused.value)


@pytest.mark.parametrize("cost", [-0.01, float("nan"), float("inf"), 1e12])
def test_a_charge_that_cannot_be_is_refused_by_name(cost):
    raw = {"prompt_tokens": 1, "completion_tokens": 1, "cost": cost}
    for api, provider in (("openrouter", "openrouter"), (None, "acme")):
        with pytest.raises(BadUsage, match=r"usage\.cost must be a number from 0"):
            read(raw, api, provider)


@pytest.mark.parametrize(
    ("cost", "reported"),
    [(0.25, "0.25"), (0, "0"), ("0.25", None), (True, None), ([1], None), ({"total_cost": 0.006}, "0.006"),
     ({"total_cost": None}, None), ({}, None), (None, None)],
)  # fmt: skip
def test_what_any_provider_says_that_it_charged_is_kept(cost, reported):
    told = read({"prompt_tokens": 1, "completion_tokens": 1, "cost": cost}).reported_cost
    assert told == (None if reported is None else Decimal(reported))


def test_a_charge_is_kept_to_its_last_digit():
    raw = {"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.00012345678901234}
    assert read(raw, provider="openrouter").reported_cost == Decimal("0.00012345678901234")


@pytest.mark.parametrize(("ticks", "usd"), [(0, "0"), (1, "1E-10"), (37_756_000, "0.0037756"), (10**18, "100000000")])
def test_xai_charges_in_ten_billionths(ticks, usd):
    raw = {"prompt_tokens": 1, "completion_tokens": 2, "cost_in_usd_ticks": ticks}
    assert read(raw, "xai", "xai").reported_cost == Decimal(usd)


@pytest.mark.parametrize("ticks", [-1, 10**18 + 1, 1.5, "37756000", True, None])
def test_ticks_that_cannot_be_are_no_charge(ticks):
    raw = {"prompt_tokens": 1, "completion_tokens": 2, "cost_in_usd_ticks": ticks}
    assert read(raw, "xai", "xai").reported_cost is None


def test_a_sum_beyond_all_bounds_is_refused_where_no_single_count_is():
    almost = BILLION - 5
    assert read({"input_tokens": 5, "cache_read_input_tokens": almost, "output_tokens": 1}).input_tokens == BILLION
    with pytest.raises(BadUsage, match=r"usage\.input_tokens .* this is 1000000001"):
        read({"input_tokens": 6, "cache_read_input_tokens": almost, "output_tokens": 1})
    with pytest.raises(BadUsage, match=r"usage\.output_tokens .* this is 1000000001"):
        read({"promptTokenCount": 1, "candidatesTokenCount": almost, "thoughtsTokenCount": 6})


@pytest.mark.parametrize(
    ("raw", "inconsistent"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 9}}, False),
        ({"prompt_tokens": 9, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 10}}, True),
        ({"prompt_tokens": 9, "completion_tokens": 9,
          "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 5}}, True),
        ({"prompt_tokens": 9, "completion_tokens": 9,
          "prompt_tokens_details": {"cached_tokens": 9, "audio_tokens": 9}}, False),  # cached audio is both
        ({"prompt_tokens": 9, "completion_tokens": 9,
          "prompt_tokens_details": {"image_tokens": 4, "audio_tokens": 6}}, True),
        ({"prompt_tokens": 9, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 9}}, False),
        ({"prompt_tokens": 9, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 10}}, True),
        ({"prompt_tokens": 9, "completion_tokens": 9, "completion_tokens_details": {"audio_tokens": 10}}, True),
        ({"prompt_tokens_details": {"cached_tokens": 1}}, True),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_into_their_whole_are_marked_and_never_cut(raw, inconsistent):
    reading = read(raw, "openai.chat", "openai")
    assert reading.inconsistent is inconsistent
    details = {**raw.get("prompt_tokens_details", {}), **raw.get("completion_tokens_details", {})}
    told = {"cached_tokens": reading.cached_input_tokens, "reasoning_tokens": reading.reasoning_tokens}
    assert all(told[name] == details[name] for name in told.keys() & details.keys())
