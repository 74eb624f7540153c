"""What the commands do once the installation is found and Django is ready. Each returns its exit status."""

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from django.db import DatabaseError, InterfaceError, OperationalError

from costwatch.accounts import commands as accounts
from costwatch.trouble import Trouble


def guarded(command: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """Run it; what a person can act on becomes Trouble: a refused value, a silent or unprepared database."""
    try:
        return command(arguments)
    except ValueError as error:
        raise Trouble(str(error)) from error
    except (OperationalError, InterfaceError) as error:
        raise Trouble(f"The database does not answer ({_first_line(error)}); `costwatch doctor` tells more.") from error
    except DatabaseError as error:
        raise Trouble(f"The database refused: {_first_line(error)}; `costwatch doctor` tells more.") from error


def key_create(arguments: argparse.Namespace) -> int:
    """Only the key on stdout, for scripts."""
    print(accounts.key_create(arguments.name, arguments.workspace, arguments.scopes))
    return 0


def user_create(arguments: argparse.Namespace) -> int:
    """With a password from standard input (one trailing newline is not part of it), or a link to choose one."""
    password = sys.stdin.read().removesuffix("\n").removesuffix("\r") if arguments.password_stdin else None
    print(accounts.user_create(arguments.email, arguments.role, password, arguments.workspace))
    return 0


def import_files(arguments: argparse.Namespace) -> int:
    """Back-fill from files."""
    from costwatch import importer

    return importer.run(arguments.files, arguments.workspace)


def prices_sync(arguments: argparse.Namespace) -> int:
    """The installed package's catalogue into the tables."""
    from costwatch.pricing import catalogue

    print(catalogue.sync().summary)
    return 0


def prices_import(arguments: argparse.Namespace) -> int:
    """A catalogue from a file."""
    from costwatch.pricing import files

    return files.import_command(arguments.file, accept=arguments.accept)


def prices_export(arguments: argparse.Namespace) -> int:
    """The catalogue into a file."""
    from costwatch.pricing import files

    return files.export_command(arguments.file)


def prices_check(arguments: argparse.Namespace) -> int:
    """0 where nothing is inconsistent, else 1 and what is."""
    from costwatch.pricing import commands

    return commands.check()


def reprice(arguments: argparse.Namespace) -> int:
    """A dry run unless --apply."""
    from costwatch.ledger import commands

    a = arguments
    return commands.reprice(a.from_, a.to_, a.model, apply=a.apply, workspace=a.workspace, reason=a.reason)


def loops_evaluate(arguments: argparse.Namespace) -> int:
    """`costwatch loops evaluate --workspace`: its settings, and its own runs where the files have none."""
    from costwatch.accounts.models import Workspace
    from costwatch.loops import account, evaluate, lessons

    workspace = Workspace.objects.filter(name=arguments.workspace).first()
    if workspace is None:
        raise Trouble(f"There is no workspace {arguments.workspace!r}.")
    own = partial(account.recent_runs, workspace.lane, datetime.now(UTC))
    return evaluate.command(arguments, lessons.settings_of(workspace.pk), own)


def verify(arguments: argparse.Namespace) -> int:
    """0 and one line, or 1 and what differs."""
    from costwatch.ledger.verify import verify as compare

    report = compare(deep=arguments.deep)
    print(report.summary)
    for difference in report.differences:
        print(f"  {difference}")
    return 0 if report.ok else 1


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0].rstrip(":. ")
