"""The first owner of an installation: a one-time link that opens a page, once."""

from django.db import transaction

from costwatch.accounts import audit, links
from costwatch.accounts.models import Member, Role, SetupToken, Workspace

KEPT = 5  # links of the last starts stay good, so that a restart does not spoil a page that is open


class SetupClosed(Exception):
    """The link is not (or no longer) good: mistyped, used, or the installation has an owner."""


def setup_link(base_url: str) -> str | None:
    """A new one-time link for the first owner, or None once there is one."""
    if has_owner():
        return None
    text, digest = links.new()
    SetupToken.objects.create(digest=digest)
    kept = SetupToken.objects.order_by("-id").values_list("id", flat=True)[:KEPT]
    SetupToken.objects.exclude(id__in=list(kept)).delete()
    return f"{base_url.rstrip('/')}/setup/{text}"


def has_owner() -> bool:
    """Whether somebody owns this installation, so that setup is over for good."""
    return Member.objects.filter(role=Role.OWNER).exists()


def is_open(secret: str) -> bool:
    """Whether a setup link with this secret may be used."""
    return SetupToken.objects.filter(digest=links.digest(secret)).exists() and not has_owner()


def waiting_workspace() -> Workspace | None:
    """A workspace that a command or the demo made and that nobody belongs to yet; the first owner gets it."""
    return Workspace.objects.filter(members=None).order_by("id").first()


def complete(secret: str, *, email: str, password: str, workspace: Workspace, ip: str | None = None) -> Member:
    """Make the first owner of `workspace` (saved here when new) and close setup for good.

    Of several at once one wins; the others get SetupClosed.
    """
    with transaction.atomic():
        open_links = {bytes(token.digest) for token in SetupToken.objects.select_for_update().order_by("id")}
        if links.digest(secret) not in open_links or has_owner():
            raise SetupClosed
        SetupToken.objects.all().delete()
        if workspace.pk is None:
            workspace.save()
        owner = Member(workspace=workspace, email=email.strip().lower(), role=Role.OWNER)
        owner.set_password(password)
        owner.save()
        facts = {"time_zone": workspace.time_zone, "week_start": workspace.week_start, "owner": owner.email}
        audit.record(workspace, owner, "setup.completed", workspace, facts, ip)
    return owner
