"""Which incidents are about a value: their facts name it, their run carries it, or their budget limits it by name."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from costwatch.accounts.models import ApiKey, Workspace
from costwatch.alerts.models import Incident, Kind
from costwatch.budgets.models import Budget
from costwatch.ledger.models import Attribution, Run
from costwatch.spend.conditions import names_of
from costwatch.spend.dimensions import FACTS, KEY, RUN, TAG

Values = Mapping[str, Collection[str]]


def about(workspace: Workspace, rows: Sequence[Incident], dimension: str, values: Collection[str]) -> set[int]:
    """The ids of those incidents that are about one of the values."""
    carried = _runs_with(workspace, dimension, values, {row.run_id for row in rows if row.run_id})
    limited = _budgets_of(workspace, dimension, values, rows)
    return {
        row.pk
        for row in rows
        if row.run_id in carried or row.facts.get("budget") in limited or _names(row, dimension, values)
    }


def under(workspace: Workspace, rows: Sequence[Incident], include: Values, exclude: Values) -> list[Incident]:
    """Those incidents that are about what the conditions include and not about what they exclude, in their order."""
    for dimension, values in include.items():
        kept = about(workspace, rows, dimension, values)
        rows = [row for row in rows if row.pk in kept]
    for dimension, values in exclude.items():
        left_out = about(workspace, rows, dimension, values)
        rows = [row for row in rows if row.pk not in left_out]
    return list(rows)


def _names(incident: Incident, dimension: str, values: Collection[str]) -> bool:
    facts = incident.facts
    told = [facts.get(dimension)]
    told += [facts.get("value") for per in ("per", "dimension") if facts.get(per) == dimension]
    return any(isinstance(one, str) and one in values for one in told)


def _budgets_of(
    workspace: Workspace, dimension: str, values: Collection[str], rows: Iterable[Incident]
) -> Collection[int]:
    """The ids of the incidents' budgets whose scope names one of the values."""
    ids = {row.facts.get("budget") for row in rows if row.kind == Kind.BUDGET}
    scopes = Budget.objects.filter(workspace=workspace, pk__in=ids - {None}).values_list("pk", "scope") if ids else []
    return {number for number, scope in scopes if any(value in values for value in scope.get(dimension, ()))}


def _runs_with(workspace: Workspace, dimension: str, values: Collection[str], run_ids: set[str]) -> set[str]:
    """Those of some runs whose first call carries one of the values."""
    if dimension == RUN or not run_ids:
        return {run_id for run_id in run_ids if run_id in values}
    rows = list(Run.objects.filter(lane=workspace.lane, run_id__in=run_ids))
    if dimension in FACTS:
        column = FACTS[dimension]
        names = names_of(dimension, {getattr(row, column) for row in rows})
        return {row.run_id for row in rows if names.get(getattr(row, column) or 0) in values}
    told = _labels(workspace, dimension, {row.attribution_id for row in rows if row.attribution_id})
    return {row.run_id for row in rows if row.attribution_id and told.get(row.attribution_id) in values}


def _labels(workspace: Workspace, dimension: str, ids: set[int]) -> Mapping[int, str | None]:
    """What some attributions say of a dimension."""
    found = Attribution.objects.in_bulk(ids)
    if dimension.startswith(TAG):
        return {pk: one.tags.get(dimension.removeprefix(TAG), "") for pk, one in found.items()}
    numbers = {pk: getattr(one, f"{dimension}_id") for pk, one in found.items()}
    if dimension == KEY:
        keys = ApiKey.objects.filter(workspace=workspace, pk__in=set(numbers.values())).values_list("pk", "name")
        names: Mapping[int, str] = dict(keys)
    else:
        names = names_of(dimension, set(numbers.values()))
    return {pk: names.get(number, "") for pk, number in numbers.items()}
