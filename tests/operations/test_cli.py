"""The command line: what may be written, what is refused, and what comes of it in exit status and sentences."""

import argparse
import sys

import pytest

from costwatch import cli, commands
from costwatch.accounts.keys import KEY
from costwatch.accounts.models import ApiKey, Member, Workspace
from costwatch.trouble import Trouble

pytestmark = pytest.mark.thorough
COMMANDS = ["up", "key create", "user create", "import", "prices sync", "prices import", "prices export",
            "prices check", "reprice", "loops evaluate", "verify", "doctor", "bench"]  # fmt: skip


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(capsys, command):
    status, out, err = run(capsys, *command.split(), "--help")
    assert (status, err) == (0, "")
    assert out.startswith(f"usage: costwatch {command}")


def test_the_help_lists_all_commands_and_the_version_is_told(capsys):
    status, out, _ = run(capsys, "--help")
    assert status == 0
    listed = {line.split()[0] for line in out.splitlines() if line.startswith("    ") and line[4] != " "}
    assert {command.split()[0] for command in COMMANDS} == listed
    status, out, _ = run(capsys, "--version")
    assert status == 0 and out.startswith("costwatch")


@pytest.mark.parametrize(
    "words",
    [
        [], ["fly"], ["key"], ["key", "create"], ["key", "create", "k"], ["user", "create", "a@b.example"],
        ["user", "create", "a@b.example", "--role", "king"], ["import"], ["reprice"],
        ["reprice", "--from", "2026-11-01"], ["up", "--port", "0"], ["up", "--port", "65536"],
        ["up", "--port", "80a"], ["up", "--port", "-1"], ["loops", "evaluate", "--sensitivity", "extreme"],
        ["verify", "--shallow"],
    ],
)  # fmt: skip
def test_what_cannot_be_understood_ends_with_2_and_the_usage(capsys, words):
    status, out, err = run(capsys, *words)
    assert (status, out) == (2, "")
    assert err.startswith("usage: costwatch") and "Traceback" not in err


@pytest.mark.parametrize(("text", "port"), [("1", 1), ("8000", 8000), ("65535", 65_535)])
def test_a_port_is_a_number_that_exists(text, port):
    assert cli.parser().parse_args(["up", "--port", text]).port == port


def test_a_start_listens_on_this_machine_alone_unless_told_otherwise():
    read = cli.parser().parse_args(["up"])
    assert (read.host, read.port, read.demo, read.data_dir) == ("127.0.0.1", 8000, False, None)


def test_scopes_are_read_from_one_word_with_commas():
    read = cli.parser().parse_args(["key", "create", "k", "--scopes", " ingest, read,,"])
    assert read.scopes == ["ingest", "read"]


def failing(problem: BaseException):
    def parser() -> argparse.ArgumentParser:
        made = argparse.ArgumentParser()
        made.add_argument("--data-dir")

        def fail(_: argparse.Namespace) -> int:
            raise problem

        made.set_defaults(run=fail)
        return made

    return parser


@pytest.mark.parametrize(
    ("problem", "status", "said"),
    [
        (Trouble("The disk is full."), 1, "costwatch: The disk is full.\n"),
        (cli._bad_setting()("X='y': write 1 or 0"), 1, "costwatch: X='y': write 1 or 0\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_stops_a_command_is_told_in_one_line(capsys, monkeypatch, problem, status, said):
    monkeypatch.setattr(cli, "parser", failing(problem))
    assert run(capsys) == (status, "", said)


def test_a_fault_of_ours_is_not_hidden_behind_a_sentence(monkeypatch):
    monkeypatch.setattr(cli, "parser", failing(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        cli.main([])


def parsed(*words: str) -> argparse.Namespace:
    return cli.parser().parse_args(words)


@pytest.mark.django_db
def test_a_key_is_all_that_is_printed(capsys):
    arguments = parsed("key", "create", "collector", "--workspace", "Acme", "--scopes", "read,ingest")
    assert commands.guarded(commands.key_create, arguments) == 0
    text = capsys.readouterr().out.removesuffix("\n")
    assert KEY.fullmatch(text)
    key = ApiKey.objects.get()
    assert (key.name, key.scopes, key.workspace.name) == ("collector", ["ingest", "read"], "Acme")


@pytest.mark.django_db
@pytest.mark.parametrize("scopes", ["", "root", "ingest,root", ","])
def test_a_key_that_cannot_be_made_is_told_in_a_sentence(capsys, scopes):
    with pytest.raises(Trouble, match="scopes"):
        commands.guarded(commands.key_create, parsed("key", "create", "k", "--scopes", scopes))
    assert capsys.readouterr().out == "" and not ApiKey.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_password_from_standard_input_is_taken_without_its_line_end(monkeypatch, capsys, end):
    class Typed:
        @staticmethod
        def read() -> str:
            return " a long enough sentence " + end

    monkeypatch.setattr(sys, "stdin", Typed)
    arguments = parsed("user", "create", "ann@acme.example", "--role", "owner", "--password-stdin")
    assert commands.guarded(commands.user_create, arguments) == 0
    assert Member.objects.get().check_password(" a long enough sentence ")
    assert capsys.readouterr().out == "ann@acme.example can log in to default as owner.\n"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["nowhere", "", "Acme "])
def test_loops_are_judged_by_a_workspace_that_exists(name):
    Workspace.objects.create(name="Acme")
    with pytest.raises(Trouble, match="There is no workspace"):
        commands.guarded(commands.loops_evaluate, parsed("loops", "evaluate", "--workspace", name))


@pytest.mark.django_db
def test_books_without_anything_in_them_balance(capsys):
    assert commands.guarded(commands.verify, parsed("verify", "--deep")) == 0
    assert capsys.readouterr().out.count("\n") == 1
