"""What happened, in words: the effects by name, what drives each, and one sentence. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from costwatch.dashboards import display
from costwatch.lib.dates import books_begin
from costwatch.spend.sums import Sums
from costwatch.spend.variance import EFFECTS

NAMES = {
    "runs": "Runs",
    "calls": "Calls",
    "mix": "Models",
    "input": "Prompts",
    "output": "Answers",
    "cache": "Cache",
    "price": "Prices",
    "other": "Other",
}
MEANINGS = {
    "runs": "more or fewer runs, at the cost of a run before; all of what is new or gone",
    "calls": "more or fewer calls in a run; of usage without runs, more or fewer calls",
    "mix": "calls that moved to dearer or cheaper models",
    "input": "longer or shorter prompts",
    "output": "longer or shorter answers",
    "cache": "more or less of the prompts read from a cache or written to it",
    "price": "other prices of a token, listed or agreed",
    "other": "service tiers, long prompts, fees, calls without a price, corrections",
}
UP_AND_DOWN = {
    "runs": ("more runs", "fewer runs"),
    "calls": ("more calls per run", "fewer calls per run"),
    "mix": ("dearer models", "cheaper models"),
    "input": ("longer prompts", "shorter prompts"),
    "output": ("longer answers", "shorter answers"),
    "cache": ("dearer caching", "cheaper caching"),
    "price": ("higher prices", "lower prices"),
    "other": ("tiers, fees and other", "tiers, fees and other"),
}
WITHOUT_RUNS = ("more calls", "fewer calls")
TOGETHER = "\N{WORD JOINER}"  # no line ends between a minus and its amount
MOST_TOLD = 4
WORTH_TELLING = Decimal("0.05")  # of all effects' sizes together


def sentence(before: Decimal, after: Decimal, span: str, compared: str, effects: Mapping[str, Decimal],
             has_runs: bool) -> str:  # fmt: skip
    """Spend rose $412.00 (10 %), from … to …: more runs +$300.00, longer prompts +$150.00, cheaper models −$38.00."""
    change = after - before
    whole = f"from {display.money(before)} in {compared} to {display.money(after)} in {span}"
    if not change:
        return f"Spend is the same, {display.money(after)} in {span} and in {compared}."
    rose = "rose" if change > 0 else "fell"
    share = f" ({display.percent(abs(change) / before, 0)})" if before > 0 else ""
    told = _told(effects, has_runs).replace(display.MINUS, display.MINUS + TOGETHER)
    return f"Spend {rose} {display.money(abs(change))}{share}, {whole}{f': {told}' if told else ''}."


def with_beginning(said: str, begun: date | None) -> str:
    """A sentence that says since when there are books, where they do not reach back over all that is compared."""
    return f"{said.removesuffix('.')}; {books_begin(begun)}." if begun else said


def _told(effects: Mapping[str, Decimal], has_runs: bool) -> str:
    """The effects that matter, largest first, and what the others come to."""
    sizes = sum(abs(amount) for amount in effects.values())
    order = sorted((name for name in EFFECTS if effects[name]), key=lambda name: -abs(effects[name]))
    told = [name for name in order[:MOST_TOLD] if abs(effects[name]) >= sizes * WORTH_TELLING]
    rest = sum((effects[name] for name in order if name not in told), Decimal(0))
    parts = [f"{phrase(name, effects[name], has_runs)} {display.money_change(effects[name])}" for name in told]
    return ", ".join([*parts, f"all else {display.money_change(rest)}"] if rest else parts)


def phrase(name: str, amount: Decimal, has_runs: bool) -> str:
    """An effect as a cause: longer prompts."""
    up, down = WITHOUT_RUNS if name == "calls" and not has_runs else UP_AND_DOWN[name]
    return up if amount > 0 else down


def drivers(before: Sums, after: Sums) -> dict[str, str]:
    """What each effect is about, in its own unit, then and now; effects without a unit of their own are left out."""
    pairs = {
        "runs": (_count(before.runs), _count(after.runs), "runs begun"),
        "calls": (_each(before.calls, before.runs), _each(after.calls, after.runs), "calls a run"),
        "input": (*(_tokens(s.input_tokens, s.calls) for s in (before, after)), "tokens a call"),
        "output": (*(_tokens(s.output_tokens, s.calls) for s in (before, after)), "tokens a call"),
        "cache": (_share(before), _share(after), "of input from the cache"),
    }  # fmt: skip
    if not (before.runs and after.runs):
        pairs["calls"] = (_count(before.calls), _count(after.calls), "calls")
    return {name: f"{old} → {new} {unit}" for name, (old, new, unit) in pairs.items() if old and new}


def _count(number: int) -> str:
    return display.count(number) if number else ""


def _each(part: int, whole: int) -> str:
    return f"{Decimal(part) / whole:,.2f}" if whole > 0 else ""


def _tokens(tokens: int, calls: int) -> str:
    return display.count(round(tokens / calls)) if calls > 0 else ""


def _share(sums: Sums) -> str:
    if sums.input_tokens <= 0:
        return ""
    return display.percent(Decimal(sums.cached_input_tokens) / sums.input_tokens)


def in_order(effects: Mapping[str, Decimal]) -> Sequence[tuple[str, str, Decimal]]:
    """(name, heading, amount) in the order of the steps."""
    return [(name, NAMES[name], effects[name]) for name in EFFECTS]
