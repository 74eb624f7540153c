"""The incidents that fall into a chart, one mark for each bucket that has any."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from costwatch.accounts.models import Workspace
from costwatch.alerts import listing
from costwatch.alerts.models import Incident, Kind, Severity
from costwatch.dashboards.charts import Buckets
from costwatch.dashboards.marks.about import Values, under
from costwatch.dashboards.ranges import Range
from costwatch.lib import periods
from costwatch.lib.cut import both_ends

KINDS = (Kind.LOOP, Kind.BUDGET, Kind.ANOMALY)  # what concerns the amounts that are drawn
LOOKED_AT = 100  # of the newest in the span
MOST = 8  # marks on a chart, the worst
NAMED = 2  # incidents of a mark told by their title
FEW = 3  # marks whose titles stand beside their days
LONGEST = 60  # characters of a title: it stands in full on the page of the incident
COLUMNS = ("kind", "severity", "state", "title", "opened_at")
ABOUT = ("facts", "run_id")  # what says whom an incident is about
WORST_FIRST = {severity: -place for place, severity in enumerate(Severity)}


@dataclass(frozen=True)
class Mark:
    """The incidents of one bucket: its number and label, their titles (the worst first, NAMED at most), where they are.

    `severity` is that of the worst; `over`: none of them is pending.
    """

    place: int
    label: str
    count: int
    titles: list[str]
    severity: Severity
    over: bool
    url: str

    @property
    def css(self) -> str:
        """The look of its triangle in the list."""
        return f"{self.severity.value}{' over' if self.over else ''}"

    @property
    def words(self) -> str:
        """What it says: the title, or how many there are and the titles of the first."""
        if self.count == 1:
            return self.titles[0]
        more = f"; {self.count - len(self.titles):,} more" if self.count > len(self.titles) else ""
        return f"{self.count:,} incidents: {'; '.join(self.titles)}{more}"


@dataclass(frozen=True)
class Marks:
    """The marks of a chart in the order of time. `more`: there are incidents in the span that no mark tells of;
    `url`: all of the span."""

    shown: Sequence[Mark] = ()
    more: bool = False
    url: str = ""

    @property
    def count(self) -> int:
        """How many incidents are told of."""
        return sum(mark.count for mark in self.shown)

    @property
    def are_few(self) -> bool:
        """Whether there is room for the titles beside the days."""
        return len(self.shown) <= FEW

    @property
    def sentence(self) -> str:
        """What the chart's own description adds."""
        if not self.shown:
            return ""
        return f" Marked: {self.count:,} incident{'s' * (self.count != 1)}, linked below the chart."


def marks(workspace: Workspace, span: Range, places: Buckets, include: Values, exclude: Values) -> Marks:
    """The marks of a span, with conditions only of incidents about what they mean. One query, bounded; with conditions
    a few small ones more."""
    rows = of_span(workspace, span, *(ABOUT if include or exclude else ()))
    return placed(span, places, under(workspace, rows, include, exclude), cut=len(rows) == LOOKED_AT)


def of_span(workspace: Workspace, span: Range, *columns: str) -> list[Incident]:
    """The newest incidents of a span of the kinds that are marked, with COLUMNS and some more of their columns."""
    found = listing.find(workspace.pk, opened=(span.start, span.end)).filter(kind__in=KINDS)
    return list(found.only(*COLUMNS, *columns)[:LOOKED_AT])


def placed(span: Range, places: Buckets, rows: Sequence[Incident], *, cut: bool = False) -> Marks:
    """The marks of some incidents; those of another time or kind are left out. `cut`: there were more than these."""
    of_place: dict[int, list[Incident]] = defaultdict(list)
    start, end = span.start, span.end
    for row in rows:
        if start <= row.opened_at < end and row.kind in KINDS:
            of_place[bisect_right(places.starts, row.opened_at) - 1].append(row)
    found = [_mark(span, places, place, own) for place, own in of_place.items()]
    shown = sorted(found, key=lambda mark: (mark.over, WORST_FIRST[mark.severity], -mark.place))[:MOST]
    days = f"{span.first}/{min(span.last, span.today)}"
    return Marks(sorted(shown, key=lambda mark: mark.place), cut or len(found) > MOST, _days_url(days))


def _mark(span: Range, places: Buckets, place: int, rows: Sequence[Incident]) -> Mark:
    worst = sorted(rows, key=lambda row: (not row.is_pending, WORST_FIRST[Severity(row.severity)]))
    day = periods.local_day(places.starts[place], span.zone)
    url = _days_url(places.days[place] or f"{day}/{day}") if len(rows) > 1 else reverse("incident", args=[worst[0].pk])
    return Mark(
        place=place,
        label=places.labels[place],
        count=len(rows),
        titles=[both_ends(row.title, LONGEST) for row in worst[:NAMED]],
        severity=Severity(worst[0].severity),
        over=not worst[0].is_pending,
        url=url,
    )


def _days_url(days: str) -> str:
    """The incidents that were opened on some days."""
    first, _, last = days.partition("/")
    return f"{reverse('incidents')}?{urlencode({'first': first} | ({'last': last} if last != first else {}))}"
