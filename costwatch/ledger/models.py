"""The books. Facts are append-only and narrow; labels are interned once; rollups can be rebuilt from the facts.

The fact tables are written by SQL only (record, fold, adjust); these models name their columns for readers.
`lane` is the workspace's id: first column of every key, the distribution column when one machine is outgrown.
"""

from typing import Any

from django.db import models

USD: dict[str, Any] = {"max_digits": 24, "decimal_places": 12}
USD_SUM: dict[str, Any] = {"max_digits": 30, "decimal_places": 12}


class LabelKind(models.IntegerChoices):
    """The dimensions of an attribution that are interned as labels."""

    PROVIDER = 1
    MODEL = 2
    OPERATION = 3
    AGENT = 4
    TASK = 5
    ENVIRONMENT = 6
    RELEASE = 7


class Cut(models.IntegerChoices):
    """What a rollup row is a sum over: one dimension (its value in `a`), a crossing of two (`a`, `b`), or all labels.

    0 in `a` or `b` means not attributed. Numbers 1 to 7 are those of LabelKind.
    """

    TOTAL = 0
    PROVIDER = 1
    MODEL = 2
    OPERATION = 3
    AGENT = 4
    TASK = 5
    ENVIRONMENT = 6
    RELEASE = 7
    KEY = 8
    USER = 9
    AGENT_TASK = 20
    AGENT_MODEL = 21
    TASK_MODEL = 22
    AGENT_USER = 23
    TASK_USER = 24
    ATTRIBUTION = 30


class Label(models.Model):
    """One value of one dimension, e.g. the agent "triage"."""

    id = models.AutoField(primary_key=True)
    lane = models.IntegerField()
    kind = models.SmallIntegerField(choices=LabelKind.choices)
    value = models.CharField(max_length=200)

    class Meta:
        db_table = "label"
        constraints = [models.UniqueConstraint(fields=["lane", "kind", "value"], name="label_once")]

    def __str__(self) -> str:
        return self.value


class Attribution(models.Model):
    """One combination of labels that calls have been made under; events and rollups carry its id.

    The *_id columns hold Label ids (0 = not attributed), `key_id` the ApiKey (0 = none, e.g. an import).
    """

    id = models.AutoField(primary_key=True)
    lane = models.IntegerField()
    digest = models.UUIDField(help_text="of all labels, key and tags")
    provider_id = models.IntegerField(default=0)
    model_id = models.IntegerField(default=0)
    operation_id = models.IntegerField(default=0)
    agent_id = models.IntegerField(default=0)
    task_id = models.IntegerField(default=0)
    environment_id = models.IntegerField(default=0)
    release_id = models.IntegerField(default=0)
    key_id = models.IntegerField(default=0)
    tags = models.JSONField(default=dict)

    class Meta:
        db_table = "attribution"
        constraints = [models.UniqueConstraint(fields=["lane", "digest"], name="attribution_once")]
        indexes = [models.Index(fields=["lane", "agent_id", "task_id"], name="attribution_agent_task")]

    def __str__(self) -> str:
        return f"attribution {self.pk}"


class EndUser(models.Model):
    """Somebody on whose behalf agents run (`user_id` of an event). Many, so apart from the labels."""

    id = models.BigAutoField(primary_key=True)
    lane = models.IntegerField()
    user_id = models.CharField(max_length=200)

    class Meta:
        db_table = "end_user"
        constraints = [models.UniqueConstraint(fields=["lane", "user_id"], name="end_user_once")]

    def __str__(self) -> str:
        return self.user_id


class Session(models.Model):
    """One conversation (`session_id` of an event)."""

    id = models.BigAutoField(primary_key=True)
    lane = models.IntegerField()
    session_id = models.CharField(max_length=200)

    class Meta:
        db_table = "session"
        constraints = [models.UniqueConstraint(fields=["lane", "session_id"], name="session_once")]

    def __str__(self) -> str:
        return self.session_id


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


class Run(Measures):
    """One execution of an agent. The labels are those of its first folded call; the sums grow with each fold."""

    id = models.BigAutoField(primary_key=True)
    lane = models.IntegerField()
    run_id = models.CharField(max_length=200)
    attribution_id = models.IntegerField(null=True)
    end_user_id = models.BigIntegerField(null=True)
    session_id = models.BigIntegerField(null=True)
    first_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "run"
        constraints = [models.UniqueConstraint(fields=["lane", "run_id"], name="run_once")]
        indexes = [
            models.Index(fields=["lane", "last_at"], name="run_last_at"),
            models.Index(fields=["session_id"], name="run_session"),
        ]

    def __str__(self) -> str:
        return self.run_id


class IngestBatch(models.Model):
    """A committed batch that is not folded yet. Readers add its events to the rollups; fold deletes the row."""

    id = models.BigIntegerField(primary_key=True)
    lane = models.IntegerField()
    first_at = models.DateTimeField(help_text="earliest occurred_at in the batch")
    last_at = models.DateTimeField(help_text="latest occurred_at in the batch")
    received_at = models.DateTimeField()

    class Meta:
        db_table = "ingest_batch"

    def __str__(self) -> str:
        return f"batch {self.pk}"


