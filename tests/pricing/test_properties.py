"""What must hold for any usage: no part beyond the whole, more never costs less, splitting changes nothing."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costwatch.pricing import readers
from costwatch.pricing.catalogue import read
from costwatch.pricing.usage import Usage
from tests.pricing.conftest import compile_book

pytestmark = pytest.mark.thorough
BOOK = compile_book(read())
TOKENS = st.integers(0, 5_000_000)
MODELS = st.sampled_from(
    [
        ("openai", "gpt-4.1"), ("openai", "gpt-audio"), ("openai", "gpt-5.6-terra"), ("openai", "gpt-image-1"),
        ("anthropic", "claude-opus-4-5"), ("anthropic", "claude-haiku-5-5"), ("google", "gemini-2.5-flash"),
        ("google", "gemini-3.1-pro-preview"), ("deepseek", "deepseek-v4-flash"), ("perplexity", "sonar-deep-research"),
        ("bedrock", "us.anthropic.claude-haiku-4-5-20251001-v1:0"), ("openai", "nobody-knows"),
    ]
)  # fmt: skip
MOMENTS = st.integers(0, 900).map(
    lambda days: datetime(2026, 12, 1, tzinfo=UTC) - timedelta(days=days, hours=days % 24)
)


@st.composite
def usages(draw, whole=TOKENS):
    """A consistent usage: parts drawn from what is left of the whole."""
    provider, model = draw(MODELS)
    tokens_in, tokens_out = draw(whole), draw(whole)
    left, parts = tokens_in, {}
    for name in ("cached_input_tokens", "cache_write_tokens", "cache_write_1h_tokens", "audio_input_tokens"):
        parts[name] = draw(st.integers(0, left))
        left -= parts[name]
    left = tokens_out
    for name in ("reasoning_tokens", "audio_output_tokens"):
        parts[name] = draw(st.integers(0, left))
        left -= parts[name]
    return Usage(
        model=model,
        provider=provider,
        timestamp=draw(MOMENTS),
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        **parts,
    )


def copy(usage: Usage, **changes) -> Usage:
    return Usage(**{name: getattr(usage, name) for name in usage.__struct_fields__} | changes)


@given(usages())
def test_the_parts_sum_up_to_the_cost_and_to_the_tokens(usage):
    priced = BOOK.price(usage)
    parts = BOOK.parts(usage, priced)
    if priced.cost is not None and parts:
        assert sum(part.cost for part in parts).quantize(Decimal("1e-12")) == priced.cost
        tokens = sum(part.tokens for part in parts if part.component != "request")
        assert tokens <= usage.input_tokens + usage.output_tokens


@given(usages(), st.integers(1, 100_000))
def test_more_tokens_never_cost_less(usage, more):
    cost = BOOK.price(usage).cost
    if cost is None:
        return
    assert BOOK.price(copy(usage, output_tokens=usage.output_tokens + more)).cost >= cost
    assert BOOK.price(copy(usage, input_tokens=usage.input_tokens + more)).cost >= cost


@given(usages(whole=st.integers(0, 90_000)), st.data())
def test_splitting_a_call_changes_nothing_below_the_tiers(usage, data):
    names = [name for name in usage.__struct_fields__ if name.endswith("_tokens") and getattr(usage, name)]
    first = {name: data.draw(st.integers(0, getattr(usage, name)), label=name) for name in names}
    second = {name: getattr(usage, name) - first[name] for name in names}
    halves = [BOOK.price(copy(usage, **half)) for half in (first, second)]
    whole = BOOK.price(usage)
    consistent = all(_consistent(half) for half in (first, second))
    if whole.cost is not None and consistent and usage.model != "sonar-deep-research":
        assert abs(sum(half.cost for half in halves) - whole.cost) <= Decimal("2e-12")


def _consistent(half: dict[str, int]) -> bool:
    inside = ("cached_input_tokens", "cache_write_tokens", "cache_write_1h_tokens", "audio_input_tokens")
    return sum(half.get(name, 0) for name in inside) <= half.get("input_tokens", 0) and sum(
        half.get(name, 0) for name in ("reasoning_tokens", "audio_output_tokens")
    ) <= half.get("output_tokens", 0)


@given(usages(whole=st.integers(300_000, 5_000_000)), st.integers(2, 1000))
def test_a_sum_of_requests_never_costs_more_than_one_long_request(usage, requests):
    one, many = BOOK.price(usage), BOOK.price(copy(usage, requests=requests))
    if one.cost is not None and usage.provider != "perplexity":
        assert many.cost <= one.cost


@given(usages())
def test_no_cost_is_negative_and_what_is_unpriced_has_a_bound(usage):
    priced = BOOK.price(usage)
    assert priced.cost is None or priced.cost >= 0
    if priced.cost is None and (usage.input_tokens or usage.output_tokens):
        assert priced.upper_bound > 0


UNIT = st.sampled_from(
    ["input", "output", "cache_read", "web_search", "page", "cached_audio_token", "input_video", "x"]
)


@given(usages(), st.dictionaries(UNIT, st.decimals(0, 10**9, places=3), max_size=4))
def test_any_units_give_a_price_or_a_bound_but_never_an_error(usage, units):
    priced = BOOK.price(copy(usage, units=units))
    assert (priced.cost is None or priced.cost >= 0) and priced.upper_bound >= 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2_000_000_000) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
KNOWN_KEYS = sorted(
    {key for shape in readers.SHAPES.values() for key in shape.keys} | {"total_tokens", "cost", "usage"}
)


@settings(max_examples=300)
@given(
    st.sampled_from([None, "nonsense", *readers.SHAPES]),
    st.dictionaries(st.sampled_from(KNOWN_KEYS), json_values, max_size=6),
)
def test_a_reader_reads_or_refuses_but_never_breaks(api, raw):
    try:
        reading = readers.read(api, "openai", "gpt-4o", raw)
    except readers.BadUsage as refused:
        assert refused.field.startswith("usage.")
    else:
        counts = [getattr(reading, name) for name in reading.__struct_fields__ if name.endswith("_tokens")]
        assert all(count is None or count >= 0 for count in counts)
