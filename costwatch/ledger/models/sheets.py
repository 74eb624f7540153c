"""Closed days of a rollup in columns, for questions that read all of them."""

from typing import Any

from django.db import models


class Sheet(models.IntegerChoices):
    """What the rows of a sheet are sums over: an end user (`a`), an attribution (`a`), or both (`a`, `b`)."""

    USER = 9
    ATTRIBUTION = 30
    ATTRIBUTION_USER = 31


class SpendSheet(models.Model):
    """The sums of one closed day, column by column: whole numbers of the same width each, least byte first.

    `a` and `b` are ids, in their order, every other column a measure, money in 1e-12 USD; NULL: 0 in every row. The
    width of a column is its length divided by `rows`. A copy of what the rollups or events say: it goes when one of its
    day is added.
    """

    pk = models.CompositePrimaryKey("lane", "day", "cut")
    lane = models.IntegerField()
    cut = models.SmallIntegerField(choices=Sheet.choices)
    day = models.DateField()
    rows = models.IntegerField()
    a: Any = models.BinaryField(null=True)
    b: Any = models.BinaryField(null=True)
    events: Any = models.BinaryField(null=True)
    calls: Any = models.BinaryField(null=True)
    errors: Any = models.BinaryField(null=True)
    runs: Any = models.BinaryField(null=True)
    unpriced_calls: Any = models.BinaryField(null=True)
    unknown_calls: Any = models.BinaryField(null=True)
    input_tokens: Any = models.BinaryField(null=True)
    cached_input_tokens: Any = models.BinaryField(null=True)
    cache_write_tokens: Any = models.BinaryField(null=True)
    output_tokens: Any = models.BinaryField(null=True)
    reasoning_tokens: Any = models.BinaryField(null=True)
    cost: Any = models.BinaryField(null=True)
    error_cost: Any = models.BinaryField(null=True)
    upper_bound: Any = models.BinaryField(null=True)

    class Meta:
        db_table = "spend_sheet"

    def __str__(self) -> str:
        return f"{self.day:%F} {self.cut}"
