"""Whichever way a request is stored, rows are inserted in the same order: users, sessions, runs, keys.

Senders that insert in different orders deadlock: each waits for what the other has made and not committed.
"""

from datetime import UTC, datetime

import pytest
from django.db import connection

from costwatch.ledger import few
from costwatch.ledger.record import record
from tests.ledger.make import entry

pytestmark = pytest.mark.django_db
ORDER = ["end_user", "session", "run", "event_key"]


@pytest.fixture
def inserted(lane):
    """The tables of the names and keys that are inserted, in their order; the first row of a series only."""
    told: list[str] = []
    with connection.cursor() as cursor:
        for table in ORDER:
            cursor.execute(f"""CREATE FUNCTION tell_{table}() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE NOTICE '{table}'; RETURN NEW; END $$""")
            cursor.execute(f'CREATE TRIGGER tell BEFORE INSERT ON "{table}"'
                           f" FOR EACH ROW EXECUTE FUNCTION tell_{table}()")  # fmt: skip

    def tell(notice) -> None:
        if told[-1:] != [notice.message_primary]:
            told.append(notice.message_primary)

    connection.connection.add_notice_handler(tell)
    yield told
    connection.connection.remove_notice_handler(tell)


def events(name: str, count: int) -> list:
    now = datetime.now(UTC)
    own = {"user_id": f"u-{name}", "session_id": f"s-{name}", "run_id": f"r-{name}", "timestamp": now}
    return [entry(f"{name}-{n}", **own) for n in range(count)]


@pytest.mark.parametrize("count", [1, few.MOST, few.MOST + 1], ids=["one", "a few", "a batch"])
def test_names_come_before_keys(lane, inserted, count):
    assert record(lane, events("new", count)) == []
    assert inserted == ORDER


def test_names_come_before_keys_where_some_of_the_events_are_known(lane, inserted):
    record(lane, (known := events("known", few.MOST)))
    inserted.clear()
    assert record(lane, [*events("new", few.MOST), *known]) == [*range(few.MOST, 2 * few.MOST)]
    first_try = inserted[: inserted.index("event_key") + 1]
    assert inserted == [*first_try, *ORDER] and first_try == ORDER
