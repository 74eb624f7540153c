"""Which part of the spend is asked for, and the same as a query string."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from costwatch.lib import periods
from costwatch.lib.periods import EARLIEST, LATEST
from costwatch.spend.dimensions import EVENT_NAMES, is_dimension, is_storable

DEFAULT_DAYS = 30
CLOCK_AHEAD = timedelta(minutes=5)  # events may be dated so far ahead; the default range holds them

Values = Mapping[str, tuple[str, ...]]


class BadQuery(ValueError):
    """A query that cannot be answered as asked; `message` says in a sentence what to change about `field`."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


class Zoned(Protocol):
    """What is needed of a workspace here."""

    time_zone: str


@dataclass(frozen=True)
class SpendFilter:
    """Events from `start` up to, not including, `end` whose dimensions have one of the included and none of the
    excluded values. "" = not attributed."""

    start: datetime
    end: datetime
    include: Values = field(default_factory=dict)
    exclude: Values = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise BadQuery("to", "The range is empty: to must be later than from.")

    @classmethod
    def from_query(cls, params: Any, workspace: Zoned, now: datetime, days: int | None = DEFAULT_DAYS) -> "SpendFilter":
        """The filter a query string asks for; raises BadQuery. Names that are no dimension are ignored.

        `from` and `to` are RFC 3339 times or dates (midnight in `tz`, by default the workspace's zone). Without them:
        the last `days` local days with today in full; all there is where `days` is None.
        """
        tz = zone_in(params, workspace)
        start, end = _range(_one(params, "from"), _one(params, "to"), tz, now, days)
        include: dict[str, tuple[str, ...]] = {}
        exclude: dict[str, tuple[str, ...]] = {}
        for name in params:
            target = exclude if name.endswith("!") else include
            dimension = EVENT_NAMES.get(name.removesuffix("!"), name.removesuffix("!"))
            if is_dimension(_readable(dimension, "query")):
                target[dimension] = (*target.get(dimension, ()), *_checked(name, _all(params, name)))
        return cls(start, end, include, exclude)

    def to_query(self) -> dict[str, str | list[str]]:
        """The query parameters that `from_query` makes this filter of (urlencode with doseq=True)."""
        query: dict[str, str | list[str]] = {"from": _text(self.start), "to": _text(self.end)}
        query.update({name: list(values) for name, values in self.include.items()})
        query.update({f"{name}!": list(values) for name, values in self.exclude.items()})
        return query

    def with_value(self, dimension: str, value: str) -> "SpendFilter":
        """Narrowed to one value of a dimension: what a click on it asks for."""
        exclude = {name: values for name, values in self.exclude.items() if name != dimension}
        return replace(self, include={**self.include, dimension: (value,)}, exclude=exclude)

    def without(self, dimension: str, value: str | None = None) -> "SpendFilter":
        """Without the conditions on a dimension, or without one value of them."""
        return replace(
            self, include=_less(self.include, dimension, value), exclude=_less(self.exclude, dimension, value)
        )

    def within(self, start: datetime, end: datetime) -> "SpendFilter":
        """The same conditions over another range."""
        return replace(self, start=start, end=end)

    def dimensions(self) -> set[str]:
        """The dimensions that have conditions."""
        return {*self.include, *self.exclude}


def zone_in(params: Any, workspace: Zoned) -> ZoneInfo:
    """The zone that the parameter `tz` names, else the workspace's; raises BadQuery."""
    try:
        return periods.zone(_one(params, "tz") or workspace.time_zone)
    except ValueError as unknown:
        raise BadQuery("tz", str(unknown)) from None


def whole_number(params: Any, name: str, usual: int, most: int) -> int:
    """A parameter that is a number from 1 to `most`; raises BadQuery."""
    text = _one(params, name)
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise BadQuery(name, f"{name} must be a whole number from 1 to {most:,}.")
    return int(text)


def choice(params: Any, name: str, usual: str, allowed: Iterable[str]) -> str:
    """A parameter that is one of a few words; raises BadQuery."""
    value = _one(params, name) or usual
    if value not in allowed:
        raise BadQuery(name, f"{name} must be one of {', '.join(allowed)}.")
    return value


def words(params: Any, name: str) -> list[str]:
    """A parameter that is a comma-separated list, each word once."""
    parts = (word.strip() for text in _all(params, name) for word in text.split(","))
    return list(dict.fromkeys(word for word in parts if word))


def _range(
    from_: str | None, to: str | None, tz: ZoneInfo, now: datetime, days: int | None
) -> tuple[datetime, datetime]:
    start = instant("from", from_, tz) if from_ else None
    end = instant("to", to, tz) if to else None
    if days is None:
        return start or EARLIEST, end or LATEST
    end = end or max(period_end(now, tz), period_end(start, tz) if start else now)
    return start or max(EARLIEST, _days_before(end, days, tz)), end


def period_end(now: datetime, tz: ZoneInfo) -> datetime:
    """The end of the local day on which the newest possible event lies."""
    return periods.period("day", now + CLOCK_AHEAD, tz).end


def _days_before(end: datetime, days: int, tz: ZoneInfo) -> datetime:
    last = periods.local_day(end - timedelta(microseconds=1), tz)
    return periods.midnight(last - timedelta(days=days - 1), tz)


def instant(name: str, text: str, tz: ZoneInfo) -> datetime:
    """The time that a parameter holds, a date is its midnight in `tz`. Raises BadQuery."""
    try:
        if len(text) == 10:
            at = periods.midnight(date.fromisoformat(text), tz)
        else:
            if len(text) > 16 and text[-6] == " ":  # the + of an offset, sent without escaping, arrives as a blank
                text = f"{text[:-6]}+{text[-5:]}"
            at = datetime.fromisoformat(text)
            at = (at if at.tzinfo else at.replace(tzinfo=tz)).astimezone(UTC)
        if EARLIEST <= at <= LATEST:
            return at
    except (ValueError, OverflowError):
        pass
    raise BadQuery(
        name, f"{name} must be a time like 2026-11-01T00:00:00Z or a date like 2026-11-01, from 1970 to 2199."
    )


def _all(params: Any, name: str) -> list[str]:
    """All values of a parameter, of a QueryDict or of a plain mapping."""
    if hasattr(params, "getlist"):
        return [str(value) for value in params.getlist(name)]
    value = params.get(name, ())
    return [value] if isinstance(value, str) else [str(v) for v in value]


def _one(params: Any, name: str) -> str | None:
    values = _all(params, name)
    if len(set(values)) > 1:
        raise BadQuery(name, f"{name} is given {len(values)} times with different values; give it once.")
    return _readable(values[0], name) if values else None


def _checked(name: str, values: list[str]) -> list[str]:
    return [_readable(value, name) for value in values]


def _readable(text: str, name: str) -> str:
    """PostgreSQL stores no NUL and no half of a surrogate pair, so nothing can match one."""
    if not is_storable(text):
        raise BadQuery(name[:64].replace("\0", ""), "NUL and broken characters cannot be part of a name.")
    return text


def _less(conditions: Values, dimension: str, value: str | None) -> dict[str, tuple[str, ...]]:
    left = {name: values for name, values in conditions.items() if name != dimension}
    kept = tuple(v for v in conditions.get(dimension, ()) if value is not None and v != value)
    return {**left, dimension: kept} if kept else left


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
