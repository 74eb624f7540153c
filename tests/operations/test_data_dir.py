"""The folder of an installation: private, held by one, and found by the other commands."""

import json
import os
import stat
from pathlib import Path

import pytest

from costwatch import installation
from costwatch.trouble import Trouble
from costwatch.up import data_dir, stamps
from costwatch.up.processes import Installation

pytestmark = pytest.mark.thorough


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("shared", "wanted"), [(False, 0o700), (True, 0o711)])
def test_it_is_made_with_its_parents_and_opened_to_nobody_who_need_not_pass(tmp_path, shared, wanted):
    folder = data_dir.open_data_dir(tmp_path / "deep" / "er", shared)
    assert folder.is_dir() and mode(folder) == wanted
    assert list(folder.iterdir()) == [], "the probe is gone"


def test_one_that_was_open_to_all_is_closed(tmp_path):
    tmp_path.chmod(0o777)
    data_dir.open_data_dir(tmp_path, False)
    assert mode(tmp_path) == 0o700


def test_where_a_file_is_in_the_way_the_sentence_names_the_folder_and_the_way_out(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(Trouble, match=r"cannot be used: .* Choose another with --data-dir"):
            data_dir.open_data_dir(folder, False)


@pytest.mark.parametrize("make", [data_dir.secret_key, data_dir.metrics_token])
def test_a_secret_is_made_once_long_and_readable_by_its_owner_alone(tmp_path, make):
    first = make(tmp_path)
    assert len(first) >= 40 and first.isprintable()
    assert make(tmp_path) == first
    (file,) = tmp_path.iterdir()
    assert mode(file) == 0o600
    file.write_text(f"{first}\n")
    assert make(tmp_path) == first, "an editor may have added a line end"


def test_every_installation_has_a_secret_of_its_own(tmp_path):
    made = []
    for name in "abc":
        (tmp_path / name).mkdir()
        made += [data_dir.secret_key(tmp_path / name), data_dir.metrics_token(tmp_path / name)]
    assert len(set(made)) == 6


def test_only_one_holds_it_and_the_other_is_told_where_it_runs(tmp_path):
    assert not data_dir.is_held(tmp_path)
    with data_dir.hold(tmp_path):
        assert data_dir.is_held(tmp_path)
        with pytest.raises(Trouble, match=r"already runs on .*: stop it first"):
            data_dir.hold(tmp_path)
        data_dir.write_about(tmp_path, pid=4711, url="http://127.0.0.1:8000")
        with pytest.raises(Trouble, match=r"at http://127.0.0.1:8000 \(process 4711\)"):
            data_dir.hold(tmp_path)
    assert not data_dir.is_held(tmp_path)
    data_dir.hold(tmp_path).close()


def test_the_note_for_other_commands_is_private_and_replaced_as_a_whole(tmp_path):
    assert data_dir.read_about(tmp_path) == {}
    data_dir.write_about(tmp_path, pid=1, url="http://x", embedded=True)
    data_dir.write_about(tmp_path, pid=2)
    assert data_dir.read_about(tmp_path) == {"pid": 2}
    assert [file.name for file in tmp_path.iterdir()] == [data_dir.ABOUT]
    assert mode(tmp_path / data_dir.ABOUT) == 0o600


@pytest.mark.parametrize("content", ["", "{", "5", "[1]", "\x00"])
def test_a_note_that_cannot_be_read_is_told_with_its_file(tmp_path, content):
    (tmp_path / data_dir.ABOUT).write_text(content)
    with pytest.raises(Trouble, match=rf"{data_dir.ABOUT} cannot be read"):
        data_dir.read_about(tmp_path)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data dir without anything, and an environment that names no database."""
    monkeypatch.setenv("COSTWATCH_DATA_DIR", str(tmp_path))
    for name in ("DATABASE_URL", "BROKER_URL"):
        monkeypatch.setenv(name, "so that what a command sets is undone")
        monkeypatch.delenv(name)
    return tmp_path


def test_without_an_installation_the_way_to_one_is_told(nowhere):
    with pytest.raises(Trouble, match=r"There is no installation in .*costwatch up.*--data-dir"):
        installation.find()


def test_an_embedded_installation_that_does_not_run_is_told_apart(nowhere):
    data_dir.write_about(nowhere, database_url="postgresql:///x", embedded=True)
    with pytest.raises(Trouble, match=rf"does not run on {nowhere}: start it with"):
        installation.find()
    with data_dir.hold(nowhere):
        assert installation.find().running


def test_a_running_one_is_found_by_its_note_and_entered(nowhere, monkeypatch):
    data_dir.write_about(nowhere, url="http://127.0.0.1:8000", database_url="postgresql:///books",
                         broker_url="redis+socket:///b", embedded=True)  # fmt: skip
    with data_dir.hold(nowhere):
        found = installation.find()
    assert found == installation.Found(
        nowhere, "postgresql:///books", "redis+socket:///b", "http://127.0.0.1:8000", True
    )
    found.enter()
    assert os.environ["COSTWATCH_DATA_DIR"] == str(nowhere)
    assert (os.environ["DATABASE_URL"], os.environ["BROKER_URL"]) == ("postgresql:///books", "redis+socket:///b")


def test_a_server_that_is_named_is_used_whether_or_not_anything_runs_here(nowhere, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/books")
    assert installation.find().database_url == "postgresql://elsewhere/books"
    data_dir.write_about(nowhere, database_url="postgresql:///own", broker_url="redis://own", embedded=True)
    monkeypatch.setenv("BROKER_URL", "")
    found = installation.find()
    assert (found.database_url, found.running) == ("postgresql://elsewhere/books", False)
    found.enter()
    assert os.environ["BROKER_URL"] == "", "what the operator said stays"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"), ("0.0.0.0", "http://127.0.0.1:8000"), ("::", "http://[::1]:8000"),
        ("::1", "http://[::1]:8000"), ("[::1]", "http://[::1]:8000"), ("costs.example.org", "http://costs.example.org:8000"),
        ("2001:db8::1", "http://[2001:db8::1]:8000"),
    ],
)  # fmt: skip
def test_the_address_is_one_that_a_browser_can_open(tmp_path, host, url):
    assert Installation(tmp_path, host, 8000, "postgresql:///x", "", True).url == url


def test_its_processes_are_told_where_everything_is_and_the_operators_words_win(tmp_path, monkeypatch):
    for name in ("COSTWATCH_URL", "COSTWATCH_RATE_LIMIT", "MALLOC_ARENA_MAX"):
        monkeypatch.delenv(name, raising=False)
    embedded = Installation(tmp_path, "0.0.0.0", 9000, "postgresql:///x", "redis:///y", True)
    told = embedded.environment()
    assert (told["DATABASE_URL"], told["BROKER_URL"]) == ("postgresql:///x", "redis:///y")
    assert (told["COSTWATCH_URL"], told["COSTWATCH_RATE_LIMIT"]) == ("http://127.0.0.1:9000", "0")
    assert told["MALLOC_ARENA_MAX"] == "2"
    served = Installation(tmp_path, "0.0.0.0", 9000, "postgresql://db/x", "", False)
    assert served.environment()["COSTWATCH_RATE_LIMIT"] == "2000", "a server that others reach has a limit"
    for name, value in {"COSTWATCH_URL": "https://c.example", "COSTWATCH_RATE_LIMIT": "5", "MALLOC_ARENA_MAX": "4",
                        "DATABASE_URL": "postgresql:///other"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    told = embedded.environment()
    assert (told["COSTWATCH_URL"], told["COSTWATCH_RATE_LIMIT"], told["MALLOC_ARENA_MAX"]) == (
        "https://c.example",
        "5",
        "4",
    )
    assert told["DATABASE_URL"] == "postgresql:///x", "the processes all use one database"


def test_a_step_is_done_for_one_state_alone(tmp_path):
    stamp, state = tmp_path / "stamp", stamps.database_state()
    assert not stamps.is_done(stamp, state)
    stamp.write_text(state)
    assert stamps.is_done(stamp, state) and stamps.database_state() == state
    assert not stamps.is_done(stamp, stamps.static_state())
    assert not stamps.is_done(tmp_path, state), "a folder is no stamp"


def test_another_migration_or_another_static_file_is_another_state(tmp_path, monkeypatch):
    package = tmp_path / "costwatch"
    for file in ("ledger/migrations/0001.py", "pricing/book.py", "pricing/__pycache__/book.pyc", "spend/filters.py"):
        (package / file).parent.mkdir(parents=True, exist_ok=True)
        (package / file).write_text("1")
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "site.css").write_text("a{}")
    monkeypatch.setattr(stamps, "PACKAGE", package)
    database, static = stamps.database_state(), stamps.static_state()

    def changes(file: str) -> tuple[bool, bool]:
        """What writing a file makes anew: the database's preparation, the static files'."""
        nonlocal database, static
        (tmp_path / file).write_text("longer than before" * len(file))
        before, (database, static) = (database, static), (stamps.database_state(), stamps.static_state())
        return database != before[0], static != before[1]

    assert changes("costwatch/ledger/migrations/0001.py") == (True, False)
    assert changes("costwatch/ledger/migrations/0002.py") == (True, False)
    assert changes("costwatch/pricing/book.py") == (True, False)
    assert changes("costwatch/pricing/__pycache__/book.pyc") == (False, False)
    assert changes("costwatch/spend/filters.py") == (False, False)
    assert changes("static/site.css") == (False, True)


def test_a_note_is_json_that_any_program_reads(tmp_path):
    data_dir.write_about(tmp_path, pid=1, url="http://x", embedded=False)
    assert json.loads((tmp_path / data_dir.ABOUT).read_text()) == {"pid": 1, "url": "http://x", "embedded": False}
