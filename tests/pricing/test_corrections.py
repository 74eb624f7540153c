"""The reviewed corrections: every entry has a source, changes something, and leaves no two prices at once."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from genai_prices.data import providers

from costwatch.pricing import corrections, package
from costwatch.pricing.specs import Alias, Catalogue, Component, LineKey, Version

BEGINNING = datetime.min.replace(tzinfo=UTC)
END = datetime.max.replace(tzinfo=UTC)
DAY, LATER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
ENTRIES = [(kind, entry) for kind, entries in corrections.load().items() for entry in entries]


def small(*versions: Version, variant: str = "standard") -> Catalogue:
    return Catalogue({LineKey("acme", "m", "", variant): list(versions)})


def one(price: str, unit: str = "input") -> Component:
    return Component(unit, Decimal(price))


def told(catalogue: Catalogue, **key) -> list[tuple]:
    line = catalogue.lines[LineKey("acme", "m", **key)]
    return [(v.start, v.end, {c.unit: c.price for c in v.components}) for v in line]


@pytest.mark.parametrize(("kind", "entry"), ENTRIES, ids=[f"{k}-{n}" for n, (k, _) in enumerate(ENTRIES)])
def test_an_entry_names_its_source_and_is_of_a_known_kind(kind, entry):
    assert kind in ("price", "fee", "variant", "region", "schedule", "scheduled", "alias")
    assert len(entry["source"]) > 10
    assert kind == "schedule" or entry["provider"]


def test_every_entry_still_changes_the_catalogue():
    whole = corrections.load()
    priced = package.read(providers)
    corrections.apply(priced, {"price": whole["price"]})
    for kind in ("variant", "region", "scheduled", "fee"):
        for entry in whole[kind]:
            assert corrections._matching(priced, entry), f"{kind} of no model: {entry}"


def test_an_alias_leads_to_a_model_that_has_a_price(catalogue):
    models = {(key.provider, key.model) for key in catalogue.lines}
    assert not [a for a in catalogue.aliases if (a.provider, a.model) not in models and a.provider != "azure"]


def test_no_line_has_two_prices_at_once(catalogue):
    for key, versions in catalogue.lines.items():
        spans = sorted((v.start or BEGINNING, v.end or END) for v in versions)
        assert all(first[1] <= second[0] for first, second in pairwise(spans)), key


def test_an_entry_without_a_source_is_refused():
    with pytest.raises(ValueError, match="needs a source"):
        corrections.apply(small(), {"price": [{"provider": "acme", "model": "m", "prices": {"input": "1"}}]})


def test_a_price_replaces_what_was_within_its_dates_only():
    catalogue = small(Version(None, None, (one("1"),)))
    entry = {"provider": "acme", "model": "m", "from": DAY, "until": LATER, "prices": {"input": "2"}, "source": "s"}
    corrections.apply(catalogue, {"price": [entry]})
    assert told(catalogue) == [
        (None, DAY, {"input": 1}), (DAY, LATER, {"input": 2}), (LATER, None, {"input": 1}),
    ]  # fmt: skip


def test_a_price_without_dates_replaces_everything():
    catalogue = small(Version(None, DAY, (one("1"),)), Version(DAY, None, (one("3"),)))
    corrections.apply(
        catalogue, {"price": [{"provider": "acme", "model": "m", "prices": {"input": "2"}, "source": "s"}]}
    )
    assert told(catalogue) == [(None, None, {"input": 2})]


def test_an_addition_joins_the_units_that_are_there():
    catalogue = small(Version(None, None, (one("1"),)))
    entry = {"provider": "acme", "model": "m", "add": True, "prices": {"output": "4"}, "source": "s"}
    corrections.apply(catalogue, {"price": [entry]})
    assert told(catalogue) == [(None, None, {"input": 1, "output": 4})]


def test_a_variant_follows_the_standard_price_at_its_later_ratio():
    catalogue = small(Version(None, DAY, (one("10"),)), Version(DAY, None, (one("2"),)))
    catalogue.lines[LineKey("acme", "m", "", "batch")] = [Version(LATER, None, (one("1"),))]
    entry = {"provider": "acme", "models": ["*"], "variant": "batch", "multiplier": "0.9", "source": "s"}
    corrections.apply(catalogue, {"variant": [entry]})
    assert told(catalogue, variant="batch") == [
        (None, DAY, {"input": 5}), (DAY, LATER, {"input": 1}), (LATER, None, {"input": 1}),
    ]  # fmt: skip


def test_a_variant_that_nobody_lists_is_the_multiplier_of_tokens_but_not_of_fees():
    catalogue = small(Version(None, None, (one("10"), Component("web_search", Decimal(10), 1000))))
    entry = {"provider": "acme", "models": ["m*"], "variant": "batch", "multiplier": "0.5", "from": DAY, "source": "s"}
    corrections.apply(catalogue, {"variant": [entry]})
    assert told(catalogue, variant="batch") == [(DAY, None, {"input": 5, "web_search": 10})]


def test_a_region_is_a_copy_at_a_multiple_under_all_names():
    catalogue = small(Version(None, None, (one("10"),)))
    catalogue.aliases = [Alias("acme", "nick", "m")]
    entry = {"provider": "seller", "like": "acme", "models": ["m"], "region": "eu", "multiplier": "1.1", "source": "s"}
    corrections.apply(catalogue, {"region": [entry]})
    assert catalogue.lines[LineKey("seller", "m", "eu")][0].components == (one("11.0"),)
    assert Alias("seller", "nick", "m") in catalogue.aliases


def test_a_dated_alias_replaces_the_one_for_ever():
    catalogue = small(Version(None, None, (one("1"),)))
    catalogue.aliases = [Alias("acme", "latest", "old")]
    entry = {"provider": "acme", "name": "latest", "model": "m", "source": "s"}
    corrections.apply(catalogue, {"alias": [entry | {"until": DAY}, entry | {"from": DAY, "model": "n"}]})
    assert catalogue.aliases == [Alias("acme", "latest", "m", None, DAY), Alias("acme", "latest", "n", DAY, None)]
