"""Partitions of usage_event: one for each UTC day, made ahead; months that are long past get one for the whole month.

There is no DEFAULT partition: it would take rows in silently and could not be split without a lock.
"""

from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction

AHEAD_DAYS = 7
DAYS_KEPT_SINGLE = 92  # a back-fill of five years then makes some 60 tables, not 1,800
LOCK = 7_301_001

_known: set[date] = set()


def ensure(days: set[date], today: date) -> None:
    """Make the partitions that events of these UTC days need. Costs nothing when they are known to exist."""
    if days <= _known:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        existing = _existing(cursor)
        for day in sorted(days - _known):
            _make(cursor, day, today, existing)
    _known.update(days)


def make_ahead(now: datetime) -> None:
    """Yesterday (events arrive late) to a week from now. Called hourly."""
    today = now.astimezone(UTC).date()
    ensure({today + timedelta(days=n) for n in range(-1, AHEAD_DAYS + 1)}, today)


def forget() -> None:
    """Look again at the next `ensure` (after partitions were dropped, or a transaction rolled back)."""
    _known.clear()


def _existing(cursor) -> set[str]:  # type: ignore[no-untyped-def]
    cursor.execute("SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
                   " WHERE i.inhparent = 'usage_event'::regclass")  # fmt: skip
    return {name for (name,) in cursor.fetchall()}


def _make(cursor, day: date, today: date, existing: set[str]) -> None:  # type: ignore[no-untyped-def]
    first, after = _month(day)
    month = f"usage_event_{first:%Y%m}"
    single = f"usage_event_{day:%Y%m%d}"
    if single in existing or month in existing:
        return
    days_of_month = any(name.startswith(month) and name != month for name in existing)
    if after < today - timedelta(days=DAYS_KEPT_SINGLE) and not days_of_month:
        name, start, end = month, first, after
    else:
        name, start, end = single, day, day + timedelta(days=1)
    # ATTACH locks out neither readers nor writers; CREATE TABLE … PARTITION OF would wait for every open query
    cursor.execute(f"CREATE TABLE {name} (LIKE usage_event INCLUDING ALL)")
    cursor.execute(f"ALTER TABLE usage_event ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)",
                   [f"{start} 00:00:00+00", f"{end} 00:00:00+00"])  # fmt: skip
    existing.add(name)


def _month(day: date) -> tuple[date, date]:
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)
