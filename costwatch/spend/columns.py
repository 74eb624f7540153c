"""Exact sums over columns of whole numbers: which combinations come first, and what each comes to. Pure.

A sum is two arrays of whole numbers, `high` x 2^32 + `low`: money in 1e-12 USD leaves 8 bytes at 9 million dollars.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from costwatch.lib.integers import narrow

Array = Any  # of numpy; its own types say nothing about what is in it

HALF = 32
LOW = (1 << HALF) - 1
MOST_CELLS = 1 << 22  # beyond, finding the combinations that occur in a bucket takes longer than summing the rows
MOST_HIGH = 1 << (HALF - 1)  # of a sum that 8 bytes hold
MOST_ROWS = 1 << 20  # summed at once: so many halves add up exactly as floats (53 bits), which bincount adds in
MOST_DENSE = 1 << 24  # so large numbers have a table of their own; among greater ones is searched


@dataclass(frozen=True)
class Block:
    """Rows of one origin: the values of each grouped dimension, the number of the bucket, the measures."""

    values: Sequence[Array]
    bucket: Array
    measures: dict[str, Array]

    @property
    def rows(self) -> int:
        return len(self.bucket)

    @property
    def size(self) -> int:
        """Bytes of all columns."""
        return sum(array.nbytes for array in (*self.values, self.bucket, *self.measures.values()))


@dataclass(frozen=True)
class Total:
    """What each of a number of combinations comes to."""

    high: Array
    low: Array

    def whole(self) -> list[int]:
        return [(h << HALF) + n for h, n in zip(self.high.tolist(), self.low.tolist(), strict=True)]

    def reaching(self, least: int) -> int:
        """How many come to that much or more."""
        high, low = least >> HALF, least & LOW
        return int(((self.high > high) | ((self.high == high) & (self.low >= low))).sum())


def combined(blocks: Sequence[Block], dimensions: int) -> tuple[list[Array], list[Array]]:
    """For each block the number of each row's combination, and for each dimension the value of every combination.

    Combinations are numbered in the order of their values; all of them occur.
    """
    codes: list[Array] = [np.zeros(block.rows, np.int64) for block in blocks]
    values: list[Array] = []
    for i in range(dimensions):
        own, found = numbered([block.values[i] for block in blocks])
        codes, kept = numbered(
            [code.astype(np.int64) * len(found) + more for code, more in zip(codes, own, strict=True)]
        )
        values = [value[kept // len(found)] for value in values] + [found[kept % len(found)]]
    return codes, values


def numbered(arrays: Sequence[Array]) -> tuple[list[Array], Array]:
    """The values (not negative) of all arrays, numbered in their order, and these values."""
    most = max((int(array.max()) for array in arrays if len(array)), default=0)
    if most >= MOST_DENSE:
        values = np.unique(np.concatenate(arrays))
        return [np.searchsorted(values, array) for array in arrays], values
    number = np.zeros(most + 1, np.int32)
    for array in arrays:
        number[array] = 1
    values = np.flatnonzero(number)
    number[values] = np.arange(len(values), dtype=np.int32)
    return [number[array] for array in arrays], values


def total(blocks: Sequence[Block], codes: Sequence[Array], measure: str, size: int) -> Total:
    """The exact sums of a measure for each of `size` codes."""
    high, low = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for code, column in _portions(codes, [block.measures[measure] for block in blocks]):
        if column.itemsize == 8:
            high += np.bincount(code, column >> HALF, size).astype(np.int64)
            column = column & LOW
        low += np.bincount(code, column, size).astype(np.int64)
    return Total(high + (low >> HALF), low & LOW)


def condensed(block: Block) -> Block:
    """The same sums with one row for each combination in each bucket; the block itself where that gains little, or
    where a sum exceeds 8 bytes."""
    (codes,), values = combined([block], len(block.values))
    buckets = int(block.bucket.max(initial=0)) + 1
    if len(values and values[0]) * buckets > MOST_CELLS:
        return block
    cells, found = numbered([codes.astype(np.int64) * buckets + block.bucket])
    if 2 * len(found) > block.rows:
        return block
    measures = {}
    for name in block.measures:
        sums = total([block], cells, name, len(found))
        if len(found) and not -MOST_HIGH <= sums.high.min() <= sums.high.max() < MOST_HIGH:
            return block
        measures[name] = narrow((sums.high << HALF) + sums.low)
    return Block([narrow(value[found // buckets]) for value in values], narrow(found % buckets), measures)


def _portions(codes: Sequence[Array], columns: Sequence[Array]) -> Iterator[tuple[Array, Array]]:
    """The blocks in portions of MOST_ROWS, those of zeros left out."""
    for code, column in zip(codes, columns, strict=True):
        for start in range(0, len(code) if column.any() else 0, MOST_ROWS):
            yield code[start : start + MOST_ROWS], column[start : start + MOST_ROWS]


def first(totals: Sequence[Total], limit: int) -> Array:
    """The first combinations by these sums, the largest first, where they are equal by the next; then by number."""
    leading = totals[0].high * float(1 << HALF) + totals[0].low
    which = np.arange(len(leading))
    if len(leading) > limit:
        least = np.partition(leading, -limit)[-limit]
        which = np.flatnonzero(leading >= least - abs(least) * 1e-12)  # rounded: exactly is what is sorted below
    keys = [key for sums in totals for key in (-sums.high[which], -sums.low[which])]
    return which[np.lexsort([which, *reversed(keys)])][:limit]
