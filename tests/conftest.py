"""Shared fixtures."""

import pytest


@pytest.fixture(autouse=True)
def fresh_caches():
    """A test's database work is rolled back; the ids that the process remembers of it must go too."""
    yield
    from costwatch.ledger import record

    record.forget()
