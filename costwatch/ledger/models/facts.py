"""Events, their keys, and corrections: append-only."""

from django.db import models

from costwatch.ledger.models.measures import USD, Measures


class EventKey(models.Model):
    """The idempotency ledger: every identity under which an event is known, over all days.

    `alias_of` is NULL on an event's own key and names it on every other one (response id, second sender). `second`
    says where to find the event.
    """

    pk = models.CompositePrimaryKey("event_key", "lane")
    lane = models.IntegerField()
    event_key = models.UUIDField()
    second = models.IntegerField(help_text="in which the event occurred, counted from 2020")
    alias_of = models.UUIDField(null=True)

    class Meta:
        db_table = "event_key"

    def __str__(self) -> str:
        return str(self.event_key)


class UsageEvent(models.Model):
    """One call as it was sent, with its cost. Append-only, partitioned by `occurred_at`; NULL = nothing was said.

    What most events say takes no bytes: `requests` NULL is 1, a flag NULL is false, and `event_id` is NULL where the
    sender's id is a UUID, which `event_key` tells too (ledger/keys.py, and `rows.said` for reading).
    """

    pk = models.CompositePrimaryKey("lane", "event_key")
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    batch_id = models.BigIntegerField()
    run_id = models.BigIntegerField(null=True)
    session_id = models.BigIntegerField(null=True)
    end_user_id = models.IntegerField(null=True)
    event_key = models.UUIDField()
    lane = models.IntegerField()
    attribution_id = models.IntegerField()
    price_version_id = models.IntegerField(null=True)
    step = models.IntegerField(null=True)
    requests = models.IntegerField(null=True)
    input_tokens = models.IntegerField(null=True)
    output_tokens = models.IntegerField(null=True)
    cached_input_tokens = models.IntegerField(null=True)
    cache_write_tokens = models.IntegerField(null=True)
    cache_write_1h_tokens = models.IntegerField(null=True)
    reasoning_tokens = models.IntegerField(null=True)
    audio_input_tokens = models.IntegerField(null=True)
    audio_output_tokens = models.IntegerField(null=True)
    image_input_tokens = models.IntegerField(null=True)
    image_output_tokens = models.IntegerField(null=True)
    latency_ms = models.IntegerField(null=True)
    cost_source = models.SmallIntegerField()
    error = models.BooleanField(null=True)
    starts_run = models.BooleanField(null=True)
    batch = models.BooleanField(null=True)
    usage_inconsistent = models.BooleanField(null=True)
    input_error = models.BooleanField(null=True)
    cost = models.DecimalField(null=True, **USD)
    upper_bound = models.DecimalField(null=True, **USD)
    reported_cost = models.DecimalField(null=True, **USD)
    list_cost = models.DecimalField(null=True, help_text="before a discount; NULL = the same as cost", **USD)
    event_id = models.TextField(null=True)
    parent_id = models.TextField(null=True)
    response_id = models.TextField(null=True)
    error_type = models.TextField(null=True)
    tool = models.TextField(null=True)
    call_fingerprint = models.TextField(null=True)
    input_fingerprint = models.TextField(null=True)
    service_tier = models.TextField(null=True)
    region = models.TextField(null=True)
    api = models.TextField(null=True)
    units = models.JSONField(null=True)
    raw_usage = models.JSONField(null=True)

    class Meta:
        db_table = "usage_event"

    def __str__(self) -> str:
        return self.event_id or str(self.event_key)


class SpendAdjustment(Measures):
    """A correction: sums to add (negative: to take away) at a time and a place, with a reason. Folded like events."""

    id = models.BigAutoField(primary_key=True)
    occurred_at = models.DateTimeField(help_text="where the correction counts: the event's time, or the open month")
    event_at = models.DateTimeField(null=True, help_text="the corrected event's own time, where that is another")
    recorded_at = models.DateTimeField(auto_now_add=True)
    batch_id = models.BigIntegerField()
    lane = models.IntegerField()
    attribution_id = models.IntegerField()
    run_id = models.BigIntegerField(null=True)
    session_id = models.BigIntegerField(null=True)
    end_user_id = models.IntegerField(null=True)
    event_key = models.UUIDField(null=True, help_text="the event it corrects, if it is one event's")
    cost_source = models.SmallIntegerField(null=True, help_text="where the event's cost comes from after this")
    price_version_id = models.IntegerField(null=True, help_text="the price that was used, if one was")
    reason = models.CharField(max_length=200)

    class Meta:
        db_table = "spend_adjustment"
        indexes = [
            models.Index(fields=["batch_id"], name="adjustment_batch"),
            models.Index(fields=["lane", "occurred_at"], name="adjustment_time"),
            models.Index(fields=["event_key"], name="adjustment_event", condition=models.Q(event_key__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.reason}: {self.cost}"
