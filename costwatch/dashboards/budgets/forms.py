"""The form of a budget. It reads what people write into the names of the API; the rules are in costwatch.budgets."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django import forms

from costwatch.accounts.forms import Choice, Field, time_zones
from costwatch.accounts.models import Member, Workspace
from costwatch.budgets import evaluate, fields, manage, seen
from costwatch.budgets.fields import BadBudget
from costwatch.budgets.models import Action, Budget
from costwatch.dashboards.budgets import conditions
from costwatch.dashboards.budgets.conditions import Condition
from costwatch.digests.subscriptions import told_first

ROLLING = "rolling"
PERIODS = [("daily", "every day"), ("weekly", "every week"), ("monthly", "every month"), ("quarterly", "every quarter"),
           ("yearly", "every year"), (ROLLING, "any stretch of")]  # fmt: skip
UNITS = [("usd", "dollars"), ("tokens", "tokens")]
ACTIONS = [(Action.NOTIFY, "Tell people"), (Action.BLOCK, "Tell people, and ask agents to stop when it is used up")]
AHEAD = 12  # months that can be planned
USUAL = {"unit": "usd", "period": "monthly", "window": "24", "window_unit": "h", "thresholds": "50, 80, 100",
         "carry_over": "0", "action": Action.NOTIFY}  # fmt: skip
PREFILLED = ("name", "unit", "amount", "period", "per", "thresholds", "forecast_thresholds", "action")
LABELS = {"amount_usd": "The amount", "amount_tokens": "The amount", "time_zone": "The time zone", "week_start": "It",
          "thresholds": "Thresholds", "forecast_thresholds": "Thresholds", "carry_over": "It", "channels": "Channels",
          "name": "The name", "planned": "Planned amounts", "owner": "The owner", "period": "The period"}  # fmt: skip
AS_JSON, FOR_PEOPLE = ', as a number or as text, e.g. 5000 or "5000.00".', " such as 5000 or 49.90."
_ROLLING = re.compile(r"rolling_([0-9]+)([hd])", re.ASCII)


class BudgetForm(forms.Form):
    """A new budget or a known one; `lines` and `months` are the fields that repeat."""

    name = Field(label="Name", max_length=200, required=False, help_text="As it is called in messages.")
    amount = Field(label="Amount", max_length=40, required=False)
    unit = Choice(label="Unit", choices=UNITS, required=False)
    period = Choice(label="Period", choices=PERIODS, required=False)
    window = Field(label="Length", max_length=4, required=False)
    window_unit = Choice(label="Unit of the length", choices=[("h", "hours"), ("d", "days")], required=False)
    time_zone = Field(label="Time zone", max_length=64, required=False)
    week_start = Choice(label="Week begins on", required=False)
    per = Choice(label="The amount holds for", required=False)
    thresholds = Field(label="Tell at, % spent", max_length=200, required=False, help_text="Separated by commas.")
    forecast_thresholds = Field(
        label="Tell at, % forecast", max_length=200, required=False,
        help_text="Told as soon as the forecast of the period reaches it, once.",
    )  # fmt: skip
    carry_over = Field(
        label="Carry over, %", max_length=6, required=False,
        help_text="So much of the amount may move to the next period if it was not spent. Debts never move.",
    )  # fmt: skip
    owner = Choice(label="Owner", required=False)
    channels = forms.TypedMultipleChoiceField(
        label="Channels", coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    action = forms.ChoiceField(label="When it is used up", choices=ACTIONS, required=False, widget=forms.RadioSelect)
    allow_unseen = forms.BooleanField(label="Keep it although nothing matched so far", required=False)

    def __init__(self, data: Any = None, *, workspace: Workspace, now: datetime, budget: Budget | None = None,
                 query: Any = None) -> None:  # fmt: skip
        asked = query or {}
        first = _stored(budget) if budget else USUAL | {name: asked[name] for name in PREFILLED if name in asked}
        super().__init__(data, initial=first)
        self.workspace, self.now, self.budget = workspace, now, budget
        scope = budget.scope if budget else conditions.of_query(query) if query else {}
        self.lines: list[Condition] = conditions.entered(data) if data is not None else conditions.of_scope(scope)
        self.planned = _months_of(data) if data is not None else dict(budget.planned) if budget else {}
        self.month_errors: dict[str, str] = {}
        self.is_unseen = False
        self._read: dict[str, Any] = {}
        self._choices()

    @property
    def data_entered(self) -> dict[str, Any]:
        """What was entered, with the names of API.md §5."""
        read = self._read if self.is_bound and self.errors is not None else self.initial
        tokens = read.get("unit") == "tokens"
        amount = str(read.get("amount") or "").replace(",", "").replace("_", "").removeprefix("$").strip()
        return {
            "name": read.get("name", ""),
            "amount_tokens": amount if tokens else None,
            "amount_usd": None if tokens else amount,
            "period": self._period(read),
            "time_zone": read.get("time_zone", "").strip() if read.get("time_zone") != self.workspace.time_zone else "",
            "week_start": read.get("week_start") or None,
            "per": read.get("per") or None,
            "scope": conditions.scope([line for line in self.lines if line.dimension]),
            "thresholds": _numbers(read.get("thresholds")),
            "forecast_thresholds": _numbers(read.get("forecast_thresholds")),
            "planned": {month: amount for month, amount in self.planned.items() if amount},
            "carry_over": read.get("carry_over") or "0",
            "owner": read.get("owner") or None,
            "channels": list(read.get("channels") or ()),
            "action": read.get("action") or Action.NOTIFY,
            "allow_unseen": bool(read.get("allow_unseen")) or self._counts_as_before(read),
        }

    @property
    def months(self) -> list[tuple[str, str, str, str]]:
        """(month, what it is called, the amount planned, what is wrong with it): this month, the next ones, others."""
        first = self.now.date().replace(day=1)
        coming = {f"{day:%Y-%m}" for day in (_month_on(first, n) for n in range(AHEAD))}
        every = sorted(coming | self.planned.keys())
        return [(m, f"{date.fromisoformat(f'{m}-01'):%B %Y}", self.planned.get(m, ""), self.month_errors.get(m, ""))
                for m in every]  # fmt: skip

    @property
    def has_amount(self) -> bool:
        """Whether something is written where the amount belongs."""
        return bool(self.data_entered["amount_usd"] or self.data_entered["amount_tokens"])

    @property
    def is_half_said(self) -> bool:
        """Whether a condition has no value yet, as when its dimension was just chosen."""
        return not all(conditions.scope(self.lines).values())

    @property
    def dimension_choices(self) -> list[tuple[str, str]]:
        """What a condition can be on."""
        return conditions.dimensions(self.workspace, *(line.dimension for line in self.lines))

    @property
    def shown_lines(self) -> list[Condition]:
        """The conditions with what can be ticked."""
        return conditions.numbered(self.workspace, self.lines, self.now)

    @property
    def planned_error(self) -> str:
        """What is wrong with the planned amounts together."""
        return self.month_errors.get("", "")

    @property
    def planned_is_open(self) -> bool:
        """Whether there is something to see among them."""
        return bool(self.month_errors or any(self.planned.values()))

    @property
    def wrong(self) -> bool:
        """Whether something was found to be wrong."""
        return bool(self.errors or self.month_errors or any(line.error for line in self.lines))

    def problems(self) -> bool:
        """Whether some field alone is wrong; each is told beside its field."""
        for name, value in self.data_entered.items():
            try:
                if value is not None or name in manage.REQUIRED:
                    fields.read({name: value}, self.workspace)
            except BadBudget as problem:
                self.complain(problem)
        if not self.has_amount:
            self.add_error("amount", "How much may be spent?")
        return self.wrong

    def complain(self, problem: BadBudget) -> None:
        """Put what is wrong beside its field."""
        name, _, part = problem.field.partition(".")
        text = said(problem)
        self.is_unseen = self.is_unseen or seen.KEEP in problem.message
        if name == "scope":
            line = next((line for line in self.lines if line.name == part), None)
            if line is not None:
                line.error = text if line.values else conditions.EMPTY
                return
        if name == "planned":
            self.month_errors[part] = text
            return
        field = {"amount_usd": "amount", "amount_tokens": "amount"}.get(name, name)
        self.add_error(field if field in self.fields else None, text)

    def clean(self) -> dict[str, Any]:
        """What Django keeps of the fields."""
        self._read = dict(self.cleaned_data)  # an error takes a field out of the other
        if self.cleaned_data.get("period") == ROLLING and not evaluate.is_period(_window(self.cleaned_data)):
            self.add_error("window", "A whole number of hours or days, at most 366 days.")
        return self.cleaned_data

    def _counts_as_before(self, read: Mapping[str, Any]) -> bool:
        """Whether a known budget is left with what it counts: then it was agreed on before."""
        scope = {name: sorted(values) for name, values in conditions.scope(self.lines).items()}
        return self.budget is not None and scope == self.budget.scope and (read.get("per") or "") == self.budget.per

    def _period(self, read: Mapping[str, Any]) -> str:
        if read.get("period") != ROLLING:
            return read.get("period") or "monthly"
        return _window(read)

    def _choices(self) -> None:
        dimensions = conditions.dimensions(self.workspace, self.initial.get("per", ""))
        owners = Member.objects.filter(workspace=self.workspace, is_active=True).order_by("email")
        usual = dict(weekdays())[self.workspace.week_start]
        own = {
            "week_start": [("", f"{usual}, as in the workspace"), *((str(n), day) for n, day in weekdays())],
            "per": [("", "everything together"), *((name, f"each {label}" if label.startswith(("API", "tag")) else
                                                    f"each {label.lower()}") for name, label in dimensions)],
            "owner": [("", "nobody"), *((m.email, m.name or m.email) for m in owners)],
            "channels": [(channel.pk, channel.name) for channel in told_first(self.workspace)],
        }  # fmt: skip
        for name, choices in own.items():
            self.fields[name].choices = choices  # type: ignore[attr-defined]
        self.fields["time_zone"].widget.attrs |= {"list": "zones", "placeholder": self.workspace.time_zone}
        for name in ("amount", "window"):
            self.fields[name].widget.attrs["inputmode"] = "decimal"


def said(problem: BadBudget) -> str:
    """What is wrong, in the words of the page."""
    text = problem.message.replace(seen.KEEP, "tick below to keep the budget as it is").replace(AS_JSON, FOR_PEOPLE)
    name = LABELS.get(problem.field.partition(".")[0], "It")
    return name + text.removeprefix(problem.field) if text.startswith(problem.field) else text


def weekdays() -> list[tuple[int, str]]:
    """(ISO day, its name)."""
    return [(number, day.capitalize()) for number, day in enumerate(fields.WEEKDAYS, 1)]


def zones() -> list[str]:
    """Time zones to choose from."""
    return time_zones()


def _stored(budget: Budget) -> dict[str, Any]:
    """What the form shows of a known budget."""
    window = _ROLLING.fullmatch(budget.period)
    return USUAL | {
        "name": budget.name,
        "unit": "tokens" if budget.in_tokens else "usd",
        "amount": f"{budget.amount.normalize():f}",
        "period": ROLLING if window else budget.period,
        **({"window": window[1], "window_unit": window[2]} if window else {}),
        "time_zone": budget.time_zone,
        "week_start": str(budget.week_start or ""),
        "per": budget.per,
        "thresholds": ", ".join(map(str, budget.thresholds)),
        "forecast_thresholds": ", ".join(map(str, budget.forecast_thresholds)),
        "carry_over": f"{budget.carry_over.normalize():f}",
        "owner": budget.owner.email if budget.owner else "",
        "channels": budget.channels,
        "action": budget.action,
    }


def _window(read: Mapping[str, Any]) -> str:
    return f"rolling_{str(read.get('window') or '').strip()}{read.get('window_unit') or 'h'}"


def _numbers(text: Any) -> list[str]:
    """50, 80 %, 100 → the numbers as they were written."""
    return [part for part in re.split(r"[\s,;%]+", str(text or "")) if part]


def _months_of(post: Any) -> dict[str, str]:
    named = {name.removeprefix("planned-"): post[name] for name in post if name.startswith("planned-")}
    return {m: text.replace(",", "").removeprefix("$").strip() for m, text in sorted(named.items())
            if re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", m)}  # fmt: skip


def _month_on(first: date, months: int) -> date:
    years, month = divmod(first.month - 1 + months, 12)
    return date(first.year + years, month + 1, 1)
