"""Settings, each a page of its own: API keys, members, audit log, the member's own profile."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from costwatch.accounts import audit, keys, members, once
from costwatch.accounts.access import MemberRequest, member_page, own_or_404
from costwatch.accounts.audit import client_ip
from costwatch.accounts.forms import InviteForm, KeyForm, PasswordForm, ProfileForm
from costwatch.accounts.models import ApiKey, Invitation, Member, Role

AUDIT_ROWS = 40
KEY_ROWS = 50


@member_page("viewer")
def settings_index(request: MemberRequest) -> HttpResponse:
    """Settings opens on what the member may change: the keys, or the own profile."""
    return redirect("keys" if request.member.may("admin") else "profile")


@member_page("admin")
def key_list(request: MemberRequest) -> HttpResponse:
    """The keys of the workspace and a form for a new one, which is shown on the page after it and never again."""
    form = KeyForm(request.POST or None, initial={"scopes": ["ingest"]})
    if request.method == "POST" and form.is_valid() and _make_key(request, form):
        return redirect("keys")
    made = once.take(request, "key")
    page = Paginator(keys.of(request.workspace), KEY_ROWS).get_page(request.GET.get("page"))
    context = {"form": form, "made": made, "page": page, "now": timezone.now()}
    response = render(request, "accounts/keys.html", context, status=_status(form, request))
    if made:
        response["Cache-Control"] = "no-store"
    return response


@member_page("admin")
def key_revoke(request: MemberRequest, key_id: int) -> HttpResponse:
    """Ask, then revoke: programs that use the key are refused within a second."""
    key = own_or_404(ApiKey, request.workspace, pk=key_id)
    if request.method != "POST":
        return render(request, "accounts/key_revoke.html", {"key": key})
    with transaction.atomic():
        if keys.revoke(key):
            audit.record_for(request, "key.revoked", key, {"scopes": key.scopes})
    messages.success(request, f"The key {key.name} is revoked.")
    return redirect("keys")


@member_page("admin")
def member_list(request: MemberRequest) -> HttpResponse:
    """The members and open invitations, and a form that makes a one-time link."""
    by = request.member
    form = InviteForm(request.POST or None, by=by, initial={"role": Role.VIEWER})
    if request.method == "POST" and form.is_valid():
        try:
            _, secret = members.invite(by, **form.cleaned_data, ip=client_ip(request))
        except members.NotPossible as problem:
            form.add_error("email", str(problem))
        else:
            once.keep(request, "link", secret)
            return redirect("members")
    return _members_page(request, form)


@member_page("admin")
@require_POST
def member_role(request: MemberRequest, member_id: int) -> HttpResponse:
    """Give a member another role."""
    member = own_or_404(Member, request.workspace, pk=member_id)
    role = request.POST.get("role", "")
    return _try(request, members.change_role, member, role, done=f"{member} is {role} now.")


@member_page("admin")
def member_remove(request: MemberRequest, member_id: int) -> HttpResponse:
    """Ask, then take a member out of the workspace."""
    member = own_or_404(Member, request.workspace, pk=member_id)
    if request.method != "POST":
        return render(request, "accounts/member_remove.html", {"member": member})
    return _try(request, members.remove, member, done=f"{member} is no longer a member.")


@member_page("admin")
@require_POST
def member_password(request: MemberRequest, member_id: int) -> HttpResponse:
    """A one-time link for a member who forgot the password."""
    member = own_or_404(Member, request.workspace, pk=member_id)
    try:
        _, secret = members.invite_to_new_password(request.member, member, client_ip(request))
    except members.NotPossible as problem:
        messages.error(request, str(problem))
    else:
        once.keep(request, "link", secret)
    return redirect("members")


@member_page("admin")
@require_POST
def invitation_withdraw(request: MemberRequest, invitation_id: int) -> HttpResponse:
    """Make the link of an invitation useless."""
    invited = own_or_404(Invitation, request.workspace, pk=invitation_id)
    members.withdraw(request.member, invited, client_ip(request))
    messages.success(request, f"The link for {invited.email} no longer works.")
    return redirect("members")


@member_page("admin")
def audit_log(request: MemberRequest) -> HttpResponse:
    """Who changed what and when, newest first."""
    page = Paginator(audit.entries(request.workspace), AUDIT_ROWS).get_page(request.GET.get("page"))
    return render(request, "accounts/audit.html", {"page": page})


@member_page("viewer")
def profile(request: MemberRequest) -> HttpResponse:
    """The member's own name and colours."""
    member = request.member
    form = ProfileForm(request.POST or None, initial={"name": member.name, "theme": member.theme})
    if request.method == "POST" and form.is_valid():
        Member.objects.filter(pk=member.pk).update(**form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("profile")
    return _profile_page(request, form, PasswordForm(member=member), _status(form, request))


@member_page("viewer")
@require_POST
def password(request: MemberRequest) -> HttpResponse:
    """Another password; every other session of the member ends."""
    member = request.member
    form = PasswordForm(request.POST, member=member)
    if not form.is_valid():
        initial = ProfileForm(initial={"name": member.name, "theme": member.theme})
        return _profile_page(request, initial, form, 422)
    with transaction.atomic():
        member.set_password(form.cleaned_data["password"])
        member.save(update_fields=["password"])
        audit.record_for(request, "member.password_changed", member, {})
    update_session_auth_hash(request, member)
    messages.success(request, "The password is changed. All your other sessions have ended.")
    return redirect("profile")


@member_page("viewer")
@require_POST
def end_sessions(request: MemberRequest) -> HttpResponse:
    """Log the member out everywhere else."""
    member = request.member
    with transaction.atomic():
        member.session_epoch += 1
        member.save(update_fields=["session_epoch"])
        audit.record_for(request, "member.sessions_ended", member, {})
    update_session_auth_hash(request, member)
    messages.success(request, "All your other sessions have ended.")
    return redirect("profile")


def _make_key(request: MemberRequest, form: KeyForm) -> bool:
    """Make a key for the next page to show; False if it cannot be made as asked, which is then said in the form."""
    asked = form.cleaned_data
    days = int(asked["days"])
    until = timezone.now() + timedelta(days=days) if days else None
    try:
        with transaction.atomic():
            key, text = keys.create_key(
                request.workspace, asked["name"], asked["scopes"], created_by=request.member, expires_at=until
            )
            audit.record_for(request, "key.created", key, {"scopes": key.scopes})
    except keys.KeyInvalid as problem:
        form.add_error(problem.field, problem.message)
        return False
    once.keep(request, "key", text)
    return True


def _members_page(request: MemberRequest, form: InviteForm) -> HttpResponse:
    by, link = request.member, _link(request)
    context = {
        "form": form,
        "link": link,
        "rows": members.of(by.workspace),
        "invitations": members.open_links(by.workspace),
        "roles": [role for role in Role if by.may(role)],
        "now": timezone.now(),
    }
    response = render(request, "accounts/members.html", context, status=_status(form, request))
    if link:
        response["Cache-Control"] = "no-store"
    return response


def _profile_page(request: MemberRequest, form: ProfileForm, password_form: PasswordForm, status: int) -> HttpResponse:
    context = {"form": form, "password_form": password_form}
    return render(request, "accounts/profile.html", context, status=status)


def _link(request: MemberRequest) -> dict[str, Any] | None:
    """The link that was just made, unless it is good no longer."""
    secret = once.take(request, "link")
    invited = members.find_invitation(secret) if secret else None
    if invited is None:
        return None
    return {"invited": invited, "url": request.build_absolute_uri(reverse("invitation", args=[secret]))}


def _try(request: MemberRequest, change: Any, *what: Any, done: str) -> HttpResponse:
    """Make a change of members and say what came of it, on the page of members."""
    try:
        change(request.member, *what, ip=client_ip(request))
    except members.NotPossible as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, done)
    return redirect("members")


def _status(form: Any, request: MemberRequest) -> int:
    return 422 if request.method == "POST" and form.is_bound and form.errors else 200
