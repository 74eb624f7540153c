"""A digest in words: its title, its sentences, and the plain text of the mail."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from costwatch.alerts.message import line
from costwatch.anomalies.words import percent, usd
from costwatch.budgets.say import used
from costwatch.digests.report import Mover, Report
from costwatch.lib.cut import both_ends
from costwatch.lib.dates import books_begin, day_and_time
from costwatch.lib.money import MOST_TIMES, shown_difference
from costwatch.lib.signs import signed
from costwatch.spend.sums import Sums

LONGEST = 60
ALL_OTHERS = "All others"
WHATS = {"agent": "Agents", "model": "Models"}


def title(workspace: str, found: Report) -> str:
    """Larkfield Support, 16 – 22 Nov 2026: $1,204.77, +12 %"""
    so_far = "" if found.is_over else " so far"
    return line(f"{workspace}, {found.span.label}: {usd(found.total.cost)}{so_far}{_comma(relative(found))}")


def sentence(found: Report) -> str:
    """What it came to, against what, in one sentence."""
    when = {"daily": "on", "weekly": "in the week", "monthly": "in"}[found.span.kind]
    spent = f"{usd(found.total.cost)} {'was spent' if found.is_over else 'has been spent'} {when} {found.span.label}"
    if found.begun:
        return f"{spent}; {books_begin(found.begun)}."
    if not found.before.cost:
        return f"{spent}; nothing in the {found.span.name} before."
    same = "" if found.is_over else ", up to the same time"
    against = f"{usd(found.before.cost)} in the {found.span.name} before{same}"
    more = change(shown_difference(found.total.cost, found.before.cost))
    return f"{spent}, {more} against {against}{_brackets(relative(found))}."


def relative(found: Report) -> str:
    """+12 %; empty where there was nothing before, or not all of it is in the books."""
    return _relative(found.change, found.before.cost) if found.before.cost and not found.begun else ""


def change(amount: Decimal) -> str:
    """+$12.30"""
    return signed(amount, usd(abs(amount)))


def coverage(found: Report) -> str:
    """How much of it is priced, and what is not."""
    share = found.total.priced_share
    if share is None:
        return "No call of it has a price." if found.total.calls else "No calls."
    unpriced = found.total.unpriced_calls
    if not unpriced:
        told = "All of it is priced."
    elif not found.total.upper_bound:
        told = f"What {calls(unpriced)} without a price cost{'s' if unpriced == 1 else ''} is not known."
    else:
        told = (
            f"{(share * 100).quantize(Decimal('0.1'), 'ROUND_DOWN')} % of the money is priced;"
            f" {calls(unpriced)} without a price cost{'s' if unpriced == 1 else ''} at most"
            f" {usd(found.total.upper_bound)}."
        )
    unknown = found.total.unknown_calls
    return f"{told} {calls(unknown)} came without usage." if unknown else told


def at_most(sums: Sums, sign: str = "") -> str:
    """What calls without a price cost at most; no bound is known where there is no price to compare with."""
    return f"{sign}{usd(sums.upper_bound)}" if sums.upper_bound else "unknown"


def calls(count: int) -> str:
    """1 call, 1,200 calls"""
    return f"{count:,} call{'' if count == 1 else 's'}"


def forecast(found: Report) -> str:
    """Where the running month will end."""
    month, outlook = f"{found.outlook.first:%B}", found.outlook.total
    if outlook is None:
        return f"{month} has cost {usd(found.outlook.spent)} so far; there is not enough history for a forecast."
    return (
        f"{month} has cost {usd(found.outlook.spent)} so far and will end at about {usd(outlook.mid)}"
        f" (four times of five from {usd(outlook.low)} to {usd(outlook.high)})."
    )


def name(value: str | None) -> str:
    """A name as people read it: one line; None: all others."""
    return ALL_OTHERS if value is None else line(value, LONGEST) or "Not attributed"


def movers(found: Report, dimension: str) -> str:
    """The title of those who moved it, or, where there is nothing to compare with, of the dearest."""
    return f"{WHATS[dimension]} {'that cost most' if found.begun else 'that moved it'}"


def moved(found: Report, dimension: str) -> list[tuple[str, str, str, str]]:
    """Those who moved it: (name, spend, change, change in percent); without changes where nothing is compared."""
    return [
        (
            name(one.value),
            usd(one.now),
            *(("", "") if found.begun else (change(shown_difference(one.now, one.before)), mover(one))),
        )
        for one in found.moved(dimension)
    ]


def mover(one: Mover) -> str:
    """How much it changed: in percent, or that it is new or gone."""
    if not one.before:
        return "not there before"
    return _relative(one.delta, one.before) if one.now else "gone"


def moment(at: datetime, zone: str) -> str:
    """Wed 18 Nov 14:05"""
    return day_and_time(at.astimezone(ZoneInfo(zone)))


def text(found: Report) -> str:
    """The whole digest as plain text."""
    parts = [[sentence(found), coverage(found)]]
    for dimension in WHATS:
        rows = [f"  {more or spent:>12}  {who}{f': {spent} ({share})' if more else ''}"
                for who, spent, more, share in moved(found, dimension)]  # fmt: skip
        parts.append([movers(found, dimension), *rows] if rows else [])
    parts.append([forecast(found)])
    budgets = [f"  {used(b.share):>6}  {name(b.name)}: {b.spent} of {b.limit}, {b.state}" for b in found.budgets]
    parts.append(["Budgets", *budgets] if budgets else [])
    parts.append(incidents(found))
    unpriced = [f"  {name(model)}: {calls(sums.unpriced_calls)}" for model, sums in found.unpriced]
    parts.append(["Without a price", *unpriced] if unpriced else [])
    return "\n\n".join("\n".join(part) for part in parts if part)


def incidents(found: Report) -> list[str]:
    """How many there were, and the worst of them."""
    if not found.incident_count:
        return [f"No incident was opened in the {found.span.name}."]
    rows = [
        f"  #{one.pk} {one.severity}, {one.state}: {both_ends(line(one.title, 255), 120)}" for one in found.incidents
    ]
    return [incident_count(found), *rows]


def incident_count(found: Report) -> str:
    """3 incidents, 1 still open"""
    count = f"{found.incident_count:,} incident{'s' if found.incident_count != 1 else ''}"
    return f"{count}, {found.open_count:,} still open" if found.open_count else f"{count}, all over"


def _relative(delta: Decimal, before: Decimal) -> str:
    ratio = delta / before
    if ratio + 1 > MOST_TIMES:
        return f"> {MOST_TIMES} ×"
    return signed(ratio, percent(abs(ratio)))


def _comma(text: str) -> str:
    return f", {text}" if text else ""


def _brackets(text: str) -> str:
    return f" ({text})" if text else ""
