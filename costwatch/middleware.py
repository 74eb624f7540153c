"""Response headers that make a browser refuse what our pages never do. Outermost, so that errors have them too."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

REPORTS: Final = "/csp-report"
# style-src-attr is for Plotly, which positions its SVG text by style attributes; our own markup has none
POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "style-src-attr": "'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
    "report-uri": REPORTS,
}
HEADERS: Final = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def security_headers(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Adds the Content-Security-Policy and its companions; Django's SecurityMiddleware adds nosniff and the like."""
    plain = {"Content-Security-Policy": _joined(POLICY), **HEADERS}
    # browsers that know report-to leave report-uri aside, and take endpoints from secure answers only
    reporting = {"Content-Security-Policy": _joined(POLICY | {"report-to": "csp"})}
    secure = plain | reporting | {"Reporting-Endpoints": f'csp="{REPORTS}"'}

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        for name, value in (secure if request.is_secure() else plain).items():
            response.headers.setdefault(name, value)
        return response

    return middleware


def _joined(policy: dict[str, str]) -> str:
    return "; ".join(f"{directive} {sources}" for directive, sources in policy.items())
