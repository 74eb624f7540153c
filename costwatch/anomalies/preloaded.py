"""The books read once for a span that is looked at hour by hour: after a pause, after a back-fill, in a replay."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from costwatch.accounts.models import Workspace
from costwatch.anomalies.books import StoredBooks
from costwatch.anomalies.state import WEEK, WEEKS, Series
from costwatch.lib.periods import period
from costwatch.spend.sums import Sums

MARGIN = timedelta(days=2)
Rows = tuple[list[datetime], dict[datetime, dict[str, Sums]]]


class PreloadedBooks(StoredBooks):
    """The same answers from memory, for looks between `start` and `end`. A day that is not over has no row here."""

    def __init__(self, workspace: Workspace, start: datetime, end: datetime) -> None:
        super().__init__(workspace, end)
        self._start, self._end = start - WEEKS * WEEK - MARGIN, end
        self._whole: dict[tuple[str, str], Rows] = {}

    def series(
        self, dimension: str, bucket: str, start: datetime, end: datetime, values: Collection[str] | None = None
    ) -> Series:
        """Sums by value and bucket of the buckets that lie in [start, end) as a whole."""
        starts, rows = self._rows(dimension, bucket)
        first = bisect_left(starts, period(bucket, start, self.zone).start)
        found: dict[str, dict[datetime, Sums]] = defaultdict(dict)
        for moment in starts[first : bisect_left(starts, period(bucket, end, self.zone).start)]:
            row = rows[moment]
            for value in row if values is None else row.keys() & values:
                found[value][moment] = row[value]
        return found

    def _rows(self, dimension: str, bucket: str) -> Rows:
        """The starts of the buckets of the whole span, in order, and start → value → sums."""
        key = (dimension, bucket)
        if key not in self._whole:
            begin = period(bucket, self._start, self.zone).start
            rows: dict[datetime, dict[str, Sums]] = defaultdict(dict)
            for value, buckets in self._series(dimension, bucket, begin, self._end, None).items():
                for moment, sums in buckets.items():
                    rows[moment][value] = sums
            self._whole[key] = sorted(rows), rows
        return self._whole[key]
