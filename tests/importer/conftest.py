import pytest

from costwatch.accounts.models import Workspace


@pytest.fixture
def workspace(prices: None) -> Workspace:
    return Workspace.objects.create(name="Larkfield Support", time_zone="Europe/Berlin")
