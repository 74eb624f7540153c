"""Shared fixtures."""

import os
import sys

import pytest
from hypothesis import HealthCheck, settings

from tests.live import FirstStart, LiveServer

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
    ahead = sys.modules.get("costwatch.database.ahead")
    if ahead is not None:
        ahead.ahead.halt()
    stops.forget()
    for name in ("costwatch.spend.attributions", "costwatch.spend.closed"):
        module = sys.modules.get(name)
        if module is not None:
            module.forget()


@pytest.fixture(scope="module")
def price_catalogue(django_db_setup, django_db_blocker):
    """The installed catalogue in the price tables for all tests of a file: more than a second, once."""
    from costwatch.pricing import book, catalogue, models

    with django_db_blocker.unblock():
        catalogue.sync()
    book.forget()
    yield
    book.forget()
    with django_db_blocker.unblock():
        for table in (models.PriceComponent, models.PriceVersion, models.PriceLine, models.ModelAlias,
                      models.PriceSchedule, models.CatalogueRelease, models.PriceBook):  # fmt: skip
            table.objects.all()._raw_delete("default")


@pytest.fixture
def prices(price_catalogue, db, monkeypatch):
    """The installed catalogue, as `costwatch up` leaves it; what a test changes in it goes with the test."""
    from costwatch.pricing import book

    book.current()
    for kept in ("_book", "_revision", "_looked_at"):
        monkeypatch.setattr(book, kept, getattr(book, kept))


@pytest.fixture(scope="session")
def first_start(tmp_path_factory: pytest.TempPathFactory):
    """What every real web server starts from."""
    folder, run = tmp_path_factory.getbasetemp(), str(os.getpid())
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder, run = folder.parent, os.environ["PYTEST_XDIST_TESTRUNUID"]
    made = FirstStart(folder, run)
    yield made
    made.close()


@pytest.fixture(scope="session")
def server(first_start: FirstStart, tmp_path_factory: pytest.TempPathFactory):
    """A real web server with a database of its own (tests/live.py)."""
    live = LiveServer(tmp_path_factory.mktemp("live"), first=first_start)
    try:
        live.start()
        yield live
    finally:
        live.stop()
