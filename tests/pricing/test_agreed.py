"""Agreed prices over the catalogue: whose holds for which call, and what is left to the catalogue."""

from datetime import timedelta
from decimal import Decimal

import pytest

from costwatch.pricing.overrides import Override, OverrideAt
from costwatch.pricing.specs import Alias, Component, Version
from costwatch.pricing.timeline import Timeline
from costwatch.pricing.usage import CostSource, Priced
from tests.pricing.small import DAY, agreed, agreement, book_of, call, one, said

pytestmark = pytest.mark.thorough
M = 1_000_000


@pytest.fixture(scope="module")
def book():
    return book_of(
        {
            ("acme", "m"): {"input": 2, "output": 8, "cache_read": "0.2", "cache_write_5m": 3, "web_search": 10},
            ("acme", "m", "", "batch"): {"input": 1, "output": 4},
            ("acme", "gift"): {"input": 0, "output": 0},
            ("acme", "embed"): {"input": "0.1"},
            ("acme", "hear"): {"audio_second": 6},
            ("globex", "m"): {"input": 50, "output": 90},
            ("openai", "gpt"): {"input": 5, "output": 20},
            ("openai", "gpt", "regional"): {"input": 6, "output": 24},
            ("bedrock", "anthropic.claude-9", "regional"): {"input": 11, "output": 55},
        },
        [Alias("acme", "nick", "m")],
    )


def cost(book, *overrides, tokens_in=M, tokens_out=0, **fields) -> Decimal | None:
    return agreed(book, *overrides).price(call(tokens_in, tokens_out, **fields)).cost


