"""The audit log: who changed what, when and from where. Rows are only ever added."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest

from costwatch.accounts.access import MemberRequest
from costwatch.accounts.models import ApiKey, AuditEntry, Member, Workspace

COMMAND_LINE = "command line"


def record(
    workspace: Workspace,
    actor: Member | ApiKey | str,
    action: str,
    subject: object,
    facts: Mapping[str, Any],
    ip: str | None = None,
) -> AuditEntry:
    """Note one change, in the transaction of the change itself. `facts` holds before and after, never a secret."""
    return AuditEntry.objects.create(
        workspace=workspace,
        actor=f"key {actor}"[:255] if isinstance(actor, ApiKey) else str(actor)[:255],
        action=action,
        subject=str(subject)[:255],
        facts=dict(facts),
        ip=ip,
    )


def record_for(request: MemberRequest, action: str, subject: object, facts: Mapping[str, Any]) -> AuditEntry:
    """Note a change that the logged-in member of this request made."""
    return record(request.workspace, request.member, action, subject, facts, client_ip(request))


def entries(workspace: Workspace) -> QuerySet[AuditEntry]:
    """The log of a workspace, newest first."""
    return AuditEntry.objects.filter(workspace=workspace).order_by("-id")


def client_ip(request: HttpRequest) -> str | None:
    """The caller's address: the peer, or what the operator's own proxies (COSTWATCH_TRUSTED_PROXIES) noted."""
    hops = settings.TRUSTED_PROXIES
    noted = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    peer = noted[-hops] if hops and len(noted) >= hops else request.META.get("REMOTE_ADDR", "")
    try:
        return str(ip_address(peer.partition("%")[0]))
    except ValueError:
        return None
