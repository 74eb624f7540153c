"""The bill for history that is sent again."""

from decimal import Decimal
from typing import Any

from costwatch.accounts.models import Workspace
from costwatch.dashboards import display
from costwatch.dashboards.sessions.listing import since
from costwatch.dashboards.state import State
from costwatch.spend.resend import CUTS, Line
from costwatch.spend.resend import resend as find

SHOWN = 25


def content(workspace: Workspace, state: State) -> dict[str, Any]:
    """The page's content."""
    found = find(workspace, state.filter(), state.range.now)
    bill = found.bill
    tokens = sum(line.tokens.input for line in found.lines)
    resent = sum(line.tokens.resent for line in found.lines)
    cached = sum(line.tokens.from_cache for line in found.lines)
    ranked = sorted(found.lines, key=lambda line: (line.bill is not None, _history(line)), reverse=True)
    top = max(map(_history, ranked), default=Decimal(0)) or Decimal(1)
    ways = [("Read from the provider's cache", bill.caching)]
    ways += [(f"Only the last {cut:,} tokens of it", amount) for cut, amount in zip(CUTS, bill.cuts, strict=True)]
    most = max((amount for _, amount in ways), default=Decimal(0)) or Decimal(1)
    return {
        "found": found,
        "bill": bill,
        "calls": sum(line.tokens.calls for line in found.lines),
        "tokens": tokens,
        "resent": resent,
        "cached": cached,
        "unpriced": sum(line.tokens.calls for line in found.lines if line.bill is None),
        "lines": [(line, _share(line), _history(line) / top) for line in ranked[:SHOWN]],
        "hidden": max(0, len(ranked) - SHOWN),
        "ways": [(label, amount, amount / most) for label, amount in ways],
        "since": since(found.start, state),
    }


def csv_rows(workspace: Workspace, state: State) -> list[list[Any]]:
    """The bill with all digits, line by line; amounts are empty where no price is known."""
    heading = ["agent", "model", "calls", "input_tokens", "resent_tokens", "resent_from_cache_tokens", "input_cost_usd",
               "history_cost_usd", "caching_saves_usd", *(f"last_{cut}_tokens_saves_usd" for cut in CUTS)]  # fmt: skip
    return [heading, *(_csv_row(line) for line in find(workspace, state.filter(), state.range.now).lines)]


def _csv_row(line: Line) -> list[Any]:
    bill, tokens = line.bill, line.tokens
    amounts = [bill.input, bill.history, bill.caching, *bill.cuts] if bill else [""] * (3 + len(CUTS))
    return [
        display.name(line.agent),
        line.model,
        tokens.calls,
        tokens.input,
        tokens.resent,
        tokens.from_cache,
        *amounts,
    ]


def _history(line: Line) -> Decimal:
    return line.bill.history if line.bill else Decimal(0)


def _share(line: Line) -> Decimal | None:
    """The part of its input cost that is history."""
    return line.bill.history / line.bill.input if line.bill and line.bill.input else None