class TestWhoseHolds:
    @pytest.mark.parametrize(
        ("looser", "closer"),
        [
            ({"model": "*"}, {"model": "m"}),
            ({"model": "*"}, {"model": "m*"}),
            ({"provider": ""}, {"provider": "acme"}),
            ({"provider": "", "model": "*"}, {"provider": "acme", "model": "*"}),
            ({"tier": ""}, {"tier": "standard"}),
            ({"model": "*", "tier": "standard"}, {"model": "m", "tier": ""}),
            ({"provider": "acme", "model": "*"}, {"provider": "", "model": "m"}),
        ],
    )
    def test_the_closer_one_decides_in_whatever_order_they_were_made(self, book, looser, closer):
        wide = agreement(**looser, number=1, input=30, output=1)
        near = agreement(**closer, number=2, input=40, output=1)
        assert cost(book, wide, near) == cost(book, near, wide) == 40

    def test_a_longer_pattern_is_closer_than_a_shorter_one(self, book):
        overrides = [agreement(model, number=n, input=n, output=1) for n, model in enumerate(("n*", "ni*", "*ck"), 11)]
        # "ni*" and "*ck" are equally long: the first one made
        assert cost(book, *overrides, model="nick") == 12
        assert cost(book, *overrides, model="nine") == 12
        assert cost(book, *overrides, model="none") == 11

    def test_the_name_that_was_sent_is_closer_than_another_name_of_the_model(self, book):
        own, other = agreement("nick", input=30, output=1), agreement("m", number=2, input=40, output=1)
        assert cost(book, other, own, model="nick") == 30
        assert cost(book, other, model="nick") == cost(book, other, model="m-20260101") == 40
        assert cost(book, own, model="m") == 30  # it is the same model

    def test_another_name_is_meant_also_where_no_provider_is_named(self, book):
        anywhere = agreement("m", provider="", input=40, output=1)
        for name in ("m", "nick", "m-20260101", "models/m"):
            assert cost(book, anywhere, model=name) == 40
        assert cost(book, anywhere, model="m", provider="globex") == 40
        assert cost(book, anywhere, model="embed") == Decimal("0.1")

    def test_a_price_of_another_provider_is_not_meant(self, book):
        assert cost(book, agreement(provider="globex", input=1, output=1)) == 2

    def test_a_model_that_nobody_sells_is_found_without_its_date_and_path(self, book):
        own = agreement("tuned", input=7, output=1)
        for name in ("tuned", "Tuned ", "tuned-20260101", "models/tuned", "tuned[1m]"):
            assert cost(book, own, model=name) == 7
        assert cost(book, own, model="tuned-2") is None

    @pytest.mark.parametrize(
        ("region", "expected"), [(None, 40), ("eu", 60), ("us-east-1", 60), ("global", 40), ("default", 40)]
    )
    def test_a_price_of_a_region_holds_there_and_the_other_everywhere_else(self, book, region, expected):
        everywhere = agreement("gpt", "openai", number=1, input=40, output=1)
        regional = agreement("gpt", "openai", region="regional", number=2, input=60, output=1)
        assert cost(book, everywhere, regional, model="gpt", provider="openai", region=region) == expected
        assert cost(book, regional, everywhere, model="gpt", provider="openai", region=region) == expected

    def test_a_price_of_a_region_alone_leaves_the_others_to_the_catalogue(self, book):
        regional = agreement("gpt", "openai", region="regional", input=60, output=1)
        assert cost(book, regional, model="gpt", provider="openai") == 5
        assert cost(book, regional, model="gpt", provider="openai", region="eu") == 60

    def test_a_bedrock_model_is_known_by_its_plain_name(self, book):
        plain = agreement("claude-9", "bedrock", input=3, output=1)
        for name in ("us.anthropic.claude-9-v1:0", "anthropic.claude-9", "claude-9"):
            assert cost(book, plain, model=name, provider="bedrock") == 3

    @pytest.mark.parametrize(
        ("tier", "sent", "expected"),
        [
            ("standard", {}, 30), ("standard", {"service_tier": "flex"}, 30), ("standard", {"batch": True}, 1),
            ("", {}, 30), ("", {"service_tier": "flex"}, 30), ("", {"batch": True}, 30),
            ("batch", {}, 2), ("batch", {"service_tier": "flex"}, 2), ("batch", {"service_tier": "batch"}, 30),
            ("flex", {"service_tier": "flex"}, 30), ("flex", {"batch": True}, 1), ("flex", {}, 2),
        ],
    )  # fmt: skip
    def test_a_price_holds_for_its_tier_and_the_standard_one_where_the_catalogue_has_none(
        self, book, tier, sent, expected
    ):
        assert cost(book, agreement(tier=tier, input=30, output=1), **sent) == expected

    def test_where_the_closest_one_is_not_in_force_the_next_one_holds(self, book):
        now = agreement(number=1, input=40, output=1, start=DAY, end=DAY + timedelta(days=1))
        always = agreement("*", number=2, input=30, output=1)
        at = [DAY - timedelta(seconds=1), DAY, DAY + timedelta(days=1)]
        assert [cost(book, now, always, timestamp=moment) for moment in at] == [30, 40, 30]

    def test_one_to_be_tried_out_leads_over_one_as_close_and_is_kept_nowhere(self, book):
        seen = agreed(book, agreement(input=30, output=1), trusted=["acme"])
        tried = seen.with_override(agreement(number=-1, input=40, output=1))
        usage = call(M)
        assert (tried.price(usage).cost, seen.price(usage).cost) == (40, 30)
        assert tried.price(call(M, reported_cost=Decimal(9))).source is CostSource.REPORTED


