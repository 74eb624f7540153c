"""What people and programs write into a budget, checked: every bad field is named, with what is right."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from costwatch.accounts.models import Member, Workspace
from costwatch.budgets import evaluate
from costwatch.budgets.models import Action
from costwatch.budgets.terms import NOT
from costwatch.lib import periods
from costwatch.spend.dimensions import EVENT_NAMES, is_dimension

LONGEST = 200
MOST_USD = Decimal(10) ** 12
MOST_TOKENS = 10**15
MOST_THRESHOLDS = 20
MOST_PERCENT = 1000
MOST_DIMENSIONS = 16
MOST_VALUES = 1_000
MOST_CHANNELS = 20
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
READ_ONLY = frozenset({
    "id", "created_at", "created_by", "changed_at", "limit", "spent", "remaining", "share", "forecast", "exhausted_on",
    "forecast_low", "forecast_high", "forecast_at",
    "period_start", "period_end", "resets_at", "state", "coverage", "values", "value_count", "over_count",
    "evaluated_at", "warnings",
})  # fmt: skip
"""What an answer adds: sent back with a change, it is passed over."""
_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)


class BadBudget(ValueError):
    """A budget that cannot be kept as asked: the field, and a sentence on what to write there."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


def read(data: Mapping[str, Any], workspace: Workspace) -> dict[str, Any]:
    """The columns of a Budget that `data` (the names of API.md) sets. Raises BadBudget."""
    columns: dict[str, Any] = {}
    for name, value in data.items():
        if name in READ_ONLY or name == "allow_unseen":
            continue
        if name == "owner":
            columns["owner"] = _owner(value, workspace)
        elif name in _READERS:
            columns[name] = _READERS[name](name, value)
        else:
            raise BadBudget(str(name)[:64], f"A budget has no such field; it has {', '.join((*_READERS, 'owner'))}.")
    return columns


def check(budget: Any) -> None:
    """What fields say together. Raises BadBudget."""
    if (budget.amount_usd is None) == (budget.amount_tokens is None):
        raise BadBudget("amount_usd", "Give either amount_usd or amount_tokens, greater than 0.")
    if budget.planned and budget.period != "monthly":
        raise BadBudget("planned", "Amounts of single months are for budgets with the period monthly.")
    if budget.in_tokens and any(Decimal(amount) % 1 for amount in budget.planned.values()):
        raise BadBudget("planned", "Planned amounts of tokens are whole numbers.")
    if budget.is_rolling and (budget.forecast_thresholds or budget.carry_over):
        name = "forecast_thresholds" if budget.forecast_thresholds else "carry_over"
        raise BadBudget(name, "A rolling budget has no end: it knows no forecast and nothing to carry over.")
    if budget.action == Action.BLOCK and any(name.endswith(NOT) for name in budget.scope):
        raise BadBudget("action", "A budget that blocks must name whom it stops; its scope cannot exclude values.")
    if budget.per and budget.scope.get(budget.per) == [""]:
        raise BadBudget(
            f"scope.{budget.per}", f"A budget for each {budget.per} counts only what names its {budget.per}."
        )
    for name, values in budget.scope.items():
        other = budget.scope.get(name[:-1] if name.endswith(NOT) else name + NOT)
        if other and not set(values) - set(other) and not name.endswith(NOT):
            raise BadBudget(f"scope.{name}", f"{name} cannot be and not be the same value: nothing would ever count.")


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST:
        raise BadBudget(name, f"{name} must be a text of 1 to {LONGEST} characters.")
    return _readable(name, value.strip())


def _readable(name: str, text: str) -> str:
    if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text):
        raise BadBudget(name, "NUL and broken characters cannot be stored.")
    return text


def _number(name: str, value: Any) -> Decimal:
    """A finite decimal of a JSON number or a text."""
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
            raise InvalidOperation
        number = Decimal(str(value).strip())
        if number.is_finite() and abs(number) < MOST_TOKENS * 10:
            return number
    except InvalidOperation:
        pass
    raise BadBudget(name, f'{name} must be a number, as a number or as text, e.g. 5000 or "5000.00".')


