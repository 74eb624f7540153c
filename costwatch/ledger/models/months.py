"""Months whose books are closed."""

from django.db import models

from costwatch.ledger.models.measures import USD_SUM


class ClosedMonth(models.Model):
    """A month of a workspace that no longer changes, with what it came to when it was closed.

    `start` and `end` are instants: a change of the workspace's zone moves no closed month.
    """

    id = models.AutoField(primary_key=True)
    lane = models.IntegerField()
    month = models.DateField(help_text="its first local day")
    start = models.DateTimeField()
    end = models.DateTimeField()
    closed_at = models.DateTimeField()
    closed_by = models.CharField(max_length=255)
    calls = models.BigIntegerField()
    unpriced_calls = models.BigIntegerField()
    cost = models.DecimalField(**USD_SUM)

    class Meta:
        db_table = "closed_month"
        constraints = [models.UniqueConstraint(fields=["lane", "month"], name="closed_month_once")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
