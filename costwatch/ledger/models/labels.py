"""What calls were made under: interned once, so that facts carry numbers."""

from django.db import models


class LabelKind(models.IntegerChoices):
    """The dimensions of an attribution that are interned as labels."""

    PROVIDER = 1
    MODEL = 2
    OPERATION = 3
    AGENT = 4
    TASK = 5
    ENVIRONMENT = 6
    RELEASE = 7


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
    """Somebody on whose behalf agents run (`user_id` of an event). Many, so apart from the labels.

    Rollups hold their numbers in 4 bytes.
    """

    id = models.AutoField(primary_key=True)
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
