"""The steps of a start that need Django, each a process that ends: `python -m costwatch.up.prepare STEP`."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from costwatch.up import stamps


def database(stamp: str = "") -> None:
    """Migrations and the price catalogue."""
    from django.core.management import call_command
    from django.db import connection

    from costwatch.pricing import catalogue

    began = time.monotonic()
    call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
    migrated = time.monotonic()
    report = catalogue.sync()
    print(f"database ready: migrations {migrated - began:.1f} s, prices {time.monotonic() - migrated:.1f} s")
    print(report.summary)
    connection.close()
    if stamp:
        Path(stamp).write_text(stamps.database_state())


def static(stamp: str) -> None:
    """Copies with a hash in the name, compressed, which browsers keep for years; not those of pages we do not show."""
    from django.core.management import call_command

    call_command("collectstatic", interactive=False, verbosity=0, skip_checks=True, ignore_patterns=["rest_framework"])
    Path(stamp).write_text(stamps.static_state())


def announce(url: str, stamp: str) -> None:
    """Print the one-time link for the first owner; once there is one, leave the stamp that saves this step."""
    from costwatch.accounts.setup import setup_link

    link = setup_link(url)
    if link:
        print(f"first start: make the owner's account at {link}")
    else:
        Path(stamp).touch()


STEPS: dict[str, Callable[..., None]] = {"database": database, "static": static, "announce": announce}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "costwatch.settings")
    import django

    django.setup()
    STEPS[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
