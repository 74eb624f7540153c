"""What was spent: sums over any part of the usage, by any dimensions and calendar periods, exact at any instant."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from costwatch.lib import periods
from costwatch.spend import conditions as where
from costwatch.spend import ranked
from costwatch.spend.dimensions import is_dimension
from costwatch.spend.events import event, events
from costwatch.spend.filters import BadQuery, SpendFilter
from costwatch.spend.page import Page
from costwatch.spend.runs import RunRow, run, runs
from costwatch.spend.snapshot import Snapshot, snapshot
from costwatch.spend.statement import Question
from costwatch.spend.sums import FIELDS, Sums, add

__all__ = [
    "Answer",
    "Group",
    "Page",
    "RunRow",
    "event",
    "events",
    "query",
    "query_both",
    "run",
    "runs",
]

BUCKETS = ("none", "15m", "hour", "day", "week", "month")
MOST_BUCKETS = 20_000
MOST_ROWS = 100_000
MOST_DIMENSIONS = 8
MOST_GROUPS = 10_000


class Workspace(Protocol):
    """What is needed of a workspace here."""

    time_zone: str
    week_start: int

    @property
    def lane(self) -> int: ...


@dataclass(frozen=True)
class Group:
    """The sums of one combination of values, in one bucket if there are buckets. "" = not attributed.

    `other`: all combinations that the limit cut off, together; its values are None.
    """

    values: dict[str, str | None]
    bucket: datetime | None
    sums: Sums
    other: bool = False


@dataclass(frozen=True)
class Answer:
    """The groups add up to `total` exactly. Everything committed before `complete_until` is counted. Times in UTC.

    `combinations`: how many there are, those in `other` too; None where there are more than anybody counted.
    `reaching`: of each amount that was asked about, how many of them cost that much or more.
    """

    start: datetime
    end: datetime
    time_zone: str
    groups: list[Group]
    total: Sums
    complete_until: datetime
    combinations: int | None = None
    reaching: Sequence[int] = ()

    @property
    def left_out(self) -> int | None:
        """How many combinations `other` stands for (without buckets); None where nobody counted them."""
        told = [group for group in self.groups if not group.other]
        if len(told) == len(self.groups):
            return 0
        return None if self.combinations is None else max(0, self.combinations - len(told))


def query(
    workspace: Workspace,
    filter: SpendFilter,
    group_by: Sequence[str] = (),
    bucket: str = "none",
    time_zone: str | None = None,
    limit: int = 1000,
    rank: str = "cost",
    measures: Sequence[str] = FIELDS,
    amounts: Sequence[Decimal] = (),
) -> Answer:
    """Sums of the filtered usage, grouped by dimensions and by periods of `time_zone` (default: the workspace's).

    `limit` keeps that many of the dearest combinations (or of those with the most of another measure, `rank`); the rest
    are one combination marked `other` (with buckets: one row of it in each). Ordered by bucket, then cost or `rank`,
    largest first. A chart that draws dollars asks for its `measures` alone, which takes a third of the time; the others
    are None then. Of each of `amounts` in USD is counted how many combinations cost that much or more. Raises BadQuery.
    """
    tz = zone_of(time_zone or workspace.time_zone)
    starts = bucket_starts(filter, bucket, tz, workspace.week_start)
    group_by = checked_groups(group_by)
    limit = max(1, min(limit, MOST_GROUPS, MOST_ROWS // max(1, len(starts))))
    with snapshot(workspace.lane) as books:
        asked = replace(prepare(workspace, filter, group_by, starts), measures=tuple(measures), rank=rank)
        found = ranked.fetch(asked, books, limit, amounts)
    return _answer(asked, found, starts, tz, books)


def query_both(
    workspace: Workspace,
    filter: SpendFilter,
    compared: SpendFilter,
    group_by: Sequence[str],
    limit: int = 1000,
    rank: str = "cost",
    measures: Sequence[str] = FIELDS,
    before: Sequence[str] = ("cost", "calls"),
) -> tuple[Answer, Answer]:
    """The sums of a range and of the one it is compared with (the filters differ in nothing else), grouped.

    Of more than `limit` combinations those with the most of `rank` in either range are told, each in both answers; the
    rest are one, `other`. `measures` are those of the range, `before` those of the one it is compared with: half of the
    time, for mostly little is told of that one. Raises BadQuery.
    """
    group_by, tz = checked_groups(group_by), zone_of(workspace.time_zone)
    with snapshot(workspace.lane) as books:
        first = replace(prepare(workspace, filter, group_by, []), rank=rank, measures=tuple(measures))
        second = replace(first, start=compared.start, end=compared.end, measures=tuple(before))
        found, then = ranked.fetch_both(first, second, books, limit)
    return _answer(first, found, [], tz, books), _answer(second, then, [], tz, books)


def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name; raises BadQuery."""
    try:
        return periods.zone(name)
    except ValueError as unknown:
        raise BadQuery("tz", str(unknown)) from None


def checked_groups(group_by: Sequence[str]) -> tuple[str, ...]:
    """The dimensions, each once; raises BadQuery for what is none."""
    names = tuple(dict.fromkeys(group_by))
    for name in names:
        if not is_dimension(name):
            raise BadQuery("group_by", f"{name[:64]!r} is no dimension; tags are grouped by as tag.<name>.")
    if len(names) > MOST_DIMENSIONS:
        raise BadQuery("group_by", f"At most {MOST_DIMENSIONS} dimensions can be grouped by at once.")
    return names


def bucket_starts(filter: SpendFilter, bucket: str, tz: ZoneInfo, week_start: int) -> list[datetime]:
    """The starts of the buckets; empty without buckets. Raises BadQuery."""
    if bucket == "none":
        return []
    if bucket not in BUCKETS:
        raise BadQuery("bucket", f"bucket must be one of {', '.join(BUCKETS)}.")
    if (filter.end - filter.start) / periods.SHORTEST[bucket] > MOST_BUCKETS:
        raise BadQuery("bucket", f"The range has more than {MOST_BUCKETS:,} buckets of this length; take longer ones.")
    return [p.start for p in periods.buckets(filter.start, filter.end, bucket, tz, week_start)]


def prepare(workspace: Workspace, filter: SpendFilter, group_by: tuple[str, ...], starts: list[datetime]) -> Question:
    """The question with all names looked up, ready for `statement`."""
    zone = zone_of(workspace.time_zone)
    asked = Question(workspace.lane, zone, filter.start, filter.end, group_by, starts[1:])
    return asked.under(where.resolve(workspace.lane, filter))


def _answer(asked: Question, found: ranked.Found, starts: list[datetime], tz: ZoneInfo, books: Snapshot) -> Answer:
    groups = _groups(asked, found.rows, starts, found.told)
    total = add(group.sums for group in groups)
    return Answer(asked.start, asked.end, tz.key, groups, total, books.at, found.count, found.reaching)


def _groups(asked: Question, rows: list[tuple[Any, ...]], starts: list[datetime], limit: int) -> list[Group]:
    """Rows of (rank, bucket number, ids, sums) with their names; rows of zeros, left by corrections, are dropped."""
    n = len(asked.group_by)
    names = [
        where.names_of(dimension, {row[2 + i] for row in rows if row[0] <= limit})
        for i, dimension in enumerate(asked.group_by)
    ]
    groups, take = [], _taker(asked.measures)
    for rank, bucket, *values in sorted(rows, key=lambda row: (row[1], row[0])):
        sums, other = take(values[n:]), rank > limit
        told = (None if other else names[i].get(values[i], "") for i in range(n))
        if sums:
            named = dict(zip(asked.group_by, told, strict=True))
            groups.append(Group(named, starts[bucket] if starts else None, sums, other))
    return groups


def _taker(measures: tuple[str, ...]) -> Callable[[list[Any]], Sums]:
    """What makes Sums of a row's values of these measures (and of the ranking ones after them)."""
    if measures == FIELDS:
        return lambda values: Sums(*values)
    missing = dict.fromkeys(FIELDS)
    return lambda values: Sums(**{**missing, **dict(zip(measures, values, strict=False))})
