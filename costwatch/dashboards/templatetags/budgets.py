"""Amounts of budgets for templates: dollars or tokens, as the second argument says."""

from datetime import datetime
from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from costwatch.budgets import say
from costwatch.budgets.outlook import Outlook
from costwatch.dashboards.budgets import words
from costwatch.dashboards.budgets.page import Page
from costwatch.dashboards.templatetags.display import headline as money_headline

register = template.Library()

register.filter("amount", words.amount)
register.filter("exact", words.exact)
register.filter("about_amount", words.about)
register.filter("used", words.used)
register.filter("must_be_said", say.must_be_said)


@register.filter
def headline_amount(number: Decimal, in_tokens: bool) -> SafeString:
    """A headline figure: dollars with lighter cents, or tokens."""
    return format_html("{}", words.tokens(number)) if in_tokens else money_headline(number)


@register.filter
def band(forecast: Outlook, in_tokens: bool) -> str:
    """Where four of five periods will end."""
    return words.band(forecast.low, forecast.high, in_tokens)


@register.filter
def size(number: Decimal) -> Decimal:
    """An amount without its sign."""
    return abs(number)


@register.filter
def long_when(at: datetime, page: Page) -> str:
    """on Saturday 28 November; at 18:42, of a day"""
    return words.long_when(at, page.budget.period, page.zone)


@register.filter
def short_when(at: datetime, page: Page) -> str:
    """28 Nov; 18:42, of a day"""
    return words.short_when(at, page.budget.period, page.zone)


@register.simple_tag
def pace_bar(share: Decimal, pace: Decimal | None, colour: str) -> SafeString:
    """A bar of a limit with a mark where an even pace would stand; drawn by attributes, which a strict CSP allows."""
    mark = format_html('<line x1="{0}" x2="{0}" y1="-3" y2="11"/>', _percent(pace)) if pace is not None else ""
    drawn = '<svg class="bar pace c-{}" aria-hidden="true"><rect class="track" width="100%" height="100%"/>'
    return format_html(drawn + '<rect width="{}" height="100%"/>{}</svg>', colour, _percent(share), mark)


def _percent(share: Decimal) -> str:
    return f"{max(0.0, min(100.0, float(share) * 100)):.2f}%"
