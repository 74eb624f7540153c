"""The inbox of models without a price, as a browser without scripts gets it."""

import csv
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO

import pytest
from django.utils import timezone

from costwatch.accounts.models import AuditEntry, Workspace
from costwatch.dashboards import unpriced
from costwatch.ledger import months
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import ClosedMonth, Cut, SpendAdjustment, SpendDay
from costwatch.ledger.record import record
from costwatch.ledger.verify import verify
from costwatch.pricing import agree, book
from costwatch.pricing import catalogue as catalogues
from costwatch.pricing.models import RepriceOrder
from costwatch.pricing.specs import Catalogue, LineKey, Version
from tests.dashboards.prices.conftest import PRICE, browser, chat, text, work
from tests.ledger.make import entry

pytestmark = pytest.mark.django_db


class TestUnpriced:
    def test_every_model_without_a_price_is_listed_with_what_it_costs_at_most(self, viewer, calls):
        page = text(viewer.get("/unpriced"))
        assert "acme-large-2" in page and "≤ $19.60" in page and "2 calls" in page
        assert "Tue 17 Nov 2026" in page and "Ask an admin" in page

    def test_the_list_is_a_file_too(self, viewer, workspace, calls):
        record(workspace.lane, [entry("more", model="=odd", provider="acme", cost=None, upper_bound=Decimal("0.5"))])
        fold_all()
        assert 'href="/unpriced.csv"' in text(viewer.get("/unpriced"))
        first, odd = csv.DictReader(StringIO(text(viewer.get("/unpriced.csv"))))
        assert (first["model"], first["provider"], first["task"]) == ("acme-large-2", "acme", "report")
        assert (first["unpriced_calls"], first["tokens"]) == ("2", "2200000")
        assert Decimal(first["at_most_usd"]) == Decimal("19.6")
        assert (first["first_day"], first["last_day"]) == ("2026-11-17", "2026-11-18")
        assert odd["model"] == "'=odd"

    def test_the_rail_counts_the_models(self, viewer, calls):
        assert 'title="1 model without a price">1<' in text(viewer.get("/prices"))

    def test_the_form_begins_with_the_price_of_the_model_most_alike(self, admin, calls):
        page = text(admin.get("/unpriced"))
        assert 'filled in from <b class="c-ink mono">acme-large</b>' in page
        assert 'name="input" value="4"' in page and 'name="output" value="16"' in page and 'value="2026-11-17"' in page

    @pytest.mark.parametrize(("model", "suggested"), [
        ("gemini-3.6-pro-preview-11", "gemini-2.5-pro"), ("gemini-3.6-flash-lite-001", "gemini-3.1-flash-lite"),
        ("gemini-3.6-flash-001", "gemini-3.6-flash"), ("gemini-3.6-turbo", "gemini-3.6-flash"), ("gemma-3-pro", ""),
    ])  # fmt: skip
    def test_a_model_of_the_same_tier_goes_before_one_with_a_name_more_alike(self, workspace, model, suggested):
        names = ("gemini-3.6-flash", "gemini-3.1-flash-lite", "gemini-2.5-pro")
        lines = {LineKey("google", name): [Version(None, None, chat(1, 2))] for name in names}
        catalogues.store(Catalogue(lines, []), "prices 2", "2", timezone.now())
        today = date(2026, 11, 17)
        item = unpriced.Unpriced(model, "google", "", 1, 1, Decimal(1), today, today)
        assert unpriced.suggestion(item)[0] == suggested

    def test_the_preview_says_what_the_calls_would_cost_and_changes_nothing(self, admin, calls):
        page = text(admin.get("/unpriced", {"model": "acme-large-2", **PRICE}))
        # 1.5 M input at 4, 0.5 M cached at 0.40, 0.2 M output at 18
        assert "2 of 2 match this price" in page and "+$9.80" in page
        assert "$6.0000" in page and "$0.2000" in page and "$3.6000" in page
        assert "Tue 17 Nov 2026" in page and "Wed 18 Nov 2026" in page and "$8.80" in page
        assert not SpendAdjustment.objects.exists()

    def test_a_wrong_price_is_said_in_the_preview(self, admin, calls):
        assert "is no price" in text(admin.get("/unpriced", {"model": "acme-large-2", **PRICE, "input": "x"}))

    def test_nothing_written_is_asked_for_in_the_words_of_the_form(self, admin, calls):
        nothing = {"model": "acme-large-2", "input": "", "output": "", "cached_input": ""}
        page = text(admin.post("/unpriced/save", {**nothing, "reprice": "1"}, follow=True))
        assert "Write at least one price, or mark the model as free." in page

    def test_output_without_a_price_is_pointed_at_and_costs_nothing_only_if_that_is_written(self, admin, calls):
        asked = {"model": "acme-large-2", **PRICE}
        page = text(admin.get("/unpriced", {**asked, "output": ""}))
        assert "0 of 2 match this price" in page and "write 0 where it costs nothing" in page
        page = text(admin.get("/unpriced", {**asked, "output": "0"}))
        assert "2 of 2 match this price" in page and "stays without a price" not in page

    def test_without_scripts_the_preview_has_an_address_to_pass_on_without_secrets(self, admin, workspace, calls):
        asked = {"model": "acme-large-2", **PRICE, "csrfmiddlewaretoken": "s" * 64, "preview": "1"}
        answer = admin.post("/unpriced/save", asked)
        assert answer.status_code == 302 and "csrf" not in answer["Location"]
        assert "2 of 2 match this price" in text(admin.get(answer["Location"]))
        assert not agree.agreed(workspace).exists()

    def test_for_htmx_the_preview_comes_alone(self, admin, calls):
        headers = {"HX-Request": "true", "HX-Target": "preview"}
        page = text(admin.get("/unpriced", {"model": "acme-large-2", **PRICE}, headers=headers))
        assert page.lstrip().startswith("<section") and "<html" not in page

    def test_saving_prices_past_and_future_calls_and_the_books_balance(self, admin, workspace, calls):
        fields = {"model": "acme-large-2", **PRICE, "source": "Quote of 17 Nov, J. Ek", "reprice": "1"}
        answer = admin.post("/unpriced/save", fields)
        order = RepriceOrder.objects.get()
        assert answer["Location"] == f"/prices/reprice/{order.pk}"
        work()
        fold_all()
        assert verify(deep=True).ok
        assert sum(row.cost for row in SpendDay.objects.filter(cut=Cut.TOTAL)) == Decimal("12.8")
        assert "Every call has a price" in text(admin.get("/unpriced"))
        assert "Applied" in text(admin.get(answer["Location"]))
        facts = AuditEntry.objects.get(action="price.added").facts
        assert facts["why"] == "Quote of 17 Nov, J. Ek"

    def test_what_is_repriced_in_a_closed_month_is_said_to_count_in_the_open_one(self, admin, workspace, calls):
        months.close(workspace, date(2026, 11, 1), "Ada", datetime(2026, 12, 2, tzinfo=UTC))
        ClosedMonth.objects.update(closed_at=datetime(2026, 11, 18, tzinfo=UTC))
        fields = {"model": "acme-large-2", **PRICE, "source": "Quote of 17 Nov", "reprice": "1"}
        page = admin.post("/unpriced/save", fields)["Location"]
        work()
        assert "+$9.80</b> counts on 1 December 2026: the months before are closed." in text(admin.get(page))
        assert verify(deep=True).ok

    def test_a_month_closed_later_does_not_move_what_was_repriced_before(self, admin, workspace, calls):
        page = admin.post("/unpriced/save", {"model": "acme-large-2", **PRICE, "reprice": "1"})["Location"]
        work()
        months.close(workspace, date(2026, 11, 1), "Ada", datetime(2027, 1, 2, tzinfo=UTC))
        assert "months before are closed" not in text(admin.get(page))

    def test_before_the_first_call_nothing_is_said_to_have_a_price(self, admin):
        page = text(admin.get("/unpriced"))
        assert "No calls have been sent yet" in page and "Every call has a price" not in page

    def test_a_price_for_new_calls_only_leaves_the_past_unpriced(self, admin, workspace, calls):
        admin.post("/unpriced/save", {"model": "acme-large-2", **PRICE, "future": "1"})
        assert agree.agreed(workspace).count() == 1 and not RepriceOrder.objects.exists()

    def test_a_pattern_can_be_meant(self, admin, workspace, calls):
        admin.post("/unpriced/save", {"model": "acme-large-2", **PRICE, "match": "pattern"})
        assert agree.agreed(workspace).get().line.model == "acme-large-*"

    def test_free_is_a_price_too(self, admin, workspace, calls):
        admin.post("/unpriced/save", {"model": "acme-large-2", **PRICE, "free": "yes"})
        work()
        fold_all()
        assert "Every call has a price" in text(admin.get("/unpriced"))
        assert [a.cost for a in SpendAdjustment.objects.all()] == [0, 0]

    def test_a_wrong_price_is_not_saved(self, admin, workspace, calls):
        page = text(admin.post("/unpriced/save", {"model": "acme-large-2", **PRICE, "output": "-1"}, follow=True))
        assert "output must be an amount" in page and not agree.agreed(workspace).exists()

    def test_a_model_that_was_priced_meanwhile_is_said_to_be(self, admin):
        assert "has a price by now" in text(admin.post("/unpriced/save", {"model": "gone"}, follow=True))

    def test_a_price_that_arrives_with_the_catalogue_is_offered_and_applied_after_a_word(self, admin, workspace, calls):
        assert "has a price for this model by now" not in text(admin.get("/unpriced"))
        lines = {LineKey("acme", "acme-large-2"): [Version(None, None, chat(4, 16))]}
        catalogues.store(Catalogue(lines, []), "acme-prices 2", "2", timezone.now())
        book.forget()
        page = text(admin.get("/unpriced"))
        assert "has a price for this model by now" in page
        fields = dict(re.findall(r'type="hidden" name="(from|to|model|reason)" value="([^"]*)"', page))
        address = admin.post("/prices/reprice/place", fields)["Location"]
        work()
        assert "2</b> of 2 calls had no price" in text(admin.get(address))
        admin.post(f"{address}/confirm")
        work()
        fold_all()
        assert "Every call has a price" in text(admin.get("/unpriced"))

    def test_a_repriced_call_says_what_it_was_recorded_as(self, admin, workspace, calls):
        admin.post("/unpriced/save", {"model": "acme-large-2", **PRICE, "source": "Quote 7", "reprice": "1"})
        work()
        page = text(admin.get("/calls/one"))
        assert "unpriced; repriced: Quote 7" in page and "from a price of this workspace" in page

    def test_a_viewer_sets_no_price(self, viewer, calls):
        assert viewer.post("/unpriced/save", {"model": "acme-large-2", **PRICE}).status_code == 403

    def test_more_calls_than_one_waits_for_are_counted_and_asked_about(self, admin, calls, monkeypatch):
        monkeypatch.setattr(unpriced, "MOST_PREVIEWED", 1)
        assert "too many to price while you wait" in text(admin.get("/unpriced"))
        admin.post("/unpriced/save", {"model": "acme-large-2", **PRICE, "reprice": "1"})
        assert RepriceOrder.objects.get().state == "counting"

    def test_another_workspace_has_an_inbox_of_its_own(self, calls):
        other = browser(Workspace.objects.create(name="Elsewhere"), "owner")
        assert "acme-large-2" not in text(other.get("/unpriced", {"model": "acme-large-2"}))


def test_a_model_whose_calls_may_cost_nothing_at_most_stands_in_the_inbox(admin, workspace):
    record(workspace.lane, [entry(model="acme-new", provider="acme", cost=None, upper_bound=Decimal(0))])
    fold_all()
    (item,) = unpriced.inbox(workspace)
    assert (item.model, item.at_most) == ("acme-new", Decimal(0))
    assert "acme-new" in text(admin.get("/unpriced"))
