"""`costwatch up` in an empty folder: time to the first page, time of a restart, memory of all its processes at rest."""

import argparse
import contextlib
import http.client
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from bench.table import Row, at_most
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
REST = 25  # seconds until start-up work is over


def run(options: argparse.Namespace) -> list[Row]:
    """The three figures."""
    with tempfile.TemporaryDirectory(prefix="costwatch-bench-") as folder:
        Path(folder).chmod(0o755)
        data_dir = Path(folder) / "data"
        first, _ = _up(data_dir, rest=0)
        again, memory = _up(data_dir, rest=REST)
    return [
        at_most("first page after `costwatch up` on an empty folder", first, 8, "s"),
        at_most("first page after a restart", again, 3, "s"),
        at_most("memory of all processes at rest (PSS)", sum(memory.values()) / 1e6, 500, "MB",
                " (" + ", ".join(f"{name} {size / 1e6:.0f}" for name, size in memory.items()) + ")"),
    ]  # fmt: skip


def _up(data_dir: Path, rest: int) -> tuple[float, dict[str, int]]:
    """Seconds to the first page, and bytes by program after a rest."""
    port = free_port()
    env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "BROKER_URL")}
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "costwatch", "up", "--data-dir", str(data_dir), "--port", str(port)],
        cwd=ROOT, env=env, stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        while not _page(port):
            assert process.poll() is None, "costwatch up ended"
            time.sleep(0.02)
        took = time.monotonic() - began
        time.sleep(rest)
        return took, _memory(process.pid) if rest else {}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _page(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/login")
        return connection.getresponse().status == 200
    return False


def _memory(root: int) -> dict[str, int]:
    """Proportional set sizes of a process and all below it: shared pages are counted once."""
    sizes: dict[str, int] = {}
    parent = psutil.Process(root)
    for process in [parent, *parent.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            words = " ".join(process.cmdline())
            name = next((n for n in ("postgres", "valkey", "worker", "beat", "up.web") if n in words), "supervisor")
            name = {"beat": "scheduler", "up.web": "web"}.get(name, name)
            sizes[name] = sizes.get(name, 0) + process.memory_full_info().pss
    return sizes
