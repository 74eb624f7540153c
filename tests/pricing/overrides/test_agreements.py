"""Agreements as they are written: what cannot be is refused with its field."""

from datetime import UTC, datetime

import pytest

from costwatch.pricing.agreements import BadPrice, parse
from tests.pricing.overrides.conftest import BERLIN, agreed, cost

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"input": "2,50"}, "input"),
        ({"input": "-1"}, "input"),
        ({"input": "NaN"}, "input"),
        ({"input": True}, "input"),
        ({"input": "1e9"}, "input"),
        ({"input": "0.0000000000001"}, "input"),
        ({"prices": {"inputs": 1}}, "prices.inputs"),
        ({"prices": [1]}, "prices"),
        ({}, "prices"),
        ({"input": 1, "free": "yes"}, "prices"),
        ({"free": "perhaps"}, "free"),
        ({"input": 1, "prices": {"input": 2}}, "prices"),
        ({"components": [{"unit": "input"}]}, "components[0].price"),
        ({"components": [{"unit": "?", "price": 1}]}, "components[0].unit"),
        ({"components": [{"unit": "input", "price": 1, "per": 0}]}, "components[0].per"),
        ({"components": "x"}, "components"),
        ({"multiplier": 11}, "multiplier"),
        ({"multiplier": "0.1234567"}, "multiplier"),
        ({"discount_percent": 101}, "discount_percent"),
        ({"input": 1, "model": " "}, "model"),
        ({"input": 1, "model": "x" * 201}, "model"),
        ({"input": 1, "provider": "a\0"}, "provider"),
        ({"input": 1, "tier": "gold"}, "tier"),
        ({"input": 1, "outptu": 8}, "outptu"),
        ({"input": 1, "valid_from": "17.11.2026"}, "valid_from"),
        ({"input": 1, "valid_from": "2026-11-17", "valid_until": "2026-11-17"}, "valid_until"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(fields, field):
    with pytest.raises(BadPrice) as refused:
        parse({"provider": "acme", "model": "large", **fields}, BERLIN)
    assert refused.value.field == field and refused.value.message


def test_fields_may_have_the_names_that_others_give_them(workspace):
    version = agreed(
        workspace, input_usd_per_million=2, output_per_1k="0.008", effective_from="2026-11-01", reason="why"
    )
    assert (version.source, version.valid_from) == ("why", datetime(2026, 10, 31, 23, tzinfo=UTC))
    assert cost(workspace, output_tokens=1_000_000) == 10
