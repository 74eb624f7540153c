"""What the pages themselves remember: which colour a value has."""

from django.db import models

from costwatch.accounts.models import Workspace


class SeriesColours(models.Model):
    """The values of one dimension that own a series colour, by slot ("" = free); looked over once a day."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    dimension = models.CharField(max_length=80)
    slots = models.JSONField(default=list)
    ranked_on = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "dimension"], name="series_colours_once")]

    def __str__(self) -> str:
        return f"{self.dimension}: {', '.join(self.slots)}"
