"""Light, dark, or what the system says: remembered for the browser and, where one is logged in, for the member."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from costwatch.accounts.access import current_member, public
from costwatch.accounts.models import Member

THEMES = ("system", "light", "dark")
COOKIE = "costwatch_theme"
A_YEAR = 365 * 24 * 3600


def theme_of(request: HttpRequest | None) -> str:
    """The theme for this request: the member's own, else the browser's."""
    if request is None:
        return "system"
    member = getattr(request, "member", None)
    wanted = member.theme if member else request.COOKIES.get(COOKIE, "system")
    return wanted if wanted in THEMES else "system"


@public
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Remember a theme and go back to the page that asked; for a script, 204."""
    wanted = request.POST.get("theme", "system")
    theme = wanted if wanted in THEMES else "system"
    member = current_member(request)
    if member is not None:
        Member.objects.filter(pk=member.pk).update(theme=theme)
    response = HttpResponse(status=204) if "X-Requested-With" in request.headers else redirect(_back(request))
    response.set_cookie(COOKIE, theme, A_YEAR, httponly=True, samesite="Lax", secure=request.is_secure())
    return response


def _back(request: HttpRequest) -> str:
    referer = request.headers.get("Referer", "/")
    inside = url_has_allowed_host_and_scheme(referer, {request.get_host()}, require_https=request.is_secure())
    return referer if inside else "/"
