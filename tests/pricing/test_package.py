"""The price package as our catalogue: dates, tiers, hours, variants and the names that its match rules spell out."""

from datetime import UTC, datetime, time
from decimal import Decimal

import pytest
from genai_prices import types

from costwatch.pricing import package
from costwatch.pricing.specs import Alias, Catalogue, Component, LineKey, Version
from tests.pricing.conftest import compile_book
from tests.pricing.small import call

pytestmark = pytest.mark.thorough
D = Decimal
MAY, JUNE, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in (5, 6, 7))


def price(**prices) -> types.ModelPrice:
    return types.ModelPrice(**{name: D(str(p)) if isinstance(p, (int, str)) else p for name, p in prices.items()})


def model(name="m", prices=None, match=None, variants=None) -> types.ModelInfo:
    rule = match or types.ClauseEquals(name)
    return types.ModelInfo(name, rule, prices=prices or price(input_mtok=2, output_mtok=8), price_variants=variants)


def read(*models, provider="acme", **more) -> Catalogue:
    return package.read([types.Provider(provider, provider, "", models=list(models), **more)])


def since(day: datetime, prices: types.ModelPrice) -> types.ConditionalPrice:
    return types.ConditionalPrice(types.StartDateConstraint(day.date()), prices=prices)


def always(prices: types.ModelPrice) -> types.ConditionalPrice:
    return types.ConditionalPrice(prices=prices)


def variant(prices: types.ModelPrice, day: datetime | None = None, **when) -> types.PriceVariant:
    return types.PriceVariant(when, prices, types.StartDateConstraint(day.date()) if day else None)


def steps(catalogue: Catalogue, *key) -> list[tuple]:
    """(start, end, unit -> price) of a line."""
    line = catalogue.lines[LineKey("acme", "m", *key)]
    return [(v.start, v.end, {c.unit: c.price for c in v.components}) for v in line]


@pytest.mark.parametrize(
    ("key", "sent", "component"),
    [
        ("input_mtok", "2", Component("input", D(2))),
        ("cache_read_mtok", "0.18000000000000002", Component("cache_read", D("0.18"))),  # noise of a float
        ("cache_write_mtok", "2.5", Component("cache_write_5m", D("2.5"))),
        ("input_audio_mtok", "40", Component("input_audio", D(40))),
        ("cache_audio_read_mtok", "0.4", Component("cache_read_audio", D("0.4"))),
        ("output_audio_mtok", "80", Component("output_audio", D(80))),
        ("requests_kcount", "5", Component("request", D(5), 1000)),
    ],
)
def test_every_price_has_our_unit_and_its_number_of_units(key, sent, component):
    assert package.components(price(**{key: sent})) == (component,)


def test_a_price_that_is_not_stated_is_none_and_not_nothing():
    assert package.components(price(input_mtok=0, output_mtok=None)) == (Component("input", D(0)),)
    assert package.components(types.ModelPrice()) == ()


def test_tiers_are_thresholds():
    tiered = types.TieredPrices(D("1.25"), [types.Tier(200_000, D("2.5")), types.Tier(1_000_000, D("4.9999999999"))])
    assert package.components(price(input_mtok=tiered, output_mtok=10)) == (
        Component("input", D("1.25")),
        Component("input", D("2.5"), 1_000_000, 200_000),
        Component("input", D(5), 1_000_000, 1_000_000),
        Component("output", D(10)),
    )


def test_dated_prices_follow_each_other_and_the_first_one_holds_since_ever():
    one, two, three = (price(input_mtok=usd) for usd in (1, 2, 3))
    expected = [(None, JUNE, {"input": 1}), (JUNE, JULY, {"input": 2}), (JULY, None, {"input": 3})]
    assert steps(read(model(prices=[always(one), since(JUNE, two), since(JULY, three)]))) == expected
    assert steps(read(model(prices=[since(JULY, three), always(one), since(JUNE, two)]))) == expected
    assert steps(read(model(prices=[since(MAY, one), since(JUNE, two), since(JULY, three)]))) == [
        (None, MAY, {"input": 1}), (MAY, JUNE, {"input": 1}), *expected[1:],
    ]  # fmt: skip


def test_prices_of_some_hours_are_a_line_of_their_own():
    night = types.ConditionalPrice(types.TimeOfDateConstraint(time(16, 30), time(0, 30)), prices=price(input_mtok=1))
    found = read(model(prices=[night, always(price(input_mtok=2))]))
    assert steps(found) == [(None, None, {"input": 2})]
    assert steps(found, "", "standard", "daily 16:30-00:30 UTC") == [(None, None, {"input": 1})]
    book = compile_book(found)
    at = [datetime(2026, 11, 18, hour, minute, tzinfo=UTC) for hour, minute in ((16, 29), (16, 30), (0, 29), (0, 30))]
    assert [book.price(call(10**6, 0, timestamp=moment)).cost for moment in at] == [2, 1, 1, 2]


def test_a_model_with_prices_for_some_hours_only_is_left_out_and_the_others_are_read():
    night = types.ConditionalPrice(types.TimeOfDateConstraint(time(16, 30), time(0, 30)), prices=price(input_mtok=1))
    assert list(read(model("n", prices=[night]), model("m")).lines) == [LineKey("acme", "m")]


