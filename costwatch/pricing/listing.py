"""The stored prices as lists: what pages and API search in. A workspace sees the catalogue and its own agreements."""

from datetime import datetime

from django.db.models import F, Q, QuerySet

from costwatch.accounts.models import Workspace
from costwatch.pricing.models import PriceVersion

ORIGINS = ("catalog", "override")
NEWEST_FIRST = F("valid_from").desc(nulls_last=True)  # without a first day it holds since ever
ORDER = ("line__provider", "line__model", "line__region", "line__variant", "line__schedule", NEWEST_FIRST, "pk")


def prices(
    workspace: Workspace, *, words: str = "", provider: str = "", model: str = "", origin: str = ""
) -> QuerySet[PriceVersion]:
    """Prices that were not withdrawn, of all times. Every one of `words` is in provider or model."""
    of_whom = Q(line__workspace=None) | Q(line__workspace=workspace)
    if origin:
        of_whom = Q(line__workspace=None) if origin == "catalog" else Q(line__workspace=workspace)
    rows = PriceVersion.objects.filter(of_whom, withdrawn_at=None)
    for word in words.replace("\0", "").split():
        rows = rows.filter(Q(line__model__icontains=word) | Q(line__provider__icontains=word))
    if provider:
        rows = rows.filter(line__provider=provider)
    if model:
        rows = rows.filter(line__model=model)
    return rows.select_related("line", "release").prefetch_related("components").order_by(*ORDER)


def at(rows: QuerySet[PriceVersion], moment: datetime) -> QuerySet[PriceVersion]:
    """Those in force at this moment."""
    begun = Q(valid_from=None) | Q(valid_from__lte=moment)
    return rows.filter(begun).filter(Q(valid_until=None) | Q(valid_until__gt=moment))
