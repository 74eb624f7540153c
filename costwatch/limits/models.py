"""What a provider allows, as a workspace knows it from its contract or its console."""

from django.db import models

from costwatch.accounts.models import Workspace

LONGEST_NAME = 200
MOST = 2_147_483_647


class ProviderLimit(models.Model):
    """At most so many requests and tokens a minute, of a provider's model (empty: all together) and an API key of ours.

    NULL = not limited. `cached_counts`: whether input read from a cache counts (OpenAI: yes, Anthropic: mostly not).
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    provider = models.CharField(max_length=LONGEST_NAME)
    model = models.CharField(max_length=LONGEST_NAME, blank=True)
    key = models.CharField(max_length=LONGEST_NAME, blank=True, help_text="name of one of the workspace's API keys")
    requests = models.PositiveIntegerField(null=True)
    tokens = models.PositiveIntegerField(null=True, help_text="input and output together")
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    cached_counts = models.BooleanField(default=True)

    class Meta:
        db_table = "provider_limit"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "provider", "model", "key"], name="provider_limit_once")
        ]

    def __str__(self) -> str:
        return " · ".join(part for part in (self.provider, self.model or "all models", self.key) if part)
