"""Batches on their way into the rollups, and the feed of those that are in."""

from django.db import models


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
    received_at = models.DateTimeField(null=True)

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
