"""A real web server process on a database of its own, for tests that need HTTP as it is outside.

Use the fixture `server` (tests/conftest.py): one for the whole session, so tests must not count on an empty database;
`server.key(scopes)` makes a key in a workspace that nobody else uses unless it is named.
"""

import http.client
import json
import os
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg

from tests.ports import free_port

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
    first: "FirstStart | None" = None
    port: int = 0
    database: str = field(default_factory=lambda: f"live_{uuid.uuid4().hex[:12]}")
    _process: subprocess.Popen[bytes] | None = None
    _console: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Have what a first start makes, made or copied, and serve."""
        if self.first is None:
            self.prepare()
        else:
            self.first.copy(self.database)
        self.port = free_port()
        log = (self.data_dir / "web.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "costwatch.up.web", "127.0.0.1", str(self.port)],
            env=self.environment, cwd=ROOT, stdout=log, stderr=log,
        )  # fmt: skip
        self._wait()

    def prepare(self) -> None:
        """Make the database with its prices, and the static files."""
        with psycopg.connect(maintenance_url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{self.database}"')
        for step in (("database",), ("static", str(self.data_dir / "static-stamp"))):
            words = [sys.executable, "-m", "costwatch.up.prepare", *step]
            done = subprocess.run(words, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, f"{step}: {done.stderr[-3000:]}"

    def stop(self) -> None:
        """End the processes and drop the database."""
        for process in (self._console, self._process):
            if process is not None:
                process.terminate()
                process.wait(timeout=20)
        with psycopg.connect(maintenance_url(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')

    @property
    def database_url(self) -> str:
        parts = urlsplit(os.environ["DATABASE_URL"])
        return parts._replace(path="/" + self.database).geturl()

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": self.database_url,
            "BROKER_URL": "",
            "COSTWATCH_DATA_DIR": str(self.data_dir),
            "COSTWATCH_STATIC_ROOT": str((self.first.model if self.first else self).data_dir / "static"),
            "COSTWATCH_RATE_LIMIT": "0",
            "COSTWATCH_DATABASE_TIMEOUT": "8",
            "DJANGO_SETTINGS_MODULE": "costwatch.settings",
            **self.options,
        }

    def key(self, scopes: str = "ingest,read", workspace: str | None = None) -> str:
        """The text of a new key."""
        wanted = ("test", workspace or f"workspace {uuid.uuid4().hex}", scopes.split(","))
        return self.run(f"from costwatch.accounts import commands; print(commands.key_create(*{wanted!r}))").strip()

    def run(self, code: str) -> str:
        """Run Python in a process of the product beside the server (tests/console.py); what it prints."""
        if self._console is None:
            self._console = subprocess.Popen([sys.executable, "-m", "tests.console"], env=self.environment, cwd=ROOT,
                                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # fmt: skip
        assert self._console.stdin and self._console.stdout
        self._console.stdin.write(json.dumps(code) + "\n")
        self._console.stdin.flush()
        said, trouble = json.loads(self._console.stdout.readline())
        assert not trouble, trouble
        return str(said)

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


class FirstStart:
    """What a first start makes, made once and copied by the servers of a run; the last who leaves removes the database.

    Two advisory locks of PostgreSQL see to that: one for the moment of making or removing it, one shared by its users.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.model = LiveServer(folder, database=f"first_{name}")
        self._connection = psycopg.connect(maintenance_url(), autocommit=True)
        self._ask("SELECT pg_advisory_lock(1, hashtext(%s))")
        if not self._ask("SELECT true FROM pg_database WHERE datname = %s"):
            self.model.prepare()
        self._ask("SELECT pg_advisory_lock_shared(2, hashtext(%s))")
        self._ask("SELECT pg_advisory_unlock(1, hashtext(%s))")

    def copy(self, database: str) -> None:
        """A database with this name."""
        self._connection.execute(f'CREATE DATABASE "{database}" TEMPLATE "{self.model.database}"')

    def close(self) -> None:
        self._ask("SELECT pg_advisory_lock(1, hashtext(%s))")
        self._ask("SELECT pg_advisory_unlock_shared(2, hashtext(%s))")
        if self._ask("SELECT pg_try_advisory_lock(2, hashtext(%s))"):
            self.model.stop()
        self._connection.close()

    def _ask(self, question: str) -> Any:
        found = self._connection.execute(question, [self.model.database] * question.count("%s")).fetchone()
        return found and found[0]


def maintenance_url() -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path="/postgres").geturl()
