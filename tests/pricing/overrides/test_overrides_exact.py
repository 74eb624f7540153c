"""What agreed prices come to, for any numbers: exact, and the sum of its parts."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.accounts.models import Workspace
from costwatch.pricing import agree, book
from costwatch.pricing.agreements import parse
from costwatch.pricing.models import PriceVersion
from costwatch.pricing.overrides import WorkspaceBook
from tests.pricing.overrides.conftest import BERLIN, usage

pytestmark = pytest.mark.django_db
TOKENS = st.integers(0, 10**7)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2_000_000), TOKENS, TOKENS, st.integers(0, 50))
def test_a_discount_is_exact_to_twelve_places(multiplier, tokens_in, tokens_out, searches):
    share = Decimal(multiplier) / 1_000_000
    line = {"provider": "acme", "model": "large", "multiplier": str(share)}
    seen = _with(parse(line, BERLIN))
    units = {"web_search": Decimal(searches)} if searches else None
    told = seen.price(usage(input_tokens=tokens_in, output_tokens=tokens_out, units=units))
    exact = (Decimal(tokens_in) * 2 + Decimal(tokens_out) * 8) / 1_000_000 + Decimal(searches) / 100
    assert told.cost == round(exact * share, 12)
    assert told.list_cost == exact


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TOKENS, TOKENS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_an_override_costs_what_it_says_and_more_tokens_never_cost_less(tokens_in, tokens_out, in_price, out_price):
    seen = _with(parse({"provider": "acme", "model": "large", "input": Decimal(in_price) / 10**5,
                        "output": Decimal(out_price) / 10**5, "source": "x"}, BERLIN))  # fmt: skip
    told = seen.price(usage(input_tokens=tokens_in, output_tokens=tokens_out)).cost
    assert told == (Decimal(tokens_in * in_price) + Decimal(tokens_out * out_price)) / 10**11
    assert seen.price(usage(input_tokens=tokens_in + 1, output_tokens=tokens_out)).cost >= told


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**5), st.integers(0, 10**5), st.booleans())
def test_the_parts_of_an_agreed_cost_add_up_to_it(rest, tokens_out, read, written, cached_price):
    prices = {"input": "1.234567", "output": "9.87654321", "cached_input": "0.1111111" if cached_price else ""}
    seen = _with(parse({"provider": "acme", "model": "large", **prices}, BERLIN))
    call = usage(input_tokens=rest + read + written, output_tokens=tokens_out, cached_input_tokens=read,
                 cache_write_tokens=written)  # fmt: skip
    told = seen.price(call)
    assert round(sum((part.cost for part in seen.parts(call, told)), Decimal(0)), 12) == told.cost


def _with(agreement) -> WorkspaceBook:
    workspace, _ = Workspace.objects.get_or_create(name="property")
    PriceVersion.objects.filter(line__workspace=workspace).delete()
    agree.add(workspace, agreement, "x")
    return book.fresh().for_workspace(workspace.pk)
