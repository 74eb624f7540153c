"""The pages of prices, as a browser without scripts gets them."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from costwatch.accounts.models import AuditEntry, Member, Workspace
from costwatch.dashboards import unpriced
from costwatch.ledger import months, orders
from costwatch.ledger.fold import fold_all
from costwatch.ledger.models import ClosedMonth, Cut, SpendAdjustment, SpendDay
from costwatch.ledger.record import record
from costwatch.ledger.verify import verify
from costwatch.pricing import agree, book
from costwatch.pricing import catalogue as catalogues
from costwatch.pricing.models import CatalogueRelease, RepriceOrder
from costwatch.pricing.specs import Catalogue, Component, LineKey, Version
from tests.ledger.make import entry

pytestmark = pytest.mark.django_db
CHANGE = datetime(2026, 10, 1, tzinfo=UTC)
PRICE = {"input": "4.00", "cached_input": "0.40", "output": "18", "valid_from": "2026-11-17", "match": "exact"}


def chat(usd_in, usd_out, *more):
    return (Component("input", Decimal(usd_in)), Component("output", Decimal(usd_out)), *more)


@pytest.fixture(autouse=True)
def catalogue(db, monkeypatch):
    monkeypatch.setattr(book, "LOOK_EVERY", 0.001)
    search = Component("web_search", Decimal(10), 1000)
    above = Component("input", Decimal(9), threshold=200_000)
    lines = {
        LineKey("acme", "acme-large"): [
            Version(None, CHANGE, chat(5, 20)),
            Version(CHANGE, None, chat(4, 16, Component("cache_read", Decimal("0.4")), search, above)),
        ],
        LineKey("acme", "acme-large", "", "batch"): [Version(None, None, chat(2, 8))],
        LineKey("globex", "small"): [Version(None, None, chat("0.15", "0.6"))],
    }
    catalogues.store(Catalogue(lines, []), "acme-prices 1", "1", timezone.now())
    book.forget()
    yield
    book.forget()


@pytest.fixture
def workspace() -> Workspace:
    return Workspace.objects.create(name="Larkfield", time_zone="Europe/Berlin")


def browser(workspace, role):
    client = Client()
    client.force_login(Member.objects.create(workspace=workspace, role=role, email=f"{role}@l.example", password="!"))
    return client


@pytest.fixture
def admin(workspace):
    return browser(workspace, "admin")


@pytest.fixture
def viewer(workspace):
    return browser(workspace, "viewer")


@pytest.fixture
def calls(workspace):
    """Two unpriced calls of a new model and a priced one, a day apart."""
    unpriced.recount(workspace.lane)
    call = {"model": "acme-large-2", "provider": "acme", "task": "report", "cost": None, "upper_bound": Decimal("9.8"),
            "input_tokens": 1_000_000, "output_tokens": 100_000}  # fmt: skip
    record(workspace.lane, [entry("one", **call), entry("two", minutes=-1440, cached_input_tokens=500_000, **call),
                            entry("known", model="small", provider="globex", cost="3")])  # fmt: skip
    fold_all()
    yield
    unpriced.recount(workspace.lane)


def text(response, status=200):
    assert response.status_code == status, response.content[:800]
    return response.content.decode()


def work():
    orders.work(10)


class TestBook:
    def test_prices_in_force_are_listed_and_searched(self, viewer):
        assert "acme-large" in text(viewer.get("/prices"))
        found = text(viewer.get("/prices", {"q": "globex"}))
        assert "small" in found and "acme-large" not in found
        assert "No price is known" in text(viewer.get("/prices", {"q": "nothing like it"}))

    @pytest.mark.parametrize(
        ("per", "shown"), [("1M", "$4.00"), ("1K", "$0.004"), ("token", "$0.000004"), ("x", "$4.00")]
    )
    def test_token_prices_are_shown_for_a_million_a_thousand_or_one(self, viewer, per, shown):
        assert f'<td class="num">{shown}</td>' in text(viewer.get("/prices", {"q": "large", "per": per}))

    def test_a_model_shows_its_versions_a_step_chart_tiers_and_fees(self, viewer):
        page = text(viewer.get("/prices/model", {"provider": "acme", "model": "acme-large"}))
        assert page.count("<polyline") == 2 and "1 Oct 2026" in page
        assert "$20.00" in page and "batch" in page
        assert "Web search" in page and "above 200,000 tokens" in page

    def test_an_unknown_model_is_not_found(self, viewer):
        assert viewer.get("/prices/model", {"provider": "acme", "model": "no\0"}).status_code == 404

    def test_an_old_catalogue_is_warned_of(self, viewer):
        assert "days old" not in text(viewer.get("/prices"))
        CatalogueRelease.objects.update(imported_at=timezone.now() - timedelta(days=31))
        assert "The catalogue is 31 days old" in text(viewer.get("/prices"))


class TestAgreed:
    def test_an_admin_agrees_on_a_price_and_ends_it(self, admin, workspace):
        fields = {"provider": "acme", "model": "acme-large", "kind": "prices", "input": "3", "output": "12",
                  "source": "Contract 7"}  # fmt: skip
        page = text(admin.post("/prices/agreed/add", fields, follow=True))
        assert "Contract 7" in page and "$12.00" in page
        version = agree.agreed(workspace).get()
        assert "the catalogue&#x27;s holds again" in text(
            admin.post("/prices/agreed/end", {"version": version.pk}, follow=True)
        )
        assert [e.action for e in AuditEntry.objects.order_by("pk")] == ["price.added", "price.ended"]

    def test_discounts_and_free_models_too(self, admin, workspace):
        admin.post(
            "/prices/agreed/add", {"provider": "acme", "model": "*", "kind": "discount", "discount_percent": "15"}
        )
        admin.post("/prices/agreed/add", {"provider": "", "model": "own-*", "kind": "free"})
        page = text(admin.get("/prices/agreed"))
        assert "85 % of the list price" in page and "free" in page

    def test_what_is_wrong_is_said_and_the_form_keeps_what_was_typed(self, admin):
        page = text(admin.post("/prices/agreed/add", {"model": "m", "kind": "prices", "input": "2,50"}), 422)
        assert "is no price" in page and 'value="2,50"' in page

    def test_a_viewer_looks_and_changes_nothing(self, viewer, workspace):
        assert "Upload" not in text(viewer.get("/prices/agreed"))
        for address in ("add", "end", "list", "trust"):
            assert viewer.post(f"/prices/agreed/{address}", {"model": "m", "free": "1"}).status_code == 403
        assert not agree.agreed(workspace).exists()

    def test_reported_costs_can_be_trusted_and_no_longer(self, admin):
        assert "globex</span>" in text(
            admin.post("/prices/agreed/trust", {"provider": "Globex", "trusted": "1"}, follow=True)
        )
        assert "globex</span>" not in text(admin.post("/prices/agreed/trust", {"provider": "globex"}, follow=True))

    def test_a_price_that_reaches_into_the_past_leads_to_repricing_from_its_first_day(self, admin, workspace):
        for model, first in (("m-old", "2026-11-10"), ("m-later", "2999-01-01"), ("m-*", "2026-11-10")):
            admin.post("/prices/agreed/add", {"model": model, "kind": "prices", "input": "1", "output": "2",
                                              "valid_from": first, "source": "contract 7 & 8"})  # fmt: skip
        page = text(admin.get("/prices/agreed")).replace("&amp;", "&")
        asked = "/prices/reprice?from=2026-11-10&model=m-old&reason=contract+7+%26+8"
        assert asked in page and "from=2026-11-10&model=&reason" in page and "m-later&" not in page
        form = text(admin.get(asked))
        assert 'name="from" value="2026-11-10" type="date"' in form and 'value="contract 7 &amp; 8"' in form

    def test_days_are_chosen_from_a_calendar_and_times_may_still_be_written(self, admin):
        assert 'name="valid_from" value="" type="date"' in text(admin.get("/prices/agreed"))
        assert 'value="2026-11-17T16:00Z" required' in text(admin.get("/prices/reprice?from=2026-11-17T16:00Z"))


class TestList:
    def upload(self, client, csv, **fields):
        file = SimpleUploadedFile("acme 2027.csv", csv.encode() if isinstance(csv, str) else csv)
        return client.post("/prices/agreed/list", {"file": file, **fields})

    def test_a_list_is_shown_before_it_holds(self, admin, workspace):
        agree.add(workspace, agreement("small", 1), "x")
        csv = "provider;model;input;output\nacme;acme-large;3;12\nacme;small;2;2\n\n"
        page = text(self.upload(admin, csv))
        assert "1 new, 1 changed, 0 as before" in page and "input $1 per 1M" in page
        assert agree.agreed(workspace).count() == 1
        admin.post("/prices/agreed/list", {"text": csv, "name": "acme 2027.csv", "confirm": "1"})
        assert agree.agreed(workspace).count() == 2
        facts = AuditEntry.objects.get(action="price.list").facts
        assert (facts["prices"], facts["changed"]) == (2, 2)
        assert "0 new, 0 changed, 2 as before" in text(self.upload(admin, csv))

    def test_each_line_at_fault_is_named_and_nothing_of_the_list_is_taken(self, admin, workspace):
        csv = "model,input,valid_from\nok,1,\n,2,\nm,two,\nm,1,yesterday\nok,1,\nx,1\n"
        page = text(self.upload(admin, csv, confirm="1"), 422)
        faults = {3: "must not be blank", 4: "is no price", 5: "is no date", 6: "stands in line 2", 7: "2 cells"}
        for line, told in faults.items():
            assert f'<th scope="row" class="num">{line}</th>' in page
            assert told in page
        assert not agree.agreed(workspace).exists()

    @pytest.mark.parametrize(
        "csv",
        ["", "a,b\n1,2", "model,inputt\nm,1", "model,input,input\nm,1,1", b"\xff\xfe\0", 'model\n"', "model,input\n"],
    )
    def test_what_is_no_price_list_is_refused_in_a_sentence(self, admin, csv):
        assert "cannot be read" in text(self.upload(admin, csv), 422)

    def test_a_list_of_more_than_a_megabyte_is_refused(self, admin):
        assert "smaller than 1 MB" in text(self.upload(admin, "model,input\n" + "m,1\n" * 300_000), 422)


class TestUnpriced:
    def test_every_model_without_a_price_is_listed_with_what_it_costs_at_most(self, viewer, calls):
        page = text(viewer.get("/unpriced"))
        assert "acme-large-2" in page and "≤ $19.60" in page and "2 calls" in page
        assert "Tue 17 Nov 2026" in page and "Ask an admin" in page

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


class TestReprice:
    SPAN = {"from": "2026-11-01", "to": "2026-12-01"}

    def placed(self, admin, **fields):
        answer = admin.post("/prices/reprice/place", {**self.SPAN, "reason": "wrong list", "model": "", **fields})
        assert answer.status_code == 302, answer.content[:500]
        return answer["Location"]

    def test_counted_shown_confirmed_applied(self, admin, calls):
        address = self.placed(admin, model="small")
        assert "Being counted" in text(admin.get(address)) and 'hx-trigger="every 1s"' in text(admin.get(address))
        work()
        page = text(admin.get(address))
        assert "nothing is changed yet" in page and "Reprice 1 call<" in page and "$3.00" in page
        assert not SpendAdjustment.objects.exists()
        admin.post(f"{address}/confirm")
        work()
        assert "Applied" in text(admin.get(address))
        assert SpendAdjustment.objects.count() == 1
        admin.post(f"{address}/confirm")
        work()
        assert SpendAdjustment.objects.count() == 1 and verify(deep=True).ok
        assert "wrong list" in text(admin.get("/prices/reprice"))

    def test_nothing_to_change_is_said(self, admin, calls):
        address = self.placed(admin, model="nobody's")
        work()
        assert "there is nothing to change" in text(admin.get(address))

    @pytest.mark.parametrize(
        ("fields", "told"),
        [({"from": "x"}, "is no date"), ({"to": "2026-11-01"}, "must be later"), ({"reason": " "}, "Say why")],
    )
    def test_what_cannot_be_is_said(self, admin, fields, told):
        assert told in text(admin.post("/prices/reprice/place", {**self.SPAN, "reason": "r", **fields}), 422)

    def test_a_viewer_looks_and_a_stranger_does_not(self, admin, viewer, calls):
        address = self.placed(admin)
        assert "Being counted" in text(viewer.get(address))
        assert viewer.post(f"{address}/confirm").status_code == 403
        assert viewer.post("/prices/reprice/place", self.SPAN).status_code == 403
        stranger = browser(Workspace.objects.create(name="Elsewhere"), "owner")
        assert stranger.get(address).status_code == 404
        assert stranger.post(f"{address}/confirm").status_code == 404

    def test_for_htmx_the_progress_comes_alone(self, admin, calls):
        page = text(admin.get(self.placed(admin), headers={"HX-Request": "true", "HX-Target": "order"}))
        assert page.lstrip().startswith('<div class="stack" id="order"')


class TestTryIt:
    USAGE = '{"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 400}}'

    def test_a_usage_object_shows_which_price_wins_and_every_part(self, viewer):
        page = text(viewer.post("/prices/try", {"model": "acme-large", "provider": "acme", "usage": self.USAGE}))
        # 600 x 4 + 400 x 0.4 + 100 x 16 per million
        assert "$0.00416" in page and "acme-prices 1" in page and "cache read" in page
        assert "$4.00 per 1M" in page and "<dd>from 1 Oct 2026</dd>" in page

    def test_a_price_without_a_beginning_holds_always(self, viewer):
        asked = {"model": "small", "provider": "globex", "usage": '{"input_tokens": 5}'}
        assert "<dd>always</dd>" in text(viewer.post("/prices/try", asked))

    def test_plain_counts_are_understood_too(self, viewer):
        usage = '{"input_tokens": 1000000, "batch": true}'
        page = text(viewer.post("/prices/try", {"model": "acme-large", "provider": "acme", "usage": usage}))
        assert "$2.00" in page and "batch" in page

    def test_an_agreed_price_wins_with_the_list_price_beside_it(self, admin, workspace):
        agree.add(workspace, agreement("acme-large", 3), "x")
        page = text(admin.post("/prices/try", {"model": "acme-large", "provider": "acme", "usage": self.USAGE}))
        assert "override" in page and "agreed" in page and "List price" in page

    def test_an_unknown_model_is_unpriced_with_a_bound(self, viewer):
        page = text(viewer.post("/prices/try", {"model": "what", "provider": "acme", "usage": self.USAGE}))
        assert "Unpriced" in page and "it is at most" in page

    @pytest.mark.parametrize(
        "usage", ["{", "[" * 5000, "1", '{"prompt_tokens": -1}', "\0", '"\\ud800"', '{"usage": 1e999}']
    )
    def test_what_is_no_usage_is_said_and_never_a_fault(self, viewer, usage):
        assert viewer.post("/prices/try", {"model": "acme-large", "usage": usage}).status_code in (200, 422)

    def test_for_htmx_the_answer_comes_alone(self, viewer):
        fields = {"model": "acme-large", "provider": "acme", "usage": self.USAGE}
        page = text(viewer.post("/prices/try", fields, headers={"HX-Request": "true"}))
        assert page.lstrip().startswith("<section") and "<form" not in page


def agreement(model, usd):
    from zoneinfo import ZoneInfo

    from costwatch.pricing.agreements import parse

    return parse({"provider": "acme", "model": model, "input": usd, "output": usd}, ZoneInfo("UTC"))


def test_a_model_whose_calls_may_cost_nothing_at_most_stands_in_the_inbox(admin, workspace):
    record(workspace.lane, [entry(model="acme-new", provider="acme", cost=None, upper_bound=Decimal(0))])
    fold_all()
    (item,) = unpriced.inbox(workspace)
    assert (item.model, item.at_most) == ("acme-new", Decimal(0))
    assert "acme-new" in text(admin.get("/unpriced"))
