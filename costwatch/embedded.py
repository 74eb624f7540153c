"""The embedded PostgreSQL of `costwatch up` and of the tests: the wheel's programs, else any initdb; our life cycle.

PostgreSQL refuses to run as root: started by root it runs as a system user of its own (`pgserver`).
Everything survives kill -9: the cluster is made aside and renamed, a left-over server is stopped before a start.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from costwatch import programs, server_user
from costwatch.trouble import Trouble

TUNING: Final = {
    "listen_addresses": "''",
    "shared_buffers": "'128MB'",
    "max_wal_size": "'4GB'",
    "checkpoint_timeout": "'15min'",
    "log_checkpoints": "off",
    "log_line_prefix": "''",
    # one line for an error: its details name users, and who sent the statement tells what became of it
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_connections": "100",
    "synchronous_commit": "on",
    "autovacuum_vacuum_scale_factor": "0.1",
    "autovacuum_naptime": "'20s'",
    "work_mem": "'32MB'",
    "maintenance_work_mem": "'128MB'",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
}
OWN_FILE: Final = "costwatch.conf"
CREATE: Final = "CREATE DATABASE costwatch;\n"
LONGEST_SOCKET_FOLDER: Final = 80  # a socket's whole path may have 107 bytes
Say = Callable[[str], None]


@dataclass(frozen=True)
class Cluster:
    """A database cluster that is ready to be started."""

    folder: Path
    binaries: Path
    sockets: Path
    user: str | None  # whom the server runs as, when root starts it

    @property
    def url(self) -> str:
        return f"postgresql://costwatch@/costwatch?host={quote(str(self.sockets))}"

    @property
    def command(self) -> list[str]:
        """Runs the server in the foreground. SIGINT to it is a fast and clean stop."""
        return [str(self.binaries / "postgres"), "-D", str(self.folder)]

    def run(self, program: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs on this cluster, as its user; the outcome is the caller's to judge."""
        leaves_server = arguments[-1:] == ("start",)
        return server_user.run([str(self.binaries / program), *arguments], self.user, stdin, not leaves_server)


def prepare_cluster(data_dir: Path, extra: dict[str, str] | None = None, say: Say = lambda line: None) -> Cluster:
    """The cluster in data_dir/postgres, made if it is new, configured, and with no server left over on it."""
    cluster = _cluster(data_dir, say)
    if not (cluster.folder / "PG_VERSION").exists():
        _initialise(cluster)
    stop_cluster(cluster)
    _configure(cluster, extra or {})
    return cluster


def start_postgres(data_dir: Path, extra: dict[str, str] | None = None) -> str:
    """Have a server run by itself on data_dir/postgres (it may run already) and return its database URL."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "start.lock").open("a") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        cluster = _cluster(data_dir)
        if cluster.run("pg_ctl", "-D", str(cluster.folder), "status").returncode == 0:
            return cluster.url
        cluster = prepare_cluster(data_dir, extra)
        log = str(cluster.folder / "server.log")
        if cluster.run("pg_ctl", "-D", str(cluster.folder), "-w", "-t", "60", "-l", log, "start").returncode != 0:
            raise Trouble(f"PostgreSQL did not start; {log} says why.")
        return cluster.url


def is_ready(cluster: Cluster, pid: int) -> bool:
    """Whether the server with this process id takes connections (it says so in its pid file)."""
    try:
        lines = (cluster.folder / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _cluster(data_dir: Path, say: Say = lambda line: None) -> Cluster:
    folder = data_dir / "postgres"
    user = server_user.choose(data_dir, say)
    version = folder / "PG_VERSION"
    binaries = programs.postgres(version.read_text().strip() if version.exists() else None, data_dir, user)
    return Cluster(folder, binaries, _socket_folder(folder, user), user)


def stop_cluster(cluster: Cluster) -> None:
    """Stop a server that a killed supervisor left behind; a stale pid file is removed where its process is another."""
    pid_file = cluster.folder / "postmaster.pid"
    if not pid_file.exists():
        return
    at_work = cluster.run("pg_ctl", "-D", str(cluster.folder), "status").returncode == 0
    if at_work and _is_postgres(pid_file):
        for mode in ("fast", "immediate"):
            if cluster.run("pg_ctl", "-D", str(cluster.folder), "-w", "-t", "20", "-m", mode, "stop").returncode == 0:
                return
        if pid_file.exists():
            raise Trouble(f"A PostgreSQL server left over on {cluster.folder} does not stop; end it by its process id.")
    # killed a moment ago it may still be there as a zombie, and the socket's lock names it too
    for left_over in (pid_file, cluster.sockets / ".s.PGSQL.5432", cluster.sockets / ".s.PGSQL.5432.lock"):
        left_over.unlink(missing_ok=True)


def _is_postgres(pid_file: Path) -> bool:
    """After a crash the process id in the file may belong to anybody; where /proc tells, look."""
    try:
        pid = pid_file.read_text().split("\n", 1)[0].strip()
        return b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return not Path("/proc/self").exists() and pid_file.exists()


def _initialise(cluster: Cluster) -> None:
    """Made under another name and renamed when complete: a kill in between leaves nothing that looks whole."""
    unfinished = cluster.folder.with_name("postgres.new")
    for locale in ("C.UTF-8", "C"):
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if cluster.user:
            shutil.chown(unfinished, cluster.user)
        made = cluster.run("initdb", "-D", str(unfinished), "-U", "costwatch", "--auth=trust", "--encoding=UTF8",
                           f"--locale={locale}", "--no-instructions")  # fmt: skip
        if made.returncode == 0:
            made = cluster.run("postgres", "--single", "-D", str(unfinished), "postgres", stdin=CREATE)
            break
    if made.returncode != 0:
        raise Trouble(f"PostgreSQL could not make its files in {cluster.folder}: {made.stderr.strip()[-300:]}")
    if cluster.folder.is_dir():
        cluster.folder.rmdir()
    unfinished.rename(cluster.folder)


def _configure(cluster: Cluster, extra: dict[str, str]) -> None:
    """Our settings stand in a file of their own, which ALTER SYSTEM still overrides."""
    settings = {**TUNING, "unix_socket_directories": f"'{cluster.sockets}'", "unix_socket_permissions": "0700", **extra}
    own = cluster.folder / OWN_FILE
    own.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
    main = cluster.folder / "postgresql.conf"
    include = f"include = '{OWN_FILE}'"
    if include not in main.read_text():
        with main.open("a") as file:
            file.write(f"\n{include}\n")
    if cluster.user:
        shutil.chown(own, cluster.user)
    own.chmod(0o600)


def _socket_folder(folder: Path, user: str | None) -> Path:
    """The cluster's folder itself, or a private one in the temporary folder where the path is too long for a socket."""
    if len(str(folder).encode()) <= LONGEST_SOCKET_FOLDER:
        return folder
    return server_user.private_folder(Path(tempfile.gettempdir()), f"costwatch-postgres-{os.getuid()}", folder, user)


def wait_until_ready(cluster: Cluster, pid: int, alive: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for the server; alive() is asked in between and should pass time and say whether the process lives."""
    deadline = time.monotonic() + seconds
    while not is_ready(cluster, pid):
        if not alive() or time.monotonic() > deadline:
            raise Trouble("PostgreSQL did not start; the lines above marked postgres say why.")
