"""One colour per value, the same on all pages and tomorrow: by the stored rank of the last 90 days, not by today's."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from costwatch.accounts.models import Workspace
from costwatch.dashboards.models import SeriesColours
from costwatch.lib import periods
from costwatch.spend.dimensions import FACTS
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import query

SERIES = 7  # that values own
COLOURS = 9  # that a chart can tell apart
RANKED_OVER = timedelta(days=90)
OTHER, NONE = "other", "none"


def slots(workspace: Workspace, dimension: str, now: datetime) -> list[str]:
    """The values that own the colours s1 to s7 ("" = free). Users, sessions and runs own none: they are too many."""
    if dimension in FACTS:
        return [""] * SERIES
    today = periods.local_day(now, periods.zone(workspace.time_zone))
    stored = SeriesColours.objects.filter(workspace=workspace, dimension=dimension).first()
    if stored and stored.ranked_on == today:
        return stored.slots
    return _rank(workspace, dimension, now, today, stored.slots if stored else [""] * SERIES)


def keep(known: Sequence[str], ranked: Sequence[str]) -> list[str]:
    """The slots after a look at the ranking: who is still among the first keeps its slot, newcomers get a free one."""
    leaders = list(ranked[:SERIES])
    kept = [value if value in leaders else "" for value in known]
    newcomers = iter([value for value in leaders if value not in kept])
    return [value or next(newcomers, "") for value in kept]


def assign(series: Sequence[str], owned: Sequence[str]) -> dict[str, str]:
    """The colour of each of at most nine series: its own, else one that no other series here owns."""
    own = {value: f"s{slot}" for slot, value in enumerate(owned, 1) if value and value in series}
    free = iter([f"s{slot}" for slot in range(1, COLOURS + 1) if f"s{slot}" not in own.values()])
    return {value: own.get(value) or next(free) for value in series}


def _rank(workspace: Workspace, dimension: str, now: datetime, today: date, known: list[str]) -> list[str]:
    answer = query(workspace, SpendFilter(now - RANKED_OVER, now + periods.DAY), (dimension,), limit=SERIES + 1)
    ranked = [name for group in answer.groups if not group.other and (name := group.values[dimension])]
    found = keep(known, ranked)
    if ranked:
        SeriesColours.objects.update_or_create(
            workspace=workspace, dimension=dimension, defaults={"slots": found, "ranked_on": today}
        )
    return found
