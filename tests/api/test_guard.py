"""`GET /api/v1/guard`, and the verdicts in the answers of ingest."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from costwatch.accounts.models import ApiKey, Workspace
from costwatch.alerts import incidents, stops
from costwatch.alerts.models import Incident
from costwatch.tasks import look
from tests.api.conftest import caller
from tests.api.test_incidents import REPORT

NOW = datetime.now(UTC).replace(microsecond=0)
GO_ON = {"allow": True, "reasons": [], "retry_after": None, "advisory": True, "overshoot_seconds": 2.5}
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def always_looked_at(monkeypatch):
    monkeypatch.setattr(stops, "FRESH_FOR", 0.0)


@pytest.fixture
def incident(workspace) -> Incident:
    return Incident.objects.get(pk=incidents.open_or_update(workspace.pk, REPORT, NOW))


def kill(workspace, until=None, named="kill:1", **scope):
    wanted = {name.replace("_", "."): [value] for name, value in scope.items()}
    return stops.place(workspace.pk, wanted, "kill", "Enough.", key=named, until=until)


@pytest.fixture
def send(workspace, prices):
    sender = caller(workspace, "ingest")

    def send(*events, status=200):
        whole = [{"model": "gpt-4o", "input_tokens": 10, "output_tokens": 5, **event} for event in events]
        response = sender.post("/api/v1/events", {"events": whole}, content_type="application/json")
        assert response.status_code == status
        return response.json()

    return send


def test_the_guard_lets_everybody_go_on_but_the_run_that_loops(get, incident):
    assert get("/api/v1/guard", agent_id="triage") == get("/api/v1/guard") == GO_ON
    assert get("/api/v1/guard", run_id="r-2")["allow"] is True
    answer = get("/api/v1/guard", run_id="r-1", agent_id="triage")
    assert (answer["allow"], answer["retry_after"]) == (False, None)
    assert answer["reasons"] == [{"run_id": "r-1", "action": "stop", "reason": "loop", "incident": incident.pk,
                                  "message": "triage repeated get_order."}]  # fmt: skip


def test_the_guard_forgives_as_soon_as_somebody_resolves(get, incident, workspace):
    assert get("/api/v1/guard", run_id="r-1")["allow"] is False
    caller(workspace, "admin").post(f"/api/v1/incidents/{incident.pk}/resolve", {}, content_type="application/json")
    assert get("/api/v1/guard", run_id="r-1")["allow"] is True


@pytest.mark.parametrize(
    ("scope", "question"),
    [
        ({"agent": "a"}, {"agent_id": "a"}),
        ({"agent": "a"}, {"agent": "a"}),
        ({"user": "u"}, {"user_id": "u"}),
        ({"task": "t"}, {"task": "t"}),
        ({"run": "r"}, {"run_id": "r"}),
        ({"session": "s"}, {"session_id": "s"}),
        ({"environment": "prod"}, {"environment": "prod"}),
        ({"release": "1.2"}, {"release": "1.2"}),
        ({"model": "gpt-4o"}, {"model": "gpt-4o"}),
        ({"provider": "vertex"}, {"provider": "gcp.vertex_ai"}),
        ({"operation": "embeddings"}, {"operation": "embeddings"}),
        ({"tag_customer": "acme"}, {"tag.customer": "acme"}),
        ({"tag_customer": "acme"}, {"tags.customer": "acme"}),
        ({"tag_customer": "acme"}, {"tags[customer]": "acme"}),
        ({"key": "read"}, {}),
        ({"key": "other"}, {"key": "other"}),
        ({}, {}),
    ],
)
def test_it_is_asked_by_the_names_of_an_event(get, workspace, scope, question):
    kill(workspace, **scope)
    assert get("/api/v1/guard", **question)["allow"] is False
    other = {name: f"not {value}" for name, value in question.items()}
    assert get("/api/v1/guard", **other)["allow"] is (scope not in ({"key": "read"}, {}))


def test_an_operation_that_is_not_named_is_chat(get, workspace):
    kill(workspace, operation="chat")
    assert get("/api/v1/guard", agent_id="a")["allow"] is False
    assert get("/api/v1/guard", agent_id="a", operation="embeddings")["allow"] is True


def test_every_part_of_a_scope_must_fit(get, workspace):
    kill(workspace, agent="a", tag_customer="acme")
    assert get("/api/v1/guard", agent_id="a")["allow"] is True
    answer = get("/api/v1/guard", **{"agent_id": "a", "tag.customer": "acme", "anything": "else"})
    assert answer["reasons"][0]["agent_id"] == "a"
    assert answer["reasons"][0]["tag.customer"] == "acme"


def test_it_says_when_to_ask_again(get, workspace):
    kill(workspace, datetime.now(UTC) + timedelta(minutes=10), agent="a")
    assert 595 <= get("/api/v1/guard", agent_id="a")["retry_after"] <= 600
    kill(workspace, datetime.now(UTC) + timedelta(minutes=20), "kill:2", user="u")
    assert 1195 <= get("/api/v1/guard", agent_id="a", user_id="u")["retry_after"] <= 1200
    kill(workspace, None, "kill:3", run="r")
    assert get("/api/v1/guard", agent_id="a", user_id="u", run_id="r")["retry_after"] is None


def test_gateways_may_have_it_as_a_status_whatever_they_pass_on(workspace):
    reader, stopped = caller(workspace, "read"), {"X-Costwatch-Agent-Id": "a"}
    kill(workspace, datetime.now(UTC) + timedelta(minutes=10), agent="a")
    for address in (
        "/api/v1/guard/status",
        "/api/v1/guard/status/v1/chat/completions",
        "/api/v1/guard/status/a//b?x=y",
    ):
        for method in (reader.get, reader.post, reader.put, reader.patch, reader.delete):
            assert method(address, headers={"X-Costwatch-Agent-Id": "b"}).status_code == 200
            refused = method(address, headers=stopped)
            assert (refused.status_code, refused.json()["allow"]) == (403, False)
    assert 590 <= int(refused["Retry-After"]) <= 600
    assert reader.get("/api/v1/guard/status?agent_id=a").status_code == 403
    assert Client().get("/api/v1/guard/status?agent_id=b").status_code == 401


@pytest.mark.parametrize(
    ("scope", "headers"),
    [
        ({"user": "u 1"}, {"X-Costwatch-User-Id": "u 1"}),
        ({"run": "r"}, {"X-Costwatch-Run-Id": "r"}),
        ({"task": "t"}, {"x-costwatch-task": "t"}),
        ({"session": "s"}, {"X-Costwatch-Session-Id": "s"}),
        ({"model": "m&agent_id=x"}, {"X-Costwatch-Model": "m&agent_id=x"}),
        ({"tag_customer": "acme"}, {"X-Costwatch-Tags": "team=x, customer = acme,,=,"}),
    ],
)
def test_gateways_say_who_asks_in_headers(workspace, scope, headers):
    reader = caller(workspace, "read")
    kill(workspace, **scope)
    assert reader.get("/api/v1/guard/status", headers=headers).status_code == 403
    other = {name: f"{value.replace('acme', 'other')}x" for name, value in headers.items()}
    assert reader.get("/api/v1/guard/status", headers=other).status_code == 200


def test_another_workspace_is_not_concerned(get):
    kill(Workspace.objects.create(name="Elsewhere"))
    assert get("/api/v1/guard")["allow"] is True


@pytest.mark.parametrize("name", ["agent_id", "tag.", "tags[", "tag.\0", "key", "run_id", "x" * 5000])
def test_any_question_has_an_answer(get, workspace, name):
    kill(workspace, agent="a")
    assert get("/api/v1/guard", **{name: "\0\U0001f600<script>"})["allow"] is True


def test_from_sent_calls_to_the_verdict_in_the_next_answer(workspace, get, send):
    def calls(numbers):
        return [{"event_id": f"e{n}", "agent_id": "triage", "run_id": "r-9", "step": n,
                 "timestamp": (NOW - timedelta(seconds=90 - 5 * n)).isoformat(), "input_tokens": 100,
                 "tool": "t", "call_fingerprint": "c", "input_fingerprint": "i"} for n in numbers]  # fmt: skip

    assert "verdicts" not in send(*calls(range(9)))
    look()
    (verdict,) = send(*calls([9]))["verdicts"]
    assert (verdict["run_id"], verdict["action"], verdict["reason"]) == ("r-9", "stop", "loop")
    assert get("/api/v1/incidents", run_id="r-9")["items"][0]["id"] == verdict["incident"]
    assert get("/api/v1/guard", run_id="r-9")["allow"] is False
    told = {"incident": verdict["incident"], "severity": "alarm", "state": "open"}
    assert get("/api/v1/runs/r-9")["loop"] == get("/api/v1/runs")["items"][0]["loop"] == told


def test_an_answer_names_those_of_its_batch_that_should_stop(workspace, send):
    kill(workspace, agent="a")
    kill(workspace, None, "kill:2", user="u", tag_customer="acme")
    kill(workspace, None, "kill:3", session="elsewhere")
    assert "verdicts" not in send({"agent_id": "b"}, {"user_id": "u"})
    of_acme = {"agent_id": "b", "user_id": "u", "tags": {"customer": "acme"}}
    mixed = send({"agent_id": "a"}, {"agent_id": "a"}, of_acme)
    same = {"action": "stop", "reason": "kill", "message": "Enough.", "incident": None}
    assert mixed["verdicts"] == [{"agent_id": "a", **same}, {"user_id": "u", "tag.customer": "acme", **same}]


def test_one_stop_over_many_users_names_each_of_the_batch(workspace, send):
    stops.place(workspace.pk, {"user": ["u1", "u2", "u3"], "agent": ["a"]}, "budget", "Over.", key="budget:1")
    answer = send({"agent_id": "a", "user_id": "u1"}, {"agent_id": "a", "user_id": "u2"}, {"user_id": "u3"})
    assert [(v["user_id"], v["agent_id"]) for v in answer["verdicts"]] == [("u1", "a"), ("u2", "a")]


def test_an_answer_never_names_more_than_a_hundred(workspace, send):
    stops.place(workspace.pk, {"user": [f"u{n}" for n in range(300)]}, "budget", "Over.", key="budget:1")
    assert len(send(*({"user_id": f"u{n}"} for n in range(300)))["verdicts"]) == 100


def test_the_senders_key_and_the_whole_workspace_can_be_asked_to_stop(workspace, send):
    send({})
    name = ApiKey.objects.get(workspace=workspace, scopes=["ingest"]).name
    kill(workspace, named="kill:key")
    (verdict,) = send({})["verdicts"]
    assert verdict == {"action": "stop", "reason": "kill", "message": "Enough.", "incident": None}
    stops.lift(workspace.pk, "kill:key", NOW)
    stops.place(workspace.pk, {"key": [name]}, "kill", "Enough.", key="kill:key")
    assert send({})["verdicts"][0]["key"] == name


def test_what_is_refused_says_no_verdict(workspace, send):
    kill(workspace, agent="a")
    assert "verdicts" not in send({"agent_id": "a", "input_tokens": -1}, status=422)
