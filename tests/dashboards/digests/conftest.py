"""The workspace, members and usage of the digests' own tests, and browsers logged in to it."""

import pytest
import time_machine
from django.test import Client

from costwatch.accounts.models import Role
from tests.dashboards.conftest import logged_in
from tests.digests.conftest import NOW, ann, hook, weeks  # noqa: F401


@pytest.fixture
def now():
    """Wed 25 Nov 2026 14:00 in Berlin."""
    with time_machine.travel(NOW, tick=False):
        yield NOW


@pytest.fixture
def editor(workspace, now) -> Client:
    return logged_in(workspace, "editor@larkfield.example", Role.EDITOR)
