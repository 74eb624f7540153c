"""A filter's conditions as SQL. Values are parameters always; identifiers come from the fixed mappings here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from costwatch.accounts.models import ApiKey
from costwatch.ledger.labels import remember
from costwatch.ledger.models import EndUser, Label, Run, Session
from costwatch.spend.dimensions import KEY, LABELS, RUN, SESSION, TAG, USER, is_attribution
from costwatch.spend.filters import SpendFilter
from costwatch.spend.sources import Source

FEW_ATTRIBUTIONS = 1_000  # so many ids are looked up by index; more are cheaper as a join

Clause = tuple[str, list[Any]]


@dataclass(frozen=True)
class Condition:
    """One dimension is (or, negated, is not) one of these ids (tags: texts) of `lane`; 0 or "" = not attributed."""

    lane: int
    dimension: str
    values: list[Any]
    negated: bool


def resolve(lane: int, filter: SpendFilter) -> list[Condition]:
    """The conditions with names turned into ids. A name that nothing was ever recorded under matches nothing."""
    return [
        Condition(lane, dimension, _ids(lane, dimension, values), negated)
        for negated, part in ((False, filter.include), (True, filter.exclude))
        for dimension, values in sorted(part.items())
    ]


def on_source(source: Source, conditions: list[Condition], attributions: list[int] | None) -> list[Clause]:
    """The conditions on the rows `r` of a source.

    What only their attributions say is a look into a hash: as a join, the rows of a workspace that no ANALYZE has seen
    were read anew for each of its attributions.
    """
    clauses = []
    for condition in conditions:
        column = source.columns.get(condition.dimension)
        if column is not None:
            clauses.append(_on_id(column, condition, nullable=source.cut is None))
        elif attributions is None:
            sql, values = _on_attribution(condition)
            own = f"SELECT t.id FROM attribution t WHERE t.lane = %s AND {sql}"
            clauses.append((f"({source.attribution} IN ({own})) IS TRUE", [condition.lane, *values]))
    if attributions is not None and source.attribution:
        clauses.append((f"{source.attribution} = ANY(%s::integer[])", [attributions]))
    return clauses


def from_clause(source: Source, group_by: Sequence[str], *, is_tail: bool = False) -> str:
    """The table as `r`, with its attributions as `t` and API keys as `k` where something is grouped by them.

    `is_tail`: only the few entries that no fold has seen are read. Each asks for its attribution then: of a workspace
    that is new the planner expects one row, and read 4,000 of them anew for each of 460 attributions.
    """
    sql = f"{source.table} r"
    if any(is_attribution(dimension) and dimension not in source.columns for dimension in group_by):
        # "+ 0": never look up rows by index for one attribution after the other; PostgreSQL takes tags for far more
        # selective than they are, and 780,000 look-ups took ten times as long as reading all rows of the range
        sql += (
            f" CROSS JOIN LATERAL (SELECT * FROM attribution a WHERE a.id = {source.attribution} OFFSET 0) t"
            if is_tail
            else f" JOIN attribution t ON t.id = {source.attribution} + 0"
        )
    if KEY in group_by:
        sql += f" LEFT JOIN accounts_apikey k ON k.id = {source.columns.get(KEY, 't.key_id')}"
    return sql


def few_attributions(lane: int, conditions: list[Condition]) -> list[int] | None:
    """The ids of the attributions for which the conditions hold, if there are few; None for many or no conditions."""
    wanted = [_on_attribution(c) for c in conditions if is_attribution(c.dimension)]
    if not wanted:
        return None
    where, parameters = joined([("t.lane = %s", [lane]), *wanted])
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT t.id FROM attribution t WHERE {where} LIMIT %s", [*parameters, FEW_ATTRIBUTIONS + 1])
        ids = [number for (number,) in cursor.fetchall()]
    return ids if len(ids) <= FEW_ATTRIBUTIONS else None


def group_expression(source: Source, dimension: str) -> Clause:
    """What to group rows of a source by: an id, 0 where not attributed; the text itself for tags and names of keys."""
    if dimension.startswith(TAG):
        return "coalesce(t.tags ->> %s, '')", [dimension.removeprefix(TAG)]
    if dimension == KEY:  # two keys may have one name, and the name is what is asked for
        return "coalesce(k.name, '')", []
    column = source.columns.get(dimension)
    if column is None:
        return f"t.{dimension}_id::bigint", []
    return (f"coalesce({column}, 0)" if source.cut is None else column), []


def names_of(dimension: str, ids: set[Any]) -> Mapping[Any, str]:
    """The sender's names of ids that `group_expression` gave."""
    if dimension == KEY or dimension.startswith(TAG):
        return {name: name for name in ids}
    if dimension in LABELS:
        return _labels_of(ids)
    model, name = _FACT_TABLES[dimension]
    return {0: "", **dict(model.objects.filter(id__in=ids).values_list("id", name))}


