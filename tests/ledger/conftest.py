import pytest

from costwatch.accounts.models import Workspace


@pytest.fixture
def workspace(db: None) -> Workspace:
    return Workspace.objects.create(name="Larkfield Support", time_zone="Europe/Berlin")


@pytest.fixture
def lane(workspace: Workspace) -> int:
    return workspace.lane
