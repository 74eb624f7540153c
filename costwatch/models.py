"""What the running installation notes about itself."""

from django.db import models


class Tick(models.Model):
    """When a periodic task last came to a good end, whoever ran it: worker or scheduler."""

    name = models.CharField(primary_key=True, max_length=100)
    finished_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.finished_at:%F %T}"
