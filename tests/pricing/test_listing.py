"""The stored prices as lists, and what their tables refuse."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from costwatch.accounts.models import Workspace
from costwatch.pricing import agree, listing
from costwatch.pricing import catalogue as catalogues
from costwatch.pricing.agreements import Agreement
from costwatch.pricing.models import PriceComponent, PriceLine, PriceVersion, TrustedReporter
from costwatch.pricing.specs import Catalogue, LineKey, Version
from tests.pricing.small import DAY, said

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
M = 1_000_000
WEEK = timedelta(days=7)


@pytest.fixture
def workspace():
    return Workspace.objects.create(name="Larkfield")


class TestLists:
    @pytest.fixture(autouse=True)
    def stored(self):
        one = [Version(None, None, said(input=1))]
        lines = {LineKey("acme", model): one for model in ("gpt_5", "gpt-5", "100%-pure")}
        catalogues.store(Catalogue(lines), "release 1", "1", DAY)
        catalogues.store(
            Catalogue({LineKey("globex", "gpt-5"): [Version(None, DAY, said(input=1)),
                                                    Version(DAY, None, said(input=2))]}), "r", "r", DAY - WEEK,
        )  # fmt: skip

    def models(self, workspace, **asked):
        return [(row.line.provider, row.line.model) for row in listing.prices(workspace, **asked)]

    @pytest.mark.parametrize(
        ("words", "found"),
        [
            ("gpt_5", {("acme", "gpt_5")}),  # an underscore is itself, not any character
            ("100%", {("acme", "100%-pure")}),
            ("%", {("acme", "100%-pure")}),
            ("GPT ACME", {("acme", "gpt_5"), ("acme", "gpt-5")}),
            ("  globex  5 ", {("globex", "gpt-5")}),
            ("gpt\0-5", {("acme", "gpt-5"), ("globex", "gpt-5")}),
            ("acme globex", set()),
            ("'; drop", set()),
        ],
    )
    def test_every_word_is_found_in_the_name_or_the_provider_as_it_was_typed(self, workspace, words, found):
        assert set(self.models(workspace, words=words)) == found

    def test_exact_names_are_exact(self, workspace):
        assert self.models(workspace, provider="globex", model="gpt-5") == [("globex", "gpt-5")] * 2
        assert self.models(workspace, model="gpt") == []

    def test_of_two_prices_the_newer_one_comes_first_and_each_holds_in_its_time(self, workspace):
        rows = listing.prices(workspace, provider="globex")
        assert [row.valid_from for row in rows] == [DAY, None]
        at = [DAY - timedelta(microseconds=1), DAY]
        assert [[row.valid_from for row in listing.at(rows, moment)] for moment in at] == [[None], [DAY]]

    def test_what_was_withdrawn_is_in_no_list(self, workspace):
        PriceVersion.objects.filter(line__model="gpt_5").update(withdrawn_at=DAY)
        assert ("acme", "gpt_5") not in self.models(workspace)

    def test_a_list_takes_two_queries_however_long_it_is(self, workspace, django_assert_num_queries):
        with django_assert_num_queries(2):
            assert [len(row.components.all()) for row in listing.prices(workspace)] == [1] * 5


class TestTables:
    def test_a_unit_has_one_price_at_a_threshold(self):
        version = PriceVersion.objects.create(line=PriceLine.objects.create(provider="acme", model="m"))
        PriceComponent.objects.create(version=version, unit="input", price=1, per=M)
        PriceComponent.objects.create(version=version, unit="input", price=2, per=M, threshold=100)
        with pytest.raises(IntegrityError, match="price_component_once"), transaction.atomic():
            PriceComponent.objects.create(version=version, unit="input", price=3, per=M)

    def test_a_line_of_the_catalogue_exists_once(self):
        PriceLine.objects.create(provider="acme", model="m")
        with pytest.raises(IntegrityError, match="price_line_once"), transaction.atomic():
            PriceLine.objects.create(provider="acme", model="m")

    @pytest.mark.parametrize("multiplier", ["-0.1", "10.000001"])
    def test_a_multiplier_is_from_0_to_10(self, multiplier):
        line = PriceLine.objects.create(provider="acme", model="m")
        with pytest.raises(IntegrityError, match="price_version_multiplier"), transaction.atomic():
            PriceVersion.objects.create(line=line, multiplier=Decimal(multiplier))

    def test_a_provider_is_trusted_once(self):
        workspace = Workspace.objects.create(name="Larkfield")
        TrustedReporter.objects.create(workspace=workspace, provider="acme")
        with pytest.raises(IntegrityError, match="trusted_reporter_once"), transaction.atomic():
            TrustedReporter.objects.create(workspace=workspace, provider="acme")

    def test_two_prices_may_touch_but_not_overlap_by_a_microsecond(self):
        line = PriceLine.objects.create(provider="acme", model="m")
        PriceVersion.objects.create(line=line, valid_until=DAY)
        PriceVersion.objects.create(line=line, valid_from=DAY, valid_until=DAY + WEEK)
        with pytest.raises(IntegrityError, match="no_overlap"), transaction.atomic():
            PriceVersion.objects.create(line=line, valid_from=DAY + WEEK - timedelta(microseconds=1))
        PriceVersion.objects.create(line=line, valid_from=DAY + WEEK)
        assert PriceVersion.objects.count() == 3


def test_agreements_come_by_name_and_the_newest_first(workspace):
    for model, start in (("n", None), ("m", None), ("m", DAY), ("m", DAY + WEEK)):
        agree.add(workspace, Agreement("acme", model, said(input=1), start=start), "x")
    assert [(row.line.model, row.valid_from) for row in agree.agreed(workspace)] == [
        ("m", DAY + WEEK), ("m", DAY), ("m", None), ("n", None),
    ]  # fmt: skip


def test_a_workspace_sees_the_catalogue_and_its_own_prices_and_no_others(workspace):
    catalogues.store(Catalogue({LineKey("acme", "m"): [Version(None, None, said(input=1))]}), "r", "r", DAY)
    other = Workspace.objects.create(name="Elsewhere")
    agree.add(workspace, Agreement("acme", "ours", said(input=1)), "x")
    agree.add(other, Agreement("acme", "theirs", said(input=1)), "x")
    seen = {
        origin: {row.line.model for row in listing.prices(workspace, origin=origin)}
        for origin in ("", "catalog", "override")
    }
    assert seen == {"": {"m", "ours"}, "catalog": {"m"}, "override": {"ours"}}
    assert not listing.prices(workspace, words="theirs").exists()
