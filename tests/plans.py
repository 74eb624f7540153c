"""What PostgreSQL does for a statement: the rows it goes through, whatever the time."""

from collections.abc import Iterator
from typing import Any

from django.db import connection


def rows_gone_through(sql: str, parameters: Any = None) -> int:
    """How many rows the statement's steps give on or look at and leave, all together."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", parameters)
        plan = cursor.fetchone()[0]
    return sum(_rows(node) for node in nodes(plan[0]["Plan"]))


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's steps, all of them."""
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


def _rows(node: dict[str, Any]) -> int:
    each = sum(node.get(name, 0) for name in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter"))
    return int(each * node["Actual Loops"])
