"""Where the repeats of a run begin, what they cost, and when the alarm came. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from costwatch.alerts.models import Incident, Severity
from costwatch.dashboards.run_calls import Call
from costwatch.dashboards.run_chart import Moment

IN_A_ROW = 3  # repeats that make a beginning: one or two are no circle yet
SEVERITIES = {Severity.NOTICE: "notice", Severity.ALARM: "alarm", Severity.CRITICAL: "critical alarm"}


@dataclass(frozen=True)
class Loop:
    """`begins`: the first of the calls that go on repeating; it comes after `calls_before`, which cost `before`.

    `alarm`: the call upon which the incident was opened, `alarmed` how that is called. `repeated` calls bought nothing
    new and cost `wasted`, as far as their price is known. `saved`: what was spent after the alarm.
    """

    begins: Call | None = None
    calls_before: int = 0
    before: Decimal = Decimal(0)
    alarm: Call | None = None
    alarmed: str = ""
    repeated: int = 0
    wasted: Decimal = Decimal(0)
    saved: Decimal = Decimal(0)

    @property
    def moments(self) -> list[Moment]:
        """What the chart says of it."""
        told = []
        if self.begins:
            told.append(Moment(self.begins.at, f"call {self.begins.number:,}: repeats begin", "--muted"))
        if self.alarm:
            told.append(Moment(self.alarm.at, f"call {self.alarm.number:,}: {self.alarmed}", "--bad"))
        return told


def loop(calls: Sequence[Call], incident: Incident | None) -> Loop:
    """What is known of the repeats among some calls."""
    repeats = [call for call in calls if call.repeats]
    place = _begin(calls)
    opened_by = incident.opened_by_event if incident else ""
    alarm = next((call for call in calls if opened_by and call.event_id == opened_by), None)
    known = [call.cost for call in repeats if call.cost is not None]
    return Loop(
        begins=None if place is None else calls[place],
        calls_before=place or 0,
        before=calls[place - 1].running if place else Decimal(0),
        alarm=alarm,
        alarmed=SEVERITIES[Severity(incident.severity)] if incident else "",
        repeated=len(repeats),
        wasted=sum(known, Decimal(0)),
        saved=calls[-1].running - alarm.running if alarm else Decimal(0),
    )


def _begin(calls: Sequence[Call]) -> int | None:
    """The place of the first of IN_A_ROW repeats. None where they begin with the first call that is looked at: what
    came before it is not known."""
    place = 0
    for repeats, group in groupby(calls, key=lambda call: bool(call.repeats)):
        length = len(list(group))
        if repeats and length >= IN_A_ROW:
            return place or None
        place += length
    return None
