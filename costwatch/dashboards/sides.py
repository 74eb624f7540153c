"""One question asked of two spans of time, so that every value that is told has its sums of both."""

from collections.abc import Sequence
from dataclasses import replace

from costwatch.accounts.models import Workspace
from costwatch.dashboards.table import less
from costwatch.spend.filters import SpendFilter
from costwatch.spend.queries import MOST_GROUPS, Answer, Group, query

MOST_VALUES = 500  # rows fetched of a dimension with very many values; the others are one row


def side_by_side(
    workspace: Workspace, now: SpendFilter, before: SpendFilter, by: Sequence[str], rank: str = "cost"
) -> tuple[Answer, Answer]:
    """The sums of both spans. Of very many values those with the most of `rank` in either, each with both sums."""
    first, second = (query(workspace, span, by, limit=MOST_VALUES, rank=rank) for span in (now, before))
    return _with(workspace, now, first, by, second), _with(workspace, before, second, by, first)


def _with(workspace: Workspace, span: SpendFilter, answer: Answer, by: Sequence[str], also: Answer) -> Answer:
    """An answer with the values of another one too, taken out of what its limit had put together."""
    rest = next((group for group in answer.groups if group.other), None)
    missing = {_key(group) for group in also.groups if not group.other} - {_key(group) for group in answer.groups}
    if rest is None or not missing:
        return answer
    asked = replace(span, include={**span.include, by[0]: tuple(sorted({key[0] or "" for key in missing}))})
    found = [group for group in query(workspace, asked, by, limit=MOST_GROUPS).groups if _key(group) in missing]
    others = replace(rest, sums=less(rest.sums, *(group.sums for group in found)))
    return replace(answer, groups=[*(group for group in answer.groups if group is not rest), *found, others])


def _key(group: Group) -> tuple[str | None, ...]:
    return tuple(group.values.values())
