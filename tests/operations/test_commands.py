"""The command line beside a running installation, and without one."""

import gzip
import json
import re
import time
import urllib.request
from pathlib import Path

import pytest

from tests.operations.running import Up, command, environment

pytestmark = pytest.mark.slow


def test_without_an_installation_each_command_says_how_to_start_one(folder: Path) -> None:
    for words in (["verify"], ["key", "create", "k", "--scopes", "read"], ["prices", "check"]):
        refused = command(*words, data_dir=folder)
        assert refused.returncode == 1
        assert refused.stderr.count("\n") == 1 and "costwatch up" in refused.stderr


def test_the_installation_is_found_by_its_environment_variable(running: Up) -> None:
    done = command("verify", COSTWATCH_DATA_DIR=str(running.data_dir))
    assert done.returncode == 0 and "books balance" in done.stdout


def test_a_key_is_all_that_is_printed_and_it_works(running: Up) -> None:
    done = command("key", "create", "cli", "--workspace", "New", "--scopes", "ingest,read", data_dir=running.data_dir)
    assert re.fullmatch(r"cw_[a-z]+_[0-9A-Za-z]{38}\n", done.stdout) and done.stderr == ""
    body = json.dumps({"event_id": "cli-1", "model": "gpt-4o", "input_tokens": 10}).encode()
    headers = {"Authorization": f"Bearer {done.stdout.strip()}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{running.url}/api/v1/events", body, headers)
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["accepted"] == 1
    assert command("verify", "--deep", data_dir=running.data_dir).returncode == 0


def test_an_unknown_scope_is_refused_in_a_sentence(running: Up) -> None:
    done = command("key", "create", "bad", "--scopes", "everything", data_dir=running.data_dir)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "ingest, read, admin" in done.stderr


def test_a_member_is_made_with_a_password_from_standard_input(running: Up) -> None:
    words = ["user", "create", "ann@example.org", "--role", "owner", "--password-stdin"]
    done = command(*words, data_dir=running.data_dir, stdin="a long enough sentence\n")
    assert done.returncode == 0, done.stderr
    again = command(*words, data_dir=running.data_dir, stdin="a long enough sentence\n")
    assert again.returncode == 1 and "ann@example.org" in again.stderr
    short = command("user", "create", "bob@example.org", "--role", "viewer", "--password-stdin",
                    data_dir=running.data_dir, stdin="short\n")  # fmt: skip
    assert short.returncode == 1 and short.stderr.startswith("costwatch: ")


def test_doctor_finds_a_healthy_installation_well(running: Up) -> None:
    done = command("doctor", "--json", data_dir=running.data_dir)
    told = json.loads(done.stdout)
    assert told["ok"] and done.returncode == 0
    assert told["database_url"].startswith("postgresql://")
    parts = {"installation", "disk", "configuration", "database", "migrations", "scheduler", "prices", "broker",
             "channels"}  # fmt: skip
    assert {part["part"] for part in told["parts"]} == parts


def test_doctor_names_what_is_wrong_and_how_to_mend_it(running: Up) -> None:
    done = command("doctor", data_dir=running.data_dir, BROKER_URL="redis://:hunter2@127.0.0.1:1/0")
    assert done.returncode == 1
    assert re.search(r"WRONG broker.*\n +→ .*BROKER_URL", done.stdout)
    assert "hunter2" not in done.stdout + done.stderr


def test_a_silent_database_is_told_in_a_sentence(running: Up) -> None:
    nowhere = "postgresql://u:hunter2@127.0.0.1:1/x"
    done = command("verify", data_dir=running.data_dir, DATABASE_URL=nowhere)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "does not answer" in done.stderr
    assert command("doctor", data_dir=running.data_dir, DATABASE_URL=nowhere).returncode == 1


def test_prices_are_synced_and_checked(running: Up) -> None:
    assert "up to date" in command("prices", "sync", data_dir=running.data_dir).stdout
    assert command("prices", "check", data_dir=running.data_dir).returncode == 0


def test_a_file_is_imported_once_however_often_it_is_given(running: Up, folder: Path) -> None:
    file = folder / "events.ndjson.gz"
    with gzip.open(file, "wt") as lines:
        for n in range(50):
            lines.write(json.dumps({"event_id": f"import-{n}", "model": "gpt-4o", "input_tokens": n}) + "\n")
    assert command("key", "create", "k", "--workspace", "Imported", "--scopes", "ingest", data_dir=running.data_dir)
    for _ in range(2):
        done = command("import", str(file), "--workspace", "Imported", data_dir=running.data_dir)
        assert done.returncode == 0, done.stderr
    assert command("verify", "--deep", data_dir=running.data_dir).returncode == 0


def test_a_repricing_is_a_dry_run_unless_it_is_applied(running: Up) -> None:
    done = command("reprice", "--from", "2026-01-01", "--to", "2030-01-01", data_dir=running.data_dir)
    assert done.returncode == 0, done.stderr
    assert command("reprice", "--from", "soon", "--to", "2030-01-01", data_dir=running.data_dir).returncode == 1


def test_help_is_quick_because_django_is_not_loaded() -> None:
    import subprocess
    import sys

    probe = "import sys; from costwatch.cli import parser; parser().format_help(); assert 'django' not in sys.modules"
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", probe], check=True, env=environment())
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "words", [["up", "--port", "0"], ["up", "--port", "http"], ["user", "create", "a", "--role", "god"]]
)
def test_wrong_words_show_the_usage(words: list[str]) -> None:
    assert command(*words).returncode == 2
