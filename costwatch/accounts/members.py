"""Who belongs to a workspace and as what. Every change is audited, in its own transaction.

Nobody changes the own role or somebody above; nobody gives a role above the own; the last owner stays.
"""

from datetime import timedelta

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from costwatch.accounts import audit, links
from costwatch.accounts.models import ApiKey, Invitation, Member, Role, Workspace

INVITATION_LASTS = timedelta(days=7)
LONGEST_ADDRESS = 254


class NotPossible(ValueError):
    """A change of members that the rules refuse; the message says why."""


def create_member(workspace: Workspace, email: str, role: str, password: str) -> Member:
    """Make a member. Raises NotPossible for an e-mail in use, an unknown role or a password that is too weak."""
    check_password(password)
    if role not in Role.values:
        raise NotPossible(f"The role must be one of {', '.join(Role.values)}.")
    member = Member(workspace=workspace, email=email.strip().lower(), role=role)
    member.set_password(password)
    try:
        member.full_clean(exclude=["password"])
        with transaction.atomic():
            member.save()
    except ValidationError as problem:
        known = any(error.code == "unique" for error in problem.error_dict.get("email", ()))
        text = "is a member already" if known else "is not an e-mail address"
        raise NotPossible(f"{email} {text}.") from problem
    except IntegrityError as problem:
        raise NotPossible(f"{email} is a member already.") from problem
    return member


def check_password(password: str) -> None:
    """Raises NotPossible, saying what is missing, for a short or a common password."""
    try:
        password_validation.validate_password(password)
    except ValidationError as problem:
        raise NotPossible(" ".join(problem.messages)) from problem


def invite(by: Member, email: str, role: str, ip: str | None = None) -> tuple[Invitation, str]:
    """A one-time link (its secret) with which somebody joins the workspace of `by`. Raises NotPossible."""
    if not by.may(role):
        raise NotPossible(f"Only an owner can make an {role}.")
    return _open_invitation(by.workspace, by, _new_address(email), role, None, ip)


def invite_to_new_password(by: Member, member: Member, ip: str | None = None) -> tuple[Invitation, str]:
    """A one-time link with which a member who forgot the password chooses another. Raises NotPossible."""
    _check_reach(by, member)
    return _open_invitation(member.workspace, by, member.email, member.role, member, ip)


def open_for(
    workspace: Workspace, email: str, role: str, by: Member | ApiKey | str = audit.COMMAND_LINE, ip: str | None = None
) -> str:
    """The secret of an invitation that no member makes. Raises NotPossible for an e-mail or a role that will not do."""
    if role not in Role.values:
        raise NotPossible(f"The role must be one of {', '.join(Role.values)}.")
    return _open_invitation(workspace, by, _new_address(email), role, None, ip)[1]


def find_invitation(secret: str) -> Invitation | None:
    """The invitation behind a link, unless it was used, withdrawn or is too old."""
    rows = Invitation.objects.select_related("workspace", "member")
    return rows.filter(digest=links.digest(secret), expires_at__gt=timezone.now()).first()


def accept(secret: str, password: str, name: str = "", ip: str | None = None) -> Member:
    """Use an invitation up: make the member, or give the known one the password (which ends all its sessions).

    Raises NotPossible for a link that is not good any more, or for a weak password (the link stays good then).
    """
    check_password(password)
    with transaction.atomic():
        invitation = find_invitation(secret)
        if invitation is None or not Invitation.objects.filter(pk=invitation.pk).delete()[0]:
            raise NotPossible("This link was used or is too old. Ask for a new one.")
        if invitation.member is not None:
            member, action = invitation.member, "member.password_reset"
            member.set_password(password)
            member.save(update_fields=["password"])
        else:
            member = create_member(invitation.workspace, invitation.email, invitation.role, password)
            action = "member.joined"
            Member.objects.filter(pk=member.pk).update(name=name.strip()[:200])
        audit.record(invitation.workspace, member, action, member, {"role": member.role}, ip)
    return member


