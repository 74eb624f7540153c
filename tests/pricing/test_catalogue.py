"""The price tables: filled from the installed catalogue, corrected without forgetting, never two prices at once."""

import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from costwatch.pricing import book as books
from costwatch.pricing import catalogue as catalogues
from costwatch.pricing.models import ModelAlias, PriceBook, PriceComponent, PriceLine, PriceVersion
from costwatch.pricing.specs import Alias, Catalogue, Component, LineKey, Version
from costwatch.pricing.usage import CostSource, Usage

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
DAY = datetime(2026, 11, 1, tzinfo=UTC)
CHAT = (Component("input", Decimal(2)), Component("output", Decimal(8)))


@pytest.fixture(autouse=True)
def fresh_book():
    books.forget()
    yield
    books.forget()


def store(*versions: Version, model: str = "m", digest: str = "1", aliases: tuple[Alias, ...] = ()):
    catalogue = Catalogue({LineKey("acme", model): list(versions)}, list(aliases))
    with transaction.atomic():
        return catalogues.store(catalogue, f"release {digest}", digest, DAY)


def usage(model: str = "m", **counts) -> Usage:
    counts = {"input_tokens": 1_000_000, "output_tokens": 0, "timestamp": DAY, "provider": "acme", **counts}
    return Usage(model=model, **counts)


def test_the_installed_catalogue_is_stored_and_priced_from():
    report = catalogues.sync()
    assert report.changed and report.models > 2300 and report.added > 3000
    priced = books.current().price(usage("gpt-4.1", provider="openai", output_tokens=1_000_000))
    assert (priced.cost, priced.source) == (Decimal(10), CostSource.CATALOG)
    described = books.current().describe(priced.price_version)
    assert described["model"] == "gpt-4.1" and described["release"] == report.release


def test_a_second_sync_of_the_same_release_changes_nothing():
    catalogues.sync()
    ids = set(PriceVersion.objects.values_list("pk", flat=True))
    again = catalogues.sync()
    assert not again.changed and "up to date" in again.summary
    assert set(PriceVersion.objects.values_list("pk", flat=True)) == ids


def test_a_sync_after_a_change_of_digest_keeps_the_ids_of_equal_prices():
    catalogues.sync()
    ids = set(PriceVersion.objects.values_list("pk", flat=True))
    PriceBook.objects.update(digest="older")
    report = catalogues.sync()
    assert (report.added, report.withdrawn, report.closed) == (0, 0, 0)
    assert set(PriceVersion.objects.values_list("pk", flat=True)) == ids


def test_the_first_sync_is_quick_and_the_next_one_takes_no_time():
    begin = time.perf_counter()
    catalogues.sync()
    first = time.perf_counter() - begin
    begin = time.perf_counter()
    catalogues.sync()
    assert first < 20 and time.perf_counter() - begin < first / 5


def test_a_corrected_price_withdraws_the_old_one_which_stays_explainable():
    store(Version(None, None, CHAT))
    old = books.load(DAY).price(usage())
    dearer = (Component("input", Decimal(3)), Component("output", Decimal(8)))
    report = store(Version(None, None, dearer), digest="2")
    book = books.load(DAY)
    assert (report.added, report.withdrawn) == (1, 1)
    assert book.price(usage()).cost == 3
    assert book.describe(old.price_version)["release"] == "release 1"
    assert book.parts(usage(), old)[0].unit_price == 2


def test_a_model_that_the_catalogue_drops_is_closed_not_deleted():
    store(Version(None, None, CHAT))
    report = store(Version(None, None, CHAT), model="other", digest="2")
    assert report.closed == 1
    book = books.load(DAY)
    assert book.price(usage(timestamp=DAY - timedelta(days=1))).cost == 2
    assert book.price(usage(timestamp=DAY + timedelta(days=1))).source is CostSource.UNPRICED


def test_a_closed_model_can_come_back():
    store(Version(None, None, CHAT))
    store(Version(None, None, CHAT), model="other", digest="2")
    store(Version(None, None, CHAT), digest="3")
    assert books.load(DAY).price(usage(timestamp=DAY + timedelta(days=1))).cost == 2


