"""What is billed as what: kinds of tokens without a price of their own, fees under many names, what is unknown."""

from decimal import Decimal

import pytest

from costwatch.pricing.usage import CostSource
from tests.pricing.small import call, one

pytestmark = pytest.mark.thorough
M = Decimal(1_000_000)
# one price of its own for each kind, so that a cost tells which was taken
OWN = {
    "input": 1, "cache_read": 2, "cache_write_5m": 4, "cache_write_1h": 8, "input_audio": 16, "input_image": 32,
    "output": 64, "reasoning": 128, "output_audio": 256, "output_image": 512,
}  # fmt: skip
FIELDS = {
    "cache_read": "cached_input_tokens", "cache_write_5m": "cache_write_tokens",
    "cache_write_1h": "cache_write_1h_tokens", "input_audio": "audio_input_tokens",
    "input_image": "image_input_tokens", "reasoning": "reasoning_tokens", "output_audio": "audio_output_tokens",
    "output_image": "image_output_tokens",
}  # fmt: skip


@pytest.mark.parametrize("kind", FIELDS)
def test_a_kind_of_tokens_with_a_price_of_its_own_costs_that_and_the_rest_the_whole(kind):
    generated = kind in ("reasoning", "output_audio", "output_image")
    usage = call(*((0, 10) if generated else (10, 0)), **{FIELDS[kind]: 3})
    whole = 64 if generated else 1
    assert one(**OWN).price(usage).cost == (3 * OWN[kind] + 7 * whole) / M


@pytest.mark.parametrize(
    ("kind", "without", "billed_as"),
    [
        ("cache_read", ["cache_read"], "input"),
        ("cache_write_5m", ["cache_write_5m"], "input"),
        ("cache_write_1h", ["cache_write_1h"], "cache_write_5m"),
        ("cache_write_1h", ["cache_write_1h", "cache_write_5m"], "input"),
        ("input_audio", ["input_audio"], "input"),
        ("input_image", ["input_image"], "input"),
        ("reasoning", ["reasoning"], "output"),
        ("output_audio", ["output_audio"], "output"),
        ("output_image", ["output_image"], "output"),
    ],
)
def test_a_kind_without_a_price_costs_what_it_is_a_part_of(kind, without, billed_as):
    prices = {name: price for name, price in OWN.items() if name not in without}
    generated = billed_as == "output"
    usage = call(*((0, 3) if generated else (3, 0)), **{FIELDS[kind]: 3})
    book = one(**prices)
    priced = book.price(usage)
    assert priced.cost == 3 * OWN[billed_as] / M
    assert [(part.component, part.tokens) for part in book.parts(usage, priced)] == [(billed_as, 3)]


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ({"cache_read_audio": 7, "cache_read": 2, "input_audio": 16}, 7),
        ({"cache_read": 2, "input_audio": 16}, 2),
        ({"input_audio": 16}, 1),
        ({}, 1),
    ],
)
def test_cached_audio_costs_its_price_else_that_of_the_cache_else_of_the_prompt(prices, expected):
    usage = call(5, 0, cached_input_tokens=5, audio_input_tokens=5, units={"cached_audio_token": 5})
    assert one(input=1, output=64, **prices).price(usage).cost == 5 * expected / M


def test_more_cached_audio_than_audio_or_cache_is_cut_to_what_is_there():
    book = one(input=1, output=64, cache_read=2, input_audio=16, cache_read_audio=7)
    usage = call(10, 0, cached_input_tokens=3, audio_input_tokens=6, units={"cached_audio_token": 99})
    # 3 are both, 3 more are audio, 4 are text
    assert book.price(usage).cost == (3 * 7 + 3 * 16 + 4) / M


def test_a_cached_image_is_billed_once_beside_cached_audio_and_cached_text():
    book = one(input=1, output=64, cache_read=2, input_audio=16, input_image=32, cache_read_audio=7, cache_read_image=9)
    usage = call(100, 0, cached_input_tokens=60, audio_input_tokens=30, image_input_tokens=40,
                 units={"cached_audio_token": 20, "cached_image_token": 25})  # fmt: skip
    # cached: 20 audio, 25 image, 15 text; fresh: 10 audio, 15 image, 15 text
    assert book.price(usage).cost == (20 * 7 + 25 * 9 + 15 * 2 + 10 * 16 + 15 * 32 + 15) / M


@pytest.mark.parametrize(("field", "price"), [("audio_input_tokens", 16), ("image_input_tokens", 32)])
def test_media_that_share_the_prompt_with_the_cache_are_billed_as_cached_once(field, price):
    book = one(input=1, output=64, cache_read=2, input_audio=16, input_image=32)
    assert book.price(call(10, 0, cached_input_tokens=8, **{field: 6})).cost == (8 * 2 + 2 * price) / M


