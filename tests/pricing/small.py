"""Small books whose prices stand in the test that uses them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from costwatch.pricing.compiled import Book
from costwatch.pricing.overrides import Override, OverrideAt, WorkspaceBook
from costwatch.pricing.specs import MILLION, TOKEN_UNITS, Alias, Catalogue, Component, LineKey, ScheduleSpec, Version
from costwatch.pricing.timeline import Timeline
from costwatch.pricing.usage import Usage
from tests.pricing.conftest import compile_book

DAY = datetime(2026, 11, 18, 12, tzinfo=UTC)


def said(**prices: object) -> tuple[Component, ...]:
    """`input=2` is $2 per million, `web_search=10` $10 per thousand, `input_above_100=4` holds above 100 tokens."""
    return tuple(_component(name, price) for name, price in prices.items())


def _component(name: str, price: object) -> Component:
    unit, _, threshold = name.partition("_above_")
    per = MILLION if unit in TOKEN_UNITS or unit in ("input_video", "output_video", "citation") else 1000
    return Component(unit, Decimal(str(price)), per, int(threshold or 0))


def book_of(
    lines: Mapping[tuple[str, ...], Any],
    aliases: Iterable[Alias] = (),
    schedules: Iterable[ScheduleSpec] = (),
    now: datetime = DAY,
) -> Book:
    """A book of (provider, model, region, tier, schedule) -> prices, or versions."""
    found = {
        LineKey(*key): what if isinstance(what, list) else [Version(None, None, said(**what))]
        for key, what in lines.items()
    }
    return compile_book(Catalogue(found, list(aliases), {spec.name: spec for spec in schedules}), now)


def one(**prices: object) -> Book:
    """A book of one model."""
    return book_of({("acme", "m"): prices})


def agreement(
    model: str = "m", provider: str = "acme", region: str = "", tier: str = "standard", number: int = 1000,
    multiplier: str | None = None, start: datetime | None = None, end: datetime | None = None, **prices: object,
) -> Override:  # fmt: skip
    """An agreed price as the book knows it."""
    version = OverrideAt(number, said(**prices), None if multiplier is None else Decimal(multiplier))
    return Override(provider, model, region, tier, Timeline([(start, end, version)]))


def agreed(book: Book, *overrides: Override, trusted: Iterable[str] = ()) -> WorkspaceBook:
    """How a workspace with these agreements sees the book."""
    return WorkspaceBook(book, overrides, trusted)


def call(tokens_in: int | None = 0, tokens_out: int | None = 0, model: str = "m", **fields: Any) -> Usage:
    """A call of Acme's; `units` may be whole numbers."""
    fields = {"provider": "acme", "timestamp": DAY, **fields}
    if fields.get("units") is not None:
        fields["units"] = {name: Decimal(str(amount)) for name, amount in fields["units"].items()}
    return Usage(model=model, input_tokens=tokens_in, output_tokens=tokens_out, **fields)
