"""What the kinds of corrections do, on catalogues small enough to see all of them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from costwatch.pricing import corrections
from costwatch.pricing.specs import Alias, Catalogue, Component, LineKey, Version
from tests.pricing.conftest import compile_book
from tests.pricing.small import call, said

pytestmark = pytest.mark.thorough
DAY, LATER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
D = Decimal


def catalogue(aliases=(), **models) -> Catalogue:
    """Models of Acme's: name -> prices or versions; `m__batch` is the batch line."""
    lines = {}
    for name, what in models.items():
        model, _, tier = name.partition("__")
        versions = what if isinstance(what, list) else [Version(None, None, said(**what))]
        lines[LineKey("acme", model, "", tier or "standard")] = versions
    return Catalogue(lines, list(aliases))


def apply(found: Catalogue, **kinds) -> Catalogue:
    entries = {kind: [{"provider": "acme", "source": "seen"} | entry for entry in rows] for kind, rows in kinds.items()}
    corrections.apply(found, entries)
    return found


def told(found: Catalogue, model="m", provider="acme", **key) -> list[tuple]:
    line = found.lines[LineKey(provider, model, **key)]
    return [(v.start, v.end, {c.unit + (f">{c.threshold}" if c.threshold else ""): c.price for c in v.components})
            for v in line]  # fmt: skip


class TestPrice:
    def test_steps_minimums_and_units_are_as_written(self):
        entry = {"model": "M", "prices": {"input": "2.5", "web_search": "10", "audio_second": "0.36", "image": "0.04"},
                 "above": {"200000": {"input": "5"}}, "minimum": {"audio_second": "10"}}  # fmt: skip
        (version,) = apply(Catalogue(), price=[entry]).lines[LineKey("acme", "m")]
        assert set(version.components) == {
            Component("input", D("2.5")),
            Component("input", D(5), 10**6, 200_000),
            Component("web_search", D(10), 1000),
            Component("audio_second", D("0.36"), 3600, 0, D(10)),
            Component("image", D("0.04"), 1),
        }
        assert version.source == "seen"

    def test_several_models_regions_and_tiers_have_lines_of_their_own(self):
        entry = {"models": ["m", "N"], "region": "eu", "variant": "batch", "prices": {"input": "1"}}
        assert set(apply(Catalogue(), price=[entry]).lines) == {
            LineKey("acme", "m", "eu", "batch"), LineKey("acme", "n", "eu", "batch"),
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("dates", "expected"),
        [
            ({"from": DAY}, [(None, DAY, {"input": 1}), (DAY, None, {"input": 9})]),
            ({"until": DAY}, [(None, DAY, {"input": 9}), (DAY, LATER, {"input": 1}), (LATER, None, {"input": 2})]),
            ({"from": DAY, "until": LATER},
             [(None, DAY, {"input": 1}), (DAY, LATER, {"input": 9}), (LATER, None, {"input": 2})]),
            ({"from": LATER}, [(None, LATER, {"input": 1}), (LATER, None, {"input": 9})]),
        ],
    )  # fmt: skip
    def test_a_price_holds_for_its_dates_and_the_others_for_theirs(self, dates, expected):
        before = [Version(None, LATER, said(input=1)), Version(LATER, None, said(input=2))]
        found = apply(catalogue(m=before), price=[{"model": "m", "prices": {"input": "9"}} | dates])
        assert told(found) == expected

    def test_a_price_that_we_state_ourselves_ends_the_hours_of_the_package(self):
        found = catalogue(m={"input": 4})
        found.lines[LineKey("acme", "m", schedule="night")] = found.lines[LineKey("acme", "n", schedule="night")] = [
            Version(None, None, said(input=1))
        ]
        apply(found, price=[{"model": "m", "prices": {"input": "3"}}])
        assert set(found.lines) == {LineKey("acme", "m"), LineKey("acme", "n", schedule="night")}

    def test_an_addition_goes_before_what_is_there_and_says_where_it_comes_from(self):
        found = catalogue(m=[Version(None, DAY, said(input=1, output=2), "package"), Version(DAY, None, said(input=3))])
        apply(found, price=[{"model": "m", "add": True, "prices": {"output": "9"}}])
        assert told(found) == [(None, DAY, {"input": 1, "output": 9}), (DAY, None, {"input": 3, "output": 9})]
        assert found.lines[LineKey("acme", "m")][0].source == "package; seen"


