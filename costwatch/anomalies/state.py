"""What detectors look at, what they find, and what they were taught. Pure: no clock, no database."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from costwatch.spend.sums import Sums

WEEKS = 8  # of the past that are compared with
WEEK = timedelta(days=7)
LEARNING = timedelta(days=14)  # of history, before anything is judged by it
LEARNING_DAYS = timedelta(days=28)  # before whole days are: four of each weekday

Series = Mapping[str, Mapping[datetime, Sums]]
"""Value → start of the bucket → sums. Buckets without usage are left out."""


class Sensitivity(NamedTuple):
    """How far beyond the usual something must be: so many spreads, so many times, so sure (standard errors)."""

    spreads: Decimal
    times: Decimal
    errors: float


SENSITIVITIES = {
    "low": Sensitivity(Decimal(9), Decimal(3), 4.5),
    "normal": Sensitivity(Decimal(6), Decimal(2), 3.5),
    "high": Sensitivity(Decimal(4), Decimal("1.5"), 2.6),
}


@dataclass(frozen=True)
class Settings:
    """A workspace's wishes. `floor`: dollars below which nothing is told. `off`: detectors that do not look."""

    floor: Decimal = Decimal(10)
    sensitivity: str = "normal"
    off: frozenset[str] = frozenset()

    @property
    def how(self) -> Sensitivity:
        return SENSITIVITIES[self.sensitivity]


@dataclass(frozen=True)
class Lesson:
    """Something is expected of a value: up to a level (None: any), at these hours of the local day (None: all)."""

    detector: str
    dimension: str
    value: str
    level: Decimal | None = None
    hours: frozenset[int] | None = None

    def covers(self, finding: "Finding") -> bool:
        """Whether the finding is what was called expected."""
        return (
            (self.detector, self.dimension, self.value) == finding.subject
            and (self.level is None or finding.level <= self.level)
            and (self.hours is None or finding.hour is None or finding.hour in self.hours)
        )


@dataclass(frozen=True)
class Finding:
    """Something unusual about one value of a dimension in [start, end).

    `at`: when it was decided. `lasts_until`: if it is not found again by then, it is over. `level`: the figure that
    "expected" is said of. `impact`: dollars beyond the usual; None where it is no matter of dollars.
    """

    detector: str
    dimension: str
    value: str
    at: datetime
    start: datetime
    end: datetime
    lasts_until: datetime
    title: str
    message: str
    level: Decimal
    kind: str = "anomaly"
    severity: str = "alarm"
    bucket: str = ""
    hour: int | None = None
    impact: Decimal | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> tuple[str, str, str]:
        """Whom it is about: one spell at a time for each."""
        return self.detector, self.dimension, self.value


@dataclass(frozen=True)
class Driver:
    """What one value of another dimension spent within something unusual, against its usual there. USD."""

    dimension: str
    value: str
    now: Decimal
    usual: Decimal

    @property
    def delta(self) -> Decimal:
        return self.now - self.usual


class Cost(NamedTuple):
    """What one run or one session cost, under which release."""

    release: str
    usd: Decimal


class Reach(NamedTuple):
    """Sessions of a time: how many there were, and by value how many reached it and what it cost in them."""

    sessions: int
    by_value: Mapping[str, tuple[int, Decimal]]


class Catalogue(NamedTuple):
    """The price catalogue in use: its name, and of when its prices are."""

    name: str
    as_of: datetime


class Books(Protocol):
    """What has been spent, as detectors may ask for it. Money in USD, times in UTC."""

    zone: ZoneInfo
    watching_since: datetime | None
    """Since when costwatch has looked without a pause: what it was not there to receive proves nothing. None: ever."""

    @property
    def tags(self) -> Sequence[str]:
        """Dimensions of tags that this workspace uses, e.g. tag.customer."""

    def series(
        self, dimension: str, bucket: str, start: datetime, end: datetime, values: Collection[str] | None = None
    ) -> Series:
        """Sums by value and bucket (15m, hour or day of the zone) in [start, end)."""

    def drivers(self, dimension: str, value: str, start: datetime, end: datetime) -> list[Driver]:
        """The values of the other dimensions within this one, against the same hours of the four weeks before."""

    def costs(self, agent: str, each: str, start: datetime, end: datetime) -> list[Cost]:
        """What each run or session of an agent cost that was active in [start, end)."""

    def releases(self, start: datetime, end: datetime) -> Mapping[str, Mapping[str, datetime]]:
        """Agent → release → the first day on which it was seen in [start, end)."""

    def reach(self, dimension: str, start: datetime, end: datetime) -> Reach:
        """How many sessions reached which value."""

    def catalogue(self) -> Catalogue | None:
        """The price catalogue; None where there is none."""

    def once(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """What `make` gives, kept for later looks under the key: for what does not change any more."""


class Detector(Protocol):
    """One way to look. `EVERY`: look (each time), hour or day (when one has ended). `OVER`: what is said at the end of
    a spell. `TOLERANCE`: so many times what was called expected is so too; None: any level of it."""

    NAME: str
    TITLE: str
    ABOUT: str
    EVERY: str
    OVER: str
    TOLERANCE: Decimal | None

    def look(self, books: Books, at: datetime, settings: Settings) -> list[Finding]:
        """What is unusual at this moment."""
