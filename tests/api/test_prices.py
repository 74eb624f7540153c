"""`GET` and `POST /api/v1/prices`: the catalogue, the workspace's own, and agreeing on another."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client

from costwatch.accounts.models import AuditEntry, Member, Workspace
from costwatch.pricing import agree, book
from costwatch.pricing import catalogue as catalogues
from costwatch.pricing.specs import Catalogue, Component, LineKey, Version
from tests.api.conftest import caller

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 18, tzinfo=UTC)
CHAT = (Component("input", Decimal(2)), Component("output", Decimal("8.50")))
QUOTE = {"provider": "gcp.gemini", "model": "Gemini-9", "prices": {"input": "4.00", "cached_input": 0.4, "output": 18}}


@pytest.fixture(autouse=True)
def catalogue(db, monkeypatch):
    monkeypatch.setattr(book, "LOOK_EVERY", 0.01)
    cheaper = (Component("input", Decimal(1)), Component("output", Decimal(4)))
    lines = {
        LineKey("acme", "large"): [Version(None, NOW, CHAT), Version(NOW, None, cheaper)],
        LineKey("acme", "small"): [Version(None, None, CHAT)],
        LineKey("acme", "small", "", "batch"): [Version(None, None, cheaper)],
    }
    catalogues.store(Catalogue(lines, []), "release 1", "1", NOW)


@pytest.fixture
def admin(workspace: Workspace) -> Client:
    return caller(workspace, "admin")


def post(client, fields):
    return client.post("/api/v1/prices", json.dumps(fields), content_type="application/json")


def quote(client, **event):
    return client.post("/api/v1/quote", json.dumps(event), content_type="application/json").json()


def test_prices_in_force_are_listed_with_their_components(get):
    items = get("/api/v1/prices")["items"]
    assert [(item["model"], item["tier"]) for item in items] == [
        ("large", "standard"),
        ("small", "batch"),
        ("small", "standard"),
    ]
    large = items[0]
    assert (large["origin"], large["release"], large["free"], large["multiplier"]) == (
        "catalog",
        "release 1",
        False,
        None,
    )
    assert large["components"][1] == {"unit": "output", "price_usd": "4", "per": 1_000_000, "threshold": 0}


def test_prices_of_another_time_or_of_all_times_can_be_asked_for(get):
    assert get("/api/v1/prices", model="large", at="2026-01-01")["items"][0]["components"][1]["price_usd"] == "8.5"
    assert len(get("/api/v1/prices", model="large", at="all")["items"]) == 2


def test_words_and_filters_find_prices(get):
    assert len(get("/api/v1/prices", q="acme smal")["items"]) == 2
    assert get("/api/v1/prices", provider="nobody")["items"] == []
    assert get("/api/v1/prices", origin="override")["items"] == []


def test_a_list_goes_on_with_its_cursor(get):
    first = get("/api/v1/prices", limit=2)
    rest = get("/api/v1/prices", limit=2, cursor=first["next_cursor"])
    assert [len(first["items"]), len(rest["items"]), rest["next_cursor"]] == [2, 1, None]


def test_a_price_agreed_on_holds_at_once_for_calls_and_quotes(admin, client, workspace):
    answer = post(admin, {**QUOTE, "source": "Quote of 17 Nov"})
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["origin"], made["provider"], made["model"], made["tier"]) == (
        "override",
        "google",
        "gemini-9",
        "standard",
    )
    told = quote(client, model="gemini-9", provider="google", input_tokens=1_000_000, cached_input_tokens=500_000)
    assert (Decimal(told["cost_usd"]), told["cost_source"]) == (Decimal("2.2"), "override")
    assert told["price"]["override"] and len(told["cost_parts"]) == 2
    entry = AuditEntry.objects.get(action="price.added")
    assert entry.workspace == workspace and entry.facts["why"] == "Quote of 17 Nov"


def test_a_discount_keeps_list_and_net_cost(admin, client):
    assert post(admin, {"provider": "acme", "model": "*", "discount_percent": 15}).json()["multiplier"] == "0.85"
    told = quote(client, model="large", provider="acme", input_tokens=1_000_000)
    assert (Decimal(told["cost_usd"]), Decimal(told["list_cost_usd"])) == (Decimal("0.85"), 1)
    assert [part["component"] for part in told["cost_parts"]] == ["input", "discount"]


def test_another_workspace_sees_and_pays_nothing_of_it(admin, client):
    post(admin, QUOTE)
    stranger = caller(Workspace.objects.create(name="Elsewhere"), "read")
    assert stranger.get("/api/v1/prices", {"origin": "override"}).json()["items"] == []
    assert stranger.get("/api/v1/prices", {"q": "gemini-9"}).json()["items"] == []
    assert quote(stranger, model="gemini-9", provider="google", input_tokens=1)["cost_usd"] is None
    assert len(client.get("/api/v1/prices", {"origin": "override"}).json()["items"]) == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "prices"),
        ([], "prices"),
        ({**QUOTE, "prices": {"input": "4,00"}}, "prices.input"),
        ({**QUOTE, "model": ""}, "model"),
        ({**QUOTE, "model": "a\u0000b"}, "model"),
        ({**QUOTE, "valid_from": "0001-01-01T00:00:00+14:00"}, "valid_from"),
        ({**QUOTE, "valid_from": {"a": 1}}, "valid_from"),
        ({**QUOTE, "free": True}, "prices"),
        ({**QUOTE, "prices": {"input": "Infinity"}}, "prices.input"),
    ],
)
def test_what_cannot_be_agreed_on_is_refused_with_its_field(admin, fields, field):
    answer = post(admin, fields)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert not AuditEntry.objects.filter(action="price.added").exists()


@pytest.mark.parametrize(
    "query", [{"at": "x"}, {"origin": "?"}, {"limit": "0"}, {"cursor": "x"}, {"q": "\0"}, {"model": "\0"}]
)
def test_a_query_that_makes_no_sense_is_no_fault_of_ours(client, query):
    assert client.get("/api/v1/prices", query).status_code in (200, 400)


def test_only_admins_change_prices(client, workspace):
    assert post(client, QUOTE).status_code == 403
    viewer = Client()
    viewer.force_login(Member.objects.create(workspace=workspace, role="viewer", email="v@l.example", password="!"))
    assert viewer.get("/api/v1/prices").status_code == 200
    assert post(viewer, QUOTE).status_code in (401, 403)


def test_an_ended_price_is_no_longer_in_force(admin, workspace, get):
    post(admin, QUOTE)
    agree.end(agree.agreed(workspace).get(), datetime.now(UTC), "x")
    assert get("/api/v1/prices", origin="override")["items"] == []
    assert len(get("/api/v1/prices", origin="override", at="all")["items"]) == 1
