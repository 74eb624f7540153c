"""What holds for every route of the API: its methods, its refusals in one shape, its bodies, its ids and its lists.

The routes are those of the OpenAPI description, so that a new one is looked at without a line here.
"""

import re

import pytest

from costwatch.api.docs import schema
from costwatch.spend.page import to_cursor
from tests.api.conftest import caller

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
METHODS = ("get", "post", "put", "patch", "delete")
DESCRIBED = {path: set(operations) & set(METHODS) for path, operations in schema()["paths"].items()}
ROUTES = [(path, method) for path, methods in DESCRIBED.items() for method in sorted(methods)]
WRITING = [(path, method) for path, method in ROUTES if method in ("post", "patch")]
NO_BODY = ("/test", "/rotate", "{action}")  # what these need is in the address
EDGE = ("/api/v1/events", "/api/v1/quote")  # served by the ingest edge, which has tests of its own
NUMBERED = [
    (path, method) for path, method in ROUTES if "_id}" in path and "event_id" not in path and "run_id" not in path
]
LISTS = ["budgets", "channels", "events", "incidents", "prices", "runs", "stops", "views"]
LENIENT = ["audit", "keys", "members"]  # what makes no sense as a limit or cursor is left out
BODIES = [
    "[]", "null", "5", '"x"', "{}", '{"name": null}', '{"name": {"a": []}, "role": [], "scope": [], "scopes": {}}',
    '{"name": "\\u0000", "message": "\\u0000", "email": "\\u0000", "model": "\\u0000"}',
    '{"name": "\\ud800", "scope": "\\ud800", "scopes": "\\ud800", "path": "\\ud800"}',
]  # fmt: skip
LIMITS = ["0", "-1", "1001", "10000", "ten", "1.5", " ", "1e2", "9" * 20]
ODD = [{"limit": "0"}, {"limit": "ten"}, {"limit": "-5"}, {"limit": "9" * 30}, {"cursor": "x"}, {"cursor": "9" * 19},
       {"cursor": "9" * 30}, {"cursor": "-1"}, {"cursor": "٣"}]  # fmt: skip


def address(path: str, number: str = "1") -> str:
    words = {"content": "events", "kind": "csv", "action": "ack", "event_id": "x", "run_id": "x"}
    return re.sub(r"{(\w+)}", lambda match: words.get(match[1], number), path)


def refused(response, status: int, code: str) -> str:
    """The sentence of a refusal, which has the shape of the contract."""
    assert response.status_code == status, response.content
    assert response["Content-Type"].startswith("application/json")
    assert set(response.json()) == {"error"}
    error = response.json()["error"]
    assert set(error) == {"code", "message", "field"} and error["code"] == code
    assert code == "parse_error" or re.fullmatch(r"\S.*[.)…]", error["message"]), f"one sentence: {error['message']!r}"
    return error["message"]


@pytest.fixture
def anybody(workspace):
    """A program that may do everything."""
    return caller(workspace, "ingest", "read", "admin")


@pytest.mark.parametrize("path", [path for path in DESCRIBED if "guard/status" not in path])
def test_a_method_that_is_not_described_is_405_and_the_others_are_named(anybody, path):
    for method in sorted(set(METHODS) - DESCRIBED[path]):
        response = getattr(anybody, method)(address(path))
        assert response.status_code == 405, f"{method} {path}"
        allowed = {name.strip().lower() for name in response["Allow"].split(",")}
        assert DESCRIBED[path] <= allowed and method not in allowed


@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_every_route_asks_for_a_key_and_says_how_to_send_one(client, path, method):
    client.defaults.pop("HTTP_AUTHORIZATION")
    response = getattr(client, method)(address(path))
    message = refused(response, 401, "key_missing")
    assert message == "Send an API key: Authorization: Bearer cw_…"
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_a_key_without_the_scope_is_told_which_one_it_lacks_and_which_it_has(workspace, path, method):
    wanted = "ingest" if (path, method) == ("/api/v1/events", "post") else "read" if method == "get" else "admin"
    if path.endswith(("/members", "/audit", "/keys")) or method in ("patch", "delete"):
        wanted = "admin"
    if path == "/api/v1/quote":
        wanted = "read"
    for scope in {"ingest", "read", "admin"} - {wanted}:
        response = getattr(caller(workspace, scope), method)(address(path))
        assert refused(response, 403, "scope_missing") == f"This key lacks the scope {wanted}; it has: {scope}."