class TestFee:
    def test_a_fee_is_added_where_it_is_missing_and_changes_nothing_that_is_there(self):
        found = apply(
            catalogue(m={"input": 1}, n={"input": 1, "web_search": 35}, o={"output": 1}),
            fee=[{"models": ["m", "n"], "prices": {"web_search": "10"}}],
        )
        assert [told(found, model)[0][2].get("web_search") for model in "mno"] == [10, 35, None]

    def test_patterns_exceptions_and_regions_choose_the_lines(self):
        found = catalogue(**{"m-1": {"input": 1}, "m-2": {"input": 1}, "m-1__batch": {"input": 1}})
        found.lines[LineKey("acme", "m-1", "eu")] = found.lines[LineKey("acme", "m-1", "", "standard", "night")] = [
            Version(None, None, said(input=1))
        ]
        found.lines[LineKey("globex", "m-1")] = [Version(None, None, said(input=1))]
        entry = {"models": ["M-*"], "except": ["*-2"], "prices": {"web_search": "10"}}
        for regions, expected in (({}, 2), ({"all_regions": True}, 3)):
            apply(found, fee=[entry | regions])
            fees = [key for key, (v, *_) in found.lines.items() if any(c.unit == "web_search" for c in v.components)]
            assert len(fees) == expected and all(key.provider == "acme" and not key.schedule for key in fees)


class TestVariant:
    def test_tokens_are_multiplied_fees_and_what_is_kept_are_not(self):
        found = apply(
            catalogue(m={"input": 10, "output": 40, "cache_read": 1, "web_search": 10}),
            variant=[{"models": ["m"], "variant": "batch", "multiplier": "0.5", "keep": ["cache_read"]}],
        )
        assert told(found, variant="batch") == [
            (None, None, {"input": 5, "output": 20, "cache_read": 1, "web_search": 10})
        ]
        assert found.lines[LineKey("acme", "m", "", "batch")][0].source.endswith("; seen")

    def test_a_variant_that_is_known_since_ever_is_left_alone(self):
        found = apply(
            catalogue(m={"input": 10}, m__batch={"input": 7}),
            variant=[{"models": ["m"], "variant": "batch", "multiplier": "0.5"}],
        )
        assert told(found, variant="batch") == [(None, None, {"input": 7})]

    def test_only_known_variants_are_completed_where_that_is_said(self):
        later = [Version(LATER, None, said(input=5))]
        found = apply(
            catalogue(m={"input": 10}, n={"input": 10}, n__batch=later),
            variant=[{"models": ["*"], "variant": "batch", "multiplier": "0.1", "from": DAY, "only_known": True}],
        )
        assert LineKey("acme", "m", "", "batch") not in found.lines
        assert told(found, "n", variant="batch") == [(DAY, LATER, {"input": 5}), (LATER, None, {"input": 5})]

    def test_the_later_ratio_holds_for_each_unit_and_step_and_fees_stay(self):
        standard = [
            Version(None, DAY, said(input=20, input_above_100=40, output=80, web_search=10)),
            Version(DAY, None, said(input=10, input_above_100=20, output=40, web_search=10)),
        ]
        batch = [Version(LATER, None, said(input=5, input_above_100=8, output=10, web_search=10))]
        found = apply(
            catalogue(m=standard, m__batch=batch), variant=[{"models": ["m"], "variant": "batch", "multiplier": "0.9"}]
        )
        assert told(found, variant="batch") == [
            (None, DAY, {"input": 10, "input>100": 16, "output": 20, "web_search": 10}),
            (DAY, LATER, {"input": 5, "input>100": 8, "output": 10, "web_search": 10}),
            (LATER, None, {"input": 5, "input>100": 8, "output": 10, "web_search": 10}),
        ]

    def test_a_unit_without_a_ratio_costs_the_standard_price(self):
        standard = [Version(None, None, said(input=10, cache_read=1))]
        batch = [Version(LATER, None, said(input=5))]
        found = apply(
            catalogue(m=standard, m__batch=batch), variant=[{"models": ["m"], "variant": "batch", "multiplier": "0.5"}]
        )
        assert told(found, variant="batch")[0] == (None, LATER, {"input": 5, "cache_read": 1})


class TestRegion:
    def test_every_tier_is_copied_at_the_multiple_within_its_dates(self):
        found = apply(
            catalogue(m={"input": 10, "web_search": 10}, m__batch={"input": 5}),
            region=[{"models": ["m"], "region": "eu", "multiplier": "1.1", "from": DAY, "until": LATER}],
        )
        assert told(found, region="eu") == [(DAY, LATER, {"input": 11, "web_search": 10})]
        assert told(found, region="eu", variant="batch") == [(DAY, LATER, {"input": D("5.5")})]

    def test_a_region_that_is_known_is_left_alone(self):
        found = catalogue(m={"input": 10})
        found.lines[LineKey("acme", "m", "eu")] = [Version(None, None, said(input=99))]
        apply(found, region=[{"models": ["m"], "region": "eu", "multiplier": "1.1"}])
        assert told(found, region="eu") == [(None, None, {"input": 99})]

    def test_a_seller_has_the_names_of_the_models_that_it_sells_and_no_others(self):
        names = [Alias("acme", "nick", "m", DAY), Alias("acme", "other", "n"), Alias("globex", "mine", "m")]
        found = apply(
            catalogue(names, m={"input": 10}, n={"input": 1}),
            region=[{"provider": "seller", "like": "acme", "models": ["m"], "region": "eu", "multiplier": "2"}],
        )
        assert [a for a in found.aliases if a.provider == "seller"] == [Alias("seller", "nick", "m", DAY)]
        assert told(found, provider="seller", region="eu") == [(None, None, {"input": 20})]


