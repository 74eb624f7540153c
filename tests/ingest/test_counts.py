"""API.md §3: tokens and units, and parts that fit into their whole."""

from decimal import Decimal

import pytest

from ingest.wire import RULES
from tests.ingest.make import batch, entry, event, fault

TOKEN_FIELDS = [name for name in RULES if name.endswith("_tokens")]


@pytest.mark.parametrize("name", TOKEN_FIELDS)
def test_a_token_count_is_a_whole_number_up_to_a_billion(name):
    whole = {"input_tokens": 10**9, "output_tokens": 10**9}
    for good in (0, 1, 10**9, 7.0, 1e3, -0.0):
        assert getattr(entry(**{**whole, name: good}), name) == good
        assert type(getattr(entry(**{**whole, name: good}), name)) is int
    for bad in (-1, 10**9 + 1, 2**63 - 1, 2**64, 10**400, 1.5, 1e-320, 1e300, "5", " 5 ", "1,000", "", True, [1], {}):
        field, message = fault(**{**whole, name: bad})
        assert field == name
        assert message.startswith(f"{name} must be a whole number from 0 to 1,000,000,000; this is ")


def test_the_parts_may_not_be_more_than_the_whole():
    assert entry(cached_input_tokens=60, cache_write_tokens=40).cached_input_tokens == 60
    field, message = fault(cached_input_tokens=101)
    assert field == "cached_input_tokens"
    assert message == ("cached_input_tokens = 101, more than input_tokens = 100: "
                       "input_tokens counts all, these are parts of it.")  # fmt: skip
    field, message = fault(cached_input_tokens=30, cache_write_tokens=71)
    assert field == "cache_write_tokens" and "= 101, more than input_tokens = 100" in message
    assert fault(reasoning_tokens=11)[0] == "reasoning_tokens"
    assert fault(audio_output_tokens=6, image_output_tokens=5)[0] == "audio_output_tokens"


def test_parts_without_their_whole_are_told():
    field, message = fault(input_tokens=None, cached_input_tokens=5)
    assert field == "cached_input_tokens" and "but input_tokens is missing" in message
    assert entry(input_tokens=None, cached_input_tokens=0).input_tokens is None


def test_where_nobody_reads_the_answer_wrong_sums_are_kept_and_flagged():
    got = batch(event(cached_input_tokens=101), event(), keep_inconsistent=True)
    assert [e.usage_inconsistent for e in got.entries] == [True, False]


def test_units_are_numbers_from_0_to_a_billion():
    assert entry(units={"audio_second": 1.25, "page": 0}).units == {"audio_second": Decimal("1.25"), "page": 0}
    for wrong in ({"page": -1}, {"page": 1e10}, {"page": "2"}, {"page": True}, {"page": None}, {"": 1}, [1], "page"):
        assert fault(units=wrong)[0].startswith("units")
