"""Many at once at the stored prices: agreements made together, a book read by many threads while it changes."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from costwatch.accounts.models import AuditEntry, Workspace
from costwatch.pricing import agree, book
from costwatch.pricing.agreements import Agreement
from costwatch.pricing.models import PriceBook, PriceVersion
from costwatch.pricing.specs import Component
from costwatch.pricing.usage import Usage
from tests.at_once import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.thorough]
NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def fresh_book():
    book.forget()
    yield
    book.forget()


def priced(usd: int) -> Agreement:
    return Agreement("acme", "m", (Component("input", Decimal(usd)), Component("output", Decimal(usd))))


def cost(workspace: Workspace, prices: book.StoredBook) -> Decimal | None:
    call = Usage(model="m", provider="acme", timestamp=NOW, input_tokens=10**6, output_tokens=0)
    return prices.for_workspace(workspace.pk).price(call).cost


def test_of_agreements_made_at_once_the_last_one_holds_and_each_is_in_the_log():
    workspace = Workspace.objects.create(name="Larkfield")
    at_once([lambda usd=usd: agree.add(workspace, priced(usd), f"{usd}@l.example") for usd in (1, 2, 3, 4)])
    held = agree.agreed(workspace).get()
    assert cost(workspace, book.fresh()) == held.components.first().price
    assert PriceVersion.objects.exclude(withdrawn_at=None).count() == 3
    last = AuditEntry.objects.filter(action="price.added").order_by("pk").last()
    assert last.actor == f"{int(held.components.first().price)}@l.example"
    assert PriceBook.objects.get().revision == 4


def test_an_agreement_that_two_people_end_at_once_ends_once():
    workspace = Workspace.objects.create(name="Larkfield")
    version = agree.add(workspace, priced(1), "x")
    ended: list[bool] = []
    at_once([lambda: ended.append(agree.end(version, NOW, "x")) for _ in range(3)])
    assert sorted(ended) == [False, False, True]
    assert AuditEntry.objects.filter(action="price.ended").count() == 1


def test_everyone_who_reads_afresh_sees_what_was_committed_before():
    workspace = Workspace.objects.create(name="Larkfield")
    seen: list[Decimal | None] = []
    for usd in (1, 2):
        agree.add(workspace, priced(usd), "x")
        at_once([lambda: seen.append(cost(workspace, book.fresh())) for _ in range(4)])
    assert seen == [1] * 4 + [2] * 4


def test_a_book_in_hand_goes_on_saying_what_it_said():
    workspace = Workspace.objects.create(name="Larkfield")
    agree.add(workspace, priced(1), "x")
    before = book.fresh()
    agree.add(workspace, priced(2), "x")
    assert (cost(workspace, before), cost(workspace, book.fresh())) == (1, 2)
