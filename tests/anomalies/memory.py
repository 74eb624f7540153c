"""Books in memory, for the pure cores: usage that is written down hour by hour."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from costwatch.anomalies.state import WEEK, Catalogue, Cost, Driver, Reach
from costwatch.lib.periods import period
from costwatch.spend.sums import Sums, add

HOUR = timedelta(hours=1)
NOW = datetime(2026, 11, 18, 13, 32, tzinfo=UTC)  # a Wednesday, 14:32 in Berlin
TOP = datetime(2026, 11, 18, 13, tzinfo=UTC)


class MemoryBooks:
    """anomalies.state.Books over a list of (time, sums, labels)."""

    def __init__(self, zone="Europe/Berlin"):
        self.zone = ZoneInfo(zone)
        self.tags = []
        self.watching_since = None
        self.rows = []
        self.known_catalogue = None
        self.weeks = {}
        self._grouped = {}

    def spend(self, at, usd="0", calls=1, errors=0, unpriced=0, at_most="0", run="", session="", **labels):
        """Usage at a moment."""
        sums = Sums(events=calls, calls=calls, errors=errors, unpriced_calls=unpriced, cost=Decimal(usd),
                    upper_bound=Decimal(at_most), error_cost=Decimal(usd) if errors else Decimal(0))  # fmt: skip
        self.rows.append((at, sums, {"run": run, "session": session, **labels}))
        self._grouped.clear()

    def regular(self, weeks=8, usd="2", until=TOP, hours=range(24), **more):
        """The same each hour, for so many weeks."""
        start = until - weeks * WEEK
        for n in range(weeks * 168):
            at = start + n * HOUR
            if at.astimezone(self.zone).hour in hours:
                self.spend(at, usd, **more)

    def series(self, dimension, bucket, start, end, values=None):
        if (dimension, bucket) not in self._grouped:
            grouped = defaultdict(lambda: defaultdict(list))
            for at, sums, labels in self.rows:
                grouped[labels.get(dimension, "")][period(bucket, at, self.zone).start].append((at, sums))
            self._grouped[dimension, bucket] = grouped
        found = {}
        for value, buckets in self._grouped[dimension, bucket].items():
            if values is None or value in values:
                inside = {
                    s: [x for at, x in rows if start <= at < end] for s, rows in buckets.items() if start <= s < end
                }
                inside = {s: add(rows) for s, rows in inside.items() if rows}
                if inside:
                    found[value] = inside
        return found

    def drivers(self, dimension, value, start, end):
        names = {name for _, _, labels in self.rows for name in labels} - {dimension, "run", "session"}
        now, usual = defaultdict(Decimal), defaultdict(Decimal)
        for at, sums, labels in self.rows:
            for name in names if labels.get(dimension, "") == value else ():
                key = name, labels.get(name, "")
                if start <= at < end:
                    now[key] += sums.cost
                for n in range(1, 5):
                    if start <= at + n * WEEK < end:
                        usual[key] += sums.cost / 4
        found = [Driver(*key, now[key], usual[key]) for key in {*now, *usual}]
        return sorted(found, key=lambda driver: -abs(driver.delta))

    def costs(self, agent, each, start, end):
        sums, release = defaultdict(Decimal), {}
        for at, row, labels in self.rows:
            if labels.get("agent") == agent and labels.get(each) and start <= at < end:
                sums[labels[each]] += row.cost
                release[labels[each]] = labels.get("release", "")
        return [Cost(release[one], usd) for one, usd in sums.items()]

    def releases(self, start, end):
        found = defaultdict(dict)
        for at, _, labels in sorted(self.rows, key=lambda row: row[0]):
            if start <= at < end and labels.get("release"):
                found[labels.get("agent", "")].setdefault(labels["release"], at)
        return found

    def reach(self, dimension, start, end):
        return self.weeks.get((dimension, start), Reach(0, {}))

    def catalogue(self):
        return self.known_catalogue and Catalogue(*self.known_catalogue)

    def once(self, key, make):
        return make()
