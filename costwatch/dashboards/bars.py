"""What a chart of spend draws: some values by themselves, all the others together, from the same books as the rows."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from costwatch.accounts.models import Workspace
from costwatch.dashboards import colours
from costwatch.dashboards.ranges import Range
from costwatch.lib import periods
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import Answer, query

COST = ("cost",)

Bars = dict[str | None, list[Decimal]]
"""USD in each bucket of a span, by value; "": what is not attributed, None: all others together."""


def drawn(found: Answer, by: str) -> list[str]:
    """The values with a series of their own, dearest first."""
    ranked = sorted(found.groups, key=lambda g: -g.sums.cost)
    return [value for g in ranked if not g.other and (value := g.values[by]) and g.sums.cost > 0][: colours.SERIES]


def bars(workspace: Workspace, asked: SpendFilter, span: Range, by: str, found: Answer, order: Sequence[str]) -> Bars:
    """The bars of the values in `order`; `found` is the answer about the whole span.

    The others are the whole less those: looking up eight values takes a tenth of ranking thousands in each bucket.
    """
    starts = periods.buckets(span.start, span.end, span.bucket, span.zone, workspace.week_start)
    at = {period.start: number for number, period in enumerate(starts)}
    amounts: Bars = {value: [Decimal(0)] * len(starts) for value in (*order, "", None)}
    known = {group.values[by] for group in found.groups}
    own = tuple(value for value in (*order, "") if value in known)
    narrowed = replace(asked, include={**asked.include, by: own})
    parts = query(workspace, narrowed, (by,), span.bucket, limit=len(own), measures=COST).groups if own else []
    for group in query(workspace, asked, (), span.bucket, measures=COST).groups:
        amounts[None][at[group.bucket]] += group.sums.cost  # type: ignore[index]
    for group in parts:
        amounts[group.values[by]][at[group.bucket]] += group.sums.cost  # type: ignore[index]
        amounts[None][at[group.bucket]] -= group.sums.cost  # type: ignore[index]
    return amounts
