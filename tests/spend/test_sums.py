"""Adding up and coverage."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.spend.sums import FIELDS, Sums, add

money = st.decimals(Decimal("-1e17"), Decimal("1e17"), places=12)


@given(st.lists(money, max_size=30))
def test_money_is_added_to_the_last_digit_however_large(amounts):
    total = add(Sums(cost=amount) for amount in amounts).cost
    assert Fraction(total) == sum(Fraction(amount) for amount in amounts)


def test_nothing_adds_up_to_nothing():
    assert add([]) == Sums()
    assert not Sums()
    assert Sums(cost=Decimal("-0.01"))


def test_every_measure_of_the_ledger_is_added():
    one = Sums(**dict.fromkeys(FIELDS, 1))
    assert add([one, one, one]) == Sums(**dict.fromkeys(FIELDS, 3))


def test_the_calls_that_are_neither_unpriced_nor_unknown_are_priced():
    assert Sums(calls=10, unpriced_calls=2, unknown_calls=3).priced_calls == 5


@pytest.mark.parametrize(
    ("sums", "share"),
    [
        (Sums(), None),
        (Sums(calls=1), Decimal(1)),
        (Sums(calls=1, unknown_calls=1), None),
        (Sums(calls=1, cost=Decimal(5)), Decimal(1)),
        (Sums(calls=2, unpriced_calls=1, cost=Decimal(97), upper_bound=Decimal(3)), Decimal("0.97")),
        (Sums(calls=1, unpriced_calls=1, upper_bound=Decimal(3)), Decimal(0)),
        (Sums(calls=1, unpriced_calls=1), None),
    ],
)
def test_the_priced_share_is_one_of_money(sums, share):
    assert sums.priced_share == share


def test_the_priced_share_is_never_rounded_up_to_all():
    assert Sums(calls=2, unpriced_calls=1, cost=Decimal(10**9), upper_bound=Decimal("0.01")).priced_share < 1
