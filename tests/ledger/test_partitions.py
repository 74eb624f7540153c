"""Partitions exist before their events, one a day now, one a month long ago."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from costwatch.ledger import partitions

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
TODAY = date(2026, 11, 18)


def names() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'usage_event'::regclass")
        return sorted(name for (name,) in cursor.fetchall())


def test_a_week_is_made_ahead_and_yesterday_is_there():
    partitions.make_ahead(datetime(2026, 11, 18, 23, 59, tzinfo=UTC))
    assert names()[0] == "usage_event_20261117" and names()[-1] == "usage_event_20261125"
    assert len(names()) == 9


def test_making_them_again_changes_nothing():
    for _ in range(2):
        partitions.make_ahead(datetime(2026, 11, 18, tzinfo=UTC))
        partitions.forget()
    assert len(names()) == 9


def test_an_old_day_gets_its_month_and_its_neighbours_use_it():
    partitions.ensure({date(2024, 2, 29)}, TODAY)
    partitions.forget()
    partitions.ensure({date(2024, 2, 1)}, TODAY)
    assert names() == ["usage_event_202402"]


def test_a_day_in_a_month_that_has_days_stays_a_day():
    partitions.ensure({date(2026, 8, 1)}, date(2026, 8, 1))
    partitions.forget()
    partitions.ensure({date(2026, 8, 30)}, date(2027, 8, 1))
    assert names() == ["usage_event_20260801", "usage_event_20260830"]


def test_five_years_back_make_few_tables():
    partitions.ensure({TODAY - timedelta(days=n) for n in range(5 * 365)}, TODAY)
    assert len(names()) < 60 + 31 + partitions.DAYS_KEPT_SINGLE


def test_a_partition_has_all_indexes_of_its_table():
    partitions.ensure({TODAY}, TODAY)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_index WHERE indrelid = 'usage_event_20261118'::regclass")
        made = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM pg_index WHERE indrelid = 'usage_event'::regclass")
        assert made == cursor.fetchone()
