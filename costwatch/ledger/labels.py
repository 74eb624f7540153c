"""Interning: label tuples become small numbers once, and are remembered in each process.

Ids are committed before an event uses them and never change, so a cache can only be incomplete, not wrong.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any
from uuid import UUID

from psycopg import Cursor

from costwatch.ledger.entry import Entry
from costwatch.ledger.models import LabelKind
from costwatch.ledger.store import writing

KINDS = (LabelKind.PROVIDER, LabelKind.MODEL, LabelKind.OPERATION, LabelKind.AGENT, LabelKind.TASK,
         LabelKind.ENVIRONMENT, LabelKind.RELEASE)  # fmt: skip
CACHE_SIZE = 100_000  # entries a cache, about 30 MB at worst; the demo fills 500 of them

Labels = tuple[Any, ...]
_attributions: dict[Labels, int] = {}


def resolve(lane: int, entries: Sequence[Entry]) -> list[int]:
    """The number of each entry's attribution, made where it is new. Raises StorageUnavailable."""
    labels = [_labels_of(lane, e) for e in entries]
    numbers = [*map(_attributions.get, labels)]
    if None in numbers:
        missing = {own for own, number in zip(labels, numbers, strict=True) if number is None}
        with writing() as cursor:
            made = _make_attributions(cursor, lane, missing)
        remember(_attributions, made)
        numbers = [number or made[own] for own, number in zip(labels, numbers, strict=True)]
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


def _labels_of(lane: int, entry: Entry) -> Labels:
    """What an event is attributed to: the seven labels in the order of KINDS, API key, tags as they came, workspace."""
    tags = tuple(entry.tags.items()) if entry.tags else ()
    return (entry.provider, entry.model, entry.operation, entry.agent_id, entry.task, entry.environment,
            entry.release, entry.api_key_id or 0, tags, lane)  # fmt: skip


def _make_attributions(cursor: Cursor[Any], lane: int, wanted: set[Labels]) -> dict[Labels, int]:
    missing = sorted(wanted, key=repr)
    values = {(int(kind), labels[i]) for labels in missing for i, kind in enumerate(KINDS) if labels[i]}
    numbers = _label_ids(cursor, lane, values)
    digests = {labels: _digest(labels) for labels in missing}
    rows = []
    for digest, labels in sorted({digest: labels for labels, digest in digests.items()}.items()):
        ids = [numbers.get((int(kind), labels[i]), 0) for i, kind in enumerate(KINDS)]
        rows.append((digest, [*ids, labels[7]], dict(labels[8])))
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
    return {labels: numbered[digest] for labels, digest in digests.items()}


def _label_ids(cursor: Cursor[Any], lane: int, wanted: set[tuple[int, str]]) -> dict[tuple[int, str], int]:
    pairs = sorted(wanted)
    kinds, values = [int(k) for k, _ in pairs], [v for _, v in pairs]
    cursor.execute("INSERT INTO label (lane, kind, value)"
                   " SELECT %s, * FROM unnest(%s::smallint[], %s::text[]) AS w(kind, value)"
                   " WHERE NOT EXISTS (SELECT FROM label l WHERE l.lane = %s AND l.kind = w.kind AND l.value = w.value)"
                   " ON CONFLICT DO NOTHING", [lane, kinds, values, lane])  # fmt: skip
    cursor.execute("SELECT l.kind, l.value, l.id FROM label l JOIN unnest(%s::smallint[], %s::text[]) AS w(kind, value)"
                   " ON l.lane = %s AND l.kind = w.kind AND l.value = w.value", [kinds, values, lane])  # fmt: skip
    return {(kind, value): number for kind, value, number in cursor.fetchall()}


def _digest(labels: Labels) -> UUID:
    """The same whatever the order of the tags."""
    labels = (*labels[:8], sorted(labels[8]))
    return UUID(bytes=blake2b(json.dumps(labels, ensure_ascii=True).encode(), digest_size=16).digest())
