"""Coming in: login, logout, the setup link, an invitation."""

from django.contrib.auth import logout as end_session
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from costwatch.accounts import audit, members, setup
from costwatch.accounts.access import current_member, public
from costwatch.accounts.forms import InvitedForm, LoginForm, OwnerForm, WorkspaceForm
from costwatch.accounts.login import LockedOut, open_session, sign_in
from costwatch.accounts.models import Workspace

WRONG = "The e-mail or the password is not right."
GONE = "This link was used already, is too old or is incomplete. {}"
BEGIN_AGAIN = (
    "Log in if you have set it up. If nobody owns this installation yet, restart costwatch: it prints a new link."
)


@public
@never_cache
def login(request: HttpRequest) -> HttpResponse:
    """E-mail and password; then on to where the visitor came from."""
    if request.method != "POST":
        if current_member(request) is not None:
            return redirect(_next(request))
        return _login_page(request, LoginForm())
    form = LoginForm(request.POST)
    try:
        if form.is_valid() and sign_in(request, form.cleaned_data["email"], form.cleaned_data["password"]):
            return redirect(_next(request))
    except LockedOut as locked:
        form.add_error(None, str(locked))
        response = _login_page(request, form, status=429)
        response["Retry-After"] = str(locked.seconds)
        return response
    if form.is_valid():
        form.add_error(None, WRONG)
    return _login_page(request, form, status=422)


@public
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End this session."""
    member = current_member(request)
    if member is not None:
        audit.record(member.workspace, member, "logout", member, {}, audit.client_ip(request))
    end_session(request)
    return redirect("login")


@public
@never_cache
def first_setup(request: HttpRequest, secret: str) -> HttpResponse:
    """The page behind the setup link: workspace (unless one waits for its owner), e-mail and password of the owner."""
    if not setup.is_open(secret):
        raise Http404(GONE.format(BEGIN_AGAIN))
    waiting = setup.waiting_workspace()
    posted = request.POST if request.method == "POST" else None
    owner = OwnerForm(posted)
    place = None if waiting else WorkspaceForm(posted, initial={"time_zone": "UTC"})
    if posted is not None and owner.is_valid() and (place is None or place.is_valid()):
        workspace = waiting or Workspace(**place.cleaned_data)  # type: ignore[union-attr]
        try:
            member = setup.complete(secret, **owner.cleaned_data, workspace=workspace, ip=audit.client_ip(request))
        except setup.SetupClosed:
            raise Http404(GONE.format("Somebody else was first; log in instead.")) from None
        open_session(request, member)
        return redirect("/")
    context = {"owner": owner, "place": place, "waiting": waiting}
    return render(request, "accounts/setup.html", context, status=422 if posted is not None else 200)


@public
@never_cache
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """The page behind an invitation: choose a password and be in."""
    invited = members.find_invitation(secret)
    if invited is None:
        raise Http404(GONE.format("Ask whoever sent it for a new one."))
    form = InvitedForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            member = members.accept(secret, **form.cleaned_data, ip=audit.client_ip(request))
        except members.NotPossible as problem:
            form.add_error(None, str(problem))
        else:
            open_session(request, member)
            return redirect("/")
    status = 422 if request.method == "POST" else 200
    return render(request, "accounts/invitation.html", {"form": form, "invited": invited}, status=status)


def _login_page(request: HttpRequest, form: LoginForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "next": _next(request), "no_owner": not setup.has_owner()}
    return render(request, "accounts/login.html", context, status=status)


def _next(request: HttpRequest) -> str:
    """Where to go after login: only to a path of this very site."""
    target = request.POST.get("next") or request.GET.get("next") or "/"
    if url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        return target
    return "/"
