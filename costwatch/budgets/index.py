"""Which budgets an event counts for, found in memory: by what the event is, not by asking every budget.

Each budget is filed under the values of its narrowest dimension; one without conditions counts everything.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from costwatch.budgets import evaluate, terms
from costwatch.budgets.evaluate import Rule
from costwatch.budgets.models import Budget, BudgetVersion
from costwatch.spend.dimensions import FACTS
from costwatch.spend.filters import Values

NARROW_FIRST = ("run", "session", "user")
Conditions = tuple[tuple[str, frozenset[str], bool], ...]


@dataclass(frozen=True, slots=True)
class Watched:
    """A budget as the watch needs it. Conditions are (dimension, values, whether the value must be one of them)."""

    number: int
    rule: Rule
    labels: Conditions
    facts: Conditions
    per: str
    in_tokens: bool
    counted_since: datetime

    def first_look(self, amount: Decimal) -> Decimal | None:
        """The amount of a period at which something is to be told first."""
        return evaluate.next_look(amount, self.rule.thresholds, ())

    @property
    def needs(self) -> set[str]:
        """The dimensions that only the event itself tells."""
        return ({self.per} | {dimension for dimension, _, _ in self.facts}) & FACTS.keys()


class Index:
    """The budgets of one workspace that are not paused."""

    def __init__(self, version: int, budgets: Iterable[Watched]) -> None:
        self.version = version
        self.needs: set[str] = set()
        self._everything: list[Watched] = []
        self._filed: dict[str, dict[str, list[Watched]]] = {}
        self._of_labels: dict[int, list[Watched]] = {}
        for budget in budgets:
            self.needs |= budget.needs
            self._file(budget)

    def __bool__(self) -> bool:
        return bool(self._everything or self._filed)

    def of(self, attribution: int, labels: Mapping[str, str], facts: Mapping[str, str]) -> Iterator[Watched]:
        """The budgets that count events of an attribution (with these labels) and with these user, session and run."""
        own = self._of_labels.get(attribution)
        if own is None:
            own = self._of_labels[attribution] = list(self._by_labels(labels))
        for budget in own:
            if not budget.facts or _hold(budget.facts, facts):
                yield budget
        for dimension, value in facts.items():
            for budget in self._filed.get(dimension, {}).get(value, ()):
                if _hold(budget.facts, facts) and _hold(budget.labels, labels):
                    yield budget

    def _by_labels(self, labels: Mapping[str, str]) -> Iterator[Watched]:
        candidates = [*self._everything]
        for dimension in self._filed.keys() - FACTS.keys():
            candidates += self._filed[dimension].get(labels.get(dimension, ""), ())
        return (budget for budget in candidates if _hold(budget.labels, labels))

    def _file(self, budget: Watched) -> None:
        wanted = {dim: values for dim, values, must in (*budget.facts, *budget.labels) if must}
        if not wanted:
            self._everything.append(budget)
            return
        dimension = min(wanted, key=lambda name: (_width(name), len(wanted[name]), name))
        shelf = self._filed.setdefault(dimension, defaultdict(list))
        for value in wanted[dimension]:
            shelf[value].append(budget)


_known: dict[int, Index] = {}


def current(lanes: Iterable[int]) -> dict[int, Index]:
    """The indexes of these workspaces as their budgets are now. A workspace that never had a budget is not in it."""
    versions = dict(BudgetVersion.objects.filter(workspace__in=set(lanes)).values_list("workspace_id", "version"))
    for lane, version in versions.items():
        known = _known.get(lane)
        if known is None or known.version != version:
            _known[lane] = Index(version, _watched(lane))
    return {lane: _known[lane] for lane in versions}


def forget() -> None:
    """Read anew at the next look (in tests, whose database work is rolled back)."""
    _known.clear()


def _watched(lane: int) -> Iterator[Watched]:
    rows = Budget.objects.filter(workspace=lane, paused=False).select_related("workspace")
    for budget in rows.iterator():
        scope = terms.scope(budget)
        conditions = (*_conditions(scope.include, True), *_conditions(scope.exclude, False))
        yield Watched(
            budget.pk,
            terms.rule(budget, budget.workspace),
            tuple(one for one in conditions if one[0] not in FACTS),
            tuple(one for one in conditions if one[0] in FACTS),
            budget.per,
            budget.in_tokens,
            budget.counted_since,
        )


def _conditions(values: Values, must: bool) -> Conditions:
    return tuple((dimension, frozenset(wanted), must) for dimension, wanted in values.items())


def _hold(conditions: Conditions, values: Mapping[str, str]) -> bool:
    return all((values.get(dimension, "") in wanted) is must for dimension, wanted, must in conditions)


def _width(dimension: str) -> int:
    return NARROW_FIRST.index(dimension) if dimension in NARROW_FIRST else len(NARROW_FIRST)
