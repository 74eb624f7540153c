"""The ledger's own connection work: psycopg under Django's connection, and what counts as "storage is unavailable"."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

MEASURES = (
    "events",
    "calls",
    "errors",
    "runs",
    "unpriced_calls",
    "unknown_calls",
    "input_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost",
    "error_cost",
    "upper_bound",
)


class StorageUnavailable(Exception):
    """The database cannot store now. Nothing of the batch was committed as far as we know; the sender may repeat it."""


@contextmanager
def writing(alone: type[psycopg.RawCursor[Any]] | None = None) -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
    """One transaction on the raw connection; trouble with the database itself becomes StorageUnavailable.

    `alone`: the cursor for a single statement, which is its own transaction and saves two round trips.
    """
    try:
        with (
            _usable() if alone and not connection.in_atomic_block else transaction.atomic(),
            (alone or psycopg.Cursor)(connection.connection) as cursor,
        ):  # Django's own binds on the client
            yield cursor
    except (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError) as trouble:
        if not connection.in_atomic_block:
            connection.close()
        raise StorageUnavailable(str(trouble)) from trouble
    except (DatabaseError, psycopg.DatabaseError) as trouble:
        # a full disk is 53100 once, then the server recovers; read-only and shutdown states are classes 25, 57, 58
        state = getattr(trouble, "sqlstate", None) or getattr(trouble.__cause__, "sqlstate", None) or ""
        if state[:2] in ("25", "53", "57", "58"):
            connection.close()
            raise StorageUnavailable(str(trouble)) from trouble
        raise


def _usable() -> AbstractContextManager[None]:
    """Have a connection. A question to test it for each request would cost a single event a seventh of its time."""
    connection.have_usable()  # type: ignore[attr-defined]
    return nullcontext()
