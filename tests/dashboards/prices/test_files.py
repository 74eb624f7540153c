"""Prices as files: what the pages show, whole, with all that a price is made of."""

import csv
from datetime import timedelta
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from costwatch.pricing import agree, pricelist
from tests.dashboards.prices.conftest import agreement, text

pytestmark = pytest.mark.django_db


def lines(client, address, **asked) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text(client.get(address, asked)), newline="")))


def of(found, model, component):
    return [line for line in found if (line["model"], line["component"]) == (model, component)]


class TestBook:
    def test_a_line_says_one_component_of_a_price_in_force(self, viewer):
        found = lines(viewer, "/prices.csv", q="acme")
        first, above = of([line for line in found if line["tier"] == "standard"], "acme-large", "input")
        assert (first["provider"], first["origin"], first["release"]) == ("acme", "catalog", "acme-prices 1")
        assert (first["price_usd"], first["per_units"], first["above_tokens"]) == ("4", "1000000", "0")
        assert (above["price_usd"], above["above_tokens"]) == ("9", "200000")
        assert (first["valid_from"], first["valid_until"]) == ("2026-10-01T00:00:00Z", "")
        (search,) = of(found, "acme-large", "web_search")
        assert (search["price_usd"], search["per_units"]) == ("0.01", "1")
        assert [line["tier"] for line in found if line["component"] == "output"] == ["batch", "standard"]

    def test_token_prices_are_for_as_many_as_the_page_says(self, viewer):
        (line,) = of(lines(viewer, "/prices.csv", q="globex", per="token"), "small", "input")
        assert (line["price_usd"], line["per_units"]) == ("0.00000015", "1")
        assert lines(viewer, "/prices.csv", per="x") == lines(viewer, "/prices.csv", per="1M")

    def test_the_file_holds_what_the_search_finds_and_not_one_page_of_it(self, viewer, workspace):
        for n in range(70):
            agree.add(workspace, agreement(f"own-{n}", 1), "x")
        found = lines(viewer, "/prices.csv", q="own")
        assert len({line["model"] for line in found}) == 70
        assert {line["origin"] for line in found} == {"override"}
        assert lines(viewer, "/prices.csv", q="nothing like it") == []

    def test_a_share_of_the_list_price_and_what_is_free_are_lines_too(self, viewer, admin):
        asked = {"provider": "acme", "model": "*", "kind": "discount", "discount_percent": "15"}
        admin.post("/prices/agreed/add", asked)
        admin.post("/prices/agreed/add", {"provider": "", "model": "own-*", "kind": "free"})
        free, share = (line for line in lines(viewer, "/prices.csv") if line["origin"] == "override")
        assert (share["multiplier"], share["free"], share["component"]) == ("0.850000", "false", "")
        assert (free["provider"], free["tier"], free["free"], free["price_usd"]) == ("", "every", "true", "")

    def test_the_page_leads_to_it_with_its_search_and_unit(self, viewer):
        page = text(viewer.get("/prices", {"q": "acme large", "per": "1K"}))
        assert '<a href="/prices.csv?q=acme%20large&amp;per=1K">CSV</a>' in page
        assert "/prices.csv" not in text(viewer.get("/prices", {"q": "nothing like it"}))
        assert 'filename="prices-acme-large.csv"' in viewer.get("/prices.csv?q=acme large")["Content-Disposition"]


class TestModel:
    def test_all_versions_of_a_model_are_in_its_file(self, viewer):
        asked = {"provider": "acme", "model": "acme-large"}
        found = [line for line in lines(viewer, "/prices/model.csv", **asked) if line["component"] == "output"]
        assert [(line["tier"], line["valid_from"], line["price_usd"]) for line in found] == [
            ("standard", "2026-10-01T00:00:00Z", "16"), ("standard", "", "20"), ("batch", "", "8"),
        ]  # fmt: skip
        page = text(viewer.get("/prices/model", asked))
        assert page.count('"/prices/model.csv?provider=acme&amp;model=acme-large&amp;per=1M">CSV</a>') == 1

    @pytest.mark.parametrize("model", ["", "unknown", "no\0"])
    def test_the_file_of_an_unknown_model_is_not_found(self, viewer, model):
        assert viewer.get("/prices/model.csv", {"provider": "acme", "model": model}).status_code == 404


class TestAgreed:
    @pytest.fixture
    def several(self, admin, workspace):
        """Prices, a discount, something free, one that has ended, one with a context tier, a name like a formula."""
        fields = {"kind": "prices", "input": "3", "cached_input": "0.30", "output": "12", "source": "=Contract 7"}
        admin.post("/prices/agreed/add", {**fields, "provider": "acme", "model": "@cf/acme-large"})
        admin.post("/prices/agreed/add", {"provider": "acme", "model": "*", "kind": "discount",
                                          "discount_percent": "12.5", "valid_from": "2026-11-01"})  # fmt: skip
        admin.post("/prices/agreed/add", {"provider": "", "model": "own-*", "kind": "free"})
        ended = agree.add(workspace, agreement("small", "0.1"), "x")
        agree.end(ended, timezone.now() - timedelta(days=1), "x")
        listed = "model,tier,input,input_above_200000,web_search_per_1k\nlong,batch,1,2,10\n"
        admin.post("/prices/agreed/list", {"text": listed, "name": "x", "confirm": "1"})

    def test_the_file_is_a_price_list_which_uploaded_as_it_is_changes_nothing(self, admin, workspace, several):
        before = list(agree.agreed(workspace).values_list("pk", "valid_from", "valid_until"))
        answer = admin.get("/prices/agreed.csv")
        assert 'filename="agreed-prices.csv"' in answer["Content-Disposition"]
        file = SimpleUploadedFile("agreed-prices.csv", answer.content)
        assert "0 new, 0 changed, 5 as before" in text(admin.post("/prices/agreed/list", {"file": file}))
        asked = {"text": answer.content.decode(), "name": "agreed-prices.csv", "confirm": "1"}
        assert "0 prices of agreed-prices.csv are in force" in text(
            admin.post("/prices/agreed/list", asked, follow=True)
        )
        assert list(agree.agreed(workspace).values_list("pk", "valid_from", "valid_until")) == before

    def test_what_is_changed_in_it_is_all_that_changes(self, admin, several):
        changed = text(admin.get("/prices/agreed.csv")).replace("0.875", "0.8")
        assert "0 new, 1 changed, 4 as before" in text(admin.post("/prices/agreed/list", {"text": changed}))

    def test_whoever_sees_the_page_gets_the_file_of_the_own_workspace(self, viewer, stranger, several):
        assert "@cf/acme-large" in text(viewer.get("/prices/agreed.csv"))
        assert text(stranger.get("/prices/agreed.csv")).split("\r\n")[1:] == [""]

    def test_the_page_leads_to_it_where_anything_is_agreed(self, viewer, workspace):
        assert "/prices/agreed.csv" not in text(viewer.get("/prices/agreed"))
        agree.add(workspace, agreement("small", 1), "x")
        assert '<a href="/prices/agreed.csv">CSV</a>' in text(viewer.get("/prices/agreed"))

    def test_a_file_that_ends_before_its_list_says_so(self, viewer, workspace, monkeypatch):
        monkeypatch.setattr(pricelist, "MOST_LINES", 2)
        for n in range(3):
            agree.add(workspace, agreement(f"m-{n}", 1), "x")
        answer = viewer.get("/prices/agreed.csv")
        assert 'filename="agreed-prices-first-2.csv"' in answer["Content-Disposition"]
        assert len(answer.content.splitlines()) == 3
