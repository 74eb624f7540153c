"""The guard asked by members and by the parts of a question: who asks, in which words, and when to ask again."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client

from costwatch.accounts.models import Member, Workspace
from costwatch.alerts import stops
from tests.api.conftest import caller

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
NOW = datetime(2026, 11, 25, 13, 0, tzinfo=UTC)
ADDRESSES = ["/api/v1/guard", "/api/v1/guard/status", "/api/v1/guard/status/v1/chat/completions"]


@pytest.fixture(autouse=True)
def always_looked_at(monkeypatch):
    monkeypatch.setattr(stops, "FRESH_FOR", 0.0)


@pytest.fixture
def member(workspace) -> Client:
    browser = Client()
    browser.force_login(Member.objects.create(workspace=workspace, email="v@l.example", role="viewer", password="!"))
    return browser


def stop(workspace, until=None, key="kill:1", **scope):
    named = {name.replace("_", "."): [value] for name, value in scope.items()}
    return stops.place(workspace.pk, named, "kill", "Enough.", key=key, until=until)


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_member_gets_the_answer_of_a_key(workspace, client, member, address):
    for question in ("?agent_id=triage", "?agent_id=other", ""):
        by_member, by_key = member.get(address + question), client.get(address + question)
        assert (by_member.status_code, by_member.json()) == (by_key.status_code, by_key.json())
    stop(workspace, agent="triage")
    for who in (member, client):
        answer = who.get(f"{address}?agent_id=triage")
        assert answer.status_code == (403 if "status" in address else 200)
        assert answer.json()["allow"] is False and answer.json()["reasons"][0]["agent_id"] == "triage"
        assert who.get(f"{address}?agent_id=other").json()["allow"] is True
        assert answer["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_stranger_is_asked_for_a_key(workspace, address):
    assert Client().get(address).status_code == 401
    wrong = Client().get(address, headers={"Authorization": "Bearer cw_read_x"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "key_malformed")
    assert caller(workspace, "ingest").get(address).status_code == 403


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "head", "options"])
def test_a_gateway_may_pass_any_method_on(workspace, client, method):
    stop(workspace, agent="triage")
    for agent, status in (("triage", 403), ("other", 200)):
        answer = getattr(client, method)("/api/v1/guard/status/v1/x", headers={"X-Costwatch-Agent-Id": agent})
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("scope", "question"),
    [
        ({"agent": "a"}, "agent_id=a"), ({"agent": "a"}, "agent=a"), ({"user": "u"}, "user_id=u"),
        ({"task": "t"}, "task=t"), ({"run": "r"}, "run_id=r"), ({"session": "s"}, "session_id=s"),
        ({"environment": "prod"}, "environment=prod"), ({"release": "1"}, "release=1"), ({"model": "m"}, "model=m"),
        ({"operation": "chat"}, ""), ({"operation": "embeddings"}, "operation=embeddings"),
        ({"tag_customer": "acme"}, "tag.customer=acme"), ({"tag_customer": "acme"}, "tags.customer=acme"),
        ({"tag_customer": "acme"}, "tags[customer]=acme"), ({"key": "read"}, ""), ({"key": "other"}, "key=other"),
        ({"provider": "google"}, "provider=gcp.gemini"), ({"agent": "日本 & co"}, "agent=%E6%97%A5%E6%9C%AC+%26+co"),
    ],
)  # fmt: skip
def test_each_part_of_a_question_names_a_dimension(workspace, client, scope, question):
    stop(workspace, **scope)
    assert client.get(f"/api/v1/guard?{question}").json()["allow"] is False


@pytest.mark.parametrize("question", ["agent_id=A", "agent_id=a%20", "agent_id=", "agnt=a", "agent_id[]=a", "user_id=a",
                                      "tag.agent=a", "agent!=a"])  # fmt: skip
def test_another_word_or_another_name_is_somebody_else(workspace, client, question):
    stop(workspace, agent="a")
    assert client.get(f"/api/v1/guard?{question}").json()["allow"] is True


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"X-Costwatch-Tags": "customer=acme"}, False), ({"X-Costwatch-Tags": " team = x , customer = acme "}, False),
        ({"x-costwatch-tags": "customer=acme,"}, False), ({"X-Costwatch-Tags": "customer=acme=x"}, True),
        ({"X-Costwatch-Tags": "=acme"}, True), ({"X-Costwatch-Tags": "customer"}, True),
        ({"X-Costwatch-Tags": ""}, True),
        ({"X-Other-Tags": "customer=acme"}, True), ({"X-Costwatch-Customer": "acme"}, True),
    ],
)  # fmt: skip
def test_tags_stand_in_one_header(workspace, client, headers, allowed):
    stop(workspace, tag_customer="acme")
    assert (client.get("/api/v1/guard/status", headers=headers).status_code == 200) is allowed


def test_headers_win_over_the_query_which_the_caller_of_the_gateway_may_have_written(workspace, client):
    stop(workspace, agent="bad")
    answer = client.get("/api/v1/guard/status?agent_id=good", headers={"X-Costwatch-Agent-Id": "bad"})
    assert answer.status_code == 403
    assert client.get("/api/v1/guard?agent_id=good", headers={"X-Costwatch-Agent-Id": "bad"}).json()["allow"] is True


@pytest.mark.parametrize(
    ("ends", "seconds"),
    [([60], 60), ([0.2], 1), ([59.01], 60), ([60, 3_600], 3_600), ([3_600, 60], 3_600), ([60, None], None),
     ([None], None), ([], None)],
)  # fmt: skip
def test_when_to_ask_again_is_when_all_of_them_are_over(workspace, client, ends, seconds):
    with time_machine.travel(NOW, tick=False):
        for number, end in enumerate(ends):
            until = None if end is None else NOW + timedelta(seconds=end)
            stop(workspace, until, f"kill:{number}", **{("agent", "user")[number]: "x"})
        answer = client.get("/api/v1/guard?agent_id=x&user_id=x")
    assert answer.json()["retry_after"] == seconds
    assert answer.headers.get("Retry-After") == (None if seconds is None else str(seconds))
    assert len(answer.json()["reasons"]) == len(ends)


def test_a_stop_is_over_at_its_end_without_anybodys_doing(workspace, client):
    with time_machine.travel(NOW, tick=False) as clock:
        stop(workspace, NOW + timedelta(seconds=10), agent="x")
        for seconds, allowed in ((0, False), (9, False), (10, True), (11, True)):
            clock.move_to(NOW + timedelta(seconds=seconds))
            assert client.get("/api/v1/guard?agent_id=x").json()["allow"] is allowed


def test_a_database_that_does_not_answer_is_503_for_the_gateway_to_decide(client):
    def silent(*_: object) -> None:
        raise OperationalError("connection refused: host=secret")

    for address in ADDRESSES:
        assert client.get(address).status_code == 200  # the key is known from now on
        with connection.execute_wrapper(silent):
            answer = client.get(address)
        assert (answer.status_code, answer["Retry-After"]) == (503, "3")
        assert answer.json()["error"]["code"] == "unavailable" and b"secret" not in answer.content


def test_stops_of_another_workspace_concern_nobody_here(client, member):
    stop(Workspace.objects.create(name="Other"), agent="a")
    for who in (client, member):
        assert who.get("/api/v1/guard?agent_id=a").json()["allow"] is True
