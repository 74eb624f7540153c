import pytest
from django.db import connection

from costwatch.ledger.models import Cut

pytestmark = pytest.mark.django_db


def test_the_fact_tables_exist_and_the_view_sums_nothing_at_first():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), coalesce(sum(cost), 0) FROM ledger_entry")
        assert cursor.fetchone() == (0, 0)


def test_every_cut_has_a_partition_of_its_own():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'spend_day'::regclass")
        assert cursor.fetchone() == (len(Cut),)
        for cut in Cut:
            cursor.execute(
                "INSERT INTO spend_day (lane, cut, day, a, b) VALUES (1, %s, '2026-11-18', 0, 0)", [cut.value]
            )
