"""The database backend gives up on a server that is silent."""

import time
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.thorough]


@pytest.fixture
def patience(settings: Any) -> Any:
    """A connection that waits half a second for an answer."""
    connection.close()
    options = connection.settings_dict["OPTIONS"]
    connection.settings_dict["OPTIONS"] = {**options, "answer_timeout": 0.5}
    yield
    connection.close()
    connection.settings_dict["OPTIONS"] = options


def test_a_silent_server_is_given_up_and_the_next_query_has_a_new_connection(patience: None) -> None:
    began = time.monotonic()
    with pytest.raises(OperationalError, match=r"not answered for 0\.5 s"), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")
    assert time.monotonic() - began < 2
    connection.close_if_unusable_or_obsolete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_a_long_answer_that_keeps_coming_is_not_given_up(patience: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.2), pg_sleep(0.2)")
        assert cursor.fetchall() == [("", "")]


def test_a_lost_connection_is_not_usable(patience: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert connection.is_usable()
    connection.connection.close()
    assert not connection.is_usable()


def test_without_a_limit_a_long_query_ends_by_itself() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")
        assert cursor.fetchone() == ("",)


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_what_is_asked_very_often_keeps_its_connection_and_has_a_new_one_where_the_server_hung_up() -> None:
    connection.ensure_connection()
    assert connection.is_usable()
    first = backend()
    connection.health_check_enabled, connection.health_check_done = True, False
    connection.have_usable()
    assert backend() == first and connection.health_check_done
    with psycopg.connect(connection.connection.info.dsn) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [first])
    connection.health_check_done = False
    time.sleep(0.2)  # until the end of the connection is here
    connection.have_usable()
    assert backend() != first
