"""What was spent of budgets, read from the books: many budgets by few queries, to the last digit."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product

from costwatch.budgets.terms import Scope
from costwatch.lib.periods import Period
from costwatch.spend import queries
from costwatch.spend.filters import Values
from costwatch.spend.queries import MOST_GROUPS, Answer, Group, Workspace
from costwatch.spend.sums import Sums, add

NOTHING = Sums()
REST = "\0"
"""Stands for all values of a template beyond the dearest 10,000; no name holds a NUL."""
MOST_SHARED = 2  # dimensions: of more, the combinations may be many more than the budgets


@dataclass(frozen=True)
class Part:
    """Of which part of the usage, in which period. `per`: by the values of this dimension; `values`: only of these."""

    scope: Scope
    period: Period
    per: str = ""
    values: tuple[str, ...] | None = None


def read(workspace: Workspace, parts: Sequence[Part]) -> list[dict[str, Sums]]:
    """For each part, value of its template → sums; "" is the key of a part that is no template.

    A template without `values` answers its dearest 10,000 values, those not attributed ("") and the REST together.
    """
    answers: dict[int, dict[str, Sums]] = {}
    for numbers in _alike(parts):
        if len(numbers) > 1:
            answers |= _together(workspace, parts, numbers)
        for number in numbers:
            if number not in answers:
                answers[number] = _alone(workspace, parts[number])
    return [answers[number] for number in range(len(parts))]


@dataclass(frozen=True)
class Dearest:
    """The values of a template that spent most dollars, what is not attributed ("") and the REST together. `count`: how
    many values spent something; `reaching`: of each amount asked for, how many spent that much or more."""

    sums: dict[str, Sums]
    count: int
    reaching: list[int]


def dearest(workspace: Workspace, part: Part, most: int, amounts: Sequence[Decimal]) -> Dearest:
    """The dearest `most` values of a template. (Telling a month of 44,000 users one by one takes 0.4 s.)"""
    nobody = unattributed(workspace, part)
    named = part.scope.without(part.per, "").within(part.period)
    answer = queries.query(workspace, named, [part.per], limit=most, amounts=amounts)
    sums = _by_value(answer, part.per) | ({"": nobody} if nobody else {})
    # where amounts are asked about, combinations are counted
    return Dearest(sums, answer.combinations or 0, list(answer.reaching))


def unattributed(workspace: Workspace, part: Part) -> Sums:
    """What a template's part of the usage has under no value; nothing where it is of some values alone."""
    if "" not in part.scope.include.get(part.per, ("",)):
        return NOTHING
    return queries.query(workspace, part.scope.with_values(part.per, ("",)).within(part.period)).total


def _alike(parts: Sequence[Part]) -> Iterator[list[int]]:
    """Numbers of parts that one query can answer: the same dimensions in the same period."""
    shared: dict[tuple[Period, tuple[str, ...]], list[int]] = defaultdict(list)
    for number, part in enumerate(parts):
        dimensions = tuple(sorted(part.scope.include))
        if part.per or part.scope.exclude or len(dimensions) > MOST_SHARED:
            yield [number]
        else:
            shared[part.period, dimensions].append(number)
    yield from shared.values()


def _together(workspace: Workspace, parts: Sequence[Part], numbers: list[int]) -> dict[int, dict[str, Sums]]:
    """One query for parts that are alike; nothing where its answer had to leave something out."""
    first = parts[numbers[0]]
    dimensions = sorted(first.scope.include)
    includes = [parts[n].scope.include for n in numbers]
    wanted = {dimension: _union(includes, dimension) for dimension in dimensions}
    filter = Scope(wanted, {}).within(first.period)
    answer = queries.query(workspace, filter, dimensions, limit=MOST_GROUPS)
    if any(group.other for group in answer.groups):
        return {}
    found: dict[tuple[str | None, ...], list[Group]] = defaultdict(list)
    for group in answer.groups:
        found[tuple(group.values[d] for d in dimensions)].append(group)
    return {n: {"": _sum_of(found, parts[n].scope.include, dimensions)} for n in numbers}


def _sum_of(found: dict[tuple[str | None, ...], list[Group]], include: Values, dimensions: Sequence[str]) -> Sums:
    """The sums of the groups that one part means."""
    keys: Iterable[tuple[str | None, ...]] = product(*(include[dimension] for dimension in dimensions))
    return add(group.sums for key in keys for group in found.get(key, ()))


def _alone(workspace: Workspace, part: Part) -> dict[str, Sums]:
    if not part.per:
        return {"": queries.query(workspace, part.scope.within(part.period)).total}
    if part.values is None:
        answer = queries.query(workspace, part.scope.within(part.period), [part.per], limit=MOST_GROUPS)
        return _by_value(answer, part.per)
    allowed = part.scope.include.get(part.per)
    wanted = [value for value in part.values if allowed is None or value in allowed]
    sums: dict[str, Sums] = {}
    for i in range(0, len(wanted), MOST_GROUPS):
        some = part.scope.with_values(part.per, tuple(wanted[i : i + MOST_GROUPS]))
        answer = queries.query(workspace, some.within(part.period), [part.per], limit=MOST_GROUPS)
        sums |= {group.values[part.per] or "": group.sums for group in answer.groups}
    return sums


def _by_value(answer: Answer, per: str) -> dict[str, Sums]:
    """The sums by value of a template, those of all others under REST."""
    return {REST if group.other else group.values[per] or "": group.sums for group in answer.groups}


def _union(includes: Sequence[Values], dimension: str) -> tuple[str, ...]:
    """All values of a dimension in some scopes."""
    return tuple(sorted({value for include in includes for value in include[dimension]}))
