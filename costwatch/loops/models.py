"""What the watch remembers between two looks: the runs under way, the usual lengths, what a workspace has taught it."""

from django.db import models

from costwatch.accounts.models import Workspace


class WatchedRun(models.Model):
    """The detector's state of one run (a loops.state.RunState). `learnt`: it ended and is in the usual lengths."""

    lane = models.IntegerField()
    run = models.BigIntegerField(help_text="the ledger's number of the run")
    run_id = models.CharField(max_length=200)
    state = models.BinaryField()
    last_at = models.DateTimeField(help_text="the last call's own time")
    learnt = models.BooleanField(default=False)
    looked_at = models.DateTimeField()

    class Meta:
        db_table = "watched_run"
        constraints = [models.UniqueConstraint(fields=["lane", "run"], name="watched_run_once")]
        indexes = [
            models.Index(fields=["lane", "last_at"], name="watched_run_under_way", condition=models.Q(learnt=False)),
            models.Index(fields=["looked_at"], name="watched_run_looked_at"),
        ]

    def __str__(self) -> str:
        return self.run_id


class UsualRun(models.Model):
    """What finished runs of an agent and task took (a loops.usual.Usual); `everyone`: of the whole workspace."""

    lane = models.IntegerField()
    everyone = models.BooleanField(default=False)
    agent = models.CharField(max_length=200, blank=True)
    task = models.CharField(max_length=200, blank=True)
    usual = models.BinaryField()

    class Meta:
        db_table = "usual_run"
        constraints = [models.UniqueConstraint(fields=["lane", "everyone", "agent", "task"], name="usual_run_once")]

    def __str__(self) -> str:
        return f"{self.agent} / {self.task}"


class Lesson(models.Model):
    """Something a workspace said is no loop: a tool that may be called again and again, a task that is a batch."""

    class Kind(models.TextChoices):
        TOOL = "tool"
        TASK = "task"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    value = models.CharField(max_length=200)
    taught_by = models.CharField(max_length=255)
    taught_at = models.DateTimeField()

    class Meta:
        db_table = "loop_lesson"
        constraints = [models.UniqueConstraint(fields=["workspace", "kind", "value"], name="loop_lesson_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class LoopSettings(models.Model):
    """How sensitive the detector is in a workspace; without a row it is as usual."""

    class Sensitivity(models.TextChoices):
        LOW = "low"
        NORMAL = "normal"
        HIGH = "high"

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, primary_key=True, related_name="+")
    sensitivity = models.CharField(max_length=8, choices=Sensitivity.choices, default=Sensitivity.NORMAL)
    gate = models.DecimalField(max_digits=12, decimal_places=2, help_text="dollars from which a message goes out")
    changed_by = models.CharField(max_length=255)
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "loop_settings"

    def __str__(self) -> str:
        return f"{self.sensitivity}, messages from ${self.gate}"
