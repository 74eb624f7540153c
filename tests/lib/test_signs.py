"""The sign of a change goes by what is read of it."""

from decimal import Decimal

import pytest

from costwatch.lib.signs import signed


@pytest.mark.parametrize(
    ("number", "size", "told"),
    [
        ("1.2", "1.2 %", "+1.2 %"),
        ("-1.2", "1.2 %", "−1.2 %"),
        ("-1234.5", "$1,234.50", "−$1,234.50"),
        ("-0.00001", "$0.0000100", "−$0.0000100"),
        ("0", "0.0 %", "0.0 %"),
    ],
)
def test_a_change_has_the_sign_of_its_number(number, size, told):
    assert signed(Decimal(number), size) == told
    assert signed(float(number), size) == told


@pytest.mark.parametrize("number", [Decimal("0.0004"), Decimal("-0.0004"), Decimal("-0"), 0.0004, -0.0004, -0.0])
@pytest.mark.parametrize("size", ["0.0 %", "0.0 pt", "$0.00", "0"])
def test_one_that_rounds_to_zero_reads_like_no_change(number, size):
    assert signed(number, size) == size
