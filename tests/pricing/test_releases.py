"""One release of the catalogue after the other: what is added, corrected, closed, and what may be asked of it later."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.accounts.models import Workspace
from costwatch.pricing import agree, commands, files, transfer
from costwatch.pricing import book as books
from costwatch.pricing import catalogue as catalogues
from costwatch.pricing.agreements import Agreement
from costwatch.pricing.models import (
    CatalogueRelease,
    ModelAlias,
    PriceComponent,
    PriceLine,
    PriceSchedule,
    PriceVersion,
)
from costwatch.pricing.specs import Alias, Catalogue, Component, LineKey, ScheduleSpec, Version
from tests.pricing.small import DAY, call, said

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
M = 1_000_000
HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def fresh_book():
    books.forget()
    yield
    books.forget()


def release(number: int, now=DAY, aliases=(), schedules=(), **models):
    """Store a release: model -> prices, or versions."""
    lines = {
        LineKey("acme", model): what if isinstance(what, list) else [Version(None, None, said(**what))]
        for model, what in models.items()
    }
    found = Catalogue(lines, list(aliases), {spec.name: spec for spec in schedules})
    return catalogues.store(found, f"release {number}", str(number), now)


def cost(model="m", at=DAY, **fields) -> Decimal | None:
    return books.load(DAY).price(call(M, 0, model, timestamp=at, **fields)).cost


def counts(report) -> tuple[int, int, int]:
    return report.added, report.withdrawn, report.closed


class TestModelsThatGo:
    def test_a_model_keeps_its_price_until_the_release_without_it_and_has_none_after(self):
        release(1, m={"input": 1}, other={"input": 9})
        assert counts(release(2, DAY, other={"input": 9})) == (0, 0, 1)
        assert [cost(at=at) for at in (DAY - HOUR, DAY, DAY + WEEK)] == [1, None, None]

    def test_a_price_that_was_announced_for_later_goes_with_its_model(self):
        soon = [Version(None, DAY + WEEK, said(input=1)), Version(DAY + WEEK, None, said(input=2))]
        release(1, DAY - WEEK, m=soon, other={"input": 9})
        assert release(2, DAY, other={"input": 9}).closed == 1
        assert [cost(at=at) for at in (DAY - HOUR, DAY, DAY + WEEK)] == [1, None, None]

    def test_it_is_closed_once_and_is_not_closed_again_by_every_later_release(self):
        soon = [Version(None, DAY + WEEK, said(input=1)), Version(DAY + WEEK, None, said(input=2))]
        release(1, DAY - WEEK, m=soon, other={"input": 9})
        release(2, DAY, other={"input": 9})
        assert counts(release(3, DAY + HOUR, other={"input": 9})) == (0, 0, 0)
        assert cost(at=DAY + HOUR / 2) is None

    def test_what_has_ended_before_is_not_touched(self):
        old = [Version(None, DAY - WEEK, said(input=1))]
        release(1, DAY - WEEK, m=old, other={"input": 9})
        assert counts(release(2, DAY, other={"input": 9})) == (0, 0, 0)
        assert [cost(at=at) for at in (DAY - WEEK - HOUR, DAY - WEEK)] == [1, None]

    def test_a_model_that_comes_back_has_the_price_it_comes_back_with(self):
        release(1, DAY - WEEK, m={"input": 1}, other={"input": 9})
        release(2, DAY, other={"input": 9})
        release(3, DAY + WEEK, m=[Version(None, DAY, said(input=1)), Version(DAY + WEEK, None, said(input=4))])
        assert [cost(at=DAY + step) for step in (-HOUR, HOUR, WEEK)] == [1, None, 4]

    def test_an_import_is_asked_about_a_removal_once(self):
        soon = [Version(None, DAY + WEEK, said(input=1)), Version(DAY + WEEK, None, said(input=2))]
        both = Catalogue({LineKey("acme", model): soon for model in ("m", "n")})
        one = Catalogue({LineKey("acme", "n"): soon})
        files.load(transfer.write(both, "r1").encode(), DAY - WEEK)
        without = transfer.write(one, "r2").encode()
        with pytest.raises(files.NotAccepted, match="acme m standard is gone"):
            files.load(without, DAY)
        files.load(without, DAY, accept=True)
        report, difference = files.load(without, DAY + HOUR)
        assert not difference.alarming and counts(report) == (0, 0, 0)


class TestPricesThatChange:
    def test_an_announced_price_is_added_and_the_present_one_is_cut_there(self):
        release(1, m={"input": 1})
        soon = [Version(None, DAY + WEEK, said(input=1)), Version(DAY + WEEK, None, said(input=2))]
        assert counts(release(2, m=soon)) == (2, 1, 0)
        assert [cost(at=DAY + step) for step in (HOUR, WEEK)] == [1, 2]

    def test_a_past_that_was_corrected_prices_anew_and_the_old_price_stays_readable(self):
        release(1, m=[Version(None, DAY, said(input=1)), Version(DAY, None, said(input=2))])
        before = books.load(DAY).price(call(M, 0, timestamp=DAY - HOUR))
        report = release(2, m=[Version(None, DAY, said(input=3)), Version(DAY, None, said(input=2))])
        assert counts(report) == (1, 1, 0)  # the present is the same row
        assert cost(at=DAY - HOUR) == 3
        book = books.load(DAY)
        assert book.describe(before.price_version)["release"] == "release 1"
        assert [part.unit_price for part in book.parts(call(M, 0), before)] == [1]

    @pytest.mark.parametrize(
        "changed",
        [
            {"input": 1, "output": 5},
            {"input": "1.000000001", "output": 4},
            {"input": 1, "output": 4, "cache_read": "0.1"},
            {"input": 1, "output": 4, "input_above_100": 2},
            {"output": 4},
        ],
    )
    def test_any_other_component_is_another_price(self, changed):
        release(1, m={"input": 1, "output": 4})
        assert counts(release(2, m=changed)) == (1, 1, 0)

    def test_another_number_of_units_or_another_minimum_is_another_price_too(self):
        for n, component in enumerate((Component("input", Decimal(1)), Component("input", Decimal(1), 1000),
                                       Component("input", Decimal(1), 1000, 0, Decimal(10)))):  # fmt: skip
            assert counts(release(n, m=[Version(None, None, (component,))])) == (1, int(n > 0), 0)

    def test_the_order_of_components_and_a_new_source_are_no_change(self):
        release(1, m={"input": 1, "output": 4})
        assert counts(release(2, m={"output": 4, "input": 1})) == (0, 0, 0)
        said_again = [Version(None, None, said(input=1, output=4), "https://acme.example/prices")]
        assert counts(release(3, m=said_again)) == (0, 0, 0)


class TestNamesAndHours:
    def test_a_name_that_moves_keeps_its_past_in_the_next_release(self):
        release(1, m={"input": 1}, n={"input": 2}, aliases=[Alias("acme", "latest", "m")])
        moved = [Alias("acme", "latest", "m", None, DAY), Alias("acme", "latest", "n", DAY)]
        release(2, m={"input": 1}, n={"input": 2}, aliases=moved)
        assert [cost("latest", at) for at in (DAY - HOUR, DAY)] == [1, 2]
        assert ModelAlias.objects.count() == 2

    def test_a_name_that_means_the_same_is_the_same_row(self):
        release(1, m={"input": 1}, aliases=[Alias("acme", "nick", "m")])
        row = ModelAlias.objects.get()
        release(2, m={"input": 1}, aliases=[Alias("acme", "nick", "m"), Alias("acme", "name", "m")])
        assert ModelAlias.objects.get(name="nick").pk == row.pk
        release(3, m={"input": 1}, aliases=[Alias("acme", "nick", "m", None, DAY)])
        assert ModelAlias.objects.get().valid_until == DAY

    def test_hours_of_the_same_name_are_replaced(self):
        for hours, expected in ((("11:00", "13:00"), 1), (("13:00", "14:00"), 4)):
            spec = ScheduleSpec("busy", "UTC", (hours,), (0, 1, 2, 3, 4), frozenset({"2026-12-24"}))
            catalogue = Catalogue(
                {LineKey("acme", "m"): [Version(None, None, said(input=4))],
                 LineKey("acme", "m", schedule="busy"): [Version(None, None, said(input=1))]}, [], {"busy": spec},
            )  # fmt: skip
            catalogues.store(catalogue, "r", str(hours), DAY)
            assert cost() == expected
        assert PriceSchedule.objects.count() == 1

    def test_a_line_whose_hours_are_not_stored_prices_nothing(self):
        release(1, m={"input": 4})
        line = PriceLine.objects.create(provider="acme", model="m", schedule="gone")
        version = PriceVersion.objects.create(line=line)
        PriceComponent.objects.create(version=version, unit="input", price=Decimal(1), per=M)
        assert cost() == 4


class TestCheck:
    def test_only_the_catalogue_and_only_what_is_in_force_is_counted(self):
        steps = [Version(None, DAY - WEEK, said(input=1)), Version(DAY - WEEK, DAY + WEEK, said(input=2)),
                 Version(DAY + WEEK, None, said(input=3))]  # fmt: skip
        release(1, m=steps, n=[Version(DAY + WEEK, None, said(input=1))], old=[Version(None, DAY, said(input=1))])
        workspace = Workspace.objects.create(name="Larkfield")
        agree.add(workspace, Agreement("acme", "ours-*", said(input=1)), "x")
        found = [commands.inspect(DAY + step) for step in (-WEEK - HOUR, -HOUR, HOUR, WEEK)]
        assert [(check.models, check.prices) for check in found] == [(3, 2), (3, 2), (3, 1), (3, 2)]

    def test_agreements_alone_are_no_catalogue(self):
        agree.add(Workspace.objects.create(name="Larkfield"), Agreement("acme", "m", said(input=1)), "x")
        found = commands.inspect(DAY)
        assert not found.ok and found.summary.startswith("0 models, 0 prices in force, no catalogue. No prices are")


KEYS = st.sampled_from([("m", "standard"), ("m", "batch"), ("n", "standard")])
RELEASES = st.lists(
    st.dictionaries(KEYS, st.lists(st.tuples(st.integers(1, 9), st.integers(1, 3)), min_size=1, max_size=3)),
    min_size=1, max_size=4,
)  # fmt: skip


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RELEASES)
def test_after_any_releases_the_tables_price_as_the_last_one_says_and_nothing_is_lost(releases):
    """Steps of some weeks: (USD, weeks), the last one without an end."""
    with transaction.atomic():
        catalogues.store(Catalogue(), "empty", "empty", DAY)
        stored: set[int] = set()
        for number, models in enumerate(releases):
            lines = {}
            for (model, tier), steps in models.items():
                starts = [None]
                for _, weeks in steps[:-1]:
                    starts.append((starts[-1] or DAY - 10 * WEEK) + weeks * WEEK)
                spans = zip(starts, [*starts[1:], None], steps, strict=True)
                lines[LineKey("acme", model, "", tier)] = [Version(a, b, said(input=usd)) for a, b, (usd, _) in spans]
            catalogues.store(Catalogue(lines), f"r{number}", str(number), DAY + number * HOUR)
            ids = set(PriceVersion.objects.values_list("pk", flat=True))
            assert stored <= ids
            stored = ids
        book = books.load(DAY)
        for week in range(-12, 8):
            at = DAY + week * WEEK + len(releases) * HOUR
            for (model, tier), steps in releases[-1].items():
                end, meant = DAY - 10 * WEEK, steps[0][0]
                for (_, weeks), (usd, _) in pairwise(steps):
                    end += weeks * WEEK
                    meant = usd if at >= end else meant
                assert book.price(call(M, 0, model, timestamp=at, batch=tier == "batch")).cost == meant
        transaction.set_rollback(True)


def test_an_export_tells_the_release_that_was_stored_last():
    assert '"release": "empty"' in files.export()
    release(1, m={"input": 1})
    release(2, m={"input": 1})
    assert '"release": "release 2"' in files.export()
    assert CatalogueRelease.objects.count() == 2
