"""The Dockerfile's steps, run in an empty directory instead of an image; compose.yaml read by its rules.

No Docker engine is needed: COPY copies, RUN runs with a fresh virtual environment as the base image's Python.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import yaml
from django.conf import settings
from psycopg import sql

from tests.operations.running import ROOT, environment
from tests.ports import free_port

DOCKER = Path(ROOT) / "docker"
Step = tuple[str, str]


def steps() -> list[Step]:
    """(instruction, rest) of each step, continuation lines joined, comments dropped."""
    lines = [line for line in (DOCKER / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line.strip())]


def value(instruction: str) -> str:
    """The last one counts, as for Docker."""
    return [rest for name, rest in steps() if name == instruction][-1]


def compose() -> dict[str, Any]:
    return yaml.safe_load((DOCKER / "compose.yaml").read_text())  # type: ignore[no-any-return]


def test_it_runs_as_a_user_of_its_own_and_tells_its_health() -> None:
    made = next(rest for name, rest in steps() if name == "RUN" and rest.startswith("useradd"))
    assert value("USER") == made.split()[-1] == "costwatch"
    assert "/healthz" in value("HEALTHCHECK")
    assert re.fullmatch(r"python:3\.\d+-slim", value("FROM"))


def test_only_what_the_image_needs_is_sent_to_the_builder() -> None:
    kept = {line[1:] for line in (Path(ROOT) / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {source for name, rest in steps() if name == "COPY" for source in rest.split()[:-1]}
    assert kept == {source.removeprefix("./") for source in copied}


def test_compose_has_every_part_each_waiting_for_what_it_needs() -> None:
    services = compose()["services"]
    assert set(services) == {"postgres", "valkey", "migrate", "web", "worker", "beat"}
    for name in ("web", "worker", "beat"):
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    for name in ("postgres", "valkey"):
        assert services[name]["healthcheck"]["test"][0] == "CMD" and services[name]["volumes"]
    assert "costwatch.scheduler.Scheduler" in services["beat"]["command"]


def test_compose_knows_only_settings_that_exist_and_no_password() -> None:
    documented = set(re.findall(r"`([A-Z_]+)`", (Path(ROOT) / "docs" / "settings.md").read_text()))
    assert set(compose()["services"]["web"]["environment"]) <= documented
    assert not re.search(r"(PASSWORD|SECRET_KEY): (?!\$\{\w+:\?)", (DOCKER / "compose.yaml").read_text())


class Image:
    """The Dockerfile built into a folder."""

    def __init__(self, root: Path) -> None:
        self.root, self.workdir = root, root
        subprocess.run([sys.executable, "-m", "venv", str(root / "venv")], check=True)
        bare = environment()
        bare.pop("PYTHONPATH")
        self.env = bare | {"PATH": f"{root / 'venv' / 'bin'}:{os.environ['PATH']}", "HOME": str(root / "home")}

    def build(self) -> None:
        for name, rest in steps():
            if name == "WORKDIR":
                self.workdir = self.inside(rest)
                self.workdir.mkdir(parents=True, exist_ok=True)
            elif name == "COPY":
                self.copy(*rest.split())
            elif name == "ENV":
                for setting, what in re.findall(r"(\w+)=(\S+)", rest):
                    self.env[setting] = str(self.inside(what)) if what.startswith("/") else what
            elif name == "RUN" and not rest.startswith("useradd"):
                subprocess.run(rest, shell=True, check=True, cwd=self.workdir, env=self.env)
        self.inside("/home/costwatch").mkdir(parents=True)

    def inside(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def copy(self, *names: str) -> None:
        *sources, target = names
        for source in sources:
            found, wanted = Path(ROOT) / source, self.workdir / target
            if found.is_dir():
                shutil.copytree(found, wanted, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(found, wanted / source)

    def run(self, command: list[str], **more: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, cwd=self.workdir, env=self.env | more)


@pytest.fixture
def database() -> Iterator[str]:
    """The URL of a database of its own, empty, beside the tests' own."""
    name = f"image_{uuid.uuid4().hex[:12]}"
    parts = urlsplit(settings.DATABASE_URL)
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield urlunsplit(parts._replace(path=f"/{name}"))
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.mark.slow
def test_its_steps_make_something_that_serves(folder: Path, database: str) -> None:
    image = Image(folder)
    image.build()
    given = {"DATABASE_URL": database, "COSTWATCH_SECRET_KEY": "k" * 50, "BROKER_URL": ""}
    services = compose()["services"]
    assert image.run(services["migrate"]["command"], **given).wait(120) == 0
    port = str(free_port())
    *web, host, _ = json.loads(value("CMD"))
    assert host == "0.0.0.0"
    processes = [image.run([*web, "127.0.0.1", port], **given), image.run(services["beat"]["command"], **given)]
    try:
        for path in ("/healthz", "/readyz", "/login"):
            assert _answers(f"http://127.0.0.1:{port}{path}"), path
        style = re.search(r'href="(/static/[^"]+\.css)"', _fetch(f"http://127.0.0.1:{port}/login"))
        assert style and _answers(f"http://127.0.0.1:{port}{style.group(1)}")
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        statuses = [process.wait(30) for process in processes]
    assert statuses == [0, 0]


def _fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def _answers(url: str) -> bool:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            return bool(_fetch(url))
        except OSError:
            time.sleep(0.2)
    return False
