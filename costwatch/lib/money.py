"""Amounts of money as they are shown, where one follows from others."""

from decimal import Decimal

CENT = Decimal("0.01")
MOST_TIMES = 100  # by which a change is told: a larger factor says only how little there was before


def shown_difference(now: Decimal, before: Decimal) -> Decimal:
    """The difference of two amounts as they are shown: each in cents, then subtracted, so that a reader who does it
    gets the same. Where both are less than a dollar, cents would hide it: to the last digit."""
    if max(abs(now), abs(before)) < 1:
        return now - before
    return now.quantize(CENT) - before.quantize(CENT)
