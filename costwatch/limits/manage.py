"""Setting and removing limits."""

from typing import Any

from django.db import transaction

from costwatch.accounts import audit
from costwatch.accounts.models import ApiKey, Member, Workspace
from costwatch.limits.models import LONGEST_NAME, MOST, ProviderLimit
from costwatch.limits.pressure import MEASURES
from costwatch.pricing.names import canonical_provider

MOST_LIMITS = 500


class BadLimit(ValueError):
    """A limit that cannot be set like this; the message says what to change about `field`."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


def put(workspace: Workspace, data: dict[str, Any], by: Member, ip: str | None = None) -> ProviderLimit:
    """Set the limit of a provider, model and key; an earlier one of the same is replaced. Raises BadLimit."""
    names = {field: _name(field, data.get(field, "")) for field in ("provider", "model", "key")}
    if not names["provider"]:
        raise BadLimit("provider", "Say whose limit it is, e.g. openai.")
    names["provider"] = canonical_provider(names["provider"])
    if names["key"] and not ApiKey.objects.filter(workspace=workspace, name=names["key"]).exists():
        raise BadLimit("key", f"This workspace has no API key called {names['key'][:80]}.")
    counts = {measure: _count(measure, data.get(measure)) for measure in MEASURES}
    if not any(counts.values()):
        raise BadLimit("requests", "Give at least one limit: requests or tokens a minute.")
    if ProviderLimit.objects.filter(workspace=workspace).exclude(**names).count() >= MOST_LIMITS:
        raise BadLimit("provider", f"A workspace keeps at most {MOST_LIMITS} limits; remove one first.")
    values = {**counts, "cached_counts": bool(data.get("cached_counts"))}
    with transaction.atomic():
        limit, _ = ProviderLimit.objects.update_or_create(values, workspace=workspace, **names)  # type: ignore[arg-type]
        audit.record(workspace, by, "limit.set", limit, values, ip)
    return limit


def remove(limit: ProviderLimit, by: Member, ip: str | None = None) -> None:
    """Forget a limit."""
    with transaction.atomic():
        audit.record(limit.workspace, by, "limit.removed", limit, {}, ip)
        limit.delete()


def _name(field: str, value: Any) -> str:
    name = " ".join(str(value or "").replace("\0", "").split())
    if len(name) > LONGEST_NAME:
        raise BadLimit(field, f"At most {LONGEST_NAME} characters.")
    return name


def _count(field: str, value: Any) -> int | None:
    text = str(value or "").replace(",", "").replace("_", "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 1 <= int(text) <= MOST):
        raise BadLimit(field, f"A whole number from 1 to {MOST:,}, or nothing.")
    return int(text)
