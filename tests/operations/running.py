"""A real `costwatch up`, read line by line."""

import contextlib
import os
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.ports import free_port

PATIENCE = 90.0
OUTSIDE = ("DATABASE_URL", "DJANGO_SETTINGS_MODULE", "BROKER_URL", "COSTWATCH_STATIC_ROOT")
ROOT = str(Path(__file__).resolve().parents[2])


def environment(**more: str) -> dict[str, str]:
    """This process's, without what the tests' own settings put into it."""
    return {k: v for k, v in os.environ.items() if k not in OUTSIDE} | {"PYTHONPATH": ROOT} | more


def command(
    *arguments: str, data_dir: Path | None = None, stdin: str = "", **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a costwatch command to its end."""
    where = ["--data-dir", str(data_dir)] if data_dir else []
    return subprocess.run([sys.executable, "-m", "costwatch", *arguments, *where], capture_output=True, text=True,
                          env=environment(**more), timeout=PATIENCE, input=stdin)  # fmt: skip


def python_for_everybody() -> tuple[str, str]:
    """An interpreter and a PYTHONPATH that other users can reach; skips the test where there is none."""
    packages = f"{ROOT}{os.pathsep}{sysconfig.get_path('purelib')}"
    if not all(_reachable(Path(folder)) for folder in packages.split(os.pathsep)):
        pytest.skip("the checkout lies in a folder that other users cannot enter")
    own, system = Path(sys.executable), Path(f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")
    for python in (own, system):
        if python.exists() and _reachable(python.resolve()):
            return str(python), packages
    pytest.skip("the interpreter lies in a folder that other users cannot enter")


def _reachable(path: Path) -> bool:
    return all(above.stat().st_mode & 0o001 for above in (path, *path.parents))


class Up:
    """One `costwatch up` on a data dir; its log grows in a file beside it."""

    def __init__(self, data_dir: Path, *prefix: str, port: int = 0, python: str = sys.executable, **more: str) -> None:
        self.data_dir, self.prefix, self.python, self.more = data_dir, prefix, python, more
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_file = data_dir.with_name(f"{data_dir.name}.log")
        self.process: psutil.Popen | None = None

    def start(self, ready: bool = True) -> "Up":
        arguments = [*self.prefix, self.python, "-m", "costwatch", "up", "--data-dir", str(self.data_dir)]
        with self.log_file.open("wb") as log:
            self.process = psutil.Popen([*arguments, "--port", str(self.port)], stdout=log, stderr=log,
                                        env=environment(**self.more), cwd="/")  # fmt: skip
        if ready:
            self.wait_for(lambda: self.status("/readyz") == 200)
        return self

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def wait_for(self, true: "object", seconds: float = PATIENCE) -> None:
        until = time.monotonic() + seconds
        while not true():  # type: ignore[operator]
            assert time.monotonic() < until, f"not within {seconds} s:\n{self.log[-4000:]}"
            time.sleep(0.05)

    def status(self, path: str, timeout: float = 15) -> int | None:
        """HTTP status of a GET, None where nothing answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=timeout) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code
        except OSError:
            return None

    def child(self, *words: str) -> psutil.Process:
        """The direct child with all these words in its command line."""
        assert self.process is not None
        for process in self.process.children():
            if all(any(word in part for part in process.cmdline()) for word in words):
                return process
        raise AssertionError(f"no child {words}:\n{self.log[-4000:]}")

    def family(self) -> list[psutil.Process]:
        assert self.process is not None
        return [self.process, *self.process.children(recursive=True)]

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return int(self.process.wait(60))

    def kill_everything(self) -> None:
        """kill -9 of every process at once."""
        for process in self.family():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def clean_up(self) -> None:
        if self.process is not None and self.process.is_running():
            family = self.family()
            self.process.send_signal(signal.SIGTERM)
            _, alive = psutil.wait_procs(family, timeout=30)
            for process in alive:
                process.kill()
