"""What Explore can show of a part of the spend. Pure. A ratio is one sum divided by another, never a mean of ratios."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from costwatch.dashboards import display
from costwatch.lib.money import shown_difference
from costwatch.lib.signs import signed
from costwatch.spend.sums import Sums

Number = Decimal | int
MONEY, COUNT, TOKENS, UNIT, SHARE = "money", "count", "tokens", "unit", "share"
MILLION = 1_000_000
UNPRICED = "unpriced"
EXPORT_PLACES = Decimal("0.000000000001")


@dataclass(frozen=True)
class Metric:
    """One measure: `part` of the sums or, with `whole`, part ÷ whole × `times`. `rank`: the sum that says who is first.

    `better`: which way is good news ("down", "up", "" for neither). `parts`: what a ratio's two sums are called, and
    their kinds. `of_sessions`: only calls with a session count, and `runs` are sessions (see books.py).
    """

    name: str
    label: str
    kind: str
    told: str
    part: Callable[[Sums], Number]
    whole: Callable[[Sums], int] | None = None
    times: int = 1
    rank: str = "cost"
    better: str = ""
    parts: tuple[tuple[str, str], ...] = ()
    of_sessions: bool = False

    @property
    def additive(self) -> bool:
        """Whether parts of it add up to the whole: then it can be stacked and has shares."""
        return self.whole is None

    @property
    def is_money(self) -> bool:
        return self.kind in (MONEY, UNIT)

    def of(self, sums: Sums) -> Number | None:
        """The measure of a part of the spend; None where it is not known: nothing to divide by, or all unpriced."""
        if self.is_unpriced(sums):
            return None
        if self.whole is None:
            return self.part(sums)
        whole = self.whole(sums)
        return Decimal(self.part(sums)) * self.times / whole if whole else None

    def text(self, value: Number | None) -> str:
        """As people read it in a cell."""
        return _TEXT[self.kind](value)

    def exact(self, value: Number | None) -> str:
        """With all its digits, for the title of the cell."""
        if value is None:
            return ""
        if self.kind in (MONEY, UNIT):
            return display.every_digit(Decimal(value).quantize(EXPORT_PLACES))
        return display.percent(Decimal(value), 4) if self.kind == SHARE else display.count(int(value))

    def shown(self, sums: Sums) -> str:
        """The measure of sums as people read it; what has no price at all says so."""
        return UNPRICED if self.is_unpriced(sums) else self.text(self.of(sums))

    def is_unpriced(self, sums: Sums) -> bool:
        """Whether this is money and no price is known of anything here."""
        return self.is_money and bool(sums.calls) and not sums.priced_calls

    def difference(self, now: Sums, before: Sums) -> Number | None:
        """How much it changed; None where one of both is not known."""
        one, other = self.of(now), self.of(before)
        return None if one is None or other is None else one - other

    def told_difference(self, now: Sums, before: Sums) -> str:
        """The difference as it is shown: of money, that of the shown amounts."""
        one, other = self.of(now), self.of(before)
        if self.kind == MONEY and one is not None and other is not None:
            return self.difference_text(shown_difference(Decimal(one), Decimal(other)))
        return self.difference_text(self.difference(now, before))

    def difference_text(self, delta: Number | None) -> str:
        """A difference with its sign: +$187.63, −1,200, +2.1 points."""
        if delta is None:
            return display.NOTHING
        if self.kind == SHARE:
            points = (Decimal(delta) * 100).quantize(Decimal("0.1"))
            return signed(points, f"{abs(points)}{display.NBSP}pt")
        size: Number = delta if delta > 0 else -delta
        return signed(delta, self.text(size))

    def change(self, now: Sums, before: Sums) -> display.Change:
        """The relative change and whether that is good or bad news."""
        one, other = self.of(now), self.of(before)
        if one is None or other is None:
            return display.Change(display.NOTHING, "muted")
        told = display.change(Decimal(one), Decimal(other), judged=bool(self.better))
        if self.better == "up" and told.state in _OPPOSITE:
            return display.Change(told.text, _OPPOSITE[told.state])
        return told

    def exported(self, sums: Sums) -> Number | None:
        """The measure for a file: counts whole, everything else with twelve places."""
        value = self.of(sums)
        return value if value is None or self.kind in (COUNT, TOKENS) else Decimal(value).quantize(EXPORT_PLACES)

    @property
    def column(self) -> str:
        """Its name in files and in the API."""
        return f"{self.name}_usd" if self.is_money else self.name


_OPPOSITE = {"bad": "ok", "ok": "bad"}
_TEXT: dict[str, Callable[..., str]] = {
    MONEY: display.money,
    COUNT: display.count,
    TOKENS: display.tokens,
    UNIT: display.unit_cost,
    SHARE: display.percent,
}


def _tokens(name: str, label: str, told: str) -> Metric:
    return Metric(name, label, TOKENS, told, lambda s: getattr(s, name), rank=name)


def all_tokens(sums: Sums) -> int:
    """Input and output."""
    return sums.input_tokens + sums.output_tokens


_SPEND = ("Spend", MONEY)
METRICS = {
    metric.name: metric
    for metric in (
        Metric("cost", "spend", MONEY, "the cost of all priced calls", lambda s: s.cost, better="down"),
        Metric("calls", "calls", COUNT, "provider requests", lambda s: s.calls, rank="calls"),
        _tokens("input_tokens", "input tokens", "all prompt tokens, cached ones among them"),
        _tokens("cached_input_tokens", "cached input tokens", "prompt tokens read from a cache"),
        _tokens("cache_write_tokens", "cache write tokens", "prompt tokens written to a cache"),
        _tokens("output_tokens", "output tokens", "all generated tokens, reasoning among them"),
        _tokens("reasoning_tokens", "reasoning tokens", "the part of the output that is reasoning"),
        Metric("cost_per_call", "cost per call", UNIT, "spend ÷ priced calls",
               lambda s: s.cost, lambda s: s.priced_calls, better="down", parts=(_SPEND, ("Priced calls", COUNT))),
        Metric("cost_per_run", "cost per run", UNIT, "spend ÷ runs that began here",
               lambda s: s.cost, lambda s: s.runs, better="down", parts=(_SPEND, ("Runs", COUNT))),
        Metric("cost_per_session", "cost per session", UNIT, "spend of calls with a session ÷ sessions that begin here",
               lambda s: s.cost, lambda s: s.runs, better="down", parts=(_SPEND, ("Sessions", COUNT)),
               of_sessions=True),
        Metric("cost_per_1m_tokens", "cost per 1M tokens", UNIT, "spend ÷ input and output tokens × 1,000,000",
               lambda s: s.cost, all_tokens, MILLION, better="down", parts=(_SPEND, ("Tokens", TOKENS))),
        Metric("error_cost", "error cost", MONEY, "the part of the spend that failed calls cost",
               lambda s: s.error_cost, rank="error_cost", better="down"),
        Metric("error_share", "error share", SHARE, "failed calls ÷ calls",
               lambda s: s.errors, lambda s: s.calls, rank="calls", better="down",
               parts=(("Failed calls", COUNT), ("Calls", COUNT))),
        Metric("cached_share", "cached share", SHARE, "cached input tokens ÷ input tokens",
               lambda s: s.cached_input_tokens, lambda s: s.input_tokens, rank="input_tokens", better="up",
               parts=(("Cached", TOKENS), ("Input tokens", TOKENS))),
    )
}  # fmt: skip
USUAL = "cost"
