"""HTTP to addresses that people typed in: only to the open internet, unless the operator allows more. Pure.

The name is resolved once, every address it has must be global, and the connection goes to the address that was checked:
a second answer of the DNS cannot lead elsewhere. No redirects, no proxies, one deadline for everything.
"""

import http.client
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

PORTS = frozenset({80, 443, 8443})
SECONDS = 10.0
NAME_SECONDS = 4.0
MOST_BYTES = 64 * 1024
LONGEST_URL = 2_000
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

_URL = re.compile(
    r"^(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>\d{1,5}))?(?P<path>[/?].*)?$", re.I
)
_NUMERIC = re.compile(r"^(0x[0-9a-f]*|\d+)$", re.I)
# names that no public server answers to, and single words; where they resolve, their address decides
_NEVER_PUBLIC = re.compile(
    r"^[^.]+$|\.(test|example|invalid|localhost|local|internal|intranet|lan|home|corp|onion|arpa)$"
)
# global by the registry, but the cloud's own inside (Azure), or IPv4 in a wrapping that could be anything
_NEVER = [
    ipaddress.ip_network(n) for n in ("168.63.129.16/32", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
]


class Forbidden(ValueError):
    """An address that is not called, whatever the network says; the message is for the person who typed it."""


class Failed(Exception):
    """The call went wrong: no answer, too slow, too long. Another try may do."""


class Target(NamedTuple):
    """Where a call goes: the address is checked, `host` is what TLS and the Host header name."""

    scheme: str
    host: str
    port: int
    address: str
    path: str


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name, as the system's resolver has them, within a few seconds. Raises OSError.

    The resolver itself has no deadline; where no name server answers it may take a minute.
    """
    answers: list[list[Any] | OSError | UnicodeError] = []

    def ask() -> None:
        try:
            answers.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(NAME_SECONDS)
    if not answers:
        raise OSError(f"no answer within {NAME_SECONDS:g} seconds")
    if isinstance(answers[0], Exception):
        raise answers[0]
    return list(dict.fromkeys(str(entry[4][0]) for entry in answers[0]))


def check(
    url: str,
    allow: Iterable[str] = (),
    hosts: Iterable[str] = (),
    resolve: Resolve = resolve,
    *,
    https: bool = False,
) -> Target:
    """Where this URL leads. `allow`: names and networks that may be called though they are not public, at any port.

    `hosts`: only these names, for a service that has its own; `https`: nothing else. Neither binds what is allowed.
    Raises Forbidden; Failed where the name does not resolve.
    """
    scheme, host, port, path = _parsed(url)
    only = {name.lower() for name in hosts}
    is_other = bool(only) and host not in only
    names, networks = _allowed(allow)
    try:
        addresses = [ipaddress.ip_address(a) for a in ([host] if _literal(host) else resolve(host, port))]
    except (OSError, UnicodeError) as error:
        if is_other:
            raise Forbidden(_only(only)) from None
        if port not in PORTS and host not in names:
            raise Forbidden(_port(port)) from None
        if _NEVER_PUBLIC.search(host) and host not in names:
            raise Forbidden(f"{host} is no name of the open internet.") from None
        raise Failed(f"The name {host} cannot be resolved: {error}") from None
    if not addresses:
        raise Failed(f"The name {host} has no address.")
    if host in names or all(any(a in n for n in networks if n.version == a.version) for a in addresses):
        return Target(scheme, host, port, str(addresses[0]), path)
    if is_other:
        raise Forbidden(_only(only))
    if port not in PORTS:
        raise Forbidden(_port(port))
    if not all(is_public(a) for a in addresses):
        raise Forbidden(f"{host} is not on the open internet. An operator may allow it: COSTWATCH_WEBHOOK_ALLOW.")
    if https and scheme != "https":
        raise Forbidden("Write https://: what is sent names agents and amounts.")
    return Target(scheme, host, port, str(addresses[0]), path)


def is_public(address: Address) -> bool:
    """Whether an address is one of the open internet."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address.scope_id is not None or address.is_site_local:
            return False
    if any(address in network for network in _NEVER if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast


def call(
    target: Target,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    seconds: float = SECONDS,
    most: int = MOST_BYTES,
    context: ssl.SSLContext | None = None,
) -> Answer:
    """One request to a checked target. A redirect is an answer like any other. Raises Failed."""
    connection = _Connection(target, seconds, context)
    over = threading.Timer(seconds, connection.break_off)
    over.start()
    try:
        connection.request(
            method, target.path, body, {"User-Agent": "costwatch", "Connection": "close", **(headers or {})}
        )
        answer = connection.getresponse()
        content = answer.read(most + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        late = f"no answer within {seconds:g} seconds" if connection.broken_off else str(error) or type(error).__name__
        raise Failed(f"{target.host}: {late}") from None
    finally:
        over.cancel()
        connection.close()
    if connection.broken_off:
        raise Failed(f"{target.host}: no whole answer within {seconds:g} seconds")
    if len(content) > most:
        raise Failed(f"{target.host}: the answer is longer than {most:,} bytes")
    return Answer(answer.status, dict(answer.getheaders()), content)


class _Connection(http.client.HTTPConnection):
    """A connection to the checked address, whatever the name leads to by now."""

    def __init__(self, target: Target, seconds: float, context: ssl.SSLContext | None) -> None:
        super().__init__(target.host, target.port, timeout=seconds)
        self.default_port = 443 if target.scheme == "https" else 80
        self._target, self._context = target, context
        self.broken_off = False

    def connect(self) -> None:
        """TLS, too, is for the name that was checked."""
        self.sock = socket.create_connection((self._target.address, self._target.port), self.timeout)
        if self.broken_off:
            raise TimeoutError
        if self._target.scheme == "https":
            context = self._context or ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self._target.host)

    def break_off(self) -> None:
        """End it from another thread: a server that sends a byte a second never runs into a timeout."""
        self.broken_off = True
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


def _only(hosts: Iterable[str]) -> str:
    return f"Only addresses at {', '.join(sorted(hosts))} can be used here."


def _port(port: int) -> str:
    return f"The port {port} cannot be called; use one of {', '.join(map(str, sorted(PORTS)))}."


def _parsed(url: str) -> tuple[str, str, int, str]:
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or any(c in url for c in ' \\"<>^`{|}'):
        raise Forbidden("Write the address in plain ASCII, without blanks: https://example.com/hook")
    found = _URL.match(url)
    if found is None:
        raise Forbidden("This is no address of the web: https://example.com/hook, without a name or password in it.")
    host = found["host"].strip("[]").lower().removesuffix(".")
    scheme = found["scheme"].lower()
    port = int(found["port"] or (443 if scheme == "https" else 80))
    if not 0 < port < 65536 or not _is_host(host):
        raise Forbidden(f"{host[:80]} is no name that can be called.")
    path = (found["path"] or "/").partition("#")[0]
    return scheme, host, port, path if path.startswith("/") else f"/{path}"


def _is_host(host: str) -> bool:
    """A written-out address or a name; never a number in another notation (2130706433, 0177.0.0.1)."""
    if _literal(host) is not None:
        return True
    labels = host.split(".")
    return len(host) <= 253 and all(0 < len(label) <= 63 for label in labels) and not _NUMERIC.match(labels[-1])


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _allowed(allow: Iterable[str]) -> tuple[set[str], list[ipaddress.IPv4Network | ipaddress.IPv6Network]]:
    names, networks = set(), []
    for entry in allow:
        try:
            networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
        except ValueError:
            names.add(entry.lower().removesuffix("."))
    return names, networks
