"""The events address over real HTTP: framing, chunked bodies, keep-alive, and what is in the totals afterwards."""

import contextlib
import http.client
import json
import socket
import time
import uuid
import zlib
from datetime import UTC, datetime

import psycopg

from tests.live import maintenance_url


def event(**changes):
    return {"event_id": uuid.uuid4().hex, "timestamp": datetime.now(UTC).isoformat(), "model": "gpt-4o",
            "input_tokens": 1000, "output_tokens": 100, **changes}  # fmt: skip


def test_an_acknowledged_event_is_stored(server):
    key = server.key("ingest")
    batch = [event() for _ in range(10)]
    assert server.post("/api/v1/events", batch, key).json() == {"accepted": 10, "duplicates": 0, "rejected": []}
    assert server.post("/api/v1/events", {"events": batch}, key).json()["duplicates"] == 10


def test_a_chunked_body_is_read_in_full(server):
    key = server.key("ingest")
    body = json.dumps([event() for _ in range(300)]).encode()
    packed = zlib.compress(body)
    for data, encoding in ((body, "identity"), (packed, "deflate")):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Content-Encoding": encoding}
        parts = (data[i : i + 1000] for i in range(0, len(data), 1000))
        connection.request("POST", "/api/v1/events", parts, headers, encode_chunked=True)
        answer = json.load(connection.getresponse())
        assert answer["accepted"] + answer["duplicates"] == 300
        connection.close()


def test_one_connection_carries_many_requests_also_after_refused_ones(server):
    key = server.key("ingest")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    seen = []
    for body in (b"[]", b"{", json.dumps(event()).encode(), b"null", json.dumps([event(), event()]).encode()):
        connection.request("POST", "/api/v1/events", body, headers)
        answer = connection.getresponse()
        answer.read()
        seen.append(answer.status)
    connection.close()
    assert seen == [200, 400, 200, 422, 200]


def test_a_wrong_key_is_refused_before_the_body_is_sent(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                           b"Authorization: Bearer cw_wrong\r\nContent-Length: 4000000\r\n\r\n[")  # fmt: skip
        assert connection.recv(1000).startswith(b"HTTP/1.1 401 ")


def test_a_body_that_is_too_large_is_refused_by_its_length(server):
    key = server.key("ingest")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(f"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                           f"Authorization: Bearer {key}\r\nContent-Length: 30000000\r\n\r\n[".encode())  # fmt: skip
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_breaks_off_stores_nothing_and_hurts_nobody(server):
    key = server.key("ingest")
    body = json.dumps([event()]).encode()
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            head = (f"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n")  # fmt: skip
            connection.sendall(head.encode() + body[:-5])
    assert taken(server, json.loads(body), key) == {"accepted": 1, "duplicates": 0, "rejected": []}


def test_without_its_database_it_acknowledges_nothing_and_says_when_to_come_again(server):
    key = server.key("ingest")
    batch = [event() for _ in range(5)]
    assert server.post("/api/v1/events", batch[:1], key).status == 200
    with database_away(server):
        for _ in range(3):
            reply = server.post("/api/v1/events", batch, key)
            assert reply.status == 503 and 1 <= int(reply.headers["Retry-After"]) <= 5
            assert reply.json()["error"]["message"]
    assert taken(server, batch, key) == {"accepted": 4, "duplicates": 1, "rejected": []}


def taken(server, batch, key, seconds=15):
    """The answer 200, sending again after 503 as clients do."""
    until = time.monotonic() + seconds
    while (reply := server.post("/api/v1/events", batch, key)).status == 503 and time.monotonic() < until:
        time.sleep(0.1)
    assert reply.status == 200, (reply.status, reply.body)
    return reply.json()


@contextlib.contextmanager
def database_away(server):
    """Nobody can connect to the server's database, and who was connected is not any more."""
    name = server.database_url.split("?")[0].rsplit("/", 1)[1]
    with psycopg.connect(maintenance_url(), autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
