"""`costwatch doctor`: looks at each part of an installation and says what is wrong and how to mend it."""

import json
import shutil
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

from costwatch.installation import Found, find
from costwatch.trouble import Trouble

SUPPORTED = range(15, 19)  # PostgreSQL
LEAST_FREE = 1_000_000_000  # bytes
OLD_PRICES = timedelta(days=60)
LONGEST_WAIT = 60.0  # seconds; usually a message is tried within one or two


@dataclass(frozen=True)
class Finding:
    """One part: well or not, what is the case, and what to do where it is not well."""

    part: str
    ok: bool
    says: str
    mend: str = ""


def report(as_json: bool) -> int:
    """Print all findings; the exit status is 0 where everything is well."""
    findings, database_url = examine()
    if as_json:
        well = all(finding.ok for finding in findings)
        print(json.dumps({"ok": well, "database_url": database_url, "parts": [asdict(f) for f in findings]}, indent=2))
    else:
        for finding in findings:
            print(f"{'ok   ' if finding.ok else 'WRONG'} {finding.part:<14} {finding.says}")
            if finding.mend:
                print(f"{'':<21}→ {finding.mend}")
    return 0 if all(finding.ok for finding in findings) else 1


def examine() -> tuple[list[Finding], str]:
    """All findings, and the database's URL without its password. Stops early where the rest needs what is missing."""
    try:
        found = find()
    except Trouble as trouble:
        return [Finding("installation", False, str(trouble))], ""
    found.enter()
    where = f"in {found.data_dir}" + (f", running at {found.url}" if found.running else "")
    findings = [Finding("installation", True, where), _disk(found)]
    import django

    django.setup()
    findings += [_configuration(), _database(found)]
    if findings[-1].ok:
        findings += [_migrations(), _scheduler(), _prices()]
        findings += [_channels()] if findings[-3].ok else []
    return [*findings, _broker(found)], without_password(found.database_url)


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    parts = urlsplit(url)
    if not parts.password:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@")))


def _disk(found: Found) -> Finding:
    folder = next(f for f in (found.data_dir, *found.data_dir.parents) if f.exists())
    free = shutil.disk_usage(folder).free
    says = f"{free / 1e9:.1f} GB free at {folder}"
    mend = "make room: PostgreSQL stops taking events when the disk is full" if free < LEAST_FREE else ""
    return Finding("disk", not mend, says, mend)


def _configuration() -> Finding:
    from django.core import checks

    wrong = [message for message in checks.run_checks() if not message.is_silenced()]
    if not wrong:
        return Finding("configuration", True, "no setting is wrong")
    first = wrong[0]
    return Finding(
        "configuration", not any(m.is_serious() for m in wrong), f"{first.id}: {first.msg}", str(first.hint or "")
    )


def _database(found: Found) -> Finding:
    from django.db import connection

    shown = without_password(found.database_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            version = str(cursor.fetchone()[0]).split(" ")[0]
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        return Finding("database", False, f"{shown} does not answer: {reason}", "start it, or correct DATABASE_URL")
    if int(version.split(".")[0]) not in SUPPORTED:
        return Finding("database", False, f"PostgreSQL {version} at {shown}", "use PostgreSQL 15, 16, 17 or 18")
    return Finding("database", True, f"PostgreSQL {version} at {shown}")


def _migrations() -> Finding:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return Finding("migrations", False, f"{len(missing)} not applied", "run `costwatch up` or `manage.py migrate`")
    return Finding("migrations", True, "all applied")


def _scheduler() -> Finding:
    from costwatch import ticks
    from costwatch.health import STALE_AFTER

    age = ticks.newest_age()
    if age is None or age > STALE_AFTER:
        last = "never" if age is None else f"{age:.0f} s ago"
        return Finding(
            "scheduler", False, f"periodic work was last done {last}", "start `costwatch up`, or celery beat"
        )
    return Finding("scheduler", True, f"periodic work was done {age:.0f} s ago")


def _prices() -> Finding:
    from django.utils import timezone

    from costwatch.pricing.models import CatalogueRelease

    newest = CatalogueRelease.objects.order_by("-imported_at").first()
    if newest is None:
        return Finding("prices", False, "there are none: every event is unpriced", "run `costwatch prices sync`")
    known = newest.data_as_of or newest.imported_at
    says = f"{newest.name}, as of {known:%-d %B %Y}"
    if timezone.now() - known > OLD_PRICES:
        return Finding(
            "prices", True, says, "newer models may be unpriced: upgrade genai-prices, run `costwatch prices sync`"
        )
    return Finding("prices", True, says)


def _channels() -> Finding:
    from costwatch.alerts import delivering

    found = delivering.look()
    count = found.working + len(found.failing) + len(found.disabled)
    if not count:
        return Finding("channels", True, "there are none: incidents stand on the pages alone")
    if found.disabled or found.failing:
        off = [f"{name} is switched off: {why}" for name, why in found.disabled]
        off += [f"{name} does not take its messages: {why}" for name, why in found.failing]
        more = f" (and {len(off) - 1} more)" if len(off) > 1 else ""
        return Finding("channels", False, off[0] + more, "put it right under Settings, Channels, and test it there")
    if found.untried > LONGEST_WAIT:
        says = f"a message has waited {found.untried:.0f} s for its first attempt"
        return Finding("channels", False, says, "the worker sends: see the scheduler above, and its log")
    last = f"the last message went {_ago(found.now, found.last_sent_at)}" if found.last_sent_at else "nothing sent yet"
    return Finding("channels", True, f"all {count} work; {last}" if count > 1 else f"the only one works; {last}")


def _ago(now: datetime, then: datetime) -> str:
    minutes = int((now - then).total_seconds() // 60)
    return f"{minutes // 1440} d ago" if minutes >= 2880 else f"{minutes // 60} h ago" if minutes >= 120 else (
        f"{minutes} min ago")  # fmt: skip


def _broker(found: Found) -> Finding:
    from django.conf import settings

    from costwatch.celery import app

    if not settings.BROKER_URL:
        return Finding("broker", True, "none: the scheduler does the periodic work itself")
    shown = without_password(settings.BROKER_URL)
    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
    except Exception as error:
        mend = "nothing is lost, the scheduler does the work; start the broker, or correct BROKER_URL"
        return Finding("broker", False, f"{shown} does not answer: {error}", mend)
    return Finding("broker", True, f"{shown} answers")