@pytest.mark.parametrize(
    ("whole", "parts", "expected"),
    [
        ((2, 0), {"cached_input_tokens": 5}, 5 * 2),
        ((2, 0), {"cached_input_tokens": 5, "cache_write_1h_tokens": 1}, 5 * 2 + 8),
        ((0, 2), {"reasoning_tokens": 5}, 5 * 128),
        ((0, 2), {"audio_output_tokens": 1, "image_output_tokens": 4}, 256 + 4 * 512),
    ],
)
def test_parts_that_are_more_than_the_whole_are_billed_and_nothing_is_taken_off(whole, parts, expected):
    assert one(**OWN).price(call(*whole, **parts)).cost == expected / M


FEE_NAMES = {
    "web_search": ["web_search", "web_searches", "web_search_requests", "web_search_call", "web_search_preview",
                   "grounding", "google_search", "search_queries"],
    "file_search": ["file_search", "file_searches", "file_search_call", "storage_search"],
    "rerank_search": ["rerank_search", "search_unit", "search_units"],
    "page": ["page", "pages", "document_page", "pages_processed"],
    "annotated_page": ["annotated_page", "annotated_pages"],
    "audio_second": ["audio_second", "audio_seconds", "second", "seconds"],
    "social_search": ["social_search", "x_search", "x_searches"],
    "code_execution": ["code_execution", "code_executions", "code_interpreter"],
    "character": ["character", "characters"],
    "image": ["image", "images"],
    "web_fetch": ["web_fetch", "web_fetches", "web_fetch_requests"],
    "text_message": ["text_message", "text_messages"],
}  # fmt: skip


@pytest.mark.parametrize(("unit", "name"), [(unit, name) for unit, names in FEE_NAMES.items() for name in names])
def test_a_fee_has_one_price_under_all_its_names(unit, name):
    book = one(input=1, output=64, **{unit: 10})
    usage = call(100, 0, units={name: 3})
    priced = book.price(usage)
    assert priced.cost == Decimal("0.0301")
    assert [(part.component, part.tokens, part.cost) for part in book.parts(usage, priced)] == [
        ("input", 100, Decimal("0.0001")),
        (unit, 3, Decimal("0.03")),
    ]


@pytest.mark.parametrize(
    "unit", ["web_search", "file_search", "rerank_search", "page", "code_execution", "social_search", "unheard_of"]
)
def test_a_fee_without_a_price_leaves_the_whole_call_unpriced_but_zero_of_it_does_not(unit):
    book = one(input=1, output=64)
    assert book.price(call(100, 0, units={unit: 1})).source is CostSource.UNPRICED
    assert book.price(call(100, 0, units={unit: 0})).cost == Decimal("0.0001")


@pytest.mark.parametrize(
    "unit",
    ["image", "request", "audio_second", "character", "web_fetch", "citation", "input_video", "output_video",
     "live_search_source"],
)  # fmt: skip
def test_what_comes_along_with_tokens_costs_nothing_unless_it_has_a_price(unit):
    assert one(input=1, output=64).price(call(100, 0, units={unit: 5})).cost == Decimal("0.0001")


@pytest.mark.parametrize("unit", ["image", "audio_second", "character", "web_fetch"])
def test_what_comes_along_is_not_enough_to_know_what_a_call_cost(unit):
    priced = one(input=1, output=64).price(call(None, None, units={unit: 5}))
    assert (priced.cost, priced.source) == (None, CostSource.UNPRICED)


def test_seconds_alone_are_billed_where_they_have_a_price():
    assert one(audio_second=2).price(call(None, None, units={"seconds": "90.5"})).cost == Decimal("0.181")


def test_tokens_of_a_model_that_is_billed_by_the_second_are_unpriced():
    assert one(audio_second=2).price(call(100, 5)).source is CostSource.UNPRICED
    assert one(audio_second=2).price(call(100, 5, units={"audio_second": 1})).cost == Decimal("0.002")


def test_the_vectors_of_an_embedding_cost_nothing():
    assert one(input=1).price(call(1000, 50)).cost == Decimal("0.001")
    assert one(input=1).price(call(0, 50)).cost == 0


def test_what_is_generated_has_no_price_where_only_other_things_have_one():
    assert one(cache_read=1).price(call(0, 50)).source is CostSource.UNPRICED


@pytest.mark.parametrize(("requests", "tokens", "expected"), [(1, 0, "0.005"), (3, 100, "0.0151"), (2, None, "0.01")])
def test_a_charge_for_each_request_comes_on_top_once_for_each(requests, tokens, expected):
    book = one(input=1, output=64, request=5)
    assert book.price(call(tokens, None, requests=requests)).cost == Decimal(expected)


def test_requests_that_were_counted_by_the_sender_go_before_ours():
    assert one(input=1, output=64, request=5).price(call(0, 0, units={"requests": 4})).cost == Decimal("0.02")


def test_video_is_taken_out_of_the_prompt_and_the_answer_where_it_has_a_price():
    book = one(input=1, output=64, input_video=3, output_video=100)
    seen = {"input_video": 30, "output_video": 4}
    assert book.price(call(50, 10, units=seen)).cost == (20 + 30 * 3 + 6 * 64 + 4 * 100) / M
    assert book.price(call(10, 1, units=seen)).cost == (30 * 3 + 4 * 100) / M
