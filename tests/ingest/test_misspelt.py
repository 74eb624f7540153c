"""Which strange names are misspelt known ones."""

import pytest

from ingest.misspelt import meant
from ingest.wire import RULES


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("agent", "agent_id"), ("agentId", "agent_id"), ("agentID", "agent_id"), ("Agent-Id", "agent_id"),
        ("AGENT_ID", "agent_id"), ("userid", "user_id"), ("user", "user_id"), ("inputTokens", "input_tokens"),
        ("input_token", "input_tokens"), ("tokens_input", "input_tokens"), ("inptu_tokens", "input_tokens"),
        ("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens"), ("modle", "model"),
        ("taks", "task"), ("tag", "tags"), ("unit", "units"), ("timestmap", "timestamp"), ("cost", "cost_usd"),
        ("costUSD", "cost_usd"), ("cost_usd ", "cost_usd"), ("Events", "events"), ("request", "requests"),
        ("cached_input_token", "cached_input_tokens"), ("cached_tokens", "cached_input_tokens"),
        ("enviroment", "environment"), ("sesion_id", "session_id"), ("latency", "latency_ms"),
    ],
)  # fmt: skip
def test_looks_like(written, right):
    assert meant(written) == right


@pytest.mark.parametrize(
    "written",
    ["app", "stop", "reason", "stage", "state", "trace_id", "span_id", "tenant_id", "workspace_id", "id", "metadata",
     "message", "total_tokens", "max_tokens", "temperature", "version", "price", "price_version", "host", "tier",
     "batch_id", "customer", "team", "", "_", "😀", "x" * 100_000],
)  # fmt: skip
def test_is_a_field_of_the_senders_own(written):
    assert meant(written) is None


def test_a_known_field_is_not_misspelt():
    assert [name for name in RULES if meant(name)] == []
