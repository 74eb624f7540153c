"""What other settings would have told: the past looked at again, hour by hour, in memory alone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

from costwatch.accounts.models import Workspace
from costwatch.anomalies.detectors import ALL, spend
from costwatch.anomalies.preloaded import PreloadedBooks
from costwatch.anomalies.state import Finding, Lesson, Settings
from costwatch.lib.periods import period


@dataclass
class Spell:
    """One thing that would have been told: its first finding, the dearest one, and until when it lasts."""

    first: Finding
    worst: Finding
    lasts_until: datetime
    told: bool = True

    def holds(self, finding: Finding) -> bool:
        """Whether the finding is of the same matter and time."""
        return self.first.subject == finding.subject and finding.start <= self.lasts_until

    def add(self, finding: Finding) -> None:
        self.lasts_until = max(self.lasts_until, finding.lasts_until)
        if (finding.impact or 0) > (self.worst.impact or 0):
            self.worst = finding


class Books(PreloadedBooks):
    """What is kept is kept for this trial: not for the process, whose own looks go on."""

    def __init__(self, workspace: Workspace, start: datetime, end: datetime) -> None:
        super().__init__(workspace, start, end)
        self.watching_since = None
        self._kept: dict[tuple[Any, ...], Any] = {}

    def once(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]


def backtest(
    books: Books, settings: Settings, lessons: Sequence[Lesson], since: datetime, until: datetime, seconds: float
) -> tuple[list[Spell], datetime]:
    """The spells that would have been told in (since, until], and how far the time was enough.

    What compares whole weeks looks at the last midnight only: it costs most of the time, and says the same for days.
    """
    end, spells, hour = monotonic() + seconds, list[Spell](), since
    midnight = period("day", until, books.zone).start
    for hour in _hours(books, since, until):
        for finding in _found(books, hour, hour == midnight, settings, lessons):
            known = next((spell for spell in reversed(spells) if spell.holds(finding)), None)
            if known is not None:
                known.add(finding)
            else:
                told = not _is_part(books, finding, spells)
                spells.append(Spell(finding, finding, finding.lasts_until, told))
        if monotonic() > end:
            break
    return [spell for spell in spells if spell.told], hour


def _found(
    books: Books, at: datetime, is_midnight: bool, settings: Settings, lessons: Sequence[Lesson]
) -> Iterator[Finding]:
    is_hour = period("hour", at, books.zone).start == at
    every = {"look", *(["hour"] if is_hour else []), *(["day"] if is_midnight else [])}
    for detector in ALL.values():
        if detector.EVERY in every and detector.NAME not in settings.off:
            found = detector.look(books, at, settings)
            yield from (one for one in found if not any(lesson.covers(one) for lesson in lessons))


def _is_part(books: Books, finding: Finding, spells: Sequence[Spell]) -> bool:
    """Whether most of its dollars lie within another one that was told and lasts."""
    lasting = [spell for spell in spells if spell.told and spell.first.detector == finding.detector
               and spell.lasts_until >= finding.start]  # fmt: skip
    if not finding.bucket or not lasting:
        return False
    drivers = books.drivers(finding.dimension, finding.value, finding.start, min(finding.end, finding.at))
    return any(spend.explained(finding, drivers, spell.first.dimension, spell.first.value) for spell in lasting)


def _hours(books: Books, since: datetime, until: datetime) -> Iterator[datetime]:
    """The full hours in (since, until], and its end."""
    hour = period("hour", since, books.zone).end
    while hour < until:
        yield hour
        hour = period("hour", hour, books.zone).end
    yield until
