"""Shared fixtures."""

import pytest


@pytest.fixture(autouse=True)
def fresh_caches(request: pytest.FixtureRequest):
    """A test's database work is rolled back; the ids that the process remembers of it must go too."""
    yield
    if "db" in request.fixturenames or "transactional_db" in request.fixturenames:
        from costwatch.ledger import record

        record.forget()
