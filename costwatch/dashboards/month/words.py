"""The month in one or two sentences."""

from costwatch.dashboards import display
from costwatch.dashboards.month.statement import Statement
from costwatch.lib.money import shown_difference


def sentence(found: Statement) -> str:
    """What it cost, against last month and the budget; of the running month what it will cost."""
    name = f"{found.range.first:%B}"
    if not found.is_over:
        return f"{name} has cost {display.money(found.total.cost)} so far{_than_before(found)}.{_ahead(found)}"
    budget = _budget(found, "over", "under")
    return f"{name} cost {display.money(found.total.cost)}{_than_before(found)}{f', {budget}' if budget else ''}."


def _than_before(found: Statement) -> str:
    """, $351.30 (24 %) more than up to the same day of October"""
    if found.begun or not found.before.cost:
        return ""
    amount, share = shown_difference(found.total.cost, found.before.cost), abs(found.change) / found.before.cost
    last = f"{found.compared.start.astimezone(found.range.zone):%B}"
    when = f"in {last}" if found.is_over else f"up to the same time in {last}"
    if not amount:
        return f", the same as {when}"
    more = "more" if amount > 0 else "less"
    return f", {display.money(abs(amount))} ({display.percent(share, 0)}) {more} than {when}"


def _ahead(found: Statement) -> str:
    total = found.outlook.total if found.outlook else None
    if total is None:
        return " There is not enough data for a forecast: it needs seven whole days."
    band = f"{display.about(total.low)} to {display.about(total.high)}"
    budget = _budget(found, "over", "under")
    ending = f", {budget}" if budget else ""
    return f" By forecast it ends at {display.about(total.mid)} (80 % band {band}){ending}."


def _budget(found: Statement, over: str, under: str) -> str:
    if found.budget is None or found.over_budget is None:
        return ""
    amount = display.about(abs(found.over_budget)) if not found.is_over else display.money(abs(found.over_budget))
    return f"{amount} {over if found.over_budget > 0 else under} the budget of {display.money(found.budget.limit)}"
