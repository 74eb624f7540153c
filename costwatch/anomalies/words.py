"""Figures and names in the sentences of incidents. Pure."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from costwatch.lib import dates

CENT = Decimal("0.01")
LONGEST_NAME = 80


def usd(amount: Decimal) -> str:
    """$1,234.56; below a cent three digits."""
    if amount and abs(amount) < CENT:
        return f"${amount.quantize(Decimal(1).scaleb(amount.adjusted() - 2)):f}"
    return f"${amount.quantize(CENT):,}"


def plain(amount: Decimal) -> str:
    """Money in facts: a decimal string with all digits of the books."""
    return f"{amount:.12f}"


def times(ratio: Decimal) -> str:
    """2.1 ×, 12 ×"""
    return f"{ratio:.1f} ×" if ratio < 10 else f"{ratio:,.0f} ×"


def percent(share: float | Decimal) -> str:
    """4.2 %, 35 %"""
    return f"{share * 100:.1f} %" if share < Decimal("0.1") else f"{share * 100:.0f} %"


def name(dimension: str, value: str) -> str:
    """The value with what it is: "agent triage", "customer Orbit Travel"."""
    what = {"key": "API key"}.get(dimension, dimension.removeprefix("tag."))
    shown = value if len(value) <= LONGEST_NAME else f"{value[: LONGEST_NAME - 1]}…"
    return f"{what} {shown}" if value else f"usage without {what}"


def clock(at: datetime, zone: ZoneInfo) -> str:
    """Wed 18 Nov 14:00"""
    return dates.day_and_time(at.astimezone(zone))


def day(at: datetime, zone: ZoneInfo) -> str:
    """Wed 18 Nov"""
    return dates.day(at.astimezone(zone).date())


def capital(text: str) -> str:
    """The sentence with a capital letter; names inside keep theirs."""
    return text[:1].upper() + text[1:]