@pytest.mark.parametrize(
    ("when", "tier"),
    [
        ({"processing": "batch"}, "batch"), ({"service_tier": "flex"}, "flex"), ({"service_tier": "fast"}, "fast"),
        ({"service_tier": "priority"}, "priority"), ({"speed": "fast"}, "fast"),
    ],
)  # fmt: skip
def test_a_variant_says_what_is_different_and_leaves_the_rest(when, tier):
    found = read(model(variants=[variant(price(input_mtok=1), **when)]))
    assert steps(found, "", tier) == [(None, None, {"input": 1, "output": 8})]


@pytest.mark.parametrize(
    "when", [{"service_tier": "scale"}, {"moon": "full"}, {"speed": "fast", "processing": "batch"}]
)
def test_a_variant_that_we_do_not_know_is_left_out(when):
    assert len(read(model(variants=[variant(price(input_mtok=1), **when)])).lines) == 1


def test_a_variant_begins_with_its_day_and_follows_the_standard_price():
    prices = [always(price(input_mtok=10, output_mtok=40)), since(JULY, price(input_mtok=8, output_mtok=40))]
    found = read(model(prices=prices, variants=[variant(price(input_mtok=5), JUNE, processing="batch")]))
    assert steps(found, "", "batch") == [
        (JUNE, JULY, {"input": 5, "output": 40}), (JULY, None, {"input": 5, "output": 40}),
    ]  # fmt: skip
    book = compile_book(found)
    costs = [book.price(call(10**6, 0, batch=True, timestamp=at)).cost for at in (MAY, JUNE)]
    assert costs == [10, 5]


def test_of_two_variants_in_force_the_one_listed_first_wins():
    batch = {"processing": "batch"}
    later = variant(price(input_mtok=4), JULY, **batch)
    found = read(model(variants=[later, variant(price(input_mtok=5, output_mtok=7), **batch)]))
    assert steps(found, "", "batch") == [
        (None, JULY, {"input": 5, "output": 7}), (JULY, None, {"input": 4, "output": 7}),
    ]  # fmt: skip


def names(provider: str, *models) -> set[tuple[str, str]]:
    return {(alias.name, alias.model) for alias in read(*models, provider=provider).aliases}


EQ, STARTS, ENDS, HAS = types.ClauseEquals, types.ClauseStartsWith, types.ClauseEndsWith, types.ClauseContains


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (EQ("m"), set()),
        (EQ("M-2026"), {"m-2026"}),
        (types.ClauseOr([EQ("m"), EQ("m-1"), types.ClauseOr([EQ("m-2"), STARTS("m-3")])]), {"m-1", "m-2", "m-3"}),
        (STARTS("m-9-"), set()),  # the beginning of a name is no name
        (ENDS("/m-9"), {"/m-9"}),
        (HAS("m-9"), {"m-9"}),
        (types.ClauseAnd([STARTS("m-9"), HAS("mini")]), {"m-9"}),
        (types.ClauseAnd([HAS("m-9"), HAS("mini")]), set()),
        (EQ("m@20260101"), {"m@20260101", "m-20260101"}),
        (types.ClauseRegex("m-.*"), set()),  # a pattern is a guess
    ],
)
def test_the_names_that_a_rule_spells_out_are_names_of_the_model(rule, expected):
    assert names("acme", model("m", match=rule)) == {(name, "m") for name in expected}


@pytest.mark.parametrize(
    ("provider", "name", "key"),
    [
        ("openai", "GPT-9", ("openai", "gpt-9")),
        ("openai", "ft:gpt-9-", ("openai", "ft:gpt-9")),
        ("google", "gemini-9", ("google", "gemini-9")),
        ("google", "claude-9", ("vertex", "claude-9")),
        ("x-ai", "grok-9", ("xai", "grok-9")),
        ("aws", "regional.anthropic.claude-9-v1:0", ("bedrock", "anthropic.claude-9", "regional")),
        ("aws", "global.anthropic.claude-9-v1:0", ("bedrock", "anthropic.claude-9", "global")),
        ("aws", "amazon.nova-9-v1:0", ("bedrock", "amazon.nova-9")),
        ("aws", "amazon.titan-v2:0", ("bedrock", "amazon.titan-v2")),
    ],
)
def test_a_model_is_filed_under_the_name_that_calls_are_looked_up_by(provider, name, key):
    assert list(read(model(name), provider=provider).lines) == [LineKey(*key)]


def test_the_first_of_two_entries_of_one_name_counts():
    found = read(model("m", price(input_mtok=1)), model("M", price(input_mtok=9)))
    assert steps(found) == [(None, None, {"input": 1})]


def test_a_line_says_where_it_comes_from():
    assert [v.source for v in read(model()).lines[LineKey("acme", "m")]] == ["genai-prices: acme/m"]


def test_a_release_is_read_to_versions_that_never_overlap_and_names_that_lead_somewhere():
    prices = [since(date_, price(input_mtok=usd)) for usd, date_ in enumerate((MAY, JULY, JUNE), 1)]
    found = read(model(prices=prices), model("n", match=types.ClauseOr([EQ("n"), EQ("n-latest")])))
    line: list[Version] = found.lines[LineKey("acme", "m")]
    assert [v.start for v in line[1:]] == [v.end for v in line[:-1]] and line[-1].end is None
    assert found.aliases == [Alias("acme", "n-latest", "n")]
