"""PostgreSQL with a limit on how long an answer is awaited, so that a frozen server costs seconds, not every thread.

statement_timeout is the server's own clock and stands still with it; a local socket has no TCP timeout either.
"""

from select import POLLIN, poll
from time import monotonic
from typing import Any, TypeVar

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from psycopg.abc import PQGen

RV = TypeVar("RV")
ONLY_WHERE_ASKED = 1 << 30  # executions before a statement is prepared unasked
LOOK_EVERY = 0.1  # seconds between looks for a signal, as psycopg has it
ALIVE_WITHIN = 2.0  # seconds for the SELECT 1 that tests a kept connection
TEST_EVERY = 5.0  # seconds; in between `have_usable` only looks whether the server has hung up


class LimitedConnection(psycopg.Connection[Any]):
    """Gives up on a server that is silent for answer_timeout seconds; the connection is closed then."""

    answer_timeout: float | None = None

    def wait(self, gen: PQGen[RV], interval: float = LOOK_EVERY, timeout: float | None = None) -> RV:
        limit = timeout if timeout is not None else self.answer_timeout
        try:
            return super().wait(gen, interval, limit)
        except psycopg.errors._WaitTimeout:
            self.close()
            raise psycopg.OperationalError(f"the database has not answered for {limit:g} s") from None


class DatabaseWrapper(base.DatabaseWrapper):
    """OPTIONS["answer_timeout"] in seconds; absent or 0 waits for ever."""

    _tested_at = 0.0

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        params.pop("answer_timeout", None)
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        connection.__class__ = LimitedConnection
        connection.answer_timeout = self.settings_dict["OPTIONS"].get("answer_timeout") or None
        # a single event's transaction costs PostgreSQL a quarter less with its statements prepared (ledger/record.py)
        connection.prepare_threshold = ONLY_WHERE_ASKED if settings.DATABASE_PREPARE else None
        return connection

    def is_usable(self) -> bool:
        """Tested before a request uses a kept connection: a silent server is noticed sooner here."""
        if self.connection is None or _hung_up(self.connection):
            return False
        usual = self.connection.answer_timeout
        self.connection.answer_timeout = ALIVE_WITHIN if usual else None
        try:
            usable = bool(super().is_usable())
            self._tested_at = monotonic() if usable else 0.0
            return usable
        finally:
            if self.connection is not None:
                self.connection.answer_timeout = usual

    def have_usable(self) -> None:
        """Have a connection, tested by a question only if none was asked for TEST_EVERY: for what is asked very often,
        and may wait for the usual time where the server has fallen silent since."""
        if self.connection is not None and monotonic() - self._tested_at < TEST_EVERY and not _hung_up(self.connection):
            self.health_check_done = True
        self.close_if_health_check_failed()
        self.ensure_connection()


def _hung_up(connection: psycopg.Connection[Any]) -> bool:
    """Whether the server has closed its end: then there is something to read where nothing was asked."""
    try:
        waiting = poll()
        waiting.register(connection.fileno(), POLLIN)
        return bool(waiting.poll(0))
    except (OSError, psycopg.OperationalError):
        return True
