"""Reading over the API: the same functions as the pages. Each view: who may, which filter, one call, one answer."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from costwatch.accounts.drf import caller
from costwatch.accounts.models import Workspace
from costwatch.alerts import listing
from costwatch.api import answers, shapes
from costwatch.spend import queries
from costwatch.spend.events import ORDERS as EVENT_ORDERS
from costwatch.spend.filters import SpendFilter, choice, whole_number, words, zone_in
from costwatch.spend.page import MOST_ITEMS
from costwatch.spend.runs import ORDERS as RUN_ORDERS


class Reading(APIView):
    """A view for keys with the scope read, and for members."""

    required_scope = "read"

    @property
    def workspace(self) -> Workspace:
        """The caller's."""
        return caller(self.request).workspace

    def filter(self, days: int | None = None) -> SpendFilter:
        """The filter of this request's query string."""
        return SpendFilter.from_query(self.request.query_params, self.workspace, timezone.now(), days)

    def page(self) -> dict[str, Any]:
        """`cursor` and `limit` of a list."""
        params = self.request.query_params
        return {"cursor": params.get("cursor") or None, "limit": whole_number(params, "limit", 100, MOST_ITEMS)}

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Sums change with every event: nobody may keep them."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class Spend(Reading):
    """`GET /api/v1/spend`."""

    @extend_schema(**shapes.SPEND)
    def get(self, request: Request) -> Response:
        params, workspace = request.query_params, self.workspace
        answer = queries.query(
            workspace,
            self.filter(days=30),
            words(params, "group_by"),
            choice(params, "bucket", "none", queries.BUCKETS),
            zone_in(params, workspace).key,
            whole_number(params, "limit", 1000, queries.MOST_GROUPS),
        )
        return Response(answers.spend(answer))


class Events(Reading):
    """`GET /api/v1/events`."""

    @extend_schema(**shapes.EVENTS)
    def get(self, request: Request) -> Response:
        order = choice(request.query_params, "order", "-time", EVENT_ORDERS)
        page = queries.events(self.workspace, self.filter(), order=order, **self.page())
        return Response(answers.page(page, page.items))


class Event(Reading):
    """`GET /api/v1/events/{event_id}`."""

    @extend_schema(**shapes.EVENT)
    def get(self, request: Request, event_id: str) -> Response:
        event = queries.event(self.workspace, event_id)
        if event is None:
            raise Http404("There is no event with this id in this workspace.")
        return Response(event)


class Runs(Reading):
    """`GET /api/v1/runs`."""

    @extend_schema(**shapes.RUNS)
    def get(self, request: Request) -> Response:
        order = choice(request.query_params, "order", "-last", RUN_ORDERS)
        page = queries.runs(self.workspace, self.filter(), order, **self.page())
        loops = listing.of_runs(self.workspace.pk, [row.run_id for row in page.items])
        return Response(answers.page(page, [answers.run(row, loops.get(row.run_id)) for row in page.items]))


class Run(Reading):
    """`GET /api/v1/runs/{run_id}`."""

    @extend_schema(**shapes.RUN)
    def get(self, request: Request, run_id: str) -> Response:
        row = queries.run(self.workspace, run_id)
        if row is None:
            raise Http404("There is no run with this id in this workspace.")
        return Response(answers.run(row, listing.of_runs(self.workspace.pk, [run_id]).get(run_id)))
