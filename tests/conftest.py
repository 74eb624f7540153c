"""Shared fixtures."""

import sys

import pytest
from hypothesis import HealthCheck, settings

from tests.live import LiveServer

# a busy machine makes slow inputs of good ones
settings.register_profile("costwatch", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("costwatch")


@pytest.fixture(autouse=True)
def fresh_caches():
    """A test's database work is rolled back; the ids that the process remembers of it must go too."""
    yield
    from costwatch.alerts import stops
    from costwatch.ledger import record

    record.forget()
    deliver = sys.modules.get("costwatch.alerts.deliver")
    if deliver is not None:  # a task that was run may have left a thread that looks for messages
        deliver.senders.halt()
    stops.forget()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory):
    """A real web server with a database of its own (tests/live.py)."""
    live = LiveServer(tmp_path_factory.mktemp("live"))
    try:
        live.start()
        yield live
    finally:
        live.stop()
