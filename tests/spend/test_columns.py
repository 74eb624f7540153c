"""Sums over columns are those of whole numbers without an end, whatever their width, size and order."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costwatch.spend import columns
from costwatch.spend.columns import Block, Total

pytestmark = pytest.mark.thorough
EIGHT_BYTES = 2**63 - 1
KINDS = [("<i1", 2**7 - 1), ("<i2", 2**15 - 1), ("<i4", 2**31 - 1), ("<i8", EIGHT_BYTES), (">i8", EIGHT_BYTES)]


@st.composite
def blocks(draw, dimensions=0, most_rows=12):
    """One to three blocks of rows, each of its own width, as sheets of several days are."""
    found = []
    for _ in range(draw(st.integers(1, 3))):
        kind, most = draw(st.sampled_from(KINDS))
        rows = draw(st.integers(0, most_rows))
        values = [
            np.array(draw(st.lists(st.integers(0, 4), min_size=rows, max_size=rows)), np.int64)
            for _ in range(dimensions)
        ]
        amounts = draw(st.lists(st.integers(-most, most), min_size=rows, max_size=rows))
        found.append(Block(values, np.zeros(rows, np.int32), {"cost": np.array(amounts, kind)}))
    return found


def rows_of(block, dimensions):
    return zip(*(block.values[i].tolist() for i in range(dimensions)), block.measures["cost"].tolist(), strict=True)


def totals(amounts):
    """A Total that holds these whole numbers."""
    high = np.array([amount >> columns.HALF for amount in amounts], np.int64)
    return Total(high, np.array([amount & columns.LOW for amount in amounts], np.int64))


@given(blocks(dimensions=2))
def test_every_combination_comes_to_the_sum_of_its_rows(made):
    codes, values = columns.combined(made, 2)
    named = [tuple(pair) for pair in zip(*(value.tolist() for value in values), strict=True)]
    wanted = defaultdict(int)
    for block in made:
        for a, b, amount in rows_of(block, 2):
            wanted[a, b] += amount
    assert named == sorted(wanted)
    found = columns.total(made, codes, "cost", len(named)).whole()
    assert dict(zip(named, found, strict=True)) == wanted


@given(blocks())
def test_without_dimensions_all_rows_are_one_combination(made):
    codes, values = columns.combined(made, 0)
    assert values == []
    assert columns.total(made, codes, "cost", 1).whole() == [
        sum(amount for block in made for (amount,) in rows_of(block, 0))
    ]


def sums_of(block):
    """What each combination comes to in each bucket."""
    sums = defaultdict(int)
    for (*ids, amount), bucket in zip(rows_of(block, len(block.values)), block.bucket.tolist(), strict=True):
        sums[*ids, bucket] += amount
    return sums


@given(st.data(), st.integers(0, 2))
def test_condensed_the_sums_are_the_same_in_at_most_half_of_the_rows_or_the_rows_stay(data, dimensions):
    block = data.draw(blocks(dimensions=dimensions))[0]
    buckets = data.draw(st.lists(st.integers(0, 2), min_size=block.rows, max_size=block.rows))
    block = Block(block.values, np.array(buckets, np.int32), block.measures)
    sums = sums_of(block)
    condensed = columns.condensed(block)
    assert sums_of(condensed) == sums
    fit = all(-EIGHT_BYTES - 1 <= amount <= EIGHT_BYTES for amount in sums.values())
    few = 2 * len(sums) <= block.rows
    assert condensed.rows == (len(sums) if fit and few else block.rows)


def test_rows_stay_where_combinations_and_buckets_could_be_very_many():
    rows = 3_000
    values = [np.arange(rows, dtype=np.int64) % 1_500]
    few, many = (
        Block(values, np.full(rows, bucket, np.int32), {"cost": np.ones(rows, np.int8)})
        for bucket in (0, columns.MOST_CELLS // 1_500)
    )
    assert [columns.condensed(block).rows for block in (few, many)] == [1_500, rows]


@given(st.lists(st.integers(-EIGHT_BYTES - 1, EIGHT_BYTES), max_size=8))
def test_narrow_numbers_are_the_same_numbers(numbers):
    assert columns.narrow(np.array(numbers, np.int64)).tolist() == numbers


def test_sums_beyond_eight_bytes_lose_no_digit():
    column = np.full(1_000, EIGHT_BYTES, "<i8")
    made = [Block([], np.zeros(1_000, np.int32), {"cost": column})] * 3
    assert columns.total(made, [np.zeros(1_000, np.int64)] * 3, "cost", 1).whole() == [3_000 * EIGHT_BYTES]


def test_more_rows_than_are_summed_at_once_add_up():
    rows = columns.MOST_ROWS + 7
    block = Block([], np.zeros(rows, np.int32), {"cost": np.full(rows, 2**31 - 1, "<i4")})
    code = np.arange(rows) % 2
    even, odd = columns.total([block], [code], "cost", 2).whole()
    assert (even, odd) == ((rows + 1) // 2 * (2**31 - 1), rows // 2 * (2**31 - 1))


@given(st.lists(st.integers(-(2**70), 2**70), max_size=20), st.integers(-(2**70), 2**70))
def test_how_many_reach_an_amount_is_counted_exactly(amounts, least):
    assert totals(amounts).whole() == amounts
    assert totals(amounts).reaching(least) == sum(1 for amount in amounts if amount >= least)


@given(st.data(), st.integers(1, 8))
def test_the_first_are_the_largest_then_those_of_the_larger_second_sum_then_the_first_by_number(data, limit):
    near = st.builds(lambda base, more: base + more, st.sampled_from([0, 10**6, 2**62, 2**69]), st.integers(-3, 3))
    leading = data.draw(st.lists(near, min_size=1, max_size=20))
    second = data.draw(st.lists(st.integers(0, 2), min_size=len(leading), max_size=len(leading)))
    order = sorted(range(len(leading)), key=lambda n: (-leading[n], -second[n], n))
    assert columns.first([totals(leading), totals(second)], limit).tolist() == order[:limit]


def test_amounts_that_only_differ_beyond_the_digits_of_a_float_are_in_their_order():
    amounts = [2**68 + n for n in (5, 1, 9, 7, 3)]
    assert columns.first([totals(amounts)], 2).tolist() == [2, 3]


@pytest.mark.parametrize("most", [5, columns.MOST_DENSE + 5])
@given(data=st.data())
def test_values_are_numbered_in_their_order_without_a_gap_however_large(most, data):
    value = st.one_of(st.integers(0, 5), st.integers(most - 5, most))
    arrays = [np.array(data.draw(st.lists(value, max_size=8)), np.int64) for _ in range(2)]
    numbers, values = columns.numbered(arrays)
    assert values.tolist() == sorted({*arrays[0].tolist(), *arrays[1].tolist()})
    assert [values[own].tolist() for own in numbers] == [array.tolist() for array in arrays]
    counted = Counter(n for own in numbers for n in own.tolist())
    assert sorted(counted) == [*range(len(values))]
