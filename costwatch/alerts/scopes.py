"""Stops in memory: which of them cover somebody who asks. Pure; a question costs a few look-ups, whatever their number.

A scope is dimension → values, all of which must fit; an empty value means "not attributed", an empty scope everybody.
Each stop is filed under the values of its narrowest dimension, so that ten thousand of them on one agent's users do not
stand in each other's way.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

Scope = Mapping[str, frozenset[str]]

NARROW_FIRST = ("run", "session", "user", "task", "agent", "key", "release", "model", "environment", "operation",
                "provider")  # fmt: skip
TAG = "tag."
LONGEST_TAG = 64


@dataclass(frozen=True, slots=True)
class Standing:
    """A stop as it is remembered. `until` is when it ends by itself; None: when somebody lifts it."""

    number: int
    scope: Scope
    reason: str
    message: str
    incident: int | None
    until: datetime | None

    def covers(self, values: Mapping[str, str]) -> bool:
        """Whether it asks the one with these values to stop; a value that is not given counts as not attributed."""
        return all(values.get(name, "") in wanted for name, wanted in self.scope.items())

    def lasts(self, now: datetime) -> bool:
        """Whether it has not ended by itself."""
        return self.until is None or self.until > now


class Book:
    """The stops of one workspace. It may be asked while another thread changes it."""

    def __init__(self, stops: Iterable[Standing] = ()) -> None:
        self._known: dict[int, Standing] = {}
        self._filed: dict[str, dict[str, dict[int, Standing]]] = {}
        for stop in stops:
            self.put(stop)

    def __len__(self) -> int:
        return len(self._known)

    def put(self, stop: Standing) -> None:
        """Add one, or replace what was known of it; there is no moment at which it is not there."""
        before = self._known.get(stop.number)
        self._known[stop.number] = stop
        dimension, values = _place(stop.scope)
        shelf = self._filed.setdefault(dimension, {})
        for value in values:
            shelf.setdefault(value, {})[stop.number] = stop
        if before is not None and before.scope != stop.scope:
            self._take_off(before, (dimension, values))

    def drop(self, number: int) -> None:
        """Forget one; nothing if it is not known."""
        stop = self._known.pop(number, None)
        if stop is not None:
            self._take_off(stop, ("", ()))

    def sweep(self, now: datetime) -> None:
        """Forget those that have ended by themselves."""
        for stop in list(self._known.values()):
            if not stop.lasts(now):
                self.drop(stop.number)

    def covering(self, values: Mapping[str, str], now: datetime) -> list[Standing]:
        """The stops that cover somebody with these values, oldest first."""
        found = [
            stop
            for dimension in self.dimensions
            for stop in self.filed(dimension, values.get(dimension, ""))
            if stop.lasts(now) and stop.covers(values)
        ]
        return sorted(found, key=lambda stop: stop.number)

    @property
    def dimensions(self) -> list[str]:
        """Those that stops are filed under; "" for the stops of everybody."""
        return list(self._filed)

    def filed(self, dimension: str, value: str) -> list[Standing]:
        """The stops filed under a value: all that can cover it, were this the only dimension."""
        return list(self._filed.get(dimension, {}).get(value, {}).values())

    def _take_off(self, stop: Standing, kept: tuple[str, Iterable[str]]) -> None:
        dimension, values = _place(stop.scope)
        shelf = self._filed[dimension]
        for value in set(values) - (set(kept[1]) if kept[0] == dimension else set()):
            del shelf[value][stop.number]
            if not shelf[value]:
                del shelf[value]
        if not shelf:
            del self._filed[dimension]


def is_dimension(name: str) -> bool:
    """Whether a stop can be about this dimension."""
    return name in NARROW_FIRST or (name.startswith(TAG) and 0 < len(name) - len(TAG) <= LONGEST_TAG)


def _place(scope: Scope) -> tuple[str, Iterable[str]]:
    """Where a stop is filed: its narrowest dimension and the values of it. Tags stand between users and tasks."""
    if not scope:
        return "", ("",)
    dimension = min(scope, key=_width)
    return dimension, scope[dimension]


def _width(dimension: str) -> tuple[float, str]:
    if dimension.startswith(TAG):
        return NARROW_FIRST.index("user") + 0.5, dimension
    return NARROW_FIRST.index(dimension) if dimension in NARROW_FIRST else len(NARROW_FIRST), dimension
