"""What pricing costs: microseconds per event, and ratios measured in one run.

python bench/pricing.py        (no database; the catalogue is compiled in memory)
"""

import gc
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "costwatch.settings")
import django

django.setup()

from genai_prices import Usage as PackageUsage  # noqa: E402
from genai_prices import calc_price  # noqa: E402

from costwatch.pricing import readers  # noqa: E402
from costwatch.pricing.usage import Usage  # noqa: E402
from tests.pricing.conftest import compile_book  # noqa: E402

AT = datetime(2026, 11, 5, 16, tzinfo=UTC)
ROUNDS = 200_000


def measure(call: Callable[[], object], rounds: int) -> float:
    """Microseconds of one call: the best of five."""
    gc.collect()
    best = float("inf")
    for _ in range(5):
        begin = time.perf_counter()
        for _ in range(rounds):
            call()
        best = min(best, time.perf_counter() - begin)
    return best / rounds * 1e6


def main() -> None:
    """Print the table."""
    from costwatch.pricing.catalogue import read

    begin = time.perf_counter()
    catalogue = read()
    read_in = time.perf_counter() - begin
    begin = time.perf_counter()
    book = compile_book(catalogue)
    compiled_in = time.perf_counter() - begin
    plain = Usage(model="gpt-4.1", provider="openai", timestamp=AT, input_tokens=431, output_tokens=210)
    split = Usage(
        model="claude-opus-4-5", provider="anthropic", timestamp=AT, input_tokens=24_109, output_tokens=410,
        cached_input_tokens=23_000, cache_write_tokens=1_100, units={"web_search": Decimal(1)},
    )  # fmt: skip
    cached = Usage(
        model="claude-opus-4-5", provider="anthropic", timestamp=AT, input_tokens=24_109, output_tokens=410,
        cached_input_tokens=23_000, cache_write_tokens=1_100,
    )  # fmt: skip
    unknown = Usage(model="nobody-knows", provider="openai", timestamp=AT, input_tokens=9, output_tokens=9)
    raw = {
        "input_tokens": 9, "cache_creation_input_tokens": 1100, "cache_read_input_tokens": 23000, "output_tokens": 410,
        "service_tier": "standard", "cache_creation": {"ephemeral_5m_input_tokens": 1100},
    }  # fmt: skip
    in_price, out_price = Decimal("0.000002"), Decimal("0.000008")
    bare = measure(lambda: (431 * in_price + 210 * out_price).quantize(Decimal("1e-12")), ROUNDS)
    package = measure(
        lambda: calc_price(PackageUsage(input_tokens=431, output_tokens=210), "gpt-4.1", provider_id="openai",
                           genai_request_timestamp=AT), 2_000,
    )  # fmt: skip
    shape = ("anthropic.messages", "anthropic", "claude-opus-4-5")
    reading = measure(lambda: readers.read(*shape, raw), ROUNDS // 10)
    print(f"catalogue read in {read_in:.2f} s, compiled in {compiled_in:.2f} s, {book.models} names")
    print(f"{'':34}{'µs':>8}{'x bare':>9}{'x package':>11}")
    for name, took in (
        ("bare Decimal arithmetic", bare),
        ("Book.price, plain call", measure(lambda: book.price(plain), ROUNDS)),
        ("Book.price, cache read and write", measure(lambda: book.price(cached), ROUNDS // 4)),
        ("Book.price, cache + search", measure(lambda: book.price(split), ROUNDS // 10)),
        ("Book.price, unknown model", measure(lambda: book.price(unknown), ROUNDS // 10)),
        ("readers.read, Anthropic usage", reading),
        ("genai-prices calc_price", package),
    ):
        print(f"{name:34}{took:8.2f}{took / bare:9.1f}{took / package:11.4f}")


if __name__ == "__main__":
    main()
