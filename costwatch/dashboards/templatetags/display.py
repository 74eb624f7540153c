"""costwatch.dashboards.display for templates."""

import re
from datetime import datetime
from decimal import Decimal
from json import dumps
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from costwatch.dashboards import display
from costwatch.dashboards.state import title
from costwatch.lib.cut import both_ends
from costwatch.lib.dates import books_begin
from costwatch.lib.signs import signed
from costwatch.spend.sums import Sums

register = template.Library()
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$")
TWO_LINES = 64  # characters, where a table is narrow
LONG_AMOUNT = re.compile(r"^(-?\d+\.\d\d)(\d*?)0*$")

for function in (
    books_begin,
    both_ends,
    display.money,
    display.money_change,
    display.difference,
    display.about,
    display.unit_cost,
    display.single_cost,
    display.every_digit,
    display.fixed,
    display.count,
    display.tokens,
    display.percent,
    display.coverage,
    display.duration,
    display.times,
    display.unbroken,
    display.name,
):
    register.filter(function.__name__, function)


@register.filter
def facts(found: dict[str, Any], zone: str) -> list[tuple[str, str]]:
    """The facts of an audit entry as (name, words), times in a zone; what is empty says nothing."""
    told = []
    for name, value in found.items():
        if isinstance(value, dict):
            told += [(f"{name} {inner}", words) for inner, words in facts(value, zone)]
        elif isinstance(value, list):
            told += [(name, ", ".join(_fact(one, zone) for one in value))] if value else []
        elif value not in (None, ""):
            told.append((name, _fact(value, zone)))
    return told


@register.filter
def is_long(told: list[tuple[str, str]]) -> bool:
    """Whether such facts take more than the two lines that a row of the table has."""
    return sum(len(name) + len(words) + 3 for name, words in told) > TWO_LINES


def _fact(value: Any, zone: str) -> str:
    """Facts are kept as JSON: times and amounts are text, with all the zeros of the books."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if INSTANT.match(text):
        try:
            return moment(datetime.fromisoformat(text), zone)
        except ValueError:
            return text
    return LONG_AMOUNT.sub(r"\1\2", text)


@register.filter
def headline(amount: Decimal) -> SafeString:
    """Money as a headline figure, its cents lighter."""
    whole, cents = display.headline(amount)
    return format_html('{}<span class="cents">{}</span>', whole, cents) if cents else format_html("{}", whole)


@register.filter
def clock(at: datetime | None, zone: str) -> str:
    """The time of day in a zone."""
    return display.clock(at and at.astimezone(ZoneInfo(zone)))


@register.filter
def moment(at: datetime | None, zone: str) -> str:
    """Day and time in a zone."""
    return display.moment(at and at.astimezone(ZoneInfo(zone)))


@register.filter
def day_of(at: datetime | None, zone: str) -> str:
    """The day on which an instant falls in a zone: 18 Nov 2026."""
    local = at and at.astimezone(ZoneInfo(zone)).date()
    return display.days(local, local) if local else display.NOTHING


@register.filter
def day_and_time(at: datetime | None, zone: str) -> str:
    """Day and time in a zone, without the year and seconds."""
    return display.day_and_time(at and at.astimezone(ZoneInfo(zone)))


@register.filter
def short_moment(at: datetime | None, zone: str) -> str:
    """Day and time in a zone without the year, for lists of a period that the page names."""
    local = at and at.astimezone(ZoneInfo(zone))
    return f"{display.day(local.date())} {display.clock(local)}" if local else display.NOTHING


@register.filter
def cached_share(sums: Sums) -> Decimal:
    """The part of the input tokens that was read from a cache."""
    return Decimal(sums.cached_input_tokens) / sums.input_tokens if sums.input_tokens else Decimal(0)


@register.filter
def all_tokens(sums: Sums) -> int:
    """Input and output together."""
    return sums.input_tokens + sums.output_tokens


@register.filter
def per_million(sums: Sums) -> Decimal | None:
    """The cost of a million tokens, in and out; None where nothing has a price, which is not $0.00."""
    tokens = all_tokens(sums)
    return sums.cost * 1_000_000 / tokens if tokens and sums.priced_calls else None


@register.filter
def dimension_title(name: str) -> str:
    """A dimension as a heading."""
    return title(name)


@register.filter
def per(amount: Decimal, count: int) -> Decimal | None:
    """An amount for each of so many; None of none."""
    return amount / count if count else None


@register.filter
def per_one(amount: int, count: int) -> str:
    """How many of something there are for each of something else, with one decimal."""
    return f"{Decimal(amount) / count:,.1f}" if count else display.NOTHING


@register.filter
def share_of(amount: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """The share of an amount in a whole; None of nothing."""
    return Decimal(amount) / whole if whole else None


@register.simple_tag(name="figure")
def figure_attribute(figure: Any) -> SafeString:
    """The attribute with a chart. In single quotes: a chart is full of double ones, each six bytes when escaped."""
    text = dumps(figure, separators=(",", ":"), ensure_ascii=False)
    for character, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("'", "&#x27;")):
        text = text.replace(character, escaped)
    return SafeString(f"data-figure='{text}'")


@register.filter
def short(text: Any, length: int) -> SafeString:
    """A name cut to so many characters, in full on hover."""
    full = str(text)
    if len(full) <= length:
        return format_html("{}", full)
    return format_html('<span title="{}">{}…</span>', full, full[: length - 1])


@register.filter
def width(share: Any) -> str:
    """A share as the width of a drawn bar."""
    return f"{max(0, min(100, float(share) * 100)):.2f}%"


@register.simple_tag
def token_cell(number: int | None) -> SafeString:
    """Tokens for a table cell, the exact number in the title."""
    return format_html('<span title="{}">{}</span>', display.count(number), display.tokens(number))


@register.simple_tag
def change(now: Decimal, before: Decimal) -> SafeString:
    """The change of an amount of money with its state."""
    told = display.change(now, before)
    return format_html('<span class="{}">{}</span>', told.state, told.text)


@register.simple_tag
def forecast_error(said: Decimal, came: Decimal) -> SafeString:
    """How far a forecast was off, as a share of what came."""
    if not came:
        return SafeString(display.NOTHING)
    share = (said - came) / came
    told = signed(share, display.percent(abs(share)))
    return format_html('<span title="{}">{}</span>', display.money_change(said - came), told)


@register.simple_tag
def bar(part: Any, colour: str) -> SafeString:
    """A bar of a share (0 to 1) of the column's width; drawn by an attribute, which a strict CSP allows."""
    drawn = '<svg class="bar c-{}" aria-hidden="true"><rect width="{}" height="100%"/></svg>'
    return format_html(drawn, colour, width(part))
