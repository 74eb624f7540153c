"""What a call costs: at its time, free of charge, reported, unknown, and rounded once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from costwatch.pricing.usage import CostSource, Usage
from tests.pricing.conftest import CALLED

M = 1_000_000


def test_the_price_in_force_at_the_time_of_the_call_holds(rate):
    cut = datetime(2026, 7, 30, tzinfo=UTC)
    assert rate("openai", "gpt-5.6-terra", at=cut - timedelta(seconds=1)) == Decimal("2.5")
    assert rate("openai", "gpt-5.6-terra", at=cut) == 2


def test_prices_announced_for_the_future_are_known(rate):
    assert rate("google", "gemini-3.8-flash", at=datetime(2026, 12, 31, tzinfo=UTC)) == Decimal("0.75")
    assert rate("google", "gemini-3.8-flash", at=datetime(2027, 1, 1, tzinfo=UTC)) == Decimal("1.5")


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-05T00:59:59", "0.15"), ("2026-11-05T01:00:00", "0.3"), ("2026-11-05T03:59:59", "0.3"),
        ("2026-11-05T04:00:00", "0.15"), ("2026-11-05T06:00:00", "0.3"), ("2026-11-05T10:00:00", "0.15"),
        ("2026-11-07T07:00:00", "0.15"),  # Saturday
        ("2026-10-01T07:00:00", "0.15"),  # National Day
        ("2026-09-25T07:00:00", "0.15"),  # Mid-Autumn
        ("2026-08-20T07:00:00", "0.44"), ("2026-08-20T12:00:00", "0.22"), ("2026-08-14T07:00:00", "0.14"),
    ],
)  # fmt: skip
def test_deepseek_is_dearer_in_the_busy_hours_of_chinese_working_days(rate, moment, expected):
    assert rate("deepseek", "deepseek-v4-flash", at=datetime.fromisoformat(moment + "+00:00")) == Decimal(expected)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [("2025-03-01T17:00:00", "0.135"), ("2025-03-01T00:29:00", "0.135"), ("2025-03-01T12:00:00", "0.27"),
     ("2025-02-01T17:00:00", "0.27"), ("2025-09-10T17:00:00", "0.56"), ("2026-02-01T17:00:00", "0.28"),
     ("2026-11-05T07:00:00", "0.14")],
)  # fmt: skip
def test_deepseek_chat_was_cheaper_at_night_in_2025_only(rate, moment, expected):
    assert rate("deepseek", "deepseek-chat", at=datetime.fromisoformat(moment + "+00:00")) == Decimal(expected)


def test_home_made_is_free_and_not_unpriced(price):
    for provider in ("ollama", "lmstudio", "vllm", "self-hosted", "llama.cpp"):
        priced = price(provider, "qwen3:8b")
        assert (priced.cost, priced.source) == (0, CostSource.FREE)
    assert price("ollama", "gpt-oss:120b-cloud").source is CostSource.UNPRICED


def test_what_the_catalogue_gives_away_is_free(price):
    priced = price("openrouter", "deepseek/deepseek-r1:free")
    assert priced.source in (CostSource.FREE, CostSource.UNPRICED)
    assert price("google", "gemma-3-27b-it").source is CostSource.FREE or price("google", "gemma-3").cost == 0


def test_what_a_maker_gives_away_is_not_free_at_another_seller(price):
    assert price("google", "gemma-3").source is CostSource.FREE
    assert price("vertex", "gemma-3").source is CostSource.UNPRICED


def test_openrouter_is_believed_and_others_are_not(price):
    charged = Decimal("0.0123456789012345")
    priced = price("openrouter", "nobody/knows", reported_cost=charged)
    assert (priced.cost, priced.source) == (Decimal("0.012345678901"), CostSource.REPORTED)
    assert price("openai", "gpt-4.1", reported_cost=charged).cost == Decimal("0.002")
    assert price("openai", "nobody-knows", reported_cost=charged).cost is None


def test_without_counts_the_usage_is_unknown(book):
    for provider, model in (("openai", "gpt-4.1"), ("openai", "nobody-knows")):
        priced = book.price(Usage(model=model, provider=provider, timestamp=CALLED))
        assert (priced.cost, priced.source, priced.upper_bound) == (None, CostSource.USAGE_UNKNOWN, 0)


def test_zero_tokens_of_a_known_model_cost_nothing(price):
    assert price("openai", "gpt-4.1", 0, 0).cost == 0


def test_an_upper_bound_is_at_the_dearest_price_of_the_provider(price):
    assert price("openai", "nobody-knows", M, M).upper_bound == 750  # o1-pro
    assert price("anthropic", "nobody-knows", M, M).upper_bound == 90
    assert price("nobody", "nobody-knows", M, M).upper_bound >= 750
    fees = price("openai", "nobody-knows", 0, 0, units={"web_search": Decimal(1000)})
    assert fees.upper_bound >= 10


def test_the_cost_is_rounded_once_half_to_even(price):
    cost = price("groq", "whisper-large-v3-turbo", 0, 0, units={"audio_second": Decimal(11)}).cost
    assert cost == Decimal("0.000122222222")


def test_many_are_priced_as_one_by_one(book):
    calls = [
        Usage(model="gpt-4.1", provider="openai", timestamp=CALLED, input_tokens=n, output_tokens=n) for n in range(5)
    ]
    assert book.price_many(calls) == [book.price(call) for call in calls]
