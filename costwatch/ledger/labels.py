"""Interning: label tuples become small numbers once, and are remembered in each process.

Ids are committed before an event uses them and never change, so a cache can only be incomplete, not wrong.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any
from uuid import UUID

from psycopg import Cursor

from costwatch.ledger.entry import Entry, Labels, labels_of
from costwatch.ledger.models import LabelKind
from costwatch.ledger.store import writing

KINDS = (LabelKind.PROVIDER, LabelKind.MODEL, LabelKind.OPERATION, LabelKind.AGENT, LabelKind.TASK,
         LabelKind.ENVIRONMENT, LabelKind.RELEASE)  # fmt: skip
CACHE_SIZE = 100_000  # entries a cache, about 30 MB at worst; the demo fills 500 of them

Attribution = tuple[int, int, Labels]  # workspace, API key or 0, labels
_attributions: dict[Attribution, int] = {}


def resolve(lane: int, entries: Sequence[Entry]) -> list[int]:
    """The number of each entry's attribution, made where it is new. Raises StorageUnavailable."""
    asked = [(lane, e.api_key_id or 0, e.labels or labels_of(e)) for e in entries]
    numbers = [*map(_attributions.get, asked)]
    if None in numbers:
        missing = {own for own, number in zip(asked, numbers, strict=True) if number is None}
        with writing() as cursor:
            made = _make_attributions(cursor, lane, missing)
        remember(_attributions, made)
        numbers = [number or made[own] for own, number in zip(asked, numbers, strict=True)]
    return numbers  # type: ignore[return-value]


def known(cache: dict[tuple[int, Any], int], lane: int, wanted: Iterable[Any]) -> dict[Any, int]:
    """The numbers of those that this process remembers."""
    return {name: number for name in wanted if (number := cache.get((lane, name)))}


def forget() -> None:
    """Empty the cache (a transaction around it was rolled back)."""
    _attributions.clear()


def remember(cache: dict[Any, Any], new: Mapping[Any, Any]) -> None:
    """Add committed ids (or what they stand for) to a cache; beyond CACHE_SIZE the oldest half goes."""
    if len(cache) > CACHE_SIZE:
        for key in list(cache)[: CACHE_SIZE // 2]:
            cache.pop(key, None)
    cache.update(new)


def _make_attributions(cursor: Cursor[Any], lane: int, wanted: set[Attribution]) -> dict[Attribution, int]:
    missing = sorted(wanted, key=repr)
    values = {(int(kind), own[i]) for _, _, own in missing for i, kind in enumerate(KINDS) if own[i]}
    numbers = _label_ids(cursor, lane, values)  # type: ignore[arg-type]
    digests = {asked: _digest(asked) for asked in missing}
    rows = []
    for digest, (_, key_id, own) in sorted({digest: asked for asked, digest in digests.items()}.items()):
        ids = [numbers.get((int(kind), own[i]), 0) for i, kind in enumerate(KINDS)]  # type: ignore[arg-type]
        rows.append((digest, [*ids, key_id], dict(own.tags)))
    cursor.execute(
        "INSERT INTO attribution (lane, digest, provider_id, model_id, operation_id, agent_id, task_id, environment_id,"
        " release_id, key_id, tags) SELECT %s, * FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::int[], %s::int[],"
        " %s::int[], %s::int[], %s::int[], %s::int[], %s::jsonb[]) ON CONFLICT DO NOTHING",
        [
            lane,
            [r[0] for r in rows],
            *([r[1][i] for r in rows] for i in range(8)),
            [json.dumps(r[2]) for r in rows],
        ],
    )
    cursor.execute(
        "SELECT digest, id FROM attribution WHERE lane = %s AND digest = ANY(%s)", [lane, [row[0] for row in rows]]
    )
    numbered = dict(cursor.fetchall())
    return {asked: numbered[digest] for asked, digest in digests.items()}


def _label_ids(cursor: Cursor[Any], lane: int, wanted: set[tuple[int, str]]) -> dict[tuple[int, str], int]:
    pairs = sorted(wanted)
    kinds, values = [int(k) for k, _ in pairs], [v for _, v in pairs]
    cursor.execute("INSERT INTO label (lane, kind, value)"
                   " SELECT %s, * FROM unnest(%s::smallint[], %s::text[]) AS w(kind, value)"
                   " WHERE NOT EXISTS (SELECT FROM label l WHERE l.lane = %s AND l.kind = w.kind AND l.value = w.value)"
                   " ORDER BY kind, value"  # the plan need not keep it, and two senders would deadlock
                   " ON CONFLICT DO NOTHING", [lane, kinds, values, lane])  # fmt: skip
    cursor.execute("SELECT l.kind, l.value, l.id FROM label l JOIN unnest(%s::smallint[], %s::text[]) AS w(kind, value)"
                   " ON l.lane = %s AND l.kind = w.kind AND l.value = w.value", [kinds, values, lane])  # fmt: skip
    return {(kind, value): number for kind, value, number in cursor.fetchall()}


def _digest(asked: Attribution) -> UUID:
    """The same whatever the order of the tags."""
    _, key_id, own = asked
    said = (*own[:7], key_id, sorted(own.tags))
    return UUID(bytes=blake2b(json.dumps(said, ensure_ascii=True).encode(), digest_size=16).digest())
