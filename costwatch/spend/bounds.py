"""How much of a range is looked at where no rollup can answer: its newest part, so that the work has a bound."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from costwatch.lib.periods import period, zone
from costwatch.spend.events import bounds as with_events
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import Group, query
from costwatch.spend.snapshot import snapshot

Measure = Literal["events", "runs"]


def bounded(
    workspace: Any, filter: SpendFilter, most: int, measure: Measure = "events", *, of_all: bool = True
) -> SpendFilter:
    """The newest part of a range with at most so many events (or runs begun): whole days, of a single day whole hours.

    What is counted are all events there, whatever the filter's conditions; without `of_all` those for which they hold,
    and the range ends with the last day on which there are any.
    """
    with snapshot(workspace.lane) as books:
        first, last = with_events(workspace.lane, books, filter)
    if first >= last:
        return filter
    counted = SpendFilter(first, last) if of_all else filter.within(first, last)  # a range may hold centuries
    days = query(workspace, counted, (), "day").groups
    if days and not of_all:
        filter = _until(filter, days[-1], workspace.time_zone)
        counted = filter.within(first, min(last, filter.end))
    kept = _newest(days, most, measure)
    if len(kept) == len(days):
        return filter
    if not kept:
        day = days[-1].bucket or first
        hours = query(workspace, counted.within(max(first, day), counted.end), (), "hour").groups
        kept = _newest(hours, most, measure) or hours[-1:]
    return replace(filter, start=max(filter.start, kept[0].bucket or filter.start))


def _until(filter: SpendFilter, last: Group, time_zone: str) -> SpendFilter:
    """The range up to the end of a day."""
    end = period("day", last.bucket or filter.start, zone(time_zone)).end
    return replace(filter, end=min(filter.end, end))


def _newest(groups: Sequence[Group], most: int, measure: Measure) -> Sequence[Group]:
    """The last groups that have at most so many together."""
    seen = 0
    for number in range(len(groups), 0, -1):
        seen += getattr(groups[number - 1].sums, measure)
        if seen > most:
            return groups[number:]
    return groups
