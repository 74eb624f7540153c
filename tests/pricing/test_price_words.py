"""Agreed prices as people and programs write them: the names of prices, dates in zones, and what is said back."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.pricing.agreements import Agreement, BadPrice, parse, price, unit_of
from costwatch.pricing.specs import Component

pytestmark = pytest.mark.thorough
M = 1_000_000
BERLIN = ZoneInfo("Europe/Berlin")


def parsed(**fields) -> Agreement:
    return parse({"model": "m", **fields}, BERLIN)


def refused(fields: dict) -> tuple[str, str]:
    with pytest.raises(BadPrice) as problem:
        parse({"model": "m"} | fields, BERLIN)
    return problem.value.field, problem.value.message


@pytest.mark.parametrize(
    ("written", "unit", "per"),
    [
        ("input", "input", M), ("Input", "input", M), (" cached input ", "cache_read", M), ("cached", "cache_read", M),
        ("cache_read", "cache_read", M), ("cache_write", "cache_write_5m", M), ("cache_write_5m", "cache_write_5m", M),
        ("cache_write_1h", "cache_write_1h", M), ("audio_input", "input_audio", M), ("input_audio", "input_audio", M),
        ("audio_output", "output_audio", M), ("image_input", "input_image", M), ("image_output", "output_image", M),
        ("reasoning", "reasoning", M), ("output_per_1m", "output", M), ("output_per_million", "output", M),
        ("output_usd", "output", M), ("output_usd_per_1k", "output", 1000), ("output_per_thousand", "output", 1000),
        ("output_per_1k_tokens", "output", 1000), ("output_per_1", "output", 1), ("web_search", "web_search", 1),
        ("web_searches", "web_search", 1), ("web_search_per_1k", "web_search", 1000), ("pages", "page", 1),
        ("page_per_1k_units", "page", 1000), ("seconds", "audio_second", 1), ("request", "request", 1),
        ("images", "image", 1), ("characters_per_1m", "character", M), ("video_second", "video_second", 1),
        ("rerank_search_per_1k", "rerank_search", 1000), ("x_search", "social_search", 1),
    ],
)  # fmt: skip
def test_a_price_may_have_many_names(written, unit, per):
    assert unit_of(written) == (unit, per)
    assert parsed(prices={written: "2.5"}).components == (Component(unit, Decimal("2.5"), per),)


@pytest.mark.parametrize(
    "written",
    ["", "inputs", "input_per_2k", "in put", "input-price", "per_1k", "input_per_1k_per_1k", "output_eur", "citation",
     "cached_audio_token", "prices", "\u0131nput", "input_video"],
)  # fmt: skip
def test_what_is_no_name_of_a_price_is_refused_and_named(written):
    assert unit_of(written) is None
    field, message = refused({"prices": {written: 1}})
    assert field == f"prices.{written}" and "nothing that is billed" in message


@given(st.decimals(0, M, places=12))
def test_a_price_is_kept_to_its_last_digit_however_it_is_written(usd):
    for written in (usd, str(usd), f"{usd:f}", f" ${usd:f} ", f"$ {usd}"):
        assert price(written, "input") == usd


@given(st.decimals(allow_nan=True, allow_infinity=True) | st.text(max_size=8) | st.booleans() | st.none())
def test_any_other_word_is_a_price_or_refused_with_its_field(written):
    try:
        found = price(written, "input")
    except BadPrice as problem:
        assert problem.field == "input" and "input" in problem.message
    else:
        assert 0 <= found <= M and found == round(found, 12)


@pytest.mark.parametrize(
    ("fields", "field", "told"),
    [
        ({"input": "-0.01"}, "input", "from 0 to 1,000,000"),
        ({"input": "1000000.01"}, "input", "from 0 to 1,000,000"),
        ({"input": "0.0000000000001"}, "input", "more than 12 decimals"),
        ({"input": "2,50"}, "input", "'2,50' is no price; write dollars with a point: 2.50"),
        ({"prices": {"output": "x" * 500}}, "prices.output", "is no price"),
        ({"prices": "input=2"}, "prices", "must be an object"),
        ({"prices": {}}, "prices", "Say one of three"),
        ({"prices": {"input": ""}}, "prices", "Say one of three"),
        ({"input": 1, "multiplier": "0.9"}, "prices", "Say one of three"),
        ({"multiplier": "0.9", "free": "yes"}, "prices", "Say one of three"),
        ({"input": 1, "cached": 1, "cache_read": 2}, "prices", "cache_read is priced twice"),
        ({"input": 1, "components": [{"unit": "input", "price": 2}]}, "prices", "input is priced twice"),
        ({"components": {"unit": "input"}}, "components", "must be a list of objects"),
        ({"components": ["input"]}, "components", "must be a list of objects"),
        ({"components": [{"price": 1}]}, "components[0].unit", "'None' is nothing that is billed"),
        ({"components": [{"unit": "input", "price": 1}, {"unit": "input", "price": "x", "threshold": 5}]},
         "components[1].price", "is no price"),
        ({"components": [{"unit": "input", "price": 1, "per": 1.5}]}, "components[0].per", "whole number from 1"),
        ({"components": [{"unit": "input", "price": 1, "per": 10**12 + 1}]}, "components[0].per", "whole number"),
        ({"components": [{"unit": "input", "price": 1, "per": True}]}, "components[0].per", "whole number"),
        ({"components": [{"unit": "input", "price": 1, "threshold": -1}]}, "components[0].threshold", "from 0"),
        ({"multiplier": "10.000001"}, "multiplier", "from 0 to 10 with at most 6 decimals"),
        ({"multiplier": "0.0000001"}, "multiplier", "at most 6 decimals; 0.85 is 15 % off"),
        ({"multiplier": "-1"}, "multiplier", "must be an amount"),
        ({"discount_percent": "100.01"}, "discount_percent", "from 0 to 100"),
        ({"discount_percent": "12.34567"}, "multiplier", "at most 6 decimals"),
        ({"discount_percent": "15 %"}, "discount_percent", "is no price"),
        ({"free": "maybe"}, "free", "must be yes or no"),
        ({"input": 1, "tier": "gold"}, "tier", "standard, batch, flex, priority, fast, ultrafast, or every"),
        ({"input": 1, "model": "m\n2"}, "model", "printable"),
        ({"input": 1, "model": ["m"]}, "model", "printable"),
        ({"input": 1, "model": None}, "model", "* stands for all models"),
        ({"input": 1, "region": "x" * 41}, "region", "at most 40"),
        ({"input": 1, "source": "x" * 501}, "source", "at most 500"),
        ({"input": 1, "provider": "x" * 81}, "provider", "at most 80"),
        ({"input": 1, "valid_from": "2026-02-30"}, "valid_from", "'2026-02-30' is no date; write 2026-11-17"),
        ({"input": 1, "valid_until": "soon"}, "valid_until", "is no date"),
        ({"input": 1, "valid_from": "2026-01-02", "valid_until": "2026-01-01"}, "valid_until", "later than valid_from"),
        ({"input": 1, "inputt": 1}, "inputt", "'inputt' is no field of a price"),
        ({"input": 1, 5: 1}, "5", "'5' is no field of a price"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field_in_words_that_help(fields, field, told):
    found, message = refused(fields)
    assert found == field and told in message and len(message) < 200


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2026-11-17", "2026-11-16T23:00:00"),
        ("2026-07-01", "2026-06-30T22:00:00"),
        ("2026-03-29T02:30", "2026-03-29T01:30:00"),  # the hour that the clocks leave out
        ("2026-10-25T02:30", "2026-10-25T00:30:00"),  # the hour that comes twice: the first one
        ("2026-11-17T16:00Z", "2026-11-17T16:00:00"),
        ("2026-11-17T16:00+05:45", "2026-11-17T10:15:00"),
        ("20261117", "2026-11-16T23:00:00"),
        ("2026-W47-2", "2026-11-16T23:00:00"),
        (" 2026-11-17 ", "2026-11-16T23:00:00"),
        ("", None),
        (None, None),
    ],
)
def test_a_date_is_the_midnight_of_the_workspace(written, utc):
    start = parsed(input=1, valid_from=written).start
    assert start == (None if utc is None else datetime.fromisoformat(utc).replace(tzinfo=UTC))


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_beyond_all_calendars_is_no_date(written):
    assert refused({"input": 1, "valid_from": written})[0] == "valid_from"


@pytest.mark.parametrize("yes", ["yes", "YES", "1", "true", "x", "on", True, 1])
def test_free_of_charge_can_be_said_in_many_ways(yes):
    assert parsed(free=yes) == Agreement("", "m", variant="")


@pytest.mark.parametrize("no", ["", "no", "0", "false", False, None, 0])
def test_and_not_free_too(no):
    assert parsed(free=no, input=1).components == (Component("input", Decimal(1)),)


@pytest.mark.parametrize(
    ("fields", "tier"),
    [
        ({"input": 1}, "standard"), ({"multiplier": 1}, ""), ({"free": 1}, ""), ({"input": 1, "tier": "every"}, ""),
        ({"input": 1, "tier": "ALL"}, ""), ({"input": 1, "tier": "*"}, ""), ({"multiplier": 1, "tier": "any"}, ""),
        ({"multiplier": 1, "tier": "standard"}, "standard"), ({"input": 1, "tier": " Batch "}, "batch"),
        ({"free": 1, "tier": "ultrafast"}, "ultrafast"), ({"input": 1, "service_tier": "flex"}, "flex"),
    ],
)  # fmt: skip
def test_prices_hold_for_the_standard_tier_and_discounts_for_every_one_unless_said(fields, tier):
    assert parsed(**fields).variant == tier


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"input": "2.50", "output": 10}, "input $2.5 per 1M, output $10 per 1M"),
        ({"cached_input": "0.10", "web_search_per_1k": 10, "page": "0.002"},
         "cache read $0.1 per 1M, web search $10 per 1K, page $0.002 each"),
        ({"components": [{"unit": "input", "price": 1}, {"unit": "input", "price": "2.0", "threshold": 200_000}]},
         "input $1 per 1M, input $2 per 1M above 200,000"),
        ({"components": [{"unit": "audio_second", "price": "0.36", "per": 3600}]}, "audio second $0.36 per 3,600"),
        ({"input": "1e-6"}, "input $0.000001 per 1M"),
        ({"input": 100}, "input $100 per 1M"),
        ({"multiplier": "0.85"}, "85 % of the list price"),
        ({"discount_percent": "12.5"}, "87.5 % of the list price"),
        ({"multiplier": "1.1"}, "110 % of the list price"),
        ({"discount_percent": 100}, "0 % of the list price"),
        ({"free": True}, "free of charge"),
        ({"input": 0}, "input $0 per 1M"),
    ],
)  # fmt: skip
def test_what_was_agreed_is_said_back_in_a_few_words(fields, said):
    assert parsed(**fields).said == said


def test_names_are_those_that_calls_are_known_by():
    found = parsed(provider=" Gcp.Gemini ", model=" Gemini-9 ", region=" EU ", input=1, reason="why")
    assert (found.provider, found.model, found.region, found.source) == ("google", "gemini-9", "eu", "why")


def test_steps_keep_their_thresholds_and_numbers_of_units():
    steps = [{"unit": "output", "price": "0.01", "per": 1000}, {"unit": "outputs", "price": 1}]
    assert refused({"components": steps})[0] == "components[1].unit"
    steps[1] = {"unit": "output", "price": "0.02", "per": 1000, "threshold": 128_000}
    assert parsed(components=steps).components == (
        Component("output", Decimal("0.01"), 1000),
        Component("output", Decimal("0.02"), 1000, 128_000),
    )