def withdraw(by: Member, invitation: Invitation, ip: str | None = None) -> None:
    """Make an invitation's link useless."""
    with transaction.atomic():
        invitation.delete()
        audit.record(by.workspace, by, "member.invitation_withdrawn", invitation.email, {"role": invitation.role}, ip)


def change_role(by: Member, member: Member, role: str, ip: str | None = None) -> None:
    """Give a member another role; its sessions and the links it gave out end. Raises NotPossible."""
    if role not in Role.values or not by.may(role):
        raise NotPossible(f"You cannot give the role {role}.")
    with transaction.atomic():
        member = _locked(by, member)
        before = member.role
        member.role = role
        member.save(update_fields=["role"])
        Invitation.objects.filter(created_by=member).delete()
        _check_an_owner_is_left(by.workspace)
        audit.record(by.workspace, by, "member.role_changed", member, {"before": before, "after": role}, ip)


def remove(by: Member, member: Member, ip: str | None = None) -> None:
    """Take a member out of the workspace; its sessions and links end, its keys stay. Raises NotPossible."""
    with transaction.atomic():
        member = _locked(by, member)
        email, facts = member.email, {"role": member.role}
        Invitation.objects.filter(created_by=member).delete()
        member.delete()
        _check_an_owner_is_left(by.workspace)
        audit.record(by.workspace, by, "member.removed", email, facts, ip)


def of(workspace: Workspace) -> QuerySet[Member]:
    """The members of a workspace."""
    return Member.objects.filter(workspace=workspace).order_by("email")


def open_links(workspace: Workspace) -> QuerySet[Invitation]:
    """The links that nobody has used yet, the newest first."""
    return Invitation.objects.filter(workspace=workspace).order_by("-id")


def _new_address(email: str) -> str:
    """The e-mail as it is stored, of somebody who can become a member: a link for any other could never be used."""
    address = email.strip().lower()
    try:
        validate_email(address if len(address) <= LONGEST_ADDRESS else "")
    except ValidationError:
        raise NotPossible(f"{email} is not an e-mail address.") from None
    if Member.objects.filter(email=address).exists():
        raise NotPossible(f"{email} is a member already.")
    return address


def _locked(by: Member, member: Member) -> Member:
    """The member under a lock on all owners, so that two owners cannot remove each other at the same moment."""
    rows = Member.objects.select_for_update().filter(workspace_id=by.workspace_id).order_by("id")
    locked = {row.pk: row for row in rows}
    if member.pk not in locked or by.pk not in locked:
        raise NotPossible("This member was removed meanwhile.")
    _check_reach(locked[by.pk], locked[member.pk])
    return locked[member.pk]


def _check_reach(by: Member, member: Member) -> None:
    if by.pk == member.pk:
        raise NotPossible("You cannot do this to yourself; ask another owner.")
    if by.workspace_id != member.workspace_id or not by.may("admin") or not by.may(member.role):
        raise NotPossible(f"{member} has a role above yours.")


def _check_an_owner_is_left(workspace: Workspace) -> None:
    if not Member.objects.filter(workspace=workspace, role=Role.OWNER, is_active=True).exists():
        raise NotPossible("A workspace needs at least one owner.")


def _open_invitation(
    workspace: Workspace, by: Member | ApiKey | str, email: str, role: str, member: Member | None, ip: str | None
) -> tuple[Invitation, str]:
    """Older invitations of the same e-mail to this workspace end: the newest link is the one that counts."""
    secret, digest = links.new()
    with transaction.atomic():
        Invitation.objects.filter(workspace=workspace, email=email).delete()
        invitation = Invitation.objects.create(
            workspace=workspace,
            email=email,
            role=role,
            member=member,
            digest=digest,
            created_by=by if isinstance(by, Member) else None,
            expires_at=timezone.now() + INVITATION_LASTS,
        )
        action = "member.password_link" if member else "member.invited"
        audit.record(workspace, by, action, email, {"role": role}, ip)
    return invitation, secret
