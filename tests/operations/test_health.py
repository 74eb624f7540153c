"""Probes and Prometheus: who is told what, and when an installation is ready for traffic."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from costwatch import health, metrics
from costwatch.ledger.models import IngestBatch
from costwatch.models import Tick

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
TOKEN = "a-token-of-the-installation"
STRANGER = {"REMOTE_ADDR": "203.0.113.9"}
PROXY_HEADERS = ["X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"]


@pytest.fixture(autouse=True)
def installation(settings, monkeypatch):
    """One with a token, whose scheduler works."""
    settings.METRICS_TOKEN = TOKEN
    monkeypatch.setattr(health, "_migrated", [])
    Tick.objects.create(name="costwatch.watch", finished_at=timezone.now())


def ready(**who) -> tuple[int, dict]:
    response = Client().get("/readyz", **who)
    assert response["Cache-Control"] == "no-store"
    assert response.has_header("Retry-After") is (response.status_code == 503)
    return response.status_code, response.json()


def test_a_process_is_alive_without_asking_the_database(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.content, answer["Cache-Control"]) == (200, b"ok\n", "no-store")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_may_ask_for_the_head_alone_and_change_nothing(client, path):
    head = client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    for method in ("post", "put", "patch", "delete"):
        assert getattr(client, method)(path).status_code == 405


def test_one_whose_scheduler_works_is_ready():
    assert ready() == (200, {"ready": True})
    assert ready(**STRANGER) == (200, {"ready": True})


@pytest.mark.parametrize(("seconds", "status"), [(1, 200), (50, 200), (75, 503), (100_000, 503)])
def test_one_whose_scheduler_is_silent_for_a_minute_is_not(seconds, status):
    Tick.objects.update(finished_at=timezone.now() - timedelta(seconds=seconds))
    found, body = ready()
    assert found == status
    if status == 503:
        (problem,) = body["problems"]
        assert problem.startswith(f"the scheduler does no periodic work for {str(seconds)[:-1]}")


def test_one_whose_scheduler_never_worked_is_not():
    Tick.objects.all().delete()
    assert ready() == (503, {"ready": False, "problems": ["the scheduler does no periodic work"]})


def test_one_without_the_migrations_of_this_version_is_not_and_is_asked_again():
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'saved'")
    status, body = ready()
    assert status == 503 and "lacks migrations" in body["problems"][0]
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('saved', '0001_initial', now())")
    assert ready()[0] == 200


def test_strangers_are_not_told_what_is_wrong():
    Tick.objects.all().delete()
    assert ready(**STRANGER) == (503, {"ready": False})
    for name in PROXY_HEADERS:
        assert ready(headers={name: "for=127.0.0.1"}) == (503, {"ready": False}), f"behind a proxy ({name}) all are"


@pytest.mark.parametrize(
    ("address", "status"),
    [("127.0.0.1", 200), ("127.8.8.8", 200), ("::1", 200), ("10.0.0.1", 404), ("203.0.113.9", 404), ("::", 404),
     ("fe80::1", 404), ("", 404), ("unix:", 404), ("localhost", 404)],
)  # fmt: skip
def test_metrics_are_for_this_machine(address, status):
    assert Client().get("/metrics", REMOTE_ADDR=address).status_code == status


@pytest.mark.parametrize(
    ("shown", "status"),
    [(f"Bearer {TOKEN}", 200), (TOKEN, 200), (f"Bearer  {TOKEN} ", 200), ("Bearer", 404), ("", 404),
     (f"Bearer {TOKEN[:-1]}", 404), (f"Bearer {TOKEN}x", 404), (f"bearer {TOKEN}", 404), ("Bearer é", 404),
     (f"Basic {TOKEN}", 404)],
)  # fmt: skip
def test_from_elsewhere_they_take_the_token(shown, status):
    answer = Client().get("/metrics", headers={"Authorization": shown, "X-Forwarded-For": "203.0.113.9"}, **STRANGER)
    assert answer.status_code == status
    assert (b"costwatch_database_up 1.0" in answer.content) is (status == 200)


def test_a_wrong_token_is_refused_from_this_machine_too():
    assert Client().get("/metrics", headers={"Authorization": "Bearer guessed"}).status_code == 404


def test_without_a_token_nobody_elsewhere_has_one(settings):
    settings.METRICS_TOKEN = ""
    for shown in ("Bearer ", "Bearer", "", "Bearer x"):
        assert Client().get("/metrics", headers={"Authorization": shown}, **STRANGER).status_code == 404
    assert Client().get("/metrics").status_code == 200


def counted(*parts: str) -> float:
    lines = [
        line for line in metrics.exposition().decode().splitlines() if line.startswith("costwatch_requests_total{")
    ]
    return sum(float(line.split()[-1]) for line in lines if all(part in line for part in parts))


@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        ("get", "/healthz", ['route="healthz"', 'method="GET"', 'status="200"']),
        ("get", "/api/v1/runs/r-17/%2F", ['route="api/v1/runs/<anything:run_id>"', 'status="401"']),
        ("delete", "/api/v1/budgets/77", ['route="api/v1/budgets/<int:budget_id>"', 'method="DELETE"']),
        ("get", "/some/where/else?name=o-my-name", ['route="(none)"', 'status="404"']),
        ("post", "/healthz", ['method="POST"', 'status="405"']),
    ],
)
def test_requests_are_counted_by_the_pattern_of_their_address(client, method, path, labels):
    before = counted(*labels)
    getattr(client, method)(path)
    assert counted(*labels) == before + 1
    assert counted("r-17") == counted("o-my-name") == counted("some/where") == 0


def test_a_method_that_nobody_knows_makes_no_label_of_its_own(client):
    before = counted('method="OTHER"')
    for word in ("BREW", "X" * 100, "PROPFIND"):
        client.generic(word, "/healthz")
    assert counted('method="OTHER"') == before + 3
    assert counted("BREW") == counted("PROPFIND") == 0


def test_unfolded_batches_and_the_age_of_the_last_work_are_told():
    text = Client().get("/metrics").content.decode()
    assert "\ncostwatch_unfolded_batches 0.0\n" in text and "\ncostwatch_behind_seconds 0.0\n" in text
    now = timezone.now()
    IngestBatch.objects.create(id=1, lane=1, first_at=now, last_at=now, received_at=now - timedelta(seconds=70))
    assert re.search(r"\ncostwatch_behind_seconds [7-9]\d\.", Client().get("/metrics").content.decode())
    (age,) = [line.split()[-1] for line in text.splitlines() if line.startswith("costwatch_scheduler_age_seconds ")]
    assert 0 <= float(age) < 60
    Tick.objects.all().delete()
    assert "costwatch_scheduler_age_seconds" not in Client().get("/metrics").content.decode()
