"""Closed days of a rollup in columns, for questions that read all of them."""

from typing import Any

from django.db import models

from costwatch.ledger.models.rollups import Cut


class SpendSheet(models.Model):
    """All rows of one day and cut of `spend_day`, column by column: whole numbers of the same width, least byte first.

    `a` and `b` are the rows' ids in their order, every other column a measure, money in 1e-12 USD; NULL: 0 in every
    row. The width of a column is its length divided by `rows`. A copy: it goes when a row of its day changes.
    """

    pk = models.CompositePrimaryKey("lane", "day", "cut")
    lane = models.IntegerField()
    cut = models.SmallIntegerField(choices=Cut.choices)
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
