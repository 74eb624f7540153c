"""The runs that called a run or were called by it: a call names the run or the call that made it as its parent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from costwatch.accounts.models import Workspace
from costwatch.dashboards.addresses import run_url
from costwatch.ledger.models import Run, Session, UsageEvent
from costwatch.spend.runs import COLUMNS, RunRow, named

MOST = 12


@dataclass(frozen=True)
class Relative:
    """Another run; `called_us` says which of the two called the other."""

    run: RunRow
    url: str
    called_us: bool


def relatives(workspace: Workspace, row: RunRow, found: Sequence[Mapping[str, Any]]) -> list[Relative]:
    """Who called this run, then whom it called, in order of time. Looked for within its session, where it has one."""
    parents = {event["parent_id"] for event in found if event["parent_id"]} - {row.run_id}
    above = _runs(Run.objects.filter(lane=workspace.lane, run_id__in=sorted(parents)[:MOST]))
    below = _called(workspace, row, found) if row.session else []
    return [Relative(run, run_url(run.run_id), True) for run in above] + [
        Relative(run, run_url(run.run_id), False) for run in below if run.run_id != row.run_id
    ]


def _called(workspace: Workspace, row: RunRow, found: Sequence[Mapping[str, Any]]) -> list[RunRow]:
    """The runs of the session with a call whose parent is this run or one of its calls."""
    own = [row.run_id, *(event["event_id"] for event in found)]
    session = Session.objects.filter(lane=workspace.lane, session_id=row.session).first()
    if session is None:
        return []
    made = UsageEvent.objects.filter(lane=workspace.lane, session_id=session.pk, parent_id__in=own)
    ids = made.exclude(run_id=None).values_list("run_id", flat=True).distinct()[: MOST + 1]
    return _runs(Run.objects.filter(id__in=[number for number in ids if number is not None]))


def _runs(rows: QuerySet[Run]) -> list[RunRow]:
    return named(list(rows.order_by("first_at", "id").values_list(*COLUMNS)[:MOST]))
