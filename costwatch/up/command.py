"""`costwatch up`: the whole product on one machine, in the order its parts need each other."""

import errno
import http.client
import os
import shutil
import socket
import time
from pathlib import Path

from costwatch import embedded, embedded_broker, env
from costwatch.trouble import Trouble
from costwatch.up import data_dir as folders
from costwatch.up import processes, stamps
from costwatch.up.child import Child
from costwatch.up.log import Log
from costwatch.up.processes import Installation
from costwatch.up.supervisor import StopRequested, Supervisor


def up(folder: Path, host: str, port: int, demo: bool) -> int:
    """Run until SIGTERM or SIGINT; the exit status. Raises Trouble where it cannot start."""
    began = time.monotonic()
    own_database = not env.text("DATABASE_URL")
    folder = folders.open_data_dir(folder, shared_with_server=own_database and os.geteuid() == 0)
    with folders.hold(folder):
        _refuse_taken_port(host, port)
        supervisor = Supervisor(Log(as_json=env.text("COSTWATCH_LOG") == "json"))
        try:
            _start_all(supervisor, folder, host, port, demo, began)
            supervisor.run()
        except StopRequested:
            supervisor.say("stopping")
        finally:
            supervisor.stop()
    supervisor.say("stopped")
    return 0


def _start_all(supervisor: Supervisor, folder: Path, host: str, port: int, demo: bool, began: float) -> None:
    supervisor.say(f"starting on {folder}")
    folders.secret_key(folder)
    folders.metrics_token(folder)
    shutil.rmtree(folder / "metrics", ignore_errors=True)
    (folder / "metrics").mkdir(mode=0o700)
    database_url, database_stamp = _database(supervisor, folder)
    installation = Installation(
        folder, host, port, database_url, _broker(supervisor, folder), not env.text("DATABASE_URL")
    )
    static = _static(supervisor, installation)
    if not database_stamp or not stamps.is_done(database_stamp, stamps.database_state()):
        _must_succeed(
            supervisor, installation.step("database", str(database_stamp or "")), "The database could not be prepared"
        )
    if static and supervisor.wait(static) != 0:
        raise Trouble("The static files could not be prepared; the lines above marked prepare say why.")
    web = supervisor.start(installation.web())
    if not supervisor.wait_for(lambda: _is_healthy(host, port), web, 60):
        raise Trouble("The web server did not start; the lines above marked web say why.")
    about: dict[str, str | int] = {"pid": os.getpid(), "url": installation.url, "database_url": database_url}
    folders.write_about(folder, **about, broker_url=installation.broker_url, embedded=installation.embedded)
    supervisor.say(f"open {installation.url} (ready after {time.monotonic() - began:.1f} s)")
    if not (folder / "set-up").exists():
        supervisor.run_once(
            installation.step("announce", installation.url, str(folder / "set-up"), shown_as="costwatch")
        )
    supervisor.start(installation.scheduler())
    if installation.broker_url:
        supervisor.start(installation.worker())
    if demo:
        supervisor.start(installation.demo())


def _database(supervisor: Supervisor, folder: Path) -> tuple[str, Path | None]:
    """Its URL, and where to note what it was prepared for (nowhere for a server that others may restore)."""
    given = env.text("DATABASE_URL")
    if given:
        return given, None
    cluster = embedded.prepare_cluster(folder, say=supervisor.say)
    server = supervisor.start(processes.postgres(cluster))
    if not supervisor.wait_for(lambda: embedded.is_ready(cluster, server.pid), server, 120):
        raise Trouble("PostgreSQL did not start; the lines above marked postgres say why.")
    return cluster.url, cluster.folder / "costwatch.prepared"


def _broker(supervisor: Supervisor, folder: Path) -> str:
    """Its URL; none where there is no broker, and then the scheduler does all work itself."""
    given = env.text("BROKER_URL")
    if given:
        return given
    prepared = embedded_broker.prepare_broker(folder)
    if prepared is None:
        supervisor.say("no broker on this machine: the scheduler does the periodic work itself")
        return ""
    server = supervisor.start(processes.broker(prepared))
    if not supervisor.wait_for(lambda: embedded_broker.answers(prepared), server, 30):
        raise Trouble("The broker did not start; the lines above marked broker say why.")
    return prepared.url


def _static(supervisor: Supervisor, installation: Installation) -> Child | None:
    """Started beside the database's preparation: it needs none."""
    stamp = installation.data_dir / "static.prepared"
    if stamps.is_done(stamp, stamps.static_state()):
        return None
    return supervisor.start(installation.step("static", str(stamp)))


def _must_succeed(supervisor: Supervisor, step: Child, sentence: str) -> None:
    if supervisor.run_once(step) != 0:
        raise Trouble(f"{sentence}; the lines above marked {step.name} say why.")


def _refuse_taken_port(host: str, port: int) -> None:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, OverflowError) as error:
        reason = "is taken" if getattr(error, "errno", 0) == errno.EADDRINUSE else f"cannot be used ({error})"
        raise Trouble(f"Port {port} on {host} {reason}: choose another with --port.") from None


def _is_healthy(host: str, port: int) -> bool:
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    connection = http.client.HTTPConnection(address, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
