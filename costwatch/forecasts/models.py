"""Forecasts as they were issued. Never changed afterwards: they are what the forecast is judged by."""

from typing import Any

from django.db import models

from costwatch.accounts.models import Workspace

USD: dict[str, Any] = {"max_digits": 30, "decimal_places": 12}


class IssuedForecast(models.Model):
    """What a workspace's month was said to cost on the morning of one of its days: totals of the month in USD.

    `spent` is what the days before had cost then, `run_rate` what the naive forecast said (NULL on the first day).
    """

    id = models.BigAutoField(primary_key=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    month = models.DateField(help_text="its first local day")
    day = models.DateField(help_text="the first day that was forecast")
    issued_at = models.DateTimeField()
    spent = models.DecimalField(**USD)
    low = models.DecimalField(**USD)
    mid = models.DecimalField(**USD)
    high = models.DecimalField(**USD)
    run_rate = models.DecimalField(null=True, **USD)
    method = models.CharField(max_length=16)

    class Meta:
        db_table = "issued_forecast"
        constraints = [models.UniqueConstraint(fields=["workspace", "month", "day"], name="issued_forecast_once")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} on {self.day}: {self.mid}"
