"""The clock that all processes share: the database's. That of a worker may be wrong, or jump."""

from datetime import UTC, datetime

from django.db import connection


def now() -> datetime:
    """The time, in UTC; also within a transaction the present one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found.astimezone(UTC)
