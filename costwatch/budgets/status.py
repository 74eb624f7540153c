"""How budgets stand now: spent, left, forecast, the values of a template; read from the books at each question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from costwatch.accounts.models import Workspace
from costwatch.budgets import evaluate, outlook
from costwatch.budgets.evaluate import Rule
from costwatch.budgets.models import Budget, BudgetPeriod
from costwatch.budgets.outlook import Outlook
from costwatch.budgets.spent import NOTHING, REST, Dearest, Part, dearest, read
from costwatch.budgets.terms import counted, rule, scope
from costwatch.lib.periods import Period
from costwatch.spend.sums import Sums, add

TOP = 20


class State(StrEnum):
    """`warning`: a threshold below the amount is reached; `over`: the amount is used up."""

    OK = "ok"
    WARNING = "warning"
    OVER = "over"
    PAUSED = "paused"


@dataclass(frozen=True)
class Crossing:
    """A threshold that was reached in this period and told. `basis`: actual or forecast."""

    value: str
    threshold: Decimal
    basis: str
    at: datetime
    event_id: str


@dataclass(frozen=True)
class Standing:
    """An amount against its limit; `value` is one of the template's, "" without a template. Dollars or tokens."""

    value: str
    spent: Decimal
    limit: Decimal
    state: State
    sums: Sums = field(repr=False)

    @property
    def remaining(self) -> Decimal:
        """What is left; negative where more was spent than the limit."""
        return self.limit - self.spent

    @property
    def share(self) -> Decimal:
        """Spent ÷ limit: 1 = used up."""
        return self.spent / self.limit


@dataclass(frozen=True)
class Status(Standing):
    """A budget now. Of a template, `spent` is that of all its values together, `limit` that of each single one.

    `values`: the dearest ones of a template; `unattributed`: what was spent under no value, which no limit holds for.
    `rest`: what the values spent that were not read one by one.
    `carried`: what the period before has left. `forecast` is of the whole period; None: not enough data, or rolling.
    """

    budget: Budget = field(kw_only=True)
    period: Period = field(kw_only=True)
    even_pace: Decimal | None = field(kw_only=True)
    carried: Decimal = field(kw_only=True)
    forecast: Outlook | None = field(kw_only=True)
    crossings: list[Crossing] = field(kw_only=True)
    values: list[Standing] = field(default_factory=list)
    value_count: int = 0
    over_count: int = 0
    warning_count: int = 0
    unattributed: Sums = NOTHING
    rest: Sums = NOTHING

    @property
    def resets_at(self) -> datetime | None:
        """When the next period begins; a rolling budget never resets."""
        return None if self.budget.is_rolling else self.period.end

    @property
    def exhausted_on(self) -> date | None:
        """The local day on which the forecast reaches the limit; None: not in this period, or not known.

        A template has no such day: its forecast is that of all values together, its limit that of each.
        """
        return self.forecast.exhausted_on if self.forecast and not self.budget.per else None

    @property
    def is_at_least(self) -> bool:
        """Whether unpriced calls make the dollars a lower bound."""
        return not self.budget.in_tokens and bool(self.sums.unpriced_calls or self.sums.unknown_calls)

    @property
    def evaluated_at(self) -> datetime | None:
        """When its thresholds were last looked at in full."""
        return self.budget.judged_at


def status(budget: Budget, now: datetime, top: int = TOP) -> Status:
    """One budget, with a forecast made now. `top`: so many of the dearest values of a template."""
    found = statuses(budget.workspace, now, [budget], top)[0]
    if budget.paused or budget.is_rolling:
        return found
    return replace(found, forecast=outlook.make(budget, found.period, found.limit, now))


def statuses(
    workspace: Workspace, now: datetime, budgets: Sequence[Budget] | None = None, top: int = TOP
) -> list[Status]:
    """All budgets of a workspace (or these), by name, with the forecasts that the watch made last."""
    if budgets is None:
        budgets = list(
            Budget.objects.filter(workspace=workspace).select_related("workspace", "owner").order_by("name", "pk")
        )
    rules = [rule(budget, workspace) for budget in budgets]
    periods = [evaluate.bounds(own, now) for own in rules]
    parts = [Part(scope(b), p, b.per) for b, p in zip(budgets, periods, strict=True)]
    alike = [i for i, budget in enumerate(budgets) if not _is_ranked(budget)]
    earlier = {i: Part(scope(b), evaluate.before(rules[i], periods[i]), b.per)
               for i, b in enumerate(budgets) if b.carry_over}  # fmt: skip
    answers = read(workspace, [*(parts[i] for i in alike), *earlier.values()])
    spent = dict(zip(alike, answers, strict=False))
    few = {i: _dearest(b, rules[i], parts[i], top) for i, b in enumerate(budgets) if _is_ranked(b)}
    spent |= {i: found.sums for i, found in few.items()}
    carried = dict(zip(earlier, answers[len(alike) :], strict=True))
    told = _crossings(budgets, periods)
    found = [
        _status(budget, rules[i], periods[i], spent[i], carried.get(i, {}), told.get(budget.pk, []), now, top)
        for i, budget in enumerate(budgets)
    ]
    return [_with_counts(one, few[i]) if i in few else one for i, one in enumerate(found)]


