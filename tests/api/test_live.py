"""Reading through a real server: what its parsing of addresses leaves of ids, and what is true at once after a 200."""

import json
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from tests.api.conftest import bad_queries

IDS = [
    "a/b",
    "/a",
    "a/",
    "a//b",
    "..",
    "../keys",
    "./x",
    "a?b#c",
    "ü é\n語",
    "%2F",
    "e%",
    "+ +",
    "a;b=c",
    "\tx",
    "<b>",
    "x" * 255,
]


@pytest.fixture(scope="module")
def key(server):
    return server.key("ingest,read")


def test_every_event_counts_and_reads_back_as_soon_as_it_is_acknowledged(server, key):
    for n, event_id in enumerate(IDS, 1):
        event = {
            "event_id": event_id,
            "run_id": event_id[:200],
            "model": "gpt-4o-mini",
            "input_tokens": 1000,
            "output_tokens": 1,
        }
        assert server.post("/api/v1/events", event, key).status == 200
        assert server.get("/api/v1/spend", key)["total"]["events"] == n
        assert server.get("/api/v1/events/" + quote(event_id, safe=""), key)["event_id"] == event_id
        assert server.get("/api/v1/runs/" + quote(event_id[:200], safe=""), key)["calls"] == 1
    listed = server.get("/api/v1/events", key, limit="1000")["items"]
    assert sorted(e["event_id"] for e in listed) == sorted(IDS)


def test_a_quote_is_what_the_same_event_costs_when_it_is_sent(server):
    key = server.key("ingest,read")
    event = {
        "event_id": "q",
        "model": "gpt-4o-mini",
        "input_tokens": 12_345,
        "output_tokens": 678,
        "cached_input_tokens": 1000,
    }
    quoted = server.post("/api/v1/quote", event, key).json()
    assert server.get("/api/v1/spend", key)["total"]["events"] == 0
    server.post("/api/v1/events", event, key)
    stored = server.get("/api/v1/events/q", key)
    for field in ("cost_usd", "cost_source", "price", "cost_parts", "provider", "model", "input_tokens"):
        assert stored[field] == quoted[field], field
    assert server.get("/api/v1/spend", key)["total"]["cost_usd"] == quoted["cost_usd"]


@pytest.mark.parametrize("case", bad_queries(), ids=lambda case: case["name"])
def test_a_hostile_query_gets_an_allowed_answer(server, key, case):
    if "READKEY" not in case["headers"].get("Authorization", ""):
        pytest.skip("about keys: tests/api/test_errors.py")
    for address in ("/api/v1/spend", "/api/v1/events"):
        reply = server.request("GET", address + case["path_suffix"], key=key)
        assert any(str(reply.status)[0] == allowed[0] for allowed in case["expect"]["status"]), reply.status
        assert b"Traceback" not in reply.body


def test_the_documentation_is_there_for_everybody(server):
    page = server.request("GET", "/api/docs", Accept="text/html")
    assert page.status == 200
    assert b"/static/api/docs." in page.body
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert json.loads(server.request("GET", "/api/schema").body)["info"]["title"] == "costwatch API"


def test_the_answer_is_complete_until_now(server, key):
    told = datetime.fromisoformat(server.get("/api/v1/spend", key)["complete_until"])
    assert abs((datetime.now(UTC) - told).total_seconds()) < 5
