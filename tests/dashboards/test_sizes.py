"""No page is heavier than 60 kB, however many values, runs, sessions, calls, incidents, prices, keys there are."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from costwatch.accounts.keys import create_key
from costwatch.accounts.models import AuditEntry, Invitation
from costwatch.alerts import stops
from costwatch.alerts.incidents import Report, open_or_update
from costwatch.alerts.models import Kind, Severity
from costwatch.ledger.fold import fold_all
from tests.dashboards.conftest import DAY
from tests.ledger.make import NOW, entry

pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.thorough]

MOST = 60_000
MANY = 300
PAGES = [
    "/", "/?by=user", "/?by=user&rows=all", "/?by=tag.customer&period=30d", "/?period=today&by=task", "/?by=run",
    "/?pick=user", "/explore", "/explore?by=user&across=agent&period=30d", "/explore?by=user&across=agent&rows=all",
    "/explore?by=tag.customer&bucket=hour&period=7d", "/explore?metric=cost_per_run&by=user&period=30d&rows=all",
    "/explore?by=none&bucket=hour&period=7d&rows=all", "/explore?pick=user", "/runs", "/runs?user=x", "/sessions",
    "/session-paths", "/session-paths?by=model", "/resend", "/budgets", "/budgets/new", "/incidents", "/stops",
    "/unpriced", "/month/2026-11", "/variance", "/variance?by=task", "/variance?by=user", "/variance?by=tag.customer",
    "/releases", "/releases?dimension=agent", "/limits", "/digests/weekly/2026-11-09",
    "/digests/monthly/2026-10-01", "/views", "/prices", "/prices?q=claude",
    "/prices/agreed", "/prices/reprice", "/settings/keys", "/settings/members", "/settings/audit", "/settings/channels",
    "/settings/loops", "/settings/anomalies", "/settings/digests", "/settings/workspace",
]  # fmt: skip


def name(kind: str, number: int) -> str:
    """As long as names are in real installations."""
    return f"{kind}-of-a-middle-sized-company-{number:03}"


@pytest.fixture
def full(workspace, send, prices) -> None:
    """Hundreds of everything that a page lists."""
    send(
        *(
            entry(
                minutes=-((n * 97) % (60 * DAY)),
                cost=None if n % 50 == 0 else f"{1 + n % 13}.{n:04}",
                model=f"{name('model', n)}" if n % 50 == 0 else f"model-{n % 40}-preview-2026",
                user_id=f"{name('user', n % MANY)}@customer.example", agent_id=name("agent", n % 60),
                task=name("task", n % 80), release=name("release", n % 40), run_id=name("run", n % 500),
                session_id=name("session", n % 400), tags={"customer": name("customer", n % MANY)},
                input_tokens=n * 100, cached_input_tokens=n * 50, output_tokens=n,
            )
            for n in range(1, 2_500)
        ),
        *(
            entry(minutes=-90 + n / 60, cost="0.01", run_id="long", session_id="long", tool=name("tool", n % 30),
                  agent_id=name("agent", n % 7), input_tokens=n * 900, call_fingerprint=f"f-{n % 3}",
                  input_fingerprint=f"i-{n % 3}", model=f"model-{n % 40}-preview-2026")
            for n in range(1_200)
        ),
    )  # fmt: skip
    fold_all()
    for n in range(120):
        agent = name("agent", n)
        report = Report(Kind.LOOP, f"loop:{n}", Severity.CRITICAL, f"{agent}: caught in a loop",
                        "It repeats the same call.", agent, NOW - timedelta(hours=6 * n),
                        facts={"agent": agent})  # fmt: skip
        open_or_update(workspace.pk, report, NOW)
        stops.place(workspace.pk, {"agent": [agent]}, "kill", "Enough of it.", key=f"kill:{n}")
        create_key(workspace, name("key", n), ["ingest"])
    changed = {"before": {"name": name("budget", 1)}, "after": {"name": name("budget", 2), "amount_usd": "12.00"}}
    AuditEntry.objects.bulk_create(
        AuditEntry(workspace=workspace, actor="mara@larkfield.example", action="budget.changed",
                   subject=name("budget", n), facts=changed) for n in range(300)
    )  # fmt: skip
    Invitation.objects.bulk_create(
        Invitation(workspace=workspace, email=f"{name('member', n)}@larkfield.example", role="viewer",
                   expires_at=NOW + timedelta(days=3), digest=n.to_bytes(32)) for n in range(40)
    )  # fmt: skip


@pytest.fixture
def pages(workspace) -> Callable[[], list[str]]:
    """All addresses: those of the list, and of something of every kind."""
    return lambda: [
        *PAGES, "/runs/long", "/runs/long?calls=all", "/runs/long?calls=new", "/incidents?first=2026-11-01",
        "/sessions/long", f"/agents/{name('agent', 1)}", f"/tasks/{name('task', 1)}",
        f"/users/{name('user', 1)}@customer.example", "/models/model-1-preview-2026",
        f"/releases/{name('release', 1)}", f"/tags/customer/{name('customer', 1)}",
    ]  # fmt: skip


def test_no_page_is_too_heavy(admin, full, pages):
    sizes = {}
    for address in pages():
        response = admin.get(address)
        assert response.status_code == 200, address
        sizes[address] = len(response.content)
    assert sorted((size, address) for address, size in sizes.items() if size > MOST) == []
    assert max(sizes.values()) > MOST / 2, "the database is too small to tell"
