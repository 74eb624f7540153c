"""Explore: any measure by any dimensions over any time, as a page and as files."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.text import slugify

from costwatch.accounts.access import MemberRequest, member_page
from costwatch.alerts import incidents
from costwatch.dashboards import live
from costwatch.dashboards.csv import file_answer
from costwatch.dashboards.explore import page
from costwatch.dashboards.explore.answer import answer
from costwatch.dashboards.explore.question import Question
from costwatch.dashboards.explore.table import file_rows, table
from costwatch.dashboards.live import is_live, is_seen
from costwatch.dashboards.ranges import of_kind
from costwatch.dashboards.saved.views import tabs
from costwatch.dashboards.views import at_its_address, filtered_page, hidden_pairs, understandable
from costwatch.dashboards.welcome import has_events
from costwatch.lib.tables import Column
from costwatch.spend.dimensions import TAG


@member_page("viewer")
@understandable
def explore(request: MemberRequest) -> HttpResponse:
    """The answer to the question in the address, as a page or, for htmx, its content."""
    question = Question.read(request.GET, request.workspace, timezone.now())
    version = _version(request, question) if question.refreshes else ""
    if is_live(request) and is_seen(request, version):
        return HttpResponse(status=204)
    response = filtered_page(
        request, question, "explore/explore.html", "explore/body.html", lambda: _content(request, question, version)
    )
    return at_its_address(response, request, question)


def _version(request: MemberRequest, question: Question) -> str:
    told = (incidents.open_count(request.workspace.pk), question.url())
    return live.version(request.workspace, [question.filter()], question.range.now, *told)


def _content(request: MemberRequest, question: Question, version: str) -> dict[str, Any]:
    found = answer(request.workspace, question, question.range.now)
    return {
        **page.content(request.workspace, found),
        **page.selects(request.workspace, question),
        **page.links(question, request.build_absolute_uri("/").rstrip("/")),
        "pairs_kept": page.form_pairs(question, hidden_pairs(question)),
        "last_month": question.url(range=of_kind("30d", question.range.today, question.range.now, question.range.zone)),
        "version": version,
        "has_events": has_events(request.workspace),
        "saved": tabs(request.member, question.url()),
    }


@member_page("viewer")
@understandable
def explore_file(request: MemberRequest, format: str) -> HttpResponse:
    """The table as it is on the page, with all digits."""
    question = Question.read(request.GET, request.workspace, timezone.now())
    found = answer(request.workspace, question, question.range.now)
    columns, rows = file_rows(found, table(found))
    by = "-".join([question.metric.name, *(slugify(name.removeprefix(TAG)) for name in question.dimensions)])
    span = f"{question.range.first}-{question.range.last}"
    return file_answer(format, [Column(*column) for column in columns], rows, f"{by}-{span}")
