"""The sums that every rollup row, run and adjustment holds."""

from decimal import Decimal
from typing import Any

from django.db import models

USD: dict[str, Any] = {"max_digits": 24, "decimal_places": 12}
USD_SUM: dict[str, Any] = {"max_digits": 30, "decimal_places": 12}


class Count(models.BigIntegerField):
    """A sum of whole numbers. In rollups NULL is 0: most sums of a row are, and so they take no bytes."""

    def from_db_value(self, value: Any, *_: Any) -> Any:
        return value or 0


class ShortCount(models.IntegerField):
    """A Count below two thousand million: of the events of one run, not of what they say."""

    from_db_value = Count.from_db_value


class Amount(models.DecimalField):
    """A sum of money. In rollups NULL is 0, as of a Count."""

    def from_db_value(self, value: Any, *_: Any) -> Any:
        return value or Decimal(0)


class Measures(models.Model):
    """The sums that every rollup row, run and adjustment holds. `calls` counts provider requests, `events` events.

    `runs`: runs whose first call is among these, so that groups add up. `unpriced_calls` have a count of tokens but no
    price, `unknown_calls` no count; both carry cost 0 here. `upper_bound`: what the unpriced cost at most. USD.
    """

    events = Count(null=True)
    calls = Count(null=True)
    errors = Count(null=True)
    runs = Count(null=True)
    unpriced_calls = Count(null=True)
    unknown_calls = Count(null=True)
    input_tokens = Count(null=True)
    cached_input_tokens = Count(null=True)
    cache_write_tokens = Count(null=True)
    output_tokens = Count(null=True)
    reasoning_tokens = Count(null=True)
    cost = Amount(null=True, **USD_SUM)
    error_cost = Amount(null=True, **USD_SUM)
    upper_bound = Amount(null=True, **USD_SUM)

    class Meta:
        abstract = True
