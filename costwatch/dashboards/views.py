"""The pages. A view says who may, reads the state from the address, makes one call and renders."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from costwatch.accounts.access import member_page


@member_page("viewer")
def overview(request: HttpRequest) -> HttpResponse:
    """What was spent, on what, and what changed."""
    return render(request, "dashboards/overview.html")


@member_page("viewer")
def runs(request: HttpRequest) -> HttpResponse:
    """The runs of a period."""
    return render(request, "dashboards/runs.html")
