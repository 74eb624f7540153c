"""Guarded HTTP: every case of the shared list, with a resolver and servers of our own."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.lib import outbound
from costwatch.lib.outbound import Failed, Forbidden, Target, call, check, is_public

CASES = [json.loads(line) for line in (Path(__file__).parents[1] / "data" / "webhook_urls.jsonl").open()]
PUBLIC = "93.184.216.34"
NAMES = {
    "localhost": ["127.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "mixed.test": [PUBLIC, "10.0.0.7"],
    "rebind.test": [PUBLIC],
    "drip.test": ["127.0.0.1"],
    "hdrbomb.test": ["127.0.0.1"],
    "own.test": ["127.0.0.1"],
}


def names(host: str, port: int) -> list[str]:
    return NAMES.get(host, [PUBLIC])


@pytest.mark.parametrize(
    "case", [c for c in CASES if c["name"] != "wh58"], ids=lambda c: f"{c['name']} {c['why'][:30]}"
)
def test_an_address_of_the_list_is_called_or_not(case):
    hosts = ["hooks.slack.com"] if "Slack" in case["why"] else []
    if case["expect"] == "allow":
        assert check(case["url"], hosts=hosts, resolve=names).address == PUBLIC
        return
    with pytest.raises(Forbidden) as refused:
        check(case["url"], hosts=hosts, resolve=names)
    assert str(refused.value).endswith((".", "/hook"))


def test_a_name_is_resolved_once_and_the_checked_address_is_the_one_called(serve):
    port = serve(lambda client: client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    asked = []

    def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    target = check(f"http://rebind.test:{port}/", allow=["127.0.0.1"], resolve=rebinding)
    assert call(target).body == b"ok"
    assert asked == ["rebind.test"]


@pytest.mark.parametrize("allow", [["own.test"], ["OWN.test."], ["127.0.0.0/8"], ["127.0.0.1"]])
def test_an_operator_may_allow_names_and_networks_at_any_port(allow):
    assert check("http://own.test:9000/x?y=1#z", allow, resolve=names) == Target(
        "http", "own.test", 9000, "127.0.0.1", "/x?y=1"
    )


def test_an_allowed_network_allows_no_other(serve):
    with pytest.raises(Forbidden):
        check("http://own.test:9000/", ["10.0.0.0/8", "::1"], resolve=names)
    with pytest.raises(Forbidden):  # one of its two addresses is not allowed and the port is not public
        check("http://mixed.test:9000/", ["10.0.0.0/8"], resolve=names)


def test_a_name_that_does_not_resolve_may_do_so_later():
    def nowhere(host: str, port: int) -> list[str]:
        raise socket.gaierror("not known")

    with pytest.raises(Failed, match="cannot be resolved"):
        check("https://example.com/", resolve=nowhere)
    with pytest.raises(Failed, match="no address"):
        check("https://example.com/", resolve=lambda host, port: [])


def test_a_name_server_that_does_not_answer_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(outbound, "NAME_SECONDS", 0.1)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(2))
    began = time.monotonic()
    with pytest.raises(Failed, match=r"within 0\.1 seconds"):
        check("https://example.com/")
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("url,said", [
    ("https://nobody.test/", "no name of the open internet"), ("https://intranet/", "no name of the open internet"),
    ("https://example.com:22/", "port 22"), ("https://example.com/", "Only addresses at hooks.slack.com"),
])  # fmt: skip
def test_without_a_name_server_what_could_never_be_called_is_refused_all_the_same(url, said):
    def nowhere(host: str, port: int) -> list[str]:
        raise socket.gaierror("not known")

    with pytest.raises(Forbidden, match=said):
        check(url, hosts=["hooks.slack.com"] if "Only" in said else [], resolve=nowhere)


def test_plain_http_may_be_ruled_out_and_an_operator_may_allow_it(serve):
    with pytest.raises(Forbidden, match="https://"):
        check("http://example.com/", https=True, resolve=names)
    assert check("http://own.test:9000/", ["own.test"], ["hooks.slack.com"], resolve=names, https=True).port == 9000


@given(st.ip_addresses())
def test_no_private_address_is_public_in_any_wrapping(address):
    if not address.is_global:
        assert not is_public(address)
    if address.version == 4:
        mapped = ip_address(f"::ffff:{address}")
        assert is_public(mapped) == is_public(address)
        assert not is_public(ip_address(int(ip_address("64:ff9b::")) + int(address)))


@given(st.text(max_size=60))
def test_any_text_is_answered_by_a_target_or_a_sentence(text):
    for url in (text, f"http://{text}", f"https://{text}/"):
        try:
            assert check(url, resolve=names).address
        except (Forbidden, Failed) as told:
            assert str(told)


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """A server that takes one connection and does as told; returns its port."""
    opened: list[socket.socket] = []

    def start(behave: Callable[[socket.socket], object]) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        opened.append(server)

        def run() -> None:
            try:
                client, _ = server.accept()
                with client:
                    client.recv(65536)
                    behave(client)
            except OSError:
                return

        threading.Thread(target=run, daemon=True).start()
        return int(server.getsockname()[1])

    yield start
    for server in opened:
        server.close()


def local(port: int, path: str = "/") -> Target:
    return check(f"http://own.test:{port}{path}", ["own.test"], resolve=names)


def test_a_body_is_posted_with_its_headers_and_the_name_of_the_host(serve):
    seen = []

    def read(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 204 No Content\r\nX-Told: yes\r\n\r\n")

    server = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        client, _ = server.accept()
        data = b""
        while b'{"a":1}' not in data:
            data += client.recv(65536)
        seen.append(data)
        read(client)
        client.close()

    threading.Thread(target=run, daemon=True).start()
    port = server.getsockname()[1]
    answer = call(local(port, "/hook"), "POST", b'{"a":1}', {"Content-Type": "application/json"})
    server.close()
    assert (answer.status, answer.headers["X-Told"], answer.body) == (204, "yes", b"")
    assert seen[0].startswith(b"POST /hook HTTP/1.1\r\n") and f"Host: own.test:{port}".encode() in seen[0]


def test_a_redirect_is_not_followed(serve):
    port = serve(
        lambda client: client.sendall(
            b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
        )
    )
    assert call(local(port)).status == 302


def test_proxies_of_the_environment_are_not_used(serve, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    port = serve(lambda client: client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    assert call(local(port)).status == 200


def test_a_server_that_drips_a_byte_at_a_time_is_left_at_the_deadline(serve):
    def drip(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            client.sendall(b"x")
            time.sleep(0.05)

    begin = time.monotonic()
    with pytest.raises(Failed, match=r"within 0\.5 seconds"):
        call(local(serve(drip)), seconds=0.5)
    assert time.monotonic() - begin < 2


def test_a_server_that_says_nothing_is_left_too(serve):
    with pytest.raises(Failed, match=r"0\.3 seconds|timed out"):
        call(local(serve(lambda client: time.sleep(3))), seconds=0.3)


def test_endless_headers_are_cut(serve):
    def bomb(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\n")
        for i in range(100_000):
            client.sendall(b"X-%d: %s\r\n" % (i, b"x" * 1000))

    begin = time.monotonic()
    with pytest.raises(Failed):
        call(local(serve(bomb)), seconds=5)
    assert time.monotonic() - begin < 4


def test_a_body_that_is_too_long_is_refused(serve):
    def long(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200_000)

    with pytest.raises(Failed, match="longer than 65,536 bytes"):
        call(local(serve(long)))


def test_nobody_there_is_a_failure_with_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Failed, match=r"own\.test: "):
        call(local(port))


def test_tls_is_checked_for_the_name(serve):
    port = serve(lambda client: client.sendall(b"HTTP/1.1 200 OK\r\n\r\n"))
    with pytest.raises(Failed):
        call(local(port)._replace(scheme="https"))
