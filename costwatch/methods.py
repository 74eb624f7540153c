"""One address, several views: which one answers is decided by the method."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from costwatch.accounts.access import error_json, rule_of

View = Callable[..., HttpResponseBase]


def by_method(**views: View) -> View:
    """A view that hands on to the one named by the request's method (HEAD to GET); 405 with Allow for any other.

    For views that know their caller by an API key: CSRF is theirs to check. `by_method` on it holds the parts.
    """
    allowed = ", ".join(sorted({*views, "HEAD"} if "GET" in views else views))

    def dispatch(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        method = request.method or ""
        view = views.get("GET" if method == "HEAD" else method)
        if view is None:
            response = error_json(405, "method_not_allowed", f"{method[:20]} is not possible here; use {allowed}.")
            response["Allow"] = allowed
            return response
        return view(request, *args, **kwargs)

    exempt = csrf_exempt(dispatch)
    exempt.by_method = views  # type: ignore[attr-defined]
    exempt.access = {method: rule_of(view, method) for method, view in views.items()}  # type: ignore[attr-defined]
    return exempt
