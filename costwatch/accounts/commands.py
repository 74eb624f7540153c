"""What `costwatch key create` and `costwatch user create` do; each returns the text for stdout."""

from collections.abc import Iterable

from django.db import transaction

from costwatch.accounts import audit, members
from costwatch.accounts.keys import create_key
from costwatch.accounts.models import Workspace

FIRST_WORKSPACE = "default"


def key_create(name: str, workspace_name: str | None, scopes: Iterable[str]) -> str:
    """Make an API key and return its text. Raises keys.KeyInvalid or members.NotPossible (both ValueError).

    Without a workspace name the oldest workspace gets it; a workspace that does not exist is created.
    """
    with transaction.atomic():
        workspace = _workspace(workspace_name)
        key, text = create_key(workspace, name, list(scopes))
        audit.record(workspace, audit.COMMAND_LINE, "key.created", key, {"scopes": key.scopes})
    return text


def user_create(email: str, role: str, password: str | None, workspace_name: str | None = None) -> str:
    """Make a member, or without a password a one-time link to choose one. Raises members.NotPossible."""
    with transaction.atomic():
        workspace = _workspace(workspace_name)
        if password is None:
            path = f"/invite/{members.open_for(workspace, email, role)}"
            return f"{email} joins {workspace} as {role} by opening this address of costwatch once: {path}"
        member = members.create_member(workspace, email, role, password)
        audit.record(workspace, audit.COMMAND_LINE, "member.created", member, {"role": role})
    return f"{member} can log in to {workspace} as {role}."


def _workspace(name: str | None) -> Workspace:
    """By its name, made if missing; without a name the oldest one. Two at once get the same one."""
    oldest = Workspace.objects.order_by("id").first() if name is None else None
    if oldest is not None:
        return oldest
    name = (FIRST_WORKSPACE if name is None else name).strip()
    if not name or len(name) > 200 or not name.isprintable():
        raise members.NotPossible("The name of a workspace must be 1 to 200 printable characters.")
    workspace, made = Workspace.objects.get_or_create(name=name)
    if made:
        audit.record(workspace, audit.COMMAND_LINE, "workspace.created", workspace, {})
    return workspace
