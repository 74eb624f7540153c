"""Times as programs send them."""

from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime


def moment(value: Any) -> datetime | None:
    """An RFC 3339 time with its offset, in UTC (PostgreSQL takes no offset of 16 hours); None for anything else."""
    try:
        at = parse_datetime(value)
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except (TypeError, ValueError, OverflowError):
        return None
