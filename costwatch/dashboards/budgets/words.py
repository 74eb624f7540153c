"""Budgets in words: amounts in their unit, periods, scopes, states, and when they begin anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from costwatch.budgets import evaluate, say
from costwatch.budgets.models import Budget
from costwatch.budgets.status import Standing, State, Status
from costwatch.budgets.terms import NOT, percentages
from costwatch.dashboards import display
from costwatch.dashboards.budgets.kept import Kept
from costwatch.dashboards.state import plural, title
from costwatch.lib.periods import DAY, HOUR

EACH = {"daily": "a day", "weekly": "a week", "monthly": "a month", "quarterly": "a quarter", "yearly": "a year"}
NAMES = {"daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter", "yearly": "year"}
FEW = 3  # values of a condition that are told one by one
WEEK = 7 * DAY


@dataclass(frozen=True)
class Mark:
    """A state: its look, and the word that always stands with it."""

    css: str
    words: str


def amount(number: Decimal, in_tokens: bool) -> str:
    """$1,234.56, or 1.23M tokens."""
    if not in_tokens:
        return display.money(number)
    return f"{tokens(number)} tokens"


def tokens(number: Decimal) -> str:
    """1.23M, with a true minus sign."""
    return f"{display.MINUS if number < 0 else ''}{display.tokens(abs(int(number)))}"


def exact(number: Decimal, in_tokens: bool) -> str:
    """The same with every digit."""
    return f"{display.count(int(number))} tokens" if in_tokens else display.every_digit(number)


def about(number: Decimal, in_tokens: bool) -> str:
    """An estimate of it."""
    return amount(number, in_tokens) if in_tokens else display.about(number)


def band(low: Decimal, high: Decimal, in_tokens: bool) -> str:
    """$2,106 – $2,222; tokens without their unit, which stands above it."""
    return f"{tokens(low)} – {tokens(high)}" if in_tokens else f"{display.about(low)} – {display.about(high)}"


def used(share: Decimal | None) -> str:
    """A share of the limit, rounded down: what is not 100 % is never shown as that; None where the limit is nothing."""
    return display.NOTHING if share is None else say.used(share).replace(" ", display.NBSP)


def each(period: str) -> str:
    """How often the amount holds: a month; in any 24 hours."""
    return EACH.get(period) or f"in any {window(period)}"


def name(period: str) -> str:
    """One of them: month; window of 24 hours."""
    return NAMES.get(period) or f"window of {window(period)}"


def limit(budget: Budget) -> str:
    """$5.00 a day per user."""
    return f"{amount(budget.amount, budget.in_tokens)} {each(budget.period)}{per(budget)}"


def per(budget: Budget) -> str:
    """For whom each amount is, with a blank before it; nothing for one amount."""
    return f" per {dimension(budget.per)}" if budget.per else ""


def values(budget: Budget, count: int) -> str:
    """240 users."""
    return f"{count:,} {_some(budget, count)}"


def scope(stored: Mapping[str, Sequence[str]]) -> str:
    """agent reasoning or lookup; customer not Orbit Travel; or: all usage."""
    return "; ".join(_condition(name, chosen) for name, chosen in stored.items()) or "all usage"


def span(budget: Budget, start: datetime, zone: ZoneInfo) -> str:
    """A calendar period by its beginning: Wed 18 Nov 2026; week of 16 Nov 2026; November 2026; Q4 2026; 2026."""
    at = start.astimezone(zone)
    told = {
        "daily": display.day(at.date(), year=True),
        "weekly": f"week of {at.day} {at:%b} {at.year}",
        "monthly": f"{at:%B} {at.year}",
        "quarterly": f"Q{(at.month + 2) // 3} {at.year}",
        "yearly": f"{at.year}",
    }
    return told.get(budget.period) or f"{display.day_and_time(at)} {at.year}"


def short_when(at: datetime, period: str, zone: ZoneInfo) -> str:
    """When within a period: 28 Nov; within a day, which is the same for all of it: 18:42."""
    local = at.astimezone(zone)
    return f"{local:%H:%M}" if period == "daily" else f"{local.day} {local:%b}"


def long_when(at: datetime, period: str, zone: ZoneInfo) -> str:
    """The same in a sentence: on Saturday 28 November; at 18:42."""
    local = at.astimezone(zone)
    return f"at {local:%H:%M}" if period == "daily" else f"on {local:%A} {local.day} {local:%B}"


@dataclass(frozen=True)
class Resets:
    """When a budget begins anew: Monday 00:00, Europe/Berlin, in 3 d."""

    at: str
    zone: str
    ahead: str

    def __str__(self) -> str:
        return f"{self.at} {self.zone} ({self.ahead})" if self.ahead else f"{self.at}: {self.zone}"


def resets(status: Status, zone: ZoneInfo, now: datetime) -> Resets:
    """When the running period ends; a rolling budget never begins anew."""
    end = status.resets_at
    if end is None:
        return Resets("never", f"looks back {window(status.budget.period)}", "")
    at = end.astimezone(zone)
    year = f" {at.year}" if at.year != now.astimezone(zone).year else ""
    day = f"{at:%A}" if end - now <= WEEK - DAY else f"{at.day} {at:%b}{year}"
    return Resets(f"{day} {at:%H:%M}", zone.key, ahead(end - now))


def length(span: timedelta) -> str:
    """two days, 5 hours: how long, for a sentence; rounded."""
    number, unit = (round(span / DAY), "day") if span >= DAY else (max(1, round(span / HOUR)), "hour")
    return f"{number} {unit}{'' if number == 1 else 's'}"


def ahead(span: timedelta) -> str:
    """How far away: in 3 d, in 5 h, in 12 min; rounded down."""
    if span >= DAY:
        return f"in {span // DAY}{display.NBSP}d"
    number, unit = (span // HOUR, "h") if span >= HOUR else (max(1, span // timedelta(minutes=1)), "min")
    return f"in {number}{display.NBSP}{unit}"


def mark(status: Status) -> Mark:
    """How a budget stands, in two words."""
    if status.state == State.PAUSED:
        return Mark("muted hollow", "paused")
    if status.state == State.OVER:
        return Mark("bad", "over")
    if status.state == State.WARNING:
        return Mark("warn", above(status, status.budget))
    if will_be_over(status):
        return Mark("warn part", "will be over")
    ahead = status.forecast and percentages(status.budget.forecast_thresholds)
    reached = evaluate.reached(status.forecast.mid, status.limit, ahead) if status.forecast and ahead else ()
    return Mark("warn part", f"forecast {percent(max(reached))} %") if reached else Mark("muted hollow", "within")


def template(budget: Budget, kept: Kept, count: int | None) -> Mark:
    """How the values of a template stand; `count`: how many spent something, where that is known."""
    if budget.paused:
        return Mark("muted hollow", "paused")
    if not kept.over and not kept.told:
        return Mark("muted hollow", f"{values(budget, count)} within" if count else "within")
    number, css, word = (kept.over, "bad", "over") if kept.over else (kept.told, "warn", "close")
    return Mark(css, f"{number:,} {f'of {values(budget, count)}' if count else _some(budget, number)} {word}")


def of_value(standing: Standing, budget: Budget) -> Mark:
    """How one value of a template stands."""
    if standing.state == State.OVER:
        return Mark("bad", "over")
    return Mark("warn", above(standing, budget)) if standing.state == State.WARNING else Mark("muted hollow", "within")


def above(standing: Standing, budget: Budget) -> str:
    """The highest threshold that is reached; of a template's values together none is."""
    reached = evaluate.reached(standing.spent, standing.limit, percentages(budget.thresholds))
    return f"above {percent(max(reached))} %" if reached and not (budget.per and not standing.value) else "close"


