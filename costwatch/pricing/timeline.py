"""Which version of a price holds at a moment: spans in time, and the hours in which others hold. Pure."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime

from costwatch.pricing.calculate import PriceAt
from costwatch.pricing.schedules import Schedule

BEGINNING = datetime.min.replace(tzinfo=UTC)
Span = tuple[datetime | None, datetime | None, PriceAt]


class Timeline:
    """The versions of one line in time, and the hours in which others hold."""

    __slots__ = ("ends", "latest", "latest_start", "otherwise", "scheduled", "starts", "versions")

    def __init__(
        self,
        spans: Sequence[Span],
        scheduled: Sequence[tuple[Schedule, "Timeline"]] = (),
    ) -> None:
        ordered = sorted(spans, key=lambda span: span[0] or BEGINNING)
        self.starts = [start or BEGINNING for start, _, _ in ordered]
        self.ends = [end for _, end, _ in ordered]
        self.versions = [version for _, _, version in ordered]
        self.scheduled = tuple(scheduled)
        # the standard prices, for the time in which a variant has none of its own
        self.otherwise: Timeline | None = None
        # the common case of the hot path: the last version, which has no end
        open_ended = bool(ordered) and self.ends[-1] is None and not self.scheduled
        self.latest = self.versions[-1] if open_ended else None
        self.latest_start = self.starts[-1] if open_ended else BEGINNING

    @property
    def free(self) -> bool:
        """Whether nothing was ever billed on this line."""
        return all(version.free for version in self.versions)

    def within(self, start: datetime | None, end: datetime | None) -> list[Span]:
        """The spans of this line cut to [start, end)."""
        spans: list[Span] = []
        for first, last, version in zip(self.starts, self.ends, self.versions, strict=True):
            lower = max(first, start or BEGINNING)
            upper = min((moment for moment in (last, end) if moment is not None), default=None)
            if upper is None or lower < upper:
                spans.append((lower, upper, version))
        return spans

    def at(self, moment: datetime) -> PriceAt | None:
        """The version in force at this moment, None when there is none."""
        for schedule, timeline in self.scheduled:
            version = timeline.at(moment)
            if version is not None and schedule.active(moment):
                return version
        return self._common(moment)

    def at_any_hour(self, moment: datetime) -> list[PriceAt]:
        """The versions that hold at some hour around this moment: the common one and those of hours of their own."""
        versions = [self._common(moment), *(timeline.at(moment) for _, timeline in self.scheduled)]
        return [version for version in versions if version is not None]

    def _common(self, moment: datetime) -> PriceAt | None:
        index = bisect_right(self.starts, moment) - 1
        if index >= 0:
            end = self.ends[index]
            if end is None or moment < end:
                return self.versions[index]
        return self.otherwise.at(moment) if self.otherwise is not None else None
