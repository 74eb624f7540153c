"""Interning: label tuples, end users and sessions become small numbers once, and are remembered in each process.

Ids are committed before an event uses them and never change, so a cache can only be incomplete, not wrong.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Any
from uuid import UUID

from psycopg import Cursor

from costwatch.ledger.entry import Entry
from costwatch.ledger.models import LabelKind
from costwatch.ledger.store import FEW, writing

KINDS = (LabelKind.PROVIDER, LabelKind.MODEL, LabelKind.OPERATION, LabelKind.AGENT, LabelKind.TASK,
         LabelKind.ENVIRONMENT, LabelKind.RELEASE)  # fmt: skip
CACHE_SIZE = 100_000  # entries a cache, about 30 MB at worst; the demo fills 500 of them

Labels = tuple[Any, ...]
_attributions: dict[tuple[int, Labels], int] = {}
_users: dict[tuple[int, str], int] = {}
_sessions: dict[tuple[int, str], int] = {}


@dataclass(frozen=True)
class Ids:
    """The numbers of one batch: `attribution` by position of the entry, users and sessions by their names."""

    attribution: list[int]
    users: dict[str, int]
    sessions: dict[str, int]


def resolve(lane: int, entries: Sequence[Entry]) -> Ids:
    """The numbers of everything these entries name, made where new. Raises StorageUnavailable."""
    labels = [_labels_of(e) for e in entries]
    attributions = _cached(_attributions, lane, set(labels), _make_attributions)
    users = _cached(_users, lane, {e.user_id for e in entries if e.user_id}, partial(_make, "end_user", "user_id"))
    sessions = _cached(_sessions, lane, {e.session_id for e in entries if e.session_id},
                       partial(_make, "session", "session_id"))  # fmt: skip
    return Ids([attributions[own] for own in labels], users, sessions)


def forget() -> None:
    """Empty the caches (a transaction around them was rolled back)."""
    for cache in (_attributions, _users, _sessions):
        cache.clear()


def remember(cache: dict[Any, int], new: dict[Any, int]) -> None:
    """Add committed ids to a cache; beyond CACHE_SIZE the oldest half goes."""
    if len(cache) > CACHE_SIZE:
        for key in list(cache)[: CACHE_SIZE // 2]:
            cache.pop(key, None)
    cache.update(new)


def _labels_of(entry: Entry) -> Labels:
    """What an event is attributed to: the seven labels in the order of KINDS, the API key, the tags."""
    tags = tuple(sorted(entry.tags.items())) if entry.tags else ()
    return (entry.provider, entry.model, entry.operation, entry.agent_id, entry.task, entry.environment,
            entry.release, entry.api_key_id or 0, tags)  # fmt: skip


def _cached(
    cache: dict[Any, int], lane: int, wanted: set[Any], make: Callable[[Cursor[Any], int, set[Any]], dict[Any, int]]
) -> dict[Any, int]:
    """Ids from the cache, the missing ones made in a transaction of their own and remembered once it is committed."""
    found = {name: cache[lane, name] for name in wanted if (lane, name) in cache}
    missing = wanted - found.keys()
    if missing:
        with writing() as cursor:
            made = make(cursor, lane, missing)
        remember(cache, {(lane, name): number for name, number in made.items()})
        found.update(made)
    return found


def _make(table: str, column: str, cursor: Cursor[Any], lane: int, wanted: set[str]) -> dict[str, int]:
    return names(cursor, table, column, lane, wanted)[0]


def names(cursor: Cursor[Any], table: str, column: str, lane: int, wanted: set[str]) -> tuple[dict[str, int], set[str]]:
    """Ids of names in one table, and which of them this call made; in sorted order, so that no two senders deadlock.

    Inserted first and looked up after: what a process does not remember is mostly new.
    """
    made = cursor.execute(
        f"INSERT INTO {table} (lane, {column}) SELECT %s, n FROM unnest(%s::text[]) n"
        f" ON CONFLICT DO NOTHING RETURNING {column}, id",
        [lane, sorted(wanted)],
        prepare=len(wanted) <= FEW,
    ).fetchall()
    found = dict(made)
    if len(made) < len(wanted):
        old = [name for name in wanted if name not in found]
        select = f"SELECT {column}, id FROM {table} WHERE lane = %s AND {column} = ANY(%s)"
        found.update(cursor.execute(select, [lane, old]).fetchall())
    return found, {name for name, _ in made}


def _make_attributions(cursor: Cursor[Any], lane: int, wanted: set[Labels]) -> dict[Labels, int]:
    missing = sorted(wanted, key=repr)
    values = {(int(kind), labels[i]) for labels in missing for i, kind in enumerate(KINDS) if labels[i]}
    numbers = _label_ids(cursor, lane, values)
    digests = {_digest(labels): labels for labels in missing}
    rows = []
    for digest, labels in sorted(digests.items()):
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
    cursor.execute("SELECT digest, id FROM attribution WHERE lane = %s AND digest = ANY(%s)", [lane, list(digests)])
    return {digests[digest]: number for digest, number in cursor.fetchall()}


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
    return UUID(bytes=blake2b(json.dumps(labels, ensure_ascii=True).encode(), digest_size=16).digest())
