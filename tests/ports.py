"""Ports for the servers that tests start: no two processes of a test run are given the same.

The web server lets others listen on its port beside it (SO_REUSEPORT), and each gets some of the requests. Two test
processes that had both found a port free, or one while the other's server was being restarted, answered each other's.
"""

import os
import random
import socket
from itertools import count

FIRST, EACH = 20_000, 1_000  # below the ports that the system gives to outgoing connections
_tried = count(random.randrange(EACH))


def free_port() -> int:
    """One on which nothing listens, out of this test process's own thousand."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 10
    while True:
        port = FIRST + worker * EACH + next(_tried) % EACH
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
