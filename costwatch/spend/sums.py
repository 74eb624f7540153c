"""The measures of a part of the spend, added up."""

from collections.abc import Iterable
from decimal import ROUND_DOWN, Decimal, localcontext
from operator import attrgetter
from typing import Any

from msgspec import Struct

SHARE_STEP = Decimal("0.000001")
ENOUGH_DIGITS = 60  # numeric(30,12) sums of many groups may need more than Decimal's usual 28


class Sums(Struct, frozen=True):
    """`calls` counts provider requests, `events` events; money in USD, exact. The fields are those of the rollups.

    `runs`: runs whose first call is among these. `unpriced_calls` had tokens but no price, `unknown_calls` no tokens;
    both are in no cost. `upper_bound`: what the unpriced cost at most. (A frozen dataclass takes 3 us to make, a struct
    0.3: a page makes thousands.)
    """

    events: int = 0
    calls: int = 0
    errors: int = 0
    runs: int = 0
    unpriced_calls: int = 0
    unknown_calls: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost: Decimal = Decimal(0)
    error_cost: Decimal = Decimal(0)
    upper_bound: Decimal = Decimal(0)

    @property
    def priced_calls(self) -> int:
        return self.calls - self.unpriced_calls - self.unknown_calls

    @property
    def priced_share(self) -> Decimal | None:
        """The share of the money that is priced, from 0 to 1, rounded down; None where no money is known of."""
        money = self.cost + self.upper_bound
        if money <= 0:
            return Decimal(1) if self.priced_calls and not self.unpriced_calls else None
        return (self.cost / money).quantize(SHARE_STEP, ROUND_DOWN)

    def __bool__(self) -> bool:
        return any(_values(self))


FIELDS = Sums.__struct_fields__
_values = attrgetter(*FIELDS)


def add(sums: Iterable[Sums]) -> Sums:
    """The exact sum of all."""
    rows: list[tuple[Any, ...]] = [_values(s) for s in sums]
    with localcontext() as context:
        context.prec = ENOUGH_DIGITS
        return Sums(*map(_total, zip(*rows, strict=True))) if rows else Sums()


def _total(column: Any) -> Any:
    """The sum of a measure; None where it was not asked for."""
    return None if None in column else sum(column)


def less(total: Sums, *parts: Sums) -> Sums:
    """What is left of a sum without some parts of it."""
    gone = add(parts)
    with localcontext() as context:
        context.prec = ENOUGH_DIGITS
        return Sums(*(_left(whole, part) for whole, part in zip(_values(total), _values(gone), strict=True)))


def _left(whole: Any, part: Any) -> Any:
    """What is left of a measure; None where it was not asked for."""
    return None if whole is None else whole - part