class TestWhatIsLeftToTheCatalogue:
    @pytest.mark.parametrize(
        ("prices", "fields", "expected"),
        [
            # what was used: 600 plain, 300 cached, 100 written, 50 out
            ({"input": 1, "output": 1}, {}, 1000 * 1 + 50 * 1),  # parts of an agreed whole are that whole
            ({"input": 1, "output": 1, "cache_read": "0.1"}, {}, 700 * 1 + 30 + 50),
            ({"input": 1}, {}, 1000 * 1 + 50 * 8),
            ({"output": 1}, {}, 600 * 2 + 300 * Decimal("0.2") + 100 * 3 + 50 * 1),
            ({"cache_read": "0.1"}, {}, 600 * 2 + 30 + 100 * 3 + 50 * 8),
            ({"output": 0}, {}, 600 * 2 + 300 * Decimal("0.2") + 100 * 3),
            ({"web_search": 5}, {"units": {"web_search": 2}}, 600 * 2 + 60 + 300 + 50 * 8 + 10_000),
            ({"input": 1}, {"units": {"web_search": 2}}, 1000 * 1 + 50 * 8 + 20_000),
        ],
    )
    def test_kinds_of_tokens_and_fees_on_which_nothing_is_agreed_cost_the_list_price(
        self, book, prices, fields, expected
    ):
        seen = agreed(book, agreement(**prices))
        usage = call(1000, 50, cached_input_tokens=300, cache_write_tokens=100, **fields)
        priced = seen.price(usage)
        assert (priced.cost, priced.source) == (Decimal(expected) / M, CostSource.OVERRIDE)
        assert sum(part.cost for part in seen.parts(usage, priced)) == priced.cost

    @pytest.mark.parametrize("prices", [{"output": 4}, {"cache_read": 1}, {"output": 0}])
    def test_a_prompt_that_nobody_has_a_price_for_is_never_free(self, book, prices):
        priced = agreed(book, agreement("new", **prices)).price(call(1000, 50, model="new"))
        assert (priced.cost, priced.source) == (None, CostSource.UNPRICED)
        assert priced.upper_bound > 0

    def test_a_price_for_each_request_stands_instead_of_those_for_tokens(self, book):
        seen = agreed(book, agreement(request=50))
        assert seen.price(call(M, M, requests=3)).cost == Decimal("0.15")
        assert seen.price(call(None, None)).cost == Decimal("0.05")

    def test_seconds_or_pages_of_a_model_are_agreed_on_without_tokens(self, book):
        seen = agreed(book, agreement("hear", audio_second=3), agreement("ocr", number=2, page=2))
        assert seen.price(call(None, None, "hear", units={"seconds": 100})).cost == Decimal("0.3")
        assert seen.price(call(None, None, "ocr", units={"pages": 100})).cost == Decimal("0.2")

    def test_vectors_cost_nothing_under_an_agreed_price_either(self, book):
        assert cost(book, agreement("embed", input="0.05"), model="embed", tokens_out=500) == Decimal("0.05")

    def test_a_fee_that_nobody_has_a_price_for_leaves_the_call_to_the_catalogue(self, book):
        seen = agreed(book, agreement(input=1, output=1))
        priced = seen.price(call(M, 0, units={"code_execution": 1}))
        assert (priced.cost, priced.source) == (None, CostSource.UNPRICED)

    @pytest.mark.parametrize(
        ("parts", "expected"),
        [
            ({"cached_input_tokens": 30}, 30 * Decimal("0.1")),
            ({"cached_input_tokens": 8, "cache_write_tokens": 4}, 8 * Decimal("0.1") + 4 * 5),
            ({"cache_write_1h_tokens": 11}, 11 * 5),
            ({"cached_input_tokens": 10}, 10 * Decimal("0.1")),
            ({"cached_input_tokens": 4, "cache_write_tokens": 3, "cache_write_1h_tokens": 2}, Decimal("0.4") + 25 + 1),
        ],
    )
    def test_the_cache_is_billed_and_never_taken_off_twice(self, book, parts, expected):
        prices = agreement(input=1, output=1, cache_read="0.1", cache_write_5m=5)
        assert cost(book, prices, tokens_in=10, **parts) == Decimal(expected) / M

    def test_usage_that_is_not_known_is_not_priced_by_an_agreement(self, book):
        for override in (agreement(input=1, output=1), agreement(multiplier="0.5")):
            priced = agreed(book, override).price(call(None, None))
            assert priced == Priced(None, CostSource.USAGE_UNKNOWN, None, Decimal(0))

    @pytest.mark.parametrize(("usd", "source"), [(999_999, CostSource.OVERRIDE), (1_000_000, CostSource.UNPRICED)])
    def test_a_price_by_which_a_call_costs_a_trillion_is_a_mistake_and_the_call_unpriced(self, book, usd, source):
        version = OverrideAt(1000, (Component("input", Decimal(usd), 1), Component("output", Decimal(1))))
        for model in ("m", "new"):
            override = Override("acme", model, "", "standard", Timeline([(None, None, version)]))
            priced = agreed(book, override).price(call(M, 0, model))
            assert priced.source is source and (priced.cost is None) == (source is CostSource.UNPRICED)
            assert 0 <= priced.upper_bound < 1000