def will_be_over(status: Status) -> bool:
    """Whether the forecast reaches the limit; that of a template is of all values together and says nothing of one."""
    return bool(status.forecast and not status.budget.per and status.forecast.mid >= status.limit)


def percent(threshold: Decimal) -> str:
    """50, 99.5"""
    return f"{threshold.normalize():f}"


def dimension(name: str) -> str:
    """A dimension inside a sentence: agent, prompt version, API key."""
    told = title(name)
    return told if told.startswith("API") else told.lower()


def planned(budget: Budget) -> str:
    """$9,000.00 in December 2026."""
    amounts = sorted(budget.planned.items())
    return ", ".join(
        f"{amount(Decimal(number), budget.in_tokens)} in {date.fromisoformat(f'{month}-01'):%B %Y}"
        for month, number in amounts
    )


def tells(budget: Budget) -> str:
    """at 50 %, 80 % and 100 % spent, and at 100 % forecast; each once."""
    spent = [f"{percent(t)} %" for t in percentages(budget.thresholds)]
    ahead = [f"{percent(t)} %" for t in percentages(budget.forecast_thresholds)]
    told = [f"at {_and(spent)} spent"] if spent else []
    told += [f"at {_and(ahead)} forecast"] if ahead else []
    return ", and ".join(told) + ", each once" if told else "nothing: it has no thresholds"


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _some(budget: Budget, count: int) -> str:
    return dimension(budget.per) if count == 1 else plural(budget.per).lower()


def _condition(name: str, chosen: Sequence[str]) -> str:
    verb = " not" if name.endswith(NOT) else ""
    return f"{dimension(name.removesuffix(NOT))}{verb} {_listed([display.name(value) for value in chosen])}"


def _listed(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    if len(names) <= FEW:
        return f"{', '.join(names[:-1])} or {names[-1]}"
    return f"{', '.join(names[:FEW])} or {len(names) - FEW:,} more"


def window(period: str) -> str:
    """24 hours; nothing of a calendar period."""
    if not period.startswith("rolling_"):
        return ""
    number = period.removeprefix("rolling_")[:-1]
    return f"{number} {'hour' if period.endswith('h') else 'day'}{'' if number == '1' else 's'}"