@pytest.mark.parametrize(("path", "method"), [r for r in WRITING if not r[0].endswith(NO_BODY) and r[0] not in EDGE])
def test_a_body_must_be_json_and_say_so(anybody, workspace, path, method):
    where = address(path, str(_existing(anybody, path)) if method == "patch" else "1")
    send = getattr(anybody, method)
    for kind in ("text/plain", "application/xml", "multipart/form-data; boundary=x"):
        message = refused(send(where, b"{}", content_type=kind), 415, "unsupported_media_type")
        assert kind.partition(";")[0] in message
    for body in (b"{", b"{'a': 1}", b"\xff", b'{"a": }', b"[" * 20_000, b'{"a":' * 20_000 + b"1" + b"}" * 20_000):
        refused(send(where, body, content_type="application/json"), 400, "parse_error")


def _existing(client, path: str) -> int:
    if "budgets" in path:
        made = client.post("/api/v1/budgets", {"name": "b", "amount_usd": "5", "period": "daily"}, "application/json")
    else:
        made = client.post(
            "/api/v1/channels", {"kind": "email", "name": "c", "to": ["a@b.example"]}, "application/json"
        )
    assert made.status_code == 201, made.content
    return made.json()["id"]


@pytest.mark.parametrize(("path", "method"), [r for r in WRITING if "{" not in r[0] and r[0] not in EDGE])
@pytest.mark.parametrize("body", BODIES)
def test_a_body_without_what_is_needed_is_refused_and_nothing_is_made(anybody, path, method, body):
    response = anybody.post(path, body, content_type="application/json")
    assert response.status_code in (400, 422)
    refused(response, response.status_code, response.json()["error"]["code"])
    listed = anybody.get(path, {"limit": "50"}).json()["items"]
    assert all(item.get("name", "").startswith("ingest-read-admin") for item in listed)


@pytest.mark.parametrize(("path", "method"), NUMBERED)
def test_a_number_that_nothing_has_is_404_however_large(anybody, path, method):
    for number in ("0", "987654321", "9223372036854775808", "9" * 40):
        response = getattr(anybody, method)(address(path, number), content_type="application/json")
        refused(response, 404, "not_found")


@pytest.mark.parametrize("name", ["budgets", "channels", "views", "keys", "stops"])
def test_what_is_no_number_is_404_in_a_sentence(anybody, name):
    for number in ("-1", "1.5", "one", "1%20", "%00", "1/2"):
        refused(anybody.delete(f"/api/v1/{name}/{number}"), 404, "not_found")


@pytest.mark.parametrize("name", LISTS)
def test_a_list_says_which_limits_there_are(anybody, name):
    for limit in LIMITS:
        response = anybody.get(f"/api/v1/{name}", {"limit": limit})
        assert refused(response, 400, "invalid") == "limit must be a whole number from 1 to 1,000."
        assert response.json()["error"]["field"] == "limit"


@pytest.mark.parametrize("name", LISTS)
def test_a_list_takes_no_cursor_but_its_own(anybody, name):
    others = [to_cursor(other, [1, 2]) for other in ("nothing", "", *(other for other in LISTS if other != name))]
    for cursor in ("x", "AAAA", "1", "é", *others):
        response = anybody.get(f"/api/v1/{name}", {"cursor": cursor})
        refused(response, 400, "invalid")
        assert response.json()["error"]["field"] == "cursor"


@pytest.mark.parametrize("name", LENIENT)
def test_a_list_by_numbers_leaves_out_what_makes_no_sense(anybody, name):
    for query in ODD:
        response = anybody.get(f"/api/v1/{name}", query)
        assert response.status_code == 200, query
        assert set(response.json()) == {"items", "next_cursor"}


@pytest.mark.parametrize("name", [*LISTS, *LENIENT])
def test_an_empty_cursor_begins_at_the_beginning_and_every_answer_is_private(anybody, name):
    plain, empty = anybody.get(f"/api/v1/{name}"), anybody.get(f"/api/v1/{name}", {"cursor": ""})
    assert plain.json() == empty.json()
    assert plain.json()["next_cursor"] is None


def test_the_description_names_every_route_that_is_looked_at_here():
    assert len(ROUTES) > 35 and len(NUMBERED) >= 8
    assert {f"/api/v1/{name}" for name in (*LISTS, *LENIENT)} <= set(DESCRIBED)