class FoldedBatch(models.Model):
    """A batch that was folded, for those who watch what changes (ledger/feed.py)."""

    position = models.BigAutoField(primary_key=True)
    batch_id = models.BigIntegerField()
    lane = models.IntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        db_table = "folded_batch"

    def __str__(self) -> str:
        return f"batch {self.batch_id}"


class FeedReader(models.Model):
    """How far somebody has read the feed of folded batches."""

    name = models.CharField(primary_key=True, max_length=32)
    position = models.BigIntegerField()

    class Meta:
        db_table = "feed_reader"

    def __str__(self) -> str:
        return f"{self.name} at {self.position}"


class EventKey(models.Model):
    """The idempotency ledger: every identity under which an event is known, over all days.

    `alias_of` is NULL on an event's own key and names it on every other one (response id, second sender).
    """

    pk = models.CompositePrimaryKey("lane", "event_key")
    lane = models.IntegerField()
    event_key = models.UUIDField()
    batch_id = models.BigIntegerField()
    day = models.DateField(help_text="UTC day of the event: where to find it")
    alias_of = models.UUIDField(null=True)

    class Meta:
        db_table = "event_key"

    def __str__(self) -> str:
        return str(self.event_key)


class UsageEvent(models.Model):
    """One call as it was sent, with its cost. Append-only, partitioned by `occurred_at`; NULL = nothing was said."""

    pk = models.CompositePrimaryKey("lane", "event_key")
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    batch_id = models.BigIntegerField()
    run_id = models.BigIntegerField(null=True)
    session_id = models.BigIntegerField(null=True)
    end_user_id = models.BigIntegerField(null=True)
    event_key = models.UUIDField()
    lane = models.IntegerField()
    attribution_id = models.IntegerField()
    price_version_id = models.IntegerField(null=True)
    step = models.IntegerField(null=True)
    requests = models.IntegerField(default=1)
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
    error = models.BooleanField(default=False)
    starts_run = models.BooleanField(default=False)
    batch = models.BooleanField(default=False)
    usage_inconsistent = models.BooleanField(default=False)
    input_error = models.BooleanField(null=True)
    cost = models.DecimalField(null=True, **USD)
    upper_bound = models.DecimalField(null=True, **USD)
    reported_cost = models.DecimalField(null=True, **USD)
    list_cost = models.DecimalField(null=True, help_text="before a discount; NULL = the same as cost", **USD)
    event_id = models.TextField()
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
        return self.event_id


class SpendAdjustment(Measures):
    """A correction: sums to add (negative: to take away) at a time and a place, with a reason. Folded like events."""

    id = models.BigAutoField(primary_key=True)
    occurred_at = models.DateTimeField(help_text="where the correction counts: the event's time, or the open month")
    recorded_at = models.DateTimeField(auto_now_add=True)
    batch_id = models.BigIntegerField()
    lane = models.IntegerField()
    attribution_id = models.IntegerField()
    run_id = models.BigIntegerField(null=True)
    session_id = models.BigIntegerField(null=True)
    end_user_id = models.BigIntegerField(null=True)
    event_key = models.UUIDField(null=True, help_text="the event it corrects, if it is one event's")
    cost_source = models.SmallIntegerField(null=True, help_text="where the event's cost comes from after this")
    price_version_id = models.IntegerField(null=True, help_text="the price that was used, if one was")
    reason = models.CharField(max_length=200)

    class Meta:
        db_table = "spend_adjustment"
        indexes = [
            models.Index(fields=["batch_id"], name="adjustment_batch"),
            models.Index(fields=["event_key"], name="adjustment_event", condition=models.Q(event_key__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.reason}: {self.cost}"


class SpendQuarter(Measures):
    """Sums of 15 minutes (UTC quarter hours: zones have :30 and :45 offsets) for one value of one dimension."""

    pk = models.CompositePrimaryKey("lane", "cut", "slot", "a")
    lane = models.IntegerField()
    cut = models.SmallIntegerField(choices=Cut.choices)
    slot = models.DateTimeField()
    a = models.BigIntegerField()

    class Meta:
        db_table = "spend_quarter"

    def __str__(self) -> str:
        return f"{self.slot:%F %H:%M} {self.cut} {self.a}"


class SpendDay(Measures):
    """Sums of one local day (the workspace's zone) for one value, a crossing of two, or one attribution."""

    pk = models.CompositePrimaryKey("lane", "cut", "day", "a", "b")
    lane = models.IntegerField()
    cut = models.SmallIntegerField(choices=Cut.choices)
    day = models.DateField()
    a = models.BigIntegerField()
    b = models.BigIntegerField(default=0)

    class Meta:
        db_table = "spend_day"

    def __str__(self) -> str:
        return f"{self.day:%F} {self.cut} {self.a} {self.b}"
