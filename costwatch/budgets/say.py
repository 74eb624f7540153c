"""What people and programs are told of a crossing: title, message and facts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

from costwatch.alerts.models import Severity
from costwatch.budgets.evaluate import HUNDRED, Rule
from costwatch.budgets.models import Action, Budget
from costwatch.lib.dates import day, in_zone
from costwatch.lib.periods import Period
from costwatch.spend.sums import Sums

ACTUAL, FORECAST = "actual", "forecast"
CENT = Decimal("0.01")
OF_A_CALL = ("provider", "model", "operation")  # not of who makes it
Crossings = Sequence[Mapping[str, Any]]


def key(budget: int, value: str, start: datetime, basis: str = ACTUAL) -> str:
    """What names the incident of a period in its workspace."""
    name = f"budget:{budget}:{value}:{start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return name if basis == ACTUAL else f"{name}:{basis}"


def crossing(threshold: Decimal, at: datetime, event_id: str, basis: str = ACTUAL) -> dict[str, Any]:
    """A crossing as it is kept and told."""
    number = int(threshold) if threshold % 1 == 0 else float(threshold)
    return {"threshold": number, "at": utc(at), "event_id": event_id, "basis": basis}


def severity(crossings: Crossings, basis: str, late: bool) -> Severity:
    """How loudly: a correction of what is over stays on the pages; the amount itself, gone, is critical."""
    if late:
        return Severity.NOTICE
    gone = basis == ACTUAL and max(one["threshold"] for one in crossings) >= HUNDRED
    return Severity.CRITICAL if gone else Severity.ALARM


def title(budget: Budget, value: str, crossings: Crossings, limit: Decimal, basis: str) -> str:
    """One line: who is at which threshold of how much."""
    highest = max(one["threshold"] for one in crossings)
    how = "of {} spent" if basis == ACTUAL else "of {} forecast"
    return f"{_whom(budget, value)}: {highest:g} % {how.format(amount(budget, limit))}"


def message(
    budget: Budget, value: str, rule: Rule, period: Period, limit: Decimal, spent: Decimal, sums: Sums,
    crossings: Crossings, late: bool
) -> str:  # fmt: skip
    """What happened, when, and when it begins anew."""
    newest = max(crossings, key=lambda one: one["threshold"])
    at = datetime.fromisoformat(newest["at"])
    least = "at least " if not budget.in_tokens and (sums.unpriced_calls or sums.unknown_calls) else ""
    said = [
        f"{_whom(budget, value)} has spent {least}{amount(budget, spent)} of {amount(budget, limit)}"
        f" ({_share(spent, limit)} %).",
        f"{newest['threshold']:g} % was reached on {in_zone(at, rule.zone)}.",
    ]
    if late:
        said.append("The period was over by then: a late event or a correction, for the record.")
    elif budget.is_rolling:
        said.append(f"It looks back over {_length(budget.period)}, and tells each threshold once in that time.")
    else:
        said.append(f"It begins anew on {in_zone(period.end, rule.zone)}.")
    return " ".join(said)


def must_be_said(budget: Budget) -> str:
    """What whoever asks the guard has to say for this budget to stop it, beside who it is; empty if nothing."""
    called = [name for name in OF_A_CALL if name in (*budget.scope, budget.per)]
    if budget.action != Action.BLOCK or not called:
        return ""
    names = " and ".join(called)
    return (f"Asks to stop only who says the {names} of its next call when it asks the guard (an operation that is not"
            " said is chat); the answers of ingest know it by themselves.")  # fmt: skip


def stop(budget: Budget, value: str, limit: Decimal) -> str:
    """Why somebody is asked to stop."""
    return f"{_whom(budget, value)}: {amount(budget, limit)} are used up."


def forecast_message(
    budget: Budget, value: str, rule: Rule, period: Period, limit: Decimal, mid: Decimal, on: date | None
) -> str:
    """What the period is going to cost."""
    forecast = f"{amount(budget, mid)} of {amount(budget, limit)} ({_share(mid, limit)} %)"
    used = f" At this pace it is used up on {day(on, year=True)}." if on else ""
    return f"{_whom(budget, value)} is forecast to spend {forecast} by {in_zone(period.end, rule.zone)}.{used}"


def facts(
    budget: Budget, value: str, period: Period, limit: Decimal, spent: Decimal, sums: Sums, crossings: Crossings,
    basis: str
) -> dict[str, Any]:  # fmt: skip
    """The facts of API.md §6."""
    unit = "tokens" if budget.in_tokens else "usd"
    return {
        "budget": budget.pk,
        "budget_name": budget.name,
        "per": budget.per or None,
        "value": value if budget.per else None,
        "basis": basis,
        "period": budget.period,
        "period_start": utc(period.start),
        "period_end": utc(period.end),
        "limit_usd": None,
        "spent_usd": None,
        f"limit_{unit}": exact(budget, limit),
        f"spent_{unit}": exact(budget, spent),
        "coverage": coverage(sums),
        "crossings": [{name: one[name] for name in ("threshold", "at", "event_id")} for one in crossings],
        "action": budget.action,
    }


def coverage(sums: Sums) -> dict[str, Any]:
    """How much of the sum is priced."""
    share = sums.priced_share
    return {
        "calls": sums.calls,
        "priced_calls": sums.priced_calls,
        "unpriced_calls": sums.unpriced_calls,
        "usage_unknown_calls": sums.unknown_calls,
        "unpriced_upper_bound_usd": f"{sums.upper_bound:.12f}",
        "priced_share": None if share is None else float(share),
    }


def exact(budget: Budget, number: Decimal) -> str | int:
    """An amount for programs: dollars with twelve places as text, tokens as a number."""
    return int(number) if budget.in_tokens else f"{number:.12f}"


def amount(budget: Budget, number: Decimal) -> str:
    """An amount for people; less than a cent with all its digits."""
    if budget.in_tokens:
        return f"{number:,.0f} tokens"
    return f"${number.normalize():f}" if 0 < abs(number) < CENT else f"${number.quantize(CENT):,}"


def utc(at: datetime) -> str:
    """RFC 3339."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def used(share: Decimal) -> str:
    """A share of the limit, rounded down: what is not 100 % is never shown as that."""
    if 0 < share < Decimal("0.001"):
        return "< 0.1 %"
    step = Decimal("0.1") if share < 1 else Decimal(1)
    return f"{(share * HUNDRED).quantize(step, ROUND_DOWN):,f} %"


def _whom(budget: Budget, value: str) -> str:
    return f"{budget.name}, {budget.per.removeprefix('tag.')} {value}" if budget.per else budget.name


def _share(part: Decimal, whole: Decimal) -> str:
    """Rounded down: what is not 100 % is never shown as that."""
    return f"{(part * HUNDRED / whole).quantize(Decimal('0.1'), ROUND_DOWN):f}"


def _length(period: str) -> str:
    count = period.removeprefix("rolling_")
    return f"{count[:-1]} {'hour' if count[-1] == 'h' else 'day'}{'' if count[:-1] == '1' else 's'}"
