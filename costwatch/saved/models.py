"""Views that members keep: a page with its state under a name."""

from django.db import models

from costwatch.accounts.models import Member, Workspace

LONGEST_NAME = 80
LONGEST_QUERY = 2_000


class SavedView(models.Model):
    """A page as somebody wants to find it again: private where it has an owner, else shared with the workspace."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    owner = models.ForeignKey(Member, null=True, on_delete=models.CASCADE, related_name="+")
    created_by = models.ForeignKey(Member, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    name = models.CharField(max_length=LONGEST_NAME)
    path = models.CharField(max_length=40)
    query = models.CharField(max_length=LONGEST_QUERY, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "owner", "name"], name="saved_view_once", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def shared(self) -> bool:
        return self.owner_id is None

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self.path}?{self.query}" if self.query else self.path


class Home(models.Model):
    """The view that a member's front page leads to."""

    member = models.OneToOneField(Member, primary_key=True, on_delete=models.CASCADE, related_name="+")
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.member_id}: {self.view_id}"
