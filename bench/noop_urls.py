"""A view that reads the body and does nothing."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt


@csrf_exempt
def nothing(request: HttpRequest) -> HttpResponse:
    request.read()
    return HttpResponse(b"{}", content_type="application/json")


urlpatterns = [path("api/v1/events", nothing), path("api/v1/guard", nothing), path("healthz", nothing)]
