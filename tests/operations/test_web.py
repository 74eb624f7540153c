"""The shipped web server: whole bodies, static files, health, and a database that freezes."""

import gzip
import http.client
import json
import re
import signal
import socket
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.frozen import frozen
from tests.operations.running import Up, command

pytestmark = pytest.mark.slow
LIMIT = 4 * 1024 * 1024


@pytest.fixture(scope="module")
def key(running: Up) -> str:
    made = command("key", "create", "web", "--workspace", "Web", "--scopes", "ingest,read", data_dir=running.data_dir)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def post_chunked(up: Up, key: str, body: bytes, piece: int) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", up.port, timeout=30)
    pieces = (body[start : start + piece] for start in range(0, len(body), piece))
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
    connection.request("POST", "/api/v1/events", body=pieces, headers=headers, encode_chunked=True)
    return connection.getresponse()


@pytest.mark.parametrize("piece", [37, 4096, 1_000_000])
def test_a_chunked_body_reaches_the_view_in_full(running: Up, key: str, piece: int) -> None:
    lines = [json.dumps({"event_id": f"{piece}-{n}", "model": "gpt-4o", "input_tokens": n}) for n in range(500)]
    answer = post_chunked(running, key, "\n".join(lines).encode(), piece)
    assert answer.status == 200
    assert json.load(answer)["accepted"] == 500


def test_a_chunked_body_over_the_limit_is_refused_as_too_large(running: Up, key: str) -> None:
    answer = post_chunked(running, key, b'{"model": "m"}\n' * (LIMIT // 15 + 10), 65536)
    assert answer.status == 413
    assert json.load(answer)["error"]["message"]


def test_no_answer_tells_a_version_of_the_server(running: Up) -> None:
    with urllib.request.urlopen(f"{running.url}/healthz") as answer:
        assert not re.search(r"\d", answer.headers.get("Server", ""))
        assert answer.headers["Content-Security-Policy"]


def test_static_files_come_compressed_and_may_be_kept_for_years(running: Up) -> None:
    names = json.loads((running.data_dir / "static" / "staticfiles.json").read_text())["paths"]
    sheet = next(hashed for name, hashed in names.items() if name.endswith(".css"))
    request = urllib.request.Request(f"{running.url}/static/{sheet}", headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "immutable" in answer.headers["Cache-Control"]
        assert int(re.findall(r"max-age=(\d+)", answer.headers["Cache-Control"])[0]) > 365 * 86400
        assert gzip.decompress(answer.read()) == (running.data_dir / "static" / sheet).read_bytes()


def test_strangers_learn_nothing_from_health_and_metrics(running: Up) -> None:
    proxied = {"X-Forwarded-For": "203.0.113.9"}
    assert _get(running, "/readyz", proxied) == (200, '{"ready": true}')
    assert _get(running, "/metrics", proxied)[0] == 404
    token = (running.data_dir / "metrics_token").read_text()
    assert _get(running, "/metrics", proxied | {"Authorization": f"Bearer {token}"})[0] == 200
    assert _get(running, "/metrics", proxied | {"Authorization": "Bearer guessed"})[0] == 404


def test_metrics_sum_up_over_the_processes_and_have_bounded_labels(running: Up, key: str) -> None:
    before = _counted(running, "healthz")
    for _ in range(20):
        assert running.status("/healthz") == 200
    assert _counted(running, "healthz") >= before + 20
    running.status("/nowhere/agent-7")
    text = _get(running, "/metrics")[1]
    assert "agent-7" not in text and key not in text
    assert re.search(r'costwatch_events_total{outcome="accepted"} [1-9]', text)
    assert "costwatch_database_up 1.0" in text and "costwatch_scheduler_age_seconds" in text


def test_a_body_that_breaks_off_is_counted_though_the_application_never_sees_it(running: Up) -> None:
    before = _refused(running, "broken_off")
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", running.port)) as sender:
            sender.sendall(b"POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n12345")
    running.wait_for(lambda: _refused(running, "broken_off") == before + 10, 20)


@pytest.mark.fault
def test_a_frozen_database_gives_503_within_ten_seconds_and_leaves_health_checks_alone(running: Up, key: str) -> None:
    assert running.status("/readyz") == 200
    with frozen(running.child("postgres")):
        with ThreadPoolExecutor(40) as pool:
            asked = [pool.submit(_timed, running, "/readyz") for _ in range(40)]
            time.sleep(2)
            for _ in range(5):
                status, seconds = _timed(running, "/healthz")
                assert status == 200 and seconds < 2
                time.sleep(0.5)
            answers = [answer.result() for answer in asked]
        assert {status for status, _ in answers} == {503}
        assert max(seconds for _, seconds in answers) < 10
    running.wait_for(lambda: running.status("/readyz") == 200, 30)
    assert post_chunked(running, key, b'{"model": "gpt-4o"}', 10).status == 200


@pytest.mark.fault
@pytest.mark.parametrize("hurt", [signal.SIGSTOP, signal.SIGKILL], ids=["frozen", "killed again and again"])
def test_periodic_work_goes_on_within_ten_seconds_without_a_broker(running: Up, hurt: signal.Signals) -> None:
    until = time.monotonic() + 14
    worst = 0.0
    hurt_one: psutil.Process | None = None
    while time.monotonic() < until:
        try:
            broker = running.child("valkey")
            if hurt_one is None or broker.pid != hurt_one.pid:
                broker.send_signal(hurt)
                hurt_one = broker
        except (AssertionError, psutil.NoSuchProcess):
            pass
        text = _get(running, "/metrics")[1]
        worst = max(worst, float(re.findall(r"^costwatch_scheduler_age_seconds (\S+)", text, re.M)[0]))
        time.sleep(0.3)
    if hurt is signal.SIGSTOP:
        hurt_one.resume()
    assert worst < 10
    assert running.status("/readyz") == 200


@pytest.mark.fault
def test_periodic_work_goes_on_within_ten_seconds_without_a_worker(running: Up) -> None:
    with frozen(running.child("--pool")):
        time.sleep(12)
        text = _get(running, "/metrics")[1]
        assert float(re.findall(r"^costwatch_scheduler_age_seconds (\S+)", text, re.M)[0]) < 10


def _get(up: Up, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    request = urllib.request.Request(up.url + path, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def _timed(up: Up, path: str) -> tuple[int | None, float]:
    began = time.monotonic()
    return up.status(path, timeout=30), time.monotonic() - began


def _counted(up: Up, route: str) -> float:
    text = _get(up, "/metrics")[1]
    found = re.findall(rf'^costwatch_requests_total{{.*route="{route}".*}} (\S+)', text, re.M)
    return sum(float(number) for number in found)


def _refused(up: Up, reason: str) -> float:
    found = re.search(
        rf'^costwatch_refused_at_the_door_total{{reason="{reason}"}} (\S+)', _get(up, "/metrics")[1], re.M
    )
    return float(found[1])
