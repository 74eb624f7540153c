"""`costwatch up` as a person starts, hurts and stops it."""

import json
import os
import re
import signal
import socket
import time
import urllib.request
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.operations.running import Up, command, python_for_everybody

pytestmark = pytest.mark.slow


def test_a_start_serves_and_prints_the_address_and_a_setup_link(running: Up) -> None:
    running.wait_for(lambda: "/setup/" in running.log)
    assert f"open {running.url}" in running.log
    link = re.search(r"http://\S+/setup/\S+", running.log)
    assert link and running.status(link.group().removeprefix(running.url)) == 200
    assert running.status("/healthz") == 200
    assert running.status("/") == 200  # after the redirect to the login page


def test_the_log_marks_every_line_with_its_process(running: Up) -> None:
    assert all(re.match(r"\d\d:\d\d:\d\d [\w-]+ +\| ", line) for line in running.log.splitlines())


def test_what_happens_every_day_is_no_error_in_the_log(running: Up) -> None:
    key = command("key", "create", "twice", "--scopes", "ingest", data_dir=running.data_dir).stdout.strip()
    events = [{"event_id": f"call-{i}", "model": "gpt-5.4", "user_id": "somebody@example.org"} for i in range(50)]
    body, headers = json.dumps(events).encode(), {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for _ in range(2):  # the second time each of them is known, which PostgreSQL calls an error
        urllib.request.urlopen(urllib.request.Request(f"{running.url}/api/v1/events", body, headers)).read()
    url = json.loads((running.data_dir / "installation.json").read_text())["database_url"]
    with psycopg.connect(url) as connection, pytest.raises(psycopg.Error):
        connection.execute("SELECT 'a real one'::integer")
    running.wait_for(lambda: 'invalid input syntax for type integer: "a real one"' in running.log)
    assert "duplicate key" not in running.log
    assert "STATEMENT" not in running.log and "DETAIL" not in running.log


def test_secrets_and_folders_belong_to_their_owner_alone(running: Up) -> None:
    for secret in ("secret_key", "metrics_token", "installation.json"):
        assert (running.data_dir / secret).stat().st_mode & 0o777 == 0o600
    assert (running.data_dir / "postgres").stat().st_mode & 0o777 == 0o700
    assert (running.data_dir / "broker").stat().st_mode & 0o777 == 0o700
    assert running.data_dir.stat().st_mode & 0o066 == 0


def test_a_second_up_on_the_same_folder_is_refused_in_one_sentence(running: Up) -> None:
    second = command("up", data_dir=running.data_dir)
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1 and "already runs" in second.stderr and running.url in second.stderr
    assert running.status("/readyz") == 200


def test_a_taken_port_is_told_in_one_sentence(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = command("up", "--port", str(port), data_dir=folder / "data")
    assert refused.returncode == 1
    assert refused.stderr == f"costwatch: Port {port} on 127.0.0.1 is taken: choose another with --port.\n"


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_an_unusable_data_dir_is_told_in_one_sentence(folder: Path, name: str) -> None:
    (folder / "file").write_text("")
    refused = command("up", data_dir=folder / name)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1 and "cannot be used" in refused.stderr and "--data-dir" in refused.stderr


def test_a_wrong_setting_is_told_in_one_sentence(folder: Path) -> None:
    refused = command("verify", data_dir=folder, DATABASE_URL="postgresql:///x", COSTWATCH_HTTPS="maybe")
    assert refused.returncode == 1
    assert refused.stderr == "costwatch: COSTWATCH_HTTPS='maybe': write 1 or 0\n"


def test_sigterm_stops_everything_and_a_second_start_goes_on(make_up: type[Up], folder: Path) -> None:
    up = make_up(folder / "data").start()
    key = command("key", "create", "kept", "--scopes", "ingest", data_dir=up.data_dir)
    assert re.fullmatch(r"cw_\w+\n", key.stdout), key.stderr
    secret, family = (up.data_dir / "secret_key").read_text(), up.family()
    assert up.stop() == 0
    assert "stopped" in up.log.splitlines()[-1]
    assert not [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    assert "start it with" in command("verify", data_dir=up.data_dir).stderr

    began = time.monotonic()
    up.start(ready=False)
    up.wait_for(lambda: up.status("/healthz") == 200)
    assert time.monotonic() - began < 30
    assert (up.data_dir / "secret_key").read_text() == secret
    with_same_name = command("doctor", data_dir=up.data_dir)
    assert "PostgreSQL" in with_same_name.stdout


def test_ctrl_c_stops_like_sigterm(make_up: type[Up], folder: Path) -> None:
    # a shell's background job ignores SIGINT, and so would what it starts: here somebody sits before it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    up = make_up(folder / "data").start()
    assert up.process is not None
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(60) == 0


@pytest.mark.fault
@pytest.mark.parametrize(
    "words",
    [("costwatch.up.web",), ("beat",), ("worker",), ("postgres",), ("valkey",)],
    ids=["web", "scheduler", "worker", "postgres", "broker"],
)
def test_a_killed_child_is_started_again(running: Up, words: tuple[str, ...]) -> None:
    victim = running.child(*words)
    victim.kill()
    running.wait_for(lambda: _successor(running, words, victim.pid))
    running.wait_for(lambda: running.status("/readyz") == 200)
    assert "started again in" in running.log


@pytest.mark.fault
def test_a_killed_web_worker_is_replaced_and_none_is_left_over(running: Up) -> None:
    web = running.child("costwatch.up.web")
    victim = web.children()[0]
    victim.kill()
    running.wait_for(lambda: len(running.child("costwatch.up.web").children()) == 2)
    running.wait_for(lambda: running.status("/readyz") == 200)


@pytest.mark.fault
def test_a_killed_supervisor_takes_its_children_along_and_the_next_start_has_all_data(
    make_up: type[Up], folder: Path
) -> None:
    up = make_up(folder / "data").start()
    assert (
        command("key", "create", "kept", "--scopes", "ingest", "--workspace", "W", data_dir=up.data_dir).returncode == 0
    )
    family = up.family()
    os.kill(up.process.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive
    up.start()
    assert _keys(up) == 1


@pytest.mark.fault
def test_everything_killed_at_once_starts_again_with_all_data(make_up: type[Up], folder: Path) -> None:
    up = make_up(folder / "data").start()
    assert (
        command("key", "create", "kept", "--scopes", "ingest", "--workspace", "W", data_dir=up.data_dir).returncode == 0
    )
    up.kill_everything()
    up.start()
    assert _keys(up) == 1
    assert command("verify", "--deep", data_dir=up.data_dir).returncode == 0


@pytest.mark.fault
def test_a_pid_file_of_somebody_else_does_not_keep_postgres_from_starting(make_up: type[Up], folder: Path) -> None:
    up = make_up(folder / "data").start()
    up.stop()
    (up.data_dir / "postgres" / "postmaster.pid").write_text(
        f"{os.getpid()}\n{up.data_dir}/postgres\n1\n5432\n\n\n 1 1\n"
    )
    up.start()
    assert up.status("/readyz") == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_starts_it_too(make_up: type[Up], folder: Path) -> None:
    data_dir = folder / "data"
    data_dir.mkdir()
    os.chown(data_dir, 65534, 65534)
    become = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    python, packages = python_for_everybody()
    up = make_up(data_dir, *become, python=python, HOME=str(folder), PYTHONPATH=packages)
    up.start()
    assert data_dir.stat().st_mode & 0o777 == 0o700
    assert {process.uids().real for process in up.family()} == {65534}
    assert "refuses to run as root" not in up.log
    assert up.stop() == 0


def _successor(up: Up, words: tuple[str, ...], pid: int) -> bool:
    try:
        return bool(up.child(*words).pid != pid)
    except (AssertionError, psutil.NoSuchProcess):
        return False


def _keys(up: Up) -> int:
    """API keys in the books, asked of the database itself."""
    import psycopg

    url = f"postgresql://costwatch@/costwatch?host={up.data_dir}/postgres"
    with psycopg.connect(url) as connection:
        return int(connection.execute("SELECT count(*) FROM accounts_apikey").fetchone()[0])
