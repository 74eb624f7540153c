"""Whole pages: from the request to the last byte of HTML, middleware, session and templates included; bytes of each.

In a process of its own on a database of `bench.queries`; the addresses name the dearest values that are there.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

EMAIL = "bench@example.org"
TIMES = 42  # each page, the first two not counted: of ten the 95th percentile would be the slowest


def main() -> None:
    """Prints [address without names, ms, …, KB] of each page, as JSON."""
    from django.conf import settings
    from django.core.management import call_command

    from costwatch.up import web

    web.load()
    settings.ALLOWED_HOSTS = ["testserver"]
    call_command("collectstatic", interactive=False, verbosity=0)
    from bench.queries import timed
    from costwatch.accounts.models import Workspace

    workspace = Workspace.objects.get()
    client = _client(workspace)
    found = []
    for name, address in _addresses(workspace, datetime.now(UTC)):
        answer = client.get(address)
        if answer.status_code != 200:
            raise RuntimeError(f"{address}: {answer.status_code}")
        found.append([name, *timed(lambda a=address: client.get(a), TIMES), len(answer.content) / 1024])
    print(json.dumps(found))


def _client(workspace: Any) -> Any:
    from django.test import Client

    from costwatch.accounts.models import Member, Role

    member = Member.objects.filter(email=EMAIL).first() or Member(email=EMAIL, workspace=workspace, role=Role.OWNER)
    member.set_unusable_password()
    member.save()
    client = Client()
    client.force_login(member)
    return client


def _addresses(workspace: Any, now: datetime) -> Iterator[tuple[str, str]]:
    from bench.queries import dearest
    from costwatch.spend.filters import SpendFilter
    from costwatch.spend.queries import runs

    span = SpendFilter.from_query({}, workspace, now, days=30)

    def first(by: str, within: SpendFilter) -> str:
        return next(iter(dearest(workspace, by, within)), "")

    one = span.with_value("agent", first("agent", span))
    names = {"agent": one.include["agent"][0], "model": first("model", span), "user": first("user", span)}
    names |= {"task": first("task", one), "run": runs(workspace, span, limit=1).items[0].run_id}
    names |= {
        "session": first("session", span.with_value("user", names["user"])),
        "month": f"{now:%Y-%m}",
        "week": f"{now - timedelta(days=7 + now.weekday()):%Y-%m-%d}",
    }
    quoted = {name: quote(value, safe="") for name, value in names.items()}
    for address in PAGES:
        if "{session}" not in address or names["session"]:
            yield address, address.format(**quoted)


PAGES = (
    "/", "/?period=7d", "/?period=30d", "/?period=30d&by=model", "/?period=30d&by=user", "/?period=30d&by=tag.customer",
    "/?period=30d&agent={agent}&by=task", "/?period=30d&agent={agent}&task={task}&by=user",
    "/explore", "/explore?by=agent&by=model&period=30d", "/explore?by=user&period=30d",
    "/explore?metric=cost_per_run&by=agent&period=30d",
    "/runs", "/runs?period=30d", "/runs?agent={agent}", "/runs/{run}", "/sessions?period=30d", "/sessions/{session}",
    "/resend", "/variance", "/variance?by=model", "/releases", "/limits", "/month/{month}",
    "/agents/{agent}", "/tasks/{task}", "/models/{model}", "/users/{user}",
    "/budgets", "/incidents", "/unpriced", "/prices", "/digests/weekly/{week}", "/stops", "/settings/keys",
)  # fmt: skip


if __name__ == "__main__":
    main()
