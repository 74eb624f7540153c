"""People of two workspaces. Passwords are set only where a test logs in by one: Argon2 is slow on purpose."""

import pytest
from django.test import Client

from costwatch.accounts import keys
from costwatch.accounts.models import AuditEntry, Member, Role, Workspace

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def empty_key_cache():
    keys._cache.clear()
    yield
    keys._cache.clear()


@pytest.fixture
def workspace(db):
    return Workspace.objects.create(name="Larkfield", time_zone="Europe/Berlin")


@pytest.fixture
def elsewhere(db):
    return Workspace.objects.create(name="Elsewhere")


def make_member(workspace, role, email=None, password=None):
    member = Member(workspace=workspace, role=role, email=email or f"{role}@{workspace.name.lower()}.example")
    if password:
        member.set_password(password)
    else:
        member.set_unusable_password()
    member.save()
    return member


def told(response):
    return response.content.decode()


def actions():
    """What the audit log has, in order."""
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


@pytest.fixture
def owner(workspace):
    return make_member(workspace, Role.OWNER)


@pytest.fixture
def admin(workspace):
    return make_member(workspace, Role.ADMIN)


@pytest.fixture
def viewer(workspace):
    return make_member(workspace, Role.VIEWER)


@pytest.fixture
def stranger(elsewhere):
    return make_member(elsewhere, Role.OWNER)


@pytest.fixture
def as_member():
    """A browser in which this member is logged in."""

    def log_in(member):
        client = Client()
        client.force_login(member)
        return client

    return log_in
