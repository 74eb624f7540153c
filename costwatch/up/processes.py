"""What an installation runs: the command line and environment of each process."""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from costwatch.embedded import Cluster
from costwatch.embedded_broker import Broker
from costwatch.up.child import Child

WEB_WORKERS = 2
WEB_THREADS = 8  # a worker's; each keeps a database connection
WORKER_THREADS = "4"  # two may be busy for seconds (a night's scan, a repricing): the watches have the others
CALM = (  # what PostgreSQL says at every start and stop, and where a batch is sent again or two senders make one name
    "LOG:  starting PostgreSQL",
    "LOG:  listening on",
    "LOG:  database system was shut down at",
    "LOG:  received fast shutdown",
    "LOG:  aborting any active",
    "LOG:  background worker",
    "LOG:  shutting down",
    "LOG:  database system is shut down",
    "ERROR:  duplicate key value violates unique constraint",
)


@dataclass(frozen=True)
class Installation:
    """One installation as it is started: where it lies and how it is reached."""

    data_dir: Path
    host: str
    port: int
    database_url: str
    broker_url: str
    embedded: bool

    @property
    def url(self) -> str:
        """The address for a browser on this machine, or by the given host name."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        return f"http://{host}:{self.port}"

    def environment(self) -> dict[str, str]:
        """For the children: where everything is, and memory kept small (arenas and BLAS threads are per thread)."""
        package_root = str(Path(__file__).resolve().parents[2])
        return {
            "MALLOC_ARENA_MAX": "2",
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "CELERY_SKIP_CHECKS": "1",  # they build the OpenAPI schema: 30 MB in each of two processes
            **os.environ,
            "DATABASE_URL": self.database_url,
            "BROKER_URL": self.broker_url,
            "COSTWATCH_DATA_DIR": str(self.data_dir),
            "COSTWATCH_WEB_PROCESSES": str(WEB_WORKERS),
            "COSTWATCH_WEB_THREADS": str(WEB_THREADS),
            "COSTWATCH_RATE_LIMIT": os.environ.get("COSTWATCH_RATE_LIMIT") or ("0" if self.embedded else "2000"),
            "COSTWATCH_URL": os.environ.get("COSTWATCH_URL") or self.url,
            "DJANGO_SETTINGS_MODULE": "costwatch.settings",
            "PROMETHEUS_MULTIPROC_DIR": str(self.data_dir / "metrics"),
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")])),
        }

    def _python(self, name: str, *arguments: str, **kwargs: Any) -> Child:
        return Child(name, [sys.executable, *arguments], self.environment(), **kwargs)

    def step(self, name: str, *arguments: str, shown_as: str = "prepare") -> Child:
        """A step of prepare.py."""
        return self._python(shown_as, "-m", "costwatch.up.prepare", name, *arguments, once=True)

    def web(self) -> Child:
        return self._python("web", "-m", "costwatch.up.web", self.host, str(self.port), grace=15.0)

    def scheduler(self) -> Child:
        return self._python(
            "scheduler", "-m", "celery", "--quiet", "-A", "costwatch.celery", "beat", "--loglevel", "WARNING",
            "--pidfile=", "--scheduler", "costwatch.scheduler.Scheduler",
        )  # fmt: skip

    def worker(self) -> Child:
        return self._python(
            "worker", "-W", "ignore", "-m", "celery", "-A", "costwatch.celery", "--quiet", "worker",
            "--loglevel", "WARNING", "--pool", "threads", "--concurrency", WORKER_THREADS, "--without-gossip",
            "--without-mingle", "--without-heartbeat", hush=("Warm shutdown",),
        )  # fmt: skip

    def demo(self) -> Child:
        return self._python("demo", "-m", "costwatch.demo")


def postgres(cluster: Cluster) -> Child:
    """The embedded server; SIGINT is its fast stop."""
    return Child("postgres", cluster.command, dict(os.environ), cluster.user, signal.SIGINT, grace=30.0, hush=CALM)


def broker(prepared: Broker) -> Child:
    """The embedded broker."""
    hush = ("WARNING Memory overcommit", "Received SIGTERM", "bye bye")
    return Child("broker", prepared.command, dict(os.environ), hush=hush)