def _usd(name: str, value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    amount = _number(name, value)
    if not 0 < amount < MOST_USD or amount != amount.quantize(Decimal("1e-12")):
        raise BadBudget(name, f"{name} must be greater than 0 and less than {MOST_USD:,}, with at most 12 decimals.")
    return amount


def _tokens(name: str, value: Any) -> int | None:
    if value is None or value == "":
        return None
    amount = _number(name, value)
    if not 0 < amount <= MOST_TOKENS or amount % 1:
        raise BadBudget(name, f"{name} must be a whole number from 1 to {MOST_TOKENS:,}.")
    return int(amount)


def _planned(name: str, value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or len(value) > 120 or not all(_MONTH.fullmatch(str(m)) for m in value):
        raise BadBudget(name, f'{name} must be an object of months with amounts, e.g. {{"2026-12": "9000"}}.')
    amounts = {str(month): _usd(f"{name}.{month}", amount) for month, amount in value.items()}
    return {month: str(amount) for month, amount in sorted(amounts.items()) if amount is not None}


def _percent(name: str, value: Any) -> Decimal:
    percent = _number(name, 0 if value is None or value == "" else value)
    if not 0 <= percent <= 100 or percent != percent.quantize(Decimal("0.01")):
        raise BadBudget(name, f"{name} must be a percentage from 0 to 100 with at most two decimals.")
    return percent


def _period(name: str, value: Any) -> str:
    if not isinstance(value, str) or not evaluate.is_period(value):
        known = ", ".join(evaluate.CALENDAR)
        raise BadBudget(
            name, f"{name} must be {known}, or a window such as rolling_24h or rolling_30d (at most 366 d)."
        )
    return value


def _zone(name: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    try:
        periods.zone(value if isinstance(value, str) else "")
    except ValueError as unknown:
        raise BadBudget(name, str(unknown)) from None
    return str(value)


def _week_start(name: str, value: Any) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.lower() in WEEKDAYS:
        return WEEKDAYS.index(value.lower()) + 1
    number = value if isinstance(value, int) and not isinstance(value, bool) else str(value)
    if str(number) not in ("1", "2", "3", "4", "5", "6", "7"):
        raise BadBudget(name, f"{name} must be a day, monday to sunday, or 1 (Monday) to 7.")
    return int(number)


def _dimension(field: str, name: Any) -> str:
    plain = str(name).removesuffix(NOT)
    dimension = EVENT_NAMES.get(plain, plain)
    if not is_dimension(dimension):
        raise BadBudget(field, f"{str(name)[:64]!r} is no dimension; agent, user, model … or tag.<name>.")
    return _readable(field, dimension + (NOT if str(name).endswith(NOT) else ""))


def _scope(name: str, value: Any) -> dict[str, list[str]]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or len(value) > MOST_DIMENSIONS:
        raise BadBudget(name, f'{name} must be an object of dimensions with values, e.g. {{"agent": ["triage"]}}.')
    scope: dict[str, list[str]] = {}
    for written, values in sorted(value.items()):
        dimension = _dimension(name, written)
        if dimension in scope:
            raise BadBudget(name, f"{name} names {dimension} twice, as {dimension} and as {written}; give one list.")
        scope[dimension] = _values(f"{name}.{written}"[:80], values)
    return scope


def _values(name: str, value: Any) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, Sequence) or not 1 <= len(values) <= MOST_VALUES or not all(
        isinstance(v, str) and len(v) <= LONGEST for v in values
    ):  # fmt: skip
        raise BadBudget(name, f"{name} must be a list of 1 to {MOST_VALUES:,} texts; an empty text = not attributed.")
    return sorted({_readable(name, v) for v in values})


def _per(name: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or value.endswith(NOT):
        raise BadBudget(name, f"{name} must be a dimension such as user, or null.")
    return _dimension(name, value)


def _thresholds(name: str, value: Any) -> list[int | float]:
    if value is None:
        return []
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MOST_THRESHOLDS:
        raise BadBudget(name, f"{name} must be a list of at most {MOST_THRESHOLDS} percentages, e.g. [50, 80, 100].")
    numbers = {_number(name, one) for one in value}
    if not all(0 < n <= MOST_PERCENT and n == n.quantize(Decimal("0.01")) for n in numbers):
        raise BadBudget(name, f"{name} must be above 0 and at most {MOST_PERCENT}, with at most two decimals.")
    return [int(n) if n % 1 == 0 else float(n) for n in sorted(numbers)]


def _channels(name: str, value: Any) -> list[int]:
    if value is None:
        return []
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MOST_CHANNELS or not all(
        isinstance(one, int) and not isinstance(one, bool) and 0 < one < 2**63 for one in value
    ):  # fmt: skip
        raise BadBudget(name, f"{name} must be a list of at most {MOST_CHANNELS} ids of channels.")
    return sorted(set(value))


def _action(name: str, value: Any) -> str:
    if value not in Action.values:
        raise BadBudget(name, f"{name} must be {' or '.join(Action.values)}.")
    return str(value)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadBudget(name, f"{name} must be true or false.")
    return value


def _owner(value: Any, workspace: Workspace) -> Member | None:
    if value is None or value == "":
        return None
    member = None
    if isinstance(value, str) and "\0" not in value:
        member = Member.objects.filter(workspace=workspace, email__iexact=value).first()
    if member is None:
        raise BadBudget("owner", "owner must be the e-mail address of a member of this workspace, or null.")
    return member


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "name": _text,
    "amount_usd": _usd,
    "amount_tokens": _tokens,
    "planned": _planned,
    "carry_over": _percent,
    "period": _period,
    "time_zone": _zone,
    "week_start": _week_start,
    "scope": _scope,
    "per": _per,
    "thresholds": _thresholds,
    "forecast_thresholds": _thresholds,
    "channels": _channels,
    "action": _action,
    "paused": _flag,
}
