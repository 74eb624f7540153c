"""`GET /api/v1/events`, `/events/{id}`, `/runs`, `/runs/{id}`."""

from urllib.parse import quote

import pytest

from costwatch.accounts.models import Workspace
from costwatch.ledger.fold import fold_all
from costwatch.ledger.record import record
from tests.api.conftest import caller
from tests.ledger.make import entry

pytestmark = pytest.mark.django_db


def pages(get, address, **params):
    cursor = None
    while True:
        answer = get(address, **params, **({"cursor": cursor} if cursor else {}))
        assert set(answer) == {"items", "next_cursor"}
        yield from answer["items"]
        if (cursor := answer["next_cursor"]) is None:
            return


def test_all_events_come_once_over_the_pages_newest_first(get, workspace):
    record(workspace.lane, [entry(f"e-{n}", minutes=-n * 700) for n in range(25)])
    fold_all()
    record(workspace.lane, [entry(f"e-{n}", minutes=-n * 700) for n in range(25, 40)])
    assert [e["event_id"] for e in pages(get, "/api/v1/events", limit=7)] == [f"e-{n}" for n in range(40)]
    oldest = [e["event_id"] for e in pages(get, "/api/v1/events", limit=7, order="time")]
    assert oldest == [f"e-{n}" for n in range(39, -1, -1)]


def test_events_are_filtered_by_the_names_of_their_fields(get, workspace):
    record(workspace.lane, [entry("a", run_id="r-1", agent_id="x"), entry("b", run_id="r-2", agent_id="x"), entry("c")])
    assert {e["event_id"] for e in get("/api/v1/events", agent_id="x")["items"]} == {"a", "b"}
    assert [e["event_id"] for e in get("/api/v1/events", run_id="r-2", agent_id="x")["items"]] == ["b"]
    assert get("/api/v1/events", **{"from": "2026-11-19"})["items"] == []


def test_an_event_reads_as_the_contract_names_its_fields(get, workspace):
    record(workspace.lane, [entry("e", cost="0.00000001", user_id="u", tags={"team": "ops"}, latency_ms=5)])
    event = get("/api/v1/events/e")
    assert event["timestamp"] == "2026-11-18T13:32:07.123456Z"
    assert (event["cost_usd"], event["cost_source"], event["price"]) == ("0.000000010000", "catalog", None)
    assert (event["user_id"], event["task"], event["tags"], event["status"]) == ("u", None, {"team": "ops"}, "ok")
    assert get("/api/v1/events")["items"] == [event]


@pytest.mark.parametrize(
    "event_id",
    [
        "a/b",
        "/a",
        "a/",
        "a//b",
        "..",
        "../keys",
        "a?b#c",
        "ü é\n語",
        "%2F",
        "e%",
        "+ +",
        "a;b=c",
        "\t",
        "x" * 255,
        "<b>",
    ],
)
def test_an_event_is_found_by_any_id_it_was_sent_with(get, workspace, event_id):
    record(workspace.lane, [entry(event_id, run_id=event_id[:200])])
    assert get("/api/v1/events/" + quote(event_id, safe=""))["event_id"] == event_id
    assert get("/api/v1/runs/" + quote(event_id[:200], safe=""))["run_id"] == event_id[:200]


@pytest.mark.parametrize(
    "address",
    ["events/nobody", "runs/nobody", "events/%00", "runs/%00", "events/%ff%fe", "runs/%ed%a0%80", "nothing", ""],
)
def test_what_does_not_exist_is_404_in_a_sentence(client, address):
    response = client.get(f"/api/v1/{address}")
    assert response.status_code == 404
    error = response.json()["error"]
    assert (error["code"], error["field"]) == ("not_found", None)
    assert error["message"].endswith(".")


def test_an_event_or_run_of_another_workspace_does_not_exist(client, workspace):
    other = Workspace.objects.create(name="Other")
    record(other.lane, [entry("theirs", run_id="theirs")])
    for address in ("/api/v1/events/theirs", "/api/v1/runs/theirs"):
        assert client.get(address).status_code == 404
        assert caller(other, "read").get(address).status_code == 200


def test_a_run_has_its_sums_its_span_and_its_labels(get, workspace):
    record(workspace.lane, [entry(run_id="r-1", cost="1", task="refund"), entry(run_id="r-1", cost="0.5", minutes=2)])
    run = get("/api/v1/runs/r-1")
    assert (run["cost_usd"], run["calls"], run["duration_ms"]) == ("1.500000000000", 2, 120_000)
    assert (run["agent_id"], run["task"], run["user_id"]) == ("triage", "refund", None)
    assert (run["started_at"], run["last_call_at"]) == ("2026-11-18T13:32:07.123456Z", "2026-11-18T13:34:07.123456Z")
    assert get("/api/v1/runs")["items"] == [run]


def test_runs_come_by_their_last_call_or_by_cost(get, workspace):
    record(workspace.lane, [entry(run_id=f"r-{n}", minutes=n, cost=str(10 - n)) for n in range(5)])
    assert [r["run_id"] for r in pages(get, "/api/v1/runs", limit=2)] == ["r-4", "r-3", "r-2", "r-1", "r-0"]
    assert [r["run_id"] for r in pages(get, "/api/v1/runs", limit=2, order="-cost")] == [
        "r-0",
        "r-1",
        "r-2",
        "r-3",
        "r-4",
    ]
    assert [r["run_id"] for r in get("/api/v1/runs", agent="triage", order="cost", limit=1)["items"]] == ["r-4"]


@pytest.mark.parametrize("listing", ["/api/v1/events", "/api/v1/runs"])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("cursor=QUFBQQ==", "cursor"),
        ("cursor=gASVJAAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjAlzbGVlcCAxMJSFlFKULg==", "cursor"),
        ("cursor=%00", "cursor"),
        ("limit=1001", "limit"),
        ("order=cost;DROP TABLE x", "order"),
    ],
)
def test_a_list_refuses_what_it_did_not_give_out(client, listing, query, field):
    response = client.get(f"{listing}?{query}")
    assert response.status_code == 400
    assert response.json()["error"]["field"] == field


def test_a_cursor_of_one_list_is_not_one_of_the_other(client, get, workspace):
    record(workspace.lane, [entry(run_id=f"r-{n}") for n in range(3)])
    cursor = get("/api/v1/runs", limit=1)["next_cursor"]
    assert client.get("/api/v1/events", {"cursor": cursor}).status_code == 400
