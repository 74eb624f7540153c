"""Agreements over time: the last one made holds where it was made for, every other moment keeps what it had."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costwatch.accounts.models import AuditEntry, Workspace
from costwatch.pricing import agree, book
from costwatch.pricing.agreements import Agreement
from costwatch.pricing.models import PriceBook, PriceComponent, PriceLine, PriceVersion, TrustedReporter
from costwatch.pricing.pricelist import read
from costwatch.pricing.specs import Component
from costwatch.pricing.usage import Usage

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 20
EVER = (-1, DAYS)  # before and after all days that are looked at


@pytest.fixture
def workspace():
    return Workspace.objects.create(name="Larkfield")


@pytest.fixture(autouse=True)
def fresh_book():
    book.forget()
    yield
    book.forget()


def day(number: int) -> datetime | None:
    return None if number in EVER else FIRST + timedelta(days=number)


def priced(usd: int, start=-1, end=DAYS, model="m", **more) -> Agreement:
    components = (Component("input", Decimal(usd)), Component("output", Decimal(usd)))
    return Agreement("acme", model, components, start=day(start), end=day(end), **more)


def costs(workspace, **fields) -> list[Decimal | None]:
    """What a million tokens cost on each day."""
    prices = book.fresh().for_workspace(workspace.pk)
    moments = [FIRST + timedelta(days=number, hours=12) for number in range(DAYS)]
    calls = [
        Usage(**{"model": "m", "provider": "acme", "timestamp": at, "input_tokens": 10**6, "output_tokens": 0} | fields)
        for at in moments
    ]
    return [told.cost for told in prices.price_many(calls)]


SPANS = st.tuples(st.integers(-1, DAYS - 1), st.integers(0, DAYS)).map(sorted).filter(lambda pair: pair[0] < pair[1])


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SPANS, min_size=1, max_size=6))
def test_every_day_has_the_price_that_was_agreed_on_last_for_it(workspace, spans):
    PriceVersion.objects.all().delete()
    painted: list[int | None] = [None] * DAYS
    for usd, (start, end) in enumerate(spans, 1):
        agree.add(workspace, priced(usd, start, end), "x")
        painted[max(start, 0) : end] = [usd] * (end - max(start, 0))
    assert costs(workspace) == painted
    rows = agree.agreed(workspace).order_by("valid_from")
    ordered = sorted(rows, key=lambda row: row.valid_from or FIRST - timedelta(days=1))
    assert all(a.valid_until is not None and a.valid_until <= b.valid_from for a, b in pairwise(ordered))
    assert all(agree.agreement_of(row).components[0].unit == "input" for row in rows)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SPANS, min_size=1, max_size=4), st.integers(0, DAYS), st.data())
def test_an_agreement_that_is_ended_leaves_its_time_after_that_without_a_price(workspace, spans, at, data):
    PriceVersion.objects.all().delete()
    for usd, (start, end) in enumerate(spans, 1):
        agree.add(workspace, priced(usd, start, end), "x")
    before = costs(workspace)
    row = data.draw(st.sampled_from(list(agree.agreed(workspace))))
    first = row.valid_from or FIRST
    last = row.valid_until or FIRST + timedelta(days=DAYS)
    moment = FIRST + timedelta(days=at)
    changed = agree.end(row, moment, "x")
    assert changed == (row.valid_until is None or row.valid_until > moment)
    after = costs(workspace)
    for number in range(DAYS):
        noon = FIRST + timedelta(days=number, hours=12)
        ended = changed and first <= noon < last and noon >= moment
        assert after[number] == (None if ended else before[number])


def test_the_piece_that_goes_on_says_the_same_as_the_one_that_was_cut(workspace):
    steps = (Component("input", Decimal(1)), Component("input", Decimal(2), threshold=500),
             Component("web_search", Decimal("0.01"), 1))  # fmt: skip
    agree.add(workspace, Agreement("acme", "m", steps, source="Contract 7"), "x")
    agree.add(workspace, Agreement("acme", "n", (), Decimal("0.9"), variant="", source="Contract 8"), "x")
    for model, variant in (("m", "standard"), ("n", "")):
        agree.add(workspace, priced(5, 3, 6, model, variant=variant), "x")
    first, last = (
        agree.agreement_of(agree.agreed(workspace).get(line__model="m", **at))
        for at in ({"valid_from": None}, {"valid_from": day(6)})
    )  # fmt: skip
    assert set(first.components) == set(last.components) == set(steps)
    assert (first.end, last.start, last.end, last.source) == (day(3), day(6), None, "Contract 7")
    rest = agree.agreement_of(agree.agreed(workspace).get(line__model="n", valid_from=day(6)))
    assert (rest.multiplier, rest.components, rest.source) == (Decimal("0.9"), (), "Contract 8")


@pytest.mark.parametrize(
    "other", [{"model": "n"}, {"variant": "batch"}, {"region": "eu"}, {"provider": "globex"}, {"provider": ""}]
)
def test_an_agreement_ends_no_other_one_of_another_model_tier_region_or_provider(workspace, other):
    agree.add(workspace, priced(1), "x")
    fields = {"provider": "acme", "model": "m", "components": (Component("input", Decimal(9)),)} | other
    agree.add(workspace, Agreement(**fields), "x")
    assert agree.agreed(workspace).filter(valid_until=None).count() == 2
    assert costs(workspace)[0] == 1


def test_two_workspaces_agree_each_for_itself(workspace):
    other = Workspace.objects.create(name="Elsewhere")
    agree.add(workspace, priced(1), "x")
    agree.add(other, priced(2), "x")
    agree.end(agree.agreed(other).get(), FIRST + timedelta(days=1), "x")
    assert set(costs(workspace)) == {1}
    assert costs(other)[:2] == [2, None]
    assert [row.line.workspace_id for row in agree.agreed(workspace)] == [workspace.pk]


def test_what_was_never_in_force_is_withdrawn_when_it_is_ended(workspace):
    row = agree.add(workspace, priced(1, 10), "x")
    assert agree.end(row, FIRST, "x")
    assert not agree.agreed(workspace).exists()
    assert not agree.end(row, FIRST, "x")
    assert book.fresh().describe(row.pk)["model"] == "m"  # still explained where an event names it


def test_the_moment_it_begins_an_agreement_can_still_be_withdrawn(workspace):
    row = agree.add(workspace, priced(1, 10), "x")
    agree.end(row, day(10), "x")
    row.refresh_from_db()
    assert row.withdrawn_at is not None and row.valid_until is None


def test_an_end_that_is_later_than_the_agreed_one_changes_nothing(workspace):
    row = agree.add(workspace, priced(1, 0, 5), "x")
    assert not agree.end(row, day(5), "x") and not agree.end(row, day(9), "x")
    assert agree.end(row, day(4), "x")
    assert AuditEntry.objects.filter(action="price.ended").count() == 1


def test_a_price_of_the_catalogue_cannot_be_ended_by_a_workspace():
    line = PriceLine.objects.create(provider="acme", model="m")
    row = PriceVersion.objects.create(line=line)
    with pytest.raises(ValueError, match="not the workspace's"):
        agree.end(row, FIRST, "x")
    row.refresh_from_db()
    assert row.valid_until is None


def test_exactly_the_same_is_known_as_held_and_anything_else_is_not(workspace):
    agree.add(workspace, priced(1, 2, 5), "x")
    assert agree.holds(workspace, priced(1, 2, 5)) and agree.holds(workspace, priced(1, 2, 5, source="why"))
    for other in (priced(2, 2, 5), priced(1, 3, 5), priced(1, 2, 6), priced(1, 2), priced(1, 2, 5, "n"),
                  priced(1, 2, 5, variant="batch"), priced(1, 2, 5, region="eu"),
                  Agreement("acme", "m", (), Decimal("0.5"), start=day(2), end=day(5))):  # fmt: skip
        assert not agree.holds(workspace, other)


def test_a_discount_and_a_gift_are_not_the_same(workspace):
    agree.add(workspace, Agreement("acme", "m", variant=""), "x")
    assert agree.holds(workspace, Agreement("acme", "m", variant=""))
    assert not agree.holds(workspace, Agreement("acme", "m", (), Decimal(0), variant=""))


def test_trust_is_said_once_and_taken_back_once(workspace):
    for trusted in (True, True):
        agree.trust(workspace, "acme", trusted, "x")
    assert TrustedReporter.objects.count() == 1
    assert costs(workspace, reported_cost=Decimal(3))[0] == 3
    for trusted in (False, False):
        agree.trust(workspace, "acme", trusted, "x")
    assert not TrustedReporter.objects.exists()
    assert costs(workspace, reported_cost=Decimal(3))[0] is None
    assert AuditEntry.objects.filter(action="price.trust").count() == 4


def test_the_trust_of_one_workspace_is_none_of_another(workspace):
    agree.trust(workspace, "acme", True, "x")
    other = Workspace.objects.create(name="Elsewhere")
    assert costs(other, reported_cost=Decimal(3))[0] is None


def test_what_is_tried_out_is_seen_by_nobody_else(workspace):
    agree.add(workspace, priced(1), "x")
    prices = book.fresh()
    call = Usage(model="m", provider="acme", timestamp=FIRST, input_tokens=10**6, output_tokens=0)
    tried = prices.trying(workspace.pk, priced(7)).price(call)
    assert (tried.cost, tried.price_version) == (7, book.UNSTORED)
    assert prices.for_workspace(workspace.pk).price(call).cost == 1
    assert prices.trying(workspace.pk + 1, priced(7)).price(call).cost == 7
    assert prices.for_workspace(workspace.pk + 1) is prices
    assert PriceVersion.objects.count() == 1


def test_a_change_that_fails_leaves_the_revision_and_the_prices_as_they_were(workspace):
    agree.add(workspace, priced(1), "x")
    revision = PriceBook.objects.get().revision
    with pytest.raises(ZeroDivisionError), agree.changing_the_book():
        PriceComponent.objects.all().delete()
        raise ZeroDivisionError
    assert PriceBook.objects.get().revision == revision
    assert costs(workspace)[0] == 1


def test_a_whole_list_is_one_revision_and_an_unchanged_one_is_audited(workspace):
    prices, _ = read("model,provider,input,output\nm,acme,1,1\nn,acme,2,2\n", UTC)
    before = PriceBook.objects.values_list("revision", flat=True).first() or 0
    assert agree.add_all(workspace, prices, "x", "list") == 2
    assert PriceBook.objects.get().revision == before + 1
    assert agree.add_all(workspace, prices, "x", "list") == 0
    assert [e.facts["changed"] for e in AuditEntry.objects.filter(action="price.list").order_by("pk")] == [2, 0]


def test_the_audit_log_tells_dates_tier_and_reason(workspace):
    agree.add(workspace, priced(1, 2, 5, variant="", source="Contract 7"), "ek@l.example", "10.0.0.1")
    agree.add(workspace, priced(1, model="n"), "ek@l.example")
    first, second = AuditEntry.objects.filter(action="price.added").order_by("pk")
    assert first.facts == {
        "price": "input $1 per 1M, output $1 per 1M", "tier": "every", "from": "2026-01-03T00:00:00+00:00",
        "until": "2026-01-06T00:00:00+00:00", "why": "Contract 7",
    }  # fmt: skip
    assert (second.facts["from"], second.facts["until"], second.facts["tier"]) == (
        "ever", "further notice", "standard",
    )  # fmt: skip


def test_thousands_of_agreements_are_compiled_with_a_handful_of_queries(workspace, django_assert_max_num_queries):
    lines = PriceLine.objects.bulk_create(
        PriceLine(workspace=workspace, provider="acme", model=f"m{n}", variant="") for n in range(2000)
    )
    PriceVersion.objects.bulk_create(PriceVersion(line=line, multiplier=Decimal("0.5")) for line in lines)
    with django_assert_max_num_queries(6):
        compiled = book.load(FIRST)
    assert len(compiled.for_workspace(workspace.pk)._versions) == 2000