class TestHours:
    BUSY = {"name": "busy", "zone": "Asia/Shanghai", "windows": [["09:00", "12:00"]], "weekdays": [0, 1, 2, 3, 4],
            "holidays": ["2026-10-01"]}  # fmt: skip

    @pytest.mark.parametrize(
        ("entry", "expected"),
        [
            ({"multiplier": "2"}, (None, None, {"input": 8})),
            ({"multiplier": "2", "from": DAY}, (DAY, None, {"input": 8})),
            ({"prices": {"input": "5"}, "from": DAY, "until": LATER}, (DAY, LATER, {"input": 5})),
        ],
    )
    def test_hours_have_stated_prices_or_a_multiple_of_the_standard_ones(self, entry, expected):
        found = apply(
            catalogue(m={"input": 4}, m__batch={"input": 2}),
            schedule=[self.BUSY],
            scheduled=[{"models": ["m"], "schedule": "busy"} | entry],
        )
        assert told(found, schedule="busy") == [expected]
        assert LineKey("acme", "m", "", "batch", "busy") not in found.lines
        spec = found.schedules["busy"]
        assert (spec.zone, spec.windows, spec.weekdays, spec.holidays) == (
            "Asia/Shanghai", (("09:00", "12:00"),), (0, 1, 2, 3, 4), frozenset({"2026-10-01"}),
        )  # fmt: skip

    def test_they_hold_in_these_hours_only(self):
        found = apply(
            catalogue(m={"input": 4}),
            schedule=[self.BUSY],
            scheduled=[{"models": ["m"], "schedule": "busy", "multiplier": "2"}],
        )
        book = compile_book(found)
        moments = [
            "2026-11-18T00:59Z",
            "2026-11-18T01:00Z",
            "2026-11-18T04:00Z",
            "2026-11-21T02:00Z",
            "2026-10-01T02:00Z",
        ]
        costs = [book.price(call(10**6, 0, timestamp=datetime.fromisoformat(at))).cost for at in moments]
        assert costs == [4, 8, 4, 4, 4]

    def test_a_schedule_without_days_is_for_every_day(self):
        spec = apply(
            Catalogue(), schedule=[{"name": "s", "zone": "UTC", "windows": [["01:00", "02:00"]]}]
        ).schedules["s"]  # fmt: skip
        assert (spec.weekdays, spec.holidays) == ((0, 1, 2, 3, 4, 5, 6), frozenset())


class TestNames:
    def test_several_names_lead_to_one_model_in_lower_case(self):
        found = apply(Catalogue(), alias=[{"names": ["A", "b"], "model": "M"}])
        assert found.aliases == [Alias("acme", "a", "m"), Alias("acme", "b", "m")]

    def test_a_name_for_ever_is_replaced_and_a_dated_one_is_joined(self):
        before = [Alias("acme", "a", "old"), Alias("acme", "a", "dated", DAY), Alias("globex", "a", "theirs")]
        found = apply(Catalogue(aliases=before), alias=[{"name": "a", "model": "new", "until": DAY}])
        assert found.aliases == [before[1], before[2], Alias("acme", "a", "new", None, DAY)]


def test_rules_build_on_the_prices_that_were_corrected_before_them():
    found = apply(
        catalogue(m={"input": 1}),
        region=[{"models": ["m"], "region": "eu", "multiplier": "2"}],
        variant=[{"models": ["m"], "variant": "batch", "multiplier": "0.5"}],
        fee=[{"models": ["m"], "prices": {"web_search": "10"}}],
        price=[{"model": "m", "prices": {"input": "8"}}],
    )
    assert told(found, region="eu", variant="batch") == [(None, None, {"input": 8, "web_search": 10})]


def test_nothing_is_changed_by_a_table_of_which_one_entry_has_no_source():
    found = catalogue(m={"input": 1})
    with pytest.raises(ValueError, match="A correction needs a source"):
        apply(found, price=[{"model": "m", "prices": {"input": "8"}}, {"model": "m", "prices": {}, "source": ""}])
    assert told(found) == [(None, None, {"input": 1})]
