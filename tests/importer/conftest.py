import pytest

from costwatch.accounts.models import Workspace
from costwatch.pricing import book, catalogue


@pytest.fixture
def workspace(db: None):
    catalogue.sync()
    book.forget()
    yield Workspace.objects.create(name="Larkfield Support", time_zone="Europe/Berlin")
    book.forget()
