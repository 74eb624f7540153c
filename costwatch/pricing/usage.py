"""The normal form of one call's usage: what the readers make, what the price engine takes.

OpenTelemetry's convention: `input_tokens` are ALL prompt tokens (cache reads and writes inside), `output_tokens` ALL
generated ones (reasoning inside); every other count is a part of one of the two. Tokens are whole numbers, money is
Decimal USD, times are UTC.
"""

from datetime import datetime
from decimal import Decimal
from enum import IntEnum

import msgspec


class CostSource(IntEnum):
    """Where the cost of an event comes from; stored as its number, shown as its name in lower case."""

    CATALOG = 1
    OVERRIDE = 2
    REPORTED = 3
    FREE = 4
    UNPRICED = 5
    USAGE_UNKNOWN = 6


class Usage(msgspec.Struct, kw_only=True, gc=False):
    """One provider call (or `requests` of them summed up), as counted; None = the sender did not say."""

    model: str
    provider: str | None = None
    operation: str = "chat"
    timestamp: datetime
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    audio_input_tokens: int | None = None
    audio_output_tokens: int | None = None
    image_input_tokens: int | None = None
    image_output_tokens: int | None = None
    units: dict[str, Decimal] | None = None
    service_tier: str | None = None
    region: str | None = None
    batch: bool = False
    requests: int = 1
    reported_cost: Decimal | None = None


class Priced(msgspec.Struct, frozen=True, gc=False):
    """What the price engine says of one Usage. `cost` None = unpriced or usage unknown, never 0 for those.

    `upper_bound`: for an unpriced call what it costs at most, at the dearest current price of its provider (USD),
    else 0. `price_version`: primary key of the price that was used, None when none was. `list_cost`: what it would cost
    at the catalogue's price, where an agreed one was used and the catalogue has one.
    """

    cost: Decimal | None
    source: CostSource
    price_version: int | None
    upper_bound: Decimal
    list_cost: Decimal | None = None
