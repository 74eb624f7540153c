"""A real `costwatch up` in a folder of its own, and ways to hurt it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.ports import free_port

START_SECONDS = 90


class Installation:
    """One data directory with a running (or killed) `costwatch up` on it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.log = data_dir.parent / f"{data_dir.name}.log"

    def start(self) -> None:
        command = [sys.executable, "-m", "costwatch", "up", "--data-dir", str(self.data_dir), "--port", str(self.port)]
        environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        self.wait_until_ready()

    def wait_until_ready(self, seconds: float = START_SECONDS) -> None:
        until = time.monotonic() + seconds
        while self.status("/readyz") != 200:
            assert time.monotonic() < until, f"not ready after {seconds} s:\n{self.log.read_text()[-4000:]}"
            assert self.process is not None and self.process.poll() is None, self.log.read_text()[-4000:]
            time.sleep(0.2)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a costwatch command beside the running installation."""
        environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")}
        environment["COSTWATCH_DATA_DIR"] = str(self.data_dir)
        return subprocess.run(
            [sys.executable, "-m", "costwatch", *arguments],
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
        )

    def make_key(self, scopes: str = "ingest,read") -> str:
        done = self.command("key", "create", f"faults {scopes}", "--workspace", "Faults", "--scopes", scopes)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def status(self, path: str, timeout: float = 15) -> int | None:
        """HTTP status of a GET, None where nothing answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=timeout) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            return refused.code
        except OSError:
            return None

    def get(self, path: str, key: str) -> dict:
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def processes(self, *words: str) -> list[psutil.Process]:
        """Descendants of this `up` whose command line has all the words."""
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                line = " ".join(process.cmdline())
            except psutil.Error:
                continue
            if all(word in line for word in words):
                found.append(process)
        return found

    def kill(self, *words: str) -> int:
        """kill -9 all descendants that match; how many."""
        victims = self.processes(*words)
        for victim in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.kill()
        return len(victims)

    @property
    def database_url(self) -> str:
        return str(json.loads((self.data_dir / "installation.json").read_text())["database_url"])

    def postmaster(self) -> int:
        return int((self.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])

    def stop_postgres_immediately(self) -> None:
        os.kill(self.postmaster(), signal.SIGQUIT)

    def kill_everything(self) -> None:
        """kill -9 of the supervisor and all its descendants at once, as a power cut would."""
        assert self.process is not None
        root = psutil.Process(self.process.pid)
        for process in [*root.children(recursive=True), root]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)


@contextlib.contextmanager
def installed(prefix: str = "costwatch-faults-") -> Iterator[Installation]:
    """One that runs, in a folder of its own that PostgreSQL's user can enter; stopped and removed in the end."""
    with tempfile.TemporaryDirectory(prefix=prefix) as folder:
        Path(folder).chmod(0o755)
        running = Installation(Path(folder) / "data")
        running.start()
        try:
            yield running
        finally:
            running.stop()
