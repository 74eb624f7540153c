"""What detectors ask for, answered by the books: at most a few small questions of the rollups in each look."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from decimal import Decimal
from time import monotonic
from typing import Any

from costwatch.accounts.models import Workspace
from costwatch.anomalies.state import WEEK, Catalogue, Cost, Driver, Reach, Series
from costwatch.ledger.models import Attribution
from costwatch.lib.periods import local_day, midnight, period, zone
from costwatch.pricing.models import CatalogueRelease
from costwatch.spend import queries
from costwatch.spend.filters import SpendFilter
from costwatch.spend.reached import reached
from costwatch.spend.sums import Sums

MOST_VALUES = 500
MOST_USERS = 50
MOST_COSTS = 10_000
MOST_CROSSINGS = 5_000
MOST_TAGS = 3
MOST_TAG_VALUES = 2_000  # a tag with more is no dimension that people think in
BEFORE = 4  # weeks that drivers are compared with
KEPT = 20_000
TAGS_FOR = 600  # seconds

_known: dict[int, dict[tuple[Any, ...], Any]] = defaultdict(dict)


class StoredBooks:
    """The books of one workspace at one look (anomalies.state.Books)."""

    def __init__(self, workspace: Workspace, watching_since: datetime | None = None) -> None:
        self.workspace = workspace
        self.watching_since = watching_since
        self.zone = zone(workspace.time_zone)
        self._asked: dict[tuple[Any, ...], Series] = {}

    @property
    def tags(self) -> list[str]:
        """The tags that name few enough values to be worth watching, looked up every ten minutes."""
        found: list[str] = self.once(("tags", int(monotonic() // TAGS_FOR)), lambda: _tags(self.workspace.lane))
        return found

    def series(
        self, dimension: str, bucket: str, start: datetime, end: datetime, values: Collection[str] | None = None
    ) -> Series:
        """Sums by value and bucket in [start, end), of the dearest values."""
        key = (dimension, bucket, start, end, tuple(sorted(values)) if values is not None else None)
        if key not in self._asked:
            self._asked[key] = self._series(*key) if start < end else {}
        return self._asked[key]

    def drivers(self, dimension: str, value: str, start: datetime, end: datetime) -> list[Driver]:
        """The values of the other dimensions within this one, those with the largest difference first."""
        by = tuple(name for name in ("agent", "model", "task", "user", "release", *self.tags) if name != dimension)
        now = self._crossing(dimension, value, by, start, end)
        before = [self._crossing(dimension, value, by, start - n * WEEK, end - n * WEEK) for n in range(1, BEFORE + 1)]
        usual: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for week in before:
            for key, cost in week.items():
                usual[key] += cost / BEFORE
        found = [
            Driver(*key, now.get(key, Decimal(0)), usual.get(key, Decimal(0))) for key in now.keys() | usual.keys()
        ]
        return sorted(found, key=lambda driver: (-abs(driver.delta), driver.dimension, driver.value))

    def costs(self, agent: str, each: str, start: datetime, end: datetime) -> list[Cost]:
        """What each run or session of an agent cost under each release."""
        asked = SpendFilter(start, end, {"agent": (agent,)})
        groups = queries.query(self.workspace, asked, ("release", each), limit=MOST_COSTS).groups
        return [Cost(g.values["release"] or "", g.sums.cost) for g in groups if not g.other and g.values[each]]

    def releases(self, start: datetime, end: datetime) -> Mapping[str, Mapping[str, datetime]]:
        """Agent → release → its first day; of the newest, those of one day in the order of their hours."""
        first, last = (midnight(local_day(at, self.zone), self.zone) for at in (start, end))
        groups = queries.query(self.workspace, SpendFilter(first, last, {}), ("agent", "release"), "day").groups
        found: dict[str, dict[str, datetime]] = defaultdict(dict)
        for group in groups:
            if not group.other and group.bucket and group.values["release"]:
                found[group.values["agent"] or ""].setdefault(group.values["release"], group.bucket)
        return {agent: self._in_order(agent, days) for agent, days in found.items()}

    def reach(self, dimension: str, start: datetime, end: datetime) -> Reach:
        """How many sessions reached which value."""
        return Reach(*reached(self.workspace.lane, dimension, start, end))

    def catalogue(self) -> Catalogue | None:
        """The newest reading of the catalogue."""
        newest = CatalogueRelease.objects.order_by("-imported_at").first()
        return Catalogue(newest.name, newest.data_as_of or newest.imported_at) if newest else None

    def once(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """What `make` gives, kept in this process."""
        known = _known[self.workspace.lane]
        if key not in known:
            if len(known) >= KEPT:
                known.clear()
            known[key] = make()
        return known[key]

    def _in_order(self, agent: str, days: Mapping[str, datetime]) -> Mapping[str, datetime]:
        """The same days, whose order tells which release followed which."""
        times = Counter(days.values())
        hours: dict[str, datetime] = {}
        for day in {day for day in sorted(days.values())[-2:] if times[day] > 1}:
            asked = SpendFilter(day, period("day", day, self.zone).end, {"agent": (agent,)})
            for group in queries.query(self.workspace, asked, ("release",), "hour").groups:
                name = group.values["release"] or ""
                if not group.other and group.bucket:
                    hours[name] = min(hours.get(name, group.bucket), group.bucket)
        return dict(sorted(days.items(), key=lambda item: (item[1], hours.get(item[0], item[1]))))

    def _series(
        self, dimension: str, bucket: str, start: datetime, end: datetime, values: tuple[str, ...] | None
    ) -> Series:
        asked = SpendFilter(start, end, {} if values is None else {dimension: values})
        most = MOST_USERS if dimension == "user" else MOST_VALUES
        found: dict[str, dict[datetime, Sums]] = defaultdict(dict)
        for group in queries.query(self.workspace, asked, (dimension,) if dimension else (), bucket, limit=most).groups:
            if not group.other and group.bucket:
                found[group.values.get(dimension) or ""][group.bucket] = group.sums
        return found

    def _crossing(
        self, dimension: str, value: str, by: tuple[str, ...], start: datetime, end: datetime
    ) -> dict[tuple[str, str], Decimal]:
        """(dimension, value) → cost within the value asked for."""
        asked = SpendFilter(start, end, {dimension: (value,)})
        found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for group in queries.query(self.workspace, asked, by, limit=MOST_CROSSINGS).groups:
            for name in () if group.other else by:
                found[name, group.values[name] or ""] += group.sums.cost
        return found


def forget(lane: int | None = None) -> None:
    """Nothing is kept any more (after a correction of the past, and in tests)."""
    if lane is None:
        _known.clear()
    else:
        _known.pop(lane, None)


def _tags(lane: int) -> list[str]:
    """The tags that name few enough values to be worth watching; those with the most values first."""
    rows = Attribution.objects.filter(lane=lane).exclude(tags={}).values_list("tags", flat=True)[:20_000]
    values: dict[str, set[str]] = defaultdict(set)
    for tags in rows:
        for name, value in tags.items():
            values[name].add(value)
    named = sorted(
        ((len(seen), name) for name, seen in values.items() if 1 < len(seen) <= MOST_TAG_VALUES), reverse=True
    )
    return [f"tag.{name}" for _, name in named[:MOST_TAGS]]
