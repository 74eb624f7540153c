"""Budgets, what the watch knows of their periods, and a number that says whether the budgets have changed."""

from decimal import Decimal

from django.db import models

from costwatch.accounts.models import Member, Workspace
from costwatch.ledger.models import USD, USD_SUM


class Action(models.TextChoices):
    """What a budget that is used up asks for: only to be told, or that agents stop."""

    NOTIFY = "notify"
    BLOCK = "block"


class Budget(models.Model):
    """An amount of dollars or of tokens (all prompt and generated tokens) for each period and a part of the usage.

    `scope`: dimension → values, one of which an event must have; `agent!` → values it must not have. `per`: a template,
    the amount holds for each value of this dimension by itself. Thresholds are percentages of the amount.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=200)
    amount_usd = models.DecimalField(null=True, **USD)
    amount_tokens = models.BigIntegerField(null=True)
    planned = models.JSONField(default=dict, help_text='other amounts of single months, "2026-11" → amount as text')
    carry_over = models.DecimalField(
        max_digits=5, decimal_places=2, default=Decimal(0), help_text="% of the amount that may move to the next period"
    )
    period = models.CharField(max_length=16, help_text="daily … yearly, rolling_24h, rolling_7d …")
    time_zone = models.CharField(max_length=64, blank=True, help_text="IANA name; empty = the workspace's")
    week_start = models.SmallIntegerField(null=True, help_text="ISO day, 1 = Monday; null = the workspace's")
    scope = models.JSONField(default=dict)
    per = models.CharField(max_length=80, blank=True)
    thresholds = models.JSONField(default=list)
    forecast_thresholds = models.JSONField(default=list)
    owner = models.ForeignKey(Member, null=True, on_delete=models.SET_NULL, related_name="+")
    channels = models.JSONField(default=list, help_text="ids of channels; empty = the workspace's usual ones")
    action = models.CharField(max_length=8, choices=Action.choices, default=Action.NOTIFY)
    paused = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=255)
    changed_at = models.DateTimeField()
    counted_since = models.DateTimeField(help_text="last change of what counts; from then on the feed told every event")
    judged_at = models.DateTimeField(null=True, help_text="last look at its spend; null = a look at all of it is due")
    forecast = models.JSONField(null=True, help_text="the last one: at, period_start, low, mid, high, exhausted_on")
    forecast_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "budget"
        constraints = [
            models.CheckConstraint(
                name="budget_has_one_amount",
                condition=models.Q(amount_usd__gt=0, amount_tokens__isnull=True)
                | models.Q(amount_usd__isnull=True, amount_tokens__gt=0),
            ),
        ]
        indexes = [
            models.Index(
                fields=["workspace"], name="budget_to_judge", condition=models.Q(judged_at__isnull=True, paused=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def amount(self) -> Decimal:
        """The amount in dollars, or in tokens."""
        return Decimal(self.amount_tokens or 0) if self.amount_usd is None else self.amount_usd

    @property
    def in_tokens(self) -> bool:
        """Whether it counts tokens instead of dollars."""
        return self.amount_usd is None

    @property
    def is_rolling(self) -> bool:
        """Whether its period ends now, always, and never begins anew."""
        return self.period.startswith("rolling_")


class BudgetPeriod(models.Model):
    """A period of a budget (and of one value of its template), as far as it was spent in.

    `at_most` is never less than what was spent: what the feed tells is added, and what it was read to be from the
    ledger replaces it. Reaching `look_at` makes the row due: the ledger is read, and it alone decides. Crossings are
    those that were told. A rolling budget has one row with `period_start` ROLLING for this, and one for each window in
    which something was told, named by that window's beginning.
    """

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="periods", db_index=False)
    value = models.CharField(max_length=200, blank=True)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    at_most = models.DecimalField(default=Decimal(0), **USD_SUM)
    look_at = models.DecimalField(null=True, help_text="null = nothing is left to be told", **USD_SUM)
    due = models.BooleanField(default=False)
    touched_from = models.DateTimeField(null=True, help_text="rolling: earliest change since the last judgement")
    crossings = models.JSONField(default=list, help_text="[{threshold, basis, at, event_id}]")
    over = models.BooleanField(default=False, help_text="it is used up now")
    settle_at = models.DateTimeField(null=True, help_text="when its incidents are over by themselves")
    revision = models.IntegerField(default=0, help_text="counted up with each judgement and correction")
    judged_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "budget_period"
        constraints = [
            models.UniqueConstraint(fields=["budget", "value", "period_start"], name="budget_period_once"),
        ]
        indexes = [
            models.Index(fields=["id"], name="budget_period_due", condition=models.Q(due=True)),
            models.Index(
                fields=["settle_at"], name="budget_period_settle", condition=models.Q(settle_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"budget {self.budget_id} {self.value} from {self.period_start:%F %H:%M}"


class BudgetVersion(models.Model):
    """Counted up in the transaction of each change of a workspace's budgets: who keeps them in memory compares."""

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, primary_key=True, related_name="+")
    version = models.BigIntegerField(default=0)

    class Meta:
        db_table = "budget_version"

    def __str__(self) -> str:
        return f"version {self.version}"
