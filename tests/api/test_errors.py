"""Refusals: always the same shape, never a stack trace, whatever is asked."""

import json
import time

import pytest
from django.db import OperationalError, connection, connections
from django.test import Client
from psycopg.errors import QueryCanceled
from rest_framework.exceptions import MethodNotAllowed, NotAcceptable, NotFound, ParseError, UnsupportedMediaType

from costwatch.accounts.models import Member
from costwatch.api.errors import error_answer
from costwatch.ledger.record import record
from tests.api.conftest import bad_queries, caller
from tests.ledger.make import entry

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
READING = ["/api/v1/spend", "/api/v1/events", "/api/v1/events/x", "/api/v1/runs", "/api/v1/runs/x"]


@pytest.mark.parametrize("case", bad_queries(), ids=lambda case: case["name"])
@pytest.mark.parametrize("address", ["/api/v1/spend", "/api/v1/events", "/api/v1/runs"])
def test_a_hostile_query_gets_an_allowed_answer_quickly(workspace, case, address):
    record(workspace.lane, [entry(run_id="r")])
    key = case["headers"].get("Authorization", "")
    client = Client(raise_request_exception=False)
    if "READKEY" in key:
        client = caller(workspace, "read")
    elif "KEY" in key:
        client = caller(workspace, "ingest")
    began = time.monotonic()
    response = client.get(address + case["path_suffix"])
    assert time.monotonic() - began < 2
    allowed = case["expect"]["status"]
    assert str(response.status_code) in allowed or f"{response.status_code // 100}xx" in allowed
    assert response["Content-Type"] == "application/json"
    if response.status_code >= 400:
        assert set(json.loads(response.content)["error"]) == {"code", "message", "field"}
        assert b"Traceback" not in response.content and b"psycopg" not in response.content


@pytest.mark.parametrize("address", READING)
def test_without_a_key_nothing_is_read(workspace, address):
    response = Client().get(address)
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert response.json()["error"]["code"] == "key_missing"


@pytest.mark.parametrize("address", READING)
@pytest.mark.parametrize("scope", ["ingest", "admin"])
def test_a_key_needs_the_scope_read(workspace, address, scope):
    assert caller(workspace, scope).get(address).status_code == 403


@pytest.mark.parametrize("address", READING)
def test_a_logged_in_member_may_read_too(workspace, address):
    member = Member.objects.create(workspace=workspace, email="a@b.example", role="viewer", password="!")
    client = Client()
    client.force_login(member)
    assert client.get(address).status_code in (200, 404)


@pytest.mark.parametrize("address", [*READING, "/api/schema"])
@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_reading_routes_only_read(client, address, method):
    response = getattr(client, method)(address)
    assert response.status_code == 405
    assert response.json()["error"]["code"] == "method_not_allowed"
    assert "GET" in response["Allow"]


def test_another_type_of_answer_than_json_is_not_to_be_had(client):
    response = client.get("/api/v1/spend", headers={"Accept": "text/csv"})
    assert response.status_code == 406
    assert response.json()["error"]["code"] == "not_acceptable"


def test_a_browser_gets_json_too(client):
    assert client.get("/api/v1/spend", headers={"Accept": "text/html,*/*;q=0.8"}).status_code == 200


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (NotFound(), 404),
        (MethodNotAllowed("PUT"), 405),
        (NotAcceptable(), 406),
        (UnsupportedMediaType("text/csv"), 415),
        (ParseError(), 400),
        (RecursionError(), 400),
    ],
)
def test_every_refusal_of_the_framework_has_the_shape_of_the_contract(problem, status):
    response = error_answer(problem, {})
    assert response.status_code == status
    assert set(response.data["error"]) == {"code", "message", "field"}


def test_a_fault_of_ours_is_left_to_the_500_page():
    assert error_answer(ZeroDivisionError(), {}) is None


def test_a_database_that_does_not_answer_is_503_and_says_when_to_try_again():
    response = error_answer(OperationalError("connection refused: host=secret"), {})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "3")
    assert "secret" not in str(response.data)


def test_a_question_that_takes_too_long_is_the_question_s_fault():
    problem = OperationalError()
    problem.__cause__ = QueryCanceled()
    response = error_answer(problem, {})
    assert (response.status_code, response.data["error"]["code"]) == (422, "too_slow")


@pytest.mark.django_db(transaction=True)
def test_a_question_the_server_cancels_is_answered_so(workspace, client):
    record(workspace.lane, [entry() for _ in range(1000)])
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '1ms'")
    try:
        statuses = {client.get("/api/v1/spend?group_by=run,session,user,agent").status_code for _ in range(20)}
    finally:
        connections.close_all()
    assert statuses <= {200, 422, 503} and statuses & {422, 503}


def test_head_is_answered_like_get_without_a_body(client):
    response = client.head("/api/v1/spend")
    assert (response.status_code, response.content) == (200, b"")


def test_a_thousand_parameters_are_too_many(client):
    response = client.get("/api/v1/spend?" + "&".join(f"agent={n}" for n in range(1001)))
    assert response.status_code == 400
    assert set(response.json()["error"]) == {"code", "message", "field"}
