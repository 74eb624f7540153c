"""What becomes of an event does not depend on the way that it is read, nor on what was read before it.

A batch without a fault is decoded at once, one with a fault event by event; labels and tags are remembered as they
came.
"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.ledger.entry import labels_of
from costwatch.ledger.labels import _digest
from ingest.event import Batch, decode
from ingest.finish import LABEL_CACHE, LONGEST_TAGS
from ingest.refused import Refused
from tests.ingest.make import NOW, batch, entry, event, frame

BROKEN = event(event_id="broken", step=-1)
STRANGE = event(event_id="strange", colour="red")

some_tags = st.none() | st.dictionaries(
    st.sampled_from(["team", "plan", "", "k" * 65]),
    st.sampled_from(["support", "", "v" * 201, 5, 1.5, True, None, [1], {"a": 1}]),
    max_size=3,
)
some_events = st.fixed_dictionaries(
    {"event_id": st.just("e"), "model": st.sampled_from(["gpt-4o", " ", "", 5, None])},
    optional={
        "tags": some_tags | st.sampled_from(["text", 5]),
        "timestamp": st.sampled_from(["2026-11-25T11:00:00Z", 1, None, "yesterday"]),
        "agent_id": st.sampled_from(["triage", "", 5]),
        "operation": st.sampled_from(["chat", "embeddings", None]),
        "input_tokens": st.sampled_from([0, 10, -1, 1.0]),
        "cached_input_tokens": st.sampled_from([0, 5, 11]),
        "colour": st.just("red"),
    },
)


def outcome(got: Batch, at: int) -> tuple:
    """What became of the event at this place: its fault, or all that is kept of it."""
    for problem in got.problems:
        if problem.index == at:
            return problem.field, problem.message
    kept = got.entries[at - sum(problem.index < at for problem in got.problems)]
    return kept.model, kept.provider, kept.operation, kept.agent_id, kept.tags, kept.labels, kept.keys, kept.timestamp


@given(some_events, some_events)
def test_alone_or_beside_a_fault_or_after_an_equal_one(one, other):
    alone = outcome(batch(one), 0)
    assert outcome(batch(one, BROKEN), 0) == alone
    assert outcome(batch(STRANGE, one), 1) == alone
    again = batch(one, other, one)
    assert outcome(again, 0) == outcome(again, 2) == alone
    assert outcome(again, 1) == outcome(batch(other), 0)


def test_a_provider_is_looked_for_once_for_all_events_alike_also_in_a_batch_with_a_fault():
    asked = []

    def provider(sent, model):
        asked.append(model)
        return "openai"

    for more in ([], [BROKEN], [STRANGE]):
        asked.clear()
        got = batch(*(event(event_id=str(n), tags={"team": "support"}) for n in range(1_000)), *more, provider=provider)
        assert len(got.entries) >= 1_000
        assert len(asked) == 1 + bool(more == [STRANGE])


def test_bytes_that_are_no_text_refuse_the_body_whatever_else_is_at_fault():
    body = b'[{"model": "m", "timestamp": 1, "tags": {"a": "\xff"}}, {"model": "n"}]'
    with pytest.raises(Refused) as caught:
        decode(body, frame())
    assert (caught.value.status, caught.value.code) == (400, "bad_encoding")


def test_tags_are_the_same_however_they_are_written():
    bodies = ['{"team":"support","n":5}', ' { "team" : "support",\n"n": 5 } ', '{"n":1,"team":"\\u0073upport","n":5}']
    kept = [decode(f'{{"model": "gpt-4o", "tags": {tags}}}'.encode(), frame()).entries[0] for tags in bodies]
    assert all(e.tags == {"team": "support", "n": "5"} for e in kept)
    assert len({_digest((1, 0, e.labels)) for e in kept}) == 1


@pytest.mark.parametrize("tags", [None, {}, {"none": None}, {"empty": ""}])
def test_tags_that_say_nothing_are_none(tags):
    assert entry(tags=tags).tags is None
    assert entry(tags=tags).labels == entry().labels


def test_events_attributed_alike_share_their_labels_and_others_do_not():
    shared = frame()
    events = [event(event_id=str(n), tags={"team": "support" if n else "sales"}) for n in range(3)]
    first = decode(json.dumps(events).encode(), shared).entries
    second = decode(json.dumps([BROKEN, *events]).encode(), shared).entries
    assert first[1].labels is first[2].labels and second[1].labels is second[2].labels == first[2].labels
    assert first[0].labels != first[1].labels
    assert all(e.labels == labels_of(e) for e in first)


def test_what_is_remembered_is_bounded():
    shared = frame()
    padded = f'{{"model": "gpt-4o", "tags": {{"team": "support"{" " * LONGEST_TAGS}}}}}'.encode()
    assert decode(padded, shared).entries[0].tags == {"team": "support"}
    assert not shared.labels
    for n in range(0, LABEL_CACHE + 2, 1_000):
        decode(json.dumps([event(event_id=str(i), tags={"n": i}) for i in range(n, n + 1_000)]).encode(), shared)
        assert len(shared.labels) <= LABEL_CACHE
    assert shared.labels


def test_the_time_of_arrival_stands_in_for_an_absent_one_on_both_ways():
    untimed = {"event_id": "e", "model": "gpt-4o"}
    assert batch(untimed).entries[0].timestamp == batch(untimed, BROKEN).entries[0].timestamp == NOW
