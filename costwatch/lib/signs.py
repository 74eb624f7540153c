"""The sign of a number as it is shown. Pure."""

from decimal import Decimal

MINUS = "\N{MINUS SIGN}"


def signed(number: Decimal | float, size: str) -> str:
    """The written size of a change with its sign, without one where it rounds to zero: −1.2 %, +$3.00, 0.0 %."""
    if not number or not any(digit in "123456789" for digit in size):
        return size
    return f"{'+' if number > 0 else MINUS}{size}"
