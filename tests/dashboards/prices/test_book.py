"""The pages of the price book and of agreed prices, as a browser without scripts gets them."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from costwatch.accounts.models import AuditEntry
from costwatch.pricing import agree
from costwatch.pricing.models import CatalogueRelease
from tests.dashboards.prices.conftest import agreement, text

pytestmark = pytest.mark.django_db


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
