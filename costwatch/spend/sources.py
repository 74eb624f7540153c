"""Which tables answer a query: the smallest that know its dimensions, each for the part it can be exact for.

The aligned middle of a range comes from rollups, its edges from finer rollups and at last from the entries themselves.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from costwatch.ledger.models import Cut
from costwatch.ledger.rollups import QUARTER_CUTS
from costwatch.lib import periods
from costwatch.spend.dimensions import FACTS, KEY, LABELS, USER, is_attribution

SINGLE = {**{name: Cut(kind.value) for name, kind in LABELS.items()}, KEY: Cut.KEY, USER: Cut.USER}
PAIRS = {
    frozenset(("agent", "task")): (Cut.AGENT_TASK, {"agent": "r.a", "task": "r.b"}),
    frozenset(("agent", "model")): (Cut.AGENT_MODEL, {"agent": "r.a", "model": "r.b"}),
    frozenset(("task", "model")): (Cut.TASK_MODEL, {"task": "r.a", "model": "r.b"}),
}


@dataclass(frozen=True)
class Source:
    """A table `r` with its column of time, the columns that hold ids of dimensions, and the one of the attribution."""

    table: str
    time: str
    cut: Cut | None = None
    columns: dict[str, str] = field(default_factory=dict)
    attribution: str | None = None

    def aligned(self, start: datetime, end: datetime, tz: ZoneInfo) -> tuple[datetime, datetime]:
        """The largest part of a range that whole rows of this table add up to; empty where first >= second."""
        if self.time == "day":
            first, last = periods.period("day", start, tz), periods.period("day", end, tz)
            return first.start if first.start == start else first.end, last.start
        if self.time == "slot":
            return periods.ceiling(start), periods.floor(end)
        return start, end


ENTRIES = Source("ledger_entry", "occurred_at", None, {name: f"r.{c}" for name, c in FACTS.items()}, "r.attribution_id")

DAYS = Source("", "day")  # whole days from whichever table knows them


@dataclass(frozen=True)
class Piece:
    """A part of the range and the table that is summed for it; `less`: what is taken out of the others again."""

    source: Source
    start: datetime
    end: datetime
    less: bool = False


def sources_for(dimensions: set[str], edges: Sequence[datetime], tz: ZoneInfo) -> list[Source]:
    """The tables that know these dimensions and have no row across an edge of a bucket; coarse ones first."""
    found = []
    day = _day_source(dimensions)
    if day and all(periods.period("day", edge, tz).start == edge for edge in edges):
        found.append(day)
    cut = _single(dimensions)
    if cut in QUARTER_CUTS and all(periods.floor(edge) == edge for edge in edges):
        found.append(Source("spend_quarter", "slot", cut, dict.fromkeys(dimensions, "r.a")))
    return [*found, ENTRIES]


def cover(start: datetime, end: datetime, sources: Sequence[Source], tz: ZoneInfo) -> list[Piece]:
    """Pieces that together are exactly [start, end), in order."""
    if start >= end:
        return []
    source, finer = sources[0], sources[1:]
    if source.time == "day" and finer == [ENTRIES]:
        return _by_days(start, end, source, tz)
    first, last = source.aligned(start, end, tz)
    if first >= last:
        return cover(start, end, finer, tz)
    return [*cover(start, first, finer, tz), Piece(source, first, last), *cover(last, end, finer, tz)]


def whole_days(start: datetime, end: datetime, tz: ZoneInfo) -> list[Piece]:
    """The range as whole days, which no table is chosen for yet, and the entries at its edges."""
    return _by_days(start, end, DAYS, tz)


def without_sheets(
    start: datetime, end: datetime, sources: Sequence[Source], tz: ZoneInfo, sheeted: frozenset[date]
) -> tuple[list[Piece], list[tuple[datetime, datetime]]]:
    """The pieces of a range without its days in `sheeted`; and the spans of which the pieces, or these days, know the
    folded entries alone."""
    coarse = sources[0]
    pieces: list[Piece] = []
    folded: list[tuple[datetime, datetime]] = []
    for piece in whole_days(start, end, tz):
        if piece.source != DAYS:
            pieces.append(piece)
            continue
        for has_sheet, days in groupby(_each_day(piece, tz), lambda day: periods.local_day(day.start, tz) in sheeted):
            run = [*days]
            if not has_sheet:
                pieces.append(Piece(coarse, run[0].start, run[-1].end))
            if has_sheet or coarse != ENTRIES:
                before = folded.pop() if folded and folded[-1][1] == run[0].start else None
                folded.append((before[0] if before else run[0].start, run[-1].end))
    return pieces, folded


def _each_day(piece: Piece, tz: ZoneInfo) -> Iterator[periods.Period]:
    moment = piece.start
    while moment < piece.end:
        day = periods.period("day", moment, tz)
        yield day
        moment = day.end


def _by_days(start: datetime, end: datetime, source: Source, tz: ZoneInfo) -> list[Piece]:
    """Days to the nearest midnights, and at each edge the entries that are missing or those that are too many.

    Half a day of entries is read at most: of 110,000 a day each thousand takes a millisecond.
    """
    first, last = _nearest(start, tz), _nearest(end, tz)
    if first >= last:
        return [Piece(ENTRIES, start, end)]
    edges = [Piece(ENTRIES, min(start, first), max(start, first), less=first < start),
             Piece(ENTRIES, min(end, last), max(end, last), less=end < last)]  # fmt: skip
    return [piece for piece in (edges[0], Piece(source, first, last), edges[1]) if piece.start < piece.end]


def _nearest(moment: datetime, tz: ZoneInfo) -> datetime:
    """The midnight that is nearest."""
    day = periods.period("day", moment, tz)
    return day.start if moment - day.start <= day.end - moment else day.end


def _single(dimensions: set[str]) -> Cut | None:
    if not dimensions:
        return Cut.TOTAL
    return SINGLE.get(next(iter(dimensions))) if len(dimensions) == 1 else None


def _day_source(dimensions: set[str]) -> Source | None:
    single = _single(dimensions)
    if single is not None:
        return Source("spend_day", "day", single, dict.fromkeys(dimensions, "r.a"))
    if frozenset(dimensions) in PAIRS:
        return Source("spend_day", "day", *PAIRS[frozenset(dimensions)])
    if all(map(is_attribution, dimensions)):
        return Source("spend_day", "day", Cut.ATTRIBUTION, attribution="r.a")
    return None
