"""What counts as "the storage is unavailable, send it again", and what is an error of ours."""

import psycopg
import pytest
from django.db import connection

from costwatch.ledger.adjust import Adjustment, adjust
from costwatch.ledger.fold import fold
from costwatch.ledger.models import FeedReader
from costwatch.ledger.record import record
from costwatch.ledger.store import StorageUnavailable, writing
from tests.ledger.make import NOW, entry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.thorough]
PLACE = "INSERT INTO feed_reader (name, position) VALUES (%s, 0)"


def test_what_is_written_together_is_there_together_or_not_at_all():
    with pytest.raises(ZeroDivisionError), writing() as cursor:
        cursor.execute(PLACE, ["one"])
        raise ZeroDivisionError
    with writing() as cursor:
        cursor.execute(PLACE, ["two"])
    assert [*FeedReader.objects.values_list("name", flat=True)] == ["two"]


@pytest.mark.parametrize(
    "trouble",
    [
        "SET LOCAL transaction_read_only = on; INSERT INTO feed_reader VALUES ('x', 0)",  # a standby
        "SET LOCAL statement_timeout = 1; SELECT pg_sleep(5)",
        "SELECT pg_terminate_backend(pg_backend_pid())",  # the server goes down
        "DO $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END $$",
        "DO $$ BEGIN RAISE EXCEPTION 'disk' USING ERRCODE = '58030'; END $$",
    ],
)
def test_trouble_of_the_database_is_told_as_such_and_the_next_write_works(trouble):
    with pytest.raises(StorageUnavailable), writing() as cursor:
        cursor.execute(PLACE, ["before"])
        cursor.execute(trouble)
    with writing() as cursor:
        cursor.execute(PLACE, ["after"])
    assert [*FeedReader.objects.values_list("name", flat=True)] == ["after"]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ("INSERT INTO feed_reader VALUES ('x', 0), ('x', 1)", psycopg.errors.UniqueViolation),
        ("SELECT nothing FROM nowhere", psycopg.errors.UndefinedTable),
        ("SELECT 1 / 0", psycopg.errors.DivisionByZero),
    ],
)
def test_an_error_of_ours_is_not_taken_for_one_of_the_storage(wrong, error):
    with pytest.raises(error), writing() as cursor:
        cursor.execute(wrong)
    with writing() as cursor:
        assert cursor.execute("SELECT 1").fetchone() == (1,)


def test_a_connection_that_was_lost_between_two_writes_is_replaced():
    with writing() as cursor:
        cursor.execute("SELECT 1")
    connection.connection.close()
    with pytest.raises(StorageUnavailable), writing():
        pass
    with writing() as cursor:
        assert cursor.execute("SELECT 1").fetchone() == (1,)


def test_nothing_to_put_right_opens_no_batch(transactional_db):
    assert adjust(1, []) == 0
    assert fold().batches == 0


def test_a_correction_that_cannot_be_stored_leaves_no_batch_behind():
    bad = Adjustment(NOW, 1, {"cost": 1}, None)  # type: ignore[arg-type]
    with pytest.raises(psycopg.errors.NotNullViolation):
        adjust(1, [bad])
    assert fold().batches == 0


def test_a_batch_that_cannot_be_stored_stores_none_of_its_events(workspace):
    good, bad = entry("good"), entry("bad", input_tokens=-1)
    with pytest.raises(psycopg.errors.CheckViolation):
        record(workspace.lane, [good, bad])
    assert fold().batches == 0
    assert record(workspace.lane, [entry("good")]) == []  # it is no duplicate
