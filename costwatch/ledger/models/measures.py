"""The sums that every rollup row, run and adjustment holds."""

from typing import Any

from django.db import models

USD: dict[str, Any] = {"max_digits": 24, "decimal_places": 12}
USD_SUM: dict[str, Any] = {"max_digits": 30, "decimal_places": 12}


class Measures(models.Model):
    """The sums that every rollup row, run and adjustment holds. `calls` counts provider requests, `events` events.

    `runs`: runs whose first call is among these, so that groups add up. `unpriced_calls` have a count of tokens but no
    price, `unknown_calls` no count; both carry cost 0 here. `upper_bound`: what the unpriced cost at most. USD.
    """

    events = models.BigIntegerField(db_default=0)
    calls = models.BigIntegerField(db_default=0)
    errors = models.BigIntegerField(db_default=0)
    runs = models.BigIntegerField(db_default=0)
    unpriced_calls = models.BigIntegerField(db_default=0)
    unknown_calls = models.BigIntegerField(db_default=0)
    input_tokens = models.BigIntegerField(db_default=0)
    cached_input_tokens = models.BigIntegerField(db_default=0)
    cache_write_tokens = models.BigIntegerField(db_default=0)
    output_tokens = models.BigIntegerField(db_default=0)
    reasoning_tokens = models.BigIntegerField(db_default=0)
    cost = models.DecimalField(db_default=0, **USD_SUM)
    error_cost = models.DecimalField(db_default=0, **USD_SUM)
    upper_bound = models.DecimalField(db_default=0, **USD_SUM)

    class Meta:
        abstract = True
