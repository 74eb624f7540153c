"""`POST /api/v1/quote`: the price of an event that is not stored."""

import gzip
import json
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from costwatch.ledger.models import Attribution, UsageEvent
from costwatch.pricing import agree, book
from costwatch.pricing.agreements import parse
from tests.api.conftest import caller

pytestmark = pytest.mark.usefixtures("prices")
EVENT = {"model": "gpt-4o-mini", "input_tokens": 1_000_000, "output_tokens": 1_000_000, "agent_id": "never stored"}


def ask(client, event, **options):
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    return client.generic("POST", "/api/v1/quote", body, content_type="application/json", **options)


def test_a_quote_is_the_cost_its_source_its_price_and_its_parts(client):
    answer = ask(client, EVENT).json()
    assert (answer["cost_usd"], answer["cost_source"], answer["provider"]) == ("0.750000000000", "catalog", "openai")
    assert answer["price"]["model"] == "gpt-4o-mini"
    assert sum(Decimal(part["cost_usd"]) for part in answer["cost_parts"]) == Decimal("0.75")


def test_nothing_is_stored(client):
    ask(client, EVENT)
    assert not UsageEvent.objects.exists()
    assert not Attribution.objects.exists()


@pytest.mark.parametrize(
    "timestamp", ["2019-01-01T00:00:00Z", "2100-01-01T00:00:00Z", 4102444800, "0001-01-01T00:00:00Z"]
)
def test_any_time_can_be_asked_for(client, timestamp):
    assert ask(client, {**EVENT, "timestamp": timestamp}).status_code == 200


def test_a_model_without_a_price_is_unpriced_and_never_free(client):
    answer = ask(client, {**EVENT, "model": "nobody-knows-this-1", "provider": "openai"}).json()
    assert (answer["cost_usd"], answer["cost_source"], answer["price"], answer["cost_parts"]) == (
        None,
        "unpriced",
        None,
        [],
    )
    assert Decimal(answer["upper_bound_usd"]) > 0


def test_a_call_without_tokens_is_of_unknown_usage(client):
    assert ask(client, {"model": "gpt-4o-mini"}).json()["cost_source"] == "usage_unknown"


def test_a_quote_may_come_packed(client):
    answer = ask(client, gzip.compress(json.dumps(EVENT).encode()), headers={"Content-Encoding": "gzip"})
    assert answer.json()["cost_usd"] == "0.750000000000"


@pytest.mark.parametrize(
    ("event", "status", "field"),
    [
        (b"{", 400, None),
        (b" ", 400, None),
        (b"\xff\xfe", 400, None),
        ({}, 422, "model"),
        ({**EVENT, "input_tokens": -1}, 422, "input_tokens"),
        ({**EVENT, "cached_input_tokens": 2_000_000}, 422, "cached_input_tokens"),
        ([EVENT, EVENT], 422, "events"),
        ([], 422, "events"),
    ],
)
def test_what_is_no_event_gets_no_quote(client, event, status, field):
    response = ask(client, event)
    assert response.status_code == status
    assert response.json()["error"]["field"] == field
    assert response.json()["error"]["message"]


def test_a_key_that_may_only_send_gets_no_quote(workspace):
    assert ask(caller(workspace, "ingest"), EVENT).status_code == 403


def test_only_post_is_possible(client):
    response = client.get("/api/v1/quote")
    assert (response.status_code, response["Allow"]) == (405, "POST")


def test_a_model_that_is_given_away_is_explained_also_where_a_fee_of_it_is_not_known(client, workspace):
    agree.add(workspace, parse({"model": "own-model", "input": 0, "output": 0}, ZoneInfo("UTC")), "x")
    book.fresh()
    event = {**EVENT, "model": "own-model", "provider": "self"}
    free = ask(client, event).json()
    assert (free["cost_usd"], free["cost_source"]) == ("0.000000000000", "free")
    searched = ask(client, {**event, "units": {"web_search": 3}})
    assert (searched.status_code, searched.json()["cost_source"]) == (200, "unpriced")


def test_what_nothing_was_agreed_on_is_quoted_at_the_list_price(client, workspace):
    agree.add(workspace, parse({"provider": "openai", "model": "gpt-4o-mini", "output": "0.30"}, ZoneInfo("UTC")), "x")
    book.fresh()
    answer = ask(client, EVENT).json()
    assert (answer["cost_usd"], answer["list_cost_usd"]) == ("0.450000000000", "0.750000000000")
    parts = {part["component"]: Decimal(part["cost_usd"]) for part in answer["cost_parts"]}
    assert parts == {"input": Decimal("0.15"), "output": Decimal("0.3")}
