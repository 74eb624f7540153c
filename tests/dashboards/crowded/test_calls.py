"""The page of a single call, of every kind there is: its own facts and nobody else's."""

import json
import re
from datetime import UTC
from decimal import Decimal
from html import unescape

import pytest

from costwatch.dashboards.addresses import call_url, profile_url
from costwatch.pricing.usage import CostSource
from tests.dashboards.crowded import field
from tests.dashboards.page import links, text
from tests.ledger.make import entry

pytestmark = pytest.mark.thorough


def body(client, event_id: str, **headers: str) -> str:
    answer = client.get(call_url(event_id), headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def raw(html: str) -> dict:
    return json.loads(unescape(re.search(r'aria-label="Raw event"><code>(.*?)</code>', html, re.S)[1]))


@pytest.mark.parametrize("place", range(0, 670, 23))
def test_the_page_of_a_call_tells_what_was_sent(client, calls, place):
    one = calls[place]
    html = body(client, one.event_id)
    said = text(html)
    event = raw(html)
    for name in ("agent_id", "user_id", "task", "run_id", "session_id", "environment", "release", "model", "provider",
                 "step", "latency_ms", "input_tokens", "output_tokens"):  # fmt: skip
        assert event[name] == getattr(one, name), name
    assert event["tags"] == (one.tags or {})
    assert event["timestamp"] == one.timestamp.astimezone(UTC).isoformat().replace("+00:00", "Z")
    assert (event["status"] == "error") is one.error
    assert f"Step {one.step}" in said
    if one.cost is not None:
        assert Decimal(event["cost_usd"]) == one.cost
        assert f"${one.cost.normalize():f}" in said, "with every digit"
    elif one.cost_source == CostSource.UNPRICED:
        assert f"no price is known for this model; at most ${one.upper_bound:.2f}" in said
    else:
        assert "the sender gave no token counts" in said
    if one.cost is None:
        assert event["cost_usd"] is None
        assert "never as $0.00" in said
    assert field.HOSTILE not in html


def test_the_way_leads_to_its_run_and_back(client, calls):
    for one in calls[:60:7]:
        html = body(client, one.event_id)
        if one.run_id:
            assert f"/runs/{one.run_id}" in links(html)
            assert call_url(one.event_id) in links(client.get(f"/runs/{one.run_id}").content.decode())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"service_tier": "flex", "region": "eu", "batch": True}, "Service tier flex Region eu Batch yes"),
        ({"requests": 12}, "Requests 12"),
        ({"usage_inconsistent": True}, "Usage inconsistent yes"),
        ({"input_error": True, "tool": "x"}, "Input was an error yes"),
        ({"parent_id": "p-1"}, "Parent p-1"),
        ({"reasoning_tokens": 1234}, "of it reasoning 1,234"),
        ({"cache_write_tokens": 77}, "of it written to cache 77"),
        ({"step": 0}, "Step 0"),
    ],
)
def test_what_is_known_of_a_call_is_told_and_what_is_not_is_left_out(client, send, fields, said):
    send(entry("own", minutes=-1, **fields))
    page = text(body(client, "own"))
    assert said in page
    assert "None" not in page
    for name in ("Task", "Release", "Response id", "Error type"):
        assert f"{name} " not in page.partition("Raw event")[0]


@pytest.mark.parametrize(
    ("source", "said"),
    [(CostSource.CATALOG, "from the price catalogue"), (CostSource.OVERRIDE, "from a price of this workspace"),
     (CostSource.REPORTED, "as the provider reported it"), (CostSource.FREE, "free of charge")],
)  # fmt: skip
def test_where_the_cost_comes_from_is_said(client, send, source, said):
    send(entry("own", minutes=-1, cost="0" if source == CostSource.FREE else "0.5", cost_source=source))
    assert said in text(body(client, "own"))


def test_the_list_price_stands_beside_an_agreed_one_that_differs(client, send):
    agreed = {"minutes": -1, "cost_source": CostSource.OVERRIDE, "list_cost": Decimal("0.5")}
    send(entry("cheaper", cost="0.40", **agreed), entry("alike", cost="0.50", **agreed))
    assert "List price $0.50" in text(body(client, "cheaper"))
    assert "List price" not in text(body(client, "alike"))


def test_tags_lead_nowhere_else_and_every_label_is_shown_in_full(client, send):
    long = "y" * 190
    send(entry("own", minutes=-1, agent_id=long, tags={field.HOSTILE: long}))
    html = body(client, "own")
    assert long in text(html)
    assert field.HOSTILE in text(html)
    assert field.HOSTILE not in html
    assert profile_url("agent", long) == f"/agents/{long}"


def test_a_call_of_another_workspace_is_not_there(stranger, calls):
    for one in calls[:3]:
        assert stranger.get(call_url(one.event_id)).status_code == 404


def test_calls_that_cost_nothing_beside_tiny_ones_are_told_as_zeros(client, send):
    send(entry("tiny", minutes=-2, run_id="tiny", cost="0.000000012345"),
         entry("free", minutes=-1, run_id="tiny", cost="0", cost_source=CostSource.FREE))  # fmt: skip
    html = client.get("/runs/tiny").content.decode()
    assert "$0.0000000000" in html and "$0.0000000123" in html
    assert "0E-" not in html
