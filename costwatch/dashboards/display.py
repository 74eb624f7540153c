"""The only place that turns values into text for people, but for days, which messages say too (lib.dates).

Pure; every rule has its boundary tests.
Money is Decimal USD, shares go from 0 to 1, durations are timedeltas, times are shown in the zone they come in.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from costwatch.lib import dates
from costwatch.lib.dates import day
from costwatch.lib.money import CENT, MOST_TIMES, shown_difference
from costwatch.lib.signs import MINUS, signed

MOST_DECIMALS = 10
NOTHING = "\N{EN DASH}"
NBSP = "\N{NO-BREAK SPACE}"  # between a number and its unit: no line ends there
JOINER = "\N{WORD JOINER}"  # the same where there is no space
UNIT = re.compile(r"(?<=\d) (?=(?:%|×|ms|s|min|h|d|[A-Z][a-z][a-z])(?!\w))")  # a month is the unit of its days
SPAN = re.compile(r"(?<=\d)–(?=\d)")
NOT_ATTRIBUTED = "Not attributed"
UNITS = ((10**9, "B"), (10**6, "M"), (10**3, "k"))


def money(amount: Decimal | None) -> str:
    """Cents with commas; below a cent three digits that say something, so that small never looks like nothing."""
    if amount is None:
        return NOTHING
    if amount == 0 or abs(amount) >= CENT:
        return _signed(amount, f"${abs(amount).quantize(CENT, ROUND_HALF_EVEN):,}")
    return _signed(amount, f"${_significant(abs(amount))}")


def money_change(amount: Decimal) -> str:
    """An amount with its sign, plus included: +$187.63."""
    return ("+" if amount > 0 else "") + money(amount)


def difference(now: Decimal, before: Decimal) -> str:
    """The difference of two amounts, as a reader gets it who subtracts what is shown of them."""
    return money_change(shown_difference(now, before))


def about(amount: Decimal | None) -> str:
    """An estimate: from $100 on in whole dollars, for cents would promise too much."""
    if amount is None or abs(amount) < 100:
        return money(amount)
    return _signed(amount, f"${abs(amount).quantize(Decimal(1), ROUND_HALF_EVEN):,}")


def headline(amount: Decimal) -> tuple[str, str]:
    """Money in two parts, the second set lighter: ("$4,400", ".90"); from $100,000 on without cents."""
    if abs(amount) >= 100_000:
        return _signed(amount, f"${abs(amount).quantize(Decimal(1), ROUND_HALF_EVEN):,}"), ""
    text = money(amount)
    if amount and abs(amount) < CENT:
        return text, ""
    whole, _, cents = text.partition(".")
    return whole, f".{cents}"


def unit_cost(amount: Decimal | None) -> str:
    """Cost of one call, one run, a million tokens: always three significant digits."""
    if amount is None:
        return NOTHING
    return _signed(amount, f"${_significant(abs(amount))}") if amount else "$0.00"


def single_cost(amount: Decimal | None) -> str:
    """What one run or one conversation cost: cents from a dollar on, below it three significant digits."""
    return money(amount) if amount is not None and abs(amount) >= 1 else unit_cost(amount)


def aligned_decimals(amounts: list[Decimal | None]) -> int:
    """How many decimals a column of small amounts needs so that its smallest still shows three digits: 2 to 10."""
    smallest = min((abs(a) for a in amounts if a), default=Decimal(1))
    return max(2, min(MOST_DECIMALS, 2 - smallest.adjusted()))


def fixed(amount: Decimal | None, decimals: int) -> str:
    """Money with a given number of decimals, for columns that align."""
    if amount is None:
        return NOTHING
    return _signed(amount, f"${abs(amount).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN):,f}")


def every_digit(amount: Decimal | None) -> str:
    """Money with all the digits the books hold, for titles and for the page of one call."""
    if amount is None:
        return NOTHING
    text = f"{abs(amount):,f}"
    whole, _, decimals = text.partition(".")
    return _signed(amount, f"${whole}.{decimals.rstrip('0').ljust(2, '0')}")


def count(number: int | None) -> str:
    """A whole number with commas."""
    return NOTHING if number is None else f"{number:,}".replace("-", MINUS)


def at_least(known: int, more: int | None) -> str:
    """How many there are: those that are known and those counted beside them; 500+ where nobody counted these."""
    return f"{known:,}+" if more is None else f"{known + more:,}"


def tokens(number: int | None) -> str:
    """Tokens in at most four signs: 9,999 then 10.0k, 988k, 1.23M, 5.51B. The exact number belongs in the title."""
    if number is None:
        return NOTHING
    if number < 0:
        return f"{MINUS}{tokens(-number)}"
    if number < 10_000:
        return f"{number:,}"
    for size, unit in UNITS:
        # 999,500 is 1.00M: the unit is that of the rounded number
        if number >= size - size // 2000:
            return f"{_three_digits(Decimal(number) / size)}{unit}"
    return f"{number:,}"


def percent(share: Decimal | None, decimals: int = 1) -> str:
    """A share of 1 as 40.5 %; what is there but rounds to nothing is < 0.1 %."""
    if share is None:
        return NOTHING
    step = Decimal(1).scaleb(-decimals)
    rounded = (share * 100).quantize(step, ROUND_HALF_EVEN)
    if share > 0 and rounded == 0:
        return f"<{NBSP}{step}{NBSP}%"
    return _signed(share, f"{abs(rounded):,}{NBSP}%")


def coverage(share: Decimal | None) -> str:
    """The priced share, rounded down: 100 % only where nothing is missing."""
    if share is None:
        return NOTHING
    if share == 1:
        return f"100{NBSP}%"
    return f"{(share * 100).quantize(Decimal('0.1'), 'ROUND_DOWN')}{NBSP}%"


@dataclass(frozen=True)
class Change:
    """A change in words and its state: `bad` (dearer), `ok` (cheaper), `muted` (no judgement)."""

    text: str
    state: str


def change(now: Decimal, before: Decimal, judged: bool = True) -> Change:
    """▲ 10 %, ▲ 11 ×; 0 % where it rounds to nothing; where nothing was before: new; where next to nothing was,
    ▲ > 100 ×: the factor would only say how little that was. Only money is `judged`, more tokens are neutral."""
    if before == now:
        return Change(f"0{NBSP}%" if now else NOTHING, "muted")
    if before <= 0:
        return Change("new", "muted")
    ratio = (now - before) / before
    size = abs(ratio)
    factor = f">{NBSP}{MOST_TIMES}{NBSP}×" if now / before > MOST_TIMES else _times(now / before)
    text = factor if size >= 10 else _whole_percent(size)
    if text == f"0{NBSP}%":
        return Change(text, "muted")
    text = f"{'▲' if ratio > 0 else '▼'}{NBSP}{text}"
    return Change(text, "muted" if not judged else "bad" if ratio > 0 else "ok")


def times(ratio: Decimal) -> str:
    """3.4 ×, from ten on without decimals."""
    return _times(ratio)


def duration(span: timedelta | None) -> str:
    """410 ms, 12.3 s, 31:44, 1:02:03, 2 d 3 h."""
    if span is None:
        return NOTHING
    seconds = span.total_seconds()
    if seconds < 0.9995:
        return f"{round(seconds * 1000)}{NBSP}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}{NBSP}s"
    whole = round(seconds)
    if whole >= 86_400:
        return f"{whole // 86_400}{NBSP}d {whole % 86_400 // 3600}{NBSP}h"
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def days(first: date, last: date, year: bool = True) -> str:
    """1–18 Nov 2026, 28 Oct – 3 Nov 2026, 30 Dec 2025 – 3 Jan 2026."""
    end = f"{last.day} {last:%b}" + (f" {last.year}" if year else "")
    if first == last:
        return end
    if first.year != last.year:
        return f"{first.day} {first:%b} {first.year} – {last.day} {last:%b} {last.year}"
    if first.month != last.month:
        return f"{first.day} {first:%b} – {end}"
    return f"{first.day}–{end}"


def clock(at: datetime | None) -> str:
    """14:32:07"""
    return NOTHING if at is None else f"{at:%H:%M:%S}"


def moment(at: datetime | None) -> str:
    """Wed 18 Nov 2026 14:32:07"""
    return NOTHING if at is None else f"{day(at.date(), year=True)} {at:%H:%M:%S}"


def day_and_time(at: datetime | None) -> str:
    """Wed 18 Nov 14:32"""
    return NOTHING if at is None else dates.day_and_time(at)


def unbroken(text: str) -> str:
    """A sentence in which no number loses its unit at the end of a line, and 4–29 Oct stays whole."""
    return SPAN.sub(f"{JOINER}–{JOINER}", UNIT.sub(NBSP, text))


def name(value: str | None) -> str:
    """A value of a dimension as people read it: "" is not attributed."""
    return value or NOT_ATTRIBUTED


def _signed(amount: Decimal, text: str) -> str:
    return signed(amount, text) if amount < 0 else text


def _significant(amount: Decimal) -> str:
    """Three significant digits, commas, never an exponent."""
    decimals = max(0, min(MOST_DECIMALS, 2 - amount.adjusted()))
    rounded = amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)
    if rounded.adjusted() > amount.adjusted() and decimals:  # 0.9996 became 1.000
        rounded = rounded.quantize(Decimal(1).scaleb(-(decimals - 1)))
    if rounded == 0:
        return f"{Decimal(1).scaleb(-MOST_DECIMALS):f}"
    if decimals == 0:
        rounded = amount.quantize(Decimal(1).scaleb(amount.adjusted() - 2), ROUND_HALF_EVEN)
    return f"{rounded:,f}"


def _three_digits(number: Decimal) -> str:
    rounded = number.quantize(_step(number), ROUND_HALF_UP)
    if rounded.adjusted() > number.adjusted():  # 99.96 became 100.0
        rounded = rounded.quantize(_step(rounded))
    return f"{rounded:,f}"


def _step(number: Decimal) -> Decimal:
    return Decimal(1).scaleb(min(0, max(-2, number.adjusted() - 2)))


def _whole_percent(size: Decimal) -> str:
    return f"{(size * 100).quantize(Decimal(1), ROUND_HALF_EVEN):,}{NBSP}%"


def _times(ratio: Decimal) -> str:
    return f"{ratio.quantize(Decimal(1), ROUND_HALF_EVEN):,}{NBSP}×" if ratio >= 10 else f"{ratio:.1f}{NBSP}×"
