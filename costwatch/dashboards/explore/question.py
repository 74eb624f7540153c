"""What Explore is asked, all of it in its address: metric, dimensions, bucket, conditions, comparison, order."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from costwatch.dashboards.addresses import run_url, session_url
from costwatch.dashboards.explore import comparing
from costwatch.dashboards.explore.metrics import METRICS, USUAL, Metric
from costwatch.dashboards.ranges import DAY, Compared, Range, range_of
from costwatch.dashboards.state import USUAL_GROUPING, State
from costwatch.lib import periods
from costwatch.spend.dimensions import is_dimension
from costwatch.spend.filters import SpendFilter, whole_number
from costwatch.spend.queries import BUCKETS

PATH = "/explore"
NONE = "none"
USUAL_ORDER = "-total"
SORTS = ("total", "name", "time", "before", "change", "cost", "calls", "part", "whole", "rest")
OF = "of."  # sort=of.<value of the second dimension>
BUCKET_WORDS = {"15m": "15 minutes", "hour": "hour", "day": "day", "week": "week", "month": "month"}
KINDS = tuple(kind for kind in BUCKETS if kind != NONE)
DAYS = {"15m": 1 / 96, "hour": 1 / 24, "day": 1, "week": 7, "month": 30}
MOST_PAGES = 100
MOST_BARS = 370  # a year of days; more would make the page heavy and no bar wide enough to see
PAGES = {"run": run_url, "session": session_url}


@dataclass(frozen=True)
class Question(State):
    """A State with what Explore adds. `by` "" = no dimension; `wanted` bucket "" = what suits the span."""

    metric: Metric = METRICS[USUAL]
    across: str = ""
    wanted: str = ""
    against: str = comparing.WEEKS
    chosen: comparing.Days | None = None
    page: int = 1
    path: str = PATH

    @classmethod
    def read(cls, params: Any, workspace: Any, now: datetime) -> "Question":
        """The question of an address; raises BadQuery or BadRange. What is not known is as usual."""
        span = range_of(params, now, periods.zone(workspace.time_zone))
        named = {name: params.getlist(name) for name in params if name not in ("from", "to", "tz")}
        conditions = SpendFilter.from_query(named, workspace, now)
        by, across = _dimensions(params.get("by", ""), params.get("across", ""))
        sort = params.get("sort", "")
        known = sort.removeprefix("-") in SORTS or sort.removeprefix("-").startswith(OF)
        against = params.get("against", "")
        return cls(
            span, conditions.include, conditions.exclude, by, sort if known else usual_order(by),
            params.get("rows") == "all",
            metric=METRICS.get(params.get("metric", USUAL), METRICS[USUAL]),
            across=across,
            wanted=params.get("bucket", "") if params.get("bucket") in KINDS else "",
            against=against if against in comparing.WAYS else comparing.WEEKS,
            chosen=_chosen(params, span),
            page=whole_number(params, "page", 1, MOST_PAGES),
        )  # fmt: skip

    @property
    def bucket(self) -> str:
        """The length of a bar: the wanted one, or the next longer of which there are not too many."""
        start = KINDS.index(self.wanted or self.range.bucket)
        return next((kind for kind in KINDS[start:] if self._bars(kind) <= MOST_BARS), KINDS[-1])

    @property
    def compared(self) -> Compared | None:
        """The span this one is compared with."""
        return comparing.compared(self.range, self.against, self.chosen)

    @property
    def refreshes(self) -> bool:
        """Whether the answer follows new calls by itself: not what reads single calls, which takes too long."""
        return self.range.unfinished and not self.metric.of_sessions

    @property
    def dimensions(self) -> tuple[str, ...]:
        return tuple(name for name in (self.by, self.across) if name)

    def query(self) -> str:
        """The state as a query string; what is usual is left out."""
        pairs: list[tuple[str, str]] = []
        pairs += [("metric", self.metric.name)] if self.metric.name != USUAL else []
        pairs += [("by", self.by or NONE)] if self.by != USUAL_GROUPING else []
        pairs += [("across", self.across)] if self.across else []
        pairs += [("bucket", self.wanted)] if self.wanted else []
        if self.against != comparing.WEEKS:
            pairs.append(("against", self.against))
        if self.against == comparing.CUSTOM and self.chosen:
            pairs += [("cfirst", self.chosen[0].isoformat()), ("clast", self.chosen[1].isoformat())]
        pairs += list(self.range.query().items())
        pairs += [(name, value) for name, values in self.include.items() for value in values]
        pairs += [(f"{name}!", value) for name, values in self.exclude.items() for value in values]
        pairs += [("sort", self.sort)] if self.sort != usual_order(self.by) else []
        pairs += [("rows", "all")] if self.all_rows else []
        pairs += [("page", str(self.page))] if self.page > 1 else []
        return urlencode(pairs)

    def url(self, **changes: Any) -> str:
        """The address of this question with some changes: another question begins with its first page."""
        return super().url(**{"page": 1, **changes})

    def drill(self, value: str) -> str:
        """Where a click on one value of the first dimension leads: to what it is made of."""
        if self.by in PAGES and value:
            return PAGES[self.by](value)
        below = self._below()
        across = "" if below == self.across else self.across
        changes = self.narrowed(self.by, value)
        return self.url(**changes, by=below, across=across, sort=USUAL_ORDER, all_rows=False)

    def of_days(self, days: str | None) -> str:
        """The address of some of these days only ("first/last"), for a bucket that is whole days."""
        if days is None:
            return ""
        first, last = (date.fromisoformat(day) for day in days.split("/"))
        return self.url(range=Range("custom", first, last, self.range.now, self.range.zone), wanted="")

    def leaves(self, value: str | None) -> bool:
        """Whether a click on a value leads to another page."""
        return self.by in PAGES and bool(value)

    def turned(self) -> str:
        """The address with rows and columns exchanged."""
        return self.url(by=self.across, across=self.by, sort=USUAL_ORDER, all_rows=False)

    def api(self, bucket: str = "") -> str:
        """The query string with which the API answers the same question, in buckets if one is named."""
        grouped = {"group_by": ",".join(self.dimensions)} if self.dimensions else {}
        return urlencode({**self._asked(), **grouped, **({"bucket": bucket} if bucket else {})}, doseq=True, safe="/,")

    def calls(self) -> str:
        """The query string of the calls behind it, for the API's lists."""
        return urlencode(self._asked(), doseq=True)

    def _asked(self) -> dict[str, Any]:
        """Span, zone and conditions in the API's words."""
        days = {"from": self.range.first.isoformat(), "to": (self.range.last + DAY).isoformat()}
        return {**self.filter().to_query(), **days, "tz": self.range.zone.key}

    def within(self, span: Compared) -> SpendFilter:
        """The conditions over the compared span."""
        return self.filter(span.start, span.end)

    def _bars(self, kind: str) -> float:
        return self.range.length / DAYS[kind]


def usual_order(by: str) -> str:
    """Largest first; what is listed by time, in order of time."""
    return USUAL_ORDER if by else "time"


def _dimensions(by: str, across: str) -> tuple[str, str]:
    """First and second dimension; a second without a first is the first, and the same twice is once."""
    first = "" if by == NONE else by if is_dimension(by) else USUAL_GROUPING
    second = across if is_dimension(across) and across != first else ""
    return (first, second) if first else (second, "")


def _chosen(params: Any, span: Range) -> comparing.Days | None:
    """The days to compare with, where the address names them; a form that has just chosen so has none yet."""
    texts = params.get("cfirst"), params.get("clast")
    if not any(texts):
        before = span.previous()
        return (before.first, before.last) if before and params.get("against") == comparing.CUSTOM else None
    found = range_of({"first": texts[0] or texts[1], "last": texts[1] or texts[0]}, span.now, span.zone)
    return comparing.checked(found.first, found.last)