_labels: dict[int, str] = {}  # a label never changes; a page names the same few hundred half a dozen times


def _labels_of(ids: set[int]) -> dict[int, str]:
    known = {number: value for number in ids if (value := _labels.get(number)) is not None}
    missing = ids - known.keys() - {0}
    if missing:
        found = dict(Label.objects.filter(id__in=missing).values_list("id", "value"))
        remember(_labels, found)
        known.update(found)
    return {0: "", **known}


def joined(clauses: list[Clause]) -> Clause:
    """All clauses as one condition."""
    return " AND ".join(sql for sql, _ in clauses), [value for _, values in clauses for value in values]


_FACT_TABLES: dict[str, tuple[Any, str]] = {
    USER: (EndUser, "user_id"),
    SESSION: (Session, "session_id"),
    RUN: (Run, "run_id"),
}


def _ids(lane: int, dimension: str, values: tuple[str, ...]) -> list[Any]:
    if dimension.startswith(TAG):
        return list(values)
    wanted = [value for value in values if value]
    if dimension in LABELS:
        ids = _label_ids(lane, LABELS[dimension], wanted)
        return [*ids, 0] if "" in values else ids
    if dimension == KEY:
        rows: Any = ApiKey.objects.filter(workspace_id=lane, name__in=wanted)
    else:
        model, name = _FACT_TABLES[dimension]
        rows = model.objects.filter(lane=lane, **{f"{name}__in": wanted})
    ids = list(rows.values_list("id", flat=True)) if wanted else []
    return [*ids, 0] if "" in values else ids


_label_numbers: dict[tuple[int, int, str], int] = {}  # a filtered page asks twenty times, of 18 ms in all


def _label_ids(lane: int, kind: int, values: Sequence[str]) -> list[Any]:
    known = {value: n for value in values if (n := _label_numbers.get((lane, kind, value))) is not None}
    missing = [value for value in values if value not in known]
    if missing:
        found = dict(Label.objects.filter(lane=lane, kind=kind, value__in=missing).values_list("value", "id"))
        remember(_label_numbers, {(lane, kind, value): number for value, number in found.items()})
        known.update(found)
    return list(known.values())


def _on_attribution(condition: Condition) -> Clause:
    dimension, values = condition.dimension, condition.values
    if dimension.startswith(TAG):
        operator = "<> ALL" if condition.negated else "= ANY"
        return f"coalesce(t.tags ->> %s, '') {operator}(%s::text[])", [dimension.removeprefix(TAG), values]
    return _on_id(f"t.{dimension}_id", condition, nullable=False)


def _on_id(column: str, condition: Condition, *, nullable: bool) -> Clause:
    values, negated = condition.values, condition.negated
    clause = f"{column} {'<> ALL' if negated else '= ANY'}(%s::bigint[])"
    # NULL is "not attributed", id 0 in the rollups: `= ANY` and `<> ALL` are both not true for it
    if nullable and (0 in values) != negated:
        clause = f"({clause} OR {column} IS NULL)"
    return clause, [values]