def _is_ranked(budget: Budget) -> bool:
    """Whether the values that spent most dollars are those nearest to their limits, so that few of them are read."""
    return bool(budget.per) and not budget.in_tokens and not budget.carry_over


def _dearest(budget: Budget, own: Rule, part: Part, top: int) -> Dearest:
    """`reaching`: how many values have reached any threshold, and how many are over."""
    limit = evaluate.planned_amount(own, part.period)
    over = evaluate.over_at(own.thresholds)
    amounts = [evaluate.amount_at(threshold, limit) for threshold in (min([*own.thresholds, over]), over)]
    return dearest(budget.workspace, part, top, amounts)


def _with_counts(found: Status, few: Dearest) -> Status:
    """Of all values, not of those alone that were read."""
    near, over = few.reaching
    state = State.OVER if over else State.WARNING if near else State.OK
    return replace(
        found,
        value_count=few.count,
        over_count=over,
        warning_count=near - over,
        state=State.PAUSED if found.state == State.PAUSED else state,
    )


def standing(budget: Budget, value: str, now: datetime) -> Standing:
    """One value of a template; of 10,000 values the others are not read."""
    own = rule(budget, budget.workspace)
    period = evaluate.bounds(own, now)
    periods = [period, evaluate.before(own, period)] if budget.carry_over else [period]
    found = read(budget.workspace, [Part(scope(budget), one, budget.per, (value,)) for one in periods])
    sums, before = (answer.get(value, NOTHING) for answer in (found[0], found[-1]))
    return _standing(value, sums, budget, own, _limit(budget, own, period, before if budget.carry_over else None))


def _status(
    budget: Budget,
    own: Rule,
    period: Period,
    sums: Mapping[str, Sums],
    before: Mapping[str, Sums],
    told: list[Crossing],
    now: datetime,
    top: int,
) -> Status:
    values = [
        _standing(value, one, budget, own, _limit(budget, own, period, before.get(value)))
        for value, one in sums.items() if value != REST and (value or not budget.per)
    ]  # fmt: skip
    values.sort(key=lambda one: (-one.spent, one.value))
    over = sum(one.state == State.OVER for one in values)
    warned = sum(one.state == State.WARNING for one in values)
    whole = add(sums.values())
    limit = evaluate.planned_amount(own, period) if budget.per else _limit(budget, own, period, before.get(""))
    spent = counted(whole, budget.in_tokens)
    kept = outlook.stored(budget, period)
    state = State.OVER if over else State.WARNING if warned else State.OK
    return Status(
        "",
        spent,
        limit,
        State.PAUSED if budget.paused else state,
        whole,
        budget=budget,
        period=period,
        even_pace=None if budget.per or budget.is_rolling else evaluate.even_pace(period, limit, now),
        carried=limit - evaluate.planned_amount(own, period),
        forecast=kept and kept.at_least(spent),
        crossings=told,
        values=values[:top] if budget.per else [],
        value_count=len(values) if budget.per else 0,
        over_count=over if budget.per else 0,
        warning_count=warned if budget.per else 0,
        unattributed=sums.get("", NOTHING) if budget.per else NOTHING,
        rest=sums.get(REST, NOTHING),
    )


def _limit(budget: Budget, own: Rule, period: Period, before: Sums | None) -> Decimal:
    return evaluate.limit(own, period, counted(before or NOTHING, budget.in_tokens))


def _standing(value: str, sums: Sums, budget: Budget, own: Rule, limit: Decimal) -> Standing:
    spent = counted(sums, budget.in_tokens)
    state = State.OK
    if evaluate.is_over(spent, limit, own.thresholds):
        state = State.OVER
    elif evaluate.reached(spent, limit, own.thresholds):
        state = State.WARNING
    return Standing(value, spent, limit, state, sums)


def _crossings(budgets: Sequence[Budget], periods: Sequence[Period]) -> dict[int, list[Crossing]]:
    """Budget id → what was told in its period, of a rolling budget in its window; newest first."""
    current = {budget.pk: period for budget, period in zip(budgets, periods, strict=True)}
    rows = BudgetPeriod.objects.filter(budget__in=current, period_end__gte=min(p.start for p in periods)).exclude(
        crossings=[]
    ) if periods else []  # fmt: skip
    found: dict[int, list[Crossing]] = {}
    for row in rows:
        for one in row.crossings:
            crossing = Crossing(row.value, Decimal(str(one["threshold"])), one["basis"],
                                datetime.fromisoformat(one["at"]), one["event_id"])  # fmt: skip
            if crossing.at in current[row.budget_id] or row.period_start == current[row.budget_id].start:
                found.setdefault(row.budget_id, []).append(crossing)
    for crossings in found.values():
        crossings.sort(key=lambda one: one.at, reverse=True)
    return found
