"""Whole numbers in as few bytes as hold them. Pure."""

from typing import Any

WIDTHS = (1, 2, 4, 8)


def narrow(numbers: Any) -> Any:
    """The same numpy array of at most 8 bytes each, least byte first, in the least width that holds all of them."""
    least, most = int(numbers.min(initial=0)), int(numbers.max(initial=0))
    width = next(w for w in WIDTHS if -(1 << 8 * w - 1) <= least and most < 1 << 8 * w - 1)
    return numbers.astype(f"<i{width}")
