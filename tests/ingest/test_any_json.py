"""Whatever JSON is sent as an event: an answer, never an error of ours, and nothing wrong in the books."""

import json
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.accounts.keys import create_key
from costwatch.accounts.models import Workspace
from costwatch.ledger.entry import Entry
from costwatch.ledger.models import UsageEvent
from ingest.event import decode
from ingest.refused import Refused
from ingest.wire import RULES
from tests.ingest.make import NOW, frame

pytestmark = pytest.mark.thorough
TOKENS = [name for name in RULES if name.endswith("_tokens")]
NAMES = ["agent_id", "user_id", "task", "environment", "release", "tool", "error_type", "region", "service_tier"]

texts = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["", " ", "\0", "a\0b", "\ud800", "😀", "x" * 199, "x" * 201, "NaN", "1e400", "infinity", "-1", "5",
                     "2026-11-25T11:00:00Z", "2026-11-25T11:00:00", "ok", "error", "gpt-4o", "openai", "null"]),
)  # fmt: skip
numbers = st.one_of(
    st.integers(-5, 2000),
    st.sampled_from([10**9, 10**9 + 1, 2**31, 2**63, 2**64, 10**30, -(2**63), 1795604400, 1795604400000]),
    st.floats(),
    st.sampled_from([1.0, 1e3, 0.5, -0.0, 1e-320, 1e308, 1795604400.5]),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
fields = st.one_of(
    st.sampled_from(list(RULES)), st.sampled_from(["cost", "keys", "agent", "error", "id", "batch_id"]), texts
)
usage_keys = st.sampled_from(
    ["prompt_tokens", "completion_tokens", "prompt_tokens_details", "cached_tokens", "input_tokens", "output_tokens",
     "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation", "promptTokenCount", "inputTokens",
     "thoughtsTokenCount", "candidatesTokenCount", "cachedContentTokenCount", "promptTokensDetails", "tokenCount",
     "billed_units", "search_units", "cost", "cost_details", "seconds", "type", "num_model_requests", "service_tier",
     "server_tool_use", "prompt_eval_count", "eval_count", "gen_ai.usage.input_tokens", "cacheDetails", "ttl"]
)  # fmt: skip
flat_usages = st.dictionaries(usage_keys, scalars, max_size=5)
usages = st.dictionaries(usage_keys, st.one_of(numbers, scalars, flat_usages, st.lists(flat_usages, max_size=2)))
events = st.one_of(
    values,
    st.dictionaries(fields, st.one_of(scalars, values), max_size=12),
    st.dictionaries(fields, st.one_of(scalars, values), max_size=12).map(lambda e: {"model": "gpt-4o", **e}),
    st.fixed_dictionaries({"model": texts}, optional=dict.fromkeys(TOKENS, numbers)),
    st.fixed_dictionaries({"model": st.just("m"), "tags": st.dictionaries(texts, scalars, max_size=5)}),
    st.fixed_dictionaries({"model": st.just("m"), "units": st.dictionaries(texts, numbers, max_size=3)}),
    st.fixed_dictionaries({"model": st.just("m"), "usage": values}),
    st.fixed_dictionaries({"model": st.just("gpt-4o"), "usage": st.one_of(usages, st.lists(usages, max_size=2))}),
)


def is_sound(entry: Entry, sent: dict[str, Any]) -> None:
    """What is kept is what was sent, or its plain normal form; and it can be stored and summed."""
    assert isinstance(entry.model, str) and entry.model == sent["model"] and entry.model.strip()
    for name in TOKENS:
        kept = getattr(entry, name)
        assert kept is None or (type(kept) is int and 0 <= kept <= 10**9)
        assert "usage" in sent or (kept == sent.get(name) and not isinstance(sent.get(name), bool))
    for name in NAMES:
        kept = getattr(entry, name)
        assert "usage" in sent or kept == (sent.get(name) or None)
        assert kept is None or 0 < len(kept) <= 200
    assert NOW - timedelta(days=1827) <= entry.timestamp <= NOW + timedelta(minutes=5)
    assert entry.timestamp.tzinfo is UTC
    if isinstance(sent.get("timestamp"), int | float):
        assert math.isclose(entry.timestamp.timestamp(), sent["timestamp"], abs_tol=1e-5)
    assert 0 < len(entry.event_id) <= 255 and entry.event_id.strip()
    assert entry.keys and all(len(key) == 16 for key in entry.keys)
    parts = [entry.cached_input_tokens, entry.cache_write_tokens, entry.cache_write_1h_tokens]
    assert sum(filter(None, parts)) <= (entry.input_tokens or 0) or entry.usage_inconsistent
    assert (entry.reasoning_tokens or 0) <= (entry.output_tokens or 0) or entry.usage_inconsistent
    assert entry.reported_cost is None or (entry.reported_cost.is_finite() and 0 <= entry.reported_cost < 10**12)
    assert 1 <= entry.requests <= 10**9 and type(entry.batch) is bool and type(entry.error) is bool
    for name, value in (entry.tags or {}).items():
        assert type(name) is str and type(value) is str and 0 < len(value) <= 200
    assert all(type(n) is Decimal and 0 <= n <= 10**9 for n in (entry.units or {}).values())
    assert (entry.cost, entry.price_version, entry.upper_bound) == (None, None, 0)
    for text in (entry.event_id, entry.model, entry.run_id or "", json.dumps(entry.tags), json.dumps(entry.raw_usage)):
        assert "\0" not in text and "\\u0000" not in text.replace("\\\\", "")
        text.encode()


@settings(max_examples=1500, deadline=None)
@given(events)
def test_any_value_is_kept_soundly_or_refused_with_a_sentence(event):
    try:
        got = decode(json.dumps([event]).encode(), frame())
    except Refused as refused:
        assert refused.status in (400, 413, 422) and refused.message.endswith(".")
        return
    assert len(got.entries) + len(got.problems) == 1
    for problem in got.problems:
        assert problem.message.endswith((".", "?")) and len(problem.message) < 500
    for entry in got.entries:
        is_sound(entry, event)


@settings(max_examples=500, deadline=None)
@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.booleans(),
)
def test_any_bytes_are_events_or_refused(body, lines):
    try:
        decode(body, frame(), lines=lines)
    except Refused as refused:
        assert refused.status in (400, 413, 422)


@pytest.mark.django_db
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=st.lists(events, max_size=4), lines=st.booleans())
def test_any_batch_is_answered_and_what_was_accepted_is_stored(db, batch, lines):
    workspace = Workspace.objects.get_or_create(name="any")[0]
    key = create_key(workspace, "k", ["ingest"])[1]
    before = UsageEvent.objects.filter(lane=workspace.lane).count()
    body = "\n".join(map(json.dumps, batch)) if lines else json.dumps(batch)
    answer = Client(raise_request_exception=True).generic(
        "POST", "/api/v1/events", body.encode(), "application/x-ndjson" if lines else "application/json",
        headers={"Authorization": f"Bearer {key}"},
    )  # fmt: skip
    stored = list(UsageEvent.objects.filter(lane=workspace.lane))
    assert answer.status_code in (200, 207, 400, 413, 415, 422)
    told = answer.json()
    assert len(stored) - before == told.get("accepted", 0)
    if "accepted" in told:
        assert told["accepted"] + told["duplicates"] + len(told["rejected"]) == len(batch)
    for event in stored:
        assert event.occurred_at <= datetime.now(UTC) + timedelta(minutes=5)
        assert event.cost is None or event.cost.is_finite()
