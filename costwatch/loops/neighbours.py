"""The watch of a loop's neighbours, beyond one run: circles across the runs of a session, restarts, longer runs.

Each look judges anew from the ledger, so late calls and a second look change nothing; an incident is known by its key.
A look that comes while another one reads leaves it to that: it is started every half a minute, and may take longer.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import groupby

from costwatch.accounts.models import Workspace
from costwatch.alerts import incidents
from costwatch.alerts.incidents import Report
from costwatch.ledger import past
from costwatch.ledger.store import writing
from costwatch.lib.periods import midnight, zone
from costwatch.loops import longer, pingpong, restarts
from costwatch.loops.lessons import settings_of
from costwatch.loops.neighbour_reports import circle, growing, restarted
from costwatch.loops.state import Settings

FRESH = timedelta(minutes=10)
"""What nothing has been added to for this long has been judged before."""
SESSION = timedelta(hours=24)
ATTEMPTS = timedelta(hours=24)
WEEKS = 9

Look = Callable[[Workspace, Settings, datetime], list[Report]]


def look(now: datetime) -> int:
    """Every half a minute: sessions and restarts; how many incidents were opened or added to."""
    return _tell((circles, failing), now)


def look_at_weeks(now: datetime) -> int:
    """Once a day: tasks whose runs get longer; how many incidents were opened or added to."""
    return _tell((lengthening,), now)


def circles(workspace: Workspace, settings: Settings, now: datetime) -> list[Report]:
    """Sessions in which two agents answer each other in circles, across runs."""
    with writing() as cursor:
        if not past.alone(cursor, workspace.lane):
            return []
        calls = past.session_calls(cursor, workspace.lane, now - FRESH, now - SESSION, pingpong.FEWEST_RUNS)
    found = []
    for number, own in groupby(calls, key=lambda call: call.number):
        of_session = list(own)
        turns = pingpong.turns(
            pingpong.Turn(c.agent, c.run_id, c.at, c.said, c.output_tokens, c.cost, c.event_id) for c in of_session
        )
        if circling := pingpong.judge(turns):
            found.append(circle(circling, number, of_session[0].session_id, settings, zone(workspace.time_zone)))
    return found


def failing(workspace: Workspace, settings: Settings, now: datetime) -> list[Report]:
    """Tasks that are started again and again and fail in the same way."""
    with writing() as cursor:
        if not past.alone(cursor, workspace.lane):
            return []
        runs = past.attempts(cursor, workspace.lane, now - FRESH, now - ATTEMPTS)
    found = []
    for pair, own in groupby(runs, key=lambda run: run.pair):
        of_pair = list(own)
        agent, task = of_pair[0].agent, of_pair[0].task
        attempts = [restarts.Attempt(r.run_id, r.at, r.end, r.failed, r.calls, r.input_tokens, r.cost) for r in of_pair]
        if task not in settings.batch_tasks and (again := restarts.judge(attempts)):
            found.append(restarted(again, pair, agent, task, settings, zone(workspace.time_zone)))
    return found


def lengthening(workspace: Workspace, settings: Settings, now: datetime) -> list[Report]:
    """Tasks whose runs take more calls each week than the week before."""
    tz = zone(workspace.time_zone)
    today = now.astimezone(tz).date()
    monday = today - timedelta(days=today.weekday())
    since, until = midnight(monday - WEEKS * longer.WEEK, tz), midnight(monday, tz)
    with writing() as cursor:
        rows = past.weeks(cursor, workspace.lane, workspace.time_zone, since, until)
    found = []
    for pair, own in groupby(rows, key=lambda row: row.pair):
        of_pair = list(own)
        weeks = [longer.Week(row.monday, row.runs, row.calls, row.cost) for row in of_pair]
        is_current = of_pair[-1].monday == monday - longer.WEEK
        if is_current and of_pair[0].task not in settings.batch_tasks and (growth := longer.judge(weeks)):
            found.append(growing(growth, pair, of_pair[0].agent, of_pair[0].task, until.astimezone(UTC)))
    return found


def _tell(looks: tuple[Look, ...], now: datetime) -> int:
    told = 0
    for workspace in Workspace.objects.all():
        settings = settings_of(workspace.pk)
        for report in [report for one in looks for report in one(workspace, settings, now)]:
            incidents.open_or_update(workspace.pk, report, now)
            incidents.refresh(workspace.pk, report.key, report.facts, report.amount, now)
            told += 1
    return told
