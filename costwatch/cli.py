"""The command `costwatch`: reads the line, finds the installation, calls one function, tells errors in a sentence.

Django is imported only by the commands that need it.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from costwatch.trouble import Trouble

DEFAULT_PORT = 8000
ROLES = ("owner", "admin", "editor", "viewer")


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command; the process ends with its exit status."""
    arguments = parser().parse_args(argv)
    if arguments.data_dir:
        os.environ["COSTWATCH_DATA_DIR"] = str(Path(arguments.data_dir).expanduser().absolute())
    try:
        status = arguments.run(arguments)
    except (Trouble, _bad_setting()) as trouble:
        print(f"costwatch: {trouble}", file=sys.stderr)
        status = 1
    except BrokenPipeError:
        sys.stderr.close()
        status = 1
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


def parser() -> argparse.ArgumentParser:
    """All commands. Each adds `run`: what to call with the arguments."""
    main_parser = argparse.ArgumentParser(
        prog="costwatch", description="What your LLM agents cost, and a stop for the one that runs away."
    )
    main_parser.add_argument("--version", action="version", version=_version())
    commands = main_parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument(
        "--data-dir", metavar="DIR", help="the installation's folder (else COSTWATCH_DATA_DIR, else the usual one)"
    )

    def add(
        name: str, run: Callable[[argparse.Namespace], int], help_: str, under: object = commands
    ) -> argparse.ArgumentParser:
        command: argparse.ArgumentParser = under.add_parser(name, help=help_, description=help_, parents=[everywhere])  # type: ignore[attr-defined]
        command.set_defaults(run=run)
        return command

    def group(name: str, help_: str) -> object:
        made = commands.add_parser(name, help=help_, description=help_)
        return made.add_subparsers(title="commands", required=True, metavar="COMMAND")

    up = add("up", _up, "run the whole product on this machine until Ctrl-C or SIGTERM")
    up.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    up.add_argument("--port", type=_port, default=DEFAULT_PORT, help=f"default: {DEFAULT_PORT}")
    up.add_argument(
        "--demo",
        action="store_true",
        help="fill an empty installation with 60 days of realistic usage and keep a live stream running",
    )

    key = add("create", _command("key_create"), "make an API key and print it, once", group("key", "API keys"))
    key.add_argument("name")
    key.add_argument("--workspace", help="made if it does not exist")
    key.add_argument(
        "--scopes",
        required=True,
        metavar="ingest,read,admin",
        type=lambda text: [s.strip() for s in text.split(",") if s.strip()],
    )

    user = add(
        "create",
        _command("user_create"),
        "make a member, or a link to join where no password is given",
        group("user", "members"),
    )
    user.add_argument("email")
    user.add_argument("--role", required=True, choices=ROLES)
    user.add_argument("--workspace")
    user.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    importing = add(
        "import",
        _command("import_files"),
        "store events from NDJSON files (plain or .gz) and provider exports; safe to repeat",
    )
    importing.add_argument("files", nargs="+", metavar="FILE")
    importing.add_argument("--workspace")

    prices = group("prices", "the price catalogue")
    add("sync", _command("prices_sync"), "bring the catalogue to the installed package's state", prices)
    taking = add("import", _command("prices_import"), "take a catalogue from a file that `prices export` wrote", prices)
    taking.add_argument("file", metavar="FILE")
    taking.add_argument(
        "--accept", action="store_true", help="although it removes prices or moves one more than 3 times"
    )
    giving = add("export", _command("prices_export"), "write the catalogue into a file", prices)
    giving.add_argument("file", nargs="?", default="-", metavar="FILE", help="default: standard output")
    add("check", _command("prices_check"), "report what is inconsistent in the catalogue", prices)

    repricing = add(
        "reprice",
        _command("reprice"),
        "what past events would cost at the prices of now, by day and model; with --apply they do",
    )
    for name, told in (("--from", "first moment: a date, or a time with its offset"), ("--to", "not part of it")):
        repricing.add_argument(name, dest=f"{name[2:]}_", required=True, metavar="DATE", help=told)
    repricing.add_argument("--model", action="append", default=[], help="only this one; may be repeated")
    repricing.add_argument("--workspace", help="default: all")
    repricing.add_argument("--reason", default="", help="for the audit log")
    repricing.add_argument("--apply", action="store_true", help="adjust the books (the default changes nothing)")

    judging = add(
        "evaluate",
        _loops_evaluate,
        "score the loop detector on labelled runs: recall, false alarms, delay, dollars saved",
        group("loops", "loop detection"),
    )
    judging.add_argument(
        "files", nargs="*", metavar="FILE",
        help="NDJSON of events as for POST /api/v1/events, and of labels like"
        ' {"run_id": "r-1", "label": "loop", "onset_step": 12} (or borderline, or clean), plain or .gz; without labels,'
        " what would be flagged is printed to be labelled",
    )  # fmt: skip
    judging.add_argument("--sensitivity", choices=("low", "normal", "high"), default="normal")
    judging.add_argument("--workspace", help="by the settings and lessons of this one, and by its own runs of"
                         " the last 30 days where the files hold no events")  # fmt: skip
    judging.add_argument("--no-fingerprints", action="store_true", help="as if the clients sent none")
    judging.add_argument("--json", action="store_true")

    verify = add("verify", _command("verify"), "prove that the books balance: events = rollups at every level")
    verify.add_argument(
        "--deep", action="store_true", help="compare every rollup row, run and key, recomputed from the events"
    )

    doctor = add("doctor", _doctor, "what is wrong with this installation and how to mend it")
    doctor.add_argument("--json", action="store_true")

    bench = add("bench", _bench, "the benchmarks (from a checkout of the source)")
    bench.add_argument("arguments", nargs=argparse.REMAINDER)
    return main_parser


def _up(arguments: argparse.Namespace) -> int:
    from costwatch import env
    from costwatch.up.command import up

    return up(env.default_data_dir(), arguments.host, arguments.port, arguments.demo)


def _command(name: str) -> Callable[[argparse.Namespace], int]:
    """A command of costwatch/commands.py, on the installation that is found, with Django ready."""

    def run(arguments: argparse.Namespace) -> int:
        from costwatch.installation import find

        find().enter()
        import django

        django.setup()
        from costwatch import commands

        return commands.guarded(getattr(commands, name), arguments)

    return run


def _loops_evaluate(arguments: argparse.Namespace) -> int:
    if arguments.workspace:
        return _command("loops_evaluate")(arguments)
    from costwatch.loops.evaluate import command

    return command(arguments)


def _doctor(arguments: argparse.Namespace) -> int:
    from costwatch.doctor import report

    return report(as_json=arguments.json)


def _bench(arguments: argparse.Namespace) -> int:
    folder = Path(__file__).resolve().parents[1]
    if not (folder / "bench" / "__main__.py").exists():
        raise Trouble(
            "The benchmarks are not part of an installed package: use `make bench` in a checkout of the source."
        )
    os.chdir(folder)
    os.execv(sys.executable, [sys.executable, "-m", "bench", *arguments.arguments])  # noqa: S606


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: write a number from 1 to 65535")
    return int(text)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"costwatch {version('costwatch')}"
    except PackageNotFoundError:
        return "costwatch (from source)"


def _bad_setting() -> type[Exception]:
    from costwatch.env import BadSetting

    return BadSetting