def test_aliases_follow_the_catalogue():
    store(Version(None, None, CHAT), aliases=(Alias("acme", "nick", "m"),))
    assert books.load(DAY).price(usage("nick")).cost == 2
    store(Version(None, None, CHAT), digest="2")
    assert not ModelAlias.objects.exists()
    assert books.load(DAY).price(usage("nick")).source is CostSource.UNPRICED


def test_an_alias_can_mean_another_model_from_a_day_on():
    cheap, dear = Version(None, None, CHAT), Version(None, None, (Component("input", Decimal(5)),))
    catalogue = Catalogue(
        {LineKey("acme", "one"): [cheap], LineKey("acme", "two"): [dear]},
        [Alias("acme", "latest", "one", None, DAY), Alias("acme", "latest", "two", DAY, None)],
    )
    catalogues.store(catalogue, "r", "1", DAY)
    book = books.load(DAY)
    assert book.price(usage("latest", timestamp=DAY - timedelta(seconds=1))).cost == 2
    assert book.price(usage("latest", timestamp=DAY)).cost == 5


def test_two_prices_of_a_line_cannot_overlap_in_time():
    store(Version(None, DAY, CHAT), Version(DAY, None, CHAT))
    line = PriceLine.objects.get()
    with pytest.raises(IntegrityError, match="price_version_no_overlap"), transaction.atomic():
        PriceVersion.objects.create(line=line, valid_from=DAY + timedelta(days=1), valid_until=None)


def test_prices_of_different_lines_may_overlap():
    store(Version(None, None, CHAT))
    other = PriceLine.objects.create(provider="acme", model="m", variant="batch")
    PriceVersion.objects.create(line=other)
    assert PriceVersion.objects.count() == 2


def test_a_version_must_last_and_a_price_cannot_be_negative():
    line = PriceLine.objects.create(provider="acme", model="m")
    with pytest.raises(IntegrityError, match=r"price_version_lasts|range lower bound"), transaction.atomic():
        PriceVersion.objects.create(line=line, valid_from=DAY, valid_until=DAY)
    version = PriceVersion.objects.create(line=line)
    with pytest.raises(IntegrityError, match="price_component_positive"), transaction.atomic():
        PriceComponent.objects.create(version=version, unit="input", price=Decimal(-1), per=1)


@pytest.mark.django_db(transaction=True)
def test_of_many_writers_at_once_only_one_gets_a_price_into_the_same_time():
    line = PriceLine.objects.create(provider="acme", model="raced")
    barrier = threading.Barrier(4)
    outcomes: list[str] = []

    def write(day: int) -> None:
        try:
            barrier.wait(10)
            PriceVersion.objects.create(line=line, valid_from=DAY + timedelta(days=day))
            outcomes.append("stored")
        except IntegrityError:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(day,)) for day in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["refused"] * 3 + ["stored"]


@pytest.mark.django_db(transaction=True)
def test_two_syncs_at_once_store_the_release_once():
    reports = []

    def run() -> None:
        try:
            reports.append(catalogues.sync())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(report.changed for report in reports) == [False, True]
    assert PriceBook.objects.get().revision == 1


def test_the_book_is_read_again_only_when_the_stored_one_changed(django_assert_num_queries, monkeypatch):
    store(Version(None, None, CHAT))
    PriceBook.objects.create(pk=1, revision=1)
    first = books.current()
    with django_assert_num_queries(0):
        assert books.current() is first
    monkeypatch.setattr(books, "LOOK_EVERY", 0)
    with django_assert_num_queries(1):
        assert books.current() is first
    PriceBook.objects.update(revision=2)
    assert books.current() is not first


def test_the_tables_price_every_known_model_as_the_catalogue_itself_does(book):
    catalogues.sync()
    stored = books.load(DAY)
    assert stored.models == book.models
    for model, provider in (("gpt-5.5", "openai"), ("claude-opus-4-6", "anthropic"), ("deepseek-v4-flash", "deepseek")):
        for hours in range(0, 9000, 97):
            call = usage(model, provider=provider, input_tokens=250_000, timestamp=DAY - timedelta(hours=hours))
            assert stored.price(call).cost == book.price(call).cost
