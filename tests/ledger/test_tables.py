import pytest
from django.db import connection

pytestmark = pytest.mark.django_db


def test_the_fact_tables_exist_and_the_view_sums_nothing_at_first():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), coalesce(sum(cost), 0) FROM ledger_entry")
        assert cursor.fetchone() == (0, 0)