class TestFree:
    def test_free_of_charge_is_for_everything_that_was_used(self, book):
        usage = call(M, M, units={"web_search": 3, "unheard_of": 1})
        seen = agreed(book, agreement(number=1008))
        priced = seen.price(usage)
        assert (priced.cost, priced.source, priced.price_version) == (0, CostSource.FREE, 1008)
        assert seen.parts(usage, priced) == []

    def test_free_tokens_do_not_make_searches_free(self, book):
        seen = agreed(book, agreement(number=1008, input=0, output=0))
        plain, searched = call(M, M), call(M, M, units={"web_search": 3})
        assert (seen.price(plain).cost, seen.price(plain).source) == (0, CostSource.FREE)
        priced = seen.price(searched)
        assert (priced.cost, priced.source) == (Decimal("0.03"), CostSource.OVERRIDE)
        assert [part.component for part in seen.parts(searched, priced) if part.cost] == ["web_search"]

    def test_a_model_that_the_catalogue_gives_away_has_no_free_fees(self, book):
        given = book.price(call(M, M, "gift"))
        assert (given.cost, given.source) == (0, CostSource.FREE)
        usage = call(M, M, "gift", units={"web_search": 1})
        assert book.price(usage).source is CostSource.UNPRICED
        assert book.parts(usage, given) == []  # nothing that could be explained, and no error

    def test_a_discount_of_everything_costs_nothing_and_is_no_gift(self, book):
        priced = agreed(book, agreement(multiplier="0")).price(call(M))
        assert (priced.cost, priced.list_cost, priced.source) == (0, 2, CostSource.OVERRIDE)

    def test_what_was_free_already_stays_free_under_a_discount(self, book):
        priced = agreed(book, agreement("*", multiplier="0.5")).price(call(M, 0, "gift"))
        assert (priced.cost, priced.source) == (0, CostSource.FREE)
        own = agreed(book, agreement("*", provider="", multiplier="0.5")).price(call(M, 0, "qwen", provider="ollama"))
        assert (own.cost, own.source) == (0, CostSource.FREE)

    def test_a_machine_of_ones_own_may_be_given_a_price(self, book):
        seen = agreed(book, agreement("qwen*", provider="ollama", input="0.05", output="0.2"))
        priced = seen.price(call(M, M, "qwen3:8b", provider="ollama"))
        assert (priced.cost, priced.list_cost, priced.source) == (Decimal("0.25"), 0, CostSource.OVERRIDE)


class TestDiscount:
    def test_nothing_is_taken_off_what_has_no_price(self, book):
        priced = agreed(book, agreement("*", multiplier="0.5")).price(call(M, 0, "new"))
        assert (priced.cost, priced.source) == (None, CostSource.UNPRICED)

    def test_a_surcharge_is_a_discount_above_one(self, book):
        seen = agreed(book, agreement(multiplier="1.25"))
        usage = call(M, M)
        priced = seen.price(usage)
        assert priced.cost == Decimal("12.5")
        assert seen.parts(usage, priced)[-1].cost == Decimal("2.5")

    def test_fees_are_discounted_too(self, book):
        assert cost(book, agreement(multiplier="0.5"), units={"web_search": 100}) == Decimal("1.5")

    def test_the_list_cost_is_kept_and_told_anew(self, book):
        seen = agreed(book, agreement(multiplier="0.5"))
        priced = seen.price(call(M))
        assert (priced.list_cost, seen.list_cost(call(2 * M), priced)) == (2, 4)
        listed = seen.price(call(M, 0, "embed"))
        assert (listed.list_cost, seen.list_cost(call(M, 0, "embed"), listed)) == (None, None)


def test_a_cost_whose_fee_has_lost_its_price_since_is_shown_without_its_parts():
    usage = call(M, 0, units={"web_search": 1})
    before = agreed(one(input=2, output=8, web_search=10), agreement(input=1, output=1))
    priced = before.price(usage)
    after = agreed(one(input=2, output=8), agreement(input=1, output=1))
    assert priced.cost == Decimal("1.01") and after.parts(usage, priced) == []


def test_an_agreement_and_the_catalogue_each_keep_their_own_dates():
    book = book_of({("acme", "m"): [Version(None, DAY, said(input=2)), Version(DAY, None, said(input=3))]})
    half = agreement(multiplier="0.5", start=DAY - timedelta(days=1))
    at = [DAY - timedelta(days=2), DAY - timedelta(days=1), DAY]
    assert [cost(book, half, timestamp=moment) for moment in at] == [2, 1, Decimal("1.5")]
