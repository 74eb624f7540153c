"""The detector's memory of one workspace, out of the tables for a portion of calls and back."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any

import msgspec
from django.db import connection
from django.db.models import Q
from psycopg import Cursor

from costwatch.loops.lessons import settings_of
from costwatch.loops.models import UsualRun, WatchedRun
from costwatch.loops.state import RunState
from costwatch.loops.stream import Stream
from costwatch.loops.usual import FINISHED_AFTER, Usual

MOST_ENDED = 5_000  # runs learnt from in one portion; the rest in the next
KEPT_FOR = timedelta(days=2)

# one statement with binary arrays: the ORM binds on the client, which took 2 ms a run
_SAVE = """
INSERT INTO watched_run (lane, looked_at, run, run_id, state, last_at, learnt)
SELECT %s, %s, * FROM unnest(%b::bigint[], %b::text[], %b::bytea[], %b::timestamptz[], %b::boolean[])
ON CONFLICT (lane, run) DO UPDATE SET state = excluded.state, last_at = excluded.last_at,
       learnt = excluded.learnt, looked_at = excluded.looked_at"""

# one array each: as an IN list of 1,400 numbers the reading of the statement took 20 us a call of the portion
_KNOWN = "SELECT run, run_id, state, last_at, learnt FROM watched_run WHERE lane = %s AND run = ANY(%s)"
_ENDED = """
SELECT run, run_id, state, last_at, learnt FROM watched_run WHERE lane = %s AND NOT learnt AND last_at < %s
 ORDER BY last_at LIMIT %s"""
_LEARNT = "UPDATE watched_run SET learnt = true WHERE lane = %s AND run = ANY(%s)"

_encode = msgspec.msgpack.Encoder().encode
_run = msgspec.msgpack.Decoder(RunState).decode
_usual = msgspec.msgpack.Decoder(Usual).decode

Pair = tuple[str, str]


class Memory:
    """A Stream whose runs and usual lengths are those stored for a workspace, as far as these runs need them."""

    def __init__(self, lane: int, runs: dict[str, int], pairs: set[Pair], until: float) -> None:
        """`runs`: the portion's, run id → the ledger's number; `pairs`: agent and task of their calls; `until`: the
        latest call's time, which decides whose end is known now."""
        self.lane = lane
        self.numbers = dict(runs)
        self.stream = Stream(settings_of(lane), forgotten_after=inf)
        self.known = self._load_runs(set(runs.values()), until)
        states = (*self.stream.active.values(), *self.stream.quiet.values())
        self._load_usual(pairs | {(state.agent, state.task) for state in states})

    def state(self, run_id: str) -> RunState:
        """The state of a run of the portion."""
        return self.stream.active.get(run_id) or self.stream.quiet[run_id]

    def replace(self, run_id: str, state: RunState) -> None:
        """A run that was judged anew."""
        where = self.stream.active if run_id in self.stream.active else self.stream.quiet
        where[run_id] = state

    def save(self, cursor: Cursor[Any], touched: Iterable[str], now: datetime) -> None:
        """Store the runs touched, those that ended, and what was learnt from them."""
        ended = [run_id for run_id in self.known - set(touched) if run_id not in self.stream.active]
        cursor.execute(_LEARNT, [self.lane, [self.numbers[run_id] for run_id in ended]])
        self._save_runs(cursor, sorted(touched), now)
        usual = [((False, *pair), own) for pair, own in self.stream.usual.items()]
        usual.append(((True, "", ""), self.stream.everyone))
        changed = [
            UsualRun(lane=self.lane, everyone=everyone, agent=agent, task=task, usual=_encode(own))
            for (everyone, agent, task), own in usual
            if own.seen != self._seen.get((everyone, agent, task), 0)
        ]
        UsualRun.objects.bulk_create(changed, update_conflicts=True, update_fields=["usual"],
                                     unique_fields=["lane", "everyone", "agent", "task"])  # fmt: skip

    def _save_runs(self, cursor: Cursor[Any], touched: list[str], now: datetime) -> None:
        states = [self.state(run_id) for run_id in touched]
        columns = [
            [self.numbers[run_id] for run_id in touched],
            touched,
            [_encode(state) for state in states],
            [datetime.fromtimestamp(state.last_at, UTC) for state in states],
            [run_id not in self.stream.active for run_id in touched],
        ]
        cursor.execute(_SAVE, [self.lane, now, *columns])

    def _load_runs(self, numbers: set[int], until: float) -> set[str]:
        """The portion's runs, and those whose end is known by now, in the order of their last calls."""
        silent = datetime.fromtimestamp(until - FINISHED_AFTER, UTC)
        with connection.cursor() as cursor:
            cursor.execute(_KNOWN, [self.lane, [*numbers]])
            rows = cursor.fetchall()
            cursor.execute(_ENDED, [self.lane, silent, MOST_ENDED])
            rows += cursor.fetchall()
        found = {run: row for run, *row in rows}
        for run, (run_id, state, _, learnt) in sorted(found.items(), key=lambda item: item[1][2]):
            self.numbers[run_id] = run
            where = self.stream.quiet if learnt else self.stream.active
            where[run_id] = _run(bytes(state))
        return {run_id for run_id, *_ in found.values()}

    def _load_usual(self, pairs: set[Pair]) -> None:
        self._seen: dict[tuple[bool, str, str], int] = {}
        agents = {agent for agent, _ in pairs}
        for row in UsualRun.objects.filter(Q(everyone=True) | Q(agent__in=agents), lane=self.lane):
            usual = _usual(bytes(row.usual))
            if row.everyone:
                self.stream.everyone = usual
            elif (row.agent, row.task) in pairs:
                self.stream.usual[row.agent, row.task] = usual
            self._seen[row.everyone, row.agent, row.task] = usual.seen


def forget(now: datetime) -> None:
    """Drop runs that nothing was heard of for two days; should they go on, the ledger has all their calls."""
    WatchedRun.objects.filter(looked_at__lt=now - KEPT_FOR).delete()
