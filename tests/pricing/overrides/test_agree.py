"""Agreements that are made, replaced and ended: what held before, the audit log, and a catalogue that changes."""

from datetime import UTC, datetime, timedelta

import pytest

from costwatch.accounts.models import AuditEntry
from costwatch.pricing import agree, book
from costwatch.pricing import catalogue as catalogues
from costwatch.pricing.models import PriceBook, PriceVersion
from costwatch.pricing.specs import Catalogue, LineKey, Version
from tests.pricing.overrides.conftest import CHAT, NOW, agreed, cost

pytestmark = pytest.mark.django_db


def test_a_new_agreement_ends_the_old_one_and_what_lasts_longer_goes_on(workspace):
    agreed(workspace, input=5, output=5)
    agreed(workspace, input=6, output=6, valid_from="2026-11-01", valid_until="2026-12-01")
    prices = [cost(workspace, at=datetime(2026, month, 15, tzinfo=UTC)) for month in (10, 11, 12)]
    assert prices == [5, 6, 5]
    assert agree.agreed(workspace).count() == 3


def test_what_held_stays_explainable_when_it_is_replaced_or_ended(workspace):
    first = agreed(workspace, input=5, output=5)
    agreed(workspace, input=6, output=6)
    assert book.fresh().describe(first.pk)["override"] is True
    first.refresh_from_db()
    assert first.withdrawn_at is not None


def test_an_agreement_can_be_ended_once(workspace):
    version = agreed(workspace, input=1, output=1)
    assert agree.end(version, NOW, "ek@l.example")
    assert not agree.end(version, NOW, "ek@l.example")
    assert (cost(workspace, at=NOW - timedelta(seconds=1)), cost(workspace)) == (1, 2)


def test_the_audit_log_says_who_what_and_why(workspace):
    agreed(workspace, input=1, output="4.50", source="Quote of 17 Nov")
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.facts["why"]) == ("ek@l.example", "price.added", "Quote of 17 Nov")
    assert entry.facts["price"] == "input $1 per 1M, output $4.5 per 1M"


def test_every_change_makes_the_processes_read_the_book_anew(workspace):
    before = PriceBook.objects.values_list("revision", flat=True).first() or 0
    version = agreed(workspace, input=1, output=1)
    agree.end(version, NOW, "x")
    assert PriceBook.objects.get().revision == before + 2


def test_a_sync_of_the_catalogue_leaves_agreements_alone(workspace):
    agreed(workspace, input=1, output=1)
    catalogues.store(Catalogue({}, []), "empty", "2", NOW)
    assert agree.agreed(workspace).get().valid_until is None
    catalogues.store(Catalogue({LineKey("acme", "large"): [Version(None, None, CHAT)]}, []), "again", "3", NOW)
    assert PriceVersion.objects.filter(line__workspace=workspace).count() == 1
