"""The description of the API: complete, true, and readable without any script."""

import json
import re

import pytest
from django.test import Client

from costwatch.api.docs import schema
from costwatch.ledger.record import record
from tests.ledger.make import entry

pytestmark = pytest.mark.django_db
HTML = {"Accept": "text/html"}


def shape(name):
    found = schema()["components"]["schemas"][name]
    return set(found["properties"])


def test_the_schema_is_open_api_3_for_everybody():
    response = Client().get("/api/schema")
    assert response.status_code == 200
    document = response.json()
    assert document["openapi"].startswith("3.")
    assert json.dumps(document)


def test_it_can_be_had_as_yaml():
    response = Client().get("/api/schema", headers={"Accept": "application/vnd.oai.openapi"})
    assert response.content.startswith(b"openapi: 3")


@pytest.mark.parametrize(("path", "methods"), [
    ("/api/v1/spend", {"get"}), ("/api/v1/events", {"get", "post"}), ("/api/v1/events/{event_id}", {"get"}),
    ("/api/v1/runs", {"get"}), ("/api/v1/runs/{run_id}", {"get"}), ("/api/v1/quote", {"post"}),
    ("/api/v1/keys", {"get", "post"}), ("/api/v1/keys/{key_id}", {"delete"}),
])  # fmt: skip
def test_every_route_is_described_with_its_summary_and_answers(path, methods):
    described = schema()["paths"][path]
    assert set(described) == methods
    for operation in described.values():
        assert operation["responses"]
        assert operation["operationId"]


def test_the_routes_stand_in_the_order_in_which_a_newcomer_needs_them():
    page = Client().get("/api/docs", headers=HTML).content.decode()
    heads = re.findall(r"<h2[^>]*><code>(\w+) /api/v1/([\w/{}-]+)", page)
    assert heads[:2] == [("POST", "events"), ("GET", "events")]
    areas = list(dict.fromkeys(path.split("/")[0] for _, path in heads))
    assert areas[:7] == ["events", "quote", "spend", "runs", "guard", "budgets", "incidents"]
    assert areas[-4:] == ["channels", "keys", "members", "audit"]
    assert [path for _, path in heads if path.startswith("runs")] == ["runs", "runs/{run_id}"]


def test_the_answers_are_as_described(get, workspace):
    record(workspace.lane, [entry("e", run_id="r", agent_id="a")])
    spend = get("/api/v1/spend", **{"from": "2026-11-01", "to": "2026-12-01", "group_by": "agent", "bucket": "day"})
    assert set(spend) == shape("SpendAnswer")
    assert set(spend["coverage"]) == shape("Coverage")
    assert set(spend["total"]) == shape("Sums")
    assert set(spend["groups"][0]) == shape("Group") - {"other"}
    assert set(get("/api/v1/events/e")) == shape("Event")
    assert set(get("/api/v1/runs/r")) == shape("Run")
    assert set(get("/api/v1/runs")) == shape("RunPage")


def test_all_references_lead_somewhere():
    document = schema()
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert references <= set(document["components"]["schemas"])
    assert {"key"} <= set(document["components"]["securitySchemes"])


def test_the_page_shows_every_route_with_a_command_to_try_it():
    response = Client().get("/api/docs", headers=HTML)
    assert response.status_code == 200
    page = response.content.decode()
    for path, operations in schema()["paths"].items():
        for method in operations:
            assert f"{method.upper()} {path}" in page
    assert "curl -H &quot;Authorization: Bearer $COSTWATCH_KEY&quot; &quot;http://testserver/api/v1/spend&quot;" in page
    assert "<code>bucket</code>" in page and "`" not in page.split("<main")[1].split("</main>")[0]
    assert "priced_share" in page and "group_by" in page and "coverage.unpriced_calls" in page


def test_the_page_needs_no_script_of_its_own_no_inline_style_and_nobody_else_s_server():
    page = Client().get("/api/docs", headers=HTML).content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert "<style" not in page and " style=" not in page
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", page)


def test_a_hostile_host_is_text_on_the_page():
    page = Client().get("/api/docs", headers={**HTML, "Host": "evil.example"}).content.decode()
    assert "evil.example" in page and "<script>alert" not in page
