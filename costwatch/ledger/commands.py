"""`costwatch reprice`: what the past would cost at the prices of now and, with --apply, does."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from costwatch.accounts import audit
from costwatch.accounts.models import Workspace
from costwatch.ledger.reprice import Change, Repricing
from costwatch.ledger.reprice import reprice as reprice_events
from costwatch.lib.periods import zone
from costwatch.pricing import book


def reprice(
    start: str, end: str, models: Sequence[str], *, apply: bool, workspace: str | None = None, reason: str = ""
) -> int:
    """Print old total, new total and difference by day and model, for one workspace or all. Raises ValueError."""
    rows = Workspace.objects.order_by("pk")
    if workspace is not None:
        rows = rows.filter(name=workspace)
        if not rows:
            raise ValueError(f"There is no workspace {workspace!r}.")
    for row in rows:
        _reprice(row, start, end, models, apply, reason or "repriced")
    return 0


def _reprice(workspace: Workspace, start: str, end: str, models: Sequence[str], apply: bool, reason: str) -> None:
    first, last = moment(start, workspace), moment(end, workspace)
    if first >= last:
        raise ValueError("--to must be later than --from.")
    prices = book.fresh().for_workspace(workspace.lane)
    tz = zone(workspace.time_zone)
    found = reprice_events(workspace.lane, first, last, prices, models=models, reason=reason, apply=apply, zone=tz)
    if apply and found.changed:
        facts = {
            "from": first.isoformat(),
            "to": last.isoformat(),
            "models": list(models) or "all",
            "why": reason,
            "events": found.changed,
            "difference": format(found.new - found.old, "f"),
        }
        audit.record(workspace, audit.COMMAND_LINE, "reprice.applied", workspace, facts)
    print(f"{workspace}: {told(found)}")
    for line in table(found.changes):
        print(line)


def moment(text: str, workspace: Workspace) -> datetime:
    """A date or time as typed, in the workspace's zone unless it has an offset. Raises ValueError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no date: write 2026-11-17 or 2026-11-17T16:00Z.") from None
    return at if at.tzinfo else at.replace(tzinfo=zone(workspace.time_zone))


def told(found: Repricing) -> str:
    """One sentence."""
    looked = f"{found.events:,} events looked at"
    if not found.changed:
        return f"{looked}, all have the price of now."
    done = "repriced" if found.applied else "would change (repeat with --apply)"
    later = f" {_change(found.carried)} of it counts in the open month, for its own is closed." if found.carried else ""
    return (
        f"{looked}, {found.changed:,} {done}: ${found.old:f} → ${found.new:f}, {_change(found.new - found.old)}.{later}"
    )


def table(changes: Sequence[Change]) -> list[str]:
    """Day, model, events, old, new, difference; aligned."""
    rows = [
        (f"{c.day:%Y-%m-%d}", c.model, f"{c.events:,}", f"{c.old:f}", f"{c.new:f}", _change(c.new - c.old))
        for c in changes
    ]
    if not rows:
        return []
    rows.insert(0, ("day", "model", "events", "old", "new", "difference"))
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    return ["  " + "  ".join(_aligned(row, widths)) for row in rows]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))]


def _change(amount: Decimal) -> str:
    return f"{amount:+f}"
