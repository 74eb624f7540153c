"""A real web server process on a database of its own, for tests that need HTTP as it is outside.

Use the fixture `server` (tests/conftest.py): one for the whole session, so tests must not count on an empty database;
`server.key(scopes)` makes a key in a workspace that nobody else uses unless it is named.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage  # names in any case
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class LiveServer:
    """`costwatch`'s web processes (not its worker or scheduler) as `costwatch up` starts them."""

    data_dir: Path
    options: dict[str, str] = field(default_factory=dict)
    port: int = 0
    _database: str = field(default_factory=lambda: f"live_{uuid.uuid4().hex[:12]}")
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Make the database, fill it with what a first start does, and serve."""
        with psycopg.connect(maintenance_url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{self._database}"')
        for step in (("database",), ("static", str(self.data_dir / "static-stamp"))):
            self._run("costwatch.up.prepare", *step)
        self.port = _free_port()
        log = (self.data_dir / "web.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "costwatch.up.web", "127.0.0.1", str(self.port)],
            env=self.environment, cwd=ROOT, stdout=log, stderr=log,
        )  # fmt: skip
        self._wait()

    def stop(self) -> None:
        """End the processes and drop the database."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
        with psycopg.connect(maintenance_url(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{self._database}" WITH (FORCE)')

    @property
    def database_url(self) -> str:
        parts = urlsplit(os.environ["DATABASE_URL"])
        return parts._replace(path="/" + self._database).geturl()

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": self.database_url,
            "BROKER_URL": "",
            "COSTWATCH_DATA_DIR": str(self.data_dir),
            "COSTWATCH_STATIC_ROOT": str(self.data_dir / "static"),
            "COSTWATCH_RATE_LIMIT": "0",
            "COSTWATCH_DATABASE_TIMEOUT": "8",
            "DJANGO_SETTINGS_MODULE": "costwatch.settings",
            **self.options,
        }

    def key(self, scopes: str = "ingest,read", workspace: str | None = None) -> str:
        """The text of a new key."""
        workspace = workspace or f"workspace {uuid.uuid4().hex}"
        return self._run("costwatch", "key", "create", "test", "--workspace", workspace, "--scopes", scopes).strip()

    def request(
        self, method: str, path: str, body: bytes | None = None, *, key: str | None = None, **headers: str
    ) -> Reply:
        """One request on a connection of its own; header names with _ for -."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            sent["Authorization"] = f"Bearer {key}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def post(self, path: str, value: Any, key: str) -> Reply:
        """A value as JSON."""
        return self.request("POST", path, json.dumps(value).encode(), key=key, Content_Type="application/json")

    def get(self, path: str, key: str, **parameters: str) -> Any:
        """The JSON of an answer 200."""
        query = "&".join(f"{quote(name)}={quote(value)}" for name, value in parameters.items())
        reply = self.request("GET", f"{path}?{query}", key=key)
        assert reply.status == 200, (reply.status, reply.body[:500])
        return reply.json()

    def _run(self, *arguments: str) -> str:
        done = subprocess.run([sys.executable, "-m", *arguments], env=self.environment, cwd=ROOT,
                              capture_output=True, text=True, timeout=120)  # fmt: skip
        assert done.returncode == 0, f"{arguments}: {done.stderr[-3000:]}"
        return done.stdout

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                if self.request("GET", "/healthz").status == 200:
                    return
            except OSError:
                pass
            assert self._process is not None and self._process.poll() is None, self.log
            assert time.monotonic() < until, self.log
            time.sleep(0.05)

    @property
    def log(self) -> str:
        return (self.data_dir / "web.log").read_text(errors="replace")[-5000:]


def maintenance_url() -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path="/postgres").geturl()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
