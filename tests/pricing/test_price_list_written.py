"""A price list as it is written for a download: read again, it says the same and changes nothing."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costwatch.accounts.models import Workspace
from costwatch.lib import tables
from costwatch.pricing import agree, pricelist
from costwatch.pricing.agreements import FEES, TIERS, Agreement
from costwatch.pricing.specs import TOKEN_UNITS, Component

pytestmark = pytest.mark.thorough


def read(text) -> list[Agreement]:
    agreements, problems = pricelist.read(text, ZoneInfo("Asia/Kathmandu"))
    assert problems == []
    return agreements


def fault(text) -> str:
    (problem,) = pricelist.read(text, ZoneInfo("UTC"))[1]
    return problem.message


def test_the_name_of_a_price_says_from_which_context_on_and_for_how_many_units_it_is():
    head = "model,input,input_above_200000,output_above_200000_per_1k,audio_second_per_3600"
    (found,) = read(f"{head}\nm,1,2,0.03,0.36\n")
    assert found.components == (
        Component("input", Decimal(1)),
        Component("input", Decimal(2), threshold=200_000),
        Component("output", Decimal("0.03"), 1000, 200_000),
        Component("audio_second", Decimal("0.36"), 3600),
    )
    assert "input is priced twice" in fault("model,input_above_200000,input_above_200000_per_1k\nm,1,2\n")


@pytest.mark.parametrize("strange", ["input_above_0", "input_above_", "input_per_0", "input_above_1x", "above_1"])
def test_what_is_almost_the_name_of_a_price_is_none(strange):
    assert "is no column of a price list" in fault(f"model,{strange}\nm,1\n")


def test_a_written_list_names_what_occurs_in_the_order_of_the_price_book():
    one = Agreement("acme", "m", (Component("output", Decimal("6.50")), Component("cache_read", Decimal("0.1"))))
    two = Agreement("", "own-*", multiplier=Decimal("0.850000"), variant="", start=datetime(2026, 11, 18, tzinfo=UTC))
    three = Agreement("", "local", variant="", source="=ours")
    four = Agreement(
        "acme", "n", (Component("input", Decimal(3), threshold=200_000), Component("web_search", Decimal(1), 1000))
    )
    written = tables.csv_text(pricelist.written([one, two, three, four])).splitlines()
    assert written == [
        "provider,model,tier,region,valid_from,valid_until,source,multiplier,free,"
        "input_above_200000,cached_input,output,web_search_per_1000",
        "acme,m,standard,,,,,,,,0.1,6.5,",
        ",own-*,every,,2026-11-18T00:00:00Z,,,0.85,,,,,",
        ",local,every,,,,'=ours,,yes,,,,",
        "acme,n,standard,,,,,,,3,,,1",
    ]


PRICES = st.decimals(0, 1_000_000, places=12)
COMPONENTS = st.lists(
    st.builds(Component, st.sampled_from((*TOKEN_UNITS, *FEES)), PRICES, st.sampled_from((1_000_000, 1000, 1, 3600)),
              st.sampled_from((0, 200_000))),
    min_size=1, max_size=4, unique_by=lambda c: (c.unit, c.threshold),
).map(tuple)  # fmt: skip
WHAT = st.one_of(
    st.builds(dict, components=COMPONENTS), st.builds(dict, multiplier=st.decimals(0, 10, places=6)), st.just({})
)
WHEN = st.one_of(st.none(), st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))
MODELS = st.sampled_from(("m", "@cf/meta/llama", "*", "-lite", "a,b", 'say "hi"'))
SOURCES = st.sampled_from(("", "=cmd|x", "+1 %, as agreed", "Vertrag 7"))


@st.composite
def agreements(draw) -> Agreement:
    tier = draw(st.sampled_from(("", *TIERS)))
    return Agreement("acme", draw(MODELS), variant=tier, start=draw(WHEN), source=draw(SOURCES), **draw(WHAT))


@settings(max_examples=80)
@given(st.lists(agreements(), min_size=1, max_size=6, unique_by=lambda one: (one.model, one.variant)))
def test_a_list_that_was_written_is_read_as_the_same_agreements(agreed):
    found = read(tables.csv_text(pricelist.written(agreed)))
    assert sorted(map(same, found)) == sorted(map(same, agreed))


def same(one: Agreement) -> str:
    """All that an agreement says."""
    prices = sorted((c.unit, f"{c.price.normalize():f}", c.per, c.threshold) for c in one.components)
    multiplier = None if one.multiplier is None else f"{one.multiplier.normalize():f}"
    start = one.start.isoformat() if one.start else ""
    return str((one.provider, one.model, one.region, one.variant, start, one.end, one.source, multiplier, prices))


def test_a_list_that_was_downloaded_and_is_uploaded_again_changes_nothing(db):
    workspace = Workspace.objects.create(name="Larkfield", time_zone="Europe/Berlin")
    for text in (
        "model,valid_from,input\nm,,1\nm,2027-01-01,2\nm,2028-01-01,3\n",
        "provider,model,tier,region,discount_percent\nacme,@cf/x,every,eu,12.5\nacme,own-*,,,100\n",
        "model,free,source,valid_from,valid_until\nlocal,yes,=ours,2026-01-01,2026-07-01\n",
        "model,input,input_above_200000,web_search_per_1k\nlong,1.25,2.5,10\n",
    ):
        agree.add_all(workspace, read(text), "ek@l.example", "a list")
    before = list(agree.agreed(workspace).values_list("pk", flat=True))
    written = read(tables.csv_text(pricelist.written([agree.agreement_of(row) for row in agree.agreed(workspace)])))
    assert len(before) == 7
    assert [one.kind for one in pricelist.compared(workspace, written)] == ["same"] * 7
    assert agree.add_all(workspace, written, "ek@l.example", "the same") == 0
    assert list(agree.agreed(workspace).values_list("pk", flat=True)) == before
