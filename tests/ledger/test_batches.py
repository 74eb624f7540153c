"""Batches too large for one statement: whatever is known, made elsewhere or repeated, each event counts once."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.accounts.models import Workspace
from costwatch.ledger import few, opening
from costwatch.ledger.entry import Entry
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import EndUser, EventKey, IngestBatch, Run, Session, UsageEvent
from costwatch.ledger.record import forget, record
from costwatch.ledger.verify import verify
from tests.ledger.make import entry
from tests.plans import nodes

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
MANY = few.MOST + 5


def fresh(event_id: str, **fields: object) -> Entry:
    return entry(event_id, **{"timestamp": datetime.now(UTC), **fields})


def batch(name: str, count: int = MANY, **fields: object) -> list[Entry]:
    return [fresh(f"{name}-{n}", **fields) for n in range(count)]


def test_a_batch_of_new_events_is_stored_whole(lane):
    sent = [fresh(f"e-{n}", run_id=f"r-{n % 9}", session_id=f"s-{n % 4}", user_id=f"u-{n % 3}") for n in range(MANY)]
    assert record(lane, sent) == []
    counts = [model.objects.count() for model in (UsageEvent, EventKey, Run, Session, EndUser, IngestBatch)]
    assert counts == [MANY, MANY, 9, 4, 3, 1]
    assert UsageEvent.objects.filter(starts_run=True).count() == 9


@pytest.mark.parametrize("at", [0, MANY // 2, MANY - 1], ids=["first", "middle", "last"])
def test_one_known_event_does_not_keep_the_others_out(lane, at):
    sent = batch("new", run_id="r")
    record(lane, [sent[at]])
    assert record(lane, sent) == [at]
    assert UsageEvent.objects.count() == EventKey.objects.count() == MANY and Run.objects.count() == 1
    fold_all()
    assert verify(deep=True).ok


def test_a_batch_sent_again_stores_nothing_and_leaves_nothing_behind(lane):
    assert record(lane, batch("a", run_id="r")) == []
    assert record(lane, batch("a", run_id="made up on the second time")) == [*range(MANY)]
    assert UsageEvent.objects.count() == MANY and IngestBatch.objects.count() == 1
    assert list(Run.objects.values_list("run_id", flat=True)) == ["r"]


def test_names_that_another_process_has_made_meanwhile_keep_their_numbers(lane):
    record(lane, batch("a", run_id="r", session_id="s", user_id="u"))
    forget()
    record(lane, [*batch("b", run_id="r", session_id="s", user_id="u"), fresh("c", run_id="r2", user_id="u2")])
    assert (Run.objects.count(), Session.objects.count(), EndUser.objects.count()) == (2, 1, 2)
    assert UsageEvent.objects.filter(run_id=Run.objects.get(run_id="r").pk).count() == 2 * MANY
    assert UsageEvent.objects.filter(starts_run=True).count() == 2


def test_a_batch_that_names_nobody_makes_no_names(lane):
    assert record(lane, batch("a")) == []
    assert Run.objects.count() == Session.objects.count() == EndUser.objects.count() == 0


def test_a_second_name_of_a_known_answer_leads_to_it_also_from_within_a_batch(lane):
    record(lane, [fresh("sdk", response_id="resp")])
    assert record(lane, [*batch("a"), fresh("gateway", response_id="resp")]) == [MANY]
    assert record(lane, [*batch("b"), fresh("gateway")]) == [MANY]
    assert UsageEvent.objects.count() == 2 * MANY + 1


def test_a_repeat_with_another_answer_id_in_one_batch_makes_that_id_known_too(lane):
    sent = [fresh("one", response_id="first"), *batch("a"), fresh("one", response_id="second")]
    assert record(lane, sent) == [MANY + 1]
    assert record(lane, [*batch("b"), fresh("two", response_id="second")]) == [MANY]


def test_a_name_that_only_a_duplicate_brought_leads_further_within_the_batch(lane):
    record(lane, [fresh("one"), fresh("one", response_id="resp"), fresh("two", response_id="resp"), *batch("a")])
    assert EventKey.objects.filter(alias_of=None).count() == UsageEvent.objects.count() == MANY + 1
    assert record(lane, [fresh("two")]) == [0]
    fold_all()
    assert verify(deep=True).ok


@dataclass
class Model:
    """What should be known: names of answers and events lead to the event stored first."""

    stored: set[str] = field(default_factory=set)
    known: set[tuple[str, str]] = field(default_factory=set)

    def take(self, sent: list[tuple[str, str | None, str]]) -> list[int]:
        """The indexes of the duplicates. All of a batch's keys are known before it, or come with its first bearer."""
        duplicates = []
        before, within = set(self.known), set()
        for place, (event_id, response, _) in enumerate(sent):
            names = {("event", event_id)} | ({("response", response)} if response else set())
            if names & before or names & within:
                duplicates.append(place)
            else:
                self.stored.add(event_id)
            within |= names
        self.known |= within
        return duplicates


answers = st.sampled_from([None, None, "a1", "a2", "a3"])
calls = st.tuples(st.sampled_from([f"e{n}" for n in range(30)]), answers, st.sampled_from(["r1", "r2", "r3"]))
batches = st.lists(st.tuples(st.booleans(), st.booleans(), st.lists(calls, min_size=1, max_size=12)), max_size=6)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches)
def test_any_sequence_of_batches_stores_each_event_once(lane, sequence):
    workspace = Workspace.objects.create(name=uuid4().hex)
    model, fresh_names = Model(), 0
    for large, other_process, sent in sequence:
        if other_process:
            opening.forget()
        filling: list[tuple[str, str | None, str]] = []
        if large:  # the long way
            filling = [(f"fill-{fresh_names + n}", None, "r9") for n in range(MANY)]
            fresh_names += MANY
        asked = [*sent, *filling]
        entries = [fresh(event_id, response_id=response, run_id=run) for event_id, response, run in asked]
        assert record(workspace.lane, entries) == model.take(asked)
    assert UsageEvent.objects.filter(lane=workspace.lane).count() == len(model.stored)
    fold_all()
    own = [found for found in verify(deep=True).differences if f"workspace {workspace.lane}:" in found]
    assert own == []


@pytest.mark.parametrize("carefully", [False, True])
def test_names_are_looked_up_one_by_one_in_a_workspace_that_the_planner_does_not_know(lane, carefully):
    """As a join, each name was compared with all of the workspace's until the tables were analyzed again."""
    record(lane, [fresh(f"e-{n}", run_id=f"r-{n}", session_id=f"s-{n}", user_id=f"u-{n}") for n in range(3_000)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE run, session, end_user")
    newcomer = Workspace.objects.create(name="newcomer").lane
    names = [f"n-{n}" for n in range(400)]
    with psycopg.Cursor(connection.connection) as cursor:
        opening.register(cursor)
        entries = [fresh(f"x-{name}", run_id=name, session_id=name, user_id=name) for name in names]
        owner = {e.keys[0]: n for n, e in enumerate(entries)}
        _, missing = opening.names(newcomer, entries)
        asked = opening.values(newcomer, entries, owner, datetime.now(UTC), missing)
        statement = opening._statement(tuple(opening.TABLES), carefully)
        plan = cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", asked).fetchone()[0]
    scans = [
        node
        for node in nodes(plan[0]["Plan"])
        if node.get("Relation Name") in opening.TABLES and "Scan" in node["Node Type"]
    ]
    assert {node["Relation Name"] for node in scans} == set(opening.TABLES)
    for node in scans:
        assert opening.TABLES[node["Relation Name"]] in node["Index Cond"], json.dumps(node)
